//! The program as a task runs it: the binary installs itself into a volume, and the installed copy unpacks files from an SSM
//! on loopback over a directory that stands for one of the image's.

mod ssm;
mod task;

mod failures;
mod links;
mod unpacking;
