//! The checks as people read them.

use std::fmt::Write;

use super::{Check, Hop};
use crate::facts::Verdict;
use crate::facts::view::component;

/// A line for each check and each of its hops, with what is wrong or missing below.
pub fn show(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let own = component(&check.address).unwrap_or(&check.address);
        let _ = writeln!(text, "{} {own} {}", sign(check.verdict), check.because);
        for hop in &check.hops {
            let _ = writeln!(text, "    {} {}", sign(hop.verdict), hop.name);
            below(&mut text, hop);
        }
    }
    text
}

fn below(text: &mut String, hop: &Hop) {
    let why = match hop.verdict {
        Verdict::Yes => None,
        Verdict::No => hop.lacks.clone(),
        Verdict::Unknown => hop.fact.as_ref().map(|fact| format!("depends on {fact}")),
    };
    if let Some(why) = why {
        let _ = writeln!(text, "      {why}");
    }
    if let Some(hint) = hop.hint.as_ref().filter(|_| hop.verdict != Verdict::Yes) {
        let _ = writeln!(text, "      help: {hint}");
    }
}

fn sign(verdict: Verdict) -> char {
    match verdict {
        Verdict::Yes => '✓',
        Verdict::No => '✗',
        Verdict::Unknown => '?',
    }
}
