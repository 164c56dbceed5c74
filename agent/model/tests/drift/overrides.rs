//! Overrides over the example stack on a faked cloud: what a change of one takes is the kind's to say.

use serde_json::json;

use crate::stage::{HELLO, Stage};

const SERVICE: &str = "service.web/ecs.service";
const TASKS: &str = "service.web/ecs.task_definition";

fn with(overrides: &str) -> String {
    format!("{HELLO}\n{overrides}\n")
}

#[tokio::test(start_paused = true)]
async fn an_override_of_what_aws_can_change_is_a_change_in_place() {
    let stage = Stage::of(HELLO).await;
    let id = stage.live(SERVICE).id;
    let text = |seconds: u32| {
        with(&format!("[service.web.override.\"ecs.service\"]\nhealth_check_grace_period_seconds = {seconds}"))
    };
    for (seconds, before) in [(90, 60), (120, 90)] {
        let plan = stage.mended(&text(seconds)).await;
        let expected =
            format!("update {SERVICE} (it differs) health_check_grace_period_seconds: {before} -> {seconds}");
        assert_eq!(plan, [expected]);
    }
    assert_eq!(stage.live(SERVICE).id, id);
    stage.mended(HELLO).await;
    assert_eq!(stage.live(SERVICE).spec.value()["health_check_grace_period_seconds"], 60, "it went with the override");
}

#[tokio::test(start_paused = true)]
async fn an_override_of_what_aws_cannot_change_is_a_replacement() {
    let stage = Stage::of(HELLO).await;
    let id = stage.live(TASKS).id;
    let text = |drop: &str| {
        with(&format!(
            "[service.web.override.\"ecs.task_definition\".containers.web.linux_parameters.capabilities]\ndrop = [\"{drop}\"]"
        ))
    };
    for drop in ["ALL", "NET_RAW"] {
        let plan = stage.mended(&text(drop)).await;
        assert!(plan.iter().any(|line| line.starts_with(&format!("replace {TASKS} "))), "{plan:#?}");
        assert!(plan.iter().any(|line| line.starts_with(&format!("update {SERVICE} "))), "{plan:#?}");
        assert!(plan.iter().all(|line| line.contains(TASKS) || line.contains(SERVICE)), "{plan:#?}");
    }
    assert_ne!(stage.live(TASKS).id, id);
}

#[tokio::test(start_paused = true)]
async fn what_hands_change_is_put_back_to_what_the_override_says() {
    let text = with("[load_balancer.edge.override.\"elb.load_balancer\".application]\nidle_timeout_seconds = 120");
    let stage = Stage::of(&text).await;
    let address = "load_balancer.edge/elb.load_balancer";
    stage.change(address, |spec| spec["application"]["idle_timeout_seconds"] = json!(60));
    let plan = stage.mended(&text).await;
    assert_eq!(plan, [format!("update {address} (it differs) application.idle_timeout_seconds: 60 -> 120")]);
}

#[tokio::test(start_paused = true)]
async fn a_component_with_overrides_can_be_renamed() {
    let overrides =
        |name: &str| format!("[service.{name}.override.\"ecs.service\"]\nhealth_check_grace_period_seconds = 90\n");
    let stage = Stage::of(&with(&overrides("web"))).await;
    let now = with(&overrides("app")).replace("[service.web]\n", "[service.app]\nrenamed_from = \"web\"\n");
    let plan = stage.mended(&now).await;
    assert!(plan.iter().all(|line| line.ends_with("(its tags do not say what it is)")), "{plan:#?}");
}
