//! `cargo demo`: the whole story on an emulated AWS, told as it happens. A repository made from `manifests/um`, `agent run` that
//! follows it, merges that are picked up, a change by hand that is put right, two commits that are refused, a service that goes.
//! It runs the shipped binary and nothing else; the exit code is 0 only if every chapter ended as it should.
//!
//!     cargo demo             tells the story and cleans up
//!     cargo demo --keep      leaves all running, and prints the environment for `aws` and `agent`
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "it tells a story, and has nobody to report to but its user"
)]

#[path = "../bench/mod.rs"]
mod bench;
mod by_hand;
mod container;
mod stage;

use std::process::ExitCode;

use bench::repository::{Files, changed, um};
use stage::{Stage, Told};

/// The region of the story.
const REGION: &str = "eu-west-1";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let keep = args == ["--keep"];
    if !keep && !args.is_empty() {
        println!("cargo demo [--keep]");
        return ExitCode::from(2);
    }
    match story(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nthe demo ended early: {error}");
            ExitCode::FAILURE
        }
    }
}

fn story(keep: bool) -> Told {
    println!("Starting an emulated AWS (the first time, its Python packages are installed: a minute)");
    let first = um(REGION);
    let mut stage = Stage::new(&first)?;
    begins(&mut stage)?;
    let merged = merge(&mut stage, &first)?;
    drift(&mut stage)?;
    refused(&mut stage, &merged)?;
    removed(&mut stage, &merged)?;

    stage.chapter("How it is now, and how it came to be");
    stage.run(&["status", "--repo", "."], 0)?;
    stage.run(&["history", "--repo", "."], 0)?;
    stage.end(keep)
}

fn begins(stage: &mut Stage) -> Told {
    stage.chapter(
        "A repository with one stack: a data exchange of three services behind CloudFront, in private subnets",
    );
    stage.say("um/stack.toml, um/services.toml, and the config files of images that nobody rebuilds:");
    stage.tree();
    stage.chapter("agent run: it reads the repository and makes AWS equal to it");
    stage.start()?;
    stage.converges()
}

/// An image and a file.
fn merge(stage: &mut Stage, files: &Files) -> Told<Files> {
    stage.chapter(
        "A pull request: another image for the inbox, and another line in nginx.conf. What the reviewer reads",
    );
    let next = changed(files, "services.toml", "inbox:1.4.2", "inbox:1.5.0");
    let next = changed(&next, "config/nginx.conf", "worker_connections 1024", "worker_connections 2048");
    let branch = stage.branch("inbox-1.5", &next, "um: inbox 1.5.0, more connections")?;
    stage.run(&["diff", "--repo", ".", "--rev", &branch], 0)?;
    stage.chapter("Merged");
    stage.merge(&next, "um: inbox 1.5.0, more connections")?;
    stage.converges()?;
    stage.say("The file as the container of the new revision sees it; mime.types came with the image:");
    let shown = container::unpacked(stage, "um-web", "worker_connections")?;
    stage.quote(&shown);
    Ok(next)
}

fn drift(stage: &mut Stage) -> Told {
    stage.chapter("Somebody opens a security group by hand. The next look finds it and puts it right");
    let group = by_hand::opens(stage)?;
    stage.say(&format!("(by hand) {group}: port 22 open to 0.0.0.0/0"));
    stage.hears(&["update", "ec2.security_group", "drift"])?;
    stage.converges()?;
    by_hand::is_closed(stage, &group)
}

fn refused(stage: &mut Stage, files: &Files) -> Told {
    stage.chapter("A commit puts the inbox into the public tier: refused, AWS stays as it is");
    let public = changed(
        files,
        "services.toml",
        "image   = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/ghcr/example/inbox",
        "tier    = \"public\"\nimage   = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/ghcr/example/inbox",
    );
    stage.merge(&public, "inbox: reach it without the load balancer")?;
    stage.refuses(&["services.toml:", "private-subnets-only"])?;
    stage.chapter("Another drops the origin header: everybody could pass CloudFront by");
    let open = changed(files, "stack.toml", "origin_header = { name = \"X-Origin-Verify\", every = \"30d\" }\n", "");
    stage.merge(&open, "edge: one header less")?;
    stage.refuses(&["stack.toml:", "origin-header-required"])
}

fn removed(stage: &mut Stage, files: &Files) -> Told {
    stage.chapter("Both are reverted, and the inbox goes. What it alone needed is deleted with it");
    let text = &files["services.toml"];
    let from = text.find("# Keeps messages").ok_or("um has no inbox")?;
    let mut next = files.clone();
    let services = text[..from].replace("\"service.exchange\", \"service.inbox\"", "\"service.exchange\"");
    next.insert("services.toml".into(), services.replace("connect = [\"service.inbox\"]\n", ""));
    stage.merge(&next, "um: the inbox has moved out")?;
    stage.hears(&["delete", "service.inbox/ecs.service"])?;
    stage.converges()
}
