//! A service as AWS describes it, in the normal form of the spec. Service Connect stands in its newest deployment and not
//! in the service itself.

use agent_core::fault::Fault;
use agent_core::field::{AwsDecides, Tags};
use agent_core::live::{Live, Owner, foreign_tags};
use agent_core::reference::Link;
use agent_model::kinds::ecs::service::phase::{Rollout, RolloutState, Standing};
use agent_model::kinds::ecs::service::seen::Seen;
use agent_model::kinds::ecs::service::{
    CircuitBreaker, ConnectService, Count, Deployment, DeploymentAlarms, LaunchType, LoadBalancer, Network, Out,
    Service, ServiceConnect, Share, Spec,
};
use aws_sdk_ecs::types::{self as sdk, AssignPublicIp, DeploymentRolloutState};

use super::DESCRIBE;
use crate::ecs::task_definition::read::log_configuration;
use crate::ecs::{known, natural, tag_map};
use crate::fault::lacks;
use crate::servicediscovery::Names;

/// The namespace of a service with Service Connect, by its ARN.
pub(super) fn namespace(read: &sdk::Service) -> Option<&str> {
    let primary = read.deployments().iter().find(|deployment| is_primary(deployment))?;
    primary.service_connect_configuration()?.namespace().filter(|namespace| !namespace.is_empty())
}

/// What was in the namespace when the newest deployment began.
fn sees(primary: Option<&sdk::Deployment>, names: Option<&Names>) -> Seen {
    let began = primary.and_then(|deployment| deployment.created_at?.to_millis().ok());
    let (Some(began), Some(names)) = (began, names) else { return Seen::default() };
    Seen::at(began, names.iter().map(|(name, made)| (name.as_str(), *made)))
}

/// A live service, with what is in its namespace; `None` for one that has gone.
pub(super) fn service(read: sdk::Service, names: Option<&Names>) -> Result<Option<Live<Service>>, Fault> {
    let Some(phase) = standing(&read).phase() else { return Ok(None) };
    let arn = read.service_arn.ok_or_else(|| lacks(DESCRIBE, "serviceArn"))?;
    let name = read.service_name.ok_or_else(|| lacks(DESCRIBE, "serviceName"))?;
    let cluster = read.cluster_arn.ok_or_else(|| lacks(DESCRIBE, "clusterArn"))?;
    let tags = tag_map(read.tags.as_deref().unwrap_or_default());
    let deployments = read.deployments.unwrap_or_default();
    let definitions = deployments.iter().filter_map(|deployment| deployment.task_definition.clone()).collect();
    let primary = deployments.into_iter().find(is_primary);
    let sees = sees(primary.as_ref(), names);
    let deployment_id = primary.as_ref().and_then(|deployment| deployment.id.clone());
    let service_connect = primary
        .and_then(|deployment| deployment.service_connect_configuration)
        .filter(|connect| connect.enabled)
        .map(service_connect);
    let out = Out {
        name: name.clone(),
        arn: arn.clone(),
        running_count: read.running_count,
        desired_count: read.desired_count,
        definitions,
        deployment: deployment_id,
        discovery_name: service_connect.as_ref().and_then(ServiceConnect::discovery_name).map(str::to_owned),
    };
    let items = read.capacity_provider_strategy.unwrap_or_default();
    // A service with a strategy has no launch type of its own.
    let launch_type = read.launch_type.filter(|_| items.is_empty()).and_then(|word| known(word.as_str()));
    let shares = items.into_iter().map(|item| {
        let share = Share { weight: item.weight, base: item.base };
        (item.capacity_provider, share)
    });
    let rebalancing = read.availability_zone_rebalancing.and_then(|word| known(word.as_str()));
    let spec = Spec {
        name,
        cluster: Link::value(cluster),
        task_definition: Link::value(read.task_definition.ok_or_else(|| lacks(DESCRIBE, "taskDefinition"))?),
        desired_count: Count::Fixed(read.desired_count),
        launch_type: launch_type.unwrap_or(LaunchType::Fargate),
        capacity_provider_strategy: shares.collect(),
        // Services on instances have none.
        platform_version: read.platform_version.filter(|text| !text.is_empty()).unwrap_or_else(|| "LATEST".into()),
        network: network(read.network_configuration),
        load_balancers: read.load_balancers.unwrap_or_default().into_iter().filter_map(load_balancer).collect(),
        deployment: read.deployment_configuration.map(deployment).unwrap_or_default(),
        health_check_grace_period_seconds: read.health_check_grace_period_seconds.map_or(0, natural),
        enable_execute_command: read.enable_execute_command,
        propagate_tags: read.propagate_tags.and_then(|word| known(word.as_str())).unwrap_or_default(),
        enable_ecs_managed_tags: read.enable_ecs_managed_tags,
        availability_zone_rebalancing: AwsDecides::from(rebalancing),
        service_connect,
        sees,
        tags: Tags(foreign_tags(&tags)),
    };
    Ok(Some(Live { id: arn, spec, out, owner: Owner::from_tags(&tags), phase }))
}

fn is_primary(deployment: &sdk::Deployment) -> bool {
    deployment.status.as_deref() == Some("PRIMARY")
}

