//! A plan as people read it before they merge: text for a terminal, markdown for a pull request.

use std::fmt::Write;

use agent_core::diff::{FieldChange, shown};
use agent_core::kind::{Kind, Kinds};
use agent_core::plan::{Op, Plan, Step};
use agent_core::source::render::escape;
use agent_core::state::Suspended;
use agent_model::kinds::ecs::task_definition::TaskDefinition;
use agent_model::preview::{Consequence, consequences};
use serde_json::Value;

use crate::printer::{Printer, Tone};

/// The marker by which a comment on a pull request is found again and replaced.
const MARKER: &str = "<!-- gitops-agent diff -->";

fn sign(op: &Op) -> (&'static str, Tone) {
    match op {
        Op::Create { replaces: false, .. } => ("+", Tone::Add),
        Op::Create { replaces: true, .. } => ("±", Tone::Remove),
        Op::Update { .. } | Op::Clear { .. } => ("~", Tone::Change),
        Op::Delete { .. } => ("-", Tone::Remove),
    }
}

fn changes(op: &Op) -> &[FieldChange] {
    match op {
        Op::Create { changes, .. } | Op::Update { changes, .. } => changes,
        Op::Clear { .. } | Op::Delete { .. } => &[],
    }
}

/// Below the plan of a stack that is suspended.
pub fn suspended(stack: &str, why: &Suspended) -> String {
    format!("{stack} is suspended, and nothing of this is done for now: {}\n", escape(&why.to_string()))
}

/// The same on a page.
pub fn suspended_markdown(why: &Suspended) -> String {
    format!("\n**Suspended**, and nothing of this is done for now: {}\n", cell(&escape(&why.to_string())))
}

/// Why, in words for people: a definition is never changed, and which of its fields are others stands below.
fn because(step: &Step) -> &str {
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
fn told(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| !matches!(&step.op, Op::Update { id: None, .. } | Op::Clear { .. }))
}

/// What a plan does, in numbers: `2 to create, 1 to update`.
pub fn summary(plan: &Plan) -> String {
    let mut counts: Vec<(&str, usize)> =
        [("create", 0), ("update", 0), ("replace", 0), ("delete", 0)].into_iter().collect();
    for step in told(plan) {
        if let Some(count) = counts.iter_mut().find(|(verb, _)| *verb == step.op.verb()) {
            count.1 += 1;
        }
    }
    let replaced = plan.steps.iter().filter(|s| matches!(&s.op, Op::Create { replaces: true, .. })).map(|s| &s.address);
    let replaced: std::collections::BTreeSet<_> = replaced.collect();
    let gone =
        plan.steps.iter().filter(|s| matches!(&s.op, Op::Delete { .. }) && replaced.contains(&s.address)).count();
    if let Some(deletes) = counts.iter_mut().find(|(verb, _)| *verb == "delete") {
        deletes.1 = deletes.1.saturating_sub(gone);
    }
    let parts: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(verb, n)| format!("{n} to {verb}")).collect();
    if parts.is_empty() { "no changes".into() } else { parts.join(", ") }
}

/// Whether something would be lost that nothing brings back.
fn irreversible(step: &Step, kinds: &Kinds) -> bool {
    let goes = matches!(&step.op, Op::Delete { .. } | Op::Create { replaces: true, .. });
    goes && kinds.get(step.address.kind()).is_some_and(|kind| kind.stateful)
}

/// The plan for a terminal: what it means, and then each step of it.
pub fn text(plan: &Plan, kinds: &Kinds, printer: &Printer) -> String {
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
        let _ = writeln!(out, "  {}  {}", printer.tone(tone, &head), printer.tone(Tone::Dim, because(step)));
        for line in changes(&step.op).iter().flat_map(lines) {
            let _ = writeln!(out, "      {line}");
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

/// The plan for a pull request.
pub fn markdown(plan: &Plan, kinds: &Kinds, revision: &str, policy: &str) -> String {
    let mut out = format!(
        "{MARKER}\n### `{}`: {}\n\nRevision `{revision}`, {} unchanged, rules `{}`.\n",
        plan.stack,
        summary(plan),
        plan.unchanged,
        policy.get(..12).unwrap_or(policy)
    );
    let means = consequences(plan);
    if !means.is_empty() {
        out.push_str("\n| component | what happens |\n|---|---|\n");
    }
    for Consequence { component, says } in means {
        let says: Vec<String> = says.iter().map(|sentence| cell(sentence)).collect();
        let _ = writeln!(out, "| `{component}` | {} |", says.join("<br>"));
    }
    let steps = told(plan).count();
    if steps > 0 {
        let word = if steps == 1 { "resource" } else { "resources" };
        let _ = write!(out, "\n<details><summary>{steps} {word}</summary>\n\n| | resource | why |\n|---|---|---|\n");
    }
    for step in told(plan) {
        let warning = if irreversible(step, kinds) { " **Loses data that nothing brings back.**" } else { "" };
        let _ = writeln!(out, "| {} | `{}` | {}{warning} |", step.op.verb(), step.address, cell(because(step)));
    }
    if steps > 0 {
        out.push_str("\n</details>\n");
    }
    let detailed: Vec<&Step> = told(plan).filter(|step| !changes(&step.op).is_empty()).collect();
    if !detailed.is_empty() {
        out.push_str("\n<details><summary>Fields</summary>\n\n```diff\n");
        for step in detailed {
            let _ = writeln!(out, "  {}", step.address);
            for line in changes(&step.op).iter().flat_map(marked) {
                let _ = writeln!(out, "{}", line.replace("```", "'''"));
            }
        }
        out.push_str("```\n\n</details>\n");
    }
    for note in &plan.notes {
        let _ = writeln!(out, "\n- `{}`: {}", note.address, cell(&note.text));
    }
    for (kind, fault) in &plan.not_read {
        let _ = writeln!(out, "\n- **{kind} could not be read**: {}", cell(&fault.to_string()));
    }
    out
}

/// A field's change as lines of a diff.
fn marked(change: &FieldChange) -> Vec<String> {
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

/// Text that does not break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
