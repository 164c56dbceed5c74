//! `agent apply`: passes over each stack until AWS is as the revision wants, or nothing moves any more.

use std::time::Duration;

use agent_core::manifest::Mode;
use agent_core::pass::PassReport;
use agent_core::plan::{Plan, Settings};
use agent_core::state::{Belongs, Ended};
use serde_json::{Value, json};

use super::{Context, End, by_hand, pretty};
use crate::cli::{From, Output};
use crate::load::{Stack, Tree};
use crate::order::Left;
use crate::printer::Tone;
use crate::session::SessionError;
use crate::show;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, accept: Option<&str>, timeout: u64) -> End {
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let accept = match by_hand::accepts(context, &tree, accept) {
        Ok(accept) => accept,
        Err(end) => return end,
    };
    let mut end = End::Done;
    let mut reports = Vec::new();
    let mut left = Left::default();
    for stack in &mut stacks {
        if let Some(reason) = left.alone(stack) {
            context.left_alone(stack, &reason, &mut reports);
            continue;
        }
        let ended = match one(context, from, &tree, stack, &How { accept, timeout }).await {
            Ok(Done::Passed(pass)) => conclude(context, &stack.name(), &tree.revision.id, &pass, &mut reports),
            Ok(Done::Reported(plan)) => reported(context, &stack.name(), &tree.revision.id, &plan, &mut reports),
            Err(error) => context.told(stack, &error),
        };
        if ended != End::Done {
            left.failed(stack);
        }
        end = end.max(ended);
    }
    if context.output == Output::Json {
        context.printer.result(&pretty(&Value::from(reports)));
    }
    end
}

/// What was done with a stack.
enum Done {
    /// AWS was made equal to it, or that was tried.
    Passed(PassReport),
    /// It only reports: this would be done.
    Reported(Plan),
}

/// What was said about it.
struct How {
    /// The revision is the right one, whatever was before.
    accept: bool,
    /// After how many seconds to give up.
    timeout: u64,
}

async fn one(
    context: &Context<'_>,
    from: &From,
    tree: &Tree,
    stack: &mut Stack,
    how: &How,
) -> Result<Done, SessionError> {
    let manifest = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let report_only = manifest.stack.mode == Mode::Report;
    let session = context.clouds.open_at(&manifest.stack, Some(&tree.revision.id)).await?;
    let tell = |event: agent_core::execute::Event<'_>| {
        if let Some(line) = show::report::event(&event, context.printer) {
            context.printer.progress(&line);
        }
    };
    let mut engine = session.engine(&tell, Settings::default());
    engine.accept_lost_state = how.accept;
    engine.belongs = if how.accept { Belongs::ToNobody } else { Belongs::AsBefore };
    let (desired, look) = session.look(&engine, stack).await?;
    stack.judged(desired.notes());
    context.notes(std::slice::from_ref(stack));
    if report_only {
        return Ok(Done::Reported(look.plan));
    }
    if !how.accept {
        let to = "to apply it all the same";
        by_hand::may_follow(&session.scope.stack, look.state.last.as_ref(), from, &tree.revision, to).await?;
    }
    let work = engine.converge(&desired, &tree.revision, Duration::from_secs(how.timeout), Some(look));
    Ok(Done::Passed(context.audited(&stack.name(), &tree.revision.id, work).await?))
}

/// Shows what would be done with a stack of `mode = "report"`, and that nothing was.
fn reported(context: &Context<'_>, stack: &str, revision: &str, plan: &Plan, reports: &mut Vec<Value>) -> End {
    let policy = context.policy();
    reports.push(json!({ "stack": stack, "revision": revision, "policy": policy, "mode": Mode::Report, "plan": plan }));
    if context.output != Output::Json {
        context.printer.result(&show::plan::text(plan, &agent_model::kinds::table(), context.printer));
        context.printer.result(&format!("{stack}: nothing was changed, because the stack says `mode = \"report\"`"));
    }
    if plan.not_read.is_empty() { End::Done } else { End::Failed }
}

/// Says how it ended, and gives the exit code.
pub fn conclude(
    context: &Context<'_>,
    stack: &str,
    revision: &str,
    pass: &PassReport,
    reports: &mut Vec<Value>,
) -> End {
    for (message, hint) in show::report::failures(pass) {
        context.printer.error(&message, hint.as_deref());
    }
    for (step, on) in pass.report.waiting() {
        context.printer.progress(&format!("  {} waits for {on}", step.address));
    }
    for note in &pass.report.notes {
        context.printer.progress(&format!("  {}: {}", note.address, note.text));
    }
    let policy = context.policy();
    reports.push(json!({ "stack": stack, "revision": revision, "policy": policy, "result": pass }));
    let (word, tone, end) = match pass.ended {
        Ended::Converged => ("converged", Tone::Add, End::Done),
        Ended::Progressing | Ended::Applying => ("still progressing", Tone::Change, End::Failed),
        Ended::Failed => ("failed", Tone::Remove, End::Failed),
    };
    if context.output != Output::Json {
        context.printer.result(&format!("{stack}: {} at {revision}", context.printer.tone(tone, word)));
    }
    end
}
