//! Reading in a child process of the agent's own binary, and what the two say to each other. The child is not trusted with more
//! than it needs: its answer is checked against the same limits again, and everything it can do wrong (crash, silence, garbage)
//! is an error of its own.
//!
//! The question is JSON on the standard input, so that a token is neither in the arguments nor in the environment. The answer is
//! one line of JSON, followed by the bytes of all files in the order of that line.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::merge::{Merged, read_merged};
use super::{Cause, Entry, GitError, Limits, Since, Snapshot, Source, login, read_newer, tree, url};
use crate::sandbox::{self, SandboxError};

/// The hidden argument that makes the agent's binary this child.
pub const ARGUMENT: &str = "__git";

/// Memory, processor time and file size of the child. A fetch writes one pack and its index; libgit2 maps both as shared
/// memory, which `data` does not count. The question's wall-clock time may leave less processor time, see [`processor_time`].
const SANDBOX: sandbox::Limits = sandbox::Limits { data_bytes: 240 << 20, cpu_seconds: 60, file_bytes: 1 << 30 };

/// Processor time for the files of a commit alone: many times what as many as are allowed take.
const FILES_SECONDS: u64 = 4;

/// Beside the files themselves: the line of JSON, mostly paths.
const HEADER_BYTES: u64 = 32 << 20;

#[derive(Serialize, Deserialize)]
struct Question {
    source: Source,
    since: Since,
    limits: Limits,
    scratch: PathBuf,
    /// A revision: what merging into it would make is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    onto: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Read(Header),
    Merged {
        base: String,
        common: String,
        header: Header,
    },
    /// The revision is still the known commit.
    Known,
    Failed(GitError),
}

#[derive(Serialize, Deserialize)]
struct Header {
    revision: String,
    committed: i64,
    summary: String,
    author: String,
    signer: Option<String>,
    tree: Vec<(String, Kind)>,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    File(u64),
    Link,
    Executable,
    Submodule,
    TooLarge(u64),
    BadName,
}

/// Reads a revision in a child, with [`Limits::wall`] to do it. Dropping the future kills the child.
pub async fn read_in_child(source: &Source, limits: &Limits, scratch: &Path) -> Result<Snapshot, GitError> {
    let unasked = || GitError::ChildGarbage { source: Cause::new("it knows a commit that nobody named") };
    newer_in_child(source, &Since::default(), limits, scratch).await?.ok_or_else(unasked)
}

/// Does what [`read_newer`] does, in such a child.
pub async fn newer_in_child(
    source: &Source,
    since: &Since,
    limits: &Limits,
    scratch: &Path,
) -> Result<Option<Snapshot>, GitError> {
    let question = question(source, since, limits, scratch, None)?;
    ask(source, question, limits).await.and_then(|answer| decode(&answer, limits))
}

/// What merging a source's revision into another of its repository would make, read in such a child.
pub async fn merged_in_child(source: &Source, onto: &str, limits: &Limits) -> Result<Merged, GitError> {
    let question = question(source, &Since::default(), limits, Path::new(""), Some(onto))?;
    ask(source, question, limits).await.and_then(|answer| decode_merged(&answer, limits))
}

