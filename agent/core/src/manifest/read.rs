//! A tree of files, collected once and within limits: what the engine knows of a manifests repository. One reader of
//! folders on disk is here; the reader of Git trees makes the same [`StackFiles`] with the same [`Collector`]. Links
//! are never followed, and nothing here looks at what a file says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::limits::{Limits, TooMuch, bytes};
use super::suggest;
use crate::source::{Problem, Span, escape};

/// The file that makes a folder a stack.
pub const STACK_FILE: &str = "stack.toml";

/// A tag that tools put into folders of things that can be made again (<https://bford.info/cachedir/>), Cargo's
/// `target` among them.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// One entry of the tree: the bytes, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEntry {
    /// A plain file.
    Bytes(Vec<u8>),
    /// A symbolic link.
    Link,
    /// A file marked executable. Manifests and config files are not programs.
    Executable,
    /// A Git submodule.
    Submodule,
    /// Larger than [`Limits::file_bytes`]; never read.
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Anything else that cannot be used, with the reason (`is not a plain file`).
    Unreadable(String),
}

/// A tree of files. Paths are relative to its root, with `/`, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackFiles {
    /// Where the tree is, as people know it (`manifests`, or empty): put before paths that are shown.
    pub dir: String,
    /// The entries.
    pub files: BTreeMap<String, FileEntry>,
    /// The limits under which it was read.
    pub limits: Limits,
}

/// A tree that could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is too large as a whole.
    #[error("cannot use the manifests in `{dir}`: {reason}")]
    TooMuch {
        /// The root.
        dir: String,
        /// Which limit.
        reason: TooMuch,
    },
    /// The operating system refused.
    #[error("cannot read `{path}`")]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The root is a file.
    #[error("`{0}` is not a folder")]
    NotAFolder(PathBuf),
}

impl ReadError {
    /// The error as a problem, with what to do about it.
    pub fn problem(&self) -> Problem {
        let hint = match self {
            Self::TooMuch { .. } => "keep manifests in a folder of their own, and name that folder",
            Self::Io { .. } => "check that it exists and that the agent may read it",
            Self::NotAFolder(_) => "name the folder that holds `stack.toml`, or one above it",
        };
        let cause = std::error::Error::source(self).map(|cause| format!(": {cause}")).unwrap_or_default();
        let code = if matches!(self, Self::TooMuch { .. }) { "too-much" } else { "unreadable" };
        Problem::new(code, format!("{self}{cause}")).hint(hint)
    }
}

/// Fills a [`StackFiles`] and keeps to the limits while it does.
#[derive(Debug)]
pub struct Collector {
    tree: StackFiles,
    total: u64,
    folders: usize,
}

impl Collector {
    /// An empty tree shown as `dir`.
    pub fn new(dir: impl Into<String>, limits: &Limits) -> Self {
        Self { tree: StackFiles { dir: dir.into(), files: BTreeMap::new(), limits: *limits }, total: 0, folders: 0 }
    }

    /// Counts a folder.
    pub fn folder(&mut self, path: &str) -> Result<(), TooMuch> {
        self.check_path(path)?;
        self.folders += 1;
        if self.folders > self.tree.limits.folders {
            return Err(TooMuch::Folders(self.tree.limits.folders));
        }
        Ok(())
    }

    /// Adds an entry that is not read.
    pub fn refuse(&mut self, path: String, entry: FileEntry) -> Result<(), TooMuch> {
        self.check_path(&path)?;
        self.tree.files.insert(path, entry);
        if self.tree.files.len() > self.tree.limits.files {
            return Err(TooMuch::Files(self.tree.limits.files));
        }
        Ok(())
    }

