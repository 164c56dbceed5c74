//! Samples of the way out: elastic IP addresses, NAT gateways, and the routes that lead to them.

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::Link;
use agent_model::kinds::ec2::elastic_ip::{self, ElasticIp};
use agent_model::kinds::ec2::nat_gateway::{self, NatGateway};
use agent_model::kinds::ec2::route_table::{self, RouteTable, RouteTarget};

use super::{Placed, Sample, doc, placed_gateway, placed_subnet, placed_vpc, table, tags};

pub fn samples() -> Vec<Sample> {
    vec![elastic_ip(), nat_gateway(), table_to_a_gateway()]
}

fn elastic_ip() -> Sample {
    Sample {
        needs: Vec::new(),
        address: Address::keyed("network.main", ElasticIp::NAME, "1"),
        spec: doc(&elastic_ip::Spec { tags: tags("team") }),
        changes: vec![("another tag", doc(&elastic_ip::Spec { tags: tags("other") }))],
        emulator_gaps: Vec::new(),
    }
}

fn placed_elastic_ip(key: &str) -> Placed {
    (Address::keyed("network.main", ElasticIp::NAME, key), doc(&elastic_ip::Spec { tags: tags("team") }))
}

fn gateway(subnet: &str, elastic_ip: &str) -> nat_gateway::Spec {
    nat_gateway::Spec {
        subnet: Link::keyed("network.main", subnet),
        elastic_ip: Link::keyed("network.main", elastic_ip),
        tags: tags("team"),
    }
}

/// A network with two public subnets, their way out and two addresses.
fn network() -> Vec<Placed> {
    vec![
        placed_vpc("network.main", "10.0.0.0/16"),
        placed_gateway(),
        placed_subnet("public-1", "10.0.1.0/24", "eu-west-1a"),
        placed_subnet("public-2", "10.0.2.0/24", "eu-west-1b"),
        (
            Address::keyed("network.main", RouteTable::NAME, "public"),
            doc(&table(["0.0.0.0/0"], ["public-1", "public-2"])),
        ),
        placed_elastic_ip("1"),
        placed_elastic_ip("2"),
    ]
}

fn nat_gateway() -> Sample {
    Sample {
        needs: network(),
        address: Address::keyed("network.main", NatGateway::NAME, "1"),
        spec: doc(&gateway("public-1", "1")),
        changes: vec![
            ("another tag", doc(&nat_gateway::Spec { tags: tags("other"), ..gateway("public-1", "1") })),
            ("another address: a replacement, the new one first", doc(&gateway("public-1", "2"))),
            ("another subnet: a replacement, the old one first", doc(&gateway("public-2", "1"))),
            ("both: a replacement", doc(&gateway("public-2", "2"))),
        ],
        emulator_gaps: Vec::new(),
    }
}

fn table_to_a_gateway() -> Sample {
    let to = |key: &str| route_table::Spec {
        routes: [("0.0.0.0/0".parse().unwrap(), RouteTarget::NatGateway(Link::keyed("network.main", key)))].into(),
        ..table([], ["private-1"])
    };
    let mut needs = network();
    needs.push(placed_subnet("private-1", "10.0.3.0/24", "eu-west-1a"));
    for key in ["1", "2"] {
        let spec = doc(&gateway(&format!("public-{key}"), key));
        needs.push((Address::keyed("network.main", NatGateway::NAME, key), spec));
    }
    Sample {
        needs,
        address: Address::keyed("network.main", RouteTable::NAME, "private-1"),
        spec: doc(&to("1")),
        changes: vec![
            ("another gateway", doc(&to("2"))),
            ("no way out", doc(&table([], ["private-1"]))),
            ("the internet gateway", doc(&table(["0.0.0.0/0"], ["private-1"]))),
        ],
        emulator_gaps: Vec::new(),
    }
}
