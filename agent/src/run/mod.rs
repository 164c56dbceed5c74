//! `agent run`: follows the manifests repositories and keeps AWS as they say, until it is told to stop.
//!
//! * [`follow`] reads a branch of a [`source`], [`trigger`] wakes it; `agent_core::schedule` says when a pass over which stack is due,
//!   [`pass`] makes it, [`passes`] begins and ends them. This file brings them together and answers signals.
//! * [`board`] is what others see of it over HTTP, with a [`feed`] for each source; [`ear`] hears the calls of passes. [`pulse`] tells
//!   whether all of that moves, and [`notify`] tells systemd. [`tell`] tells people.
//!
//! **Guarantees.** A repository that cannot be read, or a stack that is no longer in it, changes nothing in AWS. A newer commit
//! ends waits of the pass before it, never a call under way. On SIGTERM or SIGINT calls under way are waited for and no
//! other is made; SIGHUP reads the configuration again, and keeps the one it has if the new one is wrong.

pub mod board;
mod claims;
mod ear;
mod feed;
mod follow;
mod notify;
mod pass;
mod passes;
mod pulse;
mod signals;
mod source;
pub mod tell;
mod trigger;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_core::pass::Revision;
use agent_core::schedule::{How, Offered, Schedule};
use agent_core::state::Expiry;
use agent_core::told::Outcome;
use tokio::sync::{Mutex, mpsc};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tracing::{error, info, info_span, warn};

use crate::config::{self, BadConfig, Config};
use crate::http::{Server, Unanswering};
use crate::load::{LoadError, Stack, cache, stacks, token};
use crate::policy::{self, NoRules};
use crate::session::Clouds;
use board::Board;
use feed::Feed;
use follow::{Follower, News};
use pass::{Hindrance, Passed};
use passes::Begun;
use signals::{Asked, Signals};
use source::{Commit, Source};
use tell::{About, Teller};

/// How long passes under way have to come to an end when the agent is stopped.
const LAST_CALLS: Duration = Duration::from_secs(25);
/// How long those who are to be told something have after that.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// The loop as people are told that it is stuck.
const THE_LOOP: &str = "the loop";
/// What comes of a new configuration that is wrong.
const NOT_USED: &str = "the new configuration is not used; the agent goes on with the one before";

/// Why the agent does not begin.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Signals cannot be received.
    #[error("signals cannot be received: {0}")]
    Signals(#[from] std::io::Error),
    /// The rules that the configuration asks for cannot be in force.
    #[error(transparent)]
    Rules(#[from] NoRules),
    /// It cannot answer over HTTP.
    #[error(transparent)]
    Http(#[from] Unanswering),
}

impl Failed {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Signals(_) => None,
            Self::Rules(error) => error.hint(),
            Self::Http(error) => Some(error.hint().to_owned()),
        }
    }
}

/// Runs until a signal says stop.
pub async fn run(path: &Path, config: &Config) -> Result<(), Failed> {
    let mut signals = Signals::new()?;
    info!(version = env!("CARGO_PKG_VERSION"), "the agent begins");
    let board = Board::new();
    let mut server = Server::new(board.clone());
    // Nothing is under way yet that would have to come to an end.
    let judge = tokio::select! {
        judge = rules(config) => judge?,
        () = signals.stop() => return stopped(),
    };
    server.configure(&config.http).await?;
    let mut agent = Agent::new(config, judge, board);
    loop {
        agent.alive();
        notify::ready();
        match agent.serve(&mut signals).await {
            Asked::Stop => {
                notify::stopping();
                agent.end(Why::Stop, &mut signals).await;
                return stopped();
            }
            Asked::Reload => {
                notify::reloading();
                match config::read(path) {
                    Ok(new) => match agent.reload(&new, &mut server, &mut signals).await {
                        Ok(judge) => {
                            let Some(judge) = judge else { return stopped() };
                            info!("the configuration was read again");
                            agent = Agent::new(&new, judge, agent.board.clone());
                        }
                        Err(error) => {
                            error!(help = error.hint().as_deref(), "{error}");
                            error!("{NOT_USED}");
                        }
                    },
                    Err(bad) => {
                        tell_of(&bad);
                        error!("{NOT_USED}");
                    }
                }
            }
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it is what a run ends with")]
fn stopped() -> Result<(), Failed> {
    info!("the agent has stopped");
    Ok(())
}

/// Why passes are ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Stop,
    Reload,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::Stop => "the agent is being stopped",
            Self::Reload => "the configuration is read again",
        }
    }
}

