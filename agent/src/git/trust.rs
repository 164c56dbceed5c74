//! Whether a commit may be read: it goes on from the one that was accepted last, and those have signed it who must. A branch that
//! was moved back, rewritten or replaced is refused, whatever its signatures: an old commit was once signed well, too.
//!
//! **What must be signed.** With [`Verify::Head`] the commit itself. With [`Verify::Strict`] every commit that is reachable from it
//! and not from the one accepted last, on both sides of merges; where nothing was accepted before, the commit itself.
//!
//! **Assumptions.** The history may end early (a shallow mirror or clone). What cannot be known without more of it is neither
//! accepted nor refused, but told as [`Checked::Cut`], so that more can be fetched.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use agent_trust::{AllowedSigners, FILE_BYTES, Keyring, Mistake, Signers};
use git2::{ObjectType, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::error::corrupt;
use super::history::{History, Until, Walk, has_commit};
use super::{Cause, GitError, Limits, Since, text, tree};

/// Which commits must be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// None.
    #[default]
    None,
    /// The one that is read.
    Head,
    /// It, and every commit since the one that was accepted last.
    Strict,
}

/// Which commits must be signed, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trust {
    /// Which.
    pub verify: Verify,
    /// The file with keys of SSH.
    pub allowed_signers: Option<PathBuf>,
    /// The file with keys of OpenPGP.
    pub keyring: Option<PathBuf>,
}

/// What a commit has to be, ready to be asked.
#[derive(Debug, Default)]
pub struct Demands {
    verify: Verify,
    signers: Signers,
    /// The commit that is not read again.
    pub known: Option<Oid>,
    check_only: bool,
    bases: Vec<Oid>,
    history: u64,
}

/// What became of a check.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// It may be read.
    Sound {
        /// Who signed it, where that was asked.
        signer: Option<String>,
    },
    /// The history ends before that can be known.
    Cut,
}

impl Demands {
    /// Reads the files with keys.
    pub fn new(trust: &Trust, since: &Since, limits: &Limits) -> Result<Self, GitError> {
        let Trust { verify, allowed_signers, keyring } = trust;
        let whole = |text: &str| Oid::from_str(text).ok().filter(|_| text.len() == 40);
        let id = |text: &String| whole(text).ok_or_else(|| GitError::BadCommitId { id: text::line(text, 100) });
        let known = since.known.as_ref().map(id).transpose()?;
        let bases = since.bases.iter().map(id).collect::<Result<_, _>>()?;
        let mut signers = Signers::default();
        if *verify != Verify::None {
            signers.ssh =
                allowed_signers.as_deref().map(|path| signers_file(path, AllowedSigners::parse)).transpose()?;
            signers.openpgp = keyring.as_deref().map(|path| signers_file(path, Keyring::parse)).transpose()?;
        }
        let Since { check_only, .. } = *since;
        Ok(Self { verify: *verify, signers, known, check_only, bases, history: limits.history })
    }

    /// The commit of which no files are wanted, if this is the one at hand.
    pub fn unwanted(&self, commit: Oid) -> Option<Oid> {
        if self.check_only { Some(commit) } else { self.known }
    }

    /// Whether a commit to go on from is there, so that only what came after it has to be fetched.
    pub fn has_base(&self, repository: &Repository) -> bool {
        self.bases.iter().any(|base| has_commit(repository, *base))
    }

    /// Checks a commit; `url` is what the repository is called in messages.
    pub fn check(&self, repository: &Repository, head: Oid, url: &str) -> Result<Checked, GitError> {
        let Some(first) = self.bases.first() else { return self.signed(repository, head, &[head]) };
        if self.bases.contains(&head) {
            // It was checked when it was accepted.
            return Ok(Checked::Sound { signer: None });
        }
        let history = History::of(repository, self.history)?;
        let too_much =
            || GitError::TooMuchHistory { url: url.to_owned(), base: first.to_string(), limit: self.history };
        let mut is_cut = false;
        for base in &self.bases {
            let base = Some(*base).filter(|base| history.has(*base));
            let walk = history.walk(head, base, Until::NoneIsNew)?.ok_or_else(too_much)?;
            if walk.descends {
                return self.since(&history, &walk, head);
            }
            is_cut |= walk.is_cut;
        }
        if is_cut { Ok(Checked::Cut) } else { Err(refused(&history, head, *first, url)?) }
    }

    /// Checks a commit that goes on from another.
    fn since(&self, history: &History<'_>, walk: &Walk, head: Oid) -> Result<Checked, GitError> {
        if self.verify != Verify::Strict {
            return self.signed(history.repository, head, &[head]);
        }
        // Where a history is not whole, a side that began before its end leads to the very first commits, as if they were new.
        let mut leads_too_far = false;
        for id in walk.new.iter().filter(|_| history.is_shallow()) {
            leads_too_far |= history.is_first(*id)?;
        }
        if walk.is_cut || leads_too_far { Ok(Checked::Cut) } else { self.signed(history.repository, head, &walk.new) }
    }

    fn signed(&self, repository: &Repository, head: Oid, commits: &[Oid]) -> Result<Checked, GitError> {
        if self.verify == Verify::None {
            return Ok(Checked::Sound { signer: None });
        }
        let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
        let mut signer = None;
        for id in commits {
            let what = format!("the commit {id}");
            tree::small(&odb, *id, ObjectType::Commit, &what)?;
            let object = odb.read(*id).map_err(|e| corrupt(&what, &e))?;
            let signed = self.signers.verify(object.data());
            let signed = signed.map_err(|why| GitError::Untrusted { commit: id.to_string(), why: Box::new(why) })?;
            if *id == head {
                signer = Some(text::line(&signed.to_string(), 400));
            }
        }
        Ok(Checked::Sound { signer })
    }
}

/// A file with keys, read anew each time, so that it may be replaced.
fn signers_file<T>(path: &Path, parse: fn(&[u8]) -> Result<T, Vec<Mistake>>) -> Result<T, GitError> {
    let unusable = |source| GitError::Signers { path: path.display().to_string(), source };
    let bytes = keys_of(path).map_err(|error| unusable(Cause::from(&error)))?;
    let all = |mistakes: Vec<Mistake>| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    parse(&bytes).map_err(|mistakes| unusable(Cause::new(all(mistakes))))
}

/// What such a file holds, and of one that is too large a byte too much.
pub fn keys_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a commit that does not go on from `base` is refused.
fn refused(history: &History<'_>, head: Oid, base: Oid, url: &str) -> Result<GitError, GitError> {
    let (head_id, base_id, url) = (head.to_string(), base.to_string(), url.to_owned());
    if !history.has(base) {
        return Ok(GitError::BaseGone { url, head: head_id, base: base_id });
    }
    let walk = history.walk(head, Some(base), Until::TheEnd)?;
    Ok(match walk {
        Some(walk) if walk.new.is_empty() => GitError::WentBack { url, head: head_id, base: base_id },
        Some(Walk { common: None, is_base_cut: false, .. }) => {
            GitError::Unrelated { url, head: head_id, base: base_id }
        }
        other => {
            let common = other.and_then(|walk| walk.common).map(|id| id.to_string());
            GitError::Diverged { url, head: head_id, base: base_id, common }
        }
    })
}
