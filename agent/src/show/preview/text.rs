//! For a terminal and for the log of a job.

use std::fmt::Write;

use agent_core::kind::Kinds;
use agent_core::source::render::escape;

use super::{ANYHOW, Looked, Preview, Standing};
use crate::printer::{Printer, Tone};
use crate::show::plan::{suspended, text_beside};
use crate::show::words::revision;

/// The plans, and with a base what is to be said of the other stacks.
pub fn drawn(preview: &Preview, kinds: &Kinds, printer: &Printer) -> String {
    let mut out = String::new();
    if let Some(base) = &preview.base {
        let how = if base.offline { ", of which AWS was not asked" } else { "" };
        let head = format!("merging {} into {}{how}", revision(&preview.revision), revision(&base.id));
        let _ = writeln!(out, "{}", printer.tone(Tone::Dim, &head));
    }
    for stack in &preview.stacks {
        if let Some(plan) = &stack.plan {
            let _ = writeln!(out, "{}", text_beside(plan, stack.own.as_ref(), kinds, printer));
        }
        out.extend(stack.suspended.iter().map(|why| suspended(&escape(&stack.name), why)));
        if preview.base.is_some() {
            for line in beside(stack) {
                let _ = writeln!(out, "{}: {line}", escape(&stack.name));
            }
        }
    }
    for gone in &preview.gone {
        let _ = writeln!(out, "{}: {}", escape(&gone.name), gone.sentence());
    }
    if !preview.same.is_empty() {
        let names: Vec<String> = preview.same.iter().map(|name| escape(name)).collect();
        let _ = writeln!(out, "nothing changes in {}", names.join(", "));
    }
    out
}

/// What is said of a stack beside its plan.
fn beside(stack: &Looked) -> Vec<String> {
    let mut lines = sentences(stack);
    // Why there is no plan was told where it was made.
    let beside_plan = stack.errors.iter().filter(|_| stack.plan.is_some());
    lines.extend(beside_plan.map(|(message, _)| message.clone()));
    let anyhow = stack.anyhow();
    if anyhow > 0 {
        lines.push(anyhow_told(anyhow));
    }
    let new = stack.findings.iter().filter(|told| told.new == Some(true));
    lines.extend(new.map(|told| format!("new {}: {} [{}]", told.level, escape(&told.message), escape(&told.rule))));
    lines
}

/// How much is pending at the base already.
pub(super) fn anyhow_told(count: usize) -> String {
    format!("{count} of these {} {ANYHOW}: AWS is not as the base wants it", if count == 1 { "is" } else { "are" })
}

/// What is said of a stack in every form.
pub(super) fn sentences(stack: &Looked) -> Vec<String> {
    let mut lines = stack.notes.clone();
    match &stack.standing {
        Standing::New => lines.push("is new".to_owned()),
        Standing::Refers(others) => lines.push(format!(
            "wants the same, and refers to {}, which changes: what comes of that is known when that was applied",
            others.join(", ")
        )),
        Standing::Alone | Standing::Changed => {}
    }
    if stack.reports_only {
        lines.push("says `mode = \"report\"`: nothing of this is done".to_owned());
    }
    lines
}
