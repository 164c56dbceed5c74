//! How a stack is, as people read it: a headline, a line for each component, and below it those of its resources about which
//! there is something to say. Texts of AWS and of manifests are made safe here.

use std::fmt::Write;

use agent_core::health::{Component, Health, Resource, Status, Sync};
use agent_core::source::render::escape;
use agent_core::state::{Ended, Last};
use jiff::Timestamp;

use super::words::{ago, outcome, revision, time};
use crate::printer::{Printer, Tone};

fn mark(health: Health) -> (&'static str, Tone) {
    match health {
        Health::Healthy => ("✓", Tone::Add),
        Health::Suspended => ("‖", Tone::Dim),
        Health::Progressing => ("…", Tone::Change),
        Health::Missing => ("○", Tone::Remove),
        Health::Degraded => ("✗", Tone::Remove),
        Health::Unknown => ("?", Tone::Remove),
    }
}

/// The address of a resource without its component.
fn short(resource: &Resource) -> &str {
    resource.address.as_str().split_once('/').map_or(resource.address.as_str(), |(_, rest)| rest)
}

/// Whether it is as wanted, where that is not clear from its health: a missing one is out of sync.
fn out_of_sync(resource: &Resource) -> Option<String> {
    let goes_without_saying = matches!(resource.health, Health::Missing | Health::Unknown);
    if resource.sync == Sync::Synced || goes_without_saying {
        return None;
    }
    let pending = resource.pending.as_deref().filter(|pending| *pending != "update");
    let pending = pending.map(|pending| format!(" (to {pending})")).unwrap_or_default();
    Some(format!("{}{pending}", resource.sync))
}

/// What is said about a resource, a line each: why it is as it is, what it waits for, what is left alone.
fn said(resource: &Resource) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(resource.reasons.iter().map(|reason| escape(reason)));
    said.extend(resource.waits.iter().map(|waits| escape(&waits.to_string())));
    for left in &resource.ignored {
        said.push(format!("left alone: {} ({})", escape(&left.field), escape(&left.reason)));
    }
    said
}

/// Whether a resource is shown although not everything is.
fn is_told(resource: &Resource) -> bool {
    !resource.is_fine() || !resource.ignored.is_empty()
}

/// What the record says: `converged at 0123456789ab since 2026-11-21 14:02:05 UTC (3 h ago)`.
fn record(status: &Status, now: Timestamp) -> (String, Tone) {
    let Some(ended) = status.outcome else {
        let there = status.resources().any(|resource| resource.id.is_some());
        let text = if there { "no record of a revision, although resources are there" } else { "never applied" };
        return (text.to_owned(), Tone::Change);
    };
    let (word, tone) = match (ended, status.at_work.as_ref().filter(|at_work| !at_work.expired)) {
        (Ended::Applying, None) => ("interrupted", Tone::Change),
        (Ended::Converged, _) => ("converged", Tone::Add),
        (Ended::Failed, _) => ("failed", Tone::Remove),
        (Ended::Applying | Ended::Progressing, _) => (outcome(ended), Tone::Change),
    };
    let at = status.revision.as_deref().map(|id| format!(" at {}", revision(id))).unwrap_or_default();
    let since = status.since.map(|since| format!(" since {} ({})", time(since), ago(now, since))).unwrap_or_default();
    (format!("{word}{at}{since}"), tone)
}

