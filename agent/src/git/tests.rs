//! Reading from repositories that the tests make: what is told apart, what is refused, and every limit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository, Signature, Time};
use tempfile::TempDir;

use super::{Entry, GitError, Limits, Since, Snapshot, Source, local, read_newer, tree};

/// A repository below a folder that goes away.
pub(super) struct Fixture {
    pub(super) folder: TempDir,
    pub(super) repository: Repository,
}

pub(super) const FILE: i32 = 0o100_644;

impl Fixture {
    pub(super) fn new(bare: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(bare).initial_head("main").external_template(false);
        let repository = Repository::init_opts(folder.path().join("r"), &options).unwrap();
        Self { folder, repository }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("r")
    }

    pub(super) fn blob(&self, bytes: &[u8]) -> Oid {
        self.repository.blob(bytes).unwrap()
    }

    /// A tree from raw entries, in the given order and unchecked: what no honest Git would write.
    pub(super) fn tree(&self, entries: &[(&[u8], i32, Oid)]) -> Oid {
        let mut raw = Vec::new();
        for (name, mode, id) in entries {
            raw.extend(format!("{mode:o} ").bytes());
            raw.extend(*name);
            raw.push(0);
            raw.extend(id.as_bytes());
        }
        self.repository.odb().unwrap().write(ObjectType::Tree, &raw).unwrap()
    }

    pub(super) fn commit(&self, tree: Oid, branch: Option<&str>, message: &str, parents: &[Oid]) -> Oid {
        let id = self.commit_at(tree, message, parents, 1_700_000_000);
        if let Some(branch) = branch {
            self.repository.reference(&format!("refs/heads/{branch}"), id, true, "test").unwrap();
        }
        id
    }

