//! The rules of the pack over stacks: those that pass, those that fail on the right line, and mutants of a good one.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "these are tests")]

mod bench;
mod docs;
mod exceptions;
mod existing;
mod facts;
mod guard;
mod manifests;
mod mutants;
mod opa;
mod overrides;
mod preflight;
mod variants;
