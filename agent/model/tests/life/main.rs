//! The lives of random stacks of all kinds on a faked cloud: made, edited, interrupted and destroyed, beside things of
//! others that are never touched. From the text that people write to what stands in the end; no AWS, a clock that tests
//! move.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "these are tests")]

mod bench;
mod decoys;
mod histories;
mod picture;
mod stacks;
mod supposed;
mod text;
mod touches;
