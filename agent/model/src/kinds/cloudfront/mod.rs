//! `CloudFront`, which is global: its names carry the region of the stack.

pub mod distribution;
