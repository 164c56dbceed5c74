//! `ec2.vpc_endpoint` in AWS.

use std::collections::BTreeSet;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, TAG_STACK, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::vpc_endpoint::{EndpointType, Out, Spec, VpcEndpoint, full_access, normal_policy};
use agent_model::kinds::iam::policy::PolicyDocument;
use aws_sdk_ec2::types::{self as sdk, Filter, ResourceType, State, VpcEndpointType};

use super::{PAGE, links, missing, of_mark, tag_filter, tagged, tags_read, values, vanished};
use crate::Aws;
use crate::fault::{class_of, fault, lacks};

const DESCRIBE: &str = "ec2:DescribeVpcEndpoints";
const DELETE: &str = "ec2:DeleteVpcEndpoints";

impl Provider<VpcEndpoint> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<VpcEndpoint>>, Fault> {
        let mut found = self.vpc_endpoints(vec![tag_filter(TAG_STACK, &scope.stack)]).await?;
        for id in listing.adopted {
            found.extend(self.vpc_endpoint(id).await?);
        }
        Ok(found)
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, VpcEndpoint>) -> Result<Option<Live<VpcEndpoint>>, Fault> {
        if let Some(id) = wanted.id {
            return self.vpc_endpoint(id).await;
        }
        let mut found = self.vpc_endpoints(of_mark(wanted.mark)).await?;
        // One that goes may carry the same tags as the one that was made since.
        found.sort_by_key(|live| live.phase != Phase::Going);
        Ok(found.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, VpcEndpoint>) -> Result<String, Fault> {
        let action = "ec2:CreateVpcEndpoint";
        let spec = new.spec;
        let call = self.ec2.create_vpc_endpoint().client_token(new.token).service_name(&spec.service_name);
        let call = call.vpc_id(spec.vpc.as_str()).set_policy_document(policy_sent(spec.policy.as_ref())?);
        let call = call.tag_specifications(tagged(ResourceType::VpcEndpoint, new.mark, &spec.tags));
        let none = BTreeSet::new();
        let call = match spec.vpc_endpoint_type {
            EndpointType::Interface if spec.security_groups.is_empty() => {
                let text = "an interface endpoint needs `security_groups`: AWS would take the VPC's default group";
                return Err(Fault::new(Class::Invalid, action, "NoSecurityGroups", text));
            }
            EndpointType::Interface => {
                call.vpc_endpoint_type(VpcEndpointType::Interface).private_dns_enabled(spec.private_dns_enabled)
            }
            EndpointType::Gateway => call.vpc_endpoint_type(VpcEndpointType::Gateway),
        };
        let call = call
            .set_subnet_ids(missing(&values(&spec.subnets), &none))
            .set_security_group_ids(missing(&values(&spec.security_groups), &none))
            .set_route_table_ids(missing(&values(&spec.route_tables), &none));
        let answer = call.send().await.map_err(fault(action))?;
        answer.vpc_endpoint.and_then(|made| made.vpc_endpoint_id).ok_or_else(|| lacks(action, "VpcEndpointId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, VpcEndpoint>) -> Result<(), Fault> {
        let (id, to, changed) = (&update.live.id, update.to, update.changed);
        let own = ["subnets", "security_groups", "route_tables", "private_dns_enabled", "policy"];
        if own.iter().any(|path| changed.touches(path)) {
            // Looked at anew: an earlier attempt may have been carried out.
            let held = self.vpc_endpoint(id).await?.ok_or_else(|| vanished(DESCRIBE, id))?;
            self.vpc_endpoint_modify(id, &held.spec, to).await?;
        }
        if changed.tags() {
            self.ec2_write_tags(id, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<VpcEndpoint>) -> Result<(), Fault> {
        let answer = self.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&live.id).send().await.map_err(fault(DELETE))?;
        // The call succeeds although the endpoint could not be deleted.
        if let Some(item) = answer.unsuccessful.unwrap_or_default().into_iter().next() {
            let error = item.error.ok_or_else(|| lacks(DELETE, "Error"))?;
            let (code, message) = (error.code.unwrap_or_default(), error.message.unwrap_or_default());
            return Err(Fault::new(class_of(&code, &message, 400), DELETE, &code, message));
        }
        Ok(())
    }
}

impl Aws {
    async fn vpc_endpoint_modify(&self, id: &str, held: &Spec, to: &Spec) -> Result<(), Fault> {
        let (have, want) = (values(&held.subnets), values(&to.subnets));
        let mut call = self.ec2.modify_vpc_endpoint().vpc_endpoint_id(id);
        call = call.set_add_subnet_ids(missing(&want, &have)).set_remove_subnet_ids(missing(&have, &want));
        let (have, want) = (values(&held.security_groups), values(&to.security_groups));
        call = call.set_add_security_group_ids(missing(&want, &have));
        call = call.set_remove_security_group_ids(missing(&have, &want));
        let (have, want) = (values(&held.route_tables), values(&to.route_tables));
        call = call.set_add_route_table_ids(missing(&want, &have));
        call = call.set_remove_route_table_ids(missing(&have, &want));
        if held.private_dns_enabled != to.private_dns_enabled {
            call = call.private_dns_enabled(to.private_dns_enabled);
        }
        if held.policy != to.policy {
            // `ResetPolicy` is for gateway endpoints alone; AWS's default policy, spelled out, is the same for both.
            let policy = to.policy.clone().unwrap_or_else(full_access);
            call = call.set_policy_document(policy_sent(Some(&policy))?);
        }
        if held.subnets == to.subnets
            && held.security_groups == to.security_groups
            && held.route_tables == to.route_tables
            && held.private_dns_enabled == to.private_dns_enabled
            && held.policy == to.policy
        {
            return Ok(());
        }
        call.send().await.map_err(fault("ec2:ModifyVpcEndpoint"))?;
        Ok(())
    }

    async fn vpc_endpoint(&self, id: &str) -> Result<Option<Live<VpcEndpoint>>, Fault> {
        let answer = match self.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await.map_err(fault(DESCRIBE))
        {
            Err(fault) if fault.class == Class::NotFound => return Ok(None),
            answer => answer?,
        };
        answer.vpc_endpoints.and_then(|mut found| found.pop()).map_or(Ok(None), vpc_endpoint_live)
    }

    async fn vpc_endpoints(&self, filters: Vec<Filter>) -> Result<Vec<Live<VpcEndpoint>>, Fault> {
        let call = self.ec2.describe_vpc_endpoints().set_filters(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for endpoint in page.map_err(fault(DESCRIBE))?.vpc_endpoints.unwrap_or_default() {
                found.extend(vpc_endpoint_live(endpoint)?);
            }
        }
        Ok(found)
    }
}

fn policy_sent(policy: Option<&PolicyDocument>) -> Result<Option<String>, Fault> {
    let text = policy.map(PolicyDocument::to_json).transpose();
    text.map_err(|error| Fault::new(Class::Invalid, "ec2:CreateVpcEndpoint", "BadPolicy", error.to_string()))
}

/// `None` once it is gone: AWS shows a deleted endpoint for a while.
fn phase_read(endpoint: &sdk::VpcEndpoint) -> Option<Phase> {
    let reason = || {
        let error = endpoint.last_error.as_ref().and_then(|error| error.message.clone());
        let reason = error.or_else(|| endpoint.failure_reason.clone());
        reason.unwrap_or_else(|| format!("AWS calls it `{}`", endpoint.state.as_ref().map_or("", State::as_str)))
    };
    // The service model says `Available`, EC2 answers `available`: the SDK's enum takes the latter for an unknown word.
    let state = endpoint.state.as_ref().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default();
    match state.as_str() {
        "available" => Some(Phase::Ready),
        "deleting" => Some(Phase::Going),
        "deleted" => None,
        "failed" | "rejected" | "expired" | "partial" => Some(Phase::Broken(reason())),
        _ => Some(Phase::Coming),
    }
}

fn vpc_endpoint_live(endpoint: sdk::VpcEndpoint) -> Result<Option<Live<VpcEndpoint>>, Fault> {
    let Some(phase) = phase_read(&endpoint) else { return Ok(None) };
    let kind = match &endpoint.vpc_endpoint_type {
        Some(VpcEndpointType::Interface) => EndpointType::Interface,
        Some(VpcEndpointType::Gateway) => EndpointType::Gateway,
        // Of another sort, so none that this kind has made: a tag copied by hand.
        _ => return Ok(None),
    };
    let policy = match endpoint.policy_document.filter(|text| !text.is_empty()) {
        Some(text) => normal_policy(
            PolicyDocument::from_json(&text)
                .map_err(|error| Fault::new(Class::Invalid, DESCRIBE, "BadAnswer", error.to_string()))?,
        ),
        None => None,
    };
    let id = endpoint.vpc_endpoint_id.ok_or_else(|| lacks(DESCRIBE, "VpcEndpointId"))?;
    let tags = tags_read(endpoint.tags);
    let groups = endpoint.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id);
    // The regional name comes first, those of the zones after it.
    let dns = endpoint.dns_entries.unwrap_or_default().into_iter().next();
    let (dns_name, hosted_zone_id) = dns.map(|entry| (entry.dns_name, entry.hosted_zone_id)).unwrap_or_default();
    Ok(Some(Live {
        spec: Spec {
            vpc_endpoint_type: kind,
            service_name: endpoint.service_name.ok_or_else(|| lacks(DESCRIBE, "ServiceName"))?,
            vpc: Link::value(endpoint.vpc_id.ok_or_else(|| lacks(DESCRIBE, "VpcId"))?),
            subnets: links(endpoint.subnet_ids.unwrap_or_default()),
            security_groups: links(groups),
            route_tables: links(endpoint.route_table_ids.unwrap_or_default()),
            // A gateway endpoint has no DNS of its own, whatever the answer says.
            private_dns_enabled: kind == EndpointType::Interface && endpoint.private_dns_enabled.unwrap_or_default(),
            policy,
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out { id: id.clone(), dns_name, hosted_zone_id },
        id,
        owner: Owner::from_tags(&tags),
        phase,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_known_in_the_case_of_the_model_and_in_that_of_the_answers() {
        let phase = |state: &str| phase_read(&sdk::VpcEndpoint::builder().state(State::from(state)).build());
        for (state, expected) in [
            ("available", Some(Phase::Ready)),
            ("Available", Some(Phase::Ready)),
            ("pending", Some(Phase::Coming)),
            ("pendingAcceptance", Some(Phase::Coming)),
            ("deleting", Some(Phase::Going)),
            ("deleted", None),
        ] {
            assert_eq!(phase(state), expected, "{state}");
        }
        assert!(matches!(phase("failed"), Some(Phase::Broken(_))));
    }
}