async fn ask(source: &Source, question: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, GitError> {
    let most = limits.total_bytes.saturating_add(HEADER_BYTES);
    // libssh2 takes the agent's socket from the environment alone. No other of this process' variables goes to the child.
    let agent = source.auth.ssh_agent.as_deref().map(|socket| (login::SOCKET, socket));
    let answer = sandbox::spawn_with(ARGUMENT, agent, question, limits.wall, most).await;
    answer.map_err(|e| child_error(&e, limits))
}

fn question(
    source: &Source,
    since: &Since,
    limits: &Limits,
    scratch: &Path,
    onto: Option<&str>,
) -> Result<Vec<u8>, GitError> {
    let (source, since, limits) = (source.clone(), since.clone(), limits.clone());
    let question = Question { source, since, limits, scratch: scratch.to_owned(), onto: onto.map(str::to_owned) };
    serde_json::to_vec(&question).map_err(|e| GitError::ChildNotStarted { source: Cause::new(e.to_string()) })
}

fn child_error(error: &SandboxError, limits: &Limits) -> GitError {
    let source = Cause::new(error.full());
    match error {
        SandboxError::NotStarted { .. } => GitError::ChildNotStarted { source },
        SandboxError::TimedOut { doing, .. } => {
            GitError::ChildTimedOut { limit: limits.wall, doing: super::text::line(doing, 100) }
        }
        SandboxError::Crashed { how, .. } if error.is_over_its_limits() => {
            GitError::OverLimits { source: Cause::new(format!("it was {how}")) }
        }
        SandboxError::Crashed { .. } => GitError::ChildCrashed { source },
        SandboxError::TooMuchOutput { .. } => GitError::ChildGarbage { source },
    }
}

/// The child's whole life: limits itself, reads the question, answers. Fails only where it cannot answer at all.
pub fn child_main() -> ExitCode {
    sandbox::exit_of(live())
}

fn live() -> Result<(), String> {
    sandbox::limit_self(&SANDBOX).map_err(|e| format!("the limits cannot be set: {e}"))?;
    let question = receive(std::io::stdin().lock())?;
    let less = sandbox::Limits { cpu_seconds: processor_time(&question), ..SANDBOX };
    sandbox::limit_self(&less).map_err(|e| format!("the limits cannot be set: {e}"))?;
    sandbox::end_after(question.limits.wall + Duration::from_secs(5));
    if let Some(home) = sandbox::own_home() {
        // See `local`, "Ownership".
        let trusted = std::fs::write(home.join(".gitconfig"), "[safe]\n\tdirectory = *\n");
        trusted.map_err(|e| format!("the home folder cannot be written: {e}"))?;
    }
    answer(&question, std::io::stdout().lock())
}

/// Seconds: a quarter of the wall clock, so that what is too much to unpack ends in another way than a server that says nothing,
/// also on a machine that has other things to do. Less where nothing is fetched and no history is looked at.
fn processor_time(question: &Question) -> u64 {
    let is_local = matches!(url::parse(&question.source.url), Ok(url::Location::Local(_)));
    let files_alone = is_local && question.since.bases.is_empty();
    let most = if files_alone { FILES_SECONDS } else { SANDBOX.cpu_seconds };
    (question.limits.wall.as_secs() / 4).clamp(1, most)
}

fn receive(input: impl Read) -> Result<Question, String> {
    serde_json::from_reader(input).map_err(|e| format!("the question is malformed: {e}"))
}

fn answer(question: &Question, mut output: impl Write) -> Result<(), String> {
    let Question { source, since, limits, scratch, onto } = question;
    // The last line is what the parent tells if it has to end this.
    let stage = |doing: &str| {
        let _ = writeln!(std::io::stderr(), "{doing}");
    };
    let written = match onto {
        Some(onto) => encode_merged(&mut output, read_merged(source, onto, limits, &stage)),
        None => encode(&mut output, read_newer(source, since, limits, scratch, &stage)),
    };
    written.and_then(|()| output.flush()).map_err(|e| format!("the answer cannot be written: {e}"))
}

fn encode(output: &mut impl Write, answer: Result<Option<Snapshot>, GitError>) -> std::io::Result<()> {
    let (answer, files) = match answer {
        Err(error) => (Answer::Failed(error), Vec::new()),
        Ok(None) => (Answer::Known, Vec::new()),
        Ok(Some(snapshot)) => {
            let (header, files) = taken_apart(snapshot);
            (Answer::Read(header), files)
        }
    };
    write(output, &answer, &files)
}

fn encode_merged(output: &mut impl Write, answer: Result<Merged, GitError>) -> std::io::Result<()> {
    let (answer, files) = match answer {
        Err(error) => (Answer::Failed(error), Vec::new()),
        Ok(Merged { base, common, snapshot }) => {
            let (header, files) = taken_apart(snapshot);
            (Answer::Merged { base, common, header }, files)
        }
    };
    write(output, &answer, &files)
}

/// The header of a snapshot, and the files that come after it.
fn taken_apart(snapshot: Snapshot) -> (Header, Vec<Vec<u8>>) {
    let mut files = Vec::new();
    let mut tree = Vec::with_capacity(snapshot.tree.len());
    for (path, entry) in snapshot.tree {
        let kind = match entry {
            Entry::File(bytes) => {
                files.push(bytes);
                Kind::File(files.last().map_or(0, Vec::len) as u64)
            }
            Entry::Link => Kind::Link,
            Entry::Executable => Kind::Executable,
            Entry::Submodule => Kind::Submodule,
            Entry::TooLarge { bytes } => Kind::TooLarge(bytes),
            Entry::BadName => Kind::BadName,
        };
        tree.push((path, kind));
    }
    let Snapshot { revision, committed, summary, author, signer, .. } = snapshot;
    (Header { revision, committed, summary, author, signer, tree }, files)
}

fn write(output: &mut impl Write, answer: &Answer, files: &[Vec<u8>]) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, answer)?;
    output.write_all(b"\n")?;
    files.iter().try_for_each(|bytes| output.write_all(bytes))
}

