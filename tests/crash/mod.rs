//! The kill matrix: at every changing call, each way in which a process or a call can die; afterwards a new process, with
//! nothing but Git and AWS, is done within three passes, nothing is leaked, nothing is there twice.
//!
//! On the fake the stack `hello`, on emulated AWS every kind by itself. All cells: `AGENT_MATRIX=full cargo test -p agent
//! --test it crash` (or a kind's name instead of `full`: all of its cells on emulated AWS); a sample of them otherwise. The
//! last full results stand in `docs/reliability.md`.

mod census;
mod emulated;
mod fake;
mod picture;
mod site;
mod stories;
mod ways;
