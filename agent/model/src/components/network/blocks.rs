//! How a network's block of addresses is cut into subnets.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use super::Config;
use crate::components::Place;
use crate::kinds::ec2::Cidr4;

/// Into how many parts a block is cut: `/16` becomes sixteen `/20`.
const BITS: u8 = 4;
/// The smallest subnet that AWS makes, and the smallest VPC.
const SMALLEST: u8 = 28;
/// The largest.
const LARGEST: u8 = 16;

/// The first of the sixteen parts that a tier takes.
pub(super) fn first_block(tier: &str) -> Option<usize> {
    match tier {
        "public" => Some(0),
        "private" => Some(4),
        "database" => Some(8),
        _ => None,
    }
}

/// The block, and the blocks of each tier's subnets in the order of the zones. `None` with a problem reported where they
/// cannot be told.
pub(super) fn cut(config: &Config, at: &mut Place<'_>) -> Option<(Cidr4, BTreeMap<String, Vec<Cidr4>>)> {
    let whole = block(config.cidr.as_deref()?, &["cidr".to_owned()], at)?;
    if !(1..=super::MOST_ZONES).contains(&config.zones.len()) {
        return None;
    }
    let before = at.problems.len();
    let mut whole_tiers = true;
    let mut tiers: BTreeMap<String, Vec<Ipv4Net>> = BTreeMap::new();
    for tier in &config.tiers {
        match (config.subnets.get(tier), first_block(tier)) {
            (Some(given), _) => {
                tiers.insert(tier.clone(), given_blocks(tier, given, whole, config.zones.len(), at));
            }
            (None, Some(first)) => {
                if whole.prefix_len() + BITS > SMALLEST {
                    let message = format!(
                        "`{whole}` is too small to be cut into 16 subnets: AWS makes none smaller than `/{SMALLEST}`"
                    );
                    let hint = format!("take a `/{}` or larger, or give all `subnets`", SMALLEST - BITS);
                    at.hinted("bad-cidr", &["cidr"], message, hint);
                    return None;
                }
                let parts = whole.subnets(whole.prefix_len() + BITS).ok()?;
                tiers.insert(tier.clone(), parts.skip(first).take(config.zones.len()).collect());
            }
            // A tier without blocks was reported with the tiers.
            (None, None) => whole_tiers = false,
        }
    }
    overlaps(&tiers, config, at);
    if !whole_tiers || at.problems.len() > before {
        return None;
    }
    let tiers = tiers.into_iter().map(|(tier, blocks)| (tier, blocks.into_iter().map(Cidr4::new).collect()));
    Some((Cidr4::new(whole), tiers.collect()))
}

/// A block of the size that AWS takes, written as AWS writes it.
fn block(text: &str, place: &[String], at: &mut Place<'_>) -> Option<Ipv4Net> {
    let Ok(net) = text.parse::<Ipv4Net>() else {
        let hint = "write address and length: `\"10.20.0.0/16\"`";
        at.hinted("bad-cidr", place, format!("`{text}` is no block of IPv4 addresses"), hint);
        return None;
    };
    if !(LARGEST..=SMALLEST).contains(&net.prefix_len()) {
        let message = format!("AWS makes no network of the size of `{text}`");
        at.hinted("bad-cidr", place, message, format!("the length is `/{LARGEST}` to `/{SMALLEST}`"));
        return None;
    }
    if net.trunc() != net {
        let hint = format!("did you mean `{}`?", net.trunc());
        at.hinted("bad-cidr", place, format!("`{text}` does not begin where a block of its length begins"), hint);
        return None;
    }
    let first = net.network();
    if first.is_loopback() || first.is_link_local() || first.is_multicast() || first.octets()[0] == 0 {
        at.problem("bad-cidr", place, format!("the addresses of `{text}` cannot be given to anything"));
        return None;
    }
    Some(net)
}

fn given_blocks(tier: &str, given: &[String], whole: Ipv4Net, zones: usize, at: &mut Place<'_>) -> Vec<Ipv4Net> {
    if given.len() != zones {
        let message =
            format!("`{}` is in {zones} zones, and its tier `{tier}` has {} of the blocks", at.address(), given.len());
        at.problem("out-of-range", &["subnets", tier], message);
    }
    let mut blocks = Vec::new();
    for (n, text) in given.iter().enumerate() {
        let place = ["subnets".to_owned(), tier.to_owned(), n.to_string()];
        let Some(net) = block(text, &place, at) else { continue };
        if !whole.contains(&net) {
            at.problem("bad-cidr", &place, format!("`{net}` is not within `{whole}`"));
        }
        blocks.push(net);
    }
    blocks
}

/// Two subnets never share an address.
fn overlaps(tiers: &BTreeMap<String, Vec<Ipv4Net>>, config: &Config, at: &mut Place<'_>) {
    let all: Vec<(&str, usize, Ipv4Net)> = tiers
        .iter()
        .flat_map(|(tier, blocks)| blocks.iter().enumerate().map(move |(n, net)| (tier.as_str(), n, *net)))
        .collect();
    for (at_one, (tier, n, net)) in all.iter().enumerate() {
        for (other_tier, other_n, other) in &all[..at_one] {
            if !(net.contains(other) || other.contains(net)) {
                continue;
            }
            // At least one of them was given: parts of a cut never overlap.
            let (tier, n) = if config.subnets.contains_key(*tier) { (*tier, *n) } else { (*other_tier, *other_n) };
            let place = ["subnets".to_owned(), tier.to_owned(), n.to_string()];
            at.problem("bad-cidr", &place, format!("`{net}` and `{other}` overlap"));
        }
    }
}
