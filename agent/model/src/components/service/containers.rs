//! The containers of a task that the manifest names: the application and its sidecars, in one view for checks and for the
//! task definition.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::{Config, Container, ContainerHealth};
use super::variables;
use crate::components::{Path, Place};
use crate::kinds::ecs::task_definition::container;

/// `[service.X.sidecar.Y]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sidecar {
    /// The image, with a tag or a digest.
    image: String,
    /// The arguments (`CMD`); the image's own when empty.
    #[serde(default)]
    command: Vec<String>,
    /// The program (`ENTRYPOINT`); the image's own when empty.
    #[serde(default)]
    entry_point: Vec<String>,
    /// Environment variables, as those of the service.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// A file of environment variables, as that of the service.
    env_file: Option<String>,
    /// Environment variables with secrets, as those of the service.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// The ports that it listens on, by name. Names and numbers are unique in the task.
    #[serde(default)]
    ports: BTreeMap<String, u16>,
    /// Whether the task ends when this container does.
    #[serde(default = "yes")]
    essential: bool,
    /// How ECS finds out whether it works, by a command in it; not at all when left out.
    health: Option<ContainerHealth>,
    /// What other containers of the task must have come to before it starts: `{ web = "healthy" }`. The application is
    /// called as the service.
    #[serde(default)]
    depends_on: BTreeMap<String, Condition>,
    /// `user` or `user:group`, by name or number; the image's own when left out.
    user: Option<String>,
    /// The directory in which the program starts; the image's own when left out.
    working_directory: Option<String>,
    /// Whether the root file system is read-only.
    #[serde(default)]
    read_only: bool,
    /// Directories in which it may write nevertheless: empty volumes that go with the task.
    #[serde(default)]
    writable: Vec<String>,
    /// Whether an init process forwards signals and reaps processes.
    #[serde(default)]
    init: bool,
    /// CPU units, of those of the task, that are kept for it.
    #[serde(default)]
    cpu: u32,
    /// MiB above which it is killed; the task's memory when left out.
    #[schemars(range(min = 6))]
    memory: Option<u32>,
    /// MiB, of those of the task, that are kept for it.
    #[schemars(range(min = 6))]
    memory_reservation: Option<u32>,
    /// Seconds between SIGTERM and SIGKILL; 30 when left out.
    #[schemars(range(min = 2, max = 120))]
    stop_timeout: Option<u16>,
    /// Limits of the operating system, soft and hard alike, by AWS's names: `{ nofile = 65536 }`.
    #[serde(default)]
    ulimits: BTreeMap<String, u32>,
}

fn yes() -> bool {
    true
}

/// What another container must have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Condition {
    /// It has started.
    Start,
    /// It has ended; only for one that is not essential.
    Complete,
    /// It has ended with 0; only for one that is not essential.
    Success,
    /// Its health check has passed.
    Healthy,
}

impl Condition {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Complete => "complete",
            Self::Success => "success",
            Self::Healthy => "healthy",
        }
    }

    pub(super) fn of_aws(self) -> container::Condition {
        match self {
            Self::Start => container::Condition::Start,
            Self::Complete => container::Condition::Complete,
            Self::Success => container::Condition::Success,
            Self::Healthy => container::Condition::Healthy,
        }
    }
}

/// One container of a task as the manifest has it.
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    /// Where its image and environment are written.
    own: Path,
    /// Where the rest is.
    more: Path,
    pub(super) is_main: bool,
    pub(super) image: &'a str,
    pub(super) command: &'a [String],
    pub(super) entry_point: &'a [String],
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) env_file: Option<&'a str>,
    pub(super) secrets: &'a BTreeMap<String, String>,
    pub(super) ports: BTreeMap<&'a str, u16>,
    pub(super) essential: bool,
    pub(super) details: Cow<'a, Container>,
}

impl Part<'_> {
    /// Where a key of its image and environment is written.
    pub(super) fn at(&self, words: &[&str]) -> Path {
        self.own.iter().cloned().chain(words.iter().map(|word| (*word).to_owned())).collect()
    }

    /// Where another of its keys is.
    pub(super) fn more_at(&self, words: &[&str]) -> Path {
        self.more.iter().cloned().chain(words.iter().map(|word| (*word).to_owned())).collect()
    }

    /// The variables of its file, and what is wrong with the file.
    pub(super) fn in_file(&self, at: &Place<'_>) -> (BTreeMap<String, String>, Vec<variables::Wrong>) {
        let named = self.env_file.and_then(|file| at.files.named(&at.span(&self.at(&["env_file"])), file).ok());
        named.map(variables::parse).unwrap_or_default()
    }
}

impl Config {
    /// The application first, then the sidecars by name.
    pub(super) fn parts<'a>(&'a self, name: &'a str) -> Vec<Part<'a>> {
        let main = Part {
            name,
            own: Path::new(),
            more: vec!["container".into()],
            is_main: true,
            image: self.image(),
            command: &self.command,
            entry_point: &self.entry_point,
            env: &self.env,
            env_file: self.env_file.as_deref(),
            secrets: &self.secrets,
            ports: self.ports(),
            essential: true,
            details: Cow::Borrowed(&self.container),
        };
        let sidecars = self.sidecar.iter().map(|(name, sidecar)| Part {
            name,
            own: vec!["sidecar".into(), name.clone()],
            more: vec!["sidecar".into(), name.clone()],
            is_main: false,
            image: &sidecar.image,
            command: &sidecar.command,
            entry_point: &sidecar.entry_point,
            env: &sidecar.env,
            env_file: sidecar.env_file.as_deref(),
            secrets: &sidecar.secrets,
            ports: sidecar.ports().collect(),
            essential: sidecar.essential,
            details: Cow::Owned(sidecar.details()),
        });
        std::iter::once(main).chain(sidecars).collect()
    }
}

impl Sidecar {
    /// Its ports by name.
    pub(super) fn ports(&self) -> impl Iterator<Item = (&str, u16)> {
        self.ports.iter().map(|(name, port)| (name.as_str(), *port))
    }

    fn details(&self) -> Container {
        Container {
            health: self.health.clone(),
            user: self.user.clone(),
            working_directory: self.working_directory.clone(),
            read_only: self.read_only,
            init: self.init,
            stop_timeout: self.stop_timeout,
            depends_on: self.depends_on.clone(),
            writable: self.writable.clone(),
            cpu: self.cpu,
            memory: self.memory,
            memory_reservation: self.memory_reservation,
            ulimits: self.ulimits.clone(),
        }
    }
}
