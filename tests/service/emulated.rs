//! What only shows where AWS answers: the audit log, the numbers of calls, and an end in the middle of a call that hangs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::promtool::numbers;
use super::{Home, sample, until};
use crate::bench::emulator::Emulator;
use crate::bench::fault::{At, Fault, What};
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::record::Call;
use crate::bench::repository::{Files, commit_to};
use crate::bench::wire::Wire;
use crate::cli::{Bench, ends};

/// A stack of this name with so many parameters.
fn stack(name: &str, parameters: usize, value: &str) -> Files {
    let mut text = format!("[stack]\nname = \"{name}\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n");
    for n in 0..parameters {
        let more = format!("\n[parameter.p{n}]\nvalue = \"{value}\"\n");
        text.push_str(&more);
    }
    [(format!("{name}/stack.toml"), text)].into()
}

fn place(listen: &str) -> (Home, Proxy) {
    let mut home = Home::new();
    let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
    home.env.extend(proxy.env());
    home.configure(home.at("manifests").to_str().unwrap(), "", &format!("[reconcile]\ndrift = \"1h\"\n{listen}"));
    (home, proxy)
}

/// The lines of the audit log among these.
fn audit<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let all = lines.map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    all.filter(|line| line["target"] == "audit").map(|line| line["fields"].clone()).collect()
}

/// How often each operation is among these.
fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_default() += 1;
    }
    counted
}

/// The changing calls that AWS has seen, as the audit log has them.
fn changing(calls: &[Call]) -> BTreeMap<String, usize> {
    let changing = calls.iter().filter(|call| call.name.kind == Kind::Mutating);
    count(changing.map(|call| format!("{}:{}", call.name.service, call.name.action)))
}

#[test]
fn commands_write_the_same_lines_when_they_are_asked_to() {
    let bench = Bench::new();
    let revision = bench.commit_files(&stack("cmd-audit", 1, "x"));
    let run = |args: &[&str], asked: bool| {
        let before = bench.proxy.wire().calls().len();
        let mut command = bench.command(&[args, &["--repo", ".", "--rev", &revision]].concat());
        // As under systemd.
        command.env("JOURNAL_STREAM", "8:1");
        if asked {
            command.env("AGENT_LOG", "audit=info");
        }
        let output = command.output().unwrap();
        ends(&output, 0);
        let told = String::from_utf8(output.stderr).unwrap();
        let audit = audit(told.lines().filter(|line| line.starts_with('{')));
        (audit, changing(&bench.proxy.wire().calls()[before..]))
    };
    for args in [&["apply"][..], &["destroy", "--yes"]] {
        let (audit, changing) = run(args, true);
        assert!(changing.values().sum::<usize>() >= 2, "{changing:?}");
        assert_eq!(count(audit.iter().map(|line| line["operation"].as_str().unwrap().to_owned())), changing);
        for line in &audit {
            assert_eq!((&line["stack"], &line["revision"]), (&"cmd-audit".into(), &revision.as_str().into()), "{line}");
        }
        assert!(audit.iter().any(|line| line["address"] == "parameter.p0/ssm.parameter"), "{audit:?}");
    }
    let (audit, changing) = run(&["apply"], false);
    assert!(audit.is_empty() && !changing.is_empty(), "nobody asked: {audit:?}");
    run(&["destroy", "--yes"], false);
}

