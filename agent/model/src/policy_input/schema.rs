//! The JSON schema of what rules are asked about.

use agent_core::kind::KindInfo;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::facts::Facts;

/// The JSON schema of the document.
pub fn schema() -> Value {
    let (facts, definitions) = facts();
    let kinds: Map<String, Value> = crate::kinds::table().iter().map(specs).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What rules judge: one document for a stack",
        "description": "See docs/policy.md.",
        "type": "object",
        "required": ["version", "stack", "manifest", "kinds", "facts"],
        "properties": {
            "version": { "const": 1 },
            "stack": stack(),
            "manifest": {
                "type": "object",
                "description": "The table of each component as it is written, by `service.web`.",
                "additionalProperties": { "type": "object" },
            },
            "kinds": { "type": "object", "properties": kinds, "additionalProperties": false },
            "facts": facts,
            "plan": plan(),
        },
        "$defs": definitions,
    })
}

/// The schema of the facts, and the definitions that it refers to.
fn facts() -> (Value, Value) {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut facts = generator.into_root_schema_for::<Facts>().to_value();
    let definitions = facts.as_object_mut().and_then(|facts| {
        facts.remove("$schema");
        facts.remove("$defs")
    });
    (facts, definitions.unwrap_or_default())
}

fn specs(kind: &KindInfo) -> (String, Value) {
    let specs = json!({
        "type": "object",
        "description": format!("Specs by address. {}", kind.doc),
        "additionalProperties": { "type": "object" },
    });
    (kind.name.to_owned(), specs)
}

fn stack() -> Value {
    let names = json!({ "type": "array", "items": text() });
    let allow = object("What `[stack.allow]` says.", &json!({ "delete": names, "removals": { "type": "integer" } }));
    let tags = json!({ "type": "object", "additionalProperties": text() });
    let mut stack = object("The stack.", &json!({ "name": text(), "region": text(), "allow": allow, "tags": tags }));
    stack["properties"]["account"] = json!({ "type": ["string", "null"], "description": "Twelve digits." });
    stack
}

fn plan() -> Value {
    let step = object(
        "One action.",
        &json!({
            "address": text(), "kind": text(), "because": text(),
            "op": { "enum": ["create", "update", "replace", "clear", "delete"] },
            "stateful": { "type": "boolean", "description": "Whether it holds data." },
        }),
    );
    let steps = json!({ "steps": { "type": "array", "items": step }, "unchanged": { "type": "integer" } });
    object("In the second pass alone: what is about to be done.", &steps)
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// An object that has all of these.
fn object(description: &str, properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    json!({ "type": "object", "description": description, "required": required, "properties": properties })
}
