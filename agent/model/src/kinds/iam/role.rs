//! `iam.role`: what tasks and services may do. Its inline policies and attached policies are fields of it, and
//! authoritative: what the spec does not name is taken away.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Identity, Kind, Unsound};
use agent_core::reference::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::iam::policy::PolicyDocument;

/// A role.
pub struct Role;

/// The wanted state of a role, after [CreateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name: at most 64 letters, digits and `+=,.@_-`. Unique in the account over all regions, whatever the case.
    pub name: String,
    /// The path, with a slash at both ends; roles of a stack are found by it.
    #[serde(default = "root")]
    pub path: String,
    /// Who may take the role on. At most 2,048 characters, unless AWS has raised the account's quota (8,192 at most).
    pub assume_role_policy: PolicyDocument,
    /// At most 1,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// For how long it may be taken on, in seconds: 3,600 to 43,200.
    #[serde(default = "an_hour")]
    pub max_session_duration: i32,
    /// The ARN of the policy that bounds what the role's own policies can allow.
    #[serde(default)]
    pub permissions_boundary: Option<String>,
    /// ARNs of the managed policies that are attached, all of them. Ten at most, unless AWS has raised the quota (25).
    #[serde(default)]
    pub managed_policies: BTreeSet<String>,
    /// All inline policies by name (at most 128 letters, digits and `+=,.@_-`). 10,240 characters in all: see
    /// [`Spec::check`].
    #[serde(default)]
    pub inline_policies: BTreeMap<String, PolicyDocument>,
    /// Tags that the manifest sets; 50 at most, three of them ours.
    #[serde(default)]
    pub tags: Tags,
}

fn root() -> String {
    "/".into()
}

fn an_hour() -> i32 {
    3600
}

/// How many characters the inline policies of a role may have together, white space not counted; no request raises it
/// ([quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)).
pub const INLINE_LIMIT: usize = 10_240;

/// Inline policies that AWS would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the inline policies have {0} characters together, and IAM takes 10240: shorten them, or attach a managed policy"
)]
pub struct TooLong(pub usize);

impl Spec {
    /// Whether the inline policies fit. Before anything is sent, because AWS would refuse only the policy that goes over
    /// the limit, when the role and the others are already there. Open references count as nothing.
    pub fn check(&self) -> Result<(), TooLong> {
        let size: usize = self.inline_policies.values().map(PolicyDocument::size).sum();
        if size > INLINE_LIMIT { Err(TooLong(size)) } else { Ok(()) }
    }
}

/// The path under which a stack's roles are.
pub fn path_of(stack: &str) -> String {
    format!("/gitops-agent/{stack}/")
}

/// What AWS knows of a role.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its name.
    pub name: String,
    /// Its ARN, with the path in it.
    pub arn: String,
}

/// A role's ARN.
pub struct RoleArn;
impl Target for RoleArn {
    const KIND: &'static str = Role::NAME;
    const FIELD: &'static str = "arn";
}

/// A role's name.
pub struct RoleName;
impl Target for RoleName {
    const KIND: &'static str = Role::NAME;
    const FIELD: &'static str = "name";
}

impl Kind for Role {
    const NAME: &'static str = "iam.role";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const FIXED: &'static [&'static str] = &["name", "path"];
    const IMMUTABLE: &'static [&'static str] = &["name", "path"];
    // AWS deletes a role while task definitions and services name it.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[Read::once("iam:GetAccountAuthorizationDetails"), Read::once("iam:ListRoles")];
    const DOC: &'static str = "An IAM role with its trust, its inline policies and its attached policies \
        (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html).";

    fn derive(spec: &Spec, scope: &Scope) -> BTreeMap<&'static str, String> {
        let arn = scope.global_arn("iam", &format!("role{}{}", spec.path, spec.name));
        BTreeMap::from([("name", spec.name.clone()), ("arn", arn)])
    }

    fn check(spec: &Spec) -> Vec<Unsound> {
        let too_long = spec.check().err();
        let paths = || vec![vec!["inline_policies".to_owned()]];
        too_long.map(|error| Unsound { paths: paths(), message: error.to_string() }).into_iter().collect()
    }

    fn unique(spec: &Spec) -> Option<String> {
        // "Names are not distinguished by case."
        Some(format!("role/{}", spec.name.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::iam::policy::Statement;

    fn spec(inline: &[(&str, PolicyDocument)]) -> Spec {
        Spec {
            name: "hello-web-eu-west-1".into(),
            path: path_of("hello"),
            assume_role_policy: PolicyDocument::assume_by("ecs-tasks.amazonaws.com", []),
            description: None,
            max_session_duration: 3600,
            permissions_boundary: None,
            managed_policies: BTreeSet::new(),
            inline_policies: inline.iter().map(|(name, document)| ((*name).to_owned(), document.clone())).collect(),
            tags: Tags::default(),
        }
    }

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let written = serde_json::json!({
            "name": "hello-web-eu-west-1",
            "path": "/gitops-agent/hello/",
            "assume_role_policy": {
                "Statement": {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": { "Service": "ecs-tasks.amazonaws.com" },
                },
            },
        });
        assert_eq!(serde_json::from_value::<Spec>(written).unwrap(), spec(&[]));
    }

    #[test]
    fn the_arn_has_the_path_in_it() {
        let scope = Scope::new("hello", "111122223333", "eu-west-1");
        let arn = |spec: &Spec| Role::derive(spec, &scope)["arn"].clone();
        assert_eq!(arn(&spec(&[])), "arn:aws:iam::111122223333:role/gitops-agent/hello/hello-web-eu-west-1");
        let plain = Spec { path: "/".into(), ..spec(&[]) };
        assert_eq!(arn(&plain), "arn:aws:iam::111122223333:role/hello-web-eu-west-1");
    }

    #[test]
    fn names_that_differ_by_case_are_one() {
        let upper = Spec { name: "HELLO-web-eu-west-1".into(), ..spec(&[]) };
        assert_eq!(Role::unique(&upper), Role::unique(&spec(&[])));
    }

    #[test]
    fn the_limit_counts_all_inline_policies_together() {
        let long = |n: usize| PolicyDocument::from(Statement::allow(["s3:GetObject"], ["x".repeat(n)]));
        let rest = long(0).size();
        let half = INLINE_LIMIT / 2;
        let fits = spec(&[("a", long(half - rest)), ("b", long(half - rest))]);
        assert_eq!(fits.check(), Ok(()));
        let over = spec(&[("a", long(half - rest)), ("b", long(half - rest + 1))]);
        assert_eq!(over.check(), Err(TooLong(INLINE_LIMIT + 1)));
    }
}
