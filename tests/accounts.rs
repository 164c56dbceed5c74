//! Many accounts and regions: which role a stack gets, how its session is called, and what is told where it gets none. moto keeps
//! accounts apart by the credentials that it gave out for a role, and asks no trust policy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use agent_aws::Aws;
use agent_aws::role::{Session, taken};
use agent_core::secret::Vault;
use aws_smithy_async::time::TimeSource;

use crate::bench::emulator::Emulator;
use crate::bench::fault::{At, Fault, What};
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::record::{self, Call};
use crate::bench::repository::{Files, commit_to};
use crate::bench::running::Running;
use crate::bench::say;
use crate::bench::wire::Wire;
use crate::cli::ends;

const OWN: &str = "123456789012";
const ONE: &str = "111122223333";
const TWO: &str = "444455556666";
/// As many stacks as are compared.
const MANY: usize = 30;

/// A repository, a configuration with roles, and AWS behind a proxy.
struct Place {
    folder: tempfile::TempDir,
    proxy: Proxy,
}

impl Place {
    fn new(roles: &str) -> Self {
        let place =
            Self { folder: tempfile::tempdir().unwrap(), proxy: Proxy::start(&Wire::new(Emulator::shared())).unwrap() };
        std::fs::write(place.at("external-id"), "an-id/of:ours\n").unwrap();
        let roles = roles.replace("FOLDER", place.folder.path().to_str().unwrap());
        let url = place.at("manifests");
        let source = format!("[source]\nurl = \"{}\"\n[reconcile]\ndrift = \"1s\"\n", url.display());
        std::fs::write(place.at("agent.toml"), source + &roles).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn commit(&self, stacks: &[Stack<'_>]) -> String {
        let text = |stack: &Stack<'_>| {
            let (name, account, region, value) = stack;
            format!(
                "[stack]\nname = \"{name}\"\naccount = \"{account}\"\nregion = \"{region}\"\n\n[parameter.key]\nvalue = \"{value}\"\n"
            )
        };
        let files: Files = stacks.iter().map(|stack| (format!("{}/stack.toml", stack.0), text(stack))).collect();
        commit_to(&self.at("manifests"), "main", &files)
    }

    fn agent(&self) -> Running {
        Running::start(&self.at("agent.toml"), self.proxy.env())
    }

    fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(args).current_dir(self.at("manifests")).env_clear().envs(self.proxy.env()).output().unwrap()
    }

    fn calls(&self) -> Vec<Call> {
        self.proxy.wire().calls()
    }

    /// The roles that were taken on, each with what was asked for.
    fn taken(&self) -> Vec<BTreeMap<String, String>> {
        self.calls().iter().filter(|call| call.name.action == "AssumeRole").map(|call| fields(&call.body())).collect()
    }
}

/// Name, account, region, and the value of its parameter.
type Stack<'a> = (&'a str, &'a str, &'a str, &'a str);

fn role(account: &str, stacks: &str) -> String {
    format!("[[role]]\narn = \"arn:aws:iam::{account}:role/team/gitops-agent\"\nstacks = [{stacks}]\n")
}

/// The fields of a form.
fn fields(body: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut parts = text.split('%');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend(part[2..].bytes());
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decode(key), decode(value))).collect()
}

