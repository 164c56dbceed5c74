//! How long a call to AWS is tried again: with growing pauses, and only as long as a task's start may wait. On Fargate
//! a container that others wait for has at most 120 seconds (`startTimeout`); all tries together stay below, so that the
//! sentence about the cause is in the log before Amazon ECS stops the task.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

use super::{Problem, Result};

/// From the program's start, for what passes: throttling, AWS's own faults, connections.
const TRANSIENT: Duration = Duration::from_secs(90);
/// From the first refusal: a role that was just made is not known everywhere in AWS yet.
const DENIED: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Time, so that tests need not wait for it.
pub trait Clock {
    /// Since the program started.
    fn elapsed(&self) -> Duration;
    /// The time of day, for signatures.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, time: Duration);
    /// Between 0 and 1, another one each time: many tasks that start at once must not come back at once.
    fn chance(&self) -> f64;
}

/// The real one.
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts it.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn chance(&self) -> f64 {
        // The standard library's own random keys: enough for a pause.
        let bytes = RandomState::new().hash_one(0).to_le_bytes();
        f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / f64::from(u32::MAX)
    }
}

/// Why a try failed.
#[derive(Debug)]
pub enum Failure {
    /// It may work in a moment.
    Transient(Problem),
    /// It is not allowed, or not yet.
    Denied(Problem),
    /// It will not get better.
    Final(Problem),
}

/// What is left of the time; one for the whole run.
pub struct Patience<'a> {
    clock: &'a dyn Clock,
    denied_since: Cell<Option<Duration>>,
}

impl<'a> Patience<'a> {
    /// All of it is left.
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, denied_since: Cell::new(None) }
    }

    /// Tries until it works, until it cannot, or until the time is over.
    pub fn retry<T>(&self, mut attempt: impl FnMut() -> std::result::Result<T, Failure>) -> Result<T> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 0_u32;
        loop {
            tries += 1;
            let problem = match attempt() {
                Ok(value) => return Ok(value),
                Err(Failure::Final(problem)) => return Err(problem),
                Err(Failure::Transient(problem)) if self.clock.elapsed() < TRANSIENT => problem,
                Err(Failure::Denied(problem)) if self.may_be_allowed_yet() => problem,
                Err(Failure::Transient(problem) | Failure::Denied(problem)) => {
                    return Err(Problem::new(format!("{problem} (tried {tries} times)")));
                }
            };
            drop(problem);
            self.clock.sleep(pause.mul_f64(0.5 + self.clock.chance() / 2.0));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn may_be_allowed_yet(&self) -> bool {
        let now = self.clock.elapsed();
        let since = self.denied_since.get().unwrap_or(now);
        self.denied_since.set(Some(since));
        now.saturating_sub(since) < DENIED
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A clock that moves when somebody sleeps, and at no other time.
    pub struct FakeClock {
        now: Cell<Duration>,
        pub pauses: std::cell::RefCell<Vec<Duration>>,
    }

    impl FakeClock {
        pub fn start() -> Self {
            Self { now: Cell::new(Duration::ZERO), pauses: std::cell::RefCell::default() }
        }
    }

    impl Clock for FakeClock {
        fn elapsed(&self) -> Duration {
            self.now.get()
        }

        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + self.now.get()
        }

        fn sleep(&self, time: Duration) {
            self.pauses.borrow_mut().push(time);
            self.now.set(self.now.get() + time);
        }

        fn chance(&self) -> f64 {
            1.0
        }
    }

    fn run(failure: impl Fn(usize) -> Option<Failure>) -> (Result<()>, FakeClock) {
        let clock = FakeClock::start();
        let patience = Patience::new(&clock);
        let mut tries = 0;
        let outcome = patience.retry(|| {
            tries += 1;
            failure(tries).map_or(Ok(()), Err)
        });
        (outcome, clock)
    }

    #[test]
    fn what_passes_is_waited_for_with_growing_pauses() {
        let (outcome, clock) = run(|tries| (tries < 9).then(|| Failure::Transient(Problem::new("busy"))));
        outcome.expect("in the end");
        let pauses: Vec<_> = clock.pauses.borrow().iter().map(Duration::as_millis).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn what_does_not_pass_is_given_up_within_a_hundred_seconds() {
        let (outcome, clock) = run(|_| Some(Failure::Transient(Problem::new("busy"))));
        let said = outcome.expect_err("given up").to_string();
        assert!(said.starts_with("busy (tried ") && clock.elapsed() >= TRANSIENT, "{said}");
        assert!(clock.elapsed() < TRANSIENT + LONGEST_PAUSE);
    }

    #[test]
    fn a_role_that_is_not_known_yet_is_given_thirty_seconds_in_all() {
        let (outcome, clock) = run(|tries| (tries < 4).then(|| Failure::Denied(Problem::new("denied"))));
        outcome.expect("in the end");
        assert_eq!(clock.elapsed(), Duration::from_millis(700));
        let (outcome, clock) = run(|_| Some(Failure::Denied(Problem::new("denied"))));
        assert!(outcome.is_err() && clock.elapsed() >= DENIED && clock.elapsed() < DENIED + LONGEST_PAUSE);
        // A second call of the same run does not get the time again.
        let patience = Patience { clock: &clock, denied_since: Cell::new(Some(Duration::ZERO)) };
        let before = clock.elapsed();
        assert!(patience.retry(|| Err::<(), _>(Failure::Denied(Problem::new("denied")))).is_err());
        assert_eq!(clock.elapsed(), before);
    }

    #[test]
    fn what_cannot_get_better_is_not_tried_again() {
        let (outcome, clock) = run(|_| Some(Failure::Final(Problem::new("no"))));
        assert_eq!(outcome.expect_err("no").to_string(), "no");
        assert!(clock.pauses.borrow().is_empty());
    }
}
