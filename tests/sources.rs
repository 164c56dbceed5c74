//! Each way in which a source can fail, with the shipped binary over emulated AWS: one agent follows several repositories at once,
//! each of which fails in one way after another. Each way has words of its own in the log, once; AWS is not called meanwhile; and
//! when the repository is well again, the agent goes on by itself, with the next commit.
//!
//! The tables in `docs/sources.md` are made from what is seen here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::bench::emulator::Emulator;
use crate::bench::git_server::{AUTHORITY, GitServer};
use crate::bench::proxy::Proxy;
use crate::bench::record::{self, Call};
use crate::bench::repository::{Files, commit_to};
use crate::bench::running::Running;
use crate::bench::say;
use crate::bench::wire::Wire;

mod by_hand;
mod claims;
mod local;
mod remote;
mod restart;
mod ssh;
mod trust;

const REGION: &str = "eu-south-2";

/// A repository that the agent follows, and the stack in it.
struct Site<'a> {
    stack: &'static str,
    folder: PathBuf,
    /// As the log says it.
    url: String,
    world: &'a World,
    revisions: u32,
}

/// What all sites share.
struct World {
    agent: Running,
    proxy: Proxy,
}

/// What was seen of one failure.
pub struct Seen {
    pub what: &'static str,
    /// As the table has it.
    pub message: String,
    pub told: Duration,
    pub back: Duration,
}

fn files(stack: &str, value: u32) -> Files {
    let text = format!(
        "[stack]\nname = \"{stack}\"\naccount = \"123456789012\"\nregion = \"{REGION}\"\n\n[parameter.greeting]\nvalue = \"{value}\"\n"
    );
    let path = if stack == "src-path" { "stacks/stack.toml" } else { "stack.toml" };
    [(path.to_owned(), text)].into()
}

impl<'a> Site<'a> {
    fn new(world: &'a World, stack: &'static str, folder: PathBuf, url: String) -> Self {
        Self { stack, folder, url, world, revisions: 0 }
    }

    /// The next value of the parameter, on a branch.
    fn commit_on(&mut self, branch: &str) -> String {
        self.revisions += 1;
        commit_to(&self.folder, branch, &files(self.stack, self.revisions))
    }

    fn commit(&mut self) -> String {
        self.commit_on("main")
    }

    /// Calls about this stack since.
    fn calls(&self, before: usize) -> Vec<Call> {
        let calls = self.world.proxy.wire().calls().split_off(before);
        calls.into_iter().filter(|call| call.body().contains(self.stack)).collect()
    }

    fn tip(&self) -> String {
        let repository = git2::Repository::open(&self.folder).unwrap();
        repository.find_reference("refs/heads/main").unwrap().target().unwrap().to_string()
    }

    fn rename_branch(&self, from: &str, to: &str) {
        let repository = git2::Repository::open(&self.folder).unwrap();
        let mut branch = repository.find_reference(&format!("refs/heads/{from}")).unwrap();
        branch.rename(&format!("refs/heads/{to}"), false, "renamed").unwrap();
    }

    fn applied(&self, mark: usize, revision: &str) {
        self.world.agent.wait_for(mark, &["converged", self.stack, &revision[..7]]);
    }

    /// How often the log says since then that this source cannot be followed.
    fn complaints(&self, mark: usize) -> Vec<String> {
        let lines = self.world.agent.lines(mark);
        lines.into_iter().filter(|line| line.contains("; AWS is kept") && line.contains(&self.url)).collect()
    }

    /// What is said, without what differs from run to run.
    fn message(&self, line: &str) -> String {
        let parts = line.split_once("cannot be read: ").or_else(|| line.split_once("is refused: "));
        let (message, _) = parts.unwrap().1.split_once("; AWS is kept").unwrap();
        let is_id = |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time = |word: &str| word.len() == 20 && word.ends_with('Z') && word.contains('T');
        let ends = [' ', '(', ')', ':', ','];
        let words = message.split_inclusive([' ', '(', ')']).map(|word| match word.trim_end_matches(ends) {
            id if is_id(id) => word.replace(id, "ID"),
            key if key.starts_with("SHA256:") => word.replace(key, "KEY"),
            time if is_time(time) => word.replace(time, "TIME"),
            _ => word.to_owned(),
        });
        words.collect::<String>().replace(&self.url, "URL").trim_end_matches([':', ' ']).to_owned()
    }