/// What an account has as a stack's parameter in a region.
async fn value(place: &Place, account: &str, region: &'static str, stack: &str) -> Option<String> {
    let own = place.proxy.wire().config(region);
    let role = format!("arn:aws:iam::{account}:role/reader");
    let session = Session { role, name: "test".into(), external_id: None, tags: Vec::new() };
    let ssm = aws_sdk_ssm::Client::new(&taken(&own, session).await);
    let got = ssm.get_parameter().name(format!("/{stack}/key")).send().await;
    got.ok().and_then(|got| got.parameter?.value)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn each_stack_is_made_in_its_account_and_region_by_the_role_that_is_for_it() {
    let roles = role(ONE, "\"acc-one\", \"acc-more-*\"")
        + "external_id_file = \"FOLDER/external-id\"\ntags = { team = \"payments\" }\n"
        + &role(TWO, "\"*\"");
    let place = Place::new(&roles);
    let stacks = |value: &'static str| {
        [
            ("acc-one", ONE, "eu-west-3", value),
            ("acc-two", TWO, "ap-southeast-2", "x"),
            ("acc-own", OWN, "ca-central-1", "x"),
        ]
    };
    let first = place.commit(&stacks("x"));
    let agent = place.agent();
    for (stack, ..) in stacks("x") {
        agent.wait_for(0, &["converged", stack, &first[..7]]);
    }
    let mut taken = place.taken();
    taken.sort_by_key(|fields| fields["RoleArn"].clone());
    let [one, two] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!(one["RoleArn"], format!("arn:aws:iam::{ONE}:role/team/gitops-agent"));
    assert_eq!(one["RoleSessionName"], format!("gitops-agent-acc-one-{}", &first[..7]));
    assert_eq!(one["ExternalId"], "an-id/of:ours");
    let tags = [
        ("Tags.member.1.Key", "gitops-agent:stack"),
        ("Tags.member.1.Value", "acc-one"),
        ("Tags.member.2.Key", "team"),
        ("Tags.member.2.Value", "payments"),
    ];
    for (field, wanted) in tags {
        assert_eq!(one[field], wanted, "{one:?}");
    }
    assert_eq!(two["RoleSessionName"], format!("gitops-agent-acc-two-{}", &first[..7]));
    assert!(!two.keys().any(|field| field.starts_with("Tags.") || field == "ExternalId"), "{two:?}");

    // Where it is, and where it is not.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert_eq!(value(&place, ONE, "eu-west-3", "acc-one").await.as_deref(), Some("x"));
        assert_eq!(value(&place, TWO, "ap-southeast-2", "acc-two").await.as_deref(), Some("x"));
        assert_eq!(value(&place, OWN, "ca-central-1", "acc-own").await.as_deref(), Some("x"));
        for (account, region, stack) in
            [(OWN, "eu-west-3", "acc-one"), (TWO, "eu-west-3", "acc-one"), (ONE, "ap-southeast-2", "acc-two")]
        {
            assert_eq!(value(&place, account, region, stack).await, None, "{stack} in {account}");
        }
    });
    // The account is known before anything is read of it.
    for region in ["eu-west-3", "ap-southeast-2", "ca-central-1"] {
        let calls =
            place.calls().into_iter().filter(|call| call.name.region == region && call.name.action != "AssumeRole");
        let labels: Vec<String> = calls.map(|call| call.label()).collect();
        assert_eq!(labels[0], "sts.GetCallerIdentity", "{labels:?}");
        assert_eq!(labels.iter().filter(|label| *label == "sts.GetCallerIdentity").count(), 1, "{labels:?}");
    }
}

