//! What happened, as it happens and afterwards.

use agent_core::execute::Event;
use agent_core::pass::PassReport;
use agent_core::report::Outcome;

use crate::printer::{Printer, Tone};

/// A line for something that has just happened; none for a beginning.
pub fn event(event: &Event<'_>, printer: &Printer) -> Option<String> {
    let (step, outcome) = match event {
        Event::Started(_) => return None,
        Event::Pauses(time, why) => return Some(format!("  … waits for {} s: {why}", time.as_secs().max(1))),
        Event::Ended(step, outcome) => (step, outcome),
    };
    let (mark, tone, rest) = match outcome {
        Outcome::Done { id } => ("✓", Tone::Add, id.clone()),
        Outcome::Failed { error } => ("✗", Tone::Remove, error.to_string()),
        Outcome::Skipped { because } => ("-", Tone::Dim, format!("skipped: {because}")),
        Outcome::Waiting { on } => ("…", Tone::Change, format!("waits for {on}")),
    };
    let line = format!("  {mark} {:<8} {}", step.op.verb(), step.address);
    Some(format!("{}  {}", printer.tone(tone, &line), printer.tone(Tone::Dim, &rest)))
}

/// All that went wrong in a pass, with what to do about it.
pub fn failures(pass: &PassReport) -> Vec<(String, Option<String>)> {
    let steps = pass
        .report
        .failures()
        .map(|(step, error)| (format!("{}: {}: {error}", step.address, step.verb), Some(error.hint().to_owned())));
    let kinds = pass
        .not_read
        .iter()
        .map(|(kind, fault)| (format!("{kind} could not be read: {fault}"), Some(fault.class.hint().to_owned())));
    steps.chain(kinds).collect()
}
