//! Which commits may follow which, and which must be signed: in repositories of this host, and over a server with a mirror that holds
//! as little history as it can. Who may sign is tested in `agent/trust`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::Command;

use agent_trust::Refusal;
use git2::Oid;

use super::git_server::{GitServer, How};
use super::mirror::Mirror;
use super::mirror_tests::remote;
use super::tests::{FILE, Fixture};
use super::trust::Demands;
use super::{Auth, GitError, Limits, Since, Source, Trust, Verify, read_newer};

/// A repository, and a server for it.
struct Site {
    fixture: Fixture,
    server: GitServer,
    trust: Trust,
    limits: Limits,
    /// Each reader has its own mirror.
    readers: std::cell::Cell<u32>,
}

/// How a repository is read.
#[derive(Clone, Copy, Debug)]
enum By {
    Path,
    Server,
}

impl Site {
    fn new() -> Self {
        let fixture = Fixture::new(true);
        let server = GitServer::http(&fixture.path());
        let limits = Limits::default();
        Self { fixture, server, trust: Trust::default(), limits, readers: std::cell::Cell::default() }
    }

    fn tree(&self, text: &str) -> Oid {
        self.fixture.tree(&[(b"stack.toml", FILE, self.fixture.blob(text.as_bytes()))])
    }

    /// A commit that no branch leads to.
    fn aside(&self, text: &str, parents: &[Oid]) -> Oid {
        self.fixture.commit(self.tree(text), None, text, parents)
    }

    fn branch(&self, id: Oid) -> Oid {
        self.fixture.repository.reference("refs/heads/main", id, true, "moved").unwrap();
        id
    }

    fn line(&self, parent: Oid, commits: u32) -> Oid {
        (0..commits).fold(parent, |parent, n| self.aside(&format!("{parent} {n}"), &[parent]))
    }

    /// A new mirror.
    fn reader(&self) -> PathBuf {
        self.readers.set(self.readers.get() + 1);
        self.fixture.folder.path().join(format!("mirror-{}", self.readers.get()))
    }

    /// Reads `main` after these commits were accepted; gives the revision and who signed it.
    fn read(&self, by: By, mirror: &PathBuf, bases: &[Oid]) -> Result<(Oid, Option<String>), GitError> {
        let since = Since { bases: bases.iter().map(Oid::to_string).collect(), ..Since::default() };
        let read = match by {
            By::Path => {
                let url = self.fixture.path().to_str().unwrap().to_owned();
                let rev = Some("refs/heads/main".to_owned());
                let source = Source { rev, trust: self.trust.clone(), ..Source::new(url) };
                read_newer(&source, &since, &self.limits, mirror, &|_| ())
            }
            By::Server => {
                let (remote, auth, limits) = (remote(&self.server), Auth::default(), &self.limits);
                let demands = Demands::new(&self.trust, &since, limits)?;
                let stage: &dyn Fn(&str) = &|_| ();
                Mirror { remote: &remote, auth: &auth, limits, scratch: mirror, stage }.read_newer("main", "", &demands)
            }
        };
        read.map(Option::unwrap).map(|snapshot| (Oid::from_str(&snapshot.revision).unwrap(), snapshot.signer))
    }

    /// Goes from one commit to the next as the agent does, and then to the last one.
    fn follow(&self, by: By, before: &[Oid], last: Oid) -> Result<Oid, GitError> {
        let mirror = self.reader();
        let mut base = Vec::new();
        for id in before {
            self.branch(*id);
            assert_eq!(self.read(by, &mirror, &base).unwrap().0, *id);
            base = vec![*id];
        }
        self.branch(last);
        self.read(by, &mirror, &base).map(|(id, _)| id)
    }
}

const BOTH: [By; 2] = [By::Path, By::Server];

