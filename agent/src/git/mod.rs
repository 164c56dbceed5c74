//! Manifests from Git: one revision's files, read straight from the object store. No working copy is written, and no hook,
//! filter, submodule or large-file pointer is followed: what is not a plain file is named, and never read.
//!
//! * [`url`] takes an address apart, [`local`] opens a repository of this host that is whole in itself ([`own`]), [`mirror`] fetches one
//!   from another host, and [`login`] looks at what SSH logs in with.
//! * [`trust`] decides whether a commit may be read: whether it goes on from an earlier one ([`history`]), and who signed it.
//! * [`merge`] makes in memory what merging two of its revisions would make.
//! * [`tree`] walks the wanted folder within [`Limits`].
//! * [`child`] does all of that in a process of its own, which has limited itself; [`read_newer`] does it in this one.
//!
//! **Configuration of the host.** libgit2 reads Git's configuration from the home folder and from `/etc/gitconfig`. The child's
//! home is an empty folder; what `/etc/gitconfig` may still do is rewrite addresses (`insteadOf`), which [`mirror`] notices and
//! refuses. Programs that a configuration may name (hooks, filters, credential helpers, `core.sshCommand`) are not run by libgit2.

pub mod child;
mod error;
#[cfg(test)]
#[allow(clippy::expect_used, dead_code, missing_docs)]
#[path = "../../../tests/bench/git_server.rs"]
mod git_server;
mod history;
pub mod known_hosts;
mod local;
mod login;
pub mod merge;
mod mirror;
#[cfg(test)]
mod mirror_tests;
mod own;
#[cfg(test)]
mod tests;
pub mod text;
mod tree;
pub mod trust;
#[cfg(test)]
mod trust_tests;
pub mod url;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use child::is_commit;
pub use error::{Cause, GitError};
pub use tree::clean as clean_path;
pub use trust::{Trust, Verify};

/// Which repository, which revision of it, and which folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// A local path, `file://`, `https://`, `ssh://` or `user@host:path`.
    pub url: String,
    /// A branch, a tag or 40 hexadecimal digits; a branch goes before a tag of the same name, and `refs/…` names either in
    /// full. Absent: `main` for another host, `HEAD` for a local repository. A local repository also takes seven digits or
    /// more, and expressions such as `HEAD~1` or `origin/main`.
    pub rev: Option<String>,
    /// The folder of the manifests, relative to the top of the repository; `.` is the top itself.
    #[serde(default = "top")]
    pub path: String,
    /// What the server is shown, and how it is recognised.
    #[serde(default)]
    pub auth: Auth,
    /// Whose signatures its commits must have.
    #[serde(default)]
    pub trust: Trust,
}

/// What is known already of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// A commit, 40 hexadecimal digits, of which no files are wanted: they were read before.
    pub known: Option<String>,
    /// Commits, 40 hexadecimal digits, that were accepted before: only they and what descends from one of them is read; the first
    /// is the one that messages name. Empty: anything is. Whoever accepts something else by hand says so here.
    pub bases: Vec<String>,
    /// No files are wanted at all: whether the revision may be read is the question.
    #[serde(default)]
    pub check_only: bool,
}

fn top() -> String {
    ".".to_owned()
}

impl Source {
    /// A source without credentials, at the default revision, with the manifests at the top.
    #[cfg(test)]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), rev: None, path: top(), auth: Auth::default(), trust: Trust::default() }
    }
}

/// Credentials and pinned host keys.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// The password for https; the caller takes it from `AGENT_GIT_TOKEN`. It goes before one in the URL. The user name is the
    /// one in the URL, else `x-access-token` (GitHub, GitLab and Gitea ignore it; Bitbucket wants `x-token-auth`).
    pub token: Option<String>,
    /// A private key file without a passphrase, for SSH.
    pub ssh_key: Option<PathBuf>,
    /// The socket of an agent that holds the key, in its place. The child finds it in its environment: see [`child`].
    pub ssh_agent: Option<PathBuf>,
    /// Pinned host keys; SSH without it is refused.
    pub known_hosts: Option<PathBuf>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("ssh_key", &self.ssh_key)
            .field("ssh_agent", &self.ssh_agent)
            .field("known_hosts", &self.known_hosts)
            .finish()
    }
}

