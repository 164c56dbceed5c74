//! `agent status` and `agent history` of the shipped binary: what people read of a stack in every state that it can be in. What
//! no emulator tells (events, stopped tasks, targets, a rollout under way) is put into its answers on their way.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::bench::fault::{Head, What};
use crate::bench::name::Kind;
use crate::bench::record;
use crate::cli::{Bench, ends};
use crate::hello;

/// A folder of stacks, and the binary to run on it.
struct Stage {
    bench: Bench,
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self { bench: Bench::new(), dir: tempfile::tempdir().unwrap() }
    }

    fn write(&self, stack: &str, text: &str) {
        let folder = self.dir.path().join(stack);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("stack.toml"), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a command on the folder.
    fn agent(&self, args: &[&str]) -> Output {
        let (command, rest) = args.split_first().unwrap();
        let args: Vec<&str> = [*command, self.path().to_str().unwrap()].iter().chain(rest).copied().collect();
        self.bench.agent(&args)
    }

    /// The status as people read it, with nothing in it that differs from run to run.
    fn status(&self) -> String {
        self.told(&["status"])
    }

    fn told(&self, args: &[&str]) -> String {
        let output = self.agent(args);
        ends(&output, 0);
        still(&String::from_utf8(output.stdout).unwrap())
    }

    fn calls(&self, run: impl FnOnce()) -> Vec<record::Call> {
        let before = self.bench.proxy.wire().calls().len();
        run();
        self.bench.proxy.wire().calls().split_off(before)
    }

    /// The last answer to an action.
    fn answer(&self, action: &str) -> String {
        let calls = self.bench.proxy.wire().calls();
        let call = calls.iter().rfind(|call| call.name.action == action && call.fault.is_none());
        String::from_utf8(call.unwrap_or_else(|| panic!("nobody asked {action}")).answer.clone()).unwrap()
    }

    /// From now on these actions get these answers; none is what the emulator says.
    fn answers(&self, made_up: &[(&'static str, String)]) {
        let made_up = made_up.to_vec();
        let answer = move |head: &Head<'_>| {
            let found = made_up.iter().find(|(action, _)| *action == head.name.action)?;
            Some(What::Answer(found.1.clone()))
        };
        self.bench.proxy.wire().plan_by(answer);
    }

    /// What `DescribeServices` last said, with something else in the only service.
    fn services(&self, change: impl FnOnce(&mut Value)) -> (&'static str, String) {
        let mut answer: Value = serde_json::from_str(&self.answer("DescribeServices")).unwrap();
        change(&mut answer["services"][0]);
        ("DescribeServices", answer.to_string())
    }
}

/// Times, lengths of time and revisions of folders are others in each run.
fn still(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(end) = text.find(" UTC") {
        text.replace_range(end - 19..end + 4, "TIME");
    }
    for (from, to, word) in [("TIME (", " ago)", "AGO"), ("took ", "\n", "SOME TIME"), (", rules ", "\n", "DIGEST")] {
        let mut at = 0;
        while let Some(start) = text[at..].find(from).map(|found| at + found + from.len()) {
            let end = start + text[start..].find(to).unwrap();
            // What stands behind a length of time stays.
            let end = text[start..end].find(',').map_or(end, |comma| start + comma);
            text.replace_range(start..end, word);
            at = start + word.len();
        }
    }
    while let Some(start) = text.find("folder-") {
        text.replace_range(start..start + "folder-".len() + 12, "REVISION");
    }
    text
}

fn hello(stack: &str, region: &str) -> String {
    hello::TEXT.replace("name    = \"hello\"", &format!("name    = \"{stack}\"")).replace("eu-west-1", region)
}

fn parameter(stack: &str, region: &str, value: &str) -> String {
    format!(
        "[stack]\nname = \"{stack}\"\naccount = \"123456789012\"\nregion = \"{region}\"\n\n[parameter.greeting]\nvalue = \"{value}\"\n"
    )
}

/// Somebody writes a parameter in the console.
fn by_hand(stage: &Stage, region: &'static str, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ssm = aws_sdk_ssm::Client::new(&stage.bench.proxy.wire().config(region));
        ssm.put_parameter().name(name).value("by hand").overwrite(true).send().await.unwrap();
    });
}

/// One service with a load balancer through its life: each status is what people would see then.
#[test]
fn a_stack_in_every_state() {
    let stage = Stage::new();
    let text = hello("status", "eu-west-3");
    stage.write("status", &text);
    insta::assert_snapshot!("never_applied", stage.status());
    ends(&stage.agent(&["apply"]), 0);
    insta::assert_snapshot!("converged", stage.status());
    it_costs_what_a_look_costs_and_two_calls(&stage);
    insta::assert_snapshot!("converged_all", stage.told(&["status", "--all"]));

    it_progresses(&stage);
    it_is_degraded(&stage);
    it_waits(&stage);

    by_hand(&stage, "eu-west-3", "/status/greeting");
    insta::assert_snapshot!("drifted", stage.status());
    // And another image in Git, which is not applied.
    stage.write("status", &text.replace("hello:1.0.0", "hello:1.1.0"));
    insta::assert_snapshot!("not_applied", stage.status());
    stage.write(
        "status",
        &text.replace("hello:1.0.0", "hello:1.1.0").replace("[stack]\n", "[stack]\nmode = \"report\"\n"),
    );
    insta::assert_snapshot!("report", stage.status());
    insta::assert_snapshot!("report_markdown", stage.told(&["status", "--output", "markdown"]));

    stage.write("status", &text);
    ends(&stage.agent(&["destroy", "--yes", "--removals", "9"]), 0);
}

