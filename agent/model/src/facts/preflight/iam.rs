//! What policies of IAM let somebody do: allowed by one statement and denied by none. Where a condition or a policy decides
//! whose content is not known, the answer is the missing fact. Resource policies, service control policies, permissions
//! boundaries and sessions are not looked at.

use std::collections::BTreeMap;

use agent_core::reference::Text;

use crate::facts::view::View;
use crate::kinds::iam::policy::{Effect, Party, PolicyDocument, Statement};
use crate::kinds::iam::role;

/// What a request tells of itself, by condition key.
pub(super) type Context = BTreeMap<&'static str, String>;

/// Whether something may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum May {
    Yes,
    /// Nothing allows it, or something denies it: which.
    No(Option<String>),
    /// It depends on this.
    Unknown(String),
}

/// What is asked: an action, the names that its resource may go by, and what is known of the request.
pub(super) struct Request<'a> {
    pub(super) action: &'a str,
    pub(super) resources: &'a [String],
    pub(super) context: &'a Context,
}

/// `AmazonECSTaskExecutionRolePolicy`, whose content AWS documents, all of it on all resources:
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSTaskExecutionRolePolicy.html>
const EXECUTION_POLICY: (&str, [&str; 6]) = (
    "service-role/AmazonECSTaskExecutionRolePolicy",
    [
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchGetImage",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ],
);

/// A policy that a statement is in, and the statement.
type Named<'a> = (&'a str, &'a Statement);

/// Whether a role's own policies let it do something.
pub(super) fn role_may(view: &View<'_>, role: &role::Spec, request: &Request<'_>) -> May {
    let inline = role.inline_policies.iter();
    let statements = inline.flat_map(|(name, policy)| policy.statement.0.iter().map(|one| (name.as_str(), one)));
    let (name, actions) = EXECUTION_POLICY;
    let is_known = |arn: &String| arn.rsplit_once(":policy/").is_some_and(|(_, policy)| policy == name);
    let managed = role.managed_policies.iter().any(is_known)
        && actions.iter().any(|action| action.eq_ignore_ascii_case(request.action));
    match judge(view, statements, request, managed) {
        May::No(None) => match role.managed_policies.iter().find(|arn| !is_known(arn)) {
            Some(other) => May::Unknown(format!("what the policy {other} allows")),
            None => May::No(None),
        },
        other => other,
    }
}

/// Who goes through an endpoint.
pub(super) enum Who<'a> {
    /// A role, by ARN.
    Role(&'a str),
    /// Somebody of AWS's own, who is none but everybody.
    Anybody,
}

/// Whether a policy of an endpoint lets somebody do something through it.
pub(super) fn endpoint_lets(view: &View<'_>, policy: &PolicyDocument, who: &Who<'_>, request: &Request<'_>) -> May {
    let about = policy.statement.0.iter().filter(|statement| is_about(view, statement, who));
    judge(view, about.map(|statement| ("the endpoint's policy", statement)), request, false)
}

fn is_about(view: &View<'_>, statement: &Statement, who: &Who<'_>) -> bool {
    let names = |principal: &crate::kinds::iam::policy::Principal| {
        let Some(mut named) = principal.of(Party::Aws) else { return true };
        named.any(|text| {
            let name = view.plain(text);
            name == "*" || matches!(who, Who::Role(arn) if name == *arn || arn.split(':').nth(4) == Some(name.as_str()))
        })
    };
    match (&statement.principal, &statement.not_principal) {
        (Some(principal), _) => names(principal),
        (None, Some(principal)) => !names(principal),
        (None, None) => true,
    }
}

/// Whether a service of AWS may take a role on.
pub(super) fn trusts(view: &View<'_>, role: &role::Spec, service: &str, context: &Context) -> May {
    let is_service = |statement: &&Statement| {
        let named = |principal: &crate::kinds::iam::policy::Principal| match principal.of(Party::Service) {
            Some(mut named) => named.any(|text| text.plain().as_deref() == Some(service)),
            None => true,
        };
        statement.principal.as_ref().is_some_and(named)
    };
    // A trust names no resource; what it is about is the role.
    let any = ["*".to_owned()];
    let request = Request { action: "sts:AssumeRole", resources: &any, context };
    let statements = role.assume_role_policy.statement.0.iter().filter(is_service);
    judge(view, statements.map(|statement| ("its trust", statement)), &request, false)
}

/// One statement that allows, if it is not `allowed` anyway, and none that denies. A denial that may hold matters only to what is
/// allowed.
fn judge<'a>(
    view: &View<'_>,
    statements: impl Iterator<Item = Named<'a>>,
    request: &Request<'_>,
    mut allowed: bool,
) -> May {
    let (mut unsure, mut denied) = (None, None);
    for (name, statement) in statements.filter(|(_, statement)| is_on(view, statement, request)) {
        let denies = statement.effect == Effect::Deny;
        match holds(view, statement, request.context) {
            Held::Yes if denies => return May::No(Some(format!("{name} denies it"))),
            Held::Yes => allowed = true,
            Held::No => {}
            Held::Unknown(key) => {
                let fact = Some(format!("whether the condition {key} of {name} holds"));
                *(if denies { &mut denied } else { &mut unsure }) = fact;
            }
        }
    }
    match (allowed, unsure, denied) {
        (true, _, None) => May::Yes,
        (true, _, Some(fact)) | (false, Some(fact), _) => May::Unknown(fact),
        (false, None, _) => May::No(None),
    }
}

