//! From task to task by Service Connect: the name is in the namespace of both, and the groups let connections through to the
//! port on which the proxy before the other's container listens.

use std::collections::BTreeMap;

use super::groups::Port;
use super::party::{self, Party, gated, named, rule_hint};
use super::{Check, Hop, rules};
use crate::facts::view::{View, called, component};
use crate::kinds::ecs::service::{self, ConnectService, ServiceConnect};
use crate::kinds::ecs::task_definition::{self, container::PortMapping};

/// Who serves a name, by namespace and name.
pub(super) struct Names<'a>(BTreeMap<(String, &'a str), &'a str>);

impl<'a> Names<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        let connected = view.services.iter().filter_map(|(own, spec)| Some((own, spec.service_connect.as_ref()?)));
        let names = connected.flat_map(|(own, connect)| {
            let served = connect.services.values();
            served.map(|one| ((called(&connect.namespace), one.discovery_name.as_str()), own.as_str()))
        });
        Self(names.collect())
    }
}

pub(super) fn checks(party: &Party<'_>, names: &Names<'_>) -> Vec<Check> {
    let serves = party.spec.service_connect.iter().flat_map(|connect| &connect.services);
    let serves = serves.map(|(port, one)| serves_as(party, port, one));
    let sees = party.spec.sees.0.iter().map(|(name, text)| {
        let mut to = None;
        // Whose name it is, its reference tells.
        let _ = text.clone().with_plain(|address, _| {
            to = Some(address.to_string());
            String::new()
        });
        connects(party, names, name, to)
    });
    serves.chain(sees).collect()
}

/// The mapping that has a name, in any container.
fn mapping<'a>(definition: &'a task_definition::Spec, port: &str) -> Option<&'a PortMapping> {
    let mut all = definition.containers.values().flat_map(|container| &container.port_mappings);
    all.find(|mapping| mapping.name.as_deref() == Some(port))
}

fn serves_as(party: &Party<'_>, port: &str, one: &ConnectService) -> Check {
    let hop = named_port(party.view, party.address, party.spec, port);
    let because = format!("serves {}:{}", one.dns_name, one.port);
    Check::new(party.address, because, party.line(&["serve"]), vec![hop])
}

/// Whether a container maps the port that is served.
fn named_port(view: &View<'_>, address: &str, spec: &service::Spec, port: &str) -> Hop {
    let defined = called(&spec.task_definition);
    let hop = Hop::new(
        rules::CONNECT,
        format!("a container of {defined} has a port called `{port}`"),
        address,
        &["service_connect"],
    );
    match view.definitions.get(&defined) {
        None => hop.unknown(format!("the task definition {defined}")),
        Some(definition) => hop.only_if(
            mapping(definition, port).is_some(),
            || format!("no container of {defined} has a port called `{port}`, which {address} serves"),
            "serve a port by the name that its mapping has",
        ),
    }
}

fn connects(party: &Party<'_>, names: &Names<'_>, name: &str, to: Option<String>) -> Check {
    let line = party.line(&["connect"]);
    let hop = |name: String, at: &str| Hop::new(rules::CONNECT, name, at, &["service_connect"]);
    let Some(own) = &party.spec.service_connect else {
        let hop = hop(format!("{} takes part in Service Connect", party.address), party.address);
        let hop = hop.no(format!("{} has no Service Connect", party.address), "say in which namespace it is");
        return Check::new(party.address, format!("connects to {name}"), line, vec![hop]);
    };
    let namespace = called(&own.namespace);
    let to = to.or_else(|| names.0.get(&(namespace, name)).map(|to| (*to).to_owned()));
    let found = to.as_deref().and_then(|to| Some((to, party.view.services.get(to)?)));
    let Some((to, server)) = found else {
        let hop = hop(format!("{name} is in the namespace"), party.address);
        return Check::new(
            party.address,
            format!("connects to {name}"),
            line,
            vec![hop.unknown(format!("who serves {name}"))],
        );
    };
    let because = format!("connects to {} as {name}", component(to).unwrap_or(to));
    Check::new(party.address, because, line, to_server(party, own, name, to, server))
}

fn to_server(party: &Party<'_>, own: &ServiceConnect, name: &str, to: &str, server: &service::Spec) -> Vec<Hop> {
    let served = server.service_connect.as_ref();
    let found = served.and_then(|connect| connect.services.iter().find(|(_, one)| one.discovery_name == name));
    let hop = |what: String, at: &str| Hop::new(rules::CONNECT, what, at, &["service_connect"]);
    let serves = hop(format!("{to} serves {name}"), to);
    let (Some(connect), Some((port, one))) = (served, found) else {
        return vec![serves.no(format!("{to} does not serve {name}"), "serve it, or connect to a name that is served")];
    };
    let mut hops = vec![serves];
    let (ours, theirs) = (called(&own.namespace), called(&connect.namespace));
    hops.push(hop(format!("both are in {ours}"), party.address).only_if(
        ours == theirs,
        || format!("{} is in the namespace {ours}, and {to} in {theirs}", party.address),
        "put both into one cluster, or name one namespace",
    ));
    hops.push(named_port(party.view, to, server, port));
    let definition = party.view.definitions.get(&called(&server.task_definition));
    let Some(mapping) = definition.and_then(|definition| mapping(definition, port)) else { return hops };
    // Without an override the proxy takes the container's own port.
    let port = Port::tcp(one.ingress_port_override.unwrap_or(mapping.container_port));
    let subnets: Vec<String> = server.network.subnets.iter().map(called).collect();
    let end = party::end(party.view, to, server.network.security_groups.iter().map(called).collect(), &subnets);
    let vpc = Hop::new(rules::CONNECT, format!("{to} is in the same VPC"), party.address, &["network", "subnets"]);
    hops.push(match (&party.end.vpc, &end.vpc) {
        (Some(ours), Some(theirs)) => vpc.only_if(
            ours == theirs,
            || format!("{} is in {ours}, and {to} in {theirs}", party.address),
            "put both into one network",
        ),
        _ => vpc.unknown(format!("the VPCs of {} and {to}", party.address)),
    });
    let out = party.groups.out(&party.end, &end, port);
    let name = format!("{} lets {port} out to {to}", named(&party.end));
    hops.push(gated(out, rules::CONNECT, name, party.address, "egress", || rule_hint("egress", port, &end)));
    let into = party.groups.into(&end, &party.end, port);
    let name = format!("{} lets {port} in from {}", named(&end), party.address);
    hops.push(gated(into, rules::CONNECT, name, to, "ingress", || rule_hint("ingress", port, &party.end)));
    hops
}
