use serde_json::{Value, json};

use super::*;
use crate::facts::Known;
use agent_core::desired::Desired;

#[test]
fn stars_and_question_marks() {
    for (pattern, text, fit) in [
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("a*c", "abbc", true),
        ("a*c", "abbd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*:log-group:*:*", "arn:aws:logs:eu-west-1:1:log-group:/um/web:log-stream:x", true),
        ("arn:*:secret:db-??????", "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf", true),
        ("arn:*:secret:db-??????", "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEfg", false),
        ("a*b*c", "a-b-b-c-c", true),
    ] {
        assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
    }
}

fn role(inline: &Value, managed: &[&str]) -> role::Spec {
    serde_json::from_value(json!({
        "name": "r", "assume_role_policy": {"Statement": []}, "inline_policies": {"own": {"Statement": inline}},
        "managed_policies": managed,
    }))
    .unwrap()
}

fn may(role: &role::Spec, action: &str, resource: &str, context: &Context) -> May {
    let (desired, known) = (Desired::default(), Known::default());
    let view = View::of(&desired, &known).unwrap();
    role_may(&view, role, &Request { action, resources: &[resource.to_owned()], context })
}

const KEY: &str = "arn:aws:kms:eu-west-1:1:key/k";

#[test]
fn allowed_by_one_and_denied_by_none() {
    let allow = json!({"Effect": "Allow", "Action": "ssm:Get*", "Resource": "arn:aws:ssm:*:*:parameter/um/*"});
    let name = "arn:aws:ssm:eu-west-1:1:parameter/um/key";
    let none = Context::new();
    let only = role(&json!([allow]), &[]);
    assert_eq!(may(&only, "ssm:GetParameters", name, &none), May::Yes);
    assert_eq!(may(&only, "SSM:getparameters", name, &none), May::Yes);
    assert_eq!(may(&only, "ssm:PutParameter", name, &none), May::No(None));
    assert_eq!(may(&only, "ssm:GetParameters", "arn:aws:ssm:eu-west-1:1:parameter/other", &none), May::No(None));
    let denied = role(&json!([allow, {"Effect": "Deny", "NotAction": "logs:*", "Resource": "*"}]), &[]);
    assert_eq!(may(&denied, "ssm:GetParameters", name, &none), May::No(Some("own denies it".into())));
    let all_but = role(&json!([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:ssm:*"}]), &[]);
    assert_eq!(may(&all_but, "ssm:GetParameters", name, &none), May::No(None));
    assert_eq!(may(&all_but, "kms:Decrypt", KEY, &none), May::Yes);
}

#[test]
fn a_condition_counts_as_far_as_the_request_tells() {
    let through = |service: &str| {
        let condition = json!({"StringEquals": {"kms:ViaService": service}});
        role(&json!([{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY, "Condition": condition}]), &[])
    };
    let told = Context::from([("kms:ViaService", "ssm.eu-west-1.amazonaws.com".to_owned())]);
    assert_eq!(may(&through("ssm.eu-west-1.amazonaws.com"), "kms:Decrypt", KEY, &told), May::Yes);
    assert_eq!(may(&through("s3.eu-west-1.amazonaws.com"), "kms:Decrypt", KEY, &told), May::No(None));
    let open = may(&through("ssm.eu-west-1.amazonaws.com"), "kms:Decrypt", KEY, &Context::new());
    assert_eq!(open, May::Unknown("whether the condition kms:ViaService of own holds".into()));
    // A denial that may hold is no denial yet, and no leave either.
    let denied = role(
        &json!([{"Effect": "Allow", "Action": "*", "Resource": "*"},
               {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:TokenIssueTime": "true"}}}]),
        &[],
    );
    assert!(matches!(may(&denied, "kms:Decrypt", KEY, &told), May::Unknown(_)));
}

#[test]
fn a_denial_that_may_hold_matters_only_to_what_is_allowed() {
    let maybe = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:TokenIssueTime": "true"}}});
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
    let none = Context::new();
    let managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    let may = |inline: Value, managed: &[&str]| may(&role(&inline, managed), "logs:PutLogEvents", "x", &none);
    assert_eq!(may(json!([maybe]), &[]), May::No(None));
    assert!(matches!(may(json!([maybe]), &[managed]), May::Unknown(_)));
    assert_eq!(may(json!([maybe, deny]), &[managed]), May::No(Some("own denies it".into())));
}

#[test]
fn of_managed_policies_one_is_known() {
    let known = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    let other = "arn:aws:iam::1:policy/ours";
    let none = Context::new();
    let with = |managed: &[&str]| role(&json!([]), managed);
    assert_eq!(may(&with(&[known]), "logs:PutLogEvents", "x", &none), May::Yes);
    assert_eq!(may(&with(&[known]), "ssm:GetParameters", "x", &none), May::No(None));
    assert_eq!(
        may(&with(&[known, other]), "ssm:GetParameters", "x", &none),
        May::Unknown(format!("what the policy {other} allows"))
    );
    assert_eq!(may(&with(&[known, other]), "logs:PutLogEvents", "x", &none), May::Yes);
}
