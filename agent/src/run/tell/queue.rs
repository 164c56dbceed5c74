//! What one receiver is still to be told, in order, and the task that tells it: again and again with longer and longer pauses, until
//! it knows, or it is too late. Nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::desk::Desk;
use super::message::{Message, Receiver};
use super::send::{Answer, Client};

/// How much waits at most; the oldest goes first.
pub const MOST: usize = 1024;
/// How long somebody is tried to be told something. After that it is told when the stack is looked at again, if it is still so.
pub const GIVEN_UP: Duration = Duration::from_hours(1);
/// How often something is tried that is refused: a commit that was pushed a moment ago may not be everywhere yet.
const REFUSALS: u32 = 3;
/// After how many attempts the log says that somebody cannot be told for now.
const SILENT: u32 = 5;
/// The first pause, and the longest; each is twice as long as the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What one receiver is still to be told.
pub struct Queue {
    /// Who.
    pub receiver: Receiver,
    waiting: Mutex<VecDeque<Message>>,
    more: Notify,
}

impl Queue {
    /// An empty one.
    pub fn new(receiver: Receiver) -> Self {
        Self { receiver, waiting: Mutex::default(), more: Notify::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Something more; what has to go for it, if the queue is full.
    pub fn push(&self, message: Message) -> Option<Message> {
        let mut waiting = self.waiting();
        let lost = if waiting.len() >= MOST { waiting.pop_front() } else { None };
        waiting.push_back(message);
        self.more.notify_one();
        lost
    }

    /// The next one, if there is one.
    pub fn try_next(&self) -> Option<Message> {
        self.waiting().pop_front()
    }

    /// The next one; none when the agent ends and nothing waits.
    async fn next(&self, ending: &mut watch::Receiver<bool>) -> Option<Message> {
        loop {
            if let Some(message) = self.try_next() {
                return Some(message);
            }
            if *ending.borrow() {
                return None;
            }
            tokio::select! {
                () = self.more.notified() => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
        }
    }
}

/// The pause after so many attempts, before jitter.
fn pause(attempts: u32) -> Duration {
    let (first, longest) = PAUSES;
    first.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(longest)
}

/// Between half of it and all of it.
fn with_jitter(pause: Duration) -> Duration {
    let chance = u32::try_from(crate::run::random() % 1000).unwrap_or_default();
    pause / 2 + pause / 2 * chance / 1000
}

/// How telling something ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Told,
    NotTold {
        result: &'static str,
        why: String,
        hint: Option<&'static str>,
    },
    /// The agent ends.
    Cut,
}

/// Tells what is in a queue until the agent ends: what waits then is tried once more.
pub async fn work(desk: Arc<Desk>, n: usize, client: Arc<Client>, mut ending: watch::Receiver<bool>) {
    let Some(queue) = desk.queues.get(n) else { return };
    let name = &queue.receiver.name;
    // Somebody who cannot be told is a line in the log, and not one for each revision.
    let mut trouble: Option<String> = None;
    while let Some(message) = queue.next(&mut ending).await {
        let Message { stack, revision, outcome, .. } = &message;
        let (stack, outcome) = (stack.as_deref(), outcome.word());
        let revision = crate::run::short(revision);
        let attempt = || client.tell(&queue.receiver, &message);
        match tell(&desk, name, message.queued, attempt, &mut trouble, &mut ending).await {
            Ended::Told => {
                debug!(receiver = name, stack, revision, outcome, "told");
                if trouble.take().is_some() {
                    info!(receiver = name, "notifications arrive again");
                }
                desk.count(name, "told");
                desk.was_told(n, &message);
            }
            Ended::NotTold { result, why, hint } => {
                if trouble.as_ref() == Some(&why) {
                    debug!(receiver = name, stack, revision, outcome, "could not be told: {why}");
                } else {
                    warn!(receiver = name, stack, revision, outcome, help = hint, "could not be told: {why}");
                }
                trouble = Some(why);
                desk.count(name, result);
                desk.was_not_told(n, &message);
            }
            Ended::Cut => {
                warn!(receiver = name, left = queue.len() + 1, "the agent ends before all was told");
                return;
            }
        }
        desk.show_length(n);
    }
}

async fn tell<F: Future<Output = Answer>>(
    desk: &Desk,
    receiver: &str,
    queued: Instant,
    attempt: impl Fn() -> F,
    trouble: &mut Option<String>,
    ending: &mut watch::Receiver<bool>,
) -> Ended {
    let until = queued + GIVEN_UP;
    let (mut attempts, mut refusals) = (0, 0);
    loop {
        attempts += 1;
        let (wait, why) = match attempt().await {
            Answer::Told => return Ended::Told,
            Answer::Refused { why, hint } => {
                refusals += 1;
                if refusals >= REFUSALS {
                    return Ended::NotTold { result: "refused", why, hint: Some(hint) };
                }
                (None, why)
            }
            Answer::Later { wait, why } => (wait, why),
        };
        if attempts == SILENT && trouble.is_none() {
            warn!(receiver, "cannot be told for now, and is tried again: {why}");
            *trouble = Some(why.clone());
        }
        // What a receiver asks for may be more than a clock can count to.
        let pause = wait.unwrap_or_else(|| with_jitter(pause(attempts))).min(GIVEN_UP);
        if Instant::now() + pause >= until {
            let why = format!("given up after {} minutes: {why}", GIVEN_UP.as_secs() / 60);
            return Ended::NotTold { result: "given_up", why, hint: None };
        }
        if *ending.borrow() {
            return Ended::Cut;
        }
        desk.count(receiver, "retried");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = ending.wait_for(|ending| *ending) => return Ended::Cut,
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
