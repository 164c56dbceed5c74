//! What is known of who was told what: the loop and the passes say what happened, the queues what was told, and the record of each
//! stack in AWS what another process has told. Nobody waits for anybody here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_core::schedule::How;
use agent_core::state::Store;
use agent_core::told::{Outcome, Told};
use agent_core::work::heard_by;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::message::{Message, Receiver};
use super::queue::Queue;
use crate::audit::Audit;
use crate::config::notify::Notify as Config;
use crate::run::board::Board;
use crate::run::ear::Hears;

/// How long a stack may fail and be tried again before that counts as a failure.
pub const PATIENCE: Duration = Duration::from_mins(5);
/// How long writing one record may take.
const WRITING: Duration = Duration::from_secs(10);

/// What something is told of.
#[derive(Clone, Debug)]
pub struct About {
    /// The stack; none for a revision as a whole.
    pub stack: Option<String>,
    /// The revision.
    pub revision: String,
    /// The address of its repository, as it is configured.
    pub url: String,
    /// The branch.
    pub branch: String,
}

impl About {
    /// What is remembered under one name: a stack, or the revisions of a source.
    fn subject(&self) -> String {
        self.stack.clone().unwrap_or_else(|| format!("{} {}", self.url, self.branch))
    }
}

/// What is known of one stack.
#[derive(Default)]
struct Memory {
    /// The revision that counts now.
    newest: String,
    /// Where its record is.
    store: Option<Arc<dyn Store>>,
    /// What the record says.
    recorded: Told,
    /// What was told.
    told: Told,
    /// The same with what is still to be told.
    queued: Told,
    /// Since when it fails and is tried again.
    failing: Option<Instant>,
}

/// What is known of who was told what.
pub struct Desk {
    /// One for each receiver.
    pub queues: Vec<Queue>,
    memory: Mutex<BTreeMap<String, Memory>>,
    /// A record is to be written.
    pub news: Notify,
    board: Arc<Board>,
    /// The digest of the rules that are in force, for the audit log.
    policy: String,
}

impl Desk {
    /// One for these receivers.
    pub fn new(receivers: &[Config], policy: String, board: Arc<Board>) -> Arc<Self> {
        let queues = receivers.iter().cloned().map(Receiver::new).map(Queue::new).collect();
        Arc::new(Self { queues, memory: Mutex::default(), news: Notify::new(), board, policy })
    }

    fn memory(&self) -> MutexGuard<'_, BTreeMap<String, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of a stack that counts from now on: what comes to an end of another one is no news.
    pub fn newest(&self, about: &About) {
        if let Some(stack) = about.stack.as_ref().filter(|_| !self.queues.is_empty()) {
            self.memory().entry(stack.clone()).or_default().newest.clone_from(&about.revision);
        }
    }

    /// A stack is not followed any longer.
    pub fn forget(&self, stack: &str) {
        self.memory().remove(stack);
    }

    /// Whether somebody is to be told of it, and its record was not read yet.
    pub fn lacks(&self, stack: &str) -> bool {
        !self.queues.is_empty() && self.memory().get(stack).is_some_and(|memory| memory.store.is_none())
    }

    /// Its record was read.
    pub fn read(&self, stack: &str, record: Option<&str>, store: Arc<dyn Store>) {
        if self.queues.is_empty() {
            return;
        }
        let record = record.map(Told::parse).unwrap_or_default();
        if let Some(memory) = self.memory().get_mut(stack) {
            memory.store = Some(store);
            memory.told.merge(&record);
            memory.queued.merge(&record);
            memory.recorded = record;
        }
    }

    /// A pass over a stack has ended.
    pub fn ended(&self, about: &About, how: How, reasons: &[String]) {
        let is_over = |memory: &mut Memory| {
            let since = *memory.failing.get_or_insert_with(Instant::now);
            since.elapsed() >= PATIENCE
        };
        let lasts = about.stack.as_ref().is_some_and(|stack| {
            let mut all = self.memory();
            let Some(memory) = all.get_mut(stack) else { return false };
            if how == How::FailedForNow {
                return is_over(memory);
            }
            memory.failing = None;
            true
        });
        match how {
            _ if !lasts => {}
            // People want nothing of it to be changed: nothing becomes of the revision; or another agent is at work, and says what does.
            How::Suspended | How::Held => {}
            How::Converged => self.happened(about, Outcome::Success, "converged", &[]),
            How::Progressing => self.happened(about, Outcome::Pending, "progressing", &[]),
            How::FailedForNow => self.happened(about, Outcome::Failure, "retrying", reasons),
            How::Failed => self.happened(about, Outcome::Failure, "failed", reasons),
        }
    }

