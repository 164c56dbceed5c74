//! `ec2.route_table`: the routes of subnets, and which subnets these are. Both are authoritative, but for what others put
//! there: AWS's local routes, gateway endpoints, propagation.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use agent_core::address::Address;
use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{After, Identity, Kind, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Link, Target};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::internet_gateway::InternetGatewayId;
use super::nat_gateway::{NatGateway, NatGatewayId};
use super::subnet::SubnetId;
use super::vpc::VpcId;
use super::{Cidr4, Cidr6};

/// A route table.
pub struct RouteTable;

/// The wanted state of a route table, after
/// [CreateRouteTable](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html),
/// [CreateRoute](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html) and
/// [AssociateRouteTable](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The VPC. It cannot be changed.
    pub vpc: Link<VpcId>,
    /// Where packets go, by destination; at most 500 by AWS's quota. A route that is not here is removed, except the
    /// local ones, those of gateway endpoints and those that a gateway propagates.
    #[serde(default)]
    pub routes: BTreeMap<Destination, RouteTarget>,
    /// The subnets that use this table. A subnet that another table has is taken from it; one that is not here goes back
    /// to the VPC's main table.
    #[serde(default)]
    pub subnets: BTreeSet<Link<SubnetId>>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// Where packets are headed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// `0.0.0.0/0`, host bits cleared.
    Cidr4(Cidr4),
    /// `::/0`, host bits cleared.
    Cidr6(Cidr6),
    /// `pl-…`: a managed prefix list.
    PrefixList(String),
}

/// A text that is no destination of a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a destination: expected a block of addresses such as `0.0.0.0/0`, or a prefix list `pl-…`")]
pub struct NotADestination(String);

impl FromStr for Destination {
    type Err = NotADestination;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("pl-") {
            return Ok(Self::PrefixList(text.to_owned()));
        }
        let v4 = text.parse().map(Self::Cidr4);
        v4.or_else(|_| text.parse().map(Self::Cidr6)).map_err(|_| NotADestination(text.to_owned()))
    }
}

impl TryFrom<String> for Destination {
    type Error = NotADestination;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr4(block) => block.fmt(f),
            Self::Cidr6(block) => block.fmt(f),
            Self::PrefixList(id) => f.write_str(id),
        }
    }
}

impl JsonSchema for Destination {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Destination".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["0.0.0.0/0", "::/0", "pl-0abc"] })
    }
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteTarget {
    /// The VPC's internet gateway, which must be attached.
    InternetGateway(Link<InternetGatewayId>),
    /// `nat-…`, which must be in working order.
    NatGateway(Link<NatGatewayId>),
    /// `tgw-…`
    TransitGateway(String),
    /// `pcx-…`
    VpcPeeringConnection(String),
    /// `eni-…`; what is given as an instance reads back as its network interface.
    NetworkInterface(String),
    /// `vpce-…` of a gateway load balancer's endpoint.
    VpcEndpoint(String),
    /// `vgw-…`: a virtual private gateway.
    VpnGateway(String),
    /// `eigw-…`, for IPv6 alone.
    EgressOnlyInternetGateway(String),
    /// `cagw-…`
    CarrierGateway(String),
    /// `lgw-…`
    LocalGateway(String),
    /// The ARN of a Cloud WAN core network.
    CoreNetwork(String),
    /// The ARN of an Oracle Database@AWS network.
    OdbNetwork(String),
    /// A target that this program has no word for. Only ever read, so that a route with it is seen and removed.
    Unknown(String),
}

/// What AWS knows of a route table.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `rtb-…`
    pub id: String,
}

/// A route table's id.
pub struct RouteTableId;
impl Target for RouteTableId {
    const KIND: &'static str = RouteTable::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for RouteTable {
    const NAME: &'static str = "ec2.route_table";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::Token;
    const IMMUTABLE: &'static [&'static str] = &["vpc"];
    // "A subnet can only be associated with one route table at a time", and falls back to the VPC's main one, which leads
    // nowhere: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    const EXCLUSIVE: &'static [&'static str] = &["subnets"];
    // Subnets are let go by `delete` itself. Of gateway endpoints AWS does not say; taking them away first is right anyhow.
    const HELD_BY: &'static [&'static str] = &["ec2.vpc_endpoint"];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeRouteTables")];
    const DOC: &'static str = "The routes of subnets, and which subnets these are \
        (https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html).";

    /// A NAT gateway takes minutes to come, and lets nothing through until it is `available`.
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let gateways = graph.named(own, NatGateway::NAME);
        gateways.map(|gateway| After { address: gateway.clone(), wait: Wait::Ready }).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn destinations_are_kept_as_aws_stores_them() {
        let spec: Spec = serde_json::from_value(json!({
            "vpc": "vpc-1",
            "routes": {
                "0.0.0.0/0": { "internet_gateway": { "$ref": "network.main/ec2.internet_gateway", "field": "id" } },
                "10.9.8.7/16": { "transit_gateway": "tgw-1" },
                "0:0:0:0::/0": { "egress_only_internet_gateway": "eigw-1" },
                "pl-1": { "nat_gateway": "nat-1" },
            },
        }))
        .unwrap();
        let written = serde_json::to_value(&spec).unwrap();
        let keys: BTreeSet<&str> = written["routes"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["0.0.0.0/0", "10.9.0.0/16", "::/0", "pl-1"]));
        assert_eq!(serde_json::from_value::<Spec>(written).unwrap(), spec);
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in ["", "everything", "10.0.0.1", "10.0.0.0/40"] {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
    }
}
