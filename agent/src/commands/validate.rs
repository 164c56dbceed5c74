//! `agent validate`: all problems of all stacks in one run, without AWS.

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::offline;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From) -> End {
    let (_, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut counts = Vec::new();
    for stack in &mut stacks {
        counts.push(offline(stack).map_or(0, |(desired, _)| desired.resources.len()));
    }
    let problems: usize = stacks.iter().map(|stack| stack.problems.len()).sum();
    if problems > 0 {
        context.problems(&stacks);
        context.printer.progress(&format!("{problems} problem{}", if problems == 1 { "" } else { "s" }));
        return End::Findings;
    }
    if context.output == Output::Json {
        context.printer.result(&pretty(&serde_json::json!([])));
    } else {
        for (stack, count) in stacks.iter().zip(counts) {
            context.printer.result(&format!("{}: {count} resources, no problems", stack.name()));
        }
    }
    End::Done
}
