//! What a person applies, destroys or rotates by hand: of which source the stack is, and whether the revision goes on from the one that was
//! applied last.

use std::path::Path;
use std::process::Output;

use crate::bench::git_server::{AUTHORITY, GitServer};
use crate::bench::name::Kind;
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::bench::signing::move_to;
use crate::cli::{Bench, ends};

fn manifest(stack: &str, value: &str) -> String {
    let header = format!("[stack]\nname = \"{stack}\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n");
    format!("{header}\n[parameter.key]\nvalue = \"{value}\"\n")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// It is refused with all of these words, and nothing was changed.
fn refused(bench: &Bench, args: &[&str], words: &[&str]) {
    let before = bench.proxy.wire().calls().len();
    let output = bench.agent(args);
    ends(&output, 3);
    let text = said(&output);
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} is not in\n{text}");
    let calls = bench.proxy.wire().calls().split_off(before);
    assert!(calls.iter().all(|call| call.name.kind == Kind::Read), "{}", crate::bench::record::table(&calls));
}

#[test]
fn what_does_not_go_on_from_what_was_applied_last_is_not_applied_by_hand_either() {
    let bench = Bench::new();
    let first = bench.commit(&manifest("hand", "one"));
    let second = bench.commit(&manifest("hand", "two"));
    ends(&bench.at("apply", &second), 0);
    let back = ["apply", "--repo", ".", "--rev", &first];
    let way = format!("to apply it all the same, say `--accept-revision {first}`");
    let why = format!("the branch went back to the commit {first} which is older than {second}");
    refused(&bench, &back, &["may not follow the one that was applied last", &why, "git revert", &way]);
    // A side that begins before it.
    move_to(bench.repo.path(), "side", &first);
    let side = commit_to(bench.repo.path(), "side", &[("stack.toml".to_owned(), manifest("hand", "side"))].into());
    let parts =
        format!("its commit {side} does not descend from {second} that was accepted last and parts from it at {first}");
    refused(&bench, &["apply", "--repo", ".", "--rev", "side"], &[&parts]);
    // The same, and where it is meant.
    ends(&bench.at("apply", &second), 0);
    ends(&bench.agent(&[&back[..], &["--accept-revision", &first]].concat()), 0);
    ends(&bench.at("apply", "side"), 0);
    // What is not applied may be looked at, and deleted.
    ends(&bench.at("diff", &first), 0);
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &first, "--yes"]), 0);
}

