//! The task definition of a service: its containers, their variables, volumes and logs.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};
use agent_files::contract::{PROGRAM, PROGRAM_DIRECTORY};

use super::config::{Arch, Config};
use super::containers::Part;
use super::files::{PROGRAM_CONTAINER, UNPACK_CONTAINER, Unpacking, VOLUMES};
use super::name;
use super::roles::{EXECUTION, TASK};
use super::sources::SecretSource;
use crate::components::{Place, Resources};
use crate::expand::Expansion;
use crate::kinds::ecs::task_definition::container::{
    Capabilities, Condition, Container, HealthCheck, LinuxParameters, LogConfiguration, LogDriver, MountPoint,
    PortMapping, TransportProtocol, Ulimit, ValueFrom,
};
use crate::kinds::ecs::task_definition::{
    self, Compatibility, CpuArchitecture, NetworkMode, OperatingSystemFamily, RuntimePlatform, TaskDefinition, Volume,
};
use crate::kinds::logs::log_group::LogGroup;

/// Output that a container may be ahead of the log group before lines are dropped.
const LOG_BUFFER: &str = "25m";

/// The most bytes of all variables of a task: a definition has 64 KiB, and the rest of it needs some.
/// <https://docs.aws.amazon.com/general/latest/gr/ecs-service.html>
const MOST_VARIABLES: usize = 56 * 1024;

/// What variables take in a definition, as it is sent.
fn size_of(environment: &BTreeMap<String, Text>) -> usize {
    environment.iter().map(|(name, text)| serde_json::json!([name, text.to_value()]).to_string().len()).sum()
}

impl Config {
    pub(super) fn add_task_definition(&self, all: &Expansion<'_>, made: &mut Resources, at: &mut Place<'_>) {
        let own = at.address();
        let unpacking = self.add_files(all, made, at);
        let (containers, volumes) = self.containers(unpacking.as_ref(), all, at);
        let size: usize = containers.values().map(|one| size_of(&one.environment)).sum();
        if size > MOST_VARIABLES {
            let message = format!("the environment variables of `{own}` have {size} bytes of {MOST_VARIABLES}");
            at.hinted("too-large", &["env"], message, "a task definition has 64 KiB: put large texts into `files`");
        }
        made.add::<TaskDefinition>(&task_definition::Spec {
            family: name(at),
            cpu: self.cpu,
            memory: self.memory,
            runtime_platform: RuntimePlatform {
                cpu_architecture: match self.arch {
                    Arch::X86 => CpuArchitecture::X86,
                    Arch::Arm => CpuArchitecture::Arm,
                },
                operating_system_family: OperatingSystemFamily::Linux,
            },
            network_mode: NetworkMode::Awsvpc,
            requires_compatibilities: [Compatibility::Fargate].into(),
            execution_role: Some(Link::keyed(&own, EXECUTION)),
            task_role: Some(Link::keyed(&own, TASK)),
            ephemeral_storage_gib: self.storage.map(u32::from),
            containers,
            volumes,
            tags: at.tags(),
        });
    }

    /// All containers and the volumes that they share.
    fn containers(
        &self,
        unpacking: Option<&Unpacking>,
        all: &Expansion<'_>,
        at: &Place<'_>,
    ) -> (BTreeMap<String, Container>, BTreeMap<String, Volume>) {
        let mut containers = BTreeMap::new();
        for part in self.parts(at.name()) {
            let mut container = self.container(&part, all, at);
            let prepared = unpacking.filter(|_| part.is_main);
            if let Some(unpacking) = prepared {
                container.depends_on.insert(UNPACK_CONTAINER.into(), Condition::Success);
                container.mount_points = unpacking.mounts();
            } else {
                let mounts = part.details.volumes().into_iter().enumerate().map(|(n, path)| {
                    let source_volume = format!("{}-writable-{n}", part.name);
                    (path.to_owned(), MountPoint { source_volume, read_only: false })
                });
                container.mount_points = mounts.collect();
            }
            containers.insert(part.name.to_owned(), container);
        }
        if let (Some(unpacking), Some(image)) = (unpacking, &at.stack.files_image) {
            let logs = || Some(logs(None, false, at));
            containers.insert(PROGRAM_CONTAINER.into(), Unpacking::program(image, logs()));
            containers.insert(UNPACK_CONTAINER.into(), unpacking.container(self.image(), logs()));
        }
        let used = containers.values().flat_map(|container: &Container| container.mount_points.values());
        let volumes = used.map(|mount| (mount.source_volume.clone(), Volume::default())).collect();
        (containers, volumes)
    }

