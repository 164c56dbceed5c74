//! Texts in markdown, as GitHub and GitLab read it.
//!
//! Manifests can be anybody's who may open a pull request, and a comment speaks with the agent's voice: no text of theirs becomes
//! markup, a link, a mention or a reference. What has a meaning is written as an entity; where a service looks for meaning after
//! the entities are resolved (`@name`, `#1`, addresses), a space of no width is put in between.

use std::fmt::Write;

use super::text::escape;

/// What markup is made of, and what services look for.
const MARKUP: &str = "<>\\`*_[]|{}@#!&~$^";
/// A space of no width.
const APART: &str = "&#8203;";
/// The longest text that is not a finding's: names and revisions.
const LONGEST_NAME: usize = 100;

/// A name or what should be one.
pub fn short(text: &str) -> String {
    let text = escape(text);
    match text.char_indices().nth(LONGEST_NAME) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A text with names in backticks. Where these are not in pairs, or there is nothing in one, none is taken for one.
pub fn prose(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 || text.contains("``") {
        return plain(text);
    }
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { code(part) } else { plain(part) }).collect()
}

/// A text as code. Not in backticks: in a table they do not hold what is between them.
pub fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// A text that means nothing but itself.
pub fn plain(text: &str) -> String {
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
