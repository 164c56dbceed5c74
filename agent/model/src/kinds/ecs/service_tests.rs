use agent_core::diff::diff;
use agent_core::kind::{Change, KindInfo};
use serde_json::json;

use super::*;

fn spec(more: &Value) -> Spec {
    let mut least = json!({
        "name": "hello-web", "cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/hello",
        "task_definition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/hello-web:1",
        "network": {"subnets": ["subnet-1"]},
    });
    for (key, value) in more.as_object().unwrap() {
        least[key] = value.clone();
    }
    serde_json::from_value(least).unwrap()
}

fn paths(wanted: &Spec, live: &Spec) -> Vec<String> {
    let value = |spec: &Spec| serde_json::to_value(spec).unwrap();
    diff(&value(wanted), &value(live)).into_iter().map(|change| change.path).collect()
}

#[test]
fn a_start_value_is_sent_once_and_a_fixed_one_is_kept() {
    let live = spec(&json!({"desired_count": 7}));
    let scaled = spec(&json!({"desired_count": {"$at_create": 2}}));
    assert_eq!(scaled.desired_count, Count::Start(2));
    assert_eq!(scaled.desired_count.at_create(), 2);
    assert_eq!(paths(&scaled, &live), [""; 0]);
    assert_eq!(paths(&spec(&json!({"desired_count": 2})), &live), ["desired_count"]);
    assert_eq!(paths(&spec(&json!({})), &live), ["desired_count"], "one is AWS's default, not somebody's choice");
    let again: Spec = serde_json::from_value(serde_json::to_value(&scaled).unwrap()).unwrap();
    assert_eq!(again, scaled);
}

#[test]
fn rebalancing_that_nobody_set_is_aws_choice() {
    let live = spec(&json!({"availability_zone_rebalancing": "DISABLED"}));
    assert_eq!(paths(&spec(&json!({})), &live), [""; 0]);
    let on = spec(&json!({"availability_zone_rebalancing": "ENABLED"}));
    assert_eq!(paths(&on, &live), ["availability_zone_rebalancing"]);
}

#[test]
fn what_is_left_out_equals_aws_defaults_spelled_out() {
    let long = json!({
        "desired_count": 1, "launch_type": "FARGATE", "capacity_provider_strategy": {}, "platform_version": "LATEST",
        "network": {"subnets": ["subnet-1"], "security_groups": [], "assign_public_ip": false},
        "deployment": {"minimum_healthy_percent": 100, "maximum_percent": 200, "strategy": "ROLLING",
            "circuit_breaker": {"enable": false, "rollback": false}},
        "propagate_tags": "NONE", "enable_execute_command": false,
        "health_check_grace_period_seconds": 0, "load_balancers": [], "enable_ecs_managed_tags": false,
    });
    assert_eq!(spec(&json!({})), spec(&long));
}

#[test]
fn only_name_cluster_and_where_it_runs_take_another_service() {
    let kind = KindInfo::of::<Service>();
    let replaced = ["name", "cluster", "launch_type"];
    let schema = (kind.spec_schema)();
    for field in schema.get("properties").unwrap().as_object().unwrap().keys() {
        let expected = if replaced.contains(&field.as_str()) { Change::Replace } else { Change::InPlace };
        assert_eq!((kind.change)(field, &Value::Null, &Value::Null), expected, "{field}");
    }
}

#[test]
fn a_name_is_unique_in_its_cluster_and_in_none_that_is_not_there_yet() {
    let known = spec(&json!({}));
    let far = spec(&json!({"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/far"}));
    assert!(Service::unique(&known).is_some());
    assert_ne!(Service::unique(&known), Service::unique(&far));
    let open = spec(&json!({"cluster": {"$ref": "cluster.main/ecs.cluster", "field": "arn"}}));
    assert_eq!(Service::unique(&open), None);
}

#[test]
fn the_definitions_of_all_deployments_are_mentioned() {
    let arns = ["arn:aws:ecs:eu-west-1:123456789012:task-definition/hello-web:2", "…:1"];
    let out = Doc::from_value(&json!({"definitions": arns}));
    let mentions = Service::mentions(&Value::Null, &out);
    assert_eq!(mentions.iter().map(|one| one.value.as_str()).collect::<Vec<_>>(), arns);
    assert!(mentions.iter().all(|one| one.target == "ecs.task_definition.arn"));
    assert_eq!(Service::mentions(&Value::Null, &Doc::from_value(&json!({}))), []);
}

#[test]
fn the_arn_is_known_as_soon_as_the_cluster_is() {
    let scope = Scope::new("hello", "123456789012", "eu-west-1");
    let arn = Service::derive(&spec(&json!({})), &scope).remove("arn");
    assert_eq!(arn.as_deref(), Some("arn:aws:ecs:eu-west-1:123456789012:service/hello/hello-web"));
    let open = spec(&json!({"cluster": {"$ref": "cluster.main/ecs.cluster", "field": "arn"}}));
    assert_eq!(Service::derive(&open, &scope).keys().copied().collect::<Vec<_>>(), ["name"]);
}
