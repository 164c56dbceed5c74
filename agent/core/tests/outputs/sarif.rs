//! SARIF: the schema, and what services make of it.

use std::collections::BTreeSet;

use agent_core::source::render::{Run, render_sarif};
use agent_core::source::{Problem, Problems};
use serde_json::{Value, json};

use crate::example::{Example, Stack, example, failed, um};
use crate::json_schema::Schema;

fn sarif(example: &Example) -> Value {
    serde_json::from_str(&example.with(render_sarif)).unwrap()
}

fn run_of(example: &Example) -> Value {
    sarif(example)["runs"][0].clone()
}

fn results(example: &Example) -> Vec<Value> {
    run_of(example)["results"].as_array().unwrap().clone()
}

fn of_rule(example: &Example, rule: &str) -> Vec<Value> {
    results(example).into_iter().filter(|result| result["ruleId"] == rule).collect()
}

#[test]
fn the_example_is_as_the_schema_says() {
    assert_eq!(Schema::sarif().faults(&sarif(&example())), Vec::<String>::new());
    assert_eq!(Schema::sarif().faults(&sarif(&Example { rules: vec![], stacks: vec![] })), Vec::<String>::new());
}

#[test]
fn each_result_has_the_rule_that_it_points_at() {
    let run = run_of(&example());
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "no id is there twice");
    assert!(ids.is_superset(&BTreeSet::from(["all-is-well", "switched-off", "syntax", "unknown-key", "policy-child"])));
}

#[test]
fn a_rule_says_what_github_wants_to_know() {
    let run = run_of(&example());
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!(rule["name"], "TwoFindings");
    assert_eq!(rule["shortDescription"]["text"], "Private subnets only.");
    assert_eq!(rule["defaultConfiguration"], json!({ "enabled": true, "level": "error" }));
    assert_eq!(
        rule["properties"],
        json!({
            "tags": ["security", "aws", "network", "Security Hub EC2.15", "Checkov CKV_AWS_130"],
            "precision": "very-high",
            "problem.severity": "error",
            "security-severity": "9.5",
            "binding": "hard",
        })
    );
    let text = "What nobody reaches, nobody attacks. The rule is hard, and its severity critical. It is also known as Security Hub \
        EC2.15, Checkov CKV_AWS_130.";
    assert_eq!(rule["help"]["text"], text);
    assert_eq!(
        run["tool"]["driver"]["rules"][7]["defaultConfiguration"],
        json!({ "enabled": false, "level": "warning" })
    );
    let syntax = run["tool"]["driver"]["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "syntax").unwrap();
    assert_eq!(syntax["properties"].get("security-severity"), None, "a slip of the pen is no weakness");
}

#[test]
fn a_result_says_what_is_wrong_where_and_how_to_mend_it() {
    let result = &of_rule(&example(), "two-findings")[1];
    assert_eq!(result["message"]["text"], "`service.web` is in a public subnet. Help: say `tier = \"private\"`.");
    assert_eq!((&result["kind"], &result["level"]), (&json!("fail"), &json!("error")));
    assert_eq!(result["properties"], json!({ "stack": "um" }));
    let place = |uri: &str, region: [usize; 4]| {
        let [line, column, end_line, end_column] = region;
        let region = json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column });
        json!({ "artifactLocation": { "uri": uri }, "region": region })
    };
    assert_eq!(result["locations"], json!([{ "physicalLocation": place("stacks/um/stack.toml", [6, 1, 6, 10]) }]));
    let tier = place("stacks/base%20%231/%C3%BC%2C%20b%3Ac%25.toml", [2, 9, 2, 17]);
    // The emoji is two units wide.
    let image = place("stacks/um/stack.toml", [5, 9, 5, 14]);
    let related = json!([
        { "id": 1, "physicalLocation": tier, "message": { "text": "the tier." } },
        { "id": 2, "physicalLocation": image, "message": { "text": "the image." } },
    ]);
    assert_eq!(result["relatedLocations"], related);
    let several = &of_rule(&example(), "two-findings")[3]["locations"][0]["physicalLocation"];
    assert_eq!(*several, place("stacks/um/stack.toml", [9, 8, 11, 2]));
}

#[test]
fn what_has_no_place_is_at_the_beginning_of_its_stack() {
    let place = &of_rule(&example(), "no-place")[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "stacks/um/stack.toml");
    assert_eq!(place["region"]["startLine"], 1);
}

#[test]
fn what_is_not_known_is_open_and_never_a_pass() {
    let open = of_rule(&example(), "not-known");
    assert_eq!((open.len(), &open[0]["kind"], &open[0]["level"]), (1, &json!("open"), &json!("none")));
    let advice = of_rule(&example(), "advice-only");
    assert_eq!((&advice[0]["kind"], &advice[0]["level"]), (&json!("fail"), &json!("warning")));
}

