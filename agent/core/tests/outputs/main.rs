//! The outputs of findings for pipelines: held against the schemas of those who read them, and against texts that want to be more
//! than text.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::format_collect, clippy::missing_panics_doc, reason = "these are tests")]

mod example;
mod github;
mod json_schema;
mod junit;
mod markdown;
mod properties;
mod sarif;
mod xml_schema;
