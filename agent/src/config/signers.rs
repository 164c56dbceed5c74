//! What is wrong with whom a source trusts to sign. The files are looked into, so that an agent does not begin with a broken one.

use std::path::Path;

use agent_core::source::Problems;
use agent_trust::{AllowedSigners, Keyring, Mistake};

use super::{At, Source};
use crate::git;

/// Whether files that a configuration names are looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    Read,
    #[cfg(test)]
    Leave,
}

/// What is wrong with whom a source trusts: nobody is told, or files that nobody looks at, or broken ones.
pub(super) fn check_signers(source: &Source, at: At<'_>, files: Files, problems: &mut Problems) {
    let Source { verify, allowed_signers, keyring, .. } = source;
    if *verify == git::Verify::None {
        for (key, given) in [("allowed_signers", allowed_signers), ("keyring", keyring)] {
            if given.is_some() {
                let hint = "add `verify = \"head\"` or `verify = \"strict\"`, or take the line away".to_owned();
                at.wrong(
                    key,
                    format!("`{key}` says who may sign, and no signature is looked at"),
                    Some(hint),
                    problems,
                );
            }
        }
        return;
    }
    if allowed_signers.is_none() && keyring.is_none() {
        let hint = "name a file as `allowed_signers` for keys of SSH, or as `keyring` for keys of OpenPGP".to_owned();
        at.wrong(
            "verify",
            "signatures are looked at, and nobody is named who may sign".to_owned(),
            Some(hint),
            problems,
        );
    }
    if files == Files::Read {
        check_keys("allowed_signers", allowed_signers.as_deref(), AllowedSigners::parse, at, problems);
        check_keys("keyring", keyring.as_deref(), Keyring::parse, at, problems);
    }
}

/// Every mistake in a file with keys, by its line.
fn check_keys<T>(
    key: &str,
    file: Option<&Path>,
    parse: fn(&[u8]) -> Result<T, Vec<Mistake>>,
    at: At<'_>,
    problems: &mut Problems,
) {
    let Some(path) = file else { return };
    let shown = path.display();
    match git::trust::keys_of(path) {
        Err(error) => at.wrong(key, format!("`{shown}` cannot be read: {error}"), None, problems),
        Ok(bytes) => {
            for mistake in parse(&bytes).err().unwrap_or_default() {
                let place = mistake.line.map(|line| format!(", line {line}")).unwrap_or_default();
                let hint = mistake.hint.map(str::to_owned);
                at.wrong(key, format!("`{shown}`{place}: {}", mistake.message), hint, problems);
            }
        }
    }
}
