//! A stack that people have suspended is left alone, whoever makes a pass, until it is resumed or the time is over.

use agent_core::clock::{Clock, Reading};
use agent_core::fake::faults::{Faults, Op, What, When};
use agent_core::pass::PassError;
use agent_core::state::{Ended, NotSuspended, StackState, Store, Suspension, UntilWhen, resume, suspend, suspension};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::plans::{net, stack};

fn said(reason: &str) -> Suspension {
    let by = "arn:aws:iam::123456789012:user/ann".to_owned();
    Suspension { by, reason: reason.to_owned(), until: None, since: None }
}

fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A bench whose clock on the wall shows noon at the start.
fn bench_at_noon() -> Bench {
    let mut bench = Bench::new();
    let began = Instant::now();
    bench.timing.clock = Clock::of(move || Reading {
        steady: Instant::now(),
        wall: noon() + SignedDuration::try_from(began.elapsed()).unwrap(),
    });
    bench
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_in_a_stack_that_is_suspended_and_all_goes_on_when_it_is_resumed() {
    let bench = bench_at_noon();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    suspend(bench.fake.as_ref(), "demo", &said("the database is being moved"), noon()).await.unwrap();
    let wanted = bench.desired(stack("10.0.0.0/16", 80, "two"));
    bench.restart(Faults::default());
    let Err(PassError::Suspended(why)) = bench.pass(&wanted).await else { panic!("a pass over a suspended stack") };
    assert!(why.to_string().ends_with(": the database is being moved"), "{why}");
    assert!(why.to_string().starts_with("arn:aws:iam::123456789012:user/ann suspended it at 1970-01-01"), "{why}");
    assert!(matches!(bench.destroy().await, Err(PassError::Suspended(_))));
    assert_eq!(bench.fake.calls().iter().filter(|call| call.op.is_write()).count(), 0);
    let held = suspension(bench.fake.as_ref(), "demo").await.unwrap();
    assert_eq!(held.map(|held| held.reason).as_deref(), Some("the database is being moved"));
    resume(bench.fake.as_ref(), "demo").await.unwrap();
    assert_eq!(bench.apply(&wanted).await.ended, Ended::Converged);
    assert_eq!(suspension(bench.fake.as_ref(), "demo").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_suspension_is_told_by_the_one_read_of_the_stacks_words() {
    let bench = bench_at_noon();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    let reads = async || {
        bench.restart(Faults::default());
        let _ = bench.pass(&bench.desired(vec![net("10.0.0.0/16")])).await;
        bench.fake.calls().iter().filter(|call| call.kind == "state").count()
    };
    assert_eq!(reads().await, 1);
    suspend(bench.fake.as_ref(), "demo", &said("a reason"), noon()).await.unwrap();
    assert_eq!(reads().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_suspension_ends_by_itself_when_its_time_is_over() {
    let bench = bench_at_noon();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    let until = "2h".parse::<UntilWhen>().unwrap().after(noon()).unwrap();
    assert_eq!(until.to_string(), "2026-11-21T14:00:00Z");
    let two_hours = Suspension { until: Some(until), ..said("a reason") };
    suspend(bench.fake.as_ref(), "demo", &two_hours, noon()).await.unwrap();
    let wanted = bench.desired(vec![net("10.0.0.0/16")]);
    tokio::time::advance(std::time::Duration::from_secs(7190)).await;
    assert!(matches!(bench.pass(&wanted).await, Err(PassError::Suspended(_))));
    tokio::time::advance(std::time::Duration::from_secs(20)).await;
    assert_eq!(bench.pass(&wanted).await.unwrap().ended, Ended::Converged);
    // Another may follow where one has run out.
    let later = noon() + SignedDuration::from_hours(3);
    suspend(bench.fake.as_ref(), "demo", &said("another"), later).await.unwrap();
    assert!(matches!(bench.pass(&wanted).await, Err(PassError::Suspended(_))));
}

#[tokio::test(start_paused = true)]
async fn of_two_people_one_hears_of_the_other_and_what_is_said_twice_is_said_once() {
    let bench = bench_at_noon();
    let store = bench.fake.as_ref();
    suspend(store, "demo", &said("the first"), noon()).await.unwrap();
    suspend(store, "demo", &said("the first"), noon()).await.unwrap();
    assert_eq!(Store::history(store, "demo", "suspended").await.unwrap().len(), 1);
    let second = suspend(store, "demo", &said("the second"), noon()).await;
    let Err(NotSuspended::Already(held)) = second else { panic!("{second:?}") };
    assert_eq!(held.reason, "the first");
    // The call is carried out, and its answer is lost: whoever says it again is told that it holds.
    resume(store, "demo").await.unwrap();
    bench.restart(Faults::one(When::Each("state".into(), Op::Create, 1), What::AnswerLost));
    assert!(matches!(suspend(store, "demo", &said("a third"), noon()).await, Err(NotSuspended::Fault(_))));
    suspend(store, "demo", &said("a third"), noon()).await.unwrap();
    let state = StackState::read(store, "demo").await.unwrap();
    assert_eq!(state.suspension.map(|held| held.reason).as_deref(), Some("a third"));
}

#[tokio::test(start_paused = true)]
async fn a_reason_is_one_line_that_people_can_read() {
    let bench = Bench::new();
    for reason in ["", "  ", "two\nlines", "\u{1b}[31mred", "{{name}}", &"x".repeat(301)] {
        let refused = suspend(bench.fake.as_ref(), "demo", &said(reason), noon()).await;
        assert!(matches!(refused, Err(NotSuspended::Reason)), "{reason:?}");
    }
    suspend(bench.fake.as_ref(), "demo", &said(&"x".repeat(300)), noon()).await.unwrap();
    let all = bench.fake.all("demo").await.unwrap();
    assert!(all["suspended"].value.len() < 4096);
}

#[test]
fn an_end_is_a_length_or_a_moment_that_is_to_come() {
    let after = |text: &str| text.parse::<UntilWhen>().and_then(|when| when.after(noon())).map(|at| at.to_string());
    assert_eq!(after("90m").as_deref(), Ok("2026-11-21T13:30:00Z"));
    assert_eq!(after("2026-12-01T08:00:00Z").as_deref(), Ok("2026-12-01T08:00:00Z"));
    for wrong in ["", "soon", "-2h", "0s", "2026-11-21T11:59:00Z", "99999999999h"] {
        assert!(after(wrong).is_err(), "{wrong}: {:?}", after(wrong));
    }
}
