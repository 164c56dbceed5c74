//! What was told to whom about a stack, so that each outcome of a revision is told once, over restarts too. Pure: it answers what is to
//! be told next, and holds what was; sending, and keeping this in AWS beside the other words of a stack, is for others.
//!
//! **Guarantees.** Of a revision, `pending` is told at most once and before anything else; any other outcome when it is not the one
//! that was told last. A stack that goes to and fro at one revision is told of ten times, and from then on every six hours at most. A
//! revision of which `pending` was the last word, and which another one took the place of, is told to be superseded.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How often a revision is told of without a pause.
const MANY: u32 = 10;
/// The pause from then on, in seconds.
const REST: i64 = 6 * 3600;
/// How many receivers are remembered: an entry of Parameter Store has 4 KB.
const RECEIVERS: usize = 24;

/// What became of a revision, as far as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// AWS is being changed.
    Pending,
    /// AWS is as the revision says.
    Success,
    /// A commit or a person has to help.
    Failure,
    /// Another revision took its place before anything came of it.
    Superseded,
}

impl Outcome {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Superseded => "superseded",
        }
    }
}

/// The last that one receiver was told of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTold {
    /// The revision.
    pub revision: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How often the receiver was told of this revision.
    pub count: u32,
    /// When, in seconds since 1970.
    pub at: i64,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The revision.
    pub revision: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How often the receiver was told of this revision before.
    pub nth: u32,
    /// What is to be remembered once it was told; nothing where more is to be told at once.
    pub then: Option<LastTold>,
}

/// What was told of a stack, by receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Told(BTreeMap<String, LastTold>);

impl Told {
    /// The name of its entry among the stack's own words.
    pub const ENTRY: &'static str = "told";

