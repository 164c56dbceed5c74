//! What AWS holds of networks that others own: for all of a stack at once, and anew each time.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::fault::Fault;
use agent_core::lookup::{Endpoint, Existing, Network, RouteTable, Subnet};
use aws_sdk_ec2::types::{self as sdk, Route, RouteState, State, VpcEndpointType};

use super::route_table::{destination_read, subnets_read};
use super::{FILTER_VALUES, PAGE, filter};
use crate::Aws;
use crate::fault::{fault, lacks};

const SUBNETS: &str = "ec2:DescribeSubnets";
const TABLES: &str = "ec2:DescribeRouteTables";
const ENDPOINTS: &str = "ec2:DescribeVpcEndpoints";

impl Aws {
    /// The networks, each as far as AWS holds it.
    pub(crate) async fn networks(&self, asked: Vec<Existing>) -> Result<Vec<(Existing, Network)>, Fault> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let vpcs: BTreeSet<&str> = asked.iter().map(|existing| existing.vpc.as_str()).collect();
        let subnets: BTreeSet<&str> = asked.iter().flat_map(|existing| &existing.subnets).map(String::as_str).collect();
        let (vpcs, subnets): (Vec<&str>, Vec<&str>) = (vpcs.into_iter().collect(), subnets.into_iter().collect());
        let (subnets, tables, endpoints) =
            tokio::try_join!(self.subnets_of(&subnets), self.tables_of(&vpcs), self.endpoints_of(&vpcs))?;
        let network = |existing: Existing| {
            let of_vpc = |vpc: &str| vpc == existing.vpc;
            let named = subnets.iter().filter(|(id, _)| existing.subnets.contains(*id));
            let network = Network {
                subnets: named.map(|(id, subnet)| (id.clone(), subnet.clone())).collect(),
                route_tables: of(&tables, of_vpc),
                endpoints: of(&endpoints, of_vpc),
            };
            (existing, network)
        };
        Ok(asked.into_iter().map(network).collect())
    }

    async fn subnets_of(&self, ids: &[&str]) -> Result<BTreeMap<String, Subnet>, Fault> {
        let mut found = BTreeMap::new();
        for ids in ids.chunks(FILTER_VALUES) {
            let call = self.ec2.describe_subnets().filters(filter("subnet-id", ids.iter().copied())).max_results(PAGE);
            let mut pages = call.into_paginator().send();
            while let Some(page) = pages.next().await {
                for subnet in page.map_err(fault(SUBNETS))?.subnets.unwrap_or_default() {
                    let id = subnet.subnet_id.ok_or_else(|| lacks(SUBNETS, "SubnetId"))?;
                    let vpc = subnet.vpc_id.ok_or_else(|| lacks(SUBNETS, "VpcId"))?;
                    let zone = subnet.availability_zone.ok_or_else(|| lacks(SUBNETS, "AvailabilityZone"))?;
                    let maps_public_ips = subnet.map_public_ip_on_launch.unwrap_or_default();
                    found.insert(id, Subnet { vpc, zone, maps_public_ips });
                }
            }
        }
        Ok(found)
    }

    /// Route tables, each with its VPC.
    async fn tables_of(&self, vpcs: &[&str]) -> Result<Vec<(String, String, RouteTable)>, Fault> {
        let mut found = Vec::new();
        for vpcs in vpcs.chunks(FILTER_VALUES) {
            for table in self.route_tables(vec![filter("vpc-id", vpcs.iter().copied())]).await? {
                let read = RouteTable {
                    main: table.associations().iter().any(|one| one.main == Some(true)),
                    subnets: subnets_read(table.associations()).into_keys().collect(),
                    routes: table.routes().iter().filter_map(route_read).collect(),
                };
                let vpc = table.vpc_id.ok_or_else(|| lacks(TABLES, "VpcId"))?;
                found.push((vpc, table.route_table_id.ok_or_else(|| lacks(TABLES, "RouteTableId"))?, read));
            }
        }
        Ok(found)
    }

    /// Endpoints, each with its VPC.
    async fn endpoints_of(&self, vpcs: &[&str]) -> Result<Vec<(String, String, Endpoint)>, Fault> {
        let mut found = Vec::new();
        for vpcs in vpcs.chunks(FILTER_VALUES) {
            let call = self.ec2.describe_vpc_endpoints().filters(filter("vpc-id", vpcs.iter().copied()));
            let mut pages = call.max_results(PAGE).into_paginator().send();
            while let Some(page) = pages.next().await {
                for endpoint in page.map_err(fault(ENDPOINTS))?.vpc_endpoints.unwrap_or_default() {
                    let vpc = endpoint.vpc_id.clone().ok_or_else(|| lacks(ENDPOINTS, "VpcId"))?;
                    let id = endpoint.vpc_endpoint_id.clone().ok_or_else(|| lacks(ENDPOINTS, "VpcEndpointId"))?;
                    found.push((vpc, id, endpoint_read(endpoint)));
                }
            }
        }
        Ok(found)
    }
}

