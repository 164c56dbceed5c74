//! The few words that a stack leaves in AWS about itself: the last revision, the kinds it ever made, who is at work,
//! and which creating calls are under way. No resource is described here; AWS itself is the state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::doc::digest;
use crate::fault::{Class, Fault};

/// A small store of texts with versions: SSM parameters below `/gitops-agent/{stack}/`.
pub trait Store: Send + Sync {
    /// All entries of a stack, by name below its prefix.
    fn all<'a>(&'a self, stack: &'a str) -> BoxFuture<'a, Result<BTreeMap<String, Entry>, Fault>>;
    /// Writes an entry, at most 4 KB.
    fn put<'a>(&'a self, stack: &'a str, name: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), Fault>>;
    /// All versions of an entry that are still kept, oldest first. None is an empty list.
    fn history<'a>(&'a self, stack: &'a str, name: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Fault>>;
    /// Removes an entry. Not there is success.
    fn delete<'a>(&'a self, stack: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), Fault>>;
    /// The entry `last` of every stack of the account and region, by stack.
    fn stacks(&self) -> BoxFuture<'_, Result<BTreeMap<String, Entry>, Fault>>;
}

/// One version of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The text.
    pub value: String,
    /// When AWS took it, in milliseconds since 1970, by AWS's clock.
    pub at: i64,
}

/// How a revision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Steps are being carried out, or were when the agent stopped.
    Applying,
    /// A full read showed no difference.
    Converged,
    /// Something is still coming.
    Progressing,
    /// Something failed.
    Failed,
}

/// The last revision of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The commit, or `directory` with a digest where there is none.
    pub revision: String,
    /// Where it came from.
    pub source: String,
    /// How it ended.
    pub ended: Ended,
    /// Digest of the rules that let it through.
    pub policy: String,
    /// The revisions before, newest first, at most five.
    #[serde(default)]
    pub history: Vec<(String, Ended)>,
    /// The steps that failed for good at this revision; see [`crate::stuck`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stuck: BTreeSet<String>,
}

impl Last {
    /// The words for a further state of the same or another revision.
    pub fn next(before: Option<&Self>, revision: &str, source: &str, policy: &str, ended: Ended) -> Self {
        let mut history = before.map(|last| last.history.clone()).unwrap_or_default();
        if let Some(last) = before.filter(|last| last.revision != revision) {
            history.insert(0, (last.revision.clone(), last.ended));
            history.truncate(5);
        }
        Self {
            revision: revision.into(),
            source: source.into(),
            ended,
            policy: policy.into(),
            history,
            stuck: BTreeSet::new(),
        }
    }
}

/// A creating call that may be under way or may have been lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What is being made.
    pub address: Address,
    /// Of which generation.
    pub generation: String,
}

impl Intent {
    /// The name of its entry.
    pub fn entry(address: &Address) -> String {
        format!("intent/{}", &digest(address.as_str())[..16])
    }
}

/// What a stack says about itself.
#[derive(Clone, Debug, Default)]
pub struct StackState {
    /// The last revision.
    pub last: Option<Last>,
    /// When that was written, in milliseconds since 1970, by AWS's clock.
    pub last_at: Option<i64>,
    /// The newest claim of the lease, whoever made it.
    pub lease: Option<Entry>,
    /// The kinds it ever made.
    pub kinds: Option<BTreeSet<String>>,
    /// Creating calls that may have been lost, with when they were begun.
    pub intents: BTreeMap<Address, (Intent, i64)>,
}

impl StackState {
    /// Reads it. Entries that cannot be understood are a fault: a newer program may have written them.
    pub async fn read(store: &dyn Store, stack: &str) -> Result<Self, Fault> {
        let mut state = Self::default();
        for (name, entry) in store.all(stack).await? {
            let unreadable = |error: serde_json::Error| {
                let text = format!("the entry `{name}` of the stack's state cannot be understood: {error}");
                Fault::new(Class::Invalid, "ssm:GetParametersByPath", "UnreadableState", text)
            };
            match name.as_str() {
                "last" => {
                    state.last = Some(serde_json::from_str(&entry.value).map_err(unreadable)?);
                    state.last_at = Some(entry.at);
                }
                "lease" => state.lease = Some(entry),
                "kinds" => state.kinds = Some(serde_json::from_str(&entry.value).map_err(unreadable)?),
                _ if name.starts_with("intent/") => {
                    let intent: Intent = serde_json::from_str(&entry.value).map_err(unreadable)?;
                    state.intents.insert(intent.address.clone(), (intent, entry.at));
                }
                _ => {}
            }
        }
        Ok(state)
    }
}

/// Writes a value as JSON.
pub async fn write(store: &dyn Store, stack: &str, name: &str, value: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_value(value).unwrap_or(Value::Null).to_string();
    store.put(stack, name, &text).await
}

/// One claim of the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    holder: String,
    /// For how many seconds it holds. 0 gives it back.
    seconds: u64,
}

impl Claim {
    /// When it is over, if it was made at `at`.
    fn ends(&self, at: i64) -> i64 {
        at.saturating_add(i64::try_from(self.seconds).unwrap_or(i64::MAX).saturating_mul(1000))
    }
}

/// The right of one agent to change a stack.
///
/// SSM has no compare-and-swap, so the holder is a fold over the parameter's history: a claim counts only if the
/// holder before it had expired by AWS's timestamps, or had given it back.
pub struct Lease<'a> {
    store: &'a dyn Store,
    stack: &'a str,
    holder: String,
    length: Duration,
    renew_at: tokio::time::Instant,
    /// When AWS took the last claim, by its clock; see [`Lease::taken_at`].
    taken_at: i64,
}