/// The rules that a configuration asks for.
async fn rules(config: &Config) -> Result<Arc<policy::Judge>, NoRules> {
    let judge = policy::judge(&config.policy, &cache_of(config)).await?;
    let bundle = judge.bundle();
    info!(digest = &bundle.digest()[..12], "{} rules are in force", bundle.rules().len());
    Ok(judge)
}

fn cache_of(config: &Config) -> PathBuf {
    config.cache.clone().or_else(systemd_cache).unwrap_or_else(cache)
}

/// Tells in the log what is wrong with a configuration.
pub fn tell_of(bad: &BadConfig) {
    for problem in &bad.problems {
        error!(help = problem.hint.as_deref(), "{}", pass::place_and_message(problem, &bad.sources));
    }
}

/// A stack as the newest revision has it.
struct Known {
    stack: Arc<Mutex<Stack>>,
    revision: Revision,
    /// Who signed it, where that is asked for.
    signer: Option<String>,
    digest: String,
    /// Which source it came from.
    source: usize,
    /// Its folder there.
    dir: String,
    /// Its account and region, as far as that was ever known.
    place: Option<Place>,
}

/// An account, where one is named, and a region.
type Place = (Option<String>, String);

struct Agent {
    schedule: Schedule,
    clouds: Arc<Clouds>,
    removals: usize,
    known: BTreeMap<String, Known>,
    passes: JoinSet<Passed>,
    running: BTreeMap<Id, Begun>,
    followers: JoinSet<()>,
    news: mpsc::Receiver<(usize, News)>,
    sources: Vec<Arc<Source>>,
    /// How the last pass over each stack ended and at which revision, so that only what is news is told.
    told: BTreeMap<String, (How, String, Vec<Hindrance>)>,
    /// The stacks that another agent worked on when they were looked at last.
    held: BTreeMap<String, Expiry>,
    board: Arc<Board>,
    teller: Teller,
    /// What was last told of all of it, and of what is stuck.
    summary: String,
    stuck: Option<String>,
}

