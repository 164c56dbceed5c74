//! `agent status`: how stacks are, why something is not in order, and which stacks nobody's manifests name any longer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent_core::health::Status;
use agent_core::pass::Revision;
use agent_core::source::Problems;
use agent_core::state::Last;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::{Stack, Tree};
use crate::printer::Printer;
use crate::session::{Clouds, Session, SessionError};
use crate::show;

/// What was said about it.
pub struct How {
    /// Every resource is shown.
    pub all: bool,
    /// What is bad shows in the exit code.
    pub exit_code: bool,
    /// Look again and again, after so long.
    pub every: Option<Duration>,
}

/// All stacks that are looked at, with the connections that they share.
struct Watched {
    tree: Tree,
    clouds: Arc<Clouds>,
    stacks: Vec<Looked>,
    /// Whether no stack of the source was left out: only then is it known which have gone.
    is_whole: bool,
}

/// A stack, and its session once there is one: a process asks AWS less the second time.
struct Looked {
    stack: Stack,
    session: Option<Session>,
    /// Whether its manifest is without problems as it was read.
    is_sound: bool,
}

/// A stack of which AWS holds a record and that no manifest names.
struct Orphan {
    name: String,
    last: Last,
    since: Option<Timestamp>,
}

/// What one look at all stacks gives.
#[derive(Default)]
struct Round {
    stacks: Vec<Status>,
    orphans: Vec<Orphan>,
    /// How bad the worst was of what could not be looked at.
    end: Option<End>,
    /// Whether an error was printed.
    is_told: bool,
}

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, how: &How) -> End {
    let (tree, stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let looked = |stack: Stack| Looked { is_sound: stack.problems.is_empty(), stack, session: None };
    let stacks = stacks.into_iter().map(looked).collect();
    let is_whole = from.stack.is_none() && from.path == ".";
    let mut watched = Watched { tree, clouds: context.clouds.clone(), stacks, is_whole };
    match how.every {
        None => once(context, &mut watched, how).await,
        Some(every) => tokio::select! {
            end = watch(context, &mut watched, how, every) => end,
            _ = tokio::signal::ctrl_c() => End::Done,
        },
    }
}

async fn once(context: &Context<'_>, watched: &mut Watched, how: &How) -> End {
    let round = round(context, watched).await;
    if context.output == Output::Json {
        context.printer.result(&pretty(&as_json(&round)));
    } else {
        let text = shown(context, &round, how.all);
        if !text.is_empty() {
            context.printer.result(&text);
        }
    }
    let bad = how.exit_code && round.stacks.iter().any(Status::is_bad);
    round.end.unwrap_or(End::Done).max(if bad { End::Findings } else { End::Done })
}

/// Looks until somebody ends it. What a look cannot see is told, and the next may see it.
async fn watch(context: &Context<'_>, watched: &mut Watched, how: &How, every: Duration) -> End {
    let redraws = Printer::is_watched() && context.output != Output::Json;
    let mut before = Round::default();
    loop {
        let now = round(context, watched).await;
        // What no further look can mend.
        if let Some(end) = now.end.filter(|end| *end < End::Failed && now.stacks.is_empty()) {
            return end;
        }
        if redraws {
            let again = format!("{}\nevery {} s; Ctrl-C ends it", shown(context, &now, how.all), every.as_secs());
            // An error that was just printed stays in sight.
            if now.is_told { context.printer.result(&again) } else { context.printer.instead(&again) }
        } else if context.output != Output::Json {
            told_changes(context, &before, &now);
        } else if as_json(&before) != as_json(&now) {
            context.printer.result(&as_json(&now).to_string());
        }
        before = now;
        tokio::time::sleep(every).await;
    }
}

/// One look at all stacks.
async fn round(context: &Context<'_>, watched: &mut Watched) -> Round {
    let mut round = Round::default();
    let Watched { tree, clouds, stacks, is_whole } = watched;
    for one in stacks.iter_mut() {
        match status(one, clouds, &tree.revision).await {
            Ok(status) => round.stacks.push(status),
            Err(error) => {
                let stack = &mut one.stack;
                round.end = round.end.max(Some(context.told(stack, &error)));
                round.is_told = true;
            }
        }
    }
    // A stack whose manifest cannot be read has no name that is known: it would be taken for one that has gone.
    if *is_whole && stacks.iter().all(|one| one.stack.manifest.is_some()) {
        match orphans(stacks, &tree.revision.source).await {
            Ok(orphans) => round.orphans = orphans,
            Err(error) => {
                let hint = error.hint();
                round.is_told = true;
                context.printer.error(&format!("whether stacks are orphaned is not known: {error}"), hint.as_deref());
            }
        }
    }
    round
}

async fn status(one: &mut Looked, clouds: &Clouds, revision: &Revision) -> Result<Status, SessionError> {
    if one.is_sound {
        // What an earlier look found in its expansion may have been put right in AWS.
        one.stack.problems = Problems::new();
    }
    let sound = one.stack.manifest.as_ref().filter(|_| one.is_sound);
    let header = &sound.ok_or(SessionError::Problems)?.stack;
    let session = match one.session.take() {
        Some(session) => session,
        None => clouds.open_at(header, Some(&revision.id)).await?,
    };
    let status = session.status(&mut one.stack, revision).await;
    one.session = Some(session);
    status
}

/// The stacks of the same source that no manifest names, in the accounts and regions of those that are named.
async fn orphans(looked: &[Looked], source: &str) -> Result<Vec<Orphan>, SessionError> {
    let names: BTreeSet<String> = looked.iter().map(|one| one.stack.name()).collect();
    let mut places = BTreeSet::new();
    let mut found = Vec::new();
    for session in looked.iter().filter_map(|one| one.session.as_ref()) {
        if !places.insert((session.scope.account.clone(), session.scope.region.clone())) {
            continue;
        }
        let recorded = session.recorded().await?.into_iter();
        let gone = recorded.filter(|(name, (last, _))| last.source == source && !names.contains(name));
        found.extend(gone.map(|(name, (last, at))| Orphan { name, last, since: Timestamp::from_millisecond(at).ok() }));
    }
    Ok(found)
}

fn shown(context: &Context<'_>, round: &Round, all: bool) -> String {
    let now = Timestamp::now();
    let stacks = round.stacks.iter().map(|status| match context.output {
        Output::Markdown => show::status::markdown(status, all, now),
        _ => show::status::text(status, all, now, context.printer),
    });
    let orphans =
        round.orphans.iter().map(|one| show::status::orphan(&one.name, &one.last, one.since, now, context.printer));
    stacks.chain(orphans).collect::<Vec<_>>().join("\n")
}

fn told_changes(context: &Context<'_>, before: &Round, after: &Round) {
    let now = Timestamp::now();
    for status in &after.stacks {
        let held = before.stacks.iter().find(|held| held.stack == status.stack);
        for line in show::status::changes(held, status, now) {
            context.printer.result(&format!("{} {line}", show::words::time(now)));
        }
    }
    let known = |one: &&Orphan| !before.orphans.iter().any(|held| held.name == one.name);
    for one in after.orphans.iter().filter(known) {
        context.printer.result(&show::status::orphan(&one.name, &one.last, one.since, now, context.printer));
    }
}

fn as_json(round: &Round) -> Value {
    let orphan = |one: &Orphan| json!({ "stack": one.name, "orphaned": true, "last": one.last, "since": one.since });
    let stacks = round.stacks.iter().map(|status| serde_json::to_value(status).unwrap_or_default());
    stacks.chain(round.orphans.iter().map(orphan)).collect()
}