#[test]
fn a_role_is_taken_on_once_for_a_stack_and_a_revision() {
    let place = Place::new(&role(ONE, "\"acc-*\""));
    let stacks =
        |a: &'static str, b: &'static str| [("acc-once-a", ONE, "eu-west-3", a), ("acc-once-b", ONE, "eu-west-3", b)];
    let first = place.commit(&stacks("x", "x"));
    let agent = place.agent();
    for (stack, ..) in stacks("x", "x") {
        agent.wait_for(0, &["converged", stack, &first[..7]]);
    }
    let looks = |stack: &str| {
        let calls = place.calls();
        calls.iter().filter(|call| call.name.action == "GetParametersByPath" && call.body().contains(stack)).count()
    };
    let before = looks("acc-once-b");
    wait_until("it looks for drift", || looks("acc-once-b") > before + 2);
    assert_eq!(place.taken().len(), 2);
    let second = place.commit(&stacks("y", "x"));
    agent.wait_for(0, &["converged", "acc-once-a", &second[..7]]);
    let before = looks("acc-once-a");
    wait_until("it looks for drift", || looks("acc-once-a") > before + 2);
    let names: Vec<String> = place.taken().iter().map(|fields| fields["RoleSessionName"].clone()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    // The other stack was made equal to nothing new.
    assert_eq!(names[2], format!("gitops-agent-acc-once-a-{}", &second[..7]));
    assert_eq!(place.calls().iter().filter(|call| call.name.action == "GetCallerIdentity").count(), 3);
}

#[test]
fn a_stack_that_no_role_is_for_is_left_alone_and_told_what_to_add() {
    let place = Place::new(&role(ONE, "\"acc-listed\""));
    place.commit(&[
        ("acc-listed", ONE, "eu-west-3", "x"),
        ("acc-stranger", ONE, "eu-west-3", "x"),
        ("acc-nowhere", "777788889999", "eu-west-3", "x"),
    ]);
    let agent = place.agent();
    agent.wait_for(0, &["converged", "acc-listed"]);
    let wrong = |stack: &str, account: &str| {
        format!("the stack `{stack}` is for the account {account}, and these credentials are of {OWN}")
    };
    let add = format!("add `acc-stranger` to `stacks` of the `[[role]]` arn:aws:iam::{ONE}:role/team/gitops-agent");
    agent.wait_for(0, &["ERROR", &wrong("acc-stranger", ONE), &add]);
    let add = "[[role]] arn = \\\"arn:aws:iam::777788889999:role/…\\\", stacks = [\\\"acc-nowhere\\\"]";
    agent.wait_for(0, &["ERROR", &wrong("acc-nowhere", "777788889999"), add]);
    assert!(agent.stop().0.success());
    let about = |call: &&Call| ["acc-stranger", "acc-nowhere"].iter().any(|stack| call.body().contains(stack));
    let calls = place.calls();
    assert_eq!(calls.iter().filter(about).count(), 0, "{}", record::table(&calls));
    assert_eq!(place.taken().len(), 1);
}

#[test]
fn a_role_that_is_not_given_out_is_told_with_its_stack_and_what_to_do_and_is_asked_for_again() {
    let place = Place::new(&(role(ONE, "\"acc-fault\"") + "tags = {}\nexternal_id = \"some-id\"\n"));
    place.commit(&[("acc-fault", ONE, "eu-west-3", "x")]);
    let each = |what: What| [Fault::new(At::EachOf { service: "sts", action: "AssumeRole" }, what)];
    place.proxy.wire().plan(each(What::AccessDenied));
    let agent = place.agent();
    let role =
        format!("the role arn:aws:iam::{ONE}:role/team/gitops-agent cannot be taken on for the stack `acc-fault`");
    let (_, line) = agent.wait_for(0, &["ERROR", &role]);
    for words in
        ["sts:AssumeRole: AccessDenied", "sts:AssumeRole and sts:TagSession with the external id", "docs/accounts.md"]
    {
        assert!(line.contains(words), "{words}: {line}");
    }
    agent.wait_for(0, &["ERROR", "acc-fault", "failed; a commit or a change in AWS has to help"]);
    // It looks again every second here.
    let mark = agent.mark();
    place.proxy.wire().plan(each(What::ExpiredToken));
    let (_, line) = agent.wait_for(mark, &["ERROR", &role, "ExpiredToken"]);
    assert!(line.contains("the agent's own credentials have run out"), "{line}");
    assert!(place.calls().iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(&place.calls()));
    place.proxy.wire().plan([]);
    agent.wait_for(mark, &["converged", "acc-fault"]);
}

#[test]
fn commands_take_roles_on_too_where_a_configuration_is_named() {
    let place = Place::new(&(role(ONE, "\"acc-*\"") + &role(TWO, "\"acc-*\"")));
    let id = place.commit(&[("acc-cli", ONE, "eu-west-3", "x")]);
    let config = place.at("agent.toml").display().to_string();
    let without = place.command(&["diff", "--repo", ".", "--rev", "main"]);
    ends(&without, 3);
    assert!(String::from_utf8_lossy(&without.stderr).contains("these credentials are of 123456789012"));
    assert_eq!(place.taken().len(), 0);
    let with = |args: &[&str]| place.command(&[args, &["--config", &config]].concat());
    ends(&with(&["apply", "--repo", ".", "--rev", "main"]), 0);
    ends(&with(&["diff", "acc-cli"]), 0);
    let names: Vec<String> = place.taken().iter().map(|fields| fields["RoleSessionName"].clone()).collect();
    assert_eq!(names, [format!("gitops-agent-acc-cli-{}", &id[..7]), "gitops-agent-acc-cli".to_owned()]);
    // The name alone is not enough: two roles are for it.
    let gone = ["history", "acc-cli", "--region", "eu-west-3"];
    std::fs::remove_dir_all(place.at("manifests/acc-cli")).unwrap();
    let several = with(&gone);
    ends(&several, 2);
    let told = String::from_utf8_lossy(&several.stderr).into_owned();
    assert!(told.contains("may use the roles arn:aws:iam::111122223333:role") && told.contains("--account"), "{told}");
    let history = with(&[&gone[..], &["--account", ONE]].concat());
    ends(&history, 0);
    assert!(String::from_utf8_lossy(&history.stdout).contains(&id[..7]));
    ends(&with(&["destroy", "acc-cli", "--region", "eu-west-3", "--account", TWO, "--yes"]), 2);
    ends(&with(&["destroy", "acc-cli", "--region", "eu-west-3", "--account", ONE, "--yes"]), 0);
    ends(&with(&["history", ".", "--account", ONE]), 2);
}

#[test]
fn mistakes_in_roles_are_told_at_once_and_no_command_goes_on() {
    let text = role(ONE, "\"um\"") + &role(ONE, "\"u*\"") + "external_id = \"!\"\n";
    let place = Place::new(&text);
    place.commit(&[("acc-x", ONE, "eu-west-3", "x")]);
    let config = place.at("agent.toml").display().to_string();
    for command in [&["run"][..], &["diff", "."][..]] {
        let told = place.command(&[command, &["--config", &config]].concat());
        ends(&told, 2);
        let told = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
        assert!(
            told.contains("`u*` could mean the same stack as `um`") && told.contains("an external id has"),
            "{told}"
        );
    }
    assert_eq!(place.calls().len(), 0);
}

/// A clock that a test moves.
#[derive(Clone, Debug, Default)]
struct Clock(Arc<AtomicU64>);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn credentials_of_a_role_are_asked_for_again_before_they_run_out() {
    let wire = Wire::new(Emulator::shared());
    let clock = Clock::default();
    let own = wire.config("eu-west-3").to_builder().time_source(clock.clone()).build();
    let session = Session {
        role: format!("arn:aws:iam::{ONE}:role/x"),
        name: "gitops-agent-um".into(),
        external_id: None,
        tags: Vec::new(),
    };
    let aws = Aws::with(&taken(&own, session).await, Vault::new().unwrap());
    // Many at once ask for them once.
    let all = futures_util::future::join_all((0..8).map(|_| aws.identity())).await;
    assert!(all.into_iter().all(|identity| identity.unwrap().account == ONE));
    aws.ssm.get_parameters_by_path().path("/x").send().await.unwrap();
    assert_eq!(wire.count("sts", "AssumeRole"), 1);
    clock.0.store(3500, Ordering::Relaxed);
    aws.identity().await.unwrap();
    assert_eq!(wire.count("sts", "AssumeRole"), 1);
    clock.0.store(3598, Ordering::Relaxed);
    aws.identity().await.unwrap();
    assert_eq!(wire.count("sts", "AssumeRole"), 2);
    // moto's clock stands still: what it gave last is good for two seconds only by this one.
    clock.0.store(0, Ordering::Relaxed);
    aws.ssm.get_parameters_by_path().path("/x").send().await.unwrap();
    assert_eq!(wire.count("sts", "AssumeRole"), 2);
}

#[test]
fn stacks_with_sessions_of_their_own_share_what_is_large() {
    let memory = |roles: &str, account: &'static str, prefix: &str| {
        let place = Place::new(roles);
        let names: Vec<String> = (0..MANY).map(|n| format!("{prefix}-{n}")).collect();
        let stacks: Vec<Stack<'_>> = names.iter().map(|name| (name.as_str(), account, "eu-south-1", "x")).collect();
        let id = place.commit(&stacks);
        let agent = place.agent();
        for name in &names {
            agent.wait_for(0, &["converged", name, &id[..7]]);
        }
        (agent.memory(), agent.descriptors(), place.taken().len())
    };
    let (own, own_files, _) = memory("", OWN, "acc-many-own");
    let (theirs, their_files, taken) = memory(&role(ONE, "\"acc-many-*\""), ONE, "acc-many-role");
    assert_eq!(taken, MANY);
    let each = theirs.saturating_sub(own) / MANY as u64;
    say(&format!(
        "{MANY} stacks: {own} KiB and {own_files} descriptors, with a role {theirs} KiB ({each} KiB a stack) and {their_files}"
    ));
    assert!(each < 1024, "{each} KiB a stack");
    assert!(their_files < own_files + 8, "{own_files} descriptors, then {their_files}");
}
