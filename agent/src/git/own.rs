//! Whether a repository of this host is whole in itself, before libgit2 opens it: who may write to a folder decides what manifests say, and
//! must not be able to have the agent read, with the agent's rights, what lies elsewhere.
//!
//! * Whatever makes up the repository is a plain file or a folder: a link would lead elsewhere, and a pipe would be waited for.
//! * It borrows no objects (`objects/info/alternates`), and its configuration takes in (`include`) plain files of its own owner alone.
//! * It has no `info/grafts`: libgit2 takes the parents of commits from there, so that a commit would seem to go on from another.
//! * Where `.git` is a file (a linked working copy), what that leads to has to name the file in turn.
//!
//! **Assumption.** Nobody changes the folder between this look and the reading; whoever can do that decides only what of the agent's
//! own files is tried as a Git object, and such a file has to have the name of its own digest.

use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::{Cause, GitError};

/// So many entries are looked at: ten times what Git lets lie around before it packs them.
const ENTRIES: usize = 100_000;
/// The configuration and other short files.
const SHORT: u64 = 1 << 20;
/// What libgit2 reads of a repository. The last folder is looked at first: there may be more objects than are looked at.
const TOP: [&str; 8] = ["HEAD", "config", "config.worktree", "packed-refs", "shallow", "objects", "info", "refs"];
/// What must not be there, and what it would do.
const NEVER: [(&str, &str); 2] =
    [("objects/info/alternates", "borrows objects from elsewhere"), ("info/grafts", "gives commits other parents")];

/// Looks at the repository in a folder. What is not there at all is for libgit2 to say.
pub fn check(folder: &Path, shown: &str) -> Result<(), GitError> {
    let inner = folder.join(".git");
    let own = match fs::symlink_metadata(&inner) {
        Ok(found) if found.is_file() => {
            return linked(folder, &inner, shown)?.iter().try_for_each(|git| whole(git, shown));
        }
        Ok(found) if found.is_dir() => inner,
        Ok(found) => return Err(not_whole(shown, ".git", what(found.file_type()))),
        // A bare one, or none.
        Err(_) => folder.to_owned(),
    };
    let has = |name: &str| fs::symlink_metadata(own.join(name)).is_ok();
    if !has("HEAD") || !has("objects") {
        return Ok(());
    }
    if has("commondir") {
        return Err(not_whole(shown, "commondir", "leads elsewhere"));
    }
    whole(&own, shown)
}

fn not_whole(shown: &str, name: &str, why: &str) -> GitError {
    let name = super::text::line(name, 200);
    GitError::NotWhole { url: shown.to_owned(), name, why: why.to_owned() }
}

/// What something is that is neither a plain file nor a folder.
fn what(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_symlink() => "is a link",
        kind if kind.is_fifo() => "is a pipe",
        kind if kind.is_socket() => "is a socket",
        _ => "is no plain file",
    }
}

/// The folder of a linked working copy, and the one of the repository that it is of.
fn linked(folder: &Path, file: &Path, shown: &str) -> Result<Vec<PathBuf>, GitError> {
    let stray = |why: &str| not_whole(shown, ".git", why);
    let text = short(file).map_err(|error| stray(&format!("cannot be read: {}", Cause::from(&error))))?;
    let Some(to) = text.trim_end().strip_prefix("gitdir: ") else { return Err(stray("does not say where it leads")) };
    let own = folder.join(to);
    let elsewhere = "leads to a folder that does not name it in turn";
    let back = short(&own.join("gitdir")).map_err(|_| stray(elsewhere))?;
    let same = |one: &Path, other: &Path| {
        let (one, other) = (one.canonicalize().ok(), other.canonicalize().ok());
        one.is_some() && one == other
    };
    if !same(&own.join(back.trim_end()), file) {
        return Err(stray(elsewhere));
    }
    let common = match short(&own.join("commondir")) {
        Ok(common) => own.join(common.trim_end()),
        Err(_) => return Err(stray(elsewhere)),
    };
    // It lies in the repository that it is of, which is what makes one know of the other.
    if own.parent().is_none_or(|worktrees| !same(worktrees, &common.join("worktrees"))) {
        return Err(stray(elsewhere));
    }
    Ok(vec![own, common])
}