/// How it is now, where that is not what the record says: `degraded, out of sync`.
fn now_is(status: &Status) -> Option<String> {
    let health = (status.health != Health::Healthy).then(|| status.health.to_string());
    let sync = match status.sync {
        Sync::Synced => None,
        Sync::OutOfSync { .. } => Some("out of sync".to_owned()),
        Sync::Unknown => Some("sync unknown".to_owned()),
    };
    let both: Vec<String> = health.into_iter().chain(sync).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// The lines below the headline that are about the whole stack.
fn about(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    // Another revision that wants the same of this stack is no news.
    if status.sync != Sync::Synced && status.revision.as_ref().is_some_and(|held| *held != status.wanted) {
        lines.push(format!("compared with {}, which is not what was applied", revision(&status.wanted)));
    }
    lines.extend(status.refused.iter().map(|rule| format!("refused by the rules: {}", escape(rule))));
    if let Some(reason) = &status.suspended {
        lines.push(match &status.suspension {
            Some(suspended) => format!("suspended: {}", escape(&suspended.to_string())),
            None => format!("nothing is changed, because {reason}"),
        });
    }
    if let Some(at_work) = &status.at_work {
        let (holder, since, until) = (escape(&at_work.holder), time(at_work.since), time(at_work.until));
        lines.push(if at_work.expired {
            format!("the agent {holder} was at work since {since} and has not said that it ended; its lease expired at {until}")
        } else {
            format!("the agent {holder} is at work since {since}; its lease ends at {until}")
        });
    }
    lines.extend(status.notes.iter().map(|note| escape(note)));
    lines
}

/// A stack for a terminal.
pub fn text(status: &Status, all: bool, now: Timestamp, printer: &Printer) -> String {
    let mut out = String::new();
    let (record, tone) = record(status, now);
    let _ = write!(out, "{}: {}", printer.tone(Tone::Strong, &status.stack), printer.tone(tone, &record));
    if let Some(now_is) = now_is(status) {
        let _ = write!(out, "; now {}", printer.tone(mark(status.health).1, &now_is));
    }
    out.push('\n');
    for line in about(status) {
        let _ = writeln!(out, "  {}", printer.tone(Tone::Dim, &line));
    }
    let width = status.components.iter().map(|component| component.name.len()).max().unwrap_or(0);
    for component in &status.components {
        component_text(&mut out, component, width, all, printer);
    }
    out
}

fn component_text(out: &mut String, component: &Component, width: usize, all: bool, printer: &Printer) {
    let (sign, tone) = mark(component.health);
    // One that is missing as a whole needs no list of what is missing.
    let is_missing = |one: &Resource| matches!(one.health, Health::Missing | Health::Suspended) && one.id.is_none();
    let whole = component.resources.iter().all(is_missing);
    let more = match component.sync {
        Sync::OutOfSync { .. } if whole && component.resources.len() == 1 => "1 resource".to_owned(),
        Sync::OutOfSync { .. } if whole => format!("{} resources", component.resources.len()),
        Sync::OutOfSync { .. } => "out of sync".to_owned(),
        Sync::Synced => String::new(),
        Sync::Unknown => component.sync.to_string(),
    };
    let _ = write!(out, "  {} {:<width$}  ", printer.tone(tone, sign), component.name);
    let _ = match more.as_str() {
        "" => writeln!(out, "{}", printer.tone(tone, &component.health.to_string())),
        more => writeln!(out, "{}  {more}", printer.tone(tone, &format!("{:<11}", component.health))),
    };
    let shown: Vec<&Resource> = component.resources.iter().filter(|one| all || (is_told(one) && !whole)).collect();
    let width = shown.iter().map(|resource| short(resource).len()).max().unwrap_or(0);
    for resource in shown {
        let (sign, tone) = mark(resource.health);
        let said: Vec<String> = out_of_sync(resource).into_iter().chain(said(resource)).collect();
        let health = if said.is_empty() { resource.health.to_string() } else { format!("{:<11}", resource.health) };
        let head = format!("{} {:<width$}  {}", printer.tone(tone, sign), short(resource), printer.tone(tone, &health));
        let _ = writeln!(out, "      {head}{}", said.first().map(|first| format!("  {first}")).unwrap_or_default());
        for more in said.iter().skip(1) {
            let _ = writeln!(out, "        {:width$}               {more}", "");
        }
    }
}

/// A stack for a page.
pub fn markdown(status: &Status, all: bool, now: Timestamp) -> String {
    let (record, _) = record(status, now);
    let mut out = format!("### `{}`: {record}", status.stack);
    if let Some(now_is) = now_is(status) {
        let _ = write!(out, "; now **{now_is}**");
    }
    out.push_str("\n\n");
    for line in about(status) {
        let _ = writeln!(out, "{}\n", cell(&line));
    }
    out.push_str("| | health | sync | |\n|---|---|---|---|\n");
    for component in &status.components {
        let _ = writeln!(out, "| `{}` | {} | {} | |", component.name, component.health, component.sync);
        for resource in component.resources.iter().filter(|one| all || is_told(one)) {
            let said: Vec<String> = said(resource).iter().map(|line| format!(" {}", cell(line))).collect();
            let (name, health) = (short(resource), resource.health);
            let sync = out_of_sync(resource).unwrap_or_else(|| resource.sync.to_string());
            let _ = writeln!(out, "| &nbsp;&nbsp;`{name}` | {health} | {sync} |{} |", said.join("<br>"));
        }
    }
    out
}

/// A text that a table of markdown holds as it is.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '[' | ']' | '\\' | '@' | '!' | '#' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// What has become otherwise between two looks at a stack, a line each; nothing where nothing has.
pub fn changes(before: Option<&Status>, after: &Status, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let head = |status: &Status| {
        let record = (status.outcome, status.revision.clone(), status.at_work.as_ref().map(|at_work| at_work.expired));
        (record, now_is(status), status.refused.clone(), status.suspended.clone())
    };
    if before.map(head) != Some(head(after)) {
        let now_is = now_is(after).map(|now_is| format!("; now {now_is}")).unwrap_or_default();
        lines.push(format!("{}: {}{now_is}", after.stack, record(after, now).0));
        let refused =
            after.refused.iter().map(|rule| format!("{}: refused by the rules: {}", after.stack, escape(rule)));
        lines.extend(refused);
    }
    let held = |wanted: &Resource| before?.resources().find(|resource| resource.address == wanted.address);
    for resource in after.resources() {
        let same = match held(resource) {
            Some(held) => (held.health, held.sync, said(held)) == (resource.health, resource.sync, said(resource)),
            None => before.is_none() && resource.is_fine(),
        };
        if !same {
            let why: Vec<String> = out_of_sync(resource).into_iter().chain(said(resource)).collect();
            let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
            lines.push(format!("{}: {} is {}{why}", after.stack, resource.address, resource.health));
        }
    }
    let gone = before.into_iter().flat_map(Status::resources);
    let gone = gone.filter(|held| !after.resources().any(|resource| resource.address == held.address));
    lines.extend(gone.map(|held| format!("{}: {} has gone", after.stack, held.address)));
    lines
}

/// A stack of which AWS holds a record and no manifest says anything, with the way out.
pub fn orphan(stack: &str, last: &Last, since: Option<Timestamp>, now: Timestamp, printer: &Printer) -> String {
    let since = since.map(|since| format!(" since {} ({})", time(since), ago(now, since))).unwrap_or_default();
    let name = printer.tone(Tone::Strong, &escape(stack));
    let word = printer.tone(Tone::Change, "orphaned");
    let (ended, revision) = (outcome(last.ended), revision(&last.revision));
    let way = printer.tone(Tone::Dim, &format!("unless another branch holds it: `agent destroy {}`", escape(stack)));
    format!("{name}: {word}: no manifest here is of it, and AWS holds it, {ended} at {revision}{since}\n  {way}\n")
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
