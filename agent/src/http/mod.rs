//! What the agent answers over HTTP/1: whether it is well, what it knows, and that there may be a new commit. Nobody changes
//! anything through it; nothing that it says is secret.
//!
//! * [`listen`] takes connections, [`health`] and [`status`] answer for people and monitors, [`webhook`] for Git's hosts, whose
//!   calls [`sign`] checks; [`ask`] is the other side, for `agent healthcheck`.

pub mod ask;
mod health;
mod listen;
mod sign;
mod status;
mod webhook;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::http::Http;
use crate::run::board::Board;
pub use listen::Address;
use listen::{Listening, listen};
use sign::{Secret, Seen};
use webhook::Sender;

/// Between two warnings of one kind that strangers can bring about.
const QUIET: Duration = Duration::from_mins(1);

/// Why the agent cannot answer as it is configured to.
#[derive(Debug, thiserror::Error)]
pub enum Unanswering {
    /// The file of a secret cannot be read.
    #[error("the secret of the webhook `{sender}` cannot be read from `{}`: {source}", path.display())]
    NoSecret {
        /// Whose it is.
        sender: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// Why it is not.
        source: io::Error,
    },
    /// It can be guessed.
    #[error("the secret of the webhook `{sender}` in `{}` has less than 16 bytes", path.display())]
    ShortSecret {
        /// Whose it is.
        sender: &'static str,
        /// Where it is.
        path: PathBuf,
    },
    /// An address cannot be listened at.
    #[error("the agent cannot listen at {address}: {source}")]
    NotListening {
        /// The address.
        address: Address,
        /// Why not.
        source: io::Error,
    },
}

impl Unanswering {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSecret { .. } => "correct `secret_file`, or name the credential in the unit (`LoadCredential=`)",
            Self::ShortSecret { .. } => "`openssl rand -hex 32` makes one",
            Self::NotListening { .. } => "correct `[http] listen`, or end what listens there",
        }
    }
}

/// What requests are answered with.
pub struct Front {
    board: Arc<Board>,
    secrets: RwLock<BTreeMap<&'static str, Secret>>,
    seen: Mutex<Seen>,
    room: Semaphore,
    /// When strangers were last warned of.
    warned: Mutex<Option<Instant>>,
}

impl Front {
    fn secret(&self, sender: Sender) -> Option<Secret> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).get(sender.word()).cloned()
    }

    /// Whether a call by these names was not seen before.
    fn is_new(&self, names: &[&[u8]]) -> bool {
        !self.seen.lock().unwrap_or_else(PoisonError::into_inner).knows(names)
    }

    /// Tells something, unless something was told a moment ago.
    fn quietly(&self, tell: impl FnOnce()) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| at.elapsed() >= QUIET) {
            *warned = Some(Instant::now());
            tell();
        }
    }
}

/// Answers, until it is dropped.
pub struct Server {
    front: Arc<Front>,
    listening: Vec<Listening>,
}

impl Server {
    /// One that listens nowhere yet.
    pub fn new(board: Arc<Board>) -> Self {
        let front = Front {
            board,
            secrets: RwLock::default(),
            seen: Mutex::default(),
            room: webhook::room(),
            warned: Mutex::default(),
        };
        Self { front: Arc::new(front), listening: Vec::new() }
    }

    /// Answers as a configuration says. Where that is not possible, all stays as it was.
    pub async fn configure(&mut self, http: &Http) -> Result<(), Unanswering> {
        let secrets = secrets(http)?;
        let wanted = http.addresses();
        let mut new = Vec::new();
        for address in wanted.iter().filter(|address| self.listening.iter().all(|l| l.address != **address)) {
            let listening = listen(address.clone(), router(self.front.clone())).await;
            new.push(listening.map_err(|source| Unanswering::NotListening { address: address.clone(), source })?);
        }
        self.listening.retain(|listening| wanted.contains(&listening.address));
        self.listening.extend(new);
        *self.front.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        Ok(())
    }
}

fn secrets(http: &Http) -> Result<BTreeMap<&'static str, Secret>, Unanswering> {
    let hosts = &http.webhook;
    let hosts = [(Sender::GitHub, &hosts.github), (Sender::GitLab, &hosts.gitlab), (Sender::Generic, &hosts.generic)];
    let given = hosts.into_iter().filter_map(|(sender, webhook)| Some((sender.word(), webhook.as_ref()?.path())));
    given.map(|(sender, path)| Ok((sender, secret(sender, &path)?))).collect()
}

fn secret(sender: &'static str, path: &Path) -> Result<Secret, Unanswering> {
    let path = path.to_owned();
    match std::fs::read(&path) {
        Ok(bytes) => Secret::new(&bytes).ok_or(Unanswering::ShortSecret { sender, path }),
        Err(source) => Err(Unanswering::NoSecret { sender, path, source }),
    }
}

fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/healthz", get(health::healthy))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(status::metrics))
        .route("/api/status", get(status::status))
        .route("/webhook/{sender}", post(webhook::called))
        .with_state(front)
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}
