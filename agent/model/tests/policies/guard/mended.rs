//! What the registry's rules are about, and the slips of its fragments.

use serde_json::{Map, Value, json};

use super::ec2;

/// Types without a kind that a rule of the registry judges.
const SUBJECTS: [(&str, &str); 2] =
    [("IAM_NO_INLINE_POLICY_CHECK", "AWS::IAM::Group"), ("IAM_NO_INLINE_POLICY_CHECK", "AWS::IAM::User")];

/// Rules of the registry that are about one type alone, where others of them, and ours, ask the same of its siblings.
const ABOUT: [(&str, &str); 3] = [
    ("IAM_MANAGEDPOLICY_NO_STATEMENTS_WITH_FULL_ACCESS", "AWS::IAM::ManagedPolicy"),
    ("IAM_POLICY_NO_STATEMENTS_WITH_FULL_ACCESS", "AWS::IAM::Policy"),
    ("IAM_ROLE_NO_WILDCARD_RESOURCE_ON_PASSROLE", "AWS::IAM::Role"),
];

/// Whether a rule is about resources of a type that there may be no kind for.
pub fn is_subject(rule: &str, cfn: &str) -> bool {
    SUBJECTS.contains(&(rule, cfn))
}

/// What is taken out of a fragment: the rule, the property (`*` is each of a list, and
/// `?` one with such a key is taken out of a list), and why. None is what the rule is about.
pub const MENDED: [(&str, &str, &str); 8] = [
    ("CLOUDFRONT_MINIMUM_PROTOCOL_VERSION_RULE", "DistributionConfig/CacheBehaviors/*/LambdaFunctionAssociations", ARN),
    (
        "CLOUDFRONT_MINIMUM_PROTOCOL_VERSION_RULE",
        "DistributionConfig/DefaultCacheBehavior/LambdaFunctionAssociations",
        ARN,
    ),
    (
        "CLOUDFRONT_MINIMUM_PROTOCOL_VERSION_RULE",
        "DistributionConfig/ViewerCertificate/SslSupportMethod",
        "POST is none",
    ),
    (
        "ELBV2_ACCESS_LOGGING_RULE",
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
        "TestRule is neither on nor off",
    ),
    ("ELBV2_ACCESS_LOGGING_RULE", "Type", "ElbResource is none"),
    ("ELBV2_LISTENER_SSL_POLICY_RULE", "Protocol", "AWS takes no policy for HTTP, and has none to ask for there"),
    ("IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS", "Policy Name", "PolicyName is meant"),
    (
        "INCOMING_SSH_DISABLED",
        "SecurityGroupIngress/?IpProtocol\"",
        "a rule without a protocol, whose name is misspelt",
    ),
];

const ARN: &str = "testString is no ARN of a function";

/// The id by which a fragment suppresses a rule: that of another rule, in the cases of one.
pub fn suppressed_as(rule: &str) -> &str {
    match rule {
        "IAM_ROLE_NO_ALLOW_PLUS_NOT_PRINCIPAL" => "IAM_ROLE_NO_WILDCARD_ACTIONS_ON_PERMISSIONS",
        _ => rule,
    }
}

/// Takes out what AWS refuses whatever the verdict, and writes out AWS's default where that is what a rule is about.
pub fn mend(rule: &str, resources: &mut Map<String, Value>) {
    for (_, path, _) in MENDED.iter().filter(|(of, _, _)| *of == rule) {
        for resource in resources.values_mut() {
            take_out(&mut resource["Properties"], &path.split('/').collect::<Vec<_>>());
        }
    }
    if let Some((_, cfn)) = ABOUT.iter().find(|(of, _)| *of == rule) {
        resources.retain(|_, resource| resource["Type"] == *cfn);
    }
    // The rule asks whether the way out is said, for what AWS makes of nothing is a rule for everything.
    if rule == "SECURITY_GROUP_MISSING_EGRESS_RULE" {
        ec2::with_default_egress(resources);
    }
}

fn take_out(value: &mut Value, path: &[&str]) {
    match (path, value) {
        ([key], Value::Object(map)) => drop(map.remove(*key)),
        ([key], Value::Array(items)) if key.starts_with('?') => items.retain(|item| item.get(&key[1..]).is_none()),
        (["*", rest @ ..], Value::Array(items)) => items.iter_mut().for_each(|item| take_out(item, rest)),
        ([key, rest @ ..], Value::Object(map)) => {
            if let Some(inner) = map.get_mut(*key) {
                take_out(inner, rest);
            }
        }
        _ => {}
    }
}

#[test]
fn a_property_is_taken_out_wherever_it_is() {
    let mut value = json!({ "a": [{ "b": 1, "c": 2 }, { "c": 3 }], "d": 4 });
    take_out(&mut value, &["a", "*", "b"]);
    take_out(&mut value, &["x", "y"]);
    take_out(&mut value, &["d"]);
    assert_eq!(value, json!({ "a": [{ "c": 2 }, { "c": 3 }] }));
    let mut value = json!({ "a": [{ "b": 1 }, { "c": 2 }] });
    take_out(&mut value, &["a", "?b"]);
    assert_eq!(value, json!({ "a": [{ "c": 2 }] }));
}
