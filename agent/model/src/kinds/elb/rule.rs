//! `elb.rule`: what a listener does with requests that meet conditions. The default rule is a field of the listener.
//! Regular expressions, rewrites and conditions of network load balancers are not among what can be wanted.

use std::collections::BTreeSet;

use agent_core::cost::Read;
use agent_core::field::{AwsDecides, Tags};
use agent_core::kind::{Identity, Kind};
use agent_core::reference::{Link, SecretRef, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::listener::ListenerArn;

/// A rule.
pub struct Rule;

/// The highest priority that AWS has: the rule that is asked last.
pub const LAST: u32 = 50_000;

/// The first priority that is given to a rule which sets none. Those before it are left to rules that set theirs.
pub const FIRST_ALLOCATED: u32 = 101;

/// The wanted state of a rule, after
/// [CreateRule](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html). AWS's quota is
/// five condition values and five wildcards a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The listener. It cannot be changed.
    pub listener: Link<ListenerArn>,
    /// When it is asked: 1 first, 50,000 last, each number once for a listener. When absent, a new rule takes the lowest
    /// number from 101 on that is free, and a live one keeps its own.
    #[serde(default)]
    pub priority: AwsDecides<u32>,
    /// What a request has to meet, all of it. One of each sort, but any number of `http_header` and `query_string`.
    pub conditions: BTreeSet<Condition>,
    /// What is done with the request.
    pub action: Action,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// What a request has to meet: one of the values, after
/// [RuleCondition](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html). In values,
/// `*` stands for any characters and `?` for one, but for methods and addresses. At most three values each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The host: at most 128 characters, any case, with a dot.
    HostHeader(BTreeSet<String>),
    /// The path without its query: at most 128 characters, case-sensitive.
    PathPattern(BTreeSet<String>),
    /// The method, in capitals.
    HttpRequestMethod(BTreeSet<String>),
    /// The client's address, as blocks.
    SourceIp(BTreeSet<String>),
    /// Parts of the query: at most 128 characters, any case.
    QueryString(BTreeSet<QueryString>),
    /// A header.
    HttpHeader(HttpHeader),
    /// What a live one asks for that this agent cannot set, in AWS's words. It cannot be wanted.
    #[schemars(skip)]
    Other(String),
}

/// A part of a query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryString {
    /// The key; any when absent.
    #[serde(default)]
    pub key: Option<String>,
    /// The value.
    pub value: String,
}

/// A header that a request has to carry. Its values are always secrets, whatever it is for: `DescribeRules` gives them back
/// in the clear, and nothing in its answer tells a secret from another word. So they are references to what holds them
/// (the `value` of a `SecureString`), and what AWS holds is read as digests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpHeader {
    /// The name, at most 40 characters, any case; not `Host`.
    pub name: String,
    /// The values, of which the header has to have one: at most 128 characters, compared in any case. The agent sends none
    /// that holds a wildcard: it would let in more than itself.
    pub values: BTreeSet<SecretRef>,
}

/// What AWS knows of a rule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its ARN.
    pub arn: String,
    /// Its priority.
    pub priority: u32,
}

/// A rule's ARN.
pub struct RuleArn;
impl Target for RuleArn {
    const KIND: &'static str = Rule::NAME;
    const FIELD: &'static str = "arn";
}

impl Kind for Rule {
    const NAME: &'static str = "elb.rule";
    type Spec = Spec;
    type Out = Out;
    // A priority is unique, but not every rule sets one: two calls without would make two rules.
    const IDENTITY: Identity = Identity::Intent;
    // It is looked for at the listeners of the stack.
    const FIXED: &'static [&'static str] = &["listener"];
    const IMMUTABLE: &'static [&'static str] = &["listener"];
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = super::HANGING;
    const DOC: &'static str = "What a listener does with requests that meet conditions \
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html).";

    fn unique(spec: &Spec) -> Option<String> {
        // While the listener is not known, nothing can be said about what is taken on it.
        let listener = Some(spec.listener.as_str()).filter(|arn| !arn.is_empty())?;
        Some(format!("rule/{listener}/{}", spec.priority.as_ref()?))
    }
}

