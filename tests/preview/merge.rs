//! A base that has moved on: what is shown is the merge, which is made in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Repo, err, out, parameters};
use crate::bench::repository::Files;
use crate::cli::ends;

fn files(values: &[(&str, &str)]) -> Files {
    [("stack.toml".to_owned(), parameters("one", values))].into()
}

/// Every file below a folder, with its bytes.
fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    all
}

#[test]
fn the_merge_is_shown_and_nothing_is_written() {
    let repo = Repo::new(&files(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")]));
    repo.change(&files(&[("a", "2"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")]));
    repo.moves_on(&files(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "3")]));
    let before = everything(repo.path());
    let told = repo.json(&[]);
    assert_eq!(everything(repo.path()), before);
    let steps = told["stacks"][0]["plan"]["steps"].as_array().unwrap();
    // Beside the head alone, what `main` has changed meanwhile would look like something that is taken back.
    let touched: Vec<_> = steps.iter().map(|step| step["address"].as_str().unwrap()).collect();
    assert_eq!(touched, ["parameter.a/ssm.parameter"]);
    assert_eq!(told["common"], repo.main.as_str());
    assert!(repo.markdown(&[]).contains("The base has moved on since"));
}

#[test]
fn what_is_behind_its_base_changes_nothing() {
    let repo = Repo::new(&files(&[("a", "1")]));
    repo.moves_on(&files(&[("a", "2")]));
    let args = ["diff", "--repo", ".", "--rev", &repo.main, "--base", "origin/main", "--offline", "--exit-code"];
    ends(&repo.command(&args, &[]).output().unwrap(), 0);
}

#[test]
fn both_sides_of_a_conflict_are_named_and_the_page_says_so() {
    let repo = Repo::new(&files(&[("a", "1")]));
    repo.change(&files(&[("a", "2")]));
    repo.moves_on(&files(&[("a", "3")]));
    let output = repo.offline(&["--output", "markdown"]);
    ends(&output, 3);
    assert!(err(&output).contains("both change `stack.toml`"), "{}", err(&output));
    assert!(out(&output).contains("### There is no preview\n"), "{}", out(&output));
    assert!(out(&output).contains("both change <code>stack.toml</code>"), "{}", out(&output));
}

#[test]
fn histories_with_nothing_in_common_and_cut_ones_are_told_apart() {
    let repo = Repo::new(&files(&[("a", "1")]));
    let other = Repo::new(&files(&[("a", "2")]));
    let git = git2::Repository::open(repo.path()).unwrap();
    let from = other.path().to_str().unwrap();
    git.remote_anonymous(from).unwrap().fetch(&["refs/heads/main:refs/heads/change"], None, None).unwrap();
    let output = repo.offline(&[]);
    ends(&output, 3);
    assert!(err(&output).contains("have nothing in common\n"), "{}", err(&output));

    // As a job gets it that asks for the last commit alone.
    std::fs::write(git.path().join("shallow"), format!("{}\n{}\n", repo.main, other.main)).unwrap();
    let output = repo.offline(&[]);
    ends(&output, 3);
    assert!(err(&output).contains("have nothing in common as far as the history is here"), "{}", err(&output));
    assert!(err(&output).contains("fetch-depth: 0"), "{}", err(&output));
}
