//! The rules that are in force: a set of policies with a digest. The pack is part of the program.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::allowed::Level;
use agent_core::doc;
use serde::{Deserialize, Serialize};

use crate::metadata::{self, BadPolicy, Pass, Rule};

/// The policies of the pack, by file; the build script lists them.
const PACK: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pack.rs"));

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
        let rules = policies.iter().map(|policy| metadata::rule(&policy.file, &policy.text));
        let rules: Vec<Rule> = rules.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let (mut ids, mut packages) = (BTreeSet::new(), BTreeSet::new());
        for rule in &rules {
            if !ids.insert(rule.id.clone()) || !packages.insert(rule.package.clone()) {
                let why = format!("the rule `{}` of the package {} is there twice", rule.id, rule.package);
                return Err(BadPolicy { file: rule.file.clone(), why });
            }
        }
        let all: Vec<String> = policies.iter().map(|p| format!("{} {}", p.file, doc::digest(&p.text))).collect();
        Ok(Self { policies, rules, digest: doc::digest(&all.join("\n")) })
    }

    /// The policies that a repository adds, apart from the bundle that is in force: they are evaluated by themselves, so that
    /// nothing in them changes what the others say, and may import the libraries of these.
    ///
    /// # Errors
    /// One of them cannot be used, or has the id of a rule that is in force.
    pub fn added(&self, policies: &BTreeMap<String, String>) -> Result<Self, BadPolicy> {
        // Whoever keeps the pack beside their manifests adds nothing by that.
        let is_new = |text: &String| !self.policies.iter().any(|policy| policy.text == *text);
        let own = policies.iter().filter(|(_, text)| is_new(text));
        let own = own.map(|(file, text)| Policy { file: file.clone(), text: text.clone() });
        let added = Self::new(own.chain(self.libraries().cloned()).collect())?;
        match added.rules.iter().find(|rule| self.rule(&rule.id).is_some()) {
            Some(rule) => {
                let why = format!("there is a rule `{}` in force, and a repository only adds rules", rule.id);
                Err(BadPolicy { file: rule.file.clone(), why })
            }
            None => Ok(added),
        }
    }

    /// The policies, by file.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The policies that rules import and nobody asks.
    pub fn libraries(&self) -> impl Iterator<Item = &Policy> {
        self.policies.iter().filter(|policy| !self.rules.iter().any(|rule| rule.file == policy.file))
    }

    /// The rules, in the order of the policies.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that are asked in a pass, in the order of the policies.
    pub fn asked(&self, pass: Pass) -> Vec<&Rule> {
        self.rules.iter().filter(|rule| rule.pass == pass && rule.level.is_some()).collect()
    }

    /// The same with other levels for some of its rules; `None` for those that are not asked. The levels are part of the digest.
    ///
    /// # Errors
    /// The ids that are no rule's.
    pub fn with_levels(mut self, levels: &BTreeMap<String, Option<Level>>) -> Result<Self, Vec<String>> {
        let unknown: Vec<String> = levels.keys().filter(|id| self.rule(id).is_none()).cloned().collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        for rule in &mut self.rules {
            if let Some(level) = levels.get(&rule.id) {
                rule.level = *level;
            }
        }
        if !levels.is_empty() {
            let word = |level: &Option<Level>| level.map_or("off", Level::word);
            let levels = levels.iter().map(|(id, level)| format!("{id} {}", word(level)));
            self.digest = doc::digest(&format!("{}\n{}", self.digest, levels.collect::<Vec<_>>().join("\n")));
        }
        Ok(self)
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
    fn each_rule_of_the_pack_stands_in_a_file_of_its_name_and_says_what_it_is() {
        let pack = Bundle::pack().unwrap();
        for rule in pack.rules() {
            let (family, name) = rule.file.split_once('/').unwrap();
            assert_eq!(name, format!("{}.rego", rule.id));
            assert_eq!(rule.family(), family);
            assert_eq!(rule.package, format!("gitops.{}", rule.id.replace('-', "_")));
            assert!(!rule.title.is_empty() && !rule.description.is_empty() && !rule.why.is_empty(), "{}", rule.id);
            assert!(rule.custom.contains_key("level") && rule.custom.contains_key("severity"), "{}", rule.id);
        }
    }

    #[test]
    fn a_library_is_no_rule_and_part_of_the_digest() {
        let policy = |file: &str, text: &str| Policy { file: file.into(), text: text.into() };
        let rule = policy("a.rego", "package a\n");
        let alone = Bundle::new(vec![rule.clone()]).unwrap();
        let with = Bundle::new(vec![rule, policy("lib/b.rego", "package org.lib.b\n")]).unwrap();
        assert_eq!(with.rules(), alone.rules());
        assert_eq!(with.policies().len(), 2);
        assert_ne!(with.digest(), alone.digest());
    }

    #[test]
    fn other_levels_are_another_bundle() {
        let policy = |id: &str| Policy { file: format!("{id}.rego"), text: format!("package {id}\n") };
        let bundle = Bundle::new(vec![policy("a"), policy("b")]).unwrap();
        let levels = |id: &str, level| BTreeMap::from([(id.to_owned(), level)]);
        let softer = bundle.clone().with_levels(&levels("a", Some(Level::Soft))).unwrap();
        assert_eq!(softer.rule("a").unwrap().level, Some(Level::Soft));
        assert_ne!(softer.digest(), bundle.digest());
        let without = bundle.clone().with_levels(&levels("a", None)).unwrap();
        assert_eq!(without.asked(Pass::Desired).iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(bundle.with_levels(&levels("c", None)).unwrap_err(), ["c"]);
    }

    #[test]
    fn a_repository_adds_rules_and_changes_none() {
        let policy = |file: &str, text: &str| Policy { file: file.into(), text: text.into() };
        let pack = Bundle::new(vec![policy("a.rego", "package a\n"), policy("l.rego", "package lib.l\n")]).unwrap();
        let added = |text: &str| pack.added(&BTreeMap::from([("policies/a.rego".to_owned(), text.to_owned())]));
        let ids = |bundle: &Bundle| bundle.rules().iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
        let new = added("package b\n").unwrap();
        assert_eq!(ids(&new), ["b"]);
        assert!(new.policies().iter().any(|policy| policy.file == "l.rego"), "libraries can be imported");
        assert_eq!(ids(&added("package a\n").unwrap()), [] as [String; 0]);
        let why = added("package a\n\nimport rego.v1\n").unwrap_err().to_string();
        assert_eq!(why, "policies/a.rego: there is a rule `a` in force, and a repository only adds rules");
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
