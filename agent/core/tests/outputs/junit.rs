//! `JUnit`: the schemas, the counts, and what is told to have passed.

use std::collections::BTreeSet;

use agent_core::source::render::{Judged, render_junit};
use agent_core::source::{Problem, Problems};
use roxmltree::{Document, Node};

use crate::example::{Example, Stack, example, um};
use crate::xml_schema::faults;

/// What Jenkins' xUnit plugin reads.
pub const JENKINS: &str = include_str!("../schemas/junit-10.xsd");
/// What Apache Ant writes.
pub const ANT: &str = include_str!("../schemas/JUnit.xsd");

/// What comes of a test, with the reason.
fn told(case: Node<'_, '_>) -> (String, String) {
    let Some(why) = case.first_element_child() else { return ("passed".into(), String::new()) };
    (why.tag_name().name().to_owned(), why.attribute("message").unwrap().to_owned())
}

/// The tests of a suite, by name.
fn tests_of(xml: &str, suite: &str) -> Vec<(String, String, String)> {
    let document = Document::parse(xml).unwrap();
    let suite = document.root_element().children().find(|node| node.attribute("name") == Some(suite)).unwrap();
    let cases = suite.children().filter(|node| node.has_tag_name("testcase"));
    let tests = cases.map(|case| {
        let (outcome, why) = told(case);
        (case.attribute("name").unwrap().to_owned(), outcome, why)
    });
    tests.collect()
}

fn outcomes(xml: &str, suite: &str) -> Vec<(String, String)> {
    tests_of(xml, suite).into_iter().map(|(name, outcome, _)| (name, outcome)).collect()
}

fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, outcome)| ((*name).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn the_example_is_as_both_schemas_say() {
    for example in [example(), Example { rules: vec![], stacks: vec![] }, Example { rules: vec![], ..example() }] {
        let xml = example.with(render_junit);
        assert_eq!(faults(JENKINS, &xml), Vec::<String>::new());
        assert_eq!(faults(ANT, &xml), Vec::<String>::new());
    }
}

#[test]
fn the_counts_are_those_of_the_tests() {
    let xml = example().with(render_junit);
    let document = Document::parse(&xml).unwrap();
    let suites: Vec<Node<'_, '_>> = document.root_element().children().filter(Node::is_element).collect();
    assert_eq!(suites.len(), 4);
    for (n, suite) in suites.iter().enumerate() {
        let outcomes: Vec<String> =
            suite.children().filter(|node| node.has_tag_name("testcase")).map(|case| told(case).0).collect();
        let count = |outcome: &str| Some(outcomes.iter().filter(|told| *told == outcome).count().to_string());
        let attribute = |name: &str| suite.attribute(name).map(ToOwned::to_owned);
        assert_eq!(attribute("tests"), Some(outcomes.len().to_string()));
        assert_eq!(attribute("failures"), count("failure"));
        assert_eq!(attribute("errors"), count("error"));
        assert_eq!(attribute("skipped"), count("skipped"));
        assert_eq!(attribute("id"), Some(n.to_string()));
    }
}

#[test]
fn a_rule_is_a_test_of_each_stack() {
    let xml = example().with(render_junit);
    let um = of(&[
        ("manifest", "passed"),
        ("two-findings", "failure"),
        ("no-place", "failure"),
        ("hostile-rule", "failure"),
        ("advice-only", "passed"),
        ("not-known", "skipped"),
        ("one-exception", "skipped"),
        ("all-is-well", "passed"),
    ]);
    assert_eq!(outcomes(&xml, "um"), um);
    let hello = um.iter().map(|(name, _)| (name.clone(), "passed".to_owned())).collect::<Vec<_>>();
    assert_eq!(outcomes(&xml, "hello"), hello);
}

#[test]
fn no_two_tests_have_the_same_names() {
    let xml = example().with(render_junit);
    let document = Document::parse(&xml).unwrap();
    let cases: Vec<(&str, &str)> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|case| (case.attribute("classname").unwrap(), case.attribute("name").unwrap()))
        .collect();
    assert_eq!(cases.iter().collect::<BTreeSet<_>>().len(), cases.len());
    assert!(cases.contains(&("um.network", "two-findings")) && cases.contains(&("um.ecs", "all-is-well")));
}

