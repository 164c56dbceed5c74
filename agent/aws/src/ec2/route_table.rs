//! `ec2.route_table` in AWS.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::route_table::{Destination, NotADestination, Out, RouteTable, RouteTarget, Spec};
use aws_sdk_ec2::types::{
    self as sdk, Filter, ResourceType, Route, RouteOrigin, RouteTableAssociation, RouteTableAssociationStateCode,
};

use super::{FILTER_VALUES, filter, links, listed, sought, stale, tagged, tags_read, unless, values, vanished};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeRouteTables";
const ID: &str = "route-table-id";

/// Puts destination and target into a call; `CreateRoute` and `ReplaceRoute` take the same members.
macro_rules! aim {
    ($call:expr, $destination:expr, $target:expr) => {{
        let call = match $destination {
            Destination::Cidr4(block) => $call.destination_cidr_block(block.to_string()),
            Destination::Cidr6(block) => $call.destination_ipv6_cidr_block(block.to_string()),
            Destination::PrefixList(list) => $call.destination_prefix_list_id(list),
        };
        match $target {
            RouteTarget::InternetGateway(gateway) => call.gateway_id(gateway.as_str()),
            RouteTarget::VpnGateway(gateway) => call.gateway_id(gateway),
            RouteTarget::NatGateway(gateway) => call.nat_gateway_id(gateway.as_str()),
            RouteTarget::TransitGateway(id) => call.transit_gateway_id(id),
            RouteTarget::VpcPeeringConnection(id) => call.vpc_peering_connection_id(id),
            RouteTarget::NetworkInterface(id) => call.network_interface_id(id),
            RouteTarget::VpcEndpoint(id) => call.vpc_endpoint_id(id),
            RouteTarget::EgressOnlyInternetGateway(id) => call.egress_only_internet_gateway_id(id),
            RouteTarget::CarrierGateway(id) => call.carrier_gateway_id(id),
            RouteTarget::LocalGateway(id) => call.local_gateway_id(id),
            RouteTarget::CoreNetwork(arn) => call.core_network_arn(arn),
            RouteTarget::OdbNetwork(arn) => call.odb_network_arn(arn),
            // AWS refuses a route without a target.
            RouteTarget::Unknown(_) => call,
        }
    }};
}

