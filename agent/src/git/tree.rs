//! From a commit to the files below a folder of it, read from the object store. The size of every object is read from its
//! header before the object itself, and the walk is a loop over a list with a bound on what it visits, so that neither a huge
//! blob, nor a deep tree, nor one that contains itself a billion times costs more than [`Limits`] allow.

use std::collections::BTreeMap;

use git2::{ObjectType, Odb, Oid, Repository};

use super::error::corrupt;
use super::{Entry, GitError, Limits, Snapshot, text};

/// The largest commit, tag or tree that is read. A tree of 20,000 long names has 2 MiB.
const OBJECT_BYTES: u64 = 8 << 20;

const LINK: i32 = 0o120_000;
const SUBMODULE: i32 = 0o160_000;
const FOLDER: i32 = 0o040_000;
const PLAIN: i32 = 0o100_644;
const EXECUTABLE: i32 = 0o100_755;

/// The manifests path without `.` and doubled or trailing slashes; empty for the top.
pub fn clean(path: &str) -> Result<String, GitError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let bad = path.starts_with('/') || parts.iter().any(|part| is_bad_name(part));
    if bad { Err(GitError::BadPath { path: text::line(path, 200) }) } else { Ok(parts.join("/")) }
}

/// Whether a name may not stand in a path: it would mean another place, or could not be shown or written in a manifest.
pub fn is_bad_name(name: &str) -> bool {
    name.is_empty()
        || matches!(name, "." | "..")
        || name.eq_ignore_ascii_case(".git")
        || name.contains(['/', '\\'])
        || name.chars().any(text::is_unsafe)
}

/// Reads a commit and everything below `path` (as [`clean`] gives it) of its tree, or of another one.
pub fn snapshot(
    repository: &Repository,
    commit: Oid,
    top: Option<Oid>,
    signer: Option<String>,
    path: &str,
    limits: &Limits,
) -> Result<Snapshot, GitError> {
    let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
    let what = format!("the commit {commit}");
    small(&odb, commit, ObjectType::Commit, &what)?;
    let object = repository.find_commit(commit).map_err(|e| corrupt(&what, &e))?;
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let author = object.author();
    let author = format!("{} <{}>", lossy(author.name_bytes()), lossy(author.email_bytes()));
    let message = object.message_bytes();
    let first = message.split(|b| *b == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let mut walk = Walk { repository, odb, limits, visited: 0, bytes: 0, found: BTreeMap::new() };
    let root = walk.folder(top.unwrap_or_else(|| object.tree_id()), path, commit)?;
    walk.run(root)?;
    Ok(Snapshot {
        revision: commit.to_string(),
        committed: object.time().seconds(),
        summary: text::line(&lossy(first), 200),
        author: text::line(&author, 200),
        signer,
        tree: walk.found.into_iter().collect(),
    })
}

/// The same, unless the commit is the one that is known.
pub fn newer(
    repository: &Repository,
    commit: Oid,
    known: Option<Oid>,
    signer: Option<String>,
    path: &str,
    limits: &Limits,
) -> Result<Option<Snapshot>, GitError> {
    if known == Some(commit) { Ok(None) } else { snapshot(repository, commit, None, signer, path, limits).map(Some) }
}

/// Checks by its header that an object has the wanted type and may be read whole.
pub fn small(odb: &Odb<'_>, id: Oid, wanted: ObjectType, what: &str) -> Result<(), GitError> {
    let (size, kind) = odb.read_header(id).map_err(|e| corrupt(what, &e))?;
    if kind != wanted {
        return Err(wrong_type(what, kind, wanted));
    }
    if size as u64 > OBJECT_BYTES {
        return Err(GitError::TooLarge { what: what.to_owned(), limit: OBJECT_BYTES });
    }
    Ok(())
}

fn wrong_type(what: &str, kind: ObjectType, wanted: ObjectType) -> GitError {
    let source = super::Cause::new(format!("it is a {kind} where a {wanted} should be"));
    GitError::Corrupt { what: what.to_owned(), source }
}

fn load<'r>(repository: &'r Repository, odb: &Odb<'_>, id: Oid, path: &str) -> Result<git2::Tree<'r>, GitError> {
    let what = if path.is_empty() { "the manifests folder".to_owned() } else { format!("the folder `{path}`") };
    small(odb, id, ObjectType::Tree, &what)?;
    repository.find_tree(id).map_err(|e| corrupt(what, &e))
}

struct Folder {
    id: Oid,
    /// With a trailing slash, empty for the manifests folder.
    prefix: String,
    depth: u64,
}

struct Walk<'a> {
    repository: &'a Repository,
    odb: Odb<'a>,
    limits: &'a Limits,
    visited: u64,
    bytes: u64,
    found: BTreeMap<String, Entry>,
}

