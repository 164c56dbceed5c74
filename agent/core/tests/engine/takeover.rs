//! Another agent holds the lease of a stack: when it is looked at again, and what that costs. The loop here is that of `agent run`,
//! with its schedule, on the clock that tests move.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_core::allowed::Allowed;
use agent_core::desired::Desired;
use agent_core::fake::faults::{Op, STATE};
use agent_core::pass::PassError;
use agent_core::schedule::{How, Offered, Rhythm, Schedule};
use agent_core::state::{Ended, Expiry, Lease, is_free};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::plans::stack;

/// An agent that follows a repository with one revision.
struct Follower<'a> {
    bench: &'a Bench,
    desired: Allowed<Desired>,
    schedule: Schedule,
    held: Option<Expiry>,
    /// How the passes ended.
    ends: Vec<How>,
}

impl<'a> Follower<'a> {
    fn new(bench: &'a Bench, seed: u64) -> Self {
        let mut schedule = Schedule::new(Rhythm::default(), seed);
        let (name, digest) = ("demo".to_owned(), "1".to_owned());
        schedule.offer(0, vec![Offered { name, digest, needs: BTreeSet::new(), is_sound: true }], Instant::now());
        let desired = bench.desired(stack("10.0.0.0/16", 80, "one"));
        Self { bench, desired, schedule, held: None, ends: Vec::new() }
    }

    async fn look(&self) -> Result<Ended, PassError> {
        if let Some(expiry) = &self.held {
            is_free(self.bench.fake.as_ref(), "demo", expiry).await?;
        }
        Ok(self.bench.pass(&self.desired).await?.ended)
    }

    /// Until it has had its turn, or until then.
    async fn follow(&mut self, until: Instant) {
        while let Some(wake) = self.schedule.wake().filter(|wake| *wake < until) {
            tokio::time::sleep_until(wake).await;
            self.schedule.begin(Instant::now()).unwrap();
            let looked = self.look().await;
            self.held = looked.as_ref().err().and_then(PassError::expiry);
            let how = match looked {
                Ok(Ended::Converged) => How::Converged,
                Ok(_) => How::Progressing,
                Err(error) if error.is_others_turn() => How::Held,
                Err(error) => panic!("{error}"),
            };
            self.ends.push(how);
            self.schedule.ended("demo", how, how == How::Progressing, Instant::now());
            if let Some(expiry) = self.held {
                self.schedule.expires("demo", expiry.at());
            }
            if how != How::Held {
                return;
            }
        }
    }
}

/// A lease that is claimed again for so long and then is not given back: its agent was killed. When it claimed it last.
async fn dies_after(bench: &Bench, work: Duration) -> Instant {
    let mut lease = Lease::take(bench.fake.as_ref(), "demo", "another".into(), &bench.timing).await.unwrap();
    let (end, mut claimed) = (Instant::now() + work, Instant::now());
    let claims = || bench.fake.calls().iter().filter(|call| call.kind == STATE && call.op == Op::Update).count();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let before = claims();
        lease.permit().await.unwrap();
        if claims() > before {
            claimed = Instant::now();
        }
    }
    claimed
}

fn is_change(bench: &Bench) -> bool {
    !bench.fake.writes().is_empty()
}

/// The bound of docs/reliability.md: the length of a lease and five seconds, and how long a look takes, which here is nothing.
#[tokio::test(start_paused = true)]
async fn the_stack_of_an_agent_that_died_is_taken_over_when_its_lease_is_over_and_five_seconds_later_at_most() {
    for (seed, work) in [0, 1, 30, 61, 119, 121, 400, 3000].into_iter().enumerate() {
        for begins in [0, 3, 50, 110] {
            let bench = Bench::new();
            let mut follower = Follower::new(&bench, seed as u64 * 7 + begins);
            let dying = dies_after(&bench, Duration::from_secs(work));
            let following = async {
                tokio::time::sleep(Duration::from_secs(begins)).await;
                follower.follow(Instant::now() + Duration::from_hours(2)).await;
                Instant::now()
            };
            let (claimed, taken_over) = tokio::join!(dying, following);
            let took = taken_over - claimed;
            // Of the second, most goes by in the pass that makes the stack.
            let latest = bench.timing.lease + Rhythm::default().takeover + Duration::from_secs(1);
            assert!(took >= bench.timing.lease && took <= latest, "{work} s of work, from {begins} s on: {took:?}");
            assert!(follower.ends.last() == Some(&How::Progressing) && is_change(&bench), "{:?}", follower.ends);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_given_back_is_seen_before_it_would_expire() {
    let bench = Bench::new();
    let mut follower = Follower::new(&bench, 5);
    let working = async {
        let lease = Lease::take(bench.fake.as_ref(), "demo", "another".into(), &bench.timing).await.unwrap();
        tokio::time::sleep(Duration::from_secs(12)).await;
        lease.release().await;
        Instant::now()
    };
    let following = async {
        follower.follow(Instant::now() + Duration::from_hours(1)).await;
        Instant::now()
    };
    let (given_back, had_its_turn) = tokio::join!(working, following);
    assert!(had_its_turn - given_back < Duration::from_secs(10), "{:?}", had_its_turn - given_back);
}

/// While the other one goes on: what a look with a failure's pauses cost before (5 s, 10 s, 20 s … 5 minutes, a whole look each and two
/// calls for the lease), and what it costs.
#[tokio::test(start_paused = true)]
async fn waiting_for_an_agent_that_goes_on_costs_a_call_for_each_length_of_a_lease() {
    let half_an_hour = Duration::from_mins(30);
    let bench = Bench::new();
    let mut follower = Follower::new(&bench, 3);
    let mut lease = Lease::take(bench.fake.as_ref(), "demo", "another".into(), &bench.timing).await.unwrap();
    let before = bench.fake.calls().len();
    assert!(matches!(bench.pass(&follower.desired).await, Err(error) if error.is_others_turn()));
    let a_look = bench.fake.calls().len() - before;
    let (before, end) = (bench.fake.flights().len(), Instant::now() + half_an_hour);
    bench.fake.speaks(1);
    let working = async {
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_secs(1)).await;
            bench.fake.speaks(2);
            lease.permit().await.unwrap();
            bench.fake.speaks(1);
        }
    };
    tokio::join!(follower.follow(end), working);
    let flights = bench.fake.flights().split_off(before);
    let calls = flights.iter().filter(|flight| flight.who == 1).collect::<Vec<_>>();
    let retries = [0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300].iter().scan(0, |at, pause| {
        *at += pause;
        Some(*at)
    });
    let looks_before = retries.filter(|at| *at < half_an_hour.as_secs()).count();
    println!("half an hour: {} calls; before, {looks_before} looks of {a_look} calls", calls.len());
    assert!(follower.ends.iter().all(|how| *how == How::Held), "{:?}", follower.ends);
    assert!(calls.len() <= a_look + 5 + 30 * 60 / 120, "{}", calls.len());
    assert!(calls.len() < looks_before * 4, "less than the least that a look costs");
    assert!(!is_change(&bench));
}
