//! Samples of Identity and Access Management.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_core::reference::Text;
use agent_model::kinds::iam::policy::{Party, PolicyDocument, Principal, Statement, from_account, from_arn};
use agent_model::kinds::iam::role::{Spec, path_of};
use agent_model::kinds::ssm::parameter;

use super::suite::STACK;
use super::{Sample, doc};

const EXECUTION: &str = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const BOUNDARY: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

fn parameter() -> (Address, Doc) {
    let spec = parameter::Spec {
        name: "/conformance/read-by-role".into(),
        kind: parameter::Type::String,
        value: Some("x".into()),
        generate: agent_core::field::AtCreate(None),
        description: None,
        tier: parameter::Tier::Standard,
        key_id: None,
        max_age_days: AtCreate(None),
        version: AwsDecides::Unset,
        retiring: false,
        tags: Tags::default(),
    };
    (Address::new("parameter.read-by-role", "ssm.parameter"), doc(&spec))
}

/// Two references in one set, in an order that differs from that of their values; what IAM escapes; a negative form.
fn inline() -> PolicyDocument {
    let arn = || Text::reference(parameter().0, "arn");
    PolicyDocument::allow(
        ["ssm:GetParameters", "ssm:GetParameter"],
        [arn(), arn().then("/*"), "arn:aws:ssm:eu-west-1:123456789012:parameter/z+y %".into()],
    )
    .and(Statement::deny(["s3:*"], ["*"]).named("Plain").when(("Bool", "aws:SecureTransport", "false".into())))
}

fn trust() -> PolicyDocument {
    let conditions = [from_account("123456789012"), from_arn("arn:aws:ecs:eu-west-1:123456789012:*")];
    PolicyDocument::assume_by("ecs-tasks.amazonaws.com", conditions)
}

fn base() -> Spec {
    Spec {
        name: "conformance-web-eu-west-1".into(),
        path: path_of(STACK),
        assume_role_policy: trust(),
        description: Some("what the web service may do".into()),
        max_session_duration: 7200,
        permissions_boundary: Some(BOUNDARY.into()),
        managed_policies: BTreeSet::from([EXECUTION.into()]),
        inline_policies: BTreeMap::from([("main".into(), inline())]),
        tags: Tags([("owner".to_owned(), "team".to_owned())].into()),
    }
}

/// A role with all that it can have.
pub fn samples() -> Vec<Sample> {
    let base = base();
    let with_inline = |policies: &[(&str, PolicyDocument)]| Spec {
        inline_policies: policies.iter().map(|(name, document)| ((*name).to_owned(), document.clone())).collect(),
        ..base.clone()
    };
    let admins =
        Statement::allow(["sts:AssumeRole"], [] as [Text; 0]).to(Principal::these(Party::Aws, ["123456789012"]));
    let shorter = PolicyDocument::allow(["ssm:GetParameters"], [Text::reference(parameter().0, "arn")]);
    let tags = Tags([("owner".to_owned(), "other".to_owned())].into());
    vec![Sample {
        needs: vec![parameter()],
        address: Address::new("service.web", "iam.role"),
        spec: doc(&base),
        changes: vec![
            ("one more who may take it on", doc(&Spec { assume_role_policy: trust().and(admins), ..base.clone() })),
            ("a description that goes", doc(&Spec { description: None, ..base.clone() })),
            ("the shortest session", doc(&Spec { max_session_duration: 3600, ..base.clone() })),
            ("a boundary that goes", doc(&Spec { permissions_boundary: None, ..base.clone() })),
            ("another boundary", doc(&Spec { permissions_boundary: Some(READ_ONLY.into()), ..base.clone() })),
            (
                "another managed policy",
                doc(&Spec { managed_policies: BTreeSet::from([READ_ONLY.into()]), ..base.clone() }),
            ),
            ("no managed policy", doc(&Spec { managed_policies: BTreeSet::new(), ..base.clone() })),
            ("less in an inline policy", doc(&with_inline(&[("main", shorter.clone())]))),
            ("one inline policy more", doc(&with_inline(&[("main", inline()), ("more", shorter.clone())]))),
            ("an inline policy of another name", doc(&with_inline(&[("other", shorter)]))),
            ("no inline policy", doc(&with_inline(&[]))),
            ("another tag", doc(&Spec { tags, ..base.clone() })),
            ("another name: a replacement", doc(&Spec { name: "conformance-api-eu-west-1".into(), ..base.clone() })),
            (
                "another path: a replacement of the same name",
                doc(&Spec { path: format!("{}tasks/", path_of(STACK)), ..base.clone() }),
            ),
        ],
        emulator_gaps: Vec::new(),
    }]
}
