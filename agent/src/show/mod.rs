//! How results look: plans, reports, live resources. Pure: from data to text.

pub mod findings;
pub mod history;
pub mod plan;
pub mod preview;
pub mod report;
pub mod status;
pub mod words;
