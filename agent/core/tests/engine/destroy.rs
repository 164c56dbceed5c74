//! What is left of a stack when it is destroyed: nothing, and above all nothing without a record.

use std::time::Duration;

use agent_core::address::Address;
use agent_core::fake::faults::{Faults, Op, STATE, What, When};
use agent_core::fault::Class;
use agent_core::field::Tags;
use agent_core::live::{Mark, Owner};
use agent_core::pass::{PassError, PassReport, Revision};
use agent_core::report::Outcome;
use agent_core::state::{Ended, Intent, Store, Suspension, write};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::plans::{net, stack};
use crate::toys::{Net, NetSpec};

/// With a network, which is made and, where that is asked for, has gone again.
async fn bench() -> Bench {
    let bench = Bench::new();
    bench.converged(vec![net("10.0.0.0/16")]).await;
    bench.restart(Faults::default());
    bench
}

/// A network that another pass has made, and that comes to light only now.
fn comes_to_light(bench: &Bench) {
    let address = Address::new("net.late", "toy.net");
    let owner = Owner::Stack(Mark { stack: "demo".into(), address, generation: "0123456789ab".into() });
    let spec = NetSpec { cidr: "10.9.0.0/16".into(), dns: true, tags: Tags::default() };
    bench.fake.put::<Net>(&bench.scope, &spec, owner).unwrap();
}

async fn destroy_within(bench: &Bench, patience: Duration) -> Result<PassReport, PassError> {
    let revision = Revision { id: "r1".into(), source: "test".into() };
    bench.engine(&|_| ()).destroy(&bench.desired(Vec::new()), &revision, patience, None).await
}

async fn words(bench: &Bench) -> Vec<String> {
    bench.fake.all("demo").await.unwrap().into_keys().collect()
}

fn is_gone(bench: &Bench) -> bool {
    bench.fake.objects().is_empty()
}

