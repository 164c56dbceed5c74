//! How much time has passed, as far as this machine can tell: what the lease of a stack is kept by. It measures; it never tells
//! what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Two clocks, of which the one is believed that says that more time has passed. The steady one goes on while the process is
/// stopped, and stands still while the machine sleeps; the clock on the wall shows that once it is set again. That it may jump
/// ahead for no reason does no harm: a lease is renewed too early then.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> Reading + Send + Sync>>);

/// What both clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The steady one.
    pub steady: Instant,
    /// The one on the wall.
    pub wall: Timestamp,
}

impl Clock {
    /// One that tests move.
    pub fn of(read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    /// One whose hands follow the clock that tests move, in which a real millisecond is nothing.
    pub fn moved_by_tests() -> Self {
        let began = Instant::now();
        let wall = move || Timestamp::UNIX_EPOCH + SignedDuration::try_from(began.elapsed()).unwrap_or_default();
        Self::of(move || Reading { steady: Instant::now(), wall: wall() })
    }

    /// What both show now.
    pub fn now(&self) -> Reading {
        match &self.0 {
            Some(read) => read(),
            None => Reading { steady: Instant::now(), wall: Timestamp::now() },
        }
    }

    /// How much time has passed since then, at most.
    pub fn since(&self, then: Reading) -> Duration {
        let now = self.now();
        let by_wall = now.wall.as_millisecond().saturating_sub(then.wall.as_millisecond());
        let by_wall = Duration::from_millis(u64::try_from(by_wall).unwrap_or_default());
        now.steady.saturating_duration_since(then.steady).max(by_wall)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_clocks_the_one_is_believed_by_which_more_time_has_passed() {
        let then = Reading { steady: Instant::now(), wall: Timestamp::UNIX_EPOCH };
        let after = |steady: u64, wall: i64| {
            let now = Reading {
                steady: then.steady + Duration::from_secs(steady),
                wall: Timestamp::from_second(wall).unwrap_or_default(),
            };
            Clock::of(move || now).since(then).as_secs()
        };
        assert_eq!(after(5, 5), 5);
        assert_eq!(after(0, 300), 300, "the machine slept");
        assert_eq!(after(7, -3600), 7, "the clock was set back");
    }
}