#[test]
fn a_failure_says_what_where_and_how_to_mend_it() {
    let xml = example().with(render_junit);
    let document = Document::parse(&xml).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("message"), Some("`service.web` is in a public subnet (and 3 more)"));
    assert_eq!(failure.attribute("type"), Some("two-findings"));
    let text = "stacks/um/stack.toml:5:9: `service.web` is in a public subnet\n  help: other\n\
        stacks/um/stack.toml:6:1: `service.web` is in a public subnet\n\
        \x20 also: stacks/base #1/ü, b:c%.toml:2:9: the tier\n\
        \x20 also: stacks/um/stack.toml:5:9: the image\n\
        \x20 help: say `tier = \"private\"`\n\
        stacks/um/stack.toml:6:1: the same line\n\
        stacks/um/stack.toml:9:8: `service.other` is in a public subnet\n";
    assert_eq!(failure.text(), Some(text));
}

#[test]
fn what_is_not_known_and_what_is_excepted_is_skipped_with_the_reason() {
    let tests = tests_of(&example().with(render_junit), "um");
    let why = |name: &str| tests.iter().find(|(test, ..)| test == name).unwrap().2.clone();
    assert_eq!(why("not-known"), "not known: the routes of `vpc-1` are not known");
    assert!(why("one-exception").starts_with("excepted: only a demo "));
}

#[test]
fn advice_is_in_the_output_of_the_suite() {
    let xml = example().with(render_junit);
    let document = Document::parse(&xml).unwrap();
    let texts: String =
        document.descendants().filter(|node| node.has_tag_name("system-out")).filter_map(|node| node.text()).collect();
    for line in [
        "warning (advice-only): stacks/um/stack.toml:5:9: `service.web` might be larger\n",
        "warning (unused-file): stacks/um/stack.toml:1:1: `a.toml` is used by nothing\n",
        "excepted (one-exception): stacks/um/stack.toml:9:8: `service.other` has one task\n  reason: the whole account is a sandbox\n",
    ] {
        assert!(texts.contains(line), "{texts}");
    }
}

#[test]
fn no_rule_has_passed_where_none_was_asked() {
    let xml = example().with(render_junit);
    let document = Document::parse(&xml).unwrap();
    let suites: Vec<Node<'_, '_>> = document.root_element().children().filter(Node::is_element).collect();
    for (suite, reason) in [(2, "not asked: what the stack wants is not known"), (3, "not evaluated: policy-child")] {
        let cases = suites[suite].children().filter(|node| node.has_tag_name("testcase"));
        let rules: Vec<Node<'_, '_>> =
            cases.filter(|case| case.attribute("classname").unwrap().ends_with(".network")).collect();
        assert_eq!(rules.len(), 6);
        for rule in rules {
            assert_eq!(told(rule), ("skipped".to_owned(), reason.to_owned()));
        }
    }
    assert_eq!(outcomes(&xml, "short")[..2], of(&[("manifest", "passed"), ("policy-child", "error")]));
    let broken = suites[2].children().find(|node| node.has_tag_name("testcase")).unwrap();
    assert_eq!((broken.attribute("name"), told(broken).0.as_str()), (Some("manifest"), "failure"));
}

#[test]
fn no_rule_has_passed_whose_findings_may_be_among_those_that_were_not_kept() {
    let mut stack = Stack::new("many", "stack.toml");
    for n in 0..=Problems::MOST {
        stack.problems.push(Problem::new("two-findings", n.to_string()));
    }
    let outcomes = outcomes(&Example { stacks: vec![stack], ..example() }.with(render_junit), "many");
    assert_eq!(outcomes[..3], of(&[("manifest", "passed"), ("two-findings", "failure"), ("no-place", "skipped")]));
}

#[test]
fn a_stack_without_a_name_has_one() {
    let mut stack = um(0);
    (stack.name, stack.judged) = (String::new(), Judged::No);
    let xml = Example { stacks: vec![stack], ..example() }.with(render_junit);
    assert_eq!(faults(ANT, &xml), Vec::<String>::new());
    assert!(!outcomes(&xml, ".").is_empty());
}
