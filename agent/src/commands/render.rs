//! `agent render`: every resource that the components make.

use serde_json::json;

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::offline;
use crate::printer::Tone;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From) -> End {
    let (_, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut all = Vec::new();
    for stack in &mut stacks {
        if let Some((desired, _)) = offline(stack) {
            all.push(desired);
        }
    }
    if stacks.iter().any(|stack| !stack.problems.is_empty()) {
        context.problems(&stacks);
        return End::Findings;
    }
    if context.output == Output::Json {
        context.printer.result(&pretty(&json!(all)));
        return End::Done;
    }
    for desired in &all {
        for (address, wanted) in &desired.resources {
            context.printer.result(&context.printer.tone(Tone::Strong, address.as_str()));
            let spec = wanted.spec.value();
            for (field, value) in spec.as_object().into_iter().flatten() {
                context.printer.result(&format!("  {field} = {}", agent_core::diff::shown(value)));
            }
        }
    }
    End::Done
}
