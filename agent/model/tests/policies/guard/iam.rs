//! Roles, and policies as far as roles have them.

use agent_core::address::Address;
use serde_json::{Map, Value, json};

use super::fragment::{Fragment, No, Props, no, referred};

/// The trust of a role of which a fragment says none, or names one that it does not have.
fn trust() -> Value {
    json!({ "Statement": { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" } })
}

/// `AWS::IAM::Role`
pub fn role(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let name = props.take("RoleName").map_or(Ok(id.to_owned()), |name| fragment.text(name))?;
    let written = props.take("AssumeRolePolicyDocument").filter(|document| referred(document).is_none());
    let trust = written.map_or(Ok(trust()), |document| plain(fragment, document))?;
    let mut spec = json!({ "name": name, "assume_role_policy": trust });
    let mut inline = Map::new();
    for mut policy in props.tables("Policies")? {
        let (Some(name), Some(document)) = (policy.take("PolicyName"), policy.take("PolicyDocument")) else {
            return no("an inline policy without a name or a document");
        };
        inline.insert(fragment.text(name)?, plain(fragment, document)?);
        policy.done()?;
    }
    let arns = props.list("ManagedPolicyArns").into_iter().map(|arn| fragment.text(arn));
    spec["managed_policies"] = arns.collect::<Result<Vec<_>, _>>()?.into();
    for (key, field) in
        [("Path", "path"), ("Description", "description"), ("PermissionsBoundary", "permissions_boundary")]
    {
        if let Some(value) = props.take(key) {
            spec[field] = fragment.text(value)?.into();
        }
    }
    if let Some(seconds) = props.take("MaxSessionDuration") {
        spec["max_session_duration"] = seconds.clone();
    }
    props.done()?;
    fragment.change(Fragment::address(id, "iam.role"), |made| {
        // A policy that stands by itself may have come before its role.
        if let Some(others) = made.get("inline_policies").and_then(Value::as_object) {
            inline.extend(others.clone());
        }
        spec["inline_policies"] = inline.into();
        *made = spec;
    });
    Ok(())
}

/// `AWS::IAM::Policy` is an inline policy of the roles that it names, and `AWS::IAM::ManagedPolicy` gives them the same
/// permissions. AWS takes no inline policy without somebody who has it: where a fragment leaves that out, a role has it.
pub fn policy(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let name = ["PolicyName", "ManagedPolicyName"].into_iter().filter_map(|key| props.take(key)).next_back();
    let name = name.map_or(Ok("policy".to_owned()), |name| fragment.text(name))?;
    let Some(document) = props.take("PolicyDocument") else { return no("a policy without a document") };
    let document = plain(fragment, document)?;
    let named = props.list("Roles");
    props.done()?;
    if named.is_empty() && fragment.type_of(id) == "AWS::IAM::ManagedPolicy" {
        return no("a managed policy that no role has: there is no kind for it");
    }
    let own = Fragment::address(id, "iam.role");
    let of = |role: &&Value| -> Option<Address> {
        let id = referred(role).filter(|id| fragment.type_of(id) == "AWS::IAM::Role")?;
        Some(Fragment::address(id, "iam.role"))
    };
    let roles: Vec<Address> = match named.iter().map(|role| of(role).unwrap_or_else(|| own.clone())).collect::<Vec<_>>()
    {
        none if none.is_empty() => vec![own],
        some => some,
    };
    for role in roles {
        let (name, document) = (name.clone(), document.clone());
        fragment.change(role, |made| {
            if made.get("name").is_none() {
                made["name"] = id.into();
                made["assume_role_policy"] = trust();
            }
            made["inline_policies"][name] = document;
        });
    }
    Ok(())
}

/// A document, with texts where it has functions of `CloudFormation`.
fn plain(fragment: &Fragment<'_>, value: &Value) -> Result<Value, No> {
    match value {
        Value::Object(map) if map.keys().any(|key| key == "Ref" || key.starts_with("Fn::")) => {
            fragment.text(value).map(Value::from)
        }
        Value::Object(map) => {
            let members = map.iter().map(|(key, member)| Ok((key.clone(), plain(fragment, member)?)));
            members.collect::<Result<Map<_, _>, No>>().map(Value::Object)
        }
        Value::Array(items) => {
            items.iter().map(|item| plain(fragment, item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        leaf => Ok(leaf.clone()),
    }
}
