//! `agent policy`: the rules themselves.

mod show;
mod test;

use agent_model::facts::Known;
use agent_model::policy_input;

use super::{Context, End, pretty};
use crate::cli::{From, Policy};
use crate::load::offline;

/// Runs it.
pub async fn run(context: &Context<'_>, what: &Policy) -> End {
    match what {
        Policy::List => show::list(context),
        Policy::Explain { rule } => show::explain(context, rule),
        Policy::Input { schema: true, .. } => {
            context.printer.result(&pretty(&policy_input::schema()));
            End::Done
        }
        Policy::Input { from, .. } => input(context, from).await,
        Policy::Test { dir } => test::run(context, dir).await,
    }
}

/// Prints the document of one stack.
async fn input(context: &Context<'_>, from: &From) -> End {
    let (_, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let [stack] = stacks.as_mut_slice() else {
        let names: Vec<String> = stacks.iter().map(crate::load::Stack::name).collect();
        let hint = format!("name one with `--stack`: {}", names.join(", "));
        context.printer.error("rules judge one stack at a time, and here are several", Some(&hint));
        return End::Usage;
    };
    let Some((desired, _)) = offline(stack) else {
        context.problems(std::slice::from_ref(stack));
        return End::Findings;
    };
    let document = policy_input::document(&desired, None, &Known::default());
    match document
        .map_err(|error| error.to_string())
        .and_then(|one| serde_json::to_value(one).map_err(|e| e.to_string()))
    {
        Ok(document) => {
            context.printer.result(&pretty(&document));
            End::Done
        }
        Err(error) => {
            context.printer.error(&format!("{}: the stack has no document: {error}", stack.name()), None);
            End::Failed
        }
    }
}
