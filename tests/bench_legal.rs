//! The legality check passes what AWS's models allow and catches what they forbid, however laxly an emulator answers.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair, NetworkMode};
use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};

use crate::bench::emulator::Emulator;
use crate::bench::legal;
use crate::bench::record::Call;
use crate::bench::wire::Wire;

/// Legal calls of each protocol in use, with lists, structures, maps and flags in them. Each test has its own
/// region, and its own name for the role, which knows none.
async fn legal_calls(region: &'static str, role: &str) -> Vec<Call> {
    let wire = Wire::new(Emulator::shared());
    let config = wire.config(region);
    let tag = Tag::builder().key("gitops-agent:stack").value("a b/c+d é").build();
    let tags = TagSpecification::builder().resource_type(ResourceType::Vpc).tags(tag).build();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    ec2.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(tags).dry_run(false).send().await.unwrap();
    let filter = Filter::builder().name("cidr").values("10.0.0.0/16").values("10.1.0.0/16").build();
    ec2.describe_vpcs().filters(filter).max_results(5).send().await.unwrap();
    let iam = aws_sdk_iam::Client::new(&config);
    let tag = IamTag::builder().key("k").value("").build().unwrap();
    iam.create_role()
        .role_name(role)
        .path("/gitops-agent/legal/")
        .assume_role_policy_document("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": []\n}")
        .tags(tag)
        .max_session_duration(3600)
        .send()
        .await
        .unwrap();
    let ssm = aws_sdk_ssm::Client::new(&config);
    ssm.put_parameter()
        .name("/legal/a")
        .value("1")
        .r#type(ParameterType::String)
        .tier(ParameterTier::Standard)
        .send()
        .await
        .unwrap();
    let container = ContainerDefinition::builder()
        .name("web")
        .image("nginx:1")
        .environment(KeyValuePair::builder().name("A").value("1").build())
        .docker_labels("label", "value")
        .essential(true)
        .build();
    let ecs = aws_sdk_ecs::Client::new(&config);
    ecs.register_task_definition()
        .family("legal")
        .network_mode(NetworkMode::Awsvpc)
        .container_definitions(container)
        .send()
        .await
        .unwrap();
    wire.calls()
}

fn find(calls: &[Call], action: &str) -> Call {
    calls.iter().find(|call| call.name.action == action).unwrap_or_else(|| panic!("{action}")).clone()
}

/// The call with a text of its body replaced, which must be there.
fn mutant(calls: &[Call], action: &str, from: &str, to: &str) -> Call {
    let mut call = find(calls, action);
    assert!(call.body().contains(from), "{from} is not in {}", call.body());
    call.request.body = call.body().replacen(from, to, 1).into_bytes();
    call
}

#[tokio::test]
async fn legal_requests_pass() {
    let calls = legal_calls("ap-southeast-1", "legal-pass").await;
    let report = legal::check(&calls).unwrap();
    assert_eq!((report.checked, report.actions, report.violations), (5, 5, vec![]));
}

#[tokio::test]
async fn illegal_requests_are_caught() {
    let calls = legal_calls("ap-southeast-2", "legal-role").await;
    let long = "x".repeat(65);
    let long_name = format!("RoleName={long}");
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        // A required member is missing: json, query, ec2 (CreateVpc requires none, a tag's resource type is no requirement).
        ("PutParameter", "\"Value\":\"1\"", "\"Description\":\"1\"", "Value", "a required member is missing"),
        ("CreateRole", "RoleName=legal-role&", "", "RoleName", "a required member is missing"),
        ("RegisterTaskDefinition", "\"family\":\"legal\",", "", "family", "a required member is missing"),
        // An unknown member, at the top and within.
        ("PutParameter", "\"Value\"", "\"Valeu\":\"1\",\"Value\"", "Valeu", "an unknown member"),
        ("CreateRole", "RoleName=", "RollName=x&RoleName=", "RollName", "an unknown member"),
        ("CreateVpc", "DryRun=", "DruRyn=", "DruRyn", "an unknown member"),
        ("DescribeVpcs", "Filter.1.Name=", "Filter.1.Nome=", "Filters[0].Nome", "an unknown member"),
        // A value outside of the enum.
        ("PutParameter", "\"Standard\"", "\"Premium\"", "Tier", "is not one of"),
        ("CreateVpc", "ResourceType=vpc", "ResourceType=vcp", "TagSpecifications[0].ResourceType", "is not one of"),
        ("RegisterTaskDefinition", "\"awsvpc\"", "\"awsvcp\"", "networkMode", "is not one of"),
        // Too long, too large, too small, of the wrong form.
        ("CreateRole", "RoleName=legal-role", &long_name, "RoleName", "65 characters, the most is 64"),
        (
            "CreateRole",
            "MaxSessionDuration=3600",
            "MaxSessionDuration=43201",
            "MaxSessionDuration",
            "43201, the most is 43200",
        ),
        ("CreateRole", "RoleName=legal-role", "RoleName=", "RoleName", "0 characters, the least is 1"),
        ("CreateRole", "RoleName=legal-role", "RoleName=legal%20role", "RoleName", "does not match"),
        ("DescribeVpcs", "MaxResults=5", "MaxResults=4", "MaxResults", "4, the least is 5"),
        // Wrong types and wrong lists.
        ("DescribeVpcs", "MaxResults=5", "MaxResults=many", "MaxResults", "is not a integer"),
        ("CreateVpc", "DryRun=false", "DryRun=no", "DryRun", "is not a boolean"),
        ("DescribeVpcs", "Filter.1.Value.2=", "Filter.1.Value.3=", "Filters[0].Values", "a list is numbered [1, 3]"),
        (
            "RegisterTaskDefinition",
            "\"essential\":true",
            "\"essential\":\"true\"",
            "containerDefinitions[0].essential",
            "str where",
        ),
        (
            "RegisterTaskDefinition",
            "\"label\":\"value\"",
            "\"label\":1",
            "containerDefinitions[0].dockerLabels.label",
            "int where",
        ),
    ];
    let mut mutants: Vec<Call> = cases.iter().map(|(action, from, to, ..)| mutant(&calls, action, from, to)).collect();
    mutants.iter_mut().enumerate().for_each(|(at, call)| call.seq = at);
    let report = legal::check(&mutants).unwrap();
    assert_eq!(report.checked, cases.len());
    for (at, (action, from, to, path, reason)) in cases.iter().enumerate() {
        let found: Vec<_> = report.violations.iter().filter(|found| found.seq == at).collect();
        assert!(
            found.iter().any(|found| found.path == *path && found.reason.contains(reason)),
            "{action}, {from} → {to}: wanted {path}: {reason}, found {found:?}"
        );
    }
}

#[tokio::test]
async fn unknown_operations_are_caught() {
    let calls = legal_calls("ap-southeast-3", "legal-unknown").await;
    let mut call = find(&calls, "PutParameter");
    call.name.action = "PutParamter".to_owned();
    let found = legal::check(&[call]).unwrap().violations;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].reason, "no such operation in the models");
}

#[test]
fn the_checker_reads_back_what_botocore_writes() {
    let output = legal::script("selftest.py").unwrap().output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let read: usize = text.split_whitespace().next().unwrap().parse().unwrap();
    assert!(read > 2000, "{text}");
}
