//! `ecs.service`: keeps a number of tasks of one definition running, behind target groups, and replaces them when the
//! definition changes. How its deployments go is in `phase`, what it waits for in `order`.

pub mod order;
pub mod phase;
pub mod seen;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::{Address, Scope};
use agent_core::cost::Read;
use agent_core::doc::Doc;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_core::health::Health;
use agent_core::kind::{After, Identity, Kind, Mention, Replace};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Link, Target};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::kinds::ec2::security_group::SecurityGroupId;
use crate::kinds::ec2::subnet::SubnetId;
use crate::kinds::ecs::cluster::{Cluster, ClusterArn};
use crate::kinds::ecs::task_definition::TaskDefinitionArn;
use crate::kinds::ecs::task_definition::container::LogConfiguration;
use crate::kinds::elb::target_group::{TargetGroup, TargetGroupArn};
use crate::kinds::servicediscovery::namespace::{Namespace, NamespaceArn};
use seen::Seen;

/// A service.
pub struct Service;

/// The wanted state of a service, after
/// [CreateService](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html). What cannot change is
/// what [UpdateService](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html) does not take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name, unique in the cluster; at most 255 of letters, digits, `_` and `-`.
    pub name: String,
    /// The cluster.
    pub cluster: Link<ClusterArn>,
    /// What its tasks consist of. Another one is a new deployment.
    pub task_definition: Link<TaskDefinitionArn>,
    /// How many tasks there are.
    #[serde(default)]
    pub desired_count: Count,
    /// What tasks run on where no capacity provider is named. To be left out where one is.
    #[serde(default)]
    pub launch_type: LaunchType,
    /// What tasks run on, by capacity provider (`FARGATE`, `FARGATE_SPOT`, a name); at most 20.
    #[serde(default)]
    pub capacity_provider_strategy: BTreeMap<String, Share>,
    /// Fargate's release, such as `1.4.0`.
    #[serde(default = "latest")]
    pub platform_version: String,
    /// The tasks' place in the VPC.
    pub network: Network,
    /// The target groups that its tasks join; at most five. A change is a new deployment.
    #[serde(default)]
    pub load_balancers: BTreeSet<LoadBalancer>,
    /// How tasks are replaced.
    #[serde(default)]
    pub deployment: Deployment,
    /// Seconds after a task's start in which failed health checks do not count.
    #[serde(default)]
    pub health_check_grace_period_seconds: u32,
    /// Whether people may open a shell in its containers.
    #[serde(default)]
    pub enable_execute_command: bool,
    /// Whose tags its tasks get.
    #[serde(default)]
    pub propagate_tags: PropagateTags,
    /// Whether its tasks get tags that name cluster and service.
    #[serde(default)]
    pub enable_ecs_managed_tags: bool,
    /// Whether tasks move when one zone has more of them than another. Left to AWS when absent: on for a new service, what
    /// it was for an old one.
    #[serde(default)]
    pub availability_zone_rebalancing: AwsDecides<Rebalancing>,
    /// Names for it in a namespace, and the names of others for it; none when absent.
    #[serde(default)]
    pub service_connect: Option<ServiceConnect>,
    /// Of the names in the namespace, those that its tasks must be able to connect to. One that is younger than the newest
    /// deployment takes another deployment.
    #[serde(default, skip_serializing_if = "Seen::is_empty")]
    pub sees: Seen,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

fn latest() -> String {
    "LATEST".to_owned()
}

/// How many tasks there are, and whose business that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many, always.
    Fixed(i32),
    /// So many at first; autoscaling has the say afterwards.
    Start(i32),
}

impl Default for Count {
    /// One, as `CreateService` has it.
    fn default() -> Self {
        Self::Fixed(1)
    }
}

impl Count {
    /// What the creating call says.
    pub fn at_create(self) -> i32 {
        match self {
            Self::Fixed(count) | Self::Start(count) => count,
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(count) => count.serialize(serializer),
            Self::Start(count) => AtCreate(Some(*count)).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let count = if value.is_object() {
            serde_json::from_value::<AtCreate<i32>>(value).map(|AtCreate(count)| Self::Start(count.unwrap_or(1)))
        } else {
            serde_json::from_value(value).map(Self::Fixed)
        };
        count.map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        u32::json_schema(generator)
    }
}

/// What tasks run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum LaunchType {
    /// Fargate.
    #[default]
    Fargate,
    /// Instances of the cluster.
    Ec2,
}

