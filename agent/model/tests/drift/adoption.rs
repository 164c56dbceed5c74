//! Taking over what exists: tagged and made as the manifest says, never made twice, and only what is there and nobody's.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::field::{AwsDecides, Tags};
use agent_core::live::{Mark, Owner};
use agent_core::plan::PlanError;
use agent_model::kinds::ec2::security_group::{self, SecurityGroup};
use agent_model::kinds::ec2::vpc::{InstanceTenancy, Spec, Vpc};
use serde_json::json;

use crate::stage::{Stage, edited};

/// The example with its VPC adopted.
fn adopting(id: &str) -> String {
    let adopt = format!("tiers = [\"private\"]\nadopt = {{ \"ec2.vpc\" = \"{id}\" }}");
    edited(&[("tiers = [\"private\"]", &adopt)])
}

/// A VPC as the console makes one, with somebody's tag.
fn by_hand(stage: &Stage, cidr: &str, owner: Owner) -> String {
    let spec = Spec {
        cidr: cidr.parse().unwrap(),
        instance_tenancy: InstanceTenancy::Default,
        enable_dns_support: true,
        enable_dns_hostnames: false,
        default_group: AwsDecides::Unset,
        tags: Tags(BTreeMap::from([("cost-centre".to_owned(), "4711".to_owned())])),
    };
    stage.fake.put::<Vpc>(&stage.scope, &spec, owner).unwrap()
}

fn vpcs(stage: &Stage) -> Vec<agent_core::live::LiveDoc> {
    stage.fake.objects().into_values().filter(|live| live.kind == "ec2.vpc").collect()
}

fn somebody_elses() -> Owner {
    let address = Address::new("network.main", "ec2.vpc");
    Owner::Stack(Mark { stack: "other".into(), address, generation: "0123456789ab".into() })
}

#[tokio::test(start_paused = true)]
async fn what_is_nobodys_is_adopted_with_its_tags_and_nothing_is_made_twice() {
    let stage = Stage::empty();
    let id = by_hand(&stage, "10.20.0.0/16", Owner::Nobody);
    let text = adopting(&id);
    let plan = stage.plan(&text).await;
    let of_vpc: Vec<&String> = plan.iter().filter(|line| line.contains(" network.main/ec2.vpc (")).collect();
    assert_eq!(of_vpc.len(), 4, "{of_vpc:#?}");
    for field in ["default_group", "enable_dns_hostnames", "tags.Name", "tags.owner"] {
        let line = format!("update network.main/ec2.vpc (it differs) {field}: ");
        assert!(of_vpc.iter().any(|of| of.starts_with(&line)), "{field}: {of_vpc:#?}");
    }
    let writes = stage.converge(&text).await;
    assert!(!writes.iter().any(|call| call.starts_with("Create ec2.vpc ")), "{writes:#?}");
    let held = vpcs(&stage);
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].id, id);
    let mark = held[0].owner.of_stack("hello").expect("our tags");
    assert_eq!(mark.address.as_str(), "network.main/ec2.vpc");
    let tags = &held[0].spec.value()["tags"]["$tags"];
    assert_eq!(*tags, json!({ "Name": "hello-main", "owner": "team-hello", "cost-centre": "4711" }));
    assert_eq!(stage.converge(&text).await, [] as [&str; 0], "the pass after the adoption writes something");
}

#[tokio::test(start_paused = true)]
async fn what_is_adopted_as_it_should_be_gets_our_tags_and_nothing_else() {
    let stage = Stage::empty();
    let id = by_hand(&stage, "10.20.0.0/16", Owner::Nobody);
    stage.fake.alter(&id, |spec| {
        spec["enable_dns_hostnames"] = json!(true);
        spec["default_group"] = json!("emptied");
        spec["tags"] = json!({ "$tags": { "Name": "hello-main", "owner": "team-hello" } });
    });
    let plan = stage.plan(&adopting(&id)).await;
    let of_vpc: Vec<&String> = plan.iter().filter(|line| line.contains(" network.main/ec2.vpc (")).collect();
    assert_eq!(of_vpc, ["update network.main/ec2.vpc (its tags do not say what it is)"]);
}

#[tokio::test(start_paused = true)]
async fn the_word_may_stay_in_the_manifest_and_may_go_from_it() {
    let stage = Stage::empty();
    let id = by_hand(&stage, "10.20.0.0/16", Owner::Nobody);
    stage.converge(&adopting(&id)).await;
    assert_eq!(stage.converge(&edited(&[])).await, [] as [&str; 0], "without the word the VPC is another one");
    assert_eq!(vpcs(&stage).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_another_stack_is_refused() {
    let stage = Stage::empty();
    let id = by_hand(&stage, "10.20.0.0/16", somebody_elses());
    let before = stage.picture();
    let errors = stage.no_plan(&adopting(&id)).await;
    assert!(
        matches!(errors.as_slice(), [PlanError::OtherStacks { id: of, stack, .. }] if *of == id && stack == "other"),
        "{errors:#?}"
    );
    assert_eq!(stage.picture(), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_an_error_and_nothing_is_made_in_its_stead() {
    let stage = Stage::empty();
    let errors = stage.no_plan(&adopting("vpc-9999")).await;
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(errors.len() == 1 && text.contains("network.main/ec2.vpc") && text.contains("vpc-9999"), "{text}");
    assert_eq!(vpcs(&stage).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_adopted_and_deleted_by_hand_is_not_made_anew_while_the_manifest_names_it() {
    let stage = Stage::empty();
    let id = by_hand(&stage, "10.20.0.0/16", Owner::Nobody);
    stage.converge(&adopting(&id)).await;
    stage.fake.remove(&id);
    let errors = stage.no_plan(&adopting(&id)).await;
    assert!(errors.iter().any(|error| error.to_string().contains(&id)), "{errors:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_become_as_the_manifest_says_is_not_adopted_and_above_all_not_deleted() {
    let stage = Stage::empty();
    let id = by_hand(&stage, "10.99.0.0/16", Owner::Nobody);
    let errors = stage.no_plan(&adopting(&id)).await;
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(errors.len() == 1 && text.contains(&id) && text.contains("cidr"), "{text}");
    assert_eq!(vpcs(&stage).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_adopted_keeps_its_name_where_names_carry_the_generation() {
    let stage = Stage::empty();
    let vpc = by_hand(&stage, "10.20.0.0/16", Owner::Nobody);
    let group: security_group::Spec = serde_json::from_value(json!({
        "name": "named-by-hand", "description": "Tasks of service.web", "vpc": vpc,
    }))
    .unwrap();
    let id = stage.fake.put::<SecurityGroup>(&stage.scope, &group, Owner::Nobody).unwrap();
    let adopt = format!("port    = 8080\nadopt   = {{ \"ec2.security_group\" = \"{id}\" }}");
    let text = adopting(&vpc).replace("port    = 8080", &adopt);
    let writes = stage.converge(&text).await;
    assert!(!writes.iter().any(|call| call.starts_with("Create ec2.security_group service.web/")), "{writes:#?}");
    let held = stage.live("service.web/ec2.security_group");
    assert_eq!((held.id, &held.spec.value()["name"]), (id, &json!("named-by-hand")));
    assert_eq!(stage.converge(&text).await, [] as [&str; 0]);
    // Its tags tell that it is the one: the word has done its work.
    assert_eq!(stage.converge(&edited(&[])).await, [] as [&str; 0], "without the word the group is another one");
}
