//! When a pass over which stack is due: after a commit that changes what the stack wants, after a pause where something is still
//! coming or failed, when another agent's lease can have expired, and from time to time to find what was changed by hand. Pure: it is
//! told the time and what happened, and answers what to begin and what to end early.
//!
//! **Guarantees.** One pass over a stack at a time. A commit that changes nothing for a stack costs no call, unless the
//! stack is not as it should be. A stack that refers to another begins a new revision after that one has settled at it, and
//! not while it fails. Whatever is due is begun at most `at_once` at a time, the longest waiting first.
//!
//! **Assumes** that each pass that [`Schedule::begin`] gives is reported with [`Schedule::ended`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// How often and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Between two looks at a stack that is as it should be. Default ten minutes.
    pub drift: Duration,
    /// How many stacks are worked on at once. Default 4.
    pub at_once: usize,
    /// The first pause after a failure that may pass; each further one is twice as long. Default 5 s.
    pub retry: Duration,
    /// The longest pause after a failure that may pass. Default 5 minutes.
    pub longest_retry: Duration,
    /// The first pause while something is still coming; each further one is half as long again. Default 1 s.
    pub progress: Duration,
    /// The longest pause while something is still coming. Default one minute.
    pub longest_progress: Duration,
    /// How long after another agent's lease can have expired a stack is looked at, at most, and a fifth of that at least: AWS has to
    /// say so too, and of several agents that wait not all ask at once. Default 5 s.
    pub takeover: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            drift: Duration::from_mins(10),
            at_once: 4,
            retry: Duration::from_secs(5),
            longest_retry: Duration::from_mins(5),
            progress: Duration::from_secs(1),
            longest_progress: Duration::from_mins(1),
            takeover: Duration::from_secs(5),
        }
    }
}

/// Why a pass is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A commit changes what the stack wants, or the stack was not as the one before wanted.
    Revision,
    /// A stack that it refers to has changed.
    Neighbour,
    /// Something was still coming.
    Progress,
    /// Another agent was at work.
    Lease,
    /// The pass before failed.
    Retry,
    /// It is time to look for what was changed by hand.
    Drift,
}

impl Trigger {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revision => "revision",
            Self::Neighbour => "neighbour",
            Self::Progress => "progress",
            Self::Lease => "lease",
            Self::Retry => "retry",
            Self::Drift => "drift",
        }
    }
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// AWS is as the revision wants.
    Converged,
    /// Something is still coming, or the pass was ended early.
    Progressing,
    /// Another agent is at work, or was meanwhile. Nothing is wrong; [`Schedule::expires`] may say when it can be over.
    Held,
    /// Something failed that may go through later.
    FailedForNow,
    /// People want nothing of it to be changed for now. Those that refer to it wait with what is new in them.
    Suspended,
    /// Something failed that does not pass by itself, or nothing was tried: a commit or a person has to help.
    Failed,
}

/// A stack as a revision has it.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// A digest of all that it wants.
    pub digest: String,
    /// The stacks that it refers to.
    pub needs: BTreeSet<String>,
    /// Whether its manifest has no problems. One that has is left as it is, and those that refer to it wait.
    pub is_sound: bool,
}

/// When which stack is due.
#[derive(Debug)]
pub struct Schedule {
    rhythm: Rhythm,
    stacks: BTreeMap<String, Stack>,
    chance: u64,
}

#[derive(Debug)]
struct Stack {
    source: usize,
    digest: String,
    needs: BTreeSet<String>,
    /// The digest that a pass under way works on.
    running: Option<String>,
    /// How the last pass at `digest` ended; `None` before there was one.
    last: Option<How>,
    due: Option<(Instant, Trigger)>,
    /// Pauses of one sort in a row.
    pauses: u32,
}

impl Schedule {
    /// Without stacks. `seed` makes the jitter.
    pub fn new(rhythm: Rhythm, seed: u64) -> Self {
        Self { rhythm, stacks: BTreeMap::new(), chance: seed | 1 }
    }

    /// All stacks of a new revision of a source. Answers which passes work on what is no longer wanted, and are to end
    /// early. Stacks that the source had before and has no longer have no further pass. A stack has one source.
    pub fn offer(&mut self, source: usize, stacks: Vec<Offered>, now: Instant) -> Vec<String> {
        let names: BTreeSet<String> = stacks.iter().map(|stack| stack.name.clone()).collect();
        let is_gone = |name: &String, stack: &Stack| stack.source == source && !names.contains(name);
        self.stacks.retain(|name, stack| !is_gone(name, stack) || stack.running.is_some());
        for (_, stack) in self.stacks.iter_mut().filter(|(name, stack)| is_gone(name, stack)) {
            stack.due = None;
            stack.digest.clear();
        }
        for Offered { name, digest, needs, is_sound } in stacks {
            let stack = self.stacks.entry(name).or_insert_with(|| Stack {
                source,
                digest: String::new(),
                needs: BTreeSet::new(),
                running: None,
                last: None,
                due: None,
                pauses: 0,
            });
            // One that came from another source, while a pass over it is under way.
            stack.source = source;
            stack.needs = needs;
            let is_new = stack.digest != digest;
            if !is_sound {
                stack.digest = digest;
                (stack.last, stack.due) = (Some(How::Failed), None);
                continue;
            }
            if is_new || !matches!(stack.last, Some(How::Converged | How::Progressing)) {
                // Whoever waits already keeps the turn.
                let at = stack.due.map_or(now, |(at, _)| at.min(now));
                stack.due = Some((at, Trigger::Revision));
                stack.pauses = 0;
            }
            if is_new {
                stack.last = None;
                stack.digest = digest;
            }
        }
        let outdated = |stack: &Stack| stack.running.as_ref().is_some_and(|running| *running != stack.digest);
        self.stacks.iter().filter(|(_, stack)| outdated(stack)).map(|(name, _)| name.clone()).collect()
    }

