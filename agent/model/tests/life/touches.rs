//! Random edits of resources that no component makes yet, but that kinds know: fields that change in place, fields that
//! take a new resource, and groups that let each other in, as services that connect will.

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::desired::Resource;
use agent_core::doc::{self, Doc};
use agent_core::reference::resolve;
use agent_model::kinds::table;
use proptest::prelude::*;
use serde_json::{Value, json};

/// One such edit.
#[derive(Clone, Debug)]
pub enum Touch {
    /// A field of one of the resources of a kind: which edit of the table, which resource.
    Field(usize, u8),
    /// The group of one service lets out to the group of another, and that lets it in.
    Connect(u8, u8),
    /// The same by a rule that is a resource of its own, in the group of another.
    Rule(u8, u8),
}

/// Kind, field and value, in JSON.
pub const FIELDS: [(&str, &str, &str); 44] = [
    ("cloudfront.distribution", "aliases", r#"["other.example.org"]"#),
    ("cloudfront.distribution", "enabled", "false"),
    ("cloudfront.distribution", "price_class", r#""PriceClass_100""#),
    ("ec2.internet_gateway", "vpc", "null"),
    ("ec2.elastic_ip", "tags", r#"{ "Name": "other" }"#),
    ("ec2.nat_gateway", "tags", r#"{ "Name": "other" }"#),
    ("ec2.route_table", "routes", r#"{ "10.99.0.0/16": { "transit_gateway": "tgw-1" } }"#),
    ("ec2.route_table", "subnets", "[]"),
    ("ec2.security_group", "description", r#""other words""#),
    ("ec2.security_group", "ingress", "[]"),
    ("ec2.security_group", "egress", "[]"),
    ("ec2.security_group_rule", "rule.description", r#""other words""#),
    ("ec2.security_group_rule", "rule.to_port", "7002"),
    ("ec2.subnet", "map_public_ip_on_launch", "true"),
    ("ec2.subnet", "tags", r#"{ "Name": "other" }"#),
    ("ec2.vpc", "default_group", "null"),
    ("ec2.vpc", "enable_dns_support", "false"),
    ("ec2.vpc_endpoint", "private_dns_enabled", "false"),
    ("ec2.vpc_endpoint", "service_name", r#""com.amazonaws.eu-west-1.sts""#),
    ("ecs.cluster", "name", r#""other""#),
    ("ecs.cluster", "container_insights", r#""enhanced""#),
    ("ecs.service", "desired_count", r#"{ "$at_create": 3 }"#),
    ("ecs.service", "enable_execute_command", "true"),
    ("ecs.service", "launch_type", r#""EC2""#),
    ("ecs.service", "load_balancers", "[]"),
    ("ecs.service", "name", r#""other""#),
    ("ecs.task_definition", "ephemeral_storage_gib", "30"),
    ("ecs.task_definition", "task_role", "null"),
    ("elb.listener", "certificates", r#"["arn:aws:acm:eu-west-1:123456789012:certificate/4567"]"#),
    ("elb.listener", "port", "81"),
    ("elb.load_balancer", "ip_address_type", r#""dualstack""#),
    ("elb.load_balancer", "security_groups", "[]"),
    ("elb.load_balancer", "name", r#"{ "$name": "um-other", "max": 32 }"#),
    ("elb.rule", "conditions", r#"[{ "http_request_method": ["GET"] }]"#),
    ("elb.rule", "priority", "null"),
    ("elb.target_group", "protocol_version", r#""HTTP2""#),
    ("elb.target_group", "stickiness", r#"{ "lb_cookie": { "duration_seconds": 60 } }"#),
    ("iam.role", "managed_policies", r#"["arn:aws:iam::aws:policy/ReadOnlyAccess"]"#),
    ("iam.role", "path", r#""/other/""#),
    ("logs.log_group", "log_group_class", r#""INFREQUENT_ACCESS""#),
    ("logs.log_group", "retention_in_days", "null"),
    ("servicediscovery.namespace", "description", r#""other words""#),
    ("ssm.parameter", "key_id", r#""alias/other""#),
    ("ssm.parameter", "tier", r#""Advanced""#),
];

pub fn touches() -> impl Strategy<Value = Touch> {
    prop_oneof![
        3 => (0..FIELDS.len(), 0_u8..4).prop_map(|(what, which)| Touch::Field(what, which)),
        1 => (0_u8..3, 0_u8..3).prop_map(|(from, to)| Touch::Connect(from, to)),
        1 => (0_u8..3, 0_u8..3).prop_map(|(from, to)| Touch::Rule(from, to)),
    ]
}

/// The resources with the edits made. An edit of what is not there does nothing.
pub fn touched(mut all: Vec<Resource>, touches: &[Touch]) -> Vec<Resource> {
    for touch in touches {
        match touch {
            Touch::Field(what, which) => {
                let (kind, field, value) = FIELDS[*what];
                let mut of_kind: Vec<&mut Resource> = all.iter_mut().filter(|r| r.address.kind() == kind).collect();
                let count = of_kind.len();
                if count == 0 {
                    continue;
                }
                let which = usize::from(*which) % count;
                let mut value: Value = serde_json::from_str(value).unwrap();
                if let (true, Some(name)) = (field == "name", value.as_str()) {
                    // What AWS knows by its name alone could never pass it on while it is in use.
                    value = format!("{name}-{}", of_kind[which].address.component().replace('.', "-")).into();
                }
                let before = of_kind[which].spec.clone();
                change(of_kind[which], |spec| doc::put(spec, field, value));
                // Two of one name are no sound stack: what the language refuses is tested elsewhere.
                let names: Vec<_> = of_kind.iter().filter_map(|one| name(one)).collect();
                if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
                    of_kind[which].spec = before;
                }
            }
            Touch::Connect(from, to) => connect(&mut all, *from, *to),
            Touch::Rule(from, to) => rule(&mut all, *from, *to),
        }
    }
    all
}

/// The name that AWS keeps unique, in terms of addresses.
fn name(resource: &Resource) -> Option<String> {
    let spec = resolve(resource.spec.value(), &mut |to, field| Some(format!("{to}.{field}").into()));
    (table().get(resource.address.kind())?.unique)(&Doc::from_value(&spec)).unwrap()
}

/// The groups of two services, or of one twice.
fn groups(all: &[Resource], from: u8, to: u8) -> Option<(Address, Address)> {
    let is_group = |resource: &&Resource| {
        resource.address.kind() == "ec2.security_group" && resource.address.component().starts_with("service.")
    };
    let groups: Vec<Address> = all.iter().filter(is_group).map(|resource| resource.address.clone()).collect();
    if groups.is_empty() {
        return None;
    }
    let [from, to] = [from, to].map(|n| groups[usize::from(n) % groups.len()].clone());
    let vpc = |address: &Address| all.iter().find(|r| r.address == *address).map(|r| r.spec.value()["vpc"].clone());
    // In AWS too a rule names groups of its own VPC.
    (vpc(&from) == vpc(&to)).then_some((from, to))
}

/// A way in from another's group, as one across stacks is.
fn rule(all: &mut Vec<Resource>, from: u8, to: u8) {
    let Some((from, to)) = groups(all, from, to) else { return };
    let key = to.component().replace('.', "-");
    let address = Address::keyed(from.component(), "ec2.security_group_rule", &key);
    if all.iter().any(|resource| resource.address == address) {
        return;
    }
    let group = |address: &Address| json!({ "$ref": address, "field": "id" });
    let spec = json!({
        "security_group": group(&to), "direction": "ingress",
        "rule": { "protocol": "tcp", "from_port": 7001, "peer": { "group": group(&from) } },
    });
    let kinds = table();
    let spec = (kinds.get(address.kind()).unwrap().normal)(&Doc::from_value(&spec)).unwrap();
    all.push(Resource { address, spec, protect: false, adopt: None, ignore: Vec::new() });
}

/// Between services, one with itself too.
fn connect(all: &mut [Resource], from: u8, to: u8) {
    let Some((from, to)) = groups(all, from, to) else { return };
    for (own, field, peer) in [(&from, "egress", &to), (&to, "ingress", &from)] {
        let rule = json!({
            "protocol": "tcp", "from_port": 7000, "to_port": 7000,
            "peer": { "group": { "$ref": peer, "field": "id" } },
        });
        let resource = all.iter_mut().find(|resource| resource.address == *own).unwrap();
        change(resource, |spec| match spec.get_mut(field).and_then(Value::as_array_mut) {
            Some(rules) => rules.push(rule),
            None => spec[field] = json!([rule]),
        });
    }
}

fn change(resource: &mut Resource, f: impl FnOnce(&mut Value)) {
    let mut spec = resource.spec.value();
    f(&mut spec);
    let kinds = table();
    let kind = kinds.get(resource.address.kind()).unwrap();
    resource.spec = (kind.normal)(&Doc::from_value(&spec)).unwrap_or_else(|error| {
        panic!("{}: {error:?}: {spec}", resource.address);
    });
}

/// Else a touch of what no stack has would be tested by nothing.
#[test]
fn every_edit_of_a_resource_changes_something_in_the_rich_stack() {
    let (all, _) = crate::bench::expanded(&crate::stacks::Stack::rich().text(true));
    let egress =
        FIELDS.iter().position(|(kind, field, _)| (*kind, *field) == ("ec2.security_group", "egress")).unwrap();
    let all = touched(all, &[Touch::Field(egress, 0), Touch::Rule(0, 1)]);
    for (n, field) in FIELDS.iter().enumerate().filter(|(n, _)| *n != egress) {
        let changes = |which| {
            let after = touched(all.clone(), &[Touch::Field(n, which)]);
            all.iter().zip(after).any(|(before, after)| before.spec != after.spec)
        };
        assert!((0..4).any(changes), "{field:?}");
    }
    for (from, to) in [(0, 1), (1, 1)] {
        let after = touched(all.clone(), &[Touch::Connect(from, to)]);
        assert!(all.iter().zip(after).any(|(before, after)| before.spec != after.spec));
    }
}
