//! The shipped binary as people run it: from a commit to AWS and back, exit codes, and what is said when something is wrong.

use std::process::{Command, Output};

use crate::bench::emulator::Emulator;
use crate::bench::proxy::Proxy;
use crate::bench::record;
use crate::bench::repository::{Files, commit_to};
use crate::bench::wire::Wire;

/// A repository in a folder of its own, and the binary to run on it.
pub struct Bench {
    pub repo: tempfile::TempDir,
    pub proxy: Proxy,
}

impl Bench {
    pub fn new() -> Self {
        let wire = Wire::new(Emulator::shared());
        Self { repo: tempfile::tempdir().unwrap(), proxy: Proxy::start(&wire).unwrap() }
    }

    /// Commits `stack.toml` and gives the id.
    pub fn commit(&self, text: &str) -> String {
        self.commit_files(&[("stack.toml".to_owned(), text.to_owned())].into())
    }

    /// Commits these files and no others, and gives the id.
    pub fn commit_files(&self, files: &Files) -> String {
        commit_to(self.repo.path(), "main", files)
    }

    pub fn agent(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The binary with nothing in its environment but emulated AWS.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(args).current_dir(self.repo.path()).env_clear().envs(self.proxy.env());
        command
    }

    pub fn at(&self, command: &str, revision: &str) -> Output {
        self.agent(&[command, "--repo", ".", "--rev", revision])
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn ends(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", out(output), err(output));
}

fn parameter(stack: &str, region: &str, value: &str) -> String {
    format!(
        "[stack]\nname = \"{stack}\"\naccount = \"123456789012\"\nregion = \"{region}\"\n\n[parameter.greeting]\nvalue = \"{value}\"\n"
    )
}

#[test]
fn a_parameter_goes_from_a_commit_to_aws_and_back() {
    let bench = Bench::new();
    let first = bench.commit(&parameter("first", "eu-north-1", "hello"));
    let second = bench.commit(&parameter("first", "eu-north-1", "good day"));
    let validated = bench.at("validate", &first);
    ends(&validated, 0);
    insta::assert_snapshot!(out(&validated), @"first: 1 resources, no problems");
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &first, "--exit-code"]), 1);
    ends(&bench.at("apply", &first), 0);

    // What is applied is the commit, not the folder, which holds the second one already.
    let nothing = bench.agent(&["diff", "--repo", ".", "--rev", &first, "--exit-code"]);
    ends(&nothing, 0);
    insta::assert_snapshot!(out(&nothing), @"first: no changes, 1 unchanged");
    let before = bench.proxy.wire().calls().len();
    ends(&bench.at("apply", &first), 0);
    let again = bench.proxy.wire().calls().split_off(before);
    assert!(again.iter().all(|call| call.name.kind == crate::bench::name::Kind::Read), "{}", record::table(&again));

    let changed = bench.at("diff", &second);
    ends(&changed, 0);
    insta::assert_snapshot!(out(&changed), @r#"
      ~ update   parameter.greeting/ssm.parameter  it differs
          value: "hello" -> "good day"

    first: 1 to update, 0 unchanged
    "#);
    ends(&bench.at("apply", &second), 0);
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &second, "--yes"]), 0);
    let left = bench.agent(&["diff", "--repo", ".", "--rev", &second, "--output", "json"]);
    ends(&left, 0);
    let plans: serde_json::Value = serde_json::from_str(&out(&left)).unwrap();
    assert_eq!(plans[0]["steps"][0]["op"]["do"], "create", "{plans}");
}

#[test]
fn without_an_answer_nothing_is_destroyed() {
    let bench = Bench::new();
    let revision = bench.commit(&parameter("asked", "eu-north-1", "hello"));
    ends(&bench.at("apply", &revision), 0);
    let refused = bench.at("destroy", &revision);
    ends(&refused, 2);
    assert!(err(&refused).contains("nothing was deleted"), "{}", err(&refused));
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &revision, "--exit-code"]), 0);
}

