//! The rules that are in force: a set of policies with a digest. The pack is part of the program.

use std::collections::BTreeSet;

use agent_core::doc;
use serde::{Deserialize, Serialize};

use crate::metadata::{BadPolicy, Rule};

macro_rules! pack {
    ($($name:literal,)*) => {
        /// The policies of the pack, by file. A test fails when one is missing here.
        const PACK: &[(&str, &str)] = &[
            $((concat!($name, ".rego"), include_str!(concat!("../../../policies/", $name, ".rego")))),*
        ];
    };
}
pack! {
    "endpoints-present",
    "origin-header-required",
    "private-subnets-only",
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The file that it stands in.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// The rules that are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    policies: Vec<Policy>,
    rules: Vec<Rule>,
    digest: String,
}

impl Bundle {
    /// The pack that is part of this program.
    pub fn pack() -> Result<Self, BadPolicy> {
        let policies = PACK.iter().map(|(file, text)| Policy { file: (*file).to_owned(), text: (*text).to_owned() });
        Self::new(policies.collect())
    }

    /// These policies; all of them, or the reason why one of them cannot be used.
    pub fn new(mut policies: Vec<Policy>) -> Result<Self, BadPolicy> {
        policies.sort_by(|a, b| a.file.cmp(&b.file));
        let rules = policies.iter().map(|policy| Rule::of(&policy.file, &policy.text));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        let (mut ids, mut packages) = (BTreeSet::new(), BTreeSet::new());
        for (policy, rule) in policies.iter().zip(&rules) {
            if !ids.insert(rule.id.clone()) || !packages.insert(rule.package.clone()) {
                let why = format!("the rule `{}` of the package {} is there twice", rule.id, rule.package);
                return Err(BadPolicy { file: policy.file.clone(), why });
            }
        }
        let all: Vec<String> = policies.iter().map(|p| format!("{} {}", p.file, doc::digest(&p.text))).collect();
        Ok(Self { policies, rules, digest: doc::digest(&all.join("\n")) })
    }

    /// The policies, by file.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The rules, in the order of the policies.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// SHA-256 over all policies, in 64 hex digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_of_the_folder_is_missing_in_the_pack() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let policies = names.filter(|name| name.strip_suffix(".rego").is_some_and(|name| !name.ends_with("_test")));
        let found: BTreeSet<String> = policies.collect();
        assert_eq!(found, PACK.iter().map(|(file, _)| (*file).to_owned()).collect());
    }

    #[test]
    fn each_rule_of_the_pack_stands_in_a_file_of_its_name_and_says_what_it_is() {
        let pack = Bundle::pack().unwrap();
        for (policy, rule) in pack.policies().iter().zip(pack.rules()) {
            assert_eq!(policy.file, format!("{}.rego", rule.id));
            assert_eq!(rule.package, format!("gitops.{}", rule.id.replace('-', "_")));
            assert!(!rule.title.is_empty() && !rule.description.is_empty(), "{}", rule.id);
            assert!(rule.custom.contains_key("severity"), "{}", rule.id);
        }
    }

    #[test]
    fn another_text_is_another_digest() {
        let policy = |text: &str| Policy { file: "a.rego".into(), text: text.into() };
        let digest = |text: &str| Bundle::new(vec![policy(text)]).unwrap().digest;
        assert_ne!(digest("package a\n"), digest("package a\n\n"));
        let twice = Bundle::new(vec![policy("package a\n"), Policy { file: "b.rego".into(), ..policy("package a\n") }]);
        assert_eq!(twice.unwrap_err().to_string(), "b.rego: the rule `a` of the package a is there twice");
    }
}
