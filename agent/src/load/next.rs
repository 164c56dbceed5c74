//! Whether what a person applies goes on from what was applied last, as `agent run` asks of each commit that it follows.

use std::path::{Path, PathBuf};

use agent_core::pass::Revision;

use super::{LoadError, cache, source};
use crate::cli::From;
use crate::git;

/// Whether a revision goes on from the one that a stack says was its last. Of a folder, what is asked is the commit that is checked out
/// where it lies; where that is no repository, or where the last revision was a folder itself, there is nothing to ask.
pub async fn goes_on_from(from: &From, revision: &Revision, last: &str) -> Result<(), LoadError> {
    if !git::is_commit(last) || revision.id == last {
        return Ok(());
    }
    let asked = match (&from.repo, repository(&from.dir)) {
        (Some(repo), _) => git::Source { rev: Some(revision.id.clone()), ..source(from, repo) },
        (None, Some(top)) => {
            let top = top.display().to_string();
            git::Source { path: ".".to_owned(), rev: None, ..source(from, &top) }
        }
        (None, None) => return Ok(()),
    };
    let since = git::Since { known: None, bases: vec![last.to_owned()], check_only: true };
    git::child::newer_in_child(&asked, &since, &git::Limits::default(), &cache()).await?;
    Ok(())
}

/// The repository whose working copy a folder lies in.
fn repository(dir: &Path) -> Option<PathBuf> {
    let dir = dir.canonicalize().ok()?;
    let top = dir.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())?;
    Some(top.to_owned())
}
