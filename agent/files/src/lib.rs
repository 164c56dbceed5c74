//! Config files for containers whose images nobody rebuilds: what a task is told ([`contract`]), and the program that does
//! it inside the task.

pub mod contract;
