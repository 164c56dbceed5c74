//! Commits, tags, and what leads to them.

use std::fs;

use git2::{ObjectType, Oid};

use super::{Case, FILE, Made, STACK};

const WHO: &str = "A <a@b> 1700000000 +0000";

pub const CASES: &[Case] = &[
    ("commit with 100,000 parents", "", |made| {
        let tree = tree(made);
        let parents = format!("parent {}\n", "1".repeat(40)).repeat(100_000);
        made.raw_commit(format!("tree {tree}\n{parents}author {WHO}\ncommitter {WHO}\n\nx\n"));
    }),
    ("commit with 1,000,000 parents", "is larger than 8388608 bytes", |made| {
        let tree = tree(made);
        let parents = format!("parent {}\n", "1".repeat(40)).repeat(1_000_000);
        made.raw_commit(format!("tree {tree}\n{parents}author {WHO}\ncommitter {WHO}\n\nx\n"));
    }),
    ("commit with a message of 100 MB", "is larger than 8388608 bytes", |made| {
        let tree = tree(made);
        made.raw_commit(format!("tree {tree}\nauthor {WHO}\ncommitter {WHO}\n\n{}", "x".repeat(100_000_000)));
    }),
    ("author and message with escape sequences", "", |made| {
        let tree = tree(made);
        made.raw_commit(format!(
            "tree {tree}\nauthor \x1b[2J\u{202e}A <\x07> 1700000000 +0000\ncommitter {WHO}\n\n\x1b]0;owned\x07\n"
        ));
    }),
    ("commit without an author", "failed to parse signature", |made| {
        let tree = tree(made);
        made.raw_commit(format!("tree {tree}\ncommitter {WHO}\n\nx\n"));
    }),
    ("commit of the year 1,000,000", "", |made| dated(made, "31494816403200 +0000")),
    ("commit before all time", "failed to parse signature", |made| dated(made, "-99999999999999999999 +9999")),
    ("commit that is no commit", "is damaged or missing", |made| {
        made.raw_commit("\0\x1b[2Jnothing of the kind");
    }),
    ("empty commit", "is damaged or missing", |made| {
        made.raw_commit("");
    }),
    ("commit without its folder", "is damaged or missing", |made| {
        made.raw_commit(format!("tree {}\nauthor {WHO}\ncommitter {WHO}\n\nx\n", "1".repeat(40)));
    }),
    ("commit with a file for its folder", "it is a blob where a tree should be", |made| {
        let blob = made.blob(STACK);
        made.commit(blob);
    }),
    ("branch that leads to a file", "is not a commit", |made| made.point("refs/heads/main", made.blob(STACK))),
    ("branch that leads to nothing", "is damaged or missing", |made| {
        made.point("refs/heads/main", Oid::from_str(&"1".repeat(40)).unwrap());
    }),
    ("tags of tags, 10,000 times", "is not a commit", |made| {
        let commit = made.commit(tree(made));
        let first = tag(made, commit, "commit");
        let last = (0..10_000).fold(first, |id, _| tag(made, id, "tag"));
        tagged(made, last);
    }),
    ("tag of a file", "is not a commit", |made| {
        let blob = made.blob(STACK);
        tagged(made, tag(made, blob, "blob"));
    }),
    ("tag that takes a file for a commit", "is not a commit", |made| {
        let blob = made.blob(STACK);
        tagged(made, tag(made, blob, "commit"));
    }),
    ("tag of nothing", "is damaged or missing", |made| {
        tagged(made, tag(made, Oid::from_str(&"1".repeat(40)).unwrap(), "commit"));
    }),
    ("tag of 100 MB", "is larger than 8388608 bytes", |made| {
        let commit = made.commit(tree(made));
        let text = format!("object {commit}\ntype commit\ntag x\ntagger {WHO}\n\n{}", "x".repeat(100_000_000));
        tagged(made, made.write(ObjectType::Tag, text.as_bytes()));
    }),
    ("thousands of commits that begin alike", "begin with `", |made| {
        // Two of 80,000 have seven digits in common as good as always; the test looks which.
        let tree = tree(made);
        let mut known = std::collections::HashMap::new();
        let twins = (0..200_000).find_map(|n| {
            let text = format!("tree {tree}\nauthor A <a@b> {n} +0000\ncommitter {WHO}\n\nx\n");
            let id = Oid::hash_object(ObjectType::Commit, text.as_bytes()).unwrap();
            known.insert(id.to_string()[..7].to_owned(), text.clone()).map(|other| (other, text))
        });
        let (one, other) = twins.unwrap();
        made.raw_commit(one);
        let id = made.raw_commit(other).to_string();
        made.rev.set(Box::leak(id[..7].to_owned().into_boxed_str()));
    }),
    ("branches with escape sequences for names", "has no branch, tag or commit", |made| {
        let commit = made.commit(tree(made));
        fs::write(
            made.git("packed-refs"),
            format!("{commit} refs/heads/mains\n{commit} refs/heads/main\x1b[2J\n{commit} refs/heads/\u{202e}niam\n"),
        )
        .unwrap();
        fs::remove_file(made.git("refs/heads/main")).unwrap();
    }),
];

fn tree(made: &Made) -> Oid {
    made.tree(&[("stack.toml", FILE, made.blob(STACK))])
}

fn dated(made: &Made, when: &str) {
    let tree = tree(made);
    made.raw_commit(format!("tree {tree}\nauthor A <a@b> {when}\ncommitter A <a@b> {when}\n\nx\n"));
}

fn tag(made: &Made, id: Oid, kind: &str) -> Oid {
    made.write(ObjectType::Tag, format!("object {id}\ntype {kind}\ntag x\ntagger {WHO}\n\nx\n").as_bytes())
}

fn tagged(made: &Made, id: Oid) {
    made.point("refs/tags/v1", id);
    made.rev.set("refs/tags/v1");
}
