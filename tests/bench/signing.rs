//! Keys that tests make with the real tools, and commits that are signed with them. Needs `ssh-keygen` and `gpg`.

use std::path::{Path, PathBuf};

use super::repository::Files;
use super::say;
use super::tools::Tools;

/// Keys of SSH and of OpenPGP.
pub struct Keys(Tools);

impl Keys {
    /// No keys yet. `None`, and a word about it, where a tool is missing.
    pub fn new() -> Option<Self> {
        match Tools::new(&["ssh-keygen", "gpg", "gpgconf"], &[]) {
            Ok(tools) => {
                tools.new_home("gnupg");
                Some(Self(tools))
            }
            Err(tool) => {
                say(&format!("skipped: there is no {tool}"));
                None
            }
        }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.at(name)
    }

    /// A new key of SSH; gives the public one, as a line of `allowed_signers` has it.
    pub fn ssh_key(&self, name: &str) -> String {
        self.0.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name], b"");
        self.0.read(&format!("{name}.pub")).trim_end().to_owned()
    }

    /// A signature for a namespace: Git's is `git`.
    pub fn ssh(&self, key: &str, namespace: &str, text: &[u8]) -> String {
        let args = ["-q", "-Y", "sign", "-n", namespace, "-f", key];
        String::from_utf8(self.0.run("ssh-keygen", &args, text)).expect("it is text")
    }

    fn gpg_with(&self, more: &[&str], input: &[u8]) -> Vec<u8> {
        self.0.gpg(&[&["--armor"], more].concat(), input)
    }

    /// A new key of OpenPGP, made when the time was that (`20240101T000000`).
    pub fn gpg_key(&self, name: &str, made: &str) {
        let user = format!("{name} <{name}@example.org>");
        self.gpg_with(&["--faked-system-time", made, "--quick-gen-key", &user, "ed25519", "sign", "never"], b"");
    }

    /// A signature by a key, with what else is said to gpg.
    pub fn gpg(&self, key: &str, more: &[&str], text: &[u8]) -> String {
        let args = [&["--detach-sign", "-u", key], more].concat();
        String::from_utf8(self.gpg_with(&args, text)).expect("it is text")
    }

    /// The public keys, one of them revoked without a reason. What signs here does not know of that, for it would not sign.
    pub fn gpg_export_revoked(&self, name: &str) -> Vec<u8> {
        let args = [
            "--no-tty",
            "--pinentry-mode=loopback",
            "--passphrase=",
            "--yes",
            "--command-fd",
            "0",
            "--gen-revoke",
            name,
        ];
        let revocation = self.0.run("gpg", &args, b"y\n0\n\ny\n");
        let other = self.0.new_home("elsewhere");
        let elsewhere = |more: &[&str], input: &[u8]| self.gpg_with(&[&["--homedir", &other], more].concat(), input);
        elsewhere(&["--import"], &self.gpg_with(&["--export"], b""));
        elsewhere(&["--import"], &revocation);
        elsewhere(&["--export"], b"")
    }
}

/// A commit that is not stored yet, as Git stores it.
pub fn commit(folder: &Path, files: &Files, parents: &[&str]) -> Vec<u8> {
    let repository = git2::Repository::open(folder).expect("the repository is the test's own");
    let mut update = git2::build::TreeUpdateBuilder::new();
    for (name, text) in files {
        let blob = repository.blob(text.as_bytes()).expect("it can be written");
        update.upsert(name.as_str(), blob, git2::FileMode::Blob);
    }
    let empty = repository.treebuilder(None).and_then(|tree| tree.write()).expect("it can be written");
    let empty = repository.find_tree(empty).expect("it was written");
    let tree = update.create_updated(&repository, &empty).expect("paths are plain");
    let who = git2::Signature::now("Test", "test@example.org").expect("a name");
    let found = |id: &&str| repository.find_commit(git2::Oid::from_str(id).expect("an id")).expect("it is there");
    let parents: Vec<git2::Commit<'_>> = parents.iter().map(found).collect();
    let tree = repository.find_tree(tree).expect("it was written");
    let raw = repository.commit_create_buffer(&who, &who, "a revision", &tree, &parents.iter().collect::<Vec<_>>());
    raw.expect("a commit").to_vec()
}

/// The commit with a signature in its header.
pub fn with_signature(raw: &[u8], signature: &str) -> Vec<u8> {
    let at = raw.windows(2).position(|two| two == b"\n\n").expect("a message") + 1;
    let header = format!("gpgsig {}\n", signature.trim_end().replace('\n', "\n "));
    [&raw[..at], header.as_bytes(), &raw[at..]].concat()
}

/// Stores a commit, and gives its id. No branch leads to it.
pub fn store(folder: &Path, raw: &[u8]) -> String {
    let repository = git2::Repository::open(folder).expect("the repository is the test's own");
    let odb = repository.odb().expect("it has one");
    odb.write(git2::ObjectType::Commit, raw).expect("it can be written").to_string()
}

/// Moves a branch to a commit, whatever it was at.
pub fn move_to(folder: &Path, branch: &str, id: &str) {
    let repository = git2::Repository::open(folder).expect("the repository is the test's own");
    let id = git2::Oid::from_str(id).expect("an id");
    repository.reference(&format!("refs/heads/{branch}"), id, true, "moved").expect("it can be written");
}
