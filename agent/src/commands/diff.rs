//! `agent diff`: the plan against live AWS. It changes nothing.

use agent_core::plan::Settings;

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
        match look(context, stack).await {
            Ok(plan) => {
                context.notes(std::slice::from_ref(stack));
                if !stack.problems.is_empty() {
                    context.problems(std::slice::from_ref(stack));
                    left.failed(stack);
                    end = end.max(End::Findings);
                }
                plans.push(plan);
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
            let mut value = serde_json::to_value(&plans).unwrap_or_default();
            for plan in value.as_array_mut().into_iter().flatten() {
                plan["policy"] = context.policy().into();
            }
            context.printer.result(&pretty(&value));
        }
        Output::Markdown => {
            for plan in &plans {
                context.printer.result(&show::plan::markdown(plan, &kinds, &tree.revision.id, context.policy()));
            }
        }
        _ => {
            for plan in &plans {
                context.printer.result(&show::plan::text(plan, &kinds, context.printer));
            }
        }
    }
    let incomplete = plans.iter().any(|plan| !plan.not_read.is_empty());
    let pending = plans.iter().any(|plan| !plan.steps.is_empty());
    end.max(match (incomplete, pending && exit_code) {
        (true, _) => End::Failed,
        (false, true) => End::Findings,
        (false, false) => End::Done,
    })
}

async fn look(context: &Context<'_>, stack: &mut Stack) -> Result<agent_core::plan::Plan, SessionError> {
    let header = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let session = context.clouds.open(&header.stack).await?;
    let engine = session.engine(&|_| (), Settings::default());
    let (desired, look) = session.look(&engine, stack).await?;
    stack.judged(desired.notes());
    stack.judged(&session.judged_plan(&desired, &look.plan).await);
    Ok(look.plan)
}