/// Whether a statement is on an action and one of the names of its resource.
fn is_on(view: &View<'_>, statement: &Statement, request: &Request<'_>) -> bool {
    let action = |pattern: &String| fits(&pattern.to_lowercase(), &request.action.to_lowercase());
    let on_action = if statement.action.is_empty() {
        !statement.not_action.0.iter().any(action)
    } else {
        statement.action.0.iter().any(action)
    };
    let resource = |pattern: &Text| {
        let pattern = view.plain(pattern);
        request.resources.iter().any(|name| fits(&pattern, name))
    };
    on_action
        && if statement.resource.is_empty() {
            !statement.not_resource.0.iter().any(resource)
        } else {
            statement.resource.0.iter().any(resource)
        }
}

enum Held {
    Yes,
    No,
    /// The key that decides.
    Unknown(String),
}

/// Whether all conditions hold, as far as the request tells what they are about.
fn holds(view: &View<'_>, statement: &Statement, context: &Context) -> Held {
    let mut unknown = None;
    for (operator, keys) in &statement.condition {
        for (key, values) in keys {
            let told = context.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value);
            let Some((told, holds)) = told.zip(compares(operator)) else {
                unknown = Some(key.clone());
                continue;
            };
            if !holds(&values.0.iter().map(|value| view.plain(value)).collect::<Vec<_>>(), told) {
                return Held::No;
            }
        }
    }
    unknown.map_or(Held::Yes, Held::Unknown)
}

/// What an operator does with the values of a condition and that of the request.
type Compare = fn(&[String], &str) -> bool;

fn compares(operator: &str) -> Option<Compare> {
    let like: Compare = |values, told| values.iter().any(|value| fits(value, told));
    let unlike: Compare = |values, told| !values.iter().any(|value| fits(value, told));
    Some(match operator.strip_suffix("IfExists").unwrap_or(operator) {
        "StringEquals" => |values, told| values.iter().any(|value| value == told),
        "StringNotEquals" => |values, told| !values.iter().any(|value| value == told),
        "StringEqualsIgnoreCase" => |values, told| values.iter().any(|value| value.eq_ignore_ascii_case(told)),
        "Bool" => |values, told| values.iter().any(|value| value.eq_ignore_ascii_case(told)),
        "StringLike" | "ArnLike" | "ArnEquals" => like,
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => unlike,
        _ => return None,
    })
}

/// Whether a text is like a pattern with `*` for any characters and `?` for one.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // Where the last star stands, and what it has taken so far: it takes one more when the rest does not fit.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
#[path = "iam_tests.rs"]
mod tests;
