//! What AWS answered about things that the stack does not own, in the words of the facts.

use std::collections::BTreeMap;

use agent_core::lookup::{Endpoint, Existing, Network};
use agent_core::reference::Link;

use crate::kinds::ec2::Cidr4;
use crate::kinds::ec2::route_table::{Destination, RouteTarget};

/// What AWS answered about things that the stack does not own, by AWS's id, or by the address of what owns it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The main route table of a VPC.
    pub main_route_tables: BTreeMap<String, KnownTable>,
    /// Subnets.
    pub subnets: BTreeMap<String, KnownSubnet>,
    /// The endpoints of a VPC, by id.
    pub endpoints: BTreeMap<String, BTreeMap<String, Endpoint>>,
    /// The blocks of addresses of a VPC.
    pub blocks: BTreeMap<String, Vec<Cidr4>>,
}

/// What AWS answered about a route table.
#[derive(Clone, Debug, Default)]
pub struct KnownTable {
    /// Its id.
    pub id: String,
    /// Where its routes lead.
    pub routes: BTreeMap<Destination, RouteTarget>,
}

/// What AWS answered about a subnet.
#[derive(Clone, Debug, Default)]
pub struct KnownSubnet {
    /// Its VPC.
    pub vpc: String,
    /// Its zone.
    pub zone: String,
    /// Whether what is made in it gets public addresses.
    pub maps_public_ips: bool,
    /// The route table that it is tied to; the main one of its VPC when absent.
    pub table: Option<KnownTable>,
}

impl Known {
    /// The answers about networks of others.
    pub fn of(networks: &BTreeMap<Existing, Network>) -> Self {
        let mut known = Self::default();
        for (existing, network) in networks {
            let vpc = &existing.vpc;
            for (id, table) in &network.route_tables {
                if table.main {
                    known.main_route_tables.insert(vpc.clone(), KnownTable::of(id, &table.routes));
                }
            }
            for (id, subnet) in &network.subnets {
                let own = network.table_of(id).filter(|(_, table)| table.subnets.contains(id));
                let subnet = KnownSubnet {
                    vpc: subnet.vpc.clone(),
                    zone: subnet.zone.clone(),
                    maps_public_ips: subnet.maps_public_ips,
                    table: own.map(|(table, held)| KnownTable::of(table, &held.routes)),
                };
                known.subnets.insert(id.clone(), subnet);
            }
            known.endpoints.insert(vpc.clone(), network.endpoints.clone());
            let blocks = network.blocks().filter_map(|block| block.parse().ok()).collect();
            known.blocks.insert(vpc.clone(), blocks);
        }
        known
    }

    /// The route table that a subnet uses, and whether that is the main one.
    pub(super) fn table_of(&self, subnet: &str) -> Option<(&KnownTable, bool)> {
        let subnet = self.subnets.get(subnet)?;
        let own = subnet.table.as_ref().map(|table| (table, false));
        own.or_else(|| Some((self.main_route_tables.get(&subnet.vpc)?, true)))
    }

    /// Whether an endpoint of a VPC serves all these subnets under the name of a service that ends so, and which; else what is
    /// wrong with the one that comes nearest. Interfaces in one zone are reached from all.
    pub(super) fn serves(&self, vpc: &str, suffix: &str, subnets: &[String]) -> Option<Result<String, Option<String>>> {
        let mut lacks = None;
        for (id, endpoint) in self.endpoints.get(vpc)?.iter().filter(|(_, one)| one.service.ends_with(suffix)) {
            match self.fits(endpoint, subnets) {
                Ok(()) => return Some(Ok(id.clone())),
                Err(why) => lacks = Some(format!("{id} {why}")),
            }
        }
        Some(Err(lacks))
    }

    fn fits(&self, endpoint: &Endpoint, subnets: &[String]) -> Result<(), String> {
        if !endpoint.available {
            return Err("is not available".to_owned());
        }
        if !endpoint.gateway {
            let told = "has no private DNS, so that nothing finds it under the name of the service";
            return if endpoint.private_dns { Ok(()) } else { Err(told.to_owned()) };
        }
        for subnet in subnets {
            let table = self.table_of(subnet).map(|(table, _)| table.id.as_str());
            if !table.is_some_and(|table| endpoint.route_tables.contains(table)) {
                let table = table.unwrap_or("the route table");
                return Err(format!("is not on {table}, which the subnet {subnet} uses"));
            }
        }
        Ok(())
    }
}

impl KnownTable {
    fn of(id: &str, routes: &BTreeMap<String, String>) -> Self {
        // What is local leads nowhere else.
        let routes = routes.iter().filter(|(_, target)| *target != "local");
        let routes = routes.map(|(to, target)| (destination(to), route_target(target))).collect();
        Self { id: id.to_owned(), routes }
    }
}

/// What cannot be read as a block is shown as it stands, and its target counts all the same.
fn destination(text: &str) -> Destination {
    text.parse().unwrap_or_else(|_| Destination::PrefixList(text.to_owned()))
}

/// A target by what its id begins with. What is not known is never taken for closed.
fn route_target(id: &str) -> RouteTarget {
    let own = || id.to_owned();
    match id.split('-').next().unwrap_or_default() {
        "igw" => RouteTarget::InternetGateway(Link::value(id)),
        "nat" => RouteTarget::NatGateway(Link::value(id)),
        "vgw" => RouteTarget::VpnGateway(own()),
        "vpce" => RouteTarget::VpcEndpoint(own()),
        "tgw" => RouteTarget::TransitGateway(own()),
        "pcx" => RouteTarget::VpcPeeringConnection(own()),
        "eni" => RouteTarget::NetworkInterface(own()),
        "eigw" => RouteTarget::EgressOnlyInternetGateway(own()),
        "cagw" => RouteTarget::CarrierGateway(own()),
        "lgw" => RouteTarget::LocalGateway(own()),
        _ => RouteTarget::Unknown(own()),
    }
}
