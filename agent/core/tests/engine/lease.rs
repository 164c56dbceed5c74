//! Two agents on one stack: whoever does not hold the lease writes nothing, not even to tidy up.

use std::time::Duration;

use agent_core::address::Address;
use agent_core::clock::{Clock, Reading};
use agent_core::fake::faults::{Faults, What, When};
use agent_core::fault::Class;
use agent_core::pass::PassError;
use agent_core::report::StepError;
use agent_core::state::{Ended, Intent, Lease, NoLease, StackState, Store, at_work, write};
use agent_core::told::Told;
use agent_core::work::within;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::plans::{net, stack};

async fn converged() -> Bench {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.restart(Faults::default());
    bench
}

async fn other_agent(bench: &Bench) -> Lease<'_> {
    Lease::take(bench.fake.as_ref(), "demo", "another".into(), &bench.timing).await.unwrap()
}

/// An intent as an agent writes it before a creating call.
async fn intent(bench: &Bench, component: &str) -> String {
    let address = Address::new(component, "toy.net");
    let intent = Intent { address: address.clone(), generation: "0123456789ab".into() };
    let entry = Intent::entry(&address);
    write(bench.fake.as_ref(), "demo", &entry, &intent).await.unwrap();
    entry
}

async fn entries(bench: &Bench) -> Vec<String> {
    bench.fake.all("demo").await.unwrap().into_keys().collect()
}

#[tokio::test(start_paused = true)]
async fn a_pass_without_steps_leaves_the_intent_of_an_agent_at_work() {
    let bench = converged().await;
    let lease = other_agent(&bench).await;
    let entry = intent(&bench, "net.second").await;
    let pass = bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await.unwrap();
    assert_eq!(pass.ended, Ended::Converged);
    assert!(entries(&bench).await.contains(&entry), "the other agent's call may be under way");
    lease.release().await;
    bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await.unwrap();
    assert!(!entries(&bench).await.contains(&entry), "nobody is at work any more");
}

