//! What a listener or a rule does with a request. Authentication at the load balancer comes with none of them: a live
//! action that has it reads as [`Action::Other`], which differs from everything that can be wanted.

use std::collections::BTreeSet;

use agent_core::reference::{Link, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target_group::TargetGroupArn;

/// What is done with a request, after
/// [Action](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The load balancer answers by itself; application load balancers only.
    FixedResponse(FixedResponse),
    /// The client is sent elsewhere; application load balancers only.
    Redirect(Redirect),
    /// A target answers.
    Forward(Forward),
    /// What a live one does that this agent cannot set, in AWS's words. It cannot be wanted.
    #[schemars(skip)]
    Other(String),
}

/// An answer of the load balancer's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedResponse {
    /// The status: 2XX, 4XX or 5XX.
    pub status_code: u16,
    /// The type of the body.
    #[serde(default)]
    pub content_type: ContentType,
    /// The body, at most 1,024 characters; none when absent.
    #[serde(default)]
    pub message_body: Option<String>,
}

/// The type of a fixed body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ContentType {
    /// Plain text.
    #[default]
    #[serde(rename = "text/plain")]
    Plain,
    /// A style sheet.
    #[serde(rename = "text/css")]
    Css,
    /// A page.
    #[serde(rename = "text/html")]
    Html,
    /// A script.
    #[serde(rename = "application/javascript")]
    Javascript,
    /// Data.
    #[serde(rename = "application/json")]
    Json,
}

/// Where a client is sent. What is left out stays as in the request; `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and
/// `#{query}` stand for the request's own. AWS refuses one that would lead back to itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redirect {
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// A port.
    pub port: String,
    /// A name, at most 128 characters.
    pub host: String,
    /// An absolute path, at most 128 characters.
    pub path: String,
    /// The query without its question mark, at most 128 characters.
    pub query: String,
    /// Whether for good (`HTTP_301`, the default) or for now (`HTTP_302`).
    pub status_code: RedirectStatus,
}

impl Default for Redirect {
    fn default() -> Self {
        let [protocol, port, host, path, query] =
            ["#{protocol}", "#{port}", "#{host}", "/#{path}", "#{query}"].map(str::to_owned);
        Self { protocol, port, host, path, query, status_code: RedirectStatus::default() }
    }
}

/// The status of a redirect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RedirectStatus {
    /// For good.
    #[default]
    #[serde(rename = "HTTP_301")]
    Permanent,
    /// For now.
    #[serde(rename = "HTTP_302")]
    Temporary,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// The groups, at most five, each once.
    pub target_groups: BTreeSet<Weighted>,
    /// Whether a client stays with the group that it came to first; it does not when absent. Application load balancers
    /// only.
    #[serde(default)]
    pub stickiness: Option<Stickiness>,
}

/// A target group and its part of the requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// The group.
    pub target_group: Link<TargetGroupArn>,
    /// Its part among the weights of all, 0 to 999; 1 by default.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// How long a client stays with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stickiness {
    /// Seconds, 1 to 604,800.
    pub duration_seconds: u32,
}

impl Action {
    /// All requests to one group.
    pub fn forward(target_group: Link<TargetGroupArn>) -> Self {
        let target_groups = [Weighted { target_group, weight: 1 }].into();
        Self::Forward(Forward { target_groups, stickiness: None })
    }

    /// A status with a line of plain text.
    pub fn respond(status_code: u16, text: &str) -> Self {
        let message_body = Some(text.to_owned()).filter(|text| !text.is_empty());
        Self::FixedResponse(FixedResponse { status_code, content_type: ContentType::Plain, message_body })
    }

    /// The same address over HTTPS at `port`, for good.
    pub fn redirect_to_https(port: u16) -> Self {
        Self::Redirect(Redirect { protocol: "HTTPS".into(), port: port.to_string(), ..Redirect::default() })
    }
}

/// An ARN that may be another resource's, and is never empty.
pub(super) fn is_set(text: &Text) -> bool {
    text.plain().is_none_or(|plain| !plain.is_empty())
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Action {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_a_redirect_leaves_out_stays_as_in_the_request() {
        let written = read(json!({ "redirect": { "protocol": "HTTPS", "port": "443" } }));
        assert_eq!(written, Action::redirect_to_https(443));
        let Action::Redirect(redirect) = written else { panic!("not a redirect") };
        assert_eq!((redirect.host.as_str(), redirect.path.as_str()), ("#{host}", "/#{path}"));
    }

    #[test]
    fn the_order_of_target_groups_does_not_matter() {
        let [one, two] = ["arn:1", "arn:2"].map(|arn| json!({ "target_group": arn, "weight": 3 }));
        let a = read(json!({ "forward": { "target_groups": [one.clone(), two.clone()] } }));
        assert_eq!(a, read(json!({ "forward": { "target_groups": [two, one] } })));
    }

    #[test]
    fn what_somebody_else_set_up_differs_from_all_that_can_be_wanted() {
        let live = serde_json::to_value(Action::Other("authenticate-oidc, forward".into())).unwrap();
        let wanted = serde_json::to_value(Action::respond(403, "")).unwrap();
        assert!(!diff(&wanted, &live).is_empty());
    }
}
