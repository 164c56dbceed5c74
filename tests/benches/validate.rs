//! How long `agent validate` takes, the child that evaluates the rules included: over `manifests/um`, and over a stack of a
//! thousand services. `cargo bench -p agent --bench validate`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "it tells whoever runs it")]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How many services the large stack has.
const SERVICES: usize = 1000;
/// A load balancer has at most a hundred rules by AWS's quota.
const PER_BALANCER: usize = 50;

fn main() {
    let um = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests/um");
    report("manifests/um", 30, &um);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("stack.toml"), large()).expect("a manifest");
    report(&format!("{SERVICES} services"), 10, folder.path());
}

fn report(what: &str, runs: usize, folder: &Path) {
    let mut took: Vec<Duration> = (0..=runs).map(|_| once(folder)).skip(1).collect();
    took.sort();
    let (least, median, most) = (took[0], took[took.len() / 2], took[took.len() - 1]);
    println!("validate {what}: median {median:.1?}, from {least:.1?} to {most:.1?}, {runs} runs");
}

fn once(folder: &Path) -> Duration {
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_agent")).arg("validate").arg(folder).env_clear().output();
    let took = begun.elapsed();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    took
}

/// A stack in which everything that a service can have is there a thousand times.
fn large() -> String {
    let mut text = "[stack]\nname = \"large\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\
        [network.main]\ncidr = \"10.0.0.0/16\"\n[cluster.main]\nnamespace = \"large\"\n"
        .to_owned();
    for balancer in 0..SERVICES / PER_BALANCER {
        let _ = write!(
            text,
            "[load_balancer.edge-{balancer}]\nlisteners = {{ 443 = {{ certificate = \"arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555\" }} }}\n"
        );
    }
    for service in 0..SERVICES {
        let (balancer, next) = (service / PER_BALANCER, (service + 1) % SERVICES);
        let _ = write!(
            text,
            "[service.s{service}]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/s{service}:1.0.0\"\ncpu = 256\nmemory = 512\ncount = 2\n\
             port = 8080\nenv = {{ NAME = \"s{service}\", LEVEL = \"info\" }}\n\
             secrets = {{ KEY = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:large/s{service}-AbCdEf\" }}\n\
             health = {{ path = \"/health\" }}\nexpose = [{{ load_balancer = \"edge-{balancer}\", path = \"/s{service}/*\" }}]\n\
             serve = {{ as = \"s{service}\", listen = 80 }}\nconnect = [\"service.s{next}\"]\n"
        );
    }
    text
}
