//! The commands, a file each, and what they have in common: loading, reporting problems, exit codes.

mod apply;
mod by_hand;
mod destroy;
mod diff;
mod explain;
mod files;
mod graph;
mod healthcheck;
mod history;
mod policy;
mod render;
mod rotate;
mod run;
mod status;
mod suspend;
mod validate;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agent_core::pass::PassError;
use agent_core::source::render::{escape, render_text};
use agent_core::source::{Problem, Problems, Severity};
use agent_core::state::NotSuspended;
use agent_core::work::heard_by;
use serde_json::{Value, json};

use crate::audit::Audit;
use crate::cli::{Cli, Command, From, Output};
use crate::config::{self, BadConfig};
use crate::load::{LoadError, Stack, Tree, cache, stacks, tree};
use crate::policy as rules;
use crate::printer::Printer;
use crate::session::{Clouds, RoleError, SessionError};

/// What a command has at hand.
pub struct Context<'a> {
    printer: &'a Printer,
    output: Output,
    /// AWS, with the rules that are in force.
    clouds: Arc<Clouds>,
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Exit code 0.
    Done = 0,
    /// Exit code 1: findings, or changes pending where that was asked for.
    Findings = 1,
    /// Exit code 2: wrong usage or configuration.
    Usage = 2,
    /// Exit code 3: failure.
    Failed = 3,
}

/// Runs a command.
pub async fn run(cli: Cli, printer: &Printer) -> ExitCode {
    let config = cli.global.config;
    match cli.command {
        Command::Run => return ExitCode::from(run::run(printer, config.as_deref()).await as u8),
        Command::Healthcheck => return ExitCode::from(healthcheck::run(printer, config.as_deref()).await as u8),
        _ => {}
    }
    if cli.global.output.is_for_findings() && !matches!(cli.command, Command::Validate { .. }) {
        printer.error("this output is for what `agent validate` finds", Some("use text, json or markdown here"));
        return ExitCode::from(End::Usage as u8);
    }
    let clouds = match clouds(printer, config.as_deref()).await {
        Ok(clouds) => Arc::new(clouds),
        Err(end) => return ExitCode::from(end as u8),
    };
    let context = Context { printer, output: cli.global.output, clouds };
    let end = match cli.command {
        Command::Validate { from, online, paths } => {
            validate::run(&context, &from, &validate::How { online, paths }).await
        }
        Command::Diff { from, preview, exit_code } => {
            let crate::cli::Preview { base, offline, limit, full, full_url } = preview;
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let how = diff::How { base, offline, exit_code, limit, full, full_url };
            Box::pin(diff::run(&context, &from, &how)).await
        }
        Command::Apply { from, accept_revision, timeout } => {
            apply::run(&context, &from, accept_revision.as_deref(), timeout).await
        }
        Command::Destroy { from, place, yes, removals, timeout, accept_revision: accept } => {
            let how = destroy::How { yes: yes.yes, removals, timeout: Duration::from_secs(timeout), accept };
            destroy::run(&context, &from, &place, &how).await
        }
        Command::Rotate { stack, component, repo, rev, path, timeout, accept_revision: accept } => {
            let (dir, only) = if repo.is_some() { (".".into(), Some(stack)) } else { (stack.into(), None) };
            let from = From { dir, repo, rev, path, stack: only };
            let how = rotate::How { timeout: Duration::from_secs(timeout), accept };
            rotate::run(&context, &from, &component, &how).await
        }
        Command::Run | Command::Healthcheck => End::Usage,
        Command::Render(from) => render::run(&context, &from).await,
        Command::Graph(from) => graph::run(&context, &from).await,
        Command::Status { from, all, watch, every, exit_code } => {
            let how = status::How { all, exit_code, every: watch.then(|| Duration::from_secs(every)) };
            status::run(&context, &from, &how).await
        }
        Command::History { from, place } => history::run(&context, &from, &place).await,
        Command::Suspend { from, place, reason, until } => {
            suspend::run(&context, &from, &place, &suspend::What::Suspend { reason, until }).await
        }
        Command::Resume { from, place } => suspend::run(&context, &from, &place, &suspend::What::Resume).await,
        Command::Files { arguments } => files::run(&context, &arguments),
        Command::Policy { what } => policy::run(&context, &what).await,
        Command::Schema => explain::schema(&context),
        Command::Explain { name } => explain::run(&context, name.as_deref()),
    };
    ExitCode::from(end as u8)
}

/// AWS with the roles and the rules that a configuration asks for, or with no roles and the rules of this program as they are.
async fn clouds(printer: &Printer, config: Option<&Path>) -> Result<Clouds, End> {
    let config = config.map(config::read_part).transpose();
    let config = config.map_err(|bad| bad_config(printer, &bad))?.unwrap_or_default();
    let cache = config.cache.clone().unwrap_or_else(cache);
    let judge = rules::judge(&config.policy, &cache).await.map_err(|error| {
        printer.error(&error.to_string(), error.hint().as_deref());
        End::Usage
    })?;
    Ok(Clouds::new(judge, config.role))
}

/// Shows what is wrong with a configuration.
fn bad_config(printer: &Printer, bad: &BadConfig) -> End {
    printer.result(&render_text(&bad.problems, &bad.sources, printer.coloured()));
    End::Usage
}

