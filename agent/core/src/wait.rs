//! The one place that waits. Tests move its clock (`tokio::time::pause`); nothing else in the engine sleeps.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;

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
    /// How long a call may be under way before the client gives it up.
    pub call: Duration,
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
    /// Ends every wait early.
    pub halt: Halt,
    /// What the lease is kept by.
    pub clock: Clock,
}

/// Asks a pass to come to an end: a call under way is waited for, no other changing call is made, and nothing is waited for
/// any longer. The default never asks.
#[derive(Clone, Debug, Default)]
pub struct Halt(Option<watch::Receiver<Option<&'static str>>>);

/// The other end of a [`Halt`].
#[derive(Debug)]
pub struct Halter(watch::Sender<Option<&'static str>>);

impl Halter {
    /// Asks, with the reason as reports give it (`a newer revision is there`).
    pub fn halt(&self, reason: &'static str) {
        self.0.send_if_modified(|asked| asked.replace(reason).is_none());
    }
}

impl Halt {
    /// One that can be asked for.
    pub fn new() -> (Halter, Self) {
        let (sender, receiver) = watch::channel(None);
        (Halter(sender), Self(Some(receiver)))
    }

    /// The reason, once it was asked for.
    pub fn reason(&self) -> Option<&'static str> {
        *self.0.as_ref()?.borrow()
    }

    /// Ends when it is asked for; never, if nobody can ask.
    async fn asked(&mut self) {
        if let Some(receiver) = &mut self.0
            && receiver.wait_for(Option::is_some).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            settle: Duration::from_mins(1),
            ready: Duration::from_secs(20),
            busy: Duration::from_mins(1),
            intent: Duration::from_mins(1),
            call: Duration::from_secs(30),
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            at_once: 8,
            lease: Duration::from_mins(2),
            between_passes: Duration::from_secs(10),
            halt: Halt::default(),
            clock: Clock::default(),
        }
    }
}

/// A bounded series of looks with growing pauses.
pub struct Patience {
    until: Instant,
    pause: Duration,
    longest: Duration,
    halt: Halt,
}

impl Timing {
    /// Patience for so long from now.
    pub fn patience(&self, for_so_long: Duration) -> Patience {
        Patience {
            until: Instant::now() + for_so_long,
            pause: self.first,
            longest: self.longest,
            halt: self.halt.clone(),
        }
    }
}

impl Patience {
    /// Pauses and answers whether there is still patience for another look.
    pub async fn again(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.until || self.halt.reason().is_some() {
            return false;
        }
        let pause = tokio::time::sleep(self.pause.min(self.until - now));
        self.pause = (self.pause * 3 / 2).min(self.longest);
        tokio::select! {
            () = pause => true,
            () = self.halt.asked() => false,
        }
    }
}

/// Pauses.
pub async fn pause(for_so_long: Duration) {
    tokio::time::sleep(for_so_long).await;
}
