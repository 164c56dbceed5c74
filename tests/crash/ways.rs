//! What can become of a changing call, and what such a call is called: by service and action, and the stack's own words in
//! Parameter Store, which belong to no kind, by their entry.

use crate::bench::fault::What;
use crate::bench::name::Name;
use crate::conformance::suite::STACK;

/// What becomes of one call.
pub struct Way {
    pub name: &'static str,
    /// At the service that is called: each has its own codes.
    pub what: fn(&Name) -> What,
    /// How many calls of the same label are hit, one after the other.
    pub times: usize,
}

const fn once(name: &'static str, what: fn(&Name) -> What) -> Way {
    Way { name, what, times: 1 }
}

pub const WAYS: [Way; 11] = [
    once("crash before", |_| What::CrashBefore),
    once("crash after", |_| What::CrashAfter),
    once("crash once answered", |_| What::CrashAnswered),
    once("time-out after it was done", |_| What::LostAnswer),
    once("time-out before it was sent", |_| What::Timeout),
    once("throttled", |_| What::Throttle),
    once("internal error", |_| What::Internal500),
    once("access denied", |_| What::AccessDenied),
    once("expired token", |_| What::ExpiredToken),
    Way { name: "not found for a while", what: |name| What::NotFound(not_found(&name.service)), times: 3 },
    once("conflict", |name| What::Conflict(conflict(name))),
];

fn not_found(service: &str) -> &'static str {
    match service {
        "cloudfront" => "NoSuchDistribution",
        "ec2" => "InvalidID.NotFound",
        "ecs" => "ClusterNotFoundException",
        "elasticloadbalancing" => "LoadBalancerNotFound",
        "iam" => "NoSuchEntity",
        "logs" => "ResourceNotFoundException",
        "servicediscovery" => "NamespaceNotFound",
        "ssm" => "ParameterNotFound",
        other => panic!("which code of {other} says that a thing is not there?"),
    }
}

/// What AWS says to a change that comes at the wrong time, or to a deletion of what is still in use.
fn conflict(name: &Name) -> &'static str {
    let deletes = name.action.starts_with("Delete");
    match (name.service.as_str(), deletes) {
        ("cloudfront", true) => "DistributionNotDisabled",
        ("cloudfront", false) => "PreconditionFailed",
        ("ec2", true) => "DependencyViolation",
        ("ec2", false) => "IncorrectState",
        ("ecs", _) => "UpdateInProgressException",
        ("elasticloadbalancing", _) | ("servicediscovery", true) => "ResourceInUse",
        ("iam", true) => "DeleteConflict",
        ("iam", false) => "ConcurrentModification",
        ("logs", _) => "OperationAbortedException",
        ("servicediscovery", false) => "DuplicateRequest",
        ("ssm", _) => "TooManyUpdates",
        (other, _) => panic!("which code of {other} says that the time is wrong?"),
    }
}

/// What a call is called in the matrix: `ec2.CreateVpc`, `state.PutParameter lease`.
pub fn label(name: &Name, body: &[u8]) -> String {
    match state_entry(name, body) {
        Some(entry) => format!("{STATE}.{} {entry}", name.action),
        None => format!("{}.{}", name.service, name.action),
    }
}

/// The pseudo-kind of the stack's own words.
pub const STATE: &str = "state";

/// Which of the stack's own words a call is about: `lease`, `last`, `kinds`, `intent`.
fn state_entry(name: &Name, body: &[u8]) -> Option<String> {
    if name.service != "ssm" {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let entry = body["Name"].as_str()?.strip_prefix(&format!("/gitops-agent/{STACK}/"))?;
    entry.split('/').next().map(str::to_owned)
}

#[test]
fn the_codes_mean_to_the_agent_what_they_stand_for() {
    use agent_aws::fault::class_of;
    use agent_core::fault::Class;

    for service in ["ec2", "ecs", "elasticloadbalancing", "iam", "logs", "ssm"] {
        assert_eq!(class_of(not_found(service), "", 400), Class::NotFound, "{service}");
        for action in ["CreateX", "DeleteX"] {
            let name = Name {
                service: service.into(),
                region: String::new(),
                action: action.into(),
                protocol: crate::bench::name::Protocol::Query,
                kind: crate::bench::name::Kind::Mutating,
            };
            // SSM has one code for this, which counts as throttling.
            let class = class_of(conflict(&name), "", 400);
            let fits = matches!(class, Class::Conflict | Class::InUse) || (service, class) == ("ssm", Class::Throttled);
            assert!(fits, "{service} {action}: {class:?}");
        }
    }
}
