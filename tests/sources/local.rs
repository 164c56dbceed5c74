//! What can be wrong with a repository of this host.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Seen, Site};
use crate::bench::repository::{Files, commit_to};
use crate::bench::say;
use crate::bench::signing::move_to;

pub const SOURCES: &[(&str, &str)] = &[
    ("src-folders", "interval = \"1s\"\ntimeout = \"5s\""),
    ("src-objects", "interval = \"1s\"\ntimeout = \"7s\""),
    ("src-path", "interval = \"1s\"\npath = \"stacks\""),
];

pub fn suffer(mut site: Site<'_>) -> Vec<Seen> {
    match site.stack {
        "src-folders" => folders(site),
        "src-objects" => objects(site),
        _ => {
            let other: Files = [("README.md".to_owned(), "moved".to_owned())].into();
            let fail = |site: &mut Site<'_>| drop(commit_to(&site.folder, "main", &other));
            vec![site.suffers("folder of the manifests gone", "has no folder `stacks`", fail, Site::commit)]
        }
    }
}

/// Where a repository is while something else is in its place.
fn aside(site: &Site<'_>) -> PathBuf {
    site.folder.with_extension("aside")
}

/// Puts what is aside in the place of the repository, or back: nobody sees that there is nothing in between.
fn exchange(site: &Site<'_>) {
    renameat_with(CWD, &site.folder, CWD, aside(site), RenameFlags::EXCHANGE).unwrap();
}

/// Lets something else be in the place of the repository.
fn stood_in_for(site: &mut Site<'_>, what: &'static str, words: &'static str, stand_in: impl FnOnce(&Path)) -> Seen {
    let fail = |site: &mut Site<'_>| {
        stand_in(&aside(site));
        exchange(site);
    };
    let mend = |site: &mut Site<'_>| {
        exchange(site);
        let stand_in = aside(site);
        let is_folder = fs::symlink_metadata(&stand_in).unwrap().is_dir();
        if is_folder { fs::remove_dir_all(stand_in) } else { fs::remove_file(stand_in) }.unwrap();
        site.commit()
    };
    site.suffers(what, words, fail, mend)
}

fn folders(mut site: Site<'_>) -> Vec<Seen> {
    let fail = |site: &mut Site<'_>| fs::rename(&site.folder, aside(site)).unwrap();
    let mend = |site: &mut Site<'_>| {
        fs::rename(aside(site), &site.folder).unwrap();
        site.commit()
    };
    let mut seen = vec![site.suffers("folder gone", "there is no folder", fail, mend)];
    seen.push(stood_in_for(&mut site, "not a repository", "is not a Git repository", |folder| {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("stack.toml"), "x").unwrap();
    }));
    let itself = site.folder.clone();
    let leads_nowhere = |link: &Path| symlink(&itself, link).unwrap();
    seen.push(stood_in_for(&mut site, "folder that leads nowhere", "cannot be opened", leads_nowhere));
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        say("skipped: a folder without permissions, since the user of this test is root, who may read everything");
    } else {
        let mode = |site: &Site<'_>, mode| fs::set_permissions(&site.folder, fs::Permissions::from_mode(mode)).unwrap();
        let mend = |site: &mut Site<'_>| {
            mode(site, 0o755);
            site.commit()
        };
        // Not in the table, which is the same for everybody.
        site.suffers("folder without permissions", "cannot be opened", |site| mode(site, 0), mend);
    }
    let is_empty = |folder: &Path| drop(git2::Repository::init(folder).unwrap());
    seen.push(stood_in_for(&mut site, "empty here", "has no commit yet", is_empty));
    let fail = |site: &mut Site<'_>| site.rename_branch("main", "maint");
    let mend = |site: &mut Site<'_>| {
        site.rename_branch("maint", "main");
        site.commit()
    };
    seen.push(site.suffers("branch gone here", "has no branch, tag or commit", fail, mend));
    seen
}

/// Commits aside, harms the object with the new value, and gives the commit to `main`.
fn harm(site: &mut Site<'_>, how: impl FnOnce(&Path)) {
    move_to(&site.folder, "aside", &site.tip());
    let id = site.commit_on("aside");
    let repository = git2::Repository::open(&site.folder).unwrap();
    let commit = repository.find_commit(git2::Oid::from_str(&id).unwrap()).unwrap();
    let blob = commit.tree().unwrap().get_name("stack.toml").unwrap().id().to_string();
    let file = repository.path().join("objects").join(&blob[..2]).join(&blob[2..]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    how(&file);
    repository.reference("refs/heads/main", commit.id(), true, "harmed").unwrap();
}

fn objects(mut site: Site<'_>) -> Vec<Seen> {
    let fail = |site: &mut Site<'_>| harm(site, |file| fs::remove_file(file).unwrap());
    let mut seen =
        vec![site.suffers("object missing", "is damaged or missing in the object store", fail, Site::commit)];
    let fail = |site: &mut Site<'_>| harm(site, |file| fs::write(file, "not zlib at all").unwrap());
    seen.push(site.suffers("object damaged", "is damaged or missing in the object store", fail, Site::commit));
    let fail = |site: &mut Site<'_>| {
        harm(site, |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        });
    };
    seen.push(site.suffers("object truncated", "takes more memory or processor time", fail, Site::commit));
    seen
}
