//! What can go wrong while a revision is read: one variant for each situation that a person handles differently. A message is
//! one sentence that says what happened; [`GitError::hint`] says what to do. Nothing here prints or decides about retries.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::text;

/// The reason below an error, as text: it crosses the border between the child and its parent, which a library's own error
/// value cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause(String);

impl Cause {
    /// Makes a cause of any text; control characters are escaped and the text is cut at 400 characters, since a server may
    /// have written it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text::line(text.as_ref(), 400))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

impl From<&git2::Error> for Cause {
    fn from(error: &git2::Error) -> Self {
        Self::new(error.message())
    }
}

impl From<&std::io::Error> for Cause {
    fn from(error: &std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Why no [`Snapshot`](super::Snapshot) could be made. URLs in it never carry a user or a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The URL has a scheme that is not allowed, or is not a URL at all.
    #[error("the repository URL `{url}` cannot be used: {why}")]
    UnsupportedUrl { url: String, why: String },
    /// The manifests path leaves the repository or is not a plain relative path.
    #[error("the manifests path `{path}` is not a plain path inside the repository")]
    BadPath { path: String },
    /// A local path holds no Git repository.
    #[error("`{url}` is not a Git repository")]
    NotARepository { url: String, source: Cause },
    /// A local repository belongs to another user and libgit2 refuses it.
    #[error("the repository `{url}` belongs to another user")]
    NotOwned { url: String },
    /// A local repository that consists of more than what lies in its folder.
    #[error("the repository `{url}` is not whole in itself: `{name}` {why}")]
    NotWhole { url: String, name: String, why: String },
    /// The branch, tag or commit does not exist; `near` holds up to five names like it.
    #[error("`{url}` has no branch, tag or commit `{rev}`")]
    NoSuchRevision { url: String, rev: String, near: Vec<String> },
    /// The server has no such commit among its branches and does not hand out commits by their id.
    #[error("`{url}` does not hand out the commit {rev} by its id")]
    CommitNotOffered { url: String, rev: String },
    /// Several commits begin with these hex digits.
    #[error("several commits of `{url}` begin with `{rev}`")]
    AmbiguousRevision { url: String, rev: String },
    /// The name exists but leads to a tree or a blob.
    #[error("`{rev}` of `{url}` is not a commit")]
    NotACommit { url: String, rev: String },
    /// A repository without any commit.
    #[error("the repository `{url}` has no commit yet")]
    Empty { url: String },
    /// The folder of a local repository does not exist.
    #[error("there is no folder `{url}`")]
    NoFolder { url: String },
    /// The folder of a local repository cannot be read.
    #[error("the folder `{url}` cannot be opened")]
    NotReadable { url: String, source: Cause },
    /// No connection.
    #[error("`{url}` could not be reached")]
    Unreachable { url: String, source: Cause },
    /// An answer that is not Git's.
    #[error("`{url}` did not answer as a Git server")]
    NotGit { url: String, source: Cause },
    /// An answer that is not SSH's, or none.
    #[error("`{url}` did not answer as an SSH server")]
    NotSsh { url: String, source: Cause },
    /// The exchange of keys failed, before the host has shown who it is.
    #[error("`{url}` could not agree with the agent on how to talk over SSH")]
    KeyExchange { url: String, source: Cause },
    /// What the server said instead of serving.
    #[error("`{url}` does not serve the repository")]
    Denied { url: String, source: Cause },
    /// An answer of HTTP's that is neither a success nor about credentials.
    #[error("`{url}` answered with the HTTP status {status}")]
    Status { url: String, status: String },
    /// The server sends whoever asks it to another host.
    #[error("`{url}` redirects to another host")]
    Redirected { url: String, source: Cause },
    /// The connection ended in the middle of an answer.
    #[error("the connection to `{url}` broke off before everything was there")]
    BrokeOff { url: String, source: Cause },
    /// A pack that contradicts itself, or does not hold what was asked for.
    #[error("what `{url}` sent is damaged or incomplete")]
    Damaged { url: String, source: Cause },
    /// More objects in one fetch than allowed.
    #[error("`{url}` sends more than {limit} objects, which is over the limit")]
    TooManyObjects { url: String, limit: u64 },
    /// Memory or processor time of the child was used up.
    #[error("reading the repository takes more memory or processor time than the limit of its child process")]
    OverLimits { source: Cause },
    /// A configuration file of this host would send the request elsewhere.
    #[error("this host's Git configuration rewrites `{url}` to another address")]
    Rewritten { url: String },
    /// The TLS certificate was refused, or the handshake failed.
    #[error("no trusted TLS connection to `{url}` could be made")]
    Certificate { url: String, source: Cause },
    /// The server wants credentials, or other ones.
    #[error("`{url}` refused {}", if *offered { "the credentials" } else { "access without credentials" })]
    Authentication { url: String, offered: bool, source: Cause },
    /// The file with the private SSH key cannot be used.
    #[error("the SSH key `{path}` cannot be used")]
    SshKey { path: String, source: Cause },
    /// The agent that is to hold the SSH key cannot be used.
    #[error("the SSH agent at `{path}` cannot be used")]
    SshAgent { path: String, source: Cause },
    /// The file with the pinned host keys is missing or malformed.
    #[error("the known_hosts file `{path}` cannot be used")]
    KnownHosts { path: String, source: Cause },
    /// No pinned key for this host, or none of the offered type (`pinned` lists the types that are).
    #[error("the SSH host key of {host} is not known ({offered})")]
    UnknownHostKey { host: String, offered: String, pinned: Vec<String> },
    /// Another key of the same type is pinned for this host.
    #[error("the SSH host key of {host} has changed ({offered})")]
    ChangedHostKey { host: String, offered: String },
    /// The key is marked `@revoked`.
    #[error("the SSH host key of {host} is revoked ({offered})")]
    RevokedHostKey { host: String, offered: String },
    /// More files and folders below the manifests path than allowed.
    #[error("the manifests folder holds more than {limit} files and folders")]
    TooManyFiles { limit: u64 },
    /// More bytes than allowed, in one object, in all files or in one fetch; `what` says which.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge { what: String, limit: u64 },
    /// Folders nested deeper than allowed.
    #[error("`{path}` lies deeper than {limit} folders")]
    TooDeep { path: String, limit: u64 },
    /// A path longer than allowed (the start of it is given).
    #[error("the path `{path}…` is longer than {limit} bytes")]
    PathTooLong { path: String, limit: u64 },
    /// The manifests path does not exist in the revision, or is no folder (`found` says what it is).
    #[error("the revision {revision} has no folder `{path}`{}", found.as_ref().map(|f| format!(": {f}")).unwrap_or_default())]
    PathMissing { path: String, revision: String, found: Option<String> },
    /// Text that should be the id of a commit is not.
    #[error("`{id}` is no commit in 40 hexadecimal digits")]
    BadCommitId { id: String },
    /// A file with the keys of those who may sign is missing or malformed.
    #[error("the file `{path}` with the keys that may sign cannot be used")]
    Signers { path: String, source: Cause },
    /// A commit that must be signed is not, or not by somebody who may.
    #[error("the commit {commit} is not trusted: {why}")]
    Untrusted { commit: String, why: Box<agent_trust::Refusal> },
    /// The branch is at a commit that is older than the one accepted last.
    #[error("the branch went back to the commit {head} which is older than {base} that was accepted last")]
    WentBack { url: String, head: String, base: String },
    /// The branch is at a commit that parts from the one accepted last; `common` is the last that both have, where known.
    #[error(
        "the branch was rewritten: its commit {head} does not descend from {base} that was accepted last{}",
        common.as_ref().map(|common| format!(" and parts from it at {common}")).unwrap_or_default()
    )]
    Diverged { url: String, head: String, base: String, common: Option<String> },
    /// The branch has another history altogether.
    #[error(
        "the branch has another history: its commit {head} has nothing in common with {base} that was accepted last"
    )]
    Unrelated { url: String, head: String, base: String },
    /// The repository does not have the commit that was accepted last.
    #[error("the commit {base} that was accepted last is not in the history of the branch, which is at {head}")]
    BaseGone { url: String, head: String, base: String },
    /// The history ends before it can be known whether the commit goes on from the one accepted last.
    #[error(
        "`{url}` holds too little history to know whether the branch goes on from the commit that was accepted last"
    )]
    CutHistory { url: String },
    /// More new commits than allowed.
    #[error("`{url}` has more than {limit} commits since {base} that was accepted last, which is over the limit")]
    TooMuchHistory { url: String, base: String, limit: u64 },
    /// Two commits that have no history in common, or of which too little is there.
    #[error(
        "the commits {head} and {base} have nothing in common{}",
        if *shallow { " as far as the history is here" } else { "" }
    )]
    NothingInCommon { url: String, head: String, base: String, shallow: bool },
    /// Both sides of a merge change the same; `paths` holds up to five of the places.
    #[error("the commit {head} cannot be merged into {base}: both change `{}`", paths.join("`, `"))]
    Conflict { head: String, base: String, paths: Vec<String> },
    /// A merge that failed otherwise.
    #[error("what merging the commit {head} into {base} makes could not be told")]
    NotMerged { head: String, base: String, source: Cause },
    /// An object is missing, truncated, of the wrong type or contradicts itself.
    #[error("{what} is damaged or missing in the object store")]
    Corrupt { what: String, source: Cause },
    /// The folder for mirrors cannot be used.
    #[error("the scratch folder `{path}` cannot be used")]
    Scratch { path: String, source: Cause },
    /// The child could not be started at all.
    #[error("the child process that reads Git could not be started")]
    ChildNotStarted { source: Cause },
    /// The child ended without an answer.
    #[error("the child process that reads Git ended without an answer")]
    ChildCrashed { source: Cause },
    /// The child was killed since it took too long.
    #[error(
        "reading the repository took longer than {} s and was stopped{}{doing}",
        limit.as_secs(),
        if doing.is_empty() { "" } else { " while " }
    )]
    ChildTimedOut { limit: Duration, doing: String },
    /// The child's answer was not what it should be.
    #[error("the child process that reads Git gave an answer that cannot be used")]
    ChildGarbage { source: Cause },
}

