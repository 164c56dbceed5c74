//! The rules of the second pass, over plans for the example stack: what they would not let be done.

use agent_core::desired::Allow;
use agent_policy::bundle::Bundle;
use agent_policy::judge::Rules;

use crate::bench::{Here, document};
use crate::stage::{HELLO, Stage, edited};

/// `rule: message`, for each finding; `!` marks those that refuse.
async fn judged(stage: &Stage, text: &str, allow: Allow) -> Vec<String> {
    let rules = Rules::new(Bundle::pack().unwrap(), document, Here);
    let found = stage.judged(text, &rules, allow).await;
    let line =
        |f: &agent_core::allowed::Finding| format!("{}{}: {}", if f.refuses() { "!" } else { "" }, f.rule, f.message);
    found.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_loses_data_is_refused_a_second_time() {
    let stage = Stage::of(HELLO).await;
    let replaced = format!(
        "{HELLO}\n[service.web.override.\"logs.log_group\"]\nlog_group_class = \"INFREQUENT_ACCESS\"\n[stack.allow]\ndelete = [\"service.web\"]\n"
    );
    let told = |how: &str| {
        format!(
            "!stateful-stays: service.web/logs.log_group would be {how}, and it holds data that nothing can bring back"
        )
    };
    assert_eq!(judged(&stage, &replaced, Allow::default()).await, [told("deleted"), told("replaced")]);
    let allow = Allow { delete: ["service.web".to_owned()].into(), removals: 0 };
    assert_eq!(judged(&stage, &replaced, allow).await, [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_gets_another_name_is_told() {
    let stage = Stage::of(HELLO).await;
    let text = edited(&[
        ("tiers = [\"private\"]", "tiers = [\"public\", \"private\"]"),
        ("[load_balancer.edge]\n", "[load_balancer.edge]\nscheme = \"internet-facing\"\n"),
    ]);
    let told = judged(&stage, &text, Allow::default()).await;
    assert!(
        told.iter().any(
            |line| line.starts_with("known-addresses-stay: load_balancer.edge/elb.load_balancer would be replaced")
        ),
        "{told:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_makes_everything_is_let_through() {
    assert_eq!(judged(&Stage::empty(), HELLO, Allow::default()).await, [] as [String; 0]);
}
