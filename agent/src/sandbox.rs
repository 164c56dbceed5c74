//! Child processes of the agent's own binary, for work on what others wrote: Git objects, policies. A child starts with an empty
//! environment and an empty home, limits itself before it reads anything, and gets its question on the standard input; the
//! parent owns the clock and bounds the answer. It is no confinement of what a child may open or connect to.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// What a child may use. The wall clock is the parent's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Private writable memory (`RLIMIT_DATA`): heap, anonymous maps, thread stacks. Files mapped as shared do not count.
    pub data_bytes: u64,
    /// Processor time (`RLIMIT_CPU`); the system ends a child that exceeds it.
    pub cpu_seconds: u64,
    /// The largest file that it may write (`RLIMIT_FSIZE`).
    pub file_bytes: u64,
}

/// Why a child gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The program could not be started, or its home could not be made.
    #[error("the child process could not be started")]
    NotStarted {
        /// What the system said.
        source: io::Error,
    },
    /// It ended with a failure or by a signal, or could not be read from.
    #[error("the child process {how}{}", if stderr.is_empty() { String::new() } else { format!(": {stderr}") })]
    Crashed {
        /// Such as `ended by signal 6 (aborted)`.
        how: String,
        /// The start of what it wrote to its standard error, on one line.
        stderr: String,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// It was killed at its time.
    #[error("the child process took longer than {} s", wall.as_secs())]
    TimedOut {
        /// The time that it had.
        wall: Duration,
        /// The last line that it wrote to its standard error: what it was doing.
        doing: String,
    },
    /// It was killed since it wrote without end.
    #[error("the child process answered with more than {limit} bytes")]
    TooMuchOutput {
        /// The bytes that were allowed.
        limit: u64,
    },
}

impl SandboxError {
    /// The message with its cause, for where only one text fits.
    pub fn full(&self) -> String {
        match self {
            Self::NotStarted { source } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }

    /// Whether the system ended it at a limit that it had set for itself.
    pub fn is_over_its_limits(&self) -> bool {
        matches!(self, Self::Crashed { signal: Some(TIME_USED | FILE_TOO_LARGE), .. })
    }
}

/// What a child keeps of its parent's environment: where certificates are.
const KEPT: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
/// Set beside `HOME`, so that a child started by hand does not take a person's home for its own.
const OWN_HOME: &str = "AGENT_CHILD_HOME";
/// Has the allocator (mimalloc) ask the system for memory when it is needed. It would take a gigabyte in one piece at the start, before
/// a child limits itself, and a limit that is lower would not hold.
const ON_DEMAND: (&str, &str) = ("MIMALLOC_ARENA_EAGER_COMMIT", "0");
/// The system's signals at the limits of processor time and of a file's size (`SIGXCPU`, `SIGXFSZ`).
const TIME_USED: i32 = 24;
const FILE_TOO_LARGE: i32 = 25;
/// So much of a child's standard error is kept.
const STDERR_BYTES: u64 = 4096;

/// Limits this process. A limit that is lower already stays; core dumps are turned off, they would hold secrets.
pub fn limit_self(limits: &Limits) -> io::Result<()> {
    use rlimit::Resource;
    let wanted = [
        (Resource::DATA, limits.data_bytes),
        (Resource::CPU, limits.cpu_seconds),
        (Resource::FSIZE, limits.file_bytes),
        (Resource::CORE, 0),
    ];
    for (resource, value) in wanted {
        let (_, hard) = resource.get()?;
        // The system asks at the soft limit of processor time (a signal that says why) and kills at the hard one.
        let grace = u64::from(resource == Resource::CPU);
        resource.set(value.min(hard), value.saturating_add(grace).min(hard))?;
    }
    Ok(())
}

/// How a child ends that has answered, or could not answer at all: its parent reads why not, and nobody else.
pub fn exit_of(lived: Result<(), String>) -> ExitCode {
    let Err(why) = lived else { return ExitCode::SUCCESS };
    let _ = io::Write::write_all(&mut io::stderr(), format!("{why}\n").as_bytes());
    ExitCode::FAILURE
}

/// Ends this process after a time. The parent kills in good time; this is for a child whose parent was killed itself.
pub fn end_after(wall: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(wall);
        std::process::abort();
    });
}

