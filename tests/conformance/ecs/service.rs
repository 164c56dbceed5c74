//! Samples of `ecs.service`.

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::AwsDecides;
use agent_core::kind::Kind;
use agent_core::reference::Link;
use agent_model::kinds::ec2::security_group::SecurityGroup;
use agent_model::kinds::ec2::subnet::Subnet;
use agent_model::kinds::ec2::vpc::Vpc;
use agent_model::kinds::ecs::cluster::Cluster;
use agent_model::kinds::ecs::service::{
    CircuitBreaker, Count, Deployment, DeploymentAlarms, LoadBalancer as Balanced, PropagateTags, Rebalancing, Service,
    ServiceConnect, Share, Spec,
};
use agent_model::kinds::ecs::task_definition::TaskDefinition;
use agent_model::kinds::elb::listener::Listener;
use agent_model::kinds::elb::load_balancer::LoadBalancer;
use agent_model::kinds::elb::target_group::TargetGroup;
use agent_model::kinds::servicediscovery::namespace::Namespace;
use serde_json::{Value, json};

use super::{need, spec, tags};
use crate::conformance::servicediscovery::DESCRIPTION;
use crate::conformance::{Sample, doc};

/// `{"$ref": …}` to the one, or to one of several, that `component` makes.
fn at(address: &str, field: &str) -> Value {
    json!({"$ref": address, "field": field})
}

fn in_vpc(mut members: Value) -> Value {
    members["vpc"] = at("network.main/ec2.vpc", "id");
    members
}

fn subnets() -> Value {
    json!([at("network.main/ec2.subnet.private-1", "id"), at("network.main/ec2.subnet.private-2", "id")])
}

/// A load balancer with a listener that forwards to two target groups: ECS takes no group that no listener names.
fn balanced() -> Vec<(Address, Doc)> {
    let group = |key: &str| {
        let members =
            json!({"name": format!("conformance-{key}"), "target_type": "ip", "protocol": "HTTP", "port": 8080});
        need::<TargetGroup>("service.web", Some(key), in_vpc(members))
    };
    let forward = |key: &str| json!({"target_group": at(&format!("service.web/elb.target_group.{key}"), "arn")});
    vec![
        group("first"),
        group("second"),
        need::<LoadBalancer>(
            "load_balancer.edge",
            None,
            json!({
                "name": "conformance-edge", "scheme": "internal", "subnets": subnets(),
                "security_groups": [at("service.web/ec2.security_group.more", "id")],
            }),
        ),
        need::<Listener>(
            "load_balancer.edge",
            None,
            json!({
                "load_balancer": at("load_balancer.edge/elb.load_balancer", "arn"), "port": 80, "protocol": "HTTP",
                "default_action": {"forward": {"target_groups": [forward("first"), forward("second")]}},
            }),
        ),
    ]
}

/// What a service names: a cluster, a definition, a place in a VPC.
fn named_by_service() -> Vec<(Address, Doc)> {
    let plain = |key: &str| {
        let members = json!({"family": format!("conformance-{key}"), "cpu": 256, "memory": 512, "containers": {
            "web": {"image": "public.ecr.aws/nginx/nginx:1.27", "port_mappings": [{"container_port": 8080, "name": "http"}]},
        }});
        need::<TaskDefinition>("service.web", Some(key), members)
    };
    let subnet = |key: &str, cidr: &str, zone: &str| {
        need::<Subnet>("network.main", Some(key), in_vpc(json!({"cidr": cidr, "availability_zone": zone})))
    };
    let group = |name: &str| {
        need::<SecurityGroup>("service.web", Some(name), in_vpc(json!({"name": name, "description": "tasks"})))
    };
    let mut named = vec![
        need::<Namespace>("cluster.main", None, json!({"name": "conformance-web", "description": DESCRIPTION})),
        need::<Cluster>("cluster.main", None, json!({"name": "conformance"})),
        need::<Cluster>("cluster.other", None, json!({"name": "conformance-other"})),
        plain("one"),
        plain("two"),
        need::<Vpc>("network.main", None, json!({"cidr": "10.20.0.0/16"})),
        subnet("private-1", "10.20.64.0/20", "eu-west-1a"),
        subnet("private-2", "10.20.80.0/20", "eu-west-1b"),
        group("tasks"),
        group("more"),
    ];
    named.extend(balanced());
    named
}