fn decode(answer: &[u8], limits: &Limits) -> Result<Option<Snapshot>, GitError> {
    match split(answer)? {
        (Answer::Known, []) => Ok(None),
        (Answer::Read(header), rest) => snapshot(header, rest, limits).map(Some),
        _ => Err(garbage("it answers another question")),
    }
}

fn decode_merged(answer: &[u8], limits: &Limits) -> Result<Merged, GitError> {
    let (Answer::Merged { base, common, header }, rest) = split(answer)? else {
        return Err(garbage("it answers another question"));
    };
    if !is_commit(&base) || !is_commit(&common) {
        return Err(garbage("the revision is not one"));
    }
    Ok(Merged { base, common, snapshot: snapshot(header, rest, limits)? })
}

fn garbage(why: &str) -> GitError {
    GitError::ChildGarbage { source: Cause::new(why) }
}

/// Whether this is a commit in 40 hexadecimal digits.
pub fn is_commit(id: &str) -> bool {
    id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The first line of an answer, and what comes after it. An error is told as one.
fn split(answer: &[u8]) -> Result<(Answer, &[u8]), GitError> {
    let end = answer.iter().position(|b| *b == b'\n').ok_or_else(|| garbage("it has no first line"))?;
    let (first, rest) = (&answer[..end], &answer[end + 1..]);
    match serde_json::from_slice(first).map_err(|e| garbage(&e.to_string()))? {
        Answer::Failed(error) if rest.is_empty() => Err(error),
        Answer::Failed(_) | Answer::Known if !rest.is_empty() => {
            Err(garbage("something follows an answer without files"))
        }
        answer => Ok((answer, rest)),
    }
}

fn snapshot(header: Header, rest: &[u8], limits: &Limits) -> Result<Snapshot, GitError> {
    if !is_commit(&header.revision) {
        return Err(garbage("the revision is not one"));
    }
    let tree = files(header.tree, rest, limits).map_err(garbage)?;
    let line = |text: &str| super::text::line(text, 200);
    Ok(Snapshot {
        revision: header.revision,
        committed: header.committed,
        summary: line(&header.summary),
        author: line(&header.author),
        signer: header.signer.as_deref().map(|signer| super::text::line(signer, 400)),
        tree,
    })
}

/// Cuts the bytes into files and holds every entry against the limits.
fn files(kinds: Vec<(String, Kind)>, mut rest: &[u8], limits: &Limits) -> Result<Vec<(String, Entry)>, &'static str> {
    if kinds.len() as u64 > limits.files || rest.len() as u64 > limits.total_bytes {
        return Err("it holds more than the limits allow");
    }
    let mut tree: Vec<(String, Entry)> = Vec::with_capacity(kinds.len());
    for (path, kind) in kinds {
        if tree.last().is_some_and(|(before, _)| *before >= path) {
            return Err("its paths are not sorted or not unique");
        }
        let bad = |part: &str| tree::is_bad_name(part);
        if path.len() as u64 > limits.path_bytes || (!matches!(kind, Kind::BadName) && path.split('/').any(bad)) {
            return Err("it names an impossible path");
        }
        let entry = match kind {
            Kind::File(bytes) => {
                let length = usize::try_from(bytes).ok().filter(|_| bytes <= limits.file_bytes);
                let (file, after) =
                    length.and_then(|n| rest.split_at_checked(n)).ok_or("a file is cut or too large")?;
                rest = after;
                Entry::File(file.to_vec())
            }
            Kind::Link => Entry::Link,
            Kind::Executable => Entry::Executable,
            Kind::Submodule => Entry::Submodule,
            Kind::TooLarge(bytes) => Entry::TooLarge { bytes },
            Kind::BadName => Entry::BadName,
        };
        tree.push((path, entry));
    }
    if rest.is_empty() { Ok(tree) } else { Err("something follows the last file") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            revision: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            committed: -5,
            summary: "Füge \\u{1b} hinzu".to_owned(),
            author: "A <a@example.org>".to_owned(),
            signer: Some("a@example.org (SHA256:x)".to_owned()),
            tree: vec![
                ("a.toml".to_owned(), Entry::File(b"x = 1\n\n\0\xff".to_vec())),
                ("b/empty".to_owned(), Entry::File(Vec::new())),
                ("b/link".to_owned(), Entry::Link),
                ("b/run".to_owned(), Entry::Executable),
                ("b/sub".to_owned(), Entry::Submodule),
                ("big".to_owned(), Entry::TooLarge { bytes: 1 << 40 }),
                ("c/..\\\\".to_owned(), Entry::BadName),
                ("z".to_owned(), Entry::File(b"last".to_vec())),
            ],
        }
    }

    fn encoded(answer: Result<Snapshot, GitError>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, answer.map(Some)).unwrap();
        bytes
    }

    #[test]
    fn an_answer_survives_the_way() {
        let bytes = encoded(Ok(snapshot()));
        assert_eq!(decode(&bytes, &Limits::default()), Ok(Some(snapshot())));
        let mut bytes = Vec::new();
        encode(&mut bytes, Ok(None)).unwrap();
        assert_eq!(decode(&bytes, &Limits::default()), Ok(None));
        let error = GitError::ChangedHostKey { host: "h".to_owned(), offered: "k".to_owned() };
        assert_eq!(decode(&encoded(Err(error.clone())), &Limits::default()), Err(error));
    }

    #[test]
    fn every_cut_answer_is_garbage() {
        let bytes = encoded(Ok(snapshot()));
        for end in 0..bytes.len() {
            let result = decode(&bytes[..end], &Limits::default());
            assert!(matches!(result, Err(GitError::ChildGarbage { .. })), "cut at {end}: {result:?}");
        }
        for (bytes, what) in [
            ([bytes.as_slice(), b"x"].concat(), "trailing"),
            (b"running 0 tests\n".to_vec(), "text"),
            (b"\n".to_vec(), "line"),
        ] {
            assert!(matches!(decode(&bytes, &Limits::default()), Err(GitError::ChildGarbage { .. })), "{what}");
        }
    }

    #[test]
    fn a_child_cannot_answer_past_the_limits_or_outside_the_folder() {
        let small = [
            Limits { files: 7, ..Limits::default() },
            Limits { file_bytes: 8, ..Limits::default() },
            Limits { total_bytes: 12, ..Limits::default() },
            Limits { path_bytes: 6, ..Limits::default() },
        ];
        for limits in small {
            assert!(
                matches!(decode(&encoded(Ok(snapshot())), &limits), Err(GitError::ChildGarbage { .. })),
                "{limits:?}"
            );
        }
        for path in ["../x", "a/../b", "/etc/passwd", "a//b", "a/.git/config", "a\\b", "a\nb", ""] {
            let tree = vec![(path.to_owned(), Entry::File(Vec::new()))];
            let bytes = encoded(Ok(Snapshot { tree, ..snapshot() }));
            assert!(matches!(decode(&bytes, &Limits::default()), Err(GitError::ChildGarbage { .. })), "{path}");
        }
        let twice = vec![("a".to_owned(), Entry::Link), ("a".to_owned(), Entry::Link)];
        assert!(decode(&encoded(Ok(Snapshot { tree: twice, ..snapshot() })), &Limits::default()).is_err());
        assert!(
            decode(&encoded(Ok(Snapshot { revision: "main".to_owned(), ..snapshot() })), &Limits::default()).is_err()
        );
    }

    #[test]
    fn the_child_answers_an_error_as_an_answer() {
        let source = Source::new("http://example.org/x");
        let mut output = Vec::new();
        let nowhere = Path::new("/nowhere");
        let question = question(&source, &Since::default(), &Limits::default(), nowhere, None).unwrap();
        answer(&receive(question.as_slice()).unwrap(), &mut output).unwrap();
        assert!(matches!(decode(&output, &Limits::default()), Err(GitError::UnsupportedUrl { .. })));
        assert!(receive(&b"{}"[..]).err().unwrap().contains("malformed"));
    }
}
