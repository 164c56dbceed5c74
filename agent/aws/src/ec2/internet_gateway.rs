//! `ec2.internet_gateway` in AWS.

use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::internet_gateway::{InternetGateway, Out, Spec};
use aws_sdk_ec2::types::{self as sdk, AttachmentStatus, Filter, ResourceType};

use super::{PAGE, filter, listed, no_retries, sought, stale, tagged, tags_read, unless, vanished};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeInternetGateways";
const ID: &str = "internet-gateway-id";

impl Provider<InternetGateway> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<InternetGateway>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, ID) {
            found.extend(self.internet_gateways(filters).await?);
        }
        Ok(found)
    }

    async fn find(
        &self,
        _: &Scope,
        wanted: &Sought<'_, InternetGateway>,
    ) -> Result<Option<Live<InternetGateway>>, Fault> {
        Ok(self.internet_gateways(sought(wanted.id, ID, None, wanted.mark)).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, InternetGateway>) -> Result<String, Fault> {
        let action = "ec2:CreateInternetGateway";
        let call = self.ec2.create_internet_gateway();
        let call = call.tag_specifications(tagged(ResourceType::InternetGateway, new.mark, &new.spec.tags));
        let answer = call.customize().config_override(no_retries()).send().await.map_err(fault(action))?;
        let id = answer.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
        id.ok_or_else(|| lacks(action, "InternetGatewayId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, InternetGateway>) -> Result<(), Fault> {
        let id = &update.live.id;
        if update.changed.touches("vpc") {
            // Looked at anew: an earlier attempt may have come halfway.
            let held = self.internet_gateways(vec![filter(ID, [id])]).await?.pop();
            let held = held.ok_or_else(|| vanished(DESCRIBE, id))?.spec.vpc;
            if held != update.to.vpc {
                if let Some(vpc) = held {
                    self.internet_gateway_detach(id, vpc.as_str()).await?;
                }
                if let Some(vpc) = &update.to.vpc {
                    let call = self.ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc.as_str());
                    call.send().await.map_err(fault("ec2:AttachInternetGateway")).map_err(stale)?;
                }
            }
        }
        if update.changed.tags() {
            self.ec2_write_tags(id, update.mark, &update.to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<InternetGateway>) -> Result<(), Fault> {
        if let Some(vpc) = &live.spec.vpc {
            self.internet_gateway_detach(&live.id, vpc.as_str()).await?;
        }
        let call = self.ec2.delete_internet_gateway().internet_gateway_id(&live.id);
        call.send().await.map_err(fault("ec2:DeleteInternetGateway"))?;
        Ok(())
    }
}

impl Aws {
    async fn internet_gateway_detach(&self, id: &str, vpc: &str) -> Result<(), Fault> {
        let call = self.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
        let answer = call.send().await.map(drop).map_err(fault("ec2:DetachInternetGateway"));
        unless("Gateway.NotAttached", answer)
    }

    async fn internet_gateways(&self, filters: Vec<Filter>) -> Result<Vec<Live<InternetGateway>>, Fault> {
        let call = self.ec2.describe_internet_gateways().set_filters(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let gateways = page.map_err(fault(DESCRIBE))?.internet_gateways.unwrap_or_default();
            found.extend(gateways.into_iter().map(internet_gateway_live).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }
}

fn internet_gateway_live(gateway: sdk::InternetGateway) -> Result<Live<InternetGateway>, Fault> {
    let id = gateway.internet_gateway_id.ok_or_else(|| lacks(DESCRIBE, "InternetGatewayId"))?;
    let tags = tags_read(gateway.tags);
    // "For an internet gateway, the state is available when attached to a VPC": a word that the enumeration has not.
    let gone = |state: &AttachmentStatus| matches!(state, AttachmentStatus::Detached | AttachmentStatus::Detaching);
    let attached =
        gateway.attachments.unwrap_or_default().into_iter().find(|one| !one.state.as_ref().is_some_and(gone));
    Ok(Live {
        spec: Spec {
            vpc: attached.and_then(|attachment| attachment.vpc_id).map(Link::value),
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out { id: id.clone() },
        id,
        owner: Owner::from_tags(&tags),
        phase: Phase::Ready,
    })
}
