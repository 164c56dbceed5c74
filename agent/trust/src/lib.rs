//! Who signed a commit, and whether that is somebody who may. A commit as Git stores it goes in, with the keys that the operator
//! trusts; the signer comes out, or the one reason why the signature does not count.
//!
//! * [`commit`] takes a commit apart as Git does, into what was signed and the signature over it.
//! * [`ssh`] checks SSH signatures against the keys of an [`allowed`] signers file, [`openpgp`] those of OpenPGP against a [`keyring`].
//!
//! **Guarantees.** Nothing but the operator's files says whom to trust. Sizes are checked before anything is parsed. Nothing here
//! reads a file, asks a server or the clock, or runs another program.
//!
//! **Not here:** which commits have to be signed, and X.509 signatures, which need authorities that somebody else runs.

pub mod allowed;
pub mod commit;
pub mod keyring;
mod openpgp;
mod refusal;
mod ssh;

use std::fmt;

pub use allowed::AllowedSigners;
pub use keyring::Keyring;
pub use refusal::{Kind, Refusal};

/// The largest file of keys that is read, in bytes.
pub const FILE_BYTES: usize = 4 << 20;
/// The most keys in one file.
pub const KEYS: usize = 1_000;

/// The keys whose signatures count.
#[derive(Debug, Default)]
pub struct Signers {
    /// For SSH signatures.
    pub ssh: Option<AllowedSigners>,
    /// For OpenPGP signatures.
    pub openpgp: Option<Keyring>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key, as `ssh-keygen -l` and `gpg` show it: of an OpenPGP subkey its own, not that of its primary key.
    pub fingerprint: String,
    /// Whom the operator's file has for that key: principals, or a user ID.
    pub name: String,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.fingerprint)
    }
}

impl Signers {
    /// Says who signed a commit; `raw` is the object as Git stores it, without Git's own header (`commit SIZE\0`).
    pub fn verify(&self, raw: &[u8]) -> Result<Signed, Refusal> {
        let commit = commit::Commit::parse(raw)?;
        let signature = commit.signature.as_deref().ok_or(Refusal::NotSigned)?;
        match kind_of(signature)? {
            Kind::Ssh => {
                let allowed = self.ssh.as_ref().ok_or(Refusal::NotConfigured { kind: Kind::Ssh })?;
                ssh::verify(allowed, &commit, signature)
            }
            Kind::OpenPgp => {
                let ring = self.openpgp.as_ref().ok_or(Refusal::NotConfigured { kind: Kind::OpenPgp })?;
                openpgp::verify(ring, &commit, signature)
            }
        }
    }
}

/// Git goes by the first line as well.
fn kind_of(signature: &[u8]) -> Result<Kind, Refusal> {
    let text = std::str::from_utf8(signature).map_err(|_| Refusal::malformed("it is not text"))?;
    let begins: Vec<&str> = text.lines().filter_map(|line| line.trim_end().strip_prefix("-----BEGIN ")).collect();
    let first = text.lines().next().unwrap_or_default().trim_end();
    if begins.len() > 1 {
        return Err(Refusal::Several);
    }
    match first {
        "-----BEGIN SSH SIGNATURE-----" => Ok(Kind::Ssh),
        "-----BEGIN PGP SIGNATURE-----" => Ok(Kind::OpenPgp),
        "-----BEGIN SIGNED MESSAGE-----" => Err(Refusal::UnknownFormat { what: "X.509".into() }),
        "-----BEGIN PGP MESSAGE-----" => Err(Refusal::UnknownFormat { what: "`PGP MESSAGE`".into() }),
        _ => Err(Refusal::malformed("it begins with no line that says what it is")),
    }
}

/// What is wrong with a file of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1, where the file has lines.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

impl Mistake {
    fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into(), hint: None }
    }

    fn of_file(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into(), hint: None }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// One printable line of somebody else's text.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_unicode().collect() } else { vec![c] }).take(200).collect()
}
