//! What the agent writes into a task definition, and the program in the task reads: which files go where. It is public for
//! ever: a task definition that was registered by one release is served by the program of another.

use serde::{Deserialize, Serialize};

/// The environment variable that holds a [`Files`] as JSON.
pub const VARIABLE: &str = "GITOPS_AGENT_FILES";
/// The folder, in both containers, of the volume through which the program gets from its own image into the
/// application's.
pub const PROGRAM_DIRECTORY: &str = "/gitops-agent/bin";
/// The program's name there.
pub const PROGRAM: &str = "agent-files";

/// The most bytes that a file may have once it is decoded: 16 MiB. A file that unpacks to more is refused, so that what is
/// small in SSM cannot fill a task's memory.
pub const MAX_CONTENT: usize = 16 * 1024 * 1024;

/// What is to be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The version of this contract: 1.
    pub version: u32,
    /// The target directories.
    pub directories: Vec<Directory>,
}

/// One directory of the application's image, for which a volume of the task takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The directory in the image, absolute: `/etc/nginx`. It need not be there.
    pub path: String,
    /// Where the volume is mounted in the container that unpacks: `/gitops-agent/volumes/0`.
    pub volume: String,
    /// Whether what the image has in the directory is left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replace: bool,
    /// The files that are laid over it.
    #[serde(default)]
    pub files: Vec<File>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path below the directory: `nginx.conf`, `conf.d/site.conf`.
    pub name: String,
    /// The permissions in octal digits: `0644`.
    pub mode: String,
    /// User and group by number: `101:101`.
    pub owner: String,
    /// SHA-256 of the content as it is in Git, decoded and before insertions, in 64 hex digits.
    pub sha256: String,
    /// The parameters that hold it, one part each, in order.
    pub parameters: Vec<String>,
    /// How the joined parts are encoded.
    pub encoding: Encoding,
    /// What is put into it, by position, in ascending order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub insertions: Vec<Insertion>,
}

/// How the joined parts of a file are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The text as it is.
    Plain,
    /// gzip, then base64 of the standard alphabet with padding.
    Gzip,
}

/// A value that only AWS knows, put into a file where a reference stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insertion {
    /// The byte of the decoded content before which it goes.
    pub at: usize,
    /// The environment variable that holds it.
    pub variable: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}
