//! Tells when a repository of this host may have a new commit, so that nobody waits for the next poll. It only wakes: whether the
//! branch has moved is for the reader to find out, since our own reads, and the locks that Git takes, raise events too.
//!
//! Watched are the names of references: Git writes one beside its place as `*.lock` and renames it, and packing references
//! removes the loose ones. Where watching fails (too many watches, a folder that is gone), polling goes on alone.
//!
//! A watch is on a folder, not on its name: another repository in the place of the first has to be watched anew.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::git::url::{Location, parse};

/// A watch over one repository; dropping it ends it.
pub struct Watch {
    _watcher: RecommendedWatcher,
    watched: Vec<(PathBuf, Option<(u64, u64)>)>,
}

impl Watch {
    /// Whether the watched folders are still those of these names.
    pub fn is_current(&self) -> bool {
        self.watched.iter().all(|(path, was)| identity(path) == *was)
    }
}

/// What no two folders share while both exist.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Watches the repository, if it is one of this host. `wake` is told of everything that may be a new commit.
pub fn watch(url: &str, wake: &Arc<Notify>) -> Result<Option<Watch>, notify::Error> {
    let Ok(Location::Local(top)) = parse(url) else { return Ok(None) };
    let folder = references_of(&top);
    let heads = folder.join("refs/heads");
    let watched = [&top, &folder, &heads].map(|path| (path.clone(), identity(path))).to_vec();
    let (wake, about) = (wake.clone(), [top.clone(), folder.clone()]);
    let told = move |event: notify::Result<Event>| {
        // An error is an overflow: something was missed.
        if event.is_ok_and(|event| !is_a_commit(&event) || !is_about(&event, &about)) {
            return;
        }
        wake.notify_one();
    };
    let mut watcher = notify::recommended_watcher(told)?;
    watcher.watch(&top, RecursiveMode::NonRecursive)?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    watcher.watch(&heads, RecursiveMode::Recursive)?;
    Ok(Some(Watch { _watcher: watcher, watched }))
}

/// The top is watched only for being moved away: what a working copy holds is nobody's business here.
fn is_about(event: &Event, [top, folder]: &[PathBuf; 2]) -> bool {
    event.paths.is_empty() || event.paths.iter().any(|path| path == top || path.starts_with(folder))
}

/// The folder that holds `refs` and `packed-refs`: of a bare repository, of one with a working copy, or of that which a
/// linked working copy belongs to.
fn references_of(repository: &Path) -> PathBuf {
    let git = repository.join(".git");
    if git.is_dir() {
        return git;
    }
    let pointed = |file: &Path, from: &Path| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().next()?;
        Some(from.join(line.strip_prefix("gitdir: ").unwrap_or(line)))
    };
    let Some(own) = pointed(&git, repository) else { return repository.to_owned() };
    pointed(&own.join("commondir"), &own).unwrap_or(own)
}

fn is_a_commit(event: &Event) -> bool {
    let moves = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) | EventKind::Any
    );
    let is_lock = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "lock");
    moves && !event.paths.iter().all(is_lock)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use git2::{Repository, RepositoryInitOptions, Signature};

    use super::*;

    fn commit(repository: &Repository) {
        let tree = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let who = Signature::now("A", "a@example.org").unwrap();
        let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        repository.commit(Some("refs/heads/main"), &who, &who, "x", &tree, &parents).unwrap();
    }

    async fn wakes(wake: &Notify) -> bool {
        tokio::time::timeout(Duration::from_secs(10), wake.notified()).await.is_ok()
    }

    /// Whatever the watch still has to tell of what was done before.
    async fn settle(wake: &Notify) {
        while tokio::time::timeout(Duration::from_millis(300), wake.notified()).await.is_ok() {}
    }

    #[tokio::test]
    async fn a_commit_wakes_and_reading_does_not() {
        let folder = tempfile::tempdir().unwrap();
        for bare in [true, false] {
            let path = folder.path().join(if bare { "bare" } else { "work" });
            let mut options = RepositoryInitOptions::new();
            let repository = Repository::init_opts(&path, options.bare(bare).initial_head("main")).unwrap();
            commit(&repository);
            let wake = Arc::new(Notify::new());
            let _watch = watch(path.to_str().unwrap(), &wake).unwrap().unwrap();
            commit(&repository);
            assert!(wakes(&wake).await, "bare: {bare}");
            settle(&wake).await;
            repository.head().unwrap().peel_to_tree().unwrap();
            std::fs::write(repository.path().join("refs/heads/other.lock"), "x").unwrap();
            if !bare {
                std::fs::write(path.join("notes.txt"), "x").unwrap();
            }
            let quiet = tokio::time::timeout(Duration::from_millis(300), wake.notified()).await.is_err();
            assert!(quiet, "a read or a lock woke, bare: {bare}");
        }
    }

    #[tokio::test]
    async fn a_linked_working_copy_is_watched_where_its_references_are() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repository::init_opts(folder.path().join("r"), RepositoryInitOptions::new().initial_head("main")).unwrap();
        commit(&repository);
        let linked = folder.path().join("linked");
        repository.worktree("linked", &linked, None).unwrap();
        let wake = Arc::new(Notify::new());
        let _watch = watch(linked.to_str().unwrap(), &wake).unwrap().unwrap();
        commit(&repository);
        assert!(wakes(&wake).await);
    }

    #[tokio::test]
    async fn another_repository_in_the_place_of_the_first_wakes_and_is_not_what_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        for bare in [true, false] {
            let at = |name: &str| folder.path().join(format!("{name}-{bare}"));
            for name in ["first", "second"] {
                let mut options = RepositoryInitOptions::new();
                commit(&Repository::init_opts(at(name), options.bare(bare).initial_head("main")).unwrap());
            }
            let wake = Arc::new(Notify::new());
            let watch = watch(at("first").to_str().unwrap(), &wake).unwrap().unwrap();
            assert!(watch.is_current());
            std::fs::rename(at("first"), at("aside")).unwrap();
            std::fs::rename(at("second"), at("first")).unwrap();
            assert!(wakes(&wake).await, "bare: {bare}");
            assert!(!watch.is_current(), "bare: {bare}");
        }
    }

    #[test]
    fn another_host_is_not_watched_and_a_missing_folder_is_told() {
        let wake = Arc::new(Notify::new());
        assert!(watch("https://example.org/x", &wake).unwrap().is_none());
        assert!(watch("/nonexistent/r", &wake).is_err());
    }
}
