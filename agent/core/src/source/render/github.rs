//! Workflow commands of GitHub Actions, which become annotations beside the code. The runner reads each line that a program prints:
//! every line here is a command, and no text can begin another or end its own.

use std::fmt::Write;

use super::run::{Found, Run, Standing};
use super::text::escape;

/// The most annotations of a kind that GitHub shows of a step; of a job it shows fifty.
const MOST: usize = 10;

/// The findings as annotations: errors, then warnings, then what is not known, as many of each as are shown, and a last one that
/// says how many there are in all. What is excepted is only counted.
pub fn render_github(run: &Run<'_>) -> String {
    let found = run.found();
    let mut out = String::new();
    let mut left_out = 0;
    for (standing, command, most) in [
        (Standing::Fails, "error", MOST),
        (Standing::Advice, "warning", MOST),
        // The summary is one of these.
        (Standing::Open, "notice", MOST - 1),
    ] {
        let of_kind: Vec<&Found<'_>> = found.iter().filter(|found| found.standing == standing).collect();
        left_out += of_kind.len().saturating_sub(most);
        out.extend(of_kind.iter().take(most).map(|found| annotation(command, found)));
    }
    left_out += run.stacks.iter().map(super::run::StackFindings::dropped).sum::<usize>();
    let mut summary = run.summary();
    if left_out > 0 {
        let _ = write!(summary, "; {left_out} of these are not shown here, as GitHub shows {MOST} of a kind");
    }
    let _ = writeln!(out, "::notice title={}::{}", property(run.tool.name), data(&summary));
    out
}

fn annotation(command: &str, found: &Found<'_>) -> String {
    let place = found.place();
    let (line, end) = (place.line, place.end_line);
    // Of a place over several lines no columns are taken.
    let column = if line == end { format!(",col={}", place.column) } else { String::new() };
    let title = format!("{}: {}", escape(found.stack.name), escape(&found.problem.code));
    let mut message = escape(&found.problem.message);
    if let Some(hint) = &found.problem.hint {
        let _ = write!(message, "\nhelp: {}", escape(hint));
    }
    let file = property(&escape(place.path.strip_prefix("./").unwrap_or(&place.path)));
    format!(
        "::{command} file={file},line={line}{column},endLine={end},title={}::{}\n",
        property(&title),
        data(&message)
    )
}

/// A text as the data of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
