//! What the faked cloud makes up: the `out` of a resource from its schema, and the spec that it holds after an update.

use serde_json::{Map, Value};

use crate::address::Scope;
use crate::doc::{self, Doc};
use crate::kind::KindInfo;

/// An `out` made up for the thing of an id.
pub(super) fn out_of(kind: &KindInfo, id: &str, spec: &Doc, scope: &Scope) -> Value {
    let text = |field: &str| if field == "id" { id.to_owned() } else { format!("{field}-of-{id}") };
    out_told(kind, &text, spec, scope)
}

/// An `out` made up from its schema: for each field a text that says what it stands for, and over them what the kind derives.
pub(crate) fn out_told(kind: &KindInfo, text: &dyn Fn(&str) -> String, spec: &Doc, scope: &Scope) -> Value {
    let root = (kind.out_schema)();
    let properties = root.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut out: Map<String, Value> = properties
        .into_iter()
        .map(|(field, schema)| {
            let named =
                schema.get("$ref").and_then(Value::as_str).and_then(|at| root.pointer(at.trim_start_matches('#')));
            let value = made_up(named.unwrap_or(&schema), &field, text);
            (field, value)
        })
        .collect();
    for (field, value) in (kind.derive)(spec, scope).unwrap_or_default() {
        out.insert(field.to_owned(), value.into());
    }
    Value::Object(out)
}

/// Whether a field holds a secret, always or in one of its forms.
fn is_write_only(schema: &Value) -> bool {
    let says = |schema: &Value| schema.get("writeOnly") == Some(&Value::Bool(true));
    says(schema) || schema.get("anyOf").and_then(Value::as_array).is_some_and(|forms| forms.iter().any(says))
}

fn made_up(schema: &Value, field: &str, text: &dyn Fn(&str) -> String) -> Value {
    if is_write_only(schema) {
        return serde_json::json!({ doc::SECRET: text(field) });
    }
    let ty = schema.get("type");
    let is = |name: &str| {
        ty == Some(&Value::from(name)) || ty.and_then(Value::as_array).is_some_and(|t| t.contains(&name.into()))
    };
    if is("array") {
        Value::Array(Vec::new())
    } else if is("integer") && field == "revision" {
        // Counts up and is never used twice.
        text("id").rsplit('-').next().and_then(|number| number.parse::<i32>().ok()).unwrap_or(1).into()
    } else if is("integer") || is("number") {
        1.into()
    } else if is("boolean") {
        false.into()
    } else if is("object") {
        Value::Object(Map::new())
    } else {
        text(field).into()
    }
}

/// The wanted spec, with what it leaves to AWS as AWS holds it, and foreign tags kept.
pub(super) fn merged(wanted: &Value, held: &Value) -> Value {
    match (wanted, held) {
        (Value::Object(map), _) if map.contains_key(doc::AWS_DECIDES) => held.clone(),
        (Value::Object(map), Value::Object(old)) if map.contains_key(doc::TAGS) => {
            let mut tags = old.get(doc::TAGS).and_then(Value::as_object).cloned().unwrap_or_default();
            tags.extend(map.get(doc::TAGS).and_then(Value::as_object).cloned().unwrap_or_default());
            serde_json::json!({ doc::TAGS: tags })
        }
        (Value::Object(map), Value::Object(old)) if doc::marker(map).is_none() => map
            .iter()
            .map(|(key, member)| (key.clone(), merged(member, old.get(key).unwrap_or(&Value::Null))))
            .collect::<Map<_, _>>()
            .into(),
        _ => wanted.clone(),
    }
}

/// A spec to compare one cloud with another: sets are ordered by ids in it, and in what this gives by what they hold.
pub fn unordered(spec: Value) -> Value {
    match spec {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(unordered).collect();
            items.sort_by_key(doc::canonical);
            items.into()
        }
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, unordered(value))).collect(),
        leaf => leaf,
    }
}
