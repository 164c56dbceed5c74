//! `existing` of a network: what stands in a VPC of others, and what people are told about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use agent_core::lookup::{Answer, Answers, Existing, Network, Question, RouteTable, Subnet};
use serde_json::json;

use crate::{HEADER, addresses, answers, expanded, refused, snapshot, spec};

const VPC: &str = "vpc-0123456789abcdef0";
const SUBNETS: [&str; 2] = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbb"];

/// A network of others with one private tier, a service in it, and an internal load balancer before it.
fn text() -> String {
    let [a, b] = SUBNETS;
    format!(
        "{HEADER}\n[network.main]\nexisting = {{ vpc = \"{VPC}\", subnets = {{ private = [\"{a}\", \"{b}\"] }} }}\n\n\
         [load_balancer.edge]\nlisteners = {{ 80 = {{}} }}\n\n\
         [service.web]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1\"\nport = 8080\n\
         expose = [{{ load_balancer = \"edge\", default = true }}]\nenv = {{ VPC = \"${{network.main.vpc_id}}\" }}\n"
    )
}

fn question() -> Existing {
    Existing { vpc: VPC.into(), subnets: SUBNETS.map(str::to_owned).into() }
}

/// What AWS holds, with these VPCs of the subnets.
fn network(vpcs: &[(&str, &str)]) -> Network {
    let subnet = |(id, vpc): &(&str, &str)| {
        let subnet = Subnet { vpc: (*vpc).into(), zone: "eu-west-1a".into(), maps_public_ips: false };
        ((*id).to_owned(), subnet)
    };
    let routes = [("10.7.0.0/16", "local"), ("100.64.0.0/16", "local"), ("0.0.0.0/0", "nat-0abc1234")];
    let routes = routes.map(|(to, target)| (to.to_owned(), target.to_owned())).into();
    let main = RouteTable { main: true, subnets: BTreeSet::new(), routes };
    Network {
        subnets: vpcs.iter().map(subnet).collect(),
        route_tables: BTreeMap::from([("rtb-1".to_owned(), main)]),
        endpoints: BTreeMap::new(),
    }
}

fn asked(network: Network) -> Answers {
    answers().with(Question::Network(question()), Answer::Network(network))
}

#[test]
fn what_stands_in_it_names_ids_and_nothing_of_it_is_made() {
    let stack = expanded(&text(), &asked(network(&SUBNETS.map(|id| (id, VPC))))).unwrap();
    assert!(stack.unknown.is_empty(), "{:?}", stack.unknown);
    assert!(!addresses(&stack.resources).iter().any(|address| address.starts_with("network.")));
    let mut shown = addresses(&stack.resources).join("\n");
    let of = |address: &str, field: &str| spec(&stack.resources, address)[field].clone();
    for (address, field) in [
        ("load_balancer.edge/ec2.security_group", "vpc"),
        ("load_balancer.edge/ec2.security_group", "ingress"),
        ("load_balancer.edge/elb.load_balancer", "subnets"),
        ("service.web/ec2.security_group", "vpc"),
        ("service.web/ec2.security_group", "egress"),
        ("service.web/ecs.service", "network"),
        ("service.web/elb.target_group.edge.http", "vpc"),
    ] {
        write!(shown, "\n{address} {field}: {}", of(address, field)).unwrap();
    }
    snapshot!(shown);
    let definition = spec(&stack.resources, "service.web/ecs.task_definition");
    assert_eq!(definition["containers"]["web"]["environment"]["VPC"], json!(VPC));
}

#[test]
fn offline_it_is_a_question_that_names_the_network() {
    let stack = expanded(&text(), &answers()).unwrap();
    assert_eq!(stack.unknown, BTreeSet::from([Question::Network(question())]));
    let [a, b] = SUBNETS;
    let told = stack.unknown.first().unwrap().to_string();
    assert_eq!(told, format!("the routes and endpoints of {VPC} with {a}, {b}"));
    // Routes change: nothing of it is remembered, and nothing is asked more than once in a pass.
    let reads = stack.unknown.first().unwrap().reads();
    assert!(reads.iter().all(|read| !read.remembered));
    let actions: Vec<&str> = reads.iter().map(|read| read.action).collect();
    assert_eq!(actions, ["ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"]);
}

#[test]
fn subnets_that_are_not_there_and_those_of_another_vpc() {
    let live = network(&[(SUBNETS[1], "vpc-0fedcba9876543210")]);
    let Err(problems) = expanded(&text(), &asked(live)) else { panic!("nothing was found to be wrong") };
    snapshot!(problems);
}

#[test]
fn keys_that_say_nothing_about_a_network_of_others() {
    snapshot!(refused(
        "[network.main]\nexisting = { vpc = \"vpc-0abc1234\", subnets = { private = [\"subnet-0abc1234\"] } }\n\
         cidr = \"10.20.0.0/16\"\nzones = 2\ntiers = [\"private\"]\nnat = \"single\"\nendpoints = [\"s3\"]\nflow_logs = true\n\
         subnets = { private = [\"10.20.64.0/20\"] }\n"
    ));
}

#[test]
fn ids_and_tiers_that_are_none() {
    snapshot!(refused(
        "[network.a]\nexisting = { vpc = \"vpc-0abc\", subnets = { private = [\"subnet-0ABC1234\", \"vpc-0abc1234\"], Bad = [] } }\n\
         [network.b]\nexisting = { vpc = \"vpc-0abc1234\", subnets = {} }\n\
         [network.c]\nexisting = { vpc = \"vpc-0abc1234\", subnets = { one = [\"subnet-0abc1234\", \"subnet-0abc1234\"], \
         two = [\"subnet-0abc1234\"] } }\n\
         [network.d]\n"
    ));
}

#[test]
fn what_is_not_there_and_what_is_not_known() {
    snapshot!(refused(
        "[network.main]\nexisting = { vpc = \"vpc-0abc1234\", subnets = { private = [\"subnet-0abc1234\"] } }\n\
         [service.web]\nimage = \"web:1\"\ntier = \"privat\"\n\
         env = { SEEN = \"${network.main.nat_ips}\", BLOCK = \"${network.main.cidr}\" }\n\
         [load_balancer.edge]\nlisteners = { 80 = {} }\n"
    ));
}
