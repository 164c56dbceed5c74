//! What failed for good: steps that AWS refuses as they are, or accepts and does not keep. A revision is tried once; as long as
//! nothing but such steps is left to do, and they would be done in the very same way, an agent that follows a repository
//! makes no call for them until a newer commit or a change in AWS. People who ask (`agent apply`) always get another try.

use std::collections::BTreeSet;

use crate::doc::digest;
use crate::plan::{Plan, Step};
use crate::report::Report;

/// So many are remembered: the record of a stack has 4 KB.
const MOST: usize = 64;

/// Digests of the steps of a plan that failed for good. None where there are too many to remember:
/// they are then tried again.
pub fn failed_for_good(plan: &Plan, report: &Report) -> BTreeSet<String> {
    let failed: BTreeSet<_> =
        report.failures().filter(|(_, error)| error.is_for_good()).map(|(s, _)| &s.address).collect();
    let stuck: BTreeSet<String> = plan.steps.iter().filter(|step| failed.contains(&step.address)).map(name).collect();
    if stuck.len() > MOST { BTreeSet::new() } else { stuck }
}

/// Whether a plan has nothing to try but what failed for good, and what comes after it.
pub fn is_all_of(plan: &Plan, stuck: &BTreeSet<String>) -> bool {
    if stuck.is_empty() || plan.steps.is_empty() {
        return false;
    }
    let mut hopeless = vec![false; plan.steps.len()];
    // Steps come after those that they wait for, so one walk finds all that follows.
    for (n, step) in plan.steps.iter().enumerate() {
        let follows = step.after.iter().any(|before| hopeless.get(*before) == Some(&true));
        hopeless[n] = follows || stuck.contains(&name(step));
    }
    hopeless.iter().all(|hopeless| *hopeless)
}

/// Whether a step is one that failed for good.
pub fn is_stuck(step: &Step, stuck: &BTreeSet<String>) -> bool {
    !stuck.is_empty() && stuck.contains(&name(step))
}

/// Tells a step from one that would do something else.
fn name(step: &Step) -> String {
    let what = serde_json::to_value((&step.address, &step.op)).unwrap_or_default();
    digest(&what.to_string())[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::Doc;
    use crate::fault::{Class, Fault};
    use crate::live::Mark;
    use crate::plan::Op;
    use crate::report::{Outcome, StepError, StepReport};

    fn step(address: &str, after: &[usize], value: &str) -> Step {
        let mark = Mark { stack: "s".into(), address: address.parse().unwrap(), generation: "0".repeat(12) };
        let spec = Doc::from_value(&serde_json::json!({ "value": value }));
        Step {
            address: address.parse().unwrap(),
            op: Op::Create { spec, mark, replaces: false, changes: Vec::new() },
            because: String::new(),
            after: after.to_vec(),
            rather: Vec::new(),
            needs: Vec::new(),
            former: Vec::new(),
            ignore: Vec::new(),
        }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan { stack: "s".into(), steps, ..Plan::default() }
    }

    fn failed(step: &Step, class: Class) -> StepReport {
        let error = StepError::Fault(Fault::new(class, "ssm:PutParameter", "Code", "text"));
        StepReport { address: step.address.clone(), verb: "create".into(), outcome: Outcome::Failed { error } }
    }

    #[test]
    fn what_failed_for_good_and_what_follows_is_not_tried_again_until_it_would_be_done_otherwise() {
        let steps = vec![step("a.x/ssm.parameter", &[], "1"), step("b.x/ssm.parameter", &[0], "1")];
        let report = Report { steps: vec![failed(&steps[0], Class::Invalid)], notes: Vec::new() };
        let stuck = failed_for_good(&plan(steps.clone()), &report);
        assert!(is_all_of(&plan(steps.clone()), &stuck));
        let otherwise = plan(vec![step("a.x/ssm.parameter", &[], "2"), steps[1].clone()]);
        assert!(!is_all_of(&otherwise, &stuck), "another value may succeed");
        let more = plan(steps.into_iter().chain([step("c.x/ssm.parameter", &[], "1")]).collect());
        assert!(!is_all_of(&more, &stuck), "something else is to be done");
    }

    #[test]
    fn what_may_pass_or_be_granted_is_no_failure_for_good_and_nothing_to_do_is_none() {
        let steps = vec![step("a.x/ssm.parameter", &[], "1")];
        for class in [Class::Throttled, Class::Lost, Class::Denied, Class::Limit, Class::Credentials] {
            let report = Report { steps: vec![failed(&steps[0], class)], notes: Vec::new() };
            assert_eq!(failed_for_good(&plan(steps.clone()), &report), BTreeSet::new(), "{class:?}");
        }
        assert!(!is_all_of(&plan(Vec::new()), &BTreeSet::from(["x".to_owned()])));
    }
}
