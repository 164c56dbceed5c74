//! One pass over one stack on behalf of the loop: what it comes to in the schedule's words, and what of it goes to the log. Real
//! changes and failures are told, a look that finds nothing is not.

use std::sync::Arc;

use agent_core::execute::Event;
use agent_core::fault::{Class, Fault};
use agent_core::manifest::Mode;
use agent_core::pass::{PassError, PassReport, Revision};
use agent_core::plan::Settings;
use agent_core::report::{Outcome, StepError};
use agent_core::schedule::How;
use agent_core::source::{Problem, Problems, Sources, escape};
use agent_core::state::{Belongs, Ended, Expiry, Suspended};
use agent_core::told;
use agent_core::wait::Halt;
use tracing::{debug, error, info, warn};

use super::source::Source;
use super::tell::{self, About, Desk};
use crate::load::Stack;
use crate::session::{Clouds, RoleError, Session, SessionError, owner};

/// What a pass is made with.
pub struct Orders {
    /// The revision that the stack is of.
    pub revision: Revision,
    /// Where it comes from.
    pub source: Arc<Source>,
    /// How many components it may remove without saying so.
    pub removals: usize,
    /// Ends it early.
    pub halt: Halt,
    /// The pass before found the stack suspended by command: whether it still is is asked first.
    pub was_suspended: bool,
    /// The pass before found another agent at work: whether it still is is asked first.
    pub held: Option<Expiry>,
    /// Whom to tell what it finds.
    pub desk: Arc<Desk>,
    /// Of what.
    pub about: About,
}

/// What a pass came to.
pub struct Passed {
    /// How it ended.
    pub how: How,
    /// Whether it changed anything.
    pub changed: bool,
    /// What hindered it before any step was tried. Drift passes meet the same again and again; whoever logs knows what is new.
    pub hindrances: Vec<Hindrance>,
    /// Why nothing was to be changed, if that was so.
    pub suspended: Option<Suspended>,
    /// When the lease of the agent that is at work can have expired, where that is known.
    pub held: Option<Expiry>,
    /// Why it failed, in a sentence each.
    pub reasons: Vec<String>,
    /// Whether the stack is only looked at: nothing becomes of its revisions then.
    pub only_reports: bool,
}

impl Passed {
    /// One that a fault of this program has ended.
    pub fn by_a_fault() -> Self {
        Self {
            how: How::FailedForNow,
            changed: false,
            hindrances: Vec::new(),
            suspended: None,
            held: None,
            reasons: vec!["a fault of the agent ended the pass".to_owned()],
            only_reports: false,
        }
    }
}

/// One thing that is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// The rule or the check that found it, if one did.
    pub rule: Option<String>,
    /// What, with its place.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Hindrance {
    fn new(message: impl Into<String>, help: Option<String>) -> Self {
        Self { rule: None, message: message.into(), help }
    }

    /// Puts it into the log.
    pub fn tell(&self) {
        error!(help = self.help.as_deref(), "{}", self.message);
    }

    /// Puts it into the log as something that people have asked for.
    pub fn note(&self) {
        warn!(help = self.help.as_deref(), "suspended: {}", self.message);
    }

    /// Puts it into the log as something that is as it should be.
    pub fn mention(&self) {
        info!(help = self.help.as_deref(), "{}", self.message);
    }
}

/// Makes one pass.
pub async fn pass(clouds: &Clouds, stack: &mut Stack, orders: Orders) -> Passed {
    let was_sound = stack.problems.is_empty();
    let only_reports = stack.manifest.as_ref().is_some_and(|manifest| manifest.stack.mode == Mode::Report);
    let desk = orders.desk.clone();
    match attempt(clouds, stack, orders).await {
        Ok(report) => {
            let hindrances = report.not_read.iter().map(|(kind, fault)| {
                Hindrance::new(format!("{kind} could not be read: {fault}"), Some(fault.class.hint().to_owned()))
            });
            let hindrances: Vec<Hindrance> = hindrances.collect();
            let reasons = reasons(&report, &hindrances);
            let (how, changed) = (how(&report), report.report.moved());
            Passed { how, changed, hindrances, suspended: None, held: None, reasons, only_reports }
        }
        Err(error) => {
            if has_wrong_credentials(&error)
                && let Some(manifest) = &stack.manifest
            {
                clouds.forget(&manifest.stack);
            }
            let hindrances = hindrances(stack, &error);
            if let Some(manifest) = &stack.manifest {
                tell::learn(&desk, clouds, &manifest.stack).await;
            }
            if was_sound {
                // Found with what AWS answered: a subnet that is not there may come, and then the next pass finds none.
                stack.problems = Problems::new();
            }
            let (suspended, held) = match &error {
                SessionError::Pass(PassError::Suspended(suspended)) => (Some(suspended.clone()), None),
                SessionError::Pass(error) => (None, error.expiry()),
                _ => (None, None),
            };
            let reasons = hindrances.iter().map(|hindrance| hindrance.message.clone()).collect();
            Passed { how: how_of(&error), changed: false, hindrances, suspended, held, reasons, only_reports }
        }
    }
}