/// The empty home that [`spawn`] made for this process; `None` in any other process. A child may write to it.
pub fn own_home() -> Option<PathBuf> {
    let own = std::env::var_os(OWN_HOME)?;
    (std::env::var_os("HOME")? == own).then(|| own.into())
}

/// Runs this program again with one hidden argument, writes `stdin` to it and answers what it wrote to its standard output.
/// Dropping the future kills the child.
pub async fn spawn(name: &str, stdin: Vec<u8>, wall: Duration, max_output: u64) -> Result<Vec<u8>, SandboxError> {
    spawn_with(name, None, stdin, wall, max_output).await
}

/// The same with one more variable in its environment.
pub async fn spawn_with(
    name: &str,
    variable: Option<(&str, &Path)>,
    stdin: Vec<u8>,
    wall: Duration,
    max_output: u64,
) -> Result<Vec<u8>, SandboxError> {
    converse_with(&own_program()?, &[name], variable, stdin, wall, max_output).await
}

/// The running program. On Linux the link, not its target: while an upgrade replaces the file, the link still leads to the
/// program that is running, so parent and child stay of one version.
fn own_program() -> Result<PathBuf, SandboxError> {
    let link = Path::new("/proc/self/exe");
    if link.exists() {
        return Ok(link.to_owned());
    }
    std::env::current_exe().map_err(|source| SandboxError::NotStarted { source })
}

/// The same with any program and arguments.
#[cfg(test)]
pub async fn run(
    program: &Path,
    arguments: &[&str],
    stdin: Vec<u8>,
    wall: Duration,
    max_output: u64,
) -> Result<Vec<u8>, SandboxError> {
    converse_with(program, arguments, None, stdin, wall, max_output).await
}

async fn converse_with(
    program: &Path,
    arguments: &[&str],
    variable: Option<(&str, &Path)>,
    stdin: Vec<u8>,
    wall: Duration,
    max_output: u64,
) -> Result<Vec<u8>, SandboxError> {
    let home = Home::new().map_err(|source| SandboxError::NotStarted { source })?;
    let kept = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(kept)
        .envs(variable)
        .env("HOME", &home.0)
        .env(OWN_HOME, &home.0)
        .env(ON_DEMAND.0, ON_DEMAND.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| SandboxError::NotStarted { source })?;
    let mut stderr = Vec::new();
    let answer = tokio::time::timeout(wall, converse(&mut child, stdin, max_output, &mut stderr)).await;
    // Whoever ended by itself is not harmed by this; whoever did not is gone before its home is.
    let _ = child.kill().await;
    answer.unwrap_or_else(|_| {
        let last = stderr.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        Err(SandboxError::TimedOut { wall, doing: last.map(one_line).unwrap_or_default() })
    })
}

/// `said` gets the start of the standard error, also where this ends before its time.
async fn converse(
    child: &mut Child,
    question: Vec<u8>,
    max_output: u64,
    said: &mut Vec<u8>,
) -> Result<Vec<u8>, SandboxError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        if let Some(mut pipe) = stdin {
            // A child that ends before it has read everything shows in its status.
            let _ = pipe.write_all(&question).await;
        }
        Ok(())
    };
    let crashed = |how: String| SandboxError::Crashed { how, stderr: String::new(), signal: None };
    let answer = async {
        let answer = read(stdout, max_output.saturating_add(1)).await;
        let answer = answer.map_err(|e| crashed(format!("could not be read from: {e}")))?;
        let fits = answer.len() as u64 <= max_output;
        if fits { Ok(answer) } else { Err(SandboxError::TooMuchOutput { limit: max_output }) }
    };
    let errors = async {
        if let Some(mut pipe) = stderr {
            let mut start = (&mut pipe).take(STDERR_BYTES);
            while start.read_buf(said).await.is_ok_and(|read| read > 0) {}
            // The rest is read and dropped: a full pipe would stop the child.
            let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
        }
        Ok(())
    };
    // The first error ends all three: a child that wrote too much may be waiting to write more.
    let ((), answer, ()) = tokio::try_join!(write, answer, errors)?;
    let status = child.wait().await.map_err(|e| crashed(format!("could not be waited for: {e}")))?;
    if status.success() {
        return Ok(answer);
    }
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    Err(SandboxError::Crashed { how: describe(status), stderr: one_line(said), signal })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with the status {code}"),
        (None, Some(6)) => "ended by signal 6 (aborted, for example out of the memory that it may use)".to_owned(),
        (None, Some(9)) => "ended by signal 9 (killed, for example by the system out of memory)".to_owned(),
        (None, Some(TIME_USED)) => "ended by signal 24 (used all its processor time)".to_owned(),
        (None, Some(FILE_TOO_LARGE)) => "ended by signal 25 (wrote a file larger than it may)".to_owned(),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split(char::is_control).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" ")
}

