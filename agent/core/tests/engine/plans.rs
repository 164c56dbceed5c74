//! What the engine does in the ordinary course: nothing twice, nothing early, nothing that was not asked for.

use agent_core::address::Address;
use agent_core::desired::{Allow, Resource};
use agent_core::doc::Doc;
use agent_core::fake::faults::{Faults, Op, What, When};
use agent_core::fault::Class;
use agent_core::field::{AwsDecides, Name, Tags};
use agent_core::live::{Mark, Owner};
use agent_core::pass::PassError;
use agent_core::plan::PlanError;
use agent_core::reference::{Link, Text};
use agent_core::report::{Outcome, StepError};
use agent_core::state::Ended;

use crate::bench::{Bench, resource};
use crate::toys::{Group, GroupSpec, NetSpec, Pool, PoolSpec, Rule, RuleSpec, ServiceSpec, StoreSpec};

pub fn net(cidr: &str) -> Resource {
    resource("net.main", "toy.net", &NetSpec { cidr: cidr.into(), dns: true, tags: Tags::default() })
}

pub fn group(name: &str, from: &[&str]) -> Resource {
    let spec = GroupSpec {
        name: Name::Base { base: format!("demo-{name}"), max: 32 },
        net: Link::to("net.main"),
        from: from.iter().map(|other| Link::to(other)).collect(),
    };
    resource(&format!("group.{name}"), "toy.group", &spec)
}

pub fn pool(port: u16) -> Resource {
    let name = Name::Base { base: "demo-web".into(), max: 32 };
    resource("svc.web", "toy.pool", &PoolSpec { name, net: Link::to("net.main"), port, path: None })
}

pub fn rule(number: u32) -> Resource {
    let words = Text::from("to ").then_ref(Address::new("svc.web", "toy.pool"), "arn");
    resource("svc.web", "toy.rule", &RuleSpec { number, pool: Link::to("svc.web"), words: Some(words) })
}

pub fn service(image: &str) -> Resource {
    let spec = ServiceSpec {
        name: "web".into(),
        image: image.into(),
        count: AwsDecides::Unset,
        groups: [Link::to("group.a")].into(),
        pool: Some(Link::to("svc.web")),
    };
    resource("svc.web", "toy.service", &spec)
}

/// A stack with one of everything: two groups that name each other, a pool behind a rule, a service.
pub fn stack(cidr: &str, port: u16, image: &str) -> Vec<Resource> {
    vec![net(cidr), group("a", &["group.b"]), group("b", &["group.a"]), pool(port), rule(10), service(image)]
}

#[tokio::test(start_paused = true)]
async fn a_second_pass_changes_nothing_and_says_converged() {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.restart(Faults::default());
    let report = bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await.unwrap();
    assert_eq!(report.ended, Ended::Converged);
    assert_eq!(bench.fake.calls().iter().filter(|call| call.op.is_write()).count(), 0, "{:?}", bench.fake.calls());
}

