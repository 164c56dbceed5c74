//! The containers of a task definition in their normal form: what AWS fills in is spelled out, what it reorders has a key.
//! Fields that this program never sends are not here, and need not be: a definition that it registered cannot change.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use agent_core::doc::JOIN;
use agent_core::reference::{Link, Text};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::kinds::ssm::parameter::ParameterArn;

/// A container, after
/// [ContainerDefinition](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The image, with tag or digest; at most 255 characters.
    pub image: Text,
    /// The arguments; the image's own when empty.
    #[serde(default)]
    pub command: Vec<String>,
    /// The program; the image's own when empty.
    #[serde(default)]
    pub entry_point: Vec<String>,
    /// Whether the task ends when this container does.
    #[serde(default = "yes")]
    pub essential: bool,
    /// Environment variables. Everybody who may describe the definition reads them: no secrets here.
    #[serde(default)]
    pub environment: BTreeMap<String, Text>,
    /// Environment variables whose values ECS fetches when the task starts, with the execution role.
    #[serde(default)]
    pub secrets: BTreeMap<String, ValueFrom>,
    /// The ports it listens on.
    #[serde(default)]
    pub port_mappings: BTreeSet<PortMapping>,
    /// How ECS finds out whether it works; the image's own check is not looked at.
    #[serde(default)]
    pub health_check: Option<HealthCheck>,
    /// Where its output goes; nowhere when absent.
    #[serde(default)]
    pub log_configuration: Option<LogConfiguration>,
    /// What other containers, by name, must have come to before this one starts.
    #[serde(default)]
    pub depends_on: BTreeMap<String, Condition>,
    /// The task's volumes that it sees, by path in the container.
    #[serde(default)]
    pub mount_points: BTreeMap<String, MountPoint>,
    /// Whether its own files are read-only.
    #[serde(default)]
    pub readonly_root_filesystem: bool,
    /// `user`, `user:group`, by name or number; the image's own when absent.
    #[serde(default)]
    pub user: Option<String>,
    /// The image's own when absent.
    #[serde(default)]
    pub working_directory: Option<String>,
    /// What it may do with the kernel.
    #[serde(default)]
    pub linux_parameters: LinuxParameters,
    /// Seconds after which a container that `depends_on` waits for counts as failed; 2 to 120. AWS's limit when absent.
    #[serde(default)]
    pub start_timeout: Option<u32>,
    /// Seconds between SIGTERM and SIGKILL; 2 to 120 on Fargate.
    #[serde(default = "thirty")]
    pub stop_timeout: u32,
    /// Limits of the operating system, by AWS's name (`nofile`).
    #[serde(default)]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Labels of the container.
    #[serde(default)]
    pub docker_labels: BTreeMap<String, String>,
    /// Kernel parameters, by name (`net.core.somaxconn`).
    #[serde(default)]
    pub system_controls: BTreeMap<String, String>,
    /// CPU units that are reserved for it; none when 0.
    #[serde(default)]
    pub cpu: u32,
    /// MiB above which it is killed; the task's memory when absent.
    #[serde(default)]
    pub memory: Option<u32>,
    /// MiB that are reserved for it.
    #[serde(default)]
    pub memory_reservation: Option<u32>,
    /// The ARN of the Secrets Manager secret that opens a private registry other than ECR.
    #[serde(default)]
    pub repository_credentials: Option<Text>,
    /// Whether ECS starts it again when it ends, without a new task; not when absent.
    #[serde(default)]
    pub restart_policy: Option<RestartPolicy>,
    /// Whether ECS pins the image's tag to a digest for the length of a deployment.
    #[serde(default)]
    pub version_consistency: VersionConsistency,
}

impl Container {
    /// A container with AWS's defaults.
    pub fn new(image: impl Into<Text>) -> Self {
        Self {
            image: image.into(),
            command: Vec::new(),
            entry_point: Vec::new(),
            essential: true,
            environment: BTreeMap::new(),
            secrets: BTreeMap::new(),
            port_mappings: BTreeSet::new(),
            health_check: None,
            log_configuration: None,
            depends_on: BTreeMap::new(),
            mount_points: BTreeMap::new(),
            readonly_root_filesystem: false,
            user: None,
            working_directory: None,
            linux_parameters: LinuxParameters::default(),
            start_timeout: None,
            stop_timeout: thirty(),
            ulimits: BTreeMap::new(),
            docker_labels: BTreeMap::new(),
            system_controls: BTreeMap::new(),
            cpu: 0,
            memory: None,
            memory_reservation: None,
            repository_credentials: None,
            restart_policy: None,
            version_consistency: VersionConsistency::default(),
        }
    }
}

fn yes() -> bool {
    true
}

fn thirty() -> u32 {
    30
}

fn five() -> u32 {
    5
}

fn three() -> u32 {
    3
}

fn three_hundred() -> u32 {
    300
}

/// Where a secret comes from: the ARN of a parameter, or of a secret of Secrets Manager with `:json-key:stage:version`
/// behind it where one key is meant.
///
/// AWS gives both back as text; what reads like a parameter's ARN becomes a link, so that on the way out a parameter goes
/// after the definitions that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueFrom {
    /// A parameter.
    Parameter(Link<ParameterArn>),
    /// Anything else, with references in it.
    Text(Text),
}

