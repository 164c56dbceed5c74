//! The few words that a stack leaves in AWS about itself: the last revision, the kinds it ever made, who is at work,
//! and which creating calls are under way. No resource is described here; AWS itself is the state.

mod lease;
mod suspension;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::clock::Reading;
use crate::doc::digest;
use crate::fault::{Class, Fault};
use crate::told::Told;
pub(crate) use lease::ends;
pub use lease::{AtWork, Expiry, Lease, NoLease, at_work, is_free};
pub use suspension::{
    LONGEST_REASON, NotSuspended, Suspended, Suspension, UntilWhen, is_reason, resume, suspend, suspension,
};

/// A small store of texts with versions: SSM parameters below `/gitops-agent/{stack}/`.
pub trait Store: Send + Sync {
    /// All entries of a stack, by name below its prefix.
    fn all<'a>(&'a self, stack: &'a str) -> BoxFuture<'a, Result<BTreeMap<String, Entry>, Fault>>;
    /// Writes an entry, at most 4 KB.
    fn put<'a>(&'a self, stack: &'a str, name: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), Fault>>;
    /// Writes an entry that is not there yet; `false`: it is there, and was left as it is.
    fn put_new<'a>(&'a self, stack: &'a str, name: &'a str, value: &'a str) -> BoxFuture<'a, Result<bool, Fault>>;
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

/// The source that a stack belongs to: what the agent follows, and no other has a say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The repository, without credentials.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The folder of the manifests; `.` is the top.
    pub path: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, branch `{}`", self.repository, self.branch)?;
        if self.path == "." { Ok(()) } else { write!(f, ", folder `{}`", self.path) }
    }
}

/// Which source a stack belongs to after a pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Belongs {
    /// The one before: who makes the pass is no source.
    #[default]
    AsBefore,
    /// This one.
    To(Origin),
    /// None: the next one that makes a pass has it.
    ToNobody,
}

impl Belongs {
    /// Whose it is after `before`.
    fn after(&self, before: Option<&Origin>) -> Option<Origin> {
        match self {
            Self::AsBefore => before.cloned(),
            Self::To(origin) => Some(origin.clone()),
            Self::ToNobody => None,
        }
    }

    /// Whether a stack is that already.
    pub fn is_so(&self, last: &Last) -> bool {
        self.after(last.origin.as_ref()) == last.origin
    }
}

/// The last revision of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The commit, or `directory` with a digest where there is none.
    pub revision: String,
    /// Where it came from.
    pub source: String,
    /// The source that the stack belongs to, whoever made the last pass; none where no source has made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
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
            origin: before.and_then(|last| last.origin.clone()),
            ended,
            policy: policy.into(),
            history,
            stuck: BTreeSet::new(),
        }
    }

    /// The same of a stack that belongs to this source now.
    #[must_use]
    pub fn belonging(self, to: &Belongs) -> Self {
        Self { origin: to.after(self.origin.as_ref()), ..self }
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
    /// What was told to whom, as it stands there: see [`crate::told`]. No pass depends on it.
    pub told: Option<String>,
    /// Creating calls that may have been lost, with when they were begun.
    pub intents: BTreeMap<Address, (Intent, i64)>,
    /// Why people want nothing of it to be changed, if they do.
    pub suspension: Option<Suspension>,
    /// When it was asked for, by the clocks of this machine.
    pub asked_at: Option<Reading>,
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
                lease::ENTRY => state.lease = Some(entry),
                Suspension::ENTRY => state.suspension = Some(Suspension::read(&entry).map_err(unreadable)?),
                Told::ENTRY => state.told = Some(entry.value),
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
    store.put(stack, name, &as_text(value)).await
}

/// A value as JSON.
pub fn as_text(value: &impl Serialize) -> String {
    serde_json::to_value(value).unwrap_or(Value::Null).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_program_wrote_belongs_to_nobody_and_a_source_is_named_in_full() {
        let old = r#"{"revision":"r1","source":"/srv/m","ended":"converged","policy":"none"}"#;
        let last: Last = serde_json::from_str(old).unwrap();
        assert_eq!(last.origin, None);
        assert!(!serde_json::to_string(&last).unwrap().contains("origin"));
        let origin = |path: &str| Origin { repository: "/srv/m".into(), branch: "dev".into(), path: path.into() };
        assert_eq!(origin(".").to_string(), "`/srv/m`, branch `dev`");
        assert_eq!(origin("a/b").to_string(), "`/srv/m`, branch `dev`, folder `a/b`");
    }
}
