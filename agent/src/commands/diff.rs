//! `agent diff`: the plan against live AWS. It changes nothing.

use agent_core::plan::{Plan, Settings};
use agent_core::state::Suspended;

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::Stack;
use crate::order::Left;
use crate::session::SessionError;
use crate::show;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, exit_code: bool) -> End {
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut end = End::Done;
    let mut plans = Vec::new();
    let mut left = Left::default();
    for stack in &mut stacks {
        if let Some(reason) = left.alone(stack) {
            context.left_alone(stack, &reason, &mut Vec::new());
            continue;
        }
        match look(context, stack, &tree.revision.id).await {
            Ok((plan, suspended)) => {
                context.notes(std::slice::from_ref(stack));
                if !stack.problems.is_empty() {
                    context.problems(std::slice::from_ref(stack));
                    left.failed(stack);
                    end = end.max(End::Findings);
                }
                plans.push((plan, suspended));
            }
            Err(error) => {
                end = end.max(context.told(stack, &error));
                left.failed(stack);
            }
        }
    }
    let kinds = agent_model::kinds::table();
    match context.output {
        Output::Json => {
            let all = plans.iter().map(|(plan, suspended)| {
                let mut value = serde_json::to_value(plan).unwrap_or_default();
                value["policy"] = context.policy().into();
                if let Some(suspended) = suspended {
                    value["suspended"] = serde_json::to_value(suspended).unwrap_or_default();
                }
                value
            });
            context.printer.result(&pretty(&all.collect()));
        }
        Output::Markdown => {
            for (plan, suspended) in &plans {
                let mut text = show::plan::markdown(plan, &kinds, &tree.revision.id, context.policy());
                text.extend(suspended.iter().map(show::plan::suspended_markdown));
                context.printer.result(&text);
            }
        }
        _ => {
            for (plan, suspended) in &plans {
                let mut text = show::plan::text(plan, &kinds, context.printer);
                text.extend(suspended.iter().map(|suspended| show::plan::suspended(&plan.stack, suspended)));
                context.printer.result(&text);
            }
        }
    }
    let incomplete = plans.iter().any(|(plan, _)| !plan.not_read.is_empty());
    let pending = plans.iter().any(|(plan, _)| !plan.steps.is_empty());
    end.max(match (incomplete, pending && exit_code) {
        (true, _) => End::Failed,
        (false, true) => End::Findings,
        (false, false) => End::Done,
    })
}

async fn look(
    context: &Context<'_>,
    stack: &mut Stack,
    revision: &str,
) -> Result<(Plan, Option<Suspended>), SessionError> {
    let header = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let session = context.clouds.open_at(&header.stack, Some(revision)).await?;
    let engine = session.engine(&|_| (), Settings::default());
    let by_manifest = Suspended::by_manifest(&header.stack);
    let (desired, look) = session.look_at_any(&engine, stack).await?;
    let suspended = by_manifest.or_else(|| engine.suspended(&look.state));
    stack.judged(desired.notes());
    stack.judged(&session.judged_plan(&desired, &look.plan).await);
    Ok((look.plan, suspended))
}
