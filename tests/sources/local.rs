//! What can be wrong with a repository of this host.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

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

fn put_aside(site: &Site<'_>) {
    fs::rename(&site.folder, aside(site)).unwrap();
}

fn put_back(site: &mut Site<'_>) -> String {
    fs::rename(aside(site), &site.folder).unwrap();
    site.commit()
}

fn folders(mut site: Site<'_>) -> Vec<Seen> {
    let mut seen = vec![site.suffers("folder gone", "there is no folder", |site| put_aside(site), put_back)];
    let fail = |site: &mut Site<'_>| {
        put_aside(site);
        fs::create_dir(&site.folder).unwrap();
        fs::write(site.folder.join("stack.toml"), "x").unwrap();
    };
    let mend = |site: &mut Site<'_>| {
        fs::remove_dir_all(&site.folder).unwrap();
        put_back(site)
    };
    seen.push(site.suffers("not a repository", "is not a Git repository", fail, mend));
    let fail = |site: &mut Site<'_>| {
        put_aside(site);
        symlink(&site.folder, &site.folder).unwrap();
    };
    let mend = |site: &mut Site<'_>| {
        fs::remove_file(&site.folder).unwrap();
        put_back(site)
    };
    seen.push(site.suffers("folder that leads nowhere", "cannot be opened", fail, mend));
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
    let fail = |site: &mut Site<'_>| {
        put_aside(site);
        git2::Repository::init(&site.folder).unwrap();
    };
    let mend = |site: &mut Site<'_>| {
        fs::remove_dir_all(&site.folder).unwrap();
        put_back(site)
    };
    seen.push(site.suffers("empty here", "has no commit yet", fail, mend));
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
