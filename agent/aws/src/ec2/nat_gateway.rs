//! `ec2.nat_gateway` in AWS.

use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::nat_gateway::{NatGateway, Out, Spec};
use aws_sdk_ec2::types::{self as sdk, ConnectivityType, Filter, NatGatewayState, ResourceType};

use super::{PAGE, listed, sought, tagged, tags_read};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeNatGateways";
const ID: &str = "nat-gateway-id";

impl Provider<NatGateway> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<NatGateway>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, ID) {
            found.extend(self.nat_gateways(filters).await?);
        }
        Ok(found)
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, NatGateway>) -> Result<Option<Live<NatGateway>>, Fault> {
        let mut found = self.nat_gateways(sought(wanted.id, ID, None, wanted.mark)).await?;
        // One that goes may carry the same tags as the one that was made since.
        found.sort_by_key(|live| live.phase != Phase::Going);
        Ok(found.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, NatGateway>) -> Result<String, Fault> {
        let action = "ec2:CreateNatGateway";
        let call = self.ec2.create_nat_gateway().connectivity_type(ConnectivityType::Public).client_token(new.token);
        let call = call.subnet_id(new.spec.subnet.as_str()).allocation_id(new.spec.elastic_ip.as_str());
        let call = call.tag_specifications(tagged(ResourceType::Natgateway, new.mark, &new.spec.tags));
        let answer = call.send().await.map_err(fault(action))?;
        answer.nat_gateway.and_then(|made| made.nat_gateway_id).ok_or_else(|| lacks(action, "NatGatewayId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, NatGateway>) -> Result<(), Fault> {
        if update.changed.tags() {
            self.ec2_write_tags(&update.live.id, update.mark, &update.to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<NatGateway>) -> Result<(), Fault> {
        let call = self.ec2.delete_nat_gateway().nat_gateway_id(&live.id);
        call.send().await.map_err(fault("ec2:DeleteNatGateway"))?;
        Ok(())
    }
}

impl Aws {
    async fn nat_gateways(&self, filters: Vec<Filter>) -> Result<Vec<Live<NatGateway>>, Fault> {
        let call = self.ec2.describe_nat_gateways().set_filter(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for gateway in page.map_err(fault(DESCRIBE))?.nat_gateways.unwrap_or_default() {
                found.extend(nat_gateway_live(gateway)?);
            }
        }
        Ok(found)
    }
}

/// `None` once it is gone: AWS shows a deleted gateway for about an hour.
fn phase_read(gateway: &sdk::NatGateway) -> Option<Phase> {
    match &gateway.state {
        Some(NatGatewayState::Available) => Some(Phase::Ready),
        Some(NatGatewayState::Deleting) => Some(Phase::Going),
        Some(NatGatewayState::Deleted) => None,
        Some(NatGatewayState::Failed) => {
            let told = [gateway.failure_code(), gateway.failure_message()];
            let reason: Vec<&str> = told.into_iter().flatten().filter(|text| !text.is_empty()).collect();
            Some(Phase::Broken(if reason.is_empty() { "AWS calls it `failed`".into() } else { reason.join(": ") }))
        }
        _ => Some(Phase::Coming),
    }
}

fn nat_gateway_live(gateway: sdk::NatGateway) -> Result<Option<Live<NatGateway>>, Fault> {
    let Some(phase) = phase_read(&gateway) else { return Ok(None) };
    let id = gateway.nat_gateway_id.ok_or_else(|| lacks(DESCRIBE, "NatGatewayId"))?;
    let tags = tags_read(gateway.tags);
    let mut addresses = gateway.nat_gateway_addresses.unwrap_or_default().into_iter();
    let primary = addresses.find(|one| one.is_primary != Some(false));
    let (elastic_ip, public_ip) = primary.map(|one| (one.allocation_id, one.public_ip)).unwrap_or_default();
    Ok(Some(Live {
        spec: Spec {
            // A regional gateway, which a tag copied by hand may bring here, stands in no subnet, and a private one has no
            // address: neither is what this kind makes.
            subnet: Link::value(gateway.subnet_id.unwrap_or_default()),
            elastic_ip: Link::value(elastic_ip.unwrap_or_default()),
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out { id: id.clone(), public_ip },
        id,
        owner: Owner::from_tags(&tags),
        phase,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(state: NatGatewayState) -> sdk::NatGateway {
        let primary = sdk::NatGatewayAddress::builder().allocation_id("eipalloc-1").is_primary(true);
        let second = sdk::NatGatewayAddress::builder().allocation_id("eipalloc-2").is_primary(false);
        sdk::NatGateway::builder()
            .nat_gateway_id("nat-1")
            .subnet_id("subnet-1")
            .state(state)
            .nat_gateway_addresses(second.build())
            .nat_gateway_addresses(primary.build())
            .failure_code("Gateway.NotAttached")
            .failure_message("Network vpc-1 has no Internet gateway attached")
            .build()
    }

    #[test]
    fn states_are_phases_and_a_deleted_one_is_gone() {
        let phase = |state| phase_read(&gateway(state));
        assert_eq!(phase(NatGatewayState::Pending), Some(Phase::Coming));
        assert_eq!(phase(NatGatewayState::Available), Some(Phase::Ready));
        assert_eq!(phase(NatGatewayState::Deleting), Some(Phase::Going));
        assert_eq!(phase(NatGatewayState::Deleted), None);
        let reason = "Gateway.NotAttached: Network vpc-1 has no Internet gateway attached";
        assert_eq!(phase(NatGatewayState::Failed), Some(Phase::Broken(reason.into())));
    }

    #[test]
    fn of_several_addresses_the_primary_one_counts() {
        let live = nat_gateway_live(gateway(NatGatewayState::Available)).unwrap().unwrap();
        assert_eq!(live.spec.elastic_ip, Link::value("eipalloc-1"));
    }
}
