//! A small language with one of each shape that schemars makes.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::manifest::decode::schema_of;
use agent_core::manifest::{ComponentType, KindType, Language, NameRule, Section};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The image to run, as `name:tag`. Or a table.
    pub image: Image,
    /// CPU units of a task.
    #[serde(default = "cpu")]
    #[schemars(range(min = 256, max = 16384))]
    pub cpu: u32,
    /// MiB of memory of a task.
    pub memory: u32,
    /// How many tasks run.
    pub count: Option<u16>,
    #[serde(default)]
    pub arch: Arch,
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    pub command: Option<Vec<String>>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = 2))]
    pub expose: Vec<Expose>,
    pub deploy: Option<Deploy>,
    pub spread: Option<f64>,
    pub public: Option<bool>,
    #[serde(default)]
    pub uses: BTreeSet<String>,
    #[serde(default)]
    pub sidecar: BTreeMap<String, Sidecar>,
    pub log: Option<Log>,
}

fn cpu() -> u32 {
    256
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Image {
    Name(String),
    Tagged(Tagged),
    Pinned(Pinned),
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tagged {
    pub repository: String,
    pub tag: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    pub repository: String,
    pub digest: String,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
pub enum Arch {
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    #[serde(rename = "arm64")]
    Arm,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expose {
    /// Which load balancer.
    pub load_balancer: String,
    /// The port of its listener.
    pub listener: u16,
    pub path: Option<String>,
}

/// How a new version replaces the old.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "strategy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deploy {
    /// A few at a time.
    Rolling { circuit_breaker: Option<bool> },
    /// All at once.
    BlueGreen { bake_minutes: u16 },
    /// Some first.
    Canary { percent: u8 },
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    pub image: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    Off,
    Cloudwatch { days: u16 },
    Firehose { stream: String },
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// Listeners by port.
    pub listeners: BTreeMap<u16, Listener>,
    pub zones: Option<Zones>,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub redirect: Option<u16>,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Zones {
    Count(u8),
    Named(Vec<String>),
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub cidr: Option<Cidr>,
}

/// A type with checks of its own, which no schema knows.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Cidr(pub String);

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.contains('/') { Ok(Self(text)) } else { Err(format!("`{text}` has no prefix length")) }
    }
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    pub to: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityGroup {
    pub description: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    pub rule: String,
    pub reason: String,
}

pub fn language() -> Language {
    Language {
        components: BTreeMap::from([
            ("service", ComponentType::of::<Service>("a long-running task")),
            ("load_balancer", ComponentType::of::<LoadBalancer>("a load balancer")),
            ("network", ComponentType::of::<Network>("a VPC")),
            ("dns", ComponentType::of::<Dns>("a name").named(NameRule::Domain)),
        ]),
        kinds: BTreeMap::from([
            ("ec2.security_group", KindType { schema: Some(schema_of::<SecurityGroup>().clone()), doc: "a firewall" }),
            ("ec2.vpc", KindType { schema: None, doc: "a network" }),
            ("ecs.service", KindType { schema: None, doc: "a service" }),
        ]),
        sections: BTreeMap::from([
            ("outputs", Section { schema: schema_of::<BTreeMap<String, String>>().clone(), doc: "values for others" }),
            ("exception", Section { schema: schema_of::<Vec<Exception>>().clone(), doc: "exceptions from policy" }),
        ]),
    }
}
