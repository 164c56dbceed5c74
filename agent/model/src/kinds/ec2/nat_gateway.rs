//! `ec2.nat_gateway`: the way to the internet for subnets without public addresses, from one public subnet and with one
//! elastic IP address. Private and regional gateways and second addresses are none of it; routes to it are the route
//! tables' to say.

use agent_core::address::Address;
use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{After, Identity, Kind, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elastic_ip::ElasticIpId;
use super::internet_gateway::InternetGateway;
use super::route_table::RouteTable;
use super::subnet::{Subnet, SubnetId};
use super::vpc::Vpc;

/// A NAT gateway.
pub struct NatGateway;

/// The wanted state of a NAT gateway, after
/// [CreateNatGateway](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html): public and zonal,
/// which are AWS's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The subnet that it stands in, which needs a route to an internet gateway. It cannot be changed.
    pub subnet: Link<SubnetId>,
    /// The address that the internet sees. It is in one NAT gateway at most. It cannot be changed.
    pub elastic_ip: Link<ElasticIpId>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// What AWS knows of a NAT gateway.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `nat-…`
    pub id: String,
    /// The address that the internet sees; absent while AWS has not tied it to the gateway.
    pub public_ip: Option<String>,
}

/// A NAT gateway's id.
pub struct NatGatewayId;
impl Target for NatGatewayId {
    const KIND: &'static str = NatGateway::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for NatGateway {
    const NAME: &'static str = "ec2.nat_gateway";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::Token;
    const IMMUTABLE: &'static [&'static str] = &["elastic_ip", "subnet"];
    // "Deleting a NAT gateway … doesn't delete any NAT gateway routes in your route tables": they become black holes.
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeNatGateways")];
    const DOC: &'static str = "The way to the internet for subnets without public addresses \
        (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html).";

    /// `Gateway.NotAttached`: "Network vpc-… has no Internet gateway attached", so the gateway of its VPC comes first; and
    /// it works only once its own subnet has a route there.
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let after = |address: &Address, wait| After { address: address.clone(), wait };
        let mut first = Vec::new();
        for subnet in graph.named(own, Subnet::NAME) {
            for vpc in graph.named(subnet, Vpc::NAME) {
                let gateways = graph.naming(vpc).filter(|other| other.kind() == InternetGateway::NAME);
                first.extend(gateways.map(|gateway| after(gateway, Wait::Ready)));
            }
            let tables = graph.naming(subnet).filter(|other| other.kind() == RouteTable::NAME);
            // A table that leads to itself is no way out, and waits for it.
            let others = tables.filter(|table| !graph.named(table, Self::NAME).any(|gateway| gateway == own));
            first.extend(others.map(|table| after(table, Wait::Exists)));
        }
        first
    }

    /// `Resource.AlreadyAssociated`: its address is in one gateway at most. So one that keeps its address goes before its
    /// successor comes, and one that gets another address stays until the routes have left it.
    fn unique(spec: &Spec) -> Option<String> {
        let elastic_ip = Some(spec.elastic_ip.as_str()).filter(|id| !id.is_empty())?;
        Some(format!("nat-gateway/{elastic_ip}"))
    }
}

#[cfg(test)]
mod tests {
    use agent_core::doc::Edge;

    use super::*;

    fn at(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn the_way_of_its_own_subnet_to_the_internet_comes_first() {
        let own = "network.main/ec2.nat_gateway.1";
        let edges: [(&str, &[&str]); 7] = [
            (own, &["network.main/ec2.subnet.public-1", "network.main/ec2.elastic_ip.1"]),
            ("network.main/ec2.subnet.public-1", &["network.main/ec2.vpc"]),
            ("network.main/ec2.internet_gateway", &["network.main/ec2.vpc"]),
            ("network.far/ec2.internet_gateway", &["network.far/ec2.vpc"]),
            ("network.main/ec2.route_table.public", &["network.main/ec2.subnet.public-1"]),
            ("network.main/ec2.route_table.private", &["network.main/ec2.subnet.private-1", own]),
            ("network.main/ec2.route_table.loop", &["network.main/ec2.subnet.public-1", own]),
        ];
        let mut graph = Graph::default();
        for (from, to) in edges {
            let edge = |to: &&str| Edge { path: "x".into(), to: at(to), field: "id".into() };
            graph.add(&at(from), to.iter().map(edge).collect());
        }
        let told: Vec<(String, Wait)> =
            NatGateway::also_after(&at(own), &graph).into_iter().map(|a| (a.address.to_string(), a.wait)).collect();
        let expected = [
            ("network.main/ec2.internet_gateway".to_owned(), Wait::Ready),
            ("network.main/ec2.route_table.public".to_owned(), Wait::Exists),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_address_is_in_one_gateway_once_it_is_known() {
        let spec = |elastic_ip| Spec { subnet: Link::value("subnet-1"), elastic_ip, tags: Tags::default() };
        let known = spec(Link::value("eipalloc-1"));
        assert_eq!(NatGateway::unique(&known).as_deref(), Some("nat-gateway/eipalloc-1"));
        assert_eq!(NatGateway::unique(&spec(Link::keyed("network.main", "1"))), None);
    }
}