fn it_costs_what_a_look_costs_and_two_calls(stage: &Stage) {
    let actions = |calls: &[record::Call]| {
        let mut all: Vec<String> = calls.iter().map(record::Call::label).collect();
        all.sort();
        all
    };
    let look = actions(&stage.calls(|| ends(&stage.agent(&["diff"]), 0)));
    let calls = stage.calls(|| drop(stage.status()));
    assert!(calls.iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(&calls));
    let mut more = actions(&calls);
    for one in &look {
        more.remove(more.iter().position(|other| other == one).unwrap_or_else(|| panic!("no {one}")));
    }
    // One target group, and the words of all stacks: those of others come too, ten in a call.
    assert_eq!(more.first().map(String::as_str), Some("elasticloadbalancing.DescribeTargetHealth"));
    assert!(more[1..].iter().all(|action| action == "ssm.GetParametersByPath"), "{more:?}");
}

/// A rollout under way, which no emulator shows.
fn it_progresses(stage: &Stage) {
    let rollout = stage.services(|service| {
        let deployment = &mut service["deployments"][0];
        deployment["rolloutState"] = json!("IN_PROGRESS");
        (deployment["runningCount"], deployment["desiredCount"]) = (json!(1), json!(2));
        service["runningCount"] = json!(1);
    });
    stage.answers(&[rollout]);
    insta::assert_snapshot!("progressing", stage.status());
    ends(&stage.agent(&["status", "--exit-code"]), 0);
    stage.answers(&[]);
    drop(stage.status());
}

/// The image cannot be pulled, the targets answer 502, and AWS's texts are not to be trusted on a terminal.
fn it_is_degraded(stage: &Stage) {
    let pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
        123456789012.dkr.ecr.eu-west-3.amazonaws.com/hello:1.0.0: not found";
    let failed = stage.services(|service| {
        let deployment = &mut service["deployments"][0];
        deployment["id"] = json!("ecs-svc/1");
        deployment["rolloutState"] = json!("FAILED");
        deployment["rolloutStateReason"] = json!("ECS deployment circuit breaker: tasks failed to start.");
        (deployment["runningCount"], deployment["desiredCount"]) = (json!(0), json!(2));
        deployment["failedTasks"] = json!(3);
        service["runningCount"] = json!(0);
        let event = |id: &str, message: &str| json!({ "id": id, "createdAt": 4_000_000_000.0, "message": message });
        service["events"] = json!([
            event("3", "(service web) was unable to place a task. \u{1b}[31mReason: Capacity is unavailable."),
            event("2", "(service web) has started 2 tasks: (task 0a1b2c3d4e5f60718293a4b5c6d7e8f9)."),
            event("1", "(service web) was unable to place a task. \u{1b}[31mReason: Capacity is unavailable."),
        ]);
    });
    let task = |code: &str, reason: &str, containers: Value| {
        let started = json!({ "stopCode": code, "stoppedReason": reason, "startedBy": "ecs-svc/1", "stoppedAt": 4e9 });
        let mut task = started;
        task["containers"] = containers;
        task
    };
    let cannot_pull = task("TaskFailedToStart", pull, json!([{ "name": "web", "reason": pull }]));
    let exited = task(
        "EssentialContainerExited",
        "Essential container in task exited",
        json!([{ "name": "web", "exitCode": 1 }]),
    );
    let arns = json!({ "taskArns": ["arn:aws:ecs:eu-west-3:123456789012:task/status/1"] });
    let tasks = json!({ "tasks": [cannot_pull.clone(), exited, cannot_pull] });
    stage.answers(&[
        failed,
        ("ListTasks", arns.to_string()),
        ("DescribeTasks", tasks.to_string()),
        ("DescribeTargetHealth", targets()),
    ]);
    insta::assert_snapshot!("degraded", stage.status());
    ends(&stage.agent(&["status", "--exit-code"]), 1);
    let output = stage.agent(&["status", "--output", "json"]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&all[0]["health"], &all[0]["sync"]["status"]), (&json!("degraded"), &json!("synced")), "{all}");
    stage.answers(&[]);
    drop(stage.status());
}

