//! `POST /webhook/…`: somebody tells that there may be a new commit. The only effect is that the repository is asked now, as it
//! would have been in a while anyway; what the call says of commits is not believed.
//!
//! What is cheap is checked first: the path, the length that a call claims, the form of its signature. Only then is its body
//! read, and at most a megabyte of it; all bodies under way share [`ROOM`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use super::sign::{self, Secret};
use super::{Front, json};

/// The longest body. GitHub sends up to 25 MB, for pushes of thousands of commits; those are found by polling.
const MOST: usize = 1 << 20;
/// Bytes of bodies that are in memory at once.
const ROOM: usize = 8 << 20;
/// How long a body may take.
const BODY: Duration = Duration::from_secs(10);

/// What was made of a call; the label of a metric too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Repositories are asked.
    Accepted,
    /// It is about no repository that is followed.
    Unmatched,
    /// It was seen before.
    Replayed,
    /// Nothing is signed, or not rightly.
    Unsigned,
    /// A header is missing or makes no sense, or the clock of the sender is wrong.
    Malformed,
    /// It is longer than it may be.
    TooLarge,
    /// It did not come in time.
    Slow,
    /// Too many at once.
    Busy,
}

impl Verdict {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unmatched => "unmatched",
            Self::Replayed => "replayed",
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Slow => "slow",
            Self::Busy => "busy",
        }
    }

    /// Hosts turn off what answers with errors, so only what is wrong with the sender is one.
    fn status(self) -> StatusCode {
        match self {
            Self::Accepted => StatusCode::ACCEPTED,
            Self::Unmatched | Self::Replayed => StatusCode::OK,
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Who calls, and how they show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// `X-Hub-Signature-256` over the body, `X-GitHub-Delivery`.
    GitHub,
    /// The secret itself in `X-Gitlab-Token`, `X-Gitlab-Event-UUID`.
    GitLab,
    /// `X-Signature-256` over `X-Timestamp`, a dot and the body.
    Generic,
}

impl Sender {
    /// The one of a path.
    fn of(path: &str) -> Option<Self> {
        [Self::GitHub, Self::GitLab, Self::Generic].into_iter().find(|sender| sender.word() == path)
    }

    /// The path.
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Generic => "generic",
        }
    }
}

/// Room for bodies.
pub fn room() -> Semaphore {
    Semaphore::new(ROOM)
}

/// Answers a call.
pub async fn called(
    State(front): State<Arc<Front>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let sender = Sender::of(&path);
    let Some((sender, secret)) = sender.and_then(|sender| Some((sender, front.secret(sender)?))) else {
        return json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": "this agent answers no such webhook" }));
    };
    let (verdict, asked) = match judge(&front, sender, &secret, &headers, body).await {
        Ok(about) => {
            let asked = front.board.ask(&about);
            (if asked == 0 { Verdict::Unmatched } else { Verdict::Accepted }, asked)
        }
        Err(verdict) => (verdict, 0),
    };
    front.board.metrics.webhook(sender.word(), verdict.word());
    let (sender, result) = (sender.word(), verdict.word());
    if verdict == Verdict::Unsigned {
        // Once in a while: a flood of them is no flood of lines.
        front.quietly(|| warn!(sender, "a webhook was called with a signature that is missing or wrong"));
    }
    debug!(sender, result, asked, "a webhook was called");
    json(verdict.status(), &serde_json::json!({ "result": result, "asked": asked }))
}