#[test]
fn what_goes_on_is_read_however_it_was_merged() {
    let site = Site::new();
    let root = site.aside("root", &[]);
    let one = site.line(root, 3);
    let side = site.line(root, 4);
    let merged = site.aside("merged", &[one, side]);
    // The side is first: Git does not say which one was followed.
    let other_way = site.aside("merged the other way", &[side, one]);
    let foreign = site.aside("another root", &[]);
    let with_foreign = site.aside("another history is taken in", &[merged, foreign]);
    for by in BOTH {
        for (before, last) in [
            (vec![root], one),
            (vec![one], merged),
            (vec![one], other_way),
            (vec![root, one, merged], with_foreign),
            (vec![one], with_foreign),
            (vec![one], site.line(merged, 250)),
        ] {
            assert_eq!(site.follow(by, &before, last).unwrap(), last, "{by:?}");
        }
    }
}

#[test]
fn what_does_not_go_on_is_refused_with_its_own_reason() {
    let site = Site::new();
    let root = site.aside("root", &[]);
    let one = site.aside("one", &[root]);
    let two = site.aside("two", &[one]);
    let other = site.line(one, 2);
    let foreign = site.line(site.aside("another root", &[]), 3);
    for by in BOTH {
        let error = site.follow(by, &[root, one, two], one).unwrap_err();
        assert!(
            matches!(&error, GitError::WentBack { head, base, .. } if (head, base) == (&one.to_string(), &two.to_string()))
        );
        let error = site.follow(by, &[root, one, two], other).unwrap_err();
        let parts_at = |error: &GitError| match error {
            GitError::Diverged { common, .. } => common.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(parts_at(&error), Some(one.to_string()), "{by:?}");
        let error = site.follow(by, &[root, one, two], foreign).unwrap_err();
        match by {
            By::Path => assert!(matches!(error, GitError::Unrelated { .. }), "{error:?}"),
            // The mirror began at `root`, which has no parents: all of it is known.
            By::Server => assert!(
                matches!(error, GitError::Unrelated { .. } | GitError::Diverged { common: None, .. }),
                "{error:?}"
            ),
        }
        // Of one that was fetched without its history, it is not known what it has in common.
        assert!(site.follow(by, &[two], foreign).unwrap_err().is_refusal(), "{by:?}");
        assert!(site.follow(by, &[two], one).unwrap_err().is_refusal(), "{by:?}");
        assert!(site.follow(by, &[two], other).unwrap_err().is_refusal(), "{by:?}");
        // And it is good again when it is put right.
        assert_eq!(site.follow(by, &[two], two).unwrap(), two);
    }
}

#[test]
fn a_new_mirror_fetches_as_much_history_as_it_takes() {
    let site = Site::new();
    let root = site.aside("root", &[]);
    let near = site.line(root, 150);
    let head = site.line(near, 50);
    site.branch(head);
    let read = |bases: &[Oid]| {
        site.server.requests();
        let read = site.read(By::Server, &site.reader(), bases);
        let packs = site.server.requests().iter().filter(|request| request.starts_with("POST")).count();
        (read.map(|(id, _)| id), packs)
    };
    let (first, little) = read(&[]);
    assert_eq!(first, Ok(head));
    let (same, packs) = read(&[head]);
    assert_eq!((same, packs), (Ok(head), little), "nothing is asked about the commit itself");
    let (within, some) = read(&[near]);
    assert_eq!(within, Ok(head));
    let (far, more) = read(&[root]);
    assert_eq!(far, Ok(head));
    assert!(little < some && some < more, "{little} {some} {more}");
    // Not in the history, and not in the repository at all.
    let other = site.aside("other", &[root]);
    let unknown = Oid::from_str("0123456789012345678901234567890123456789").unwrap();
    for base in [other, unknown] {
        let (refused, all) = read(&[base]);
        let error = refused.unwrap_err();
        assert!(matches!(&error, GitError::BaseGone { base: of, .. } if *of == base.to_string()), "{error:?}");
        assert!(all >= more);
        assert!(site.read(By::Path, &site.reader(), &[base]).unwrap_err().is_refusal());
    }
    // Any of them is enough.
    assert_eq!(read(&[unknown, near]).0, Ok(head));
}

#[test]
fn a_server_without_shallow_fetches_gives_all_of_it() {
    let site = Site::new();
    site.server.set(How::Without("shallow"));
    let root = site.aside("root", &[]);
    let head = site.line(root, 20);
    let foreign = site.aside("another root", &[]);
    assert_eq!(site.follow(By::Server, &[root], head), Ok(head));
    assert!(matches!(site.follow(By::Server, &[head], foreign), Err(GitError::Unrelated { .. })));
    assert!(matches!(site.follow(By::Server, &[head], root), Err(GitError::WentBack { .. })));
}

#[test]
fn a_clone_without_its_history_is_named() {
    let site = Site::new();
    let root = site.aside("root", &[]);
    let one = site.aside("one", &[root]);
    let two = site.branch(site.aside("two", &[one]));
    std::fs::write(site.fixture.path().join("shallow"), format!("{one}\n")).unwrap();
    let mirror = site.reader();
    assert!(matches!(site.read(By::Path, &mirror, &[root]), Err(GitError::CutHistory { .. })));
    assert_eq!(site.read(By::Path, &mirror, &[one]).unwrap().0, two);
}

/// Keys of SSH, and commits that are signed with them. `None`, and a word about it, where there is no `ssh-keygen`.
struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ours", "theirs"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(folder.path().join(name))
                .status();
            if made.is_err() {
                eprintln!("skipped: there is no ssh-keygen");
                return None;
            }
        }
        let ours = std::fs::read_to_string(folder.path().join("ours.pub")).unwrap();
        std::fs::write(folder.path().join("allowed"), format!("# who may\nus@example.org {ours}")).unwrap();
        Some(Self { folder })
    }

    fn trust(&self, verify: Verify) -> Trust {
        Trust { verify, allowed_signers: Some(self.folder.path().join("allowed")), keyring: None }
    }

    fn sign(&self, site: &Site, key: &str, text: &str, parents: &[Oid]) -> Oid {
        let repository = &site.fixture.repository;
        let plain = repository.find_commit(site.aside(text, parents)).unwrap();
        let content = String::from_utf8([plain.raw_header_bytes(), b"\n", plain.message_raw_bytes()].concat()).unwrap();
        let file = self.folder.path().join("content");
        std::fs::write(&file, &content).unwrap();
        let mut signer = Command::new("ssh-keygen");
        let signer = signer
            .args(["-q", "-Y", "sign", "-n", "git", "-f"])
            .arg(self.folder.path().join(key))
            .arg(&file)
            .output()
            .unwrap();
        assert!(signer.status.success(), "{signer:?}");
        let signature = std::fs::read_to_string(file.with_extension("sig")).unwrap();
        std::fs::remove_file(file.with_extension("sig")).unwrap();
        repository.commit_signed(&content, signature.trim_end(), None).unwrap()
    }
}

