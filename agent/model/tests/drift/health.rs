//! How the example stack is after what hands and AWS do to it: healthy or not, in sync or not, why, and what it waits for.

use agent_core::fake::faults::{Faults, Op, What, When};
use agent_core::fault::Class;
use agent_core::health::{Health, Ignored, Resource, Status, Sync, Told};
use agent_core::live::Phase;
use agent_core::state::Ended;
use serde_json::json;

use crate::stage::{HELLO, Stage, edited};

const SERVICE: &str = "service.web/ecs.service";
const GROUP: &str = "service.web/elb.target_group.edge.http";
const BALANCER: &str = "load_balancer.edge/elb.load_balancer";

fn of<'a>(status: &'a Status, address: &str) -> &'a Resource {
    let mut all = status.resources();
    all.find(|resource| resource.address.as_str() == address).unwrap_or_else(|| panic!("{address} is not shown"))
}

/// All resources about which there is something to say, as `address: health, sync`.
fn amiss(status: &Status) -> Vec<String> {
    let amiss = status.resources().filter(|resource| !resource.is_fine());
    amiss.map(|resource| format!("{}: {}, {}", resource.address, resource.health, resource.sync)).collect()
}

fn component(status: &Status, name: &str) -> (Health, Sync) {
    let found = status.components.iter().find(|component| component.name == name).unwrap();
    (found.health, found.sync)
}

