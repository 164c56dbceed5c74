//! `ec2.vpc` in AWS.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{AwsDecides, Tags};
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ec2::vpc::{DefaultGroup, InstanceTenancy, Out, Spec, Vpc};
use aws_sdk_ec2::types::{
    self as sdk, AttributeBooleanValue, Filter, ResourceType, Tenancy, VpcAttributeName, VpcState, VpcTenancy,
};
use futures_util::future::try_join_all;

use super::{FILTER_VALUES, PAGE, filter, listed, no_retries, sought, tagged, tags_read};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeVpcs";

impl Provider<Vpc> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Vpc>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, "vpc-id") {
            found.extend(self.vpcs_described(filters).await?);
        }
        self.vpcs_read(found).await
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, Vpc>) -> Result<Option<Live<Vpc>>, Fault> {
        let mut found = self.vpcs_described(sought(wanted.id, "vpc-id", None, wanted.mark)).await?;
        found.truncate(1);
        Ok(self.vpcs_read(found).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, Vpc>) -> Result<String, Fault> {
        let action = "ec2:CreateVpc";
        let call = self.ec2.create_vpc().cidr_block(new.spec.cidr.to_string()).instance_tenancy(
            match new.spec.instance_tenancy {
                InstanceTenancy::Default => Tenancy::Default,
                InstanceTenancy::Dedicated => Tenancy::Dedicated,
            },
        );
        let call = call.tag_specifications(tagged(ResourceType::Vpc, new.mark, &new.spec.tags));
        let answer = call.customize().config_override(no_retries()).send().await.map_err(fault(action))?;
        answer.vpc.and_then(|vpc| vpc.vpc_id).ok_or_else(|| lacks(action, "VpcId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Vpc>) -> Result<(), Fault> {
        let (id, to, changed) = (&update.live.id, update.to, update.changed);
        if changed.touches("instance_tenancy") {
            let call = self.ec2.modify_vpc_tenancy().vpc_id(id).instance_tenancy(VpcTenancy::Default);
            call.send().await.map_err(fault("ec2:ModifyVpcTenancy"))?;
        }
        self.vpc_write_dns(update).await?;
        if changed.touches("default_group") && to.default_group == AwsDecides::Set(DefaultGroup::Emptied) {
            self.vpc_empty_default_group(id).await?;
        }
        if changed.tags() {
            self.ec2_write_tags(id, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Vpc>) -> Result<(), Fault> {
        self.ec2.delete_vpc().vpc_id(&live.id).send().await.map_err(fault("ec2:DeleteVpc"))?;
        Ok(())
    }
}

impl Aws {
    /// One attribute a call. "You can only enable DNS hostnames if you've enabled DNS support", so what is turned on goes
    /// from support to host names, and what is turned off the other way.
    async fn vpc_write_dns(&self, update: &Update<'_, Vpc>) -> Result<(), Fault> {
        let to = update.to;
        let modify = || self.ec2.modify_vpc_attribute().vpc_id(&update.live.id);
        let value = |on: bool| AttributeBooleanValue::builder().value(on).build();
        let touched = |path: &str| update.changed.touches(path);
        let support = touched("enable_dns_support").then(|| modify().enable_dns_support(value(to.enable_dns_support)));
        let names =
            touched("enable_dns_hostnames").then(|| modify().enable_dns_hostnames(value(to.enable_dns_hostnames)));
        let calls = if to.enable_dns_support { [support, names] } else { [names, support] };
        for call in calls.into_iter().flatten() {
            call.send().await.map_err(fault("ec2:ModifyVpcAttribute"))?;
        }
        Ok(())
    }

    /// Revokes what the default group holds now, in whatever state an earlier attempt left it.
    async fn vpc_empty_default_group(&self, vpc: &str) -> Result<(), Fault> {
        let Some(group) = self.vpc_default_groups(&[vpc.to_owned()]).await?.remove(vpc) else {
            let text = format!("the default group of {vpc} is not visible yet");
            return Err(Fault::new(Class::Conflict, "ec2:DescribeSecurityGroups", "NotYet", text));
        };
        let id = group.group_id.ok_or_else(|| lacks("ec2:DescribeSecurityGroups", "GroupId"))?;
        let (ingress, egress) = (group.ip_permissions, group.ip_permissions_egress);
        if let Some(rules) = ingress.filter(|rules| !rules.is_empty()) {
            let call = self.ec2.revoke_security_group_ingress().group_id(&id).set_ip_permissions(Some(rules));
            call.send().await.map_err(fault("ec2:RevokeSecurityGroupIngress"))?;
        }
        if let Some(rules) = egress.filter(|rules| !rules.is_empty()) {
            let call = self.ec2.revoke_security_group_egress().group_id(&id).set_ip_permissions(Some(rules));
            call.send().await.map_err(fault("ec2:RevokeSecurityGroupEgress"))?;
        }
        Ok(())
    }

    async fn vpcs_described(&self, filters: Vec<Filter>) -> Result<Vec<sdk::Vpc>, Fault> {
        let call = self.ec2.describe_vpcs().set_filters(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(DESCRIBE))?.vpcs.unwrap_or_default());
        }
        Ok(found)
    }

    /// The default groups of VPCs, by VPC.
    async fn vpc_default_groups(&self, vpcs: &[String]) -> Result<BTreeMap<String, sdk::SecurityGroup>, Fault> {
        let mut found = BTreeMap::new();
        for ids in vpcs.chunks(FILTER_VALUES) {
            let filters = vec![filter("group-name", ["default"]), filter("vpc-id", ids)];
            let groups = self.security_groups_described(filters).await?;
            found.extend(groups.into_iter().filter_map(|group| Some((group.vpc_id.clone()?, group))));
        }
        Ok(found)
    }

    /// Adds what `DescribeVpcs` does not tell: the default groups, and two attributes, a call each, all at once.
    async fn vpcs_read(&self, vpcs: Vec<sdk::Vpc>) -> Result<Vec<Live<Vpc>>, Fault> {
        let id = |vpc: &sdk::Vpc| vpc.vpc_id.clone().ok_or_else(|| lacks(DESCRIBE, "VpcId"));
        let ids = vpcs.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        let attributes = try_join_all(ids.iter().map(|id| async move {
            tokio::try_join!(
                self.vpc_attribute(id, VpcAttributeName::EnableDnsSupport),
                self.vpc_attribute(id, VpcAttributeName::EnableDnsHostnames),
            )
        }));
        let (mut groups, attributes) = tokio::try_join!(self.vpc_default_groups(&ids), attributes)?;
        let with_dns = vpcs.into_iter().zip(&ids).zip(attributes);
        with_dns.map(|((vpc, id), dns)| vpc_live(vpc, dns, groups.remove(id))).collect()
    }

    async fn vpc_attribute(&self, id: &str, name: VpcAttributeName) -> Result<bool, Fault> {
        let action = "ec2:DescribeVpcAttribute";
        let hostnames = name == VpcAttributeName::EnableDnsHostnames;
        let call = self.ec2.describe_vpc_attribute().vpc_id(id).attribute(name);
        let answer = call.send().await.map_err(fault(action)).map_err(|fault| match fault.class {
            // DescribeVpcs has just shown it. Taken for "not there", a lagging answer would have a second one made.
            Class::NotFound => Fault { class: Class::Unavailable, ..fault },
            _ => fault,
        })?;
        let value = if hostnames { answer.enable_dns_hostnames } else { answer.enable_dns_support };
        value.and_then(|value| value.value).ok_or_else(|| lacks(action, "Value"))
    }
}

fn vpc_live(vpc: sdk::Vpc, dns: (bool, bool), group: Option<sdk::SecurityGroup>) -> Result<Live<Vpc>, Fault> {
    let id = vpc.vpc_id.ok_or_else(|| lacks(DESCRIBE, "VpcId"))?;
    let cidr = vpc.cidr_block.ok_or_else(|| lacks(DESCRIBE, "CidrBlock"))?;
    let cidr = cidr.parse().map_err(|error: agent_model::kinds::ec2::NotABlock| {
        Fault::new(Class::Invalid, DESCRIBE, "BadAnswer", error.to_string())
    })?;
    let tags = tags_read(vpc.tags);
    let is_empty =
        |group: &sdk::SecurityGroup| group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty();
    Ok(Live {
        spec: Spec {
            cidr,
            instance_tenancy: match vpc.instance_tenancy {
                Some(Tenancy::Dedicated) => InstanceTenancy::Dedicated,
                _ => InstanceTenancy::Default,
            },
            enable_dns_support: dns.0,
            enable_dns_hostnames: dns.1,
            default_group: group.as_ref().filter(|group| is_empty(group)).map(|_| DefaultGroup::Emptied).into(),
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out { id: id.clone(), default_group_id: group.and_then(|group| group.group_id), cidr },
        id,
        owner: Owner::from_tags(&tags),
        phase: match vpc.state {
            Some(VpcState::Available) => Phase::Ready,
            Some(VpcState::Deleting) => Phase::Going,
            _ => Phase::Coming,
        },
    })
}
