//! Config files for containers whose images nobody rebuilds: what a task is told ([`contract`]), and the program that does
//! it inside the task (`program`, behind the feature of that name).

pub mod contract;
#[cfg(feature = "program")]
pub mod program;
