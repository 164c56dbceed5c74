//! A pass that is asked to end early, at every moment of its life: no further changing call, nothing waited for, nothing called
//! failed that only had no time, and the next pass ends where an undisturbed one does, with nothing made twice. And what failed
//! for good is not tried twice at one revision.

use std::time::Duration;

use agent_core::fake::faults::{Faults, Op, STATE, What, When};
use agent_core::fault::Class;
use agent_core::report::Outcome;
use agent_core::state::Ended;
use agent_core::wait::Halt;

use crate::bench::Bench;
use crate::plans::stack;

/// A cloud in which each call takes up to a second, and some things take minutes to come.
fn slow() -> Faults {
    let minutes = |kind: &str| (kind.to_owned(), Duration::from_mins(3));
    Faults {
        delay: Duration::from_secs(1),
        slow: vec![minutes("toy.net"), minutes("toy.service")],
        stale: Duration::from_secs(3),
        seed: 5,
        ..Faults::default()
    }
}

/// Changing calls but for the stack's own words.
fn changes(bench: &Bench) -> usize {
    bench.fake.writes().iter().filter(|call| call.kind != STATE).count()
}

#[tokio::test(start_paused = true)]
async fn a_pass_can_be_ended_at_every_moment() {
    let wanted = || stack("10.0.0.0/16", 80, "one");
    let clean = Bench::new();
    clean.converged(wanted()).await;
    let picture = clean.picture();
    let mut interrupted = 0;
    for tenths in (0..400).step_by(3) {
        let moment = Duration::from_millis(tenths * 100);
        let mut bench = Bench::new();
        bench.restart(slow());
        let (halter, halt) = Halt::new();
        bench.timing.halt = halt;
        let desired = bench.desired(wanted());
        let (mut before, mut at) = (0, tokio::time::Instant::now());
        let stop = async {
            tokio::time::sleep(moment).await;
            before = changes(&bench);
            at = tokio::time::Instant::now();
            halter.halt("it was asked for");
        };
        let (pass, ()) = tokio::join!(bench.pass(&desired), stop);
        let pass = pass.unwrap();
        assert_eq!(changes(&bench), before, "{moment:?}: a changing call after the halt: {:?}", bench.fake.writes());
        assert!(at.elapsed() < Duration::from_secs(10), "{moment:?}: it went on for {:?}", at.elapsed());
        assert_eq!(pass.report.failures().count(), 0, "{moment:?}: {pass:#?}");
        assert_ne!(pass.ended, Ended::Converged, "{moment:?}");
        let untried =
            |outcome: &Outcome| matches!(outcome, Outcome::Skipped { because } if because == "it was asked for");
        interrupted += usize::from(pass.report.steps.iter().any(|step| untried(&step.outcome)));

        bench.timing.halt = Halt::default();
        bench.restart(Faults::default());
        bench.converged(wanted()).await;
        assert_eq!(bench.picture(), picture, "{moment:?}");
    }
    assert!(interrupted > 5, "{interrupted}");
}

#[tokio::test(start_paused = true)]
async fn a_creating_call_without_an_answer_is_searched_for_as_long_as_need_be_and_no_longer() {
    // Commits come so often that no pass has the time to search to the end.
    let mut bench = Bench::new();
    bench.restart(Faults {
        plan: vec![(When::Each("toy.net".into(), Op::Create, 1), What::Refused(Class::Unavailable))],
        ..Faults::default()
    });
    let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
    let begun = tokio::time::Instant::now();
    while changes(&bench) < 2 {
        let (halter, halt) = Halt::new();
        bench.timing.halt = halt;
        let stop = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            halter.halt("a newer revision is there");
        };
        let (pass, ()) = tokio::join!(bench.pass(&desired), stop);
        pass.unwrap();
        assert!(begun.elapsed() < Duration::from_mins(2), "it is never made");
    }
    assert!(begun.elapsed() >= bench.timing.intent, "it was made again before the first could have been seen");

    // Nobody disturbs, and the first pass has searched to the end: the next one need not.
    let bench = Bench::new();
    bench.restart(Faults {
        plan: vec![(When::Each("toy.net".into(), Op::Create, 1), What::Refused(Class::Unavailable))],
        ..Faults::default()
    });
    let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
    bench.pass(&desired).await.unwrap();
    let begun = tokio::time::Instant::now();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    assert!(begun.elapsed() <= bench.timing.call, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_tried_once_for_a_revision_and_again_for_the_next_or_when_somebody_insists() {
    let mut bench = Bench::new();
    bench.insist = false;
    let refuse = || Faults {
        plan: vec![(When::Each("toy.pool".into(), Op::Create, 100), What::Refused(Class::Invalid))],
        ..Faults::default()
    };
    bench.restart(refuse());
    let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
    let first = bench.pass(&desired).await.unwrap();
    assert_eq!((first.ended, first.report.failures().count()), (Ended::Failed, 1));

    // Another process, and later: nothing is changed, its own words neither.
    bench.restart(refuse());
    tokio::time::advance(Duration::from_hours(1)).await;
    let again = bench.pass(&desired).await.unwrap();
    assert_eq!(again.ended, Ended::Failed);
    assert_eq!(bench.fake.writes(), []);
    let reason = "it failed at this revision, and nothing has changed since";
    let left = |outcome: &Outcome| matches!(outcome, Outcome::Skipped { because } if because == reason);
    assert!(again.report.steps.iter().all(|step| left(&step.outcome)), "{again:#?}");

    // A change in AWS is another try.
    let group = bench.fake.objects().into_values().find(|live| live.kind == "toy.group").unwrap();
    bench.fake.remove(&group.id);
    bench.restart(refuse());
    bench.pass(&desired).await.unwrap();
    assert!(bench.fake.writes().iter().any(|call| call.kind == "toy.pool"));

    bench.restart(refuse());
    bench.insist = true;
    bench.pass(&desired).await.unwrap();
    assert!(bench.fake.writes().iter().any(|call| call.kind == "toy.pool"), "a person asks for it");

    bench.restart(Faults::default());
    bench.insist = false;
    bench.revision = "r2".into();
    assert_eq!(bench.apply(&desired).await.ended, Ended::Converged);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_or_be_granted_is_tried_again() {
    for class in [Class::Throttled, Class::Denied, Class::Limit] {
        let mut bench = Bench::new();
        bench.insist = false;
        // Throttling is waited out within a pass: more of it than a pass has patience for.
        bench.restart(Faults {
            plan: vec![(When::Each("toy.pool".into(), Op::Create, 100), What::Refused(class))],
            ..Faults::default()
        });
        let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
        assert_eq!(bench.pass(&desired).await.unwrap().ended, Ended::Failed, "{class:?}");
        bench.restart(Faults::default());
        assert_eq!(bench.apply(&desired).await.ended, Ended::Converged, "{class:?}");
    }
}