    /// Adds a plain file of a known size; `read` runs only if the size is within the limits, and its error becomes
    /// the reason of [`FileEntry::Unreadable`].
    pub fn file(
        &mut self,
        path: String,
        size: u64,
        read: impl FnOnce() -> Result<Vec<u8>, String>,
    ) -> Result<(), TooMuch> {
        let limits = self.tree.limits;
        if size > limits.file_bytes {
            return self.refuse(path, FileEntry::TooLarge { bytes: size });
        }
        self.total += size;
        if self.total > limits.total_bytes {
            return Err(TooMuch::Bytes(limits.total_bytes));
        }
        let entry = match read() {
            Ok(data) if data.len() as u64 > limits.file_bytes => FileEntry::TooLarge { bytes: data.len() as u64 },
            Ok(data) => FileEntry::Bytes(data),
            Err(reason) => FileEntry::Unreadable(reason),
        };
        self.refuse(path, entry)
    }

    /// The tree.
    pub fn finish(self) -> StackFiles {
        self.tree
    }

    fn check_path(&self, path: &str) -> Result<(), TooMuch> {
        let limit = self.tree.limits.path_bytes;
        if path.len() > limit {
            return Err(TooMuch::Path { path: path.chars().take(60).collect(), limit });
        }
        Ok(())
    }
}

/// Whether readers leave a folder of this name out: hidden ones, `.git` above all.
pub fn is_skipped_folder(name: &str) -> bool {
    name.starts_with('.')
}

