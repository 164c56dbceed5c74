//! What AWS things are, without talking to AWS: the kinds, and the components that people write and that expand to them.

pub mod components;
pub mod docs;
pub mod expand;
pub mod facts;
pub mod kinds;
pub mod names;
pub mod policy_input;
pub mod preview;
pub mod rotation;
