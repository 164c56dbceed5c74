//! A task definition as `RegisterTaskDefinition` takes it. Empty lists are not sent: some of them AWS refuses.

use std::collections::BTreeMap;

use agent_core::fault::Fault;
use agent_model::kinds::ecs::task_definition::container::{
    Capabilities, Container, HealthCheck, LinuxParameters, LogConfiguration, PortMapping, RestartPolicy, ValueFrom,
};
use agent_model::kinds::ecs::task_definition::{EfsVolume, Spec, Volume};
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{self as sdk, ContainerDefinition, EphemeralStorage, KeyValuePair};

use crate::Aws;
use crate::ecs::{bad, int, some, word};
use crate::fault::plain;

pub(super) const REGISTER: &str = "ecs:RegisterTaskDefinition";

impl Aws {
    /// The registering call, without tags.
    pub(super) fn register(&self, spec: &Spec) -> Result<RegisterTaskDefinitionFluentBuilder, Fault> {
        let platform = sdk::RuntimePlatform::builder()
            .cpu_architecture(word(&spec.runtime_platform.cpu_architecture).as_str().into())
            .operating_system_family(word(&spec.runtime_platform.operating_system_family).as_str().into())
            .build();
        let role = |role: &Option<agent_core::reference::Link<_>>| role.as_ref().map(|link| link.as_str().to_owned());
        let volumes: Result<Vec<_>, _> = spec.volumes.iter().map(|(name, one)| volume(name, one)).collect();
        let containers: Result<Vec<_>, _> = spec.containers.iter().map(|(name, one)| container(name, one)).collect();
        let mut call = self
            .ecs
            .register_task_definition()
            .family(&spec.family)
            .cpu(spec.cpu.to_string())
            .memory(spec.memory.to_string())
            .runtime_platform(platform)
            .network_mode(word(&spec.network_mode).as_str().into())
            .set_execution_role_arn(role(&spec.execution_role))
            .set_task_role_arn(role(&spec.task_role))
            .set_container_definitions(Some(containers?))
            .set_volumes(some(volumes?));
        for place in &spec.requires_compatibilities {
            call = call.requires_compatibilities(word(place).as_str().into());
        }
        if let Some(gib) = spec.ephemeral_storage_gib {
            call = call.ephemeral_storage(EphemeralStorage::builder().size_in_gib(int(gib)).build());
        }
        Ok(call)
    }
}

fn volume(name: &str, volume: &Volume) -> Result<sdk::Volume, Fault> {
    let efs = volume.efs_volume_configuration.as_ref().map(efs).transpose()?;
    Ok(sdk::Volume::builder().name(name).set_efs_volume_configuration(efs).build())
}

fn efs(volume: &EfsVolume) -> Result<sdk::EfsVolumeConfiguration, Fault> {
    let state = |on: bool| if on { "ENABLED" } else { "DISABLED" };
    let point = volume.access_point_id.as_ref().map(|id| plain(REGISTER, id)).transpose()?;
    let has_access = point.is_some() || volume.iam;
    let access =
        sdk::EfsAuthorizationConfig::builder().set_access_point_id(point).iam(state(volume.iam).into()).build();
    sdk::EfsVolumeConfiguration::builder()
        .file_system_id(plain(REGISTER, &volume.file_system_id)?)
        .root_directory(&volume.root_directory)
        .transit_encryption(state(volume.transit_encryption).into())
        .set_authorization_config(Some(access).filter(|_| has_access))
        .build()
        .map_err(bad(REGISTER))
}

fn container(name: &str, container: &Container) -> Result<ContainerDefinition, Fault> {
    let image = plain(REGISTER, &container.image)?;
    let credentials = container.repository_credentials.as_ref().map(|arn| {
        let arn = plain(REGISTER, arn)?;
        sdk::RepositoryCredentials::builder().credentials_parameter(arn).build().map_err(bad(REGISTER))
    });
    let health_check = container.health_check.as_ref().map(health_check);
    let log = container.log_configuration.as_ref().map(|log| log_configuration(REGISTER, log));
    let restart = container.restart_policy.as_ref().map(restart_policy);
    let depends_on: Result<Vec<_>, _> = container
        .depends_on
        .iter()
        .map(|(name, condition)| {
            let one = sdk::ContainerDependency::builder().container_name(name);
            one.condition(word(condition).as_str().into()).build()
        })
        .collect();
    let ulimits: Result<Vec<_>, _> = container
        .ulimits
        .iter()
        .map(|(name, limit)| {
            let one = sdk::Ulimit::builder().name(name.as_str().into());
            one.soft_limit(limit.soft_limit).hard_limit(limit.hard_limit).build()
        })
        .collect();
    let builder = ContainerDefinition::builder()
        .name(name)
        .image(image)
        .set_command(some(container.command.clone()))
        .set_entry_point(some(container.entry_point.clone()))
        .essential(container.essential)
        .set_environment(some(environment(container)?))
        .set_secrets(some(secrets(REGISTER, &container.secrets)?))
        .set_port_mappings(some(container.port_mappings.iter().map(port_mapping).collect()))
        .set_health_check(health_check.transpose()?)
        .set_log_configuration(log.transpose()?)
        .set_depends_on(some(depends_on.map_err(bad(REGISTER))?))
        .set_mount_points(some(mount_points(container)))
        .readonly_root_filesystem(container.readonly_root_filesystem)
        .set_user(container.user.clone())
        .set_working_directory(container.working_directory.clone())
        .set_linux_parameters(linux_parameters(&container.linux_parameters))
        .set_start_timeout(container.start_timeout.map(int))
        .set_ulimits(some(ulimits.map_err(bad(REGISTER))?))
        .set_system_controls(some(system_controls(container)))
        .cpu(int(container.cpu))
        .set_memory(container.memory.map(int))
        .set_memory_reservation(container.memory_reservation.map(int))
        .set_repository_credentials(credentials.transpose()?)
        .set_restart_policy(restart.transpose()?)
        .version_consistency(word(&container.version_consistency).as_str().into())
        .stop_timeout(int(container.stop_timeout));
    let labels = container.docker_labels.clone().into_iter().collect();
    Ok(builder.set_docker_labels(Some(labels).filter(|_| !container.docker_labels.is_empty())).build())
}

