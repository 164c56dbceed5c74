//! `agent validate`: all problems of all stacks in one run, those that the rules find among them. Without AWS, unless it is asked
//! for what the manifests refer to and do not own. What a rule cannot decide is shown and no problem here: `agent apply` asks
//! again.

use agent_core::allowed::Judge;
use agent_core::desired::Desired;
use agent_core::source::Problem;
use agent_core::source::render::{render_github, render_junit, render_markdown, render_sarif};
use agent_model::facts::preflight::{Check, show};
use agent_model::facts::{Facts, Known};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::{Stack, Tree, offline};
use crate::session::SessionError;
use crate::show::findings::Found;

/// How it is done.
pub struct How {
    /// Whether AWS is asked for what the manifests refer to.
    pub online: bool,
    /// Whether the ways of tasks are shown.
    pub paths: bool,
}

/// What is known of a stack that could be expanded.
struct Judged {
    /// How many resources it has.
    resources: usize,
    /// What each task needs, hop by hop.
    paths: Vec<Check>,
}

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, how: &How) -> End {
    let started = Timestamp::now();
    let (tree, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let (mut end, mut judged) = (End::Done, Vec::new());
    for stack in &mut stacks {
        let desired = match wanted(context, stack, how.online).await {
            Ok(desired) => desired,
            Err(error) => {
                end = end.max(context.told_of(&stack.name(), &error));
                // On the terminal it was just told.
                if context.output != Output::Text {
                    stack.problems.push(Problem::new("not-asked", format!("AWS could not be asked: {error}")));
                }
                None
            }
        };
        judged.push(desired.as_ref().map(|desired| {
            let paths = if how.paths { paths(desired) } else { Vec::new() };
            Judged { resources: desired.resources.len(), paths }
        }));
        if let Some(desired) = desired {
            stack.policies = Some(desired.written.policies.clone());
            stack.judged(&context.clouds.judge().desired(&desired).await);
        }
    }
    let problems: usize = stacks.iter().map(|stack| stack.problems.len()).sum();
    let found = if problems > 0 { End::Findings } else { End::Done };
    match context.output {
        Output::Text => text(context, &stacks, &judged),
        Output::Json => context.printer.result(&as_json(&stacks, &judged, context.policy())),
        _ => pipeline(context, &tree, &stacks, &judged, started),
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

/// What each task needs, hop by hop. A document that does not fit its kind was told by the rules.
fn paths(desired: &Desired) -> Vec<Check> {
    Facts::of(desired, &Known::of(&desired.networks)).map(|facts| facts.checks).unwrap_or_default()
}

fn text(context: &Context<'_>, stacks: &[Stack], judged: &[Option<Judged>]) {
    context.problems(stacks);
    context.notes(stacks);
    for (stack, judged) in stacks.iter().zip(judged) {
        let Some(Judged { resources, paths }) = judged else { continue };
        if !paths.is_empty() {
            context.printer.result(show(paths).trim_end_matches('\n'));
        }
        if !stack.problems.is_empty() {
            continue;
        }
        let excepted = match stack.excepted.len() {
            0 => String::new(),
            1 => ", 1 exception".to_owned(),
            n => format!(", {n} exceptions"),
        };
        context.printer.result(&format!("{}: {resources} resources, no problems{excepted}", stack.name()));
    }
    let problems: usize = stacks.iter().map(|stack| stack.problems.len()).sum();
    if problems > 0 {
        context.printer.progress(&format!("{problems} problem{}", if problems == 1 { "" } else { "s" }));
    }
}

fn as_json(stacks: &[Stack], judged: &[Option<Judged>], policy: &str) -> String {
    let said = |stack: &Stack| !(stack.problems.is_empty() && stack.notes.is_empty() && stack.excepted.is_empty());
    let one = |(stack, judged): (&Stack, &Option<Judged>)| {
        let paths = judged.as_ref().map(|judged| &judged.paths).filter(|paths| !paths.is_empty());
        if !said(stack) && paths.is_none() {
            return None;
        }
        let problems = stack.problems.to_json(&stack.sources);
        let mut value = json!({ "stack": stack.name(), "policy": policy, "problems": problems });
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
        if let Some(paths) = paths {
            value["paths"] = serde_json::to_value(paths).unwrap_or_default();
        }
        Some(value)
    };
    pretty(&Value::from(stacks.iter().zip(judged).filter_map(one).collect::<Vec<_>>()))
}

/// The forms that pipelines read.
fn pipeline(context: &Context<'_>, tree: &Tree, stacks: &[Stack], judged: &[Option<Judged>], started: Timestamp) {
    let judged = judged.iter().map(Option::is_some).collect();
    let found = Found { bundle: context.clouds.judge().bundle(), tree, stacks, judged, started };
    let text = found.drawn(match context.output {
        Output::Sarif => render_sarif,
        Output::Junit => render_junit,
        Output::Github => render_github,
        Output::Text | Output::Json | Output::Markdown => render_markdown,
    });
    context.printer.result(text.trim_end_matches('\n'));
}
