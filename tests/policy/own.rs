//! Rules in the shipped program: the pack as it is evaluated there, levels and rules of an organisation's own, what a repository
//! adds, and the forms of findings that pipelines read.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::bench::repository::commit_to;
use crate::cli::ends;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn agent(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_agent")).args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

const STACK: &str = "[stack]\nname = \"one\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n\n[network.main]\n\
    cidr = \"10.20.0.0/16\"\n\n[service.web]\nimage = \"123456789012.dkr.ecr.eu-north-1.amazonaws.com/web:1.0.0\"\n";

const RULE: &str = "# METADATA\n# title: Two tasks\n# description: A service has two tasks.\n# custom:\n#   id: two-tasks\n\
    #   level: soft\npackage org.two_tasks\n\nimport rego.v1\n\ndeny contains finding if {\n\tsome address, service in \
    input.kinds[\"ecs.service\"]\n\tservice.desired_count < 2\n\tfinding := {\"msg\": \"one task\", \"address\": address, \"key\": \
    [\"count\"], \"hint\": \"say `count = 2`\"}\n}\n";

#[test]
fn the_pack_is_right_as_the_program_evaluates_it() {
    let output = agent(&root(), &["policy", "test", "policies"]);
    ends(&output, 0);
    assert!(out(&output).trim_end().ends_with("all are right"), "{}", out(&output));
}

#[test]
fn what_is_wrong_with_a_folder_of_policies_is_told() {
    let tests =
        "package org.two_tasks_test\n\nimport rego.v1\n\ntest_good if {\n\t1 == 1\n}\n\ntest_bad if {\n\t1 == 2\n}\n";
    let two = format!("{STACK}count = 2\n");
    let marked = format!("{STACK}count = 1\ncpu = 256 # here\n");
    let files = [
        ("a/two-tasks.rego", RULE),
        ("a/two-tasks_test.rego", tests),
        ("a/two-tasks/pass/one.toml", STACK),
        ("a/two-tasks/pass/two.toml", &two),
        ("a/two-tasks/fail/two.toml", &two),
        ("a/two-tasks/fail/one.toml", STACK),
        ("a/two-tasks/fail/line.toml", &marked),
        ("a/two-tasks/fail/broken.toml", "[stack"),
    ];
    let folder = folder(&files);
    let output = agent(folder.path(), &["policy", "test", "."]);
    ends(&output, 1);
    insta::assert_snapshot!(out(&output));
}

#[test]
fn a_folder_without_policies_is_no_success() {
    let folder = folder(&[("readme.md", "nothing")]);
    ends(&agent(folder.path(), &["policy", "test", "."]), 2);
    ends(&agent(folder.path(), &["policy", "test"]), 2);
}

#[test]
fn the_configuration_adds_rules_and_says_how_binding_they_are() {
    let config = |more: &str| format!("[policy]\nbundle = \"own\"\n{more}");
    let (soft, off) = (config(""), config("levels = { two-tasks = \"off\" }\n"));
    let (unknown, hard) = (config("levels = { two-task = \"off\" }\n"), config("levels = { two-tasks = \"hard\" }\n"));
    let exception = "\n[[exception]]\nrule = \"two-tasks\"\ncomponent = \"service.web\"\nreason = \"a test\"\nuntil = \"2999-01-01\"\n";
    let excepted = format!("{STACK}{exception}");
    let folder = folder(&[
        ("one/stack.toml", STACK),
        ("excepted/stack.toml", &excepted),
        ("own/two-tasks.rego", RULE),
        ("soft.toml", &soft),
        ("off.toml", &off),
        ("unknown.toml", &unknown),
        ("hard.toml", &hard),
    ]);
    let validate = |stack: &str, config: &str| agent(folder.path(), &["validate", stack, "--config", config]);
    ends(&agent(folder.path(), &["validate", "one"]), 0);
    let output = validate("one", "soft.toml");
    ends(&output, 1);
    assert!(out(&output).contains("error[two-tasks]: one task\n --> one/stack.toml:9:1"), "{}", out(&output));
    ends(&validate("one", "off.toml"), 0);
    let output = validate("excepted", "soft.toml");
    ends(&output, 0);
    assert!(out(&output).ends_with("no problems, 1 exception\n"), "{}", out(&output));
    assert!(err(&output).contains("one task (excepted until 2999-01-01: a test)"), "{}", err(&output));
    ends(&validate("excepted", "hard.toml"), 1);
    let output = validate("one", "unknown.toml");
    ends(&output, 2);
    assert!(err(&output).contains("there is no such rule; is `two-tasks` meant?"), "{}", err(&output));
    let list = out(&agent(folder.path(), &["policy", "list", "--config", "hard.toml"]));
    assert!(list.lines().any(|line| line.trim_start().starts_with("two-tasks ") && line.contains(" hard ")), "{list}");
}

#[test]
fn rules_of_an_organisation_come_from_a_commit_and_stay_there() {
    let folder = folder(&[("one/stack.toml", STACK)]);
    let repository = folder.path().join("policies.git");
    let files = |rule: &str| [("own/two-tasks.rego".to_owned(), rule.to_owned())].into();
    let first = commit_to(&repository, "main", &files(RULE));
    // The branch moves on, and the commit that is named stays.
    commit_to(&repository, "main", &files("package org.nothing\n\nimport rego.v1\n\ndeny := set()\n"));
    let config = |commit: &str| {
        let text = format!(
            "[policy]\nbundle = {{ url = \"{}\", commit = \"{commit}\", path = \"own\" }}\n",
            repository.display()
        );
        std::fs::write(folder.path().join("agent.toml"), text).unwrap();
    };
    config(&first);
    let output = agent(folder.path(), &["validate", "one", "--config", "agent.toml"]);
    ends(&output, 1);
    assert!(out(&output).contains("error[two-tasks]: one task"), "{}", out(&output));
    config(&"0".repeat(40));
    let output = agent(folder.path(), &["validate", "one", "--config", "agent.toml"]);
    ends(&output, 2);
    assert!(err(&output).contains("the policies of `policy.bundle` cannot be read"), "{}", err(&output));
    config("main");
    let output = agent(folder.path(), &["validate", "one", "--config", "agent.toml"]);
    ends(&output, 2);
    assert!(out(&output).contains("`main` is no commit"), "{}", out(&output));
}

#[test]
fn a_policy_that_cannot_be_used_stops_everything_before_it_begins() {
    let folder = folder(&[
        ("one/stack.toml", STACK),
        ("own/a.rego", "# METADATA\n# custom:\n#   id: private-subnets-only\npackage org.a\n"),
        ("empty/readme.md", "none"),
        ("agent.toml", "[policy]\nbundle = \"own\"\n"),
        ("none.toml", "[policy]\nbundle = \"empty\"\n"),
    ]);
    let validate = |config: &str| agent(folder.path(), &["validate", "one", "--config", config]);
    let output = validate("agent.toml");
    ends(&output, 2);
    assert!(err(&output).contains("the rule `private-subnets-only` of the package"), "{}", err(&output));
    let output = validate("none.toml");
    ends(&output, 2);
    assert!(err(&output).contains("there is no policy in empty"), "{}", err(&output));
}

#[test]
fn a_repository_adds_rules_and_its_top_is_where_they_are() {
    let folder = folder(&[("one/stack.toml", STACK), ("policies/two-tasks.rego", RULE)]);
    let output = agent(folder.path(), &["validate", "."]);
    ends(&output, 1);
    assert!(out(&output).contains("error[two-tasks]: one task"), "{}", out(&output));
}

#[test]
fn findings_are_printed_for_pipelines() {
    let open = STACK.replace("[service.web]\n", "[service.web]\ntier = \"public\"\n");
    let folder = folder(&[("stack.toml", &open)]);
    let printed = |output: &str| {
        let printed = agent(folder.path(), &["validate", "--output", output]);
        ends(&printed, 1);
        out(&printed)
    };
    let sarif: serde_json::Value = serde_json::from_str(&printed("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let found = results.iter().find(|result| result["ruleId"] == "private-subnets-only").unwrap();
    let region = &found["locations"][0]["physicalLocation"];
    assert_eq!(
        (region["artifactLocation"]["uri"].as_str(), region["region"]["startLine"].as_u64()),
        (Some("stack.toml"), Some(10))
    );
    let junit = printed("junit");
    assert!(junit.starts_with("<?xml") && junit.contains("<failure type=\"private-subnets-only\""), "{junit}");
    assert!(!junit.contains("stateful-stays"), "nothing is about to be done");
    let github = printed("github");
    assert!(github.starts_with("::error file=stack.toml,line=10,"), "{github}");
    assert!(printed("markdown").starts_with("<!-- gitops-agent: findings -->"));
    let output = agent(folder.path(), &["render", "--output", "sarif"]);
    ends(&output, 2);
}

#[test]
fn a_stack_for_which_aws_could_not_be_asked_is_no_success_in_any_form() {
    let folder = folder(&[("stack.toml", STACK)]);
    for (output, told) in
        [("junit", "<failure type=\"not-asked\""), ("sarif", "\"ruleId\": \"not-asked\""), ("json", "not-asked")]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["validate", "--online", "--output", output]).current_dir(folder.path()).env_clear();
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
        command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
        let printed = command.output().unwrap();
        ends(&printed, 3);
        assert!(out(&printed).contains(told), "{}", out(&printed));
    }
}

#[test]
fn rules_are_explained_and_their_document_is_printed() {
    let output = agent(&root(), &["policy", "explain", "private-subnets-only"]);
    ends(&output, 0);
    assert!(out(&output).contains("hard: there is no way round it"), "{}", out(&output));
    ends(&agent(&root(), &["policy", "explain", "private-subnet-only"]), 2);
    let output = agent(&root(), &["policy", "input", "manifests/um"]);
    ends(&output, 0);
    let document: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((document["version"].as_u64(), document["stack"]["name"].as_str()), (Some(1), Some("um")));
    ends(&agent(&root(), &["policy", "input", "manifests"]), 2);
}

#[test]
fn the_ways_of_tasks_are_shown_hop_by_hop() {
    let output = agent(&root(), &["validate", "manifests/hello", "--paths"]);
    ends(&output, 0);
    let text = out(&output);
    assert!(
        text.contains("✓ service.web pulls the image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/hello:1.0.0\n"),
        "{text}"
    );
    assert!(!text.contains('✗') && !text.contains('?'), "{text}");
}
