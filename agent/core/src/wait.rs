//! The one place that waits. Tests move its clock (`tokio::time::pause`); nothing else in the engine sleeps.

use std::time::Duration;

use tokio::time::Instant;

/// How long the engine has patience for what. The defaults fit AWS; tests and the simulation set their own.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Until a change that AWS accepted is seen in a read.
    pub settle: Duration,
    /// Until a thing that is coming is in working order, before the pass goes on without it.
    pub ready: Duration,
    /// Until a thing that is in use, or that AWS is busy with, lets itself be changed or deleted.
    pub busy: Duration,
    /// After which a creating call of which no answer came, and of which no trace was seen, counts as not carried out.
    pub intent: Duration,
    /// The first pause between two looks; each further one is half as long again.
    pub first: Duration,
    /// The longest pause between two looks.
    pub longest: Duration,
    /// How many steps are under way at once.
    pub at_once: usize,
    /// How long a lease holds without being renewed.
    pub lease: Duration,
    /// The pause between two passes that wait for something.
    pub between_passes: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            settle: Duration::from_mins(1),
            ready: Duration::from_secs(20),
            busy: Duration::from_mins(1),
            intent: Duration::from_mins(1),
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            at_once: 8,
            lease: Duration::from_mins(2),
            between_passes: Duration::from_secs(10),
        }
    }
}

/// A bounded series of looks with growing pauses.
pub struct Patience {
    until: Instant,
    pause: Duration,
    longest: Duration,
}

impl Timing {
    /// Patience for so long from now.
    pub fn patience(&self, for_so_long: Duration) -> Patience {
        Patience { until: Instant::now() + for_so_long, pause: self.first, longest: self.longest }
    }
}

impl Patience {
    /// Pauses and answers whether there is still patience for another look.
    pub async fn again(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        tokio::time::sleep(self.pause.min(self.until - now)).await;
        self.pause = (self.pause * 3 / 2).min(self.longest);
        true
    }
}

/// Pauses.
pub async fn pause(for_so_long: Duration) {
    tokio::time::sleep(for_so_long).await;
}
