//! Tags that hands have changed: those of the manifest, those of others, and those that tell whose something is.

use agent_core::live::{Mark, Owner};
use agent_core::report::{Outcome, StepError};
use agent_core::state::Ended;
use serde_json::json;

use crate::stage::{HELLO, Stage, edited};

#[tokio::test(start_paused = true)]
async fn a_tag_of_ours_that_was_removed_or_changed_by_hand_is_written_again_and_a_foreign_one_stays() {
    let stage = Stage::of(HELLO).await;
    stage.change("network.main/ec2.vpc", |spec| {
        let tags = spec["tags"]["$tags"].as_object_mut().unwrap();
        assert!(tags.remove("owner").is_some(), "the manifest's tag is not there");
        tags.insert("Name".into(), json!("by hand"));
        tags.insert("cost-centre".into(), json!("4711"));
    });
    let plan = stage.mended(HELLO).await;
    let expected = [
        "update network.main/ec2.vpc (it differs) tags.Name: \"by hand\" -> \"hello-main\"",
        "update network.main/ec2.vpc (it differs) tags.owner: (none) -> \"team-hello\"",
    ];
    assert_eq!(plan, expected);
    let tags = &stage.live("network.main/ec2.vpc").spec.value()["tags"]["$tags"];
    assert_eq!(*tags, json!({ "Name": "hello-main", "owner": "team-hello", "cost-centre": "4711" }));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_tag_alone_is_no_drift() {
    let stage = Stage::of(HELLO).await;
    stage.change("service.web/ecs.service", |spec| spec["tags"]["$tags"]["backup"] = json!("daily"));
    assert_eq!(stage.plan(HELLO).await, [] as [&str; 0]);
    assert_eq!(stage.converge(HELLO).await, [] as [&str; 0]);
    assert_eq!(stage.live("service.web/ecs.service").spec.value()["tags"]["$tags"]["backup"], "daily");
}

#[tokio::test(start_paused = true)]
async fn the_tag_of_the_generation_is_written_again() {
    for address in ["network.main/ec2.vpc", "service.web/ecs.service", "service.web/iam.role.task"] {
        let stage = Stage::of(HELLO).await;
        let live = stage.live(address);
        let Owner::Stack(mark) = live.owner.clone() else { panic!("nobody's") };
        stage.fake.give(&live.id, Owner::Stack(Mark { generation: String::new(), ..mark }));
        let plan = stage.mended(HELLO).await;
        assert_eq!(plan, [format!("update {address} (its tags do not say what it is)")]);
        assert_eq!(stage.live(address).owner, live.owner);
    }
}

/// Whoever takes our tag away takes the resource away from the agent: it makes no second one beside it where AWS knows
/// it by name, and says what is in the way.
#[tokio::test(start_paused = true)]
async fn what_has_lost_the_tag_of_its_owner_is_not_ours_any_more_and_is_not_made_twice() {
    for (address, kind) in [("service.web/ecs.service", "ecs.service"), ("service.web/iam.role.task", "iam.role")] {
        let stage = Stage::of(HELLO).await;
        let live = stage.live(address);
        stage.fake.give(&live.id, Owner::Nobody);
        let (report, _) = stage.run(HELLO).await;
        assert_eq!(report.ended, Ended::Failed, "{report:#?}");
        let not_ours = report.report.steps.iter().any(|step| {
            let Outcome::Failed { error: StepError::NotOurs { id, .. } } = &step.outcome else { return false };
            step.address.as_str() == address && *id == live.id
        });
        assert!(not_ours, "{report:#?}");
        let all: Vec<_> = stage.fake.objects().into_values().filter(|other| other.kind == kind).collect();
        let held = all.iter().find(|other| other.id == live.id).unwrap();
        assert_eq!((held.owner.clone(), &held.spec), (Owner::Nobody, &live.spec), "what is not ours is not touched");
        let of_it = |other: &&agent_core::live::LiveDoc| other.spec.value()["name"] == live.spec.value()["name"];
        assert_eq!(all.iter().filter(of_it).count(), 1, "it was made twice");
    }
}

/// A VPC has no name that AWS keeps unique, so nothing but what stands in it tells that it is there.
#[tokio::test(start_paused = true)]
async fn a_network_whose_vpc_has_lost_its_tags_is_not_made_anew_beside_it() {
    let stage = Stage::of(HELLO).await;
    let vpc = stage.live("network.main/ec2.vpc");
    stage.fake.give(&vpc.id, Owner::Nobody);
    assert_eq!(stage.plan(HELLO).await, [] as [&str; 0]);
    let (report, writes) = stage.run(HELLO).await;
    assert_eq!((report.ended, &writes[..]), (Ended::Failed, &[][..]), "{report:#?}");
    let why = report.not_read["ec2.vpc"].to_string();
    assert!(why.contains(&vpc.id) && why.contains("adopt it"), "{why}");
    let adopting =
        edited(&[("[network.main]\n", &format!("[network.main]\nadopt = {{ \"ec2.vpc\" = \"{}\" }}\n", vpc.id))]);
    let plan = stage.mended(&adopting).await;
    assert_eq!(plan, ["update network.main/ec2.vpc (its tags do not say what it is)"]);
}
