//! Fields that hands have changed, and fields that Git says no longer.

use serde_json::{Value, json};

use crate::stage::{HELLO, Stage, edited};

/// A change by hand of one resource that one update in place puts back; gives what the plan said.
async fn put_back(address: &str, by_hand: impl FnOnce(&mut Value)) -> Vec<String> {
    let stage = Stage::of(HELLO).await;
    let before = stage.picture();
    stage.change(address, by_hand);
    let plan = stage.plan(HELLO).await;
    let writes = stage.converge(HELLO).await;
    let id = stage.live(address).id;
    let kind = stage.live(address).kind;
    assert_eq!(writes, [format!("Update {kind} {id}")], "one update in place, and nothing else");
    assert_eq!(stage.picture(), before);
    assert_eq!(stage.converge(HELLO).await, [] as [&str; 0]);
    plan
}

#[tokio::test(start_paused = true)]
async fn a_rule_added_to_a_group_by_hand_is_removed() {
    let group = "load_balancer.edge/ec2.security_group";
    let plan = put_back(group, |spec| {
        let rule = json!({ "protocol": "tcp", "from_port": 22, "to_port": 22, "peer": { "cidr_ipv4": "0.0.0.0/0" } });
        spec["ingress"].as_array_mut().unwrap().push(rule);
    })
    .await;
    assert_eq!(plan.len(), 1, "{plan:#?}");
    assert!(plan[0].starts_with(&format!("update {group} (it differs) ingress: ")), "{plan:#?}");
    let (from, to) = plan[0].split_once(" -> ").unwrap();
    assert!(from.contains("from_port = 22") && !to.contains("from_port = 22"), "{plan:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_rule_taken_from_a_group_by_hand_is_there_again() {
    let group = "service.web/ec2.security_group";
    let plan = put_back(group, |spec| spec["egress"] = json!([])).await;
    assert!(plan[0].starts_with(&format!("update {group} (it differs) egress: [] -> [{{")), "{plan:#?}");
}

#[tokio::test(start_paused = true)]
async fn rules_of_the_default_group_are_removed() {
    // A default group with rules reads as unset.
    let plan = put_back("network.main/ec2.vpc", |spec| spec["default_group"] = json!({ "$aws_decides": null })).await;
    assert_eq!(plan.len(), 1, "{plan:#?}");
    assert!(plan[0].starts_with("update network.main/ec2.vpc (it differs) default_group: "), "{plan:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_desired_count_changed_by_hand_is_put_back() {
    let plan = put_back("service.web/ecs.service", |spec| {
        assert_eq!(spec["desired_count"], json!(2), "the spec has another shape");
        spec["desired_count"] = json!(5);
    })
    .await;
    assert_eq!(plan, ["update service.web/ecs.service (it differs) desired_count: 5 -> 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_description_changed_by_hand_is_put_back() {
    let plan = put_back("parameter.greeting/ssm.parameter", |spec| spec["description"] = json!("by hand")).await;
    let expected =
        "update parameter.greeting/ssm.parameter (it differs) description: \"by hand\" -> \"What the service says\"";
    assert_eq!(plan, [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_description_added_by_hand_is_removed() {
    let plan = put_back("service.web/iam.role.task", |spec| spec["description"] = json!("by hand")).await;
    assert_eq!(plan.len(), 1, "{plan:#?}");
    assert!(
        plan[0].starts_with("update service.web/iam.role.task (it differs) description: \"by hand\" -> "),
        "{plan:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_health_check_changed_by_hand_is_put_back() {
    let target_group = "service.web/elb.target_group.edge.http";
    let plan = put_back(target_group, |spec| {
        spec["health_check"]["path"] = json!("/by-hand");
        spec["health_check"]["interval_seconds"] = json!(300);
    })
    .await;
    let expected = [
        format!("update {target_group} (it differs) health_check.interval_seconds: 300 -> 30"),
        format!("update {target_group} (it differs) health_check.path: \"/by-hand\" -> \"/health\""),
    ];
    assert_eq!(plan, expected);
}

#[tokio::test(start_paused = true)]
async fn a_right_given_to_a_role_by_hand_is_taken_away() {
    let role = "service.web/iam.role.task";
    let plan = put_back(role, |spec| {
        spec["managed_policies"] = json!(["arn:aws:iam::aws:policy/AdministratorAccess"]);
    })
    .await;
    assert_eq!(plan.len(), 1, "{plan:#?}");
    assert!(plan[0].contains("AdministratorAccess") && plan[0].ends_with("-> []"), "{plan:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_route_deleted_by_hand_is_there_again_and_one_added_is_gone() {
    let text = edited(&[("tiers = [\"private\"]", "tiers = [\"public\", \"private\"]")]);
    let stage = Stage::of(&text).await;
    let before = stage.picture();
    let table = "network.main/ec2.route_table.public";
    stage.change(table, |spec| {
        let gone = spec["routes"].as_object_mut().unwrap().remove("0.0.0.0/0");
        assert!(gone.is_some(), "there is no way to the internet");
        spec["routes"]["10.99.0.0/16"] = json!({ "vpc_peering_connection": "pcx-1" });
    });
    let plan = stage.mended(&text).await;
    assert_eq!(plan.len(), 2, "{plan:#?}");
    assert!(plan[0].starts_with(&format!("update {table} (it differs) routes.0.0.0.0/0: (none) -> ")), "{plan:#?}");
    assert!(plan[1].starts_with(&format!("update {table} (it differs) routes.10.99.0.0/16: ")), "{plan:#?}");
    assert!(plan[1].ends_with("-> (none)"), "{plan:#?}");
    assert_eq!(stage.picture(), before);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_was_dropped_from_git_returns_to_the_default_of_aws() {
    let text = edited(&[("health  = { path = \"/health\" }\n", ""), ("\ndescription = \"What the service says\"", "")]);
    let stage = Stage::of(HELLO).await;
    let plan = stage.mended(&text).await;
    let expected = [
        "update parameter.greeting/ssm.parameter (it differs) description: \"What the service says\" -> (none)",
        "update service.web/elb.target_group.edge.http (it differs) health_check.path: \"/health\" -> \"/\"",
    ];
    assert_eq!(plan, expected);
    assert_eq!(stage.live("service.web/elb.target_group.edge.http").spec.value()["health_check"]["path"], "/");
    assert_eq!(stage.live("parameter.greeting/ssm.parameter").spec.value().get("description"), None);
}

const IGNORE: &str =
    "port    = 8080\nignore  = [{ path = \"ecs.service/desired_count\", reason = \"an operator scales it\" }]";

#[tokio::test(start_paused = true)]
async fn what_is_ignored_stays_as_hands_left_it() {
    let text = edited(&[("port    = 8080", IGNORE)]);
    let stage = Stage::of(&text).await;
    stage.change("service.web/ecs.service", |spec| spec["desired_count"] = json!(7));
    assert_eq!(stage.plan(&text).await, [] as [&str; 0]);
    assert_eq!(stage.converge(&text).await, [] as [&str; 0]);
    assert_eq!(stage.live("service.web/ecs.service").spec.value()["desired_count"], json!(7));
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_stays_even_where_the_resource_is_changed_in_another_field() {
    let text = edited(&[("port    = 8080", IGNORE)]);
    let stage = Stage::of(&text).await;
    stage.change("service.web/ecs.service", |spec| {
        spec["desired_count"] = json!(7);
        spec["enable_execute_command"] = json!(true);
    });
    let plan = stage.mended(&text).await;
    assert_eq!(plan, ["update service.web/ecs.service (it differs) enable_execute_command: true -> false"]);
    let held = stage.live("service.web/ecs.service").spec.value();
    assert_eq!(held["desired_count"], json!(7), "an update of another field wrote the ignored one");
    // Another image makes another task definition, which the service follows; the count is still nobody's business.
    let text = text.replace("hello:1.0.0", "hello:1.0.1");
    stage.converge(&text).await;
    let held = stage.live("service.web/ecs.service").spec.value();
    assert_eq!(held["desired_count"], json!(7), "a deployment wrote the ignored field");
}
