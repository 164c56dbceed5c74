//! `agent run` with the shipped binary over emulated AWS: what it does when people commit, what it leaves alone, how it stops.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::bench::emulator::Emulator;
use crate::bench::fault::{At, Fault, What};
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::record::{self, Call};
use crate::bench::repository::{Files, changed, commit_to};
use crate::bench::running::Running;
use crate::bench::signing::move_to;
use crate::bench::wire::Wire;
use crate::cli::ends;

/// A repository, a configuration, and AWS behind a proxy.
struct Place {
    folder: tempfile::TempDir,
    proxy: Proxy,
}

impl Place {
    fn new() -> Self {
        let wire = Wire::new(Emulator::shared());
        let place = Self { folder: tempfile::tempdir().unwrap(), proxy: Proxy::start(&wire).unwrap() };
        place.configure("interval = \"1s\"\n", "drift = \"1h\"\n");
        place
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("manifests")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    fn configure(&self, source: &str, reconcile: &str) {
        let url = self.repository();
        let text = format!("[source]\nurl = \"{}\"\n{source}\n[reconcile]\n{reconcile}", url.display());
        std::fs::write(self.configuration(), text).unwrap();
    }

    fn commit(&self, files: &Files) -> String {
        commit_to(&self.repository(), "main", files)
    }

    fn agent(&self) -> Running {
        Running::start(&self.configuration(), self.proxy.env())
    }

    fn calls(&self) -> usize {
        self.proxy.wire().calls().len()
    }

    fn since(&self, before: usize) -> Vec<Call> {
        self.proxy.wire().calls().split_off(before)
    }

    /// The changing calls since, but for the stack's own words.
    fn changes(&self, before: usize) -> Vec<Call> {
        let own = |call: &Call| call.body().contains("/gitops-agent/");
        self.since(before).into_iter().filter(|call| call.name.kind == Kind::Mutating && !own(call)).collect()
    }
}

/// Stacks with a parameter each, by name, in a region of their own.
fn stacks(region: &str, values: &[(&str, &str)]) -> Files {
    let text = |name: &str, value: &str| {
        format!(
            "[stack]\nname = \"{name}\"\naccount = \"123456789012\"\nregion = \"{region}\"\n\n[parameter.greeting]\nvalue = \"{value}\"\n"
        )
    };
    values.iter().map(|(name, value)| (format!("{name}/stack.toml"), text(name, value))).collect()
}

#[test]
fn a_commit_is_followed_and_costs_calls_for_what_it_changes_alone() {
    let place = Place::new();
    let first = place.commit(&stacks("ap-south-1", &[("run-a", "one"), ("run-b", "one")]));
    let agent = place.agent();
    for stack in ["run-a", "run-b"] {
        agent.wait_for(0, &["converged", stack, &first[..7]]);
    }
    let (mark, before) = (agent.mark(), place.calls());
    let second = place.commit(&stacks("ap-south-1", &[("run-a", "one"), ("run-b", "two")]));
    agent.wait_for(mark, &["converged", "run-b", &second[..7]]);
    let calls = place.since(before);
    let about_a = |call: &&Call| call.body().contains("/run-a/");
    assert_eq!(calls.iter().filter(about_a).count(), 0, "{}", record::table(&calls));
    assert_eq!(record::table(&place.changes(before)).matches("PutParameter").count(), 1);
    // A commit that means nothing to any stack costs nothing.
    let (mark, before) = (agent.mark(), place.calls());
    let mut files = stacks("ap-south-1", &[("run-a", "one"), ("run-b", "two")]);
    files.insert("README.md".into(), "about".into());
    let third = place.commit(&files);
    agent.wait_for(mark, &["new revision", &third[..7]]);
    let (status, _) = agent.stop();
    assert!(status.success());
    assert_eq!(record::table(&place.since(before)), record::table(&[]));
}

#[test]
fn what_is_changed_by_hand_is_put_right_at_the_next_look() {
    let place = Place::new();
    place.configure("", "drift = \"1s\"\n");
    place.commit(&stacks("ap-south-2", &[("run-drift", "mine")]));
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-drift"]);
    let mark = agent.mark();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ssm = aws_sdk_ssm::Client::new(&place.proxy.wire().config("ap-south-2"));
    let put = ssm.put_parameter().name("/run-drift/greeting").value("by hand").overwrite(true);
    runtime.block_on(put.send()).unwrap();
    agent.wait_for(mark, &["update parameter.greeting/ssm.parameter", "trigger=\"drift\""]);
    agent.wait_for(mark, &["converged", "run-drift"]);
    let got = runtime.block_on(ssm.get_parameter().name("/run-drift/greeting").send()).unwrap();
    assert_eq!(got.parameter.unwrap().value.unwrap(), "mine");
}

#[test]
fn a_wrong_revision_is_refused_with_its_place_and_the_next_one_is_applied() {
    let place = Place::new();
    let good = stacks("ap-south-1", &[("run-wrong", "one"), ("run-right", "one")]);
    place.commit(&good);
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-wrong"]);
    agent.wait_for(0, &["converged", "run-right"]);
    let (mark, before) = (agent.mark(), place.calls());
    let mut wrong = good.clone();
    wrong.get_mut("run-wrong/stack.toml").unwrap().push_str("\n[parameter.other]\nvalu = \"x\"\n");
    wrong.insert("run-right/stack.toml".into(), good["run-right/stack.toml"].replace("one", "two"));
    let wrong = place.commit(&wrong);
    agent.wait_for(mark, &["ERROR", "run-wrong/stack.toml:10:1", "did you mean `value`"]);
    agent.wait_for(mark, &["refused", "run-wrong"]);
    // The other stack of the same commit goes on.
    agent.wait_for(mark, &["converged", "run-right", &wrong[..7]]);
    let about_it = |call: &&Call| call.body().contains("run-wrong");
    let calls = place.since(before);
    assert_eq!(calls.iter().filter(about_it).count(), 0, "{}", record::table(&calls));

    let mark = agent.mark();
    place.commit(&stacks("ap-south-1", &[("run-wrong", "three"), ("run-right", "two")]));
    agent.wait_for(mark, &["update parameter.greeting/ssm.parameter", "run-wrong"]);
    agent.wait_for(mark, &["converged", "run-wrong"]);
}

#[test]
fn a_stack_whose_folder_is_gone_is_told_and_left_as_it_is() {
    let place = Place::new();
    place.configure("", "drift = \"1s\"\n");
    place.commit(&stacks("ap-south-1", &[("run-stays", "one"), ("run-gone", "one")]));
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-stays"]);
    agent.wait_for(0, &["converged", "run-gone"]);
    let (mark, before) = (agent.mark(), place.calls());
    place.commit(&stacks("ap-south-1", &[("run-stays", "two")]));
    agent.wait_for(mark, &["WARN", "run-gone", "agent destroy run-gone"]);
    agent.wait_for(mark, &["converged", "run-stays"]);
    let calls = place.since(before);
    assert!(!record::table(&calls).contains("DeleteParameter"), "{}", record::table(&calls));
}

#[test]
fn a_stack_that_cannot_be_read_is_refused_by_its_name_and_not_told_to_be_gone() {
    let place = Place::new();
    let good: Files = stacks("ap-south-1", &[("run-unread", "one")])
        .into_values()
        .map(|text| ("envs/prod/stack.toml".to_owned(), text))
        .collect();
    place.commit(&good);
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-unread"]);
    let mark = agent.mark();
    let mut broken = good.clone();
    broken.insert("envs/prod/more.toml".into(), "[parameter.other\n".into());
    place.commit(&broken);
    agent.wait_for(mark, &["ERROR", "run-unread", "envs/prod/more.toml:1:", "header is not closed"]);
    agent.wait_for(mark, &["ERROR", "run-unread", "the revision is refused"]);
    place.commit(&changed(&good, "envs/prod/stack.toml", "one", "two"));
    agent.wait_for(mark, &["converged", "run-unread"]);
    let log = agent.lines(mark).join("\n");
    assert!(!log.contains("agent destroy"), "{log}");
}

#[test]
fn a_stack_that_moves_is_told_with_the_place_where_it_was() {
    let place = Place::new();
    let files = stacks("ap-south-1", &[("run-moves", "one")]);
    place.commit(&files);
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-moves"]);
    let mark = agent.mark();
    place.commit(&changed(&files, "run-moves/stack.toml", "ap-south-1", "ap-south-2"));
    let command = "agent destroy run-moves --account 123456789012 --region ap-south-1";
    agent.wait_for(mark, &["WARN", "run-moves", "left as it is", command]);
    agent.wait_for(mark, &["converged", "run-moves"]);
}

#[test]
fn a_newer_commit_ends_the_wait_for_an_older_one() {
    let place = Place::new();
    place.commit(&stacks("ap-northeast-2", &[("run-newer", "one")]));
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-newer"]);
    // What the older commit wants is throttled for ever; the engine has patience with that.
    let stuck = |head: &crate::bench::fault::Head<'_>| {
        let is_it = head.name.action == "PutParameter" && String::from_utf8_lossy(head.body).contains("stuck");
        is_it.then_some(What::Throttle)
    };
    place.proxy.wire().plan_by(stuck);
    let mark = agent.mark();
    place.commit(&stacks("ap-northeast-2", &[("run-newer", "stuck")]));
    let is_throttled = |call: &Call| call.fault == Some(What::Throttle.name());
    let begun = std::time::Instant::now();
    while !place.proxy.wire().calls().iter().any(is_throttled) {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", agent.lines(mark).join("\n"));
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let newer = place.commit(&stacks("ap-northeast-2", &[("run-newer", "good")]));
    let (at, _) = agent.wait_for(mark, &["converged", "run-newer", &newer[..7]]);
    // The engine's own patience with throttling is a minute.
    assert!(at.duration_since(begun) < Duration::from_secs(45), "{:?}", at.duration_since(begun));
    agent.wait_for(mark, &["waits for the next pass, since a newer revision is there"]);
}

#[test]
fn a_pass_over_an_older_revision_is_not_told_as_one_over_the_newer() {
    let place = Place::new();
    place.commit(&stacks("me-south-1", &[("run-older", "one")]));
    let mut env = place.proxy.env();
    env.insert("AGENT_LOG".into(), "error,agent=debug".into());
    let agent = Running::start(&place.configuration(), env);
    agent.wait_for(0, &["converged", "run-older"]);
    // Looks take long, so that the next commit comes in the middle of one that finds nothing to do.
    let slow = |head: &crate::bench::fault::Head<'_>| {
        (head.name.action == "GetParametersByPath").then_some(What::Delay(Duration::from_millis(1500)))
    };
    place.proxy.wire().plan_by(slow);
    let mark = agent.mark();
    place.commit(&stacks("me-south-1", &[("run-older", "two")]));
    agent.wait_for(mark, &["trigger=\"progress\"", "a pass begins"]);
    let mark = agent.mark();
    let newer = place.commit(&stacks("me-south-1", &[("run-older", "three")]));
    agent.wait_for(mark, &["update parameter.greeting", &newer[..7]]);
    agent.wait_for(mark, &["converged stack=", &newer[..7]]);
    let lines = agent.lines(mark);
    let at = |words: &[&str]| lines.iter().position(|line| words.iter().all(|word| line.contains(word))).unwrap();
    let (told, done) = (at(&["converged stack=", &newer[..7]]), at(&["update parameter.greeting", &newer[..7]]));
    assert!(done < told, "told as converged before anything was done:\n{}", lines.join("\n"));
}