    /// A revision is followed. That is news where it was refused before: somebody may sign now who could not.
    pub fn followed(&self, about: &About) {
        let was_refused = |memory: &Memory| {
            let mut last = self.queues.iter().filter_map(|queue| memory.queued.last(&queue.receiver.key));
            last.any(|last| last.revision == about.revision)
        };
        if self.memory().get(&about.subject()).is_some_and(was_refused) {
            self.happened(about, Outcome::Success, "followed", &[]);
        }
    }

    /// Something became of a revision.
    pub fn happened(&self, about: &About, outcome: Outcome, state: &'static str, reasons: &[String]) {
        let now = Timestamp::now();
        let subject = about.subject();
        let mut all = self.memory();
        let memory = match &about.stack {
            // One that is not followed any longer, or another revision of which counts by now.
            Some(stack) => match all.get_mut(stack).filter(|memory| memory.newest == about.revision) {
                Some(memory) => memory,
                None => return,
            },
            None => all.entry(subject.clone()).or_default(),
        };
        let mut lost = Vec::new();
        for (n, queue) in self.queues.iter().enumerate() {
            let Receiver { config, key, .. } = &queue.receiver;
            if !config.hears_of(about.stack.as_deref(), &about.url) {
                continue;
            }
            for telling in memory.queued.tell(key, &config.wanted(), &about.revision, outcome, now.as_second()) {
                let is_it = telling.outcome == outcome;
                let message = Message {
                    subject: subject.clone(),
                    stack: about.stack.clone(),
                    revision: telling.revision,
                    source: crate::git::url::shown(&about.url),
                    branch: about.branch.clone(),
                    outcome: telling.outcome,
                    state: if is_it { state } else { "superseded" },
                    reasons: if is_it { reasons.to_vec() } else { Vec::new() },
                    at: now,
                    nth: telling.nth,
                    then: telling.then,
                    queued: Instant::now(),
                };
                lost.extend(queue.push(message).map(|lost| (n, lost)));
            }
            self.show_length(n);
        }
        drop(all);
        for (n, message) in lost {
            let name = &self.queues[n].receiver.name;
            warn!(receiver = name, stack = message.stack, "too much is to be told at once: this is told later");
            self.count(name, "dropped");
            self.was_not_told(n, &message);
        }
    }

    /// A receiver knows.
    pub fn was_told(&self, n: usize, message: &Message) {
        self.settle(n, message, |memory, key| {
            memory.told.set(key, message.then.clone());
            self.news.notify_one();
        });
    }

    /// A receiver could not be told: it is told when the stack is looked at again, if it is still so.
    pub fn was_not_told(&self, n: usize, message: &Message) {
        self.settle(n, message, |memory, key| {
            if memory.queued.last(key) == message.then.as_ref() {
                memory.queued.set(key, memory.told.last(key).cloned());
            }
        });
    }

    fn settle(&self, n: usize, message: &Message, settle: impl FnOnce(&mut Memory, &str)) {
        let (queue, mut all) = (self.queues.get(n), self.memory());
        if let (Some(queue), Some(memory), Some(_)) = (queue, all.get_mut(&message.subject), &message.then) {
            settle(memory, &queue.receiver.key);
        }
    }

    /// Writes the records that are not as they should be; whether all of them are now.
    pub async fn write(&self) -> bool {
        let due: Vec<(String, String, Told, Arc<dyn Store>)> = {
            let all = self.memory();
            let due = all.iter().filter(|(_, memory)| memory.told != memory.recorded);
            due.filter_map(|(stack, m)| Some((stack.clone(), m.newest.clone(), m.told.clone(), m.store.clone()?)))
                .collect()
        };
        let mut all_well = true;
        for (stack, revision, told, store) in due {
            let (policy, board) = (self.policy.clone(), self.board.clone());
            let ear = Hears { audit: Audit { stack: stack.clone(), revision, policy, signer: None }, board };
            let text = told.text();
            let writing = heard_by(Arc::new(ear), store.put(&stack, Told::ENTRY, &text));
            match tokio::time::timeout(WRITING, writing).await {
                Ok(Ok(())) => {
                    if let Some(memory) = self.memory().get_mut(&stack) {
                        memory.recorded = told;
                    }
                }
                Ok(Err(fault)) => {
                    debug!(stack, %fault, "what was told could not be recorded");
                    all_well = false;
                }
                Err(_) => all_well = false,
            }
        }
        all_well
    }

    /// Something was told, or was not.
    pub fn count(&self, receiver: &str, result: &'static str) {
        self.board.metrics.notification(receiver, result);
    }

    /// How much a receiver is still to be told.
    pub fn show_length(&self, n: usize) {
        if let Some(queue) = self.queues.get(n) {
            self.board.metrics.notifications_waiting(&queue.receiver.name, queue.len());
        }
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
