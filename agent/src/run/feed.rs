//! What is known of one source from outside, and how it is asked to be read now: the reader writes it, whoever answers reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::board::Board;
use super::pulse::READING;
use crate::config::Source;
use crate::git;
use crate::load::LoadError;
use crate::metrics::SourceLabels;

/// One source.
pub struct Feed {
    /// Its address, without what is secret in it.
    pub url: String,
    /// Somebody wants it to be read now.
    pub asked: Notify,
    labels: SourceLabels,
    /// The address in one form for all ways to write it.
    key: String,
    stale: Duration,
    /// How long it may go without being tried.
    may_rest: Duration,
    began: Instant,
    state: Mutex<State>,
    board: Arc<Board>,
}

#[derive(Default)]
struct State {
    /// When it was last tried.
    tried: Option<Instant>,
    good: Option<(Instant, Timestamp)>,
    revision: Option<String>,
    failure: Option<(String, Option<String>)>,
}

impl Feed {
    /// One that was not read yet. `longest` is the longest pause between two readings.
    pub fn new(source: &Source, longest: Duration, board: Arc<Board>) -> Arc<Self> {
        let url = git::url::shown(&source.url);
        Arc::new(Self {
            labels: SourceLabels { source: url.clone(), branch: source.branch.clone(), path: source.path.clone() },
            key: git::url::identity(&source.url),
            url,
            asked: Notify::new(),
            stale: source.stale.0,
            may_rest: longest * 11 / 10 + source.timeout.0 + READING,
            began: Instant::now(),
            state: Mutex::default(),
            board,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It was read: what it holds now, if that is news, or why it could not be.
    pub fn was_read(&self, revision: Result<Option<String>, &LoadError>) {
        let result = match &revision {
            Ok(Some(_)) => "new",
            Ok(None) => "same",
            Err(error) => error.kind(),
        };
        self.board.metrics.fetch(&self.labels, result);
        let now = Instant::now();
        let mut state = self.state();
        state.tried = Some(now);
        match revision {
            Ok(revision) => {
                state.good = Some((now, Timestamp::now()));
                state.failure = None;
                state.revision = revision.or(state.revision.take());
            }
            Err(error) => state.failure = Some((error.to_string(), error.hint())),
        }
    }

    /// Whether it was read, or could not be.
    pub fn was_tried(&self) -> bool {
        self.state().tried.is_some()
    }

    /// Whether it could not be read when it was last tried.
    pub fn is_failing(&self) -> bool {
        self.state().failure.is_some()
    }

    /// That nobody tries to read it any longer, in words for people.
    pub fn stuck(&self) -> Option<String> {
        let rests = self.state().tried.unwrap_or(self.began).elapsed();
        let name = &self.url;
        (rests > self.may_rest).then(|| format!("the reading of {name} has made no progress for {} s", rests.as_secs()))
    }

    /// When it was last read.
    pub fn last_good(&self) -> Option<Timestamp> {
        self.state().good.map(|(_, at)| at)
    }

    /// Whether that is too long ago.
    pub fn is_stale(&self) -> bool {
        self.state().good.map_or(self.began, |(at, _)| at).elapsed() > self.stale
    }

    /// The labels of its metrics.
    pub fn labels(&self) -> SourceLabels {
        self.labels.clone()
    }

    /// Whether one of these addresses is its own, however that is written.
    pub fn is_at(&self, urls: &[String]) -> bool {
        urls.iter().any(|url| git::url::identity(url) == self.key)
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        let is_stale = self.is_stale();
        let state = self.state();
        json!({
            "url": self.url,
            "branch": self.labels.branch,
            "path": self.labels.path,
            "revision": state.revision,
            "last_read": state.good.map(|(_, at)| at),
            "stale": is_stale,
            "failure": state.failure.as_ref().map(|(message, help)| json!({ "message": message, "help": help })),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn feed(url: &str) -> Arc<Feed> {
        let source = serde_json::from_value(serde_json::json!({ "url": url, "stale": "10m" })).unwrap();
        Feed::new(&source, Duration::from_mins(5), Board::new())
    }

    #[test]
    fn an_address_is_known_however_it_is_written() {
        let feed = feed("git@github.com:o/r.git");
        let same = ["https://github.com/o/r.git", "https://me@GitHub.com/o/r/", "ssh://git@github.com:22/o/r.git"];
        for url in same {
            assert!(feed.is_at(&[url.to_owned()]), "{url}");
        }
        let others = ["https://github.com/o/r2", "https://github.com/O/r", "https://example.org/o/r", "/o/r", ""];
        assert!(!feed.is_at(&others.map(str::to_owned)));
        assert!(self::feed("/srv/git/r").is_at(&["/srv/git/r.git".to_owned()]));
        assert!(!feed.to_json().to_string().contains("git@"), "only what is shown to people");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_stale_and_stuck_by_the_clock() {
        let feed = feed("https://example.org/r");
        assert!(!feed.is_stale() && !feed.was_tried());
        tokio::time::advance(Duration::from_secs(590)).await;
        feed.was_read(Ok(Some("abc".to_owned())));
        feed.was_read(Ok(None));
        tokio::time::advance(Duration::from_secs(590)).await;
        assert!(!feed.is_stale());
        let error = LoadError::NoStack("x".to_owned());
        feed.was_read(Err(&error));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(feed.is_stale() && feed.is_failing(), "a failing try is no good reading");
        assert_eq!(feed.stuck(), None);
        assert_eq!(feed.to_json()["revision"], "abc");
        tokio::time::advance(Duration::from_mins(9)).await;
        assert!(feed.stuck().is_some(), "nobody tries any more");
    }
}