#[test]
fn a_stop_waits_for_the_call_under_way_and_makes_no_other_and_the_next_start_goes_on() {
    let place = Place::new();
    let mut files = stacks("ap-northeast-3", &[("run-stop", "one")]);
    for n in 0..12 {
        let more = format!("\n[parameter.p{n}]\nvalue = \"{n}\"\n");
        files.get_mut("run-stop/stack.toml").unwrap().push_str(&more);
    }
    place.commit(&files);
    place.proxy.wire().plan([Fault::new(
        At::EachOf { service: "ssm", action: "PutParameter" },
        What::Delay(Duration::from_millis(400)),
    )]);
    let agent = place.agent();
    agent.wait_for(0, &["create parameter."]);
    let (status, took) = agent.stop();
    assert!(status.success() && took < Duration::from_secs(25), "{status}, {took:?}");
    let made = |calls: &[Call]| {
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        for call in calls.iter().filter(|call| call.name.action == "PutParameter") {
            let body: serde_json::Value = serde_json::from_slice(&call.request.body).unwrap();
            let name = body["Name"].as_str().unwrap().to_owned();
            *made.entry(name).or_default() += usize::from(!body["Name"].as_str().unwrap().contains("gitops-agent"));
        }
        made.retain(|_, times| *times > 0);
        made
    };
    let before = made(&place.proxy.wire().calls());
    assert!(!before.is_empty() && before.len() < 13, "{before:?}");

    place.proxy.wire().plan([]);
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-stop"]);
    let all = made(&place.proxy.wire().calls());
    assert_eq!(all.len(), 13);
    assert!(all.values().all(|times| *times == 1), "something was made twice: {all:?}");
}

