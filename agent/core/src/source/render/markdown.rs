//! Markdown for a comment on a pull request, as GitHub and GitLab read it.
//!
//! See [`super::markup`] for what keeps a text from being more than that.

use std::fmt::Write;

use super::markup::{code, plain, prose, short};
use super::run::{Found, Run, StackFindings, Standing};
use super::text::escape;

/// The first line of each comment, by which the one of the last run is found and replaced. It is not seen.
pub const MARKER: &str = "<!-- gitops-agent: findings -->";

/// The most that GitHub takes of a comment, in characters; here in bytes, which are never fewer.
pub const MOST: usize = 65_536;

/// What is kept free to say how many findings are left out.
const RESERVE: usize = 200;
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
