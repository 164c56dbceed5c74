//! What the loop knows, for whoever asks from outside: it is written by the loop, the passes and the readers of repositories, and
//! read by [`crate::http`]. Nobody waits for anybody here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_core::schedule::{How, Trigger};
use agent_core::state::Suspended;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::feed::Feed;
use super::pass::Hindrance;
use super::pulse::Pulse;
use crate::metrics::{Metrics, StackState};

/// What the loop knows.
pub struct Board {
    /// Whether it moves.
    pub pulse: Pulse,
    /// Numbers.
    pub metrics: Metrics,
    began: Timestamp,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The digest of the rules that are in force.
    policy: String,
    feeds: Vec<Arc<Feed>>,
    stacks: BTreeMap<String, View>,
}

/// A stack from outside.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The address of its repository.
    pub source: String,
    /// The newest revision that means something to it.
    pub revision: String,
    /// Why the newest revision is not even tried, if it is not.
    pub refused: Option<Vec<Hindrance>>,
    /// Why the pass under way was begun.
    pub under_way: Option<Trigger>,
    /// The last pass.
    pub last: Option<LastPass>,
    /// The stack that it waits for.
    pub waits_for: Option<String>,
}

/// How a pass ended.
#[derive(Clone, Debug)]
pub struct LastPass {
    /// How.
    pub how: How,
    /// The revision that it was about.
    pub revision: String,
    /// When.
    pub at: Timestamp,
    /// What was in the way.
    pub hindrances: Vec<Hindrance>,
    /// Why nothing was to be changed, if people wanted that.
    pub suspended: Option<Suspended>,
}

impl View {
    /// The state in one word.
    fn state(&self) -> StackState {
        if self.refused.is_some() {
            return StackState::Refused;
        }
        match self.last.as_ref().filter(|last| last.revision == self.revision).map(|last| last.how) {
            Some(How::Suspended) => StackState::Suspended,
            Some(How::Converged) => StackState::Converged,
            Some(How::Progressing) => StackState::Progressing,
            Some(How::Held) => StackState::Waiting,
            Some(How::FailedForNow) => StackState::Retrying,
            Some(How::Failed) => StackState::Failed,
            None if self.waits_for.is_some() => StackState::Waiting,
            None => StackState::Pending,
        }
    }

    fn to_json(&self) -> Value {
        let hindrances = |all: &[Hindrance]| -> Vec<Value> {
            let one = |h: &Hindrance| json!({ "rule": h.rule, "message": h.message, "help": h.help });
            all.iter().map(one).collect()
        };
        let last = self.last.as_ref().map(|last| {
            let how = how_word(last.how);
            json!({ "ended": how, "revision": last.revision, "at": last.at, "hindrances": hindrances(&last.hindrances) })
        });
        json!({
            "source": self.source,
            "revision": self.revision,
            "state": self.state().word(),
            "refused": self.refused.as_deref().map(hindrances),
            "under_way": self.under_way.map(Trigger::word),
            "waits_for": self.waits_for,
            "suspended": self.last.as_ref().and_then(|last| last.suspended.as_ref()),
            "last_pass": last,
        })
    }
}

/// How a pass ended, in one word.
pub fn how_word(how: How) -> &'static str {
    match how {
        How::Suspended => "suspended",
        How::Converged => "converged",
        How::Progressing => "progressing",
        How::Held => "held",
        How::FailedForNow => "failed_for_now",
        How::Failed => "failed",
    }
}

impl Board {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        let (pulse, metrics) = (Pulse::default(), Metrics::new());
        Arc::new(Self { pulse, metrics, began: Timestamp::now(), known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A configuration is in force: what was known before is known no longer.
    pub fn follow(&self, policy: &str, feeds: Vec<Arc<Feed>>) {
        *self.known() = Known { policy: policy.to_owned(), feeds, stacks: BTreeMap::new() };
    }

    /// Changes what is known of a stack.
    pub fn stack(&self, name: &str, change: impl FnOnce(&mut View)) {
        change(self.known().stacks.entry(name.to_owned()).or_default());
    }

    /// A stack is not followed any longer.
    pub fn forget(&self, name: &str) {
        self.known().stacks.remove(name);
    }

    /// Who waits for whom; nobody else does.
    pub fn waits<'a>(&self, blocked: impl Iterator<Item = (&'a str, &'a str)>) {
        let blocked: BTreeMap<&str, &str> = blocked.collect();
        for (name, view) in &mut self.known().stacks {
            view.waits_for = blocked.get(name.as_str()).map(|on| (*on).to_owned());
        }
    }

    /// What is stuck, in words for people.
    pub fn stuck(&self) -> Option<String> {
        self.pulse.stuck().or_else(|| self.known().feeds.iter().find_map(|feed| feed.stuck()))
    }

    /// What the agent does not know yet: its rules, and what is in its sources, or why that cannot be read.
    pub fn unknown(&self) -> Vec<String> {
        let known = self.known();
        if known.policy.is_empty() {
            return vec!["the rules are not in force yet".to_owned()];
        }
        let unread = known.feeds.iter().filter(|feed| !feed.was_tried());
        unread.map(|feed| format!("{} was not read yet", feed.url)).collect()
    }

    /// Asks for the sources at these addresses to be read now, all of them where no address is given; how many they are.
    pub fn ask(&self, urls: &[String]) -> usize {
        let known = self.known();
        let meant: Vec<&Arc<Feed>> = known.feeds.iter().filter(|feed| urls.is_empty() || feed.is_at(urls)).collect();
        for feed in &meant {
            feed.asked.notify_one();
        }
        meant.len()
    }

    /// One line about everything.
    pub fn summary(&self) -> String {
        let known = self.known();
        let states: Vec<StackState> = known.stacks.values().map(View::state).collect();
        let counted = StackState::ALL.into_iter().map(|state| (state, states.iter().filter(|s| **s == state).count()));
        let words: Vec<String> =
            counted.filter(|(_, n)| *n > 0).map(|(state, n)| format!("{n} {}", state.word())).collect();
        let lost = known.feeds.iter().filter(|feed| feed.is_failing()).count();
        let stacks =
            if words.is_empty() { "no stacks yet".to_owned() } else { format!("stacks: {}", words.join(", ")) };
        if lost == 0 { stacks } else { format!("{stacks}; {lost} of {} sources cannot be read", known.feeds.len()) }
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        let stuck = self.stuck();
        let known = self.known();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "began": self.began,
            "policy": known.policy,
            "stuck": stuck,
            "sources": known.feeds.iter().map(|feed| feed.to_json()).collect::<Vec<_>>(),
            "stacks": known.stacks.iter().map(|(name, view)| {
                let mut value = view.to_json();
                value["name"] = json!(name);
                value
            }).collect::<Vec<_>>(),
        })
    }

    /// All metrics, as they are now.
    pub fn exposition(&self) -> Result<String, std::fmt::Error> {
        let (feeds, states) = {
            let known = self.known();
            (known.feeds.clone(), known.stacks.values().map(View::state).collect::<Vec<_>>())
        };
        let sources = feeds.iter().map(|feed| (feed.labels(), feed.last_good(), feed.is_stale())).collect();
        self.metrics.exposition(sources, &states, self.began)
    }
}
