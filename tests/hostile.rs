//! Repositories that were made to harm, each given to the shipped binary: it says what is wrong in words of its own, reads nothing that
//! lies outside, stays within memory and time, asks nobody else, and lets no control character through to the terminal.
//!
//! The table in `docs/sources.md` is made from what is seen here. What servers do wrong is in `tests/sources`.

use std::cell::Cell;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use git2::{ObjectType, Oid, Repository};

use crate::bench::say;
use crate::sources::{Seen, compare_with_documentation};

mod commits;
mod contents;
mod folders;
mod trees;

/// A repository in the making, and what lies beside it.
struct Made {
    folder: PathBuf,
    repository: Repository,
    args: Vec<String>,
    rev: Cell<&'static str>,
}

/// What nobody may read: it is in files outside of the repositories.
const CANARY: &str = "canary-5b1f0c";
const FILE: i32 = 0o100_644;
const RUN: i32 = 0o100_755;
const LINK: i32 = 0o120_000;
const MODULE: i32 = 0o160_000;
const FOLDER: i32 = 0o040_000;

const STACK: &str = "[stack]\nname = \"good\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\n[parameter.greeting]\nvalue = \"hello\"\n";

/// One case: what it is, what is said of it, and how it is made. Nothing said: it is read as any other.
type Case = (&'static str, &'static str, fn(&mut Made));

impl Made {
    fn new(folder: &Path) -> Self {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("canary"), CANARY).unwrap();
        fs::create_dir(folder.join("outside")).unwrap();
        fs::write(folder.join("outside/stack.toml"), format!("{STACK}# {CANARY}\n{CANARY}\n")).unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        let repository = Repository::init_opts(folder.join("r"), &options).unwrap();
        Self { folder: folder.to_owned(), repository, args: Vec::new(), rev: Cell::new("refs/heads/main") }
    }

    /// Beside the repository.
    fn outside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file of the repository itself.
    fn git(&self, name: &str) -> PathBuf {
        self.repository.path().join(name)
    }

    fn write(&self, kind: ObjectType, bytes: &[u8]) -> Oid {
        self.repository.odb().unwrap().write(kind, bytes).unwrap()
    }

    fn blob(&self, bytes: impl AsRef<[u8]>) -> Oid {
        self.write(ObjectType::Blob, bytes.as_ref())
    }

    /// A tree from raw entries, in the given order and unchecked: what no honest Git would write.
    fn tree<N: AsRef<[u8]>>(&self, entries: &[(N, i32, Oid)]) -> Oid {
        let mut raw = Vec::new();
        for (name, mode, id) in entries {
            raw.extend(format!("{mode:o} ").bytes());
            raw.extend(name.as_ref());
            raw.push(0);
            raw.extend(id.as_bytes());
        }
        self.write(ObjectType::Tree, &raw)
    }

    /// `main` at a commit of a tree.
    fn commit(&self, tree: Oid) -> Oid {
        self.raw_commit(format!(
            "tree {tree}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n\nx\n"
        ))
    }

    fn raw_commit(&self, raw: impl AsRef<[u8]>) -> Oid {
        let id = self.write(ObjectType::Commit, raw.as_ref());
        self.point("refs/heads/main", id);
        id
    }

    /// A reference, as a file: libgit2 would refuse some.
    fn point(&self, name: &str, to: Oid) {
        let path = self.git(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{to}\n")).unwrap();
    }

    fn good(&self) -> (&'static str, i32, Oid) {
        ("stack.toml", FILE, self.blob(STACK))
    }

    /// `main` has a good stack in the folder `s`, and this beside it.
    fn beside(&self, name: impl AsRef<[u8]>, mode: i32, id: Oid) {
        let stack = self.tree(&[self.good()]);
        self.commit(self.tree(&[(name.as_ref(), mode, id), (b"s", FOLDER, stack)]));
    }

    /// `main` has a good stack, and this in its folder.
    fn inside(&self, name: impl AsRef<[u8]>, mode: i32, id: Oid) {
        let (stack, kind, good) = self.good();
        self.commit(self.tree(&[(name.as_ref(), mode, id), (stack.as_bytes(), kind, good)]));
    }

    /// `main` has this as its `stack.toml`.
    fn manifest(&self, text: impl AsRef<[u8]>) {
        self.commit(self.tree(&[("stack.toml", FILE, self.blob(text))]));
    }

    /// Where an object lies.
    fn loose(&self, id: Oid) -> PathBuf {
        let id = id.to_string();
        let path = self.git("objects").join(&id[..2]).join(&id[2..]);
        let mut mode = fs::metadata(&path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o644);
        fs::set_permissions(&path, mode).unwrap();
        path
    }
}

/// Runs a program, and says on its last line the most memory (KiB) that it or a child of it ever had, and the processor time of all.
const MEASURED: &str = "import resource, subprocess, sys\n\
ended = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL)\n\
used = resource.getrusage(resource.RUSAGE_CHILDREN)\n\
print('\\npeak', used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)\n\
sys.exit(ended.returncode)\n";

struct Outcome {
    code: Option<i32>,
    said: String,
    peak: u64,
    /// Of the processor: the machine may have other things to do.
    used: Duration,
    time: Duration,
}

