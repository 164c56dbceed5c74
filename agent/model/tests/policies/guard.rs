//! The test cases of AWS's own rule registry, translated from `CloudFormation`, against the rules of the pack that say in their
//! METADATA that they check the same. See `tests/fixtures/guard/README.md`.
//!
//! A case is only compared when its fragment can be said in this project's kinds: the types of their specs read it. What they
//! have no field for is counted apart, with the reason. What a fragment leaves out and AWS asks for is filled in with what
//! the rule is not about. Where a fragment suppresses a rule for a resource, there is an exception (`[[exception]]`) for what it
//! becomes, and what the rule finds has to be excepted. All rules are soft here.

mod cloudfront;
mod ec2;
mod elb;
mod fragment;
mod iam;
mod mended;
mod rest;
mod tally;
mod yaml;

use std::collections::BTreeSet;

use agent_core::allowed::{Finding, Judge, Level};
use agent_core::desired::Written;
use agent_core::exception::{self, Exception};
use agent_policy::bundle::{Bundle, Policy};
use agent_policy::judge::{CHILD, Rules};
use agent_policy::metadata::Rule;
use futures_util::FutureExt;
use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::bench::{Here, document, root};
use fragment::{Fragment, No, kind_of};
use tally::{Outcome, Tally};

/// Verdicts of the registry that the pack does not share: the rule, the beginning of the case's name, and why.
const DISAGREEMENTS: [(&str, &str, &str); 2] = [
    (
        "SECURITY_GROUP_EGRESS_ALL_PROTOCOLS_RULE",
        "Egress IpProtocol value of -1 and ipv4 is localhost",
        "one rule of the fragment has three peers, of which AWS takes one: here they are three, and two lead elsewhere",
    ),
    ("SECURITY_GROUP_EGRESS_ALL_PROTOCOLS_RULE", "Egress IpProtocol value of -1 and ipv6 is localhost", "the same"),
];

/// One case.
struct Case {
    rule: String,
    name: String,
    expected: String,
    resources: Map<String, Value>,
}

fn cases() -> Vec<Case> {
    let folder = root().join("tests/fixtures/guard");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "yml")).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let Value::Array(cases) = yaml::read(&std::fs::read_to_string(&file).unwrap()) else {
            panic!("{}", file.display())
        };
        for case in cases {
            let expected = case["expectations"]["rules"].as_object().unwrap();
            let resources = case["input"]["Resources"].as_object().cloned().unwrap_or_default();
            all.extend(expected.iter().map(|(rule, expected)| Case {
                rule: rule.clone(),
                name: case["name"].as_str().unwrap().to_owned(),
                expected: expected.as_str().unwrap().to_owned(),
                resources: resources.clone(),
            }));
        }
    }
    all
}

/// The rules of the pack that check what a rule of the registry checks.
fn ours<'a>(pack: &'a Bundle, registry: &str) -> Vec<&'a Rule> {
    let names = |rule: &Rule| rule.custom.get("guard").is_some_and(|ids| ids.split(", ").any(|id| id == registry));
    pack.rules().iter().filter(|rule| names(rule)).collect()
}

/// Just these rules, all of them asked, with the libraries.
fn bundle_of(pack: &Bundle, rules: &[&Rule]) -> Bundle {
    let is_wanted =
        |policy: &&Policy| policy.file.starts_with("lib/") || rules.iter().any(|rule| rule.file == policy.file);
    let bundle = Bundle::new(pack.policies().iter().filter(is_wanted).cloned().collect()).unwrap();
    let on = rules.iter().map(|rule| (rule.id.clone(), Some(Level::Soft))).collect();
    bundle.with_levels(&on).unwrap()
}