    fn container(&self, part: &Part<'_>, all: &Expansion<'_>, at: &Place<'_>) -> Container {
        let more = &part.details;
        let ports = part.ports.iter().map(|(name, port)| PortMapping {
            container_port: *port,
            protocol: TransportProtocol::Tcp,
            // Named from the start: a name that comes later would be another revision of the task definition.
            name: Some((*name).to_owned()),
            app_protocol: self.app_protocol(name).filter(|_| part.is_main),
        });
        let (from_file, _) = part.in_file(at);
        let own = part.env.keys().map(|name| (name.clone(), all.text(&part.at(&["env", name]))));
        let secrets = part.secrets.iter();
        let mut container = Container::new(part.image);
        container.command = part.command.to_vec();
        container.entry_point = part.entry_point.to_vec();
        container.essential = part.essential;
        container.environment = from_file.into_iter().map(|(name, text)| (name, text.into())).chain(own).collect();
        container.secrets =
            secrets.filter_map(|(name, text)| Some((name.clone(), value_from(part, name, text, all)?))).collect();
        container.port_mappings = ports.collect();
        container.health_check = more.health.as_ref().map(|health| HealthCheck {
            command: std::iter::once("CMD".to_owned()).chain(health.command.iter().cloned()).collect(),
            interval: health.interval.into(),
            timeout: health.timeout.into(),
            retries: health.retries.into(),
            start_period: health.start_period.into(),
        });
        container.depends_on = more.depends_on.iter().map(|(name, one)| (name.clone(), one.of_aws())).collect();
        let multiline = self.logs.multiline.as_deref().filter(|_| part.is_main);
        container.log_configuration = Some(logs(multiline, self.logs.blocking, at));
        container.readonly_root_filesystem = more.read_only;
        container.user.clone_from(&more.user);
        container.working_directory.clone_from(&more.working_directory);
        // What people start in a shell would be left to a program that is no init.
        let init_process_enabled = more.init || self.exec;
        container.linux_parameters = LinuxParameters { init_process_enabled, capabilities: Capabilities::default() };
        if let Some(seconds) = more.stop_timeout {
            container.stop_timeout = seconds.into();
        }
        container.cpu = more.cpu;
        container.memory = more.memory;
        container.memory_reservation = more.memory_reservation;
        let limit = |limit: u32| i32::try_from(limit).unwrap_or(i32::MAX);
        let limits = more
            .ulimits
            .iter()
            .map(|(name, both)| (name.clone(), Ulimit { soft_limit: limit(*both), hard_limit: limit(*both) }));
        container.ulimits = limits.collect();
        container
    }
}

impl Unpacking {
    fn volume(number: usize) -> String {
        format!("{UNPACK_CONTAINER}-{number}")
    }

    /// What the application finds where the image has a directory.
    fn mounts(&self) -> BTreeMap<String, MountPoint> {
        let mounts = self.volumes.iter().enumerate().map(|(n, (path, is_writable))| {
            (path.clone(), MountPoint { source_volume: Self::volume(n), read_only: !is_writable })
        });
        mounts.collect()
    }

    /// The container that brings the program.
    fn program(image: &str, logs: Option<LogConfiguration>) -> Container {
        let mut container = Container::new(image);
        container.entry_point = vec![format!("/{PROGRAM}")];
        container.command = vec!["install".into(), PROGRAM_DIRECTORY.into()];
        container.essential = false;
        container.readonly_root_filesystem = true;
        let mount = MountPoint { source_volume: PROGRAM_CONTAINER.into(), read_only: false };
        container.mount_points = [(PROGRAM_DIRECTORY.to_owned(), mount)].into();
        container.log_configuration = logs;
        container
    }

    /// The container that unpacks: the application's own image, because it copies what that has.
    fn container(&self, image: &str, logs: Option<LogConfiguration>) -> Container {
        let mut container = Container::new(image);
        container.entry_point = vec![format!("{PROGRAM_DIRECTORY}/{PROGRAM}")];
        container.command = vec!["unpack".into()];
        container.essential = false;
        // It gives files away to others.
        container.user = Some("0".into());
        container.environment.clone_from(&self.environment);
        container.depends_on = [(PROGRAM_CONTAINER.to_owned(), Condition::Success)].into();
        let program = MountPoint { source_volume: PROGRAM_CONTAINER.into(), read_only: true };
        let volumes = (0..self.volumes.len())
            .map(|n| (format!("{VOLUMES}/{n}"), MountPoint { source_volume: Self::volume(n), read_only: false }));
        container.mount_points = volumes.chain([(PROGRAM_DIRECTORY.to_owned(), program)]).collect();
        container.log_configuration = logs;
        container
    }
}

fn value_from(part: &Part<'_>, name: &str, text: &str, all: &Expansion<'_>) -> Option<ValueFrom> {
    match SecretSource::parse(text) {
        SecretSource::Component(..) => {
            let parameter = all.link(&part.at(&["secrets", name]))?;
            Some(ValueFrom::Parameter(Link::to(&parameter.address())))
        }
        SecretSource::Parameter(arn) => Some(ValueFrom::read(&arn)),
        SecretSource::Secret(_, value_from) => Some(ValueFrom::Text(value_from.into())),
        SecretSource::Other => None,
    }
}

/// Lines are dropped rather than the container held up, whatever the account's default is, unless it is to wait.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html>
pub(super) fn logs(multiline: Option<&str>, blocking: bool, at: &Place<'_>) -> LogConfiguration {
    let group = Address::new(&at.address(), LogGroup::NAME);
    let mut options: BTreeMap<&str, Text> = BTreeMap::from([
        ("awslogs-group", Text::reference(group, "name")),
        ("awslogs-region", at.stack.region.as_str().into()),
        ("awslogs-stream-prefix", "ecs".into()),
    ]);
    if blocking {
        options.insert("mode", "blocking".into());
    } else {
        options.extend([("max-buffer-size", LOG_BUFFER.into()), ("mode", "non-blocking".into())]);
    }
    options.extend(multiline.map(|pattern| ("awslogs-multiline-pattern", pattern.into())));
    LogConfiguration {
        log_driver: LogDriver::Awslogs,
        options: options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        secret_options: BTreeMap::new(),
    }
}
