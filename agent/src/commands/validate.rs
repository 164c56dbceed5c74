//! `agent validate`: all problems of all stacks in one run, those that the rules find among them, without AWS. What a rule
//! cannot decide without AWS is shown and no problem here: `agent apply` asks again.

use agent_core::allowed::Judge;

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
    let judge = context.clouds.judge();
    for stack in &mut stacks {
        let desired = offline(stack).map(|(desired, _)| desired);
        counts.push(desired.as_ref().map_or(0, |desired| desired.resources.len()));
        if let Some(desired) = desired {
            stack.judged(&judge.desired(&desired).await);
        }
    }
    let problems: usize = stacks.iter().map(|stack| stack.problems.len()).sum();
    if problems > 0 {
        context.problems(&stacks);
        context.printer.progress(&format!("{problems} problem{}", if problems == 1 { "" } else { "s" }));
        return End::Findings;
    }
    context.notes(&stacks);
    if context.output == Output::Json {
        let notes = stacks.iter().filter(|stack| !stack.notes.is_empty());
        let notes = notes.map(|stack| {
            let notes = stack.notes.to_json(&stack.sources);
            serde_json::json!({ "stack": stack.name(), "problems": { "problems": [], "dropped": 0 }, "notes": notes })
        });
        context.printer.result(&pretty(&serde_json::Value::from(notes.collect::<Vec<_>>())));
    } else {
        for (stack, count) in stacks.iter().zip(counts) {
            context.printer.result(&format!("{}: {count} resources, no problems", stack.name()));
        }
    }
    End::Done
}
