//! How specs refer to other resources: links to one field of another resource's `out`, texts and documents with such
//! references in them, and their resolution to what AWS holds.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::doc::{self, JOIN, LINK, REF, SECRET};
use crate::secret::Secret;

/// What a link points at: one field of the `out` of one kind. Made by kinds: `pub struct VpcId;`.
pub trait Target: Send + Sync + 'static {
    /// The kind that has the field, for example `ec2.vpc`.
    const KIND: &'static str;
    /// The field of its `out`, for example `id`.
    const FIELD: &'static str;
}

/// A field of a spec that names another thing of AWS: a resource of this stack by its address, or anything by its value.
///
/// A live spec has values only; the engine maps them back to addresses by kind, field and value.
pub enum Link<T> {
    /// A resource of this stack.
    To(Address),
    /// What AWS calls it.
    Value(String),
    /// Never made: carries the type.
    #[doc(hidden)]
    Never(PhantomData<fn() -> T>),
}

impl<T: Target> Link<T> {
    /// A link to the resource of the target's kind that `component` makes.
    pub fn to(component: &str) -> Self {
        Self::To(Address::new(component, T::KIND))
    }

    /// A link to one of several resources that `component` makes.
    pub fn keyed(component: &str, key: &str) -> Self {
        Self::To(Address::keyed(component, T::KIND, key))
    }

    /// A link by value.
    pub fn value(value: impl Into<String>) -> Self {
        Self::Value(value.into())
    }

    /// What AWS calls the thing. Empty while unresolved, which the executor never lets happen: a step is sent only
    /// when all its references are resolved.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Value(value) => value,
            Self::To(_) | Self::Never(_) => "",
        }
    }

    /// The address, if it is a link to a resource of this stack.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::To(address) => Some(address),
            _ => None,
        }
    }
}

impl<T: Target> Serialize for Link<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::To(address) => ref_value(address, T::FIELD).serialize(serializer),
            _ => link_value(T::KIND, T::FIELD, self.as_str()).serialize(serializer),
        }
    }
}

impl<'de, T: Target> Deserialize<'de> for Link<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(value) => Ok(Self::Value(value)),
            Value::Object(map) => match (doc::reference(&map), map.get("value").and_then(Value::as_str)) {
                (Some((address, _)), _) => Ok(Self::To(address)),
                (None, Some(value)) => Ok(Self::Value(value.to_owned())),
                (None, None) => Err(serde::de::Error::custom("neither a reference nor a value")),
            },
            _ => Err(serde::de::Error::custom("neither a reference nor a value")),
        }
    }
}

impl<T: Target> JsonSchema for Link<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Link_{}_{}", T::KIND, T::FIELD).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = String::json_schema(generator);
        schema.insert("x-refers-to".into(), format!("{}.{}", T::KIND, T::FIELD).into());
        schema
    }
}

// Derives would ask `T` for what only the address and the value need.
impl<T> Clone for Link<T> {
    fn clone(&self) -> Self {
        match self {
            Self::To(address) => Self::To(address.clone()),
            Self::Value(value) => Self::Value(value.clone()),
            Self::Never(t) => Self::Never(*t),
        }
    }
}
impl<T> Link<T> {
    fn key(&self) -> (u8, &str) {
        match self {
            Self::To(address) => (0, address.as_str()),
            Self::Value(value) => (1, value),
            Self::Never(_) => (2, ""),
        }
    }
}
impl<T> PartialEq for Link<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl<T> Eq for Link<T> {}
impl<T> PartialOrd for Link<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Link<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key().1)
    }
}

/// Text that may have references in it, for example an environment variable or an ARN in a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Plain(String),
    Ref(Address, String),
}

impl Text {
    /// Text that is just a field of another resource.
    pub fn reference(to: Address, field: &str) -> Self {
        Self(vec![Piece::Ref(to, field.to_owned())])
    }

    /// This text with `plain` behind it.
    pub fn then(mut self, plain: &str) -> Self {
        self.0.push(Piece::Plain(plain.to_owned()));
        self
    }

    /// This text with a field of another resource behind it.
    pub fn then_ref(mut self, to: Address, field: &str) -> Self {
        self.0.push(Piece::Ref(to, field.to_owned()));
        self
    }

    /// The text, if nothing in it is still a reference.
    pub fn plain(&self) -> Option<String> {
        self.0.iter().map(|piece| if let Piece::Plain(text) = piece { Some(text.as_str()) } else { None }).collect()
    }

