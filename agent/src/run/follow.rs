//! Follows one branch: reads it when it may have moved, and tells of each new commit and of each way in which it could not
//! be read. It knows nothing of stacks: whoever cannot be read is asked again, and nothing else happens.

use std::sync::Arc;
use std::time::Duration;

use agent_core::schedule::spread;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::warn;

use super::feed::Feed;
use super::source::{Commit, Source};
use super::trigger::{self, Watch};
use crate::git;
use crate::load::LoadError;

/// After something woke it: time for further events of the same push.
const DEBOUNCE: Duration = Duration::from_millis(25);
/// The first pause after a failure; each further one is twice as long, up to the interval or [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause after a failure, unless the interval is longer.
pub const LONGEST: Duration = Duration::from_mins(5);
/// Between two readings, however often somebody asks for one.
const SHORTEST: Duration = Duration::from_secs(1);

/// What is told.
pub enum News {
    /// A commit that was not seen before.
    Commit(Commit),
    /// The branch could not be read, in another way than before.
    Lost(LoadError),
    /// It can be read again.
    Found,
}

/// Follows a branch.
pub struct Follower {
    source: Arc<Source>,
    wake: Arc<Notify>,
    watch: Option<Watch>,
    failures: u32,
    told: Option<String>,
    /// It was told that the repository cannot be watched.
    told_unwatched: bool,
    /// Where others see what became of readings, and ask for one.
    feed: Option<Arc<Feed>>,
}

impl Follower {
    /// One that has seen nothing yet.
    pub fn new(source: Arc<Source>) -> Self {
        let wake = Arc::new(Notify::new());
        Self { source, wake, watch: None, failures: 0, told: None, told_unwatched: false, feed: None }
    }

    /// The same, seen from outside.
    pub fn seen_in(self, feed: Arc<Feed>) -> Self {
        Self { feed: Some(feed), ..self }
    }

    /// Follows until nobody listens.
    pub async fn follow(mut self, tell: mpsc::Sender<News>) {
        loop {
            if let Some(error) = self.watch_again() {
                let url = git::url::shown(&self.source.config.url);
                warn!(%url, "the repository is not watched, only polled: {error}");
            }
            let began = Instant::now();
            let read = self.source.read().await;
            if let Some(feed) = &self.feed {
                let revision = |commit: &Option<Commit>| commit.as_ref().map(|commit| commit.tree.revision.id.clone());
                feed.was_read(read.as_ref().map(revision));
            }
            let news = match read {
                Ok(Some(commit)) => {
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
            self.pause(began).await;
        }
    }

    /// Each way of failing is told once, and again when it is another.
    fn failed(&mut self, error: LoadError) -> Option<News> {
        self.failures = self.failures.saturating_add(1);
        // What was watched may be gone, and another may be in its place.
        self.watch = None;
        // Without its cause: how exactly a connection breaks off differs from time to time.
        let text = error.to_string();
        let is_new = self.told.replace(text.clone()).is_none_or(|told| told != text);
        is_new.then_some(News::Lost(error))
    }

    /// Answers why the repository cannot be watched, once.
    fn watch_again(&mut self) -> Option<notify::Error> {
        if self.watch.as_ref().is_some_and(Watch::is_current) {
            return None;
        }
        // Before the next one: each is one of few that a user may have.
        self.watch = None;
        match trigger::watch(&self.source.config.url, &self.wake) {
            Ok(watch) => {
                (self.watch, self.told_unwatched) = (watch, false);
                None
            }
            // Why it cannot be read is told by the reading itself.
            Err(error) => (self.failures == 0 && !std::mem::replace(&mut self.told_unwatched, true)).then_some(error),
        }
    }

    /// `began` is when it was last read.
    async fn pause(&self, began: Instant) {
        let pause = pause_after(self.failures, self.source.config.interval.0);
        let chance = u32::try_from(super::random() % 1024).unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(spread(pause, chance)) => {}
            () = self.wake.notified() => tokio::time::sleep(DEBOUNCE).await,
            () = self.asked() => tokio::time::sleep_until(began + SHORTEST).await,
        }
    }

    /// Ends when somebody from outside wants the repository to be read.
    async fn asked(&self) {
        match &self.feed {
            Some(feed) => feed.asked.notified().await,
            None => std::future::pending().await,
        }
    }
}

fn pause_after(failures: u32, interval: Duration) -> Duration {
    match failures {
        0 => interval,
        n => (FIRST * 2_u32.saturating_pow(n - 1)).min(LONGEST.max(interval)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn follower(url: &str) -> Follower {
        let source = serde_json::from_value(serde_json::json!({ "url": url })).unwrap();
        Follower::new(Arc::new(Source::new(source, None, "/nonexistent".into())))
    }

    #[test]
    fn that_a_repository_is_not_watched_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let heads = folder.path().join("refs/heads");
        git2::Repository::init_bare(folder.path()).unwrap();
        // Git can do without it once all references are packed.
        std::fs::remove_dir(&heads).unwrap();
        let mut follower = follower(folder.path().to_str().unwrap());
        assert!(follower.watch_again().is_some());
        assert!(follower.watch_again().is_none() && follower.watch.is_none());
        std::fs::create_dir(&heads).unwrap();
        assert!(follower.watch_again().is_none() && follower.watch.is_some());
        std::fs::remove_dir(&heads).unwrap();
        assert!(follower.watch_again().is_some(), "it was watched in between");
    }

    #[test]
    fn a_way_of_failing_is_told_once_whatever_its_cause_says() {
        let mut follower = follower("https://example.org/r");
        let broken = |why: &str| {
            let (url, source) = ("https://example.org/r".to_owned(), git::Cause::new(why));
            LoadError::from(git::GitError::BrokeOff { url, source })
        };
        assert!(follower.failed(broken("unexpected eof")).is_some());
        assert!(follower.failed(broken("connection reset")).is_none());
        assert!(follower.failed(LoadError::from(git::GitError::Empty { url: "x".to_owned() })).is_some());
        assert!(follower.failed(broken("unexpected eof")).is_some());
        assert_eq!(follower.failures, 4);
    }

    #[test]
    fn pauses_double_from_a_second_and_have_an_end() {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let pauses = |interval| [0, 1, 2, 3, 9, 10, 20, u32::MAX].map(|n| pause_after(n, interval).as_secs());
        assert_eq!(pauses(minute), [60, 1, 2, 4, 256, 300, 300, 300]);
        assert_eq!(pauses(hour), [3600, 1, 2, 4, 256, 512, 3600, 3600]);
    }
}
