//! `ec2.subnet` in AWS.

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{AtCreate, Tags};
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::subnet::{Out, Spec, Subnet};
use aws_sdk_ec2::types::{self as sdk, AttributeBooleanValue, Filter, ResourceType, SubnetState};

use super::{PAGE, filter, listed, sought, tagged, tags_read};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeSubnets";

impl Provider<Subnet> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Subnet>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, "subnet-id") {
            found.extend(self.subnets(filters).await?);
        }
        Ok(found)
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, Subnet>) -> Result<Option<Live<Subnet>>, Fault> {
        let unique =
            vec![filter("vpc-id", [wanted.spec.vpc.as_str()]), filter("cidr-block", [wanted.spec.cidr.to_string()])];
        Ok(self.subnets(sought(wanted.id, "subnet-id", Some(unique), wanted.mark)).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, Subnet>) -> Result<String, Fault> {
        let action = "ec2:CreateSubnet";
        let call = self.ec2.create_subnet().vpc_id(new.spec.vpc.as_str()).cidr_block(new.spec.cidr.to_string());
        let call = call.set_availability_zone(new.spec.availability_zone.0.clone()).tag_specifications(tagged(
            ResourceType::Subnet,
            new.mark,
            &new.spec.tags,
        ));
        let answer = call.send().await.map_err(fault(action))?;
        answer.subnet.and_then(|subnet| subnet.subnet_id).ok_or_else(|| lacks(action, "SubnetId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Subnet>) -> Result<(), Fault> {
        let id = &update.live.id;
        if update.changed.touches("map_public_ip_on_launch") {
            let value = AttributeBooleanValue::builder().value(update.to.map_public_ip_on_launch).build();
            let call = self.ec2.modify_subnet_attribute().subnet_id(id).map_public_ip_on_launch(value);
            call.send().await.map_err(fault("ec2:ModifySubnetAttribute"))?;
        }
        if update.changed.tags() {
            self.ec2_write_tags(id, update.mark, &update.to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Subnet>) -> Result<(), Fault> {
        self.ec2.delete_subnet().subnet_id(&live.id).send().await.map_err(fault("ec2:DeleteSubnet"))?;
        Ok(())
    }
}

impl Aws {
    async fn subnets(&self, filters: Vec<Filter>) -> Result<Vec<Live<Subnet>>, Fault> {
        let call = self.ec2.describe_subnets().set_filters(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let subnets = page.map_err(fault(DESCRIBE))?.subnets.unwrap_or_default();
            found.extend(subnets.into_iter().map(subnet_live).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }
}

fn subnet_live(subnet: sdk::Subnet) -> Result<Live<Subnet>, Fault> {
    let id = subnet.subnet_id.ok_or_else(|| lacks(DESCRIBE, "SubnetId"))?;
    let cidr = subnet.cidr_block.ok_or_else(|| lacks(DESCRIBE, "CidrBlock"))?;
    let zone = subnet.availability_zone.ok_or_else(|| lacks(DESCRIBE, "AvailabilityZone"))?;
    let tags = tags_read(subnet.tags);
    let phase = match subnet.state {
        Some(SubnetState::Available) => Phase::Ready,
        Some(SubnetState::Failed | SubnetState::FailedInsufficientCapacity | SubnetState::Unavailable) => {
            Phase::Broken(format!("AWS calls it `{}`", subnet.state.as_ref().map_or("", SubnetState::as_str)))
        }
        _ => Phase::Coming,
    };
    Ok(Live {
        spec: Spec {
            vpc: Link::value(subnet.vpc_id.ok_or_else(|| lacks(DESCRIBE, "VpcId"))?),
            cidr: cidr.parse().map_err(|error: agent_model::kinds::ec2::NotABlock| {
                Fault::new(Class::Invalid, DESCRIBE, "BadAnswer", error.to_string())
            })?,
            availability_zone: AtCreate(Some(zone.clone())),
            map_public_ip_on_launch: subnet.map_public_ip_on_launch.unwrap_or_default(),
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out {
            id: id.clone(),
            arn: subnet.subnet_arn.ok_or_else(|| lacks(DESCRIBE, "SubnetArn"))?,
            availability_zone: zone,
        },
        id,
        owner: Owner::from_tags(&tags),
        phase,
    })
}