#[test]
fn a_hangup_reads_the_configuration_again_and_a_wrong_one_is_not_used() {
    let place = Place::new();
    place.commit(&stacks("ap-northeast-1", &[("run-reload", "main")]));
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-reload"]);
    let mark = agent.mark();
    place.configure("branch = \"dev\"\nintervall = \"1s\"\n", "");
    agent.signal("HUP");
    agent.wait_for(mark, &["ERROR", "agent.toml:4:1: ", "`intervall`", "did you mean `interval`"]);
    agent.wait_for(mark, &["goes on with the one before"]);
    let tip = commit_to(&place.repository(), "main", &stacks("ap-northeast-1", &[("run-reload", "main again")]));
    agent.wait_for(mark, &["converged", "run-reload"]);
    // Another branch is another source, although it goes on from what was applied last.
    move_to(&place.repository(), "dev", &tip);
    let dev = commit_to(&place.repository(), "dev", &stacks("ap-northeast-1", &[("run-reload", "dev")]));
    let (mark, before) = (agent.mark(), place.calls());
    place.configure("branch = \"dev\"\n", "");
    agent.signal("HUP");
    agent.wait_for(mark, &["ERROR", "run-reload", "branch `main`, and not to", "branch `dev`"]);
    agent.wait_for(mark, &["ERROR", "run-reload", "failed;"]);
    assert_eq!(record::table(&place.changes(before)), record::table(&[]));
    // Until a person gives the stack to it.
    let repository = place.repository().display().to_string();
    let mut apply = Command::new(env!("CARGO_BIN_EXE_agent"));
    apply.args(["apply", "--repo", &repository, "--rev", &dev, "--accept-revision", &dev]);
    ends(&apply.env_clear().envs(place.proxy.env()).output().unwrap(), 0);
    let mark = agent.mark();
    commit_to(&place.repository(), "dev", &stacks("ap-northeast-1", &[("run-reload", "dev again")]));
    agent.wait_for(mark, &["update parameter.greeting/ssm.parameter"]);
    agent.wait_for(mark, &["converged", "run-reload"]);
}

