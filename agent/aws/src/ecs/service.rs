//! `ecs.service` in AWS.

mod read;
mod why;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::health::Told;
use agent_core::live::Live;
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ecs::cluster::Cluster;
use agent_model::kinds::ecs::service::{Service, Spec};
use aws_sdk_ecs::types::{self as sdk, ServiceField};
use futures_util::future::try_join_all;

use super::tags;
use crate::Aws;
use crate::fault::{fault, lacks};
use crate::servicediscovery::Names;

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
        self.services_read(try_join_all(tens).await?.into_iter().flatten().collect()).await
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Service>) -> Result<Option<Live<Service>>, Fault> {
        let name = sought.id.unwrap_or(&sought.spec.name).to_owned();
        let cluster = sought.id.and_then(cluster_of).unwrap_or(sought.spec.cluster.as_str());
        let described = self.services(cluster, vec![name]).await?;
        Ok(self.services_read(described).await?.pop())
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
        let is_other = |path: &String| !["tags", "sees"].contains(&path.split('.').next().unwrap_or_default());
        let deploys = update.changed.touches("sees") && self.must_be_deployed(&update.live.id, update.to).await?;
        if deploys || update.changed.paths.iter().any(is_other) {
            let call = self.update_service(update)?;
            // The same tasks anew, if nothing else differs: those that start now see what is in the namespace now.
            let call = if deploys { call.force_new_deployment(true) } else { call };
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

    async fn explain(&self, _: &Scope, about: &[Live<Service>]) -> Result<BTreeMap<String, Told>, Fault> {
        self.services_explained(about).await
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
    async fn services(&self, cluster: &str, names: Vec<String>) -> Result<Vec<sdk::Service>, Fault> {
        let call = self.ecs.describe_services().cluster(cluster).set_services(Some(names)).include(ServiceField::Tags);
        let answer = match call.send().await.map_err(fault(DESCRIBE)) {
            Ok(answer) => answer,
            Err(fault) if fault.class == Class::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        // What is not there stands among the failures, as "MISSING": there is nothing to tell of it.
        Ok(answer.services.unwrap_or_default())
    }

    /// With what is in their namespaces: a call for each of these.
    async fn services_read(&self, described: Vec<sdk::Service>) -> Result<Vec<Live<Service>>, Fault> {
        let namespaces: BTreeSet<String> = described.iter().filter_map(read::namespace).map(str::to_owned).collect();
        let names = try_join_all(namespaces.iter().map(|namespace| self.names_in(namespace))).await?;
        let names: BTreeMap<&String, Names> = namespaces.iter().zip(names).collect();
        let live = described.into_iter().filter_map(|service| {
            let namespace = read::namespace(&service).map(str::to_owned);
            let names = namespace.and_then(|namespace| names.get(&namespace));
            read::service(service, names).transpose()
        });
        live.collect()
    }

    /// Whether the names that it has to see are younger than its newest deployment, looked at anew: a list may have lagged.
    /// A deployment that begins before they are there would be for nothing.
    async fn must_be_deployed(&self, id: &str, wanted: &Spec) -> Result<bool, Fault> {
        let Some(connect) = &wanted.service_connect else { return Ok(false) };
        let names = self.names_in(connect.namespace.as_str()).await?;
        if let Some(name) = wanted.sees.0.keys().find(|name| !names.contains_key(*name)) {
            let text = format!("ECS has not made `{name}` in the namespace yet");
            return Err(Fault::new(Class::Conflict, write::UPDATE, "NotInNamespace", text));
        }
        let described = self.services(wanted.cluster.as_str(), vec![id.to_owned()]).await?.pop();
        let live = described.map(|service| read::service(service, Some(&names))).transpose()?.flatten();
        let seen = live.map(|live| live.spec.sees.0).unwrap_or_default();
        Ok(!wanted.sees.0.keys().all(|name| seen.contains_key(name)))
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
