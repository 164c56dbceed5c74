//! `agent rotate`: makes the secret header of a load balancer anew, and stays until the old one is good no longer.

use std::time::Duration;

use agent_core::pass::PassReport;
use agent_core::plan::Settings;
use serde_json::Value;

use super::apply::conclude;
use super::{Context, End, by_hand, pretty};
use crate::cli::{From, Output};
use crate::load::{Stack, Tree};
use crate::session::SessionError;
use crate::show;

/// What was said about it.
pub struct How {
    /// When to give up.
    pub timeout: Duration,
    /// The revision that is the right one, whatever was before.
    pub accept: Option<String>,
}

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, component: &str, how: &How) -> End {
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    if let Err(end) = by_hand::accepts(context, &tree, how.accept.as_deref()) {
        return end;
    }
    let [stack] = stacks.as_mut_slice() else {
        let names: Vec<String> = stacks.iter().map(Stack::name).collect();
        let message = format!("there are several stacks here: {}", names.join(", "));
        context.printer.error(&message, Some("name the folder of one"));
        return End::Usage;
    };
    let mut reports = Vec::new();
    let end = match one(context, (from, &tree), stack, component, how).await {
        Ok(pass) => conclude(context, &stack.name(), &tree.revision.id, &pass, &mut reports),
        Err(error) => context.told(stack, &error),
    };
    if context.output == Output::Json {
        context.printer.result(&pretty(&Value::from(reports)));
    }
    end
}

async fn one(
    context: &Context<'_>,
    (from, tree): (&From, &Tree),
    stack: &mut Stack,
    component: &str,
    how: &How,
) -> Result<PassReport, SessionError> {
    let manifest = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let session = context.clouds.open_at(&manifest.stack, Some(&tree.revision.id)).await?;
    let tell = |event: agent_core::execute::Event<'_>| {
        if let Some(line) = show::report::event(&event, context.printer) {
            context.printer.progress(&line);
        }
    };
    let engine = session.engine(&tell, Settings::default());
    let (desired, look, begins) = session.look_to_rotate(&engine, stack, component).await?;
    if how.accept.is_none() {
        let (stack, last) = (&session.scope.stack, look.state.last.as_ref());
        by_hand::may_follow(stack, last, from, &tree.revision, "to do it all the same").await?;
    }
    if !begins {
        context
            .printer
            .progress(&format!("the secret of {component} is being made anew already; this goes on with it"));
    }
    let work = engine.converge(&desired, &tree.revision, how.timeout, Some(look));
    Ok(context.audited(&stack.name(), &tree.revision.id, work).await?)
}
