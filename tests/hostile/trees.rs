//! Names, folders and kinds of entries.

use git2::Oid;

use super::{Case, FILE, FOLDER, LINK, MODULE, Made, RUN};

const BAD: &str = "has a name that cannot be used";
const MANY: &str = "holds more than 20000 files and folders";

pub const CASES: &[Case] = &[
    ("folder `..`", BAD, |made| outwards(made, b"..")),
    ("folder `.`", BAD, |made| outwards(made, b".")),
    ("folder `.git`", BAD, |made| outwards(made, b".git")),
    ("folder `.GIT`", BAD, |made| outwards(made, b".GIT")),
    ("folder `git~1`, which is `.git` elsewhere", "", |made| {
        let inner = made.tree(&[("config", FILE, made.blob("[core]\n"))]);
        made.beside("git~1", FOLDER, inner);
    }),
    ("name with slashes that leads upwards", BAD, |made| made.beside("../../canary", FILE, made.blob("x"))),
    ("absolute path for a name", BAD, |made| made.beside("/etc/passwd", FILE, made.blob("x"))),
    ("backslashes in a name", BAD, |made| made.beside("..\\..\\canary", FILE, made.blob("x"))),
    ("line break in a name", BAD, |made| made.beside("a\nb", FILE, made.blob("x"))),
    ("escape sequence in a name", BAD, |made| made.beside("\x1b]0;owned\x07\x1b[2J", FILE, made.blob("x"))),
    ("name that is written from right to left", BAD, |made| made.beside("lmot.\u{202e}kcats", FILE, made.blob("x"))),
    ("name that is not UTF-8", BAD, |made| made.beside(b"\xff\xfe", FILE, made.blob("x"))),
    ("empty name", "can't parse filename", |made| made.beside("", FILE, made.blob("x"))),
    ("name of 4,000 characters", "is longer than 512 bytes", |made| {
        made.beside("a".repeat(4000), FILE, made.blob("x"));
    }),
    ("100,000 entries", MANY, |made| {
        let blob = made.blob("x");
        let entries: Vec<_> = (0..100_000).map(|n| (format!("{n:06}"), FILE, blob)).collect();
        made.commit(made.tree(&entries));
    }),
    ("1,000,000 long names", "is larger than 8388608 bytes", |made| {
        let blob = made.blob("x");
        let entries: Vec<_> = (0..1_000_000).map(|n| (format!("{n:06}"), FILE, blob)).collect();
        made.commit(made.tree(&entries));
    }),
    ("2,000 folders inside each other", "deeper than 32 folders", |made| {
        let inner = (0..2000).fold(made.tree(&[made.good()]), |inner, _| made.tree(&[("d", FOLDER, inner)]));
        made.commit(inner);
    }),
    ("a folder ten times in itself, six times over", MANY, |made| {
        let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let inner = (0..6).fold(made.tree(&[made.good()]), |inner, _| {
            made.tree(&names.iter().map(|name| (name, FOLDER, inner)).collect::<Vec<_>>())
        });
        made.commit(inner);
    }),
    ("a name twice", "its folder names it twice", |made| made.inside("stack.toml", FILE, made.blob("x"))),
    ("a file where a folder should be", "it is a blob where a tree should be", |made| {
        made.beside("d", FOLDER, made.blob("x"));
    }),
    ("a folder where a file should be", "it is a tree where a blob should be", |made| {
        let tree = made.tree(&[made.good()]);
        made.beside("d", FILE, tree);
    }),
    ("a commit where a folder should be", "it is a commit where a tree should be", |made| {
        let commit = made.commit(made.tree(&[made.good()]));
        made.beside("d", FOLDER, commit);
    }),
    ("a kind of file that Git does not have", "", |made| made.beside("d", 0o010_644, made.blob("x"))),
    ("link for a manifest, to a file outside", "the manifest is a link", |made| {
        let link = made.blob(made.outside("outside/stack.toml").to_str().unwrap());
        made.commit(made.tree(&[("stack.toml", LINK, link)]));
    }),
    ("link for one of several manifests, upwards", "the manifest is a link", |made| {
        made.inside("more.toml", LINK, made.blob("../outside/stack.toml"));
    }),
    ("link for a config file", "`config/nginx.conf` is a link", |made| {
        with_file(made, LINK, made.blob("../../../canary"));
    }),
    ("link for the folder of a config file", "`config/nginx.conf` is a link", |made| {
        let stack = made.blob(service());
        made.commit(made.tree(&[("config", LINK, made.blob("../../outside")), ("stack.toml", FILE, stack)]));
    }),
    ("link to a folder outside, which nothing refers to", "`prod` is a link", |made| {
        made.beside("prod", LINK, made.blob(made.outside("outside").to_str().unwrap()));
    }),
    ("link to itself", "`loop` is a link", |made| made.inside("loop", LINK, made.blob("loop"))),
    ("link of 10 MB", "`long` is a link", |made| made.beside("long", LINK, made.blob(vec![b'/'; 10_000_000]))),
    ("link for the folder of the manifests", "`stacks` is a link", |made| {
        made.args = vec!["--path".to_owned(), "stacks".to_owned()];
        made.commit(made.tree(&[("stacks", LINK, made.blob(made.outside("outside").to_str().unwrap()))]));
    }),
    ("submodule that nothing refers to", "`lib` is in a submodule", |made| made.beside("lib", MODULE, nowhere())),
    ("submodule in a stack's folder", "`lib` is in a submodule", |made| made.inside("lib", MODULE, nowhere())),
    ("submodule for the folder of the manifests", "`stacks` is a submodule", |made| {
        made.args = vec!["--path".to_owned(), "stacks/inner".to_owned()];
        made.commit(made.tree(&[("stacks", MODULE, nowhere())]));
    }),
    ("submodule for a manifest", "the manifest is in a submodule", |made| {
        made.commit(made.tree(&[("stack.toml", MODULE, nowhere())]));
    }),
    ("`.gitmodules` with a command for an address", "", |made| {
        let text =
            format!("[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c 'touch {}'\n\tupdate = !touch {0}\n", ran(made));
        made.inside(".gitmodules", FILE, made.blob(text));
    }),
    ("executable manifest", "the manifest is marked executable", |made| {
        made.commit(made.tree(&[("stack.toml", RUN, made.blob(super::STACK))]));
    }),
    ("executable config file", "`config/nginx.conf` is marked executable", |made| with_file(made, RUN, made.blob("x"))),
    ("executable beside a manifest", "`run` is marked executable", |made| {
        made.inside("run", RUN, made.blob("#!/bin/sh\n"));
    }),
];

fn nowhere() -> Oid {
    Oid::from_str("0123456789012345678901234567890123456789").unwrap()
}

/// A file that is there once something was run.
pub fn ran(made: &Made) -> String {
    made.outside("ran").display().to_string()
}

/// A folder of this name, in which the canary would be that lies beside the repository.
fn outwards(made: &Made, name: &[u8]) {
    let inner = made.tree(&[("canary", FILE, made.blob("x")), made.good()]);
    made.beside(name, FOLDER, inner);
}

/// A stack with a config file.
fn service() -> String {
    let example = crate::bench::repository::example("hello");
    let image = "files_image = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/gitops-agent:1\"\n\n[network.main]";
    example["stack.toml"].replacen("\n[network.main]", image, 1)
        + "\n[service.web.files]\n\"/etc/nginx/nginx.conf\" = \"config/nginx.conf\"\n"
}

fn with_file(made: &Made, mode: i32, id: Oid) {
    let config = made.tree(&[("nginx.conf", mode, id)]);
    made.commit(made.tree(&[("config", FOLDER, config), ("stack.toml", FILE, made.blob(service()))]));
}
