//! The keys of `[service.X]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connect::Serve;
use super::containers::{Condition, Sidecar};
use super::files::File;
use crate::kinds::logs::log_group::{Days, NotAllowed};

/// `[service.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The image, with a tag or a digest. As `docker pull` takes it, at most 255 characters:
    /// `123456789012.dkr.ecr.eu-west-1.amazonaws.com/hello:1.0.0`.
    pub(super) image: Image,
    /// CPU units of a task, 1024 to the vCPU: 256, 512, 1024, 2048, 4096, 8192 or 16384.
    #[serde(default = "cpu")]
    pub(super) cpu: u32,
    /// MiB of memory of a task. With 256 CPU units 512, 1024 or 2048; with 512, 1024 to 4096; with 1024, 2048 to 8192; with
    /// 2048, 4096 to 16384; with 4096, 8192 to 30720 (steps of 1024); with 8192, 16384 to 61440 (steps of 4096); with
    /// 16384, 32768 to 122880 (steps of 8192).
    #[serde(default = "memory")]
    pub(super) memory: u32,
    /// The processor that the image is built for.
    #[serde(default)]
    pub(super) arch: Arch,
    /// How many tasks run. A number that is changed by hand is put back.
    #[serde(default = "one")]
    #[schemars(range(max = 5000))]
    pub(super) count: u16,
    /// The network that the tasks stand in; the stack's only one when left out.
    pub(super) network: Option<String>,
    /// The tier of the network. In `public` tasks get public addresses, and may open HTTPS connections to everywhere;
    /// so may those of private tiers where the network has `nat`; elsewhere only to the endpoints and to S3.
    #[serde(default = "private")]
    pub(super) tier: String,
    /// The cluster; the stack's only one when left out.
    pub(super) cluster: Option<String>,
    /// The ports that the container listens on, by name: `{ http = 8080, metrics = 9090 }`. Names are small letters,
    /// digits, `-` and `_`, at most 64.
    #[serde(default)]
    ports: BTreeMap<String, u16>,
    /// The port that the container listens on, where it is one: short for `ports = { http = … }`.
    port: Option<u16>,
    /// The arguments (`CMD`); the image's own when empty.
    #[serde(default)]
    pub(super) command: Vec<String>,
    /// The program (`ENTRYPOINT`); the image's own when empty.
    #[serde(default)]
    pub(super) entry_point: Vec<String>,
    /// Environment variables, in plain text for everybody who may look at the task definition. What AWS knows is written
    /// `${load_balancer.edge.dns_name}`, a dollar `$$`.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// A file of environment variables beside the manifest: lines of `NAME=value` (dotenv), or a list of JSON
    /// (`[{"name": "NAME", "value": "value"}]`). Nothing is replaced in it. What stands under `env` too is as `env` says.
    pub(super) env_file: Option<String>,
    /// Config files in the container, by their whole paths in it: a file beside the manifest, or `{ source, mode, owner,
    /// interpolate, replace_dir }`. The directory keeps what the image has beside them, and is read-only. Each may have 64
    /// KiB when it is packed. Needs `files_image` under `[stack]`.
    #[serde(default)]
    pub(super) files: BTreeMap<String, File>,
    /// Environment variables with secrets, which ECS fetches when a task starts: a parameter of the stack
    /// (`"parameter.token"`), the ARN of a parameter, or the ARN of a secret of Secrets Manager, with `:json-key` behind it
    /// for one key of its JSON. The execution role may read just these.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    /// What the tasks may use while they run, with the rights and the way to it: `["parameter.flags"]`.
    #[serde(default)]
    pub(super) uses: Vec<String>,
    /// How a load balancer finds out whether a task works: the health check of its target groups.
    #[serde(default)]
    pub(super) health: Health,
    /// What load balancers send here. Each needs `path`, `host` or `default`; of a network load balancer it is all of a
    /// listener, without any of them.
    #[serde(default)]
    pub(super) expose: Vec<Expose>,
    /// Service Connect: the name by which other services of the cluster find this one. `serve = {}` takes the service's name
    /// and the container's port.
    pub(super) serve: Option<Serve>,
    /// Service Connect: the services that the tasks open connections to, by the names that these serve:
    /// `["service.catalog"]`. Two may name each other.
    #[serde(default)]
    pub(super) connect: Vec<String>,
    /// The log group, which takes what the container writes to its standard output. It stays when the service goes.
    #[serde(default)]
    pub(super) logs: Logs,
    /// More about the container.
    #[serde(default)]
    pub(super) container: Container,
    /// More containers of each task, by name. They share its network, its processor and its memory.
    #[serde(default)]
    pub(super) sidecar: BTreeMap<String, Sidecar>,
    /// GiB of disk of a task; Fargate's 20 when left out.
    #[schemars(range(min = 21, max = 200))]
    pub(super) storage: Option<u16>,
    /// Whether people who may can open a shell in the containers (ECS Exec). An init process looks after what they leave.
    #[serde(default)]
    pub(super) exec: bool,
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

    /// The ports of all containers by name.
    pub(super) fn all_ports(&self) -> BTreeMap<&str, u16> {
        let sidecars = self.sidecar.values().flat_map(Sidecar::ports);
        sidecars.chain(self.ports()).collect()
    }

    /// The container that has a port of that name.
    pub(super) fn container_of<'a>(&'a self, port: &str, own: &'a str) -> &'a str {
        let has = |sidecar: &Sidecar| sidecar.ports().any(|(name, _)| name == port);
        let sidecar = self.sidecar.iter().find(|(_, sidecar)| has(sidecar)).map(|(name, _)| name.as_str());
        sidecar.filter(|_| !self.ports().contains_key(port)).unwrap_or(own)
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
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(super) enum Arch {
    /// Intel and AMD, 64 bits.
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    /// AWS Graviton.
    #[serde(rename = "arm64")]
    Arm,
}

/// The health check of target groups.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Health {
    /// The path that is asked for, beginning with `/`. A network load balancer asks for none: a connection is enough.
    pub(super) path: String,
    /// The status codes that say that it works, within 200 to 499: `200`, `200-299` or `200,204`.
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
    /// Seconds after a task's start for which ECS ignores failed checks, those of the container too. Only with `expose`.
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
    /// The paths: `/inbox/*`. `*` stands for any characters, `?` for one.
    pub(super) path: Option<String>,
    /// The host, likewise: `*.example.org`. With `path` both must fit.
    pub(super) host: Option<String>,
    /// The name of the container's port; the only one, or `http`, when left out.
    pub(super) port: Option<String>,
    /// Which rule comes first, the lower the earlier. When left out, more specific rules come before others.
    #[schemars(range(min = 1, max = 50000))]
    pub(super) priority: Option<u16>,
    /// Whether it takes whatever no other takes; without `path` and `host`.
    #[serde(default)]
    pub(super) default: bool,
}

