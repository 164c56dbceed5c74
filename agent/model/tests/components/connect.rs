//! Service Connect: what two services that name each other expand to, held fast for the reasons that `hello` gives; and
//! what people are told about keys that are wrong.

use std::fmt::Write as _;

use agent_core::address::Scope;
use agent_core::observed::Observed;
use agent_core::plan::{Settings, plan};
use serde_json::{Value, json};

use crate::{addresses, made, refused, snapshot, spec};

/// A server of HTTP whose name is set, and one of something else; each connects to the other.
const PAIR: &str = "[network.main]\ncidr = \"10.20.0.0/16\"\n\n\
    [service.inbox]\nimage = \"inbox:1\"\nport = 8080\n\
    serve = { as = \"in.box\", listen = 80, timeout = { idle = 60, request = 0 } }\nconnect = [\"service.catalog\"]\n\n\
    [service.catalog]\nimage = \"catalog:1\"\nports = { data = 5432, admin = 9000 }\n\
    serve = { port = \"data\" }\nconnect = [\"inbox\"]\n";

/// A stack of services with these keys.
fn services(all: &[(&str, &str)]) -> String {
    let head = "[network.main]\ncidr = \"10.20.0.0/16\"\n".to_owned();
    all.iter().fold(head, |text, (name, keys)| text + &format!("\n[service.{name}]\nimage = \"a:1\"\n{keys}\n"))
}

#[test]
fn two_that_name_each_other() {
    let stack = made(PAIR);
    let mut text = String::new();
    for resource in &stack.resources {
        let kind = resource.address.kind();
        if ["ec2.security_group", "servicediscovery.namespace", "ecs.cluster", "ecs.service", "ecs.task_definition"]
            .contains(&kind)
        {
            let spec = serde_json::to_string_pretty(&resource.spec.value()).unwrap();
            writeln!(text, "{}\n{spec}\n", resource.address).unwrap();
        }
    }
    snapshot!(text);
}

#[test]
fn the_steps_of_two_that_name_each_other() {
    let desired = made(PAIR).desired().unwrap();
    let (kinds, scope) = (agent_model::kinds::table(), Scope::new("um", "123456789012", "eu-west-1"));
    let plan = plan(&desired, &Observed::default(), &kinds, &scope, &Settings::default()).unwrap();
    let ours = plan.steps.iter().enumerate().filter(|(_, step)| {
        ["servicediscovery.namespace", "ecs.cluster", "ecs.service"].contains(&step.address.kind())
    });
    let lines = ours.map(|(n, step)| format!("{n} {} {} ({})\n", step.op.verb(), step.address, step.because));
    snapshot!(lines.collect());
}

#[test]
fn a_cluster_has_a_namespace_when_it_says_so_or_a_service_needs_one() {
    let has = |text: &str| addresses(&made(text).resources).contains(&"cluster.main/servicediscovery.namespace");
    assert!(!has(&services(&[("web", "port = 80\nconnect = []")])));
    assert!(has(&services(&[("web", "port = 80\nserve = {}")])));
    assert!(has("[cluster.main]\nnamespace = \"dataflow\"\n"));
    assert!(!has("[cluster.main]\n"));
    let named = made(&(services(&[("web", "port = 80\nserve = {}")]) + "\n[cluster.main]\nnamespace = \"dataflow\"\n"));
    assert_eq!(spec(&named.resources, "cluster.main/servicediscovery.namespace")["name"], "dataflow");
    let arn = json!({"$ref": "cluster.main/servicediscovery.namespace", "field": "arn"});
    assert_eq!(spec(&named.resources, "cluster.main/ecs.cluster")["service_connect_namespace"], arn);
    assert_eq!(spec(&named.resources, "service.web/ecs.service")["service_connect"]["namespace"], arn);
}

