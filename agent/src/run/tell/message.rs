//! What is told, in the words of whoever is told it: a status of a commit at GitHub or GitLab, or a signed request. Pure: it is given
//! the token and the time, and sends nothing.

use std::path::Path;

use agent_core::told::{LastTold, Outcome};
use hyper::Uri;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::keys::{self, NoKey};
use crate::config::notify::{Kind, Notify, address};

/// The longest description of a status; GitHub answers 422 to a longer one.
const GITHUB: usize = 140;
/// The longest description of a status at GitLab.
const GITLAB: usize = 255;
/// How many reasons a webhook is told, and how long each of them may be.
const REASONS: (usize, usize) = (10, 500);

/// Something that one receiver is told.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is remembered under.
    pub subject: String,
    /// The stack; none for a revision as a whole.
    pub stack: Option<String>,
    /// The revision.
    pub revision: String,
    /// Where it comes from, as people may see it.
    pub source: String,
    /// The branch.
    pub branch: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The state of the stack in one word, as `/api/status` has it.
    pub state: &'static str,
    /// Why, where it failed.
    pub reasons: Vec<String>,
    /// When that was so.
    pub at: Timestamp,
    /// How often the receiver was told of this revision before.
    pub nth: u32,
    /// What is to be remembered once it was told.
    pub then: Option<LastTold>,
    /// When it was put into the queue.
    pub queued: Instant,
}

impl Message {
    /// A name that is the same whenever the same is told to the same receiver, also by another process.
    pub fn id(&self, receiver: &str) -> String {
        let Self { stack, revision, outcome, nth, .. } = self;
        let stack = stack.as_deref().unwrap_or("*");
        let digest = Sha256::digest(format!("{receiver}\n{stack}\n{revision}\n{}\n{nth}", outcome.word()));
        format!("msg_{}", hex::encode(&digest[..16]))
    }

    /// One line for people.
    fn description(&self, with_reasons: bool) -> String {
        let first = self.reasons.first().filter(|_| with_reasons);
        let more = match self.reasons.len() {
            0 | 1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let why = |what: &str| first.map_or_else(|| what.to_owned(), |first| format!("{what}: {first}{more}"));
        match (self.outcome, self.state) {
            (Outcome::Pending, _) => "AWS is being changed".to_owned(),
            (Outcome::Success, "followed") => "this revision is followed".to_owned(),
            (Outcome::Success, _) => "AWS is as this revision says".to_owned(),
            (Outcome::Superseded, _) => "another revision took its place".to_owned(),
            (Outcome::Failure, "refused") => why("refused"),
            (Outcome::Failure, "retrying") => why("it fails again and again"),
            (Outcome::Failure, _) => why("failed"),
        }
    }
}

/// A text of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Somebody who is told.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// As it is configured.
    pub config: Notify,
    /// Who it is, in the record of what was told: the same for as long as it is the same receiver.
    pub key: String,
    /// Who it is, for people: nothing secret is in it.
    pub name: String,
}

impl Receiver {
    /// The one that a configuration means.
    pub fn new(config: Notify) -> Self {
        let whole = [
            config.kind.word(),
            config.repository.as_deref().or(config.project.as_deref()).unwrap_or_default(),
            api(&config),
            config.url.as_deref().unwrap_or_default(),
            context(&config),
        ];
        let key = hex::encode(&Sha256::digest(whole.join("\n"))[..8]);
        let host = config.url.as_deref().and_then(|url| url.parse::<Uri>().ok());
        let host = host.and_then(|url| url.authority().map(|authority| authority.as_str().to_owned()));
        let place = config.repository.clone().or_else(|| config.project.clone()).or(host).unwrap_or_default();
        Self { key, name: format!("{} {place}", config.kind.word()), config }
    }
}

fn api(config: &Notify) -> &str {
    let default = match config.kind {
        Kind::Github => "https://api.github.com",
        Kind::Gitlab => "https://gitlab.com/api/v4",
        Kind::Webhook => "",
    };
    config.api.as_deref().unwrap_or(default).trim_end_matches('/')
}

fn context(config: &Notify) -> &str {
    config.context.as_deref().unwrap_or("gitops-agent/{stack}")
}

/// A request. It holds the token, so nobody can print it.
pub struct Request {
    /// Where to.
    pub url: Uri,
    /// Its headers, the token or the signature among them.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, JSON.
    pub body: String,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// The token or the secret is not there.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// The address is none.
    #[error("the address cannot be used: {0}")]
    Address(String),
}