fn validate(made: &Made, aws: &str) -> Outcome {
    let begun = Instant::now();
    let mut command = Command::new("python3");
    command.args(["-c", MEASURED, env!("CARGO_BIN_EXE_agent"), "validate", "--color", "never", "--repo"]);
    command.arg(made.repository.workdir().unwrap()).args(["--rev", made.rev.get()]).args(&made.args);
    let env = [("AWS_ENDPOINT_URL", aws), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let home = made.outside("home");
    fs::create_dir_all(&home).unwrap();
    let output = command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).envs(env).output().unwrap();
    let time = begun.elapsed();
    let (stdout, stderr) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    let (stdout, stderr) = (stdout.expect("text alone is said"), stderr.expect("text alone is said"));
    let (stderr, peak) = stderr.trim_end().rsplit_once("\npeak ").unwrap();
    let (peak, used) = peak.split_once(' ').unwrap();
    let (peak, used) = (peak.parse().unwrap(), Duration::from_secs_f64(used.parse().unwrap()));
    Outcome { code: output.status.code(), said: format!("{stdout}{stderr}"), peak, used, time }
}

/// The part of what is said that tells what is wrong, without what differs from run to run.
fn message(said: &str, made: &Made) -> String {
    let first = said.lines().find_map(|line| line.split_once("error").map(|(_, rest)| rest)).unwrap_or("(nothing)");
    let text = first.split_once(": ").map_or(first, |(_, message)| message);
    let own = made.folder.display().to_string();
    let is_id = |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.replace(&format!("{own}/r/"), "URL").replace(&format!("{own}/r"), "URL").replace(&own, "");
    let words = words.split_inclusive([' ', '(', ')', ':']).map(|word| match word.trim_end_matches([' ', ')', ':']) {
        id if is_id(id) => word.replace(id, "ID"),
        _ => word.to_owned(),
    });
    let text: String = words.collect::<String>().replace('|', "\\|");
    let cut: String = text.chars().take(160).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// Whether any file below a folder holds the canary.
fn holds_canary(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            return holds_canary(&path);
        }
        fs::read(&path).is_ok_and(|bytes| bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()))
    })
}

/// Looks at a case; what was seen, and what is wrong with that.
fn look(folder: &Path, (what, words, make): Case, aws: &str) -> (Seen, Outcome, Vec<String>) {
    let mut made = Made::new(folder);
    make(&mut made);
    let outcome = validate(&made, aws);
    let Outcome { code, said, peak, used, time } = &outcome;
    let mut wrong = Vec::new();
    let mut must = |holds: bool, why: &str| {
        if !holds {
            wrong.push(format!("{what}: {why}\n{}", said.chars().take(3000).collect::<String>()));
        }
    };
    if words.is_empty() {
        must(*code == Some(0), "it is read as any other");
    } else {
        must(matches!(code, Some(1 | 3)), &format!("it is refused, and not ended with {code:?}"));
        must(said.contains(words), &format!("{words:?} is not said"));
        // What breaks TOML is shown where it does.
        must(said.contains("help:") || said.contains("error[syntax]"), "nothing says what to do");
    }
    must(!said.contains(CANARY), "what lies outside was read");
    must(!holds_canary(&made.outside("home")), "what lies outside was kept");
    must(!made.outside("ran").exists(), "a program was run");
    let disguises =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    must(!said.chars().any(|c| (c.is_control() && c != '\n') || disguises(c)), "a control character is let through");
    must(said.len() < 1 << 20, "there is no end of it");
    must(*peak < 256_000_000 / 1024, &format!("memory: {peak} KiB"));
    must(*used < Duration::from_secs(10), &format!("processor time: {used:?}"));
    must(*time < Duration::from_secs(30), &format!("time, which is not for want of a processor: {time:?}"));
    let message = if words.is_empty() { "(nothing: it is read as any other)".to_owned() } else { message(said, &made) };
    let seen = Seen { what, message, told: *time, back: Duration::ZERO };
    // Some are large.
    fs::remove_dir_all(folder).unwrap();
    (seen, outcome, wrong)
}

#[test]
fn nothing_that_a_repository_holds_gets_more_than_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = [trees::CASES, contents::CASES, commits::CASES, folders::CASES].concat();
    // Nobody is to ask for AWS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (aws, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<AtomicUsize>::default());
    let count = asked.clone();
    std::thread::spawn(move || listener.incoming().for_each(|_| _ = count.fetch_add(1, Ordering::Relaxed)));
    let (next, seen, begun) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(n) else { return };
                    let looked = look(&folder.path().join(n.to_string()), *case, &aws);
                    seen.lock().unwrap().push((n, looked));
                }
            });
        }
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by_key(|(n, _)| *n);
    let wrong: Vec<String> = seen.iter().flat_map(|(_, (_, _, wrong))| wrong.clone()).collect();
    assert!(wrong.is_empty(), "{} of {} cases\n\n{}", wrong.len(), seen.len(), wrong.join("\n\n"));
    assert_eq!(asked.load(Ordering::Relaxed), 0, "AWS was asked");
    let most = seen.iter().max_by_key(|(_, (_, outcome, _))| outcome.peak).unwrap();
    let longest = seen.iter().max_by_key(|(_, (_, outcome, _))| outcome.used).unwrap();
    say(&format!(
        "{} hostile repositories in {:.0?}: memory at most {} KiB ({}), processor time at most {:.1?} ({}), time at most {:.1?}",
        seen.len(),
        begun.elapsed(),
        most.1.1.peak,
        most.1.0.what,
        longest.1.1.used,
        longest.1.0.what,
        seen.iter().map(|(_, (_, outcome, _))| outcome.time).max().unwrap()
    ));
    let seen: Vec<Seen> = seen.into_iter().map(|(_, (seen, _, _))| seen).collect();
    compare_with_documentation("hostile", &seen);
}