impl GitError {
    /// What to do about it, one or two sentences; absent where the message says it all.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoSuchRevision { near, .. } if !near.is_empty() => {
                return Some(format!("did you mean `{}`?", near.join("`, `")));
            }
            Self::UnknownHostKey { pinned, .. } if !pinned.is_empty() => {
                return Some(format!(
                    "the known_hosts file pins {} for this host: add the offered key once its fingerprint is verified",
                    pinned.join(", ")
                ));
            }
            Self::Authentication { offered: false, .. } => {
                "set AGENT_GIT_TOKEN for https, or `ssh_key` or `ssh_agent` for ssh; a private repository looks like a missing one"
            }
            Self::Untrusted { why, .. } => why.hint(),
            other => other.history_hint().or_else(|| other.fixed_hint())?,
        };
        Some(text.to_owned())
    }

    /// Whether the repository could be read, and what it holds is not to be followed.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Untrusted { .. }
                | Self::WentBack { .. }
                | Self::Diverged { .. }
                | Self::Unrelated { .. }
                | Self::BaseGone { .. }
                | Self::TooMuchHistory { .. }
        )
    }

    /// The commit that is refused, if it is one in particular. One that the branch went back to is not: it was accepted before.
    pub fn refused(&self) -> Option<&str> {
        match self {
            Self::Untrusted { commit, .. } => Some(commit),
            Self::Diverged { head, .. } | Self::Unrelated { head, .. } | Self::BaseGone { head, .. } => Some(head),
            _ => None,
        }
    }

    /// What concerns the history of a branch.
    fn history_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::WentBack { .. } => {
                "to go back to an earlier state, push a commit that reverts the later ones (`git revert`); the branch only goes on"
            }
            Self::Diverged { .. } | Self::BaseGone { .. } => {
                "put the branch back to the commit that was accepted last, and push the change as a commit on top of it; forbid \
                 forced pushes to this branch"
            }
            Self::Unrelated { .. } => {
                "check `url` and `branch`: is this the repository that was followed before? One that takes its place must have its \
                 history"
            }
            Self::NothingInCommon { shallow: true, .. } | Self::CutHistory { .. } => {
                "fetch the whole history: `fetch-depth: 0` in GitHub Actions, `GIT_DEPTH: 0` in GitLab CI, `git fetch --unshallow`"
            }
            Self::NothingInCommon { .. } => "name revisions of one history",
            Self::Conflict { .. } => "merge the base into the branch, and see to what both have changed",
            Self::TooMuchHistory { .. } => "put fewer commits on the branch at once, or check that it is the right one",
            Self::Signers { .. } => "mend the file; it is read each time, and nothing is applied until then",
            Self::BadCommitId { .. } => "give all 40 digits",
            _ => return None,
        })
    }

    fn fixed_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnsupportedUrl { .. } => {
                "use https://…, ssh://…, git@host:path, or a local path (file://… works too)"
            }
            Self::BadPath { .. } => {
                "give a folder such as `.` or `stacks/production`, without `..` and not starting with `/`"
            }
            Self::NotARepository { .. } => {
                "give the top folder of the repository (the one that holds `.git`), or a bare one"
            }
            Self::NotWhole { .. } => {
                "give a repository that has everything in its own folder, and nothing in it that leads elsewhere: a fresh `git clone` is one"
            }
            Self::NotOwned { .. } => "run the agent as the owner, or change the owner of the folder",
            Self::NoSuchRevision { .. } => "check the name with `git ls-remote`",
            Self::AmbiguousRevision { .. } => "give more digits, best all 40",
            Self::NotACommit { .. } => "name a branch, or a tag that was put on a commit",
            Self::Empty { .. } => "push a commit to the branch that is followed",
            Self::NoFolder { .. } => "check `url`: it is the path of a repository on this host",
            Self::NotReadable { .. } => "let the agent's user enter and read the folder and those above it",
            Self::TooManyObjects { .. } | Self::OverLimits { .. } => {
                "this is no repository of manifests, or one that was made to harm: processor time ends at a quarter of `timeout` \
                 (at most 60 s), memory at 240 MiB; a truncated object makes libgit2 loop: run `git fsck`"
            }
            Self::TooManyFiles { .. } | Self::TooLarge { .. } => {
                "point `path` at the folder that holds the manifests, and keep large files out of it"
            }
            Self::TooDeep { .. } | Self::PathTooLong { .. } => "move the manifests to a flatter folder",
            Self::PathMissing { .. } => {
                "check `path` in the configuration; it is case-sensitive and relative to the repository"
            }
            Self::Corrupt { .. } => {
                "run `git fsck` in the repository; a shallow or partial clone lacks objects, fetch them first"
            }
            Self::Scratch { .. } => {
                "make the folder writable for the agent, with room in it, or name another one as `cache`"
            }
            Self::ChildNotStarted { .. } => {
                "check that the agent's program file is still there and executable, and free memory"
            }
            Self::ChildCrashed { .. } => {
                "a very large repository exceeds the child's memory: run `git fsck` in a local repository; if it stays, report it"
            }
            Self::ChildTimedOut { .. } => {
                "check that the server answers, or give it a longer `timeout`; the agent goes on asking"
            }
            Self::ChildGarbage { .. } => {
                "is the program file being replaced? restart the agent; if it stays, report it"
            }
            other => other.servers_hint()?,
        })
    }

    /// What concerns other hosts.
    fn servers_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::CommitNotOffered { .. } => {
                "name a branch or tag that contains it; some servers only hand out the tips of these"
            }
            Self::Unreachable { .. } => "check the address, the name's resolution, and that this host reaches it",
            Self::NotGit { .. } => "check the address: is it that of the repository, and not of a page about it?",
            Self::NotSsh { .. } => "check host and port; a server with too many connections hangs up at once as well",
            Self::KeyExchange { .. } => "check that the server's SSH is of this decade; the agent goes on asking",
            Self::Denied { .. } => {
                "check the address, and that this key may read the repository; `ssh -T` with the same key shows what the server says"
            }
            Self::Status { status, .. } if status == "404" => {
                "check the address; a private repository looks like a missing one to whoever shows no credentials"
            }
            Self::Status { .. } => "look at the server; the agent goes on asking",
            Self::Redirected { .. } => {
                "give the final address as `url`; no redirect to another host is followed, for it would be shown the credentials"
            }
            Self::BrokeOff { .. } => "the agent goes on asking; if it stays, look at the server and what is between",
            Self::Damaged { .. } => "run `git fsck` in the repository on the server; the agent goes on asking",
            Self::Rewritten { .. } => {
                "remove `insteadOf` from /etc/gitconfig, or name the other address in the configuration"
            }
            Self::Certificate { .. } => {
                "the certificate must be valid for exactly this host name; a private authority is trusted through SSL_CERT_FILE or SSL_CERT_DIR"
            }
            Self::Authentication { .. } => {
                "check that the token or key is valid, unexpired and may read this repository"
            }
            Self::SshKey { .. } => {
                "give a private key file without a passphrase that the agent's user alone can read (`chmod 600`), or an `ssh_agent`"
            }
            Self::SshAgent { .. } => {
                "check that the agent runs, that its socket is for the user of this process, and that `ssh-add -l` shows a key"
            }
            Self::KnownHosts { .. } => {
                "pin the host's key with `known_hosts`; verify what `ssh-keyscan` prints before you trust it"
            }
            Self::UnknownHostKey { .. } => {
                "compare the fingerprint with the one that the host publishes and add the key to the known_hosts file"
            }
            Self::ChangedHostKey { .. } => {
                "the host may be somebody else: only replace the pinned key once the host's operator confirms the new fingerprint"
            }
            Self::RevokedHostKey { .. } => "do not connect: somebody marked this key as compromised",
            _ => return None,
        })
    }
}

