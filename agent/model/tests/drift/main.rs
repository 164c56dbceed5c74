//! What somebody changes, deletes or adds by hand in AWS, over the example stack on a faked cloud: the plan says what and
//! why, one run mends it, and the next pass writes nothing. And what is taken over on purpose: adoption.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "these are tests")]

mod adoption;
#[path = "../policies/bench.rs"]
#[allow(dead_code, reason = "the tests of the rules use more of it")]
mod bench;
mod changed;
mod gone;
mod health;
mod nat;
mod overrides;
mod policy;
mod renames;
mod rotation;
mod several;
mod stage;
mod tags;