fn standing(read: &sdk::Service) -> Standing {
    let rollout = |deployment: &sdk::Deployment| Rollout {
        primary: is_primary(deployment),
        state: match deployment.rollout_state {
            Some(DeploymentRolloutState::InProgress) => Some(RolloutState::InProgress),
            Some(DeploymentRolloutState::Completed) => Some(RolloutState::Completed),
            Some(DeploymentRolloutState::Failed) => Some(RolloutState::Failed),
            _ => None,
        },
        reason: deployment.rollout_state_reason.clone().unwrap_or_default(),
    };
    Standing {
        status: read.status.clone().unwrap_or_default(),
        deployments: read.deployments().iter().map(rollout).collect(),
        running: read.running_count,
        desired: read.desired_count,
        // AWS gives them newest first.
        newest_event: read.events().first().and_then(|event| event.message.clone()),
    }
}

fn network(read: Option<sdk::NetworkConfiguration>) -> Network {
    let Some(place) = read.and_then(|network| network.awsvpc_configuration) else { return Network::default() };
    Network {
        subnets: place.subnets.into_iter().map(Link::value).collect(),
        security_groups: place.security_groups.unwrap_or_default().into_iter().map(Link::value).collect(),
        assign_public_ip: place.assign_public_ip == Some(AssignPublicIp::Enabled),
    }
}

/// Those of the classic kind name no target group; nothing of ours makes them.
fn load_balancer(read: sdk::LoadBalancer) -> Option<LoadBalancer> {
    Some(LoadBalancer {
        target_group: Link::value(read.target_group_arn?),
        container_name: read.container_name.unwrap_or_default(),
        container_port: read.container_port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default(),
    })
}

fn deployment(read: sdk::DeploymentConfiguration) -> Deployment {
    let default = Deployment::default();
    let breaker = read
        .deployment_circuit_breaker
        .map(|breaker| CircuitBreaker { enable: breaker.enable, rollback: breaker.rollback });
    let alarms = read.alarms.filter(|alarms| alarms.enable).map(|alarms| DeploymentAlarms {
        alarm_names: alarms.alarm_names.into_iter().collect(),
        rollback: alarms.rollback,
    });
    Deployment {
        minimum_healthy_percent: read.minimum_healthy_percent.unwrap_or(default.minimum_healthy_percent),
        maximum_percent: read.maximum_percent.unwrap_or(default.maximum_percent),
        circuit_breaker: breaker.unwrap_or_default(),
        alarms,
        strategy: read.strategy.and_then(|word| known(word.as_str())).unwrap_or_default(),
    }
}

fn service_connect(read: sdk::ServiceConnectConfiguration) -> ServiceConnect {
    let services = read.services.unwrap_or_default().into_iter();
    ServiceConnect {
        namespace: Link::value(read.namespace.unwrap_or_default()),
        services: services.map(connect_service).collect(),
        log_configuration: read.log_configuration.map(log_configuration),
    }
}

fn connect_service(read: sdk::ServiceConnectService) -> (String, ConnectService) {
    // "The maximum number of client aliases that you can have in this list is 1."
    let alias = read.client_aliases.unwrap_or_default().into_iter().next();
    let (port, dns_name) = alias.map(|alias| (alias.port, alias.dns_name)).unwrap_or_default();
    let (idle, per_request) = read
        .timeout
        .map(|timeout| (timeout.idle_timeout_seconds, timeout.per_request_timeout_seconds))
        .unwrap_or_default();
    let service = ConnectService {
        discovery_name: read.discovery_name.unwrap_or_else(|| read.port_name.clone()),
        dns_name: dns_name.unwrap_or_default(),
        port: u16::try_from(port).unwrap_or_default(),
        ingress_port_override: read.ingress_port_override.and_then(|port| u16::try_from(port).ok()),
        idle_timeout_seconds: idle.map(natural),
        per_request_timeout_seconds: per_request.map(natural),
    };
    (read.port_name, service)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;

    use super::*;

    const NAMESPACE: &str = "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1";

    fn deployment(status: &str, began: i64) -> sdk::Deployment {
        let services =
            sdk::ServiceConnectService::builder().port_name("http").discovery_name("web-80").build().unwrap();
        let connect = sdk::ServiceConnectConfiguration::builder().enabled(true).namespace(NAMESPACE).services(services);
        sdk::Deployment::builder()
            .status(status)
            .created_at(DateTime::from_millis(began))
            .service_connect_configuration(connect.build())
            .build()
    }

    #[test]
    fn the_newest_deployment_sees_what_is_not_younger() {
        let read = sdk::Service::builder()
            .service_name("web")
            .service_arn("arn:aws:ecs:eu-west-1:123456789012:service/um/web")
            .cluster_arn("arn:aws:ecs:eu-west-1:123456789012:cluster/um")
            .task_definition("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1")
            .status("ACTIVE")
            .deployments(deployment("ACTIVE", 9_000))
            .deployments(deployment("PRIMARY", 2_000))
            .build();
        assert_eq!(namespace(&read), Some(NAMESPACE));
        let names = Names::from([("old".to_owned(), 1_999), ("same".to_owned(), 2_000), ("new".to_owned(), 2_001)]);
        let live = service(read, Some(&names)).unwrap().unwrap();
        assert_eq!(live.spec.sees.0.into_keys().collect::<Vec<_>>(), ["old", "same"]);
        assert_eq!(live.out.discovery_name.as_deref(), Some("web-80"));
    }
}