/// An error of a fetch that is not the server's.
pub(super) fn of_this_host(error: &git2::Error, scratch: &Path) -> Option<GitError> {
    let own = ["No space left", "Disk quota exceeded", "Read-only file system", "failed to lock file"];
    let is_own = own.iter().any(|words| error.message().contains(words));
    is_own.then(|| GitError::Scratch { path: scratch.display().to_string(), source: Cause::from(error) })
}

/// Sorts an error of the network part. `offered` tells whether credentials were given, `met` whether the server had shown who it
/// is. libgit2 has few codes, and none for most of this: its words decide, and a test has all of them from a real server.
pub(super) fn network(error: &git2::Error, url: &str, offered: bool, met: bool) -> GitError {
    use git2::{ErrorClass, ErrorCode};
    let (url, source, text) = (url.to_owned(), Cause::from(error), error.message());
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if error.class() == ErrorClass::Ssh && error.code() == ErrorCode::Eof {
        // Anything at all: the server's own words.
        return GitError::Denied { url, source };
    }
    if says(&["redirect"]) {
        return GitError::Redirected { url, source };
    }
    if says(&["SSH could not read", "SSH could not write"]) {
        // Its own words depend on what it was doing just then, and the same failure would be told as another one.
        return GitError::BrokeOff { url, source: Cause::new("the SSH connection ended") };
    }
    if says(&["Failed getting banner"]) {
        return GitError::NotSsh { url, source };
    }
    if says(&[KEY_EXCHANGE]) {
        return GitError::KeyExchange { url, source };
    }
    if says(&BROKEN) {
        return GitError::BrokeOff { url, source };
    }
    if error.class() == ErrorClass::NoMemory || says(&["overly large object", "too many objects"]) {
        return GitError::OverLimits { source };
    }
    match (error.code(), error.class()) {
        (ErrorCode::Auth, _) => GitError::Authentication { url, offered, source },
        (ErrorCode::Certificate, _) | (_, ErrorClass::Ssl) => GitError::Certificate { url, source },
        (
            _,
            ErrorClass::Odb
            | ErrorClass::Object
            | ErrorClass::Indexer
            | ErrorClass::Zlib
            | ErrorClass::Sha1
            | ErrorClass::Reference,
        ) => GitError::Damaged { url, source },
        _ if says(&["failed to apply delta"]) => GitError::Damaged { url, source },
        // A 401 after credentials were sent, and 403, arrive as plain HTTP errors.
        (_, ErrorClass::Http) => match text.rsplit_once("http status code: ").map(|(_, status)| status) {
            Some("401" | "403") => GitError::Authentication { url, offered, source },
            Some(status) => GitError::Status { url, status: status.to_owned() },
            None => GitError::NotGit { url, source },
        },
        _ if met && !says(&["failed to connect", "failed to resolve"]) => GitError::NotGit { url, source },
        _ => GitError::Unreachable { url, source },
    }
}

