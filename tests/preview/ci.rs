//! The workflows of `docs/ci`: their scripts are run as they stand there, in a clone as a job has it, with the shipped binary, and with
//! stand-ins for GitHub's `gh` and for GitLab's API. The permissions of the role for previews are those that a diff needs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Repo, err, out, parameters};
use crate::bench::emulator;
use crate::bench::repository::Files;
use crate::bench::say;
use crate::cli::{Bench, ends};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci")
}

/// A YAML file as JSON, read with the Python of the emulators.
fn yaml(name: &str) -> Value {
    let program = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let python = emulator::python().unwrap();
    let output = Command::new(python).args(["-c", program]).arg(docs().join(name)).output().unwrap();
    ends(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn is_there(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        say(&format!("skipped: there is no `{tool}`"));
    }
    found
}

fn files(value: &str) -> Files {
    [("stack.toml".to_owned(), parameters("ci", &[("greeting", value)]))].into()
}

/// A clone of a repository with a pull request, as a job has it.
struct Job {
    origin: Repo,
    clone: tempfile::TempDir,
    beside: tempfile::TempDir,
    env: BTreeMap<String, String>,
    change: String,
}

impl Job {
    fn new(before: &str, after: &str) -> Self {
        let origin = Repo::new(&files(before));
        let change = origin.change(&files(after));
        origin.reference("refs/pull/7/head", &change);
        let (clone, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let job = Self { origin, clone, beside, env: BTreeMap::new(), change };
        let tools = job.beside.path().join("bin");
        std::fs::create_dir(&tools).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_agent"), tools.join("agent")).unwrap();
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let job = job
            .with("PATH", &path)
            .with("HOME", &text(&tools))
            .with("GITHUB_BASE_REF", "main")
            .with("GITHUB_REPOSITORY", "org/manifests")
            .with("GITHUB_SERVER_URL", "https://github.example.org")
            .with("MANIFESTS", ".")
            .with("NUMBER", "7")
            .with("RUN_URL", "https://github.example.org/org/manifests/actions/runs/1")
            .with("GH_TOKEN", "token");
        let beside = job.beside.path().to_owned();
        let job = job
            .with("RUNNER_TEMP", &text(&beside))
            .with("GITHUB_STEP_SUMMARY", &text(&beside.join("summary.md")))
            .with("GITHUB_OUTPUT", &text(&beside.join("output")));
        let change = job.change.clone();
        job.git(&["clone", "-q", job.origin.path().to_str().unwrap(), "."]);
        job.git(&["checkout", "-q", &change]);
        job.with("HEAD", &change).with("CI_COMMIT_SHA", &change)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn git(&self, args: &[&str]) {
        ends(&Command::new("git").args(args).current_dir(self.clone.path()).output().unwrap(), 0);
    }

    /// Runs a script as a runner does.
    fn run(&self, script: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
        command.current_dir(self.clone.path()).env_clear().envs(&self.env);
        command.output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.beside.path().join(name)).unwrap_or_default()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.beside.path().join(name), text).unwrap();
    }

    /// A program that does as this script says.
    fn tool(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.beside.path().join("bin").join(name);
        std::fs::write(&path, format!("#!/usr/bin/env bash\n{script}")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Something that answers as `gh api` does, and keeps what is written.
    fn gh(&self, comments: &Value) {
        self.write("comments.json", &comments.to_string());
        self.tool(
            "gh",
            "set -eu\n[ \"$1\" = api ]\nif [ \"$2\" = --paginate ]; then\n  [ \"$4\" = --jq ]\n  exec jq -r \"$5\" \"$RUNNER_TEMP/comments.json\"\nfi\n\
             printf '%s ' \"$@\" >> \"$RUNNER_TEMP/written\"\nfor one; do case $one in body=@*) cat \"${one#body=@}\" > \"$RUNNER_TEMP/body\";; esac; done\n",
        );
    }

    /// Runs the scripts of a job of a workflow, but for those that install; each must succeed, up to the last.
    fn steps(&self, workflow: &Value, job: &str) -> Output {
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
        let scripts = steps.iter().filter(|step| step["name"] != "Install the agent");
        let scripts: Vec<&str> = scripts.filter_map(|step| step["run"].as_str()).collect();
        let (last, first) = scripts.split_last().unwrap();
        for script in first {
            assert!(!script.contains("${{"), "a text that somebody else chose would be run: {script}");
            let output = self.run(script);
            assert!(output.status.success(), "{script}: {}{}", out(&output), err(&output));
        }
        let code = self.read("output");
        self.run(&format!("CODE={}\n{last}", code.trim().strip_prefix("code=").unwrap_or_default()))
    }
}

#[test]
fn the_workflows_are_what_they_should_be() {
    for name in ["github-actions.yml", "github-actions-forks.yml"] {
        let workflow = yaml(name);
        // YAML 1.1 reads `on` as true.
        assert!(workflow["true"].is_object() && workflow["concurrency"].is_object(), "{name}");
        for (job, value) in workflow["jobs"].as_object().unwrap() {
            for step in value["steps"].as_array().unwrap() {
                let uses = step["uses"].as_str().unwrap_or_default();
                assert!(uses.is_empty() || uses.contains("@v") && uses.matches('.').count() == 2, "{job}: {uses}");
                let checks_out = uses.starts_with("actions/checkout@");
                assert!(!checks_out || step["with"]["persist-credentials"] == false, "{name}: {job}");
                assert!(!checks_out || step["with"]["ref"].is_null(), "{name}: {job}");
                assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{name}: {job}: {step}");
            }
        }
    }
    let forks = yaml("github-actions-forks.yml");
    assert_eq!(forks["permissions"], json!({}));
    let granted = json!({ "contents": "read", "pull-requests": "write" });
    assert_eq!(forks["jobs"]["comment"]["permissions"], granted);
    assert!(!std::fs::read_to_string(docs().join("github-actions-forks.yml")).unwrap().contains("secrets."));
    let own = yaml("github-actions.yml");
    assert_eq!(own["permissions"], json!({ "contents": "read" }));
    assert_eq!(own["jobs"]["check"]["permissions"], Value::Null, "nothing more for forks");
    assert!(own["jobs"]["comment"]["if"].as_str().unwrap().contains("head.repo.full_name == github.repository"));
}

#[test]
fn github_checks_whatever_comes() {
    let job = Job::new("hello", "good day");
    let last = job.steps(&yaml("github-actions.yml"), "check");
    ends(&last, 0);
    let summary = job.read("summary.md");
    assert!(
        summary.starts_with("<!-- gitops-agent:diff offline path=. -->\n### <code>ci</code>: 1 to update\n"),
        "{summary}"
    );
}

#[test]
fn github_has_one_comment_that_is_made_anew() {
    if !is_there("jq") {
        return;
    }
    let bench = Bench::new();
    let mut job = Job::new("hello", "good day");
    job.env.extend(bench.proxy.env());
    job.gh(&json!([]));
    ends(&job.steps(&yaml("github-actions.yml"), "comment"), 0);
    assert!(
        job.read("written").starts_with("api --method POST repos/org/manifests/issues/7/comments "),
        "{}",
        job.read("written")
    );
    let body = job.read("body");
    assert!(body.starts_with("<!-- gitops-agent:diff live path=. -->\n### <code>ci</code>: 1 to create\n"), "{body}");
    assert_eq!(job.read("summary.md"), body);

    let ours = |id: i32, body: &str| json!({ "id": id, "user": { "login": "github-actions[bot]" }, "body": body });
    let theirs = json!({ "id": 1, "user": { "login": "mallory" }, "body": body });
    job.gh(&json!([theirs, ours(2, "<!-- gitops-agent:diff offline path=. -->\nx"), ours(3, &body), ours(4, &body)]));
    job.write("written", "");
    job.write("output", "");
    ends(&job.steps(&yaml("github-actions.yml"), "comment"), 0);
    assert!(
        job.read("written").starts_with("api --method PATCH repos/org/manifests/issues/comments/3 "),
        "{}",
        job.read("written")
    );
}

#[test]
fn github_says_in_the_comment_that_there_is_no_preview() {
    if !is_there("jq") {
        return;
    }
    let job = Job::new("hello", "good day").with("OFFLINE", "--offline");
    job.origin.moves_on(&files("good night"));
    job.git(&["fetch", "-q", "origin"]);
    job.gh(&json!([]));
    ends(&job.steps(&yaml("github-actions.yml"), "comment"), 3);
    assert!(job.read("body").contains("### There is no preview\n"), "{}", job.read("body"));
}

#[test]
fn a_fork_is_fetched_as_objects_and_never_checked_out() {
    if !is_there("jq") {
        return;
    }
    let job = Job::new("hello", "good day");
    job.git(&["checkout", "-q", "origin/main"]);
    job.gh(&json!([]));
    ends(&job.steps(&yaml("github-actions-forks.yml"), "comment"), 0);
    assert!(
        job.read("body").starts_with("<!-- gitops-agent:diff offline path=. -->\n### <code>ci</code>: 1 to update\n")
    );
    let there = std::fs::read_to_string(job.clone.path().join("stack.toml")).unwrap();
    assert!(there.contains("hello"), "the working copy is the base's");
    // A fork that moves on between the event and the job is not shown under the older commit's name.
    let moved = Job::new("hello", "good day").with("HEAD", &job.origin.main);
    let workflow = yaml("github-actions-forks.yml");
    let steps = workflow["jobs"]["comment"]["steps"].as_array().unwrap();
    let fetch = steps.iter().find(|step| step["name"].as_str().is_some_and(|name| name.starts_with("Fetch"))).unwrap();
    ends(&moved.run(fetch["run"].as_str().unwrap()), 1);
}

/// What a request to GitLab's API said.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// An API with these notes, in pages of a hundred; the token's own user has the id 5.
fn gitlab(notes: Vec<Value>) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v4", listener.local_addr().unwrap());
    let asked = Asked::default();
    let kept = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length, mut token) = (String::new(), 0, false);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_lowercase();
                if line.is_empty() {
                    break;
                }
                length = line.strip_prefix("content-length: ").map_or(length, |n| n.parse().unwrap());
                token |= line == "private-token: secret";
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let target = first.trim_end_matches(" HTTP/1.1\r\n").to_owned();
            let page = target.rsplit_once("page=").map_or(1, |(_, page)| page.parse::<usize>().unwrap());
            let answer = match target.as_str() {
                "GET /api/v4/user" => json!({ "id": 5 }),
                get if get.starts_with("GET ") => notes.chunks(100).nth(page - 1).unwrap_or_default().into(),
                _ => json!({}),
            };
            assert!(token, "{target} without the token");
            kept.lock().unwrap().push((target, serde_json::from_slice(&body).unwrap_or_default()));
            let answer = answer.to_string();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len())
                .unwrap();
        }
    });
    (url, asked)
}

