//! `agent status`: what AWS holds of a stack, how it is, and what the last revision came to.

use agent_core::live::Phase;
use agent_core::pass::Look;
use agent_core::plan::Settings;
use agent_core::state::Ended;
use serde_json::json;

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::Stack;
use crate::printer::Tone;
use crate::session::{Session, SessionError};
use crate::show;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From) -> End {
    let (_, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut end = End::Done;
    for stack in &mut stacks {
        match look(stack).await {
            Ok(look) => show(context, &stack.name(), &look),
            Err(error) => end = end.max(context.told(stack, &error)),
        }
    }
    end
}

async fn look(stack: &mut Stack) -> Result<Look, SessionError> {
    let manifest = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let session = Session::open(&manifest.stack).await?;
    let engine = session.engine(&|_| (), Settings::default());
    Ok(session.look(&engine, stack).await?.1)
}

fn show(context: &Context<'_>, name: &str, look: &Look) {
    if context.output == Output::Json {
        let live: Vec<_> = look
            .plan
            .current
            .iter()
            .map(|(address, live)| json!({ "address": address, "id": live.id, "phase": live.phase }))
            .collect();
        let value = json!({ "stack": name, "last": look.state.last, "resources": live, "pending": look.plan.steps });
        context.printer.result(&pretty(&value));
        return;
    }
    match &look.state.last {
        None => context.printer.result(&format!("{name}: never applied")),
        Some(last) => {
            let word = match last.ended {
                Ended::Applying => "being applied",
                Ended::Converged => "converged",
                Ended::Progressing => "progressing",
                Ended::Failed => "failed",
            };
            context.printer.result(&format!("{name}: {word} at {}", last.revision));
        }
    }
    for (address, live) in &look.plan.current {
        let tone = match live.phase {
            Phase::Ready => Tone::Add,
            Phase::Broken(_) => Tone::Remove,
            _ => Tone::Change,
        };
        let phase = context.printer.tone(tone, &live.phase.to_string());
        context.printer.result(&format!("  {address}  {}  {phase}", context.printer.tone(Tone::Dim, &live.id)));
    }
    let kinds = agent_model::kinds::table();
    if !look.plan.is_converged() {
        context.printer.result(&show::plan::text(&look.plan, &kinds, context.printer));
    }
}
