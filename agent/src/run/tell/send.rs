//! One attempt to tell somebody something, and what is made of the answer. It goes through the client that talks to AWS: with the
//! same roots of certificates and the same proxies. It follows no redirect to another place, for that one would be shown the token,
//! and reads no more of an answer than it needs.

use std::pin::Pin;
use std::time::Duration;

use agent_core::told::Outcome;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use hyper::Uri;
use hyper::body::Body as _;
use jiff::Timestamp;

use super::message::{Message, Receiver, Request, Unsent, request};
use crate::config::notify::Kind;

/// How long it may take to connect.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an attempt may take with all redirects and the answer.
const WHOLE: Duration = Duration::from_secs(15);
/// As much as is read of an answer: GitLab says in a sentence why it refuses.
const ANSWER: usize = 16 << 10;
/// How often somebody may be sent on.
const REDIRECTS: usize = 3;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver knows it now.
    Told,
    /// It may go through later, after so long where the receiver says how long.
    Later {
        /// What the receiver asked for.
        wait: Option<Duration>,
        /// What went wrong.
        why: String,
    },
    /// The receiver does not take it.
    Refused {
        /// Why not.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
}

/// Sends.
pub struct Client {
    connector: Connector,
    whole: Duration,
}

impl Client {
    /// One with nothing open yet.
    pub fn new() -> Self {
        Self::within(CONNECTING, WHOLE)
    }

    /// One that has so long to connect, and so long for an attempt.
    fn within(connecting: Duration, whole: Duration) -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(connecting).build();
        let builder = ConnectorBuilder::default().connector_settings(settings).proxy_config(ProxyConfig::from_env());
        Self { connector: builder.tls_provider(Provider::rustls(CryptoMode::AwsLc)).build(), whole }
    }

    /// Tells a receiver something.
    pub async fn tell(&self, receiver: &Receiver, message: &Message) -> Answer {
        let made = request(receiver, message, Timestamp::now().as_second());
        let made = match made {
            Ok(made) => made,
            // The file may be about to be replaced.
            Err(Unsent::NoKey(error)) => return Answer::Later { wait: None, why: error.to_string() },
            Err(error) => return Answer::Refused { why: error.to_string(), hint: "correct `[[notify]]`" },
        };
        let late = || Answer::Later { wait: None, why: format!("no answer within {:?}", self.whole) };
        let sending = self.send(made, receiver.config.kind, message.outcome);
        tokio::time::timeout(self.whole, sending).await.unwrap_or_else(|_| late())
    }

    async fn send(&self, mut request: Request, kind: Kind, outcome: Outcome) -> Answer {
        for _ in 0..=REDIRECTS {
            let answer = match self.once(&request).await {
                Ok(answer) => answer,
                Err(why) => return Answer::Later { wait: None, why },
            };
            let head = Head::of(&answer);
            match head.sent_on(&request.url, kind) {
                Some(Ok(url)) => request.url = url,
                Some(Err(refused)) => return refused,
                None => {
                    let text = if head.status == 400 { start_of(answer).await } else { String::new() };
                    return head.judged(kind, outcome, &text, Timestamp::now().as_second());
                }
            }
        }
        let why = format!("it sends the agent on more than {REDIRECTS} times");
        Answer::Refused { why, hint: "correct the address in `[[notify]]`" }
    }

    async fn once(&self, request: &Request) -> Result<HttpResponse, String> {
        let mut sent = HttpRequest::new(SdkBody::from(request.body.as_str()));
        let is_set = sent.set_method("POST").is_ok() && sent.set_uri(request.url.to_string()).is_ok();
        let headers = sent.headers_mut();
        let are_set = request.headers.iter().all(|(name, value)| headers.try_insert(*name, value.clone()).is_ok());
        if !(is_set && are_set) {
            return Err("the request cannot be made".to_owned());
        }
        self.connector.call(sent).await.map_err(|error| agent_core::source::escape(&agent_aws::fault::chain(&error)))
    }
}

