//! A pair of emulators (moto and ministack), kept by `tests/emulator/launch.py`, which makes their Python environment once, picks
//! the ports and kills them when its standard input ends: at drop, and at whatever end this process finds, for the kernel closes
//! pipes. What each emulator cannot do stands beside the tests that it concerns, not here.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;

/// A running pair; ends with this value or this process.
#[derive(Debug)]
pub struct Emulator {
    launcher: Child,
    /// The launcher lives until this closes.
    stdin: Option<ChildStdin>,
    pair: Pair,
}

/// The launcher's line of JSON.
#[derive(Debug, Deserialize)]
struct Pair {
    python: PathBuf,
    moto: String,
    ministack: String,
    logs: PathBuf,
    pids: BTreeMap<String, u32>,
    env: BTreeMap<String, String>,
}

static STARTED: AtomicUsize = AtomicUsize::new(0);

/// Services (signing names) that ministack answers for; the rest is moto's. The launcher's `env` says the same to child processes.
const MINISTACK: &[&str] = &["ecs", "cloudfront", "monitoring", "cloudcontrolapi"];

impl Emulator {
    /// The pair of this test process, started at the first call. Never reset it: other tests use it.
    ///
    /// # Panics
    /// When it cannot be started; the message carries the servers' logs.
    pub fn shared() -> Arc<Emulator> {
        static SHARED: OnceLock<Arc<Emulator>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Emulator::start().expect("the emulators start"))))
    }

    /// A pair of its own, empty.
    ///
    /// # Errors
    /// When the environment cannot be made or a server does not answer in 30 s; the message carries pip's output or the logs.
    pub fn start() -> io::Result<Emulator> {
        let target = target_dir();
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let logs = target.join("emulator-logs").join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&logs)?;
        let complaints = logs.join("launch.log");
        let mut launcher = launch(&target)
            .arg("--logs")
            .arg(&logs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints)?)
            .spawn()?;
        let stdin = launcher.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = launcher.stdout.take() {
            // Every step of the launcher has a limit of its own, so this read ends.
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match serde_json::from_str(&line) {
            Ok(pair) => Ok(Emulator { launcher, stdin, pair }),
            Err(error) => {
                launcher.kill()?;
                launcher.wait()?;
                let log = fs::read_to_string(&complaints).unwrap_or_default();
                Err(io::Error::other(format!("launch.py said {line:?} ({error})\n{log}")))
            }
        }
    }

    /// The address of the emulator for a service by its signing name (`ec2`, `elasticloadbalancing`, `monitoring`).
    pub fn endpoint(&self, service: &str) -> &str {
        if MINISTACK.contains(&service) { &self.pair.ministack } else { &self.pair.moto }
    }

    /// Endpoints, credentials and region for a child process, which needs nothing else of its environment for AWS.
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.pair.env
    }

    /// The environment's Python, with botocore.
    pub fn python(&self) -> &Path {
        &self.pair.python
    }

    /// Where the servers' logs are.
    pub fn logs(&self) -> &Path {
        &self.pair.logs
    }

    /// The process ids, by `moto` and `ministack`.
    pub fn pids(&self) -> &BTreeMap<String, u32> {
        &self.pair.pids
    }

    /// Empties both; for own pairs only.
    ///
    /// # Errors
    /// When a server does not answer 200.
    pub fn reset(&self) -> io::Result<()> {
        post(&self.pair.moto, "/moto-api/reset")?;
        post(&self.pair.ministack, "/_ministack/reset")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It kills both servers and ends; should it not, the kernel does it with the launcher.
        let _ = self.launcher.wait();
    }
}

/// The Python of the environment, which is made when it is missing; starts no server.
///
/// # Errors
/// When it cannot be made.
pub fn python() -> io::Result<PathBuf> {
    #[derive(Deserialize)]
    struct Made {
        python: PathBuf,
    }
    let output = launch(&target_dir()).arg("--venv-only").stdin(Stdio::null()).output()?;
    let made: Made = serde_json::from_slice(&output.stdout)
        .map_err(|error| io::Error::other(format!("{error}\n{}", String::from_utf8_lossy(&output.stderr))))?;
    Ok(made.python)
}

/// `tests/`.
pub fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

fn launch(target: &Path) -> Command {
    let mut command = Command::new(env::var_os("EMULATOR_PYTHON").unwrap_or_else(|| "python3".into()));
    command.arg(tests_dir().join("emulator/launch.py")).arg("--target").arg(target);
    command
}

fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}

/// A POST without a body, whose answer must be 200.
fn post(server: &str, path: &str) -> io::Result<()> {
    let host = server.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(io::Error::other(format!("{path}: {answer}"))) }
}
