//! What reading costs in calls. Each kind says what its list asks AWS for; from that follows what a pass over a stack
//! costs, before it is made. People pay for calls with time and with their account's rate limits.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::desired::Desired;
use crate::exports::by_stack;
use crate::kind::{KindInfo, Kinds};
use crate::lookup::Question;
use crate::observed::with_parents;

/// What a pass asks AWS for whatever its stack is made of: whose credentials these are, and the stack's own words.
pub const PASS: [Read; 2] = [Read::once("sts:GetCallerIdentity").remembered(), Read::once("ssm:GetParametersByPath")];

/// Calls of one action that a list makes. Answers that come in pages cost a call for each page; here stands the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        format!("{}{per}{}{remembered}", self.times, only.unwrap_or_default())
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

/// One read of a pass, and how many calls it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The kinds that it is for; none for what the pass itself asks.
    pub kinds: Vec<&'static str>,
    /// What is read.
    pub read: Read,
    /// How many calls.
    pub calls: usize,
}

/// The reads of these kinds, those that several of them share once, after those of the pass itself.
pub fn reads<'a>(kinds: impl IntoIterator<Item = &'a KindInfo>) -> Vec<(Vec<&'static str>, Read)> {
    let mut all: Vec<(Vec<&'static str>, Read)> = PASS.iter().map(|read| (Vec::new(), *read)).collect();
    for kind in kinds {
        for read in kind.reads {
            match all.iter_mut().find(|(_, held)| read.shared && held == read) {
                Some((kinds, _)) => kinds.push(kind.name),
                None => all.push((vec![kind.name], *read)),
            }
        }
    }
    all
}

/// What a pass over a stack that is as wanted costs: the reads of its kinds, the questions of its expansion, and what each
/// pass asks. It takes for granted that AWS holds one of each and no more; what is retired, or foreign where AWS has no
/// filter, costs more.
pub fn of_pass(kinds: &Kinds, desired: &Desired, questions: &[Question], process: Process) -> Vec<Line> {
    let wanted: BTreeSet<&str> = desired.resources.keys().map(Address::kind).collect();
    let held = |kind: &str, read: &Read| {
        let of_kind = desired.resources.iter().filter(|(address, _)| address.kind() == kind);
        of_kind.filter(|(_, wanted)| read.only.is_none_or(|only| has(&wanted.spec.value(), only))).count()
    };
    let mut asked: Vec<(Vec<&'static str>, Read)> = Vec::new();
    for read in questions.iter().flat_map(Question::reads) {
        // Questions of one sort are asked at once.
        if !asked.iter().any(|(_, held)| *held == read) {
            asked.push((Vec::new(), read));
        }
    }
    let all = reads(wanted.into_iter().filter_map(|kind| kinds.get(kind))).into_iter().chain(asked);
    let own = all.map(|(kinds, read)| {
        let known = read.remembered && process == Process::Running;
        let calls = if known { 0 } else { read.calls(&held) };
        Line { kinds, read, calls }
    });
    own.chain(of_exports(kinds, questions)).collect()
}

/// What references to other stacks cost: each kind that is referred to, and those that it is found through, is listed once
/// for each stack. Of the resources there no more is known than those that are referred to: of each other kind one counts.
fn of_exports(kinds: &Kinds, questions: &[Question]) -> Vec<Line> {
    let questions: BTreeSet<Question> = questions.iter().cloned().collect();
    let mut lines = Vec::new();
    for exports in by_stack(&questions).into_values() {
        let addresses: BTreeSet<&Address> = exports.iter().map(|export| &export.address).collect();
        let held = |kind: &str, _: &Read| addresses.iter().filter(|address| address.kind() == kind).count().max(1);
        let needed = with_parents(kinds, addresses.iter().map(|address| address.kind()));
        let mut all = reads(needed.into_iter().filter_map(|kind| kinds.get(kind)));
        let listed = all.split_off(PASS.len()).into_iter();
        lines.extend(listed.map(|(kinds, read)| Line { kinds, read, calls: read.calls(&held) }));
    }
    lines
}

/// The calls by action.
pub fn by_action(lines: &[Line]) -> BTreeMap<&'static str, usize> {
    let mut calls = BTreeMap::new();
    for line in lines.iter().filter(|line| line.calls > 0) {
        *calls.entry(line.read.action).or_insert(0) += line.calls;
    }
    calls
}

fn has(spec: &serde_json::Value, (field, values): (&str, &[&str])) -> bool {
    spec.get(field).and_then(serde_json::Value::as_str).is_some_and(|value| values.contains(&value))
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
        let tags = Read::batches("x:Tags", &["a", "b"], 20).remembered();
        assert_eq!(tags.words(), "1 for every 20 of a and b, once in a process");
        let certificates = Read::each("x:Certificates", &["a"]).only("protocol", &["HTTPS", "TLS"]);
        assert_eq!(certificates.words(), "1 for each a with protocol HTTPS or TLS");
    }
}
