//! What must be there before a service although none of its fields says so. Pure; the wanted and the live graph go
//! through the same function.

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::kind::{After, Kind, Wait};
use agent_core::plan::graph::Graph;

use crate::kinds::ec2::route_table::RouteTable;
use crate::kinds::ec2::security_group::SecurityGroup;
use crate::kinds::ec2::subnet::Subnet;
use crate::kinds::ec2::vpc::Vpc;
use crate::kinds::ec2::vpc_endpoint::VpcEndpoint;
use crate::kinds::ecs::cluster::Cluster;
use crate::kinds::ecs::task_definition::TaskDefinition;
use crate::kinds::elb::listener::Listener;
use crate::kinds::elb::load_balancer::LoadBalancer;
use crate::kinds::elb::rule::Rule;
use crate::kinds::elb::target_group::TargetGroup;

/// The edges of the service at `own` that no field carries.
pub fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
    let mut first = BTreeSet::new();
    load_balancing(own, graph, &mut first);
    network(own, graph, &mut first);
    // With a namespace of its own a cluster is "PROVISIONING" at first, and takes no service.
    let clusters = graph.named(own, Cluster::NAME).cloned();
    first.extend(clusters.map(|address| After { address, wait: Wait::Ready }));
    // By its fields a service comes after its definition, but a change of a role or a parameter alone makes no new one.
    for definition in graph.named(own, TaskDefinition::NAME) {
        first.extend(graph.edges(definition).iter().map(|edge| exists(&edge.to)));
    }
    first.retain(|after| after.address != *own);
    first.into_iter().collect()
}

fn exists(address: &Address) -> After {
    After { address: address.clone(), wait: Wait::Exists }
}

/// ECS refuses a target group that no listener or rule names: "does not have an associated load balancer". The load
/// balancer's own groups come along: while they let nothing out, no task is found healthy.
fn load_balancing(own: &Address, graph: &Graph, first: &mut BTreeSet<After>) {
    for target_group in graph.named(own, TargetGroup::NAME) {
        for user in graph.naming(target_group) {
            if [Listener::NAME, Rule::NAME].contains(&user.kind()) {
                first.insert(exists(user));
            }
            for balancer in balancers(user, graph) {
                first.extend(graph.named(balancer, SecurityGroup::NAME).map(exists));
            }
        }
    }
}

/// The load balancers of a listener, or of the listener of a rule.
fn balancers<'a>(user: &'a Address, graph: &'a Graph) -> impl Iterator<Item = &'a Address> {
    let through = graph.named(user, Listener::NAME).flat_map(|listener| graph.named(listener, LoadBalancer::NAME));
    graph.named(user, LoadBalancer::NAME).chain(through)
}

/// Tasks pull their image, fetch their secrets and write their logs through routes and endpoints, as soon as they start.
fn network(own: &Address, graph: &Graph, first: &mut BTreeSet<After>) {
    let subnets = graph.named(own, Subnet::NAME);
    let vpcs: BTreeSet<&Address> = subnets.flat_map(|subnet| graph.named(subnet, Vpc::NAME)).collect();
    // What names no VPC of this stack may be in any: it counts.
    let near = |address: &Address| {
        let mut own = graph.named(address, Vpc::NAME).peekable();
        vpcs.is_empty() || own.peek().is_none() || own.any(|vpc| vpcs.contains(vpc))
    };
    for endpoint in graph.of_kind(VpcEndpoint::NAME).filter(|endpoint| near(endpoint)) {
        first.insert(After { address: endpoint.clone(), wait: Wait::Ready });
        first.extend(graph.named(endpoint, SecurityGroup::NAME).map(exists));
    }
    first.extend(graph.of_kind(RouteTable::NAME).filter(|table| near(table)).map(exists));
    // The field comes after the group; this comes after the group's rules too.
    first.extend(graph.named(own, SecurityGroup::NAME).map(exists));
}

#[cfg(test)]
mod tests {
    use agent_core::doc::Edge;

    use super::*;

