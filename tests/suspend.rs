//! `agent suspend` and `agent resume` of the shipped binary over emulated AWS: who may still look, who changes nothing any longer, and
//! that all goes on afterwards.

use std::path::Path;

use serde_json::Value;

use crate::bench::emulator::Emulator;
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::bench::wire::Wire;
use crate::cli::{Bench, ends};

fn manifest(stack: &str, value: &str, more: &str) -> String {
    format!(
        "[stack]\nname = \"{stack}\"\naccount = \"123456789012\"\nregion = \"eu-central-2\"\n{more}\n[parameter.greeting]\nvalue = \"{value}\"\n"
    )
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The names of roles, and the time, differ from run to run.
fn shows(text: &str, words: &[&str]) {
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} is not in\n{text}");
}

fn changes(proxy: &Proxy, before: usize) -> usize {
    proxy.wire().calls().split_off(before).iter().filter(|call| call.name.kind == Kind::Mutating).count()
}

#[test]
fn a_suspended_stack_is_looked_at_and_not_changed_until_it_is_resumed() {
    let bench = Bench::new();
    let first = bench.commit(&manifest("paused", "one", ""));
    ends(&bench.at("apply", &first), 0);
    let second = bench.commit(&manifest("paused", "two", ""));
    let suspended = bench.agent(&["suspend", ".", "--reason", "a database is being moved", "--until", "2h"]);
    ends(&suspended, 0);
    shows(&said(&suspended), &["paused: suspended: arn:aws:", "until 20", ": a database is being moved"]);
    // Another person hears of the first, and the first may say it again in peace.
    let other = bench.agent(&["suspend", "paused", "--region", "eu-central-2", "--reason", "another"]);
    ends(&other, 3);
    shows(&said(&other), &["suspended already", "a database is being moved", "agent resume"]);

    let before = bench.proxy.wire().calls().len();
    for refused in
        [&["apply", "--repo", ".", "--rev", &second][..], &["destroy", ".", "--yes"], &["destroy", ".", "-y"]]
    {
        let output = bench.agent(refused);
        ends(&output, 3);
        shows(
            &said(&output),
            &["nothing of the stack is changed", "a database is being moved", "`agent resume paused`"],
        );
    }
    assert_eq!(changes(&bench.proxy, before), 0);
    let diff = bench.at("diff", &second);
    ends(&diff, 0);
    shows(&said(&diff), &["\"one\" -> \"two\"", "paused is suspended", "a database is being moved"]);
    let page = bench.agent(&["diff", "--repo", ".", "--rev", &second, "--output", "markdown"]);
    shows(&said(&page), &["**Suspended**", "a database is being moved"]);
    let status = bench.agent(&["status", "."]);
    ends(&status, 0);
    shows(&said(&status), &["suspended: arn:aws:", " at 20", " until 20", ": a database is being moved"]);
    let json: Value = serde_json::from_slice(&bench.agent(&["status", ".", "--output", "json"]).stdout).unwrap();
    assert_eq!(json[0]["suspension"]["where"], "command", "{json:#}");
    assert_eq!(json[0]["suspension"]["reason"], "a database is being moved", "{json:#}");
    assert!(json[0]["suspension"]["until"].is_string() && json[0]["suspension"]["since"].is_string(), "{json:#}");
    assert!(json[0]["suspension"]["by"].as_str().unwrap().starts_with("arn:aws:"), "{json:#}");
    shows(&said(&bench.agent(&["status", ".", "--output", "markdown"])), &["suspended: arn:aws:"]);

    let resumed = bench.agent(&["resume", "paused", "--region", "eu-central-2"]);
    ends(&resumed, 0);
    shows(&said(&resumed), &["paused: resumed: arn:aws:", "a database is being moved"]);
    shows(&said(&bench.agent(&["resume", "."])), &["paused: it was not suspended"]);
    ends(&bench.at("apply", &second), 0);
    ends(&bench.agent(&["destroy", ".", "--yes"]), 0);
}

#[test]
fn what_is_wrong_with_a_suspension_is_said_before_anything_is_done() {
    let bench = Bench::new();
    bench.commit(&manifest("mistaken", "one", ""));
    for wrong in [
        &["--reason", ""][..],
        &["--reason", "two\nlines"],
        &["--reason", "x", "--until", "yesterday"],
        &["--reason", "x", "--until", "2020-01-01T00:00:00Z"],
    ] {
        let output = bench.agent(&[&["suspend", "."], wrong].concat());
        ends(&output, 2);
    }
    // Nothing of that name was ever applied there.
    ends(&bench.agent(&["suspend", "nobodys", "--region", "eu-central-2", "--reason", "x"]), 2);
    assert_eq!(changes(&bench.proxy, 0), 0);
}

