//! `ecs.cluster` in AWS.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::{Link, Text};
use agent_model::kinds::ecs::cluster::{
    Cluster, ContainerInsights, ExecuteCommand, LogConfiguration, Logging, ManagedStorage, Out, Share, Spec,
};
use agent_model::kinds::servicediscovery::namespace::NamespaceArn;
use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types::{
    self as sdk, CapacityProviderStrategyItem, ClusterConfiguration, ClusterField,
    ClusterServiceConnectDefaultsRequest, ClusterSetting, ClusterSettingName, ExecuteCommandConfiguration,
    ExecuteCommandLogConfiguration, ExecuteCommandLogging, ManagedStorageConfiguration,
};

use super::{tag_map, tags};
use crate::Aws;
use crate::fault::{fault, lacks, plain};

const CREATE: &str = "ecs:CreateCluster";
const UPDATE: &str = "ecs:UpdateCluster";
const DESCRIBE: &str = "ecs:DescribeClusters";

impl Provider<Cluster> for Aws {
    /// Clusters have no list by tag, so all of the region are described, a hundred a call.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Cluster>>, Fault> {
        let mut pages = self.ecs.list_clusters().max_results(100).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            arns.extend(page.map_err(fault("ecs:ListClusters"))?.cluster_arns.unwrap_or_default());
        }
        let mut found = Vec::new();
        for hundred in arns.chunks(100) {
            found.extend(self.clusters(hundred.to_vec()).await?);
        }
        let owned = |live: &Live<Cluster>| live.owner.of_stack(&scope.stack).is_some();
        found.retain(|live| owned(live) || listing.adopted.contains(&live.id));
        Ok(found)
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Cluster>) -> Result<Option<Live<Cluster>>, Fault> {
        let name = sought.id.unwrap_or(&sought.spec.name).to_owned();
        Ok(self.clusters(vec![name]).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, Cluster>) -> Result<String, Fault> {
        let spec = new.spec;
        let call = self.ecs.create_cluster().cluster_name(&spec.name).set_tags(Some(tags(new.mark, &spec.tags.0)));
        let call = call.settings(insights(spec)).configuration(configuration(spec, CREATE, false)?);
        let call = call.set_capacity_providers(some(spec.capacity_providers.iter().cloned().collect()));
        let call = call.set_default_capacity_provider_strategy(some(strategy(spec, CREATE)?));
        let namespace =
            spec.service_connect_namespace.as_ref().map(|link| namespace(Some(link), CREATE)).transpose()?;
        call.set_service_connect_defaults(namespace).send().await.map_err(fault(CREATE))?;
        Ok(spec.name.clone())
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Cluster>) -> Result<(), Fault> {
        let (live, to, changed) = (update.live, update.to, update.changed);
        let settings = changed.touches("container_insights").then(|| vec![insights(to)]);
        let stored = changed.touches("managed_storage_configuration");
        let configured = stored || changed.touches("execute_command_configuration");
        let configuration = configured.then(|| configuration(to, UPDATE, stored)).transpose()?;
        let connect = changed
            .touches("service_connect_namespace")
            .then(|| namespace(to.service_connect_namespace.as_ref(), UPDATE))
            .transpose()?;
        if settings.is_some() || configuration.is_some() || connect.is_some() {
            let call = self.ecs.update_cluster().cluster(&live.id).set_settings(settings);
            let call = call.set_configuration(configuration).set_service_connect_defaults(connect);
            call.send().await.map_err(fault(UPDATE))?;
        }
        if changed.touches("capacity_providers") || changed.touches("default_capacity_provider_strategy") {
            let action = "ecs:PutClusterCapacityProviders";
            let call = self.ecs.put_cluster_capacity_providers().cluster(&live.id);
            let call = call.set_capacity_providers(Some(to.capacity_providers.iter().cloned().collect()));
            let call = call.set_default_capacity_provider_strategy(Some(strategy(to, action)?));
            call.send().await.map_err(fault(action))?;
        }
        if changed.tags() {
            self.ecs_tag(&live.out.arn, update.mark, &to.tags.0).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Cluster>) -> Result<(), Fault> {
        self.ecs.delete_cluster().cluster(&live.id).send().await.map_err(fault("ecs:DeleteCluster"))?;
        Ok(())
    }
}

impl Aws {
    /// Clusters by name or ARN, at most a hundred; deleted ones, which AWS still shows as inactive, left out.
    async fn clusters(&self, which: Vec<String>) -> Result<Vec<Live<Cluster>>, Fault> {
        let fields = vec![ClusterField::Tags, ClusterField::Settings, ClusterField::Configurations];
        let call = self.ecs.describe_clusters().set_clusters(Some(which)).set_include(Some(fields));
        let answer = call.send().await.map_err(fault(DESCRIBE))?;
        for failure in answer.failures.unwrap_or_default() {
            let reason = failure.reason.unwrap_or_default();
            if reason != "MISSING" {
                let text = format!("{}: {}", failure.arn.unwrap_or_default(), failure.detail.unwrap_or_default());
                return Err(Fault::new(Class::Unavailable, DESCRIBE, &reason, text));
            }
        }
        let there =
            answer.clusters.unwrap_or_default().into_iter().filter(|cluster| cluster.status() != Some("INACTIVE"));
        there.map(|cluster| cluster_live(&cluster)).collect()
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

fn insights(spec: &Spec) -> ClusterSetting {
    let value = match spec.container_insights {
        ContainerInsights::Disabled => "disabled",
        ContainerInsights::Enabled => "enabled",
        ContainerInsights::Enhanced => "enhanced",
    };
    ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()
}

fn strategy(spec: &Spec, action: &'static str) -> Result<Vec<CapacityProviderStrategyItem>, Fault> {
    let item = |(provider, share): (&String, &Share)| {
        CapacityProviderStrategyItem::builder()
            .capacity_provider(provider)
            .weight(share.weight)
            .base(share.base)
            .build()
            .map_err(refused(action))
    };
    spec.default_capacity_provider_strategy.iter().map(item).collect()
}

/// "If you update the cluster with an empty string for the namespace name, the configuration is removed."
fn namespace(
    to: Option<&Link<NamespaceArn>>,
    action: &'static str,
) -> Result<ClusterServiceConnectDefaultsRequest, Fault> {
    let name = to.map_or("", Link::as_str);
    ClusterServiceConnectDefaultsRequest::builder().namespace(name).build().map_err(refused(action))
}

fn refused(action: &'static str) -> impl Fn(BuildError) -> Fault {
    move |error| Fault::new(Class::Invalid, action, "BadRequest", error.to_string())
}

/// `stored` sends the part about storage also where it is empty: what an update leaves out stays as it was.
fn configuration(spec: &Spec, action: &'static str, stored: bool) -> Result<ClusterConfiguration, Fault> {
    let text = |value: &Option<Text>| value.as_ref().map(|text| plain(action, text)).transpose();
    let exec = &spec.execute_command_configuration;
    let logging = match exec.logging {
        Logging::None => ExecuteCommandLogging::None,
        Logging::Default => ExecuteCommandLogging::Default,
        Logging::Override => ExecuteCommandLogging::Override,
    };
    let mut execute = ExecuteCommandConfiguration::builder().set_kms_key_id(text(&exec.kms_key_id)?).logging(logging);
    if let Some(log) = &exec.log_configuration {
        let group = log.cloud_watch_log_group_name.as_ref().map(|group| group.as_str().to_owned());
        let log = ExecuteCommandLogConfiguration::builder()
            .set_cloud_watch_log_group_name(group)
            .cloud_watch_encryption_enabled(log.cloud_watch_encryption_enabled)
            .set_s3_bucket_name(text(&log.s3_bucket_name)?)
            .s3_encryption_enabled(log.s3_encryption_enabled)
            .set_s3_key_prefix(log.s3_key_prefix.clone());
        execute = execute.log_configuration(log.build());
    }
    let keys = &spec.managed_storage_configuration;
    let storage = ManagedStorageConfiguration::builder()
        .set_kms_key_id(text(&keys.kms_key_id)?)
        .set_fargate_ephemeral_storage_kms_key_id(text(&keys.fargate_ephemeral_storage_kms_key_id)?);
    let storage = Some(storage.build()).filter(|_| stored || *keys != ManagedStorage::default());
    let whole = ClusterConfiguration::builder().execute_command_configuration(execute.build());
    Ok(whole.set_managed_storage_configuration(storage).build())
}

fn cluster_live(cluster: &sdk::Cluster) -> Result<Live<Cluster>, Fault> {
    let name = cluster.cluster_name().ok_or_else(|| lacks(DESCRIBE, "clusterName"))?.to_owned();
    let arn = cluster.cluster_arn().ok_or_else(|| lacks(DESCRIBE, "clusterArn"))?.to_owned();
    let tags = tag_map(cluster.tags());
    let configuration = cluster.configuration();
    let execute = configuration.and_then(ClusterConfiguration::execute_command_configuration);
    let storage = configuration.and_then(ClusterConfiguration::managed_storage_configuration);
    let shares = cluster.default_capacity_provider_strategy().iter();
    let spec = Spec {
        name: name.clone(),
        container_insights: insights_of(cluster.settings())?,
        execute_command_configuration: execute.map(execute_of).transpose()?.unwrap_or_default(),
        managed_storage_configuration: ManagedStorage {
            kms_key_id: text_of(storage.and_then(|storage| storage.kms_key_id())),
            fargate_ephemeral_storage_kms_key_id: text_of(
                storage.and_then(|storage| storage.fargate_ephemeral_storage_kms_key_id()),
            ),
        },
        capacity_providers: cluster.capacity_providers().iter().cloned().collect(),
        default_capacity_provider_strategy: shares
            .map(|item| (item.capacity_provider.clone(), Share { weight: item.weight, base: item.base }))
            .collect::<BTreeMap<_, _>>(),
        service_connect_namespace: namespace_of(cluster),
        tags: Tags(foreign_tags(&tags)),
    };
    let out = Out { name: name.clone(), arn };
    Ok(Live { id: name, spec, out, owner: Owner::from_tags(&tags), phase: phase_of(cluster) })
}

fn namespace_of(cluster: &sdk::Cluster) -> Option<Link<NamespaceArn>> {
    let arn = cluster.service_connect_defaults().and_then(sdk::ClusterServiceConnectDefaults::namespace);
    arn.filter(|arn| !arn.is_empty()).map(Link::value)
}

/// Text that AWS gives; an empty one is how it says none.
fn text_of(text: Option<&str>) -> Option<Text> {
    text.filter(|text| !text.is_empty()).map(Text::from)
}

fn insights_of(settings: &[ClusterSetting]) -> Result<ContainerInsights, Fault> {
    let setting = settings.iter().find(|setting| setting.name() == Some(&ClusterSettingName::ContainerInsights));
    match setting.and_then(ClusterSetting::value) {
        Some("enabled") => Ok(ContainerInsights::Enabled),
        Some("enhanced") => Ok(ContainerInsights::Enhanced),
        Some("disabled") => Ok(ContainerInsights::Disabled),
        Some(other) => Err(unknown(&format!("container insights `{other}`"))),
        None => Err(lacks(DESCRIBE, "settings")),
    }
}

fn execute_of(execute: &ExecuteCommandConfiguration) -> Result<ExecuteCommand, Fault> {
    let logging = match execute.logging() {
        Some(ExecuteCommandLogging::None) => Logging::None,
        Some(ExecuteCommandLogging::Override) => Logging::Override,
        Some(ExecuteCommandLogging::Default) | None => Logging::Default,
        Some(other) => return Err(unknown(&format!("exec logging `{}`", other.as_str()))),
    };
    let log_configuration = execute.log_configuration().map(|log| LogConfiguration {
        cloud_watch_log_group_name: log.cloud_watch_log_group_name().filter(|name| !name.is_empty()).map(Link::value),
        cloud_watch_encryption_enabled: log.cloud_watch_encryption_enabled(),
        s3_bucket_name: text_of(log.s3_bucket_name()),
        s3_encryption_enabled: log.s3_encryption_enabled(),
        s3_key_prefix: log.s3_key_prefix().filter(|prefix| !prefix.is_empty()).map(str::to_owned),
    });
    // An empty one says nothing.
    let log_configuration = log_configuration.filter(|log| *log != LogConfiguration::default());
    Ok(ExecuteCommand { kms_key_id: text_of(execute.kms_key_id()), logging, log_configuration })
}

fn unknown(what: &str) -> Fault {
    Fault::new(Class::Invalid, DESCRIBE, "UnknownValue", format!("this agent does not know {what}"))
}

fn phase_of(cluster: &sdk::Cluster) -> Phase {
    match (cluster.status(), cluster.attachments_status()) {
        (Some("PROVISIONING"), _) => Phase::Coming,
        (Some("DEPROVISIONING"), _) => Phase::Going,
        (Some("FAILED"), _) => Phase::Broken("the resources of its capacity providers could not be made".into()),
        (_, Some("UPDATE_IN_PROGRESS")) => Phase::Changing,
        (_, Some("UPDATE_FAILED")) => Phase::Broken("its capacity providers could not be updated".into()),
        _ => Phase::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(value: serde_json::Value) -> Spec {
        serde_json::from_value(value).unwrap()
    }

    fn answer(spec: &Spec) -> sdk::Cluster {
        let namespace = spec.service_connect_namespace.as_ref().map(Link::as_str);
        sdk::Cluster::builder()
            .cluster_name(&spec.name)
            .cluster_arn("arn:aws:ecs:eu-west-1:111122223333:cluster/hello")
            .status("ACTIVE")
            .settings(insights(spec))
            .configuration(configuration(spec, CREATE, false).unwrap())
            .set_capacity_providers(Some(spec.capacity_providers.iter().rev().cloned().collect()))
            .set_default_capacity_provider_strategy(Some(strategy(spec, CREATE).unwrap()))
            .set_service_connect_defaults(
                namespace.map(|name| sdk::ClusterServiceConnectDefaults::builder().namespace(name).build()),
            )
            .build()
    }

    #[test]
    fn what_is_sent_is_read_back_the_same() {
        for value in [
            serde_json::json!({ "name": "hello" }),
            serde_json::json!({
                "name": "hello",
                "container_insights": "enhanced",
                "execute_command_configuration": {
                    "kms_key_id": "arn:aws:kms:eu-west-1:111122223333:key/1",
                    "logging": "OVERRIDE",
                    "log_configuration": { "cloud_watch_log_group_name": "/exec", "s3_bucket_name": "b", "s3_key_prefix": "p" },
                },
                "managed_storage_configuration": { "fargate_ephemeral_storage_kms_key_id": "key" },
                "capacity_providers": ["FARGATE", "FARGATE_SPOT"],
                "default_capacity_provider_strategy": { "FARGATE": { "weight": 1, "base": 2 }, "FARGATE_SPOT": { "weight": 3 } },
                "service_connect_namespace": "arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-1",
            }),
        ] {
            let wanted = spec(value);
            assert_eq!(cluster_live(&answer(&wanted)).unwrap().spec, wanted);
        }
    }

    #[test]
    fn states_of_aws_are_phases() {
        let phase = |status: &str, attachments: Option<&str>| {
            let cluster = sdk::Cluster::builder().status(status).set_attachments_status(attachments.map(str::to_owned));
            phase_of(&cluster.build())
        };
        assert_eq!(phase("ACTIVE", None), Phase::Ready);
        assert_eq!(phase("ACTIVE", Some("UPDATE_COMPLETE")), Phase::Ready);
        assert_eq!(phase("ACTIVE", Some("UPDATE_IN_PROGRESS")), Phase::Changing);
        assert_eq!(phase("PROVISIONING", None), Phase::Coming);
        assert_eq!(phase("DEPROVISIONING", None), Phase::Going);
        assert!(matches!(phase("FAILED", None), Phase::Broken(_)));
    }

    #[test]
    fn a_setting_that_was_not_read_is_no_default() {
        assert!(insights_of(&[]).is_err());
    }
}
