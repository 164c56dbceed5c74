//! `nat` of a network: what it makes, what it opens for tasks, and what people are told about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use agent_model::expand::Expanded;
use serde_json::{Value, json};

use crate::{addresses, made, refused, snapshot, spec};

/// A network with three tiers and one of a name of its own.
fn network(nat: &str) -> String {
    format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\", \"database\", \"batch\"]\nnat = \"{nat}\"\n\
         endpoints = [\"s3\"]\nsubnets = {{ batch = [\"10.20.192.0/20\", \"10.20.208.0/20\"] }}\n"
    )
}

/// Each route table with the subnets that use it and where all that is not local goes.
fn ways(stack: &Expanded) -> BTreeMap<String, String> {
    let tables = stack.resources.iter().filter(|resource| resource.address.kind() == "ec2.route_table");
    let names = |values: Vec<Value>| -> Vec<String> {
        values.iter().map(|link| link["$ref"].as_str().unwrap().replace("network.main/ec2.", "")).collect()
    };
    let told = tables.map(|table| {
        let spec = table.spec.value();
        let subnets = names(spec["subnets"].as_array().cloned().unwrap_or_default()).join(" ");
        let route = spec["routes"]["0.0.0.0/0"].as_object().cloned().unwrap_or_default();
        let out = names(route.into_iter().map(|(_, link)| link).collect()).join(" ");
        (table.address.key().unwrap().to_owned(), format!("{subnets} -> {out}"))
    });
    told.collect()
}

#[test]
fn each_form_of_nat() {
    let mut text = String::new();
    for nat in ["none", "single", "per-zone"] {
        let stack = made(&network(nat));
        writeln!(text, "{nat}").unwrap();
        for (table, way) in ways(&stack) {
            writeln!(text, "  {table}: {way}").unwrap();
        }
        let gateways =
            addresses(&stack.resources).into_iter().filter(|a| a.contains("nat_gateway") || a.contains("elastic_ip"));
        for address in gateways {
            writeln!(text, "  {address} {}", spec(&stack.resources, address)).unwrap();
        }
        let s3 = &spec(&stack.resources, "network.main/ec2.vpc_endpoint.s3")["route_tables"];
        let tables: Vec<&str> = s3.as_array().unwrap().iter().map(|link| link["$ref"].as_str().unwrap()).collect();
        writeln!(text, "  s3 through {}", tables.join(" ").replace("network.main/ec2.route_table.", "")).unwrap();
    }
    snapshot!(text);
}

fn egress(text: &str, service: &str) -> Value {
    spec(&made(text).resources, &format!("service.{service}/ec2.security_group"))["egress"].clone()
}

#[test]
fn tasks_behind_nat_reach_everybody_s_https_and_those_without_it_only_endpoints() {
    let service = "[service.web]\nimage = \"ghcr.io/a/b:1\"\n";
    let data = "[service.data]\nimage = \"ghcr.io/a/b:1\"\ntier = \"database\"\n";
    let with = |nat: &str, more: &str| {
        format!(
            "[network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\", \"database\"]\nnat = \"{nat}\"\n{more}"
        )
    };
    let peers = |rules: &Value| -> Vec<Value> {
        rules.as_array().unwrap().iter().map(|rule| json!([rule["from_port"], rule["peer"]])).collect()
    };
    let everybody = [json!([443, { "cidr_ipv4": "0.0.0.0/0" }])];
    let endpoints = [json!([443, { "group": { "$ref": "network.main/ec2.security_group.endpoints", "field": "id" } }])];
    for nat in ["single", "per-zone"] {
        assert_eq!(peers(&egress(&with(nat, service), "web")), everybody, "{nat}");
        // The database tier never goes out.
        assert_eq!(peers(&egress(&with(nat, data), "data")), endpoints, "{nat}");
    }
    assert_eq!(peers(&egress(&with("none", service), "web")), endpoints);
}

#[test]
fn the_addresses_that_partners_see_can_be_named() {
    let stack = made(&format!("{}[outputs]\nseen_from = \"${{network.main.nat_ips}}\"\n", network("per-zone")));
    let ip = |zone| json!({ "$ref": format!("network.main/ec2.elastic_ip.nat-{zone}"), "field": "public_ip" });
    assert_eq!(stack.outputs["seen_from"].to_value(), json!({ "$join": [ip(1), ",", ip(2)] }));
    assert!(
        refused("[network.main]\ncidr = \"10.20.0.0/16\"\n[outputs]\na = \"${network.main.nat_ips}\"\n")
            .contains("nat_ips")
    );
}

#[test]
fn gateways_without_a_place_and_without_a_use() {
    let text = "[network.a]\ncidr = \"10.1.0.0/16\"\ntiers = [\"private\"]\nnat = \"single\"\n\
                [network.b]\ncidr = \"10.2.0.0/16\"\ntiers = [\"public\", \"database\"]\nnat = \"per-zone\"\n\
                [network.c]\ncidr = \"10.3.0.0/16\"\nnat = \"per-az\"\n";
    snapshot!(refused(text));
}
