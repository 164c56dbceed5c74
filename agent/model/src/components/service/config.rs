//! The keys of `[service.X]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::logs::log_group::{Days, NotAllowed};

/// `[service.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The image, with a tag or a digest.
    pub(super) image: Image,
    /// CPU units of a task; 1024 are one vCPU.
    #[serde(default = "cpu")]
    pub(super) cpu: u32,
    /// MiB of memory of a task.
    #[serde(default = "memory")]
    pub(super) memory: u32,
    /// The processor that the image is built for.
    #[serde(default)]
    pub(super) arch: Arch,
    /// How many tasks run.
    #[serde(default = "one")]
    #[schemars(range(max = 5000))]
    pub(super) count: u16,
    /// The network that the tasks stand in; the stack's only one when left out.
    pub(super) network: Option<String>,
    /// The tier of the network. In `public` tasks get addresses of the internet.
    #[serde(default = "private")]
    pub(super) tier: String,
    /// The cluster; the stack's only one when left out.
    pub(super) cluster: Option<String>,
    /// The ports that the container listens on, by name.
    #[serde(default)]
    ports: BTreeMap<String, u16>,
    /// The port that the container listens on, where it is one: its name is `http`.
    port: Option<u16>,
    /// The arguments; the image's own when left out.
    #[serde(default)]
    pub(super) command: Vec<String>,
    /// The program; the image's own when left out.
    #[serde(default)]
    pub(super) entry_point: Vec<String>,
    /// Environment variables. What AWS knows is written `${load_balancer.edge.dns_name}`, a dollar `$$`. No secrets.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Environment variables with secrets: a parameter of the stack, or an ARN.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    /// What the tasks may use while they run: `["parameter.flags"]`.
    #[serde(default)]
    pub(super) uses: Vec<String>,
    /// How a load balancer finds out whether a task works.
    #[serde(default)]
    pub(super) health: Health,
    /// What load balancers send here.
    #[serde(default)]
    pub(super) expose: Vec<Expose>,
    /// The log group.
    #[serde(default)]
    pub(super) logs: Logs,
    /// More about the container.
    #[serde(default)]
    pub(super) container: Container,
    /// How tasks are replaced.
    #[serde(default)]
    pub(super) deploy: Deploy,
}

fn cpu() -> u32 {
    256
}

fn memory() -> u32 {
    512
}

fn one() -> u16 {
    1
}

fn private() -> String {
    "private".into()
}

impl Config {
    /// The ports by name, however they are written.
    pub(super) fn ports(&self) -> BTreeMap<&str, u16> {
        let named = self.ports.iter().map(|(name, port)| (name.as_str(), *port));
        named.chain(self.port.map(|port| (HTTP, port))).collect()
    }

    /// Whether both ways of writing ports are used.
    pub(super) fn has_port_twice(&self) -> bool {
        self.port.is_some() && !self.ports.is_empty()
    }

    /// Where a port is written.
    pub(super) fn port_path(&self, name: &str) -> Vec<String> {
        if self.ports.contains_key(name) { vec!["ports".into(), name.into()] } else { vec!["port".into()] }
    }
}

/// What `port = 8080` is called.
pub(super) const HTTP: &str = "http";

/// An image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Image {
    /// As `docker pull` takes it.
    Name(String),
    /// Of a repository of the stack.
    Of(#[allow(dead_code, reason = "repositories come with a later release")] Repository),
}

/// An image of a repository of the stack.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    clippy::struct_field_names,
    reason = "repositories come with a later release; the key is AWS's word"
)]
pub(super) struct Repository {
    /// The repository.
    repository: String,
    /// A tag.
    tag: Option<String>,
    /// A digest.
    digest: Option<String>,
}

/// A processor.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub(super) enum Arch {
    /// Intel and AMD.
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm,
}

/// The health check of target groups.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Health {
    /// The path that is asked for.
    pub(super) path: String,
    /// The status codes that are well: `200`, `200-299`, `200,204`.
    pub(super) codes: String,
    /// Seconds between checks.
    #[schemars(range(min = 5, max = 300))]
    pub(super) interval: u16,
    /// Seconds until a check has failed; less than `interval`.
    #[schemars(range(min = 2, max = 120))]
    pub(super) timeout: u16,
    /// How many checks in a row make a task healthy.
    #[schemars(range(min = 2, max = 10))]
    pub(super) healthy: u16,
    /// How many failed ones in a row make it unhealthy.
    #[schemars(range(min = 2, max = 10))]
    pub(super) unhealthy: u16,
    /// Seconds after a task's start in which failed checks do not count.
    pub(super) grace: u16,
}

