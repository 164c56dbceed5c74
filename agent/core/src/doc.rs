//! A spec at rest: canonical JSON with its digest. Documents say by marker objects (`{"$ref": …}`) what plain JSON
//! cannot: references, secrets, fields that AWS decides. The types that people and kinds use for these markers are in
//! `reference`, `field` and `secret`; what the markers mean in a comparison is in `diff`.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::address::Address;

/// A reference to a field of another resource's `out`: `{"$ref": "network.main/ec2.vpc", "field": "id"}`.
pub const REF: &str = "$ref";
/// Text with references in it: `{"$join": ["http://", {"$ref": …}]}`.
pub const JOIN: &str = "$join";
/// A value that names a thing of AWS: `{"$link": "ec2.vpc.id", "value": "vpc-1"}`.
pub const LINK: &str = "$link";
/// A secret leaf, as a digest that holds for this process alone: `{"$secret": "…"}`.
pub const SECRET: &str = "$secret";
/// A name that carries the generation: `{"$name": "hello-web", "max": 32}`.
pub const NAME: &str = "$name";
/// A field left to AWS, never compared: `{"$aws_decides": null}`.
pub const AWS_DECIDES: &str = "$aws_decides";
/// A field sent with the creating call and never compared: `{"$at_create": value}`.
pub const AT_CREATE: &str = "$at_create";
/// Tags, of which only the wanted keys are compared: `{"$tags": {…}}`.
pub const TAGS: &str = "$tags";

/// A spec as canonical JSON: keys sorted, absent and `null` the same, no white space.
///
/// 12,000 resources take 21 MB as text and ten times that as values, so a parsed value lives only while one resource
/// is compared.
#[derive(Clone, PartialEq, Eq)]
pub struct Doc(Box<str>);

/// A document that does not fit the type it was read as. The fault is always ours: documents are made from types.
#[derive(Debug, thiserror::Error)]
#[error("a document does not fit its type")]
pub struct Misfit(#[from] serde_json::Error);

impl Doc {
    /// The document of a typed spec.
    pub fn of<T: Serialize>(spec: &T) -> Result<Self, Misfit> {
        Ok(Self::from_value(&serde_json::to_value(spec)?))
    }

    /// The document of a value.
    pub fn from_value(value: &Value) -> Self {
        Self(canonical(value).into())
    }

    /// The value, parsed anew.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }

    /// The typed spec.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        Ok(serde_json::from_str(&self.0)?)
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text in 64 hex digits.
    pub fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl fmt::Debug for Doc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Doc {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_value(&Value::deserialize(deserializer)?))
    }
}

/// SHA-256 of a text in 64 hex digits.
pub fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Canonical JSON of a value: keys sorted whatever map `serde_json` was built with, `null` members left out.
pub fn canonical(value: &Value) -> String {
    // A value has text for keys and no writer that fails: there is no way for this to go wrong.
    serde_json::to_string(&Canonical(value)).unwrap_or_default()
}

/// A value as it is written canonically.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                // A marker keeps its null: `{"$aws_decides": null}` says something, an absent field does not.
                let mut members: Vec<_> = map.iter().filter(|(k, v)| !v.is_null() || k.starts_with('$')).collect();
                members.sort_by_key(|(key, _)| *key);
                serializer.collect_map(members.into_iter().map(|(key, member)| (key, Canonical(member))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Canonical)),
            leaf => leaf.serialize(serializer),
        }
    }
}

/// The marker an object is, if it is one: its name and what stands under it.
pub fn marker(map: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    [REF, JOIN, LINK, SECRET, NAME, AWS_DECIDES, AT_CREATE, TAGS]
        .into_iter()
        .find_map(|name| map.get(name).map(|inner| (name, inner)))
}

/// A reference found in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Where it stands, for example `rules.0.source`.
    pub path: String,
    /// The resource referred to.
    pub to: Address,
    /// The field of its `out`.
    pub field: String,
}

