//! Systems Manager.

pub mod file;
pub mod parameter;

use agent_core::cost::Read;

/// What parameters and files are found by together.
pub(crate) const DESCRIBE: Read = Read::once("ssm:DescribeParameters").shared();
