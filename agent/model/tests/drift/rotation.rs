//! A secret header is made anew while requests go through all the while: a model of the way from the edge of CloudFront to
//! the rules of the load balancer, built from what the faked cloud held after each change.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_core::doc::{self, SECRET};
use agent_core::fake::faults::{Faults, What, When};
use agent_core::fake::history::Moment;
use agent_core::live::LiveDoc;
use agent_core::state::Ended;
use agent_model::rotation::NotRotating;
use serde_json::Value;
use tokio::time::Instant;

use crate::stage::Stage;

/// How long CloudFront takes to bring a change everywhere.
const DEPLOYS: Duration = Duration::from_secs(90);
const EDGE: &str = "load_balancer.edge";
const SECRET_AT: &str = "load_balancer.edge/ssm.parameter.origin-header";
const SITE: &str = "distribution.site/cloudfront.distribution";

const UM: &str = r#"
[stack]
name    = "hello"
account = "123456789012"
region  = "eu-west-1"

[network.main]
cidr  = "10.20.0.0/16"
tiers = ["public", "private"]

[load_balancer.edge]
scheme        = "internet-facing"
listeners     = { 80 = {} }
origin_header = { name = "X-Origin-Verify", every = "30d" }

[distribution.site]

[service.web]
image  = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1"
port   = 8080
expose = [{ path = "/*" }, { path = "/api/*" }]

[service.inbox]
image  = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/inbox:1"
port   = 8080
expose = [{ path = "/inbox/*" }]
"#;

fn slow() -> Faults {
    let slow = vec![("cloudfront.distribution".to_owned(), DEPLOYS)];
    Faults { slow, remembers: true, ..Faults::default() }
}

/// The secrets anywhere below a value.
fn secrets(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    doc::visit(value, "", &mut |_, map| {
        found.extend(map.get(SECRET).and_then(Value::as_str).map(str::to_owned));
    });
    found
}

fn of_kind<'a>(moment: &'a Moment, kind: &'a str) -> impl Iterator<Item = &'a LiveDoc> {
    moment.objects.values().filter(move |live| live.kind == kind)
}

/// What some place of the world may send at a moment: what the distribution says, and whatever it said before a change that
/// has not reached all places.
fn sent(history: &[Moment], upto: usize) -> BTreeSet<String> {
    let now = history[upto].at;
    let says = |moment: &Moment| -> BTreeSet<String> {
        of_kind(moment, "cloudfront.distribution").flat_map(|live| secrets(&live.spec.value()["origins"])).collect()
    };
    let mut all = says(&history[upto]);
    for pair in history[..=upto].windows(2) {
        let (before, after) = (says(&pair[0]), says(&pair[1]));
        if before != after && now < pair[1].at + DEPLOYS {
            all.extend(before);
        }
    }
    all
}

/// Requests, at each moment and with each header that some place may send: gives those that a rule refuses.
fn refused(history: &[Moment]) -> Vec<String> {
    let mut refused = Vec::new();
    for upto in 0..history.len() {
        let moment = &history[upto];
        for rule in of_kind(moment, "elb.rule") {
            let accepted = secrets(&rule.spec.value()["conditions"]);
            let unknown: Vec<String> = sent(history, upto).difference(&accepted).cloned().collect();
            if !unknown.is_empty() {
                refused.push(format!("after change {upto}: {} refuses {unknown:?}, and takes {accepted:?}", rule.id));
            }
        }
    }
    refused
}

fn accepted(stage: &Stage) -> BTreeSet<usize> {
    let objects = stage.fake.objects();
    let rules = objects.values().filter(|live| live.kind == "elb.rule");
    rules.map(|rule| secrets(&rule.spec.value()["conditions"]).len()).collect()
}

async fn there() -> Stage {
    let stage = Stage::of(UM).await;
    tokio::time::advance(DEPLOYS).await;
    stage
}