/// The first bytes of an answer.
async fn start_of(answer: HttpResponse) -> String {
    let mut body = Box::pin(answer.into_body());
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::as_mut(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data[..data.len().min(ANSWER - bytes.len())]);
        }
        if bytes.len() >= ANSWER {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the head of an answer says.
#[derive(Clone, Debug, Default)]
struct Head {
    status: u16,
    location: Option<String>,
    retry_after: Option<String>,
    /// How many requests GitHub still takes, and from when on it takes more.
    rate: (Option<String>, Option<String>),
}

impl Head {
    fn of(answer: &HttpResponse) -> Self {
        let header = |name: &str| answer.headers().get(name).map(str::to_owned);
        Self {
            status: answer.status().as_u16(),
            location: header("location"),
            retry_after: header("retry-after"),
            rate: (header("x-ratelimit-remaining"), header("x-ratelimit-reset")),
        }
    }

    /// Where the request is to be sent next, if the answer says so and that is the same place. GitHub does, when a repository was
    /// renamed; a webhook is not followed anywhere, as its specification asks.
    fn sent_on(&self, from: &Uri, kind: Kind) -> Option<Result<Uri, Answer>> {
        if !(300..400).contains(&self.status) {
            return None;
        }
        let to: Option<Uri> = self.location.as_deref().and_then(|to| to.parse().ok());
        let place = |uri: &Uri| (uri.scheme_str().map(str::to_owned), uri.authority().cloned());
        let to = to.map(|to| match (to.authority(), to.path_and_query()) {
            (None, Some(path)) => with_path(from, path.as_str()),
            _ => to,
        });
        let refused = |why: String| Answer::Refused { why, hint: "correct the address in `[[notify]]`" };
        Some(match to {
            Some(to) if kind != Kind::Webhook && place(&to) == place(from) => Ok(to),
            Some(to) if place(&to) != place(from) => {
                let host = agent_core::source::escape(to.host().unwrap_or("another place"));
                Err(refused(format!("it sends the agent to {host}, which is shown nothing")))
            }
            _ => Err(refused(format!("the answer is {}, a redirect", self.status))),
        })
    }

    /// How long the receiver wants to be left alone.
    fn wait(&self, now: i64) -> Option<Duration> {
        let seconds = |text: &String| text.trim().parse::<u64>().ok();
        let date = |text: &String| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|at| at.timestamp().as_second());
        let until = |at: i64| u64::try_from(at.saturating_sub(now)).unwrap_or_default();
        let after = self.retry_after.as_ref().and_then(|text| seconds(text).or_else(|| date(text).map(until)));
        let is_out = self.rate.0.as_deref().is_some_and(|left| left.trim() == "0");
        let reset = || self.rate.1.as_ref().filter(|_| is_out).and_then(seconds);
        let reset = || reset().and_then(|at| i64::try_from(at).ok()).map(until);
        after.or_else(reset).map(Duration::from_secs)
    }

    /// What an answer means, with the start of its text.
    fn judged(&self, kind: Kind, outcome: Outcome, text: &str, now: i64) -> Answer {
        let why = format!("the answer is {}", self.status);
        match self.status {
            200..300 => Answer::Told,
            // GitLab's statuses are a machine of states, which takes no state twice: it knows already.
            400 if kind == Kind::Gitlab
                && outcome == Outcome::Pending
                && text.contains("Cannot transition status via") =>
            {
                Answer::Told
            }
            403 if self.wait(now).is_some() => Answer::Later { wait: self.wait(now), why },
            408 | 425 | 429 | 500.. => Answer::Later { wait: self.wait(now), why },
            status => Answer::Refused { why, hint: hint(kind, status) },
        }
    }
}

fn with_path(from: &Uri, path: &str) -> Uri {
    let mut parts = from.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

fn hint(kind: Kind, status: u16) -> &'static str {
    match (kind, status) {
        (Kind::Webhook, 401 | 403) => "the receiver may know another secret, or its clock may be wrong",
        (Kind::Github | Kind::Gitlab, 401) => "the token is wrong or has expired: replace the file",
        (Kind::Github, 403) => "the token needs the permission to write commit statuses of the repository",
        (Kind::Gitlab, 403) => "the token needs the scope `api`, and the role Developer in the project",
        (Kind::Github, 404) => "there is no such repository, or the token is not for it",
        (Kind::Gitlab, 404) => "there is no such project or commit, or the token is not for it",
        (Kind::Github, 422) => "the repository does not have the commit, or has 1,000 statuses of it",
        _ => "see what the receiver says about it",
    }
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
