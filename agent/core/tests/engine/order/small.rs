//! Small stacks by chance, for the planner's order against brute force.

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::desired::Resource;
use agent_core::doc::Doc;
use agent_core::field::{Name, Tags};
use agent_core::reference::Link;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::bench::resource;
use crate::toys::{GroupSpec, NetSpec, PoolSpec, RuleSpec, ServiceSpec, StoreSpec};

/// A small stack of toys. Names without a generation may be another address's in the next one.
#[derive(Clone, Debug)]
pub struct Small {
    pub nets: [Option<u8>; 2],
    pub groups: [Option<(u8, u8, Vec<u8>)>; 3],
    pub pools: [Option<(u8, u8, u8)>; 2],
    pub rules: [Option<(u8, u8)>; 2],
    pub service: Option<(u8, u8, bool)>,
    pub store: Option<(u8, u8)>,
}

pub fn small() -> impl Strategy<Value = Small> {
    let net = || option::weighted(0.8, 0_u8..2);
    let group = || option::weighted(0.5, (0_u8..2, 0_u8..3, vec(0_u8..3, 0..3)));
    let pool = || option::weighted(0.4, (0_u8..2, 0_u8..2, 0_u8..3));
    let rule = || option::weighted(0.4, (0_u8..2, 0_u8..2));
    let service = option::weighted(0.4, (0_u8..2, 0_u8..2, any::<bool>()));
    let store = option::weighted(0.2, (0_u8..2, 0_u8..2));
    ((net(), net()), (group(), group(), group()), (pool(), pool()), (rule(), rule()), service, store).prop_map(
        |(nets, groups, pools, rules, service, store)| Small {
            nets: nets.into(),
            groups: groups.into(),
            pools: pools.into(),
            rules: rules.into(),
            service,
            store,
        },
    )
}

/// Of those that are there, the one that is meant.
fn chosen(all: &[String], n: u8) -> Option<&String> {
    (!all.is_empty()).then(|| &all[usize::from(n) % all.len()])
}

impl Small {
    /// At most six resources. What would name nothing is left out.
    pub fn resources(&self) -> Vec<Resource> {
        let letters = ["a", "b", "c"];
        let there = |kind: &str, slots: Vec<bool>| -> Vec<String> {
            let all = slots.into_iter().zip(letters).filter(|(is, _)| *is);
            all.map(|(_, letter)| format!("{kind}.{letter}")).collect()
        };
        let nets = there("net", self.nets.iter().map(Option::is_some).collect());
        let groups = if nets.is_empty() {
            Vec::new()
        } else {
            there("group", self.groups.iter().map(Option::is_some).collect())
        };
        let pools =
            if nets.is_empty() { Vec::new() } else { there("pool", self.pools.iter().map(Option::is_some).collect()) };
        let mut all = Vec::new();
        for (component, cidr) in nets.iter().zip(self.nets.iter().flatten()) {
            let spec = NetSpec { cidr: format!("10.{cidr}.0.0/16"), dns: false, tags: Tags::default() };
            all.push(resource(component, "toy.net", &spec));
        }
        for (component, (net, name, from)) in groups.iter().zip(self.groups.iter().flatten()) {
            let from = from.iter().filter_map(|n| chosen(&groups, *n)).map(|other| Link::to(other));
            let spec = GroupSpec {
                name: name_of(component, *name),
                net: Link::to(chosen(&nets, *net).unwrap()),
                from: from.collect(),
            };
            all.push(resource(component, "toy.group", &spec));
        }
        for (component, (net, name, port)) in pools.iter().zip(self.pools.iter().flatten()) {
            let net = Link::to(chosen(&nets, *net).unwrap());
            let spec = PoolSpec { name: name_of(component, *name), net, port: (*port).into(), path: None };
            all.push(resource(component, "toy.pool", &spec));
        }
        for ((number, pool), letter) in self.rules.iter().flatten().zip(letters) {
            let Some(pool) = chosen(&pools, *pool) else { continue };
            let spec = RuleSpec { number: (*number).into(), pool: Link::to(pool), words: None };
            all.push(resource(&format!("rule.{letter}"), "toy.rule", &spec));
        }
        if let Some((group, pool, pooled)) = self.service.filter(|_| !groups.is_empty()) {
            let pool = chosen(&pools, pool).filter(|_| pooled);
            let spec = ServiceSpec {
                name: "web".into(),
                image: "one".into(),
                count: agent_core::field::AwsDecides::Unset,
                groups: [Link::to(chosen(&groups, group).unwrap())].into(),
                pool: pool.map(|pool| Link::to(pool)),
            };
            all.push(resource("service.a", "toy.service", &spec));
        }
        if let Some((name, size)) = self.store {
            let spec = StoreSpec { name: format!("store-{name}"), size: size.into(), kept: false };
            all.push(resource("store.a", "toy.store", &spec));
        }
        unique(all)
    }
}

/// Its own with a generation, or one of those that any of its kind may have.
fn name_of(component: &str, n: u8) -> Name {
    match n {
        0 => Name::Base { base: component.replace('.', "-"), max: 32 },
        n => Name::Full(format!("shared-{n}")),
    }
}

/// Two of one name can never stand side by side, and small graphs have six resources.
fn unique(all: Vec<Resource>) -> Vec<Resource> {
    let mut taken = BTreeSet::new();
    let mut kept: Vec<Resource> = Vec::new();
    for resource in all {
        let spec = resource.spec.value();
        let name = spec.get("number").or(spec.get("name")).map(ToString::to_string).unwrap_or_default();
        let names_what_is_kept = agent_core::doc::edges(&spec)
            .iter()
            .all(|edge| kept.iter().any(|other| other.address == edge.to) || edge.path.starts_with("from"));
        let is_net = resource.address.kind() == "toy.net";
        if names_what_is_kept
            && kept.len() < 6
            && (is_net || taken.insert(format!("{} {name}", resource.address.kind())))
        {
            kept.push(resource);
        }
    }
    let there: BTreeSet<Address> = kept.iter().map(|resource| resource.address.clone()).collect();
    for resource in &mut kept {
        let mut spec = resource.spec.value();
        if let Some(from) = spec.get_mut("from").and_then(serde_json::Value::as_array_mut) {
            from.retain(|link| link["$ref"].as_str().is_some_and(|to| there.contains(&to.parse().unwrap())));
        }
        resource.spec = Doc::from_value(&spec);
    }
    kept
}
