//! `ecs.task_definition`: what a task consists of. A definition cannot be changed: each change registers a new revision of
//! its family, the service moves to it, and the old one is deregistered when nothing live names it.

pub mod check;
pub mod container;
mod files;
pub mod size;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::cost::Read;
use agent_core::doc::Doc;
use agent_core::field::Tags;
use agent_core::kind::{After, Identity, Kind, Mention, Replace, Unsound, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Link, Target, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kinds::iam::role::RoleArn;
use crate::kinds::ssm::file::File;
pub use container::Container;

/// A task definition.
pub struct TaskDefinition;

/// The wanted state of a task definition, after
/// [RegisterTaskDefinition](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name that revisions share; at most 255 of letters, digits, `_` and `-`. It begins with the stack's name and a
    /// hyphen: that is how the stack's definitions are found.
    pub family: String,
    /// CPU units of the task; 1024 are one vCPU. [`size::check`] tells what Fargate has.
    pub cpu: u32,
    /// MiB of the task.
    pub memory: u32,
    /// Processor and operating system.
    #[serde(default)]
    pub runtime_platform: RuntimePlatform,
    /// The tasks' network; Fargate has `awsvpc` alone.
    #[serde(default)]
    pub network_mode: NetworkMode,
    /// Where it must be able to run.
    #[serde(default = "fargate")]
    pub requires_compatibilities: BTreeSet<Compatibility>,
    /// With which ECS pulls images, writes logs and fetches secrets.
    #[serde(default)]
    pub execution_role: Option<Link<RoleArn>>,
    /// What the containers themselves act as.
    #[serde(default)]
    pub task_role: Option<Link<RoleArn>>,
    /// GiB of disk, 21 to 200; Fargate's 20 when absent.
    #[serde(default)]
    pub ephemeral_storage_gib: Option<u32>,
    /// The containers by name.
    pub containers: BTreeMap<String, Container>,
    /// The task's volumes by name.
    #[serde(default)]
    pub volumes: BTreeMap<String, Volume>,
    /// Tags that the manifest sets. They alone change in place, so that another tag starts no task anew.
    #[serde(default)]
    pub tags: Tags,
}

fn fargate() -> BTreeSet<Compatibility> {
    [Compatibility::Fargate].into()
}

/// What tasks run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuntimePlatform {
    /// The images must be built for it.
    #[serde(default)]
    pub cpu_architecture: CpuArchitecture,
    /// The images must be built for it.
    #[serde(default)]
    pub operating_system_family: OperatingSystemFamily,
}

/// A processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CpuArchitecture {
    /// Intel and AMD.
    #[default]
    #[serde(rename = "X86_64")]
    X86,
    /// Graviton.
    #[serde(rename = "ARM64")]
    Arm,
}

/// An operating system that Fargate has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperatingSystemFamily {
    /// Linux.
    #[default]
    Linux,
    /// Windows Server 2019 with everything.
    #[serde(rename = "WINDOWS_SERVER_2019_FULL")]
    Windows2019Full,
    /// Windows Server 2019, small.
    #[serde(rename = "WINDOWS_SERVER_2019_CORE")]
    Windows2019Core,
    /// Windows Server 2022 with everything.
    #[serde(rename = "WINDOWS_SERVER_2022_FULL")]
    Windows2022Full,
    /// Windows Server 2022, small.
    #[serde(rename = "WINDOWS_SERVER_2022_CORE")]
    Windows2022Core,
}

/// The network of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// An interface of its own in the VPC.
    #[default]
    Awsvpc,
    /// Docker's network on the instance, with ports that Docker picks.
    Bridge,
    /// The instance's own.
    Host,
}

/// Where a task can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Compatibility {
    /// On Fargate.
    Fargate,
    /// On instances of the cluster.
    Ec2,
}

/// A volume that the containers of a task share: empty at first and gone with the task, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// A directory that outlives the task.
    #[serde(default)]
    pub efs_volume_configuration: Option<EfsVolume>,
}

/// A directory of a file system, after
/// [EFSVolumeConfiguration](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSVolumeConfiguration.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EfsVolume {
    /// `fs-…`
    pub file_system_id: Text,
    /// The directory; of an access point, seen from its own.
    #[serde(default = "root")]
    pub root_directory: String,
    /// Whether the way there is encrypted. Access points and `iam` need it.
    #[serde(default)]
    pub transit_encryption: bool,
    /// `fsap-…`
    #[serde(default)]
    pub access_point_id: Option<Text>,
    /// Whether the task role is asked for.
    #[serde(default)]
    pub iam: bool,
}

fn root() -> String {
    "/".to_owned()
}

/// What AWS knows of a task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its ARN, revision included.
    pub arn: String,
    /// Its family.
    pub family: String,
    /// Counts from 1 and is never used twice.
    pub revision: i32,
}

/// A task definition's ARN.
pub struct TaskDefinitionArn;
impl Target for TaskDefinitionArn {
    const KIND: &'static str = TaskDefinition::NAME;
    const FIELD: &'static str = "arn";
}