impl StackFiles {
    /// Reads a folder on disk and all below it. Links are noted, not followed; hidden folders and folders that carry
    /// a `CACHEDIR.TAG` (Cargo's `target`) are left out.
    pub fn from_dir(root: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let shown = root.to_string_lossy().trim_end_matches('/').to_owned();
        let shown = if shown == "." { String::new() } else { shown.trim_start_matches("./").to_owned() };
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ReadError::Io { path, source }
        };
        if !std::fs::metadata(root).map_err(io(root))?.is_dir() {
            return Err(ReadError::NotAFolder(root.to_owned()));
        }
        let too_much = |reason| ReadError::TooMuch { dir: root.to_string_lossy().into_owned(), reason };
        let mut collector = Collector::new(shown, limits);
        let mut waiting = VecDeque::from([(root.to_owned(), String::new())]);
        while let Some((folder, prefix)) = waiting.pop_front() {
            if !prefix.is_empty() && folder.join(CACHE_TAG).symlink_metadata().is_ok() {
                continue;
            }
            collector.folder(&prefix).map_err(too_much)?;
            for entry in std::fs::read_dir(&folder).map_err(io(&folder))? {
                let entry = entry.map_err(io(&folder))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
                let meta = entry.path().symlink_metadata().map_err(io(&entry.path()))?;
                if meta.is_dir() {
                    if !is_skipped_folder(&name) {
                        waiting.push_back((entry.path(), path));
                    }
                } else if name != ".git" {
                    collect_file(&mut collector, &entry.path(), path, &meta).map_err(too_much)?;
                }
            }
        }
        Ok(collector.finish())
    }

    /// The same tree, shown as being at `dir`.
    #[must_use]
    pub fn shown_at(mut self, dir: impl Into<String>) -> Self {
        self.dir = dir.into();
        self
    }

    /// The path to show for a path of this tree.
    pub fn shown(&self, path: &str) -> String {
        join(&self.dir, path)
    }

    /// The files below the stack folder `dir` (empty for the root), except those of stacks further down.
    #[must_use]
    pub fn for_stack(&self, dir: &str) -> Self {
        let dir = normal(dir);
        let inner: Vec<String> =
            find_stacks(self).into_iter().filter(|other| *other != dir && below(other, &dir)).collect();
        let ours = |path: &str| below(path, &dir) && !inner.iter().any(|other| below(path, other));
        let files = self.files.iter().filter(|(path, _)| ours(path)).map(|(path, entry)| (path.clone(), entry.clone()));
        Self { dir: self.dir.clone(), files: files.collect(), limits: self.limits }
    }

    /// The files of several stack folders, as [`Self::for_stack`] gives those of one.
    #[must_use]
    pub fn for_stacks(&self, dirs: &BTreeSet<&str>) -> Self {
        let none = Self { dir: self.dir.clone(), files: BTreeMap::new(), limits: self.limits };
        dirs.iter().fold(none, |mut all, dir| {
            all.files.extend(self.for_stack(dir).files);
            all
        })
    }

    /// The bytes of a file that a key of the stack in `stack_dir` names, relative to that folder.
    ///
    /// # Errors
    /// A [`FileProblem`], to be tied to the key's place: outside the folder, a link, too large, missing.
    pub fn named(&self, stack_dir: &str, rel: &str) -> Result<&[u8], FileProblem> {
        let named = rel.to_owned();
        if rel.is_empty() {
            return Err(FileProblem::Empty);
        }
        if rel.starts_with(['/', '~']) || rel.contains('\\') || rel.as_bytes().get(1) == Some(&b':') {
            return Err(FileProblem::Absolute(named));
        }
        if rel.split('/').any(|part| part == "..") {
            return Err(FileProblem::Outside(named));
        }
        let stack_dir = normal(stack_dir);
        let inner = normal(rel);
        if inner.is_empty() {
            return Err(FileProblem::Folder(named));
        }
        let path = join(&stack_dir, &inner);
        if let Some(entry) = self.files.get(&path) {
            return match entry {
                FileEntry::Bytes(data) if self.other_stack(&stack_dir, &path).is_none() => Ok(data),
                FileEntry::Bytes(_) => Err(FileProblem::OtherStack(named)),
                refused => Err(FileProblem::refused(named, refused, &self.limits)),
            };
        }
        Err(self.missing(&stack_dir, &path, named))
    }

    /// Why there is no such path: a folder, below a link, or a slip of the pen.
    fn missing(&self, stack_dir: &str, path: &str, named: String) -> FileProblem {
        for (at, _) in path.match_indices('/') {
            if let Some(entry @ (FileEntry::Link | FileEntry::Submodule)) = self.files.get(&path[..at]) {
                return FileProblem::refused(named, entry, &self.limits);
            }
        }
        if self.files.range(format!("{path}/")..).next().is_some_and(|(p, _)| below(p, path)) {
            return FileProblem::Folder(named);
        }
        let offset = if stack_dir.is_empty() { 0 } else { stack_dir.len() + 1 };
        let known: Vec<&str> =
            self.files.keys().filter(|p| below(p, stack_dir)).filter_map(|p| p.get(offset..)).collect();
        let wanted = path.get(offset..).unwrap_or(path);
        FileProblem::Missing { nearest: suggest::nearest(wanted, known).map(ToOwned::to_owned), named }
    }

    /// The stack below `stack_dir` that the path belongs to, if it is not this one.
    fn other_stack<'p>(&self, stack_dir: &str, path: &'p str) -> Option<&'p str> {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.filter(|dir| dir.len() > stack_dir.len()).find(|dir| self.files.contains_key(&join(dir, STACK_FILE)))
    }

    /// Checks a tree that was made without a [`Collector`].
    pub(crate) fn check(&self) -> Result<(), TooMuch> {
        if self.files.len() > self.limits.files {
            return Err(TooMuch::Files(self.limits.files));
        }
        let size = |entry: &FileEntry| if let FileEntry::Bytes(data) = entry { data.len() as u64 } else { 0 };
        if self.files.values().map(size).sum::<u64>() > self.limits.total_bytes {
            return Err(TooMuch::Bytes(self.limits.total_bytes));
        }
        Ok(())
    }
}