/// An empty folder that only this user can enter, removed in the end.
struct Home(PathBuf);

impl Home {
    fn new() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // `create` fails on whatever exists, a planted link too, so the name need not be secret.
        for _ in 0..100 {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let nanos = std::time::UNIX_EPOCH.elapsed().map_or(0, |d| d.subsec_nanos());
            let path = std::env::temp_dir().join(format!("agent-child-{}-{count}-{nanos}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result.map(|()| Self(path)),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    async fn sh(script: &str, stdin: Vec<u8>, wall: Duration, most: u64) -> Result<String, SandboxError> {
        let output = run(Path::new("/bin/sh"), &["-c", script], stdin, wall, most).await?;
        Ok(String::from_utf8(output).unwrap())
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn the_environment_is_empty_and_the_home_too_and_gone_afterwards() {
        let answer = sh(
            r#"/usr/bin/env; ls -A "$HOME" | wc -l; test "$HOME" = "$AGENT_CHILD_HOME" && echo own"#,
            vec![],
            LONG,
            4096,
        );
        let answer = answer.await.unwrap();
        let lines: Vec<&str> = answer.lines().collect();
        let names: Vec<&str> = lines.iter().filter_map(|l| l.split_once('=')).map(|(name, _)| name).collect();
        // `sh` itself sets the last three.
        let allowed = ["HOME", OWN_HOME, ON_DEMAND.0, KEPT[0], KEPT[1], "PWD", "SHLVL", "_"];
        assert!(names.iter().all(|name| allowed.contains(name)), "{answer}");
        assert_eq!(lines[lines.len() - 2..].iter().map(|l| l.trim()).collect::<Vec<_>>(), ["0", "own"]);
        let home = lines.iter().find_map(|l| l.strip_prefix("HOME=")).unwrap();
        assert!(!Path::new(home).exists());
    }

    #[tokio::test]
    async fn a_long_question_and_a_long_answer_do_not_block_each_other() {
        let question = vec![b'x'; 3 << 20];
        let answer = sh("head -c 300000 /dev/zero >&2; cat", question.clone(), LONG, 4 << 20).await.unwrap();
        assert_eq!(answer.len(), question.len());
    }

    #[tokio::test]
    async fn a_silent_child_is_killed_at_its_time() {
        let begun = std::time::Instant::now();
        let script = "echo begun; echo one >&2; echo two >&2; exec sleep 600";
        let error = sh(script, vec![], Duration::from_secs(1), 4096).await.unwrap_err();
        assert!(matches!(&error, SandboxError::TimedOut { doing, .. } if doing == "two"), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut() {
        let error = sh("exec cat /dev/zero", vec![0; 1 << 20], LONG, 100_000).await.unwrap_err();
        assert!(matches!(error, SandboxError::TooMuchOutput { limit: 100_000 }), "{error}");
    }

    #[tokio::test]
    async fn a_failure_and_a_signal_are_told_with_the_last_words() {
        let error = sh("echo half; printf 'no\nluck\\033[1m' >&2; exit 3", vec![], LONG, 4096).await.unwrap_err();
        assert_eq!(error.full(), "the child process ended with the status 3: no luck [1m");
        let error = sh("kill -SEGV $$", vec![], LONG, 4096).await.unwrap_err();
        assert_eq!(error.to_string(), "the child process ended by signal 11");
        assert!(!error.is_over_its_limits());
        let error = sh("ulimit -S -t 1; while :; do :; done", vec![], LONG, 4096).await.unwrap_err();
        assert!(error.is_over_its_limits(), "{error}");
        let error = run(Path::new("/nonexistent"), &[], vec![], LONG, 1).await.unwrap_err();
        assert!(matches!(error, SandboxError::NotStarted { .. }), "{error}");
    }
}
