//! The tests beside the rules, as `opa test policies` runs them.

use agent_policy::bundle::{Bundle, Policy};

use crate::bench::root;

#[test]
fn the_tests_beside_the_rules_hold() {
    let pack = Bundle::pack().unwrap();
    for rule in pack.rules() {
        let file = format!("{}_test.rego", rule.id);
        let text =
            std::fs::read_to_string(root().join("policies").join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let written = text.lines().filter(|line| line.starts_with("test_")).count();
        let tests = Policy { file: file.clone(), text };
        let all: Vec<Policy> = pack.policies().iter().cloned().chain([tests]).collect();
        let results = agent_policy::test(&all, &format!("{}_test", rule.package)).unwrap();
        assert!(results.len() >= 4, "{file}: at least four tests");
        // A rule that is undefined is not among the results at all.
        assert_eq!(results.len(), written, "{file}: {results:?}");
        for (name, holds) in results {
            assert!(holds, "{file}: {name}");
        }
    }
}