#[test]
fn who_is_told_to_stop_while_the_configuration_is_read_again_stops() {
    let place = Place::new();
    place.commit(&stacks("eu-north-1", &[("run-both", "one")]));
    let agent = place.agent();
    agent.wait_for(0, &["converged", "run-both"]);
    // A pass that the reading of the configuration has to wait for.
    let slow = |head: &crate::bench::fault::Head<'_>| {
        let is_it = head.name.action == "PutParameter" && String::from_utf8_lossy(head.body).contains("two");
        is_it.then_some(What::Delay(Duration::from_secs(6)))
    };
    place.proxy.wire().plan_by(slow);
    let mark = agent.mark();
    place.commit(&stacks("eu-north-1", &[("run-both", "two")]));
    let begun = std::time::Instant::now();
    while !place.proxy.wire().calls().iter().any(|call| call.fault.is_some()) {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", agent.lines(mark).join("\n"));
        std::thread::park_timeout(Duration::from_millis(10));
    }
    agent.signal("HUP");
    agent.wait_for(mark, &["rules are in force"]);
    let (status, took) = agent.stop();
    assert!(status.success() && took < Duration::from_secs(25), "{status}, {took:?}");
}

#[test]
fn of_two_stacks_of_one_name_the_second_is_told_and_left_out() {
    let place = Place::new();
    let mut files = stacks("ap-southeast-1", &[("run-twice", "one")]);
    let other = files["run-twice/stack.toml"].replace("123456789012", "210987654321");
    files.insert("second/stack.toml".into(), other);
    place.commit(&files);
    let agent = place.agent();
    agent.wait_for(0, &["ERROR", "run-twice", "folder=\"second\"", "one stack of a name"]);
    agent.wait_for(0, &["converged", "run-twice"]);
}

#[test]
fn a_stack_that_only_reports_is_told_and_never_written() {
    let place = Place::new();
    let files = stacks("sa-east-1", &[("run-report", "one")]);
    let files = changed(&files, "run-report/stack.toml", "account", "mode = \"report\"\naccount");
    place.commit(&files);
    let agent = place.agent();
    agent.wait_for(0, &["WARN", "run-report", "mode = ", "pending=1"]);
    let (status, _) = agent.stop();
    assert!(status.success());
    let mutating: Vec<_> = place.since(0).into_iter().filter(|call| call.name.kind == Kind::Mutating).collect();
    assert_eq!(record::table(&mutating), record::table(&[]));
}
