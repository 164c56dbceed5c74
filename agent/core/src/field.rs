//! Types of spec fields that are not simply compared: left to AWS, sent once, or compared only in part.
//!
//! There is no state file that would remember what was set, so a field that is left out has AWS's documented default,
//! which the spec states and which is compared. The exceptions are these types.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::doc::{AT_CREATE, AWS_DECIDES, NAME, TAGS};

/// A field that AWS (or an operator, or autoscaling) fills in when the manifest says nothing; compared only when set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AwsDecides<T> {
    /// The manifest says nothing: whatever AWS holds is right.
    #[default]
    Unset,
    /// The manifest sets it, or this is what AWS holds.
    Set(T),
}

impl<T> AwsDecides<T> {
    /// The value, if there is one.
    pub fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Unset => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> From<Option<T>> for AwsDecides<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unset, Self::Set)
    }
}

impl<T: Serialize> Serialize for AwsDecides<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unset => json!({ AWS_DECIDES: null }).serialize(serializer),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for AwsDecides<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_null() || value.as_object().is_some_and(|map| map.contains_key(AWS_DECIDES)) {
            return Ok(Self::Unset);
        }
        from_value(value).map(Self::Set)
    }
}

impl<T: JsonSchema> JsonSchema for AwsDecides<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("AwsDecides_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        marked(T::json_schema(generator), AWS_DECIDES)
    }
}

/// A field that is sent with the creating call and never compared afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AtCreate<T>(pub Option<T>);

impl<T> Default for AtCreate<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Serialize> Serialize for AtCreate<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = BTreeMap::new();
        map.insert(AT_CREATE, &self.0);
        map.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for AtCreate<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let inner = match value {
            Value::Object(mut map) if map.contains_key(AT_CREATE) => map.remove(AT_CREATE).unwrap_or_default(),
            other => other,
        };
        if inner.is_null() { Ok(Self(None)) } else { from_value(inner).map(|value| Self(Some(value))) }
    }
}

impl<T: JsonSchema> JsonSchema for AtCreate<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("AtCreate_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        marked(T::json_schema(generator), AT_CREATE)
    }
}

/// Tags that the manifest sets. Foreign keys on the live resource are left alone; our own keys (`gitops-agent:…`) are
/// not in here, the engine keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub BTreeMap<String, String>);

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = BTreeMap::new();
        map.insert(TAGS, &self.0);
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::<String, Value>::deserialize(deserializer)?;
        let inner = map.remove(TAGS).unwrap_or(Value::Object(map));
        from_value(inner).map(Self)
    }
}

impl JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        marked(<BTreeMap<String, String>>::json_schema(generator), TAGS)
    }
}

/// The name of a resource in AWS, for kinds of which two generations must stand side by side during a replacement:
/// a base, to which the engine adds the generation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// To be finished by the engine: `base-` and eight digits of the generation, at most `max` characters.
    Base {
        /// The part that people recognise.
        base: String,
        /// The service's limit.
        max: usize,
    },
    /// What AWS holds, or the finished name.
    Full(String),
}

impl Name {
    /// The finished name; the base while the engine has not finished it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Base { base, .. } => base,
            Self::Full(name) => name,
        }
    }

    /// `base`, cut so that eight digits of the generation fit within `max`.
    pub fn finish(base: &str, max: usize, generation: &str) -> String {
        let tail = generation.get(..8).unwrap_or(generation);
        let room = max.saturating_sub(tail.len() + 1);
        let head: String = base.chars().take(room).collect();
        format!("{}-{tail}", head.trim_end_matches('-'))
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Base { base, max } => json!({ NAME: base, "max": max }).serialize(serializer),
            Self::Full(name) => name.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => Ok(Self::Full(name)),
            Value::Object(map) => {
                let base = map.get(NAME).and_then(Value::as_str).unwrap_or_default().to_owned();
                let max = map.get("max").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(32);
                Ok(Self::Base { base, max })
            }
            _ => Err(serde::de::Error::custom("a name is text")),
        }
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        marked(String::json_schema(generator), NAME)
    }
}

/// The key of a schema that says which marker its values carry in a document.
pub const MARKED: &str = "x-marked";

/// A schema that says so: the documentation is made from schemas, and these types have the shape of others.
fn marked(mut schema: Schema, marker: &str) -> Schema {
    schema.insert(MARKED.into(), marker.into());
    schema
}

fn from_value<T: DeserializeOwned, E: serde::de::Error>(value: Value) -> Result<T, E> {
    serde_json::from_value(value).map_err(serde::de::Error::custom)
}