/// Those of one VPC, by id.
fn of<T: Clone>(all: &[(String, String, T)], is_of: impl Fn(&str) -> bool) -> BTreeMap<String, T> {
    all.iter().filter(|(vpc, ..)| is_of(vpc)).map(|(_, id, one)| (id.clone(), one.clone())).collect()
}

/// Where a route leads, whoever made it. One whose target has gone leads nowhere.
fn route_read(route: &Route) -> Option<(String, String)> {
    if matches!(route.state, Some(RouteState::Blackhole)) {
        return None;
    }
    let targets = [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.egress_only_internet_gateway_id(),
        route.carrier_gateway_id(),
        route.local_gateway_id(),
        route.core_network_arn(),
        route.odb_network_arn(),
        route.network_interface_id(),
        route.instance_id(),
    ];
    let target = targets.into_iter().flatten().next().unwrap_or("a target that AWS does not name");
    Some((destination_read(route)?.to_owned(), target.to_owned()))
}

fn endpoint_read(endpoint: sdk::VpcEndpoint) -> Endpoint {
    let all = |ids: Option<Vec<String>>| ids.unwrap_or_default().into_iter().collect();
    // The model has the states in capitals, and answers have them in small letters.
    let state = endpoint.state.as_ref().map_or("", State::as_str);
    Endpoint {
        available: state.eq_ignore_ascii_case("available"),
        gateway: endpoint.vpc_endpoint_type == Some(VpcEndpointType::Gateway),
        service: endpoint.service_name.unwrap_or_default(),
        private_dns: endpoint.private_dns_enabled.unwrap_or_default(),
        subnets: all(endpoint.subnet_ids),
        route_tables: all(endpoint.route_table_ids),
        groups: endpoint.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_of_all_makers_count_and_those_that_lead_nowhere_do_not() {
        let to = |route: sdk::builders::RouteBuilder| route_read(&route.build());
        let route = || Route::builder().destination_cidr_block("0.0.0.0/0");
        let told = |to: &str, target: &str| Some((to.to_owned(), target.to_owned()));
        assert_eq!(to(route().gateway_id("igw-1")), told("0.0.0.0/0", "igw-1"));
        assert_eq!(to(route().gateway_id("igw-1").state(RouteState::Blackhole)), None);
        assert_eq!(to(route().nat_gateway_id("nat-1").state(RouteState::Active)), told("0.0.0.0/0", "nat-1"));
        assert_eq!(to(route().gateway_id("local")), told("0.0.0.0/0", "local"));
        let listed = Route::builder().destination_prefix_list_id("pl-1").gateway_id("vpce-1");
        assert_eq!(to(listed), told("pl-1", "vpce-1"));
        let (_, unnamed) = to(route()).unwrap();
        assert_eq!(unnamed, "a target that AWS does not name");
    }

    #[test]
    fn an_endpoint_works_when_it_is_available_in_whatever_letters() {
        let state = |text: &str| endpoint_read(sdk::VpcEndpoint::builder().state(State::from(text)).build()).available;
        assert!(state("available") && state("Available"));
        assert!(!state("pending") && !state("failed") && !state(""));
    }
}
