//! `ec2.subnet`: a block of a VPC's addresses in one zone. Which route table it uses is the table's to say.

use agent_core::cost::Read;
use agent_core::field::{AtCreate, Tags};
use agent_core::kind::{Identity, Kind};
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cidr4;
use super::vpc::VpcId;

/// A subnet.
pub struct Subnet;

/// The wanted state of a subnet, after
/// [CreateSubnet](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html) and
/// [ModifySubnetAttribute](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The VPC. It cannot be changed.
    pub vpc: Link<VpcId>,
    /// The IPv4 block, between `/16` and `/28`, within the VPC's and not overlapping another subnet's: AWS refuses a
    /// new one that overlaps this one for as long as this one is there. It cannot be changed.
    pub cidr: Cidr4,
    /// The zone that it is made in, for example `eu-west-1a`; AWS chooses one when absent. A live subnet keeps its zone,
    /// whatever this says later.
    #[serde(default)]
    pub availability_zone: AtCreate<String>,
    /// Whether network interfaces made here get a public IPv4 address. AWS's default for a subnet that is not a default
    /// one is `false`.
    #[serde(default)]
    pub map_public_ip_on_launch: bool,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// What AWS knows of a subnet.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `subnet-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The zone it is in.
    pub availability_zone: String,
}

/// A subnet's id.
pub struct SubnetId;
impl Target for SubnetId {
    const KIND: &'static str = Subnet::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for Subnet {
    const NAME: &'static str = "ec2.subnet";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    // What lies where is the network's to say: a block is in one subnet.
    const FIXED: &'static [&'static str] = &["cidr"];
    const IMMUTABLE: &'static [&'static str] = &["cidr", "vpc"];
    // What has network interfaces here. DeleteSubnet asks for no more; that an association with a route table would hinder
    // it is nowhere said.
    const HELD_BY: &'static [&'static str] =
        &["ec2.nat_gateway", "ec2.vpc_endpoint", "ecs.service", "elb.load_balancer"];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeSubnets")];
    const DOC: &'static str = "A block of a VPC's addresses in one zone \
        (https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html).";

    fn unique(spec: &Spec) -> Option<String> {
        // While the VPC is not known, nothing can be said about what is taken in it.
        let vpc = Some(spec.vpc.as_str()).filter(|vpc| !vpc.is_empty())?;
        Some(format!("subnet/{vpc}/{}", spec.cidr))
    }
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use serde_json::json;

    use super::*;

    fn spec(value: serde_json::Value) -> Spec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_block_is_unique_in_its_vpc_once_that_is_known() {
        let open = spec(json!({ "vpc": { "$ref": "network.main/ec2.vpc", "field": "id" }, "cidr": "10.0.1.7/24" }));
        assert_eq!(Subnet::unique(&open), None);
        let known = Spec { vpc: Link::value("vpc-1"), ..open };
        assert_eq!(Subnet::unique(&known).as_deref(), Some("subnet/vpc-1/10.0.1.0/24"));
    }

    #[test]
    fn a_live_subnet_keeps_its_zone() {
        let wanted = spec(json!({ "vpc": "vpc-1", "cidr": "10.0.1.0/24", "availability_zone": "eu-west-1b" }));
        let live = Spec { availability_zone: AtCreate(Some("eu-west-1a".into())), ..wanted.clone() };
        let value = |spec: &Spec| serde_json::to_value(spec).unwrap();
        assert!(diff(&value(&wanted), &value(&live)).is_empty());
        assert!(diff(&value(&Spec { availability_zone: AtCreate(None), ..wanted }), &value(&live)).is_empty());
    }
}
