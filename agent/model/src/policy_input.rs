//! What the rules are asked about: one JSON document for a stack. See `docs/policy.md`.

mod schema;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use agent_core::desired::{Allow, Desired};
use agent_core::doc::{AT_CREATE, AWS_DECIDES, JOIN, LINK, Misfit, NAME, REF, SECRET, TAGS};
use agent_core::plan::Plan;
use serde::Serialize;
use serde_json::{Value, json};

use crate::facts::{Facts, Known};
pub use schema::schema;

/// The document.
#[derive(Serialize)]
pub struct Document<'a> {
    version: u8,
    stack: Stack<'a>,
    /// The table of each component as it is written.
    manifest: &'a BTreeMap<String, Value>,
    /// Specs by kind and address.
    kinds: BTreeMap<&'a str, BTreeMap<&'a str, Value>>,
    facts: Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Value>,
}

#[derive(Serialize)]
struct Stack<'a> {
    name: &'a str,
    account: Option<&'a str>,
    region: &'a str,
    tags: &'a BTreeMap<String, String>,
    allow: &'a Allow,
}

/// The document of a stack. With a plan it is that of the second pass.
pub fn document<'a>(desired: &'a Desired, plan: Option<&Plan>, known: &Known) -> Result<Document<'a>, Misfit> {
    // The specs and the facts are each half of the work, and neither needs the other.
    let (kinds, facts) = thread::scope(|scope| {
        let kinds = scope.spawn(|| kinds_of(desired));
        let facts = Facts::of(desired, known);
        (kinds.join().unwrap_or_else(|panic| resume_unwind(panic)), facts)
    });
    let written = &desired.written;
    let stack = Stack {
        name: &desired.stack,
        account: written.account.as_deref(),
        region: &written.region,
        tags: &written.tags,
        allow: &desired.allow,
    };
    Ok(Document { version: 1, stack, manifest: &written.components, kinds, facts: facts?, plan: plan.map(plan_of) })
}

fn kinds_of(desired: &Desired) -> BTreeMap<&str, BTreeMap<&str, Value>> {
    let mut kinds: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for (address, wanted) in &desired.resources {
        kinds.entry(address.kind()).or_default().insert(address.as_str(), plain(wanted.spec.value()));
    }
    kinds
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
