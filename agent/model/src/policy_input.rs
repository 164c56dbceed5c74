//! What the rules are asked about: one JSON document for a stack. See `docs/policy.md`.

use agent_core::desired::Desired;
use agent_core::doc::{AT_CREATE, AWS_DECIDES, JOIN, LINK, Misfit, NAME, REF, SECRET, TAGS};
use agent_core::plan::Plan;
use serde_json::{Map, Value, json};

use crate::facts::{Facts, Known};

/// The document. With a plan it is that of the second pass.
pub fn document(desired: &Desired, plan: Option<&Plan>, known: &Known) -> Result<Value, Misfit> {
    let facts = serde_json::to_value(Facts::of(desired, known)?)?;
    let mut kinds: Map<String, Value> = Map::new();
    for (address, wanted) in &desired.resources {
        let of_kind = kinds.entry(address.kind()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(of_kind) = of_kind.as_object_mut() {
            of_kind.insert(address.to_string(), plain(wanted.spec.value()));
        }
    }
    let written = &desired.written;
    let stack = json!({
        "name": desired.stack, "account": written.account, "region": written.region, "tags": written.tags,
        "allow": desired.allow,
    });
    let mut document = json!({ "version": 1, "stack": stack, "kinds": kinds, "facts": facts });
    document["manifest"] = Value::Object(written.components.clone().into_iter().collect());
    if let Some(plan) = plan {
        document["plan"] = plan_of(plan);
    }
    Ok(document)
}

/// The JSON schema of the document.
pub fn schema() -> Value {
    let facts = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Facts>();
    let mut facts = facts.to_value();
    let definitions = facts.as_object_mut().and_then(|facts| {
        facts.remove("$schema");
        facts.remove("$defs")
    });
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "array", "items": text() });
    let object = |description: &str, properties: Value| {
        let required: Vec<&String> = properties.as_object().map(|map| map.keys().collect()).unwrap_or_default();
        json!({ "type": "object", "description": description, "required": required, "properties": properties })
    };
    let spec = |kind: &agent_core::kind::KindInfo| {
        let specs = json!({
            "type": "object",
            "description": format!("Specs by address. {}", kind.doc),
            "additionalProperties": { "type": "object" },
        });
        (kind.name.to_owned(), specs)
    };
    let kinds: Map<String, Value> = crate::kinds::table().iter().map(spec).collect();
    let step = object(
        "One action.",
        json!({
            "address": text(), "kind": text(), "because": text(),
            "op": { "enum": ["create", "update", "replace", "clear", "delete"] },
            "stateful": { "type": "boolean", "description": "Whether it holds data." },
        }),
    );
    let allow = object("What `[stack.allow]` says.", json!({ "delete": texts(), "removals": { "type": "integer" } }));
    let mut stack = object(
        "The stack.",
        json!({
            "name": text(), "region": text(), "allow": allow,
            "tags": { "type": "object", "additionalProperties": text() },
        }),
    );
    stack["properties"]["account"] = json!({ "type": ["string", "null"], "description": "Twelve digits." });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What rules judge: one document for a stack",
        "description": "See docs/policy.md.",
        "type": "object",
        "required": ["version", "stack", "manifest", "kinds", "facts"],
        "properties": {
            "version": { "const": 1 },
            "stack": stack,
            "manifest": {
                "type": "object",
                "description": "The table of each component as it is written, by `service.web`.",
                "additionalProperties": { "type": "object" },
            },
            "kinds": { "type": "object", "properties": kinds, "additionalProperties": false },
            "facts": facts,
            "plan": object(
                "In the second pass alone: what is about to be done.",
                json!({ "steps": { "type": "array", "items": step }, "unchanged": { "type": "integer" } }),
            ),
        },
        "$defs": definitions.unwrap_or_default(),
    })
}

/// A plan for rules: what is done with which resource, and why.
fn plan_of(plan: &Plan) -> Value {
    let kinds = crate::kinds::table();
    let steps = plan.steps.iter().map(|step| {
        let kind = step.address.kind();
        let stateful = kinds.get(kind).is_some_and(|kind| kind.stateful);
        let (op, because) = (step.op.verb(), &step.because);
        json!({ "address": step.address, "kind": kind, "op": op, "because": because, "stateful": stateful })
    });
    json!({ "steps": steps.collect::<Vec<_>>(), "unchanged": plan.unchanged })
}

/// A spec without the markers of this program: a reference is the address (or AWS's id), a text with references has them as
/// `${address.field}`, a secret is its digest, a field that is left to AWS is absent.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
            if map.contains_key(REF) {
                return map.remove(REF).unwrap_or_default();
            }
            if map.contains_key(LINK) {
                return map.remove("value").unwrap_or_default();
            }
            if let Some(pieces) = map.get(JOIN).and_then(Value::as_array) {
                let piece = |piece: &Value| match piece {
                    Value::Object(to) => format!("${{{}.{}}}", text(to.get(REF)), text(to.get("field"))),
                    other => text(Some(other)),
                };
                return pieces.iter().map(piece).collect::<String>().into();
            }
            if map.contains_key(AWS_DECIDES) {
                return Value::Null;
            }
            for wrapped in [AT_CREATE, TAGS, NAME] {
                if let Some(inner) = map.remove(wrapped) {
                    return plain(inner);
                }
            }
            if let Some(digest) = map.remove(SECRET) {
                return json!({ "secret": digest });
            }
            map.into_iter().map(|(key, member)| (key, plain(member))).filter(|(_, member)| !member.is_null()).collect()
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        leaf => leaf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_sees_no_markers() {
        let spec = json!({
            "vpc": {"$ref": "network.main/ec2.vpc", "field": "id"}, "group": {"$link": "ec2.vpc.id", "value": "vpc-1"},
            "url": {"$join": ["http://", {"$ref": "load_balancer.edge/elb.load_balancer", "field": "dns_name"}, "/"]},
            "left": {"$aws_decides": null}, "zone": {"$at_create": "a"}, "tags": {"$tags": {"a": "b"}},
            "values": [{"$secret": "0123"}], "name": {"$name": "um-edge", "max": 32}, "none": null,
        });
        let expected = json!({
            "vpc": "network.main/ec2.vpc", "group": "vpc-1",
            "url": "http://${load_balancer.edge/elb.load_balancer.dns_name}/",
            "zone": "a", "tags": {"a": "b"}, "values": [{"secret": "0123"}], "name": "um-edge",
        });
        assert_eq!(plain(spec), expected);
    }
}
