//! `existing` of a network: a VPC and subnets that somebody else owns. Nothing is made of it; what stands in it names AWS's ids.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::lookup;
use agent_core::manifest::{NameRule, names};
use agent_core::reference::Text;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{MOST_ZONES, Offer};
use crate::components::{Attribute, Declared, Place};
use crate::expand::Expansion;
use crate::kinds::ec2::Cidr4;

/// Keys that say how a network is made.
const OF_OWN: [(&str, &str); 7] = [
    ("cidr", "its addresses are those of the VPC"),
    ("zones", "its zones are those of the subnets"),
    ("tiers", "its tiers are the keys of `existing.subnets`"),
    ("nat", "its routes are made where it is owned"),
    ("endpoints", "its endpoints are made where it is owned: by the stack with that network, or by hand"),
    ("flow_logs", "its flow logs are kept where it is owned"),
    ("subnets", "its subnets stand in `existing.subnets`"),
];

/// What there is of a network that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    /// The VPC: `vpc-0123456789abcdef0`.
    pub(super) vpc: String,
    /// The subnets of each tier: `{ private = ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"] }`.
    pub(super) subnets: BTreeMap<String, Vec<String>>,
}

impl Existing {
    /// What AWS is asked.
    fn asked(&self) -> lookup::Existing {
        lookup::Existing { vpc: self.vpc.clone(), subnets: self.subnets.values().flatten().cloned().collect() }
    }

    /// The blocks of addresses of the VPC, as far as they are known.
    pub(super) fn blocks(&self, all: &Expansion<'_>) -> BTreeSet<Cidr4> {
        let network = all.network(&self.asked());
        let blocks = network.into_iter().flat_map(lookup::Network::blocks);
        blocks.filter_map(|block| block.parse().ok()).collect()
    }

    /// How many subnets a tier has.
    pub(super) fn len(&self, tier: &str) -> usize {
        self.subnets.get(tier).map_or(0, Vec::len)
    }

    pub(super) fn declare(&self, at: &mut Place<'_>) -> Declared {
        conflicts(at);
        self.check(at);
        let unknown = |instead| Attribute::Unknown(instead);
        let attributes = BTreeMap::from([
            ("cidr", unknown("write the block of the VPC itself")),
            ("nat_ips", unknown("write the addresses themselves: the NAT gateways are somebody else's")),
            ("vpc_id", Attribute::Text(Text::from(self.vpc.as_str()))),
        ]);
        let offer = crate::components::Offer::Network(Offer::existing(at.address(), self.clone()));
        Declared { offer: Some(offer), attributes, ..Declared::default() }
    }

    fn check(&self, at: &mut Place<'_>) {
        if !is_id(&self.vpc, "vpc-") {
            not_an_id(&self.vpc, "VPC", "vpc-", &["existing".to_owned(), "vpc".to_owned()], at);
        }
        if self.subnets.is_empty() {
            let hint = "name those of each tier: `subnets = { private = [\"subnet-…\", \"subnet-…\"] }`";
            let message = format!("`{}.existing` names no subnets", at.address());
            at.hinted("missing-key", &["existing", "subnets"], message, hint);
        }
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (tier, subnets) in &self.subnets {
            let place = |n: usize| ["existing", "subnets", tier, &n.to_string()].map(str::to_owned);
            let span = at.decl.node.locate_key(&["existing", "subnets", tier]);
            if let Some(problem) = names::check(NameRule::default(), "tier", tier, &span) {
                at.problems.push(problem);
            }
            if !(1..=MOST_ZONES).contains(&subnets.len()) {
                let message = format!(
                    "the tier `{tier}` of `{}` has {} subnets, and can have 1 to {MOST_ZONES}",
                    at.address(),
                    subnets.len()
                );
                at.problem("out-of-range", &["existing", "subnets", tier], message);
            }
            for (n, subnet) in subnets.iter().enumerate() {
                if !is_id(subnet, "subnet-") {
                    not_an_id(subnet, "subnet", "subnet-", &place(n), at);
                }
                if let Some(other) = seen.insert(subnet, tier) {
                    let message = if other == tier {
                        format!("the tier `{tier}` of `{}` names {subnet} twice", at.address())
                    } else {
                        format!("`{}` names {subnet} in the tiers `{other}` and `{tier}`", at.address())
                    };
                    at.problem("defined-twice", &place(n), message);
                }
            }
        }
    }

    /// Asks AWS, and tells of each subnet that is not there, or not in the VPC.
    pub(super) fn found(&self, all: &Expansion<'_>, at: &mut Place<'_>) {
        let Some(network) = all.network(&self.asked()) else { return };
        for (tier, subnets) in &self.subnets {
            for (n, id) in subnets.iter().enumerate() {
                let place = ["existing", "subnets", tier, &n.to_string()].map(str::to_owned);
                match network.subnets.get(id) {
                    None => {
                        let message = format!("there is no {id} in {}", at.stack.region);
                        at.hinted("not-there", &place, message, "check the id, the account and the region");
                    }
                    Some(subnet) if subnet.vpc != self.vpc => {
                        let message = format!("{id} is in {}, and not in {}", subnet.vpc, self.vpc);
                        at.problem("not-there", &place, message);
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// Each key that only a network of the stack's own has.
fn conflicts(at: &mut Place<'_>) {
    let table = at.decl.node.as_table();
    let written = OF_OWN.iter().filter(|(key, _)| table.is_some_and(|table| table.get(key).is_some()));
    for (key, why) in written.copied().collect::<Vec<_>>() {
        let message = format!("`{}` is not owned by this stack, so `{key}` says nothing", at.address());
        at.hinted_key("conflict", &[key], message, format!("take `{key}` away: {why}"));
    }
}

/// AWS's ids have 17 hex digits, and the oldest 8:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>.
fn is_id(text: &str, prefix: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix(prefix).is_some_and(|rest| matches!(rest.len(), 8 | 17) && rest.bytes().all(digit))
}

fn not_an_id(text: &str, what: &str, prefix: &str, place: &[String], at: &mut Place<'_>) {
    let hint = format!("it is `{prefix}` and 17 hex digits (8 in the oldest)");
    at.hinted("bad-id", place, format!("`{text}` is no id of a {what}"), hint);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_8_or_17_hex_digits() {
        for (text, good) in [
            ("vpc-0abc1234", true),
            ("vpc-0123456789abcdef0", true),
            ("vpc-0abc", false),
            ("vpc-0123456789abcdeg0", false),
            ("vpc-0123456789ABCDEF0", false),
            ("subnet-0abc1234", false),
            ("", false),
        ] {
            assert_eq!(is_id(text, "vpc-"), good, "{text}");
        }
    }
}
