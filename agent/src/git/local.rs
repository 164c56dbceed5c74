//! A repository of this host, opened where it is and only read: nothing is fetched, and what the working copy holds is not
//! looked at.
//!
//! **Ownership.** Git refuses repositories of another user since their configuration may name programs to run. libgit2 runs none
//! of those, and only the named folder is opened (no search upwards, where a planted `.git` would be found), so [`super::child`]
//! turns the check off with `safe.directory` in its own empty home. In this process libgit2's rule stands.

use std::io;
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryOpenFlags};

use super::error::corrupt;
use super::{Cause, GitError, tree};

/// Fewer digits are no commit but a name.
const SHORTEST_ID: usize = 7;
/// So many names are compared with one that was not found.
const NAMES: usize = 5_000;

/// Opens the folder, or `.git` in it; bare or not, or a linked working copy.
pub fn open(folder: &Path, shown: &str) -> Result<Repository, GitError> {
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::CROSS_FS;
    Repository::open_ext(folder, flags, std::iter::empty::<&str>()).map_err(|error| match error.code() {
        ErrorCode::Owner => GitError::NotOwned { url: shown.to_owned() },
        _ => match std::fs::read_dir(folder).err() {
            None => GitError::NotARepository { url: shown.to_owned(), source: Cause::from(&error) },
            Some(why) if why.kind() == io::ErrorKind::NotFound => GitError::NoFolder { url: shown.to_owned() },
            Some(why) => GitError::NotReadable { url: shown.to_owned(), source: Cause::from(&why) },
        },
    })
}

/// The commit that a name stands for; `HEAD` where there is none.
pub fn resolve(repository: &Repository, rev: Option<&str>, shown: &str) -> Result<Oid, GitError> {
    let url = || shown.to_owned();
    let rev = rev.unwrap_or("HEAD");
    if rev == "HEAD" {
        return match repository.head() {
            Ok(head) => {
                let target = head.target().ok_or_else(|| no_such(repository, rev, shown))?;
                peel(repository, target, rev, shown)
            }
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                Err(no_such(repository, rev, shown))
            }
            Err(error) => Err(corrupt("HEAD", &error)),
        };
    }
    if rev.len() == 40 && is_hex(rev) {
        let id = Oid::from_str(rev).map_err(|e| corrupt(format!("the commit {rev}"), &e))?;
        let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
        return if odb.exists(id) { peel(repository, id, rev, shown) } else { Err(no_such(repository, rev, shown)) };
    }
    let remote = format!("refs/remotes/{rev}");
    for name in candidates(rev).into_iter().chain(git2::Reference::is_valid_name(&remote).then_some(remote)) {
        if let Ok(reference) = repository.find_reference(&name) {
            let target =
                reference.resolve().ok().and_then(|r| r.target()).ok_or_else(|| no_such(repository, rev, shown))?;
            return peel(repository, target, rev, shown);
        }
    }
    if is_hex(rev) && (SHORTEST_ID..40).contains(&rev.len()) {
        let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
        let found = Oid::from_str(rev).and_then(|start| odb.exists_prefix(start, rev.len()));
        return match found {
            Ok(id) => peel(repository, id, rev, shown),
            Err(error) if error.code() == ErrorCode::Ambiguous => {
                Err(GitError::AmbiguousRevision { url: url(), rev: rev.to_owned() })
            }
            Err(_) => Err(no_such(repository, rev, shown)),
        };
    }
    ancestor(repository, rev, shown)
}

/// The full names that a short one may stand for, first one first: a branch goes before a tag, so that whoever may push tags
/// cannot redirect a branch.
pub fn candidates(rev: &str) -> Vec<String> {
    let names = if rev.starts_with("refs/") {
        vec![rev.to_owned()]
    } else {
        vec![format!("refs/heads/{rev}"), format!("refs/tags/{rev}")]
    };
    names.into_iter().filter(|name| git2::Reference::is_valid_name(name)).collect()
}

pub fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `HEAD~1`, `v1^2`: an ancestor of a name, found by the same rules as the name alone. What searches messages, paths or the
/// reflog is left out: its answer depends on more than the history.
fn ancestor(repository: &Repository, rev: &str, shown: &str) -> Result<Oid, GitError> {
    let (name, steps) = rev.split_at(rev.find(['~', '^']).unwrap_or(rev.len()));
    if name.is_empty() || steps.is_empty() || !steps.chars().all(|c| matches!(c, '~' | '^' | '0'..='9')) {
        return Err(no_such(repository, rev, shown));
    }
    let id = resolve(repository, Some(name), shown)?;
    match repository.revparse_single(&format!("{id}{steps}")) {
        Ok(object) => peel(repository, object.id(), rev, shown),
        Err(_) => Err(no_such(repository, rev, shown)),
    }
}

/// From a tag, or a tag of a tag, to its commit.
pub fn peel(repository: &Repository, mut id: Oid, rev: &str, shown: &str) -> Result<Oid, GitError> {
    let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
    for _ in 0..8 {
        let what = format!("the object {id}");
        match odb.read_header(id).map_err(|e| corrupt(&what, &e))? {
            (_, ObjectType::Commit) => return Ok(id),
            (_, ObjectType::Tag) => {
                tree::small(&odb, id, ObjectType::Tag, &what)?;
                id = repository.find_tag(id).map_err(|e| corrupt(&what, &e))?.target_id();
            }
            _ => break,
        }
    }
    Err(GitError::NotACommit { url: shown.to_owned(), rev: rev.to_owned() })
}

fn no_such(repository: &Repository, rev: &str, shown: &str) -> GitError {
    let names: Vec<String> = repository
        .references()
        .map(|list| list.take(NAMES).filter_map(Result::ok).filter_map(|r| r.name().ok().map(str::to_owned)).collect())
        .unwrap_or_default();
    if names.is_empty() && repository.references().is_ok_and(|mut list| list.next().is_none()) {
        return GitError::Empty { url: shown.to_owned() };
    }
    GitError::NoSuchRevision {
        url: shown.to_owned(),
        rev: super::text::line(rev, 100),
        near: near(rev, names.iter().map(String::as_str)),
    }
}

/// Up to five short names like the wanted one, the likeliest first.
pub fn near<'a>(rev: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let short = rev.rsplit('/').next().unwrap_or(rev);
    let mut scored: Vec<(f64, String)> = names
        .filter_map(|name| name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")))
        .filter(|name| !name.ends_with("^{}"))
        .map(|name| {
            let whole = strsim::jaro_winkler(rev, name);
            (
                whole.max(strsim::jaro_winkler(short, name.rsplit('/').next().unwrap_or(name))),
                super::text::line(name, 100),
            )
        })
        // `main` and `master` score 0.61: the most common mistake must be among them.
        .filter(|(score, _)| *score >= 0.6)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.truncate(5);
    scored.into_iter().map(|(_, name)| name).collect()
}
