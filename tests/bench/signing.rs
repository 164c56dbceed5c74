//! Keys that tests make with the real tools, and commits that are signed with them. Needs `ssh-keygen` and `gpg`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::repository::Files;
use super::say;

/// Keys of SSH and of OpenPGP in a folder of their own. They end with this value, and gpg's agent with them.
pub struct Keys {
    folder: tempfile::TempDir,
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = self.command("gpgconf").args(["--kill", "all"]).status();
    }
}

impl Keys {
    /// No keys yet. `None`, and a word about it, where a tool is missing.
    pub fn new() -> Option<Self> {
        for tool in ["ssh-keygen", "gpg", "gpgconf"] {
            if Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                say(&format!("skipped: there is no {tool}"));
                return None;
            }
        }
        let keys = Self { folder: tempfile::tempdir().expect("a folder") };
        keys.new_home("gnupg");
        Some(keys)
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).env("GNUPGHOME", self.at("gnupg"));
        command
    }

    fn run(&self, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = self.command(program);
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it is there");
        child.stdin.take().expect("it is piped").write_all(input).expect("it listens");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A new key of SSH; gives the public one, as a line of `allowed_signers` has it.
    pub fn ssh_key(&self, name: &str) -> String {
        self.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name], b"");
        std::fs::read_to_string(self.at(&format!("{name}.pub"))).expect("it was written").trim_end().to_owned()
    }

    /// A signature for a namespace: Git's is `git`.
    pub fn ssh(&self, key: &str, namespace: &str, text: &[u8]) -> String {
        let args = ["-q", "-Y", "sign", "-n", namespace, "-f", key];
        String::from_utf8(self.run("ssh-keygen", &args, text)).expect("it is text")
    }

    fn gpg_with(&self, more: &[&str], input: &[u8]) -> Vec<u8> {
        let quiet = ["--batch", "--quiet", "--no-tty", "--pinentry-mode=loopback", "--passphrase=", "--yes", "--armor"];
        self.run("gpg", &[&quiet[..], more].concat(), input)
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
        let revocation = self.run("gpg", &args, b"y\n0\n\ny\n");
        let other = self.new_home("elsewhere");
        let elsewhere = |more: &[&str], input: &[u8]| self.gpg_with(&[&["--homedir", &other], more].concat(), input);
        elsewhere(&["--import"], &self.gpg_with(&["--export"], b""));
        elsewhere(&["--import"], &revocation);
        elsewhere(&["--export"], b"")
    }

    fn new_home(&self, name: &str) -> String {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().mode(0o700).create(self.at(name)).expect("it is new");
        self.at(name).to_str().expect("a plain path").to_owned()
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
