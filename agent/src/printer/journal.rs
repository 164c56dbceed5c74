//! How lines of the log tell the journal how grave they are, so that `journalctl --priority=err` finds what is wrong.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Whether stderr is what systemd reads for the journal: `JOURNAL_STREAM` has its device and inode, and is inherited by programs
/// whose stderr goes elsewhere.
pub fn is_stderr() -> bool {
    let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    let Ok(stream) = File::from(stderr).metadata() else { return false };
    let stream = format!("{}:{}", stream.dev(), stream.ino());
    std::env::var_os("JOURNAL_STREAM").is_some_and(|named| named == *stream)
}

/// Lines of JSON. Where they are ranked each begins with what the journal takes off again, as in sd-daemon(3).
pub struct Ranked<F> {
    pub json: F,
    pub is_ranked: bool,
}

impl<S, N, F> FormatEvent<S, N> for Ranked<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if self.is_ranked {
            write!(to, "<{}>", rank(*event.metadata().level()))?;
        }
        self.json.format_event(context, to, event)
    }
}

/// The priority of syslog(3).
fn rank(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}
