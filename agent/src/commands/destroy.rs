//! `agent destroy`: deletes all that a stack owns. It asks first, and honours protection and the removal budget.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_core::desired::Allow;
use agent_core::pass::{PassReport, Revision};
use agent_core::plan::Settings;
use serde_json::Value;

use super::{Context, End, apply, pretty};
use crate::cli::{From, Output};
use crate::load::Stack;
use crate::printer::Printer;
use crate::session::{Session, SessionError};
use crate::show;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, yes: bool, removals: usize, timeout: u64) -> End {
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut end = End::Done;
    let mut reports = Vec::new();
    // Last first: what others build on goes after them.
    for stack in stacks.iter_mut().rev() {
        match one(context, stack, &tree.revision, yes, removals, timeout).await {
            Ok(Some(pass)) => {
                end = end.max(apply::conclude(context, &stack.name(), &tree.revision.id, &pass, &mut reports));
            }
            Ok(None) => end = end.max(End::Usage),
            Err(error) => end = end.max(context.told(stack, &error)),
        }
    }
    if context.output == Output::Json {
        context.printer.result(&pretty(&Value::from(reports)));
    }
    end
}

async fn one(
    context: &Context<'_>,
    stack: &Stack,
    revision: &Revision,
    yes: bool,
    removals: usize,
    timeout: u64,
) -> Result<Option<PassReport>, SessionError> {
    let manifest = stack.manifest.as_ref().ok_or(SessionError::Problems)?;
    let session = Session::open(&manifest.stack).await?;
    let said = &manifest.stack.allow;
    let delete: BTreeSet<String> = said.delete.iter().cloned().collect();
    let removals = removals.saturating_add(usize::try_from(said.removals).unwrap_or(usize::MAX));
    let nothing = session.nothing(Allow { delete, removals })?;
    let tell = |event: agent_core::execute::Event<'_>| {
        if let Some(line) = show::report::event(&event, context.printer) {
            context.printer.progress(&line);
        }
    };
    let engine = session.engine(&tell, Settings::default());
    let look = engine.look(&nothing).await?;
    if !yes && !look.plan.steps.is_empty() {
        context.printer.progress(&show::plan::text(&look.plan, &engine.kinds, context.printer));
        let name = &manifest.stack.name;
        if !Printer::asks_for(&format!("Type `{name}` to delete all of this:"), name) {
            context.printer.error("nothing was deleted", Some("type the stack's name, or say `--yes`"));
            return Ok(None);
        }
    }
    Ok(Some(engine.destroy(&nothing, revision, Duration::from_secs(timeout), Some(look)).await?))
}