impl Default for Health {
    /// AWS's defaults, and a minute to start.
    fn default() -> Self {
        Self { path: "/".into(), codes: "200".into(), interval: 30, timeout: 5, healthy: 5, unhealthy: 2, grace: 60 }
    }
}

/// What a load balancer sends here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Expose {
    /// The load balancer; the stack's only one when left out.
    pub(super) load_balancer: Option<String>,
    /// The port of its listener; the only one that forwards when left out.
    pub(super) listener: Option<u16>,
    /// The paths, with `*` and `?` for what may be anything: `/inbox/*`.
    pub(super) path: Option<String>,
    /// The host, likewise: `*.example.org`.
    pub(super) host: Option<String>,
    /// The name of the container's port; the only one, or `http`, when left out.
    pub(super) port: Option<String>,
    /// Which rule comes first, the lower the earlier. By itself the more specific one does.
    #[schemars(range(min = 1, max = 50000))]
    pub(super) priority: Option<u16>,
    /// Whether it takes whatever no other takes.
    #[serde(default)]
    pub(super) default: bool,
}

/// The log group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Logs {
    /// For how many days events are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 and some more years.
    days: i32,
    /// Whether the group goes with the service.
    pub(super) delete: bool,
}

impl Default for Logs {
    fn default() -> Self {
        Self { days: 30, delete: false }
    }
}

impl Logs {
    /// For how many days events are kept, if AWS takes that.
    pub(super) fn days(&self) -> Result<Days, NotAllowed> {
        self.days.try_into()
    }
}

/// More about the container.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Container {
    /// How ECS finds out whether the container works.
    pub(super) health: Option<ContainerHealth>,
    /// `user` or `user:group`, by name or number; the image's own when left out.
    pub(super) user: Option<String>,
    /// The image's own when left out.
    pub(super) working_directory: Option<String>,
    /// Whether its own files are read-only.
    pub(super) read_only: bool,
    /// Whether a small init forwards signals and reaps processes.
    pub(super) init: bool,
    /// Seconds between SIGTERM and SIGKILL; 30 when left out.
    #[schemars(range(min = 2, max = 120))]
    pub(super) stop_timeout: Option<u16>,
}

/// The check that runs in the container.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContainerHealth {
    /// The program and its arguments: `["curl", "-f", "http://localhost:8080/health"]`.
    #[schemars(length(min = 1))]
    pub(super) command: Vec<String>,
    /// Seconds between checks.
    #[serde(default = "thirty")]
    #[schemars(range(min = 5, max = 300))]
    pub(super) interval: u16,
    /// Seconds until a check has failed.
    #[serde(default = "five")]
    #[schemars(range(min = 2, max = 60))]
    pub(super) timeout: u16,
    /// How many must fail.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    pub(super) retries: u16,
    /// Seconds after the start in which failures do not count.
    #[serde(default)]
    #[schemars(range(max = 300))]
    pub(super) start_period: u16,
}

fn thirty() -> u16 {
    30
}

fn five() -> u16 {
    5
}

fn three() -> u16 {
    3
}

/// How tasks are replaced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Deploy {
    /// In which manner.
    pub(super) strategy: Strategy,
    /// Whether ECS gives up on tasks that do not start, and goes back to the last that did.
    pub(super) circuit_breaker: bool,
    /// Percent of the tasks that must run meanwhile.
    #[schemars(range(max = 100))]
    pub(super) minimum_percent: u16,
    /// Percent of the tasks that may run meanwhile.
    #[schemars(range(min = 100, max = 200))]
    pub(super) maximum_percent: u16,
    /// Seconds for which a task that goes may finish what it was asked.
    #[schemars(range(max = 3600))]
    pub(super) drain: u16,
}

impl Default for Deploy {
    fn default() -> Self {
        Self {
            strategy: Strategy::Rolling,
            circuit_breaker: true,
            minimum_percent: 100,
            maximum_percent: 200,
            drain: 300,
        }
    }
}

/// The manner of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strategy {
    /// Tasks are replaced one after another.
    Rolling,
    /// All at once, with the old ones kept for a while.
    BlueGreen,
    /// In equal parts.
    Linear,
    /// A few first.
    Canary,
}
