//! `agent apply`: passes over each stack until AWS is as the revision wants, or nothing moves any more.

use std::time::Duration;

use agent_core::manifest::Mode;
use agent_core::pass::PassReport;
use agent_core::plan::Settings;
use agent_core::state::Ended;
use serde_json::{Value, json};

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::{Stack, Tree};
use crate::printer::Tone;
use crate::session::{Session, SessionError};
use crate::show;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, accept: Option<&str>, timeout: u64) -> End {
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    if let Some(accept) = accept.filter(|accept| accept.len() < 7 || !tree.revision.id.starts_with(accept)) {
        let message = format!("the revision here is {}, not {accept}", tree.revision.id);
        context.printer.error(&message, Some("name the revision that AWS was last made equal to"));
        return End::Usage;
    }
    let mut end = End::Done;
    let mut reports = Vec::new();
    for stack in &mut stacks {
        match one(context, &tree, stack, accept.is_some(), timeout).await {
            Ok(Some(pass)) => end = end.max(conclude(context, &stack.name(), &tree.revision.id, &pass, &mut reports)),
            Ok(None) => {}
            Err(error) => end = end.max(context.told(stack, &error)),
        }
    }
    if context.output == Output::Json {
        context.printer.result(&pretty(&Value::from(reports)));
    }
    end
}

/// `None` where the stack only reports.
async fn one(
    context: &Context<'_>,
    tree: &Tree,
    stack: &mut Stack,
    accept: bool,
    timeout: u64,
) -> Result<Option<PassReport>, SessionError> {
    let manifest = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let report_only = manifest.stack.mode == Mode::Report;
    let session = Session::open(&manifest.stack).await?;
    let tell = |event: agent_core::execute::Event<'_>| {
        if let Some(line) = show::report::event(&event, context.printer) {
            context.printer.progress(&line);
        }
    };
    let mut engine = session.engine(&tell, Settings::default());
    engine.accept_lost_state = accept;
    let (desired, look) = session.look(&engine, stack).await?;
    if report_only {
        context.printer.progress(&format!("{}: mode = \"report\", so nothing is changed", stack.name()));
        context.printer.progress(&show::plan::text(&look.plan, &engine.kinds, context.printer));
        return Ok(None);
    }
    Ok(Some(engine.converge(&desired, &tree.revision, Duration::from_secs(timeout), Some(look)).await?))
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
    reports.push(json!({ "stack": stack, "revision": revision, "result": pass }));
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
