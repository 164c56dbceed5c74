//! `[[exception]]` in a manifest: where its mistakes are told, and what it lets through; and rules of the repository's own.

use std::collections::BTreeMap;

use agent_core::allowed::{Finding, Judge};
use agent_core::lookup::Answers;
use agent_core::manifest::{FileEntry, StackFiles};
use agent_policy::bundle::{Bundle, Policy};
use agent_policy::judge::Rules;
use futures_util::FutureExt;

use crate::bench::{Here, Stack, document};

const STACK: &str = "[stack]\nname = \"um\"\nregion = \"eu-west-1\"\naccount = \"123456789012\"\n\
    [network.main]\ncidr = \"10.20.0.0/16\"\n[service.web]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1\"\n";

/// A rule that finds one thing against each service.
fn rule(id: &str, level: &str) -> Policy {
    let package = id.replace('-', "_");
    let text = format!(
        "# METADATA\n# title: No services\n# custom:\n#   id: {id}\n#   level: {level}\npackage org.{package}\n\n\
         import rego.v1\n\ndeny contains {{\"msg\": \"a service\", \"address\": address}} if some address, _ in input.kinds[\"ecs.service\"]\n"
    );
    Policy { file: format!("{id}.rego"), text }
}

fn stack(text: &str, more: &[(&str, &str)]) -> Result<Stack, String> {
    let bytes = |text: &str| FileEntry::Bytes(text.as_bytes().to_vec());
    let files = [("app/stack.toml", text)].into_iter().chain(more.iter().copied());
    let files: BTreeMap<String, FileEntry> = files.map(|(path, text)| (path.to_owned(), bytes(text))).collect();
    Stack::new(&StackFiles { files, ..StackFiles::default() }, "app", &Answers::offline())
}

fn judged(stack: &Stack, bundle: Bundle) -> Vec<Finding> {
    let rules = Rules::new(bundle, document, Here).on(|| "2026-06-30".parse().unwrap());
    rules.desired(&stack.desired).now_or_never().unwrap()
}

fn exception(rule: &str, until: &str) -> String {
    format!(
        "\n[[exception]]\nrule = \"{rule}\"\ncomponent = \"service.web\"\nreason = \"it moves in July\"\nuntil = \"{until}\"\n"
    )
}

#[test]
fn what_is_excepted_is_shown_and_not_in_the_way() {
    let text =
        [STACK, &exception("soft", "2026-06-30"), &exception("hard", "2026-12-31"), &exception("old", "2026-06-29")];
    let text = [text.concat(), exception("sofd", "2027-01-01")].concat();
    let stack = stack(&text, &[]).unwrap();
    let rules = vec![rule("soft", "soft"), rule("hard", "hard"), rule("old", "soft")];
    let found = judged(&stack, Bundle::new(rules).unwrap());
    let refused: Vec<&str> = found.iter().filter(|f| f.refuses()).map(|f| f.rule.as_str()).collect();
    assert_eq!(refused, ["hard", "old"]);
    insta::assert_snapshot!(stack.rendered(&found));
}

#[test]
fn of_rules_that_could_not_be_evaluated_no_exception_is_called_idle() {
    let text = [STACK, &exception("broken", "2026-12-31")].concat();
    let broken = Policy { file: "broken.rego".into(), text: "package broken\n\nthis is no policy\n".into() };
    let found = judged(&stack(&text, &[]).unwrap(), Bundle::new(vec![broken]).unwrap());
    assert_eq!(found.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["policy-child"]);
}

#[test]
fn the_mistakes_of_an_exception_are_told_at_its_lines() {
    let wrong = "\n[[exception]]\nrule = \"a\"\ncomponent = \"service.wep\"\nreason = \" \"\nuntil = \"2026-13-01\"\n\
        [[exception]]\nrule = \"a\"\ncomponent = \"service.web\"\nreason = \"x\"\n\
        [[exception]]\nrule = \"b\"\ncomponent = \"service.web\"\nreason = \"x\"\nuntil = \"2026-12-01\"\n\
        [[exception]]\nrule = \"b\"\ncomponent = \"service.web\"\nreason = \"y\"\nuntil = \"2026-12-01T00:00\"\n";
    insta::assert_snapshot!(stack(&[STACK, wrong].concat(), &[]).err().unwrap());
}

#[test]
fn a_repository_adds_rules_beside_those_in_force() {
    let own = rule("their-own", "hard").text;
    let test = "package org.their_own_test\n\nthis is no policy\n";
    let files = [("policies/their-own.rego", own.as_str()), ("policies/their-own_test.rego", test)];
    let stack = stack(STACK, &files).unwrap();
    let found = judged(&stack, Bundle::new(vec![rule("soft", "soft")]).unwrap());
    assert_eq!(found.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["soft", "their-own"]);
}

#[test]
fn nothing_that_a_repository_adds_changes_what_the_rules_in_force_say() {
    let force = || Bundle::new(vec![rule("soft", "soft")]).unwrap();
    for (text, expected) in [
        // Into the package of a rule in force, under an id of its own.
        ("# METADATA\n# custom:\n#   id: mine\npackage org.soft\n\nimport rego.v1\n\ndeny := set()\n", vec!["soft"]),
        // Above it.
        ("package org\n\nimport rego.v1\n\nsoft := {\"deny\": set()}\n\ndeny := set()\n", vec!["soft"]),
        // The same rule again, harmless.
        ("# METADATA\n# custom:\n#   id: soft\npackage a.b\n\nimport rego.v1\n\ndeny := set()\n", vec!["policy-child"]),
        // What cannot be read.
        ("package a.b\n\nthis is no policy\n", vec!["soft", "policy-child"]),
    ] {
        let stack = stack(STACK, &[("policies/mine.rego", text)]).unwrap();
        let found = judged(&stack, force());
        assert_eq!(found.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), expected, "{text}");
        assert!(found.iter().any(Finding::refuses), "{text}");
    }
}

#[test]
fn a_policy_of_the_repository_that_is_no_plain_file_is_told() {
    let mut files = StackFiles::default();
    files.files.insert("app/stack.toml".into(), FileEntry::Bytes(STACK.as_bytes().to_vec()));
    files.files.insert("policies/a.rego".into(), FileEntry::Link);
    let told = Stack::new(&files, "app", &Answers::offline()).err().unwrap();
    assert!(told.contains("the policy `policies/a.rego` is no plain file that can be read"), "{told}");
}
