//! From a load balancer to the tasks behind it: for what it forwards, and for the checks by which it finds out whether they
//! work. A task that it cannot reach is stopped and started again for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::{End, Port};
use super::party::{self, Party, gated, named, rule_hint};
use super::{Check, Hop, rules};
use crate::facts::Verdict;
use crate::facts::view::{View, called, component};
use crate::kinds::ec2::security_group;
use crate::kinds::ecs::service::LoadBalancer;
use crate::kinds::ecs::task_definition::container::{Container, TransportProtocol};
use crate::kinds::elb::Protocol;
use crate::kinds::elb::action::Action;
use crate::kinds::elb::load_balancer;
use crate::kinds::elb::target_group::{self, TargetType};

/// The port of a health check that is the target's own.
const TRAFFIC_PORT: &str = "traffic-port";

/// Which load balancers forward to a target group, by address or id.
pub(super) struct Forwarding(BTreeMap<String, BTreeSet<String>>);

impl Forwarding {
    pub(super) fn new(view: &View<'_>) -> Self {
        let mut all = Self(BTreeMap::new());
        for listener in view.listeners.values() {
            all.add(&listener.default_action, &called(&listener.load_balancer));
        }
        for rule in view.rules.values() {
            let listener = called(&rule.listener);
            let of_others = || format!("the load balancer of the listener {listener}");
            let balancer = view.listeners.get(&listener).map_or_else(of_others, |own| called(&own.load_balancer));
            all.add(&rule.action, &balancer);
        }
        all
    }

    fn add(&mut self, action: &Action, balancer: &str) {
        let Action::Forward(forward) = action else { return };
        for weighted in &forward.target_groups {
            self.0.entry(called(&weighted.target_group)).or_default().insert(balancer.to_owned());
        }
    }
}

pub(super) fn checks(party: &Party<'_>, forwarding: &Forwarding) -> Vec<Check> {
    let targets = party.spec.load_balancers.iter();
    targets.flat_map(|target| of_target(party, forwarding, target)).collect()
}

/// A check for each load balancer that forwards to a target group.
fn of_target(party: &Party<'_>, forwarding: &Forwarding, target: &LoadBalancer) -> Vec<Check> {
    let name = called(&target.target_group);
    let line = party.line(&["expose"]);
    let mut hops = vec![mapped(party, target)];
    let Some(group) = party.view.target_groups.get(&name) else {
        let hop = Hop::new(rules::BALANCER, format!("{name} takes the tasks"), party.address, &["load_balancers"]);
        hops.push(hop.unknown(format!("the target group {name}")));
        return vec![Check::new(party.address, format!("is a target of {name}"), line, hops)];
    };
    hops.extend(fits(party, &name, group));
    let Some(balancers) = forwarding.0.get(&name) else {
        let hop = Hop::new(rules::BALANCER, format!("a listener forwards to {name}"), &name, &[]);
        let lacks = format!("no listener forwards to {name}, and ECS takes no target group without a load balancer");
        hops.push(hop.no(lacks, "let a listener or a rule forward to it"));
        return vec![Check::new(party.address, format!("is a target of {name}"), line, hops)];
    };
    let of_balancer = |balancer: &String| {
        let whose = component(balancer).unwrap_or(balancer);
        let because = format!("is to be reached by {whose} on port {}", target.container_port);
        let hops = [hops.clone(), reached(party, balancer, target, group)].concat();
        Check::new(party.address, because, line.clone(), hops)
    };
    balancers.iter().map(of_balancer).collect()
}

fn maps(container: &Container, port: u16, protocol: TransportProtocol) -> bool {
    container.port_mappings.iter().any(|mapping| mapping.container_port == port && mapping.protocol == protocol)
}

/// How targets of a group are spoken to.
fn transport(protocol: Protocol) -> TransportProtocol {
    match protocol {
        Protocol::Udp | Protocol::Quic => TransportProtocol::Udp,
        _ => TransportProtocol::Tcp,
    }
}

/// Whether the container is there and has the port.
fn mapped(party: &Party<'_>, target: &LoadBalancer) -> Hop {
    let (container, port) = (&target.container_name, target.container_port);
    let name = format!("the container `{container}` maps the port {port}");
    let hop = Hop::new(rules::BALANCER, name.clone(), party.address, &["load_balancers"]);
    let Some(definition) = party.definition else {
        return hop.unknown(format!("the task definition {}", party.defined));
    };
    let Some(spec) = definition.containers.get(container) else {
        let lacks = format!("{} has no container `{container}`", party.defined);
        return hop.no(lacks, "name the container that listens");
    };
    let has = spec.port_mappings.iter().any(|mapping| mapping.container_port == port);
    let lacks = || format!("the container `{container}` of {} maps no port {port}", party.defined);
    let hop = Hop::new(rules::BALANCER, name, &party.defined, &["containers", container, "port_mappings"]);
    hop.only_if(has, lacks, "map the port in the container")
}

/// Whether the target group takes tasks of this VPC.
fn fits(party: &Party<'_>, name: &str, group: &target_group::Spec) -> Vec<Hop> {
    let hop = |what: String, field| Hop::new(rules::BALANCER, what, name, &[field]);
    let by_address = hop(format!("{name} takes addresses"), "target_type").only_if(
        group.target_type == TargetType::Ip,
        || format!("{name} takes other targets than addresses, and tasks have nothing else"),
        "its `target_type` is `ip`",
    );
    let vpc = called(&group.vpc);
    let same = hop(format!("{name} is in the VPC of the tasks"), "vpc");
    let same = match &party.end.vpc {
        None => same.unknown(format!("the VPC of {}", party.from.0.join(", "))),
        Some(own) => same.only_if(
            *own == vpc,
            || format!("{name} is in {vpc}, and the tasks are in {own}"),
            "take a target group of the same VPC",
        ),
    };
    vec![by_address, same]
}

