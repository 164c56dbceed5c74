//! The generation of a resource: what tells one that AWS made for this spec from one that has to be replaced.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::address::Address;
use crate::doc::{self, AT_CREATE, AWS_DECIDES, NAME, REF, SECRET, TAGS};
use crate::kind::KindInfo;

/// What of a spec counts for its generation: the immutable fields. Secrets (their digests hold for one process) and fields that
/// are never compared do not count.
pub(super) fn counted(spec: &Value, kind: &KindInfo) -> Value {
    immutable_part(spec, "", kind).unwrap_or(Value::Null)
}

/// The generation of what counts: a digest in which a reference counts by the generation of what it names.
pub(super) fn generation(counted: Value, kind: &KindInfo, told: &HashMap<Address, String>) -> String {
    let counted = doc::rewrite(counted, &mut |map| {
        let to = map.get(REF)?.as_str()?.parse::<Address>().ok()?;
        Some(format!("{to}@{}", told.get(&to).map_or("", String::as_str)).into())
    });
    doc::digest(&format!("{} {}", kind.name, doc::canonical(&counted)))[..12].to_owned()
}

fn immutable_part(value: &Value, path: &str, kind: &KindInfo) -> Option<Value> {
    if !path.is_empty() && kind.is_immutable(path) {
        return without_uncompared(value);
    }
    match value {
        Value::Object(map) if doc::marker(map).is_none() => {
            let part: Map<String, Value> = map
                .iter()
                .filter_map(|(key, member)| {
                    Some((key.clone(), immutable_part(member, &doc::join_path(path, key), kind)?))
                })
                .collect();
            (!part.is_empty()).then_some(Value::Object(part))
        }
        Value::Array(items) => {
            let part: Vec<Value> = items
                .iter()
                .enumerate()
                .filter_map(|(n, item)| immutable_part(item, &doc::join_path(path, &n.to_string()), kind))
                .collect();
            (!part.is_empty()).then_some(Value::Array(part))
        }
        _ => None,
    }
}

fn without_uncompared(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => match doc::marker(map) {
            Some((SECRET | AWS_DECIDES | AT_CREATE | TAGS, _)) => None,
            Some((NAME, base)) => Some(base.clone()),
            Some(_) => Some(value.clone()),
            None => Some(Value::Object(
                map.iter().filter_map(|(key, member)| Some((key.clone(), without_uncompared(member)?))).collect(),
            )),
        },
        Value::Array(items) => Some(items.iter().filter_map(without_uncompared).collect()),
        leaf => Some(leaf.clone()),
    }
}