#[test]
fn the_words_of_people_have_lines_too_with_whose_they_are_and_why() {
    let bench = Bench::new();
    let revision = bench.commit_files(&stack("word-audit", 1, "x"));
    ends(&bench.at("apply", &revision), 0);
    let run = |args: &[&str]| {
        let before = bench.proxy.wire().calls().len();
        let mut command = bench.command(args);
        command.env("JOURNAL_STREAM", "8:1").env("AGENT_LOG", "audit=info");
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let audit = audit(told.lines().filter(|line| line.starts_with('{')));
        let changed = changing(&bench.proxy.wire().calls()[before..]);
        assert_eq!(count(audit.iter().map(|line| line["operation"].as_str().unwrap().to_owned())), changed);
        audit
    };
    let suspended = run(&["suspend", ".", "--reason", "a move", "--until", "2h"]);
    let resumed = run(&["resume", "."]);
    for (audit, action, operation) in
        [(&suspended, "suspend", "ssm:PutParameter"), (&resumed, "resume", "ssm:DeleteParameter")]
    {
        let [line] = &audit[..] else { panic!("{audit:?}") };
        let said = ["stack", "action", "operation", "outcome", "reason"].map(|field| line[field].as_str().unwrap());
        assert_eq!(said, ["word-audit", action, operation, "accepted", "a move"]);
        assert!(line["by"].as_str().unwrap().starts_with("arn:aws:"), "{line}");
        assert!(line["until"].as_str().unwrap().starts_with("20"), "{line}");
        assert!(line["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
    }
    // What changes nothing has none, and one that was refused changed nothing.
    assert_eq!(run(&["resume", "."]), [] as [Value; 0]);
    run(&["suspend", ".", "--reason", "one"]);
    let refused = run(&["suspend", ".", "--reason", "two"]);
    assert!(refused.iter().all(|line| line["outcome"] == "refused" && line["reason"] == "two"), "{refused:?}");
    run(&["resume", "."]);
    ends(&bench.agent(&["destroy", ".", "--yes"]), 0);
}

#[test]
fn each_changing_call_has_a_line_of_its_own_and_is_counted() {
    let (mut home, proxy) = place("[http]\nlisten = \"127.0.0.1:0\"\n");
    // As under systemd, which says where the log goes.
    home.env.insert("JOURNAL_STREAM".into(), "8:1".into());
    let revision = commit_to(&home.at("manifests"), "main", &stack("svc-audit", 2, "the-value-that-nobody-logs"));
    let agent = home.start();
    agent.wait_for(0, &["converged", "svc-audit"]);
    let (_, line) = agent.wait_for(0, &["answers at http://"]);
    let line: Value = serde_json::from_str(&line).unwrap();
    let said = line["fields"]["message"].as_str().unwrap();
    let at = said.rsplit("http://").next().unwrap().parse().unwrap();
    let lines = agent.lines(0);
    let audit = audit(lines.iter().map(String::as_str));
    let calls = proxy.wire().calls();
    // One for each call that the client has tried to make.
    let told = count(audit.iter().map(|line| line["operation"].as_str().unwrap().to_owned()));
    assert_eq!(told, changing(&calls));
    assert!(told["ssm:PutParameter"] >= 4, "the parameters, and what the stack says about itself: {told:?}");
    for line in &audit {
        assert_eq!((&line["stack"], &line["revision"]), (&"svc-audit".into(), &revision.as_str().into()), "{line}");
        assert_eq!(line["outcome"], "accepted", "{line}");
        assert!(line["request_id"].as_str().is_some_and(|id| id.len() > 8), "{line}");
        assert!(line["policy"].as_str().is_some_and(|digest| digest.len() == 64), "{line}");
    }
    let mut about: Vec<&str> = audit.iter().filter_map(|line| line["address"].as_str()).collect();
    about.sort_unstable();
    about.dedup();
    assert_eq!(about, ["parameter.p0/ssm.parameter", "parameter.p1/ssm.parameter"]);
    assert!(!lines.concat().contains("nobody-logs") && !lines.concat().contains("the-key-that-nobody-sees"));

    let series =
        |kind: &str| format!("gitops_agent_calls_total{{stack=\"svc-audit\",service=\"ssm\",kind=\"{kind}\"}}");
    let metrics = numbers(at);
    let of_ssm = changing(&calls).into_iter().filter(|(operation, _)| operation.starts_with("ssm:"));
    let changes: usize = of_ssm.map(|(_, times)| times).sum();
    assert_eq!(sample(at, &series("change")).to_string(), changes.to_string(), "{metrics}");
    assert!(sample(at, &series("read")) >= 1.0, "{metrics}");
    let status = until(at, "/api/status", |answer| answer.json()["stacks"][0]["under_way"].is_null()).json();
    assert_eq!(status["stacks"][0]["state"], "converged", "{status:#}");
    assert_eq!(status["stacks"][0]["last_pass"]["revision"], revision, "{status:#}");
}

#[test]
fn a_call_that_aws_refuses_is_told_as_refused() {
    let (home, proxy) = place("");
    let refused = Fault::new(At::EachOf { service: "ssm", action: "PutParameter" }, What::AccessDenied);
    proxy.wire().plan([refused]);
    commit_to(&home.at("manifests"), "main", &stack("svc-refused", 1, "x"));
    let agent = home.start();
    agent.wait_for(0, &["svc-refused", "operation=ssm:PutParameter", "outcome=\"refused\"", "request_id="]);
}

#[test]
fn a_call_that_hangs_holds_up_an_end_for_less_than_half_a_minute() {
    let (home, proxy) = place("");
    commit_to(&home.at("manifests"), "main", &stack("svc-hangs", 1, "x"));
    let hangs = |head: &crate::bench::fault::Head<'_>| {
        let is_it = head.name.action == "PutParameter" && String::from_utf8_lossy(head.body).contains("/svc-hangs/p0");
        is_it.then_some(What::Delay(Duration::from_secs(28)))
    };
    proxy.wire().plan_by(hangs);
    let agent = home.start();
    let begun = std::time::Instant::now();
    while !proxy
        .wire()
        .calls()
        .iter()
        .any(|call| call.name.action == "PutParameter" && call.body().contains("/svc-hangs/p0"))
    {
        assert!(begun.elapsed() < super::PATIENCE, "{}", agent.lines(0).join("\n"));
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let (status, took) = agent.stop();
    assert!(status.success() && took < Duration::from_secs(30), "{status}, {took:?}");
    assert!(took > Duration::from_secs(20), "it was waited for: {took:?}");
}
