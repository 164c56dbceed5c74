//! What stands beside the policies of a folder to show that they are right: tests, as `opa test` runs them, and manifests that
//! pass or fail. Here is what there is; running it is the binary's business.

use std::collections::BTreeMap;
use std::path::Path;

use agent_core::manifest::{is_policy, is_rego};

use crate::bundle::{Bundle, Policy};
use crate::metadata::{BadPolicy, Rule, package};

/// What marks the line of a manifest that a finding is to point at.
pub const HERE: &str = "# here";

/// The tests in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tests {
    /// The file: `network/private-subnets-only_test.rego`.
    pub file: String,
    /// Its package.
    pub package: String,
    /// The names of its tests, in the order of the text.
    pub names: Vec<String>,
}

/// A manifest beside a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The rule's id.
    pub rule: String,
    /// The file: `network/private-subnets-only/fail/endpoints.toml`.
    pub file: String,
    /// Whether the rule is to pass it.
    pub passes: bool,
    /// Its text.
    pub text: String,
}

/// A folder of policies with all that stands beside them.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The rules.
    pub bundle: Bundle,
    /// The tests.
    pub tests: Vec<Tests>,
    /// The manifests.
    pub cases: Vec<Case>,
    /// All policies, tests and libraries.
    pub policies: Vec<Policy>,
}

impl Trial {
    /// The folder with these files, by path. What the pack has for rules to import can be imported here.
    ///
    /// # Errors
    /// A policy that cannot be used.
    pub fn new(files: &BTreeMap<String, String>) -> Result<Self, BadPolicy> {
        let policy = |(file, text): (&String, &String)| Policy { file: file.clone(), text: text.clone() };
        let (tests, own): (Vec<Policy>, Vec<Policy>) =
            files.iter().filter(|(file, _)| is_rego(file)).map(policy).partition(|policy| !is_policy(&policy.file));
        let pack = Bundle::pack()?;
        let known = |library: &Policy| own.iter().any(|own| package(&own.text) == package(&library.text));
        let libraries: Vec<Policy> = pack.libraries().filter(|library| !known(library)).cloned().collect();
        let bundle = Bundle::new([own, libraries].concat())?;
        let cases = bundle.rules().iter().flat_map(|rule| cases(rule, files)).collect();
        let policies = [bundle.policies().to_vec(), tests.clone()].concat();
        let tests = tests.iter().map(tests_of).collect::<Result<_, _>>()?;
        Ok(Self { bundle, tests, cases, policies })
    }
}

fn is_toml(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "toml")
}

fn tests_of(policy: &Policy) -> Result<Tests, BadPolicy> {
    let file = policy.file.clone();
    let why = || BadPolicy { file: file.clone(), why: "it names no package".to_owned() };
    let package = package(&policy.text).ok_or_else(why)?;
    let word = |line: &str| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(ToOwned::to_owned);
    let names = policy.text.lines().filter(|line| line.starts_with("test_")).filter_map(word).collect();
    Ok(Tests { file, package, names })
}

fn cases(rule: &Rule, files: &BTreeMap<String, String>) -> Vec<Case> {
    let folder = rule.file.trim_end_matches(".rego");
    let below = |kind: &str| {
        let prefix = format!("{folder}/{kind}/");
        files.iter().filter(move |(file, _)| file.starts_with(&prefix) && is_toml(file))
    };
    let case = |passes: bool, (file, text): (&String, &String)| Case {
        rule: rule.id.clone(),
        file: file.clone(),
        passes,
        text: text.clone(),
    };
    let all = below("pass").map(|one| case(true, one)).chain(below("fail").map(|one| case(false, one)));
    all.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_rules_tests_and_manifests() {
        let files = [
            ("a/one.rego", "package org.one\n"),
            ("a/one_test.rego", "package org.one_test\n\ntest_a if {\n\ttrue\n}\n\ntest_b := true\n"),
            ("a/one/pass/x.toml", "x"),
            ("a/one/fail/y.toml", "y"),
            ("a/other.toml", "no case"),
            ("a/names.rego", "package gitops.lib.names\n"),
        ];
        let files = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        let trial = Trial::new(&files).unwrap();
        assert_eq!(trial.tests[0].names, ["test_a", "test_b"]);
        let cases: Vec<_> = trial.cases.iter().map(|case| (case.file.as_str(), case.passes)).collect();
        assert_eq!(cases, [("a/one/pass/x.toml", true), ("a/one/fail/y.toml", false)]);
        let of = |name: &str| trial.policies.iter().filter(|p| package(&p.text).as_deref() == Some(name)).count();
        assert_eq!(of("gitops.lib.names"), 1, "a library of the pack gives way to one of the folder");
        assert_eq!((trial.bundle.rules().len(), of("org.one_test")), (1, 1));
    }
}
