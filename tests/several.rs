//! Several stacks in one tree, with the shipped binary: their order, what happens to those that refer to one that failed,
//! stacks over others, stacks that only report, and components that are called otherwise than before.

use std::process::Output;

use serde_json::Value;

use crate::bench::name::Kind;
use crate::bench::record;
use crate::cli::{Bench, ends};
use crate::hello;

const REGION: &str = "eu-north-1";

/// A folder of manifests, and the binary to run on it.
struct Tree {
    bench: Bench,
    dir: tempfile::TempDir,
}

impl Tree {
    fn of(stacks: &[(&str, String)]) -> Self {
        let tree = Self { bench: Bench::new(), dir: tempfile::tempdir().unwrap() };
        for (folder, text) in stacks {
            tree.write(folder, text);
        }
        tree
    }

    fn write(&self, folder: &str, text: &str) {
        let folder = self.dir.path().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("stack.toml"), text).unwrap();
    }

    fn agent(&self, args: &[&str]) -> Output {
        let (command, rest) = args.split_first().unwrap();
        let args: Vec<&str> = [*command, self.dir.path().to_str().unwrap()].iter().chain(rest).copied().collect();
        self.bench.agent(&args)
    }

    /// The same, and the calls that it made.
    fn watched(&self, args: &[&str]) -> (Output, Vec<record::Call>) {
        let before = self.bench.proxy.wire().calls().len();
        let output = self.agent(args);
        (output, self.bench.proxy.wire().calls().split_off(before))
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.agent(&[args, &["--output", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", err(&output)))
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stack(name: &str, text: &str) -> String {
    format!("[stack]\nname = \"{name}\"\naccount = \"123456789012\"\nregion = \"{REGION}\"\n{text}")
}

fn parameter(name: &str, value: &str) -> String {
    format!("[parameter.{name}]\nvalue = \"{value}\"\n")
}

/// A stack with a parameter, and an output that names what another stack has.
fn referring(name: &str, to: &str) -> String {
    stack(name, &format!("{}[outputs]\nkey = \"${{stack:{to}/parameter.key.arn}}\"\n", parameter("own", "x")))
}

fn only_reads(calls: &[record::Call]) {
    assert!(calls.iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(calls));
}

/// The stacks that results are told of, in that order.
fn told(output: &Output) -> Vec<String> {
    out(output).lines().filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
}

#[test]
fn stacks_are_taken_in_the_order_of_their_references_and_destroyed_in_the_other() {
    // By folder it would be the other way round.
    let tree =
        Tree::of(&[("a", referring("order-app", "order-base")), ("b", stack("order-base", &parameter("key", "k")))]);
    let validated = tree.agent(&["validate"]);
    ends(&validated, 0);
    assert_eq!(told(&validated), ["order-base", "order-app"]);
    let early = tree.agent(&["apply", "--stack", "order-app"]);
    ends(&early, 3);
    insta::assert_snapshot!(err(&early), @r"
    error: order-app: there can be no plan: it refers to `arn` of parameter.key/ssm.parameter in the stack `order-base`, which is not there
      help: apply the stack `order-base` first
    ");
    let applied = tree.agent(&["apply"]);
    ends(&applied, 0);
    assert_eq!(told(&applied), ["order-base", "order-app"]);
    let (again, calls) = tree.watched(&["diff", "--exit-code"]);
    ends(&again, 0);
    only_reads(&calls);
    // One list for each stack's own, and one for what the one refers to in the other.
    let lists = calls.iter().filter(|call| call.name.action == "DescribeParameters").count();
    assert_eq!(lists, 3, "{}", record::table(&calls));
    let destroyed = tree.agent(&["destroy", "--yes"]);
    ends(&destroyed, 0);
    assert_eq!(told(&destroyed), ["order-app", "order-base"]);
}

#[test]
fn what_a_stack_refers_to_is_not_destroyed_before_it() {
    let app = referring("needed-app", "needed-base").replace("[parameter", "mode = \"report\"\n[parameter");
    let tree = Tree::of(&[("app", app), ("base", stack("needed-base", &parameter("key", "k")))]);
    ends(&tree.agent(&["apply"]), 0);
    let (kept, calls) = tree.watched(&["destroy", "--yes"]);
    ends(&kept, 2);
    assert_eq!(calls.len(), 0, "{}", record::table(&calls));
    let line = "needed-base: left alone, because the stack `needed-app` refers to it and is still there";
    assert!(err(&kept).contains(line), "{}", err(&kept));
    ends(&tree.agent(&["destroy", "--yes", "--stack", "needed-base"]), 0);
}

#[test]
fn those_that_refer_to_a_failed_stack_are_left_alone_and_others_go_on() {
    let wrong = stack("left-base", &parameter("key", "k")).replace("123456789012", "999999999999");
    let app = referring("left-app", "left-base").replace("account = \"123456789012\"\n", "");
    let tree = Tree::of(&[
        ("base", wrong),
        ("app", app),
        ("more", stack("left-more", "[outputs]\na = \"${stack:left-app/parameter.own.value}\"\n")),
        ("other", stack("left-other", &parameter("own", "x"))),
    ]);
    for command in ["diff", "apply"] {
        let output = tree.agent(&[command]);
        ends(&output, 3);
        let said = err(&output);
        for line in [
            "left-base: the stack `left-base` is for the account 999999999999",
            "left-app: left alone, because it refers to the stack `left-base`, which failed",
            "left-more: left alone, because it refers to the stack `left-app`, which was left alone",
        ] {
            assert!(said.contains(line), "{command}: {line}\n{said}");
        }
        assert_eq!(told(&output), ["left-other"], "{}", out(&output));
    }
    ends(&tree.agent(&["destroy", "--stack", "left-other", "--yes"]), 0);
}

#[test]
fn stacks_that_refer_to_each_other_are_told_so_at_both_places() {
    let app = referring("circle-app", "circle-base") + &parameter("key", "k");
    let base = referring("circle-base", "circle-app") + &parameter("key", "k");
    let tree = Tree::of(&[("app", app), ("base", base), ("user", referring("circle-user", "circle-base"))]);
    let (output, calls) = tree.watched(&["apply"]);
    ends(&output, 1);
    assert_eq!(calls.len(), 0, "{}", record::table(&calls));
    let said = out(&output);
    for folder in ["app", "base"] {
        assert!(said.contains(&format!("{folder}/stack.toml:8:7")), "{said}");
    }
    assert_eq!(
        said.matches("error[stack-cycle]: the stacks `circle-app` and `circle-base` refer to each other").count(),
        2
    );
    assert!(err(&output).contains("circle-user: left alone"), "{}", err(&output));
}

#[test]
fn a_stack_that_only_reports_shows_its_plan_and_writes_nothing() {
    let text = stack("report", &parameter("own", "x"));
    let reporting = text.replace("[parameter", "mode = \"report\"\n[parameter");
    let tree = Tree::of(&[("report", reporting.clone())]);
    let (output, calls) = tree.watched(&["apply"]);
    ends(&output, 0);
    only_reads(&calls);
    insta::assert_snapshot!(out(&output), @r#"
      + create   parameter.own/ssm.parameter  it is not there

    report: 1 to create, 0 unchanged
    report: nothing was changed, because the stack says `mode = "report"`
    "#);
    let reports = tree.json(&["apply"]);
    assert_eq!(
        (&reports[0]["mode"], &reports[0]["plan"]["steps"][0]["op"]["do"]),
        (&"report".into(), &"create".into())
    );
    tree.write("report", &text);
    ends(&tree.agent(&["apply"]), 0);
    tree.write("report", &reporting);
    let (refused, calls) = tree.watched(&["destroy", "--yes"]);
    ends(&refused, 2);
    only_reads(&calls);
    insta::assert_snapshot!(err(&refused), @r#"
    error: report: nothing was deleted, because the stack says `mode = "report"`
      help: take the line away before the stack is destroyed
    "#);
    tree.write("report", &text);
    ends(&tree.agent(&["destroy", "--yes"]), 0);
}

#[test]
fn an_overlay_takes_away_what_its_base_has_within_the_budget_and_a_vanished_folder_takes_nothing() {
    let base = stack("lay-base", &["a", "b", "c", "d"].map(|name| parameter(name, "x")).concat());
    let over = "[stack]\nname = \"lay-over\"\nextends = \"../base\"\n[parameter.a]\nvalue = \"y\"\n".to_owned();
    let tree = Tree::of(&[("base", base), ("over", over.clone())]);
    ends(&tree.agent(&["apply"]), 0);
    ends(&tree.agent(&["diff", "--exit-code"]), 0);
    let all =
        over.replace("[parameter.a]\nvalue = \"y\"\n", "[parameter]\na = false\nb = false\nc = false\nd = false\n");
    tree.write("over", &all);
    let beyond = tree.agent(&["diff", "--stack", "lay-over"]);
    ends(&beyond, 1);
    assert!(err(&beyond).contains("4 components would be removed"), "{}", err(&beyond));
    tree.write("over", &all.replace("a = false\n", "").replace("d = false\n", ""));
    let less = tree.agent(&["diff", "--stack", "lay-over"]);
    ends(&less, 0);
    insta::assert_snapshot!(out(&less), @r#"
      ~ update   parameter.a/ssm.parameter  it differs
          value: "y" -> "x"
      - delete   parameter.c/ssm.parameter  the manifest does not name it
      - delete   parameter.b/ssm.parameter  the manifest does not name it

    lay-over: 1 to update, 2 to delete, 1 unchanged
    "#);
    ends(&tree.agent(&["apply"]), 0);
    std::fs::remove_dir_all(tree.dir.path().join("over")).unwrap();
    let (output, calls) = tree.watched(&["apply"]);
    ends(&output, 0);
    assert!(!calls.iter().any(|call| call.name.action.starts_with("Delete")), "{}", record::table(&calls));
    let gone = tree.bench.agent(&["destroy", "lay-over", "--region", REGION, "--yes"]);
    ends(&gone, 0);
    assert!(err(&gone).contains("parameter.a/ssm.parameter"), "it was still there: {}", err(&gone));
    ends(&tree.agent(&["destroy", "--yes", "--removals", "9"]), 0);
}

/// Over real calls: each kind writes its tags, and nothing is made, deleted or changed otherwise.
#[test]
fn renamed_components_keep_all_that_they_have_in_aws() {
    let before = hello::TEXT
        .replace("name    = \"hello\"", "name    = \"renamed\"")
        .replace("eu-west-1", "ap-southeast-1")
        .replace("[service.web]", "[cluster.main]\n\n[service.web]");
    let names = [("network", "main"), ("load_balancer", "edge"), ("parameter", "greeting"), ("parameter", "token")];
    let after =
        names.iter().chain(&[("cluster", "main"), ("service", "web")]).fold(before.clone(), |text, (kind, name)| {
            text.replace(&format!("[{kind}.{name}]\n"), &format!("[{kind}.{name}-2]\nrenamed_from = \"{name}\"\n"))
                .replace(&format!("{kind} = \"{name}\""), &format!("{kind} = \"{name}-2\""))
                .replace(&format!("\"{kind}.{name}\""), &format!("\"{kind}.{name}-2\""))
                .replace(&format!("${{{kind}.{name}."), &format!("${{{kind}.{name}-2."))
        });
    let tree = Tree::of(&[("renamed", before)]);
    ends(&tree.agent(&["apply"]), 0);
    tree.write("renamed", &after);
    let plans = tree.json(&["diff"]);
    let steps = plans[0]["steps"].as_array().unwrap();
    assert!(steps.len() > 10, "{plans}");
    for step in steps {
        assert_eq!((&step["op"]["do"], &step["op"]["changes"]), (&"update".into(), &serde_json::json!([])), "{step}");
    }
    let (applied, calls) = tree.watched(&["apply"]);
    ends(&applied, 0);
    let written = calls.iter().filter(|call| call.name.kind != Kind::Read).map(|call| call.name.action.as_str());
    let mut written: Vec<&str> = written.collect();
    written.sort_unstable();
    written.dedup();
    // The parameters are the stack's own words: its last revision and its lease.
    let tagging = ["AddTags", "AddTagsToResource", "CreateTags", "PutParameter", "TagResource", "TagRole"];
    assert_eq!(written, tagging);
    let (again, calls) = tree.watched(&["diff", "--exit-code"]);
    ends(&again, 0);
    only_reads(&calls);
    ends(&tree.agent(&["destroy", "--yes", "--removals", "9"]), 0);
}