impl Kind for TaskDefinition {
    const NAME: &'static str = "ecs.task_definition";
    type Spec = Spec;
    type Out = Out;
    // RegisterTaskDefinition takes no token, and each call makes another revision.
    const IDENTITY: Identity = Identity::Intent;
    const FIXED: &'static [&'static str] = &["family"];
    const IMMUTABLE: &'static [&'static str] = &[
        "family",
        "cpu",
        "memory",
        "runtime_platform",
        "network_mode",
        "requires_compatibilities",
        "execution_role",
        "task_role",
        "ephemeral_storage_gib",
        "containers",
        "volumes",
    ];
    const REPLACE: Replace = Replace::CreateFirst;
    // A deployment that fails is rolled back to the definition before, which has to be ACTIVE still.
    const RETAIN: usize = 1;
    // "Existing tasks and services that reference an INACTIVE task definition continue to run without disruption":
    // AWS hinders nobody. The engine deregisters after the service has moved all the same, for it names the definition.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] =
        &[Read::once("ecs:ListTaskDefinitions"), Read::each("ecs:DescribeTaskDefinition", &[Self::NAME]).remembered()];
    const DOC: &'static str = "What a task consists of: its containers, their images, roles and sizes \
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definitions.html).";

    /// Tasks that start fetch their files.
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let files = graph.of_kind(File::NAME).filter(|file| file.component() == own.component());
        files.map(|file| After { address: file.clone(), wait: Wait::Exists }).collect()
    }

    fn mentions(spec: &Value, _: &Doc) -> Vec<Mention> {
        files::mentioned(spec)
    }

    fn check(spec: &Spec) -> Vec<Unsound> {
        check::check(spec)
    }

    fn serial(out: &Value) -> u64 {
        out.get("revision").and_then(Value::as_u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use agent_core::kind::{Change, KindInfo};
    use agent_core::reference::resolve;
    use serde_json::json;

    use super::container::ValueFrom;
    use super::*;
    use crate::kinds::ssm::parameter::ParameterArn;

    fn normal(value: &Value) -> Value {
        (KindInfo::of::<TaskDefinition>().normal)(&Doc::from_value(value)).unwrap().value()
    }

    #[test]
    fn what_is_left_out_equals_aws_defaults_spelled_out() {
        let short = json!({"family": "hello-web", "cpu": 256, "memory": 512, "containers": {"web": {
            "image": "nginx:1", "port_mappings": [{"container_port": 80}], "health_check": {"command": ["CMD", "true"]},
        }}});
        let long = json!({
            "family": "hello-web", "cpu": 256, "memory": 512, "network_mode": "awsvpc",
            "requires_compatibilities": ["FARGATE"], "volumes": {}, "task_role": null,
            "runtime_platform": {"cpu_architecture": "X86_64", "operating_system_family": "LINUX"},
            "containers": {"web": {
                "image": "nginx:1", "essential": true, "cpu": 0, "command": [], "environment": {}, "stop_timeout": 30,
                "port_mappings": [{"container_port": 80, "protocol": "tcp"}], "readonly_root_filesystem": false,
                "health_check": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3, "start_period": 0},
                "linux_parameters": {"capabilities": {"add": [], "drop": []}}, "version_consistency": "enabled",
            }},
        });
        assert_eq!(normal(&short), normal(&long));
    }

    #[test]
    fn order_makes_no_difference_where_aws_keeps_none() {
        let with = |ports: Value, drop: Value| {
            json!({"family": "f", "cpu": 256, "memory": 512, "containers": {"a": {
                "image": "i", "port_mappings": ports, "linux_parameters": {"capabilities": {"drop": drop}},
            }}})
        };
        let one = with(json!([{"container_port": 80}, {"container_port": 53, "protocol": "udp"}]), json!(["B", "A"]));
        let two = with(json!([{"container_port": 53, "protocol": "udp"}, {"container_port": 80}]), json!(["A", "B"]));
        assert_eq!(normal(&one), normal(&two));
    }

    #[test]
    fn the_order_of_a_command_is_a_difference() {
        let with = |command: Value| json!({"family": "f", "cpu": 256, "memory": 512, "containers": {"a": {"image": "i", "command": command}}});
        assert_ne!(normal(&with(json!(["a", "b"]))), normal(&with(json!(["b", "a"]))));
    }

    #[test]
    fn all_fields_but_the_tags_take_a_new_revision() {
        let kind = KindInfo::of::<TaskDefinition>();
        let schema = (kind.spec_schema)();
        let fields: Vec<String> = schema.get("properties").unwrap().as_object().unwrap().keys().cloned().collect();
        for field in fields {
            let change = (kind.change)(&field, &Value::Null, &Value::from(1));
            let expected = if field == "tags" { Change::InPlace } else { Change::Replace };
            assert_eq!(change, expected, "{field}");
        }
        assert_eq!((kind.change)("containers.web.environment.a.b", &Value::Null, &Value::Null), Change::Replace);
    }

    #[test]
    fn a_secret_reads_back_as_it_was_wanted_whatever_it_names() {
        let parameter = Address::new("parameter.key", "ssm.parameter");
        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/hello/key";
        let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::";
        let known = |value: ValueFrom| {
            let value = serde_json::to_value(value).unwrap();
            resolve(value, &mut |_, _| Some(Value::from(arn)))
        };
        let live = |arn: &str| serde_json::to_value(ValueFrom::read(arn)).unwrap();
        let wanted = [
            ValueFrom::Parameter(Link::<ParameterArn>::to("parameter.key")),
            ValueFrom::Text(Text::reference(parameter, "arn")),
            ValueFrom::Text(arn.into()),
        ];
        for wanted in wanted {
            let resolved = known(wanted);
            assert_eq!(diff(&resolved, &live(arn)), [], "{resolved}");
            let again: ValueFrom = serde_json::from_value(resolved).unwrap();
            assert_eq!(again.plain().as_deref(), Some(arn));
        }
        assert_eq!(ValueFrom::read(secret), ValueFrom::Text(secret.into()));
        assert_eq!(diff(&live(secret), &live(secret)), []);
    }

    #[test]
    fn two_revisions_of_a_family_may_stand_side_by_side() {
        let spec: Spec =
            serde_json::from_value(json!({"family": "f", "cpu": 256, "memory": 512, "containers": {}})).unwrap();
        assert_eq!(TaskDefinition::unique(&spec), None);
    }
}
