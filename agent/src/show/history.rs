//! What became of a stack's revisions, newest first, as people read it.

use std::fmt::Write;

use agent_core::journal::{Journal, KEPT, Run};
use agent_core::source::render::escape;
use agent_core::state::Ended;

use super::words::{length, outcome, revision, time};
use crate::printer::{Printer, Tone};

/// A stack's revisions for a terminal.
pub fn text(stack: &str, journal: &Journal, printer: &Printer) -> String {
    let mut out = format!("{}\n", printer.tone(Tone::Strong, &escape(stack)));
    let width = journal.runs.iter().map(|run| revision(&run.revision).len()).max().unwrap_or(0);
    let mut above: Option<&Run> = None;
    for run in &journal.runs {
        // Where it came from is told where it differs from the line above.
        if above.is_none_or(|above| (&above.source, &above.policy) != (&run.source, &run.policy)) {
            let from =
                format!("from {}, rules {}", escape(&run.source), escape(run.policy.get(..12).unwrap_or(&run.policy)));
            let _ = writeln!(out, "  {}", printer.tone(Tone::Dim, &from));
        }
        above = Some(run);
        let word = printer.tone(tone(run.outcome), &format!("{:<11}", outcome(run.outcome)));
        let line = format!("  {}  {:<width$}  {word}  {}", time(run.at), revision(&run.revision), note(run));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if journal.runs.is_empty() {
        out.push_str("  nothing is recorded\n");
    }
    if journal.older_not_kept {
        let kept = format!("older ones are not kept: AWS keeps the last {KEPT} words of a stack about itself");
        let _ = writeln!(out, "  {}", printer.tone(Tone::Dim, &kept));
    }
    out
}

fn tone(ended: Ended) -> Tone {
    match ended {
        Ended::Converged => Tone::Add,
        Ended::Applying | Ended::Progressing => Tone::Change,
        Ended::Failed => Tone::Remove,
    }
}

/// How long it took, and what there is to say besides.
fn note(run: &Run) -> String {
    let took = match (run.took_ms, run.outcome) {
        (Some(took), _) => Some(format!("took {}", length(took))),
        (None, Ended::Converged) if run.began.is_none() && run.passes == 0 => Some("nothing was to be changed".into()),
        _ => None,
    };
    let passes = (run.passes > 1).then(|| format!("in {} passes", run.passes));
    let again = run.again.then(|| "put right what had changed since".to_owned());
    took.into_iter().chain(passes).chain(again).collect::<Vec<_>>().join(", ")
}

/// The same for a page.
pub fn markdown(stack: &str, journal: &Journal) -> String {
    let mut out = format!("### `{stack}`\n\n| when | revision | outcome | |\n|---|---|---|---|\n");
    for run in &journal.runs {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} |",
            time(run.at),
            revision(&run.revision),
            outcome(run.outcome),
            note(run)
        );
    }
    if journal.older_not_kept {
        out.push_str("\nOlder ones are not kept.\n");
    }
    out
}
