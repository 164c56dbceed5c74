//! The example stack `hello`, held fast. A change of a snapshot here means that stacks that are live change when the agent
//! is upgraded, although nobody changed their manifests: addresses are tags in AWS, names are how AWS knows things, and a
//! spec that differs is a step of a plan. Accept a change only with the reason in the changelog.

use std::fmt::Write as _;

use agent_core::lookup::Answers;

use crate::{answers, example, expanded, snapshot};

/// Fields that hold a resource's name in AWS.
const NAMES: [&str; 3] = ["name", "family", "service_name"];

#[test]
fn addresses_and_names() {
    let hello = expanded(&example("hello"), &answers()).unwrap();
    let mut text = String::new();
    for resource in &hello.resources {
        let spec = resource.spec.value();
        let held = NAMES.iter().find_map(|key| spec.get(*key));
        let name = held.map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned));
        let tag = spec.pointer("/tags/$tags/Name").and_then(|name| name.as_str()).map(|name| format!("Name={name}"));
        let shown = name.or(tag).unwrap_or_default();
        writeln!(text, "{:<56} {shown}", resource.address.as_str()).unwrap();
    }
    snapshot!(text);
}

#[test]
fn specs() {
    let hello = expanded(&example("hello"), &answers()).unwrap();
    assert!(hello.unknown.is_empty(), "{:?}", hello.unknown);
    let mut text = String::new();
    for resource in &hello.resources {
        let spec = serde_json::to_string_pretty(&resource.spec.value()).unwrap();
        writeln!(text, "{}\n{spec}\n", resource.address).unwrap();
    }
    snapshot!(text);
}

#[test]
fn generations() {
    // They are tags, and parts of names, in AWS.
    let hello = expanded(&example("hello"), &answers()).unwrap().desired().unwrap();
    let mut text = String::new();
    for (address, wanted) in &hello.resources {
        writeln!(text, "{:<56} {}", address.as_str(), wanted.generation).unwrap();
    }
    snapshot!(text);
}

#[test]
fn offline_it_says_what_it_does_not_know() {
    let hello = expanded(&example("hello"), &Answers::offline()).unwrap();
    let unknown: Vec<String> = hello.unknown.iter().map(ToString::to_string).collect();
    let text = hello.resources.iter().map(|resource| resource.spec.as_str()).collect::<String>();
    assert!(text.contains(agent_model::expand::UNKNOWN), "what is not known must not look as if it were");
    assert_eq!(
        unknown,
        ["the availability zones of the region", "the id of the prefix list com.amazonaws.eu-west-1.s3"]
    );
    let online = expanded(&example("hello"), &answers()).unwrap();
    assert_eq!(crate::addresses(&hello.resources), crate::addresses(&online.resources));
}