/// The request that tells a receiver something, made now: `time` is in seconds since 1970.
pub fn request(receiver: &Receiver, message: &Message, time: i64) -> Result<Request, Unsent> {
    let config = &receiver.config;
    let file = config.key_file();
    let stack = message.stack.as_deref().unwrap_or("*");
    let link = config.target_url.as_ref().map(|url| {
        let stack = if stack == "*" { "" } else { stack };
        url.replace("{stack}", stack).replace("{revision}", &message.revision)
    });
    let (url, headers, body) = match config.kind {
        Kind::Github => github(config, message, stack, link.as_deref(), &file)?,
        Kind::Gitlab => gitlab(config, message, stack, link.as_deref(), &file)?,
        Kind::Webhook => webhook(receiver, message, link.as_deref(), &file, time)?,
    };
    let url = address(&url).map_err(|(why, _)| Unsent::Address(why))?;
    let common = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", concat!("gitops-agent/", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    Ok(Request { url, headers: common.into_iter().chain(headers).collect(), body })
}

type Parts = (String, Vec<(&'static str, String)>, String);

/// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
fn github(config: &Notify, message: &Message, stack: &str, link: Option<&str>, file: &Path) -> Result<Parts, NoKey> {
    let state = match message.outcome {
        Outcome::Pending => "pending",
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Superseded => "error",
    };
    // It does not take what is beyond the basic plane.
    let text: String = message.description(config.reasons).replace(|c| c > '\u{ffff}', "\u{fffd}");
    let mut body = json!({
        "state": state,
        "context": context(config).replace("{stack}", stack),
        "description": cut(&text, GITHUB),
    });
    if let Some(link) = link {
        body["target_url"] = json!(link);
    }
    let repository = config.repository.as_deref().unwrap_or_default();
    let url = format!("{}/repos/{repository}/statuses/{}", api(config), message.revision);
    let headers = vec![
        ("accept", "application/vnd.github+json".to_owned()),
        ("x-github-api-version", "2022-11-28".to_owned()),
        ("authorization", format!("Bearer {}", keys::token(file)?)),
    ];
    Ok((url, headers, body.to_string()))
}

/// <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>
fn gitlab(config: &Notify, message: &Message, stack: &str, link: Option<&str>, file: &Path) -> Result<Parts, NoKey> {
    let state = match message.outcome {
        Outcome::Pending => "running",
        Outcome::Success => "success",
        Outcome::Failure => "failed",
        Outcome::Superseded => "canceled",
    };
    let mut body = json!({
        "state": state,
        "name": context(config).replace("{stack}", stack),
        "description": cut(&message.description(config.reasons), GITLAB),
        "ref": message.branch,
    });
    if let Some(link) = link {
        body["target_url"] = json!(link);
    }
    // The path of a project is one part of the address.
    let project = config.project.as_deref().unwrap_or_default().replace('/', "%2F");
    let url = format!("{}/projects/{project}/statuses/{}", api(config), message.revision);
    Ok((url, vec![("private-token", keys::token(file)?)], body.to_string()))
}

/// <https://www.standardwebhooks.com>; the body is described in docs/notifications.md.
fn webhook(receiver: &Receiver, message: &Message, link: Option<&str>, file: &Path, time: i64) -> Result<Parts, NoKey> {
    let config = &receiver.config;
    let body = webhook_body(message, config.reasons, link).to_string();
    let id = message.id(&receiver.key);
    let signature = keys::signatures(&keys::secrets(file)?, &id, time, &body);
    let headers = vec![("webhook-id", id), ("webhook-timestamp", time.to_string()), ("webhook-signature", signature)];
    Ok((config.url.clone().unwrap_or_default(), headers, body))
}

fn webhook_body(message: &Message, with_reasons: bool, link: Option<&str>) -> Value {
    let (most, length) = REASONS;
    let reasons: Vec<String> =
        message.reasons.iter().filter(|_| with_reasons).take(most).map(|reason| cut(reason, length)).collect();
    json!({
        "type": format!("revision.{}", message.outcome.word()),
        "timestamp": message.at,
        "data": {
            "stack": message.stack,
            "source": message.source,
            "branch": message.branch,
            "revision": message.revision,
            "outcome": message.outcome.word(),
            "state": message.state,
            "description": message.description(with_reasons),
            "reasons": reasons,
            "target_url": link,
        },
    })
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