/// The folders of the tree that hold a `stack.toml` (of whatever sort, so that a refused one is reported), sorted;
/// the root is the empty text.
pub fn find_stacks(tree: &StackFiles) -> Vec<String> {
    let folder = |path: &String| match path.rsplit_once('/') {
        Some((dir, STACK_FILE)) => Some(dir.to_owned()),
        None if path == STACK_FILE => Some(String::new()),
        _ => None,
    };
    tree.files.keys().filter_map(folder).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Why a file that a key names cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// No name was given.
    #[error("the name of a file is missing")]
    Empty,
    /// `/etc/passwd`, `~/x`, `C:\x`.
    #[error("`{0}` is not a path relative to the stack's folder")]
    Absolute(String),
    /// `../x`.
    #[error("`{0}` leads out of the stack's folder")]
    Outside(String),
    /// Below a folder with a `stack.toml` of its own.
    #[error("`{0}` belongs to another stack")]
    OtherStack(String),
    /// No such file.
    #[error("there is no file `{named}` in the stack's folder")]
    Missing {
        /// The name.
        named: String,
        /// A file that may be meant.
        nearest: Option<String>,
    },
    /// It is a folder.
    #[error("`{0}` is a folder")]
    Folder(String),
    /// It is there and cannot be used.
    #[error("`{named}` {reason}")]
    Refused {
        /// The name.
        named: String,
        /// Why: a phrase that follows the name.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
}

impl FileProblem {
    fn refused(named: String, entry: &FileEntry, limits: &Limits) -> Self {
        let (reason, hint) = entry.refusal(limits);
        Self::Refused { named, reason, hint }
    }

    /// The problem at the place that names the file.
    pub fn at(&self, span: &Span) -> Problem {
        let hint = match self {
            Self::Empty | Self::Absolute(_) => {
                Some("write it relative to the stack's folder: `config/app.yaml`".into())
            }
            Self::Outside(_) | Self::OtherStack(_) => Some("copy the file into the stack's folder".into()),
            Self::Missing { nearest, .. } => nearest.as_ref().map(|near| format!("did you mean `{near}`?")),
            Self::Folder(_) => Some("name each file".into()),
            Self::Refused { hint, .. } => Some((*hint).to_owned()),
        };
        let code = match self {
            Self::Missing { .. } => "file-missing",
            Self::Absolute(_) | Self::Outside(_) | Self::OtherStack(_) => "file-outside",
            Self::Empty | Self::Folder(_) | Self::Refused { .. } => "file-refused",
        };
        Problem { hint, ..Problem::new(code, self.to_string()).at(span) }
    }
}

impl FileEntry {
    /// Why the entry cannot be used (a phrase that follows its name), and what to do about it.
    pub fn refusal(&self, limits: &Limits) -> (String, &'static str) {
        match self {
            Self::Bytes(_) => ("can be read".into(), ""),
            Self::Link => ("is a link, and links are not followed".into(), "put the file itself there"),
            Self::Executable => {
                ("is marked executable".into(), "take the mark away: `chmod -x`, in Git `git update-index --chmod=-x`")
            }
            Self::Submodule => ("is in a submodule, and submodules are not read".into(), "copy the file here"),
            Self::TooLarge { bytes: size } => (
                format!("has {}, which is more than {}", bytes(*size), bytes(limits.file_bytes)),
                "manifests and config files are small; large files belong in an image or a bucket",
            ),
            Self::Unreadable(reason) => (escape(reason), "the agent reads plain files only"),
        }
    }
}

fn collect_file(collector: &mut Collector, disk: &Path, path: String, meta: &Metadata) -> Result<(), TooMuch> {
    if meta.is_symlink() {
        collector.refuse(path, FileEntry::Link)
    } else if !meta.is_file() {
        collector.refuse(path, FileEntry::Unreadable("is not a plain file".into()))
    } else if disk.file_name().is_some_and(|name| name.to_str().is_none()) {
        collector.refuse(path, FileEntry::Unreadable("has a name that is not UTF-8".into()))
    } else if meta.permissions().mode() & 0o111 != 0 {
        collector.refuse(path, FileEntry::Executable)
    } else {
        let limit = collector.tree.limits.file_bytes;
        collector.file(path, meta.len(), || read_plain(disk, meta, limit))
    }
}

/// Reads what `meta` described and nothing that was put in its place since.
fn read_plain(disk: &Path, meta: &Metadata, limit: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(disk).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    if (opened.dev(), opened.ino()) != (meta.dev(), meta.ino()) || !opened.is_file() {
        return Err("changed while it was read".into());
    }
    let mut data = Vec::new();
    file.take(limit + 1).read_to_end(&mut data).map_err(failed)?;
    Ok(data)
}

/// `a/b` of `./a//b/`; the root is empty.
fn normal(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// `dir/path`, or `path` where `dir` is empty.
pub(crate) fn join(dir: &str, path: &str) -> String {
    if dir.is_empty() { path.to_owned() } else { format!("{dir}/{path}") }
}

/// Whether the path is in the folder or below it.
fn below(path: &str, dir: &str) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
