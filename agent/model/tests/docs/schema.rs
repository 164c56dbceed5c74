//! The JSON schema for editors: it takes what works, refuses what does not, and is whole.

use agent_core::manifest::{Limits, Node, Value, parse::parse, schema};
use agent_core::source::{Problems, Sources, Span};
use agent_model::components::later;
use agent_model::docs;
use serde_json::Value as Json;

use crate::{HEADER, codes};

/// What an editor with the schema has against a text.
fn refusals(text: &str) -> Vec<String> {
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let table = parse("stack.toml", text.as_bytes(), &Limits::default(), &mut sources, &mut problems).unwrap();
    let file = sources.add("root", "");
    let node = Node { span: Span::start_of(file), value: Value::Table(table) };
    schema::check(&docs::schema::manifest(), &node, "stack.toml", &[], &mut problems);
    problems.iter().map(|problem| problem.message.clone()).collect()
}

/// A stack that is whole but for one thing of a later release, each.
fn later() -> Vec<String> {
    let network = "[network.main]\ncidr = \"10.20.0.0/16\"\n";
    let edge = format!("{network}[load_balancer.edge]\nlisteners = {{ 80 = {{}} }}\n");
    let service = format!("{network}[service.web]\nimage = \"web:1\"\n");
    let mut all: Vec<String> = later::TYPES
        .iter()
        .map(|later| format!("[{}.\"{}\"]\n", later.name, if later.domain { "a.example.org" } else { "main" }))
        .collect();
    let base = |component: &str| match component {
        "cluster" => "[cluster.main]\n".to_owned(),
        "network" => network.to_owned(),
        "load_balancer" => edge.clone(),
        _ => service.clone(),
    };
    all.extend(later::KEYS.iter().map(|later| format!("{}{} = {{}}\n", base(later.component), later.key)));
    all.push(format!("{network}flow_logs = true\n"));
    all.extend(
        [
            "deploy = { strategy = \"blue_green\" }",
            "deploy = { strategy = \"linear\" }",
            "deploy = { strategy = \"canary\" }",
            "logs = { delete = true }",
        ]
        .map(|key| format!("{service}{key}\n")),
    );
    all.push(service.replace("\"web:1\"", "{ repository = \"repository.web\", tag = \"1\" }"));
    all.into_iter().map(|text| format!("{HEADER}{text}")).collect()
}

#[test]
fn the_schema_refuses_what_comes_with_a_later_release() {
    for text in later() {
        let (codes, shown) = codes(&text);
        assert!(
            codes.iter().any(|code| code == later::CODE),
            "this works now; the schema has to say so too:\n{text}\n{shown}"
        );
        assert!(!refusals(&text).is_empty(), "an editor takes what the agent refuses:\n{text}");
    }
}

#[test]
fn the_schema_takes_the_example_stack() {
    let hello = include_str!("../../../../manifests/hello/stack.toml");
    assert_eq!(refusals(hello), [] as [String; 0]);
}

#[test]
fn the_schema_refuses_what_nobody_has_a_word_for() {
    for text in ["[servcie.web]\n", "[service.web]\nimgae = \"x\"\n"] {
        assert!(!refusals(&format!("{HEADER}{text}")).is_empty(), "{text}");
    }
}

#[test]
fn every_reference_of_the_schema_leads_somewhere() {
    fn visit(value: &Json, root: &Json) {
        match value {
            Json::Object(map) => {
                if let Some(to) = map.get("$ref") {
                    let pointer = to.as_str().and_then(|to| to.strip_prefix('#')).expect("a pointer");
                    assert!(root.pointer(pointer).is_some(), "{to} leads nowhere");
                }
                map.values().for_each(|member| visit(member, root));
            }
            Json::Array(items) => items.iter().for_each(|item| visit(item, root)),
            _ => {}
        }
    }
    let schema = docs::schema::manifest();
    visit(&schema, &schema);
}
