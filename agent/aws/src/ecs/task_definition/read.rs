//! A task definition as AWS describes it, in the normal form of the spec: empty lists, zeros and nulls are what the spec
//! leaves out, and lists that AWS keeps in no order of ours become maps.

use std::collections::BTreeMap;

use agent_core::fault::Fault;
use agent_core::field::Tags;
use agent_core::live::foreign_tags;
use agent_core::reference::{Link, Text};
use agent_model::kinds::ecs::task_definition::container::{
    Capabilities, Container, HealthCheck, LinuxParameters, LogConfiguration, MountPoint, PortMapping, RestartPolicy,
    Ulimit, ValueFrom,
};
use agent_model::kinds::ecs::task_definition::{EfsVolume, Out, RuntimePlatform, Spec, Volume};
use aws_sdk_ecs::types as sdk;

use super::DESCRIBE;
use crate::ecs::{known, natural};
use crate::fault::lacks;

/// Spec and `out` of a described definition.
pub(super) fn definition(read: sdk::TaskDefinition, tags: &BTreeMap<String, String>) -> Result<(Spec, Out), Fault> {
    let arn = read.task_definition_arn.ok_or_else(|| lacks(DESCRIBE, "taskDefinitionArn"))?;
    let family = read.family.ok_or_else(|| lacks(DESCRIBE, "family"))?;
    let containers = read.container_definitions.unwrap_or_default().into_iter().map(|read| {
        let name = read.name.clone().ok_or_else(|| lacks(DESCRIBE, "containerDefinitions.name"))?;
        Ok((name, container(read)?))
    });
    let platform = read.runtime_platform.map(|platform| RuntimePlatform {
        cpu_architecture: platform.cpu_architecture.and_then(|word| known(word.as_str())).unwrap_or_default(),
        operating_system_family: platform
            .operating_system_family
            .and_then(|word| known(word.as_str()))
            .unwrap_or_default(),
    });
    let places = read.requires_compatibilities.unwrap_or_default();
    let volumes = read.volumes.unwrap_or_default();
    let role = |arn: Option<String>| arn.filter(|arn| !arn.is_empty()).map(Link::value);
    let spec = Spec {
        family: family.clone(),
        cpu: number(read.cpu.as_deref()),
        memory: number(read.memory.as_deref()),
        runtime_platform: platform.unwrap_or_default(),
        network_mode: read.network_mode.and_then(|word| known(word.as_str())).unwrap_or_default(),
        requires_compatibilities: places.iter().filter_map(|word| known(word.as_str())).collect(),
        execution_role: role(read.execution_role_arn),
        task_role: role(read.task_role_arn),
        ephemeral_storage_gib: read.ephemeral_storage.map(|storage| natural(storage.size_in_gib)),
        containers: containers.collect::<Result<_, Fault>>()?,
        volumes: volumes.into_iter().filter_map(volume).collect(),
        tags: Tags(foreign_tags(tags)),
    };
    Ok((spec, Out { arn, family, revision: read.revision }))
}

fn volume(read: sdk::Volume) -> Option<(String, Volume)> {
    let efs = read.efs_volume_configuration.map(|efs| {
        let access = efs.authorization_config;
        EfsVolume {
            file_system_id: efs.file_system_id.into(),
            root_directory: efs.root_directory.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".into()),
            transit_encryption: efs.transit_encryption == Some(sdk::EfsTransitEncryption::Enabled),
            iam: access.as_ref().is_some_and(|one| one.iam == Some(sdk::EfsAuthorizationConfigIam::Enabled)),
            access_point_id: access.and_then(|one| one.access_point_id).map(Text::from),
        }
    });
    Some((read.name?, Volume { efs_volume_configuration: efs }))
}

