//! How the agent ends when it is told to, whatever it is in the middle of.

use std::time::Duration;

use super::{Home, PATIENCE, repository};
use crate::bench::git_server::{GitServer, How, Part};

#[test]
fn a_repository_that_hangs_and_aws_that_is_not_there_hold_up_no_end() {
    let home = Home::new();
    let folder = home.at("manifests");
    repository(&folder, "one");
    let server = GitServer::https(&folder);
    home.configure(&server.url(), "interval = \"1s\"\ntimeout = \"1h\"", "");
    let agent = home.start();
    // The pass is in the client's own retries.
    agent.wait_for(0, &["new revision"]);
    server.set(How::Silent(Part::Branches));
    server.requests();
    let begun = std::time::Instant::now();
    while server.requests().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "nobody reads");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let (status, took) = agent.stop();
    assert!(status.success() && took < Duration::from_secs(30), "{status}, {took:?}");
}

/// Rules in a repository of another host: where they come from.
fn rules_of(url: &str) -> String {
    format!("[policy]\nbundle = {{ url = \"{url}\", commit = \"{}\" }}", "0".repeat(40))
}

#[test]
fn who_is_told_to_stop_while_the_rules_are_read_stops() {
    let home = Home::new();
    let folder = home.at("manifests");
    repository(&folder, "one");
    let server = GitServer::https(&folder);
    server.set(How::Silent(Part::Branches));
    home.configure(folder.to_str().unwrap(), "", &rules_of(&server.url()));
    let agent = home.start();
    let begun = std::time::Instant::now();
    while server.requests().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "nobody reads");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let (status, took) = agent.stop();
    assert!(status.success() && took < Duration::from_secs(10), "{status}, {took:?}");
}

/// systemd starts nothing again that has ended with 2, and rules that are away for a while are no wrong configuration.
#[test]
fn rules_that_cannot_be_read_for_now_are_a_failure_and_wrong_ones_are_a_mistake() {
    let home = Home::new();
    let folder = home.at("manifests");
    repository(&folder, "one");
    for (url, code) in [("https://127.0.0.1:1/rules", 3), (folder.to_str().unwrap(), 2)] {
        home.configure(folder.to_str().unwrap(), "", &rules_of(url));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["run", "--config"]).arg(home.at("agent.toml")).env_clear().envs(&home.env);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
