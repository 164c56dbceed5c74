//! A service as `CreateService` and `UpdateService` take it. An update sends what differs and nothing else: some members
//! start a new deployment, and what an update leaves out stays as it was.

use agent_core::fault::Fault;
use agent_core::provider::Update;
use agent_model::kinds::ecs::service::{ConnectService, Count, LaunchType, Service, ServiceConnect, Spec};
use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types::{
    self as sdk, AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, DeploymentAlarms,
    DeploymentCircuitBreaker, DeploymentConfiguration, LoadBalancer, NetworkConfiguration, ServiceConnectClientAlias,
    ServiceConnectConfiguration, ServiceConnectService, TimeoutConfiguration,
};

use crate::Aws;
use crate::ecs::task_definition::write::log_configuration;
use crate::ecs::{bad, int, some, word};

pub(super) const CREATE: &str = "ecs:CreateService";
pub(super) const UPDATE: &str = "ecs:UpdateService";

impl Aws {
    /// The creating call, without token and tags.
    pub(super) fn create_service(&self, spec: &Spec) -> Result<CreateServiceFluentBuilder, Fault> {
        let connect = spec.service_connect.as_ref().map(|connect| service_connect(CREATE, connect)).transpose()?;
        let launch_type = word(&spec.launch_type).as_str().into();
        let grace = Some(int(spec.health_check_grace_period_seconds)).filter(|seconds| *seconds > 0);
        let rebalancing = spec.availability_zone_rebalancing.as_ref().map(|state| word(state).as_str().into());
        Ok(self
            .ecs
            .create_service()
            .cluster(spec.cluster.as_str())
            .service_name(&spec.name)
            .task_definition(spec.task_definition.as_str())
            .desired_count(spec.desired_count.at_create())
            .set_launch_type(Some(launch_type).filter(|_| spec.capacity_provider_strategy.is_empty()))
            .set_capacity_provider_strategy(some(strategy(CREATE, spec)?))
            .set_platform_version(Some(spec.platform_version.clone()).filter(|_| is_fargate(spec)))
            .network_configuration(network(CREATE, spec)?)
            .set_load_balancers(some(load_balancers(spec)))
            .deployment_configuration(deployment(CREATE, spec)?)
            .set_health_check_grace_period_seconds(grace)
            .enable_execute_command(spec.enable_execute_command)
            .propagate_tags(word(&spec.propagate_tags).as_str().into())
            .enable_ecs_managed_tags(spec.enable_ecs_managed_tags)
            .set_availability_zone_rebalancing(rebalancing)
            .set_service_connect_configuration(connect))
    }

    /// The updating call, with what differs.
    pub(super) fn update_service(&self, update: &Update<'_, Service>) -> Result<UpdateServiceFluentBuilder, Fault> {
        let (spec, changed) = (update.to, update.changed);
        let mut call = self.ecs.update_service().cluster(spec.cluster.as_str()).service(&update.live.id);
        if changed.touches("task_definition") {
            call = call.task_definition(spec.task_definition.as_str());
        }
        if let (true, Count::Fixed(count)) = (changed.touches("desired_count"), spec.desired_count) {
            call = call.desired_count(count);
        }
        if changed.touches("capacity_provider_strategy") {
            // An empty list leads back to the launch type. Tasks that run stay where they are without a new deployment.
            let items = strategy(UPDATE, spec)?;
            call = call.set_capacity_provider_strategy(Some(items)).force_new_deployment(true);
        }
        if changed.touches("platform_version") && is_fargate(spec) {
            call = call.platform_version(&spec.platform_version);
        }
        if changed.touches("network") {
            call = call.network_configuration(network(UPDATE, spec)?);
        }
        if changed.touches("load_balancers") {
            call = call.set_load_balancers(Some(load_balancers(spec)));
        }
        if changed.touches("deployment") {
            call = call.deployment_configuration(deployment(UPDATE, spec)?);
        }
        if changed.touches("health_check_grace_period_seconds") {
            call = call.health_check_grace_period_seconds(int(spec.health_check_grace_period_seconds));
        }
        if changed.touches("enable_execute_command") {
            call = call.enable_execute_command(spec.enable_execute_command);
        }
        // "When you use Amazon ECS managed tags, you must set the propagateTags request parameter": both or none.
        if changed.touches("propagate_tags") || changed.touches("enable_ecs_managed_tags") {
            call = call.propagate_tags(word(&spec.propagate_tags).as_str().into());
            call = call.enable_ecs_managed_tags(spec.enable_ecs_managed_tags);
        }
        if let (true, Some(state)) =
            (changed.touches("availability_zone_rebalancing"), spec.availability_zone_rebalancing.as_ref())
        {
            call = call.availability_zone_rebalancing(word(state).as_str().into());
        }
        if changed.touches("service_connect") {
            let off = || Ok(ServiceConnectConfiguration::builder().enabled(false).build());
            let connect = spec.service_connect.as_ref().map_or_else(off, |connect| service_connect(UPDATE, connect))?;
            call = call.service_connect_configuration(connect);
        }
        Ok(call)
    }
}

