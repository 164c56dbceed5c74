//! The program as a task runs it: the binary installs itself into a volume, and the installed copy unpacks files from an SSM
//! on loopback over a directory that stands for one of the image's.
#![allow(clippy::expect_used, clippy::panic, clippy::format_collect, reason = "these are tests")]

mod ssm;
mod task;

mod failures;
mod links;
mod unpacking;
