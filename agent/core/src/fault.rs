//! What can go wrong in a call to AWS, in the few classes that decide what happens next. The classes are made from
//! error codes in the crate that talks to AWS.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a fault means for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The thing is not there (or not yet visible).
    NotFound,
    /// A thing of that name is there already.
    Exists,
    /// It cannot go, or change, because something uses it.
    InUse,
    /// AWS is busy with it, or a thing it needs is not there yet: the same call may go through later.
    Conflict,
    /// Too many requests.
    Throttled,
    /// Not allowed: no retry helps.
    Denied,
    /// The credentials ran out or are wrong.
    Credentials,
    /// AWS refuses the request as it is: no retry helps.
    Invalid,
    /// AWS failed, and did nothing.
    Unavailable,
    /// No answer came: the call may have been carried out.
    Lost,
    /// A quota is used up.
    Limit,
}

impl Class {
    /// Whether the same call may succeed a little later.
    pub fn passes(self) -> bool {
        matches!(self, Self::NotFound | Self::Conflict | Self::Throttled | Self::Unavailable | Self::Lost | Self::InUse)
    }

    /// What people can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NotFound => "it may have been deleted by hand; the next pass makes it again",
            Self::Exists => "say `adopt` in the component to take it over, or choose another name",
            Self::InUse => "something else still uses it; the next pass tries again",
            Self::Conflict | Self::Throttled | Self::Unavailable | Self::Lost => "the next pass tries again",
            Self::Denied => "allow the action to the agent's role: `agent iam-policy` prints what it needs",
            Self::Credentials => "check the agent's credentials: `aws sts get-caller-identity` shows who it is",
            Self::Invalid => "AWS refuses this value: correct the manifest",
            Self::Limit => "ask AWS for a higher quota, or remove what is not needed",
        }
    }
}

/// A call to AWS that failed.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
pub struct Fault {
    /// What it means.
    pub class: Class,
    /// `service:Action`, as in an IAM policy.
    pub action: String,
    /// AWS's error code.
    pub code: String,
    /// AWS's sentence. Never holds a secret: messages that would quote a request are cut by the provider.
    pub message: String,
    /// AWS's request id, for their support.
    pub request_id: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl Fault {
    /// A fault that no call of AWS gave: our own finding about an answer.
    pub fn new(class: Class, action: &str, code: &str, message: impl Into<String>) -> Self {
        Self { class, action: action.into(), code: code.into(), message: message.into(), request_id: None }
    }
}