fn targets() -> String {
    let member = |id: &str| {
        format!(
            "<member><Target><Id>{id}</Id><Port>8080</Port></Target><TargetHealth><State>unhealthy</State>\
             <Reason>Target.ResponseCodeMismatch</Reason><Description>Health checks failed with these codes: [502]\
             </Description></TargetHealth></member>"
        )
    };
    format!(
        "<DescribeTargetHealthResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
         <DescribeTargetHealthResult><TargetHealthDescriptions>{}{}</TargetHealthDescriptions>\
         </DescribeTargetHealthResult></DescribeTargetHealthResponse>",
        member("10.20.0.11"),
        member("10.20.16.12")
    )
}

/// The service is gone, and an endpoint that its tasks need comes still.
fn it_waits(stage: &Stage) {
    let mut answer: Value = serde_json::from_str(&stage.answer("DescribeServices")).unwrap();
    answer["services"] = json!([]);
    let endpoints = stage.answer("DescribeVpcEndpoints");
    let (from, to) = ("<state>available</state>", "<state>pending</state>");
    // That of ECR's API, wherever it stands: endpoints are made at once, and listed as they came.
    let at = endpoints.find("ecr.api</serviceName>").unwrap_or_else(|| panic!("{endpoints}"));
    let (before, after) = endpoints.split_at(at);
    assert!(after.contains(from), "{endpoints}");
    stage.answers(&[
        ("DescribeServices", answer.to_string()),
        ("DescribeVpcEndpoints", format!("{before}{}", after.replacen(from, to, 1))),
    ]);
    insta::assert_snapshot!("missing", stage.status());
    ends(&stage.agent(&["status", "--exit-code"]), 1);
    stage.answers(&[]);
    drop(stage.status());
}

#[test]
fn a_stack_whose_folder_is_gone_is_told_with_the_way_out_and_keeps_its_history() {
    let region = "eu-south-1";
    let stage = Stage::new();
    stage.write("kept", &parameter("kept", region, "hello"));
    stage.write("gone", &parameter("gone", region, "hello"));
    ends(&stage.agent(&["apply"]), 0);
    stage.write("gone", &parameter("gone", region, "good day"));
    ends(&stage.agent(&["apply"]), 0);
    insta::assert_snapshot!("two_stacks", stage.status());
    std::fs::remove_dir_all(stage.path().join("gone")).unwrap();
    insta::assert_snapshot!("orphaned", stage.status());
    assert!(!stage.told(&["status", "--stack", "kept"]).contains("orphaned"), "one stack was asked for");
    let all: Value = serde_json::from_slice(&stage.agent(&["status", "--output", "json"]).stdout).unwrap();
    assert_eq!((&all[1]["stack"], &all[1]["orphaned"]), (&json!("gone"), &json!(true)), "{all}");
    // Another folder with a stack is another source: nothing is missing there.
    let other = Stage::new();
    other.write("kept", &parameter("kept", region, "hello"));
    assert!(!other.status().contains("orphaned"));

    let history = stage.bench.agent(&["history", "gone", "--region", region]);
    ends(&history, 0);
    let text = still(&String::from_utf8(history.stdout).unwrap());
    insta::assert_snapshot!("history", text.replace(stage.path().canonicalize().unwrap().to_str().unwrap(), "FOLDER"));
    let runs: Value = serde_json::from_slice(&stage.agent(&["history", "--output", "json"]).stdout).unwrap();
    assert_eq!((&runs[0]["stack"], &runs[0]["runs"][0]["outcome"]), (&json!("kept"), &json!("converged")), "{runs}");
    ends(&stage.bench.agent(&["history", "nobody", "--region", region]), 2);
    for name in ["gone", "kept"] {
        ends(&stage.bench.agent(&["destroy", name, "--region", region, "--yes"]), 0);
    }
    ends(&stage.bench.agent(&["history", "gone", "--region", region]), 2);
}

/// Not on a terminal, a watch prints what has become otherwise and nothing else; an interrupt ends it, and that is no failure.
#[test]
fn a_watch_tells_what_changes_and_ends_on_an_interrupt() {
    use std::io::{BufRead, BufReader};
    let region = "eu-south-1";
    let stage = Stage::new();
    stage.write("watched", &parameter("watched", region, "hello"));
    ends(&stage.agent(&["apply"]), 0);
    let mut command = stage.bench.command(&["status", stage.path().to_str().unwrap(), "--watch", "--every", "1"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || still(&lines.next().unwrap().unwrap());
    assert_eq!(next(), "TIME watched: converged at REVISION since TIME (AGO ago)");
    let identities = |calls: &[record::Call]| calls.iter().filter(|one| one.name.action == "GetCallerIdentity").count();
    let calls = stage.calls(|| {
        by_hand(&stage, region, "/watched/greeting");
        assert_eq!(next(), "TIME watched: converged at REVISION since TIME (AGO ago); now out of sync");
        let line = next();
        let expected = "TIME watched: parameter.greeting/ssm.parameter is healthy: out of sync: 1 field differs";
        assert_eq!(line, expected);
    });
    assert_eq!(identities(&calls), 0, "the session is the same: {}", record::table(&calls));
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    ends(&stage.agent(&["destroy", "--yes"]), 0);
}
