//! `agent destroy`: deletes all that a stack owns. It asks first, and honours protection and the removal budget.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_core::address::Scope;
use agent_core::allowed::Allowed;
use agent_core::desired::{Allow, Desired};
use agent_core::manifest::Mode;
use agent_core::pass::{PassReport, Revision};
use agent_core::plan::Settings;
use serde_json::Value;

use super::{Context, End, apply, by_hand, pretty};
use crate::cli::{From, Output, Place};
use crate::load::Stack;
use crate::order::Left;
use crate::printer::Printer;
use crate::session::{Session, SessionError};
use crate::show;

/// What was said about it.
pub struct How {
    /// The question is answered already.
    pub yes: bool,
    /// Components that may go beyond the budget.
    pub removals: usize,
    /// When to give up.
    pub timeout: Duration,
    /// The revision that is the right one, whoever the stack belongs to.
    pub accept: Option<String>,
}

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, place: &Place, how: &How) -> End {
    if let Some(name) = name_of_stack(from) {
        if how.accept.is_some() {
            let hint = "a stack that is given by its name is deleted whoever it belongs to";
            context.printer.error("`--accept-revision` goes with manifests", Some(hint));
            return End::Usage;
        }
        return by_name(context, name, place, how).await;
    }
    if let Some(given) = place.given() {
        return misplaced(context, given);
    }
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    if let Err(end) = by_hand::accepts(context, &tree, how.accept.as_deref()) {
        return end;
    }
    let mut end = End::Done;
    let mut reports = Vec::new();
    // Last first: what others build on goes after them.
    let users: Vec<(String, Vec<String>)> =
        stacks.iter().map(|stack| (stack.name(), stack.needs.keys().cloned().collect())).collect();
    let mut left = Left::default();
    for stack in stacks.iter_mut().rev() {
        if let Some(reason) = left.needed(stack, &users) {
            context.left_alone(stack, &reason, &mut reports);
            continue;
        }
        let ended = match one(context, stack, &tree.revision, how).await {
            Ok(Some(pass)) => apply::conclude(context, &stack.name(), &tree.revision.id, &pass, &mut reports),
            Ok(None) => End::Usage,
            Err(error) => context.told(stack, &error),
        };
        if ended != End::Done {
            left.failed(stack);
        }
        end = end.max(ended);
    }
    told(context, reports);
    end
}

fn told(context: &Context<'_>, reports: Vec<Value>) {
    if context.output == Output::Json {
        context.printer.result(&pretty(&Value::from(reports)));
    }
}

/// A name, where no folder is meant: there is none of that name, and it has the shape of one.
pub(super) fn name_of_stack(from: &From) -> Option<&str> {
    let name = from.dir.to_str().filter(|_| from.repo.is_none() && !from.dir.exists())?;
    let shaped = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (shaped && name.starts_with(|first: char| first.is_ascii_lowercase())).then_some(name)
}

/// Says that an option is for stacks that are given by their name.
pub(super) fn misplaced(context: &Context<'_>, option: &str) -> End {
    let hint = "account and region of a folder's stacks are in `[stack]`";
    context.printer.error(&format!("`{option}` goes with the name of a stack"), Some(hint));
    End::Usage
}

/// A stack whose folder is gone. Nothing says any longer that its data may go, so whatever holds data stops it.
async fn by_name(context: &Context<'_>, name: &str, place: &Place, how: &How) -> End {
    let mut reports = Vec::new();
    let end = match named(context, name, place, how).await {
        Ok(Some((revision, pass))) => apply::conclude(context, name, &revision, &pass, &mut reports),
        Ok(None) => End::Usage,
        Err(error) => context.told_of(name, &error),
    };
    told(context, reports);
    end
}

async fn named(
    context: &Context<'_>,
    name: &str,
    place: &Place,
    how: &How,
) -> Result<Option<(String, PassReport)>, SessionError> {
    let session = context.clouds.of_name(name, place.account.as_deref(), place.region.as_deref()).await?;
    let nothing = session.nothing(Allow { removals: how.removals, ..Allow::default() }).await?;
    let Some(last) = session.last().await? else {
        let Scope { account, region, .. } = session.scope.clone();
        return Err(SessionError::NoSuchStack { stack: name.into(), account, region });
    };
    let revision = Revision { id: last.revision, source: last.source };
    // There is nothing at hand that could be of another source.
    Ok(all_of(context, &session, &nothing, &revision, how, Whose::Anybodys).await?.map(|pass| (revision.id, pass)))
}

async fn one(
    context: &Context<'_>,
    stack: &Stack,
    revision: &Revision,
    how: &How,
) -> Result<Option<PassReport>, SessionError> {
    let manifest = stack.manifest.as_ref().ok_or(SessionError::Problems)?;
    if manifest.stack.mode == Mode::Report {
        return Err(SessionError::OnlyReports);
    }
    Session::not_suspended(stack)?;
    let session = context.clouds.open_at(&manifest.stack, Some(&revision.id)).await?;
    let said = &manifest.stack.allow;
    let delete: BTreeSet<String> = said.delete.iter().cloned().collect();
    let removals = how.removals.saturating_add(usize::try_from(said.removals).unwrap_or(usize::MAX));
    let nothing = session.nothing(Allow { delete, removals }).await?;
    let whose = if how.accept.is_some() { Whose::Anybodys } else { Whose::OfTheSource };
    all_of(context, &session, &nothing, revision, how, whose).await
}

/// Whose the stack may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Not another source's than the revision is of.
    OfTheSource,
    /// Anybody's.
    Anybodys,
}

/// Asks, and deletes. `None` where the answer was no.
async fn all_of(
    context: &Context<'_>,
    session: &Session,
    nothing: &Allowed<Desired>,
    revision: &Revision,
    how: &How,
    whose: Whose,
) -> Result<Option<PassReport>, SessionError> {
    let tell = |event: agent_core::execute::Event<'_>| {
        if let Some(line) = show::report::event(&event, context.printer) {
            context.printer.progress(&line);
        }
    };
    let mut engine = session.engine(&tell, Settings::default());
    engine.accept_lost_state = how.accept.is_some();
    let look = engine.look(nothing).await?;
    engine.not_suspended(&look.state)?;
    if whose == Whose::OfTheSource {
        let (stack, last) = (&session.scope.stack, look.state.last.as_ref());
        by_hand::is_of_its_source(stack, last, revision, "to delete it all the same")?;
    }
    if !how.yes && !look.plan.steps.is_empty() {
        context.printer.progress(&show::plan::text(&look.plan, &engine.kinds, context.printer));
        let Scope { stack, account, region, .. } = &session.scope;
        let question = format!("Type `{stack}` to delete all of this in account {account}, region {region}:");
        if !Printer::asks_for(&question, stack) {
            context.printer.error("nothing was deleted", Some("type the stack's name, or say `--yes`"));
            return Ok(None);
        }
    }
    let work = engine.destroy(nothing, revision, how.timeout, Some(look));
    Ok(Some(context.audited(&session.scope.stack, &revision.id, work).await?))
}
