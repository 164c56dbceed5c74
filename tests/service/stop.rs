//! How the agent ends when it is told to, whatever it is in the middle of.

use std::time::Duration;

use super::{Home, repository};
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
        assert!(begun.elapsed() < super::PATIENCE, "nobody reads");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let (status, took) = agent.stop();
    assert!(status.success() && took < Duration::from_secs(30), "{status}, {took:?}");
}
