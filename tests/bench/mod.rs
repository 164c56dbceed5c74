//! The test bench: two emulators that stand in for AWS, and a layer under the SDK's HTTP client (or a loopback proxy before the
//! shipped binary) that names, records and counts every call and lets planned ones fail. It holds no test of the agent.
//!
//! | module | what |
//! |---|---|
//! | [`emulator`] | moto and ministack on free ports, `Emulator::shared()` for a test process or `Emulator::start()` for one test |
//! | [`wire`] | `Wire`: the layer; `wire.config(region)` is an `SdkConfig` whose every client goes through it |
//! | [`proxy`] | `Proxy`: the same layer for a child process, through `proxy.env()` |
//! | [`record`] | `Call` and what can be said about many: `table`, `counts`, `rounds`, `json_lines` |
//! | [`fault`] | `Fault { at, what }`: crash, lost answer, timeout, throttling, AWS's errors, delay |
//! | [`reply`] | errors in each service's own protocol |
//! | [`repository`] | repositories that tests make, and the example stacks mended for what emulators lack |
//! | [`git_server`], [`packs`] | a Git server over https that can do everything wrong, and packs that nobody should send |
//! | [`machine`] | a machine with a systemd of its own, where units run as they are |
//! | [`name`] | service and action of a request |
//! | [`running`] | `agent run` as a process: its log, its memory, its end |
//! | [`signing`] | keys of the real tools, and commits signed with them |
//! | [`ssh_server`] | OpenSSH's server before a repository, behind a wire that breaks when it is told to |
//! | [`tools`] | `ssh-keygen`, `gpg` and the like in a folder of their own; `agent-trust` tests with it too |
//! | [`waves`] | calls in lockstep, so that rounds of dependent calls can be counted |
//! | [`legal`] | recorded requests against AWS's own models |
//!
//! A `Wire` belongs to one test, for its connections belong to that test's runtime; any number of wires share an emulator.
//! Tests that share one keep apart by region (moto and ministack separate those) or by name; `reset()` is for own pairs.
//!
//! ```ignore
//! let wire = Wire::new(Emulator::shared());
//! let ssm = aws_sdk_ssm::Client::new(&wire.config("eu-west-1"));
//! wire.plan([Fault::new(At::NthMutating(2), What::CrashAfter)]);
//! let finished = wire.until_crash(pass(&ssm)).await;   // None: "the process died"
//! wire.revive();                                       // the next process, on the same AWS
//! assert!(legal::check(&wire.calls())?.violations.is_empty());
//! ```
#![allow(dead_code, reason = "each kind of test uses a part of the bench")]

pub mod emulator;
pub mod fault;
pub mod git_server;
pub mod http;
pub mod legal;
pub mod machine;
pub mod name;
pub mod packs;
pub mod proxy;
pub mod record;
pub mod reply;
pub mod repository;
pub mod running;
pub mod signing;
pub mod ssh_server;
pub mod tools;
pub mod waves;
pub mod wire;

/// Says a figure that people want to see although the test passes: the test harness keeps what is printed to itself.
pub fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
