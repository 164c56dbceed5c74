//! Of one service a VPC has at most one endpoint with private DNS: AWS makes no second one ("conflicting DNS domain").

use std::collections::BTreeMap;

use super::{Check, Hop, rules};
use crate::facts::Line;
use crate::facts::view::{View, called, component};
use crate::kinds::ec2::vpc_endpoint::EndpointType;

/// A check for each endpoint whose names another one has.
pub(super) fn checks(view: &View<'_>) -> Vec<Check> {
    let private = view
        .endpoints
        .iter()
        .filter(|(_, spec)| spec.private_dns_enabled && spec.vpc_endpoint_type == EndpointType::Interface);
    let mut by_name: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for (address, spec) in private {
        by_name.entry((called(&spec.vpc), spec.service_name.as_str())).or_default().push(address);
    }
    let several = by_name.into_iter().filter(|(_, all)| all.len() > 1);
    several.flat_map(|((vpc, service), all)| others(&vpc, service, &all)).collect()
}

fn others(vpc: &str, service: &str, all: &[&str]) -> Vec<Check> {
    let Some((first, rest)) = all.split_first() else { return Vec::new() };
    let of = |address: &&str| {
        let name = format!("no other endpoint of {vpc} has the names of {service}");
        let hop = Hop::new(rules::ONCE, name, address, &["private_dns_enabled"]);
        let lacks = format!("{first} and {address} both have private DNS for {service} in {vpc}");
        let hop = hop.no(lacks, format!("take one of them away, or the private DNS of {address}"));
        let line = Line::new(component(address).unwrap_or(address), &["endpoints"]);
        Check::new(address, format!("is found under the names of {service}"), line, vec![hop])
    };
    rest.iter().map(of).collect()
}
