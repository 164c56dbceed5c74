//! `ecs.cluster`: what services and tasks run in. On Fargate it costs nothing and holds only settings.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Identity, Kind, Replace};
use agent_core::reference::{Link, Target, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::logs::log_group::LogGroupName;
use crate::kinds::servicediscovery::namespace::NamespaceArn;

/// A cluster.
pub struct Cluster;

/// The wanted state of a cluster, after
/// [CreateCluster](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name: at most 255 letters, digits, `-` and `_`. Unique in account and region.
    pub name: String,
    /// Metrics of containers. The account may have another default; it never counts, because this is always sent.
    #[serde(default)]
    pub container_insights: ContainerInsights,
    /// How sessions of ECS Exec are encrypted and logged.
    #[serde(default)]
    pub execute_command_configuration: ExecuteCommand,
    /// Keys for what Fargate and ECS store for tasks.
    #[serde(default)]
    pub managed_storage_configuration: ManagedStorage,
    /// The capacity providers that services may use: `FARGATE`, `FARGATE_SPOT`, or names of one's own.
    #[serde(default)]
    pub capacity_providers: BTreeSet<String>,
    /// How tasks are spread where a service says nothing, by capacity provider (each one of `capacity_providers`).
    #[serde(default)]
    pub default_capacity_provider_strategy: BTreeMap<String, Share>,
    /// The Cloud Map namespace of services that turn Service Connect on and name none. AWS takes a name too,
    /// makes a namespace that nobody owns of it, and answers with the ARN.
    #[serde(default)]
    pub service_connect_namespace: Option<Link<NamespaceArn>>,
    /// Tags that the manifest sets; 50 at most, three of them ours.
    #[serde(default)]
    pub tags: Tags,
}

/// Container Insights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContainerInsights {
    /// None.
    #[default]
    Disabled,
    /// Metrics of clusters and services.
    Enabled,
    /// Metrics of tasks and containers as well.
    Enhanced,
}

/// How a task of a cluster's default strategy is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Its share of the tasks beyond the base: 0 to 1,000.
    #[serde(default)]
    pub weight: i32,
    /// How many tasks it gets first: 0 to 100,000, and of one provider only.
    #[serde(default)]
    pub base: i32,
}

/// Sessions of ECS Exec, after
/// [ExecuteCommandConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommandConfiguration.html).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecuteCommand {
    /// The KMS key for the data between client and container, beside TLS.
    #[serde(default)]
    pub kms_key_id: Option<Text>,
    /// Where the sessions are logged.
    #[serde(default)]
    pub logging: Logging,
    /// With `OVERRIDE`: where.
    #[serde(default)]
    pub log_configuration: Option<LogConfiguration>,
}

/// Where sessions are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Logging {
    /// Nowhere.
    None,
    /// Where the task definition's `awslogs` goes.
    #[default]
    Default,
    /// Where `log_configuration` says.
    Override,
}

/// Where sessions are logged with `OVERRIDE`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogConfiguration {
    /// The log group.
    #[serde(default)]
    pub cloud_watch_log_group_name: Option<Link<LogGroupName>>,
    /// Whether the log group must be encrypted.
    #[serde(default)]
    pub cloud_watch_encryption_enabled: bool,
    /// The bucket.
    #[serde(default)]
    pub s3_bucket_name: Option<Text>,
    /// Whether the bucket must be encrypted.
    #[serde(default)]
    pub s3_encryption_enabled: bool,
    /// The folder in the bucket.
    #[serde(default)]
    pub s3_key_prefix: Option<String>,
}

/// Keys for what ECS stores, after
/// [ManagedStorageConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ManagedStorageConfiguration.html).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedStorage {
    /// The KMS key of volumes that ECS attaches to tasks; AWS's own when absent.
    #[serde(default)]
    pub kms_key_id: Option<Text>,
    /// The KMS key of Fargate's ephemeral storage; AWS's own when absent.
    #[serde(default)]
    pub fargate_ephemeral_storage_kms_key_id: Option<Text>,
}

/// What AWS knows of a cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// A cluster's ARN.
pub struct ClusterArn;
impl Target for ClusterArn {
    const KIND: &'static str = Cluster::NAME;
    const FIELD: &'static str = "arn";
}

/// A cluster's name.
pub struct ClusterName;
impl Target for ClusterName {
    const KIND: &'static str = Cluster::NAME;
    const FIELD: &'static str = "name";
}

impl Kind for Cluster {
    const NAME: &'static str = "ecs.cluster";
    type Spec = Spec;
    type Out = Out;
    // CreateCluster hands back an active cluster of the same name, whoever's it is: the engine looks first.
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name"];
    const REPLACE: Replace = Replace::CreateFirst;
    // "ClusterContainsServicesException"; a task definition names no cluster.
    const HELD_BY: &'static [&'static str] = &["ecs.service"];
    const READS: &'static [Read] =
        &[Read::once("ecs:ListClusters"), Read::batches("ecs:DescribeClusters", &[Self::NAME], 100)];
    const DOC: &'static str = "A cluster of Elastic Container Service \
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/clusters.html).";

    fn derive(spec: &Spec, scope: &Scope) -> BTreeMap<&'static str, String> {
        let arn = scope.arn("ecs", &format!("cluster/{}", spec.name));
        BTreeMap::from([("name", spec.name.clone()), ("arn", arn)])
    }

    fn unique(spec: &Spec) -> Option<String> {
        Some(spec.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_least_that_can_be_written_is_all_defaults() {
        let least: Spec = serde_json::from_value(json!({ "name": "hello" })).unwrap();
        let all: Spec = serde_json::from_value(json!({
            "name": "hello",
            "container_insights": "disabled",
            "execute_command_configuration": { "logging": "DEFAULT" },
            "capacity_providers": [],
            "default_capacity_provider_strategy": {},
            "tags": {},
        }))
        .unwrap();
        assert_eq!(least, all);
        assert!(serde_json::from_value::<Spec>(json!({ "name": "hello", "insights": true })).is_err());
    }

    #[test]
    fn name_and_arn_are_known_before_it_is_made() {
        let spec: Spec = serde_json::from_value(json!({ "name": "hello" })).unwrap();
        let derived = Cluster::derive(&spec, &Scope::new("hello", "111122223333", "cn-north-1"));
        assert_eq!(derived["arn"], "arn:aws-cn:ecs:cn-north-1:111122223333:cluster/hello");
        assert_eq!(derived["name"], "hello");
    }

    #[test]
    fn only_the_name_takes_a_new_cluster() {
        use agent_core::kind::Change;
        let null = serde_json::Value::Null;
        assert_eq!(Cluster::change("name", &null, &null), Change::Replace);
        for path in ["container_insights", "capacity_providers.0", "service_connect_namespace", "tags.owner"] {
            assert_eq!(Cluster::change(path, &null, &null), Change::InPlace, "{path}");
        }
    }
}
