//! `ecs.service` in AWS.

mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::live::Live;
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ecs::cluster::Cluster;
use agent_model::kinds::ecs::service::Service;
use aws_sdk_ecs::types::ServiceField;
use futures_util::future::try_join_all;

use super::tags;
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ecs:DescribeServices";

/// The most that ECS lists in one page, and the most that it describes in one call.
const PAGE: i32 = 100;
const DESCRIBED: usize = 10;

impl Provider<Service> for Aws {
    /// The services of the stack's own clusters: a call for each hundred of a cluster, and one for each ten with all that
    /// there is to know. Those that are being deleted are not listed by AWS; `find` sees them.
    async fn list(&self, _: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Service>>, Fault> {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let clusters = listing.of::<Cluster>()?;
        let listed = try_join_all(clusters.iter().map(|cluster| self.service_arns(&cluster.out.arn))).await?;
        for (cluster, arns) in clusters.into_iter().zip(listed) {
            wanted.entry(cluster.out.name).or_default().extend(arns);
        }
        for arn in listing.adopted {
            if let Some(cluster) = cluster_of(arn) {
                wanted.entry(cluster.to_owned()).or_default().insert(arn.clone());
            }
        }
        let mut tens = Vec::new();
        for (cluster, arns) in &wanted {
            let arns: Vec<String> = arns.iter().cloned().collect();
            tens.extend(arns.chunks(DESCRIBED).map(|ten| self.services(cluster, ten.to_vec())));
        }
        Ok(try_join_all(tens).await?.into_iter().flatten().collect())
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Service>) -> Result<Option<Live<Service>>, Fault> {
        let name = sought.id.unwrap_or(&sought.spec.name).to_owned();
        let cluster = sought.id.and_then(cluster_of).unwrap_or(sought.spec.cluster.as_str());
        Ok(self.services(cluster, vec![name]).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, Service>) -> Result<String, Fault> {
        // ECS takes 36 characters at most; the engine's token has 32.
        let call = self.create_service(new.spec)?.client_token(new.token);
        let call = call.set_tags(Some(tags(new.mark, &new.spec.tags.0)));
        let answer = call.send().await.map_err(fault(write::CREATE))?;
        let arn = answer.service.and_then(|service| service.service_arn);
        arn.ok_or_else(|| lacks(write::CREATE, "serviceArn"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Service>) -> Result<(), Fault> {
        // Tags first: tasks that the update starts get them.
        if update.changed.tags() {
            self.ecs_tag(&update.live.id, update.mark, &update.to.tags.0).await?;
        }
        if update.changed.paths.iter().any(|path| path != "tags" && !path.starts_with("tags.")) {
            let call = self.update_service(update)?;
            call.send().await.map_err(fault(write::UPDATE))?;
        }
        Ok(())
    }

    /// With force: without, ECS wants the tasks scaled to none first. It drains for a while and is not listed meanwhile.
    async fn delete(&self, _: &Scope, live: &Live<Service>) -> Result<(), Fault> {
        let call = self.ecs.delete_service().cluster(live.spec.cluster.as_str()).service(&live.id).force(true);
        call.send().await.map_err(fault("ecs:DeleteService"))?;
        Ok(())
    }
}

impl Aws {
    async fn service_arns(&self, cluster: &str) -> Result<Vec<String>, Fault> {
        let mut pages = self.ecs.list_services().cluster(cluster).max_results(PAGE).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            match page.map_err(fault("ecs:ListServices")) {
                Ok(page) => found.extend(page.service_arns.unwrap_or_default()),
                // Deleted since it was listed, and its services with it.
                Err(fault) if fault.class == Class::NotFound => return Ok(Vec::new()),
                Err(fault) => return Err(fault),
            }
        }
        Ok(found)
    }

    /// At most ten services of a cluster, by name or ARN; what has gone is left out.
    async fn services(&self, cluster: &str, names: Vec<String>) -> Result<Vec<Live<Service>>, Fault> {
        let call = self.ecs.describe_services().cluster(cluster).set_services(Some(names)).include(ServiceField::Tags);
        let answer = match call.send().await.map_err(fault(DESCRIBE)) {
            Ok(answer) => answer,
            Err(fault) if fault.class == Class::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        // What is not there stands among the failures, as "MISSING": there is nothing to tell of it.
        let services = answer.services.unwrap_or_default().into_iter();
        services.filter_map(|service| read::service(service).transpose()).collect()
    }
}

/// `main` of `arn:aws:ecs:eu-west-1:123456789012:service/main/web`; ARNs of the old form have none.
fn cluster_of(arn: &str) -> Option<&str> {
    let mut parts = arn.split('/');
    parts.next().filter(|head| head.starts_with("arn:") && head.ends_with(":service"))?;
    let cluster = parts.next()?;
    parts.next().map(|_| cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_the_cluster_and_a_name_does_not() {
        assert_eq!(cluster_of("arn:aws:ecs:eu-west-1:123456789012:service/main/web"), Some("main"));
        assert_eq!(cluster_of("arn:aws:ecs:eu-west-1:123456789012:service/web"), None);
        assert_eq!(cluster_of("web"), None);
    }
}
