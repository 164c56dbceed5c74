//! Telling people: what became of a revision, as a status of its commit or as a signed webhook, each once for each revision and outcome
//! (docs/notifications.md).
//!
//! * [`desk`] knows what happened and what was told, [`agent_core::told`] decides what of it is news, and the record beside the other
//!   words of a stack in AWS keeps it over restarts;
//! * [`queue`] holds what a receiver is still to be told and tries again, [`message`] puts it into the receiver's words with
//!   [`keys`], and [`send`] makes one attempt.
//!
//! **Guarantees.** Passes say what happened and go on: they neither wait for a receiver nor fail because of one. What was told is
//! recorded after it was told, so a crash in between tells it once more, under the same id. That needs no lease: whatever two agents
//! tell of one revision is the same, by the same id, and the newer record counts.

mod desk;
pub mod keys;
mod message;
mod queue;
mod send;

use std::sync::Arc;
use std::time::Duration;

use agent_core::manifest::{Mode, StackHeader};
use agent_core::state::StackState;
use agent_core::told::Outcome;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::Config;
use crate::run::board::Board;
use crate::session::Clouds;
pub use desk::{About, Desk};

/// How long is waited for the record of a stack that was refused before AWS was read.
const RECORD: Duration = Duration::from_secs(30);
/// After how long a record that could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Tells people, until it is dropped.
pub struct Teller {
    /// Whom to tell what happened.
    pub desk: Arc<Desk>,
    ending: watch::Sender<bool>,
    queues: JoinSet<()>,
    recorder: JoinSet<()>,
}

impl Teller {
    /// One for the receivers of a configuration. Where there are none, it does nothing.
    pub fn new(config: &Config, policy: &str, board: &Arc<Board>) -> Self {
        let desk = Desk::new(&config.notify, policy.to_owned(), board.clone());
        let (ending, ended) = watch::channel(false);
        let (mut queues, mut recorder) = (JoinSet::new(), JoinSet::new());
        if !desk.queues.is_empty() {
            let client = Arc::new(send::Client::new());
            for n in 0..desk.queues.len() {
                queues.spawn(queue::work(desk.clone(), n, client.clone(), ended.clone()));
            }
            recorder.spawn(record(desk.clone()));
        }
        Self { desk, ending, queues, recorder }
    }

    /// Tells what there still is to tell, each once, and records it; until then at most.
    pub async fn end(&mut self, until: Instant) {
        if self.desk.queues.is_empty() {
            return;
        }
        self.ending.send_replace(true);
        let _ = timeout_at(until, async { while self.queues.join_next().await.is_some() {} }).await;
        self.queues.shutdown().await;
        self.recorder.shutdown().await;
        let _ = timeout_at(until, self.desk.write()).await;
    }
}

/// Writes records as they come to be due.
async fn record(desk: Arc<Desk>) {
    loop {
        desk.news.notified().await;
        while !desk.write().await {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// Reads what was told of a stack, where no pass got as far as that: it was refused before AWS was read.
pub async fn learn(desk: &Desk, clouds: &Clouds, header: &StackHeader) {
    if !desk.lacks(&header.name) {
        return;
    }
    let reading = async {
        let store = clouds.open(header).await.ok()?.store();
        let told = StackState::read(store.as_ref(), &header.name).await.ok()?.told;
        Some((store, told))
    };
    if let Ok(Some((store, told))) = timeout(RECORD, reading).await {
        desk.read(&header.name, told.as_deref(), store);
    }
}

/// A revision of a stack is refused before any pass. What was told of it is only known from its record, which is read where the
/// manifest says where that is; else the same is told again after a restart, under the same id.
pub fn refused(desk: &Arc<Desk>, clouds: &Arc<Clouds>, header: Option<StackHeader>, about: About, why: Vec<String>) {
    let only_reports = header.as_ref().is_some_and(|header| header.mode == Mode::Report);
    if desk.queues.is_empty() || only_reports {
        return;
    }
    let (desk, clouds) = (desk.clone(), clouds.clone());
    tokio::spawn(async move {
        if let Some(header) = &header {
            learn(&desk, &clouds, header).await;
        }
        desk.happened(&about, Outcome::Failure, "refused", &why);
    });
}