/// The priority that a rule gets which sets none: the lowest free one from [`FIRST_ALLOCATED`] on.
pub fn free_priority(taken: &BTreeSet<u32>) -> Option<u32> {
    (FIRST_ALLOCATED..=LAST).find(|number| !taken.contains(number))
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use agent_core::doc::Doc;
    use agent_core::kind::KindInfo;
    use agent_core::reference::resolve;
    use agent_core::secret::Vault;

    use serde_json::{Value, json};

    use super::*;

    fn read(conditions: &Value) -> Spec {
        let action = json!({ "forward": { "target_groups": [{ "target_group": "arn:tg" }] } });
        serde_json::from_value(json!({ "listener": "arn:l", "conditions": conditions, "action": action })).unwrap()
    }

    fn header(values: &[&SecretRef]) -> Condition {
        let values = values.iter().map(|value| (*value).clone()).collect();
        Condition::HttpHeader(HttpHeader { name: "X-Origin-Verify".into(), values })
    }

    #[test]
    fn the_lowest_free_number_is_taken() {
        assert_eq!(free_priority(&BTreeSet::new()), Some(101));
        assert_eq!(free_priority(&[1, 2, 100, 101, 103].into()), Some(102));
        assert_eq!(free_priority(&(FIRST_ALLOCATED..=LAST).collect()), None);
    }

    #[test]
    fn a_priority_is_compared_only_when_it_is_set() {
        let wanted = read(&json!([{ "path_pattern": ["/a/*"] }]));
        let live = Spec { priority: AwsDecides::Set(104), ..wanted.clone() };
        let value = |spec: &Spec| serde_json::to_value(spec).unwrap();
        assert!(diff(&value(&wanted), &value(&live)).is_empty());
        let set = Spec { priority: AwsDecides::Set(7), ..wanted.clone() };
        assert_eq!(diff(&value(&set), &value(&live))[0].path, "priority");
        assert_eq!((Rule::unique(&wanted), Rule::unique(&set).as_deref()), (None, Some("rule/arn:l/7")));
    }

    #[test]
    fn the_order_of_conditions_and_values_does_not_matter() {
        let one = read(&json!([{ "host_header": ["b.org", "a.org"] }, { "path_pattern": ["/a", "/b"] }]));
        let two = read(&json!([{ "path_pattern": ["/b", "/a"] }, { "host_header": ["a.org", "b.org"] }]));
        assert_eq!(one, two);
    }

    #[test]
    fn old_and_new_values_of_a_header_may_come_in_any_order() {
        let vault = Vault::new().unwrap();
        let [old, new] = ["one", "two"].map(|plain| SecretRef::Sealed(vault.seal(plain)));
        assert_eq!(header(&[&old, &new]), header(&[&new, &old]));
        let to = |key| SecretRef::To {
            to: agent_core::address::Address::keyed("load_balancer.edge", "ssm.parameter", key),
            field: "value".into(),
        };
        let wanted = Spec { conditions: [header(&[&to("new"), &to("old")])].into(), ..read(&json!([])) };
        let live = Spec { conditions: [header(&[&old, &new])].into(), ..wanted.clone() };
        let held = resolve(serde_json::to_value(&wanted).unwrap(), &mut |address, _| {
            let sealed = if address.key() == Some("old") { &old } else { &new };
            serde_json::to_value(sealed).ok()
        });
        let held = (KindInfo::of::<Rule>().normal)(&Doc::from_value(&held)).unwrap();
        assert_eq!(diff(&held.value(), &serde_json::to_value(&live).unwrap()), []);
    }

    #[test]
    fn the_value_of_a_plain_parameter_becomes_nothing_that_can_be_sent_or_shown() {
        let value = json!([{ "$link": "ssm.parameter.value", "value": "canary-5f2a" }]);
        let spec = read(&json!([{ "http_header": { "name": "X-Origin-Verify", "values": value } }]));
        let Some(Condition::HttpHeader(header)) = spec.conditions.first() else { panic!("not a header") };
        let Some(SecretRef::Sealed(secret)) = header.values.first() else { panic!("not sealed") };
        assert!(Vault::new().unwrap().open(secret).is_none());
        assert!(!serde_json::to_string(&spec).unwrap().contains("canary"));
        let bare = json!({ "name": "X-Origin-Verify", "values": ["canary-5f2a"] });
        let error = serde_json::from_value::<HttpHeader>(bare).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn a_secret_that_changed_is_a_difference_that_shows_nothing() {
        let vault = Vault::new().unwrap();
        let [old, new] = ["canary-1", "canary-2"].map(|plain| SecretRef::Sealed(vault.seal(plain)));
        let spec = |secret| serde_json::to_value(Spec { conditions: [header(&[secret])].into(), ..read(&json!([])) });
        let changes = diff(&spec(&new).unwrap(), &spec(&old).unwrap());
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].to_string(), "conditions.0.http_header.values.0: (secret) -> (secret)");
    }
}