#[tokio::test(start_paused = true)]
async fn a_pass_without_steps_does_not_record_its_revision_over_an_agent_at_work() {
    let mut bench = converged().await;
    bench.revision = "r2".into();
    let lease = other_agent(&bench).await;
    let held = bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await;
    assert!(matches!(held, Err(PassError::Lease(_))), "{:?}", held.map(|pass| pass.ended));
    lease.release().await;
    let pass = bench.pass(&bench.desired(stack("10.0.0.0/16", 80, "one"))).await.unwrap();
    assert_eq!(pass.ended, Ended::Converged);
    assert!(bench.fake.all("demo").await.unwrap()["last"].value.contains("r2"));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_cannot_record_its_end_gives_the_lease_back() {
    let bench = Bench::new();
    let desired = bench.desired(vec![net("10.0.0.0/16")]);
    let clean = Bench::new();
    clean.pass(&clean.desired(vec![net("10.0.0.0/16")])).await.unwrap();
    // The last write but the one that gives the lease back.
    let writes = clean.fake.calls().iter().filter(|call| call.op.is_write()).count();
    bench.restart(Faults::one(When::Write(writes - 1), What::Refused(Class::Denied)));
    assert!(matches!(bench.pass(&desired).await, Err(PassError::State(_))));
    bench.restart(Faults::default());
    other_agent(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_cannot_announce_itself_gives_the_lease_back() {
    let bench = Bench::new();
    // After the claim of the lease: the revision, then the kinds.
    for write in [2, 3] {
        bench.restart(Faults::one(When::Write(write), What::Refused(Class::Denied)));
        assert!(matches!(bench.pass(&bench.desired(vec![net("10.0.0.0/16")])).await, Err(PassError::State(_))));
        bench.restart(Faults::default());
        other_agent(&bench).await.release().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_words_of_a_destroyed_stack_stay_while_another_agent_is_at_work() {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    bench.converged(Vec::new()).await;
    write(bench.fake.as_ref(), "demo", Told::ENTRY, &Told::default()).await.unwrap();
    let lease = other_agent(&bench).await;
    let before = entries(&bench).await;
    assert!(matches!(bench.destroy().await, Err(PassError::Lease(_))));
    assert_eq!(entries(&bench).await, before);
    lease.release().await;
    bench.destroy().await.unwrap();
    assert_eq!(entries(&bench).await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_cannot_take_the_words_away_gives_the_lease_back() {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    bench.converged(Vec::new()).await;
    // The claim of the lease, then the first word.
    bench.restart(Faults::one(When::Write(2), What::Refused(Class::Denied)));
    assert!(matches!(bench.destroy().await, Err(PassError::State(_))));
    bench.restart(Faults::default());
    bench.destroy().await.unwrap();
}

/// Who a status says is at work, at a moment of the cloud's clock, and whether the history of claims was asked for.
async fn seen_at_work(bench: &Bench, now: i64) -> (Option<String>, bool) {
    let state = StackState::read(bench.fake.as_ref(), "demo").await.unwrap();
    let before = bench.fake.calls().len();
    let at_work = at_work(bench.fake.as_ref(), "demo", &state, now).await.unwrap();
    let at_work = at_work.map(|one| if one.expired { format!("{}, expired", one.holder) } else { one.holder });
    (at_work, bench.fake.calls().len() > before)
}

#[tokio::test(start_paused = true)]
async fn a_status_says_who_is_at_work_and_asks_no_more_where_nobody_is() {
    let bench = converged().await;
    assert_eq!(seen_at_work(&bench, 0).await, (None, false), "the lease was given back");
    let lease = other_agent(&bench).await;
    let taken = bench.fake.all("demo").await.unwrap()["lease"].at;
    assert_eq!(seen_at_work(&bench, taken).await, (Some("another".into()), true));
    // One that does not get it has made the newest claim, and does not hold it.
    let refused = Lease::take(bench.fake.as_ref(), "demo", "late".into(), &bench.timing).await;
    assert!(refused.is_err());
    assert_eq!(seen_at_work(&bench, taken).await, (Some("another".into()), true));
    let over = taken + i64::try_from(bench.timing.lease.as_millis()).unwrap();
    assert_eq!(seen_at_work(&bench, over).await, (Some("another, expired".into()), true), "it ran out");
    lease.release().await;
    assert_eq!(seen_at_work(&bench, taken).await.0, None);
}

/// The words of a stack as they are seen now.
async fn seen(bench: &Bench) -> StackState {
    let asked_at = Some(bench.timing.clock.now());
    StackState { asked_at, ..StackState::read(bench.fake.as_ref(), "demo").await.unwrap() }
}

async fn our_lease<'a>(bench: &'a Bench, seen: Option<&StackState>) -> Result<Lease<'a>, NoLease> {
    Lease::take_since(bench.fake.as_ref(), "demo", "ours".into(), &bench.timing, seen).await
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_three_quarters_of_a_claim_are_over() {
    let bench = Bench::new();
    let mut lease = our_lease(&bench, None).await.unwrap();
    let fence = lease.permit().await.unwrap();
    let put =
        async |name: &'static str| within(fence.clone(), Store::put(bench.fake.as_ref(), "demo", name, "x")).await;
    tokio::time::advance(bench.timing.lease * 5 / 8).await;
    put("early").await.unwrap();
    tokio::time::advance(bench.timing.lease / 8).await;
    assert_eq!(put("late").await.unwrap_err().class, Class::Lost);
    let entries = entries(&bench).await;
    assert!(entries.contains(&"early".to_owned()) && !entries.contains(&"late".to_owned()), "{entries:?}");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_knows_by_the_clock_on_the_wall() {
    let mut bench = Bench::new();
    let (steady, began) = (Instant::now(), Instant::now());
    bench.timing.clock = Clock::of(move || Reading {
        steady,
        wall: Timestamp::UNIX_EPOCH + SignedDuration::try_from(began.elapsed()).unwrap(),
    });
    let mut lease = our_lease(&bench, None).await.unwrap();
    let fence = lease.permit().await.unwrap();
    tokio::time::advance(Duration::from_secs(100)).await;
    assert!(!fence.is_open());
    tokio::time::advance(bench.timing.lease).await;
    let other = other_agent(&bench).await;
    assert!(matches!(lease.permit().await, Err(NoLease::Held { .. })));
    other.release().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_held_meanwhile_is_not_ours_again() {
    let bench = Bench::new();
    let mut lease = our_lease(&bench, None).await.unwrap();
    tokio::time::advance(bench.timing.lease).await;
    other_agent(&bench).await.release().await;
    // It is free, and yet what we are about is out of date.
    assert!(matches!(lease.permit().await, Err(NoLease::Overtaken { holder }) if holder == "another"));
    lease.release().await;
    other_agent(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ran_out_and_that_nobody_else_took_is_renewed() {
    let bench = Bench::new();
    let mut lease = our_lease(&bench, None).await.unwrap();
    tokio::time::advance(bench.timing.lease * 2).await;
    assert!(lease.permit().await.unwrap().is_open());
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_before_or_while_another_was_at_work_is_out_of_date() {
    let bench = converged().await;
    let before = seen(&bench).await;
    let other = other_agent(&bench).await;
    let meanwhile = seen(&bench).await;
    assert!(matches!(our_lease(&bench, Some(&meanwhile)).await, Err(NoLease::Held { .. })));
    other.release().await;
    for old in [before, meanwhile] {
        let refused = our_lease(&bench, Some(&old)).await.map(|_| ());
        assert!(matches!(&refused, Err(NoLease::Overtaken { holder }) if holder == "another"), "{refused:?}");
    }
    our_lease(&bench, Some(&seen(&bench).await)).await.unwrap().release().await;
    // One that died is no hindrance to what was seen when its lease was over.
    drop(other_agent(&bench).await);
    let at_work = seen(&bench).await;
    tokio::time::advance(bench.timing.lease).await;
    assert!(matches!(our_lease(&bench, Some(&at_work)).await, Err(NoLease::Overtaken { .. })));
    our_lease(&bench, Some(&seen(&bench).await)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_was_stopped_does_not_write_its_record_over_that_of_another() {
    let one = Bench::new();
    let wanted = one.desired(stack("10.0.0.0/16", 80, "one"));
    one.restart(Faults { delay: Duration::from_secs(2), answer: Duration::from_secs(2), ..Faults::default() });
    let mut stopped = std::pin::pin!(one.pass(&wanted));
    assert!(tokio::time::timeout(Duration::from_secs(15), &mut stopped).await.is_err(), "it is in the middle");
    tokio::time::sleep(one.timing.lease).await;
    let two = Bench { revision: "r2".into(), ..Bench::on(&one.fake) };
    two.converged(stack("10.0.0.0/16", 80, "two")).await;
    let (picture, words) = (two.picture(), entries(&two).await);
    let told = stopped.await.unwrap();
    assert!(told.report.failures().any(|(_, error)| matches!(error, StepError::LeaseLost { .. })), "{told:#?}");
    let last = seen(&one).await.last.unwrap();
    assert_eq!((last.revision.as_str(), last.ended), ("r2", Ended::Converged));
    assert_eq!((two.picture(), entries(&two).await), (picture, words));
}
