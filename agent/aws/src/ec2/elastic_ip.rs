//! `ec2.elastic_ip` in AWS.

use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ec2::elastic_ip::{ElasticIp, Out, Spec};
use aws_sdk_ec2::types::{Address, DomainType, Filter, ResourceType};

use super::{listed, no_retries, sought, tagged, tags_read};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeAddresses";
const ID: &str = "allocation-id";

impl Provider<ElasticIp> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<ElasticIp>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, ID) {
            found.extend(self.elastic_ips(filters).await?);
        }
        Ok(found)
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, ElasticIp>) -> Result<Option<Live<ElasticIp>>, Fault> {
        Ok(self.elastic_ips(sought(wanted.id, ID, None, wanted.mark)).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, ElasticIp>) -> Result<String, Fault> {
        let action = "ec2:AllocateAddress";
        let call = self.ec2.allocate_address().domain(DomainType::Vpc);
        let call = call.tag_specifications(tagged(ResourceType::ElasticIp, new.mark, &new.spec.tags));
        let answer = call.customize().config_override(no_retries()).send().await.map_err(fault(action))?;
        answer.allocation_id.ok_or_else(|| lacks(action, "AllocationId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, ElasticIp>) -> Result<(), Fault> {
        if update.changed.tags() {
            self.ec2_write_tags(&update.live.id, update.mark, &update.to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<ElasticIp>) -> Result<(), Fault> {
        let call = self.ec2.release_address().allocation_id(&live.id);
        call.send().await.map_err(fault("ec2:ReleaseAddress"))?;
        Ok(())
    }
}

impl Aws {
    /// All at once: this call has no pages.
    async fn elastic_ips(&self, filters: Vec<Filter>) -> Result<Vec<Live<ElasticIp>>, Fault> {
        let call = self.ec2.describe_addresses().set_filters(Some(filters));
        let answer = call.send().await.map_err(fault(DESCRIBE))?;
        answer.addresses.unwrap_or_default().into_iter().map(elastic_ip_live).collect()
    }
}

fn elastic_ip_live(address: Address) -> Result<Live<ElasticIp>, Fault> {
    let id = address.allocation_id.ok_or_else(|| lacks(DESCRIBE, "AllocationId"))?;
    let public_ip = address.public_ip.ok_or_else(|| lacks(DESCRIBE, "PublicIp"))?;
    let tags = tags_read(address.tags);
    Ok(Live {
        spec: Spec { tags: Tags(foreign_tags(&tags)) },
        out: Out { id: id.clone(), public_ip },
        id,
        owner: Owner::from_tags(&tags),
        phase: Phase::Ready,
    })
}
