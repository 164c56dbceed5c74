//! Documents written in many ways have one normal form.

use agent_core::address::Address;
use agent_core::reference::resolve;
use proptest::prelude::*;

use super::*;

fn read(value: &Value) -> PolicyDocument {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn scalars_and_lists_orders_and_doubles_do_not_matter() {
    let one = json!({
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/*"],
            "Condition": { "Bool": { "aws:SecureTransport": true }, "NumericEquals": { "s3:max-keys": 10 } },
        },
    });
    let other = json!({
        "Statement": [{
            "Condition": { "NumericEquals": { "s3:max-keys": ["10"] }, "Bool": { "aws:SecureTransport": "true" } },
            "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"],
            "Action": ["s3:GetObject"],
            "Effect": "Allow",
        }],
        "Version": "2012-10-17",
    });
    assert_eq!(read(&one).to_json().unwrap(), read(&other).to_json().unwrap());
}

#[test]
fn what_means_something_else_stays_different() {
    let base = json!({ "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } });
    for (path, value) in [
        ("Effect", json!("Deny")),
        ("Action", json!("s3:Get*")),
        ("Resource", json!("arn:aws:s3:::a")),
        ("Principal", json!("*")),
        ("Condition", json!({ "StringEquals": { "aws:PrincipalTag/team": [] } })),
    ] {
        let mut changed = base.clone();
        changed["Statement"][path] = value;
        assert_ne!(read(&base), read(&changed), "{path}");
    }
    let named = |principal: Value| {
        read(&json!({ "Statement": { "Effect": "Allow", "Action": "a:b", "Principal": principal } }))
    };
    assert_ne!(named(json!("*")), named(json!({ "AWS": "*" })), "some services tell them apart");
    assert_ne!(named(json!({ "AWS": "111122223333" })), named(json!({ "AWS": "111122223334" })));
    assert_ne!(named(json!({ "Service": "x" })), named(json!({ "Federated": "x" })));
}

#[test]
fn an_account_is_one_principal_however_it_is_written() {
    let trust = |principal: &str| {
        read(
            &json!({ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": principal } } }),
        )
    };
    assert_eq!(trust("111122223333"), trust("arn:aws:iam::111122223333:root"));
    assert_eq!(trust("111122223333"), trust("arn:aws-cn:iam::111122223333:root"));
    assert_ne!(trust("111122223333"), trust("arn:aws:iam::111122223333:user/root"));
    let built = Principal::these(Party::Aws, ["arn:aws:iam::111122223333:root"]);
    assert_eq!(serde_json::to_value(built).unwrap(), json!({ "AWS": ["111122223333"] }));
}

#[test]
fn a_document_of_aws_without_a_version_is_of_the_old_one() {
    let text = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    assert_eq!(PolicyDocument::from_json(text).unwrap().version, Version::V2008);
    assert_ne!(PolicyDocument::from_json(text).unwrap(), PolicyDocument::allow(["s3:*"], ["*"]));
    for text in ["", "[]", "{\"Statement\":[{}]}", "{\"Statement\":[],\"Extra\":1}", "\"text\""] {
        let error = PolicyDocument::from_json(text).unwrap_err();
        assert!(std::error::Error::source(&error).is_some(), "{text}");
    }
}

#[test]
fn the_trust_of_a_service_names_whom_it_may_work_for() {
    let trust = PolicyDocument::assume_by(
        "ecs-tasks.amazonaws.com",
        [from_account("111122223333"), from_arn("arn:aws:ecs:eu-west-1:111122223333:*")],
    );
    let wanted = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": { "Service": ["ecs-tasks.amazonaws.com"] },
            "Condition": {
                "ArnLike": { "aws:SourceArn": ["arn:aws:ecs:eu-west-1:111122223333:*"] },
                "StringEquals": { "aws:SourceAccount": ["111122223333"] },
            },
        }],
    });
    assert_eq!(serde_json::to_value(&trust).unwrap(), wanted);
    assert_eq!(PolicyDocument::from_json(&trust.to_json().unwrap()).unwrap(), trust);
}

#[test]
fn references_survive_and_resolve_to_what_aws_gives_back() {
    let to = Address::new("parameter.greeting", "ssm.parameter");
    let document = PolicyDocument::allow(["ssm:GetParameters"], [Text::reference(to.clone(), "arn")])
        .and(Statement::allow(["logs:PutLogEvents"], [Text::reference(to, "arn").then(":*")]).named("Logs"));
    let value = serde_json::to_value(&document).unwrap();
    assert_eq!(read(&value), document);
    let resolved = resolve(value, &mut |_, _| Some("arn:aws:ssm:eu-west-1:1:parameter/greeting".into()));
    let live = read(&resolved);
    assert!(live.to_json().unwrap().contains(r#""arn:aws:ssm:eu-west-1:1:parameter/greeting:*""#));
    assert!(document.size() < live.size(), "an open reference counts as nothing");
    let closed = PolicyDocument::allow(["a:b"], ["x y"]);
    assert_eq!(closed.size(), closed.to_json().unwrap().len() - 1, "white space is not counted");
}

/// Statements of plain values, with everything that can be in a set.
fn statement() -> impl Strategy<Value = Statement> {
    let words = || prop::collection::btree_set("[a-c]:[a-c*]{1,2}", 1..4);
    let principal = prop::option::of(prop_oneof![
        Just(Principal::anybody()),
        words().prop_map(|values| Principal::these(Party::Service, values).and(Party::Aws, ["111122223333"])),
    ]);
    (prop::option::of("[A-C]{1,3}"), any::<bool>(), words(), words(), principal, words()).prop_map(
        |(sid, deny, actions, resources, principal, values)| {
            let mut statement = Statement::allow(actions, resources);
            statement.effect = if deny { Effect::Deny } else { Effect::Allow };
            statement.sid = sid;
            statement.principal = principal;
            values.into_iter().fold(statement, |s, value| s.when(("StringLike", "aws:PrincipalArn", value.into())))
        },
    )
}

/// The same document as somebody else may write it: lists turned and doubled, lone values bare.
fn rewritten(value: Value, turn: usize) -> Value {
    match value {
        Value::Array(mut items) => {
            items = items.into_iter().map(|item| rewritten(item, turn)).collect();
            if items.len() == 1 && turn.is_multiple_of(2) {
                return items.remove(0);
            }
            let by = turn % items.len().max(1);
            items.rotate_left(by);
            items.extend(items.first().cloned());
            items.into()
        }
        Value::Object(map) => {
            let members = map.into_iter().map(|(key, member)| (key, rewritten(member, turn)));
            members.collect::<Map<_, _>>().into()
        }
        leaf => leaf,
    }
}

proptest! {
    #[test]
    fn every_way_to_write_a_document_has_one_normal_form(
        statements in prop::collection::vec(statement(), 1..4),
        turn in 0_usize..12,
    ) {
        let document = PolicyDocument { statement: statements.iter().cloned().collect(), ..PolicyDocument::default() };
        let turned = statements.into_iter().rev().fold(PolicyDocument::default(), PolicyDocument::and);
        prop_assert_eq!(&turned, &document);
        let value = serde_json::to_value(&document).unwrap();
        prop_assert_eq!(&read(&rewritten(value, turn)), &document);
        prop_assert_eq!(PolicyDocument::from_json(&document.to_json().unwrap()).unwrap(), document);
    }
}
