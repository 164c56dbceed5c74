//! Systems Manager.

mod parameter;