impl Walk<'_> {
    /// The tree at `path`, from the top of a commit.
    fn folder(&self, top: Oid, path: &str, commit: Oid) -> Result<Oid, GitError> {
        let missing = |found| GitError::PathMissing { path: path.to_owned(), revision: commit.to_string(), found };
        let mut id = top;
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let tree = load(self.repository, &self.odb, id, &at)?;
            at = if at.is_empty() { part.to_owned() } else { format!("{at}/{part}") };
            // A loop, since the binary search of libgit2 can miss a name in a tree that is not sorted.
            let entry = tree.iter().find(|entry| entry.name_bytes() == part.as_bytes()).ok_or_else(|| missing(None))?;
            id = match entry.filemode() {
                FOLDER => entry.id(),
                LINK => return Err(missing(Some(format!("`{at}` is a link")))),
                SUBMODULE => return Err(missing(Some(format!("`{at}` is a submodule")))),
                _ => return Err(missing(Some(format!("`{at}` is a file")))),
            };
        }
        Ok(id)
    }

    fn run(&mut self, root: Oid) -> Result<(), GitError> {
        let mut folders = vec![Folder { id: root, prefix: String::new(), depth: 0 }];
        let repository = self.repository;
        while let Some(folder) = folders.pop() {
            let path = folder.prefix.trim_end_matches('/');
            let tree = load(repository, &self.odb, folder.id, path)?;
            for entry in &tree {
                self.visited += 1;
                if self.visited > self.limits.files {
                    return Err(GitError::TooManyFiles { limit: self.limits.files });
                }
                if let Some(inner) = self.entry(&folder, &entry)? {
                    folders.push(inner);
                }
            }
        }
        Ok(())
    }

    /// Records an entry, or answers the folder that it is.
    fn entry(&mut self, folder: &Folder, entry: &git2::TreeEntry<'_>) -> Result<Option<Folder>, GitError> {
        let name = match std::str::from_utf8(entry.name_bytes()) {
            Ok(name) if !is_bad_name(name) => Some(name.to_owned()),
            _ => None,
        };
        let is_bad = name.is_none();
        let name = name.unwrap_or_else(|| entry.name_bytes().escape_ascii().to_string());
        let path = format!("{}{name}", folder.prefix);
        if path.len() as u64 > self.limits.path_bytes {
            let start = path.chars().take(80).collect();
            return Err(GitError::PathTooLong { path: start, limit: self.limits.path_bytes });
        }
        let found = match entry.filemode() {
            _ if is_bad => Entry::BadName,
            FOLDER if folder.depth >= self.limits.depth => {
                return Err(GitError::TooDeep { path, limit: self.limits.depth });
            }
            FOLDER => {
                return Ok(Some(Folder { id: entry.id(), prefix: format!("{path}/"), depth: folder.depth + 1 }));
            }
            LINK => Entry::Link,
            SUBMODULE => Entry::Submodule,
            EXECUTABLE => Entry::Executable,
            PLAIN => self.blob(entry.id(), &path)?,
            mode => {
                let source = super::Cause::new(format!("its mode is {mode:o}"));
                return Err(GitError::Corrupt { what: format!("the entry `{path}`"), source });
            }
        };
        if self.found.insert(path.clone(), found).is_some() {
            let source = super::Cause::new("its folder names it twice");
            return Err(GitError::Corrupt { what: format!("the entry `{path}`"), source });
        }
        Ok(None)
    }

    fn blob(&mut self, id: Oid, path: &str) -> Result<Entry, GitError> {
        let what = format!("the file `{path}`");
        let (size, kind) = self.odb.read_header(id).map_err(|e| corrupt(&what, &e))?;
        if kind != ObjectType::Blob {
            return Err(wrong_type(&what, kind, ObjectType::Blob));
        }
        let size = size as u64;
        if size > self.limits.file_bytes {
            return Ok(Entry::TooLarge { bytes: size });
        }
        self.bytes += size;
        if self.bytes > self.limits.total_bytes {
            return Err(GitError::TooLarge { what: "the manifests folder".to_owned(), limit: self.limits.total_bytes });
        }
        let blob = self.odb.read(id).map_err(|e| corrupt(&what, &e))?;
        // A header can lie: the size that counted above must be the size that is kept.
        if blob.len() as u64 != size {
            let source = super::Cause::new("its header gives another size");
            return Err(GitError::Corrupt { what, source });
        }
        Ok(Entry::File(blob.data().to_vec()))
    }
}