/// Platform versions are Fargate's alone: ECS refuses one for instances.
fn is_fargate(spec: &Spec) -> bool {
    if spec.capacity_provider_strategy.is_empty() {
        spec.launch_type == LaunchType::Fargate
    } else {
        spec.capacity_provider_strategy.keys().all(|provider| ["FARGATE", "FARGATE_SPOT"].contains(&provider.as_str()))
    }
}

fn strategy(action: &'static str, spec: &Spec) -> Result<Vec<CapacityProviderStrategyItem>, Fault> {
    let item = |(provider, share): (&String, &agent_model::kinds::ecs::service::Share)| {
        let item = CapacityProviderStrategyItem::builder().capacity_provider(provider);
        item.weight(share.weight).base(share.base).build().map_err(bad(action))
    };
    spec.capacity_provider_strategy.iter().map(item).collect()
}

fn network(action: &'static str, spec: &Spec) -> Result<NetworkConfiguration, Fault> {
    let network = &spec.network;
    let groups = network.security_groups.iter().map(|group| group.as_str().to_owned()).collect();
    let public = if network.assign_public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
    let place = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.iter().map(|subnet| subnet.as_str().to_owned()).collect()))
        .set_security_groups(some(groups))
        .assign_public_ip(public)
        .build()
        .map_err(bad(action))?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(place).build())
}

fn load_balancers(spec: &Spec) -> Vec<LoadBalancer> {
    let one = |wanted: &agent_model::kinds::ecs::service::LoadBalancer| {
        LoadBalancer::builder()
            .target_group_arn(wanted.target_group.as_str())
            .container_name(&wanted.container_name)
            .container_port(i32::from(wanted.container_port))
            .build()
    };
    spec.load_balancers.iter().map(one).collect()
}

/// Whole in any case: what is left out would stay as it was.
fn deployment(action: &'static str, spec: &Spec) -> Result<DeploymentConfiguration, Fault> {
    let deployment = &spec.deployment;
    let breaker = DeploymentCircuitBreaker::builder()
        .enable(deployment.circuit_breaker.enable)
        .rollback(deployment.circuit_breaker.rollback)
        .build();
    let wanted = deployment.alarms.clone().unwrap_or_default();
    let alarms = DeploymentAlarms::builder()
        .set_alarm_names(Some(wanted.alarm_names.into_iter().collect()))
        .rollback(wanted.rollback)
        .enable(deployment.alarms.is_some())
        .build()
        .map_err(bad(action))?;
    Ok(DeploymentConfiguration::builder()
        .minimum_healthy_percent(deployment.minimum_healthy_percent)
        .maximum_percent(deployment.maximum_percent)
        .deployment_circuit_breaker(breaker)
        .alarms(alarms)
        .strategy(word(&deployment.strategy).as_str().into())
        .build())
}

fn service_connect(action: &'static str, connect: &ServiceConnect) -> Result<ServiceConnectConfiguration, Fault> {
    let services: Result<Vec<_>, Fault> =
        connect.services.iter().map(|(port, service)| connect_service(action, port, service)).collect();
    let log = connect.log_configuration.as_ref().map(|log| log_configuration(action, log)).transpose()?;
    Ok(ServiceConnectConfiguration::builder()
        .enabled(true)
        .namespace(connect.namespace.as_str())
        .set_services(some(services?))
        .set_log_configuration(log)
        .build())
}

fn connect_service(
    action: &'static str,
    port_name: &str,
    service: &ConnectService,
) -> Result<ServiceConnectService, Fault> {
    let alias = ServiceConnectClientAlias::builder().port(i32::from(service.port)).dns_name(&service.dns_name);
    let has_timeout = service.idle_timeout_seconds.is_some() || service.per_request_timeout_seconds.is_some();
    let timeout: sdk::TimeoutConfiguration = TimeoutConfiguration::builder()
        .set_idle_timeout_seconds(service.idle_timeout_seconds.map(int))
        .set_per_request_timeout_seconds(service.per_request_timeout_seconds.map(int))
        .build();
    ServiceConnectService::builder()
        .port_name(port_name)
        .discovery_name(&service.discovery_name)
        .client_aliases(alias.build().map_err(bad(action))?)
        .set_ingress_port_override(service.ingress_port_override.map(i32::from))
        .set_timeout(Some(timeout).filter(|_| has_timeout))
        .build()
        .map_err(bad(action))
}
