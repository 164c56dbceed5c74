//! `CloudFront`'s kinds in AWS.

mod config;
mod distribution;
