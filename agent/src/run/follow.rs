//! Follows one branch: reads it when it may have moved, and tells of each new commit and of each way in which it could not
//! be read. It knows nothing of stacks: whoever cannot be read is asked again, and nothing else happens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent_core::schedule::spread;
use tokio::sync::{Notify, mpsc};
use tracing::warn;

use super::trigger::{self, Watch};
use crate::config::{Source, reference};
use crate::git;
use crate::load::{LoadError, Tree, token, tree_of};

/// After something woke it: time for further events of the same push.
const DEBOUNCE: Duration = Duration::from_millis(25);
/// The first pause after a failure; each further one is twice as long, up to the interval or [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause after a failure, unless the interval is longer.
const LONGEST: Duration = Duration::from_mins(5);

/// What is told.
pub enum News {
    /// A commit that was not seen before.
    Commit(Commit),
    /// The branch could not be read, in another way than before.
    Lost(LoadError),
    /// It can be read again.
    Found,
}

/// A commit with its files.
pub struct Commit {
    /// The files.
    pub tree: Tree,
    /// The first line of its message.
    pub summary: String,
    /// `Name <address>`, as it claims.
    pub author: String,
}

/// Follows a branch.
pub struct Follower {
    source: Source,
    cache: PathBuf,
    wake: Arc<Notify>,
    watch: Option<Watch>,
    known: Option<String>,
    failures: u32,
    told: Option<String>,
}

impl Follower {
    /// One that has seen nothing yet.
    pub fn new(source: Source, cache: PathBuf) -> Self {
        let wake = Arc::new(Notify::new());
        Self { source, cache, wake, watch: None, known: None, failures: 0, told: None }
    }

    /// Follows until nobody listens.
    pub async fn follow(mut self, tell: mpsc::Sender<News>) {
        loop {
            self.watch_again();
            let news = match self.read().await {
                Ok(Some(commit)) => {
                    self.known = Some(commit.tree.revision.id.clone());
                    (self.failures, self.told) = (0, None);
                    Some(News::Commit(commit))
                }
                Ok(None) => {
                    self.failures = 0;
                    self.told.take().map(|_| News::Found)
                }
                Err(error) => self.failed(error),
            };
            if let Some(news) = news
                && tell.send(news).await.is_err()
            {
                return;
            }
            self.pause().await;
        }
    }

    /// Each way of failing is told once, and again when it is another.
    fn failed(&mut self, error: LoadError) -> Option<News> {
        self.failures = self.failures.saturating_add(1);
        // What was watched may be gone, and another may be in its place.
        self.watch = None;
        let text = error.full();
        let is_new = self.told.replace(text.clone()).is_none_or(|told| told != text);
        is_new.then_some(News::Lost(error))
    }

    fn watch_again(&mut self) {
        if self.watch.is_some() {
            return;
        }
        match trigger::watch(&self.source.url, &self.wake) {
            Ok(watch) => self.watch = watch,
            // Why it cannot be read is told by the reading itself.
            Err(error) if self.failures == 0 => {
                let url = git::url::shown(&self.source.url);
                warn!(%url, "the repository is not watched, only polled: {error}");
            }
            Err(_) => {}
        }
    }

    async fn read(&self) -> Result<Option<Commit>, LoadError> {
        let token = match &self.source.token_file {
            Some(file) => Some(read_token(file)?),
            None => token(),
        };
        let auth =
            git::Auth { token, ssh_key: self.source.ssh_key.clone(), known_hosts: self.source.known_hosts.clone() };
        let rev = Some(reference(&self.source.branch));
        let source = git::Source { url: self.source.url.clone(), rev, path: self.source.path.clone(), auth };
        let limits = git::Limits { wall: self.source.timeout.0, ..git::Limits::default() };
        let snapshot = git::child::newer_in_child(&source, self.known.as_deref(), &limits, &self.cache).await?;
        let Some(snapshot) = snapshot else { return Ok(None) };
        let (summary, author) = (snapshot.summary.clone(), snapshot.author.clone());
        Ok(Some(Commit { tree: tree_of(&source, snapshot)?, summary, author }))
    }

    async fn pause(&self) {
        let interval = self.source.interval.0;
        let pause = match self.failures {
            0 => interval,
            n => (FIRST * 2_u32.saturating_pow(n - 1)).min(LONGEST.max(interval)),
        };
        let chance = u32::try_from(super::random() % 1024).unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(spread(pause, chance)) => {}
            () = self.wake.notified() => tokio::time::sleep(DEBOUNCE).await,
        }
    }
}

fn read_token(file: &std::path::Path) -> Result<String, LoadError> {
    let broken = |why: String| LoadError::Token { path: file.display().to_string(), why };
    let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() { Err(broken("it is empty".to_owned())) } else { Ok(token.to_owned()) }
}
