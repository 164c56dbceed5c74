//! The manifests beside the rules, and the examples.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent_core::allowed::{Finding, Level};
use agent_core::lookup::Answers;
use agent_core::manifest::{FileEntry, Limits, StackFiles};
use agent_policy::bundle::Bundle;
use agent_policy::metadata::{Pass, Rule};

use crate::bench::{Stack, answers, root};

/// What marks the line that a finding is to point at.
const HERE: &str = "# here";

/// Rules whose bad manifests the language refuses first: neither components nor overrides can say what the rule refuses. That the
/// rule finds it is shown by mutants. These manifests are in a folder `refused`, where `agent policy test` does not look for what
/// a rule finds.
const REFUSED_BEFORE: [&str; 1] = ["origin-header-secret"];

fn manifests(rule: &Rule, kind: &str) -> Vec<PathBuf> {
    let folder = root().join("policies").join(rule.file.trim_end_matches(".rego")).join(kind);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        // What is about to be done no manifest shows.
        let is_judged = rule.pass == Pass::Desired;
        let is_refused_before = kind == "fail" && REFUSED_BEFORE.contains(&rule.id.as_str());
        let may_lack = !is_judged || is_refused_before || rule.level.is_none_or(|level| level == Level::Advisory);
        assert!(may_lack, "{}: a rule that refuses has manifests that pass and manifests that fail", folder.display());
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(!all.is_empty(), "{}: a manifest at least", folder.display());
    all
}

fn stack(path: &PathBuf, answers: &Answers) -> (Stack, String) {
    let (stack, text) = read(path, answers);
    (stack.unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display())), text)
}

/// The stack, or its rendered problems; and the text.
fn read(path: &PathBuf, answers: &Answers) -> (Result<Stack, String>, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
    (Stack::new(&StackFiles { files, ..StackFiles::default() }, "", answers), text)
}

/// The marked line of a text, counted from one.
fn marked(text: &str) -> Option<usize> {
    text.lines().position(|line| line.ends_with(HERE)).map(|n| n + 1)
}

/// The pack, with one of its rules switched on if it is off.
fn with(rule: &Rule) -> Bundle {
    let pack = Bundle::pack().unwrap();
    let on = rule.level.is_none().then(|| (rule.id.clone(), Some(Level::Advisory)));
    pack.with_levels(&on.into_iter().collect()).unwrap()
}

#[test]
fn what_is_to_pass_passes_all_rules_offline_and_with_answers() {
    for rule in Bundle::pack().unwrap().rules() {
        for path in manifests(rule, "pass") {
            for answers in [Answers::offline(), answers()] {
                let (stack, _) = stack(&path, &answers);
                let mut findings = stack.findings_of(with(rule));
                findings.retain(|finding| finding.level > Level::Advisory || finding.rule == rule.id);
                assert!(findings.is_empty(), "{}:\n{}", path.display(), stack.rendered(&findings));
            }
        }
    }
}

#[test]
fn what_is_to_fail_fails_by_its_rule_alone_on_the_line_that_is_marked() {
    for rule in Bundle::pack().unwrap().rules() {
        let mut shown = String::new();
        for path in manifests(rule, "fail") {
            for answers in [Answers::offline(), answers()] {
                let (stack, text) = stack(&path, &answers);
                let (findings, others): (Vec<Finding>, Vec<Finding>) =
                    stack.findings_of(with(rule)).into_iter().partition(|finding| finding.rule == rule.id);
                let all = stack.rendered(&findings);
                assert!(findings.iter().any(|f| f.unknown.is_none()), "{}: nothing was found", path.display());
                let others: Vec<Finding> = others.into_iter().filter(|f| f.level > Level::Advisory).collect();
                assert!(others.is_empty(), "{}:\n{}", path.display(), stack.rendered(&others));
                assert!(findings.iter().all(|f| stack.line(f) == marked(&text)), "{}:\n{all}", path.display());
                assert!(findings.iter().all(|f| f.hint.is_some()), "{}:\n{all}", path.display());
                if answers.zones().is_none() {
                    shown.push_str(&all);
                }
            }
        }
        if shown.is_empty() {
            continue;
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(format!("fail_{}", rule.id), shown) });
    }
}

#[test]
fn what_the_language_refuses_before_a_rule_is_refused_on_the_line_that_is_marked() {
    let pack = Bundle::pack().unwrap();
    for rule in pack.rules().iter().filter(|rule| REFUSED_BEFORE.contains(&rule.id.as_str())) {
        for path in manifests(rule, "refused") {
            let (stack, text) = read(&path, &Answers::offline());
            let problems = stack.err().unwrap_or_else(|| panic!("{}: it is understood", path.display()));
            let line = format!("stack.toml:{}:", marked(&text).unwrap());
            let is_alone = problems.matches("error[").count() == 1;
            assert!(is_alone && problems.contains(&line), "{}:\n{problems}", path.display());
        }
    }
}

#[test]
fn the_examples_pass() {
    let files = StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap();
    for name in ["hello", "um", "um-acceptance"] {
        for answers in [Answers::offline(), answers()] {
            let stack = Stack::new(&files, name, &answers).unwrap_or_else(|problems| panic!("{problems}"));
            let mut findings = stack.findings();
            findings.retain(|finding| finding.level > Level::Advisory);
            assert!(findings.is_empty(), "{name}:\n{}", stack.rendered(&findings));
        }
    }
}
