//! What reading costs in calls. Each kind says what its list asks AWS for; from that follows what a pass over a stack
//! costs, before it is made. People pay for calls with time and with their account's rate limits.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::Desired;
use crate::kind::Kinds;
use crate::lookup::Question;

/// What a pass asks AWS for whatever its stack is made of: whose credentials these are, and the stack's own words.
pub const PASS: [Read; 2] = [Read::once("sts:GetCallerIdentity").remembered(), Read::once("ssm:GetParametersByPath")];

/// Calls of one action that a list makes. Answers that come in pages cost a call for each page; here stands the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// `service:Action`, as IAM spells it.
    pub action: &'static str,
    /// Kinds whose resources are counted. None: one call, whatever is there.
    pub of: &'static [&'static str],
    /// How many of them one call takes.
    pub batch: usize,
    /// How many calls each batch takes.
    pub times: usize,
    /// Only those that have this field, at this value; in words for people.
    pub only: Option<(&'static str, &'static [&'static str])>,
    /// Kinds of one service ask for this together: it counts once for all that name it.
    pub shared: bool,
    /// A process asks for each of them once and remembers the answer.
    pub remembered: bool,
}

impl Read {
    /// One call.
    pub const fn once(action: &'static str) -> Self {
        Self { action, of: &[], batch: 1, times: 1, only: None, shared: false, remembered: false }
    }

    /// A call for each resource of these kinds.
    pub const fn each(action: &'static str, of: &'static [&'static str]) -> Self {
        Self { of, ..Self::once(action) }
    }

    /// A call for so many resources of these kinds.
    pub const fn batches(action: &'static str, of: &'static [&'static str], batch: usize) -> Self {
        Self { of, batch, ..Self::once(action) }
    }

    /// So many calls where it is one otherwise.
    pub const fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Counting only resources whose spec has one of these values in that field.
    pub const fn only(self, field: &'static str, values: &'static [&'static str]) -> Self {
        Self { only: Some((field, values)), ..self }
    }

    /// Asked together by several kinds.
    pub const fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    /// Asked once by a process.
    pub const fn remembered(self) -> Self {
        Self { remembered: true, ..self }
    }

    /// How many calls it is. `held` gives how many resources of a kind there are, of those that it counts.
    fn calls(&self, held: &impl Fn(&str, &Self) -> usize) -> usize {
        if self.of.is_empty() {
            return self.times;
        }
        let count: usize = self.of.iter().map(|kind| held(kind, self)).sum();
        count.div_ceil(self.batch) * self.times
    }

    /// In words: `2 for each ec2.vpc`.
    pub fn words(&self) -> String {
        let of = self.of.join(" and ");
        let per = match (self.of.len(), self.batch) {
            (0, _) => String::new(),
            (_, 1) => format!(" for each {of}"),
            (_, batch) => format!(" for every {batch} of {of}"),
        };
        let only = self.only.map(|(field, values)| format!(" with {field} {}", values.join(" or ")));
        let remembered = if self.remembered { ", once in a process" } else { "" };
        let shared = if self.shared { ", with the other kinds of its service" } else { "" };
        format!("{}{per}{}{remembered}{shared}", self.times, only.unwrap_or_default())
    }
}

/// Whether a process has read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// It starts with this pass.
    Fresh,
    /// What it remembers is not asked for again.
    Running,
}

/// The calls of a pass over a stack that is as wanted, by action: those of the kinds, of the questions that expansion has,
/// and of the pass itself. It takes for granted that AWS holds no more than one of each; what is retired, or foreign where
/// AWS has no filter, costs more.
pub fn of_pass(
    kinds: &Kinds,
    desired: &Desired,
    questions: &[Question],
    process: Process,
) -> BTreeMap<&'static str, usize> {
    let wanted: BTreeSet<&str> = desired.resources.keys().map(crate::address::Address::kind).collect();
    let of_kinds = wanted.into_iter().filter_map(|kind| kinds.get(kind)).flat_map(|kind| kind.reads);
    let asked: Vec<Read> = questions.iter().map(Question::read).collect();
    let held = |kind: &str, read: &Read| {
        let of_kind = desired.resources.iter().filter(|(address, _)| address.kind() == kind);
        of_kind.filter(|(_, wanted)| read.only.is_none_or(|only| has(&wanted.spec.value(), only))).count()
    };
    calls(of_kinds.chain(&asked).chain(&PASS), process, held)
}

fn has(spec: &serde_json::Value, (field, values): (&str, &[&str])) -> bool {
    spec.get(field).and_then(serde_json::Value::as_str).is_some_and(|value| values.contains(&value))
}

/// The calls that these reads are, by action. `held` gives how many resources of a kind AWS holds, of those that the read
/// counts.
pub fn calls<'a>(
    reads: impl IntoIterator<Item = &'a Read>,
    process: Process,
    held: impl Fn(&str, &Read) -> usize,
) -> BTreeMap<&'static str, usize> {
    let mut calls = BTreeMap::new();
    let mut together = BTreeSet::new();
    for read in reads {
        let known = read.remembered && process == Process::Running;
        if known || (read.shared && !together.insert(*read)) {
            continue;
        }
        *calls.entry(read.action).or_insert(0) += read.calls(&held);
    }
    calls.retain(|_, count| *count > 0);
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_rounded_up_and_nothing_costs_nothing() {
        let read = Read::batches("x:Tags", &["a", "b"], 20);
        assert_eq!(read.calls(&|_, _| 0), 0);
        assert_eq!(read.calls(&|kind, _| if kind == "a" { 20 } else { 1 }), 2);
        assert_eq!(Read::once("x:List").calls(&|_, _| 0), 1);
        assert_eq!(Read::each("x:Get", &["a"]).times(2).calls(&|_, _| 3), 6);
    }

    #[test]
    fn it_is_said_in_words() {
        assert_eq!(Read::each("x:Get", &["a"]).times(2).words(), "2 for each a");
        let tags = Read::batches("x:Tags", &["a", "b"], 20).shared();
        assert_eq!(tags.words(), "1 for every 20 of a and b, with the other kinds of its service");
        let certificates = Read::each("x:Certificates", &["a"]).only("protocol", &["HTTPS", "TLS"]);
        assert_eq!(certificates.words(), "1 for each a with protocol HTTPS or TLS");
    }
}
