//! The task definition of a service: one container, its variables, its logs.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};

use super::config::{Arch, Config};
use super::roles::{EXECUTION, TASK};
use super::sources::SecretSource;
use super::{name, path};
use crate::components::{Place, Resources};
use crate::expand::Expansion;
use crate::kinds::ecs::task_definition::container::{
    Capabilities, Container, HealthCheck, LinuxParameters, LogConfiguration, LogDriver, PortMapping, TransportProtocol,
    ValueFrom,
};
use crate::kinds::ecs::task_definition::{
    self, Compatibility, CpuArchitecture, NetworkMode, OperatingSystemFamily, RuntimePlatform, TaskDefinition,
};
use crate::kinds::logs::log_group::LogGroup;

/// Output that a container may be ahead of the log group before lines are dropped.
const LOG_BUFFER: &str = "25m";

impl Config {
    pub(super) fn add_task_definition(&self, all: &Expansion<'_>, made: &mut Resources, at: &Place<'_>) {
        let own = at.address();
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
            ephemeral_storage_gib: None,
            containers: BTreeMap::from([(at.name().to_owned(), self.container(all, at))]),
            volumes: BTreeMap::new(),
            tags: at.tags(),
        });
    }

    fn container(&self, all: &Expansion<'_>, at: &Place<'_>) -> Container {
        let more = &self.container;
        let ports = self.ports().into_iter().map(|(name, port)| PortMapping {
            container_port: port,
            protocol: TransportProtocol::Tcp,
            // Named from the start: a name that comes later would be another revision of the task definition.
            name: Some(name.to_owned()),
            app_protocol: self.app_protocol(name),
        });
        let mut container = Container::new(self.image());
        container.command.clone_from(&self.command);
        container.entry_point.clone_from(&self.entry_point);
        container.environment = self.env.keys().map(|name| (name.clone(), all.text(&path(&["env", name])))).collect();
        container.secrets =
            self.secrets.iter().filter_map(|(name, text)| Some((name.clone(), value_from(name, text, all)?))).collect();
        container.port_mappings = ports.collect();
        container.health_check = more.health.as_ref().map(|health| HealthCheck {
            command: std::iter::once("CMD".to_owned()).chain(health.command.iter().cloned()).collect(),
            interval: health.interval.into(),
            timeout: health.timeout.into(),
            retries: health.retries.into(),
            start_period: health.start_period.into(),
        });
        container.log_configuration = Some(logs(at));
        container.readonly_root_filesystem = more.read_only;
        container.user.clone_from(&more.user);
        container.working_directory.clone_from(&more.working_directory);
        container.linux_parameters =
            LinuxParameters { init_process_enabled: more.init, capabilities: Capabilities::default() };
        if let Some(seconds) = more.stop_timeout {
            container.stop_timeout = seconds.into();
        }
        container
    }
}

fn value_from(name: &str, text: &str, all: &Expansion<'_>) -> Option<ValueFrom> {
    match SecretSource::parse(text) {
        SecretSource::Component(..) => {
            let parameter = all.link(&["secrets", name])?;
            Some(ValueFrom::Parameter(Link::to(&parameter.address())))
        }
        SecretSource::Parameter(arn) => Some(ValueFrom::read(&arn)),
        SecretSource::Secret(_, value_from) => Some(ValueFrom::Text(value_from.into())),
        SecretSource::Other => None,
    }
}

/// Lines are dropped rather than the container held up, whatever the account's default is.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html>
pub(super) fn logs(at: &Place<'_>) -> LogConfiguration {
    let group = Address::new(&at.address(), LogGroup::NAME);
    let options: [(&str, Text); 5] = [
        ("awslogs-group", Text::reference(group, "name")),
        ("awslogs-region", at.stack.region.as_str().into()),
        ("awslogs-stream-prefix", "ecs".into()),
        ("max-buffer-size", LOG_BUFFER.into()),
        ("mode", "non-blocking".into()),
    ];
    LogConfiguration {
        log_driver: LogDriver::Awslogs,
        options: options.map(|(key, value)| (key.to_owned(), value)).into(),
        secret_options: BTreeMap::new(),
    }
}
