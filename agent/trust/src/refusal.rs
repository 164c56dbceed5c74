//! Why a signature does not count: one variant for each situation that a person handles differently, each with a sentence that
//! says what is so and a hint that says what to do.

use serde::{Deserialize, Serialize};

/// What a signature was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A key of SSH.
    Ssh,
    /// A key of OpenPGP.
    OpenPgp,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Ssh => "an SSH",
            Self::OpenPgp => "an OpenPGP",
        }
    }

    /// The key of the configuration that names the file.
    fn setting(self) -> &'static str {
        match self {
            Self::Ssh => "allowed_signers",
            Self::OpenPgp => "keyring",
        }
    }
}

/// Why a commit does not count as signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No signature.
    #[error("it is not signed")]
    NotSigned,
    /// The object is over a limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// The commit is not one that Git writes.
    #[error("the commit itself is malformed: {why}")]
    BadCommit {
        /// Why.
        why: String,
    },
    /// The signature cannot be taken apart.
    #[error("its signature is malformed: {why}")]
    Malformed {
        /// Why.
        why: String,
    },
    /// More than one signature. Git refuses those as well.
    #[error("it carries several signatures, of which none counts")]
    Several,
    /// Neither SSH nor OpenPGP.
    #[error("it has a signature of the kind {what}, which is not supported")]
    UnknownFormat {
        /// What it is.
        what: String,
    },
    /// There is no file of keys for this kind.
    #[error("it has {} signature, and no `{}` is configured", kind.word(), kind.setting())]
    NotConfigured {
        /// The kind.
        kind: Kind,
    },
    /// The key is not in the file.
    #[error("it is signed with the key {fingerprint}, which is not in `{}`", kind.setting())]
    UnknownKey {
        /// The kind.
        kind: Kind,
        /// The key.
        fingerprint: String,
    },
    /// The signature is not of this key over this commit.
    #[error(
        "its signature by the key {fingerprint} is wrong: the commit, or the signature, was changed after it was made"
    )]
    BadSignature {
        /// The key.
        fingerprint: String,
    },
    /// The key, or the right to sign with it, begins later.
    #[error("it was signed at {at} with the key {fingerprint}, which is valid from {from}")]
    NotYetValid {
        /// The key.
        fingerprint: String,
        /// When it was signed.
        at: String,
        /// From when it may.
        from: String,
    },
    /// The key, or the right to sign with it, had ended.
    #[error("it was signed at {at} with the key {fingerprint}, which expired at {until}")]
    Expired {
        /// The key.
        fingerprint: String,
        /// When it was signed.
        at: String,
        /// Until when it was valid.
        until: String,
    },
    /// The key was revoked.
    #[error("it is signed with the key {fingerprint}, which was revoked at {since} ({why})")]
    Revoked {
        /// The key.
        fingerprint: String,
        /// When.
        since: String,
        /// The reason that the revocation gives.
        why: String,
    },
    /// The signature was made for something else.
    #[error("its signature by the key {fingerprint} was made for `{namespace}`, and not for `git`")]
    WrongNamespace {
        /// The key.
        fingerprint: String,
        /// What for.
        namespace: String,
    },
    /// The file lets the key sign other things only.
    #[error("it is signed with the key {fingerprint}, which `allowed_signers` lets sign for `{allowed}` only")]
    NamespaceNotAllowed {
        /// The key.
        fingerprint: String,
        /// What for.
        allowed: String,
    },
    /// An algorithm that others can break.
    #[error("its signature by the key {fingerprint} is too weak: {what}")]
    Weak {
        /// The key.
        fingerprint: String,
        /// What is weak.
        what: String,
    },
    /// The key is there and is not one that signs.
    #[error("it is signed with the key {fingerprint}, which is not one for signing: {why}")]
    NotForSigning {
        /// The key.
        fingerprint: String,
        /// Why not.
        why: String,
    },
}

impl Refusal {
    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed { why: why.into() }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotSigned => {
                "sign commits (`git config commit.gpgsign true`), and merge where a signature is kept or made; then push a signed \
                 commit"
            }
            Self::TooLarge { .. } | Self::BadCommit { .. } => {
                "look at the commit with `git cat-file commit`: who made it?"
            }
            Self::Malformed { .. } | Self::Several => {
                "make the commit anew with `git commit --amend -S`, and look at it with `git cat-file commit`"
            }
            Self::UnknownFormat { .. } => "sign with a key of SSH (`git config gpg.format ssh`) or of OpenPGP",
            Self::NotConfigured { kind: Kind::Ssh } => "name a file with the keys that may sign as `allowed_signers`",
            Self::NotConfigured { kind: Kind::OpenPgp } => {
                "name a file with the public keys that may sign as `keyring`"
            }
            Self::UnknownKey { kind: Kind::Ssh, .. } => {
                "if the key is that of somebody who may sign, add it to `allowed_signers` on the agent's host; where it only signs no \
                 more, keep its line with `valid-before=`; the file is read each time"
            }
            Self::UnknownKey { kind: Kind::OpenPgp, .. } => {
                "if the key is that of somebody who may sign, add it to `keyring` on the agent's host (`gpg --export --armor`); where it \
                 only signs no more, keep it as revoked because it is no longer used; the file is read each time"
            }
            Self::BadSignature { .. } => "do not trust it: find out who pushed it, and how",
            Self::NotYetValid { .. } | Self::Expired { .. } => {
                "sign with a key that is valid, or renew this one and put the renewed key into the agent's file"
            }
            Self::Revoked { .. } => "sign with another key; find out whether it was the owner who signed",
            Self::WrongNamespace { .. } => "sign with Git itself: `git commit -S` with `gpg.format = ssh`",
            Self::NamespaceNotAllowed { .. } => "add `git` to `namespaces=` of that line, if this key may sign commits",
            Self::Weak { .. } => {
                "sign with Ed25519, ECDSA, or RSA of 2048 bits or more, and a digest of the SHA-2 family"
            }
            Self::NotForSigning { .. } => "sign with a key, or a subkey, that its owner has marked for signing",
        }
    }
}

/// A time in seconds since 1970, for people, in UTC.
pub(crate) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s after 1970"), |time| time.to_string())
}
