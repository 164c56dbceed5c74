//! The rules between a revision and AWS: the pack of policies, what they are asked, and what a child process answers that
//! evaluates them. Nothing here starts a process; that is the binary's business.

pub mod bundle;
pub mod child;
mod engine;
pub mod judge;
pub mod metadata;
mod none;
pub mod trial;

pub use engine::test;
pub use none::NoRules;