/// What a capacity provider gets.
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

/// The tasks' place in the VPC, after
/// [AwsVpcConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html). A change
/// is a new deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Of one VPC; at most 16.
    pub subnets: BTreeSet<Link<SubnetId>>,
    /// Of the same VPC; at most 5. AWS takes the VPC's default group when empty.
    #[serde(default)]
    pub security_groups: BTreeSet<Link<SecurityGroupId>>,
    /// Whether tasks get an address of the internet.
    #[serde(default)]
    pub assign_public_ip: bool,
}

/// A target group that tasks join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// The group, of target type `ip`.
    pub target_group: Link<TargetGroupArn>,
    /// The container.
    pub container_name: String,
    /// The container's port.
    pub container_port: u16,
}

/// How tasks are replaced, after
/// [DeploymentConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Percent of the desired count that must run meanwhile.
    #[serde(default = "hundred")]
    pub minimum_healthy_percent: i32,
    /// Percent of the desired count that may run meanwhile.
    #[serde(default = "two_hundred")]
    pub maximum_percent: i32,
    /// Whether ECS gives up on tasks that do not start.
    #[serde(default)]
    pub circuit_breaker: CircuitBreaker,
    /// Alarms that end a deployment; none when absent.
    #[serde(default)]
    pub alarms: Option<DeploymentAlarms>,
    /// In which manner.
    #[serde(default)]
    pub strategy: Strategy,
}

fn hundred() -> i32 {
    100
}

fn two_hundred() -> i32 {
    200
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            minimum_healthy_percent: hundred(),
            maximum_percent: two_hundred(),
            circuit_breaker: CircuitBreaker::default(),
            alarms: None,
            strategy: Strategy::default(),
        }
    }
}

/// The circuit breaker. Its threshold stays AWS's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CircuitBreaker {
    /// Whether it is on.
    #[serde(default)]
    pub enable: bool,
    /// Whether ECS goes back to the last deployment that was completed.
    #[serde(default)]
    pub rollback: bool,
}

/// Alarms that end a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentAlarms {
    /// The alarms' names.
    pub alarm_names: BTreeSet<String>,
    /// Whether ECS goes back to the last deployment that was completed.
    #[serde(default)]
    pub rollback: bool,
}

/// The manner of a deployment. What other manners than the rolling one need is not part of the spec, so a manifest has this
/// one alone; the rest is there to see that somebody has set another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    /// Tasks are replaced one after another.
    #[default]
    Rolling,
    /// Set by somebody else.
    BlueGreen,
    /// Set by somebody else.
    Linear,
    /// Set by somebody else.
    Canary,
}

/// Whose tags tasks get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PropagateTags {
    /// Nobody's.
    #[default]
    None,
    /// The service's.
    Service,
    /// The task definition's.
    TaskDefinition,
}

/// Whether tasks are spread anew over the zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Rebalancing {
    /// They are.
    Enabled,
    /// They are not.
    Disabled,
}

/// Service Connect, after
/// [ServiceConnectConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectConfiguration.html).
/// A change is a new deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceConnect {
    /// The Cloud Map namespace. AWS takes a name too; the ARN is what it gives back in any case.
    pub namespace: Link<NamespaceArn>,
    /// What others find it by, by the name of the port mapping; none for one that only uses others.
    #[serde(default)]
    pub services: BTreeMap<String, ConnectService>,
    /// Where the proxy's output goes; nowhere when absent.
    #[serde(default)]
    pub log_configuration: Option<LogConfiguration>,
}

/// What others find one of its ports by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectService {
    /// The name in Cloud Map, unique in the namespace; at most 63 of `a-z0-9_-`. (AWS would take the port's name; it is
    /// spelled out, because another one is another service in Cloud Map.)
    pub discovery_name: String,
    /// The name that clients use; at most 127 of `a-z0-9_.-`.
    pub dns_name: String,
    /// The port that clients use.
    pub port: u16,
    /// The port that the proxy listens on in the task; AWS picks one when absent.
    #[serde(default)]
    pub ingress_port_override: Option<u16>,
    /// Seconds after which a silent connection ends; AWS's default when absent, 0 for never.
    #[serde(default)]
    pub idle_timeout_seconds: Option<u32>,
    /// Seconds after which a request ends; AWS's default when absent, 0 for never. Not for plain TCP.
    #[serde(default)]
    pub per_request_timeout_seconds: Option<u32>,
}

