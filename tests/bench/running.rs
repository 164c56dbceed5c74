//! `agent run` as a process: its log line by line as it comes, what it uses, and how it is told to stop. It is killed with this value.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a line may take to come. Nothing here takes nearly as long; a machine may be busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running agent.
pub struct Running {
    child: Child,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<(Instant, String)>>,
    more: Condvar,
}

impl Running {
    /// Starts the shipped binary with this configuration, and nothing in its environment but what is given.
    pub fn start<K: AsRef<std::ffi::OsStr>, V: AsRef<std::ffi::OsStr>>(
        config: &Path,
        env: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["run", "--color", "never", "--config"]).arg(config).env_clear().envs(env);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (stderr, log) = (child.stderr.take().expect("it is piped"), Arc::new(Log::default()));
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lines.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), line));
                kept.more.notify_all();
            }
        });
        Self { child, log }
    }

    /// How many lines there are: a place to wait from.
    pub fn mark(&self) -> usize {
        self.log.lines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All lines so far, from a place on.
    pub fn lines(&self, from: usize) -> Vec<String> {
        let lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(from).map(|(_, line)| line.clone()).collect()
    }

    /// All lines with when they came.
    pub fn timed(&self) -> Vec<(Instant, String)> {
        self.log.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line from a place on that holds all these words; when it came, and the line.
    ///
    /// # Panics
    /// When it does not come; the message has the log.
    pub fn wait_for(&self, from: usize, words: &[&str]) -> (Instant, String) {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = lines.iter().skip(from).find(|(_, line)| words.iter().all(|word| line.contains(word)));
            if let Some(found) = found {
                return found.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let all: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
                panic!("no line with {words:?} after line {from} of\n{}", all.join("\n"));
            }
            lines = self.log.more.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Anonymous memory in KiB (`RssAnon`), the part of a process that no file backs.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).map_or(0, Iterator::count)
    }

    /// Sends a signal by its name (`TERM`, `HUP`).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().expect("kill runs");
        assert!(status.success(), "{status}");
    }

    /// Tells it to stop and waits: how it ended, and how long that took.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal("TERM");
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return (status, begun.elapsed());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("it did not stop:\n{}", self.lines(0).join("\n"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