#[test]
fn the_head_must_be_signed_by_somebody_who_may() {
    let Some(keys) = Keys::new() else { return };
    let mut site = Site::new();
    site.trust = keys.trust(Verify::Head);
    let plain = site.aside("plain", &[]);
    let signed = keys.sign(&site, "ours", "signed", &[plain]);
    let stranger = keys.sign(&site, "theirs", "by a stranger", &[signed]);
    for by in BOTH {
        let mirror = site.reader();
        site.branch(signed);
        let (id, signer) = site.read(by, &mirror, &[]).unwrap();
        assert!(id == signed && signer.unwrap().starts_with("us@example.org (SHA256:"));
        site.branch(plain);
        match site.read(by, &mirror, &[]) {
            Err(GitError::Untrusted { commit, why }) => {
                assert_eq!((commit, *why), (plain.to_string(), Refusal::NotSigned));
            }
            other => panic!("{other:?}"),
        }
        site.branch(stranger);
        match site.read(by, &mirror, &[signed]) {
            Err(GitError::Untrusted { why, .. }) => assert!(matches!(*why, Refusal::UnknownKey { .. }), "{why:?}"),
            other => panic!("{other:?}"),
        }
        // What came before it is not looked at.
        assert_eq!(site.follow(by, &[signed], keys.sign(&site, "ours", "again", &[stranger])).map(|_| ()), Ok(()));
    }
}

