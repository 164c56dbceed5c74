//! Roles that may do too much, and roles that too many may take on.

use serde_json::{Value, json};

use super::Mutation::Spec;
use super::Mutations;

const TASK: &str = "service.inbox/iam.role.task";
const EXECUTION: &str = "service.inbox/iam.role.execution";

/// One more inline policy.
const MORE: &str = "inline_policies.more";
const TRUST: &str = "assume_role_policy.Statement";

fn allows(actions: &[&str], resources: &[&str]) -> Value {
    json!({ "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resources }] })
}

/// A trust of this statement beside that of ECS.
fn trusts(more: &Value) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Action": ["sts:AssumeRole"] });
    for (key, value) in more.as_object().into_iter().flatten() {
        statement[key] = value.clone();
    }
    let ecs = json!({
        "Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": { "Service": ["ecs-tasks.amazonaws.com"] },
        "Condition": { "StringEquals": { "aws:SourceAccount": ["123456789012"] } },
    });
    json!([ecs, statement])
}

pub fn no_admin_statements() -> Mutations {
    vec![
        ("everything", Spec(TASK, MORE, || allows(&["*"], &["*"]))),
        ("everything, in two words", Spec(TASK, MORE, || allows(&["*:*"], &["*"]))),
        ("everything for what starts tasks", Spec(EXECUTION, MORE, || allows(&["*"], &["*"]))),
        ("everything among others", Spec(TASK, MORE, || allows(&["s3:GetObject", "*"], &["arn:aws:s3:::a", "*"]))),
        (
            "everything in a second statement",
            Spec(TASK, MORE, || {
                let one = allows(&["s3:GetObject"], &["arn:aws:s3:::a/*"])["Statement"][0].clone();
                json!({ "Statement": [one, allows(&["*"], &["*"])["Statement"][0].clone()] })
            }),
        ),
        (
            "everything under a condition that always holds",
            Spec(TASK, MORE, || {
                let mut document = allows(&["*"], &["*"]);
                document["Statement"][0]["Condition"] = json!({ "StringLike": { "aws:PrincipalArn": ["*"] } });
                document
            }),
        ),
    ]
}

pub fn pass_role_limited() -> Mutations {
    vec![
        ("any role", Spec(TASK, MORE, || allows(&["iam:PassRole"], &["*"]))),
        ("in capitals", Spec(TASK, MORE, || allows(&["IAM:PASSROLE"], &["*"]))),
        ("by a pattern", Spec(TASK, MORE, || allows(&["iam:Pass*"], &["*"]))),
        ("among all of IAM", Spec(TASK, MORE, || allows(&["iam:*"], &["*"]))),
        (
            "all roles of the account",
            Spec(EXECUTION, MORE, || allows(&["iam:PassRole"], &["arn:aws:iam::123456789012:role/*"])),
        ),
        ("everything on all roles", Spec(TASK, MORE, || allows(&["*"], &["arn:aws:iam::123456789012:role/*"]))),
        (
            "with a condition about something else",
            Spec(TASK, MORE, || {
                let mut document = allows(&["iam:PassRole"], &["*"]);
                document["Statement"][0]["Condition"] =
                    json!({ "StringEquals": { "aws:RequestedRegion": ["eu-west-1"] } });
                document
            }),
        ),
    ]
}

pub fn no_allow_not_principal() -> Mutations {
    vec![
        ("all but an account", Spec(TASK, TRUST, || trusts(&json!({ "NotPrincipal": { "AWS": ["210987654321"] } })))),
        (
            "all but a service",
            Spec(TASK, TRUST, || trusts(&json!({ "NotPrincipal": { "Service": ["ec2.amazonaws.com"] } }))),
        ),
        ("all but everybody", Spec(TASK, TRUST, || trusts(&json!({ "NotPrincipal": "*" })))),
        (
            "for what starts tasks",
            Spec(EXECUTION, TRUST, || trusts(&json!({ "NotPrincipal": { "AWS": ["210987654321"] } }))),
        ),
        (
            "with a condition",
            Spec(TASK, TRUST, || {
                let condition = json!({ "StringLike": { "aws:PrincipalArn": ["*"] } });
                trusts(&json!({ "NotPrincipal": { "AWS": ["210987654321"] }, "Condition": condition }))
            }),
        ),
    ]
}

pub fn trust_names_somebody() -> Mutations {
    vec![
        ("everybody", Spec(TASK, TRUST, || trusts(&json!({ "Principal": "*" })))),
        ("everybody of AWS", Spec(TASK, TRUST, || trusts(&json!({ "Principal": { "AWS": ["*"] } })))),
        (
            "everybody among others",
            Spec(TASK, TRUST, || trusts(&json!({ "Principal": { "AWS": ["*", "123456789012"] } }))),
        ),
        ("everybody for what starts tasks", Spec(EXECUTION, TRUST, || trusts(&json!({ "Principal": "*" })))),
        (
            "all of GitHub",
            Spec(TASK, TRUST, || {
                let github = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
                trusts(&json!({ "Principal": { "Federated": [github] } }))
            }),
        ),
        ("any service", Spec(TASK, TRUST, || trusts(&json!({ "Principal": { "Service": ["*"] } })))),
    ]
}

pub fn no_administrator_access() -> Mutations {
    const AWS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
    vec![
        ("an administrator", Spec(TASK, "managed_policies", || json!([AWS]))),
        ("for what starts tasks", Spec(EXECUTION, "managed_policies", || json!([AWS]))),
        ("among others", Spec(TASK, "managed_policies", || json!(["arn:aws:iam::aws:policy/ReadOnlyAccess", AWS]))),
        ("in China", Spec(TASK, "managed_policies", || json!(["arn:aws-cn:iam::aws:policy/AdministratorAccess"]))),
        ("for the tasks of another service", Spec("service.web/iam.role.task", "managed_policies", || json!([AWS]))),
    ]
}