/// The hops from a load balancer to the port, and to that of the health check where it is another one.
fn reached(party: &Party<'_>, balancer: &str, target: &LoadBalancer, group: &target_group::Spec) -> Vec<Hop> {
    let Some(spec) = party.view.load_balancers.get(balancer) else {
        let hop = Hop::new(rules::BALANCER, format!("{balancer} reaches the tasks"), balancer, &[]);
        return vec![hop.unknown(format!("the groups and subnets of {balancer}"))];
    };
    let subnets: Vec<String> = spec.subnets.iter().map(called).collect();
    let end = party::end(party.view, balancer, spec.security_groups.iter().map(called).collect(), &subnets);
    let mut hops = vec![same_vpc(party, &end)];
    hops.extend(zones(party, &subnets, balancer));
    let protocol = transport(group.protocol);
    let traffic = Port {
        protocol: match protocol {
            TransportProtocol::Udp => security_group::Protocol::Udp,
            TransportProtocol::Tcp => security_group::Protocol::Tcp,
        },
        number: target.container_port,
    };
    hops.extend(between(party, spec, &end, traffic, ""));
    // Checks are made over TCP, whatever is balanced.
    let checked = match group.health_check.port.as_str() {
        TRAFFIC_PORT => Port::tcp(target.container_port),
        number => Port::tcp(number.parse().unwrap_or_default()),
    };
    if checked != traffic {
        let mapped = check_mapped(party, checked.number, &called(&target.target_group));
        // Where nobody listens it does not matter who may ask.
        let is_mapped = mapped.verdict != Verdict::No;
        hops.push(mapped);
        if is_mapped {
            hops.extend(between(party, spec, &end, checked, " for health checks"));
        }
    }
    hops
}

fn check_mapped(party: &Party<'_>, port: u16, group: &str) -> Hop {
    let name = format!("a container maps the port {port} of the health check");
    let hop = Hop::new(rules::BALANCER, name, group, &["health_check", "port"]);
    let Some(definition) = party.definition else {
        return hop.unknown(format!("the task definition {}", party.defined));
    };
    let has = definition.containers.values().any(|container| maps(container, port, TransportProtocol::Tcp));
    let lacks = || format!("{group} checks the port {port} over TCP, which no container of {} maps", party.defined);
    hop.only_if(has, lacks, format!("check `{TRAFFIC_PORT}`, or map the port {port}"))
}

fn same_vpc(party: &Party<'_>, end: &End) -> Hop {
    let hop = Hop::new(rules::BALANCER, format!("{} is in the VPC of the tasks", end.name), &end.name, &["subnets"]);
    match (&end.vpc, &party.end.vpc) {
        (Some(theirs), Some(own)) => hop.only_if(
            theirs == own,
            || format!("{} is in {theirs}, and the tasks are in {own}", end.name),
            "put both into one VPC",
        ),
        _ => hop.unknown(format!("the VPCs of {} and of the tasks", end.name)),
    }
}

/// A load balancer uses targets in its own zones alone. Where a zone is not known, nothing is said.
fn zones(party: &Party<'_>, subnets: &[String], balancer: &str) -> Option<Hop> {
    let zone = |subnet: &String| party.view.zone_of(subnet);
    let theirs: BTreeSet<String> = subnets.iter().map(zone).collect::<Option<_>>()?;
    let own: Vec<(String, &String)> =
        party.from.0.iter().map(|subnet| Some((zone(subnet)?, subnet))).collect::<Option<_>>()?;
    let missing = own.iter().find(|(zone, _)| !theirs.contains(zone)).map(|(_, subnet)| (*subnet).clone());
    let hop = Hop::new(rules::BALANCER, format!("{balancer} is in the zones of the tasks"), balancer, &["subnets"]);
    let lacks = || format!("{balancer} is not in the zone of the subnet {}", missing.clone().unwrap_or_default());
    Some(hop.only_if(missing.is_none(), lacks, "give the load balancer a subnet in each zone of the tasks"))
}

/// From the nodes of a load balancer to a port of the tasks. A network load balancer without groups lets everything out, and
/// is known to the tasks by the addresses of its nodes.
fn between(party: &Party<'_>, spec: &load_balancer::Spec, balancer: &End, port: Port, what: &str) -> Vec<Hop> {
    let mut hops = Vec::new();
    let tasks = &party.end;
    if spec.kind == load_balancer::Type::Application || !balancer.groups.is_empty() {
        let name = format!("{} lets {port} out to {}{what}", named(balancer), tasks.name);
        let gate = party.groups.out(balancer, tasks, port);
        let hint = || rule_hint("egress", port, tasks);
        hops.push(gated(gate.with(what), rules::BALANCER, name, &balancer.name, "egress", hint));
    }
    let name = format!("{} lets {port} in from {}{what}", named(tasks), balancer.name);
    let gate = party.groups.into(tasks, balancer, port).with(what);
    hops.push(gated(gate, rules::BALANCER, name, party.address, "ingress", || rule_hint("ingress", port, balancer)));
    hops
}
