//! Draws findings: as text for people, and in the forms that pipelines read. All of it is text from text: what is printed where
//! is the binary's business.
//!
//! Manifests are untrusted. Each form has its own way for a text to become a command, a link or markup, and each file here
//! says what it does against it; [`escape`] comes first everywhere.

mod fingerprint;
mod github;
mod junit;
mod markdown;
pub mod markup;
mod place;
mod run;
mod sarif;
mod text;
mod xml;

pub use github::render_github;
pub use junit::render_junit;
pub use markdown::{MARKER, MOST as MARKDOWN_MOST, render_markdown};
pub use run::{ExceptedProblem, Judged, Reference, RuleInfo, Run, StackFindings, Tool};
pub use sarif::render_sarif;
pub use text::{escape, escape_within, is_unsafe, render_text};
