//! What merging one revision of a repository of this host into another would make, without doing it: nothing is written, neither
//! in the working copy nor in the object store. Of a branch whose base has moved on, that is neither of the two.

use git2::{Commit, ErrorCode, Index, MergeOptions, Oid, Repository};

use super::error::corrupt;
use super::{Cause, GitError, Limits, Snapshot, Source, local, text, tree, url};

/// So many paths of a conflict are named.
const PATHS: usize = 5;
/// Before the repository's own stores, which have 1 and 2.
const FIRST: i32 = 1000;
/// Merges of merge bases within each other; beyond, one of them is taken.
const RECURSION: u32 = 8;

/// What a merge would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The commit that would be merged into, 40 hexadecimal digits.
    pub base: String,
    /// The commit at which the two part; the base itself, where that has not moved on.
    pub common: String,
    /// The files of the merge, as of the commit that would be merged.
    pub snapshot: Snapshot,
}

/// Reads what merging a source's revision into `onto` would make. Blocks.
pub fn read_merged(source: &Source, onto: &str, limits: &Limits, stage: &dyn Fn(&str)) -> Result<Merged, GitError> {
    let path = tree::clean(&source.path)?;
    let url::Location::Local(folder) = url::parse(&source.url)? else {
        let why = "two revisions are compared in a repository of this host".to_owned();
        return Err(GitError::UnsupportedUrl { url: url::shown(&source.url), why });
    };
    stage("merging in memory");
    let shown = folder.display().to_string();
    let repository = local::open(&folder, &shown)?;
    let head = local::resolve(&repository, source.rev.as_deref(), &shown)?;
    let base = local::resolve(&repository, Some(onto), &shown)?;
    let common = common(&repository, head, base, &shown)?;
    let read = |top| tree::snapshot(&repository, head, top, None, &path, limits);
    let snapshot = if common == base {
        read(None)?
    } else if common == head {
        read(Some(commit(&repository, base)?.tree_id()))?
    } else {
        // What a merge makes goes to a store in memory, where it is read again, and nowhere else.
        let store = repository.odb().map_err(|e| corrupt("the object store", &e))?;
        let _memory = store.add_new_mempack_backend(FIRST).map_err(|e| corrupt("the object store", &e))?;
        read(Some(merge(&repository, head, base)?))?
    };
    Ok(Merged { base: base.to_string(), common: common.to_string(), snapshot })
}

fn commit(repository: &Repository, id: Oid) -> Result<Commit<'_>, GitError> {
    let what = format!("the commit {id}");
    let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
    tree::small(&odb, id, git2::ObjectType::Commit, &what)?;
    repository.find_commit(id).map_err(|e| corrupt(what, &e))
}

/// Where the two part.
fn common(repository: &Repository, head: Oid, base: Oid, shown: &str) -> Result<Oid, GitError> {
    if head == base {
        return Ok(base);
    }
    repository.merge_base(head, base).map_err(|error| {
        // In a shallow clone the walk ends at a commit of which the parents are not there.
        if error.code() != ErrorCode::NotFound && !repository.is_shallow() {
            return corrupt("the history", &error);
        }
        let (url, head, base) = (shown.to_owned(), head.to_string(), base.to_string());
        GitError::NothingInCommon { url, head, base, shallow: repository.is_shallow() }
    })
}

/// The tree of the merge.
fn merge(repository: &Repository, head: Oid, base: Oid) -> Result<Oid, GitError> {
    let mut options = MergeOptions::new();
    options.skip_reuc(true).recursion_limit(RECURSION);
    let failed = |e: git2::Error| GitError::NotMerged {
        head: head.to_string(),
        base: base.to_string(),
        source: Cause::from(&e),
    };
    let index = repository.merge_commits(&commit(repository, base)?, &commit(repository, head)?, Some(&options));
    let mut index = index.map_err(failed)?;
    if index.has_conflicts() {
        let (head, base) = (head.to_string(), base.to_string());
        return Err(GitError::Conflict { head, base, paths: conflicts(&index) });
    }
    index.write_tree_to(repository).map_err(failed)
}

/// The paths that both have changed, each in its own way.
fn conflicts(index: &Index) -> Vec<String> {
    let all = index.conflicts().into_iter().flatten().filter_map(Result::ok);
    let path = |conflict: git2::IndexConflict| {
        let entry = conflict.our.or(conflict.their).or(conflict.ancestor)?;
        Some(text::line(&String::from_utf8_lossy(&entry.path), 100))
    };
    let mut paths: Vec<String> = all.filter_map(path).take(PATHS).collect();
    paths.dedup();
    paths
}
