//! `ec2.internet_gateway`: the door of a VPC to the internet. Routes to it are the route tables' to say.

use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Change, Identity, Kind};
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::vpc::VpcId;

/// An internet gateway.
pub struct InternetGateway;

/// The wanted state of an internet gateway, after
/// [CreateInternetGateway](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html) and
/// [AttachInternetGateway](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The VPC that it is attached to; attached to none when absent. A VPC has one gateway at most.
    #[serde(default)]
    pub vpc: Option<Link<VpcId>>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// What AWS knows of an internet gateway.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `igw-…`
    pub id: String,
}

/// An internet gateway's id.
pub struct InternetGatewayId;
impl Target for InternetGatewayId {
    const KIND: &'static str = InternetGateway::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for InternetGateway {
    const NAME: &'static str = "ec2.internet_gateway";
    type Spec = Spec;
    type Out = Out;
    // CreateInternetGateway takes no client token, and a gateway has no name.
    const IDENTITY: Identity = Identity::Intent;
    const IMMUTABLE: &'static [&'static str] = &["vpc"];
    // Routes to a gateway that goes become black holes; AWS refuses only while public addresses are in use in the VPC.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeInternetGateways")];
    const DOC: &'static str = "The door of a VPC to the internet \
        (https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html).";

    /// A loose gateway is attached and an attached one loosened in place. One that is to serve another VPC is replaced:
    /// AWS does not detach it while public addresses are in use behind it, and the old VPC's things go only after the
    /// new VPC's work, which they cannot without a gateway.
    fn change(path: &str, from: &Value, to: &Value) -> Change {
        if path == "vpc" && !from.is_null() && !to.is_null() { Change::Replace } else { Change::InPlace }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gateway_of_another_vpc_is_another_gateway() {
        let vpc = |id: &str| json!({ "$link": "ec2.vpc.id", "value": id });
        assert_eq!(InternetGateway::change("vpc", &vpc("vpc-1"), &vpc("vpc-2")), Change::Replace);
        let open = json!({ "$ref": "network.main/ec2.vpc", "field": "id" });
        assert_eq!(InternetGateway::change("vpc", &vpc("vpc-1"), &open), Change::Replace);
    }

    #[test]
    fn what_was_detached_by_hand_is_attached_again() {
        let vpc = json!({ "$link": "ec2.vpc.id", "value": "vpc-1" });
        assert_eq!(InternetGateway::change("vpc", &Value::Null, &vpc), Change::InPlace);
        assert_eq!(InternetGateway::change("vpc", &vpc, &Value::Null), Change::InPlace);
        assert_eq!(InternetGateway::change("tags.a", &"1".into(), &"2".into()), Change::InPlace);
    }
}
