//! From a folder or a commit to stacks: reads the files, finds the stacks, and gives each with its problems. It asks AWS
//! nothing.

mod both;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use agent_core::allowed::Finding;
use agent_core::desired::Desired;
use agent_core::exception::Excepted;
use agent_core::lookup::{Answers, Question};
use agent_core::manifest::limits::Limits;
use agent_core::manifest::read::{Collector, FileEntry};
use agent_core::manifest::{Manifest, StackFiles, find_stacks};
use agent_core::pass::Revision;
use agent_core::source::render::ExceptedProblem;
use agent_core::source::{Problem, Problems, Severity, Sources, Span};
use agent_model::expand::{Others, expand_among, stacks_of};

use crate::cli::From;
use crate::git;
use crate::order;
pub use both::both;
pub use next::goes_on_from;

mod next;
mod plain;

/// The manifests of one place and revision.
pub struct Tree {
    /// The files.
    pub files: StackFiles,
    /// What the revision is called.
    pub revision: Revision,
}

/// One stack as far as it can be understood.
pub struct Stack {
    /// The folder in the tree.
    pub dir: String,
    /// The manifest, if there is one.
    pub manifest: Option<Arc<Manifest>>,
    /// The stacks that it refers to, by name, each with the first place.
    pub needs: BTreeMap<String, Span>,
    /// All stacks of the tree: those that it may refer to.
    pub others: Others,
    /// The texts that problems point at.
    pub sources: Sources,
    /// What is wrong with it.
    pub problems: Problems,
    /// What people should know, and what is not in the way.
    pub notes: Problems,
    /// What would be in the way without an exception.
    pub excepted: Vec<ExceptedProblem>,
    /// The rules that its repository adds, once they are known.
    pub policies: Option<BTreeMap<String, String>>,
}

/// One word for how a repository could not be read.
fn kind_of(error: &git::GitError) -> &'static str {
    use git::GitError as E;
    match error {
        E::Unreachable { .. } | E::BrokeOff { .. } | E::ChildTimedOut { .. } | E::Status { .. } => "unreachable",
        E::Authentication { .. } | E::SshKey { .. } | E::SshAgent { .. } => "authentication",
        E::KnownHosts { .. }
        | E::UnknownHostKey { .. }
        | E::ChangedHostKey { .. }
        | E::RevokedHostKey { .. }
        | E::KeyExchange { .. }
        | E::Certificate { .. } => "host_identity",
        E::NoSuchRevision { .. } | E::Empty { .. } | E::PathMissing { .. } => "revision",
        E::TooManyObjects { .. }
        | E::OverLimits { .. }
        | E::TooManyFiles { .. }
        | E::TooLarge { .. }
        | E::TooDeep { .. }
        | E::PathTooLong { .. } => "too_much",
        _ => "other",
    }
}

/// Why there are no manifests to look at.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder cannot be used.
    #[error("{}", .0.problem().message)]
    Folder(#[from] agent_core::manifest::read::ReadError),
    /// The repository cannot be used.
    #[error("{0}")]
    Git(#[from] git::GitError),
    /// The file of the token cannot be used.
    #[error("the token for the repository cannot be read from `{path}`: {why}")]
    Token {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// The commit holds more than a manifests repository should.
    #[error("the manifests of this revision are too much: {0}")]
    TooMuch(#[from] agent_core::manifest::limits::TooMuch),
    /// Something that is no file, where no stack says what to make of it.
    #[error("below the manifests path, {0}")]
    NotPlain(String),
    /// No `stack.toml` anywhere.
    #[error("there is no `stack.toml` in {0} or below")]
    NoStack(String),
    /// The named stack is not there.
    #[error("there is no stack `{wanted}` here; there is {known}")]
    NoSuchStack {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
}

impl LoadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Folder(error) => error.problem().hint,
            Self::Git(error) => error.hint(),
            Self::TooMuch(_) => Some("name the folder of the manifests with `--path`".into()),
            Self::NotPlain(_) => Some(
                "take it out of the repository, or keep the manifests in a folder of their own and name that one"
                    .into(),
            ),
            Self::NoStack(_) => Some("name the folder that holds `stack.toml`, or one above it".into()),
            Self::Token { .. } => Some("check `token_file` and who may read it".into()),
            Self::NoSuchStack { .. } => None,
        }
    }

    /// Whether the repository could be read, and what it holds is not to be followed.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Git(error) if error.is_refusal())
    }

    /// The commit that is refused, if it is one in particular.
    pub fn refused(&self) -> Option<&str> {
        match self {
            Self::Git(error) => error.refused(),
            _ => None,
        }
    }

    /// One word for it, of few: the label of a metric.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Git(error) if error.is_refusal() => "refused",
            Self::Git(error) => kind_of(error),
            Self::Token { .. } => "token",
            Self::TooMuch(_) => "too_much",
            Self::Folder(_) | Self::NotPlain(_) | Self::NoStack(_) | Self::NoSuchStack { .. } => "manifests",
        }
    }

    /// The message with its causes, for where only one text fits.
    pub fn full(&self) -> String {
        use std::error::Error as _;
        let mut text = self.to_string();
        let mut cause = match self {
            Self::Git(error) => error.source(),
            _ => None,
        };
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text
    }
}