#[tokio::test(start_paused = true)]
async fn a_create_first_replacement_moves_its_users_before_the_old_one_goes() {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.restart(Faults::default());
    bench.converged(stack("10.0.0.0/16", 81, "one")).await;
    let writes: Vec<String> = bench.fake.writes().iter().map(|call| format!("{:?} {}", call.op, call.kind)).collect();
    let expected = ["Create toy.pool", "Update toy.rule", "Update toy.service", "Delete toy.pool"];
    assert_eq!(writes, expected);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_net_takes_everything_in_it_along() {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.converged(stack("10.9.0.0/16", 80, "one")).await;
    let fresh = Bench::new();
    fresh.converged(stack("10.9.0.0/16", 80, "one")).await;
    assert_eq!(bench.picture(), fresh.picture());
}

#[tokio::test(start_paused = true)]
async fn groups_that_name_each_other_come_and_go() {
    let bench = Bench::new();
    let both = vec![net("10.0.0.0/16"), group("a", &["group.b"]), group("b", &["group.a"])];
    bench.converged(both).await;
    bench.converged(vec![net("10.0.0.0/16")]).await;
    bench.converged(Vec::new()).await;
    assert_eq!(bench.picture(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn drift_is_put_right_and_a_deleted_resource_comes_back() {
    let bench = Bench::new();
    let wanted = || stack("10.0.0.0/16", 80, "one");
    bench.converged(wanted()).await;
    let clean = bench.picture();
    let id_of = |kind: &str| bench.fake.objects().into_values().find(|live| live.kind == kind).unwrap().id;
    bench.fake.alter(&id_of("toy.service"), |spec| spec["image"] = "by hand".into());
    bench.fake.alter(&id_of("toy.service"), |spec| spec["count"] = 7.into());
    bench.fake.alter(&id_of("toy.pool"), |spec| spec["path"] = "/by-hand".into());
    bench.fake.remove(&id_of("toy.rule"));
    bench.converged(wanted()).await;
    let put_right: Vec<String> = bench.picture().into_iter().map(|line| line.replace("\"count\":7,", "")).collect();
    let clean: Vec<String> =
        clean.into_iter().map(|line| line.replace("\"count\":{\"$aws_decides\":null},", "")).collect();
    assert_eq!(put_right, clean, "all is put right but the count, which is left to AWS");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_cannot_be_read_is_left_alone_with_all_that_names_it() {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    let denied = What::Refused(Class::Denied);
    bench.restart(Faults::one(When::Each("toy.pool".into(), Op::List, 99), denied));
    let report = bench.pass(&bench.desired(stack("10.0.0.0/16", 81, "two"))).await.unwrap();
    assert_ne!(report.ended, Ended::Converged);
    assert!(report.not_read.contains_key("toy.pool"));
    assert_eq!(bench.fake.writes(), [], "the pool was not read, and rule and service name it");
}

#[tokio::test(start_paused = true)]
async fn foreign_things_of_the_same_name_are_never_touched() {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    let vpc = bench.fake.objects().into_values().next().unwrap().id;
    let wanted = bench.desired(stack("10.0.0.0/16", 80, "one"));
    let name =
        |address: &Address, base: &str| Name::Full(Name::finish(base, 32, &wanted.resources[address].generation));
    let pool_at = Address::new("svc.web", "toy.pool");
    let group_at = Address::new("group.a", "toy.group");
    let decoy = PoolSpec { name: name(&pool_at, "demo-web"), net: Link::value(&vpc), port: 80, path: None };
    bench.fake.put::<Pool>(&bench.scope, &decoy, Owner::Nobody).unwrap();
    let decoy = GroupSpec { name: name(&group_at, "demo-a"), net: Link::value(&vpc), from: [].into() };
    let other = Owner::Stack(Mark { stack: "other".into(), address: group_at.clone(), generation: "x".into() });
    bench.fake.put::<Group>(&bench.scope, &decoy, other).unwrap();
    let decoys = |bench: &Bench| -> Vec<String> {
        bench.picture().into_iter().filter(|line| !line.starts_with("demo ")).collect()
    };
    let before = decoys(&bench);
    let report = bench.apply(&wanted).await;
    assert_eq!(decoys(&bench), before);
    let refused: Vec<_> = report.report.failures().map(|(step, error)| (step.address.clone(), error.clone())).collect();
    assert!(
        refused.iter().any(|(at, error)| *at == pool_at && matches!(error, StepError::NotOurs { .. })),
        "{refused:?}"
    );
    assert!(refused.iter().any(|(at, error)| *at == group_at && error.to_string().contains("`other`")), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn independent_branches_go_on_after_a_failure_and_dependents_say_why_they_do_not() {
    let bench = Bench::new();
    let fault = What::Refused(Class::Invalid);
    bench.restart(Faults::one(When::Each("toy.pool".into(), Op::Create, 99), fault));
    let report = bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await.unwrap();
    let outcome =
        |kind: &str| report.report.steps.iter().find(|step| step.address.kind() == kind).unwrap().outcome.clone();
    assert!(matches!(outcome("toy.group"), Outcome::Done { .. }));
    assert!(matches!(outcome("toy.rule"), Outcome::Skipped { because } if because == "svc.web/toy.pool failed"));
    assert!(matches!(outcome("toy.service"), Outcome::Skipped { .. }));
}

#[tokio::test(start_paused = true)]
async fn data_goes_only_when_the_revision_says_so() {
    let bench = Bench::new();
    let store = |name: &str| resource("db.main", "toy.store", &StoreSpec { name: name.into(), size: 1, kept: false });
    bench.converged(vec![store("one")]).await;
    for gone_or_renamed in [Vec::new(), vec![store("two")]] {
        let refused = bench.pass(&bench.desired(gone_or_renamed)).await;
        assert!(matches!(&refused, Err(PassError::Plan(errors)) if matches!(errors[0], PlanError::Protected { .. })));
    }
    assert_eq!(bench.picture().len(), 1);
    let report = bench.apply(&bench.desired_allowing(vec![store("two")], &["db.main"])).await;
    assert_eq!(report.ended, Ended::Converged);
    assert!(bench.picture()[0].contains("\"name\":\"two\""));
}

/// Without it the plan begins: what uses the thing goes, and the thing itself stays.
#[tokio::test(start_paused = true)]
async fn what_aws_does_not_let_go_stops_the_plan_though_the_manifest_names_it_no_longer() {
    let bench = Bench::new();
    let store =
        |name: &str, kept: bool| resource("db.main", "toy.store", &StoreSpec { name: name.into(), size: 1, kept });
    bench.converged(vec![store("one", true)]).await;
    for (wanted, verb) in [(Vec::new(), "deleted"), (vec![store("two", false)], "replaced")] {
        // The word of the manifest is not enough: it is AWS that keeps it.
        let refused = bench.pass(&bench.desired_allowing(wanted, &["db.main"])).await;
        let Err(PassError::Plan(errors)) = refused else { panic!("{refused:?}") };
        let told = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let why = format!("db.main/toy.store: would be {verb}, and AWS refuses that as long as `kept` is true");
        assert!(matches!(&told[..], [one] if one.starts_with(&why)), "{told:?}");
    }
    bench.converged(vec![store("one", false)]).await;
    let report = bench.apply(&bench.desired_allowing(Vec::new(), &["db.main"])).await;
    assert_eq!((report.ended, bench.picture().len()), (Ended::Converged, 0));
}

#[tokio::test(start_paused = true)]
async fn more_removals_than_the_budget_stop_the_stack() {
    let mut bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.settings.removal_budget = 2;
    let Err(PassError::Plan(errors)) = bench.pass(&bench.desired(Vec::new())).await else { panic!("it was planned") };
    assert!(errors[0].to_string().contains("removals = 2"), "{}", errors[0]);
    assert_eq!(bench.picture().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn resources_without_a_record_stop_the_stack() {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    agent_core::state::Store::delete(bench.fake.as_ref(), "demo", "last").await.unwrap();
    let lost = bench.pass(&bench.desired(vec![net("10.1.0.0/16")])).await;
    assert!(matches!(lost, Err(PassError::StateLost { count: 1, .. })));
}

#[tokio::test(start_paused = true)]
async fn two_that_claim_to_be_current_stop_the_stack_with_both_ids() {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    let live = bench.fake.objects().into_values().next().unwrap();
    let spec: NetSpec = live.spec.typed().unwrap();
    let twin = bench.fake.put::<crate::toys::Net>(&bench.scope, &spec, live.owner.clone()).unwrap();
    let Err(PassError::Plan(errors)) = bench.pass(&bench.desired(vec![net("10.0.0.0/16")])).await else {
        panic!("it was planned")
    };
    assert!(errors[0].to_string().contains(&twin) && errors[0].to_string().contains(&live.id), "{}", errors[0]);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_moves_to_another_component_is_freed_first() {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    let other = RuleSpec { number: 10, pool: Link::to("svc.web"), words: None };
    let mut moved: Vec<Resource> =
        stack("10.0.0.0/16", 80, "one").into_iter().filter(|r| r.address.kind() != "toy.rule").collect();
    moved.push(resource("svc.other", "toy.rule", &other));
    bench.converged(moved).await;
    assert_eq!(bench.fake.objects().values().filter(|live| live.kind == Rule::name()).count(), 1);
}

impl Rule {
    fn name() -> &'static str {
        <Self as agent_core::kind::Kind>::NAME
    }
}

#[tokio::test(start_paused = true)]
async fn slow_things_do_not_hold_up_the_rest() {
    let bench = Bench::new();
    let slow = vec![("toy.net".to_owned(), std::time::Duration::from_mins(5))];
    bench.restart(Faults { slow, ..Faults::default() });
    let report = bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await.unwrap();
    assert_eq!(report.ended, Ended::Progressing);
    let waiting: Vec<String> = report.report.waiting().map(|(step, on)| format!("{} {on}", step.address)).collect();
    assert_eq!(waiting, ["svc.web/toy.service net.main/toy.net, which is coming"]);
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
}

#[test]
fn a_reference_to_nothing_and_a_cycle_are_told_before_anything_is_read() {
    let bench = Bench::new();
    let kinds = bench.cloud.kinds();
    let build = |resources| agent_core::desired::Desired::build("demo", resources, Allow::default(), &kinds);
    let dangling = build(vec![pool(80)]).unwrap_err();
    assert!(dangling[0].to_string().contains("names net.main/toy.net, which is not in this stack"), "{}", dangling[0]);
    let text = Text::reference(Address::new("svc.b", "toy.rule"), "arn");
    let mut one = resource("svc.a", "toy.rule", &RuleSpec { number: 1, pool: Link::value("p"), words: Some(text) });
    let text = Text::reference(Address::new("svc.a", "toy.rule"), "arn");
    let two = resource("svc.b", "toy.rule", &RuleSpec { number: 2, pool: Link::value("p"), words: Some(text) });
    let cycle = build(vec![one.clone(), two]).unwrap_err();
    assert!(cycle[0].to_string().contains("svc.a/toy.rule, svc.b/toy.rule"), "{}", cycle[0]);
    let text = Text::reference(Address::new("svc.a", "toy.net"), "nonsense");
    one.spec = Doc::of(&RuleSpec { number: 1, pool: Link::value("p"), words: Some(text) }).unwrap();
    let spec = NetSpec { cidr: "c".into(), dns: false, tags: Tags::default() };
    let unknown = build(vec![one, resource("svc.a", "toy.net", &spec)]).unwrap_err();
    assert!(unknown[0].to_string().contains("it has `arn`, `id`"), "{}", unknown[0]);
}

#[tokio::test(start_paused = true)]
async fn an_ignored_field_is_set_once_and_then_left_to_whoever_changes_it() {
    let bench = Bench::new();
    let wanted = |path: &str| {
        let mut pool = pool(80);
        let mut spec = pool.spec.value();
        spec["path"] = path.into();
        pool.spec = Doc::from_value(&spec);
        pool.ignore = vec!["path".into()];
        vec![net("10.0.0.0/16"), pool, rule(10)]
    };
    let path_of = |bench: &Bench| {
        let objects = bench.fake.objects();
        let live = objects.values().find(|live| live.kind == "toy.pool").unwrap();
        (live.id.clone(), live.spec.value()["path"].clone())
    };
    bench.converged(wanted("/one")).await;
    let (id, path) = path_of(&bench);
    assert_eq!(path, "/one");
    bench.fake.alter(&id, |spec| spec["path"] = "/by-somebody".into());
    bench.converged(wanted("/two")).await;
    assert_eq!(path_of(&bench), (id, "/by-somebody".into()));
}

#[tokio::test(start_paused = true)]
async fn the_time_is_kept_even_while_things_move() {
    let bench = Bench::new();
    let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
    let report = bench.apply_within(&desired, std::time::Duration::ZERO).await;
    assert_eq!(report.ended, Ended::Progressing, "one pass, although every step of it was done");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_only_being_deleted_is_listed_again_though_its_record_was_lost() {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16"), pool(80)]).await;
    agent_core::state::Store::delete(bench.fake.as_ref(), "demo", "kinds").await.unwrap();
    let denied = What::Refused(Class::Denied);
    bench.restart(Faults::one(When::Each("toy.pool".into(), Op::Delete, 1), denied));
    let without = bench.desired(vec![net("10.0.0.0/16")]);
    assert_eq!(bench.pass(&without).await.unwrap().ended, Ended::Failed);
    bench.restart(Faults::default());
    assert_eq!(bench.apply(&without).await.ended, Ended::Converged);
    assert_eq!(bench.picture().len(), 1, "the pool is not forgotten: {:?}", bench.picture());
}