    /// Lets the source fail, and sees that the agent says these words once, does nothing, and goes on with the next commit when
    /// the source is mended.
    fn suffers(
        &mut self,
        what: &'static str,
        words: &'static str,
        fail: impl FnOnce(&mut Self),
        mend: impl FnOnce(&mut Self) -> String,
    ) -> Seen {
        let (mark, before) = (self.world.agent.mark(), self.world.proxy.wire().calls().len());
        let begun = Instant::now();
        fail(self);
        let (at, line) = self.world.agent.wait_for(mark, &["ERROR", "; AWS is kept", &self.url]);
        assert!(line.contains(words), "{what}: {words:?} is not in\n{line}");
        assert!(line.contains("help=\""), "{what}: nothing says what to do\n{line}");
        assert!(line.contains("AWS is kept as the last revision says"), "{line}");
        let calls = self.calls(before);
        assert!(calls.is_empty(), "{what}: AWS was called\n{}", record::table(&calls));
        let mended = Instant::now();
        let revision = mend(self);
        self.applied(mark, &revision);
        assert!(!self.calls(before).is_empty(), "{what}: calls about this stack are not recognised");
        let complaints = self.complaints(mark);
        assert_eq!(complaints.len(), 1, "{what} is told once\n{}", complaints.join("\n"));
        Seen { what, message: self.message(&line), told: at.duration_since(begun), back: mended.elapsed() }
    }
}

/// The largest memory of the agent, and of any child of it, since it was looked at.
#[derive(Default)]
struct Peaks {
    agent: AtomicU64,
    child: AtomicU64,
    done: AtomicBool,
}