/// Reads the files of a folder, or of a commit in a child process.
pub async fn tree(from: &From) -> Result<Tree, LoadError> {
    let Some(repo) = &from.repo else { return folder(&from.dir) };
    let source = source(from, repo);
    let snapshot = git::child::read_in_child(&source, &git::Limits::default(), &cache()).await?;
    tree_of(&source, snapshot, &Limits::default())
}

/// The repository that the command line names.
fn source(from: &From, repo: &str) -> git::Source {
    git::Source {
        url: repo.to_owned(),
        rev: from.rev.clone(),
        path: from.path.clone(),
        auth: git::Auth { token: token(), ..git::Auth::default() },
        trust: git::Trust::default(),
    }
}

/// The files of a commit.
pub fn tree_of(source: &git::Source, snapshot: git::Snapshot, limits: &Limits) -> Result<Tree, LoadError> {
    let mut collector = Collector::new(git::clean_path(&source.path)?, limits);
    for (path, entry) in snapshot.tree {
        match entry {
            git::Entry::File(bytes) => {
                let size = bytes.len() as u64;
                collector.file(path, size, || Ok(bytes))?;
            }
            git::Entry::Link => collector.refuse(path, FileEntry::Link)?,
            git::Entry::Executable => collector.refuse(path, FileEntry::Executable)?,
            git::Entry::Submodule => collector.refuse(path, FileEntry::Submodule)?,
            git::Entry::TooLarge { bytes } => collector.refuse(path, FileEntry::TooLarge { bytes })?,
            git::Entry::BadName => {
                collector.refuse(path, FileEntry::Unreadable("has a name that cannot be used".into()))?;
            }
        }
    }
    let revision = Revision { id: snapshot.revision, source: git::url::shown(&source.url) };
    let files = collector.finish();
    plain::outside(&files)?;
    Ok(Tree { files, revision })
}

fn folder(dir: &Path) -> Result<Tree, LoadError> {
    let shown = if dir == Path::new(".") { String::new() } else { dir.display().to_string() };
    let mut files = StackFiles::from_dir(dir, &Limits::default())?.shown_at(shown);
    plain::forget_locks(&mut files);
    plain::outside(&files)?;
    // A folder has no commit: a digest of what it holds tells one state of it from another.
    let mut all = String::new();
    for (path, entry) in &files.files {
        if let FileEntry::Bytes(bytes) = entry {
            let digest = agent_core::doc::digest(&String::from_utf8_lossy(bytes));
            let _ = writeln!(all, "{path} {digest}");
        }
    }
    let id = format!("folder-{}", &agent_core::doc::digest(&all)[..12]);
    let source = dir.canonicalize().unwrap_or_else(|_| dir.to_owned()).display().to_string();
    Ok(Tree { files, revision: Revision { id, source } })
}

/// The token for https, from the environment: never from the command line, where others can read it.
pub fn token() -> Option<String> {
    std::env::var("AGENT_GIT_TOKEN").ok().filter(|token| !token.is_empty())
}

/// The token in a file, which is read each time because it may have been replaced.
pub fn read_token(file: &Path) -> Result<String, LoadError> {
    let broken = |why: String| LoadError::Token { path: file.display().to_string(), why };
    let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() { Err(broken("it is empty".to_owned())) } else { Ok(token.to_owned()) }
}

/// Where mirrors of other hosts' repositories are kept.
pub fn cache() -> std::path::PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("gitops-agent")
}

/// The stacks of a tree, each with all its problems and after those that it refers to.
pub fn stacks(tree: &Tree, only: Option<&str>) -> Result<Vec<Stack>, LoadError> {
    let dirs = find_stacks(&tree.files);
    if dirs.is_empty() {
        return Err(LoadError::NoStack(tree.revision.source.clone()));
    }
    let language = agent_model::components::language();
    let mut stacks: Vec<Stack> = dirs
        .into_iter()
        .map(|dir| {
            let (mut sources, mut problems) = (Sources::new(), Problems::new());
            let first = sources.next_id();
            let manifest = agent_core::manifest::load(&tree.files, &dir, &language, &mut sources, &mut problems);
            if sources.iter().next().is_some() {
                plain::inside(&tree.files, &dir, first, &mut problems);
            }
            let needs = manifest.as_ref().map(stacks_of).unwrap_or_default();
            Stack {
                dir,
                manifest: manifest.map(Arc::new),
                needs,
                others: Others::default(),
                sources,
                problems,
                notes: Problems::new(),
                excepted: Vec::new(),
                policies: None,
            }
        })
        .collect();
    twice(&mut stacks);
    let others = Others::new(stacks.iter().filter_map(|stack| stack.manifest.clone()));
    for stack in &mut stacks {
        stack.others = others.clone();
    }
    let mut stacks = order::ordered(stacks);
    if let Some(wanted) = only {
        let names: Vec<String> = stacks.iter().map(Stack::name).collect();
        stacks.retain(|stack| stack.name() == wanted);
        if stacks.is_empty() {
            return Err(LoadError::NoSuchStack { wanted: wanted.into(), known: names.join(", ") });
        }
    }
    Ok(stacks)
}