async fn attempt(clouds: &Clouds, stack: &mut Stack, orders: Orders) -> Result<PassReport, SessionError> {
    let manifest = stack.manifest.as_ref().filter(|_| stack.problems.is_empty()).ok_or(SessionError::Problems)?;
    let report_only = manifest.stack.mode == Mode::Report;
    Session::not_suspended(stack)?;
    let session = clouds.open_at(&manifest.stack, Some(&orders.revision.id)).await?;
    let mut engine = session.engine(&|event| tell(&event), Settings { removal_budget: orders.removals });
    engine.insist = false;
    let origin = orders.source.origin();
    engine.belongs = Belongs::To(origin.clone());
    engine.timing.halt = orders.halt;
    if orders.was_suspended {
        session.still_suspended(&engine).await?;
    }
    if let Some(expiry) = &orders.held {
        session.still_held(expiry).await?;
    }
    let (desired, look) = session.look(&engine, stack).await?;
    if report_only {
        let pending = look.plan.steps.len();
        if pending > 0 {
            warn!(pending, "AWS differs, and nothing is changed, because the stack says `mode = \"report\"`");
        }
        return Ok(PassReport {
            ended: Ended::Converged,
            report: agent_core::report::Report::default(),
            not_read: look.plan.not_read,
            unchanged: look.plan.unchanged,
        });
    }
    if let Some(last) = &look.state.last {
        owner::may_change(&session.scope.stack, last, &origin, &orders.revision.id)?;
        let other = (last.source != orders.revision.source).then(|| last.source.clone());
        let is_next = orders.source.goes_on_from(&last.revision).await;
        is_next.map_err(|error| SessionError::NotNext { error: Box::new(error), other, way: None })?;
    }
    orders.desk.read(&session.scope.stack, look.state.told.as_deref(), session.store());
    if !look.plan.steps.is_empty() {
        debug!(steps = look.plan.steps.len(), "AWS differs");
        if engine.suspended(&look.state).is_none() {
            orders.desk.happened(&orders.about, told::Outcome::Pending, "progressing", &[]);
        }
    }
    Ok(engine.pass_on(&desired, look, &orders.revision).await?)
}

/// Why a pass failed: what was in its way, and the steps that did; where none was tried, why not.
fn reasons(report: &PassReport, hindrances: &[Hindrance]) -> Vec<String> {
    let steps = |outcome: fn(&Outcome) -> Option<String>| {
        let steps = report.report.steps.iter();
        steps.filter_map(move |step| Some(format!("{} {}: {}", step.verb, step.address, outcome(&step.outcome)?)))
    };
    let failed = steps(|outcome| match outcome {
        Outcome::Failed { error } => Some(error.to_string()),
        _ => None,
    });
    let mut all: Vec<String> = hindrances.iter().map(|hindrance| hindrance.message.clone()).chain(failed).collect();
    if all.is_empty() {
        all.extend(steps(|outcome| match outcome {
            Outcome::Skipped { because } => Some(because.clone()),
            _ => None,
        }));
    }
    all.iter().map(|reason| escape(reason)).collect()
}

fn tell(event: &Event<'_>) {
    let Event::Ended(step, outcome) = event else { return };
    let (address, op) = (&step.address, step.op.verb());
    match outcome {
        Outcome::Done { id } => info!(%id, "{op} {address}"),
        Outcome::Failed { error } => error!(help = error.hint(), "{op} {address}: {error}"),
        Outcome::Skipped { because } => debug!("{op} {address} is skipped: {because}"),
        Outcome::Waiting { on } => info!("{op} {address} waits for {on}"),
    }
}