impl Peaks {
    /// Looks until it is done.
    fn watch(&self, agent: &Running) {
        let own = agent.id().to_string();
        while !self.done.load(Ordering::Relaxed) {
            self.agent.fetch_max(agent.memory(), Ordering::Relaxed);
            let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
            for status in processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok()) {
                let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if field("PPid:") == Some(&own) {
                    let anonymous = field("RssAnon:").and_then(|kb| kb.trim_end_matches(" kB").parse().ok());
                    self.child.fetch_max(anonymous.unwrap_or_default(), Ordering::Relaxed);
                }
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// One source of the configuration.
fn source(url: &str, rest: &str) -> String {
    format!("[[source]]\nurl = \"{url}\"\n{rest}\n\n")
}

#[test]
fn whatever_a_source_does_wrong_is_named_and_nothing_else_happens() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut servers: BTreeMap<&str, GitServer> = BTreeMap::new();
    let mut text = format!("cache = \"{}\"\n\n", at("cache").display());
    for (name, settings) in remote::SOURCES {
        commit_to(&at(name), "main", &files(name, 0));
        let server = GitServer::https(&at(name));
        text += &source(&server.url(), settings);
        servers.insert(name, server);
    }
    for (name, settings) in local::SOURCES {
        commit_to(&at(name), "main", &files(name, 0));
        text += &source(at(name).to_str().unwrap(), settings);
    }
    std::fs::write(at("agent.toml"), text + "[reconcile]\ndrift = \"1h\"\nat_once = 8\n").unwrap();
    std::fs::write(at("authority.pem"), AUTHORITY).unwrap();

    let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
    let mut env = proxy.env();
    env.insert("SSL_CERT_FILE".to_owned(), at("authority.pem").to_str().unwrap().to_owned());
    let mut world = World { agent: Running::start(&at("agent.toml"), &env), proxy };
    for (name, _) in remote::SOURCES.iter().chain(local::SOURCES) {
        world.agent.wait_for(0, &["converged", name]);
    }
    let (idle, begun, peaks) = (world.agent.memory(), Instant::now(), Peaks::default());
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let (world, peaks) = (&world, &peaks);
        scope.spawn(move || peaks.watch(&world.agent));
        let mut threads = Vec::new();
        for (name, server) in servers {
            let site = Site::new(world, name, at(name), server.url());
            threads.push(scope.spawn(move || remote::suffer(site, server)));
        }
        for (name, _) in local::SOURCES {
            let site = Site::new(world, name, at(name), at(name).to_str().unwrap().to_owned());
            threads.push(scope.spawn(move || local::suffer(site)));
        }
        let results: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        peaks.done.store(true, Ordering::Relaxed);
        results.into_iter().flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    assert!(world.agent.lives());
    let slowest = seen.iter().max_by_key(|one| one.told).unwrap();
    // Its own time, the interval before, and a machine that has other things to do.
    assert!(slowest.told < Duration::from_secs(30), "{}: {:?}", slowest.what, slowest.told);
    let back = seen.iter().map(|one| one.back).max().unwrap();
    let (agent, child) = (peaks.agent.into_inner(), peaks.child.into_inner());
    say(&format!(
        "{} failures in {:.0?}, each told within {:.1?}, back within {back:.1?}; anonymous memory: the agent {idle} KiB, then at \
         most {agent} KiB, a child at most {child} KiB",
        seen.len(),
        begun.elapsed(),
        slowest.told
    ));
    assert!(agent < idle + (8 << 10), "the agent's memory: {idle} KiB, then {agent} KiB");
    assert!(child < 256_000_000 / 1024, "a child's memory: {child} KiB");
    // What readings that were killed in the middle of packs of many megabytes have left.
    let kept = size(&at("cache"));
    assert!(kept < 2 << 20, "the mirrors have grown to {kept} bytes");
    let (status, _) = world.agent.stop();
    assert!(status.success(), "{status}");
    compare_with_documentation("failures", &seen);
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.metadata().unwrap() {
        folder if folder.is_dir() => size(&entry.path()),
        file => file.len(),
    });
    sizes.sum()
}

/// Holds one table against what was seen. Several tests have one each in the same file.
pub fn compare_with_documentation(table: &str, seen: &[Seen]) {
    static WRITING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = WRITING.lock().unwrap();
    let (begin, end) = (format!("<!-- {table} -->\n"), format!("<!-- /{table} -->"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sources.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(&begin).unwrap();
    let (table, after) = rest.split_once(&end).unwrap();
    let mut wanted = "| what was made to happen | what the log says |\n|---|---|\n".to_owned();
    for Seen { what, message, .. } in seen {
        let _ = writeln!(wanted, "| {what} | {message} |");
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(table, wanted, "`UPDATE_DOCS=1` writes the table anew");
}

/// Only a watch can tell of a commit within the hour; it is on what was there when it was set.
#[test]
fn a_repository_that_another_one_takes_the_place_of_is_watched_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    commit_to(&at("r"), "main", &files("src-replaced", 1));
    let text = source(at("r").to_str().unwrap(), "interval = \"1h\"") + "[reconcile]\ndrift = \"1h\"\n";
    std::fs::write(at("agent.toml"), text).unwrap();
    let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
    let agent = Running::start(&at("agent.toml"), proxy.env());
    agent.wait_for(0, &["converged", "src-replaced"]);
    // A repository that takes the place of another has its history.
    let first = at("r").to_str().unwrap().to_owned();
    git2::Repository::clone(&first, at("other")).unwrap();
    commit_to(&at("other"), "main", &files("src-replaced", 2));
    let mark = agent.mark();
    std::fs::rename(at("r"), at("old")).unwrap();
    std::fs::rename(at("other"), at("r")).unwrap();
    agent.wait_for(mark, &["update parameter.greeting", "src-replaced"]);
    let mark = agent.mark();
    let third = commit_to(&at("r"), "main", &files("src-replaced", 3));
    agent.wait_for(mark, &["converged", "src-replaced", &third[..7]]);
}
