//! Whether the agent makes progress: each part that has to move says so when it does, and is stuck once it has not for longer
//! than it may. A pass moves with every call that ends, so that a deployment of half an hour, which is watched with reads all
//! the time, is no hung one.
//!
//! The watchdog of systemd is fed by the loop and by nothing else, and only while nothing is stuck.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long the loop may take over what it does between two turns: understanding a commit of the largest size takes a part of it.
pub const LOOP: Duration = Duration::from_mins(1);
/// How long a pass may go without a call that ends, at least. A call has four attempts of 30 s with pauses between them.
const PASS: Duration = Duration::from_mins(5);
/// What a reading of a repository may take beyond its own limit.
pub const READING: Duration = Duration::from_mins(1);

/// How long a pass may go without a call that ends, where a reading of its source takes so long: it may have to wait for two, in
/// which nobody calls AWS.
pub fn of_pass(reading: Duration) -> Duration {
    PASS.max(reading * 2 + READING)
}

/// What has to move.
#[derive(Default)]
pub struct Pulse(Mutex<BTreeMap<String, Part>>);

struct Part {
    moved: Instant,
    may_rest: Duration,
}

impl Pulse {
    /// A part has to move from now on, and may rest for so long in between.
    pub fn begin(&self, name: &str, may_rest: Duration) {
        self.with(|parts| parts.insert(name.to_owned(), Part { moved: Instant::now(), may_rest }));
    }

    /// It has moved.
    pub fn moved(&self, name: &str) {
        self.with(|parts| parts.get_mut(name).map(|part| part.moved = Instant::now()));
    }

    /// It has nothing more to do.
    pub fn end(&self, name: &str) {
        self.with(|parts| parts.remove(name));
    }

    /// What is stuck, in words for people.
    pub fn stuck(&self) -> Option<String> {
        let now = Instant::now();
        self.with(|parts| {
            let (name, part) = parts.iter().find(|(_, part)| now.duration_since(part.moved) > part.may_rest)?;
            Some(format!("{name} has made no progress for {} s", now.duration_since(part.moved).as_secs()))
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Part>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_may_wait_for_two_readings_of_its_source() {
        assert_eq!(of_pass(Duration::from_mins(2)), Duration::from_mins(5));
        assert_eq!(of_pass(Duration::from_mins(10)), Duration::from_mins(21));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_is_stuck_once_it_rests_too_long_and_another_does_not_hide_it() {
        let pulse = Pulse::default();
        pulse.begin("the loop", LOOP);
        pulse.begin("the pass over a", PASS);
        // A deployment of two hours: a read every few seconds.
        for _ in 0..1440 {
            tokio::time::advance(Duration::from_secs(5)).await;
            pulse.moved("the loop");
            pulse.moved("the pass over a");
            assert_eq!(pulse.stuck(), None);
        }
        for _ in 0..60 {
            assert_eq!(pulse.stuck(), None);
            tokio::time::advance(Duration::from_secs(5)).await;
            pulse.moved("the loop");
        }
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(pulse.stuck().as_deref(), Some("the pass over a has made no progress for 305 s"));
        pulse.end("the pass over a");
        assert_eq!(pulse.stuck(), None);
        tokio::time::advance(LOOP).await;
        assert_eq!(pulse.stuck().as_deref(), Some("the loop has made no progress for 65 s"));
        pulse.moved("the loop");
        assert_eq!(pulse.stuck(), None);
    }
}