/// What AWS knows of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Tasks that run.
    pub running_count: i32,
    /// Tasks that there should be by now.
    pub desired_count: i32,
    /// The id of the newest deployment.
    pub deployment: Option<String>,
    /// The task definitions of all deployments that still have tasks or are to have some: more than one while it moves.
    #[serde(default)]
    pub definitions: Vec<String>,
    /// The name in Cloud Map that it is found by, where that is one.
    pub discovery_name: Option<String>,
}

impl ServiceConnect {
    /// The name in Cloud Map, where that is one.
    pub fn discovery_name(&self) -> Option<&str> {
        let mut all = self.services.values().map(|service| service.discovery_name.as_str());
        all.next().filter(|_| all.next().is_none())
    }
}

/// A service's name.
pub struct ServiceName;
impl Target for ServiceName {
    const KIND: &'static str = Service::NAME;
    const FIELD: &'static str = "name";
}

impl Kind for Service {
    const NAME: &'static str = "ecs.service";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    // It is looked for in the clusters of the stack; what it sees follows from what it connects to.
    const FIXED: &'static [&'static str] =
        &["name", "cluster", "sees", "service_connect.namespace", "service_connect.services.*.discovery_name"];
    const IMMUTABLE: &'static [&'static str] = &["name", "cluster", "launch_type"];
    // A service of another name or cluster may run beside the old one; the engine sees where the name is the same.
    const REPLACE: Replace = Replace::CreateFirst;
    // Two services may name each other.
    const LATE: &'static [&'static str] = &["sees"];
    const PARENTS: &'static [&'static str] = &[Cluster::NAME];
    // Whatever names a service (scaling, alarms) does so by its name: ECS deletes it all the same.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[
        Read::each("ecs:ListServices", Self::PARENTS),
        Read::batches("ecs:DescribeServices", &[Self::NAME], 10),
        Read::each("servicediscovery:ListServices", &[Namespace::NAME]),
    ];
    const WORKS_BY: &'static [&'static str] = &[TargetGroup::NAME];
    const DOC: &'static str = "A number of tasks that ECS keeps running \
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html).";

    fn derive(spec: &Spec, scope: &Scope) -> BTreeMap<&'static str, String> {
        let mut known = BTreeMap::from([("name", spec.name.clone())]);
        if let Some((_, cluster)) = spec.cluster.as_str().rsplit_once('/') {
            known.insert("arn", scope.arn("ecs", &format!("service/{cluster}/{}", spec.name)));
        }
        let discovery_name = spec.service_connect.as_ref().and_then(ServiceConnect::discovery_name);
        known.extend(discovery_name.map(|name| ("discovery_name", name.to_owned())));
        known
    }

    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        order::also_after(own, graph)
    }

    fn health(_: &Spec, out: &Out) -> Option<(Health, String)> {
        phase::short_of_tasks(out.running_count, out.desired_count)
    }

    /// A deployment that goes needs its definition until its last task has gone, and one that fails goes back to it.
    fn mentions(_: &Value, out: &Doc) -> Vec<Mention> {
        let target = format!("{}.{}", TaskDefinitionArn::KIND, TaskDefinitionArn::FIELD);
        let out = out.value();
        let all = out.get("definitions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        all.map(|arn| Mention { path: "definitions".into(), target: target.clone(), value: arn.to_owned() }).collect()
    }

    fn rather_after(own: &Address, graph: &Graph) -> Vec<Address> {
        // What its tasks connect to: otherwise they are started once more.
        let seen = graph.edges(own).iter().filter(|edge| edge.path.starts_with("sees."));
        seen.map(|edge| edge.to.clone()).collect()
    }

    fn unique(spec: &Spec) -> Option<String> {
        // In a cluster that is yet to be made no name is taken.
        let cluster = Some(spec.cluster.as_str()).filter(|arn| !arn.is_empty())?;
        Some(format!("{cluster}/{}", spec.name))
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