fn environment(container: &Container) -> Result<Vec<KeyValuePair>, Fault> {
    let pair = |(name, value): (&String, &agent_core::reference::Text)| {
        Ok(KeyValuePair::builder().name(name).value(plain(REGISTER, value)?).build())
    };
    container.environment.iter().map(pair).collect()
}

/// Secrets by name, for containers and log drivers alike.
pub(in crate::ecs) fn secrets(
    action: &'static str,
    wanted: &BTreeMap<String, ValueFrom>,
) -> Result<Vec<sdk::Secret>, Fault> {
    let secret = |(name, from): (&String, &ValueFrom)| {
        let from = match from {
            ValueFrom::Parameter(link) => link.as_str().to_owned(),
            ValueFrom::Text(text) => plain(action, text)?,
        };
        sdk::Secret::builder().name(name).value_from(from).build().map_err(bad(action))
    };
    wanted.iter().map(secret).collect()
}

fn port_mapping(port: &PortMapping) -> sdk::PortMapping {
    sdk::PortMapping::builder()
        .container_port(i32::from(port.container_port))
        .protocol(word(&port.protocol).as_str().into())
        .set_name(port.name.clone())
        .set_app_protocol(port.app_protocol.map(|protocol| word(&protocol).as_str().into()))
        .build()
}

fn health_check(check: &HealthCheck) -> Result<sdk::HealthCheck, Fault> {
    sdk::HealthCheck::builder()
        .set_command(Some(check.command.clone()))
        .interval(int(check.interval))
        .timeout(int(check.timeout))
        .retries(int(check.retries))
        .set_start_period(Some(int(check.start_period)).filter(|seconds| *seconds > 0))
        .build()
        .map_err(bad(REGISTER))
}

/// Where output goes, for containers and Service Connect alike.
pub(in crate::ecs) fn log_configuration(
    action: &'static str,
    log: &LogConfiguration,
) -> Result<sdk::LogConfiguration, Fault> {
    let mut builder = sdk::LogConfiguration::builder().log_driver(word(&log.log_driver).as_str().into());
    for (name, value) in &log.options {
        builder = builder.options(name, plain(action, value)?);
    }
    builder.set_secret_options(some(secrets(action, &log.secret_options)?)).build().map_err(bad(action))
}

fn mount_points(container: &Container) -> Vec<sdk::MountPoint> {
    let point = |(path, mount): (&String, &agent_model::kinds::ecs::task_definition::container::MountPoint)| {
        let point = sdk::MountPoint::builder().container_path(path).source_volume(&mount.source_volume);
        point.read_only(mount.read_only).build()
    };
    container.mount_points.iter().map(point).collect()
}

fn linux_parameters(linux: &LinuxParameters) -> Option<sdk::LinuxParameters> {
    if *linux == LinuxParameters::default() {
        return None;
    }
    let Capabilities { add, drop } = &linux.capabilities;
    let capabilities = sdk::KernelCapabilities::builder()
        .set_add(some(add.iter().cloned().collect()))
        .set_drop(some(drop.iter().cloned().collect()))
        .build();
    let builder = sdk::LinuxParameters::builder().init_process_enabled(linux.init_process_enabled);
    let has = linux.capabilities != Capabilities::default();
    Some(builder.set_capabilities(Some(capabilities).filter(|_| has)).build())
}

fn system_controls(container: &Container) -> Vec<sdk::SystemControl> {
    let one = |(name, value): (&String, &String)| sdk::SystemControl::builder().namespace(name).value(value).build();
    container.system_controls.iter().map(one).collect()
}

fn restart_policy(policy: &RestartPolicy) -> Result<sdk::ContainerRestartPolicy, Fault> {
    sdk::ContainerRestartPolicy::builder()
        .enabled(true)
        .set_ignored_exit_codes(some(policy.ignored_exit_codes.iter().copied().collect()))
        .restart_attempt_period(int(policy.restart_attempt_period))
        .build()
        .map_err(bad(REGISTER))
}