/// What libssh2 says of whatever goes wrong before the host has shown its key, one of a type that is not asked for included.
pub(super) const KEY_EXCHANGE: &str = "Unable to exchange encryption keys";

/// What libgit2, libssh2 and OpenSSL say when a connection ends too early.
const BROKEN: [&str; 8] = [
    "syscall failure",
    "unexpected eof",
    "unexpected EOF",
    "early EOF",
    "could not read refs from remote",
    "could not read from remote",
    "Connection reset",
    "socket disconnected",
];

/// An object that could not be read.
pub(super) fn corrupt(what: impl Into<String>, error: &git2::Error) -> GitError {
    GitError::Corrupt { what: what.into(), source: Cause::from(error) }
}

#[cfg(test)]
mod tests {
    use git2::{ErrorClass, ErrorCode};

    use super::*;

    #[test]
    fn a_full_disk_is_not_told_as_a_server_that_is_away() {
        let full = "failed to write chunk: No space left on device";
        let full = git2::Error::new(ErrorCode::GenericError, ErrorClass::Os, full);
        let told = of_this_host(&full, Path::new("/var/cache/x")).map(|error| error.to_string());
        assert_eq!(told.as_deref(), Some("the scratch folder `/var/cache/x` cannot be used"));
        let away = "failed to connect to example.org: Connection refused";
        let away = git2::Error::new(ErrorCode::GenericError, ErrorClass::Os, away);
        assert_eq!(of_this_host(&away, Path::new("/x")), None);
        assert!(matches!(network(&away, "u", false, true), GitError::Unreachable { .. }));
    }
}
