//! All output goes through here: results to stdout, everything else to stderr, colour only where somebody sees it.

mod journal;

use std::io::{IsTerminal, Write};

use anstream::ColorChoice;

use crate::cli::Colour;
use journal::Ranked;

/// Where output goes.
pub struct Printer {
    /// Of stdout.
    results: ColorChoice,
    /// Of stderr.
    rest: ColorChoice,
    /// Whether either is: what goes to the other is stripped.
    coloured: bool,
}

/// Colours by meaning.
#[derive(Clone, Copy)]
pub enum Tone {
    /// Something new.
    Add,
    /// Something changed.
    Change,
    /// Something that goes, or an error.
    Remove,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

impl Printer {
    /// Colour as asked for; `auto` looks at each stream's terminal and at `NO_COLOR`.
    pub fn new(colour: Colour) -> Self {
        let results = choice(colour, &std::io::stdout());
        let rest = choice(colour, &std::io::stderr());
        Self { results, rest, coloured: [results, rest].iter().any(|choice| *choice != ColorChoice::Never) }
    }

    /// Whether results are coloured.
    pub fn coloured(&self) -> bool {
        self.coloured
    }

    /// Text in a tone.
    pub fn tone(&self, tone: Tone, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Add => "32",
            Tone::Change => "33",
            Tone::Remove => "31",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A result. A reader that has gone away is no error: the exit code is what is left.
    pub fn result(&self, text: &str) {
        let mut out = anstream::AutoStream::new(std::io::stdout(), self.results);
        let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
        let _ = out.flush();
    }

    /// Whether somebody looks at the results as they come.
    pub fn is_watched() -> bool {
        std::io::stdout().is_terminal()
    }

    /// A result in the place of the one before. For a terminal only: it goes there as it is, colour or not.
    pub fn instead(&self, text: &str) {
        let mut out = std::io::stdout();
        let _ = write!(out, "\u{1b}[2J\u{1b}[H");
        let _ = out.flush();
        self.result(text);
    }

    /// What happens, while it happens.
    pub fn progress(&self, text: &str) {
        let mut err = anstream::AutoStream::new(std::io::stderr(), self.rest);
        let _ = writeln!(err, "{text}");
    }

    /// An error, and what to do about it.
    pub fn error(&self, message: &str, hint: Option<&str>) {
        self.progress(&format!("{} {message}", self.tone(Tone::Remove, "error:")));
        if let Some(hint) = hint {
            self.progress(&format!("  {} {hint}", self.tone(Tone::Strong, "help:")));
        }
    }

    /// Asks for a word; without a terminal there is nobody to answer.
    pub fn asks_for(question: &str, word: &str) -> bool {
        if !std::io::stdin().is_terminal() {
            return false;
        }
        let mut err = std::io::stderr();
        let _ = write!(err, "{question} ");
        let _ = err.flush();
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).is_ok() && line.trim() == word
    }
}

/// Whether what goes to a stream is coloured.
fn choice(colour: Colour, stream: &impl anstream::stream::RawStream) -> ColorChoice {
    match colour {
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
        Colour::Auto => anstream::AutoStream::choice(stream),
    }
}

/// Whether systemd has started this, and nobody by hand in what it has started.
pub fn logs_for_systemd() -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal()
}

/// The log on stderr: JSON under systemd, lines on a terminal. `AGENT_LOG` says more than `-v` can.
///
/// Of other crates only INFO and above is ever logged: below it the SDKs log what goes over the wire, secrets among it. What
/// they warn of is for those who ask: whatever comes of it is told as an error of ours. A command that `runs_on` tells what it
/// does in the log alone.
pub fn start_log(verbose: u8, colour: Colour, runs_on: bool) {
    use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
    use tracing_subscriber::layer::{Layer, SubscriberExt};
    use tracing_subscriber::util::SubscriberInitExt;
    let level = match verbose {
        0 if runs_on => "error,audit=info,agent=info,agent_core=warn,agent_aws=warn",
        0 => "error,agent=warn,agent_core=warn,agent_aws=warn",
        1 => "info,agent=debug,agent_core=debug",
        _ => "info,agent=trace,agent_core=trace,agent_aws=trace",
    };
    let asked = EnvFilter::try_from_env("AGENT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let own = filter_fn(|meta| *meta.level() <= tracing::Level::INFO || meta.target().starts_with("agent"));
    let coloured = choice(colour, &std::io::stderr()) != ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(coloured);
    let lines = if logs_for_systemd() {
        lines.json().map_event_format(|json| Ranked { json, is_ranked: journal::is_stderr() }).boxed()
    } else {
        lines.with_target(false).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(asked.and(own))).init();
}