impl Provider<RouteTable> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<RouteTable>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, ID) {
            found.extend(self.route_tables(filters).await?);
        }
        found.into_iter().map(route_table_live).collect()
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, RouteTable>) -> Result<Option<Live<RouteTable>>, Fault> {
        let found = self.route_tables(sought(wanted.id, ID, None, wanted.mark)).await?.pop();
        found.map(route_table_live).transpose()
    }

    async fn create(&self, _: &Scope, new: &New<'_, RouteTable>) -> Result<String, Fault> {
        let action = "ec2:CreateRouteTable";
        let call = self.ec2.create_route_table().vpc_id(new.spec.vpc.as_str()).client_token(new.token);
        let call = call.tag_specifications(tagged(ResourceType::RouteTable, new.mark, &new.spec.tags));
        let answer = call.send().await.map_err(fault(action))?;
        answer.route_table.and_then(|table| table.route_table_id).ok_or_else(|| lacks(action, "RouteTableId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, RouteTable>) -> Result<(), Fault> {
        let (id, to, changed) = (&update.live.id, update.to, update.changed);
        if changed.touches("routes") || changed.touches("subnets") {
            // Looked at anew: an earlier attempt may have come halfway.
            let held = self.route_tables(vec![filter(ID, [id])]).await?.pop().ok_or_else(|| vanished(DESCRIBE, id))?;
            // Routes first, so that a subnet never comes to a table that lacks them.
            self.route_table_routes(id, &routes_read(held.routes())?, &to.routes).await?;
            self.route_table_subnets(id, &subnets_read(held.associations()), &values(&to.subnets)).await?;
        }
        if changed.tags() {
            self.ec2_write_tags(id, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<RouteTable>) -> Result<(), Fault> {
        let held = self.route_tables(vec![filter(ID, [&live.id])]).await?.pop();
        let Some(held) = held else { return Ok(()) };
        for association in subnets_read(held.associations()).values() {
            self.route_table_disassociate(association).await?;
        }
        let call = self.ec2.delete_route_table().route_table_id(&live.id);
        call.send().await.map_err(fault("ec2:DeleteRouteTable"))?;
        Ok(())
    }
}

impl Aws {
    async fn route_table_routes(
        &self,
        id: &str,
        held: &BTreeMap<Destination, RouteTarget>,
        wanted: &BTreeMap<Destination, RouteTarget>,
    ) -> Result<(), Fault> {
        for (destination, target) in wanted {
            match held.get(destination) {
                Some(held) if held == target => {}
                Some(_) => {
                    let call = self.ec2.replace_route().route_table_id(id);
                    let call = aim!(call, destination, target);
                    call.send().await.map_err(fault("ec2:ReplaceRoute"))?;
                }
                None => {
                    let call = self.ec2.create_route().route_table_id(id);
                    let call = aim!(call, destination, target);
                    call.send().await.map_err(fault("ec2:CreateRoute")).map_err(stale)?;
                }
            }
        }
        for destination in held.keys().filter(|destination| !wanted.contains_key(*destination)) {
            let call = self.ec2.delete_route().route_table_id(id);
            let call = match destination {
                Destination::Cidr4(block) => call.destination_cidr_block(block.to_string()),
                Destination::Cidr6(block) => call.destination_ipv6_cidr_block(block.to_string()),
                Destination::PrefixList(list) => call.destination_prefix_list_id(list),
            };
            let answer = call.send().await.map(drop).map_err(fault("ec2:DeleteRoute"));
            unless("InvalidRoute.NotFound", answer)?;
        }
        Ok(())
    }

    async fn route_table_subnets(
        &self,
        id: &str,
        held: &BTreeMap<String, String>,
        wanted: &BTreeSet<String>,
    ) -> Result<(), Fault> {
        let new: Vec<&String> = wanted.iter().filter(|subnet| !held.contains_key(*subnet)).collect();
        let mut elsewhere = BTreeMap::new();
        for subnets in new.chunks(FILTER_VALUES) {
            let filters = vec![filter("association.subnet-id", subnets.iter().map(|subnet| subnet.as_str()))];
            for table in self.route_tables(filters).await? {
                elsewhere.extend(subnets_read(table.associations()));
            }
        }
        for subnet in new {
            if let Some(association) = elsewhere.get(subnet) {
                let call = self.ec2.replace_route_table_association().association_id(association).route_table_id(id);
                call.send().await.map_err(fault("ec2:ReplaceRouteTableAssociation"))?;
            } else {
                let call = self.ec2.associate_route_table().subnet_id(subnet).route_table_id(id);
                call.send().await.map_err(fault("ec2:AssociateRouteTable")).map_err(stale)?;
            }
        }
        for (_, association) in held.iter().filter(|(subnet, _)| !wanted.contains(*subnet)) {
            self.route_table_disassociate(association).await?;
        }
        Ok(())
    }

    async fn route_table_disassociate(&self, association: &str) -> Result<(), Fault> {
        let call = self.ec2.disassociate_route_table().association_id(association);
        let answer = call.send().await.map(drop).map_err(fault("ec2:DisassociateRouteTable"));
        // Another table has taken the subnet, or it has gone.
        unless("InvalidAssociationID.NotFound", answer)
    }

    pub(super) async fn route_tables(&self, filters: Vec<Filter>) -> Result<Vec<sdk::RouteTable>, Fault> {
        // The most that this call allows.
        let call = self.ec2.describe_route_tables().set_filters(Some(filters)).max_results(100);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(DESCRIBE))?.route_tables.unwrap_or_default());
        }
        Ok(found)
    }
}