/// What a short plain file says; nothing else is opened.
fn short(path: &Path) -> io::Result<String> {
    let known = fs::symlink_metadata(path)?;
    if !known.is_file() {
        return Err(io::Error::other(what(known.file_type())));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(SHORT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Looks at everything in a repository that libgit2 may read.
fn whole(git: &Path, shown: &str) -> Result<(), GitError> {
    let mut inner = Vec::new();
    for name in TOP {
        let Ok(found) = fs::symlink_metadata(git.join(name)) else { continue };
        match found.file_type() {
            kind if kind.is_dir() => inner.push((git.join(name), name.to_owned())),
            kind if kind.is_file() => {}
            kind => return Err(not_whole(shown, name, what(kind))),
        }
    }
    for (name, why) in NEVER {
        if fs::symlink_metadata(git.join(name)).is_ok_and(|found| found.len() > 0) {
            return Err(not_whole(shown, name, why));
        }
    }
    for name in ["config", "config.worktree"] {
        match short(&git.join(name)) {
            Ok(text) if text.len() as u64 >= SHORT => return Err(not_whole(shown, name, "is too large")),
            Ok(text) if !text_is_own(&git.join(name), &text) => return Err(not_whole(shown, name, FOREIGN)),
            _ => {}
        }
    }
    below(inner, shown)
}

/// Looks at what is in these folders and in those in them.
fn below(mut folders: Vec<(PathBuf, String)>, shown: &str) -> Result<(), GitError> {
    let mut left = ENTRIES;
    while let Some((folder, name)) = folders.pop() {
        // What cannot be read, libgit2 cannot read either.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            let Ok(kind) = entry.file_type() else { continue };
            let inner = format!("{name}/{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                folders.push((entry.path(), inner));
            } else if !kind.is_file() {
                return Err(not_whole(shown, &inner, what(kind)));
            }
        }
    }
    Ok(())
}

const FOREIGN: &str = "takes in a file that is not its owner's, or not a plain one (`include`)";

/// Whether all files that a configuration takes in are its owner's own, and take in no other: what runs tests keeps credentials in one.
fn text_is_own(config: &Path, text: &str) -> bool {
    let Some(paths) = taken_in(text) else { return false };
    let Ok(owner) = fs::symlink_metadata(config).map(|known| known.uid()) else { return false };
    let folder = config.parent().unwrap_or(config);
    paths.iter().all(|path| {
        let path = folder.join(path);
        match fs::symlink_metadata(&path) {
            Ok(known) if known.is_file() && known.uid() == owner && known.len() < SHORT => {
                short(&path).is_ok_and(|text| taken_in(&text).is_some_and(|paths| paths.is_empty()))
            }
            Ok(_) => false,
            // Git passes over what is not there.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    })
}

/// The files that a configuration takes in. `None`: it does so in a way that `git config` does not write, and is not understood.
fn taken_in(text: &str) -> Option<Vec<&str>> {
    let (mut paths, mut sections, mut is_include) = (Vec::new(), 0, false);
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_include = line == "[include]" || (line.starts_with("[includeIf \"") && line.ends_with("\"]"));
            sections += usize::from(is_include);
        } else if is_include && !line.is_empty() && !line.starts_with(['#', ';']) {
            let path = line.split_once('=').filter(|(key, _)| key.trim_end() == "path")?.1.trim_start();
            let is_plain = !path.is_empty() && !path.contains(['"', '\\', ';', '#']) && !path.starts_with('~');
            paths.push(is_plain.then_some(path)?);
        }
    }
    (sections == sections_of_others(text)).then_some(paths)
}

/// How many sections a configuration has that may be of another file: a section begins its line, or follows another.
fn sections_of_others(text: &str) -> usize {
    let lines = text.trim_start_matches('\u{feff}').split(['\n', '\r', ']']).map(str::trim_start);
    let sections = lines.filter_map(|line| line.strip_prefix('['));
    sections.filter(|section| section.trim_start().to_ascii_lowercase().starts_with("include")).count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::Fixture;
    use super::*;

    fn told(folder: &Path) -> Option<String> {
        check(folder, "r").err().map(|error| error.to_string())
    }

    #[test]
    fn what_people_have_is_whole() {
        for bare in [false, true] {
            let (fixture, commit) = Fixture::one_file(bare);
            assert_eq!(told(&fixture.path()), None);
            let commit = fixture.repository.find_commit(commit).unwrap();
            fixture.repository.branch("other", &commit, false).unwrap();
            let other = fixture.folder.path().join("linked");
            fixture.repository.worktree("linked", &other, None).unwrap();
            assert_eq!(told(&other), None);
        }
        let empty = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", empty.path().join("info")).unwrap();
        assert_eq!(told(empty.path()), None, "no repository at all");
        assert_eq!(told(&empty.path().join("gone")), None);
    }

    #[test]
    fn a_configuration_that_takes_in_another_is_found_however_it_is_written() {
        for text in [
            "[core]\n bare = false\n\t[ Include ]\npath=/x",
            "[core] [include] path = /x",
            "\u{feff}[include]\npath=/x",
            "[include] path = /x",
            "[includeIf \"x]\n[include]\"]\npath = /x",
            "[include]\n\tpath = \\\n/x",
            "[include]\n\tpath = ~/x",
            "[include]\n\tPath = /x",
        ] {
            assert_eq!(taken_in(text), None, "{text:?}");
        }
        let ci = "[core]\n\tbare = false\n[includeIf \"gitdir:/w/.git\"]\r\n\tpath = /tmp/c.config\n[include]\n\tpath = x\n[a]\n\tb = c\n";
        assert_eq!(taken_in(ci), Some(vec!["/tmp/c.config", "x"]));
        let none = "[core]\n\tbare = true\n; [include]\n# [include]\n[branch \"include\"]\n[remote \"x\"]\n";
        assert_eq!(taken_in(none), Some(Vec::new()));
    }

    #[test]
    fn what_its_owner_keeps_beside_a_repository_may_be_taken_in() {
        let (fixture, _) = Fixture::one_file(false);
        let (config, other) = (fixture.path().join(".git/config"), fixture.folder.path().join("other"));
        let own = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{own}[includeIf \"gitdir:/\"]\n\tpath = {}\n", other.display())).unwrap();
        assert_eq!(told(&fixture.path()), None, "it is not there");
        fs::write(&other, "[http]\n\textraheader = x\n").unwrap();
        assert_eq!(told(&fixture.path()), None);
        fs::write(&other, "[include]\n\tpath = /x\n").unwrap();
        assert!(told(&fixture.path()).unwrap().contains("takes in a file"));
        fs::remove_file(&other).unwrap();
        std::os::unix::fs::symlink("/etc/hosts", &other).unwrap();
        assert!(told(&fixture.path()).unwrap().contains("takes in a file"));
    }
}
