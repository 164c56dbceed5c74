//! Mutants of `um`: each is one small change that a rule must not let pass. A test lists those that survive.

mod iam;
mod network;
mod pack;

use std::collections::BTreeMap;
use std::fmt::Write;

use agent_core::address::Address;
use agent_core::allowed::{Finding, Level};
use agent_core::desired::{Desired, Resource};
use agent_core::doc::{self, Doc};
use agent_core::manifest::{FileEntry, Limits, StackFiles};
use agent_core::reference::ref_value;
use agent_model::kinds::table;
use serde_json::{Value, json};

use crate::bench::{Stack, answers, root};

/// One small change.
pub enum Mutation {
    /// This text of a file of the stack becomes that.
    Text(&'static str, &'static str, &'static str),
    /// The value at this path of this resource becomes that.
    Spec(&'static str, &'static str, fn() -> Value),
    /// This resource is not there.
    Without(&'static str),
    /// This resource is there as well.
    With(&'static str, fn() -> Value),
    /// This resource is there as well, and like that one.
    Twin(&'static str, &'static str),
    /// One after the other.
    Both(Box<Mutation>, Box<Mutation>),
}

use Mutation::{Both, Spec, Text, Twin, With, Without};

pub fn to(address: &str, field: &str) -> Value {
    ref_value(&address.parse().unwrap(), field)
}

fn igw() -> Value {
    json!({ "0.0.0.0/0": { "internet_gateway": to("network.main/ec2.internet_gateway", "id") } })
}

pub fn public(n: usize) -> Value {
    to(&format!("network.main/ec2.subnet.public-{n}"), "id")
}

pub fn private(n: usize) -> Value {
    to(&format!("network.main/ec2.subnet.private-{n}"), "id")
}

const WEB_RULE: &str = "service.web/elb.rule.edge.443.any-766e01";

/// What is changed, and the change.
pub type Mutations = Vec<(&'static str, Mutation)>;

fn private_subnets_only() -> Mutations {
    vec![
        (
            "a service in the public tier",
            Text("services.toml", "[service.web]\n", "[service.web]\ntier = \"public\"\n"),
        ),
        ("another one", Text("services.toml", "arch    = \"arm64\"", "arch    = \"arm64\"\ntier = \"public\"")),
        ("a route to the internet in the private table", Spec("network.main/ec2.route_table.private", "routes", igw)),
        (
            "a route to a part of the internet",
            Spec(
                "network.main/ec2.route_table.private",
                "routes",
                || json!({ "203.0.113.0/24": { "internet_gateway": to("network.main/ec2.internet_gateway", "id") } }),
            ),
        ),
        (
            "a route over IPv6 to a gateway of somebody else",
            Spec(
                "network.main/ec2.route_table.private",
                "routes",
                || json!({ "::/0": { "internet_gateway": "igw-0123" } }),
            ),
        ),
        (
            "a route to what has no word",
            Spec(
                "network.main/ec2.route_table.private",
                "routes",
                || json!({ "0.0.0.0/0": { "unknown": "xyz-0123" } }),
            ),
        ),
        (
            "a subnet that gives out addresses",
            Spec("network.main/ec2.subnet.private-2", "map_public_ip_on_launch", || true.into()),
        ),
        (
            "tasks that ask for addresses",
            Spec("service.exchange/ecs.service", "network.assign_public_ip", || true.into()),
        ),
        (
            "one public subnet among a service's",
            Spec("service.inbox/ecs.service", "network.subnets", || json!([private(1), public(2)])),
        ),
        (
            "an endpoint in a public subnet",
            Spec("network.main/ec2.vpc_endpoint.logs", "subnets", || json!([private(1), public(2)])),
        ),
        (
            "a private subnet on the public table",
            Spec("network.main/ec2.route_table.public", "subnets", || json!([public(1), public(2), private(1)])),
        ),
        (
            "a subnet that falls back to the main table",
            Spec("network.main/ec2.route_table.private", "subnets", || json!([private(1)])),
        ),
        (
            "subnets that the stack does not own",
            Spec("service.web/ecs.service", "network.subnets", || json!(["subnet-0123", "subnet-4567"])),
        ),
        (
            "an internal load balancer in the public tier",
            Spec("load_balancer.edge/elb.load_balancer", "scheme", || "internal".into()),
        ),
    ]
}

fn endpoints_present() -> Mutations {
    vec![
        (
            "a list that lacks one",
            Text(
                "stack.toml",
                "tiers = [\"public\", \"private\"]",
                "tiers = [\"public\", \"private\"]\nendpoints = [\"ecr.api\", \"ecr.dkr\", \"s3\", \"ssm\", \"secretsmanager\"]",
            ),
        ),
        (
            "an image of another registry",
            Text(
                "services.toml",
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/library/nginx:1.29.3",
                "nginx:1.29.3",
            ),
        ),
        (
            "an image of another region",
            Text(
                "services.toml",
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ghcr/example/inbox",
                "123456789012.dkr.ecr.eu-west-2.amazonaws.com/inbox",
            ),
        ),
        (
            "a secret of another region",
            Text("services.toml", "arn:aws:secretsmanager:eu-west-1", "arn:aws:secretsmanager:eu-west-2"),
        ),
        ("no endpoint for images", Without("network.main/ec2.vpc_endpoint.ecr-dkr")),
        ("no endpoint for secrets", Without("network.main/ec2.vpc_endpoint.secretsmanager")),
        ("no endpoint for config files", Without("network.main/ec2.vpc_endpoint.ssm")),
        ("no gateway for the layers of images", Without("network.main/ec2.vpc_endpoint.s3")),
        ("no private DNS", Spec("network.main/ec2.vpc_endpoint.ecr-api", "private_dns_enabled", || false.into())),
        (
            "an endpoint of another service under its name",
            Spec("network.main/ec2.vpc_endpoint.logs", "service_name", || "com.amazonaws.eu-west-1.monitoring".into()),
        ),
        (
            "an endpoint of another region",
            Spec("network.main/ec2.vpc_endpoint.logs", "service_name", || "com.amazonaws.eu-west-2.logs".into()),
        ),
        ("an endpoint in one zone", Spec("network.main/ec2.vpc_endpoint.logs", "subnets", || json!([private(1)]))),
        ("an endpoint of another VPC", Spec("network.main/ec2.vpc_endpoint.logs", "vpc", || "vpc-0123".into())),
        (
            "the gateway on the wrong table",
            Spec("network.main/ec2.vpc_endpoint.s3", "route_tables", || {
                json!([to("network.main/ec2.route_table.public", "id")])
            }),
        ),
        ("no DNS in the VPC", Spec("network.main/ec2.vpc", "enable_dns_hostnames", || false.into())),
        ("shells without a way for them", Spec("service.web/ecs.service", "enable_execute_command", || true.into())),
        (
            "subnets that the stack does not own",
            Spec("service.web/ecs.service", "network.subnets", || json!(["subnet-0123"])),
        ),
    ]
}

fn origin_header_required() -> Mutations {
    vec![
        (
            "no header at all",
            Text("stack.toml", "origin_header = { name = \"X-Origin-Verify\", every = \"30d\" }\n", ""),
        ),
        ("a rule without the header", Spec(WEB_RULE, "conditions", || json!([{ "path_pattern": ["/*"] }]))),
        (
            "a header with a literal",
            Spec(
                WEB_RULE,
                "conditions",
                || json!([{ "http_header": { "name": "X-Origin-Verify", "values": [{ "$secret": "0123" }] } }, { "path_pattern": ["/*"] }]),
            ),
        ),
        (
            "a literal beside the secret",
            Spec(WEB_RULE, "conditions", || {
                let secret = to("load_balancer.edge/ssm.parameter.origin-header", "value");
                json!([{ "http_header": { "name": "X-Origin-Verify", "values": [secret, { "$secret": "0123" }] } }])
            }),
        ),
        (
            "a header without values",
            Spec(WEB_RULE, "conditions", || json!([{ "http_header": { "name": "X-Origin-Verify", "values": [] } }])),
        ),
        (
            "a default action that forwards",
            Spec("load_balancer.edge/elb.listener.443", "default_action", || {
                let group = to("service.web/elb.target_group.edge.http", "arn");
                json!({ "forward": { "target_groups": [{ "target_group": group, "weight": 1 }] } })
            }),
        ),
        (
            "a secret that is plain text",
            Spec("load_balancer.edge/ssm.parameter.origin-header", "type", || "String".into()),
        ),
        (
            "a secret that nobody generates",
            Spec("load_balancer.edge/ssm.parameter.origin-header", "generate", || json!({ "$at_create": null })),
        ),
        (
            "a secret that can be guessed",
            Spec(
                "load_balancer.edge/ssm.parameter.origin-header",
                "generate",
                || json!({ "$at_create": { "bytes": 4 } }),
            ),
        ),
        (
            "another action than those that are known",
            Spec(
                "load_balancer.edge/elb.listener.443",
                "default_action",
                || json!({ "other": "authenticate-oidc, forward" }),
            ),
        ),
    ]
}

/// The rule, what is changed, and the change.
pub fn mutations() -> Vec<(&'static str, &'static str, Mutation)> {
    let all = [
        ("private-subnets-only", private_subnets_only()),
        ("endpoints-present", endpoints_present()),
        ("origin-header-required", origin_header_required()),
        ("no-world-ingress", network::no_world_ingress()),
        ("ingress-only-from-cloudfront", network::ingress_only_from_cloudfront()),
        ("no-admin-statements", iam::no_admin_statements()),
        ("pass-role-limited", iam::pass_role_limited()),
        ("no-allow-not-principal", iam::no_allow_not_principal()),
        ("trust-names-somebody", iam::trust_names_somebody()),
        ("no-administrator-access", iam::no_administrator_access()),
        ("origin-header-secret", pack::origin_header_secret()),
        ("no-host-network", pack::no_host_network()),
        ("no-secrets-in-containers", pack::no_secrets_in_containers()),
        ("container-sizes", pack::container_sizes()),
        ("deployment-room", pack::deployment_room()),
        ("no-secrets-in-parameters", pack::no_secrets_in_parameters()),
    ];
    let all = all.into_iter().chain(crate::variants::all());
    all.flat_map(|(rule, list)| list.into_iter().map(move |(what, how)| (rule, what, how))).collect()
}

pub fn um(files: &StackFiles) -> Stack {
    Stack::new(files, "um", &answers()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The stack with a change, or the problems that its components have with it.
pub fn mutant(files: &StackFiles, how: &Mutation) -> Result<Stack, String> {
    let mut files = files.clone();
    rewrite(&mut files, how);
    let mut stack = Stack::new(&files, "um", &answers())?;
    let resources = stack.desired.resources.iter().map(|(address, wanted)| (address.clone(), wanted.spec.value()));
    let mut resources = resources.collect();
    change(&mut resources, how);
    let resources = resources.into_iter().map(|(address, value)| {
        // As a component or an override would have made it.
        let kind = table().get(address.kind()).copied().unwrap();
        let spec = (kind.normal)(&Doc::from_value(&value)).unwrap_or_else(|misfit| panic!("{address}: {misfit}"));
        Resource { address, spec, protect: false, adopt: None, ignore: Vec::new() }
    });
    let good = stack.desired;
    // What named something that is gone: the rules come after, and would not see a stack that does not hang together.
    let desired = Desired::build("um", resources.collect(), good.allow.clone(), &table());
    let desired = desired.unwrap_or_else(|all| panic!("{all:?}"));
    stack.desired = desired.written(good.written).with_prefix_lists(good.prefix_lists);
    Ok(stack)
}

/// What changes in the files.
fn rewrite(files: &mut StackFiles, how: &Mutation) {
    match how {
        Text(file, from, to) => {
            let entry = files.files.get_mut(&format!("um/{file}")).unwrap();
            let FileEntry::Bytes(bytes) = entry else { panic!("{file} is no file") };
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{file} has no `{from}`");
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
        Both(first, second) => {
            rewrite(files, first);
            rewrite(files, second);
        }
        Spec(..) | Without(_) | With(..) | Twin(..) => {}
    }
}

/// What changes in the resources.
fn change(resources: &mut BTreeMap<Address, Value>, how: &Mutation) {
    let own = |address: &str| address.parse::<Address>().unwrap();
    match how {
        Text(..) => {}
        Spec(whose, path, new) => {
            let value = resources.get_mut(&own(whose)).unwrap_or_else(|| panic!("the stack has no {whose}"));
            doc::put(value, path, new());
        }
        Without(gone) => assert!(resources.remove(&own(gone)).is_some(), "the stack has no {gone}"),
        With(more, spec) => drop(resources.insert(own(more), spec())),
        Twin(twin, of) => {
            let value = resources[&own(of)].clone();
            resources.insert(own(twin), value);
        }
        Both(first, second) => {
            change(resources, first);
            change(resources, second);
        }
    }
}

/// Whether the rule keeps the mutant from being applied.
pub fn caught(rule: &str, findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.rule == rule && (finding.refuses() || finding.is_open()))
}

#[test]
fn no_mutant_survives() {
    let files = StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap();
    let good = um(&files).findings();
    assert!(good.iter().all(|finding| finding.level == Level::Advisory), "the good one is good");
    let mut survivors = Vec::new();
    let mut shown = String::new();
    for (rule, what, how) in mutations() {
        match mutant(&files, &how) {
            Ok(stack) => {
                let findings = stack.findings();
                if !caught(rule, &findings) {
                    survivors.push(format!("{rule}: {what}"));
                }
                let own = findings.iter().filter(|finding| finding.rule == rule);
                for finding in own.take(1) {
                    let at = stack.line(finding).unwrap_or_else(|| panic!("{what}: no line"));
                    let word = if finding.refuses() { "refused" } else { "open" };
                    let _ = writeln!(shown, "{rule}: {what}\n  {word}, line {at}: {}", finding.message);
                }
            }
            Err(problems) => panic!("{rule}: {what}: the components refuse it before the rule is asked:\n{problems}"),
        }
    }
    assert!(survivors.is_empty(), "survivors:\n{}", survivors.join("\n"));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}

#[test]
fn each_hard_rule_has_mutants() {
    let pack = agent_policy::bundle::Bundle::pack().unwrap();
    let mutations = mutations();
    // What is about to be done no manifest shows.
    let judged = pack.asked(agent_policy::metadata::Pass::Desired).into_iter();
    for rule in judged.filter(|rule| rule.level == Some(Level::Hard)) {
        let count = mutations.iter().filter(|(of, _, _)| *of == rule.id).count();
        assert!(count >= 5, "{}: {count} mutants", rule.id);
    }
}
