//! The numbers that monitors see: each is named, described and registered here and nowhere else. docs/metrics.md holds the table
//! that [`Metrics::table`] makes.
//!
//! Values of labels are bounded, whatever a repository holds: of stacks and rules the first few hundred have series of their
//! own, and all others share one.

pub mod classic;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

/// What every name begins with.
const PREFIX: &str = "gitops_agent";
/// How many stacks, and how many rules, have series of their own.
const OWN_SERIES: usize = 500;
/// The name that all others share; no stack and no rule is called so.
const OTHER: &str = "_other";
/// Upper bounds of the durations of passes, in seconds: from a look that finds nothing to a deployment.
const SECONDS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge>;
type Times = Family<Labels, Gauge<f64, AtomicU64>>;

/// How a stack is, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackState {
    /// AWS is as its revision wants.
    Converged,
    /// Something is still coming.
    Progressing,
    /// It waits for another stack, or for another agent that works on it.
    Waiting,
    /// No pass over its revision has ended yet.
    Pending,
    /// People want nothing of it to be changed.
    Suspended,
    /// Something failed, and is tried again.
    Retrying,
    /// Something failed that does not pass by itself.
    Failed,
    /// Its manifest has problems.
    Refused,
}

impl StackState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Converged,
        Self::Progressing,
        Self::Waiting,
        Self::Pending,
        Self::Suspended,
        Self::Retrying,
        Self::Failed,
        Self::Refused,
    ];

    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Progressing => "progressing",
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Suspended => "suspended",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// The labels of a source.
#[derive(Clone, Debug)]
pub struct SourceLabels {
    /// Its address, as people may see it.
    pub source: String,
    /// Its branch.
    pub branch: String,
    /// The folder of its manifests.
    pub path: String,
}

impl SourceLabels {
    fn with(&self, more: Option<(&'static str, &str)>) -> Labels {
        let own = [("source", &self.source), ("branch", &self.branch), ("path", &self.path)];
        let own = own.into_iter().map(|(name, value)| (name, value.clone()));
        own.chain(more.map(|(name, value)| (name, value.to_owned()))).collect()
    }
}

/// Names that have series of their own.
#[derive(Default)]
struct Names(Mutex<BTreeSet<String>>);

impl Names {
    fn label(&self, name: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) || known.len() < OWN_SERIES && known.insert(name.to_owned()) {
            return name.to_owned();
        }
        OTHER.to_owned()
    }
}

