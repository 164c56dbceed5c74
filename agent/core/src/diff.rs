//! The comparison of a wanted document with a live one, field by field. It knows what the markers mean; it decides
//! nothing about what is to be done.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::doc::{self, AT_CREATE, AWS_DECIDES, JOIN, LINK, NAME, REF, SECRET, TAGS};

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Keys and positions joined by dots.
    pub path: String,
    /// What AWS holds; `null` if nothing.
    pub from: Value,
    /// What is wanted; `null` if nothing.
    pub to: Value,
}

/// The fields in which `live` differs from `wanted`. A reference that is still open differs from everything.
pub fn diff(wanted: &Value, live: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", wanted, live, &mut found);
    found
}

fn compare(path: &str, wanted: &Value, live: &Value, found: &mut Vec<FieldChange>) {
    match (wanted, live) {
        (Value::Object(want), _) if doc::marker(want).is_some() => compare_marker(path, want, live, found),
        // What the wanted side has as plain text, the live side may hold as a link.
        (Value::String(_), Value::Object(have)) if have.contains_key(LINK) => {
            compare(path, wanted, have.get("value").unwrap_or(&Value::Null), found);
        }
        (Value::Object(want), Value::Object(have)) => compare_members(path, want, have, found),
        (Value::Array(want), Value::Array(have)) if want.len() == have.len() => {
            for (n, (want, have)) in want.iter().zip(have).enumerate() {
                compare(&doc::join_path(path, &n.to_string()), want, have, found);
            }
        }
        _ if wanted == live => {}
        _ => found.push(FieldChange { path: path.into(), from: live.clone(), to: wanted.clone() }),
    }
}

fn compare_members(path: &str, want: &Map<String, Value>, have: &Map<String, Value>, found: &mut Vec<FieldChange>) {
    let keys: std::collections::BTreeSet<&String> = want.keys().chain(have.keys()).collect();
    for key in keys {
        let (want, have) = (want.get(key).unwrap_or(&Value::Null), have.get(key).unwrap_or(&Value::Null));
        // A field absent on the wanted side may be marked on the live one as nobody's business.
        let nobodys =
            |map: &Map<String, Value>| [AWS_DECIDES, AT_CREATE, TAGS].iter().any(|mark| map.contains_key(*mark));
        let free = have.as_object().is_some_and(nobodys);
        if !(want.is_null() && free) {
            compare(&doc::join_path(path, key), want, have, found);
        }
    }
}

fn compare_marker(path: &str, want: &Map<String, Value>, live: &Value, found: &mut Vec<FieldChange>) {
    let differs = match doc::marker(want) {
        Some((AWS_DECIDES | AT_CREATE, _)) => false,
        Some((TAGS, tags)) => return compare_tags(path, tags, live, found),
        Some((LINK, _)) => {
            let have = live.as_object().and_then(|map| map.get("value")).unwrap_or(live);
            want.get("value") != Some(have)
        }
        Some((SECRET, digest)) => live.as_object().and_then(|map| map.get(SECRET)) != Some(digest),
        // Still open: not known before something else is made, so not what AWS holds now.
        _ => true,
    };
    if differs {
        found.push(FieldChange { path: path.into(), from: live.clone(), to: Value::Object(want.clone()) });
    }
}

/// Of tags only the wanted keys count: others may have been set by billing, by backup, or by hand.
fn compare_tags(path: &str, wanted: &Value, live: &Value, found: &mut Vec<FieldChange>) {
    let empty = Map::new();
    let have = live.as_object().and_then(|map| map.get(TAGS)).and_then(Value::as_object).unwrap_or(&empty);
    for (key, to) in wanted.as_object().unwrap_or(&empty) {
        let from = have.get(key).cloned().unwrap_or(Value::Null);
        if from != *to {
            found.push(FieldChange { path: doc::join_path(path, key), from, to: to.clone() });
        }
    }
}

/// A value as people read it: links as their value, references as what they name, secrets not at all.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", text.escape_debug()),
        Value::Object(map) => match doc::marker(map) {
            Some((LINK, _)) => shown(map.get("value").unwrap_or(&Value::Null)),
            Some((REF, to)) => {
                let field = map.get("field").and_then(Value::as_str).unwrap_or_default();
                format!("(known after {}: {field})", to.as_str().unwrap_or_default())
            }
            Some((JOIN, pieces)) => {
                let pieces = pieces.as_array().map(Vec::as_slice).unwrap_or_default();
                let text = |piece: &Value| piece.as_str().map_or_else(|| shown(piece), str::to_owned);
                pieces.iter().map(text).collect()
            }
            Some((SECRET, _)) => "(secret)".into(),
            Some((NAME, base)) => shown(base),
            Some((AWS_DECIDES, _)) => "(left to AWS)".into(),
            Some((_, inner)) => shown(inner),
            None => {
                let members: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect();
                if members.is_empty() { "{}".into() } else { format!("{{ {} }}", members.join(", ")) }
            }
        },
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Null => "(none)".into(),
        leaf => leaf.to_string(),
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.path, shown(&self.from), shown(&self.to))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(wanted: &Value, live: &Value) -> Vec<String> {
        diff(wanted, live).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn what_the_manifest_leaves_to_others_is_never_a_difference() {
        let wanted =
            json!({"count": {"$aws_decides": null}, "start": {"$at_create": 2}, "tags": {"$tags": {"a": "1"}}});
        let live = json!({"count": 7, "start": {"$at_create": null}, "tags": {"$tags": {"a": "1", "cost": "x"}}});
        assert!(paths(&wanted, &live).is_empty());
    }

    #[test]
    fn where_only_the_wanted_keys_count_an_absent_field_wants_none() {
        let live = json!({"sees": {"$tags": {"catalog": "catalog"}}});
        assert!(paths(&json!({}), &live).is_empty());
        assert_eq!(paths(&json!({"sees": {"$tags": {"inbox": "inbox"}}}), &live), ["sees.inbox"]);
    }

    #[test]
    fn a_field_dropped_from_git_is_a_difference() {
        assert_eq!(paths(&json!({}), &json!({"description": "by hand"})), ["description"]);
        assert_eq!(paths(&json!({"tags": {"$tags": {"a": "2"}}}), &json!({"tags": {"$tags": {"a": "1"}}})), ["tags.a"]);
    }

    #[test]
    fn links_compare_by_value_and_open_references_differ() {
        let live = json!({"vpc": {"$link": "ec2.vpc.id", "value": "vpc-1"}});
        assert!(paths(&live.clone(), &live).is_empty());
        assert_eq!(paths(&json!({"vpc": {"$ref": "network.main/ec2.vpc", "field": "id"}}), &live), ["vpc"]);
    }

    #[test]
    fn no_secret_is_shown() {
        let change = FieldChange { path: "value".into(), from: json!({"$secret": "aa"}), to: json!({"$secret": "bb"}) };
        assert_eq!(change.to_string(), "value: (secret) -> (secret)");
    }
}
