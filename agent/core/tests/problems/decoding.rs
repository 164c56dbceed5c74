//! From trees to types.

use std::collections::BTreeMap;

use agent_core::manifest::{Limits, Node, Value, decode, parse::parse};
use agent_core::source::{Problems, Sources, Span, render_text};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::language::{Arch, Cidr, Deploy, Image, LoadBalancer, Log, Network, Pinned, Service, Zones};
use crate::snapshot;

fn node(text: &str) -> (Node, Sources) {
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let table = parse("stack.toml", text.as_bytes(), &Limits::default(), &mut sources, &mut problems).unwrap();
    assert!(problems.is_empty());
    let file = agent_core_file(&table);
    (Node { span: Span::start_of(file), value: Value::Table(table) }, sources)
}

fn agent_core_file(table: &agent_core::manifest::Table) -> agent_core::source::FileId {
    table.iter().next().unwrap().1.key_span.file
}

fn decoded<T: DeserializeOwned + JsonSchema + 'static>(text: &str) -> T {
    let (node, sources) = node(text);
    let mut problems = Problems::new();
    let value = decode(&node, "it", &mut problems);
    value.unwrap_or_else(|| panic!("{}", render_text(&problems, &sources, false)))
}

fn refused<T: DeserializeOwned + JsonSchema + 'static + std::fmt::Debug>(text: &str) -> String {
    let (node, sources) = node(text);
    let mut problems = Problems::new();
    assert!(decode::<T>(&node, "it", &mut problems).is_none());
    render_text(&problems, &sources, false)
}

#[test]
fn every_shape_is_read() {
    let service: Service = decoded(
        "image = { repository = \"r\", digest = \"sha256:1\" }\nmemory = 1\ncount = 3\narch = \"arm64\"\nspread = 2\nports.http = 80\nlog = \"off\"\nuses = [\"b\", \"a\"]\n[deploy]\nstrategy = \"rolling\"\n",
    );
    assert_eq!(service.image, Image::Pinned(Pinned { repository: "r".into(), digest: "sha256:1".into() }));
    assert_eq!((service.cpu, service.count, service.arch), (256, Some(3), Arch::Arm));
    assert_eq!(service.spread, Some(2.0));
    assert_eq!(service.log, Some(Log::Off));
    assert_eq!(service.deploy, Some(Deploy::Rolling { circuit_breaker: None }));
    assert_eq!(service.uses.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    let balancer: LoadBalancer = decoded("listeners = { 443 = {}, 80 = { redirect = 443 } }\nzones = 2\n");
    assert_eq!(balancer.listeners.keys().copied().collect::<Vec<_>>(), [80, 443]);
    assert_eq!(balancer.zones, Some(Zones::Count(2)));
    assert_eq!(decoded::<Network>("cidr = \"10.0.0.0/8\"\n").cidr, Some(Cidr("10.0.0.0/8".into())));
}

#[test]
fn what_serde_reads_is_what_json_says() {
    // The tree is read directly, to keep places; it must give what a reading of the same JSON gives.
    let text = "image = \"a\"\nmemory = 1\nlog = { firehose = { stream = \"s\" } }\nexpose = [{ load_balancer = \"e\", listener = 443 }]\n[env]\nA = \"b\"\n";
    let (tree, _) = node(text);
    let by_json: Service = serde_json::from_value(tree.to_json()).unwrap();
    assert_eq!(decoded::<Service>(text), by_json);
    let json: BTreeMap<String, serde_json::Value> = decoded("a = 1\nb = [1.5, true, 2026-01-01]\nc.d = \"x\"\n");
    assert_eq!(serde_json::json!(json), serde_json::json!({"a": 1, "b": [1.5, true, "2026-01-01"], "c": {"d": "x"}}));
}

#[test]
fn a_check_of_the_type_itself_is_tied_to_its_value() {
    #[derive(Debug, Deserialize, JsonSchema)]
    struct Outer {
        #[allow(dead_code)]
        networks: Vec<Network>,
    }
    snapshot!(refused::<Outer>("networks = [\n  { cidr = \"10.0.0.0/8\" },\n  { cidr = \"10.0.0.0\" },\n]\n"));
}

#[test]
fn a_key_of_the_wrong_type_is_tied_to_the_key() {
    snapshot!(refused::<LoadBalancer>("[listeners]\n80 = {}\n99999 = {}\n"));
}

#[test]
fn places_are_found_by_path() {
    let (tree, sources) = node("a = { b = [1, { c = \"x\" }] }\n[d.e]\nf = 2\n");
    let at = |path: &[&str]| sources.snippet(&tree.locate(path)).unwrap().to_owned();
    assert_eq!(at(&["a", "b", "1", "c"]), "\"x\"");
    assert_eq!(at(&["a", "b", "0"]), "1");
    assert_eq!(at(&["a"]), "a");
    assert_eq!(at(&["d", "e"]), "e");
    assert_eq!(at(&["d", "e", "f"]), "2");
    assert_eq!(at(&["d", "e", "missing"]), "[d.e]");
    assert_eq!(at(&["a", "b", "7", "c"]), "[1, { c = \"x\" }]");
}

#[test]
fn a_walk_over_a_schema_that_refers_to_itself_ends() {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Condition {
        Word(String),
        All(Vec<Condition>),
        Not { not: Box<Condition> },
        Both { left: Box<Condition>, right: Box<Condition> },
    }
    #[derive(Debug, Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Holder {
        when: Condition,
    }
    let deep = "{ left = \"a\", right = ".repeat(14) + "3" + &" }".repeat(14);
    assert!(refused::<Holder>(&format!("when = {deep}\n")).contains("error["));
    let _: Holder = decoded("when = { left = [\"a\", { not = \"b\" }], right = \"c\" }\n");
}