/// How much of a repository is read at most. A file over its limit is named as [`Entry::TooLarge`]; every other limit ends the
/// reading with an error, since half a revision is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Files and folders below the manifests path, visited or not. Default 20,000.
    pub files: u64,
    /// Bytes of one file. Default 1 MiB.
    pub file_bytes: u64,
    /// Bytes of all files together. Default 64 MiB.
    pub total_bytes: u64,
    /// Folders inside each other, below the manifests path. Default 32.
    pub depth: u64,
    /// Bytes of one path, relative to the manifests path. Default 512.
    pub path_bytes: u64,
    /// Bytes that one fetch receives. Default 256 MiB.
    pub fetch_bytes: u64,
    /// Objects that one fetch receives. Default 2,000,000.
    pub fetch_objects: u64,
    /// Commits between the one accepted last and a new one. Default 100,000.
    pub history: u64,
    /// Wall-clock time for everything; only [`child::read_in_child`] keeps it. Default 120 s.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 20_000,
            file_bytes: 1 << 20,
            total_bytes: 64 << 20,
            depth: 32,
            path_bytes: 512,
            fetch_bytes: 256 << 20,
            fetch_objects: 2_000_000,
            history: 100_000,
            wall: Duration::from_mins(2),
        }
    }
}

/// One thing below the manifests path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A plain file (mode 100644) with its bytes as committed.
    File(Vec<u8>),
    /// A symbolic link; where it leads is not read.
    Link,
    /// A file with the executable bit (mode 100755).
    Executable,
    /// A submodule.
    Submodule,
    /// A plain file over [`Limits::file_bytes`].
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// A file or folder whose name is not usable: not UTF-8, `.`, `..` or `.git`, or with a slash, a backslash or a control
    /// character. The last part of its path is escaped as in Rust source.
    BadName,
}

/// The files of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit, 40 hexadecimal digits.
    pub revision: String,
    /// When it was committed, in seconds since 1970 in UTC. Whoever makes a commit chooses this number.
    pub committed: i64,
    /// The first line of its message, printable, at most 200 characters.
    pub summary: String,
    /// `Name <address>` as the commit claims it, printable, at most 200 characters.
    pub author: String,
    /// Who signed it, where signatures are looked at: name and key, printable.
    pub signer: Option<String>,
    /// Everything below the manifests path, sorted by path; paths are relative to it, with `/`.
    pub tree: Vec<(String, Entry)>,
}

/// Reads a revision in this process, unless it is the commit that is known: `None` then, and no file was read. What does not go on
/// from one of [`Since::bases`], or is not signed as [`Source::trust`] has it, is refused. Mirrors of other hosts are kept below `scratch`,
/// one folder for each URL, and reused. Blocks, and a silent server blocks it without end: see [`child::read_in_child`].
/// `stage` is told what is being done, as a word like "connecting".
pub fn read_newer(
    source: &Source,
    since: &Since,
    limits: &Limits,
    scratch: &Path,
    stage: &dyn Fn(&str),
) -> Result<Option<Snapshot>, GitError> {
    let path = tree::clean(&source.path)?;
    let demands = trust::Demands::new(&source.trust, since, limits)?;
    match url::parse(&source.url)? {
        url::Location::Local(folder) => {
            stage("reading the objects");
            let shown = folder.display().to_string();
            own::check(&folder, &shown)?;
            let repository = local::open(&folder, &shown)?;
            let commit = local::resolve(&repository, source.rev.as_deref(), &shown)?;
            match demands.check(&repository, commit, &shown)? {
                trust::Checked::Sound { signer } => {
                    tree::newer(&repository, commit, demands.unwanted(commit), signer, &path, limits)
                }
                trust::Checked::Cut => Err(GitError::CutHistory { url: shown }),
            }
        }
        url::Location::Remote(remote) => {
            let mirror = mirror::Mirror { remote: &remote, auth: &source.auth, limits, scratch, stage };
            mirror.read_newer(source.rev.as_deref().unwrap_or("main"), &path, &demands)
        }
    }
}
