//! The rules between a revision and AWS: the pack of policies, what they are asked, and the child process that evaluates
//! them. Nothing here starts a process; that is the binary's business.

mod none;

pub use none::NoRules;