/// The log group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Logs {
    /// For how many days events are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192,
    /// 2557, 2922, 3288 or 3653.
    days: i32,
    /// Whether the group goes with the service.
    pub(super) delete: bool,
    /// A regular expression that the first line of an event fits, where events of the application have several lines:
    /// `^\d{4}-`. Every line is an event when left out.
    pub(super) multiline: Option<String>,
    /// Whether a container waits when its lines cannot be written, instead of losing them.
    pub(super) blocking: bool,
}

impl Default for Logs {
    fn default() -> Self {
        Self { days: 30, delete: false, multiline: None, blocking: false }
    }
}

impl Logs {
    /// For how many days events are kept, if AWS takes that.
    pub(super) fn days(&self) -> Result<Days, NotAllowed> {
        self.days.try_into()
    }
}

/// More about the container.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Container {
    /// How ECS finds out whether the container works, by a command in it; not at all when left out.
    pub(super) health: Option<ContainerHealth>,
    /// `user` or `user:group`, by name or number; the image's own when left out.
    pub(super) user: Option<String>,
    /// The directory in which the program starts; the image's own when left out.
    pub(super) working_directory: Option<String>,
    /// Whether the root file system is read-only.
    pub(super) read_only: bool,
    /// Whether an init process forwards signals and reaps processes.
    pub(super) init: bool,
    /// Seconds between SIGTERM and SIGKILL; 30 when left out.
    #[schemars(range(min = 2, max = 120))]
    pub(super) stop_timeout: Option<u16>,
    /// What sidecars must have come to before it starts: `{ proxy = "healthy" }`.
    pub(super) depends_on: BTreeMap<String, Condition>,
    /// Directories in which it may write although the rest is read-only: volumes that go with the task. In a service with
    /// `files` they begin with what the image has there, its owners and modes too; else they are empty and root's, unless
    /// the image has a `VOLUME` there.
    pub(super) writable: Vec<String>,
    /// CPU units, of those of the task, that are kept for it.
    pub(super) cpu: u32,
    /// MiB above which it is killed; the task's memory when left out.
    #[schemars(range(min = 6))]
    pub(super) memory: Option<u32>,
    /// MiB, of those of the task, that are kept for it.
    #[schemars(range(min = 6))]
    pub(super) memory_reservation: Option<u32>,
    /// Limits of the operating system, soft and hard alike, by AWS's names: `{ nofile = 65536 }`.
    pub(super) ulimits: BTreeMap<String, u32>,
}

impl Container {
    /// The directories that a volume is mounted at, in an order of their own: that in which they are written means nothing.
    pub(super) fn volumes(&self) -> Vec<&str> {
        let all: std::collections::BTreeSet<&str> = self.writable.iter().map(String::as_str).collect();
        all.into_iter().collect()
    }
}

/// The check that runs in the container.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContainerHealth {
    /// The program in the image and its arguments: `["curl", "-f", "http://localhost:8080/health"]`. It ends with 0 when
    /// all is well.
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
    /// How many times a failed check is tried again before the container counts as unhealthy.
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
    /// How a new revision takes the place of the old one.
    pub(super) strategy: Strategy,
    /// Whether ECS gives up on a deployment whose tasks do not come up, and rolls back to the last that did.
    pub(super) circuit_breaker: bool,
    /// Percent of `count` that must keep running meanwhile, rounded up.
    #[schemars(range(max = 100))]
    pub(super) minimum_percent: u16,
    /// Percent of `count` that may be starting or running meanwhile, rounded down.
    #[schemars(range(min = 100, max = 200))]
    pub(super) maximum_percent: u16,
    /// Seconds for which a task that goes may finish the requests it has (deregistration delay).
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strategy {
    /// New tasks start and old ones stop within `minimum_percent` and `maximum_percent`.
    Rolling,
    /// All at once, with the old ones kept for a while.
    BlueGreen,
    /// In equal parts.
    Linear,
    /// A few first.
    Canary,
}
