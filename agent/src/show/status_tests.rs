//! What is printed of a status beyond what the tests over the shipped binary see: pages, changes, hostile texts.

use agent_core::health::{Ignored, Waits};
use agent_core::state::AtWork;

use super::*;
use crate::cli::Colour;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn resource(address: &str, health: Health, sync: Sync, reasons: &[&str]) -> Resource {
    Resource {
        address: address.parse().unwrap(),
        id: (health != Health::Missing).then(|| "id".to_owned()),
        health,
        sync,
        pending: (sync != Sync::Synced).then(|| "update".to_owned()),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        waits: None,
        ignored: Vec::new(),
    }
}

fn component(resources: Vec<Resource>) -> Component {
    let health = resources.iter().map(|resource| resource.health).max().unwrap();
    let sync = resources.iter().map(|resource| resource.sync).max().unwrap();
    Component { name: resources[0].address.component().to_owned(), health, sync, resources }
}

fn status() -> Status {
    let mut missing = resource("service.mail/ecs.service", Health::Missing, Sync::OutOfSync { fields: 0 }, &[]);
    missing.waits = Some(Waits {
        on: "load_balancer.edge/elb.listener.80".parse().unwrap(),
        which_is: "to be created first".into(),
        in_the_end: Some(("load_balancer.edge/elb.load_balancer".parse().unwrap(), "coming".into())),
    });
    let mut scaled = resource("service.web/ecs.service", Health::Healthy, Sync::Synced, &[]);
    scaled.ignored.push(Ignored { field: "desired_count".into(), reason: "an operator scales it".into() });
    let components = vec![
        component(vec![resource(
            "load_balancer.edge/elb.load_balancer",
            Health::Progressing,
            Sync::OutOfSync { fields: 1 },
            &["it is being made"],
        )]),
        component(vec![missing, resource("service.mail/iam.role.task", Health::Healthy, Sync::Synced, &[])]),
        component(vec![scaled]),
    ];
    Status {
        stack: "um".into(),
        revision: Some("0123456789abcdef0123456789abcdef01234567".into()),
        outcome: Some(Ended::Applying),
        since: Some(at("2026-11-21T14:02:05Z")),
        wanted: "fedcba9876543210fedcba9876543210fedcba98".into(),
        at_work: Some(AtWork {
            holder: "d0c3f1".into(),
            since: at("2026-11-21T14:02:05Z"),
            expired: false,
            until: at("2026-11-21T14:03:05Z"),
        }),
        suspended: None,
        suspension: None,
        refused: vec!["origin-header-required: anybody can reach it".into()],
        health: Health::Missing,
        sync: Sync::OutOfSync { fields: 1 },
        components,
        notes: vec!["ec2.vpc: AWS does not say why: denied".into()],
    }
}

fn shown(status: &Status, all: bool) -> String {
    text(status, all, at("2026-11-21T14:02:47Z"), &Printer::new(Colour::Never))
}

#[test]
fn a_stack_that_is_worked_on() {
    insta::assert_snapshot!(shown(&status(), false), @r"
    um: applying at 0123456789ab since 2026-11-21 14:02:05 UTC (42 s ago); now missing, out of sync
      compared with fedcba987654, which is not what was applied
      refused by the rules: origin-header-required: anybody can reach it
      the agent d0c3f1 is at work since 2026-11-21 14:02:05 UTC; its lease ends at 2026-11-21 14:03:05 UTC
      ec2.vpc: AWS does not say why: denied
      … load_balancer.edge  progressing  out of sync
          … elb.load_balancer  progressing  out of sync: 1 field differs
                                            it is being made
      ○ service.mail        missing      out of sync
          ○ ecs.service  missing      waits for load_balancer.edge/elb.listener.80, which is to be created first; in the end for load_balancer.edge/elb.load_balancer, which is coming
      ✓ service.web         healthy
          ✓ ecs.service  healthy      left alone: desired_count (an operator scales it)
    ");
}

#[test]
fn a_stack_whose_agent_stopped_was_interrupted() {
    let status = Status { at_work: None, notes: Vec::new(), components: Vec::new(), ..status() };
    insta::assert_snapshot!(shown(&status, false), @r"
    um: interrupted at 0123456789ab since 2026-11-21 14:02:05 UTC (42 s ago); now missing, out of sync
      compared with fedcba987654, which is not what was applied
      refused by the rules: origin-header-required: anybody can reach it
    ");
}

#[test]
fn a_page_holds_hostile_texts_as_they_are() {
    let mut status = status();
    status.components[0].resources[0].reasons = vec!["a|b <img src=x> @team\n**bold** \u{1b}[31m".into()];
    let page = markdown(&status, false, at("2026-11-21T14:02:47Z"));
    insta::assert_snapshot!(page, @r"
    ### `um`: applying at 0123456789ab since 2026-11-21 14:02:05 UTC (42 s ago); now **missing, out of sync**

    compared with fedcba987654, which is not what was applied

    refused by the rules: origin-header-required: anybody can reach it

    the agent d0c3f1 is at work since 2026-11-21 14:02:05 UTC; its lease ends at 2026-11-21 14:03:05 UTC

    ec2.vpc: AWS does not say why: denied

    | | health | sync | |
    |---|---|---|---|
    | `load_balancer.edge` | progressing | out of sync: 1 field differs | |
    | &nbsp;&nbsp;`elb.load_balancer` | progressing | out of sync: 1 field differs | a&#124;b &lt;img src=x> &#64;team&#92;n&#42;&#42;bold&#42;&#42; &#92;u{1b}&#91;31m |
    | `service.mail` | missing | out of sync | |
    | &nbsp;&nbsp;`ecs.service` | missing | out of sync | waits for load&#95;balancer.edge/elb.listener.80, which is to be created first; in the end for load&#95;balancer.edge/elb.load&#95;balancer, which is coming |
    | `service.web` | healthy | synced | |
    | &nbsp;&nbsp;`ecs.service` | healthy | synced | left alone: desired&#95;count (an operator scales it) |
    ");
    assert!(!shown(&status, false).contains('\u{1b}'));
}

#[test]
fn only_what_has_become_otherwise_is_told() {
    let (before, now) = (status(), at("2026-11-21T14:02:47Z"));
    assert_eq!(changes(Some(&before), &before, now), [] as [&str; 0]);
    let mut after = before.clone();
    after.components[0].resources[0] =
        resource("load_balancer.edge/elb.load_balancer", Health::Healthy, Sync::Synced, &[]);
    after.components[1].resources.remove(1);
    let expected = ["um: load_balancer.edge/elb.load_balancer is healthy", "um: service.mail/iam.role.task has gone"];
    assert_eq!(changes(Some(&before), &after, now), expected);
    // At first all is told that is not in order.
    let first = changes(None, &before, now);
    assert_eq!(first.len(), 4, "{first:#?}");
    assert!(first[0].starts_with("um: applying at 0123456789ab since "), "{}", first[0]);
}
