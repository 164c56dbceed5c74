//! What became of a stack's revisions: told from the versions of `/gitops-agent/{stack}/last` that Parameter Store keeps, with
//! the times of AWS's clock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::{Ended, Entry, Last};

/// How many versions of a parameter are kept
/// ([GetParameterHistory](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html)).
pub const KEPT: usize = 100;

/// One revision, from its first change to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The commit, or `directory` with a digest.
    pub revision: String,
    /// What came of it, as far as it is known.
    pub outcome: Ended,
    /// When the outcome was written.
    pub at: Timestamp,
    /// When its first change was announced; absent where nothing was to be changed, or where that version is not kept.
    pub began: Option<Timestamp>,
    /// From its beginning until it was converged, in milliseconds.
    pub took_ms: Option<i64>,
    /// How many passes changed something.
    pub passes: usize,
    /// AWS had been as this revision wants before: something was changed by hand, or by time.
    pub again: bool,
    /// Where it came from.
    pub source: String,
    /// Digest of the rules that let it through.
    pub policy: String,
}

/// All that is known of a stack's revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Whether there may have been older ones that AWS does not keep.
    pub older_not_kept: bool,
}

impl Journal {
    /// From the versions of the entry, oldest first. What cannot be understood, a newer program has written: it is left out.
    pub fn of(versions: &[Entry]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for entry in versions {
            let Ok(last) = serde_json::from_str::<Last>(&entry.value) else { continue };
            let Ok(at) = Timestamp::from_millisecond(entry.at) else { continue };
            if runs.last().is_some_and(|run| run.says_all_of(&last)) {
                continue;
            }
            if let Some(run) = runs.last_mut().filter(|run| run.goes_on(&last)) {
                run.tell(&last, at);
            } else {
                let again = runs.last().is_some_and(|run| run.revision == last.revision);
                runs.push(Run::new(&last, at, again));
            }
        }
        let older_not_kept = versions.len() >= KEPT;
        if older_not_kept && let Some(oldest) = runs.first_mut() {
            // Its first versions may be gone.
            (oldest.began, oldest.took_ms) = (None, None);
        }
        runs.reverse();
        Self { runs, older_not_kept }
    }
}

impl Run {
    fn new(last: &Last, at: Timestamp, again: bool) -> Self {
        let mut run = Self {
            revision: last.revision.clone(),
            outcome: last.ended,
            at,
            began: None,
            took_ms: None,
            passes: 0,
            again,
            source: last.source.clone(),
            policy: last.policy.clone(),
        };
        run.tell(last, at);
        run
    }

    /// Whether a version tells nothing new of it: the stack was given to another source, and that is no run.
    fn says_all_of(&self, last: &Last) -> bool {
        let is_converged = self.outcome == Ended::Converged && last.ended == Ended::Converged;
        is_converged && self.revision == last.revision
    }

    /// Whether a version is about this run still. What comes after it has converged is another one.
    fn goes_on(&self, last: &Last) -> bool {
        self.revision == last.revision && self.outcome != Ended::Converged
    }

    fn tell(&mut self, last: &Last, at: Timestamp) {
        (self.outcome, self.at) = (last.ended, at);
        self.source.clone_from(&last.source);
        self.policy.clone_from(&last.policy);
        match last.ended {
            Ended::Applying => {
                self.began.get_or_insert(at);
                self.passes += 1;
            }
            Ended::Converged => self.took_ms = self.began.map(|began| at.as_millisecond() - began.as_millisecond()),
            Ended::Progressing | Ended::Failed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(all: &[(&str, Ended, i64)]) -> Vec<Entry> {
        let entry = |(revision, ended, seconds): &(&str, Ended, i64)| Entry {
            value: serde_json::to_string(&Last::next(None, revision, "git", "none", *ended)).unwrap(),
            at: seconds * 1000,
        };
        all.iter().map(entry).collect()
    }

    fn told(all: &[(&str, Ended, i64)]) -> Vec<(String, Ended, Option<i64>, usize, bool)> {
        let journal = Journal::of(&versions(all));
        journal.runs.into_iter().map(|run| (run.revision, run.outcome, run.took_ms, run.passes, run.again)).collect()
    }

    #[test]
    fn a_revision_takes_from_its_first_change_until_it_is_converged() {
        use Ended::{Applying, Converged, Failed, Progressing};
        let all = [
            ("a", Applying, 0),
            ("a", Progressing, 5),
            ("a", Applying, 60),
            ("a", Progressing, 61),
            ("a", Converged, 90),
            ("b", Applying, 100),
            ("b", Failed, 110),
            ("c", Applying, 200),
            ("c", Progressing, 202),
        ];
        let expected = [
            ("c".to_owned(), Progressing, None, 1, false),
            ("b".to_owned(), Failed, None, 1, false),
            ("a".to_owned(), Converged, Some(90_000), 2, false),
        ];
        assert_eq!(told(&all), expected);
    }

    #[test]
    fn what_is_put_right_is_a_run_of_its_own_and_a_revision_without_changes_takes_no_time() {
        use Ended::{Applying, Converged};
        let all =
            [("a", Applying, 0), ("a", Converged, 3), ("a", Applying, 50), ("a", Converged, 52), ("b", Converged, 60)];
        let expected = [
            ("b".to_owned(), Converged, None, 0, false),
            ("a".to_owned(), Converged, Some(2_000), 1, true),
            ("a".to_owned(), Converged, Some(3_000), 1, false),
        ];
        assert_eq!(told(&all), expected);
    }

    #[test]
    fn that_a_stack_was_given_to_a_source_is_no_run() {
        use Ended::{Applying, Converged};
        let all =
            [("a", Applying, 0), ("a", Converged, 3), ("a", Converged, 50), ("b", Converged, 60), ("b", Converged, 70)];
        let expected =
            [("b".to_owned(), Converged, None, 0, false), ("a".to_owned(), Converged, Some(3_000), 1, false)];
        assert_eq!(told(&all), expected);
    }

    #[test]
    fn where_versions_are_not_kept_the_oldest_run_has_no_beginning() {
        let mut all = vec![("a", Ended::Applying, 0), ("a", Ended::Converged, 1)];
        for n in 0..49 {
            all.extend([("b", Ended::Applying, 10 + n), ("b", Ended::Converged, 10 + n)]);
        }
        let journal = Journal::of(&versions(&all));
        assert!(journal.older_not_kept);
        let oldest = journal.runs.last().unwrap();
        assert_eq!((oldest.revision.as_str(), oldest.began, oldest.took_ms), ("a", None, None));
        assert!(!Journal::of(&versions(&all[..99])).older_not_kept);
    }

    #[test]
    fn what_a_newer_program_wrote_is_left_out() {
        let mut all = versions(&[("a", Ended::Applying, 0), ("a", Ended::Converged, 1)]);
        all.insert(1, Entry { value: "{\"form\":2}".into(), at: 500 });
        assert_eq!(Journal::of(&all).runs.len(), 1);
    }
}
