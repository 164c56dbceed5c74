//! The tests beside the rules, as `opa test policies` runs them.

use std::path::{Path, PathBuf};

use agent_policy::bundle::{Bundle, Policy};

use crate::bench::root;

/// Rego files below a folder of the pack.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rego")).collect()
}

#[test]
fn the_tests_beside_the_rules_and_libraries_hold() {
    let pack = Bundle::pack().unwrap();
    for policy in pack.policies() {
        let file = policy.file.replace(".rego", "_test.rego");
        let text =
            std::fs::read_to_string(root().join("policies").join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let written = text.lines().filter(|line| line.starts_with("test_")).count();
        let package = text.lines().find_map(|line| line.strip_prefix("package ")).unwrap().to_owned();
        let own = policy.text.lines().find_map(|line| line.strip_prefix("package ")).unwrap();
        assert_eq!(package, format!("{own}_test"), "{file}");
        let tests = Policy { file: file.clone(), text };
        let all: Vec<Policy> = pack.policies().iter().cloned().chain([tests]).collect();
        let results = agent_policy::test(&all, &package).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(results.len() >= 4, "{file}: at least four tests");
        // A rule that is undefined is not among the results at all.
        assert_eq!(results.len(), written, "{file}: {results:?}");
        for (name, holds) in results {
            assert!(holds, "{file}: {name}");
        }
    }
}

#[test]
fn each_test_is_beside_a_policy() {
    for family in std::fs::read_dir(root().join("policies")).unwrap().map(|entry| entry.unwrap().path()) {
        for path in below(&family) {
            let name = path.display().to_string();
            let policy = name.strip_suffix("_test.rego").map(|rule| format!("{rule}.rego"));
            assert!(policy.is_none_or(|policy| Path::new(&policy).exists()), "{name} is beside nothing");
        }
    }
}
