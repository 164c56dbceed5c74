//! What came out, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::mended::MENDED;

/// What came out of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Expected was nothing, and nothing was found.
    Pass,
    /// Expected was something, and something was found.
    Fail,
    /// There is no resource, and nothing was found.
    Empty,
    /// There is no resource that the rule is about, and nothing was found.
    NoBusiness,
    /// Something was found, in nothing but resources for which the rule is suppressed.
    Excepted,
    /// Nothing was found in resources for which the rule is suppressed.
    NeedlesslyExcepted,
    /// Another verdict.
    Disagreement(String),
    /// The kinds cannot say it.
    NotSaid(String),
    /// No rule of the pack checks this.
    NoRule,
}

#[derive(Default)]
struct Of {
    ours: String,
    outcomes: Vec<(String, Outcome)>,
}

impl Of {
    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| is(outcome)).count()
    }
}

/// All outcomes, by the registry's rule.
#[derive(Default)]
pub struct Tally(BTreeMap<String, Of>);

fn is_not_said(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotSaid(_))
}

fn is_disagreement(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Disagreement(_))
}

/// Whether it says something: a fragment without resources agrees with any rule.
fn is_compared(outcome: &Outcome) -> bool {
    !is_not_said(outcome) && !matches!(outcome, Outcome::NoRule | Outcome::Empty)
}

impl Tally {
    /// Adds one.
    pub fn add(&mut self, rule: &str, ours: &[&str], name: &str, outcome: Outcome) {
        let of = self.0.entry(rule.to_owned()).or_default();
        of.ours = ours.join(", ");
        of.outcomes.push((name.to_owned(), outcome));
    }

    fn all(&self, is: impl Fn(&Outcome) -> bool + Copy) -> usize {
        self.0.values().map(|of| of.count(is)).sum()
    }

    /// How many agree, and how many were compared that have resources.
    pub fn agreement(&self) -> (usize, usize) {
        let compared = self.all(is_compared);
        (compared - self.all(is_disagreement), compared)
    }

    /// Panics when verdicts other than those that are known differ, or those that are known do not.
    pub fn assert_that_only(&self, known: &BTreeSet<(&str, &str)>) {
        let mut seen = BTreeSet::new();
        for (rule, of) in &self.0 {
            for (name, outcome) in of.outcomes.iter().filter(|(_, outcome)| is_disagreement(outcome)) {
                let entry = known.iter().find(|(of, begins)| of == rule && name.starts_with(begins));
                seen.insert(*entry.unwrap_or_else(|| panic!("{rule}: {name}: {outcome:?}")));
            }
        }
        assert_eq!(&seen, known, "some of these agree");
    }

    /// A table, and what did not come into it.
    pub fn render(&self, disagreements: &[(&str, &str, &str)]) -> String {
        let (agreed, compared) = self.agreement();
        let cases = self.all(|_| true);
        let mut text = format!(
            "{cases} cases of {} rules of the registry: {compared} compared, {agreed} agree ({}.{} %).\n\
             Beside these {} without resources, in which nothing is found, {} that the kinds cannot say, {} without a rule.\n\n",
            self.0.len(),
            agreed * 100 / compared.max(1),
            agreed * 1000 / compared.max(1) % 10,
            self.all(|outcome| *outcome == Outcome::Empty),
            self.all(is_not_said),
            self.all(|outcome| *outcome == Outcome::NoRule),
        );
        text.push_str("pass fail skip excepted(found nothing) differ | empty unsaid | rule of the registry: ours\n");
        for (rule, of) in &self.0 {
            let count = |outcome: Outcome| of.count(|other| *other == outcome);
            let _ = writeln!(
                text,
                "{:4} {:4} {:4} {:8}({:5} {:7}) {:6} | {:5} {:6} | {rule}: {}",
                count(Outcome::Pass),
                count(Outcome::Fail),
                count(Outcome::NoBusiness),
                count(Outcome::Excepted) + count(Outcome::NeedlesslyExcepted),
                count(Outcome::Excepted),
                count(Outcome::NeedlesslyExcepted),
                of.count(is_disagreement),
                count(Outcome::Empty),
                of.count(is_not_said),
                if of.ours.is_empty() { "none" } else { &of.ours },
            );
        }
        text.push_str("\nOther verdicts:\n");
        for (rule, name, why) in disagreements {
            let _ = writeln!(text, "{rule}: {name}: {why}");
        }
        text.push_str("\nLeft out of fragments, because AWS refuses it whatever the verdict:\n");
        for (rule, path, why) in MENDED {
            let _ = writeln!(text, "{rule}: {path}: {why}");
        }
        text.push_str("\nWhat the kinds cannot say:\n");
        for ((rule, why), count) in self.unsaid() {
            let _ = writeln!(text, "{count:3} {rule}: {why}");
        }
        text
    }

    fn unsaid(&self) -> BTreeMap<(&str, &str), usize> {
        let mut all = BTreeMap::new();
        for (rule, of) in &self.0 {
            for (_, outcome) in &of.outcomes {
                if let Outcome::NotSaid(why) = outcome {
                    *all.entry((rule.as_str(), why.as_str())).or_default() += 1;
                }
            }
        }
        all
    }
}

/// The rules of the registry that are about other resources.
pub fn rest_of_the_registry(others: &str) -> String {
    let rows: Vec<(&str, &str)> = others.lines().filter_map(|line| line.split_once('\t')).collect();
    let cases: usize = rows.iter().filter_map(|(_, cases)| cases.parse::<usize>().ok()).sum();
    let ids: Vec<&str> = rows.iter().map(|(id, _)| *id).collect();
    format!("\nNot asked, for want of kinds: {} rules with {cases} cases.\n{}\n", rows.len(), ids.join(" "))
}