    /// A commit that no branch leads to, made at that time.
    pub(super) fn commit_at(&self, tree: Oid, message: &str, parents: &[Oid], time: i64) -> Oid {
        let who = Signature::new("Ada\u{202e}", "ada@example.org", &Time::new(time, 60)).unwrap();
        let parents: Vec<_> = parents.iter().map(|id| self.repository.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        let tree = self.repository.find_tree(tree).unwrap();
        self.repository.commit(None, &who, &who, message, &tree, &parents).unwrap()
    }

    /// One commit on `main` with one file.
    pub(super) fn one_file(bare: bool) -> (Self, Oid) {
        let fixture = Self::new(bare);
        let tree = fixture.tree(&[(b"stack.toml", FILE, fixture.blob(b"name = \"a\"\n"))]);
        let commit = fixture.commit(tree, Some("main"), "First", &[]);
        (fixture, commit)
    }

    fn source(&self, rev: Option<&str>, path: &str) -> Source {
        let url = self.path().to_str().unwrap().to_owned();
        Source { rev: rev.map(str::to_owned), path: path.to_owned(), ..Source::new(url) }
    }

    fn read(&self, rev: Option<&str>, path: &str) -> Result<Snapshot, GitError> {
        self.read_within(rev, path, &Limits::default())
    }

    fn read_within(&self, rev: Option<&str>, path: &str, limits: &Limits) -> Result<Snapshot, GitError> {
        read(&self.source(rev, path), limits, &self.folder.path().join("unused"))
    }
}

fn read(source: &Source, limits: &Limits, scratch: &Path) -> Result<Snapshot, GitError> {
    read_newer(source, &Since::default(), limits, scratch, &|_| ()).map(Option::unwrap)
}

fn file(bytes: &[u8]) -> Entry {
    Entry::File(bytes.to_vec())
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.tree.iter().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn every_sort_of_entry_is_named_and_only_plain_files_are_read() {
    let f = Fixture::new(true);
    let (small, big) = (f.blob(b"x = 1\r\n"), f.blob(&vec![b'a'; (1 << 20) + 1]));
    let gone = Oid::from_str("0123456789012345678901234567890123456789").unwrap();
    let inner = f.tree(&[(b"empty.toml", FILE, f.blob(b"")), (b"plain.toml", 0o100_664, small)]);
    let tree = f.tree(&[
        (b"big.toml", FILE, big),
        (b"inner", 0o040_000, inner),
        (b"link.toml", 0o120_000, f.blob(b"/etc/passwd")),
        (b"run.toml", 0o100_755, small),
        (b"stack.toml", FILE, small),
        // Neither the submodule nor its commit is here.
        (b"sub", 0o160_000, gone),
    ]);
    let id = f.commit(tree, Some("main"), "\n Add \x1b[31m\u{202e}all\n\nmore", &[]);
    let snapshot = f.read(None, ".").unwrap();
    let wanted = vec![
        ("big.toml".to_owned(), Entry::TooLarge { bytes: (1 << 20) + 1 }),
        ("inner/empty.toml".to_owned(), file(b"")),
        ("inner/plain.toml".to_owned(), file(b"x = 1\r\n")),
        ("link.toml".to_owned(), Entry::Link),
        ("run.toml".to_owned(), Entry::Executable),
        ("stack.toml".to_owned(), file(b"x = 1\r\n")),
        ("sub".to_owned(), Entry::Submodule),
    ];
    assert_eq!(snapshot.tree, wanted);
    assert_eq!((snapshot.revision, snapshot.committed), (id.to_string(), 1_700_000_000));
    assert_eq!(snapshot.summary, r"Add \u{1b}[31m\u{202e}all");
    assert_eq!(snapshot.author, r"Ada\u{202e} <ada@example.org>");
}

#[test]
fn names_that_mean_another_place_are_named_and_not_entered() {
    let f = Fixture::new(true);
    let blob = f.blob(b"x");
    let inner = f.tree(&[(b"x.toml", FILE, blob)]);
    let tree = f.tree(&[
        (b".", FILE, blob),
        (b"..", 0o040_000, inner),
        (b".GIT", 0o040_000, inner),
        (b"a\\b", FILE, blob),
        (b"a\nb", FILE, blob),
        (b"a/b", FILE, blob),
        (b"\xff", FILE, blob),
        ("\u{202e}lmot".as_bytes(), FILE, blob),
        (b"good", FILE, blob),
    ]);
    f.commit(tree, Some("main"), "m", &[]);
    let snapshot = f.read(None, "").unwrap();
    let bad = snapshot.tree.iter().filter(|(_, entry)| *entry == Entry::BadName).count();
    assert_eq!((snapshot.tree.len(), bad), (9, 8), "{:?}", names(&snapshot));
    assert!(snapshot.tree.iter().all(|(path, _)| path.bytes().all(|b| (0x20..0x7f).contains(&b))));
}

#[test]
fn a_name_given_twice_is_damage() {
    let f = Fixture::new(true);
    let tree = f.tree(&[(b"a.toml", FILE, f.blob(b"1")), (b"a.toml", FILE, f.blob(b"2"))]);
    f.commit(tree, Some("main"), "m", &[]);
    assert!(matches!(f.read(None, "."), Err(GitError::Corrupt { what, .. }) if what.contains("a.toml")));
}

#[test]
fn the_manifests_path_is_followed_from_the_top() {
    let f = Fixture::new(true);
    let blob = f.blob(b"x");
    let deep = f.tree(&[(b"x.toml", FILE, blob)]);
    let middle = f.tree(&[(b"prod", 0o040_000, deep), (b"there", 0o120_000, f.blob(b"prod"))]);
    let top = f.tree(&[(b"other", FILE, blob), (b"stacks", 0o040_000, middle)]);
    let id = f.commit(top, Some("main"), "m", &[]).to_string();
    for path in ["stacks/prod", "./stacks//prod/", "stacks/./prod"] {
        assert_eq!(names(&f.read(None, path).unwrap()), ["x.toml"], "{path}");
    }
    for (path, wanted) in [
        ("stacks/Prod", None),
        ("other", Some("a file")),
        ("stacks/there", Some("a link")),
        ("other/x", Some("a file")),
    ] {
        match f.read(None, path).unwrap_err() {
            GitError::PathMissing { revision, found, .. } => {
                assert_eq!(revision, id);
                assert_eq!(found.is_some(), wanted.is_some(), "{path}: {found:?}");
                assert!(found.unwrap_or_default().ends_with(wanted.unwrap_or_default()));
            }
            other => panic!("{path}: {other}"),
        }
    }
    for path in ["/stacks", "../x", "stacks/../..", "a\\b", ".git", "a\nb"] {
        assert!(matches!(f.read(None, path), Err(GitError::BadPath { .. })), "{path}");
    }
    assert_eq!(tree::clean("./").unwrap(), "");
}

#[test]
fn every_limit_ends_the_reading() {
    let f = Fixture::new(true);
    let blob = f.blob(&[b'x'; 100]);
    let inner = f.tree(&[(b"one", FILE, blob), (b"two", FILE, blob)]);
    let top = f.tree(&[(b"a", 0o040_000, inner), (b"b", 0o040_000, inner)]);
    f.commit(top, Some("main"), "m", &[]);
    let within = |limits: Limits| f.read_within(None, ".", &limits);
    let exact = Limits { files: 6, file_bytes: 100, total_bytes: 400, depth: 1, path_bytes: 5, ..Limits::default() };
    assert_eq!(within(exact.clone()).unwrap().tree.len(), 4);
    assert!(matches!(within(Limits { files: 5, ..exact.clone() }), Err(GitError::TooManyFiles { limit: 5 })));
    assert!(matches!(within(Limits { total_bytes: 399, ..exact.clone() }), Err(GitError::TooLarge { limit: 399, .. })));
    assert!(matches!(within(Limits { depth: 0, ..exact.clone() }), Err(GitError::TooDeep { limit: 0, .. })));
    assert!(matches!(within(Limits { path_bytes: 4, ..exact.clone() }), Err(GitError::PathTooLong { limit: 4, .. })));
    let snapshot = within(Limits { file_bytes: 99, ..exact }).unwrap();
    assert!(snapshot.tree.iter().all(|(_, entry)| *entry == Entry::TooLarge { bytes: 100 }));
}

#[test]
fn trees_inside_themselves_cost_no_more_than_the_limit() {
    let f = Fixture::new(true);
    let mut tree = f.tree(&[(b"f", FILE, f.blob(b"x"))]);
    // Ten to the power of twenty files in twenty small trees.
    for _ in 0..20 {
        let names: Vec<Vec<u8>> = (0..10u8).map(|n| vec![b'0' + n]).collect();
        let entries: Vec<_> = names.iter().map(|name| (name.as_slice(), 0o040_000, tree)).collect();
        tree = f.tree(&entries);
    }
    f.commit(tree, Some("main"), "bomb", &[]);
    assert!(matches!(f.read(None, "."), Err(GitError::TooManyFiles { limit: 20_000 })));
    // One folder in the other, without a file: only the depth ends it.
    let mut tree = f.tree(&[]);
    for _ in 0..5_000 {
        tree = f.tree(&[(b"d", 0o040_000, tree)]);
    }
    f.commit(tree, Some("main"), "deep", &[]);
    assert!(matches!(f.read(None, "."), Err(GitError::TooDeep { limit: 32, .. })));
}

#[test]
fn revisions_by_branch_tag_and_commit() {
    let (f, first) = Fixture::one_file(true);
    let second = f.commit(f.tree(&[]), Some("next/one"), "Second", &[first]);
    let who = Signature::now("a", "a@example.org").unwrap();
    let object = f.repository.find_object(first, None).unwrap();
    let tag = f.repository.tag("v1", &object, &who, "annotated", false).unwrap();
    let tag_object = f.repository.find_object(tag, None).unwrap();
    f.repository.tag("v1-again", &tag_object, &who, "a tag of a tag", false).unwrap();
    f.repository.tag_lightweight("light", &object, false).unwrap();
    f.repository.tag_lightweight("next/one", &object, false).unwrap();
    let blob = f.repository.find_object(f.blob(b"x"), None).unwrap();
    f.repository.tag_lightweight("a-blob", &blob, false).unwrap();
    f.repository.reference("refs/remotes/origin/v1.2", second, true, "test").unwrap();
    let (first, second) = (first.to_string(), second.to_string());
    for (rev, wanted) in [
        ("main", &first),
        ("refs/heads/main", &first),
        ("v1", &first),
        ("v1-again", &first),
        ("light", &first),
        (&first, &first),
        (&first[..7], &first),
        (&second[..39], &second),
        (&tag.to_string(), &first),
        ("HEAD", &first),
        // A branch goes before a tag.
        ("next/one", &second),
        ("refs/tags/next/one", &first),
        ("next/one~1", &first),
        ("origin/v1.2", &second),
    ] {
        assert_eq!(f.read(Some(rev), ".").map(|s| s.revision), Ok(wanted.clone()), "{rev}");
    }
    for rev in [
        "",
        "mian",
        &first[..6],
        "HEAD@{1}",
        ":/First",
        "main:stack.toml",
        "main..v1",
        "-x",
        &"0".repeat(40),
        "refs/heads/../x",
    ] {
        assert!(
            matches!(f.read(Some(rev), "."), Err(GitError::NoSuchRevision { .. })),
            "{rev}: {:?}",
            f.read(Some(rev), ".")
        );
    }
    assert!(matches!(f.read(Some("a-blob"), "."), Err(GitError::NotACommit { .. })));
    assert_eq!(f.read(Some("mian"), ".").unwrap_err().hint().unwrap(), "did you mean `main`?");
    let all = ["refs/heads/main", "refs/heads/prod", "refs/tags/v1", "refs/remotes/origin/master"];
    assert_eq!(local::near("master", all.into_iter()), ["main"]);
}

#[test]
fn an_ambiguous_abbreviation_is_told_from_a_missing_one() {
    let (f, id) = Fixture::one_file(true);
    // A second commit object with the same first seven digits cannot be made; a loose file with such a name can.
    let hex = id.to_string();
    let last = if hex.ends_with('0') { '1' } else { '0' };
    let folder = f.path().join("objects").join(&hex[..2]);
    fs::copy(folder.join(&hex[2..]), folder.join(format!("{}{last}", &hex[2..39]))).unwrap();
    assert!(matches!(f.read(Some(&hex[..8]), "."), Err(GitError::AmbiguousRevision { .. })));
    assert_eq!(f.read(Some(&hex), ".").unwrap().revision, hex);
}

#[test]
fn an_unborn_head_and_an_empty_repository() {
    let f = Fixture::new(false);
    for rev in [None, Some("main"), Some("refs/heads/main")] {
        assert!(matches!(f.read(rev, "."), Err(GitError::Empty { .. })), "{rev:?}");
    }
    let (f, _) = Fixture::one_file(false);
    f.repository.set_head("refs/heads/mane").unwrap();
    match f.read(None, ".").unwrap_err() {
        GitError::NoSuchRevision { rev, .. } => assert_eq!(rev, "HEAD"),
        other => panic!("{other}"),
    }
    assert!(f.read(Some("main"), ".").is_ok());
}

#[test]
fn the_working_copy_is_not_looked_at_and_a_linked_one_has_its_own_head() {
    let (f, first) = Fixture::one_file(false);
    fs::write(f.path().join("stack.toml"), "name = \"dirty\"").unwrap();
    fs::write(f.path().join("new.toml"), "").unwrap();
    fs::write(f.path().join(".gitattributes"), "* text eol=crlf filter=evil\n").unwrap();
    assert_eq!(f.read(None, ".").unwrap().tree, [("stack.toml".to_owned(), file(b"name = \"a\"\n"))]);
    let second = f.commit(f.tree(&[]), Some("other"), "Second", &[first]);
    let mut options = git2::WorktreeAddOptions::new();
    let reference = f.repository.find_reference("refs/heads/other").unwrap();
    options.reference(Some(&reference));
    let linked = f.folder.path().join("linked");
    f.repository.worktree("linked", &linked, Some(&options)).unwrap();
    let snapshot = read(&Source::new(linked.to_str().unwrap()), &Limits::default(), Path::new("/unused")).unwrap();
    assert_eq!(snapshot.revision, second.to_string());
    let url = format!("file://{}", f.path().display());
    assert_eq!(read(&Source::new(url), &Limits::default(), Path::new("/unused")).unwrap().revision, first.to_string());
}

#[test]
fn only_the_named_folder_is_opened() {
    let (f, _) = Fixture::one_file(false);
    let inner = f.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for path in [inner, f.folder.path().join("missing"), f.folder.path().to_owned()] {
        let result = read(&Source::new(path.to_str().unwrap()), &Limits::default(), Path::new("/unused"));
        let is_missing = matches!(result, Err(GitError::NoFolder { .. })) && !path.exists();
        assert!(is_missing || matches!(result, Err(GitError::NotARepository { .. })), "{}: {result:?}", path.display());
    }
}

#[test]
fn damaged_objects_are_named() {
    let object = |f: &Fixture, id: Oid| {
        let hex = id.to_string();
        f.path().join("objects").join(&hex[..2]).join(&hex[2..])
    };
    let replace = |path: &Path, bytes: Option<&[u8]>| {
        fs::remove_file(path).unwrap();
        if let Some(bytes) = bytes {
            fs::write(path, bytes).unwrap();
        }
    };
    let parts = |f: &Fixture| {
        let commit = f.repository.head().unwrap().target().unwrap();
        let tree = f.repository.find_commit(commit).unwrap().tree_id();
        let blob = f.repository.find_tree(tree).unwrap().get(0).unwrap().id();
        [(commit, "commit"), (tree, "folder"), (blob, "stack.toml")]
    };
    // Not cut in the middle: libgit2 1.9.7 then loops without end (libgit2 issue 7342); the child's processor time ends that.
    let overwritten: &[u8] = &[0x78, 0x01, 0xff, 0xff, 0xff, 0xff];
    for index in 0..3 {
        for bytes in [None, Some(&b""[..]), Some(overwritten)] {
            let (f, _) = Fixture::one_file(true);
            let (id, what) = parts(&f)[index];
            replace(&object(&f, id), bytes);
            match f.read(None, ".") {
                Err(GitError::Corrupt { what: told, .. }) => {
                    assert!(told.contains(what) || told.contains(&id.to_string()), "{told}");
                }
                other => panic!("{what} as {bytes:?}: {other:?}"),
            }
        }
    }
    // Whole, but not what its name says.
    let (f, _) = Fixture::one_file(true);
    let other = fs::read(object(&f, f.blob(b"name = \"b\"\n"))).unwrap();
    replace(&object(&f, parts(&f)[2].0), Some(&other));
    assert!(matches!(f.read(None, "."), Err(GitError::Corrupt { .. })));
}

#[test]
fn an_entry_of_the_wrong_type_is_damage() {
    let f = Fixture::new(true);
    let (blob, empty) = (f.blob(b"x"), f.tree(&[]));
    for (mode, id) in [(FILE, empty), (0o040_000, blob)] {
        f.commit(f.tree(&[(b"x", mode, id)]), Some("main"), "m", &[]);
        assert!(matches!(f.read(None, "."), Err(GitError::Corrupt { .. })));
    }
}

#[test]
fn a_huge_tree_or_commit_is_not_read() {
    let f = Fixture::new(true);
    let blob = f.blob(b"x");
    let names: Vec<Vec<u8>> = (0..250_000).map(|n| format!("{n:06}").into_bytes()).collect();
    let entries: Vec<_> = names.iter().map(|name| (name.as_slice(), FILE, blob)).collect();
    f.commit(f.tree(&entries), Some("main"), "m", &[]);
    let error = f.read_within(None, ".", &Limits { files: u64::MAX, ..Limits::default() }).unwrap_err();
    assert!(matches!(error, GitError::TooLarge { limit: 8_388_608, .. }), "{error}");
    f.commit(f.tree(&[]), Some("main"), &"m".repeat(9 << 20), &[]);
    assert!(matches!(f.read(None, "."), Err(GitError::TooLarge { limit: 8_388_608, .. })));
}

/// What lies between two revisions is looked at as well, and was loaded whole.
#[test]
fn a_huge_commit_in_the_history_is_not_read() {
    let (f, base) = Fixture::one_file(true);
    let tree = f.tree(&[]);
    let huge = f.commit(tree, None, &"x".repeat(9 << 20), &[base]);
    let head = f.commit_at(tree, "on top", &[huge], 1_700_000_100);
    f.repository.reference("refs/heads/main", head, true, "test").unwrap();
    let since = Since { bases: vec![base.to_string()], ..Since::default() };
    let told = read_newer(&f.source(None, ""), &since, &Limits::default(), Path::new("/unused"), &|_| ());
    assert_eq!(told, Err(GitError::TooLarge { what: format!("the commit {huge}"), limit: 8 << 20 }));
    // The beginning of its name is a name of it as well.
    let error = f.read(Some(&huge.to_string()[..12]), "").unwrap_err();
    assert_eq!(error, GitError::TooLarge { what: format!("the commit {huge}"), limit: 8 << 20 });
}

/// libgit2 takes the parents of commits from there, so that any commit would go on from the last one.
#[test]
fn other_parents_for_a_commit_are_not_taken() {
    let (f, base) = Fixture::one_file(true);
    let tree = f.tree(&[]);
    let other = f.commit(tree, Some("main"), "another history", &[]);
    fs::write(f.path().join("info/grafts"), format!("{other} {base}\n")).unwrap();
    let since = Since { bases: vec![base.to_string()], ..Since::default() };
    let told = read_newer(&f.source(None, ""), &since, &Limits::default(), Path::new("/unused"), &|_| ());
    assert!(matches!(told, Err(GitError::NotWhole { .. })), "{told:?}");
}
