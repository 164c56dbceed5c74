//! What a server can do wrong.

use std::cell::RefCell;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Seen, Site};
use crate::bench::git_server::{GitServer, How, Part};
use crate::bench::packs;

/// The sources: short readings for servers that hang, longer ones for what takes its time to unpack.
pub const SOURCES: &[(&str, &str)] = &[
    ("src-answers", "interval = \"1s\"\ntimeout = \"5s\""),
    ("src-breaks", "interval = \"1s\"\ntimeout = \"3s\""),
    ("src-bombs", "interval = \"1s\"\ntimeout = \"15s\""),
    ("src-packs", "interval = \"1s\"\ntimeout = \"10s\""),
];

/// Which of the two it is depends on the machine.
const EITHER: &str = "takes more memory or processor time than the limit of its child process";
const USED_UP: &str = "it was ended by signal 24 (used all its processor time)";

/// A way to fail, and the words that it has.
type Way = (&'static str, How, &'static str);

fn pack(change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> How {
    How::Pack(Arc::new(change))
}

fn ways(site: &Site<'_>) -> Vec<Way> {
    let elsewhere = "https://git.example.org/r.git".to_owned();
    let repository = site.folder.clone();
    match site.stack {
        "src-answers" => vec![
            ("401", How::Credentials("a:b"), "refused access without credentials: the server asked for credentials"),
            (
                "403",
                How::Status("403 Forbidden"),
                "refused access without credentials: unexpected http status code: 403",
            ),
            ("404", How::Status("404 Not Found"), "answered with the HTTP status 404"),
            ("500", How::Status("500 Oh"), "answered with the HTTP status 500"),
            ("redirect", How::Redirect(elsewhere), "redirects to another host"),
            ("certificate of nobody", How::Stranger, "no trusted TLS connection"),
            ("no TLS", How::Garbage(Part::Tls), "no trusted TLS connection"),
            ("garbage for branches", How::Garbage(Part::Branches), "did not answer as a Git server"),
            ("garbage for a pack", How::Garbage(Part::Pack), "did not answer as a Git server"),
        ],
        "src-breaks" => vec![
            ("cut at once", How::Cut(Part::Tls), "broke off before everything was there"),
            ("cut branches", How::Cut(Part::Branches), "broke off before everything was there"),
            ("cut pack", How::Cut(Part::Pack), "broke off before everything was there"),
            ("short branches", How::Short(Part::Branches), "broke off before everything was there"),
            ("short pack", How::Short(Part::Pack), "broke off before everything was there"),
            ("silent at once", How::Silent(Part::Tls), "took longer than 3 s and was stopped while connecting"),
            (
                "silent branches",
                How::Silent(Part::Branches),
                "3 s and was stopped while receiving the list of branches",
            ),
            ("silent pack", How::Silent(Part::Pack), "3 s and was stopped while receiving the pack"),
        ],
        "src-packs" => vec![
            ("wrong checksum", pack(packs::wrong_checksum), "sent is damaged or incomplete"),
            ("damaged object", pack(packs::damaged_object), "sent is damaged or incomplete"),
            ("empty pack", pack(packs::nothing_in_it), "sent is damaged or incomplete"),
            ("other objects", pack(packs::something_else), "sent is damaged or incomplete"),
            ("file left out", pack(move |_| without_files(&repository)), "`stack.toml` is damaged or missing"),
        ],
        _ => vec![
            ("huge blob", pack(|_| packs::huge_blob(20_000)), USED_UP),
            // Each of them fits into the memory that the child may use.
            ("large deltas", pack(|_| packs::huge_deltas(440, 5)), EITHER),
            ("huge delta", pack(|_| packs::huge_deltas(1, 100)), "than the limit of its child process: Out of memory"),
            (
                "overlong delta",
                pack(|_| packs::huge_deltas(1, 400)),
                "than the limit of its child process: failed to apply",
            ),
            ("many objects", pack(|_| packs::many_blobs(3_000_000)), "sends more than 2000000 objects"),
            ("more promised", pack(|_| packs::many_promised(400_000_000)), "child process: Out of memory"),
        ],
    }
}

/// The branch with its folders, and without what is in them.
fn without_files(repository: &Path) -> Vec<u8> {
    use std::io::Write as _;
    let mut command = Command::new("git");
    command.args(["-c", "safe.directory=*", "-C"]).arg(repository);
    command.args(["pack-objects", "--stdout", "-q", "--revs", "--filter=blob:none"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "refs/heads/main").unwrap();
    child.wait_with_output().unwrap().stdout
}

pub fn suffer(mut site: Site<'_>, mut server: GitServer) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (n, (what, how, words)) in ways(&site).into_iter().enumerate() {
        let fail = |site: &mut Site<'_>| {
            server.set(how);
            site.commit();
        };
        let mend = |site: &mut Site<'_>| {
            // By turns the commit that could not be fetched, and one after it.
            let revision = if n % 2 == 0 { site.commit() } else { site.tip() };
            server.set(How::Well);
            revision
        };
        let mut one = site.suffers(what, words, fail, mend);
        if words == EITHER {
            one.message.truncate(one.message.find(EITHER).unwrap() + EITHER.len());
        }
        seen.push(one);
    }
    match site.stack {
        "src-bombs" => {}
        "src-answers" => changing_its_mind(&mut site, &server),
        "src-breaks" => seen.push(unreachable(&mut site, &mut server)),
        _ => seen.extend(other_repositories(&mut site, &server)),
    }
    seen
}

/// Another failure is told although there has been one already; the same one is not, however often it happens.
fn changing_its_mind(site: &mut Site<'_>, server: &GitServer) {
    let (agent, mark) = (&site.world.agent, site.world.agent.mark());
    server.set(How::Status("500 Oh"));
    agent.wait_for(mark, &["HTTP status 500", &site.url]);
    let asked = server.connections();
    let begun = Instant::now();
    while server.connections() < asked + 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is not asked again");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    server.set(How::Status("404 Not Found"));
    agent.wait_for(mark, &["HTTP status 404", &site.url]);
    server.set(How::Well);
    agent.wait_for(mark, &["INFO", "can be read again", &site.url]);
    assert_eq!(site.complaints(mark).len(), 2, "{:?}", site.complaints(mark));
}

fn unreachable(site: &mut Site<'_>, server: &mut GitServer) -> Seen {
    let server = RefCell::new(server);
    let mend = |site: &mut Site<'_>| {
        server.borrow_mut().up();
        site.commit()
    };
    site.suffers("not listening", "could not be reached: failed to connect", |_| server.borrow_mut().down(), mend)
}

fn other_repositories(site: &mut Site<'_>, server: &GitServer) -> Vec<Seen> {
    let fail = |site: &mut Site<'_>| site.rename_branch("main", "maint");
    let mend = |site: &mut Site<'_>| {
        site.rename_branch("maint", "main");
        site.commit()
    };
    let mut seen = vec![site.suffers("branch gone", "has no branch, tag or commit `refs/heads/main`", fail, mend)];
    let fail = |site: &mut Site<'_>| {
        let empty = site.folder.with_extension("empty");
        git2::Repository::init(&empty).unwrap();
        server.serve(&empty);
    };
    let mend = |site: &mut Site<'_>| {
        server.serve(&site.folder);
        site.commit()
    };
    seen.push(site.suffers("empty", "has no commit yet", fail, mend));
    seen
}
