//! Lockstep: answers are held back until every call of the wave has its answer and no new call has come for a while, then
//! all are given at once. So the number of waves is the number of rounds of dependent calls, as if every call took equally
//! long; how an emulator, which answers one call at a time, happens to order them does not show.

use std::time::Duration;

use tokio::time::Instant;

/// How long nothing new must have come: longer than what a client does between an answer and its next call.
pub const QUIET: Duration = Duration::from_millis(100);

/// The waves of a wire.
#[derive(Debug)]
pub struct Waves {
    /// The wave of the calls that come now, from 1.
    now: usize,
    /// Calls of this wave without an answer yet.
    under_way: usize,
    latest: Instant,
}

impl Waves {
    pub fn new() -> Self {
        Self { now: 1, under_way: 0, latest: Instant::now() }
    }

    /// A call comes; gives its wave.
    pub fn enter(&mut self) -> usize {
        self.under_way += 1;
        self.latest = Instant::now();
        self.now
    }

    /// A call of this wave has its answer, or never will.
    pub fn answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Whether the answers of that wave may go.
    pub fn is_over(&mut self, wave: usize) -> bool {
        if self.now == wave && self.under_way == 0 && self.latest.elapsed() >= QUIET {
            self.now += 1;
        }
        self.now > wave
    }
}
