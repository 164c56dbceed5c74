//! `nat` of a network: the gateways, their addresses, and which route table leads to which.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, DATABASE, PUBLIC, subnet_key};
use crate::components::{Place, Resources};
use crate::kinds::ec2::Cidr4;
use crate::kinds::ec2::elastic_ip::{self, ElasticIp};
use crate::kinds::ec2::internet_gateway::InternetGatewayId;
use crate::kinds::ec2::nat_gateway::{self, NatGateway, NatGatewayId};
use crate::kinds::ec2::route_table::{self, Destination, RouteTable, RouteTarget};

/// How private tiers reach the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Nat {
    /// Not at all.
    #[default]
    None,
    /// Through one gateway, in the first zone: the others lose the way with it.
    Single,
    /// Through a gateway in each zone.
    PerZone,
}

/// A route table of a tier.
struct Table {
    key: String,
    /// The zones whose subnets it is for.
    zones: BTreeSet<usize>,
    /// Where all that is not local goes.
    out: Option<RouteTarget>,
}

/// Whether a tier goes out through NAT, where there is any.
pub(super) fn is_private(tier: &str) -> bool {
    tier != PUBLIC && tier != DATABASE
}

impl Nat {
    /// The zones that have a gateway.
    fn gateways(self, zones: usize) -> std::ops::RangeInclusive<usize> {
        1..=match self {
            Self::None => 0,
            Self::Single => 1,
            Self::PerZone => zones,
        }
    }

    /// The tables of a tier. Each zone has its own only where each leads elsewhere.
    fn tables(self, component: &str, tier: &str, zones: usize) -> Vec<Table> {
        let to = |zone: usize| RouteTarget::NatGateway(Link::<NatGatewayId>::keyed(component, &zone.to_string()));
        let all = |out| vec![Table { key: tier.to_owned(), zones: (1..=zones).collect(), out }];
        match self {
            _ if tier == PUBLIC => all(Some(RouteTarget::InternetGateway(Link::<InternetGatewayId>::to(component)))),
            Self::Single if is_private(tier) => all(Some(to(1))),
            Self::PerZone if is_private(tier) => (1..=zones)
                .map(|zone| Table { key: subnet_key(tier, zone), zones: [zone].into(), out: Some(to(zone)) })
                .collect(),
            _ => all(None),
        }
    }

    /// The keys of the tables of a tier.
    pub(super) fn table_keys(self, component: &str, tier: &str, zones: usize) -> Vec<String> {
        self.tables(component, tier, zones).into_iter().map(|table| table.key).collect()
    }

    /// The public addresses from which private tiers are seen, with commas between them.
    pub(super) fn addresses(self, component: &str, zones: usize) -> Option<Text> {
        let all = self.gateways(zones).map(|zone| Address::keyed(component, ElasticIp::NAME, &address_key(zone)));
        all.fold(None, |text: Option<Text>, address| {
            Some(match text {
                None => Text::reference(address, "public_ip"),
                Some(text) => text.then(",").then_ref(address, "public_ip"),
            })
        })
    }
}

fn address_key(zone: usize) -> String {
    format!("nat-{zone}")
}

impl Config {
    pub(super) fn check_nat(&self, at: &mut Place<'_>) {
        if self.nat == Nat::None {
            return;
        }
        let own = at.address();
        if !self.tiers.iter().any(|tier| tier == PUBLIC) {
            let message = format!("the NAT gateways of `{own}` stand in its public tier, and it has none");
            at.hinted("missing-tier", &["nat"], message, "add `\"public\"` to `tiers`");
        }
        if !self.tiers.iter().any(|tier| is_private(tier)) {
            let message =
                format!("`{own}` has no tier that goes out through NAT: public needs none, database never does");
            at.hinted("missing-tier", &["nat"], message, "add `\"private\"` to `tiers`, or take `nat` away");
        }
    }

    /// The gateways with their addresses, and the route tables of all tiers.
    pub(super) fn add_routes(&self, tiers: &BTreeMap<String, Vec<Cidr4>>, made: &mut Resources, at: &Place<'_>) {
        let own = at.address();
        for zone in self.nat.gateways(self.zones.len()) {
            let key = address_key(zone);
            made.keyed::<ElasticIp>(&key, &elastic_ip::Spec { tags: at.named_tags(&[&key]) });
            made.keyed::<NatGateway>(
                &zone.to_string(),
                &nat_gateway::Spec {
                    subnet: Link::keyed(&own, &subnet_key(PUBLIC, zone)),
                    elastic_ip: Link::keyed(&own, &key),
                    tags: at.named_tags(&[&key]),
                },
            );
        }
        for (tier, blocks) in tiers {
            for table in self.nat.tables(&own, tier, blocks.len()) {
                let everywhere = Destination::Cidr4(Cidr4::new(ipnet::Ipv4Net::default()));
                made.keyed::<RouteTable>(
                    &table.key,
                    &route_table::Spec {
                        vpc: Link::to(&own),
                        routes: table.out.map(|out| (everywhere, out)).into_iter().collect(),
                        subnets: table.zones.iter().map(|zone| Link::keyed(&own, &subnet_key(tier, *zone))).collect(),
                        tags: at.named_tags(&[&table.key]),
                    },
                );
            }
        }
    }
}
