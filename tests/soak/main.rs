//! `cargo soak`: figures that take long, measured with the shipped binary over emulated AWS, by hand and not in CI. What comes out
//! is written into `docs/reliability.md`.
//!
//!     cargo soak latency [COMMITS]     from a commit to the first call, and to UpdateService (default: 50 commits)
//!     cargo soak endure [MINUTES]      a commit every 5 s, changes by hand, 1 % of calls broken (default: 30 minutes)
//!
//! The exit code is 0 only if what is promised holds.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "it measures, and has nobody to report to but its user"
)]

#[path = "../bench/mod.rs"]
mod bench;
mod disturbances;
mod endure;
mod latency;
mod passes;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bench::emulator::Emulator;
use bench::proxy::Proxy;
use bench::repository::{Files, below, commit_to};
use bench::running::Running;
use bench::wire::Wire;

/// A repository, a configuration, and AWS behind a proxy.
struct Place {
    folder: tempfile::TempDir,
    proxy: Proxy,
}

impl Place {
    fn new(reconcile: &str) -> Self {
        let wire = Wire::new(Arc::new(Emulator::start().expect("the emulators start")));
        let place = Self { folder: tempfile::tempdir().unwrap(), proxy: Proxy::start(&wire).unwrap() };
        let url = place.repository();
        let text = format!("[source]\nurl = \"{}\"\n\n[reconcile]\n{reconcile}\n", url.display());
        std::fs::write(place.configuration(), text).unwrap();
        place
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("manifests")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    fn commit(&self, um: &Files) -> String {
        commit_to(&self.repository(), "main", &below("um", um))
    }

    fn agent(&self) -> Running {
        let mut env = self.proxy.env();
        // Passes that find nothing are told as well.
        env.insert("AGENT_LOG".into(), "error,agent=debug".into());
        Running::start(&self.configuration(), env)
    }
}

/// Of sorted figures, the one below which so many hundredths of them are.
fn percentile(sorted: &[u128], hundredths: usize) -> u128 {
    sorted[(sorted.len() * hundredths / 100).min(sorted.len() - 1)]
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = args.get(1).map(|text| text.parse::<u64>().expect("a number"));
    let holds = match args.first().map(String::as_str) {
        Some("latency") => latency::measure(number.unwrap_or(50)),
        Some("endure") => endure::measure(number.unwrap_or(30)),
        _ => {
            println!("cargo soak latency [COMMITS] | cargo soak endure [MINUTES]");
            return ExitCode::from(2);
        }
    };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
