//! The pure engine: what people write, what a plan is, and how it is carried out. It knows no kind and talks to no AWS;
//! kinds come from `agent-model`, their I/O halves from `agent-aws`.

pub mod address;
pub mod allowed;
pub mod cost;
pub mod desired;
pub mod diff;
pub mod doc;
pub mod execute;
pub mod exports;
pub mod fake;
pub mod fault;
pub mod field;
pub mod kind;
pub mod live;
pub mod lookup;
pub mod manifest;
pub mod observed;
pub mod pass;
pub mod plan;
pub mod provider;
pub mod reference;
pub mod renames;
pub mod report;
pub mod secret;
pub mod source;
pub mod state;
pub mod wait;
