//! What is below the manifests path and is no plain file: links, submodules, names that cannot be used. It is named in an error, also where
//! nothing refers to it, for it may stand in for a folder with a stack, or for a file that everybody believes to be read.
//!
//! What lies in a stack's folder is a problem of that stack alone; what lies in none refuses the revision. Executables are
//! problems beside a `stack.toml` and where a manifest names them. Elsewhere they are let be: nothing reads them, and a repository
//! that is followed from its top has scripts.

use std::path::Path;

use agent_core::manifest::find_stacks;
use agent_core::manifest::read::{FileEntry, STACK_FILE, StackFiles};
use agent_core::source::{FileId, Problem, Problems, Span, escape};

use super::LoadError;

/// So many are named one by one.
const NAMED: usize = 10;

/// Refuses a tree with such an entry outside of all stacks.
pub fn outside(files: &StackFiles) -> Result<(), LoadError> {
    let stacks = find_stacks(files);
    let strays = files.files.iter().filter(|(path, entry)| is_stray(entry) && owner(&stacks, path).is_none());
    let told: Vec<String> = strays.map(|(path, entry)| escape(&told(files, path, entry).0)).collect();
    if told.is_empty() { Ok(()) } else { Err(LoadError::NotPlain(in_part(&told).join("; "))) }
}

/// Adds what lies in the folder of a stack to its problems, unless it was told with the manifests; `first` is its `stack.toml`.
pub fn inside(files: &StackFiles, dir: &str, first: FileId, problems: &mut Problems) {
    let stacks = find_stacks(files);
    let mut count = 0;
    for (path, entry) in &files.files {
        let beside = folder(path) == dir;
        let counts = is_stray(entry) || beside && matches!(entry, FileEntry::Executable);
        if !counts || owner(&stacks, path) != Some(dir) || beside && is_manifest(path) {
            continue;
        }
        count += 1;
        if count <= NAMED {
            let (message, hint) = told(files, path, entry);
            problems.push(Problem::new("not-plain", message).at(&Span::start_of(first)).hint(hint));
        }
    }
    if count > NAMED {
        let message = format!("{} more entries of the stack's folder are no plain files", count - NAMED);
        problems.push(Problem::new("not-plain", message).at(&Span::start_of(first)));
    }
}

/// Leaves out the links by which an editor marks a file of a folder as being edited (`.#stack.toml`). A commit has none.
pub fn forget_locks(files: &mut StackFiles) {
    let is_lock = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with(".#"));
    files.files.retain(|path, entry| !(matches!(entry, FileEntry::Link) && is_lock(path)));
}

fn is_stray(entry: &FileEntry) -> bool {
    matches!(entry, FileEntry::Link | FileEntry::Submodule | FileEntry::Unreadable(_))
}

/// Whether a file in a stack's folder is read as one of its manifests.
fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_toml = Path::new(name).extension().is_some_and(|extension| extension == "toml");
    name == STACK_FILE || (is_toml && !name.starts_with('.'))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folder of the stack that a path belongs to.
fn owner<'s>(stacks: &'s [String], path: &str) -> Option<&'s str> {
    let above =
        |dir: &&String| dir.is_empty() || path.strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/'));
    stacks.iter().filter(above).max_by_key(|dir| dir.len()).map(String::as_str)
}

fn told(files: &StackFiles, path: &str, entry: &FileEntry) -> (String, &'static str) {
    let (why, hint) = entry.refusal(&files.limits);
    (format!("`{}` {why}", files.shown(path)), hint)
}

/// The first of many, and how many there are beside.
fn in_part(all: &[String]) -> Vec<String> {
    let mut some: Vec<String> = all.iter().take(NAMED).cloned().collect();
    if all.len() > NAMED {
        some.push(format!("and {} more", all.len() - NAMED));
    }
    some
}