impl ValueFrom {
    /// From what AWS calls `valueFrom`.
    pub fn read(arn: &str) -> Self {
        let mut parts = arn.splitn(6, ':');
        let is_parameter = parts.next() == Some("arn")
            && parts.nth(1) == Some("ssm")
            && parts.nth(2).is_some_and(|rest| rest.starts_with("parameter/"));
        if is_parameter { Self::Parameter(Link::value(arn)) } else { Self::Text(arn.into()) }
    }

    /// What AWS calls `valueFrom`, once all references are resolved.
    pub fn plain(&self) -> Option<String> {
        match self {
            Self::Parameter(link) => Some(link.as_str().to_owned()).filter(|arn| !arn.is_empty()),
            Self::Text(text) => text.plain(),
        }
    }
}

impl Serialize for ValueFrom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Parameter(link) => link.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ValueFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let parsed = match &value {
            Value::String(text) => Ok(Self::read(text)),
            Value::Object(map) if map.contains_key(JOIN) => serde_json::from_value(value).map(Self::Text),
            _ => serde_json::from_value(value).map(Self::Parameter),
        };
        parsed.map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ValueFrom {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ValueFrom".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Text::json_schema(generator)
    }
}

/// A port. The host's port is not here: in a network of its own a task has but one, and AWS fills it in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortMapping {
    /// 1 to 65535.
    pub container_port: u16,
    /// `tcp` or `udp`.
    #[serde(default)]
    pub protocol: TransportProtocol,
    /// What Service Connect calls it; at most 64 of `a-z0-9_-`.
    #[serde(default)]
    pub name: Option<String>,
    /// What Service Connect's proxy may assume; plain TCP when absent. It cannot change in a service that serves.
    #[serde(default)]
    pub app_protocol: Option<ApplicationProtocol>,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// The protocol inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationProtocol {
    /// HTTP/1.
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
}

/// A check that runs in the container, after
/// [HealthCheck](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// `["CMD", program, arguments…]` or `["CMD-SHELL", line]`.
    pub command: Vec<String>,
    /// Seconds between checks; 5 to 300.
    #[serde(default = "thirty")]
    pub interval: u32,
    /// Seconds until a check has failed; 2 to 60.
    #[serde(default = "five")]
    pub timeout: u32,
    /// How many must fail; 1 to 10.
    #[serde(default = "three")]
    pub retries: u32,
    /// Seconds after the start in which failures do not count; 0 to 300.
    #[serde(default)]
    pub start_period: u32,
}

/// Where output goes, after
/// [LogConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogConfiguration {
    /// Fargate has `awslogs`, `splunk` and `awsfirelens`.
    #[serde(default)]
    pub log_driver: LogDriver,
    /// The driver's own: `awslogs-group`, `awslogs-region`, `awslogs-stream-prefix`, …
    #[serde(default)]
    pub options: BTreeMap<String, Text>,
    /// Options whose values ECS fetches when the task starts.
    #[serde(default)]
    pub secret_options: BTreeMap<String, ValueFrom>,
}

/// A log driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogDriver {
    /// `CloudWatch` Logs.
    #[default]
    Awslogs,
    /// A `FireLens` container of the task.
    Awsfirelens,
    /// Splunk.
    Splunk,
}

/// What another container must have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Condition {
    /// It has started.
    Start,
    /// It has ended; only for one that is not essential.
    Complete,
    /// It has ended with 0; only for one that is not essential.
    Success,
    /// Its health check has passed.
    Healthy,
}

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MountPoint {
    /// The volume's name.
    pub source_volume: String,
    /// Whether the container may only read it.
    #[serde(default)]
    pub read_only: bool,
}

/// What a container may do with the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinuxParameters {
    /// Whether a small init forwards signals and reaps processes.
    #[serde(default)]
    pub init_process_enabled: bool,
    /// Capabilities beyond Docker's default ones and without some of them.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// Capabilities, as AWS spells them (`SYS_PTRACE`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Added. Fargate allows `SYS_PTRACE` alone.
    #[serde(default)]
    pub add: BTreeSet<String>,
    /// Taken away; `ALL` takes them all.
    #[serde(default)]
    pub drop: BTreeSet<String>,
}

/// A limit of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ulimit {
    /// The one that holds at first.
    pub soft_limit: i32,
    /// The one up to which a process may raise it.
    pub hard_limit: i32,
}

/// How ECS starts a container again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartPolicy {
    /// Exit codes after which it does not.
    #[serde(default)]
    pub ignored_exit_codes: BTreeSet<i32>,
    /// Seconds that it must have run; 60 to 1800.
    #[serde(default = "three_hundred")]
    pub restart_attempt_period: u32,
}

/// Whether an image's tag is pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionConsistency {
    /// To the digest that the first task of a deployment got.
    #[default]
    Enabled,
    /// Each task pulls what the tag means by then.
    Disabled,
}
