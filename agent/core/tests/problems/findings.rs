//! What a rule finds, at the line that it is about.

use agent_core::allowed::{Finding, Level};
use agent_core::manifest::Manifest;
use agent_core::source::Sources;

use crate::{HEADER, load_tree, tree};

const TEXT: &str = r#"
[service.web]
image = "web:1"
memory = 512

[service.web.override."ecs.service"]
platform_version = "1.4.0"
network.groups = ["a", "b"]
deployment = { circuit_breaker = { enable = false } }

[service.web.override."ecs.service.blue".deployment]
circuit_breaker.rollback = true

[service.batch]
image = "web:1"
memory = 512
"#;

fn finding(address: &str, field: &[&str], key: &[&str]) -> Finding {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Finding {
        rule: "a".into(),
        level: Level::Hard,
        address: Some(address.parse().unwrap()),
        field: words(field),
        key: words(key),
        message: "m".into(),
        ..Finding::default()
    }
}

/// The line that a finding points at.
fn line((manifest, sources): &(Manifest, Sources), finding: &Finding) -> String {
    let span = manifest.problem(finding).span.unwrap();
    let (line, _) = sources.line_col(&span).unwrap();
    format!("{HEADER}{TEXT}").lines().nth(line - 1).unwrap().to_owned()
}

fn stack() -> (Manifest, Sources) {
    let (manifest, problems, sources) = load_tree(&tree(&[("stack.toml", &format!("{HEADER}{TEXT}"))]));
    assert!(problems.is_empty(), "{problems:?}");
    (manifest.unwrap(), sources)
}

#[test]
fn a_finding_points_at_the_override_of_its_field() {
    let stack = stack();
    let at = |field: &[&str]| line(&stack, &finding("service.web/ecs.service", field, &["memory"]));
    assert_eq!(at(&["platform_version"]), "platform_version = \"1.4.0\"");
    assert_eq!(at(&["deployment", "circuit_breaker", "enable"]), TEXT.lines().nth(8).unwrap());
}

#[test]
fn a_finding_points_at_an_override_above_its_field_or_below_it() {
    let stack = stack();
    let at = |field: &[&str]| line(&stack, &finding("service.web/ecs.service", field, &["memory"]));
    assert_eq!(at(&["network", "groups", "1"]), "network.groups = [\"a\", \"b\"]", "a list is overridden as a whole");
    assert_eq!(at(&["network"]), "network.groups = [\"a\", \"b\"]");
    assert_eq!(at(&["deployment"]), TEXT.lines().nth(8).unwrap());
}

#[test]
fn a_finding_about_another_field_or_resource_points_at_its_key() {
    let stack = stack();
    let memory = "memory = 512";
    for (address, field) in [
        ("service.web/ecs.service", &["desired_count"][..]),
        ("service.web/ecs.service", &["network", "subnets"]),
        ("service.web/ecs.service", &[]),
        ("service.web/ec2.vpc", &["platform_version"]),
        ("service.batch/ecs.service", &["platform_version"]),
    ] {
        assert_eq!(line(&stack, &finding(address, field, &["memory"])), memory, "{address} {field:?}");
    }
}

#[test]
fn an_override_of_one_resource_comes_before_that_of_its_kind() {
    let stack = stack();
    let at = |address: &str, field: &[&str]| line(&stack, &finding(address, field, &[]));
    let rollback = &["deployment", "circuit_breaker", "rollback"];
    assert_eq!(at("service.web/ecs.service.blue", rollback), "circuit_breaker.rollback = true");
    assert_eq!(at("service.web/ecs.service.green", rollback), "[service.web]", "only the blue one sets it");
    assert_eq!(at("service.web/ecs.service.blue", &["platform_version"]), "platform_version = \"1.4.0\"");
    assert_eq!(
        at("service.web/ecs.service.blue", &["deployment", "circuit_breaker", "enable"]),
        TEXT.lines().nth(8).unwrap()
    );
}
