//! The kill matrix: at every changing call, each way in which a process or a call can die. Afterwards a new process, with
//! nothing but the manifest and AWS, brings the stack to where a clean run ends, in at most three passes.

use agent_core::desired::Resource;
use agent_core::fake::faults::{Faults, What, When};
use agent_core::fault::Class;
use agent_core::state::Ended;

use crate::bench::Bench;
use crate::plans::stack;

const WAYS: [What; 12] = [
    What::CrashBefore,
    What::CrashAfter,
    What::CrashAnswered,
    What::AnswerLost,
    What::Refused(Class::Throttled),
    What::Refused(Class::Unavailable),
    What::Refused(Class::Denied),
    What::Refused(Class::Credentials),
    What::Refused(Class::NotFound),
    What::Refused(Class::Conflict),
    What::Refused(Class::InUse),
    What::Refused(Class::Limit),
];

struct Story {
    name: &'static str,
    before: Vec<Resource>,
    after: Vec<Resource>,
}

fn stories() -> Vec<Story> {
    let one = || stack("10.0.0.0/16", 80, "one");
    vec![
        Story { name: "create", before: Vec::new(), after: one() },
        Story { name: "change in place", before: one(), after: stack("10.0.0.0/16", 80, "two") },
        Story { name: "create-first replacement", before: one(), after: stack("10.0.0.0/16", 81, "two") },
        Story { name: "replacement of all", before: one(), after: stack("10.1.0.0/16", 80, "one") },
        Story { name: "destroy", before: one(), after: Vec::new() },
    ]
}

async fn prepared(story: &Story) -> Bench {
    let bench = Bench::new();
    bench.converged(story.before.clone()).await;
    bench.restart(Faults::default());
    bench
}

#[tokio::test(start_paused = true)]
async fn every_changing_call_can_die_in_every_way() {
    let mut cells = 0;
    for story in stories() {
        let clean = prepared(&story).await;
        clean.converged(story.after.clone()).await;
        let picture = clean.picture();
        let writes = clean.fake.calls().iter().filter(|call| call.op.is_write()).count();
        assert!(writes > 0, "{} does something", story.name);
        for write in 1..=writes {
            for what in WAYS {
                cells += 1;
                let cell = format!("{}: write {write} of {writes}: {what:?}", story.name);
                let bench = prepared(&story).await;
                bench.restart(Faults::one(When::Write(write), what.clone()));
                let desired = bench.desired(story.after.clone());
                // The process that meets the fault: whatever it says, it must not say "converged" falsely.
                if let Ok(report) = bench.pass(&desired).await {
                    assert!(report.ended != Ended::Converged || bench.picture() == picture, "{cell}: false converged");
                }
                bench.restart(Faults::default());
                tokio::time::advance(bench.timing.lease).await;
                let mut passes = 0;
                loop {
                    passes += 1;
                    let report = bench.pass(&desired).await.unwrap_or_else(|error| panic!("{cell}: {error}"));
                    if report.ended == Ended::Converged {
                        break;
                    }
                    assert!(passes < 3, "{cell}: not converged after {passes} passes: {report:#?}");
                }
                assert_eq!(bench.picture(), picture, "{cell}");
            }
        }
    }
    println!("{cells} cells");
    assert!(cells > 500, "{cells}");
}
