//! Resources that hands have deleted.

use std::collections::BTreeSet;

use crate::stage::{HELLO, Stage, edited};

/// Deletes these, and expects the plan to make just these anew and to change just those; gives the plan.
async fn come_back(text: &str, gone: &[&str], changed: &[&str]) -> Vec<String> {
    let stage = Stage::of(text).await;
    let before = stage.picture();
    for address in gone {
        stage.delete(address);
    }
    let plan = stage.mended(text).await;
    let of = |start: &str| -> BTreeSet<String> {
        let lines = plan.iter().filter_map(|line| line.strip_prefix(start)?.split(' ').next());
        lines.map(str::to_owned).collect()
    };
    let set = |words: &[&str]| -> BTreeSet<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    assert_eq!(of("create "), set(gone), "{plan:#?}");
    let because = plan.iter().filter(|line| line.starts_with("create "));
    assert!(because.clone().all(|line| line.contains("(it is not there)")), "{plan:#?}");
    // What is made in two steps is updated by the second of them.
    let late = |address: &String| !gone.contains(&address.as_str());
    assert_eq!(of("update ").into_iter().filter(late).collect::<BTreeSet<_>>(), set(changed), "{plan:#?}");
    assert!(!plan.iter().any(|line| line.starts_with("replace ") || line.starts_with("delete ")), "{plan:#?}");
    assert_eq!(stage.picture(), before, "all is as it was, but for what AWS calls it");
    plan
}

#[tokio::test(start_paused = true)]
async fn a_deleted_role_comes_back() {
    // Its ARN is made from its name: nothing that names it is changed.
    come_back(HELLO, &["service.web/iam.role.task"], &[]).await;
    come_back(HELLO, &["service.web/iam.role.execution"], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_comes_back() {
    come_back(HELLO, &["service.web/ecs.service"], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_log_group_comes_back() {
    come_back(HELLO, &["service.web/logs.log_group"], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_listener_rule_comes_back() {
    let stage = Stage::of(HELLO).await;
    let rule = stage.fake.objects().into_values().find(|live| live.kind == "elb.rule").unwrap();
    let agent_core::live::Owner::Stack(mark) = rule.owner else { panic!("nobody's") };
    come_back(HELLO, &[mark.address.as_str()], &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_listener_comes_back_with_its_rules() {
    let gone = ["load_balancer.edge/elb.listener.80", "service.web/elb.rule.edge.80.any-766e01"];
    come_back(HELLO, &gone, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_subnet_comes_back_and_what_stood_in_it_moves_there() {
    let stands_there = [
        "load_balancer.edge/elb.load_balancer",
        "network.main/ec2.route_table.private",
        "network.main/ec2.vpc_endpoint.ecr-api",
        "network.main/ec2.vpc_endpoint.ecr-dkr",
        "network.main/ec2.vpc_endpoint.logs",
        "network.main/ec2.vpc_endpoint.ssm",
        "service.web/ecs.service",
    ];
    come_back(HELLO, &["network.main/ec2.subnet.private-1"], &stands_there).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_subnet_comes_back_with_what_hung_on_it() {
    let gone = [
        "network.main/ec2.subnet.private-2",
        "network.main/ec2.vpc_endpoint.logs",
        "service.web/ecs.service",
        "load_balancer.edge/elb.load_balancer",
        "load_balancer.edge/elb.listener.80",
        "service.web/elb.rule.edge.80.any-766e01",
    ];
    let changed = [
        "network.main/ec2.route_table.private",
        "network.main/ec2.vpc_endpoint.ecr-api",
        "network.main/ec2.vpc_endpoint.ecr-dkr",
        "network.main/ec2.vpc_endpoint.ssm",
    ];
    let stage = Stage::of(HELLO).await;
    let before = stage.picture();
    for address in gone {
        stage.delete(address);
    }
    let plan = stage.mended(HELLO).await;
    for address in gone {
        assert!(plan.contains(&format!("create {address} (it is not there)")), "{address}: {plan:#?}");
    }
    for address in changed {
        assert!(
            plan.iter().any(|line| line.starts_with(&format!("update {address} (it differs) "))),
            "{address}: {plan:#?}"
        );
    }
    // The tasks are told the name of the load balancer, which is another one now: another task definition.
    assert!(plan.iter().any(|line| line.starts_with("replace service.web/ecs.task_definition (")), "{plan:#?}");
    let same = |picture: &std::collections::BTreeMap<String, String>| -> BTreeSet<String> {
        picture.keys().cloned().collect()
    };
    assert_eq!(same(&stage.picture()), same(&before));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_gateway_comes_back_and_the_routes_lead_to_it() {
    let text = edited(&[("tiers = [\"private\"]", "tiers = [\"public\", \"private\"]")]);
    let gone = ["network.main/ec2.internet_gateway"];
    come_back(&text, &gone, &["network.main/ec2.route_table.public"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_deregistered_by_hand_is_made_anew_and_the_service_follows() {
    let definition = "service.web/ecs.task_definition";
    let plan = come_back(HELLO, &[definition], &["service.web/ecs.service"]).await;
    let service = plan.iter().find(|line| line.starts_with("update service.web/ecs.service (it differs) ")).unwrap();
    assert!(service.contains(" task_definition: "), "{service}");
    assert!(service.contains(&format!("(known after {definition}: arn)")), "{service}");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_comes_back_and_those_that_name_it_name_the_new_one() {
    let changed = ["load_balancer.edge/ec2.security_group", "service.web/ecs.service"];
    come_back(HELLO, &["service.web/ec2.security_group"], &changed).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_parameter_comes_back_with_its_value() {
    let stage = Stage::of(HELLO).await;
    stage.delete("parameter.greeting/ssm.parameter");
    let plan = stage.mended(HELLO).await;
    assert_eq!(plan, ["create parameter.greeting/ssm.parameter (it is not there)"]);
    assert_eq!(stage.live("parameter.greeting/ssm.parameter").spec.value()["value"], "Hello from Git");
}
