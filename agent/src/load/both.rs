//! A revision, and what merging it into another one would make of that.

use agent_core::manifest::StackFiles;
use agent_core::manifest::limits::Limits;
use agent_core::pass::Revision;

use super::{LoadError, Tree, source, tree_of};
use crate::cli::From;
use crate::git::{self, GitError, child};

/// The manifests of a base, and what they would be after a merge.
pub struct Both {
    /// The base as it is.
    pub base: Tree,
    /// What the merge would make of it, under the name of the revision that would be merged.
    pub merged: Tree,
    /// The commit at which the two part.
    pub common: String,
}

impl Both {
    /// Whether the base has moved on, so that the merge is neither of the two.
    pub fn has_moved_on(&self) -> bool {
        self.common != self.base.revision.id
    }
}

/// Reads both, in child processes. A base without the folder of the manifests has no stack.
pub async fn both(from: &From, repo: &str, onto: &str) -> Result<Both, LoadError> {
    let (limits, merged) = (git::Limits::default(), source(from, repo));
    let git::merge::Merged { base, common, snapshot } = child::merged_in_child(&merged, onto, &limits).await?;
    let of_base = git::Source { rev: Some(base.clone()), ..merged.clone() };
    let base = match child::read_in_child(&of_base, &limits, &super::cache()).await {
        Ok(snapshot) => tree_of(&of_base, snapshot, &Limits::default())?,
        Err(GitError::PathMissing { .. }) => {
            let revision = Revision { id: base, source: git::url::shown(repo) };
            Tree { files: StackFiles::default(), revision }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Both { base, merged: tree_of(&merged, snapshot, &Limits::default())?, common })
}