/// The resources for which a fragment switches the rule off, in the words of either tool.
fn suppressed(case: &Case) -> BTreeSet<&str> {
    let names = |resource: &Value| {
        let of_guard = resource["Metadata"]["guard"]["SuppressedRules"].as_array().into_iter().flatten();
        let mut of_guard = of_guard.flat_map(|entry| match entry {
            Value::Object(reasons) => reasons.keys().map(String::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        });
        // The other tool numbers its rules by itself; a fragment names the one that it is about.
        of_guard.any(|id| id == case.rule || id == mended::suppressed_as(&case.rule))
            || resource["Metadata"]["cfn_nag"]["rules_to_suppress"].is_array()
    };
    case.resources.iter().filter(|(_, resource)| names(resource)).map(|(id, _)| id.as_str()).collect()
}

/// What the rules find in a fragment, with an exception for each resource that it suppresses them for.
fn findings(case: &Case, bundle: Bundle, suppressed: &BTreeSet<&str>) -> Result<Vec<Finding>, No> {
    let mut resources = case.resources.clone();
    mended::mend(&case.rule, &mut resources);
    for resource in resources.values() {
        let cfn = resource["Type"].as_str().unwrap_or_default();
        if mended::is_subject(&case.rule, cfn) && kind_of(cfn).is_none() {
            return fragment::no(format!("there is no kind for {cfn}"));
        }
    }
    let mut fragment = Fragment::new(&resources);
    fragment.translate()?;
    let exception = |id: &&str, rule: &Rule| Exception {
        rule: rule.id.clone(),
        component: Fragment::component(id),
        reason: "the fragment says so".to_owned(),
        until: Date::MAX,
    };
    let exceptions = suppressed.iter().flat_map(|id| bundle.rules().iter().map(move |rule| exception(id, rule)));
    let written = Written { exceptions: exceptions.collect(), ..Written::default() };
    let desired = fragment.desired()?.written(written);
    let mut found = Rules::new(bundle, document, Here).desired(&desired).now_or_never().unwrap();
    // That an exception has nothing to do is no finding of the rule.
    found.retain(|finding| finding.rule != exception::RULE);
    for finding in &found {
        assert!(finding.rule != CHILD && finding.unknown.is_none(), "{}: {finding:?}", case.name);
    }
    Ok(found)
}

fn outcome(case: &Case, bundle: Bundle) -> Outcome {
    let suppressed = suppressed(case);
    let found = match findings(case, bundle, &suppressed) {
        Ok(found) => found,
        Err(No(why)) => return Outcome::NotSaid(why),
    };
    match case.expected.as_str() {
        "PASS" if found.is_empty() => Outcome::Pass,
        "FAIL" if !found.is_empty() => Outcome::Fail,
        "SKIP" if case.resources.is_empty() && found.is_empty() => Outcome::Empty,
        "SKIP" if suppressed.is_empty() && found.is_empty() => Outcome::NoBusiness,
        "SKIP" if !suppressed.is_empty() && found.is_empty() => Outcome::NeedlesslyExcepted,
        "SKIP" if found.iter().all(|finding| finding.excepted.is_some()) => Outcome::Excepted,
        _ => Outcome::Disagreement(format!("expected {}, found {found:?}", case.expected)),
    }
}

#[test]
fn the_rules_agree_with_the_registry_of_aws() {
    let pack = Bundle::pack().unwrap();
    let mut tally = Tally::default();
    for case in cases() {
        let rules = ours(&pack, &case.rule);
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        let outcome = if rules.is_empty() { Outcome::NoRule } else { outcome(&case, bundle_of(&pack, &rules)) };
        tally.add(&case.rule, &ids, &case.name, outcome);
    }
    let known = DISAGREEMENTS.iter().map(|(rule, name, _)| (*rule, *name)).collect();
    tally.assert_that_only(&known);
    let (agreed, compared) = tally.agreement();
    assert!(agreed * 100 >= compared * 98, "{agreed} of {compared}\n{}", tally.render(&DISAGREEMENTS));
    let others = std::fs::read_to_string(root().join("tests/fixtures/guard/others.tsv")).unwrap();
    let text = format!("{}{}", tally.render(&DISAGREEMENTS), tally::rest_of_the_registry(&others));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(text) });
}

#[test]
fn every_id_that_a_rule_names_is_one_of_the_registry() {
    let here: BTreeSet<String> = cases().into_iter().map(|case| case.rule).collect();
    for rule in Bundle::pack().unwrap().rules() {
        for id in rule.custom.get("guard").map_or("", String::as_str).split(", ").filter(|id| !id.is_empty()) {
            assert!(here.contains(id), "{}: {id} has no cases here", rule.id);
        }
    }
}
