//! Random stacks with random edits, random faults and late sight: apply, then apply again writes nothing, and the end is
//! always where a clean run ends.

use std::time::Duration;

use agent_core::desired::Resource;
use agent_core::fake::faults::{Faults, What, When};
use agent_core::state::Ended;
use proptest::prelude::*;

use crate::bench::Bench;
use crate::plans::{group, net, pool, rule, service};

/// A random manifest: a net, some groups with random rules among them, and perhaps a service with what it needs.
fn manifest() -> impl Strategy<Value = Vec<Resource>> {
    let groups = prop::collection::vec(prop::collection::vec(0_usize..4, 0..4), 0..4);
    (0_u8..3, groups, prop::option::of((0_u16..3, 0_u32..3, 0_u8..3))).prop_map(|(cidr, groups, web)| {
        let mut all = vec![net(&format!("10.{cidr}.0.0/16"))];
        let names = ["a", "b", "c", "d"];
        let count = groups.len();
        for (n, from) in groups.into_iter().enumerate() {
            let from: Vec<String> =
                from.into_iter().filter(|m| *m < count && *m != n).map(|m| format!("group.{}", names[m])).collect();
            all.push(group(names[n], &from.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        if let Some((port, number, image)) = web.filter(|_| count > 0) {
            all.extend([pool(80 + port), rule(number), service(&image.to_string())]);
        }
        all
    })
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future);
}

proptest! {
    // 256 cases; `PROPTEST_CASES=10000` for the long run.
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn any_way_there_ends_at_the_same_place(
        history in prop::collection::vec(manifest(), 1..5),
        seed in any::<u64>(),
        crash in prop::option::of(1_usize..40),
        stale in 0_u64..4,
    ) {
        run(async move {
            let bench = Bench::new();
            let last = history.last().unwrap().clone();
            for manifest in history {
                let faults = Faults {
                    plan: crash.map(|n| (When::Write(n), What::CrashAfter)).into_iter().collect(),
                    throttled: 300,
                    lost: 200,
                    delay: Duration::from_millis(50),
                    stale: Duration::from_secs(stale),
                    seed,
                    ..Faults::default()
                };
                bench.restart(faults);
                let desired = bench.desired(manifest);
                let _ = bench.pass(&desired).await;
                // The next process starts when the lease of a dead one has run out.
                tokio::time::advance(bench.timing.lease).await;
            }
            bench.restart(Faults { stale: Duration::from_secs(stale), seed, ..Faults::default() });
            let desired = bench.desired(last.clone());
            let report = bench.apply(&desired).await;
            assert_eq!(report.ended, Ended::Converged, "{report:#?}");
            tokio::time::advance(Duration::from_secs(10)).await;
            bench.restart(Faults::default());
            let again = bench.pass(&desired).await.unwrap();
            assert_eq!(again.ended, Ended::Converged);
            assert_eq!(bench.fake.calls().iter().filter(|call| call.op.is_write()).count(), 0);
            let clean = Bench::new();
            clean.converged(last).await;
            assert_eq!(bench.picture(), clean.picture());
        });
    }
}
