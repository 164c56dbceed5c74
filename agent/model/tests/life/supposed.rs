//! What two revisions are compared by without AWS says the same as a plan on AWS that is as the first one wants.

use std::collections::BTreeSet;

use agent_core::allowed::Allowed;
use agent_core::desired::Desired;
use agent_core::observed::Observed;
use agent_core::plan::{Op, Plan, PlanError, Settings, plan};
use agent_core::supposed::supposed;
use agent_model::kinds::table;
use agent_model::preview::{consequences, interruptions};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::bench::{Bench, desired, run};
use crate::histories::config;
use crate::stacks::{Stack, edit, stack};

/// A plan by what two of them have in common: no ids, and of what changes the paths alone.
fn told(plan: Result<Plan, Vec<PlanError>>) -> BTreeSet<String> {
    let plan = match plan {
        Ok(plan) => plan,
        // Which of several fields is told first is by ids.
        Err(errors) => return errors.iter().map(|error| error.to_string().split('`').next().unwrap().into()).collect(),
    };
    let paths = |op: &Op| match op {
        Op::Create { changes, .. } | Op::Update { changes, .. } => {
            // Sets are ordered by the ids in them.
            let stem = |path: &str| path.split(|c: char| c == '.' || c.is_ascii_digit()).next().unwrap().to_owned();
            changes.iter().map(|change| stem(&change.path)).collect::<BTreeSet<_>>()
        }
        Op::Clear { .. } | Op::Delete { .. } => BTreeSet::new(),
    };
    let steps = plan.steps.iter().map(|step| format!("{} {} {:?}", step.op.verb(), step.address, paths(&step.op)));
    let said = consequences(&plan).into_iter().chain(interruptions(&plan));
    let plain = |text: &str| text.split(['"', '(']).next().unwrap().to_owned();
    let said =
        said.flat_map(|one| one.says.into_iter().map(move |text| format!("{}: {}", one.component, plain(&text))));
    steps.chain(said).collect()
}

/// What a deployment of Service Connect found in its namespace beyond what was wanted is an accident that only AWS knows of:
/// without it, a service may be said to be deployed for a name that it has seen already.
fn without_what_was_seen(all: BTreeSet<String>) -> BTreeSet<String> {
    let deployed = |line: &String| line.contains("/ecs.service {\"sees\"}") || line.contains(": new deployment");
    all.into_iter().filter(|line| !deployed(line)).collect()
}

/// The plan from one stack to the next, both ways.
async fn compared(before: &Allowed<Desired>, next: &Allowed<Desired>) -> [BTreeSet<String>; 2] {
    let bench = Bench::new();
    bench.converged(before).await;
    let observed: Observed = bench.observed(next).await;
    let planned = |observed: &Observed| plan(next, observed, &table(), &bench.scope, &Settings::default());
    let both = [planned(&supposed(before, next, &table(), &bench.scope).unwrap()), planned(&observed)].map(told);
    let connects = both[0].iter().any(|line| line.contains("{\"sees\"}"));
    if connects { both.map(without_what_was_seen) } else { both }
}

#[test]
fn a_revision_beside_itself_is_no_change() {
    run(async {
        let rich = desired(&Stack::rich(), false);
        let observed = supposed(&rich, &rich, &table(), &Bench::new().scope).unwrap();
        assert_eq!(observed.all().count(), rich.resources.len());
        assert_eq!(compared(&rich, &rich).await, [BTreeSet::new(), BTreeSet::new()]);
    });
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn a_plan_without_aws_is_the_plan_on_aws(first in stack(), edits in vec(edit(), 1..5), allowed in any::<bool>()) {
        run(async {
            let before = desired(&first, true);
            let next = desired(&edits.into_iter().fold(first, Stack::edited), allowed);
            let [offline, live] = compared(&before, &next).await;
            assert_eq!(offline, live);
        });
    }
}
