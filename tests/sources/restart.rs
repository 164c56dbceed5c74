//! What was applied last is known after a restart as well: each stack says so in AWS. A branch that was moved while the agent was away
//! changes nothing, and is good again when it is put right.

use std::path::PathBuf;

use super::{files, source};
use crate::bench::emulator::Emulator;
use crate::bench::git_server::{AUTHORITY, GitServer};
use crate::bench::name::Kind;
use crate::bench::proxy::Proxy;
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::bench::signing::{Keys, commit, move_to, store, with_signature};
use crate::bench::wire::Wire;

struct Place {
    folder: tempfile::TempDir,
    proxy: Proxy,
    stack: &'static str,
}

impl Place {
    fn new(stack: &'static str) -> Self {
        let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
        let place = Self { folder: tempfile::tempdir().unwrap(), proxy, stack };
        let url = place.repository().to_str().unwrap().to_owned();
        place.configure(&url, "");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repository(&self) -> PathBuf {
        self.at("r")
    }

    fn configure(&self, url: &str, rest: &str) {
        let cache = format!("cache = \"{}\"\n\n", self.at("cache").display());
        let text = cache + &source(url, &format!("interval = \"1s\"\n{rest}")) + "[reconcile]\ndrift = \"1h\"\n";
        std::fs::write(self.at("agent.toml"), text).unwrap();
        std::fs::write(self.at("authority.pem"), AUTHORITY).unwrap();
    }

    fn commit(&self, value: u32) -> String {
        commit_to(&self.repository(), "main", &files(self.stack, value))
    }

    fn agent(&self) -> Running {
        let mut env = self.proxy.env();
        env.insert("SSL_CERT_FILE".to_owned(), self.at("authority.pem").to_str().unwrap().to_owned());
        Running::start(&self.at("agent.toml"), &env)
    }

    /// Starts, waits until all is as a revision says, and stops.
    fn applied(&self, revision: &str) {
        let agent = self.agent();
        agent.wait_for(0, &["converged", self.stack, &revision[..7]]);
        assert!(agent.stop().0.success());
    }

    /// Starts, and sees that the stack is left alone for this reason.
    fn refused(&self, words: &[&str]) -> Running {
        let before = self.proxy.wire().calls().len();
        let agent = self.agent();
        let (_, line) = agent.wait_for(0, &["ERROR", "may not follow the one that was applied last", self.stack]);
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} is not in\n{line}");
        assert!(line.contains("help=\""), "{line}");
        agent.wait_for(0, &["ERROR", "failed;", self.stack]);
        let calls = self.proxy.wire().calls().split_off(before);
        assert!(calls.iter().all(|call| call.name.kind != Kind::Mutating), "AWS was changed");
        agent
    }
}

#[test]
fn a_branch_that_was_moved_back_while_the_agent_was_away_changes_nothing() {
    let place = Place::new("restart-back");
    let ids: Vec<String> = (1..=3).map(|value| place.commit(value)).collect();
    place.applied(&ids[2]);
    move_to(&place.repository(), "main", &ids[0]);
    let agent = place.refused(&["went back to the commit", &ids[0], &ids[2]]);
    // Put right, although the first commit of this run was another one.
    let mark = agent.mark();
    move_to(&place.repository(), "main", &ids[2]);
    let next = place.commit(4);
    agent.wait_for(mark, &["converged", place.stack, &next[..7]]);
}

#[test]
fn a_branch_that_was_rewritten_or_replaced_while_the_agent_was_away_changes_nothing() {
    let place = Place::new("restart-new");
    let first = place.commit(1);
    let second = place.commit(2);
    place.applied(&second);
    let raw = commit(&place.repository(), &files(place.stack, 3), &[&first]);
    let other = store(&place.repository(), &raw);
    move_to(&place.repository(), "main", &other);
    let agent = place.refused(&["was rewritten", &other, &second, &format!("parts from it at {first}")]);
    assert!(agent.stop().0.success());
    std::fs::rename(place.repository(), place.at("before")).unwrap();
    let foreign = place.commit(4);
    let agent = place.refused(&["is not in the history of the branch", &foreign, &second]);
    // Once the old one is back, with what was applied last in it, it is followed.
    let mark = agent.mark();
    std::fs::rename(place.repository(), place.at("foreign")).unwrap();
    move_to(&place.at("before"), "main", &second);
    std::fs::rename(place.at("before"), place.repository()).unwrap();
    let next = place.commit(5);
    agent.wait_for(mark, &["converged", place.stack, &next[..7]]);
}