#[test]
fn a_stack_whose_folder_is_gone_is_destroyed_by_its_name() {
    let bench = Bench::new();
    let revision = bench.commit(&parameter("orphan", "eu-north-1", "hello"));
    ends(&bench.at("apply", &revision), 0);
    let elsewhere = bench.agent(&["destroy", "orphan", "--region", "eu-west-3", "--yes"]);
    ends(&elsewhere, 2);
    insta::assert_snapshot!(err(&elsewhere), @r"
    error: orphan: there is no folder `orphan`, and no record of a stack of that name in account 123456789012, region eu-west-3
      help: check the name, the credentials and `--region`
    ");
    let asked = bench.agent(&["destroy", "orphan", "--region", "eu-north-1"]);
    ends(&asked, 2);
    assert!(err(&asked).contains("delete   parameter.greeting/ssm.parameter"), "{}", err(&asked));
    ends(&bench.agent(&["destroy", "orphan", "--region", "eu-north-1", "--yes"]), 0);
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &revision, "--exit-code"]), 1);
    let again = bench.agent(&["destroy", "orphan", "--region", "eu-north-1", "--yes"]);
    ends(&again, 2);
    assert!(err(&again).contains("no record of a stack of that name"), "{}", err(&again));
    ends(&bench.agent(&["destroy", "--region", "eu-north-1", "--repo", "."]), 2);
}

#[test]
fn all_problems_come_at_once_and_aws_is_not_touched() {
    let bench = Bench::new();
    let revision =
        bench.commit("[stack]\nname = \"Bad Name\"\nregion = \"eu-north-1\"\n[parametre.x]\n[parameter.y]\nvalu = 1\n");
    for command in ["validate", "diff", "apply"] {
        let output = bench.at(command, &revision);
        ends(&output, 1);
        for told in ["Bad Name", "parametre", "`valu`", "stack.toml:4", "stack.toml:6"] {
            assert!(out(&output).contains(told), "{command} does not tell {told}:\n{}", out(&output));
        }
    }
    assert!(bench.proxy.wire().calls().is_empty(), "{}", bench.proxy.wire().table());
}

#[test]
fn wrong_account_bad_credentials_and_no_network_are_one_sentence_each_and_exit_3() {
    let bench = Bench::new();
    let wrong = bench.commit(&parameter("other", "eu-north-1", "x").replace("123456789012", "210987654321"));
    let output = bench.at("apply", &wrong);
    ends(&output, 3);
    assert!(
        err(&output).contains("is for the account 210987654321, and these credentials are of 123456789012"),
        "{}",
        err(&output)
    );
    assert!(bench.proxy.wire().calls().iter().all(|call| call.name.service == "sts"), "{}", bench.proxy.wire().table());

    let revision = bench.commit(&parameter("other", "eu-north-1", "x"));
    let args = ["apply", "--repo", ".", "--rev", &revision];
    let nowhere = bench.command(&args).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").output().unwrap();
    ends(&nowhere, 3);
    assert!(err(&nowhere).contains("AWS cannot be reached"), "{}", err(&nowhere));
    let mut command = bench.command(&args);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let nobody = command.output().unwrap();
    ends(&nobody, 3);
    assert!(err(&nobody).contains("set AWS_PROFILE"), "{}", err(&nobody));
}

#[test]
fn a_revision_that_is_not_there_and_a_folder_without_a_stack_say_so() {
    let bench = Bench::new();
    bench.commit(&parameter("first", "eu-north-1", "x"));
    let output = bench.agent(&["validate", "--repo", ".", "--rev", "mian"]);
    ends(&output, 3);
    assert!(err(&output).contains("mian"), "{}", err(&output));
    let empty = tempfile::tempdir().unwrap();
    let output = bench.agent(&["validate", empty.path().to_str().unwrap()]);
    ends(&output, 2);
    assert!(err(&output).contains("there is no `stack.toml`"), "{}", err(&output));
    ends(&bench.agent(&["vaildate"]), 2);
}

