//! Mirrors against a real server on the loopback interface. TLS is not part of this (`tests/sources.rs` has it): a URL with
//! `http` is made by hand, which `url::parse` never does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::net::TcpListener;

use git2::{Oid, Signature};

use super::git_server::{GitServer, How};
use super::mirror::Mirror;
use super::tests::{FILE, Fixture};
use super::trust::Demands;
use super::url::{Remote, Transport};
use super::{Auth, Entry, GitError, Limits, Snapshot};

pub(super) fn remote(server: &GitServer) -> Remote {
    let (transport, host, port, url) = (Transport::Https, server.host().to_owned(), Some(server.port()), server.url());
    Remote { transport, host, port, user: None, password: None, shown: url.clone(), url }
}

struct Client {
    fixture: Fixture,
    server: GitServer,
    scratch: tempfile::TempDir,
}

impl Client {
    /// A server with two commits on `main`.
    fn new() -> (Self, Oid) {
        let (fixture, first) = Fixture::one_file(true);
        let second = commit(&fixture, "two", &[first]);
        let server = GitServer::http(&fixture.path());
        (Self { fixture, server, scratch: tempfile::tempdir().unwrap() }, second)
    }

    fn read_as(&self, rev: &str, auth: &Auth, limits: &Limits) -> Result<Snapshot, GitError> {
        let scratch = self.scratch.path().join("mirrors");
        Mirror { remote: &remote(&self.server), auth, limits, scratch: &scratch, stage: &|_| () }
            .read_newer(rev, "", &Demands::default())
            .map(Option::unwrap)
    }

    fn read(&self, rev: &str) -> Result<Snapshot, GitError> {
        self.read_as(rev, &Auth::default(), &Limits::default())
    }

    fn read_newer(&self, rev: &str, known: Oid) -> Option<Snapshot> {
        let scratch = self.scratch.path().join("mirrors");
        let mirror = Mirror {
            remote: &remote(&self.server),
            auth: &Auth::default(),
            limits: &Limits::default(),
            scratch: &scratch,
            stage: &|_| (),
        };
        let mut demands = Demands::default();
        demands.known = Some(known);
        mirror.read_newer(rev, "", &demands).unwrap()
    }

    /// The only mirror.
    fn mirror(&self) -> git2::Repository {
        let folders = fs::read_dir(self.scratch.path().join("mirrors")).unwrap().map(|e| e.unwrap().path());
        let mut folders: Vec<_> = folders.filter(|p| p.is_dir()).collect();
        assert_eq!(folders.len(), 1);
        git2::Repository::open_bare(folders.remove(0)).unwrap()
    }
}

fn commit(f: &Fixture, text: &str, parents: &[Oid]) -> Oid {
    let tree = f.tree(&[(b"stack.toml", FILE, f.blob(text.as_bytes()))]);
    f.commit(tree, Some("main"), text, parents)
}

