//! Whether AWS would accept the recorded requests: hands them to `tests/legal/check.py`, which holds them against AWS's own
//! service models. It knows no rule itself.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{fmt, path::PathBuf, thread};

use serde::Deserialize;

use super::emulator;
use super::record::{self, Call};

/// What the checker found.
#[derive(Debug, Deserialize)]
pub struct Report {
    /// Requests checked.
    pub checked: usize,
    /// Different actions among them.
    pub actions: usize,
    pub violations: Vec<Violation>,
}

/// One reason why AWS's model forbids a request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Violation {
    /// [`Call::seq`].
    pub seq: usize,
    pub service: String,
    pub action: String,
    /// The member, as in `Filters[0].Name`.
    pub path: String,
    pub reason: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{} {}.{} {}: {}", self.seq, self.service, self.action, self.path, self.reason)
    }
}

/// Checks calls; those that a fault hit count as well, for the client made them.
///
/// # Errors
/// When the checker cannot be run or breaks down.
pub fn check(calls: &[Call]) -> io::Result<Report> {
    let mut child = script("check.py")?
        .arg("--json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = record::json_lines(calls);
    let stdin = child.stdin.take();
    // The checker may answer before it has read all; writing aside keeps both pipes moving.
    let writer = thread::spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(lines.as_bytes())));
    let output = child.wait_with_output()?;
    let written = writer.join().map_err(|_| io::Error::other("the writer panicked"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| io::Error::other(format!("{error}; {written:?}\n{}", String::from_utf8_lossy(&output.stderr))))
}

/// A Python program of `tests/legal`, to be run in the emulators' environment.
///
/// # Errors
/// When the environment cannot be made.
pub fn script(name: &str) -> io::Result<Command> {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    let python = if let Some(python) = PYTHON.get() {
        python
    } else {
        let made = emulator::python()?;
        PYTHON.get_or_init(|| made)
    };
    let mut command = Command::new(python);
    // No bytecode in the source tree.
    command.arg("-B").arg(emulator::tests_dir().join("legal").join(name));
    Ok(command)
}
