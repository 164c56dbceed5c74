//! The one integration-test binary: one link against the SDKs for all tests that talk to emulated AWS or run the shipped binary.
//! Each module says what it tests; `bench` is what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod bench;
mod bench_emulator;
mod bench_faults;
mod bench_legal;
mod bench_proxy;
mod bench_wire;
mod calls;
mod cli;
mod conformance;
mod crash;
mod drift;
mod existing;
mod files;
mod hello;
mod hostile;
mod policy;
mod preview;
mod run;
mod service;
mod several;
mod sources;
mod status;
mod suspend;
mod two_agents;
mod um;
mod world;