#[test]
fn of_a_folder_the_commit_that_is_checked_out_has_to_go_on() {
    let bench = Bench::new();
    let first = bench.commit(&manifest("hand-folder", "one"));
    let second = bench.commit(&manifest("hand-folder", "two"));
    ends(&bench.at("apply", &second), 0);
    let folder = bench.repo.path();
    // A working copy that has not heard of the newest commit, as far down as the folder may be.
    let old = tempfile::tempdir().unwrap();
    copy(&folder.join(".git"), &old.path().join(".git"));
    move_to(old.path(), "main", &first);
    let inner = old.path().join("a/b");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("stack.toml"), manifest("hand-folder", "one")).unwrap();
    let inner = inner.to_str().unwrap();
    let why = format!("the branch went back to the commit {first} which is older than {second}");
    refused(&bench, &["apply", inner], &[&why, "to apply it all the same, say `--accept-revision folder-"]);
    // A repository in which that commit is not.
    let other = tempfile::tempdir().unwrap();
    commit_to(other.path(), "main", &[("stack.toml".to_owned(), manifest("hand-folder", "other"))].into());
    let other = other.path().to_str().unwrap();
    refused(&bench, &["apply", other], &[&format!("the commit {second} that was accepted last is not in the history")]);
    // What CI checks out has no history.
    let third = bench.commit(&manifest("hand-folder", "three"));
    let shallow = tempfile::tempdir().unwrap();
    copy(&folder.join(".git"), &shallow.path().join(".git"));
    std::fs::write(shallow.path().join(".git/shallow"), format!("{third}\n")).unwrap();
    std::fs::write(shallow.path().join("stack.toml"), manifest("hand-folder", "three")).unwrap();
    let words = ["holds too little history", "`fetch-depth: 0`", "git fetch --unshallow", "--accept-revision folder-"];
    refused(&bench, &["apply", shallow.path().to_str().unwrap()], &words);
    std::fs::write(shallow.path().join(".git/shallow"), format!("{second}\n")).unwrap();
    ends(&bench.agent(&["diff", shallow.path().to_str().unwrap()]), 0);
    // As much as is needed is enough.
    ends(&bench.agent(&["apply", shallow.path().to_str().unwrap()]), 0);
    // Where there is no repository there is nothing to ask, and no commit is the last one from now on.
    ends(&bench.at("apply", &third), 0);
    let plain = tempfile::tempdir().unwrap();
    std::fs::write(plain.path().join("stack.toml"), manifest("hand-folder", "plain")).unwrap();
    ends(&bench.agent(&["apply", plain.path().to_str().unwrap()]), 0);
    ends(&bench.agent(&["apply", inner]), 0);
    ends(&bench.agent(&["destroy", inner, "--yes"]), 0);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn who_destroys_a_stack_of_another_repository_is_told_whose_it_is_and_how_to_go_on() {
    let bench = Bench::new();
    let (theirs, ours) = (bench.repo.path().join("theirs"), bench.repo.path().join("ours"));
    let files = |value: &str| [("stack.toml".to_owned(), manifest("hand-whose", value))].into();
    commit_to(&theirs, "main", &files("theirs"));
    let revision = commit_to(&ours, "main", &files("ours"));
    let (theirs, ours) = (GitServer::https(&theirs), GitServer::https(&ours));
    let authority = bench.repo.path().join("authority.pem");
    std::fs::write(&authority, AUTHORITY).unwrap();
    let config = bench.repo.path().join("agent.toml");
    let cache = bench.repo.path().join("cache");
    std::fs::write(&config, format!("cache = \"{}\"\n[source]\nurl = \"{}\"\n", cache.display(), theirs.url()))
        .unwrap();
    let mut env = bench.proxy.env();
    env.insert("SSL_CERT_FILE".to_owned(), authority.display().to_string());
    env.insert("XDG_CACHE_HOME".to_owned(), cache.display().to_string());
    let agent = Running::start(&config, &env);
    agent.wait_for(0, &["converged", "hand-whose"]);
    assert!(agent.stop().0.success());
    let run = |args: &[&str]| bench.command(args).envs(&env).output().unwrap();
    let url = ours.url();
    let from = ["--repo", url.as_str(), "--rev", "main"];
    for (command, to) in [(&["apply"][..], "to give it away"), (&["destroy", "--yes"], "to delete it all the same")] {
        let before = bench.proxy.wire().calls().len();
        let output = run(&[command, &from].concat());
        ends(&output, 3);
        let way = format!("help: {to}, say `--accept-revision {revision}`");
        let whose = format!("the stack `hand-whose` belongs to `{}`, branch `main`, and not to `{url}`", theirs.url());
        assert!(said(&output).contains(&way) && said(&output).contains(&whose), "{}", said(&output));
        let calls = bench.proxy.wire().calls().split_off(before);
        assert!(calls.iter().all(|call| call.name.kind == Kind::Read), "{}", crate::bench::record::table(&calls));
    }
    // By its name there is nothing to compare, and nothing to accept.
    ends(&run(&["destroy", "hand-whose", "--region", "eu-north-1", "--accept-revision", &revision]), 2);
    ends(&run(&[&["destroy", "--yes", "--accept-revision", "0123456"][..], &from].concat()), 2);
    ends(&run(&[&["destroy", "--yes", "--accept-revision", &revision][..], &from].concat()), 0);
    ends(&run(&["destroy", "hand-whose", "--region", "eu-north-1", "--yes"]), 2);
}