fn told(health: Health, reason: &str) -> Told {
    Told { health: Some(health), reasons: vec![reason.into()] }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_in_order_is_asked_for_its_targets_and_nothing_else() {
    let stage = Stage::of(HELLO).await;
    let (status, calls) = stage.status(HELLO, None).await;
    assert_eq!(amiss(&status), [] as [&str; 0]);
    assert_eq!((status.health, status.sync, status.is_bad()), (Health::Healthy, Sync::Synced, false));
    assert_eq!(calls, ["Explain elb.target_group"]);
    assert!(status.since.is_some() && status.revision.as_deref() == Some(&*status.wanted));
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_out_of_sync_and_works_all_the_same() {
    let stage = Stage::of(HELLO).await;
    stage.change(SERVICE, |spec| {
        spec["desired_count"] = json!(5);
        spec["enable_execute_command"] = json!(true);
    });
    let (status, _) = stage.status(HELLO, None).await;
    assert_eq!(amiss(&status), ["service.web/ecs.service: healthy, out of sync: 2 fields differ"]);
    assert_eq!(component(&status, "service.web"), (Health::Healthy, Sync::OutOfSync { fields: 2 }));
    assert_eq!(status.sync, Sync::OutOfSync { fields: 2 });
    assert_eq!(of(&status, SERVICE).pending.as_deref(), Some("update"));
    assert!(!status.is_bad());
}

#[tokio::test(start_paused = true)]
async fn a_field_of_somebody_else_is_no_difference_and_is_shown() {
    let ignore = "ignore = [{ path = \"ecs.service/desired_count\", reason = \"an operator scales it\" }]";
    let text = edited(&[("port    = 8080", &format!("port = 8080\n{ignore}"))]);
    let stage = Stage::of(&text).await;
    stage.change(SERVICE, |spec| spec["desired_count"] = json!(5));
    let (status, _) = stage.status(&text, None).await;
    assert_eq!(amiss(&status), [] as [&str; 0]);
    let ignored = &of(&status, SERVICE).ignored;
    assert_eq!(ignored, &[Ignored { field: "desired_count".into(), reason: "an operator scales it".into() }]);
}

#[tokio::test(start_paused = true)]
async fn what_hands_have_deleted_is_missing() {
    let stage = Stage::of(HELLO).await;
    stage.delete(SERVICE);
    let (status, _) = stage.status(HELLO, None).await;
    assert_eq!(amiss(&status), ["service.web/ecs.service: missing, out of sync"]);
    assert!(status.is_bad());
    assert_eq!(of(&status, SERVICE).waits, None, "nothing stands in its way");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_says_what_it_waits_for() {
    let stage = Stage::of(HELLO).await;
    stage.delete(SERVICE);
    stage.fake.hold_in(&stage.live(BALANCER).id, Phase::Coming);
    stage.delete("service.web/iam.role.execution");
    let (status, _) = stage.status(HELLO, None).await;
    let service = of(&status, SERVICE);
    let waits = service.waits.as_ref().unwrap().to_string();
    assert_eq!(waits, "waits for service.web/iam.role.execution, which is to be created first");
    assert_eq!(of(&status, BALANCER).health, Health::Progressing);
    assert_eq!(status.health, Health::Missing, "missing is worse than progressing");
}

/// The service needs its target group behind a listener that is in order; the listener is there, and its balancer comes.
#[tokio::test(start_paused = true)]
async fn what_aws_is_busy_with_is_named_before_what_is_only_to_be_done_first() {
    let stage = Stage::of(HELLO).await;
    stage.delete(SERVICE);
    stage.delete("service.web/iam.role.execution");
    stage.fake.hold_in(&stage.live("network.main/ec2.vpc_endpoint.ecr-api").id, Phase::Coming);
    let (status, _) = stage.status(HELLO, None).await;
    let waits = of(&status, SERVICE).waits.as_ref().unwrap().to_string();
    assert_eq!(waits, "waits for network.main/ec2.vpc_endpoint.ecr-api, which is coming");
}

#[tokio::test(start_paused = true)]
async fn before_the_first_pass_everything_is_missing_and_each_thing_waits_for_another() {
    let (status, calls) = Stage::empty().status(HELLO, None).await;
    assert!(status.resources().all(|one| one.health == Health::Missing && one.sync == Sync::OutOfSync { fields: 0 }));
    assert_eq!((status.outcome, status.since), (None, None));
    assert_eq!(calls, [] as [&str; 0]);
    assert!(of(&status, "network.main/ec2.vpc").waits.is_none());
    assert!(of(&status, SERVICE).waits.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_broken_service_tells_why_once() {
    let stage = Stage::of(HELLO).await;
    let id = stage.live(SERVICE).id;
    stage.fake.hold_in(&id, Phase::Broken("tasks failed to start; unable to pull".into()));
    let reasons =
        vec!["3 tasks stopped: CannotPullContainerError".into(), "its deployment failed: tasks failed to start".into()];
    stage.fake.says(&id, Told { health: None, reasons });
    let (status, calls) = stage.status(HELLO, None).await;
    assert_eq!(amiss(&status), ["service.web/ecs.service: degraded, synced"]);
    let expected = ["3 tasks stopped: CannotPullContainerError", "its deployment failed: tasks failed to start"];
    assert_eq!(of(&status, SERVICE).reasons, expected);
    assert_eq!(calls, ["Explain ecs.service", "Explain elb.target_group"]);
}

#[tokio::test(start_paused = true)]
async fn a_steady_service_whose_targets_are_all_unhealthy_is_degraded_and_asked_why() {
    let stage = Stage::of(HELLO).await;
    stage.fake.says(&stage.live(GROUP).id, told(Health::Degraded, "2 of 2 targets unhealthy: Target.Timeout"));
    stage.fake.says(&stage.live(SERVICE).id, Told { health: None, reasons: vec!["(service web) is unhealthy".into()] });
    let (status, calls) = stage.status(HELLO, None).await;
    let expected =
        ["service.web/ecs.service: degraded, synced", "service.web/elb.target_group.edge.http: degraded, synced"];
    assert_eq!(amiss(&status), expected);
    assert_eq!(of(&status, SERVICE).reasons, [&format!("{GROUP} is degraded"), "(service web) is unhealthy"]);
    assert_eq!(calls, ["Explain elb.target_group", "Explain ecs.service"], "each once");
}

#[tokio::test(start_paused = true)]
async fn where_aws_does_not_say_why_the_rest_is_shown_and_that_is_said() {
    let stage = Stage::of(HELLO).await;
    let denied = When::Each("elb.target_group".into(), Op::Explain, 9);
    stage.fake.restart(Faults::one(denied, What::Refused(Class::Denied)));
    let (status, _) = stage.status(HELLO, None).await;
    assert_eq!(amiss(&status), [] as [&str; 0]);
    assert!(status.notes[0].starts_with("elb.target_group: AWS does not say why:"), "{:?}", status.notes);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_unknown_and_the_worst() {
    let stage = Stage::of(HELLO).await;
    let throttled = When::Each("ecs.service".into(), Op::List, 9);
    stage.fake.restart(Faults::one(throttled, What::Refused(Class::Throttled)));
    let (status, _) = stage.status(HELLO, None).await;
    assert_eq!(amiss(&status), ["service.web/ecs.service: unknown, sync unknown"]);
    assert_eq!(status.health, Health::Unknown);
    assert!(of(&status, SERVICE).reasons[0].contains("could not be read"));
    assert_eq!(status.sync, Sync::Unknown);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_puts_right_is_suspended() {
    let stage = Stage::of(HELLO).await;
    stage.delete(SERVICE);
    stage.change(BALANCER, |spec| spec["application"]["idle_timeout_seconds"] = json!(5));
    stage.fake.hold_in(&stage.live("network.main/ec2.vpc_endpoint.ecr-api").id, Phase::Broken("rejected".into()));
    let (status, _) = stage.status(HELLO, Some("the stack says `mode = \"report\"`")).await;
    let expected = [
        "load_balancer.edge/elb.load_balancer: suspended, out of sync: 1 field differs",
        "network.main/ec2.vpc_endpoint.ecr-api: degraded, synced",
        "service.web/ecs.service: suspended, out of sync",
    ];
    assert_eq!(amiss(&status), expected);
    assert_eq!(of(&status, SERVICE).pending.as_deref(), Some("create"));
    assert_eq!(status.suspended.as_deref(), Some("the stack says `mode = \"report\"`"));
}

#[tokio::test(start_paused = true)]
async fn what_the_manifest_names_no_longer_is_shown_until_it_has_gone() {
    let stage = Stage::of(HELLO).await;
    let without = HELLO[..HELLO.find("[service.web]").unwrap()].to_owned();
    let (status, _) = stage.status(&without, None).await;
    let service = of(&status, SERVICE);
    assert_eq!((service.health, service.sync), (Health::Healthy, Sync::OutOfSync { fields: 0 }));
    assert_eq!(
        (service.pending.as_deref(), &*service.reasons),
        (Some("delete"), &["the manifest does not name it".into()][..])
    );
    stage.fake.hold_in(&service.id.clone().unwrap(), Phase::Going);
    let (status, _) = stage.status(&without, None).await;
    let service = of(&status, SERVICE);
    assert_eq!((service.health, service.pending.as_deref()), (Health::Progressing, None));
    assert_eq!(service.reasons, ["it is being deleted"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_counts_the_fields_that_make_it_necessary() {
    let stage = Stage::of(HELLO).await;
    let text = edited(&[("8080", "9090")]);
    let (status, _) = stage.status(&text, None).await;
    let group = of(&status, GROUP);
    // The port, and the name that tells its generation.
    assert_eq!((group.health, group.sync), (Health::Healthy, Sync::OutOfSync { fields: 2 }));
    assert_eq!(group.pending.as_deref(), Some("replace"));
    let service = of(&status, SERVICE);
    assert_eq!(service.pending.as_deref(), Some("update"));
    assert_eq!(service.waits, None, "that another step of the same pass comes first is no news of what works");
    assert_ne!(status.revision.as_deref(), Some(&*status.wanted));
}

/// AWS refuses a role for good, and what needs it says so.
#[tokio::test(start_paused = true)]
async fn what_failed_for_good_is_not_tried_again_and_what_needs_it_says_so() {
    let stage = Stage::of(HELLO).await;
    stage.delete("service.web/iam.role.execution");
    stage.delete(SERVICE);
    let refused = When::Each("iam.role".into(), Op::Create, 9);
    let (pass, _) = stage.run_with(HELLO, Faults::one(refused, What::Refused(Class::Invalid))).await;
    assert_eq!(pass.ended, Ended::Failed);
    // Something else that only comes first is named after what failed.
    stage.delete("parameter.token/ssm.parameter");
    let (status, _) = stage.status(HELLO, None).await;
    assert_eq!(status.outcome, Some(Ended::Failed));
    let failed = "it failed at this revision, and is not tried again before something changes";
    assert_eq!(of(&status, "service.web/iam.role.execution").reasons, [failed]);
    let waits = of(&status, SERVICE).waits.as_ref().unwrap().to_string();
    assert_eq!(waits, "waits for service.web/iam.role.execution, which is to be created first, and failed");
}