#[test]
fn strictly_what_came_while_the_agent_was_away_must_be_signed_too() {
    let Some(keys) = Keys::new() else { return };
    let place = Place::new("restart-strict");
    let ours = keys.ssh_key("ours");
    std::fs::write(keys.at("allowed"), format!("us@example.org {ours}\n")).unwrap();
    let url = place.repository().to_str().unwrap().to_owned();
    place.configure(&url, &format!("verify = \"strict\"\nallowed_signers = \"{}\"", keys.at("allowed").display()));
    let signed = |value: u32, parents: &[&str]| {
        let raw = commit(&place.repository(), &files(place.stack, value), parents);
        store(&place.repository(), &with_signature(&raw, &keys.ssh("ours", "git", &raw)))
    };
    let before = place.commit(0);
    // Nothing was applied before: the newest one is enough.
    let first = signed(1, &[&before]);
    move_to(&place.repository(), "main", &first);
    place.applied(&first);
    let unsigned = store(&place.repository(), &commit(&place.repository(), &files(place.stack, 2), &[&first]));
    move_to(&place.repository(), "main", &signed(3, &[&unsigned]));
    let agent = place.refused(&["is not trusted: it is not signed", &unsigned]);
    let mark = agent.mark();
    let next = signed(4, &[&signed(5, &[&first])]);
    move_to(&place.repository(), "main", &next);
    agent.wait_for(mark, &["converged", place.stack, &next[..7]]);
    assert!(agent.stop().0.success());
    let last = signed(6, &[&signed(7, &[&next])]);
    move_to(&place.repository(), "main", &last);
    place.applied(&last);
}

#[test]
fn without_its_mirror_the_agent_fetches_the_history_that_it_needs() {
    let place = Place::new("restart-mirror");
    let first = place.commit(1);
    let server = GitServer::https(&place.repository());
    place.configure(&server.url(), "");
    place.applied(&first);
    std::fs::remove_dir_all(place.at("cache")).unwrap();
    let mut last = first.clone();
    for value in 2..160 {
        last = place.commit(value);
    }
    place.applied(&last);
    std::fs::remove_dir_all(place.at("cache")).unwrap();
    move_to(&place.repository(), "main", &first);
    drop(place.refused(&["is not in the history of the branch", &first, &last]));
}

/// A forced push that was meant: whoever says so for the stack names the commit, and the agent goes on from there, whether it runs
/// meanwhile or is started afterwards. The next one that nobody speaks for is refused again.
#[test]
fn a_rewritten_branch_is_followed_once_a_person_accepts_its_commit_for_the_stack() {
    let place = Place::new("restart-meant");
    let config = std::fs::read_to_string(place.at("agent.toml")).unwrap();
    std::fs::write(place.at("agent.toml"), config.replace("drift = \"1h\"", "drift = \"1s\"")).unwrap();
    let first = place.commit(1);
    let second = place.commit(2);
    let rewrite = |value: u32, from: &str| {
        let other = store(&place.repository(), &commit(&place.repository(), &files(place.stack, value), &[from]));
        move_to(&place.repository(), "main", &other);
        other
    };
    let accept = |revision: &str| {
        let repository = place.repository();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_agent"));
        let args = ["apply", "--repo", repository.to_str().unwrap(), "--rev", revision, "--accept-revision", revision];
        let output = command.args(args).current_dir("/").env_clear().envs(place.proxy.env()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    // While the agent runs.
    let agent = place.agent();
    agent.wait_for(0, &["converged", place.stack, &second[..7]]);
    let mark = agent.mark();
    let meant = rewrite(3, &first);
    agent.wait_for(mark, &["the revision is refused", &meant]);
    accept(&meant);
    agent.wait_for(mark, &["converged", place.stack, &meant[..7]]);
    let next = place.commit(4);
    agent.wait_for(mark, &["converged", place.stack, &next[..7]]);
    let mark = agent.mark();
    let unmeant = rewrite(5, &second);
    agent.wait_for(mark, &["the revision is refused", &unmeant]);
    assert!(agent.stop().0.success());
    // While it is away.
    let agent = place.refused(&["was rewritten", &unmeant, &next]);
    accept(&unmeant);
    agent.wait_for(0, &["converged", place.stack, &unmeant[..7]]);
}