fn text(snapshot: &Snapshot) -> String {
    match &snapshot.tree[..] {
        [(path, Entry::File(bytes))] if path == "stack.toml" => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_branch_is_fetched_alone_and_without_its_history_and_followed() {
    let (c, mut tip) = Client::new();
    let first = c.fixture.repository.find_commit(tip).unwrap().parent_id(0).unwrap();
    c.fixture.commit(c.fixture.tree(&[(b"x", FILE, c.fixture.blob(b"unwanted"))]), Some("other"), "other", &[]);
    let snapshot = c.read("main").unwrap();
    assert_eq!((snapshot.revision.as_str(), text(&snapshot).as_str()), (tip.to_string().as_str(), "two"));
    let mirror = c.mirror();
    assert!(
        mirror.is_shallow()
            && mirror.find_commit(first).is_err()
            && mirror.find_blob(c.fixture.blob(b"unwanted")).is_err()
    );
    c.server.requests();
    // Nothing new: the advertisement alone.
    assert_eq!(c.read("main").unwrap(), snapshot);
    assert_eq!(c.server.requests(), ["GET /r.git/info/refs?service=git-upload-pack"]);
    assert_eq!(c.read_newer("main", tip), None, "what is known is not read again");
    assert!(c.read_newer("main", first).is_some());
    // News, among them content that only the unfetched history had.
    for text_of_it in ["three", "name = \"a\"\n", "four"] {
        tip = commit(&c.fixture, text_of_it, &[tip]);
        let snapshot = c.read("main").unwrap();
        assert_eq!((snapshot.revision, text(&c.read("main").unwrap())), (tip.to_string(), text_of_it.to_owned()));
    }
    // A rewritten branch.
    let other = commit(&c.fixture, "rewritten", &[]);
    assert_eq!(c.read("main").unwrap().revision, other.to_string());
}

#[test]
fn tags_commits_and_vanished_branches() {
    let (c, tip) = Client::new();
    let first = c.fixture.repository.find_commit(tip).unwrap().parent_id(0).unwrap();
    let object = c.fixture.repository.find_object(first, None).unwrap();
    c.fixture.repository.tag("v1", &object, &Signature::now("a", "a@b").unwrap(), "m", false).unwrap();
    for rev in ["v1", "refs/tags/v1"] {
        assert_eq!(c.read(rev).unwrap().revision, first.to_string(), "{rev}");
    }
    c.server.requests();
    // Known by its id and here already: no question at all.
    assert_eq!(c.read(&first.to_string()).unwrap().revision, first.to_string());
    assert!(c.server.requests().is_empty());
    assert_eq!(c.read(&tip.to_string()).unwrap().revision, tip.to_string());
    c.fixture.repository.find_reference("refs/heads/main").unwrap().rename("refs/heads/maint", false, "x").unwrap();
    let error = c.read("main").unwrap_err();
    assert_eq!(
        error,
        GitError::NoSuchRevision {
            url: remote(&c.server).shown,
            rev: "main".to_owned(),
            near: vec!["maint".to_owned()]
        }
    );
    for rev in ["maint~1", "maint:refs/heads/x", "+refs/heads/maint", "*", "refs/heads/*", ""] {
        assert!(matches!(c.read(rev), Err(GitError::NoSuchRevision { .. })), "{rev}");
    }
    let absent = "1234567890123456789012345678901234567890";
    let error = c.read(absent).unwrap_err();
    assert!(matches!(error, GitError::CommitNotOffered { .. }), "{error:?}");
    let empty = Fixture::new(true);
    let server = GitServer::http(&empty.path());
    let empty = Client { fixture: empty, server, scratch: tempfile::tempdir().unwrap() };
    assert!(matches!(empty.read("main"), Err(GitError::Empty { .. })));
}

#[test]
fn a_server_without_shallow_fetches_sends_everything() {
    let (c, tip) = Client::new();
    c.server.set(How::Without("shallow"));
    assert_eq!(c.read("main").unwrap().revision, tip.to_string());
    assert!(!c.mirror().is_shallow());
}

#[test]
fn a_damaged_mirror_is_made_anew_and_a_crowded_one_too() {
    let (c, tip) = Client::new();
    c.read("main").unwrap();
    let packs = c.mirror().path().join("objects/pack");
    for file in
        fs::read_dir(&packs).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "pack"))
    {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() - 40;
        bytes[12..middle].fill(0xff);
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(c.read("main").unwrap().revision, tip.to_string());
    for n in 0..101 {
        fs::write(packs.join(format!("pack-{n}.pack")), "left over").unwrap();
    }
    assert_eq!(c.read("main").unwrap().revision, tip.to_string());
    assert!(fs::read_dir(&packs).unwrap().count() < 10);
    fs::write(c.mirror().path().join("config"), "[[[").unwrap();
    assert_eq!(c.read("main").unwrap().revision, tip.to_string());
}

#[test]
fn what_a_killed_fetch_leaves_behind_is_in_nobodys_way_and_goes_away() {
    let (c, tip) = Client::new();
    c.read("main").unwrap();
    let folder = c.mirror().path().to_owned();
    let pack = fs::read_dir(folder.join("objects/pack")).unwrap().map(|e| e.unwrap().path()).next().unwrap();
    let tip = commit(&c.fixture, "three", &[tip]);
    let left = ["refs/agent/wanted.lock", "shallow.lock", "config.lock", "HEAD.lock", "objects/pack/pack_git2_a1b2c3"];
    for name in left {
        fs::write(folder.join(name), "half").unwrap();
    }
    assert_eq!(c.read("main").unwrap().revision, tip.to_string());
    for name in left {
        assert!(!folder.join(name).exists(), "{name}");
    }
    assert!(pack.exists(), "the mirror itself is kept");
}

#[test]
fn credentials_are_sent_when_asked_for_and_once() {
    let (c, tip) = Client::new();
    let with = |token: Option<&str>| Auth { token: token.map(str::to_owned), ..Auth::default() };
    c.server.set(How::Credentials("x-access-token:s3cret"));
    let error = c.read("main").unwrap_err();
    assert!(matches!(error, GitError::Authentication { offered: false, .. }), "{error:?}");
    c.server.requests();
    let error = c.read_as("main", &with(Some("wr0ng")), &Limits::default()).unwrap_err();
    assert!(matches!(error, GitError::Authentication { offered: true, .. }), "{error:?}");
    assert!(!format!("{error:?} {:?}", with(Some("wr0ng"))).contains("wr0ng"));
    assert!(c.server.requests().len() <= 3);
    assert_eq!(c.read_as("main", &with(Some("s3cret")), &Limits::default()).unwrap().revision, tip.to_string());
    for status in ["403 Forbidden", "401 Unauthorized"] {
        c.server.set(How::Status(status));
        assert!(matches!(c.read("main"), Err(GitError::Authentication { .. })), "{status}: {:?}", c.read("main"));
    }
    for status in ["404 Not Found", "500 Oh"] {
        c.server.set(How::Status(status));
        assert!(matches!(c.read("main"), Err(GitError::Status { .. })), "{status}");
    }
}

#[test]
fn a_redirect_to_another_host_is_refused_before_anything_is_sent_there() {
    let (c, _) = Client::new();
    let other = GitServer::http(&c.fixture.path());
    // `localhost` is another host than `127.0.0.1`, and answers.
    c.server.set(How::Redirect(format!("http://localhost:{}/r.git", other.port())));
    let error = c.read("main").unwrap_err();
    assert!(matches!(&error, GitError::Redirected { .. }), "{error:?}");
    assert!(other.requests().is_empty());
    assert!(error.hint().unwrap().contains("redirect"));
}

#[test]
fn a_fetch_over_its_limit_is_stopped() {
    let (c, _) = Client::new();
    // Bytes that do not compress.
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(3 << 20).collect();
    let tree = c.fixture.tree(&[(b"big", FILE, c.fixture.blob(&noise))]);
    c.fixture.commit(tree, Some("big"), "big", &[]);
    let limits = Limits { fetch_bytes: 1 << 20, ..Limits::default() };
    let error = c.read_as("big", &Auth::default(), &limits).unwrap_err();
    assert_eq!(error, GitError::TooLarge { what: "the fetch".to_owned(), limit: 1 << 20 });
    assert!(c.read_as("main", &Auth::default(), &limits).is_ok());
    assert_eq!(c.read("big").unwrap().tree, [("big".to_owned(), Entry::TooLarge { bytes: 3 << 20 })]);
}

#[test]
fn nobody_listening_and_no_pinned_host_keys() {
    let (c, _) = Client::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{free}/x");
    let mut remote = Remote { url: url.clone(), shown: url, ..remote(&c.server) };
    let (auth, limits, scratch) = (Auth::default(), Limits::default(), c.scratch.path());
    let stage: &dyn Fn(&str) = &|_| ();
    let result = Mirror { remote: &remote, auth: &auth, limits: &limits, scratch, stage }.read_newer(
        "main",
        "",
        &Demands::default(),
    );
    assert!(matches!(result, Err(GitError::Unreachable { .. })), "{result:?}");
    remote.transport = Transport::Ssh;
    for (known_hosts, what) in [(None, ""), (Some("/nonexistent".into()), "/nonexistent")] {
        let auth = Auth { known_hosts, ..Auth::default() };
        match (Mirror { remote: &remote, auth: &auth, limits: &limits, scratch, stage }).read_newer(
            "main",
            "",
            &Demands::default(),
        ) {
            Err(GitError::KnownHosts { path, .. }) => assert_eq!(path, what),
            other => panic!("{other:?}"),
        }
    }
}
