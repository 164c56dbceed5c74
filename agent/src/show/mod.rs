//! How results look: plans, reports, live resources. Pure: from data to text.

pub mod plan;
pub mod report;
