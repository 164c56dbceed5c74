//! Identity and Access Management.

pub mod policy;
pub mod role;
