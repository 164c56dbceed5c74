//! Cloud Map.

pub mod namespace;