    /// A pass to begin now, if one is due.
    pub fn begin(&mut self, now: Instant) -> Option<(String, Trigger)> {
        if self.stacks.values().filter(|stack| stack.running.is_some()).count() >= self.rhythm.at_once {
            return None;
        }
        let (at, name) = self.ready().min()?;
        if at > now {
            return None;
        }
        let name = name.to_owned();
        let stack = self.stacks.get_mut(&name)?;
        let (_, trigger) = stack.due.take()?;
        stack.running = Some(stack.digest.clone());
        Some((name, trigger))
    }

    /// When the next pass is due, if nothing happens before. `None` while as many passes are under way as may be.
    pub fn wake(&self) -> Option<Instant> {
        let full = self.stacks.values().filter(|stack| stack.running.is_some()).count() >= self.rhythm.at_once;
        if full { None } else { self.ready().map(|(at, _)| at).min() }
    }

    /// Stacks that have a time and whose turn it may be.
    fn ready(&self) -> impl Iterator<Item = (Instant, &str)> {
        self.stacks.iter().filter_map(|(name, stack)| {
            let (at, _) = stack.due?;
            (stack.running.is_none() && self.waits_for(stack).is_none()).then_some((at, name.as_str()))
        })
    }

    /// The stack that another has to wait for before it begins what is new in it.
    fn waits_for<'a>(&self, stack: &'a Stack) -> Option<&'a str> {
        let begins = !matches!(stack.last, Some(How::Converged | How::Progressing));
        let unsettled = |name: &&String| {
            self.stacks.get(*name).is_some_and(|other| {
                let settled = matches!(other.last, Some(How::Converged | How::Progressing));
                !settled || other.running.as_ref().is_some_and(|running| *running != other.digest)
            })
        };
        stack.needs.iter().filter(|_| begins).find(unsettled).map(String::as_str)
    }

    /// Stacks that are due and wait for another to settle, with its name.
    pub fn blocked(&self) -> impl Iterator<Item = (&str, &str)> {
        let waiting = self.stacks.iter().filter(|(_, stack)| stack.due.is_some() && stack.running.is_none());
        waiting.filter_map(|(name, stack)| Some((name.as_str(), self.waits_for(stack)?)))
    }

    /// A pass has ended. `changed` says whether it changed anything in AWS.
    pub fn ended(&mut self, name: &str, how: How, changed: bool, now: Instant) {
        let chance = self.chance();
        let rhythm = self.rhythm.clone();
        let Some(stack) = self.stacks.get_mut(name) else { return };
        let outdated = stack.running.take().is_none_or(|ran| ran != stack.digest);
        if stack.digest.is_empty() {
            self.stacks.remove(name);
            return;
        }
        if !outdated {
            if stack.last != Some(how) || changed {
                stack.pauses = 0;
            }
            stack.last = Some(how);
            let (pause, trigger) = match how {
                How::Converged => (rhythm.drift, Trigger::Drift),
                How::Failed => (rhythm.drift, Trigger::Retry),
                // To see that it is resumed takes one call.
                How::Suspended => (rhythm.longest_progress.min(rhythm.drift), Trigger::Retry),
                How::Progressing => {
                    (growing(rhythm.progress, (3, 2), stack.pauses, rhythm.longest_progress), Trigger::Progress)
                }
                // To see that it is over takes one call, and most often it is before the lease expires.
                How::Held => (growing(rhythm.retry, (2, 1), stack.pauses, rhythm.longest_retry), Trigger::Lease),
                How::FailedForNow => {
                    (growing(rhythm.retry, (2, 1), stack.pauses, rhythm.longest_retry), Trigger::Retry)
                }
            };
            stack.pauses = stack.pauses.saturating_add(1);
            // A revision that came meanwhile goes first.
            stack.due.get_or_insert((now + spread(pause, chance), trigger));
        }
        if changed {
            let is_neighbour = |stack: &Stack| stack.needs.contains(name) && stack.last.is_some();
            for stack in self.stacks.values_mut().filter(|stack| is_neighbour(stack)) {
                if stack.due.is_none_or(|(at, _)| at > now) {
                    stack.due = Some((now, Trigger::Neighbour));
                }
            }
        }
    }

    /// The lease of another agent, which a pass has met, can have expired then: the stack is looked at soon after that, or before.
    pub fn expires(&mut self, name: &str, at: Instant) {
        let (chance, takeover) = (self.chance(), self.rhythm.takeover);
        let by = at + takeover / 5 + takeover * 4 / 5 * chance / 1024;
        if let Some(Stack { due: Some((due, Trigger::Lease)), .. }) = self.stacks.get_mut(name) {
            *due = by.min(*due);
        }
    }

    /// A number below 1024 that nobody foresees: xorshift.
    fn chance(&mut self) -> u32 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        u32::try_from(self.chance >> 54).unwrap_or_default()
    }
}

/// A pause that grows by a factor with each of its kind.
fn growing(first: Duration, (by, per): (u32, u32), times: u32, longest: Duration) -> Duration {
    (0..times.min(32)).fold(first, |pause, _| (pause * by / per).min(longest)).min(longest)
}

/// The same pause give or take a tenth, so that many agents do not ask at once. `chance` is below 1024.
pub fn spread(pause: Duration, chance: u32) -> Duration {
    pause * 9 / 10 + pause / 5 * chance / 1024
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