/// All numbers.
pub struct Metrics {
    registry: Registry,
    #[cfg_attr(not(test), allow(dead_code, reason = "docs/metrics.md is held against it"))]
    described: Vec<[&'static str; 4]>,
    stacks: Names,
    rules: Names,
    /// Whoever asks: gauges are set as they are at that moment.
    asking: Mutex<()>,
    fetches: Counters,
    last_fetch: Times,
    stale: Gauges,
    stack_states: Gauges,
    passes: Counters,
    pass_seconds: Family<Labels, Histogram, fn() -> Histogram>,
    calls: Counters,
    leases: Gauges,
    drift: Counters,
    refusals: Counters,
    webhooks: Counters,
    notifications: Counters,
    notifications_waiting: Gauges,
    started: Gauge<f64, AtomicU64>,
    memory: Gauge,
    descriptors: Gauge,
}

/// Puts a metric into the registry and into the table of the docs.
struct Registrar(Registry, Vec<[&'static str; 4]>);

impl Registrar {
    fn add<M: Metric + Clone>(&mut self, name: &'static str, of: [&'static str; 3], metric: M) -> M {
        let [kind, labels, help] = of;
        self.0.register(name, help, metric.clone());
        self.1.push([name, kind, labels, help]);
        metric
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut all = Registrar(Registry::with_prefix(PREFIX), Vec::new());
        let source = "source, branch, path";
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        all.0.register("build", "The program", version);
        all.1.push(["build", "info", "version", "The program"]);
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        Self {
            fetches: all.add(
                "source_fetches",
                ["counter", "source, branch, path, result", "Readings of a source: `new`, `same`, or how they failed"],
                Family::default(),
            ),
            last_fetch: all.add(
                "source_last_fetch_timestamp_seconds",
                ["gauge", source, "When a source was last read, in seconds since 1970; not there before it was"],
                Family::default(),
            ),
            stale: all.add(
                "source_stale",
                ["gauge", source, "1 when the last good reading of a source is older than its `stale`"],
                Family::default(),
            ),
            stack_states: all.add("stacks", ["gauge", "state", "Stacks by state"], Family::default()),
            passes: all.add(
                "passes",
                ["counter", "stack, outcome", "Passes that ended, by how they did"],
                Family::default(),
            ),
            pass_seconds: all.add(
                "pass_duration_seconds",
                ["histogram", "trigger", "How long passes took, by why they were made"],
                Family::new_with_constructor(histogram),
            ),
            calls: all.add(
                "calls",
                ["counter", "stack, service, kind", "Calls to AWS: `read` or `change`"],
                Family::default(),
            ),
            leases: all.add(
                "lease_held",
                [
                    "gauge",
                    "stack",
                    "1 while this agent holds the right to change a stack, which it takes for changes alone",
                ],
                Family::default(),
            ),
            drift: all.add(
                "drift_found",
                ["counter", "stack", "Looks without a new commit that found something to put right"],
                Family::default(),
            ),
            refusals: all.add(
                "refused_findings",
                ["counter", "rule", "Findings that were in the way of a pass, by the rule or the check"],
                Family::default(),
            ),
            webhooks: all.add(
                "webhook_requests",
                ["counter", "sender, result", "Calls of webhooks, by what was made of them"],
                Family::default(),
            ),
            notifications: all.add(
                "notifications",
                [
                    "counter",
                    "receiver, result",
                    "What people were to be told: `told`, `retried`, `refused`, `given_up`, `dropped`",
                ],
                Family::default(),
            ),
            notifications_waiting: all.add(
                "notifications_waiting",
                ["gauge", "receiver", "How much is still to be told"],
                Family::default(),
            ),
            started: all.add(
                "process_start_timestamp_seconds",
                ["gauge", "", "When the process began, in seconds since 1970"],
                Gauge::default(),
            ),
            memory: all.add(
                "process_resident_memory_bytes",
                ["gauge", "", "Memory of the process, without its children"],
                Gauge::default(),
            ),
            descriptors: all.add(
                "process_open_fds",
                ["gauge", "", "Open descriptors of the process"],
                Gauge::default(),
            ),
            stacks: Names::default(),
            rules: Names::default(),
            asking: Mutex::default(),
            registry: all.0,
            described: all.1,
        }
    }

    /// A source was read, or could not be: `new`, `same`, or a word for how it failed.
    pub fn fetch(&self, source: &SourceLabels, result: &'static str) {
        self.fetches.get_or_create(&source.with(Some(("result", result)))).inc();
    }

    /// A call to AWS ended.
    pub fn call(&self, stack: &str, service: &str, changes: bool) {
        let kind = if changes { "change" } else { "read" };
        let labels =
            vec![("stack", self.stacks.label(stack)), ("service", service.to_owned()), ("kind", kind.to_owned())];
        self.calls.get_or_create(&labels).inc();
    }

    /// The right to change a stack is held, or not.
    pub fn lease(&self, stack: &str, held: bool) {
        self.leases.get_or_create(&vec![("stack", self.stacks.label(stack))]).set(i64::from(held));
    }

    /// A pass ended.
    pub fn pass(&self, stack: &str, trigger: &str, outcome: &str, took: Duration) {
        let labels = vec![("stack", self.stacks.label(stack)), ("outcome", outcome.to_owned())];
        self.passes.get_or_create(&labels).inc();
        self.pass_seconds.get_or_create(&vec![("trigger", trigger.to_owned())]).observe(took.as_secs_f64());
    }

    /// A look without a new commit found something.
    pub fn drift(&self, stack: &str) {
        self.drift.get_or_create(&vec![("stack", self.stacks.label(stack))]).inc();
    }

    /// Something was in the way of a pass.
    pub fn refusal(&self, rule: &str) {
        self.refusals.get_or_create(&vec![("rule", self.rules.label(rule))]).inc();
    }

    /// A webhook was called.
    pub fn webhook(&self, sender: &'static str, result: &'static str) {
        self.webhooks.get_or_create(&vec![("sender", sender.to_owned()), ("result", result.to_owned())]).inc();
    }

    /// Somebody was told something, or was not.
    pub fn notification(&self, receiver: &str, result: &'static str) {
        let labels = vec![("receiver", receiver.to_owned()), ("result", result.to_owned())];
        self.notifications.get_or_create(&labels).inc();
    }

    /// How much somebody is still to be told.
    pub fn notifications_waiting(&self, receiver: &str, count: usize) {
        let labels = vec![("receiver", receiver.to_owned())];
        self.notifications_waiting.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All of them in the form of `OpenMetrics`, with what is only known now: sources with their last good reading and whether
    /// that is too old, the states of all stacks, and when the process began.
    pub fn exposition(
        &self,
        sources: Vec<(SourceLabels, Option<Timestamp>, bool)>,
        states: &[StackState],
        began: Timestamp,
    ) -> Result<String, std::fmt::Error> {
        let _one_at_a_time = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.last_fetch.clear();
        self.stale.clear();
        for (source, last_good, is_stale) in sources {
            if let Some(at) = last_good {
                self.last_fetch.get_or_create(&source.with(None)).set(seconds(at));
            }
            self.stale.get_or_create(&source.with(None)).set(i64::from(is_stale));
        }
        for state in StackState::ALL {
            let count = states.iter().filter(|one| **one == state).count();
            let labels = vec![("state", state.word().to_owned())];
            self.stack_states.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.started.set(seconds(began));
        self.memory.set(memory().unwrap_or_default());
        let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.descriptors.set(i64::try_from(open).unwrap_or_default());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// The table of docs/metrics.md.
    #[cfg(test)]
    fn table(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::from("| name | type | labels | what |\n|---|---|---|---|\n");
        for [name, kind, labels, help] in &self.described {
            let suffix = match *kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            let labels: Vec<String> =
                labels.split(", ").filter(|l| !l.is_empty()).map(|label| format!("`{label}`")).collect();
            let _ = writeln!(text, "| `{PREFIX}_{name}{suffix}` | {kind} | {} | {help} |", labels.join(", "));
        }
        text
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// Resident memory in bytes.
fn memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<i64>().ok()? * 1024)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_have_every_metric_as_it_is() {
        let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md")).unwrap();
        let table = Metrics::new().table();
        assert!(docs.contains(&table), "docs/metrics.md lacks this table:\n{table}");
    }

    #[test]
    fn a_repository_with_many_stacks_and_rules_makes_no_series_without_end() {
        let metrics = Metrics::new();
        for n in 0..5000 {
            let name = format!("stack-{n}");
            metrics.call(&name, "ec2", false);
            metrics.pass(&name, "drift", "converged", Duration::from_secs(1));
            metrics.refusal(&name);
        }
        let text = metrics.exposition(Vec::new(), &[], Timestamp::UNIX_EPOCH).unwrap();
        for name in ["calls", "passes", "refused_findings"] {
            let series = text.lines().filter(|line| line.starts_with(&format!("gitops_agent_{name}_total{{")));
            assert_eq!(series.count(), OWN_SERIES + 1, "{name}");
        }
        assert!(text.contains("gitops_agent_refused_findings_total{rule=\"_other\"} 4500"));
    }
}