impl Stack {
    /// Takes what rules found, each at the line that it is about: with the problems what refuses, with the notes the rest.
    pub fn judged(&mut self, findings: &[Finding]) {
        for finding in findings {
            let problem = |finding: &Finding| match &self.manifest {
                Some(manifest) => manifest.problem(finding),
                None => Problem::new(finding.rule.clone(), finding.message.clone()),
            };
            if let Some(Excepted { reason, until, exception }) = &finding.excepted {
                let place = self.manifest.as_ref().and_then(|manifest| manifest.exception(*exception, &[]));
                let (reason, until) = (reason.clone(), Some(*until));
                // In the words that it would have without the exception.
                let problem = problem(&Finding { excepted: None, ..finding.clone() });
                // A stack is judged again and again while the agent runs.
                if !self.excepted.iter().any(|known| known.problem == problem) {
                    self.excepted.push(ExceptedProblem { problem, reason, until, place, external: false });
                }
                continue;
            }
            let found = problem(finding);
            let all = if finding.refuses() { &mut self.problems } else { &mut self.notes };
            all.push(found);
        }
    }

    /// Takes what kept a plan from being carried out: what refuses, and what is open.
    pub fn refused(&mut self, findings: &[Finding]) {
        let (open, rest): (Vec<Finding>, Vec<Finding>) = findings.iter().cloned().partition(Finding::is_open);
        self.judged(&rest);
        if let Some(manifest) = &self.manifest {
            for finding in &open {
                self.problems.push(manifest.problem(finding).severity(Severity::Error));
            }
        }
    }

    /// The path of its `stack.toml`, as it is shown.
    pub fn file(&self) -> String {
        let first = self.sources.iter().next().map(|file| file.path().to_owned());
        first.unwrap_or_else(|| format!("{}/stack.toml", self.dir).trim_start_matches('/').to_owned())
    }

    /// Its name; its folder as long as the name cannot be read.
    pub fn name(&self) -> String {
        self.manifest.as_ref().map_or_else(|| self.dir.clone(), |manifest| manifest.stack.name.clone())
    }
}

/// Two stacks of one name would take each other's resources for their own.
fn twice(stacks: &mut [Stack]) {
    for n in 1..stacks.len() {
        let (before, rest) = stacks.split_at_mut(n);
        let Some(manifest) = rest[0].manifest.as_ref() else { continue };
        let same = |other: &&Stack| {
            other
                .manifest
                .as_ref()
                .is_some_and(|m| m.stack.name == manifest.stack.name && m.stack.account == manifest.stack.account)
        };
        if let Some(other) = before.iter().find(same) {
            let message = format!("the stack `{}` is also in the folder `{}`", manifest.stack.name, other.dir);
            let problem = Problem::new("stack-twice", message)
                .at(&manifest.stack_node.locate(&["name"]))
                .hint("names of stacks are unique in an account");
            rest[0].problems.push(problem);
        }
    }
}

/// What a stack wants as far as it is known without AWS, and what AWS has to be asked for the rest. Its problems are in
/// the stack.
pub fn offline(stack: &mut Stack) -> Option<(Desired, BTreeSet<Question>)> {
    let manifest = stack.manifest.as_ref()?;
    let expanded = expand_among(manifest, &stack.others, &Answers::offline(), &mut stack.problems)?;
    if !stack.problems.is_empty() {
        return None;
    }
    let questions = expanded.unknown.clone();
    match expanded.desired() {
        Ok(desired) => Some((desired, questions)),
        Err(incoherent) => {
            for one in incoherent {
                stack.problems.push(Problem::new("incoherent", one.to_string()));
            }
            None
        }
    }
}

/// A digest of all that a stack wants, equal for two revisions that a pass would treat alike. `None`: it has problems, which are
/// in the stack.
pub fn wants(stack: &mut Stack) -> Option<String> {
    let (desired, questions) = offline(stack)?;
    let header = &stack.manifest.as_ref()?.stack;
    let questions: Vec<String> = questions.iter().map(ToString::to_string).collect();
    // Rules judge what is written as well; and whether anything is done at all is as much as what.
    let all = serde_json::to_value((&desired, &desired.written, header.mode, &header.suspend, questions)).ok()?;
    Some(agent_core::doc::digest(&all.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
