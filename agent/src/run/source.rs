//! One source as the configuration has it: reads it in a child, and knows which commits of it were accepted, so that passes can be
//! told whether a revision goes on from the one that a stack was made equal to last. It decides nothing about when to read.
//!
//! **What was accepted last** is known to this process alone while it runs. What a stack says of itself in AWS outlives it: before a
//! stack is changed, its last revision must be the newest accepted one or an ancestor of it, and with `verify = "strict"` every
//! commit between them must be signed. The first commit of a run has nothing to go on from. Where stacks find that they cannot
//! follow it, a branch that goes on from *their* last revision is taken as well: else one that was wrong when the agent
//! started could not be put right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::manifest::Limits;
use agent_core::state::Origin;

use crate::config::{self, reference};
use crate::git;
use crate::load::{LoadError, Tree, read_token, tree_of};

/// A source.
pub struct Source {
    /// As it is configured.
    pub config: config::Source,
    /// For https, where the configuration names no file with a token.
    token: Option<String>,
    cache: PathBuf,
    accepted: Mutex<Accepted>,
    /// By revision, one of the chain that is known to go on from it, and so do those that come after that one. Held while that is
    /// found out: stacks that ask at the same time mostly ask for the same.
    proven: tokio::sync::Mutex<BTreeMap<String, String>>,
}

/// What is accepted.
#[derive(Default)]
struct Accepted {
    /// The commits, in their order: each descends from those before it.
    chain: Vec<String>,
    /// Last revisions of stacks that the newest does not go on from.
    others: BTreeSet<String>,
}

/// A commit with its files.
pub struct Commit {
    /// The files.
    pub tree: Tree,
    /// The first line of its message.
    pub summary: String,
    /// `Name <address>`, as it claims.
    pub author: String,
    /// Who signed it, where that was looked at.
    pub signer: Option<String>,
}

impl Source {
    /// One of which nothing is known.
    pub fn new(config: config::Source, token: Option<String>, cache: PathBuf) -> Self {
        Self { config, token, cache, accepted: Mutex::default(), proven: tokio::sync::Mutex::default() }
    }

    /// What stacks that it changes belong to.
    pub fn origin(&self) -> Origin {
        let config::Source { url, branch, path, .. } = &self.config;
        let path = git::clean_path(path).ok().filter(|path| !path.is_empty());
        Origin {
            repository: git::url::shown(url),
            branch: branch.clone(),
            path: path.unwrap_or_else(|| ".".to_owned()),
        }
    }

    /// The newest commit of the branch, unless it is the one that was accepted last; it is the one to go on from now. What does not
    /// descend from that one, or is not signed as it must be, is refused.
    pub async fn read(&self) -> Result<Option<Commit>, LoadError> {
        let (known, others) = {
            let accepted = self.accepted();
            (accepted.chain.last().cloned(), accepted.others.clone())
        };
        let goes_on = others.is_empty();
        let bases = known.iter().cloned().chain(others).collect();
        let read = self.ask(reference(&self.config.branch), &git::Since { known, bases, check_only: false }).await?;
        let Some((source, snapshot)) = read else { return Ok(None) };
        let (summary, author, signer) = (snapshot.summary.clone(), snapshot.author.clone(), snapshot.signer.clone());
        let tree = tree_of(&source, snapshot, &Limits::default())?;
        let mut accepted = self.accepted();
        if !goes_on {
            // Perhaps from one of the others.
            accepted.chain.clear();
        }
        accepted.chain.push(tree.revision.id.clone());
        Ok(Some(Commit { tree, summary, author, signer }))
    }

    /// Whether what was accepted goes on from this revision, which a stack says was its last.
    pub async fn goes_on_from(&self, last: &str) -> Result<(), LoadError> {
        // What was applied from a folder is no commit, and has no place in a history.
        if !git::is_commit(last) {
            return Ok(());
        }
        let limit = self.config.timeout.0;
        // Of many stacks that ask a server that says nothing, each waits for two answers at most: see [`super::pulse`].
        let doing = || "waiting for what other stacks ask of its history".to_owned();
        let late = |_| LoadError::from(git::GitError::ChildTimedOut { limit, doing: doing() });
        let mut proven = tokio::time::timeout(limit, self.proven.lock()).await.map_err(late)?;
        let newest = {
            let accepted = self.accepted();
            let is_known = |id: &String| id == last || proven.get(last) == Some(id);
            if accepted.chain.iter().any(is_known) {
                return Ok(());
            }
            let Some(newest) = accepted.chain.last() else { return Ok(()) };
            newest.clone()
        };
        let since = git::Since { known: Some(newest.clone()), bases: vec![last.to_owned()], check_only: false };
        let asked = self.ask(newest.clone(), &since).await;
        if asked.is_ok() {
            self.accepted().others.remove(last);
            proven.insert(last.to_owned(), newest);
        } else if asked.as_ref().is_err_and(LoadError::is_refusal) {
            self.accepted().others.insert(last.to_owned());
        }
        asked.map(|_| ())
    }

    fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, rev: String, since: &git::Since) -> Result<Option<(git::Source, git::Snapshot)>, LoadError> {
        let config::Source { url, path, token_file, ssh_key, ssh_agent, known_hosts, timeout, .. } = &self.config;
        let token = match token_file {
            Some(file) => Some(read_token(file)?),
            None => self.token.clone(),
        };
        let (ssh_key, ssh_agent, known_hosts) = (ssh_key.clone(), ssh_agent.clone(), known_hosts.clone());
        let auth = git::Auth { token, ssh_key, ssh_agent, known_hosts };
        let (url, rev, path) = (url.clone(), Some(rev), path.clone());
        let source = git::Source { url, rev, path, auth, trust: self.config.trust() };
        let limits = git::Limits { wall: timeout.0, ..git::Limits::default() };
        let snapshot = git::child::newer_in_child(&source, since, &limits, &self.cache).await?;
        Ok(snapshot.map(|snapshot| (source, snapshot)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stack_waits_for_what_others_ask_no_longer_than_for_an_answer() {
        let config = serde_json::json!({ "url": "https://example.org/r", "timeout": "2m" });
        let source = Source::new(serde_json::from_value(config).unwrap(), None, "/nonexistent".into());
        source.accepted().chain.push("1".repeat(40));
        // Somebody asks a server that says nothing.
        let _asking = source.proven.lock().await;
        let (begun, last) = (tokio::time::Instant::now(), "0".repeat(40));
        let waited = source.goes_on_from(&last);
        let late = tokio::time::timeout(Duration::from_mins(10), waited).await.unwrap().unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), 120);
        assert!(late.to_string().ends_with("waiting for what other stacks ask of its history") && !late.is_refusal());
    }
}
