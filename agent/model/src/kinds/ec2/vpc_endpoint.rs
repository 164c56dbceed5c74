//! `ec2.vpc_endpoint`: a private way from a VPC to a service of AWS, as network interfaces in subnets or as routes. Whether
//! a stack needs one is not decided here.

use std::collections::BTreeSet;

use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Identity, Kind, Replace};
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::route_table::RouteTableId;
use super::security_group::SecurityGroupId;
use super::subnet::SubnetId;
use super::vpc::VpcId;
use crate::kinds::iam::policy::{PolicyDocument, Principal, Statement, Version};

/// A VPC endpoint.
pub struct VpcEndpoint;

/// The wanted state of a VPC endpoint, after
/// [CreateVpcEndpoint](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html) and
/// [ModifyVpcEndpoint](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// How it works; AWS's default is `gateway`. It cannot be changed.
    #[serde(default)]
    pub vpc_endpoint_type: EndpointType,
    /// For example `com.amazonaws.eu-west-1.ecr.dkr`. It cannot be changed.
    pub service_name: String,
    /// The VPC. It cannot be changed.
    pub vpc: Link<VpcId>,
    /// Of an interface endpoint: the subnets that get a network interface, one a zone at most.
    #[serde(default)]
    pub subnets: BTreeSet<Link<SubnetId>>,
    /// Of an interface endpoint: the groups of its network interfaces. At least one: without any, AWS would take the
    /// VPC's default group.
    #[serde(default)]
    pub security_groups: BTreeSet<Link<SecurityGroupId>>,
    /// Of a gateway endpoint: the tables that get a route to the service.
    #[serde(default)]
    pub route_tables: BTreeSet<Link<RouteTableId>>,
    /// Of an interface endpoint: whether the service's usual DNS name leads here. It needs `enable_dns_support` and
    /// `enable_dns_hostnames` of the VPC, and one endpoint of a service in a VPC can have it. `false` when absent; always
    /// sent, because EC2 documents no default.
    #[serde(default)]
    pub private_dns_enabled: bool,
    /// What may be done through it. AWS's default, and the same as absent: everything by everybody.
    #[serde(default, serialize_with = "write_policy", deserialize_with = "read_policy")]
    #[schemars(with = "Option<PolicyDocument>")]
    pub policy: Option<PolicyDocument>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// How an endpoint works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointType {
    /// Routes; S3 and DynamoDB alone, and free.
    #[default]
    Gateway,
    /// Network interfaces in subnets.
    Interface,
}

/// What AWS knows of a VPC endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `vpce-…`
    pub id: String,
    /// Of an interface endpoint: its own DNS name in the region.
    pub dns_name: Option<String>,
    /// Of an interface endpoint: the hosted zone of `dns_name`, for alias records.
    pub hosted_zone_id: Option<String>,
}

/// A VPC endpoint's id.
pub struct VpcEndpointId;
impl Target for VpcEndpointId {
    const KIND: &'static str = VpcEndpoint::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for VpcEndpoint {
    const NAME: &'static str = "ec2.vpc_endpoint";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::Token;
    // Which service it leads to is in its address.
    const FIXED: &'static [&'static str] = &["service_name"];
    const IMMUTABLE: &'static [&'static str] = &["service_name", "vpc", "vpc_endpoint_type"];
    // Of one service in a VPC only one endpoint can have private DNS, and a route table has one route to a service.
    const REPLACE: Replace = Replace::DeleteFirst;
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeVpcEndpoints")];
    const DOC: &'static str = "A private way from a VPC to a service of AWS \
        (https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html).";
}

/// AWS's default policy: full access.
pub fn full_access() -> PolicyDocument {
    Statement::allow(["*"], ["*"]).to(Principal::anybody()).into()
}

/// A policy as a spec holds it: none where it is AWS's default, in whichever version of the language.
pub fn normal_policy(policy: PolicyDocument) -> Option<PolicyDocument> {
    let full = PolicyDocument { version: Version::default(), ..policy.clone() } == full_access();
    (!full).then_some(policy)
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn write_policy<S: Serializer>(policy: &Option<PolicyDocument>, serializer: S) -> Result<S::Ok, S::Error> {
    policy.clone().and_then(normal_policy).serialize(serializer)
}

fn read_policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PolicyDocument>, D::Error> {
    Ok(Option::<PolicyDocument>::deserialize(deserializer)?.and_then(normal_policy))
}

#[cfg(test)]
mod tests {
    use agent_core::kind::Change;
    use serde_json::{Value, json};

    use super::*;

    fn spec(policy: Value) -> Spec {
        let mut value = json!({ "service_name": "com.amazonaws.eu-west-1.s3", "vpc": "vpc-1" });
        value["policy"] = policy;
        serde_json::from_value(value).unwrap()
    }

    /// Full access as the old version of the language says it, and without a version.
    #[test]
    fn aws_s_default_policy_is_no_policy() {
        let gateway =
            r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
        let interface = r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
        for text in [gateway, interface] {
            assert_eq!(normal_policy(PolicyDocument::from_json(text).unwrap()), None, "{text}");
        }
        assert_eq!(spec(serde_json::from_str(gateway).unwrap()), spec(Value::Null));
        let written = Spec { policy: Some(full_access()), ..spec(Value::Null) };
        assert_eq!(serde_json::to_value(written).unwrap(), serde_json::to_value(spec(Value::Null)).unwrap());
    }

    #[test]
    fn any_other_policy_counts() {
        let read_only = r#"{"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
        let policy = spec(serde_json::from_str(read_only).unwrap()).policy;
        assert!(policy.is_some());
        let back: Spec =
            serde_json::from_value(serde_json::to_value(spec(serde_json::from_str(read_only).unwrap())).unwrap())
                .unwrap();
        assert_eq!(back.policy, policy);
    }

    #[test]
    fn places_change_in_place_and_the_service_does_not() {
        let change = |path| VpcEndpoint::change(path, &Value::Null, &Value::Null);
        for path in ["subnets.0", "security_groups", "route_tables", "private_dns_enabled", "policy.Statement"] {
            assert_eq!(change(path), Change::InPlace, "{path}");
        }
        for path in ["service_name", "vpc", "vpc_endpoint_type"] {
            assert_eq!(change(path), Change::Replace, "{path}");
        }
    }
}
