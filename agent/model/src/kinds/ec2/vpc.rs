//! `ec2.vpc`: a virtual private cloud with its DNS attributes and its default security group.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::cost::Read;
use agent_core::field::{AwsDecides, Tags};
use agent_core::kind::{Change, Identity, Kind};
use agent_core::reference::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Cidr4;

/// A VPC.
pub struct Vpc;

/// The wanted state of a VPC, after
/// [CreateVpc](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html) and
/// [ModifyVpcAttribute](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The primary IPv4 block, between `/16` and `/28`. It cannot be changed.
    pub cidr: Cidr4,
    /// The tenancy that instances get when they name none. AWS changes `dedicated` to `default` and never back.
    #[serde(default)]
    pub instance_tenancy: InstanceTenancy,
    /// Whether the resolver at the block's base plus two answers. AWS's default is `true`.
    #[serde(default = "yes")]
    pub enable_dns_support: bool,
    /// Whether instances get public DNS names; private DNS of endpoints needs it too. AWS's default is `false`, and it
    /// can be `true` only with `enable_dns_support`.
    #[serde(default)]
    pub enable_dns_hostnames: bool,
    /// What becomes of the rules of the VPC's own `default` security group. Left alone when absent.
    #[serde(default)]
    pub default_group: AwsDecides<DefaultGroup>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// The tenancy of instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceTenancy {
    /// Shared hardware, unless an instance asks for its own.
    #[default]
    Default,
    /// Hardware of one's own.
    Dedicated,
}

/// The default security group, which AWS makes with the VPC and does not let go. A live one that has rules reads as
/// unset: AWS's own rules are no state that one would ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefaultGroup {
    /// Without any rule, in or out.
    Emptied,
}

/// What AWS knows of a VPC.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `vpc-…`
    pub id: String,
    /// `sg-…` of the group `default`; absent for a moment after the VPC was made.
    pub default_group_id: Option<String>,
    /// The primary IPv4 block.
    pub cidr: Cidr4,
}

/// A VPC's id.
pub struct VpcId;
impl Target for VpcId {
    const KIND: &'static str = Vpc::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for Vpc {
    const NAME: &'static str = "ec2.vpc";
    type Spec = Spec;
    type Out = Out;
    // CreateVpc takes no client token, and a VPC has no name.
    const IDENTITY: Identity = Identity::Intent;
    // Subnets, routes and groups are cut from it.
    const FIXED: &'static [&'static str] = &["cidr"];
    const IMMUTABLE: &'static [&'static str] = &["cidr"];
    // https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
    const HELD_BY: &'static [&'static str] =
        &["ec2.internet_gateway", "ec2.route_table", "ec2.security_group", "ec2.subnet", "ec2.vpc_endpoint"];
    const READS: &'static [Read] = &[
        Read::once("ec2:DescribeVpcs"),
        Read::batches("ec2:DescribeSecurityGroups", &[Self::NAME], 200),
        Read::each("ec2:DescribeVpcAttribute", &[Self::NAME]).times(2),
    ];
    const DOC: &'static str = "A virtual private cloud, its DNS attributes and its default security group \
        (https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html).";

    fn change(path: &str, from: &Value, to: &Value) -> Change {
        match path {
            "cidr" => Change::Replace,
            "instance_tenancy" if from == "default" && to == "dedicated" => Change::Refuse(
                "AWS changes the tenancy of a live VPC from `dedicated` to `default` only; \
                 make another network with `dedicated` and move to it"
                    .into(),
            ),
            _ => Change::InPlace,
        }
    }

    fn derive(spec: &Spec, _: &Scope) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("cidr", spec.cidr.to_string())])
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use serde_json::json;

    use super::*;

    fn value(spec: Value) -> Value {
        serde_json::to_value(serde_json::from_value::<Spec>(spec).unwrap()).unwrap()
    }

    #[test]
    fn absent_fields_are_aws_s_defaults() {
        let spec: Spec = serde_json::from_value(json!({ "cidr": "10.0.3.1/16" })).unwrap();
        assert_eq!(spec.cidr.to_string(), "10.0.0.0/16");
        assert_eq!(spec.instance_tenancy, InstanceTenancy::Default);
        assert!(spec.enable_dns_support && !spec.enable_dns_hostnames);
        assert_eq!(spec.default_group, AwsDecides::Unset);
        serde_json::from_value::<Spec>(json!({ "cidr": "10.0.0.0/16", "cidr_block": "10.0.0.0/16" })).unwrap_err();
    }

    #[test]
    fn the_default_group_counts_only_when_it_is_to_be_emptied() {
        let alone = value(json!({ "cidr": "10.0.0.0/16" }));
        let emptied = value(json!({ "cidr": "10.0.0.0/16", "default_group": "emptied" }));
        let paths = |wanted, live| diff(wanted, live).into_iter().map(|change| change.path).collect::<Vec<_>>();
        assert!(paths(&alone, &alone).is_empty());
        assert!(paths(&alone, &emptied).is_empty());
        assert!(paths(&emptied, &emptied).is_empty());
        assert_eq!(paths(&emptied, &alone), ["default_group"]);
    }

    #[test]
    fn tenancy_goes_one_way() {
        let change = |from: &str, to: &str| Vpc::change("instance_tenancy", &from.into(), &to.into());
        assert_eq!(change("dedicated", "default"), Change::InPlace);
        assert!(matches!(change("default", "dedicated"), Change::Refuse(_)));
        assert_eq!(Vpc::change("cidr", &"10.0.0.0/16".into(), &"10.1.0.0/16".into()), Change::Replace);
        assert_eq!(Vpc::change("enable_dns_support", &true.into(), &false.into()), Change::InPlace);
    }
}
