//! What AWS holds: a live resource read back into the type of its spec, with who owns it and how it is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::doc::{Doc, Misfit};
use crate::kind::Kind;

/// The tag that names the stack that owns a resource.
pub const TAG_STACK: &str = "gitops-agent:stack";
/// The tag that names the address of a resource in its stack.
pub const TAG_ADDRESS: &str = "gitops-agent:address";
/// The tag that tells the current object of an address from retired ones.
pub const TAG_GENERATION: &str = "gitops-agent:generation";
/// What our own tags begin with.
pub const TAG_PREFIX: &str = "gitops-agent:";

/// What marks a resource as this stack's: written with the creating call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The stack.
    pub stack: String,
    /// The address in it.
    pub address: Address,
    /// Twelve hex digits over the immutable fields.
    pub generation: String,
}

impl Mark {
    /// Our tags, and with them those that the manifest sets.
    pub fn tags(&self, wanted: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let own = [
            (TAG_STACK, self.stack.clone()),
            (TAG_ADDRESS, self.address.to_string()),
            (TAG_GENERATION, self.generation.clone()),
        ];
        wanted.clone().into_iter().chain(own.map(|(key, value)| (key.to_owned(), value))).collect()
    }
}

/// Whose a live resource is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A stack, with the address and the generation that it was made for.
    Stack(Mark),
    /// Nobody that we know.
    Nobody,
}

impl Owner {
    /// The owner that tags tell of.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Self {
        let address = tags.get(TAG_ADDRESS).and_then(|text| text.parse().ok());
        match (tags.get(TAG_STACK), address) {
            (Some(stack), Some(address)) => Self::Stack(Mark {
                stack: stack.clone(),
                address,
                generation: tags.get(TAG_GENERATION).cloned().unwrap_or_default(),
            }),
            _ => Self::Nobody,
        }
    }

    /// The mark, if it is `stack`'s.
    pub fn of_stack(&self, stack: &str) -> Option<&Mark> {
        match self {
            Self::Stack(mark) if mark.stack == stack => Some(mark),
            _ => None,
        }
    }
}

/// Tags without our own keys, as a spec holds them.
pub fn foreign_tags(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    tags.iter().filter(|(key, _)| !key.starts_with(TAG_PREFIX)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// How a live resource is. A gone one is never given to the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Being made.
    Coming,
    /// In working order.
    Ready,
    /// Being changed; it works meanwhile.
    Changing,
    /// Being deleted.
    Going,
    /// Failed, with AWS's reason.
    Broken(String),
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coming => f.write_str("coming"),
            Self::Ready => f.write_str("ready"),
            Self::Changing => f.write_str("changing"),
            Self::Going => f.write_str("going"),
            Self::Broken(reason) => write!(f, "broken: {reason}"),
        }
    }
}

/// A live resource, typed.
#[derive(Clone, Debug)]
pub struct Live<K: Kind> {
    /// AWS's id: what `update` and `delete` need to name it.
    pub id: String,
    /// The spec, read back.
    pub spec: K::Spec,
    /// What only AWS knows.
    pub out: K::Out,
    /// Whose it is.
    pub owner: Owner,
    /// How it is.
    pub phase: Phase,
}

/// A live resource of any kind, as documents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LiveDoc {
    /// Its kind.
    pub kind: String,
    /// AWS's id.
    pub id: String,
    /// The spec.
    pub spec: Doc,
    /// What only AWS knows.
    pub out: Doc,
    /// Whose it is.
    pub owner: Owner,
    /// How it is.
    pub phase: Phase,
}

impl<K: Kind> Live<K> {
    /// As documents.
    pub fn to_doc(&self) -> Result<LiveDoc, Misfit> {
        Ok(LiveDoc {
            kind: K::NAME.into(),
            id: self.id.clone(),
            spec: Doc::of(&self.spec)?,
            out: Doc::of(&self.out)?,
            owner: self.owner.clone(),
            phase: self.phase.clone(),
        })
    }

    /// From documents.
    pub fn from_doc(doc: &LiveDoc) -> Result<Self, Misfit> {
        Ok(Self {
            id: doc.id.clone(),
            spec: doc.spec.typed()?,
            out: doc.out.typed()?,
            owner: doc.owner.clone(),
            phase: doc.phase.clone(),
        })
    }
}

impl LiveDoc {
    /// A field of its `out`, if AWS has given it.
    pub fn field(&self, field: &str) -> Option<Value> {
        self.out.value().get(field).filter(|value| !value.is_null()).cloned()
    }
}