/// The routes that somebody made, as opposed to AWS: local ones, propagated ones and those of gateway endpoints are left
/// out.
fn routes_read(routes: &[Route]) -> Result<BTreeMap<Destination, RouteTarget>, Fault> {
    let mut found = BTreeMap::new();
    for route in routes {
        let made = matches!(route.origin, Some(RouteOrigin::CreateRoute)) && route.gateway_id() != Some("local");
        let endpoint = route.gateway_id().is_some_and(|id| id.starts_with("vpce-"));
        if !made || (endpoint && route.destination_prefix_list_id.is_some()) {
            continue;
        }
        let text = destination_read(route).ok_or_else(|| lacks(DESCRIBE, "Destination"))?;
        let destination = text
            .parse()
            .map_err(|error: NotADestination| Fault::new(Class::Invalid, DESCRIBE, "BadAnswer", error.to_string()))?;
        found.insert(destination, target_read(route));
    }
    Ok(found)
}

/// A block of addresses, or a prefix list.
pub(super) fn destination_read(route: &Route) -> Option<&str> {
    let destination =
        [route.destination_cidr_block(), route.destination_ipv6_cidr_block(), route.destination_prefix_list_id()];
    destination.into_iter().flatten().next()
}

fn target_read(route: &Route) -> RouteTarget {
    let of = |id: Option<&str>, target: fn(String) -> RouteTarget| id.map(|id| target(id.to_owned()));
    let gateway = |id: &str| match id.split('-').next() {
        Some("igw") => Some(RouteTarget::InternetGateway(Link::value(id))),
        Some("vgw") => Some(RouteTarget::VpnGateway(id.to_owned())),
        Some("vpce") => Some(RouteTarget::VpcEndpoint(id.to_owned())),
        _ => None,
    };
    route
        .gateway_id()
        .and_then(gateway)
        .or_else(|| of(route.nat_gateway_id(), |id| RouteTarget::NatGateway(Link::value(id))))
        .or_else(|| of(route.transit_gateway_id(), RouteTarget::TransitGateway))
        .or_else(|| of(route.vpc_peering_connection_id(), RouteTarget::VpcPeeringConnection))
        .or_else(|| of(route.egress_only_internet_gateway_id(), RouteTarget::EgressOnlyInternetGateway))
        .or_else(|| of(route.carrier_gateway_id(), RouteTarget::CarrierGateway))
        .or_else(|| of(route.local_gateway_id(), RouteTarget::LocalGateway))
        .or_else(|| of(route.core_network_arn(), RouteTarget::CoreNetwork))
        .or_else(|| of(route.odb_network_arn(), RouteTarget::OdbNetwork))
        .or_else(|| of(route.network_interface_id(), RouteTarget::NetworkInterface))
        .unwrap_or_else(|| {
            RouteTarget::Unknown(route.gateway_id().or(route.instance_id()).unwrap_or_default().to_owned())
        })
}

/// Association ids by subnet, of those in force. The main table's own and gateways' are nobody's.
pub(super) fn subnets_read(associations: &[RouteTableAssociation]) -> BTreeMap<String, String> {
    use RouteTableAssociationStateCode::{Associated, Associating};
    let in_force = |association: &&RouteTableAssociation| {
        let state = association.association_state.as_ref().and_then(|state| state.state.as_ref());
        state.is_none_or(|state| matches!(state, Associated | Associating))
    };
    associations
        .iter()
        .filter(in_force)
        .filter_map(|one| Some((one.subnet_id.clone()?, one.route_table_association_id.clone()?)))
        .collect()
}

fn route_table_live(table: sdk::RouteTable) -> Result<Live<RouteTable>, Fault> {
    let routes = routes_read(table.routes())?;
    let subnets = subnets_read(table.associations());
    let id = table.route_table_id.ok_or_else(|| lacks(DESCRIBE, "RouteTableId"))?;
    let tags = tags_read(table.tags);
    Ok(Live {
        spec: Spec {
            vpc: Link::value(table.vpc_id.ok_or_else(|| lacks(DESCRIBE, "VpcId"))?),
            routes,
            subnets: links(subnets.into_keys()),
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out { id: id.clone() },
        id,
        owner: Owner::from_tags(&tags),
        phase: Phase::Ready,
    })
}
