//! The JSON schema of a manifest, for editors: what works in this release and nothing else. The agent itself knows more
//! (`components::language`), so that nobody who writes what comes later is told that it is misspelt.

use std::collections::BTreeSet;

use agent_core::manifest::names::MOST;
use agent_core::manifest::{Common, StackHeader, decode::schema_of};
use serde_json::{Map, Value, json};

use super::sorted;
use crate::components;

/// What the key `override` is.
const OVERRIDE: &str =
    "What to change in the resources that the component makes: kind, or kind and key, to fields of its spec.";

/// The schema, draft 2020-12, its keys sorted. Nothing is required at the top: a stack may be cut into several files.
pub fn manifest() -> Value {
    let mut definitions = Map::new();
    let mut properties = Map::new();
    add_definition("stack", schema_of::<StackHeader>().clone(), &mut definitions);
    properties.insert("stack".into(), json!({ "$ref": "#/$defs/stack" }));
    for info in components::table().values() {
        add_definition(info.name, with_common((info.schema_now)()), &mut definitions);
        let named = json!({
            "type": "object",
            "description": info.doc,
            "propertyNames": { "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": MOST },
            "additionalProperties": { "$ref": format!("#/$defs/{}", info.name) },
        });
        properties.insert(info.name.into(), named);
    }
    for (name, section) in components::language().sections {
        add_definition(name, section.schema, &mut definitions);
        properties.insert(name.into(), json!({ "$ref": format!("#/$defs/{name}"), "description": section.doc }));
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack: the *.toml files of a folder",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    });
    drop_unused(&mut schema);
    sorted(without_null(schema))
}

/// A schema without `null`, which TOML has no word for: what may be absent is left out.
fn without_null(value: Value) -> Value {
    let Value::Object(mut map) = value else {
        let Value::Array(items) = value else { return value };
        return items.into_iter().map(without_null).collect();
    };
    if map.get("default").is_some_and(Value::is_null) {
        map.remove("default");
    }
    if let Some(types) = map.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".into(), only);
        }
    }
    if let Some(variants) = map.get_mut("anyOf").and_then(Value::as_array_mut) {
        variants.retain(|variant| variant.get("type") != Some(&"null".into()));
        if let [only] = variants.as_slice() {
            let only = only.clone();
            map.remove("anyOf");
            for (key, member) in only.as_object().into_iter().flatten() {
                // What stands beside a choice is about the key, and wins.
                map.entry(key.clone()).or_insert_with(|| member.clone());
            }
        }
    }
    map.into_iter().map(|(key, member)| (key, without_null(member))).collect()
}

/// The common keys. What an override may say is in the specs of kinds, which are too much for an editor.
pub fn common() -> Value {
    let mut schema = schema_of::<Common>().clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let overrides = json!({
            "type": "object",
            "default": {},
            "description": OVERRIDE,
            "additionalProperties": { "type": "object", "additionalProperties": true },
        });
        properties.insert("override".into(), overrides);
    }
    schema
}

/// A component's schema with the keys that all have.
fn with_common(mut schema: Value) -> Value {
    let common = common();
    for part in ["properties", "$defs"] {
        let Some(more) = common.get(part).and_then(Value::as_object) else { continue };
        if schema.get(part).is_none() {
            schema[part] = json!({});
        }
        if let Some(own) = schema.get_mut(part).and_then(Value::as_object_mut) {
            own.extend(more.clone());
        }
    }
    schema
}

/// Makes a schema that stands alone one definition among others: its own definitions come along, named after it.
fn add_definition(name: &str, mut schema: Value, definitions: &mut Map<String, Value>) {
    let own = schema.as_object_mut().map(|map| {
        map.remove("$schema");
        map.remove("title");
        map.remove("$defs")
    });
    definitions.insert(name.into(), renamed(schema, name));
    if let Some(Some(Value::Object(own))) = own {
        for (key, definition) in own {
            definitions.insert(format!("{name}.{key}"), renamed(definition, name));
        }
    }
}

/// A schema whose references to its definitions lead to those of that name.
fn renamed(value: Value, name: &str) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, member)| match member.as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
                Some(definition) if key == "$ref" => (key, format!("#/$defs/{name}.{definition}").into()),
                _ => (key, renamed(member, name)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| renamed(item, name)).collect(),
        leaf => leaf,
    }
}

/// Takes away the definitions that nothing refers to: those of what comes later.
fn drop_unused(schema: &mut Value) {
    loop {
        let mut used = BTreeSet::new();
        references(schema, &mut used);
        let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) else { return };
        let before = definitions.len();
        definitions.retain(|name, _| used.contains(name));
        if definitions.len() == before {
            return;
        }
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let to = map.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"));
            found.extend(to.map(str::to_owned));
            map.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