impl Context<'_> {
    /// The stacks of a place; what hinders it is told here.
    async fn load(&self, from: &From) -> Result<(Tree, Vec<Stack>), End> {
        let told = |error: LoadError| {
            self.printer.error(&error.full(), error.hint().as_deref());
            match error {
                LoadError::Git(_) | LoadError::TooMuch(_) => End::Failed,
                LoadError::NotPlain(_) => End::Findings,
                _ => End::Usage,
            }
        };
        let tree = tree(from).await.map_err(told)?;
        let stacks = stacks(&tree, from.stack.as_deref()).map_err(told)?;
        Ok((tree, stacks))
    }

    /// Prints the problems of stacks, all of them, as the result of the command.
    fn problems(&self, stacks: &[Stack]) {
        if self.output == Output::Json {
            let all: Vec<Value> = stacks
                .iter()
                .map(|stack| json!({ "stack": stack.name(), "problems": stack.problems.to_json(&stack.sources) }))
                .collect();
            self.printer.result(&pretty(&Value::from(all)));
            return;
        }
        for stack in stacks.iter().filter(|stack| !stack.problems.is_empty()) {
            self.printer.result(&render_text(&stack.problems, &stack.sources, self.printer.coloured()));
        }
    }

    /// The digest of the rules that are in force.
    fn policy(&self) -> &str {
        self.clouds.judge().bundle().digest()
    }

    /// Does work on a stack, each change of which has a line in the audit log. No signature is asked for here.
    fn audited<F: Future>(&self, stack: &str, revision: &str, work: F) -> impl Future<Output = F::Output> {
        let (stack, revision, policy) = (stack.to_owned(), revision.to_owned(), self.policy().to_owned());
        heard_by(Arc::new(Audit { stack, revision, policy, signer: None }), Box::pin(work))
    }

    /// Shows what rules advise and what they could not decide, beside the result.
    fn notes(&self, stacks: &[Stack]) {
        for stack in stacks.iter().filter(|stack| !stack.notes.is_empty()) {
            let text = render_text(&stack.notes, &stack.sources, self.printer.coloured());
            self.printer.progress(text.trim_end_matches('\n'));
        }
        for stack in stacks.iter().filter(|stack| !stack.excepted.is_empty()) {
            let mut excepted = Problems::new();
            for one in &stack.excepted {
                let until = one.until.map(|until| format!(" until {until}")).unwrap_or_default();
                let message = format!("{} (excepted{until}: {})", one.problem.message, one.reason);
                excepted.push(Problem { message, ..one.problem.clone() }.severity(Severity::Note));
            }
            let text = render_text(&excepted, &stack.sources, self.printer.coloured());
            self.printer.progress(text.trim_end_matches('\n'));
        }
    }

    /// Tells that a stack was left alone, and why.
    fn left_alone(&self, stack: &Stack, reason: &str, reports: &mut Vec<Value>) {
        self.printer.error(&format!("{}: {reason}", stack.name()), None);
        reports.push(json!({ "stack": stack.name(), "left_alone": reason }));
    }

    /// Tells why a stack could not be worked on.
    fn told(&self, stack: &mut Stack, error: &SessionError) -> End {
        match error {
            SessionError::Problems => {}
            // What is open lets no step pass, so here it is a problem too.
            SessionError::Refused(findings) | SessionError::Pass(PassError::Refused(findings)) => {
                stack.refused(findings);
            }
            _ => return self.told_of(&stack.name(), error),
        }
        self.problems(std::slice::from_ref(stack));
        // Those of a plan were shown with what it is for.
        if matches!(error, SessionError::Refused(_)) {
            self.notes(std::slice::from_ref(stack));
        }
        End::Findings
    }

    /// The same of a stack that may have no manifest.
    fn told_of(&self, name: &str, error: &SessionError) -> End {
        match error {
            SessionError::Refused(findings) | SessionError::Pass(PassError::Refused(findings)) => {
                for finding in findings {
                    self.printer.error(&format!("{}: {}", finding.rule, finding.message), finding.hint.as_deref());
                }
                return End::Findings;
            }
            SessionError::Pass(PassError::Plan(errors)) => {
                for error in errors {
                    self.printer.error(&error.to_string(), None);
                }
                return End::Findings;
            }
            SessionError::Pass(PassError::State(fault)) => {
                let message = format!("{name}: the state of the stack could not be read or written: {fault}");
                self.printer.error(&message, error.hint().as_deref());
                return End::Failed;
            }
            _ => {}
        }
        let hint = match error {
            SessionError::Pass(PassError::Suspended(suspended)) => Some(suspended.hint(name)),
            _ => error.hint(),
        };
        self.printer.error(&format!("{name}: {}", escape(&error.to_string())), hint.as_deref());
        match error {
            SessionError::NoAccount(_) | SessionError::Pending(_) => End::Findings,
            SessionError::NoRegion
            | SessionError::NoSuchStack { .. }
            | SessionError::NotRotating(_)
            | SessionError::NotSuspended(NotSuspended::Reason)
            | SessionError::Role(RoleError::ExternalId { .. } | RoleError::Several { .. })
            | SessionError::OnlyReports => End::Usage,
            _ => End::Failed,
        }
    }
}

/// JSON for people and programs.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
