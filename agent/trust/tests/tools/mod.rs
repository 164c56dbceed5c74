//! Commits, and the real tools that sign them. Where one is missing, the tests that need it say so and do nothing.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../../../../tests/bench/tools.rs"]
mod real;

use std::ops::Deref;
use std::path::{Path, PathBuf};

use agent_trust::commit::Commit;
use agent_trust::{AllowedSigners, Keyring, Refusal, Signed, Signers};
use real::Tools;

/// When the commits of these tests were made: 2024-07-01.
pub const COMMITTED: i64 = 1_719_792_000;

/// A commit without a signature.
pub fn payload() -> Vec<u8> {
    format!(
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 1111111111111111111111111111111111111111\n\
         author A <a@example.org> {COMMITTED} +0200\ncommitter C <c@example.org> {COMMITTED} +0200\n\nTwo replicas\n\nnow.\n"
    )
    .into_bytes()
}

/// The commit with this header in it, as Git writes one.
pub fn with_header(payload: &[u8], name: &str, signature: &str) -> Vec<u8> {
    let at = payload.windows(2).position(|two| two == b"\n\n").unwrap() + 1;
    let lines: Vec<&str> = signature.trim_end_matches('\n').split('\n').collect();
    let header = format!("{name} {}\n", lines.join("\n "));
    [&payload[..at], header.as_bytes(), &payload[at..]].concat()
}

pub fn signed(payload: &[u8], signature: &str) -> Vec<u8> {
    with_header(payload, "gpgsig", signature)
}

pub fn ssh(allowed: &str) -> Signers {
    let allowed = AllowedSigners::parse(allowed.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong:?}\n{allowed}"));
    Signers { ssh: Some(allowed), openpgp: None }
}

pub fn openpgp(ring: &[u8]) -> Signers {
    Signers { ssh: None, openpgp: Some(Keyring::parse(ring).unwrap_or_else(|wrong| panic!("{wrong:?}"))) }
}

/// Changes each bit that one byte can have, byte by byte: what is still good must be over the same text.
pub fn no_change_is_overlooked(signers: &Signers, raw: &[u8]) {
    let good = signers.verify(raw).unwrap();
    let payload = Commit::parse(raw).unwrap().payload;
    let mut still_good = 0;
    for at in 0..raw.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = raw.to_vec();
            changed[at] ^= bit;
            if let Ok(signer) = signers.verify(&changed) {
                assert_eq!(Commit::parse(&changed).unwrap().payload, payload, "byte {at} of the text is not covered");
                assert_eq!(signer, good);
                still_good += 1;
            }
        }
    }
    // Line ends, comments and checksums of the armor.
    assert!(still_good < raw.len() / 10, "{still_good} of {} changes are overlooked", raw.len() * 3);
}

/// Cuts the signature at every length.
pub fn no_cut_is_overlooked(signers: &Signers, payload: &[u8], signature: &str) {
    for end in 0..signature.trim_end().len() {
        if signature.is_char_boundary(end) {
            let result = signers.verify(&signed(payload, &signature[..end]));
            assert!(result.is_err(), "cut at {end}: {result:?}");
        }
    }
}

pub fn refusal(result: Result<Signed, Refusal>) -> Refusal {
    let refusal = result.unwrap_err();
    assert!(!refusal.hint().is_empty() && !refusal.to_string().contains('\n'), "{refusal:?}");
    refusal
}

/// A folder with keys and tools that look nowhere else.
pub struct Bench(Tools);

impl Deref for Bench {
    type Target = Tools;

    fn deref(&self) -> &Tools {
        &self.0
    }
}

impl Bench {
    /// `None`, and a word about it, where a tool is missing.
    pub fn with(tools: &[&str]) -> Option<Self> {
        let date = format!("@{COMMITTED} +0200");
        let mut env = Vec::new();
        for [name, email, at] in [
            ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"],
            ["GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE"],
        ] {
            env.extend([(name, "A"), (email, "a@example.org"), (at, date.as_str())]);
        }
        let missing = |tool: &str| eprintln!("skipped: there is no {tool}");
        Tools::new(tools, &env).map(Self).map_err(missing).ok()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    /// A key of SSH, `name` and `name.pub`; gives the public one.
    pub fn ssh_key(&self, name: &str, kind: &[&str]) -> String {
        self.run("ssh-keygen", &[&["-q", "-N", "", "-C", "", "-f", name, "-t"], kind].concat(), b"");
        self.read(&format!("{name}.pub")).trim_end().to_owned()
    }

    pub fn ssh_sign(&self, key: &str, more: &[&str], text: &[u8]) -> String {
        let args = [&["-q", "-Y", "sign", "-f", key], more].concat();
        String::from_utf8(self.run("ssh-keygen", &args, text)).unwrap()
    }

    /// `ssh-keygen -Y verify`, as Git calls it.
    pub fn ssh_verify(&self, allowed: &str, principal: &str, signature: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        let (allowed, signature) = (self.write("allowed", allowed), self.write("signature", signature));
        let (allowed, signature) = (allowed.to_str().unwrap(), signature.to_str().unwrap());
        self.try_run(
            "ssh-keygen",
            &["-Y", "verify", "-n", "git", "-f", allowed, "-I", principal, "-s", signature],
            text,
        )
    }

    /// Commits with Git, which signs, and gives the object as it is stored.
    pub fn git_commit(&self, format: &str, key: &str) -> Vec<u8> {
        if !self.at("r").exists() {
            self.run("git", &["init", "-q", "-b", "main", "r"], b"");
        }
        let (format, key) = (format!("gpg.format={format}"), format!("user.signingkey={key}"));
        let config = ["-C", "r", "-c", &format, "-c", &key];
        self.run("git", &[&config[..], &["commit", "-q", "--allow-empty", "-S", "-m", "Two replicas"]].concat(), b"");
        self.run("git", &["-C", "r", "cat-file", "commit", "HEAD"], b"")
    }

    /// A home for gpg's keys.
    pub fn gnupg(&self) {
        self.new_home("gnupg");
    }

    /// A key of OpenPGP, made when the time was that; gives its fingerprint.
    pub fn gpg_key(&self, name: &str, algorithm: &str, usage: &str, made: &str, expires: &str) -> String {
        self.gpg(
            &[
                "--faked-system-time",
                made,
                "--quick-gen-key",
                &format!("{name} <{name}@example.org>"),
                algorithm,
                usage,
                expires,
            ],
            b"",
        );
        self.prints(name).remove(0)
    }

    /// The fingerprints of a key and of its subkeys.
    pub fn prints(&self, name: &str) -> Vec<String> {
        let listed = String::from_utf8(self.gpg(&["--with-colons", "--list-keys", name], b"")).unwrap();
        listed
            .lines()
            .filter_map(|line| line.strip_prefix("fpr:::::::::"))
            .map(|print| print.trim_end_matches(':').to_owned())
            .collect()
    }

    pub fn gpg_sign(&self, keys: &[&str], at: &str, more: &[&str], text: &[u8]) -> String {
        let users: Vec<&str> = keys.iter().flat_map(|key| ["-u", key]).collect();
        let args = [&["--faked-system-time", at, "--armor", "--detach-sign"], more, &users].concat();
        String::from_utf8(self.gpg(&args, text)).unwrap()
    }

    pub fn export(&self, names: &[&str]) -> Vec<u8> {
        self.gpg(&[&["--armor", "--export"], names].concat(), b"")
    }
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