fn header(stage: &Stage) -> Value {
    stage.live(SECRET_AT).out.value()["value"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_made_anew_and_no_request_is_refused() {
    let stage = there().await;
    let (old, began) = (header(&stage), Instant::now());
    let wanted = stage.rotating(UM, EDGE).await.unwrap();
    stage.fake.restart(slow());
    let end = stage.passes(Some(&wanted), UM).await.unwrap();
    assert_eq!(end.ended, Ended::Converged, "{end:#?}");
    assert!(began.elapsed() >= DEPLOYS, "the old one went before the new one was everywhere");
    assert_ne!(header(&stage), old);
    assert_eq!(secrets(&stage.live(SITE).spec.value()["origins"]), secrets(&header(&stage)));
    assert_eq!(accepted(&stage), [1].into(), "the old one is still good");
    assert_eq!(refused(&stage.fake.history()), [] as [&str; 0]);
    assert_eq!(stage.converge(UM).await, [] as [&str; 0], "the next pass still finds something");
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_change_of_it_refuses_no_request_and_makes_no_third_secret() {
    let mut n = 1;
    loop {
        let stage = there().await;
        let wanted = stage.rotating(UM, EDGE).await.unwrap();
        let mut crashed = false;
        for what in [What::CrashBefore, What::CrashAfter, What::AnswerLost] {
            stage.fake.restart(Faults { plan: vec![(When::Write(n), what)], ..slow() });
            let end = stage.passes(Some(&wanted), UM).await;
            crashed |= end.is_err() || end.is_ok_and(|end| end.ended != Ended::Converged);
            tokio::time::advance(Duration::from_hours(1)).await;
        }
        stage.fake.restart(slow());
        // Another process: it knows only what AWS holds.
        let end = stage.passes(None, UM).await.unwrap();
        assert_eq!(end.ended, Ended::Converged, "write {n}: {end:#?}");
        assert_eq!(refused(&stage.fake.history()), [] as [&str; 0], "write {n}");
        assert!(accepted(&stage) == [1].into(), "write {n}: the old one is still good");
        assert!(stage.live(SECRET_AT).out.value()["version"].as_i64() <= Some(2), "write {n}: made twice");
        if !crashed {
            break;
        }
        n += 1;
    }
    assert!(n > 10, "only {n} changes were looked at");
}

#[tokio::test(start_paused = true)]
async fn another_change_in_the_middle_of_it_refuses_no_request() {
    let stage = there().await;
    let wanted = stage.rotating(UM, EDGE).await.unwrap();
    // The new value is there, and the process dies before any rule knows of it.
    stage.fake.restart(Faults {
        plan: vec![(When::Each("elb.rule".into(), agent_core::fake::faults::Op::Update, 1), What::CrashBefore)],
        ..slow()
    });
    let _ = stage.passes(Some(&wanted), UM).await;
    tokio::time::advance(Duration::from_hours(1)).await;
    let edited =
        UM.replace("[distribution.site]", "[distribution.site]\nprice_class = \"100\"").replace("/inbox/*", "/box/*");
    stage.fake.restart(slow());
    let end = stage.passes(None, &edited).await.unwrap();
    assert_eq!(end.ended, Ended::Converged, "{end:#?}");
    assert_eq!(refused(&stage.fake.history()), [] as [&str; 0]);
    assert_eq!(accepted(&stage), [1].into());
}

#[tokio::test(start_paused = true)]
async fn while_cloudfront_cannot_be_read_the_old_one_stays_good() {
    let stage = there().await;
    let wanted = stage.rotating(UM, EDGE).await.unwrap();
    let unread = (
        When::Each("cloudfront.distribution".into(), agent_core::fake::faults::Op::List, usize::MAX),
        What::Refused(agent_core::fault::Class::Denied),
    );
    stage.fake.restart(Faults { plan: vec![unread.clone()], ..slow() });
    let _ = stage.passes(Some(&wanted), UM).await;
    assert_eq!(refused(&stage.fake.history()), [] as [&str; 0]);
    assert_ne!(secrets(&stage.live(SITE).spec.value()["origins"]), BTreeSet::new());
    stage.fake.restart(slow());
    let end = stage.passes(None, UM).await.unwrap();
    assert_eq!(end.ended, Ended::Converged, "{end:#?}");
    assert_eq!(refused(&stage.fake.history()), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_old_enough_is_due_and_only_then() {
    let stage = there().await;
    let modified = stage.live(SECRET_AT).out.value()["modified"].as_i64().unwrap();
    let day = 86_400;
    assert_eq!(stage.due(UM, modified + 30 * day - 1).await, []);
    let due = stage.due(UM, modified + 30 * day).await;
    assert_eq!(due.iter().map(|due| due.address.as_str()).collect::<Vec<_>>(), [SECRET_AT]);
    let never = UM.replace(", every = \"30d\"", "");
    assert_eq!(stage.due(&never, modified + 3000 * day).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_secret_is_told_and_a_second_time_waits_for_the_first() {
    let stage = there().await;
    let refusal = stage.rotating(UM, "service.web").await.unwrap_err();
    let text = "`service.web` has no secret that a distribution of the stack sends; `load_balancer.edge` has one";
    assert_eq!(refusal.to_string(), text);
    let wanted = stage.rotating(UM, EDGE).await.unwrap();
    stage.fake.restart(Faults { plan: vec![(When::Write(4), What::CrashBefore)], ..slow() });
    let _ = stage.passes(Some(&wanted), UM).await;
    tokio::time::advance(Duration::from_hours(1)).await;
    stage.fake.restart(slow());
    assert!(matches!(stage.rotating(UM, EDGE).await, Err(NotRotating::UnderWay(_))));
}
