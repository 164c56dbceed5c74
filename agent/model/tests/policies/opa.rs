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
    let mut all: Vec<Policy> = pack.policies().to_vec();
    let mut tests: Vec<(String, Vec<String>)> = Vec::new();
    let mut packages = Vec::new();
    for policy in pack.policies() {
        let file = policy.file.replace(".rego", "_test.rego");
        let text =
            std::fs::read_to_string(root().join("policies").join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let name = |line: &str| line.split([' ', ':']).next().unwrap().to_owned();
        let names: Vec<String> = text.lines().filter(|line| line.starts_with("test_")).map(name).collect();
        assert!(names.len() >= 4, "{file}: at least four tests");
        let package =
            |text: &str| text.lines().find_map(|line| line.strip_prefix("package ").map(str::to_owned)).unwrap();
        assert_eq!(package(&text), format!("{}_test", package(&policy.text)), "{file}");
        packages.push(package(&text));
        all.push(Policy { file: file.clone(), text });
        tests.push((file, names));
    }
    let results = agent_policy::test(&all, &packages).unwrap_or_else(|error| panic!("{error}"));
    for ((file, names), hold) in tests.iter().zip(results) {
        let fail: Vec<&String> = names.iter().filter(|name| !hold.contains(name)).collect();
        assert!(fail.is_empty(), "{file}: {fail:?}");
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