/// The reference a `$ref` object is.
pub fn reference(map: &Map<String, Value>) -> Option<(Address, &str)> {
    let address = map.get(REF)?.as_str()?.parse().ok()?;
    Some((address, map.get("field")?.as_str()?))
}

/// All references in a document, with the paths they stand at.
pub fn edges(value: &Value) -> Vec<Edge> {
    let mut found = Vec::new();
    visit(value, "", &mut |path, map| {
        if let Some((to, field)) = reference(map) {
            found.push(Edge { path: path.into(), to, field: field.into() });
        }
    });
    found
}

/// Calls `f` with each object of a document and its path (keys and positions joined by dots; markers add nothing).
pub fn visit(value: &Value, path: &str, f: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            f(path, map);
            for (key, member) in map {
                let below = if key.starts_with('$') { path.to_owned() } else { join_path(path, key) };
                visit(member, &below, f);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                visit(item, &join_path(path, &n.to_string()), f);
            }
        }
        _ => {}
    }
}

/// Rewrites a document from the leaves up: each object is offered to `f`, which may put another value in its place.
pub fn rewrite(value: Value, f: &mut impl FnMut(&Map<String, Value>) -> Option<Value>) -> Value {
    match value {
        Value::Object(map) => {
            let map: Map<String, Value> = map.into_iter().map(|(key, member)| (key, rewrite(member, f))).collect();
            f(&map).unwrap_or(Value::Object(map))
        }
        Value::Array(items) => items.into_iter().map(|item| rewrite(item, f)).collect(),
        leaf => leaf,
    }
}

/// `a` and `b` as `a.b`.
pub fn join_path(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Puts a value at a path of keys and positions; `null` takes the member away. A path that is not there stays away.
pub fn put(root: &mut Value, path: &str, new: Value) {
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut at = root;
    for key in parent.split('.').filter(|key| !key.is_empty()) {
        let below = match at {
            Value::Object(map) => map.get_mut(key),
            Value::Array(items) => key.parse::<usize>().ok().and_then(|n| items.get_mut(n)),
            _ => None,
        };
        let Some(below) = below else { return };
        at = below;
    }
    match at {
        Value::Object(map) if new.is_null() => drop(map.remove(last)),
        Value::Object(map) => drop(map.insert(last.to_owned(), new)),
        Value::Array(items) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|n| items.get_mut(n)) {
                *item = new;
            }
        }
        _ => {}
    }
}

/// Whether a path is at or below a pattern, in which `*` stands for one key or position.
pub fn path_matches(pattern: &str, path: &str) -> bool {
    let mut path = path.split('.');
    pattern.split('.').all(|want| path.next().is_some_and(|have| want == "*" || want == have))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_text_does_not_depend_on_order_or_nulls() {
        let one = json!({"b": 1, "a": {"y": null, "x": [1, {"q": null}]}});
        let two = json!({"a": {"x": [1, {}]}, "b": 1});
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(canonical(&json!({"f": {"$aws_decides": null}})), r#"{"f":{"$aws_decides":null}}"#);
    }

    #[test]
    fn references_are_found_with_their_paths_inside_joins_too() {
        let value = json!({
            "vpc": {"$ref": "network.main/ec2.vpc", "field": "id"},
            "env": [{"$join": ["http://", {"$ref": "load_balancer.edge/elb.load_balancer", "field": "dns_name"}]}],
        });
        let found: Vec<_> = edges(&value).into_iter().map(|e| (e.path, e.to.to_string())).collect();
        assert!(found.contains(&("vpc".into(), "network.main/ec2.vpc".into())));
        assert!(found.contains(&("env.0.0".into(), "load_balancer.edge/elb.load_balancer".into())) || found.len() == 2);
    }

    #[test]
    fn a_pattern_covers_what_is_below_it() {
        assert!(path_matches("rules", "rules.0.port"));
        assert!(path_matches("rules.*.port", "rules.3.port"));
        assert!(!path_matches("rules.*.port", "rules.3.proto"));
        assert!(!path_matches("rules.0.port", "rules"));
    }
}