/// What a job of GitLab's runs, in one shell.
fn scripts(pipeline: &Value, job: &str) -> String {
    let lines = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    [lines(&pipeline["default"]["before_script"]), lines(&pipeline[job]["script"])].concat().join("\n")
}

#[test]
fn gitlab_has_one_note_that_is_made_anew() {
    if !is_there("jq") || !is_there("curl") {
        return;
    }
    let pipeline = yaml("gitlab-ci.yml");
    let of = |url: &str| {
        let job = Job::new("hello", "good day").with("CI_API_V4_URL", url).with("PREVIEW_TOKEN", "secret");
        let job = job.with("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main").with("CI_PROJECT_ID", "9");
        job.with("CI_MERGE_REQUEST_IID", "7").with("CI_JOB_URL", "https://gitlab.example.org/org/manifests/-/jobs/1")
    };
    let written =
        |asked: &Asked| asked.lock().unwrap().iter().find(|(target, _)| !target.starts_with("GET ")).unwrap().clone();

    let (url, asked) = gitlab(Vec::new());
    ends(&of(&url).run(&scripts(&pipeline, "preview")), 0);
    let (target, sent) = written(&asked);
    assert_eq!(target, "POST /api/v4/projects/9/merge_requests/7/notes");
    let body = sent["body"].as_str().unwrap();
    assert!(
        body.starts_with("<!-- gitops-agent:diff offline path=. -->\n### <code>ci</code>: 1 to update\n"),
        "{body}"
    );

    // On the second page, after one of somebody else's that looks the same.
    let other = |n: i32| json!({ "id": n, "author": { "id": 6 }, "body": body });
    let mut notes: Vec<Value> = (100..220).map(other).collect();
    notes[110] = json!({ "id": 42, "author": { "id": 5 }, "body": body });
    let (url, asked) = gitlab(notes);
    ends(&of(&url).run(&scripts(&pipeline, "preview")), 0);
    assert_eq!(written(&asked).0, "PUT /api/v4/projects/9/merge_requests/7/notes/42");

    let job = of(&url);
    let checked = job.run(&scripts(&pipeline, "validate"));
    ends(&checked, 0);
    assert!(out(&checked).contains("ci: 1 to update, 0 unchanged"), "{}", out(&checked));
    assert!(job.clone.path().join("agent.xml").exists());
}

#[test]
fn the_role_for_previews_may_do_what_a_diff_asks_and_nothing_else() {
    let policy: Value = serde_json::from_slice(&std::fs::read(docs().join("read-only-policy.json")).unwrap()).unwrap();
    let granted: Vec<&str> =
        policy["Statement"][0]["Action"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    // A test holds this page to the calls on the wire.
    let page = std::fs::read_to_string(docs().join("../calls.md")).unwrap();
    let words = page.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
    let is_call = |word: &&str| {
        let (service, action) = word.split_once(':').unwrap_or_default();
        !service.is_empty() && action.starts_with(|c: char| c.is_ascii_uppercase())
    };
    // A role for another account is taken on before; who needs that adds it for those roles alone.
    let wanted = words.filter(is_call).filter(|word| *word != "sts:AssumeRole");
    let wanted: std::collections::BTreeSet<&str> = wanted.collect();
    assert_eq!(granted, wanted.into_iter().collect::<Vec<_>>());
}
