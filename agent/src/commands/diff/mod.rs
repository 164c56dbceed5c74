//! `agent diff`: the plan against live AWS, or, with a base, what merging a revision into that would change. It changes nothing.

mod based;
mod sides;

use std::path::PathBuf;

use agent_core::pass::PassError;
use agent_core::plan::{Plan, Settings};
use agent_core::state::Suspended;

use super::{Context, End, pretty};
use crate::cli::{From, Output};
use crate::load::{LoadError, Stack};
use crate::order::Left;
use crate::session::SessionError;
use crate::show;
use crate::show::preview::{Looked, Page, Preview, Standing};

/// How it is done.
pub struct How {
    /// The revision that it is compared with.
    pub base: Option<String>,
    /// Whether AWS is left alone.
    pub offline: bool,
    /// Whether pending changes end with 1.
    pub exit_code: bool,
    /// The most bytes of markdown.
    pub limit: usize,
    /// Where all of the markdown goes.
    pub full: Option<PathBuf>,
    /// Where people find all of it.
    pub full_url: Option<String>,
}

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, how: &How) -> End {
    let done = match &how.base {
        Some(base) => Box::pin(based::run(context, from, base, how.offline)).await,
        None => Box::pin(live(context, from)).await,
    };
    let (preview, end) = match done {
        Ok(done) => done,
        Err(end) => return end,
    };
    let incomplete = preview.plans().any(|plan| !plan.not_read.is_empty());
    let pending = preview.plans().any(|plan| !plan.steps.is_empty());
    let end = end.max(match (incomplete, pending && how.exit_code) {
        (true, _) => End::Failed,
        (false, true) => End::Findings,
        (false, false) => End::Done,
    });
    end.max(shown(context, from, how, &preview))
}

/// Against AWS, and nothing else.
async fn live(context: &Context<'_>, from: &From) -> Result<(Preview, End), End> {
    let (tree, mut stacks) = context.load(from).await?;
    let mut preview = Preview::new(tree.revision.id.clone(), context.policy());
    let (mut end, mut left) = (End::Done, Left::default());
    for stack in &mut stacks {
        let mut looked = Looked::new(stack.name(), Standing::Alone);
        end = end.max(look_at(context, stack, &tree.revision.id, &mut left, &mut looked).await);
        looked.says(stack, None);
        preview.stacks.push(looked);
    }
    Ok((preview, end))
}

/// One stack against AWS.
async fn look_at(
    context: &Context<'_>,
    stack: &mut Stack,
    revision: &str,
    left: &mut Left,
    looked: &mut Looked,
) -> End {
    if let Some(reason) = left.alone(stack) {
        context.left_alone(stack, &reason, &mut Vec::new());
        looked.errors.push((reason, None));
        return End::Done;
    }
    let error = match look(context, stack, revision).await {
        Ok((plan, suspended)) => {
            (looked.plan, looked.suspended) = (Some(plan), suspended);
            return told(context, stack, left);
        }
        Err(error) => error,
    };
    left.failed(stack);
    looked.errors = errors(&error);
    if context.output == Output::Text || (looked.standing == Standing::Alone && context.output == Output::Json) {
        return context.told(stack, &error);
    }
    // What is found is a part of the page.
    if let SessionError::Refused(findings) | SessionError::Pass(PassError::Refused(findings)) = &error {
        stack.refused(findings);
    }
    match error {
        SessionError::Problems | SessionError::Refused(_) | SessionError::Pass(PassError::Refused(_)) => End::Findings,
        error => context.told_of(&stack.name(), &error),
    }
}

/// Tells what was found beside a plan, where that is no part of the output.
fn told(context: &Context<'_>, stack: &Stack, left: &mut Left) -> End {
    if context.output != Output::Markdown {
        context.notes(std::slice::from_ref(stack));
    }
    if stack.problems.is_empty() {
        return End::Done;
    }
    if context.output == Output::Text {
        context.problems(std::slice::from_ref(stack));
    }
    left.failed(stack);
    End::Findings
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

/// Why there is no plan, sentence by sentence; what is in the stack's problems is not among it.
fn errors(error: &SessionError) -> Vec<(String, Option<String>)> {
    match error {
        SessionError::Problems | SessionError::Refused(_) | SessionError::Pass(PassError::Refused(_)) => Vec::new(),
        SessionError::Pass(PassError::Plan(errors)) => errors.iter().map(|error| (error.to_string(), None)).collect(),
        error => vec![(error.to_string(), error.hint())],
    }
}

/// Tells that there is nothing to compare, on the page too: one of an earlier run would be taken for this one's.
fn failed(context: &Context<'_>, error: &LoadError) -> (Preview, End) {
    context.printer.error(&error.to_string(), error.hint().as_deref());
    let mut preview = Preview::new(String::new(), context.policy());
    preview.failed = Some((error.full(), error.hint()));
    let end = if matches!(error, LoadError::Git(_) | LoadError::TooMuch(_)) { End::Failed } else { End::Usage };
    (preview, end)
}

fn shown(context: &Context<'_>, from: &From, how: &How, preview: &Preview) -> End {
    let kinds = agent_model::kinds::table();
    match context.output {
        Output::Json => context.printer.result(&pretty(&show::preview::json::drawn(preview))),
        Output::Markdown => {
            let marker = show::preview::markdown::marker(from, how.offline);
            let page = |limit, all_at: Option<&str>| {
                let page = Page { kinds: &kinds, marker: &marker, limit, all_at };
                show::preview::markdown::drawn(preview, &page)
            };
            if let Some(file) = &how.full
                && let Err(error) = std::fs::write(file, page(usize::MAX, None))
            {
                let message = format!("`{}` cannot be written: {error}", file.display());
                context.printer.error(&message, Some("check `--full`"));
                return End::Failed;
            }
            context.printer.result(&page(how.limit, how.full_url.as_deref()));
        }
        _ => {
            let text = show::preview::text::drawn(preview, &kinds, context.printer);
            if !text.is_empty() {
                context.printer.result(&text);
            }
        }
    }
    End::Done
}