#[test]
fn no_secret_is_in_any_output_at_any_level() {
    let bench = Bench::new();
    let edge = "\n[parameter.token]\ngenerate = true\n\n[network.main]\ncidr = \"10.20.0.0/16\"\n\
        tiers = [\"public\", \"private\"]\nendpoints = []\n\n[load_balancer.edge]\nscheme = \"internet-facing\"\n\
        listeners = { 443 = { certificate = \"arn:aws:iam::123456789012:server-certificate/secrets\" } }\n\
        origin_header = { name = \"X-Origin-Verify\" }\n\n[distribution.site]\norigin_domain = \"origin.example.org\"\n";
    let text = parameter("secrets", "eu-north-1", "x") + edge;
    let revision = bench.commit(&text);
    let mut seen = String::new();
    for args in [
        &["apply", "-vv"][..],
        &["apply", "-vv", "--output", "json"],
        &["diff", "-vv", "--output", "json"],
        &["diff", "--output", "markdown"],
        &["status", "-vv", "--output", "json"],
        &["render", "-vv", "--output", "json"],
    ] {
        let args: Vec<&str> = args.iter().copied().chain(["--repo", ".", "--rev", &revision]).collect();
        let output = bench.command(&args).env("AGENT_LOG", "trace").output().unwrap();
        ends(&output, 0);
        seen.push_str(&out(&output));
        seen.push_str(&err(&output));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let wire = Wire::new(Emulator::shared());
    let secrets = runtime.block_on(async {
        let ssm = aws_sdk_ssm::Client::new(&wire.config("eu-north-1"));
        let names = ["/secrets/token", "/secrets/load_balancer.edge/origin-header"].map(str::to_owned).to_vec();
        let answer = ssm.get_parameters().set_names(Some(names)).with_decryption(true).send().await.unwrap();
        answer.parameters.unwrap().into_iter().map(|one| one.value.unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(secrets.iter().map(String::len).collect::<Vec<_>>(), [64, 64]);
    assert!(!secrets.iter().any(|secret| seen.contains(secret)), "a secret is in the output");
    assert!(!seen.contains('\u{1b}'), "colours, and no terminal");
}

#[test]
fn a_secret_header_is_made_anew_by_hand() {
    let bench = Bench::new();
    let text = "[stack]\nname = \"turning\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n\n\
        [network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\"]\nendpoints = []\n\n\
        [load_balancer.edge]\nscheme = \"internet-facing\"\n\
        listeners = { 443 = { certificate = \"arn:aws:iam::123456789012:server-certificate/turning\" } }\n\
        origin_header = { name = \"X-Origin-Verify\" }\n\n[distribution.site]\norigin_domain = \"origin.example.org\"\n\n\
        [parameter.plain]\nvalue = \"x\"\n";
    let revision = bench.commit(text);
    let rotate = |component: &str| bench.agent(&["rotate", "turning", component, "--repo", ".", "--rev", &revision]);
    let pending = rotate("load_balancer.edge");
    ends(&pending, 2);
    assert!(err(&pending).contains("is not there yet: apply the revision first"), "{}", err(&pending));
    ends(&bench.at("apply", &revision), 0);
    let unknown = rotate("parameter.plain");
    ends(&unknown, 2);
    insta::assert_snapshot!(err(&unknown), @r"
    error: turning: `parameter.plain` has no secret that a distribution of the stack sends; `load_balancer.edge` has one
    ");
    let before = bench.proxy.wire().calls().len();
    ends(&rotate("load_balancer.edge"), 0);
    let calls = bench.proxy.wire().calls().split_off(before);
    let writes: Vec<&str> = calls
        .iter()
        .filter(|call| !call.is_read() && !call.body().contains("/gitops-agent/turning/"))
        .map(|call| call.name.action.as_str())
        .collect();
    insta::assert_snapshot!(writes.join("\n"));
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &revision, "--exit-code"]), 0);
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &revision, "--yes", "--removals", "9"]), 0);
}
