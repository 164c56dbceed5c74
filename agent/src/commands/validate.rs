//! `agent validate`: all problems of all stacks in one run, those that the rules find among them. Without AWS, unless it is asked
//! for what the manifests refer to and do not own. What a rule cannot decide is shown and no problem here: `agent apply` asks
//! again.

use agent_core::allowed::Judge;
use agent_core::desired::Desired;
use agent_core::source::render::{render_github, render_junit, render_markdown, render_sarif};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::{Stack, Tree, offline};
use crate::session::SessionError;
use crate::show::findings::Found;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, online: bool) -> End {
    let started = Timestamp::now();
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let (mut end, mut counts) = (End::Done, Vec::new());
    for stack in &mut stacks {
        let desired = match wanted(context, stack, online).await {
            Ok(desired) => desired,
            Err(error) => {
                end = end.max(context.told_of(&stack.name(), &error));
                None
            }
        };
        counts.push(desired.as_ref().map(|desired| desired.resources.len()));
        if let Some(desired) = desired {
            stack.policies = Some(desired.written.policies.clone());
            stack.judged(&context.clouds.judge().desired(&desired).await);
        }
    }
    let problems: usize = stacks.iter().map(|stack| stack.problems.len()).sum();
    let found = if problems > 0 { End::Findings } else { End::Done };
    match context.output {
        Output::Text => text(context, &stacks, &counts),
        Output::Json => context.printer.result(&as_json(&stacks)),
        _ => pipeline(context, &tree, &stacks, &counts, started),
    }
    end.max(found)
}

/// What a stack wants, as far as it can be told; its problems are in the stack.
async fn wanted(context: &Context<'_>, stack: &mut Stack, online: bool) -> Result<Option<Desired>, SessionError> {
    let header = stack.manifest.as_ref().map(|manifest| manifest.stack.clone());
    let Some(header) = header.filter(|_| online && stack.problems.is_empty()) else {
        return Ok(offline(stack).map(|(desired, _)| desired));
    };
    match context.clouds.open(&header).await?.wanted(stack).await {
        Ok(desired) => Ok(Some(desired)),
        Err(SessionError::Problems) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(context: &Context<'_>, stacks: &[Stack], counts: &[Option<usize>]) {
    context.problems(stacks);
    context.notes(stacks);
    for (stack, count) in stacks.iter().zip(counts) {
        let Some(count) = count.filter(|_| stack.problems.is_empty()) else { continue };
        let excepted = match stack.excepted.len() {
            0 => String::new(),
            1 => ", 1 exception".to_owned(),
            n => format!(", {n} exceptions"),
        };
        context.printer.result(&format!("{}: {count} resources, no problems{excepted}", stack.name()));
    }
    let problems: usize = stacks.iter().map(|stack| stack.problems.len()).sum();
    if problems > 0 {
        context.printer.progress(&format!("{problems} problem{}", if problems == 1 { "" } else { "s" }));
    }
}

fn as_json(stacks: &[Stack]) -> String {
    let said = |stack: &&Stack| !(stack.problems.is_empty() && stack.notes.is_empty() && stack.excepted.is_empty());
    let one = |stack: &Stack| {
        let mut value = json!({ "stack": stack.name(), "problems": stack.problems.to_json(&stack.sources) });
        if !stack.notes.is_empty() {
            value["notes"] = stack.notes.to_json(&stack.sources);
        }
        if !stack.excepted.is_empty() {
            let excepted = stack
                .excepted
                .iter()
                .map(|one| json!({ "rule": one.problem.code, "message": one.problem.message, "reason": one.reason }));
            value["excepted"] = excepted.collect();
        }
        value
    };
    pretty(&Value::from(stacks.iter().filter(said).map(one).collect::<Vec<_>>()))
}

/// The forms that pipelines read.
fn pipeline(context: &Context<'_>, tree: &Tree, stacks: &[Stack], counts: &[Option<usize>], started: Timestamp) {
    let judged = counts.iter().map(Option::is_some).collect();
    let found = Found { bundle: context.clouds.judge().bundle(), tree, stacks, judged, started };
    let text = found.drawn(match context.output {
        Output::Sarif => render_sarif,
        Output::Junit => render_junit,
        Output::Github => render_github,
        Output::Text | Output::Json | Output::Markdown => render_markdown,
    });
    context.printer.result(text.trim_end_matches('\n'));
}
