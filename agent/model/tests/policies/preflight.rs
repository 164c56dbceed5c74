//! The preflight: a good stack hop by hop, and broken variants of it, each of which is refused at the hop that is broken.

use std::fmt::Write;

use agent_core::desired::Desired;
use agent_core::lookup::Answers;
use agent_core::manifest::{Limits, StackFiles};
use agent_model::facts::preflight::{Check, show};
use agent_model::facts::{Facts, Known, Verdict};

use crate::bench::{Stack, answers, root};
use crate::mutants::{caught, mutant, mutations};

/// The rules whose links the preflight follows.
const RULES: [&str; 8] = [
    "endpoints-present",
    "endpoint-reachable",
    "execution-role-permits",
    "task-role-permits",
    "load-balancer-reaches-tasks",
    "services-reach-each-other",
    "log-group-exists",
    "private-dns-once",
];

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

/// Each variant is refused by the rule of the link that is broken, on a line, in the words of the hop.
#[test]
fn each_broken_variant_is_refused_at_the_hop_that_is_broken() {
    let (files, mut shown, mut wrong, mut count) = (files(), String::new(), Vec::new(), 0);
    for (rule, what, how) in mutations().into_iter().filter(|(rule, ..)| RULES.contains(rule)) {
        let stack = mutant(&files, &how).unwrap_or_else(|problems| panic!("{rule}: {what}:\n{problems}"));
        let findings = stack.findings();
        let checks = checks(&stack.desired);
        let is_of = |check: &&Check| check.hops.iter().any(|hop| hop.rule == rule && hop.verdict != Verdict::Yes);
        let (Some(check), true) = (checks.iter().find(is_of), caught(rule, &findings)) else {
            wrong.push(format!("{rule}: {what}:\n{}", stack.rendered(&findings)));
            continue;
        };
        count += 1;
        let said = |text: &String| findings.iter().any(|one| one.rule == rule && one.message.contains(text.as_str()));
        let mut hops = check.hops.iter().filter(|hop| hop.rule == rule && hop.verdict != Verdict::Yes);
        assert!(
            hops.any(|hop| hop.lacks.iter().chain(&hop.fact).any(said)),
            "{rule}: {what}: {}",
            stack.rendered(&findings)
        );
        let finding = findings.iter().find(|finding| finding.rule == rule).unwrap();
        let word = if finding.refuses() { "refused" } else { "open" };
        let at = stack.line(finding).unwrap_or_else(|| panic!("{what}: no line"));
        let _ = writeln!(shown, "{rule}: {what}\n{word}, line {at}: {}", finding.message);
        let _ = writeln!(shown, "{}", show(std::slice::from_ref(check)));
    }
    assert!(wrong.is_empty(), "not found:\n{}", wrong.join("\n"));
    assert!(count >= 25, "{count} variants");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}