/// Who changes a stack now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// The name of the process in the lease.
    pub holder: String,
    /// When its lease ends, unless it claims it again; by AWS's clock.
    pub until: jiff::Timestamp,
}

/// Who holds the lease at `now`, in milliseconds since 1970. The history of claims is asked for only where the newest is not
/// over: it may be that of one that did not get the lease.
pub async fn at_work(store: &dyn Store, stack: &str, seen: &StackState, now: i64) -> Result<Option<AtWork>, Fault> {
    let newest = seen.lease.as_ref().and_then(|entry| holder(std::slice::from_ref(entry)));
    if newest.is_none_or(|(claim, at)| claim.ends(at) <= now) {
        return Ok(None);
    }
    let held = holder(&store.history(stack, "lease").await?);
    Ok(held.filter(|(claim, at)| claim.ends(*at) > now).and_then(|(claim, at)| {
        let until = jiff::Timestamp::from_millisecond(claim.ends(at)).ok()?;
        Some(AtWork { holder: claim.holder, until })
    }))
}

/// Why there is no lease.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoLease {
    /// Another agent holds it.
    #[error("another agent ({holder}) works on this stack; its lease ends within {seconds} s")]
    Held {
        /// Who.
        holder: String,
        /// For how long at most.
        seconds: u64,
    },
    /// It could not be asked for.
    #[error("the lease could not be taken: {0}")]
    Fault(#[from] Fault),
}

impl<'a> Lease<'a> {
    /// Takes the lease.
    pub async fn take(store: &'a dyn Store, stack: &'a str, holder: String, length: Duration) -> Result<Self, NoLease> {
        let mut lease = Self { store, stack, holder, length, renew_at: tokio::time::Instant::now(), taken_at: 0 };
        lease.claim().await?;
        Ok(lease)
    }

    async fn claim(&mut self) -> Result<(), NoLease> {
        // Before the call: the lease runs from when AWS takes it, which is later.
        let renew_at = tokio::time::Instant::now() + self.length / 2;
        let claim = Claim { holder: self.holder.clone(), seconds: self.length.as_secs() };
        write(self.store, self.stack, "lease", &claim).await?;
        let history = self.store.history(self.stack, "lease").await?;
        let held = holder(&history);
        crate::work::holds(held.as_ref().is_some_and(|(claim, _)| claim.holder == self.holder));
        match held {
            Some((claim, _)) if claim.holder == self.holder => {
                self.renew_at = renew_at;
                self.taken_at = history.last().map_or(0, |entry| entry.at);
                Ok(())
            }
            Some((Claim { holder, seconds }, _)) => Err(NoLease::Held { holder, seconds }),
            None => {
                let text = "the claim that was just written is not in the history";
                Err(Fault::new(Class::Conflict, "ssm:GetParameterHistory", "StaleHistory", text).into())
            }
        }
    }

    /// When AWS took the last claim, in milliseconds since 1970: what the time is by the clock that entries are dated with.
    pub fn taken_at(&self) -> i64 {
        self.taken_at
    }

    /// Renews the lease when half of it is gone. Called before each change.
    pub async fn keep(&mut self) -> Result<(), NoLease> {
        if tokio::time::Instant::now() < self.renew_at { Ok(()) } else { self.claim().await }
    }

    /// Gives it back. A failure is no harm: it expires.
    pub async fn release(self) {
        let claim = Claim { holder: self.holder, seconds: 0 };
        if let Err(fault) = write(self.store, self.stack, "lease", &claim).await {
            tracing::debug!(%fault, "the lease was not given back; it expires by itself");
        }
        crate::work::holds(false);
    }
}

/// The claim that counts after these, and when it was made.
fn holder(history: &[Entry]) -> Option<(Claim, i64)> {
    let mut held: Option<(Claim, i64)> = None;
    for entry in history {
        let Ok(claim) = serde_json::from_str::<Claim>(&entry.value) else { continue };
        let free = held.as_ref().is_none_or(|(held, at)| held.holder == claim.holder || entry.at >= held.ends(*at));
        if free {
            held = (claim.seconds > 0).then_some((claim, entry.at));
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(claims: &[(&str, u64, i64)]) -> Vec<Entry> {
        claims
            .iter()
            .map(|(who, seconds, at)| Entry {
                value: format!(r#"{{"holder":"{who}","seconds":{seconds}}}"#),
                at: at * 1000,
            })
            .collect()
    }

    #[test]
    fn of_two_claims_at_once_the_first_counts() {
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 0)])).unwrap().0.holder, "a");
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 59)])).unwrap().0.holder, "a");
    }

    #[test]
    fn an_expired_or_returned_lease_is_free_and_a_late_renewal_does_not_take_it_back() {
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 60)])).unwrap().0.holder, "b");
        assert_eq!(holder(&history(&[("a", 60, 0), ("a", 0, 5), ("b", 60, 6)])).unwrap().0.holder, "b");
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 61), ("a", 60, 62)])).unwrap().0.holder, "b");
        assert_eq!(holder(&history(&[("a", 60, 0), ("a", 60, 50), ("b", 60, 61)])).unwrap().0.holder, "a");
    }

    #[test]
    fn only_the_holder_gives_it_back() {
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 0, 1)])).unwrap().0.holder, "a");
        assert_eq!(holder(&history(&[("a", 60, 0), ("a", 0, 1)])), None);
    }
}
