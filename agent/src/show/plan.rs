//! A plan as people read it on a terminal, and what other forms of it have in common with that.

use std::fmt::Write;

use agent_core::diff::{FieldChange, shown};
use agent_core::kind::{Kind, Kinds};
use agent_core::plan::{Op, Plan, Step};
use agent_core::source::render::escape;
use agent_core::state::Suspended;
use agent_model::kinds::ecs::task_definition::TaskDefinition;
use agent_model::preview::{Consequence, consequences};
use serde_json::Value;

use super::preview::{ANYHOW, Own};
use crate::printer::{Printer, Tone};

fn sign(op: &Op) -> (&'static str, Tone) {
    match op {
        Op::Create { replaces: false, .. } => ("+", Tone::Add),
        Op::Create { replaces: true, .. } => ("±", Tone::Remove),
        Op::Update { .. } | Op::Clear { .. } => ("~", Tone::Change),
        Op::Delete { .. } => ("-", Tone::Remove),
    }
}

/// The fields that a step changes.
pub(super) fn changes(op: &Op) -> &[FieldChange] {
    match op {
        Op::Create { changes, .. } | Op::Update { changes, .. } => changes,
        Op::Clear { .. } | Op::Delete { .. } => &[],
    }
}

/// Below the plan of a stack that is suspended.
pub fn suspended(stack: &str, why: &Suspended) -> String {
    format!("{stack} is suspended, and nothing of this is done for now: {}\n", escape(&why.to_string()))
}

/// Why, in words for people: a definition is never changed, and which of its fields are others stands below.
pub(super) fn because(step: &Step) -> &str {
    match &step.op {
        Op::Create { replaces: true, .. } if step.address.kind() == TaskDefinition::NAME => "another revision of it",
        _ => &step.because,
    }
}

/// A field's change in lines: of a list only what comes and goes, and of what is unpacked into a container nothing, because
/// the files are named above.
fn lines(change: &FieldChange) -> Vec<String> {
    if change.path.rsplit('.').next() == Some(agent_model::preview::FILES) {
        return Vec::new();
    }
    let (Value::Array(from), Value::Array(to)) = (&change.from, &change.to) else { return vec![change.to_string()] };
    let path = &change.path;
    let gone = from.iter().filter(|item| !to.contains(item)).map(|item| format!("{path}: - {}", shown(item)));
    let come = to.iter().filter(|item| !from.contains(item)).map(|item| format!("{path}: + {}", shown(item)));
    let lines: Vec<String> = gone.chain(come).collect();
    if lines.is_empty() { vec![format!("{path}: in another order")] } else { lines }
}

/// The steps that tell something: a second step that only finishes a creation is part of it.
pub(super) fn told(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| !matches!(&step.op, Op::Update { id: None, .. } | Op::Clear { .. }))
}

/// How many resources a plan creates, updates, replaces and deletes.
pub(super) fn counts(plan: &Plan) -> [(&'static str, usize); 4] {
    let mut counts = [("create", 0_usize), ("update", 0), ("replace", 0), ("delete", 0)];
    for step in told(plan) {
        if let Some(count) = counts.iter_mut().find(|(verb, _)| *verb == step.op.verb()) {
            count.1 += 1;
        }
    }
    let replaced = plan.steps.iter().filter(|s| matches!(&s.op, Op::Create { replaces: true, .. })).map(|s| &s.address);
    let replaced: std::collections::BTreeSet<_> = replaced.collect();
    let gone =
        plan.steps.iter().filter(|s| matches!(&s.op, Op::Delete { .. }) && replaced.contains(&s.address)).count();
    counts[3].1 = counts[3].1.saturating_sub(gone);
    counts
}

/// Counts in words: `2 to create, 1 to update`.
pub(super) fn counted(counts: &[(&str, usize)]) -> String {
    let parts: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(verb, n)| format!("{n} to {verb}")).collect();
    if parts.is_empty() { "no changes".into() } else { parts.join(", ") }
}

/// What a plan does, in numbers: `2 to create, 1 to update`.
pub fn summary(plan: &Plan) -> String {
    counted(&counts(plan))
}

/// Whether something would be lost that nothing brings back.
pub(super) fn irreversible(step: &Step, kinds: &Kinds) -> bool {
    let goes = matches!(&step.op, Op::Delete { .. } | Op::Create { replaces: true, .. });
    goes && kinds.get(step.address.kind()).is_some_and(|kind| kind.stateful)
}

/// The plan for a terminal: what it means, and then each step of it.
pub fn text(plan: &Plan, kinds: &Kinds, printer: &Printer) -> String {
    text_beside(plan, None, kinds, printer)
}

/// The same, beside what a revision changes: the rest is marked.
pub(super) fn text_beside(plan: &Plan, own: Option<&Own>, kinds: &Kinds, printer: &Printer) -> String {
    let mut out = String::new();
    for Consequence { component, says } in consequences(plan) {
        let _ = writeln!(out, "{}", printer.tone(Tone::Strong, &component));
        for sentence in says {
            let _ = writeln!(out, "    {sentence}");
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    for step in told(plan) {
        let (sign, tone) = sign(&step.op);
        let head = format!("{sign} {:<8} {}", step.op.verb(), step.address);
        let mark = own.filter(|own| !own.has(step)).map(|_| format!(" ({ANYHOW})")).unwrap_or_default();
        let because = format!("{}{mark}", because(step));
        let _ = writeln!(out, "  {}  {}", printer.tone(tone, &head), printer.tone(Tone::Dim, &because));
        for change in changes(&step.op) {
            let is_own = own.is_none_or(|own| !own.has(step) || own.has_field(step, &change.path));
            for line in lines(change) {
                let mark = if is_own { String::new() } else { printer.tone(Tone::Dim, &format!(" ({ANYHOW})")) };
                let _ = writeln!(out, "      {line}{mark}");
            }
        }
        if irreversible(step, kinds) {
            let _ = writeln!(out, "      {}", printer.tone(Tone::Remove, "this loses data that nothing brings back"));
        }
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  {} {}", printer.tone(Tone::Strong, note.address.as_str()), note.text);
    }
    for (kind, fault) in &plan.not_read {
        let _ = writeln!(out, "  {} {kind} could not be read: {fault}", printer.tone(Tone::Remove, "!"));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = write!(out, "{}: {}, {} unchanged", plan.stack, summary(plan), plan.unchanged);
    out
}

/// A field's change as lines of a diff.
pub(super) fn marked(change: &FieldChange) -> Vec<String> {
    let path = &change.path;
    match (&change.from, &change.to) {
        (Value::Array(_), Value::Array(_)) => lines(change)
            .into_iter()
            .map(|line| match line.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")) {
                Some(rest) if rest.starts_with(['-', '+']) => format!("{}   {path}: {}", &rest[..1], &rest[2..]),
                _ => format!("    {line}"),
            })
            .collect(),
        _ if lines(change).is_empty() => Vec::new(),
        (from, to) => vec![format!("-   {path}: {}", shown(from)), format!("+   {path}: {}", shown(to))],
    }
}
