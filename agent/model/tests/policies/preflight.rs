//! The preflight: a good stack hop by hop, and broken variants of it, each of which is refused at the hop that is broken.

use agent_core::desired::Desired;
use agent_core::lookup::Answers;
use agent_core::manifest::{Limits, StackFiles};
use agent_model::facts::preflight::{Check, show};
use agent_model::facts::{Facts, Known, Verdict};

use crate::bench::{Stack, answers, root};

fn files() -> StackFiles {
    StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap()
}

fn checks(desired: &Desired) -> Vec<Check> {
    Facts::of(desired, &Known::of(&desired.networks)).unwrap().checks
}

#[test]
fn the_examples_pass_with_every_hop_known() {
    for name in ["hello", "um", "um-acceptance"] {
        for answers in [Answers::offline(), answers()] {
            let stack = Stack::new(&files(), name, &answers).unwrap_or_else(|problems| panic!("{problems}"));
            let checks = checks(&stack.desired);
            assert!(!checks.is_empty());
            assert!(checks.iter().all(|check| check.verdict == Verdict::Yes), "{name}:\n{}", show(&checks));
        }
    }
}

#[test]
fn the_hops_of_a_service_as_people_read_them() {
    let stack = Stack::new(&files(), "um", &answers()).unwrap_or_else(|problems| panic!("{problems}"));
    let mut checks = checks(&stack.desired);
    checks.retain(|check| check.address == "service.exchange/ecs.service");
    insta::assert_snapshot!(show(&checks));
}