    /// Its pieces in order, each of them plain or one reference.
    pub fn pieces(&self) -> impl Iterator<Item = Self> + '_ {
        self.0.iter().map(|piece| Self(vec![piece.clone()]))
    }

    /// This text with another behind it.
    pub fn joined(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// This text with something plain in the place of each reference.
    pub fn with_plain(self, mut plain: impl FnMut(&Address, &str) -> String) -> Self {
        let pieces = self.0.into_iter().map(|piece| match piece {
            Piece::Ref(address, field) => Piece::Plain(plain(&address, &field)),
            known @ Piece::Plain(_) => known,
        });
        Self(pieces.collect())
    }

    /// As it stands in a document: plain text, or a join.
    pub fn to_value(&self) -> Value {
        self.plain().map_or_else(
            || {
                let pieces = self.0.iter().map(|piece| match piece {
                    Piece::Plain(text) => Value::from(text.as_str()),
                    Piece::Ref(address, field) => ref_value(address, field),
                });
                json!({ JOIN: pieces.collect::<Vec<_>>() })
            },
            Value::from,
        )
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(vec![Piece::Plain(text.to_owned())])
    }
}
impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(vec![Piece::Plain(text)])
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let piece = |value: &Value| match value {
            Value::String(text) => Some(Piece::Plain(text.clone())),
            Value::Object(map) => doc::reference(map).map(|(to, field)| Piece::Ref(to, field.to_owned())),
            _ => None,
        };
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(text.into()),
            Value::Object(map) => map
                .get(JOIN)
                .and_then(Value::as_array)
                .and_then(|pieces| pieces.iter().map(piece).collect())
                .map(Self)
                .ok_or_else(|| serde::de::Error::custom("neither text nor a join")),
            _ => Err(serde::de::Error::custom("neither text nor a join")),
        }
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// A secret that another resource holds, or the digest of what AWS gave back.
///
/// A reference that led to something else than a secret (the value of a plain parameter) becomes a digest that no vault
/// opens: the call that would send it says what is wrong, and the text is nowhere on the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum SecretRef {
    /// The digest; the plaintext is in the vault.
    Sealed(Secret),
    /// The field of another resource's `out` that holds it.
    To {
        /// The resource.
        #[serde(rename = "$ref")]
        to: Address,
        /// The field.
        field: String,
    },
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let map = value.as_object().ok_or_else(|| serde::de::Error::custom("neither a secret nor a reference"))?;
        if let Some((to, field)) = doc::reference(map) {
            return Ok(Self::To { to, field: field.to_owned() });
        }
        let plain = map.get(LINK).and(map.get("value")).and_then(Value::as_str);
        match plain {
            Some(plain) => Ok(Self::Sealed(Secret::unopened(&doc::digest(plain)))),
            None => serde_json::from_value(value).map(Self::Sealed).map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for SecretRef {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Secret::json_schema(generator)
    }
}

/// `{"$ref": …}`
pub fn ref_value(to: &Address, field: &str) -> Value {
    json!({ REF: to, "field": field })
}

/// `{"$link": …}`
pub fn link_value(kind: &str, field: &str, value: &str) -> Value {
    json!({ LINK: format!("{kind}.{field}"), "value": value })
}

/// Puts into a document what its references are known to be. `known` gives the field of an address, or nothing while
/// AWS has not made it; such references, and joins that contain them, stay as they are.
pub fn resolve(value: Value, known: &mut impl FnMut(&Address, &str) -> Option<Value>) -> Value {
    doc::rewrite(value, &mut |map| {
        if let Some((to, field)) = doc::reference(map) {
            let found = known(&to, field)?;
            return Some(match found {
                Value::String(text) => link_value(to.kind(), field, &text),
                other => other,
            });
        }
        join(map)
    })
}

/// A join whose pieces are all known, as text.
fn join(map: &Map<String, Value>) -> Option<Value> {
    let mut text = String::new();
    for piece in map.get(JOIN)?.as_array()? {
        match piece {
            Value::String(plain) => text.push_str(plain),
            Value::Number(number) => text.push_str(&number.to_string()),
            Value::Object(link) => text.push_str(link.get(LINK).and(link.get("value"))?.as_str()?),
            _ => return None,
        }
    }
    Some(text.into())
}

/// Whether a document still has references that are not resolved.
pub fn is_open(value: &Value) -> bool {
    let mut open = false;
    doc::visit(value, "", &mut |_, map| open |= map.contains_key(REF));
    open
}

/// Whether a leaf is a secret.
pub fn is_secret(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.contains_key(SECRET))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct VpcId;
    impl Target for VpcId {
        const KIND: &'static str = "ec2.vpc";
        const FIELD: &'static str = "id";
    }

    #[test]
    fn a_resolved_link_equals_what_a_live_spec_holds() {
        let wanted = serde_json::to_value(Link::<VpcId>::to("network.main")).unwrap();
        let live = serde_json::to_value(Link::<VpcId>::value("vpc-1")).unwrap();
        assert!(is_open(&wanted));
        assert_eq!(resolve(wanted, &mut |_, _| Some("vpc-1".into())), live);
    }

    #[test]
    fn a_join_becomes_text_only_when_all_of_it_is_known() {
        let to = Address::new("database.main", "rds.instance");
        let text = Text::from("jdbc://").then_ref(to, "host").then(":5432");
        let value = text.to_value();
        assert_eq!(serde_json::from_value::<Text>(value.clone()).unwrap(), text);
        assert_eq!(resolve(value.clone(), &mut |_, _| None), value);
        assert_eq!(resolve(value, &mut |_, _| Some("db.local".into())), Value::from("jdbc://db.local:5432"));
    }
}