    /// What an entry says. One that cannot be understood says nothing: at worst something is told once more.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The entry, less than 4 KB of it: of too many receivers those that were told of last.
    pub fn text(&self) -> String {
        let mut newest: Vec<(&String, &LastTold)> = self.0.iter().collect();
        newest.sort_by_key(|(_, last)| std::cmp::Reverse(last.at));
        let kept: BTreeMap<&String, &LastTold> = newest.into_iter().take(RECEIVERS).collect();
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// The last that a receiver was told.
    pub fn last(&self, receiver: &str) -> Option<&LastTold> {
        self.0.get(receiver)
    }

    /// A receiver was told, or is as if it had not been.
    pub fn set(&mut self, receiver: &str, last: Option<LastTold>) {
        match last {
            Some(last) => self.0.insert(receiver.to_owned(), last),
            None => self.0.remove(receiver),
        };
    }

    /// Takes over what somebody else has told since.
    pub fn merge(&mut self, other: &Self) {
        for (receiver, last) in &other.0 {
            if self.0.get(receiver).is_none_or(|own| own.at < last.at) {
                self.0.insert(receiver.clone(), last.clone());
            }
        }
    }

    /// What a receiver is to be told now that this became of a revision, of what it wants to hear. It counts as told from
    /// here on.
    pub fn tell(
        &mut self,
        receiver: &str,
        wanted: &BTreeSet<Outcome>,
        revision: &str,
        outcome: Outcome,
        now: i64,
    ) -> Vec<Telling> {
        let last = self.0.get(receiver);
        let same = last.filter(|last| last.revision == revision);
        let is_known = same.is_some_and(|last| {
            let is_restless = last.count >= MANY && now.saturating_sub(last.at) < REST;
            outcome == Outcome::Pending || outcome == last.outcome || is_restless
        });
        if is_known {
            return Vec::new();
        }
        let nth = same.map_or(0, |last| last.count);
        let is_wanted = wanted.contains(&outcome);
        let count = nth.saturating_add(u32::from(is_wanted));
        let next = LastTold { revision: revision.to_owned(), outcome, count, at: now };
        let left = last.filter(|last| {
            last.revision != revision && last.outcome == Outcome::Pending && wanted.contains(&Outcome::Pending)
        });
        let left = left.map(|last| Telling {
            revision: last.revision.clone(),
            outcome: Outcome::Superseded,
            nth: last.count,
            then: (!is_wanted).then(|| next.clone()),
        });
        let now = is_wanted.then(|| Telling { revision: revision.to_owned(), outcome, nth, then: Some(next.clone()) });
        self.0.insert(receiver.to_owned(), next);
        left.into_iter().chain(now).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Outcome::{Failure, Pending, Success, Superseded};
    use super::*;

    fn words(tellings: &[Telling]) -> String {
        let words = tellings.iter().map(|t| format!("{} {} {}", t.revision, t.outcome.word(), t.nth));
        words.collect::<Vec<_>>().join(", ")
    }

    /// What a receiver who wants these outcomes is told, one after the other.
    fn told(wanted: &[Outcome], happened: &[(&str, Outcome)]) -> Vec<String> {
        let (mut told, wanted) = (Told::default(), wanted.iter().copied().collect());
        let mut tell = |(now, (revision, outcome)): (usize, &(&str, Outcome))| {
            let tellings = told.tell("x", &wanted, revision, *outcome, now.try_into().unwrap());
            // Whatever was told is remembered in the end as a whole.
            let then = tellings.last().map(|telling| telling.then.clone());
            assert!(then.is_none_or(|then| then.as_ref() == told.last("x")));
            words(&tellings)
        };
        happened.iter().enumerate().map(&mut tell).collect()
    }

    #[test]
    fn each_outcome_of_a_revision_is_told_once_and_a_change_is_told() {
        let happened = [
            ("a", Pending),
            ("a", Pending),
            ("a", Success),
            ("a", Success),
            // A repair of what was changed by hand is no news.
            ("a", Pending),
            ("a", Success),
            ("a", Failure),
            ("a", Pending),
            ("a", Success),
            ("b", Success),
        ];
        let wanted = ["a pending 0", "", "a success 1", "", "", "", "a failure 2", "", "a success 3", "b success 0"];
        assert_eq!(told(&[Pending, Success, Failure], &happened), wanted);
    }

    #[test]
    fn a_revision_that_was_left_pending_is_told_to_be_superseded() {
        let happened = [("a", Pending), ("b", Pending), ("c", Failure), ("d", Pending)];
        assert_eq!(
            told(&[Pending, Success, Failure], &happened),
            ["a pending 0", "a superseded 1, b pending 0", "b superseded 1, c failure 0", "d pending 0"]
        );
        assert_eq!(told(&[Pending, Failure], &[("a", Pending), ("b", Success)])[1], "a superseded 1");
        assert!(told(&[Success], &[("a", Pending), ("b", Success)]).concat().find(Superseded.word()).is_none());
    }

    #[test]
    fn who_wants_to_hear_of_failures_alone_hears_of_each() {
        let happened = [("a", Pending), ("a", Failure), ("a", Failure), ("a", Success), ("a", Failure)];
        assert_eq!(told(&[Failure], &happened), ["", "a failure 0", "", "", "a failure 1"]);
    }

    #[test]
    fn a_stack_that_goes_to_and_fro_is_told_of_less_and_less_and_the_last_word_is_told() {
        let (mut told, wanted) = (Told::default(), [Success, Failure].into());
        let mut count = 0;
        for minute in 0..3 * 24 * 60 {
            let outcome = if minute % 2 == 0 { Success } else { Failure };
            count += told.tell("x", &wanted, "a", outcome, minute * 60).len();
        }
        assert_eq!(count, 10 + 3 * 4 - 1);
        // It comes to rest as it was not told to be last, and that is told within six hours.
        let last = told.last("x").unwrap().outcome;
        let other = if last == Success { Failure } else { Success };
        let end = 3 * 24 * 3600;
        assert_eq!((0..=6).map(|hour| told.tell("x", &wanted, "a", other, end + hour * 3600).len()).sum::<usize>(), 1);
    }

    #[test]
    fn what_another_agent_has_told_is_not_told_again() {
        let (mut mine, mut theirs, wanted) = (Told::default(), Told::default(), [Success, Failure].into());
        mine.tell("x", &wanted, "a", Success, 10);
        theirs.tell("x", &wanted, "b", Success, 20);
        theirs.tell("y", &wanted, "b", Success, 20);
        mine.merge(&Told::parse(&theirs.text()));
        assert!(mine.tell("x", &wanted, "b", Success, 30).is_empty());
        assert!(mine.tell("y", &wanted, "b", Success, 30).is_empty());
        // An older record changes nothing.
        mine.tell("x", &wanted, "b", Failure, 40);
        mine.merge(&theirs);
        assert_eq!(mine.last("x").unwrap().outcome, Failure);
        assert_eq!(Told::parse("{\"x\": 1}"), Told::default());
    }

    #[test]
    fn a_record_fits_into_its_entry() {
        let (mut told, wanted) = (Told::default(), [Success].into());
        for n in 0..100 {
            told.tell(&format!("{n:016x}"), &wanted, &"f".repeat(40), Success, 1_900_000_000 + n);
        }
        let text = told.text();
        assert!(text.len() < 4096, "{}", text.len());
        let read = Told::parse(&text);
        assert!(read.last(&format!("{:016x}", 99)).is_some() && read.last(&format!("{:016x}", 0)).is_none());
    }
}
