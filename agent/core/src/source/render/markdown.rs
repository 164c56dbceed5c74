//! Markdown for a comment on a pull request, as GitHub and GitLab read it.
//!
//! Manifests can be anybody's who may open a pull request, and the comment speaks with the agent's voice: no text of theirs becomes
//! markup, a link, a mention or a reference. What has a meaning is written as an entity; where a service looks for meaning after
//! the entities are resolved (`@name`, `#1`, addresses), a space of no width is put in between.

use std::fmt::Write;

use super::run::{Found, Run, StackFindings, Standing};
use super::text::escape;

/// The first line of each comment, by which the one of the last run is found and replaced. It is not seen.
pub const MARKER: &str = "<!-- gitops-agent: findings -->";

/// The most that GitHub takes of a comment, in characters; here in bytes, which are never fewer.
pub const MOST: usize = 65_536;

/// What markup is made of, and what services look for.
const MARKUP: &str = "<>\\`*_[]|{}@#!&~$^";
/// A space of no width.
const APART: &str = "&#8203;";
/// What is kept free to say how many findings are left out.
const RESERVE: usize = 200;
/// The longest text that is not a finding's: names and revisions.
const LONGEST_NAME: usize = 100;
/// How much of the digest of the rules is shown.
const DIGITS: usize = 12;
/// How many stacks without findings are named.
const MOST_CLEAN: usize = 20;

/// The findings as a comment: a table for each stack that has some. Where they are too many, those that matter least are left out,
/// and the comment says so.
pub fn render_markdown(run: &Run<'_>) -> String {
    let found = run.found();
    let head = format!("{MARKER}\n### {}\n", run.summary());
    let tail = tail(run);
    let Tables { text, left_out } = tables(run, &found, MOST.saturating_sub(head.len() + RESERVE + tail.len()));
    let left_out = match left_out {
        0 => String::new(),
        n => {
            let findings = if n == 1 { "finding is" } else { "findings are" };
            format!("\n**{n} more {findings} left out here.** The output as text has all that are kept.\n")
        }
    };
    [head, text, left_out, tail].concat()
}

/// The stacks without findings, and what it was that found none.
fn tail(run: &Run<'_>) -> String {
    let mut out = String::new();
    let clean = run.stacks.iter().filter(|stack| run.found_in(stack).is_empty() && stack.dropped() == 0);
    let clean: Vec<&StackFindings<'_>> = clean.collect();
    if !clean.is_empty() {
        let names: Vec<String> = clean.iter().take(MOST_CLEAN).map(|stack| code(&short(stack.name))).collect();
        let more = clean.len().saturating_sub(MOST_CLEAN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(out, "\nNo findings in {}{more}.\n", names.join(", "));
    }
    let revision = run.revision.map(|revision| format!(", revision {}", code(&short(revision)))).unwrap_or_default();
    let digest = code(&run.digest.chars().take(DIGITS).collect::<String>());
    let _ =
        write!(out, "\n<sub>{} {}, rules {digest}{revision}</sub>\n", plain(run.tool.name), plain(run.tool.version));
    out
}

struct Tables {
    text: String,
    left_out: usize,
}

/// The tables, in so many bytes: rows are taken by how much they matter, and stand in the order of the stacks.
fn tables(run: &Run<'_>, found: &[Found<'_>], room: usize) -> Tables {
    let rows: Vec<(Standing, &StackFindings<'_>, String)> =
        found.iter().map(|found| (found.standing, found.stack, row(found))).collect();
    let mut taken = vec![false; rows.len()];
    let mut begun: Vec<*const StackFindings<'_>> = Vec::new();
    let mut used = 0;
    'full: for wanted in Standing::ALL {
        for (n, (_, stack, row)) in rows.iter().enumerate().filter(|(_, (standing, ..))| *standing == wanted) {
            let stack: *const StackFindings<'_> = *stack;
            let first = !begun.contains(&stack);
            used += row.len() + if first { heading(rows[n].1).len() } else { 0 };
            if used > room {
                break 'full;
            }
            taken[n] = true;
            if first {
                begun.push(stack);
            }
        }
    }
    let mut text = String::new();
    for stack in run.stacks {
        let mut of_stack =
            rows.iter().zip(&taken).filter(|((_, of, _), taken)| std::ptr::eq(*of, stack) && **taken).peekable();
        if of_stack.peek().is_some() {
            text += &heading(stack);
            text.extend(of_stack.map(|((_, _, row), _)| row.as_str()));
        }
    }
    let dropped: usize = run.stacks.iter().map(StackFindings::dropped).sum();
    Tables { text, left_out: taken.iter().filter(|taken| !**taken).count() + dropped }
}

fn heading(stack: &StackFindings<'_>) -> String {
    format!("\n#### {}\n\n| | rule | finding | where |\n|---|---|---|---|\n", code(&short(stack.name)))
}

fn row(found: &Found<'_>) -> String {
    let place = found.place();
    let mut text = prose(&escape(&found.problem.message));
    if let Some(hint) = &found.problem.hint {
        let _ = write!(text, "<br>help: {}", prose(&escape(hint)));
    }
    if let Some(reason) = found.reason() {
        let _ = write!(text, "<br>reason: {}", plain(&reason));
    }
    let rule = code(&short(&found.problem.code));
    let place = code(&format!("{}:{}", escape(&place.path), place.line));
    format!("| {} | {rule} | {text} | {place} |\n", found.standing.word())
}

/// A name or what should be one.
fn short(text: &str) -> String {
    let text = escape(text);
    match text.char_indices().nth(LONGEST_NAME) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A text with names in backticks. Where these are not in pairs, or there is nothing in one, none is taken for one.
fn prose(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 || text.contains("``") {
        return plain(text);
    }
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { code(part) } else { plain(part) }).collect()
}

/// A text as code. Not in backticks: in a table they do not hold what is between them.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// A text that means nothing but itself.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let apart = match c {
            // Mentions and addresses.
            '@' => true,
            // References to issues, merge requests, epics, labels, milestones, snippets.
            '#' | '!' | '&' | '~' | '%' | '$' | '^' => after.starts_with(|c: char| c.is_alphanumeric() || c == '"'),
            ':' => after.starts_with("//"),
            '-' => ends_with_ignoring_case(before, "gh"),
            _ => false,
        };
        match c {
            // What would be an address ends before its first dot.
            '.' if ends_with_ignoring_case(before, "www") => out.extend([APART, "."]),
            c if MARKUP.contains(c) => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
        if apart {
            out.push_str(APART);
        }
    }
    out
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|last| last.eq_ignore_ascii_case(end))
}
