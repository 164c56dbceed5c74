//! What happened: one [`Call`] for each request that the client tried to send (an SDK's retry is a call of its own), and what can
//! be said about many of them. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aws_smithy_types::base64;
use serde_json::json;

use super::http::Request;
use super::name::{Kind, Name};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Still on its way, or given up by the client.
    Pending,
    /// Answered with that HTTP status, by the emulator or by a fault.
    Answered(u16),
    /// Sent, and the answer thrown away by a fault.
    AnswerLost,
    /// Not sent, because of a fault.
    NotSent,
    /// The connection itself failed.
    Failed(String),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Order of start, from 1.
    pub seq: usize,
    pub name: Name,
    /// Without `Authorization` and `X-Amz-Security-Token`.
    pub request: Request,
    pub outcome: Outcome,
    /// The body of the answer that the client got.
    pub answer: Vec<u8>,
    /// The fault that hit it, by the name of its [`super::fault::What`].
    pub fault: Option<&'static str>,
    /// Whether it reached the emulator.
    pub sent: bool,
    /// Ticks of one clock that counts starts and ends.
    pub started: u64,
    pub ended: Option<u64>,
    /// The round, from 1, where calls went in lockstep: see [`super::waves`].
    pub wave: Option<usize>,
}

impl Call {
    /// `ec2.DescribeVpcs`.
    pub fn label(&self) -> String {
        format!("{}.{}", self.name.service, self.name.action)
    }

    pub fn is_read(&self) -> bool {
        self.name.kind == Kind::Read
    }

    /// The body as text, for assertions.
    pub fn body(&self) -> String {
        String::from_utf8_lossy(&self.request.body).into_owned()
    }

    /// The line that `tests/legal/check.py` reads.
    pub fn json_line(&self) -> String {
        json!({
            "seq": self.seq,
            "service": self.name.service,
            "action": self.name.action,
            "method": self.request.method,
            "uri": self.request.uri,
            "headers": self.request.headers,
            "body_base64": base64::encode(&self.request.body),
        })
        .to_string()
    }
}

/// One line of JSON for each call.
pub fn json_lines(calls: &[Call]) -> String {
    calls.iter().map(|call| call.json_line() + "\n").collect()
}

/// How often each `service.Action` was called.
pub fn counts(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.label()).or_insert(0) += 1;
    }
    counts
}

/// A table of the counts for snapshots: sorted, without anything that differs from run to run.
pub fn table(calls: &[Call]) -> String {
    let kinds: BTreeMap<String, Kind> = calls.iter().map(|call| (call.label(), call.name.kind)).collect();
    let counts = counts(calls);
    let width = counts.keys().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (label, count) in &counts {
        let _ = writeln!(text, "{label:width$}  {:8}  {count:>4}", kinds[label].name());
    }
    let reads = calls.iter().filter(|call| call.is_read()).count();
    let _ = writeln!(text, "{reads} reads in {} rounds, {} mutating", rounds(calls), calls.len() - reads);
    text
}

/// Rounds of dependent reads of calls that went in lockstep.
pub fn waves(calls: &[Call]) -> usize {
    calls.iter().filter(|call| call.is_read()).filter_map(|call| call.wave).collect::<BTreeSet<_>>().len()
}

/// The calls of each wave.
pub fn rounds_table(calls: &[Call]) -> String {
    let mut rounds: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for call in calls {
        rounds.entry(call.wave.unwrap_or_default()).or_default().push(call.label());
    }
    let lines: Vec<String> =
        rounds.iter().map(|(wave, labels)| format!("round {wave}: {}", labels.join(", "))).collect();
    lines.join("\n")
}

/// Rounds of dependent reads: the length of the longest chain of reads each of which started after the answer of the one
/// before. Calls that overlap are one round; a pass that reads everything at once has one, whatever the number of its calls.
/// (A limit on calls in flight cuts one wave into several rounds; count with the limit lifted.)
pub fn rounds(calls: &[Call]) -> usize {
    chain(calls.iter().filter(|call| call.is_read()))
}

/// The same over all calls: the depth of a whole pass.
pub fn depth(calls: &[Call]) -> usize {
    chain(calls.iter())
}

/// The most disjoint intervals, taken by their ends.
fn chain<'a>(calls: impl Iterator<Item = &'a Call>) -> usize {
    let mut spans: Vec<(u64, u64)> = calls.map(|call| (call.ended.unwrap_or(u64::MAX), call.started)).collect();
    spans.sort_unstable();
    let (mut length, mut last) = (0, 0);
    for (end, start) in spans {
        if start > last {
            length += 1;
            last = end;
        }
    }
    length
}

/// The services that were called.
pub fn services(calls: &[Call]) -> BTreeSet<String> {
    calls.iter().map(|call| call.name.service.clone()).collect()
}