/// Waits until the network is deleted and nothing has been looked at since.
async fn until_all_is_deleted(bench: &Bench) {
    while !bench.fake.writes().iter().any(|call| call.op == Op::Delete) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_appears_after_the_last_look_of_a_pass_is_found_before_the_record_goes() {
    // At whatever moment between the last deletion and the end.
    for after in (0..200).step_by(7) {
        let bench = bench().await;
        let slow = Faults { delay: Duration::from_millis(30), answer: Duration::from_millis(30), ..Faults::default() };
        bench.restart(Faults { seed: after, ..slow });
        let appears = async {
            until_all_is_deleted(&bench).await;
            tokio::time::sleep(Duration::from_millis(after)).await;
            let has_record = words(&bench).await.contains(&"last".to_owned());
            if has_record {
                comes_to_light(&bench);
            }
            has_record
        };
        let (destroyed, had_record) = tokio::join!(bench.destroy(), appears);
        assert_eq!(destroyed.unwrap().ended, Ended::Converged, "after {after} ms");
        // What is left came after the last look: nobody can have made it, for the lease was held from before that look on.
        let forgotten = words(&bench).await.is_empty();
        assert!(forgotten && (is_gone(&bench) || !had_record || looked_under_the_lease(&bench)), "after {after} ms");
    }
}

/// Whether the lease was taken before the look after which the first of the stack's words was deleted.
fn looked_under_the_lease(bench: &Bench) -> bool {
    let calls = bench.fake.calls();
    let first = calls.iter().position(|call| call.kind == STATE && call.op == Op::Delete).unwrap();
    let look = calls[..first].iter().rposition(|call| call.kind == "toy.net" && call.op == Op::List).unwrap();
    !calls[look..first].iter().any(|call| call.kind == STATE && call.op == Op::Update)
}

#[tokio::test(start_paused = true)]
async fn a_creating_call_of_which_nobody_knows_what_came_of_it_is_waited_for() {
    let bench = bench().await;
    let address = Address::new("net.late", "toy.net");
    let intent = Intent { address: address.clone(), generation: "0123456789ab".into() };
    write(bench.fake.as_ref(), "demo", &Intent::entry(&address), &intent).await.unwrap();
    let begun = Instant::now();
    let appears = async {
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert!(words(&bench).await.contains(&"kinds".to_owned()), "the record has gone before");
        comes_to_light(&bench);
    };
    let (destroyed, ()) = tokio::join!(bench.destroy(), appears);
    assert_eq!(destroyed.unwrap().ended, Ended::Converged);
    assert!(is_gone(&bench) && words(&bench).await.is_empty());
    assert!(begun.elapsed() < bench.timing.intent * 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_pass_that_was_cut_off_or_failed_has_made_is_waited_for_and_after_others_nothing_is() {
    let died = Faults::one(When::Each("toy.net".into(), Op::Create, 1), What::CrashBefore);
    let failed = Faults::one(When::Each("toy.net".into(), Op::Create, 99), What::Refused(Class::Denied));
    for (faults, least) in [(died, 60), (failed, 55), (Faults::default(), 0)] {
        let bench = Bench::new();
        bench.restart(faults);
        let _ = bench.pass(&bench.desired(vec![net("10.0.0.0/16")])).await;
        bench.restart(Faults::default());
        // Until then the lease of the one that died keeps everybody out.
        tokio::time::sleep(if least == 60 { bench.timing.lease } else { Duration::ZERO }).await;
        let begun = Instant::now();
        assert_eq!(bench.destroy().await.unwrap().ended, Ended::Converged);
        let took = begun.elapsed().as_secs();
        assert!(took >= least && took <= least + 6, "{took} s, and not {least}");
        assert!(is_gone(&bench) && words(&bench).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_when_the_time_is_over_is_told_and_keeps_its_record() {
    let bench = bench().await;
    let address = Address::new("net.late", "toy.net");
    let intent = Intent { address: address.clone(), generation: "0123456789ab".into() };
    write(bench.fake.as_ref(), "demo", &Intent::entry(&address), &intent).await.unwrap();
    let appears = async {
        tokio::time::sleep(Duration::from_secs(40)).await;
        comes_to_light(&bench);
    };
    let (destroyed, ()) = tokio::join!(destroy_within(&bench, Duration::from_secs(20)), appears);
    let destroyed = destroyed.unwrap();
    assert_ne!(destroyed.ended, Ended::Converged);
    let left: Vec<_> = destroyed.report.steps.iter().map(|step| (step.address.to_string(), &step.outcome)).collect();
    assert!(
        matches!(&left[..], [(address, Outcome::Skipped { because })] if address == "net.late/toy.net" && because.contains("came to light")),
        "{left:?}"
    );
    let words = words(&bench).await;
    assert!(["kinds", "last"].iter().all(|word| words.contains(&(*word).to_owned())), "{words:?}");
    // Whoever goes on finds it.
    assert_eq!(bench.destroy().await.unwrap().ended, Ended::Converged);
    assert!(is_gone(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_the_stack_never_had_may_be_unreadable_and_one_that_it_had_not() {
    for (kind, is_in_the_way) in [("toy.pool", false), ("toy.net", true)] {
        let bench = bench().await;
        // One look more than a pass takes, as a new process has it that may not list the kind.
        bench.converged(Vec::new()).await;
        bench.restart(Faults::one(When::Each(kind.into(), Op::List, 99), What::Refused(Class::Denied)));
        let destroyed = destroy_within(&bench, Duration::from_secs(30)).await.unwrap();
        assert_eq!(destroyed.ended != Ended::Converged, is_in_the_way, "{kind}: {destroyed:#?}");
        assert_eq!(words(&bench).await.is_empty(), !is_in_the_way, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_look_asks_for_each_kind_once_and_nothing_of_the_stack_is_left_in_the_store() {
    let bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.converged(Vec::new()).await;
    bench.restart(Faults::default());
    // It has run out, and is no hindrance.
    let until = jiff::Timestamp::UNIX_EPOCH.into();
    let said = Suspension { by: "somebody".into(), reason: "a move".into(), until, since: None };
    write(bench.fake.as_ref(), "demo", Suspension::ENTRY, &said).await.unwrap();
    bench.restart(Faults::default());
    bench.destroy().await.unwrap();
    assert_eq!(words(&bench).await, [""; 0]);
    let lists = |kind: &str| bench.fake.calls().iter().filter(|c| c.kind == kind && c.op == Op::List).count();
    for kind in bench.cloud.kinds().iter() {
        // Once because the record has the kind, and once in the last look.
        assert_eq!(lists(kind.name), 1 + usize::from(kind.name != "toy.store"), "{}", kind.name);
    }
}
