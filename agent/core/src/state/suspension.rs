//! A stack that a person wants left alone for a while: who, since when, why, and until when. The word of a person takes no lease: it
//! is one parameter that is made where none was, so of two people one hears of the other.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Entry, Store};
use crate::fault::Fault;
use crate::manifest::StackHeader;

/// The most characters of a reason: with the name of a role it fits into a parameter, and into a line of a status.
pub const LONGEST_REASON: usize = 300;

/// What a person said by `agent suspend`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Who, as AWS knows the caller: an ARN.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when; without it until somebody resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Since when, by AWS's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Suspension {
    /// The name of its entry.
    pub const ENTRY: &'static str = "suspended";

    pub(super) fn read(entry: &Entry) -> Result<Self, serde_json::Error> {
        let said: Self = serde_json::from_str(&entry.value)?;
        Ok(Self { since: Timestamp::from_millisecond(entry.at).ok(), ..said })
    }

    /// Whether it holds at a moment.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Why nothing of a stack is changed, whoever said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "where")]
pub enum Suspended {
    /// `suspend = "…"` in its manifest.
    Manifest {
        /// Why.
        reason: String,
    },
    /// `agent suspend`.
    Command(Suspension),
}

impl Suspended {
    /// By its manifest, which needs no call.
    pub fn by_manifest(header: &StackHeader) -> Option<Self> {
        header.suspend.clone().map(|reason| Self::Manifest { reason })
    }

    /// What to do about it.
    pub fn hint(&self, stack: &str) -> String {
        match self {
            Self::Manifest { .. } => "take `suspend` out of `[stack]`".to_owned(),
            Self::Command(_) => format!("`agent resume {stack}` lets it go on"),
        }
    }
}

fn minute(at: Timestamp) -> impl fmt::Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest { reason } => write!(f, "its manifest suspends it: {reason}"),
            Self::Command(Suspension { by, reason, until, since }) => {
                write!(f, "{by} suspended it")?;
                if let Some(since) = since {
                    write!(f, " at {}", minute(*since))?;
                }
                if let Some(until) = until {
                    write!(f, " until {}", minute(*until))?;
                }
                write!(f, ": {reason}")
            }
        }
    }
}

/// Whether people can read it as a reason, on one line.
pub fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_REASON && !text.contains(char::is_control)
}

/// Why a stack could not be suspended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotSuspended {
    /// The reason is empty, or too long, or holds what no line holds.
    #[error("the reason is one line of 1 to {LONGEST_REASON} characters, without `{{{{`")]
    Reason,
    /// Somebody did that already: their reason is not lost.
    #[error("it is suspended already: {}", Suspended::Command(.0.clone()))]
    Already(Suspension),
    /// A call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Suspends a stack. Saying the same twice is saying it once.
pub async fn suspend(store: &dyn Store, stack: &str, said: &Suspension, now: Timestamp) -> Result<(), NotSuspended> {
    // "You can't use {{}} or {{parameter-name}} in the value":
    // [PutParameter](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
    if !is_reason(&said.reason) || said.reason.contains("{{") {
        return Err(NotSuspended::Reason);
    }
    let text = serde_json::to_string(&Suspension { since: None, ..said.clone() }).unwrap_or_default();
    // Once more: what is in the way may have run out, or be taken away meanwhile.
    for _ in 0..2 {
        if store.put_new(stack, Suspension::ENTRY, &text).await? {
            return Ok(());
        }
        match suspension(store, stack).await? {
            // An answer that was lost, or another go.
            Some(held)
                if (Suspension { since: None, ..held.clone() }) == (Suspension { since: None, ..said.clone() }) =>
            {
                return Ok(());
            }
            Some(held) if held.holds_at(now) => return Err(NotSuspended::Already(held)),
            Some(_) => store.delete(stack, Suspension::ENTRY).await?,
            None => {}
        }
    }
    let text = "others suspend and resume it at the same time";
    Err(Fault::new(crate::fault::Class::Conflict, "ssm:PutParameter", "Contended", text).into())
}

/// Lets a stack go on, of which it is known that it is suspended.
pub async fn resume(store: &dyn Store, stack: &str) -> Result<(), Fault> {
    store.delete(stack, Suspension::ENTRY).await
}

/// What was said when a stack was suspended, whether it still holds or not; `None`: it was not.
pub async fn suspension(store: &dyn Store, stack: &str) -> Result<Option<Suspension>, Fault> {
    Ok(super::StackState::read(store, stack).await?.suspension)
}

/// What people write after `--until`: `2h`, `3 days`, or a moment such as `2026-12-01T08:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntilWhen {
    /// So long from now.
    For(SignedDuration),
    /// Until then.
    At(Timestamp),
}

impl std::str::FromStr for UntilWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let length: SignedDuration =
            text.parse().map_err(|_| "write `2h`, `90m`, or `2026-12-01T08:00:00Z`".to_owned())?;
        if length.is_positive() { Ok(Self::For(length)) } else { Err("it is to end after it has begun".to_owned()) }
    }
}

impl UntilWhen {
    /// The moment, which is to come.
    pub fn after(self, now: Timestamp) -> Result<Timestamp, String> {
        let at = match self {
            Self::At(at) => at,
            Self::For(length) => now.checked_add(length).map_err(|_| "that is too far away".to_owned())?,
        };
        if at > now { Ok(at) } else { Err(format!("{at} is over")) }
    }
}