#[test]
fn an_exception_is_a_suppression_with_its_reason() {
    let excepted = of_rule(&example(), "one-exception");
    let own = &excepted[0]["suppressions"][0];
    assert_eq!((&own["kind"], &own["status"]), (&json!("inSource"), &json!("accepted")));
    let justification = own["justification"].as_str().unwrap();
    assert!(justification.starts_with("only a demo ") && justification.ends_with(" (until 2026-12-31)"));
    assert_eq!(own["location"]["physicalLocation"]["region"]["startLine"], 13);
    let reason =
        json!([{ "kind": "external", "status": "accepted", "justification": "the whole account is a sandbox" }]);
    assert_eq!(excepted[1]["suppressions"], reason);
    let suppressed = results(&example()).iter().filter(|result| result.get("suppressions").is_some()).count();
    assert_eq!(suppressed, 2);
}

#[test]
fn no_text_is_a_link_or_a_control_character() {
    fn texts<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => out.push(text),
            Value::Array(list) => list.iter().for_each(|value| texts(value, out)),
            Value::Object(object) => object.values().for_each(|value| texts(value, out)),
            _ => {}
        }
    }
    for result in of_rule(&example(), "hostile-rule").iter().chain(&of_rule(&example(), "syntax")) {
        let mut all = Vec::new();
        texts(&result["message"], &mut all);
        for also in result["relatedLocations"].as_array().into_iter().flatten() {
            texts(&also["message"], &mut all);
        }
        assert!(!all.is_empty());
        for text in all {
            assert!(!text.contains("](") && text.contains("[click] (https"), "{text}");
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text}");
        }
    }
}

fn prints(example: &Example, of: &str) -> Vec<String> {
    let print = |result: &Value| result["partialFingerprints"][of].as_str().unwrap().to_owned();
    results(example).iter().map(print).collect()
}

#[test]
fn fingerprints_stay_when_lines_move_and_are_no_two_the_same() {
    let moved = Example { stacks: vec![um(7)], ..example() };
    let still = Example { stacks: vec![um(0)], ..example() };
    for of in ["gitopsFinding/v1", "primaryLocationLineHash"] {
        let prints = prints(&still, of);
        assert_eq!(prints, self::prints(&moved, of), "{of}");
        let rules = results(&still);
        let different: BTreeSet<(String, &String)> =
            rules.iter().map(|result| result["ruleId"].to_string()).zip(&prints).collect();
        assert_eq!(different.len(), prints.len(), "{of}");
    }
    let lines = |example: &Example| -> Vec<Value> {
        results(example).iter().map(|result| result["locations"][0]["physicalLocation"]["region"].clone()).collect()
    };
    assert_ne!(lines(&still), lines(&moved), "the lines have moved");
}

#[test]
fn a_fingerprint_goes_with_what_a_finding_is_about() {
    let example = Example { stacks: vec![um(0)], ..example() };
    let mut other = Example { stacks: vec![um(0)], ..self::example() };
    other.stacks[0].name = "another".into();
    let (one, two) = (prints(&example, "gitopsFinding/v1"), prints(&other, "gitopsFinding/v1"));
    assert!(one.iter().all(|print| !two.contains(print)), "of two stacks no finding is the same");
    let print_of_last = |messages: &[&'static str]| {
        let mut stack = Stack::new("a", "stack.toml");
        for message in messages {
            stack.problems.push(Problem::new("two-findings", *message));
        }
        prints(&Example { stacks: vec![stack], ..self::example() }, "gitopsFinding/v1").pop().unwrap()
    };
    assert_eq!(print_of_last(&["a", "b"]), print_of_last(&["b"]), "what is mended elsewhere does not matter");
}

#[test]
fn where_it_comes_from_is_told_if_it_is_known() {
    let run = run_of(&example());
    let from = json!([{ "repositoryUri": "https://example.com/manifests.git", "revisionId": "3227f50c0ffee" }]);
    assert_eq!(run["versionControlProvenance"], from);
    assert!(run["properties"]["policyDigest"].as_str().unwrap().starts_with("9f86d081"));
    assert_eq!(run["invocations"][0]["startTimeUtc"], "2026-11-21T19:00:00.000Z");
    let unknown = example().with(|run| render_sarif(&Run { repository: Some("/srv/manifests"), ..run.clone() }));
    let unknown: Value = serde_json::from_str(&unknown).unwrap();
    assert_eq!(unknown["runs"][0].get("versionControlProvenance"), None);
}

#[test]
fn a_run_without_verdicts_has_not_succeeded() {
    let run = run_of(&example());
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let notes = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notes[0]["message"]["text"], "The rules could not be evaluated for the stack short.");
    let sound = run_of(&Example { stacks: vec![um(0)], ..example() });
    assert_eq!(sound["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn findings_that_were_not_kept_are_told_of() {
    let mut stack = failed();
    stack.judged = agent_core::source::render::Judged::Yes;
    for n in 0..=Problems::MOST {
        stack.problems.push(Problem::new("all-is-well", n.to_string()));
    }
    let run = run_of(&Example { stacks: vec![stack], ..example() });
    let note = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(note["message"]["text"], "The stack short has 2 findings more than are told here.");
}