/// The repositories that a call is about, by all their addresses; none, if it does not say.
async fn judge(
    front: &Front,
    sender: Sender,
    secret: &Secret,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<String>, Verdict> {
    let header = |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes);
    let number = |name| std::str::from_utf8(header(name)?).ok()?.trim().parse::<u64>().ok();
    if number(header::CONTENT_LENGTH.as_str()).is_some_and(|length| length > MOST as u64) {
        return Err(Verdict::TooLarge);
    }
    match sender {
        Sender::GitHub => {
            let signature = header("x-hub-signature-256").filter(|s| sign::code_of(s).is_some());
            let (signature, delivery) = (signature.ok_or(Verdict::Unsigned)?, header("x-github-delivery"));
            let delivery = delivery.ok_or(Verdict::Malformed)?;
            let body = front.read(body).await?;
            let code = secret.signs(signature, &[&body]).ok_or(Verdict::Unsigned)?;
            // The delivery is not signed: whoever has overheard a call may name it otherwise.
            front.is_new(&[&code, delivery]).then(|| about(&body)).ok_or(Verdict::Replayed)
        }
        Sender::GitLab => {
            header("x-gitlab-token").filter(|token| secret.is(token)).ok_or(Verdict::Unsigned)?;
            let event = header("x-gitlab-event-uuid").ok_or(Verdict::Malformed)?;
            let body = front.read(body).await?;
            front.is_new(&[event]).then(|| about(&body)).ok_or(Verdict::Replayed)
        }
        Sender::Generic => {
            let signature = header("x-signature-256").filter(|s| sign::code_of(s).is_some());
            let signature = signature.ok_or(Verdict::Unsigned)?;
            let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
            let at = number("x-timestamp").ok_or(Verdict::Malformed)?;
            let body = front.read(body).await?;
            let code = secret.signs(signature, &[at.to_string().as_bytes(), b".", &body]).ok_or(Verdict::Unsigned)?;
            if !sign::is_now(at, now) {
                return Err(Verdict::Malformed);
            }
            front.is_new(&[&code]).then(|| about(&body)).ok_or(Verdict::Replayed)
        }
    }
}

impl Front {
    async fn read(&self, body: Body) -> Result<Vec<u8>, Verdict> {
        let reading = async {
            let mut chunks = body.into_data_stream();
            let (mut all, mut held) = (Vec::new(), None::<tokio::sync::SemaphorePermit<'_>>);
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|_| Verdict::Malformed)?;
                if all.len() + chunk.len() > MOST {
                    return Err(Verdict::TooLarge);
                }
                let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                // Nobody waits for room while holding some.
                let more = self.room.try_acquire_many(length).map_err(|_| Verdict::Busy)?;
                match &mut held {
                    Some(held) => held.merge(more),
                    None => held = Some(more),
                }
                all.extend_from_slice(&chunk);
            }
            Ok(all)
        };
        tokio::time::timeout(BODY, reading).await.unwrap_or(Err(Verdict::Slow))
    }
}

/// What a body says of its repository; whatever else is in it is skipped as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Push {
    repository: Named,
    project: Named,
}

/// A repository's addresses, in the words of all senders.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Url(String),
    Urls {
        #[serde(default)]
        clone_url: Option<String>,
        #[serde(default)]
        ssh_url: Option<String>,
        #[serde(default)]
        git_http_url: Option<String>,
        #[serde(default)]
        git_ssh_url: Option<String>,
        #[serde(default)]
        url: Option<String>,
    },
}

impl Default for Named {
    fn default() -> Self {
        Self::Urls { clone_url: None, ssh_url: None, git_http_url: None, git_ssh_url: None, url: None }
    }
}

impl Named {
    fn urls(self) -> Vec<String> {
        match self {
            Self::Url(url) => vec![url],
            Self::Urls { clone_url, ssh_url, git_http_url, git_ssh_url, url } => {
                [clone_url, ssh_url, git_http_url, git_ssh_url, url].into_iter().flatten().collect()
            }
        }
    }
}

fn about(body: &[u8]) -> Vec<String> {
    let Push { repository, project } = serde_json::from_slice(body).unwrap_or_default();
    [repository.urls(), project.urls()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_in_the_words_of_each_sender() {
        let github = br#"{"ref": "refs/heads/main", "commits": [{"id": "x", "added": ["a"]}], "repository": {"id": 1,
            "url": "https://github.com/o/r", "clone_url": "https://github.com/o/r.git", "ssh_url": "git@github.com:o/r.git"}}"#;
        assert_eq!(about(github), ["https://github.com/o/r.git", "git@github.com:o/r.git", "https://github.com/o/r"]);
        let gitlab =
            br#"{"project": {"git_ssh_url": "git@gitlab.com:o/r.git", "git_http_url": "https://gitlab.com/o/r.git"},
            "repository": {"name": "r", "url": "git@gitlab.com:o/r.git"}}"#;
        assert_eq!(about(gitlab), ["git@gitlab.com:o/r.git", "https://gitlab.com/o/r.git", "git@gitlab.com:o/r.git"]);
        assert_eq!(about(br#"{"repository": "/srv/git/r"}"#), ["/srv/git/r"]);
        for silent in [&b""[..], b"payload=%7B%7D", b"{}", b"[]", b"{\"repository\": 5}"] {
            assert!(about(silent).is_empty());
        }
    }
}
