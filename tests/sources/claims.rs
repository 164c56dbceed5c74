//! Several sources, and the stacks that each of them may touch: what the configuration says of that, and what AWS remembers.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::REGION;
use crate::bench::emulator::Emulator;
use crate::bench::git_server::{AUTHORITY, GitServer};
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::record;
use crate::bench::repository::{Files, commit_to};
use crate::bench::running::Running;
use crate::bench::signing::move_to;
use crate::bench::wire::Wire;
use crate::cli::ends;

struct Place {
    folder: tempfile::TempDir,
    proxy: Proxy,
}

/// A source: where, which branch, and the rest of it.
type Source<'a> = (&'a str, &'a str, &'a str);

impl Place {
    fn new() -> Self {
        let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
        let place = Self { folder: tempfile::tempdir().unwrap(), proxy };
        std::fs::write(place.at("authority.pem"), AUTHORITY).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repository(&self) -> String {
        self.at("r").display().to_string()
    }

    fn agent(&self, sources: &[Source<'_>]) -> Running {
        let mut text = format!("cache = \"{}\"\n\n", self.at("cache").display());
        for (url, branch, rest) in sources {
            let _ = write!(text, "[[source]]\nurl = \"{url}\"\nbranch = \"{branch}\"\ninterval = \"1s\"\n{rest}\n\n");
        }
        std::fs::write(self.at("agent.toml"), text + "[reconcile]\ndrift = \"1h\"\n").unwrap();
        let mut env = self.proxy.env();
        env.insert("SSL_CERT_FILE".to_owned(), self.at("authority.pem").to_str().unwrap().to_owned());
        Running::start(&self.at("agent.toml"), &env)
    }

    /// The values that were written, in their order, as `stack=value`.
    fn written(&self, from: usize) -> Vec<String> {
        let calls = self.proxy.wire().calls().split_off(from);
        let mut written = Vec::new();
        for call in calls.iter().filter(|call| call.name.action == "PutParameter") {
            let body: serde_json::Value = serde_json::from_slice(&call.request.body).unwrap();
            let name = body["Name"].as_str().unwrap();
            if let Some(stack) = name.trim_start_matches('/').strip_suffix("/key") {
                written.push(format!("{stack}={}", body["Value"].as_str().unwrap()));
            }
        }
        written.sort();
        written
    }

    fn calls(&self) -> usize {
        self.proxy.wire().calls().len()
    }
}

/// Stacks with a parameter of this value each.
fn stacks(names: &[&str], value: &str) -> Files {
    let text = |name: &str| {
        format!(
            "[stack]\nname = \"{name}\"\naccount = \"123456789012\"\nregion = \"{REGION}\"\n\n[parameter.key]\nvalue = \"{value}\"\n"
        )
    };
    names.iter().map(|name| (format!("{name}/stack.toml"), text(name))).collect()
}

#[test]
fn two_branches_of_a_repository_feed_an_environment_each() {
    let place = Place::new();
    let both = ["claims-dev", "claims-prod"];
    let repository = place.at("r");
    let first = commit_to(&repository, "main", &stacks(&both, "main-1"));
    move_to(&repository, "dev", &first);
    let dev = commit_to(&repository, "dev", &stacks(&both, "dev-1"));
    // Both have one mirror.
    let server = GitServer::https(&repository);
    let url = server.url();
    let agent =
        place.agent(&[(&url, "dev", "stacks = [\"claims-dev\"]"), (&url, "main", "stacks = [\"claims-prod\"]")]);
    agent.wait_for(0, &["converged", "claims-dev", &dev[..7]]);
    agent.wait_for(0, &["converged", "claims-prod", &first[..7]]);
    assert_eq!(place.written(0), ["claims-dev=dev-1", "claims-prod=main-1"]);
    agent.wait_for(0, &["INFO", "claims-prod", "branch `dev`: it is left to", "branch `main`"]);
    agent.wait_for(0, &["INFO", "claims-dev", "branch `main`: it is left to", "branch `dev`"]);

    // What is done on one branch is nothing to the other one, until it is merged.
    let before = place.calls();
    let dev = commit_to(&repository, "dev", &stacks(&both, "dev-2"));
    agent.wait_for(0, &["converged", "claims-dev", &dev[..7]]);
    assert_eq!(place.written(before), ["claims-dev=dev-2"]);
    let before = place.calls();
    move_to(&repository, "main", &dev);
    agent.wait_for(0, &["converged", "claims-prod", &dev[..7]]);
    assert_eq!(place.written(before), ["claims-prod=dev-2"]);
    let log = agent.lines(0);
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{}", log.join("\n"));
}

#[test]
fn a_stack_that_its_source_may_not_touch_is_told_with_its_place_and_the_others_go_on() {
    let place = Place::new();
    let repository = place.at("r");
    commit_to(&repository, "main", &stacks(&["claims-web-a", "claims-x"], "1"));
    commit_to(&place.at("other"), "main", &stacks(&["claims-theirs", "claims-web-b"], "2"));
    let other = place.at("other").display().to_string();
    let agent = place.agent(&[
        (&place.repository(), "main", "stacks = [\"claims-web-*\"]"),
        (&other, "main", "stacks = [\"claims-theirs\"]"),
    ]);
    let url = place.repository();
    let (_, line) = agent.wait_for(0, &["ERROR", "claims-x/stack.toml:2:8: the stack `claims-x` is not for"]);
    assert!(line.contains(&format!("`{url}`, branch `main`, whose `stacks` do not name it")), "{line}");
    assert!(line.contains("help=\"add `claims-x` to `stacks` of that source"), "{line}");
    // One that another repository may touch is no slip of a branch.
    let (_, line) = agent.wait_for(0, &["ERROR", "claims-web-b/stack.toml:2:8: the stack `claims-web-b` is not for"]);
    assert!(line.contains(&format!("it is `{url}`, branch `main` that may touch it")), "{line}");
    agent.wait_for(0, &["converged", "claims-web-a"]);
    agent.wait_for(0, &["converged", "claims-theirs"]);
    assert_eq!(place.written(0), ["claims-theirs=2", "claims-web-a=1"]);
    let calls = place.proxy.wire().calls();
    let about = |call: &&record::Call| ["claims-x", "claims-web-b"].iter().any(|name| call.body().contains(name));
    assert_eq!(calls.iter().filter(about).count(), 0, "{}", record::table(&calls));
}

#[test]
fn a_stack_keeps_its_source_across_agents_until_a_person_gives_it_to_another() {
    let place = Place::new();
    let repository = place.at("r");
    let first = commit_to(&repository, "main", &stacks(&["claims-moves"], "main"));
    move_to(&repository, "dev", &first);
    let dev = commit_to(&repository, "dev", &stacks(&["claims-moves"], "dev"));
    let url = place.repository();
    let main = [(url.as_str(), "main", "")];
    // Written otherwise, it is the same source.
    let written = format!("file://{url}/");
    let branch = [(written.as_str(), "dev", "")];
    let agent = place.agent(&main);
    agent.wait_for(0, &["converged", "claims-moves"]);
    assert!(agent.stop().0.success());

    let refused = |agent: &Running, mine: &str, whose: &str| {
        let (of, by) = (format!("branch `{whose}`, and not to"), format!("branch `{mine}`"));
        let (_, line) = agent.wait_for(0, &["ERROR", "the stack `claims-moves` belongs to", &of, &by]);
        agent.wait_for(0, &["ERROR", "failed;", "claims-moves"]);
        line
    };
    let before = place.calls();
    let agent = place.agent(&branch);
    let line = refused(&agent, "dev", "main");
    let changes: Vec<_> = place
        .proxy
        .wire()
        .calls()
        .split_off(before)
        .into_iter()
        .filter(|call| call.name.kind == Kind::Mutating)
        .collect();
    assert!(changes.is_empty(), "{}", record::table(&changes));

    // What the log says to do.
    let way = line.split("`agent ").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    assert!(way.contains(&dev) && way.contains("--accept-revision"), "{way}");
    let apply = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(args).env_clear().envs(place.proxy.env()).output().unwrap()
    };
    ends(&apply(&way.split(' ').collect::<Vec<_>>()), 0);
    let next = commit_to(&repository, "dev", &stacks(&["claims-moves"], "dev again"));
    agent.wait_for(0, &["converged", "claims-moves", &next[..7]]);
    assert!(agent.stop().0.success());
    // Now it is the first one that may not, even where its branch has all commits of the other.
    move_to(&repository, "main", &next);
    commit_to(&repository, "main", &stacks(&["claims-moves"], "main again"));
    let before = place.calls();
    refused(&place.agent(&main), "main", "dev");
    assert_eq!(place.written(before), Vec::<String>::new());
    // A person's pass leaves the stack to its source, and a folder on this host is no other source.
    ends(&apply(&["apply", "--repo", &url, "--rev", "dev"]), 0);
    refused(&place.agent(&main), "main", "dev");
}
