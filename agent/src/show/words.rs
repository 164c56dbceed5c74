//! Times, revisions and outcomes as people read them.

use agent_core::source::render::escape;
use agent_core::state::Ended;
use jiff::Timestamp;

/// What came of a revision, in one word.
pub fn outcome(ended: Ended) -> &'static str {
    match ended {
        Ended::Applying => "applying",
        Ended::Converged => "converged",
        Ended::Progressing => "progressing",
        Ended::Failed => "failed",
    }
}

/// A commit by as much as tells it from others; other names as they are.
pub fn revision(id: &str) -> String {
    let is_commit = id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if is_commit { id[..12].to_owned() } else { escape(id) }
}

/// `2026-11-21 14:02:05 UTC`: people in several zones read one text.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `3 h ago`; a clock that is behind AWS's makes it now.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    format!("{} ago", length((now.as_millisecond() - then.as_millisecond()).max(0)))
}

/// A length of time by its two largest units: `350 ms`, `2.5 s`, `1 min 12 s`, `3 h 5 min`, `4 days`.
pub fn length(millis: i64) -> String {
    let seconds = millis / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, of: &str| {
        if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {of}") }
    };
    match () {
        () if millis < 1000 => format!("{millis} ms"),
        () if seconds < 10 => format!("{seconds}.{} s", millis % 1000 / 100),
        () if minutes == 0 => format!("{seconds} s"),
        () if hours == 0 => two(minutes, "min", seconds % 60, "s"),
        () if days == 0 => two(hours, "h", minutes % 60, "min"),
        () => format!("{days} {}", if days == 1 { "day" } else { "days" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_by_their_largest_units() {
        let second = 1000;
        let told =
            [350, 2 * second + 540, 42 * second, 72 * second, 3 * 3600 * second, 11_100 * second, 86_400 * second]
                .map(length);
        assert_eq!(told, ["350 ms", "2.5 s", "42 s", "1 min 12 s", "3 h", "3 h 5 min", "1 day"]);
        let then = Timestamp::from_second(100).unwrap();
        assert_eq!(ago(Timestamp::from_second(90).unwrap(), then), "0 ms ago");
    }

    #[test]
    fn a_commit_is_cut_and_a_hostile_name_is_made_safe() {
        assert_eq!(revision("0123456789abcdef0123456789abcdef01234567"), "0123456789ab");
        assert_eq!(revision("folder-0123456789ab"), "folder-0123456789ab");
        assert_eq!(revision("\u{1b}[2J"), "\\u{1b}[2J");
    }
}