#[test]
fn strictly_every_commit_since_the_last_must_be_signed_on_both_sides_of_a_merge() {
    let Some(keys) = Keys::new() else { return };
    let mut site = Site::new();
    site.trust = keys.trust(Verify::Strict);
    let old = site.line(site.aside("unsigned, and before all", &[]), 3);
    let base = keys.sign(&site, "ours", "base", &[old]);
    let one = keys.sign(&site, "ours", "one", &[base]);
    let side = keys.sign(&site, "ours", "side", &[base]);
    let merged = keys.sign(&site, "ours", "merged", &[one, side]);
    let bad_side = site.aside("unsigned side", &[base]);
    let bad_merge = keys.sign(&site, "ours", "merged an unsigned one", &[one, bad_side]);
    let from_before = site.aside("unsigned, from before the base", &[old]);
    let older_merge = keys.sign(&site, "ours", "merged one from before", &[one, from_before]);
    let signed_before = keys.sign(&site, "ours", "signed, from before the base", &[old]);
    let signed_merge = keys.sign(&site, "ours", "merged a signed one from before", &[one, signed_before]);
    let hidden = keys.sign(&site, "ours", "after an unsigned one", &[site.aside("unsigned", &[one])]);
    for by in BOTH {
        for good in [one, merged, signed_merge] {
            assert_eq!(site.follow(by, &[base], good), Ok(good), "{by:?}");
        }
        for (bad, who) in [(bad_merge, Some(bad_side)), (older_merge, Some(from_before)), (hidden, None)] {
            match site.follow(by, &[base], bad) {
                Err(GitError::Untrusted { commit, why }) => {
                    assert_eq!(*why, Refusal::NotSigned);
                    assert!(who.is_none_or(|who| who.to_string() == commit), "{by:?}");
                }
                other => panic!("{by:?}: {other:?}"),
            }
        }
        // Without one before, the head alone; and from a commit that only a deeper mirror knows, all of it.
        assert_eq!(site.follow(by, &[], merged), Ok(merged));
        site.branch(merged);
        assert_eq!(site.read(by, &site.reader(), &[base]).unwrap().0, merged);
        site.branch(bad_merge);
        assert!(matches!(site.read(by, &site.reader(), &[base]), Err(GitError::Untrusted { .. })), "{by:?}");
    }
    site.limits.history = 2;
    for by in BOTH {
        assert!(matches!(site.follow(by, &[base], merged), Err(GitError::TooMuchHistory { limit: 2, .. })));
    }
}

#[test]
fn a_file_of_keys_is_read_each_time_and_a_broken_one_is_named() {
    let Some(keys) = Keys::new() else { return };
    let mut site = Site::new();
    site.trust = keys.trust(Verify::Head);
    let mirror = site.reader();
    site.branch(keys.sign(&site, "theirs", "by a new one", &[]));
    assert!(matches!(site.read(By::Path, &mirror, &[]), Err(GitError::Untrusted { .. })));
    let allowed = keys.folder.path().join("allowed");
    let theirs = std::fs::read_to_string(keys.folder.path().join("theirs.pub")).unwrap();
    std::fs::write(&allowed, format!("new@example.org {theirs}")).unwrap();
    assert!(site.read(By::Path, &mirror, &[]).unwrap().1.unwrap().starts_with("new@example.org"));
    std::fs::write(&allowed, format!("new@example.org {theirs}\nold@example.org\n")).unwrap();
    match site.read(By::Path, &mirror, &[]) {
        Err(GitError::Signers { path, source }) => {
            assert_eq!(path, allowed.display().to_string());
            assert!(source.to_string().contains("line 3: it has a principal and nothing else"), "{source}");
        }
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(&allowed).unwrap();
    assert!(matches!(site.read(By::Path, &mirror, &[]), Err(GitError::Signers { .. })));
}