    fn at(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in edges {
            let edge = |to: &&str| Edge { path: "x".into(), to: at(to), field: "id".into() };
            graph.add(&at(from), to.iter().map(edge).collect());
        }
        graph
    }

    fn told(graph: &Graph) -> Vec<(String, Wait)> {
        also_after(&at("service.web/ecs.service"), graph).into_iter().map(|a| (a.address.to_string(), a.wait)).collect()
    }

    const OWN: &str = "service.web/ecs.service";

    #[test]
    fn a_target_group_brings_the_listeners_and_rules_that_name_it_and_their_groups() {
        let graph = graph(&[
            (OWN, &["service.web/elb.target_group"]),
            ("service.web/elb.rule.edge", &["service.web/elb.target_group", "load_balancer.edge/elb.listener.443"]),
            (
                "load_balancer.nlb/elb.listener.7577",
                &["service.web/elb.target_group", "load_balancer.nlb/elb.load_balancer"],
            ),
            ("load_balancer.edge/elb.listener.443", &["load_balancer.edge/elb.load_balancer"]),
            ("load_balancer.edge/elb.load_balancer", &["load_balancer.edge/ec2.security_group"]),
            ("load_balancer.nlb/elb.load_balancer", &[]),
            ("service.web/cloudwatch.alarm", &["service.web/elb.target_group"]),
            ("service.other/elb.rule", &["service.other/elb.target_group"]),
        ]);
        let expected = [
            "load_balancer.edge/ec2.security_group",
            "load_balancer.nlb/elb.listener.7577",
            "service.web/elb.rule.edge",
        ];
        assert_eq!(told(&graph), expected.map(|address| (address.to_owned(), Wait::Exists)));
    }

    #[test]
    fn endpoints_and_routes_of_its_own_vpc_come_first() {
        let graph = graph(&[
            (OWN, &["network.main/ec2.subnet.a", "service.web/ec2.security_group"]),
            ("network.main/ec2.subnet.a", &["network.main/ec2.vpc"]),
            (
                "network.main/ec2.vpc_endpoint.ecr",
                &["network.main/ec2.vpc", "network.main/ec2.security_group.endpoints"],
            ),
            ("network.main/ec2.route_table.a", &["network.main/ec2.vpc"]),
            ("network.far/ec2.vpc_endpoint.ecr", &["network.far/ec2.vpc"]),
            ("network.far/ec2.route_table.a", &["network.far/ec2.vpc"]),
            ("network.old/ec2.route_table.a", &[]),
        ]);
        let expected = [
            ("network.main/ec2.route_table.a", Wait::Exists),
            ("network.main/ec2.security_group.endpoints", Wait::Exists),
            ("network.main/ec2.vpc_endpoint.ecr", Wait::Ready),
            ("network.old/ec2.route_table.a", Wait::Exists),
            ("service.web/ec2.security_group", Wait::Exists),
        ];
        assert_eq!(told(&graph), expected.map(|(address, wait)| (address.to_owned(), wait)));
    }

    #[test]
    fn in_an_unknown_vpc_all_endpoints_come_first() {
        let graph = graph(&[(OWN, &[]), ("network.main/ec2.vpc_endpoint.ecr", &["network.main/ec2.vpc"])]);
        assert_eq!(told(&graph), [("network.main/ec2.vpc_endpoint.ecr".to_owned(), Wait::Ready)]);
    }

    #[test]
    fn its_cluster_is_ready_first() {
        let graph = graph(&[(OWN, &["cluster.main/ecs.cluster"]), ("cluster.other/ecs.cluster", &[])]);
        assert_eq!(told(&graph), [("cluster.main/ecs.cluster".to_owned(), Wait::Ready)]);
    }

    #[test]
    fn what_its_definition_names_comes_first() {
        let graph = graph(&[
            (OWN, &["service.web/ecs.task_definition"]),
            ("service.web/ecs.task_definition", &["service.web/iam.role.execution", "parameter.key/ssm.parameter"]),
        ]);
        let expected = ["parameter.key/ssm.parameter", "service.web/iam.role.execution"];
        assert_eq!(told(&graph), expected.map(|address| (address.to_owned(), Wait::Exists)));
    }
}