fn base_service() -> Spec {
    let members = json!({
        "name": "conformance-web",
        "cluster": at("cluster.main/ecs.cluster", "arn"),
        "task_definition": at("service.web/ecs.task_definition.one", "arn"),
        "desired_count": 2,
        "network": {
            "subnets": subnets(),
            "security_groups": [at("service.web/ec2.security_group.tasks", "id")],
        },
        "load_balancers": [
            {"target_group": at("service.web/elb.target_group.first", "arn"), "container_name": "web", "container_port": 8080},
        ],
        "deployment": {"circuit_breaker": {"enable": true, "rollback": true}, "minimum_healthy_percent": 50},
        "health_check_grace_period_seconds": 30,
        "propagate_tags": "SERVICE",
        "enable_ecs_managed_tags": true,
        "tags": {"owner": "team"},
    });
    spec::<Service>(members)
}

fn connect() -> ServiceConnect {
    let members = json!({
        "namespace": at("cluster.main/servicediscovery.namespace", "arn"),
        "services": {"http": {"discovery_name": "web", "dns_name": "web", "port": 80, "idle_timeout_seconds": 60}},
        "log_configuration": {"options": {"awslogs-group": "x", "awslogs-region": "eu-west-1"}},
    });
    serde_json::from_value(members).expect("a sample fits its kind")
}

fn second_group() -> Balanced {
    let target_group = Link::keyed("service.web", "second");
    Balanced { target_group, container_name: "web".into(), container_port: 8080 }
}

fn changes_of_deployment(base: &Spec) -> Vec<(&'static str, Doc)> {
    let with = |deployment: Deployment| doc(&Spec { deployment, ..base.clone() });
    let alarms = DeploymentAlarms { alarm_names: ["web-5xx".to_owned()].into(), rollback: true };
    vec![
        ("AWS's own deployment", with(Deployment::default())),
        ("alarms", with(Deployment { alarms: Some(alarms), ..base.deployment.clone() })),
        (
            "no rollback",
            with(Deployment {
                circuit_breaker: CircuitBreaker { enable: true, rollback: false },
                maximum_percent: 150,
                ..base.deployment.clone()
            }),
        ),
    ]
}

/// A service of two tasks behind a target group.
pub fn samples() -> Vec<Sample> {
    let base = base_service();
    let with = |change: &dyn Fn(&mut Spec)| {
        let mut changed = base.clone();
        change(&mut changed);
        doc(&changed)
    };
    let spot = Share { weight: 1, base: 0 };
    let mut changes = vec![
        ("another definition", with(&|spec| spec.task_definition = Link::keyed("service.web", "two"))),
        ("more tasks", with(&|spec| spec.desired_count = Count::Fixed(3))),
        ("as many as autoscaling says", with(&|spec| spec.desired_count = Count::Start(1))),
        (
            "another capacity",
            with(&|spec| spec.capacity_provider_strategy = [("FARGATE_SPOT".to_owned(), spot)].into()),
        ),
        ("a fixed release of Fargate", with(&|spec| spec.platform_version = "1.4.0".into())),
        ("one subnet less", with(&|spec| drop(spec.network.subnets.pop_last()))),
        ("a second group", with(&|spec| spec.network.security_groups.extend([Link::keyed("service.web", "more")]))),
        ("an address of the internet", with(&|spec| spec.network.assign_public_ip = true)),
        ("no target group", with(&|spec| spec.load_balancers.clear())),
        ("a second target group", with(&|spec| spec.load_balancers.extend([second_group()]))),
        ("no grace", with(&|spec| spec.health_check_grace_period_seconds = 0)),
        ("a shell", with(&|spec| spec.enable_execute_command = true)),
        (
            "nobody's tags",
            with(&|spec| (spec.propagate_tags, spec.enable_ecs_managed_tags) = (PropagateTags::None, false)),
        ),
        (
            "tasks that stay where they are",
            with(&|spec| spec.availability_zone_rebalancing = AwsDecides::Set(Rebalancing::Disabled)),
        ),
        ("a name in a namespace", with(&|spec| spec.service_connect = Some(connect()))),
        ("another tag", with(&|spec| spec.tags = tags("other"))),
        ("another name: a replacement", with(&|spec| spec.name = "conformance-other".into())),
        ("another cluster: a replacement", with(&|spec| spec.cluster = Link::to("cluster.other"))),
    ];
    changes.extend(changes_of_deployment(&base));
    vec![Sample {
        needs: named_by_service(),
        address: Address::new("service.web", Service::NAME),
        spec: doc(&base),
        changes,
        emulator_gaps: vec![
            ("service_connect", "ministack does not give it back"),
            ("availability_zone_rebalancing", "ministack neither keeps nor gives it back"),
            ("platform_version", "ministack does not take it in an update"),
            ("propagate_tags", "ministack does not take it in an update"),
            ("enable_ecs_managed_tags", "ministack does not take it in an update"),
            ("launch_type", "ministack says EC2 of a service on Fargate that gave a capacity provider back"),
        ],
    }]
}
