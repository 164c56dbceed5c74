//! Random histories: manifest after manifest, each applied in a cloud that throttles, loses answers, is slow and shows
//! things late, by processes that die; and the end is always where a clean run of the last manifest ends.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_core::address::Address;
use agent_core::fake::faults::{Faults, What, When};
use agent_core::fault::Class;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;

use crate::bench::{Bench, desired, run};
use crate::stacks::{Balancer, Stack, Touch, edit, stack};
use crate::touches::FIELDS;

/// What one manifest meets.
#[derive(Clone, Debug)]
pub struct Storm {
    seed: u64,
    throttled: u32,
    lost: u32,
    stale: u64,
    slow: Option<(&'static str, u64)>,
    fault: Option<(usize, What)>,
    /// Whether the process goes on until nothing moves, or does one pass.
    on: bool,
}

pub fn storm() -> impl Strategy<Value = Storm> {
    let ways = sample::select(vec![
        What::CrashBefore,
        What::CrashAfter,
        What::CrashAnswered,
        What::AnswerLost,
        What::Refused(Class::Denied),
        What::Refused(Class::Unavailable),
        What::Refused(Class::NotFound),
        What::Refused(Class::InUse),
        What::Refused(Class::Limit),
    ]);
    let slow = ["ec2.nat_gateway", "ec2.vpc", "ec2.vpc_endpoint", "ecs.service", "elb.load_balancer"];
    let slow = prop::option::weighted(0.3, (sample::select(slow.to_vec()), 1_u64..90));
    let fault = prop::option::weighted(0.7, (1_usize..60, ways));
    (any::<u64>(), 0_u32..600, 0_u32..400, 0_u64..6, slow, fault, any::<bool>()).prop_map(
        |(seed, throttled, lost, stale, slow, fault, on)| Storm { seed, throttled, lost, stale, slow, fault, on },
    )
}

impl Storm {
    pub fn faults(&self) -> Faults {
        let slow = || self.slow.iter().map(|(kind, seconds)| ((*kind).into(), Duration::from_secs(*seconds))).collect();
        Faults {
            plan: self.fault.iter().map(|(write, what)| (When::Write(*write), what.clone())).collect(),
            throttled: self.throttled,
            lost: self.lost,
            delay: Duration::from_millis(50),
            slow: slow(),
            lingering: slow(),
            ..self.calm()
        }
    }

    /// The same cloud without faults: only late, as AWS is.
    pub fn calm(&self) -> Faults {
        Faults { stale: Duration::from_secs(self.stale), seed: self.seed, ..Faults::default() }
    }
}

/// A manifest with what it meets, and whether it permits that things are lost.
#[derive(Clone, Debug)]
struct Chapter {
    stack: Stack,
    allowed: bool,
    storm: Storm,
    /// Whether the stack comes to rest before the next manifest.
    rests: bool,
}

/// One to four manifests, each an edit of the one before.
fn history() -> impl Strategy<Value = Vec<Chapter>> {
    let chapter = || (any::<bool>(), storm(), any::<bool>());
    (stack(), chapter(), vec((vec(edit(), 1..5), chapter()), 0..4)).prop_map(
        |(first, (allowed, storm, rests), later)| {
            let mut all = vec![Chapter { stack: first, allowed, storm, rests }];
            for (edits, (allowed, storm, rests)) in later {
                let before = all[all.len() - 1].stack.clone();
                all.push(Chapter { stack: edits.into_iter().fold(before, Stack::edited), allowed, storm, rests });
            }
            all
        },
    )
}

/// How many cases: `PROPTEST_CASES=10000` for the long run.
pub fn config(usual: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual);
    // What fails becomes a named test; a file of seeds says nothing to whoever reads it.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

async fn lived(history: &[Chapter]) {
    let bench = Bench::new();
    let mut earlier: BTreeSet<Address> = BTreeSet::new();
    for Chapter { stack, allowed, storm, rests } in history {
        let wanted = desired(stack, *allowed);
        earlier.extend(wanted.resources.keys().cloned());
        bench.fake.restart(storm.faults());
        // However it ends: the next process makes the best of it, when the lease of a dead one has run out.
        let _ = if storm.on { bench.converge(&wanted).await } else { bench.pass(&wanted).await };
        tokio::time::advance(bench.timing.lease).await;
        if *rests {
            bench.fake.restart(storm.calm());
            bench.converged(&desired(stack, true)).await;
        }
    }
    let Chapter { stack, storm, .. } = &history[history.len() - 1];
    let desired = desired(stack, true);
    bench.fake.restart(storm.calm());
    bench.converged(&desired).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    bench.nothing_to_do(&desired).await;
    let clean = Bench::new();
    clean.converged(&desired).await;
    bench.is_like(&clean, &desired, &earlier);
    bench.fake.restart(storm.faults());
    let _ = bench.destroy().await;
    tokio::time::advance(bench.timing.lease).await;
    bench.fake.restart(storm.calm());
    bench.destroyed().await;
}

/// Two manifests, one after the other, without faults; the end is as if there had been no first.
fn follows(first: &Stack, second: &Stack) {
    let storm = Storm { seed: 0, throttled: 0, lost: 0, stale: 0, slow: None, fault: None, on: true };
    let chapter = |stack: &Stack| Chapter { stack: stack.clone(), allowed: true, storm: storm.clone(), rests: true };
    run(lived(&[chapter(first), chapter(second)]));
}

/// The new service waits for the new endpoints, these for the old ones to go, these for the old service, and this, were
/// there no way out, for the new one.
#[test]
fn a_service_goes_to_another_cluster_while_its_network_is_made_anew() {
    let first = Stack::rich();
    let mut second = first.clone();
    second.networks[0].as_mut().unwrap().cidr = 1;
    for service in second.services.iter_mut().flatten() {
        service.cluster += 1;
    }
    follows(&first, &second);
}

/// Its listeners are made anew with it, so they cannot be there before the old ones go.
#[test]
fn a_load_balancer_takes_the_name_of_another_that_goes_on_under_a_new_one() {
    let mut first = Stack::rich();
    first.balancers = first.balancers.map(|balancer| Some(Balancer { facing: true, ..balancer.unwrap() }));
    let named = |which| Touch::Field(FIELDS.iter().position(|field| field.2.contains("um-other")).unwrap(), which);
    let mut second = first.clone();
    first.touches = vec![named(0)];
    second.touches = vec![named(1)];
    follows(&first, &second);
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn any_way_there_ends_at_the_same_place(history in history()) {
        run(lived(&history));
    }
}
