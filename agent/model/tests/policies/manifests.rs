//! The manifests beside the rules, and the examples.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent_core::allowed::Finding;
use agent_core::lookup::Answers;
use agent_core::manifest::{FileEntry, Limits, StackFiles};
use agent_policy::bundle::Bundle;

use crate::bench::{Stack, answers, root};

/// What marks the line that a finding is to point at.
const HERE: &str = "# here";

fn manifests(rule: &str, kind: &str) -> Vec<PathBuf> {
    let folder = root().join("policies").join(rule).join(kind);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 3, "{}: three manifests at least", folder.display());
    all
}

fn stack(path: &PathBuf, answers: &Answers) -> (Stack, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
    let stack = Stack::new(&StackFiles { files, ..StackFiles::default() }, "", answers);
    (stack.unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display())), text)
}

#[test]
fn what_is_to_pass_passes_all_rules_offline_and_with_answers() {
    for rule in Bundle::pack().unwrap().rules() {
        for path in manifests(&rule.id, "pass") {
            for answers in [Answers::offline(), answers()] {
                let (stack, _) = stack(&path, &answers);
                let findings = stack.findings();
                assert!(findings.is_empty(), "{}:\n{}", path.display(), stack.rendered(&findings));
            }
        }
    }
}

#[test]
fn what_is_to_fail_fails_by_its_rule_alone_on_the_line_that_is_marked() {
    for rule in Bundle::pack().unwrap().rules() {
        let mut shown = String::new();
        for path in manifests(&rule.id, "fail") {
            for answers in [Answers::offline(), answers()] {
                let (stack, text) = stack(&path, &answers);
                let findings = stack.findings();
                let all = stack.rendered(&findings);
                assert!(findings.iter().any(Finding::refuses), "{}: nothing was found", path.display());
                assert!(findings.iter().all(|f| f.rule == rule.id), "{}:\n{all}", path.display());
                let marked = text.lines().position(|line| line.ends_with(HERE)).map(|n| n + 1);
                assert!(findings.iter().all(|f| stack.line(f) == marked), "{}:\n{all}", path.display());
                assert!(findings.iter().all(|f| f.hint.is_some()), "{}:\n{all}", path.display());
                if answers.zones().is_none() {
                    shown.push_str(&all);
                }
            }
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(format!("fail_{}", rule.id), shown) });
    }
}

#[test]
fn the_examples_pass() {
    let files = StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap();
    for name in ["hello", "um", "um-acceptance"] {
        for answers in [Answers::offline(), answers()] {
            let stack = Stack::new(&files, name, &answers).unwrap_or_else(|problems| panic!("{problems}"));
            let findings = stack.findings();
            assert!(findings.is_empty(), "{name}:\n{}", stack.rendered(&findings));
        }
    }
}
