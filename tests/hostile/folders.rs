//! The folder of a repository itself: links, what it borrows, its configuration, damaged objects.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use git2::{Oid, Repository};

use super::{CANARY, Case, FILE, Made, STACK};
use crate::bench::packs;
use crate::hostile::trees::ran;

pub const CASES: &[Case] = &[
    (
        "objects borrowed from a repository outside",
        "`objects/info/alternates` borrows objects from elsewhere",
        |made| {
            let id = secret(made);
            fs::write(made.git("objects/info/alternates"), made.outside("secret.git/objects").to_str().unwrap())
                .unwrap();
            made.point("refs/heads/main", id);
        },
    ),
    ("objects as a link to those of a repository outside", "`objects` is a link", |made| {
        let id = secret(made);
        fs::remove_dir_all(made.git("objects")).unwrap();
        symlink(made.outside("secret.git/objects"), made.git("objects")).unwrap();
        made.point("refs/heads/main", id);
    }),
    ("one object as a link", "` is a link", |made| {
        let id = secret(made).to_string();
        fs::create_dir_all(made.git("objects").join(&id[..2])).unwrap();
        let inner = format!("objects/{}/{}", &id[..2], &id[2..]);
        symlink(made.outside("secret.git").join(&inner), made.git(&inner)).unwrap();
    }),
    ("branches as a link to those of a repository outside", "`refs` is a link", |made| {
        secret(made);
        fs::remove_dir_all(made.git("refs")).unwrap();
        symlink(made.outside("secret.git/refs"), made.git("refs")).unwrap();
    }),
    ("branch as a link to a file outside", "`refs/heads/main` is a link", |made| {
        symlink(made.outside("canary"), made.git("refs/heads/main")).unwrap();
    }),
    ("`.git` as a link to a repository outside", "`.git` is a link", |made| {
        secret(made);
        fs::rename(made.git(""), made.outside("aside")).unwrap();
        symlink(made.outside("secret.git"), made.outside("r/.git")).unwrap();
    }),
    ("`.git` that leads to a repository outside", "leads to a folder that does not name it in turn", |made| {
        secret(made);
        fs::rename(made.git(""), made.outside("aside")).unwrap();
        fs::write(made.outside("r/.git"), format!("gitdir: {}\n", made.outside("secret.git").display())).unwrap();
    }),
    ("objects and branches of a repository outside (`commondir`)", "`commondir` leads elsewhere", |made| {
        secret(made);
        good(made);
        fs::write(made.git("commondir"), made.outside("secret.git").to_str().unwrap()).unwrap();
    }),
    ("`HEAD` that leads to itself", "is damaged or missing", |made| {
        good(made);
        fs::write(made.git("HEAD"), "ref: HEAD\n").unwrap();
        made.rev.set("HEAD");
    }),
    ("branches that lead to each other", "has no branch, tag or commit", |made| {
        fs::write(made.git("refs/heads/main"), "ref: refs/heads/other\n").unwrap();
        fs::write(made.git("refs/heads/other"), "ref: refs/heads/main\n").unwrap();
    }),
    ("branch that leads to a file outside", "has no branch, tag or commit", |made| {
        good(made);
        fs::write(made.git("refs/heads/main"), "ref: ../../canary\n").unwrap();
    }),
    ("branch of 10 MB", "has no commit yet", |made| {
        fs::write(made.git("refs/heads/main"), "1".repeat(10_000_000)).unwrap();
    }),
    ("list of branches of 100 MB", "", |made| {
        good(made);
        let line = |n: u32| format!("{} refs/heads/b{n:07}\n", "1".repeat(40));
        fs::write(made.git("packed-refs"), (0..1_700_000).map(line).collect::<String>()).unwrap();
    }),
    ("configuration that takes in a file outside", "`config` takes in a file", |made| {
        symlink(made.outside("canary"), made.outside("link")).unwrap();
        config(made, &format!("[include]\n\tpath = {}\n", made.outside("link").display()));
    }),
    ("configuration that takes in a pipe, on a condition", "`config` takes in a file", |made| {
        pipe(made, "pipe");
        config(made, &format!("[includeIf \"gitdir:/\"]\n\tpath = {}\n", made.git("pipe").display()));
    }),
    ("configuration with programs to run", "", |made| {
        let run = format!("touch {}", ran(made));
        config(
            made,
            &format!(
                "[core]\n\tfsmonitor = {run}\n\tsshCommand = {run}\n\tpager = {run}\n\thooksPath = {}\n\
             [credential]\n\thelper = !{run}\n[uploadpack]\n\tpackObjectsHook = {run}\n[gpg]\n\tprogram = {run}\n",
                made.git("hooks").display()
            ),
        );
        for hook in ["post-checkout", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"] {
            fs::create_dir_all(made.git("hooks")).unwrap();
            fs::write(made.git("hooks").join(hook), format!("#!/bin/sh\n{run}\n")).unwrap();
            fs::set_permissions(made.git("hooks").join(hook), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }),
    ("configuration with a working copy outside", "", |made| {
        config(made, &format!("[core]\n\tworktree = {}\n", made.outside("outside").display()));
    }),
    ("configuration that is none", "is not a Git repository: failed to parse config file", |made| {
        fs::write(made.git("config"), "[[[\x1b[2J").unwrap();
    }),
    ("configuration of 10 MB", "`config` is too large", |made| config(made, &"# nothing\n".repeat(1_000_000))),
    ("extension that nobody knows", "unsupported extension", |made| {
        fs::write(made.git("config"), "[core]\n\trepositoryformatversion = 1\n[extensions]\n\town = true\n").unwrap();
    }),
    ("repository of SHA-256", "is not a Git repository", |made| {
        fs::write(made.git("config"), "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n")
            .unwrap();
    }),
    ("pipe for the configuration", "`config` is a pipe", |made| {
        fs::remove_file(made.git("config")).unwrap();
        pipe(made, "config");
    }),
    ("pipe for a branch", "`refs/heads/main` is a pipe", |made| pipe(made, "refs/heads/main")),
    ("pipe for a list of packs", "`objects/info/packs` is a pipe", |made| {
        fs::create_dir_all(made.git("objects/info")).unwrap();
        pipe(made, "objects/info/packs");
    }),
    ("other parents for a commit (`info/grafts`)", "`info/grafts` gives commits other parents", |made| {
        let id = good(made);
        fs::create_dir_all(made.git("info")).unwrap();
        fs::write(made.git("info/grafts"), format!("{id} {}\n", "1".repeat(40))).unwrap();
    }),
    ("another commit in the place of one (`refs/replace`)", "", |made| {
        let id = good(made);
        let bad = made.commit(made.tree(&[("stack.toml", FILE, made.blob("broken"))]));
        made.point(&format!("refs/replace/{id}"), bad);
        made.point("refs/heads/main", id);
    }),
    ("list of cut commits that is none", "is not a Git repository", |made| {
        good(made);
        fs::write(made.git("shallow"), "\x1b[2J\n").unwrap();
    }),
    ("damaged object", "is damaged or missing", |made| {
        let id = good(made);
        fs::write(made.loose(id), "not zlib at all").unwrap();
    }),
    ("cut object", "takes more memory or processor time", |made| {
        let blob = made.blob(STACK.repeat(100));
        made.commit(made.tree(&[("stack.toml", FILE, blob)]));
        let bytes = fs::read(made.loose(blob)).unwrap();
        fs::write(made.loose(blob), &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("another object under the name of one", "is damaged or missing", |made| {
        good(made);
        let (blob, other) = (made.blob(STACK), made.blob(format!("{STACK}# {CANARY}")));
        fs::copy(made.loose(other), made.loose(blob)).unwrap();
    }),
    ("commit under the name of a file", "is damaged or missing", |made| {
        let id = good(made);
        let blob = made.blob(STACK);
        fs::copy(made.loose(id), made.loose(blob)).unwrap();
    }),
    ("pack and list that are none", "is damaged or missing", |made| {
        let id = good(made);
        fs::remove_file(made.loose(id)).unwrap();
        fs::create_dir_all(made.git("objects/pack")).unwrap();
        for end in ["pack", "idx"] {
            fs::write(made.git(&format!("objects/pack/pack-{}.{end}", "1".repeat(40))), "\x1b[2J".repeat(1000))
                .unwrap();
        }
    }),
    ("pack with a delta that unpacks to gigabytes", "", |made| {
        packed(made, &packs::huge_deltas(1, 100));
        good(made);
    }),
    ("graph of commits that lies", "", |made| {
        good(made);
        fs::create_dir_all(made.git("objects/info")).unwrap();
        fs::write(made.git("objects/info/commit-graph"), [&b"CGPH\x01\x01\xff\xff"[..], &[0xff; 4096]].concat())
            .unwrap();
    }),
];

fn good(made: &Made) -> Oid {
    made.commit(made.tree(&[made.good()]))
}

/// A repository that is none of the business of whoever makes this one, with a stack that shows the canary when it is read.
fn secret(made: &Made) -> Oid {
    let other = Repository::init_bare(made.outside("secret.git")).unwrap();
    let blob = other.blob(format!("{STACK}# {CANARY}\nkey-{CANARY} = 1\n").as_bytes()).unwrap();
    let mut tree = other.treebuilder(None).unwrap();
    tree.insert("stack.toml", blob, FILE).unwrap();
    let tree = other.find_tree(tree.write().unwrap()).unwrap();
    let who = git2::Signature::new("A", "a@b", &git2::Time::new(1_700_000_000, 0)).unwrap();
    other.commit(Some("refs/heads/main"), &who, &who, "x", &tree, &[]).unwrap()
}

/// A good stack, and this in the configuration.
fn config(made: &Made, text: &str) {
    good(made);
    let own = fs::read_to_string(made.git("config")).unwrap();
    fs::write(made.git("config"), own + text).unwrap();
}

fn pipe(made: &Made, name: &str) {
    assert!(Command::new("mkfifo").arg(made.git(name)).status().unwrap().success());
}

/// A pack that lies with the others, though nobody can index it: as a hand would put it there.
fn packed(made: &Made, pack: &[u8]) {
    fs::create_dir_all(made.git("objects/pack")).unwrap();
    fs::write(made.git(&format!("objects/pack/pack-{}.pack", "1".repeat(40))), pack).unwrap();
}