fn how(report: &PassReport) -> How {
    match report.ended {
        Ended::Converged => How::Converged,
        Ended::Progressing | Ended::Applying => How::Progressing,
        Ended::Failed => {
            let failures = || report.report.failures().map(|(_, error)| error);
            let passes = failures().any(|error| error.may_pass() || is_others(error))
                || report.not_read.values().any(|fault| fault.class.passes());
            match passes {
                true if report.not_read.is_empty() && failures().all(is_others) => How::Held,
                true => How::FailedForNow,
                false => How::Failed,
            }
        }
    }
}

/// Whether another agent is at work: the next pass sees what has come of that.
fn is_others(error: &StepError) -> bool {
    matches!(error, StepError::LeaseLost { .. })
}

/// The fault of a call, where that is what hindered the pass.
fn fault_of(error: &SessionError) -> Option<&Fault> {
    match error {
        SessionError::NoAws(fault) | SessionError::Fault(fault) | SessionError::Pass(PassError::State(fault)) => {
            Some(fault)
        }
        SessionError::Role(RoleError::NotTaken { fault, .. }) => Some(fault),
        _ => None,
    }
}

fn has_wrong_credentials(error: &SessionError) -> bool {
    fault_of(error).is_some_and(|fault| fault.class == Class::Credentials)
        || matches!(error, SessionError::WrongAccount { .. })
}

fn how_of(error: &SessionError) -> How {
    let passes = match error {
        SessionError::Pass(PassError::Suspended(_)) => return How::Suspended,
        SessionError::Pass(error) if error.is_others_turn() => return How::Held,
        SessionError::NotNext { error, .. } => !error.is_refusal(),
        // What is left is that it could not be asked for.
        SessionError::NotThere(_) | SessionError::Pass(PassError::Lease(_)) => true,
        // Rules that could not be evaluated say nothing about the revision: the machine may have been short of something.
        SessionError::Refused(findings) | SessionError::Pass(PassError::Refused(findings)) => {
            findings.iter().any(|finding| finding.rule == agent_policy::judge::CHILD)
        }
        // Credentials are renewed by whoever gives them out.
        other => fault_of(other).is_some_and(|fault| fault.class.passes() || fault.class == Class::Credentials),
    };
    if passes { How::FailedForNow } else { How::Failed }
}

fn hindrances(stack: &Stack, error: &SessionError) -> Vec<Hindrance> {
    match error {
        SessionError::Problems => problems(stack),
        SessionError::Refused(findings) | SessionError::Pass(PassError::Refused(findings)) => {
            let in_the_way = findings.iter().filter(|finding| finding.refuses() || finding.is_open());
            let found = in_the_way.map(|finding| match &stack.manifest {
                Some(manifest) => manifest.problem(finding),
                None => Problem::new(finding.rule.clone(), finding.message.clone()),
            });
            found.map(|problem| hindrance(&problem, stack)).collect()
        }
        SessionError::Pass(PassError::Plan(errors)) => {
            errors.iter().map(|error| Hindrance::new(error.to_string(), None)).collect()
        }
        SessionError::Pass(PassError::Suspended(suspended)) => {
            let stack = stack.name();
            vec![Hindrance::new(escape(&suspended.to_string()), Some(suspended.hint(&stack)))]
        }
        other => vec![Hindrance::new(other.to_string(), other.hint())],
    }
}

/// Every problem of a stack's manifest on a line of its own.
pub fn problems(stack: &Stack) -> Vec<Hindrance> {
    stack.problems.iter().map(|problem| hindrance(problem, stack)).collect()
}

/// A problem of a stack's manifest, with its place.
pub fn hindrance(problem: &Problem, stack: &Stack) -> Hindrance {
    let hindrance = Hindrance::new(place_and_message(problem, &stack.sources), problem.hint.as_deref().map(escape));
    Hindrance { rule: Some(problem.code.to_string()), ..hindrance }
}

/// The problem on one line.
pub fn place_and_message(problem: &Problem, sources: &Sources) -> String {
    let message = escape(&problem.message);
    let place = problem.span.as_ref().and_then(|span| {
        let (line, column) = sources.line_col(span)?;
        Some(format!("{}:{line}:{column}: ", escape(sources.get(span.file)?.path())))
    });
    format!("{}{message} [{}]", place.unwrap_or_default(), problem.code)
}