impl Agent {
    fn new(config: &Config, judge: Arc<policy::Judge>, board: Arc<Board>) -> Self {
        let cache = cache_of(config);
        let (sender, news) = mpsc::channel(4);
        let teller = Teller::new(config, judge.bundle().digest(), &board);
        let mut followers = JoinSet::new();
        let feed_of = |source: &config::Source| {
            let longest = source.interval.0.max(follow::LONGEST);
            Feed::new(source, longest, board.clone())
        };
        let feeds: Vec<Arc<Feed>> = config.sources().iter().map(feed_of).collect();
        board.follow(judge.bundle().digest(), feeds.clone());
        board.pulse.begin(THE_LOOP, pulse::LOOP);
        let source =
            |source: &config::Source| Source::new(source.clone(), config.token_for_all(token()), cache.clone());
        let sources: Vec<Arc<Source>> = config.sources().iter().map(source).map(Arc::new).collect();
        for (n, source) in sources.iter().enumerate() {
            let (tell, mut told) = mpsc::channel(1);
            followers.spawn(Follower::new(source.clone()).seen_in(feeds[n].clone()).follow(tell));
            let sender = sender.clone();
            followers.spawn(async move {
                while let Some(news) = told.recv().await {
                    if sender.send((n, news)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            schedule: Schedule::new(config.reconcile.rhythm(), random()),
            clouds: Arc::new(Clouds::new(judge, config.role.clone())),
            removals: config.reconcile.removals,
            known: BTreeMap::new(),
            passes: JoinSet::new(),
            running: BTreeMap::new(),
            followers,
            news,
            sources,
            told: BTreeMap::new(),
            held: BTreeMap::new(),
            board,
            teller,
            summary: String::new(),
            stuck: None,
        }
    }

    async fn serve(&mut self, signals: &mut Signals) -> Asked {
        let mut beat = beats();
        loop {
            while let Some((name, trigger)) = self.schedule.begin(Instant::now()) {
                self.begin(name, trigger);
            }
            let wake = self.schedule.wake();
            tokio::select! {
                asked = signals.next() => return asked,
                Some((source, news)) = self.news.recv() => self.hear(source, news),
                Some(passed) = self.passes.join_next_with_id() => self.ended(passed),
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                _ = beat.tick() => self.alive(),
            }
        }
    }

    /// How a source is shown.
    fn url(&self, source: usize) -> String {
        self.sources.get(source).map(|source| crate::git::url::shown(&source.config.url)).unwrap_or_default()
    }

    /// What people are told of.
    fn about(&self, stack: Option<&str>, source: usize, revision: &str) -> About {
        let config = self.sources.get(source).map(|source| &source.config);
        let of = |part: fn(&config::Source) -> &String| config.map(part).cloned().unwrap_or_default();
        let (stack, revision) = (stack.map(str::to_owned), revision.to_owned());
        About { stack, revision, url: of(|source| &source.url), branch: of(|source| &source.branch) }
    }

    /// The loop moves. The watchdog hears of it unless something else is stuck: it would start the agent anew.
    fn alive(&mut self) {
        self.board.pulse.moved(THE_LOOP);
        let summary = self.board.summary();
        if summary != self.summary {
            notify::status(&summary);
            self.summary = summary;
        }
        match self.board.stuck() {
            None => {
                self.stuck = None;
                notify::alive();
            }
            Some(stuck) if self.stuck.is_none() => {
                error!("{stuck}; the watchdog is not told any more that the agent is well");
                self.stuck = Some(stuck);
            }
            Some(_) => {}
        }
    }

    /// Comes to an end for a new configuration, once it is sure that all that it asks for can be in force; gives its rules. The loop
    /// stands still meanwhile, and that is no hang: reading rules has its own limit of time. `None`: the agent was told to stop, and
    /// has come to an end for that.
    async fn reload(
        &mut self,
        config: &Config,
        server: &mut Server,
        signals: &mut Signals,
    ) -> Result<Option<Arc<policy::Judge>>, Failed> {
        let mut beat = beats();
        let mut reading = std::pin::pin!(rules(config));
        let judge = loop {
            tokio::select! {
                judge = &mut reading => break judge?,
                () = signals.stop() => {
                    notify::stopping();
                    self.end(Why::Stop, signals).await;
                    return Ok(None);
                }
                _ = beat.tick() => self.alive(),
            }
        };
        server.configure(&config.http).await?;
        Ok((self.end(Why::Reload, signals).await == Why::Reload).then_some(judge))
    }

    fn hear(&mut self, source: usize, news: News) {
        let url = self.url(source);
        match news {
            News::Commit(commit) => self.commit(source, &commit),
            News::Lost(error) => {
                let (text, help) = (error.full(), error.hint());
                let what = if error.is_refusal() { "the revision is refused" } else { "the repository cannot be read" };
                error!(url, help = help.as_deref(), "{what}: {text}; AWS is kept as the last revision says");
                if let Some(commit) = error.refused() {
                    let about = self.about(None, source, commit);
                    self.teller.desk.happened(&about, Outcome::Failure, "refused", &[text]);
                }
            }
            News::Found => info!(url, "the repository can be read again"),
        }
    }

    /// A new commit: every stack in it that wants something else is due.
    fn commit(&mut self, source: usize, commit: &Commit) {
        let id = &commit.tree.revision.id;
        let signer = commit.signer.as_deref();
        info!(revision = short(id), author = commit.author, signer, "new revision: {}", commit.summary);
        let found = match stacks(&commit.tree, None) {
            Ok(found) => found,
            Err(error) => {
                let help = LoadError::hint(&error);
                error!(revision = short(id), help = help.as_deref(), "{error}; AWS is kept as the last revision says");
                let about = self.about(None, source, id);
                self.teller.desk.happened(&about, Outcome::Failure, "refused", &[error.to_string()]);
                return;
            }
        };
        self.teller.desk.followed(&self.about(None, source, id));
        let mut offered = Vec::new();
        let mut seen = BTreeMap::new();
        for stack in found {
            let name = self.name_of(source, &stack);
            if !self.is_for(source, &name, &stack, id) {
                continue;
            }
            if let Some(other) = self.known.get(&name).filter(|known| known.source != source) {
                let origin = self.origin(other.source);
                error!(stack = name, "the stack is left out: it comes from {origin} already, and has one source");
                continue;
            }
            if seen.contains_key(&name) {
                pass::problems(&stack).iter().for_each(Hindrance::tell);
                error!(
                    stack = name,
                    folder = stack.dir,
                    "the stack is left out: this agent follows one stack of a name"
                );
                continue;
            }
            let offer = self.understand(&name, stack, commit, source, &mut seen);
            offered.push(offer);
        }
        let gone: Vec<String> = self.known.iter().filter(|(_, k)| k.source == source).map(|(n, _)| n.clone()).collect();
        for name in gone.into_iter().filter(|name| !seen.contains_key(name)) {
            warn!(
                stack = name,
                "the stack is no longer in the repository, and is left as it is: `agent destroy {name}` deletes it"
            );
            self.known.remove(&name);
            self.board.forget(&name);
            self.teller.desk.forget(&name);
        }
        self.known.extend(seen);
        let outdated = self.schedule.offer(source, offered, Instant::now());
        for begun in self.running.values().filter(|begun| outdated.contains(&begun.name)) {
            begun.halter.halt("a newer revision is there");
        }
        self.board.waits(self.schedule.blocked());
    }

    /// Takes a stack in, and gives what the schedule has to know of it.
    fn understand(
        &mut self,
        name: &str,
        mut stack: Stack,
        commit: &Commit,
        source: usize,
        seen: &mut BTreeMap<String, Known>,
    ) -> Offered {
        let newest = &commit.tree.revision;
        let needs = stack.needs.keys().cloned().collect();
        let wants = crate::load::wants(&mut stack);
        let is_sound = wants.is_some();
        let refused = (!is_sound).then(|| pass::problems(&stack));
        if let Some(problems) = &refused {
            let _span = info_span!("reconcile", stack = name, revision = short(&newest.id)).entered();
            problems.iter().for_each(Hindrance::tell);
            error!("the revision is refused, and the stack is left as it is");
        }
        let digest = wants.unwrap_or_else(|| newest.id.clone());
        let is_same = |known: &&Known| {
            let is_at_rest =
                |(how, revision, _): &(How, String, _)| (*how, revision) == (How::Converged, &known.revision.id);
            known.digest == digest && self.told.get(name).is_some_and(is_at_rest)
        };
        // A revision that changes nothing for a stack is not the one that it was made equal to.
        let (revision, signer) = match self.known.get(name).filter(is_same) {
            Some(known) => (known.revision.clone(), known.signer.clone()),
            None => (newest.clone(), commit.signer.clone()),
        };
        let about = self.about(Some(name), source, &revision.id);
        self.teller.desk.newest(&about);
        if let Some(problems) = &refused {
            let why = problems.iter().map(|problem| problem.message.clone()).collect();
            let header = stack.manifest.as_ref().map(|manifest| manifest.stack.clone());
            tell::refused(&self.teller.desk, &self.clouds, header, about, why);
        }
        let url = self.url(source);
        self.board.stack(name, |view| {
            view.source.clone_from(&url);
            (view.revision, view.refused) = (revision.id.clone(), refused);
        });
        let (dir, place) = (stack.dir.clone(), self.place_of(name, &stack));
        let stack = Arc::new(Mutex::new(stack));
        let known = Known { stack, revision, signer, digest: digest.clone(), source, dir, place };
        seen.insert(name.to_owned(), known);
        Offered { name: name.to_owned(), digest, needs, is_sound }
    }

    /// Ends passes at their next call, and waits for them. Gives why in the end: whoever is told to stop meanwhile stops.
    async fn end(&mut self, mut why: Why, signals: &mut Signals) -> Why {
        self.followers.shutdown().await;
        for begun in self.running.values() {
            begun.halter.halt(why.words());
        }
        let (until, mut words) = (Instant::now() + LAST_CALLS, LAST_WORDS);
        let mut beat = beats();
        while !self.passes.is_empty() {
            tokio::select! {
                Some(passed) = self.passes.join_next_with_id() => self.ended(passed),
                () = signals.stop() => {
                    if why == Why::Stop {
                        // Somebody insists: the next pass finds whatever a call under way came to.
                        words = Duration::ZERO;
                        break;
                    }
                    notify::stopping();
                    why = Why::Stop;
                }
                () = tokio::time::sleep_until(until) => break,
                _ = beat.tick() => self.alive(),
            }
        }
        self.passes.shutdown().await;
        self.teller.end(Instant::now() + words).await;
        for begun in std::mem::take(&mut self.running).into_values() {
            self.board.pulse.end(&ear::name(&begun.name));
        }
        why
    }
}

/// When the loop shows that it moves.
fn beats() -> tokio::time::Interval {
    let mut beat = tokio::time::interval(notify::rhythm());
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    beat
}

fn systemd_cache() -> Option<PathBuf> {
    // More than one folder is given as a list; the unit names one.
    std::env::var_os("CACHE_DIRECTORY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Seven digits are enough for people.
fn short(revision: &str) -> &str {
    revision.get(..7).unwrap_or(revision)
}

/// A number that nobody foresees, for jitter.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