/// AWS writes sizes as text; a definition for instances alone may have none.
fn number(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn container(read: sdk::ContainerDefinition) -> Result<Container, Fault> {
    let image = read.image.ok_or_else(|| lacks(DESCRIBE, "containerDefinitions.image"))?;
    let environment = read.environment.unwrap_or_default().into_iter();
    let depends_on = read.depends_on.unwrap_or_default().into_iter();
    let ulimits = read.ulimits.unwrap_or_default().into_iter();
    let controls = read.system_controls.unwrap_or_default().into_iter();
    Ok(Container {
        image: image.into(),
        command: read.command.unwrap_or_default(),
        entry_point: read.entry_point.unwrap_or_default(),
        essential: read.essential.unwrap_or(true),
        environment: environment
            .filter_map(|pair| Some((pair.name?, Text::from(pair.value.unwrap_or_default()))))
            .collect(),
        secrets: secrets(read.secrets),
        port_mappings: read.port_mappings.unwrap_or_default().into_iter().filter_map(port_mapping).collect(),
        health_check: read.health_check.map(health_check),
        log_configuration: read.log_configuration.map(log_configuration),
        depends_on: depends_on.filter_map(|one| Some((one.container_name, known(one.condition.as_str())?))).collect(),
        mount_points: read.mount_points.unwrap_or_default().into_iter().filter_map(mount_point).collect(),
        readonly_root_filesystem: read.readonly_root_filesystem.unwrap_or_default(),
        user: read.user.filter(|user| !user.is_empty()),
        working_directory: read.working_directory.filter(|path| !path.is_empty()),
        linux_parameters: read.linux_parameters.map(linux_parameters).unwrap_or_default(),
        start_timeout: read.start_timeout.map(natural),
        stop_timeout: read.stop_timeout.map_or(30, natural),
        ulimits: ulimits
            .map(|one| {
                let limit = Ulimit { soft_limit: one.soft_limit, hard_limit: one.hard_limit };
                (one.name.as_str().to_owned(), limit)
            })
            .collect(),
        docker_labels: read.docker_labels.unwrap_or_default().into_iter().collect(),
        system_controls: controls.filter_map(|one| Some((one.namespace?, one.value.unwrap_or_default()))).collect(),
        cpu: natural(read.cpu),
        memory: read.memory.map(natural).filter(|mib| *mib > 0),
        memory_reservation: read.memory_reservation.map(natural).filter(|mib| *mib > 0),
        repository_credentials: read.repository_credentials.map(|one| one.credentials_parameter.into()),
        restart_policy: read.restart_policy.filter(|policy| policy.enabled).map(|policy| RestartPolicy {
            ignored_exit_codes: policy.ignored_exit_codes.unwrap_or_default().into_iter().collect(),
            restart_attempt_period: policy.restart_attempt_period.map_or(300, natural),
        }),
        version_consistency: read.version_consistency.and_then(|word| known(word.as_str())).unwrap_or_default(),
    })
}

fn secrets(read: Option<Vec<sdk::Secret>>) -> BTreeMap<String, ValueFrom> {
    let read = read.unwrap_or_default().into_iter();
    read.map(|secret| (secret.name, ValueFrom::read(&secret.value_from))).collect()
}

fn port_mapping(read: sdk::PortMapping) -> Option<PortMapping> {
    Some(PortMapping {
        container_port: u16::try_from(read.container_port?).ok()?,
        protocol: read.protocol.and_then(|word| known(word.as_str())).unwrap_or_default(),
        name: read.name.filter(|name| !name.is_empty()),
        app_protocol: read.app_protocol.and_then(|word| known(word.as_str())),
    })
}

fn health_check(read: sdk::HealthCheck) -> HealthCheck {
    HealthCheck {
        command: read.command,
        interval: read.interval.map_or(30, natural),
        timeout: read.timeout.map_or(5, natural),
        retries: read.retries.map_or(3, natural),
        start_period: read.start_period.map_or(0, natural),
    }
}

/// Where output goes, for containers and Service Connect alike.
pub(in crate::ecs) fn log_configuration(read: sdk::LogConfiguration) -> LogConfiguration {
    let options = read.options.unwrap_or_default().into_iter();
    LogConfiguration {
        log_driver: known(read.log_driver.as_str()).unwrap_or_default(),
        options: options.map(|(name, value)| (name, value.into())).collect(),
        secret_options: secrets(read.secret_options),
    }
}

fn mount_point(read: sdk::MountPoint) -> Option<(String, MountPoint)> {
    let mount = MountPoint {
        source_volume: read.source_volume.unwrap_or_default(),
        read_only: read.read_only.unwrap_or_default(),
    };
    Some((read.container_path?, mount))
}

fn linux_parameters(read: sdk::LinuxParameters) -> LinuxParameters {
    let capabilities = read.capabilities.map(|read| Capabilities {
        add: read.add.unwrap_or_default().into_iter().collect(),
        drop: read.drop.unwrap_or_default().into_iter().collect(),
    });
    LinuxParameters {
        init_process_enabled: read.init_process_enabled.unwrap_or_default(),
        capabilities: capabilities.unwrap_or_default(),
    }
}
