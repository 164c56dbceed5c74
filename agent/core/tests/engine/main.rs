//! The engine on a faked cloud, with toy kinds of every nature: no AWS, a clock that the tests move, seconds in all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod belongs;
mod bench;
mod destroy;
mod halt;
mod heard;
mod kill;
mod lease;
mod order;
mod plans;
mod random;
mod retain;
mod suspension;
mod takeover;
mod toys;
mod two_agents;