#[test]
fn the_protocol_is_what_the_port_is_called_or_what_is_said() {
    let protocol = |keys: &str| {
        let stack = made(&services(&[("web", keys)]));
        let definition = spec(&stack.resources, "service.web/ecs.task_definition");
        definition["containers"]["web"]["port_mappings"][0].get("app_protocol").cloned()
    };
    let is = |word: &str| Some(Value::from(word));
    assert_eq!(protocol("port = 80"), None, "nobody connects to it");
    assert_eq!(protocol("port = 80\nserve = {}"), is("http"));
    assert_eq!(protocol("ports = { grpc = 80 }\nserve = {}"), is("grpc"));
    assert_eq!(protocol("ports = { http2 = 80 }\nserve = {}"), is("http2"));
    assert_eq!(protocol("ports = { amqp = 80 }\nserve = {}"), None, "plain TCP is what AWS takes it for");
    assert_eq!(protocol("ports = { amqp = 80 }\nserve = { protocol = \"http\" }"), is("http"));
    assert_eq!(protocol("port = 80\nserve = { protocol = \"tcp\" }"), None);
}

#[test]
fn names_that_are_none() {
    let serve = |name: &str, alias: &str| {
        format!("[service.{name}]\nimage = \"a:1\"\nport = 80\nserve = {{ as = \"{alias}\" }}\n")
    };
    let long = "x".repeat(64);
    let all: String =
        [("a", "Inbox"), ("b", "-inbox"), ("c", "in..box"), ("d", &long), ("e", "")].map(|(n, a)| serve(n, a)).concat();
    snapshot!(refused(&format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\n[cluster.main]\nnamespace = \"two words\"\n{all}"
    )));
}

#[test]
fn ports_that_are_not_there() {
    snapshot!(refused(&services(&[
        ("none", "serve = {}"),
        ("which", "ports = { http = 80, admin = 81 }\nserve = {}"),
        ("other", "ports = { http = 80, admin = 81 }\nserve = { port = \"admni\" }"),
        ("zero", "port = 80\nserve = { listen = 0 }"),
    ])));
}

#[test]
fn plain_tcp_has_no_requests() {
    snapshot!(refused(&services(&[
        ("a", "ports = { amqp = 80 }\nserve = { timeout = { request = 5 } }"),
        ("b", "port = 80\nserve = { protocol = \"udp\" }"),
    ])));
}

#[test]
fn connections_that_cannot_be() {
    snapshot!(refused(&services(&[
        ("self", "port = 80\nserve = {}\nconnect = [\"self\", \"service.self\"]"),
        ("twice", "connect = [\"service.self\", \"self\"]"),
        ("nobody", "connect = [\"service.slef\", \"network.main\", \"database.main\"]"),
        ("mute", "connect = [\"service.idle\"]"),
        ("idle", "port = 80"),
    ])));
}

#[test]
fn names_that_two_take() {
    snapshot!(refused(&services(&[
        ("a", "port = 80\nserve = { as = \"web\" }"),
        ("b", "port = 8080\nserve = { as = \"web\", listen = 80 }"),
        ("c", "port = 81\nserve = { as = \"web\" }"),
    ])));
}

#[test]
fn services_in_other_namespaces_and_networks() {
    snapshot!(refused(
        "[network.main]\ncidr = \"10.20.0.0/16\"\n[network.far]\ncidr = \"10.30.0.0/16\"\n[cluster.main]\n[cluster.far]\n\n\
         [service.a]\nimage = \"a:1\"\nport = 80\nserve = {}\ncluster = \"main\"\nnetwork = \"main\"\n\
         connect = [\"service.b\", \"service.c\"]\n\n\
         [service.b]\nimage = \"a:1\"\nport = 80\nserve = {}\ncluster = \"far\"\nnetwork = \"main\"\n\n\
         [service.c]\nimage = \"a:1\"\nport = 80\nserve = {}\ncluster = \"main\"\nnetwork = \"far\"\n"
    ));
}
