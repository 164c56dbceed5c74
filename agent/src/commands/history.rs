//! `agent history`: which revisions a stack had, what came of them, and how long they took.

use agent_core::address::Scope;
use agent_core::journal::Journal;
use serde_json::{Value, json};

use super::{Context, End, destroy, pretty};
use crate::cli::{From, Output, Place};
use crate::load::Stack;
use crate::session::{Clouds, SessionError};
use crate::show;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, place: &Place) -> End {
    let mut found = Vec::new();
    let end = match destroy::name_of_stack(from) {
        Some(name) => match by_name(&context.clouds, name, place).await {
            Ok(journal) => {
                found.push((name.to_owned(), journal));
                End::Done
            }
            Err(error) => context.told_of(name, &error),
        },
        None => match place.given() {
            Some(given) => return destroy::misplaced(context, given),
            None => of_manifests(context, from, &mut found).await,
        },
    };
    show(context, &found);
    end
}

async fn of_manifests(context: &Context<'_>, from: &From, found: &mut Vec<(String, Journal)>) -> End {
    let (_, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let mut end = End::Done;
    for stack in &mut stacks {
        match of_stack(&context.clouds, stack).await {
            Ok(journal) => found.push((stack.name(), journal)),
            Err(error) => end = end.max(context.told(stack, &error)),
        }
    }
    end
}

/// What is wrong with the rest of a manifest does not matter here.
async fn of_stack(clouds: &Clouds, stack: &Stack) -> Result<Journal, SessionError> {
    let manifest = stack.manifest.as_ref().ok_or(SessionError::Problems)?;
    clouds.open(&manifest.stack).await?.journal().await
}

async fn by_name(clouds: &Clouds, name: &str, place: &Place) -> Result<Journal, SessionError> {
    let session = clouds.of_name(name, place.account.as_deref(), place.region.as_deref()).await?;
    let journal = session.journal().await?;
    if journal.runs.is_empty() {
        let Scope { account, region, .. } = session.scope.clone();
        return Err(SessionError::NoSuchStack { stack: name.into(), account, region });
    }
    Ok(journal)
}

fn show(context: &Context<'_>, found: &[(String, Journal)]) {
    let texts: Vec<String> = match context.output {
        Output::Json => {
            let all: Vec<Value> = found
                .iter()
                .map(|(stack, journal)| {
                    json!({ "stack": stack, "runs": journal.runs, "older_not_kept": journal.older_not_kept })
                })
                .collect();
            vec![pretty(&Value::from(all))]
        }
        Output::Markdown => found.iter().map(|(stack, one)| show::history::markdown(stack, one)).collect(),
        _ => found.iter().map(|(stack, one)| show::history::text(stack, one, context.printer)).collect(),
    };
    if !texts.is_empty() {
        context.printer.result(&texts.join("\n"));
    }
}
