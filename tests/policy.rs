//! The rules in the shipped binary: what policies that mean harm can do (nothing, and in time), and what people see of findings.

mod commands;
mod hostile;
mod own;