#[test]
fn a_manifest_can_say_it_too() {
    let bench = Bench::new();
    let revision = bench.commit(&manifest("paused-here", "one", "suspend = \"until the audit is over\"\n"));
    for refused in [&["apply", "--repo", ".", "--rev", &revision][..], &["destroy", ".", "--yes"]] {
        let output = bench.agent(refused);
        ends(&output, 3);
        shows(
            &said(&output),
            &["its manifest suspends it: until the audit is over", "take `suspend` out of `[stack]`"],
        );
    }
    assert_eq!(bench.proxy.wire().count("ssm", "GetParametersByPath"), 0, "it is known without a call");
    let diff = bench.at("diff", &revision);
    ends(&diff, 0);
    shows(&said(&diff), &["1 to create", "paused-here is suspended", "until the audit is over"]);
    shows(&said(&bench.agent(&["status", "."])), &["suspended: its manifest suspends it: until the audit is over"]);
    let wrong = bench.commit(&manifest("paused-here", "one", "suspend = \"\"\n"));
    let output = bench.at("validate", &wrong);
    ends(&output, 1);
    shows(&said(&output), &["stack.toml:5:", "bad-reason"]);
}

/// The agent follows a repository, and AWS is emulated.
struct Followed {
    folder: tempfile::TempDir,
    proxy: Proxy,
}

impl Followed {
    fn new() -> Self {
        let followed =
            Self { folder: tempfile::tempdir().unwrap(), proxy: Proxy::start(&Wire::new(Emulator::shared())).unwrap() };
        let url = followed.repository().join("");
        let text = format!("[source]\nurl = \"{}\"\ninterval = \"1s\"\n[reconcile]\ndrift = \"1s\"\n", url.display());
        std::fs::write(followed.folder.path().join("agent.toml"), text).unwrap();
        followed
    }

    fn repository(&self) -> std::path::PathBuf {
        self.folder.path().join("manifests")
    }

    fn commit(&self, value: &str, more: &str) -> String {
        let files = [("stack.toml".to_owned(), manifest("run-paused", value, more))].into();
        commit_to(&self.repository(), "main", &files)
    }

    fn command(&self, args: &[&str]) -> std::process::Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(args).current_dir(Path::new("/")).env_clear().envs(self.proxy.env()).output().unwrap()
    }
}

#[test]
fn a_running_agent_leaves_a_suspended_stack_alone_says_so_once_and_goes_on_with_the_newest_revision() {
    let place = Followed::new();
    let first = place.commit("one", "");
    let agent = Running::start(&place.folder.path().join("agent.toml"), place.proxy.env());
    agent.wait_for(0, &["converged", "run-paused", &first[..7]]);
    let by_name = ["suspend", "run-paused", "--region", "eu-central-2", "--reason", "a freeze"];
    ends(&place.command(&by_name), 0);
    let (mark, before) = (agent.mark(), place.proxy.wire().calls().len());
    let second = place.commit("two", "");
    agent.wait_for(mark, &["WARN", "suspended: arn:aws:", "a freeze", "run-paused", "`agent resume run-paused`"]);
    // It looks again and again, and asks one thing each time.
    let looks = || place.proxy.wire().calls().split_off(before).len();
    let seen = looks();
    while looks() < seen + 4 {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    let calls = place.proxy.wire().calls().split_off(before + seen);
    assert!(
        calls.iter().all(|call| call.label() == "ssm.GetParametersByPath"),
        "{}",
        crate::bench::record::table(&calls)
    );
    assert_eq!(changes(&place.proxy, before), 0);
    let told = |line: &String| line.contains("suspended: ");
    assert_eq!(agent.lines(mark).iter().filter(|line| told(line) && line.contains(&second[..7])).count(), 1);
    ends(&place.command(&["resume", "run-paused", "--region", "eu-central-2"]), 0);
    agent.wait_for(mark, &["converged", "run-paused", &second[..7]]);
    // By its manifest: not even a call.
    let mark = agent.mark();
    place.commit("three", "suspend = \"another freeze\"\n");
    agent.wait_for(mark, &["WARN", "suspended: its manifest suspends it: another freeze"]);
    let (mark, before) = (agent.mark(), place.proxy.wire().calls().len());
    let last = place.commit("three", "");
    agent.wait_for(mark, &["converged", "run-paused", &last[..7]]);
    assert!(changes(&place.proxy, before) > 0);
}
