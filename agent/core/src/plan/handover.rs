//! Things that one resource of a kind has at a time, as a subnet has one route table: whoever takes one over comes before
//! the one that had it goes or lets it go, so that it is never nobody's.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::doc::path_matches;
use crate::kind::Kinds;
use crate::plan::graph::Graph;
use crate::plan::order::{Rank, Soft};

/// The edges from those who take over to those who let go. `makes` are the steps that make or change an address, `goes`
/// those that delete one.
pub(super) fn handovers(
    makes: &BTreeMap<Address, usize>,
    goes: &[(&Address, usize)],
    (wanted, live): (&Graph, &Graph),
    kinds: &Kinds,
) -> Vec<Soft> {
    let had = |graph: &Graph, address: &Address| -> BTreeSet<Address> {
        let exclusive = kinds.get(address.kind()).map(|kind| kind.exclusive).unwrap_or_default();
        let edges = graph.edges(address).iter();
        let own = edges.filter(|edge| exclusive.iter().any(|pattern| path_matches(pattern, &edge.path)));
        own.map(|edge| edge.to.clone()).collect()
    };
    let mut takers: BTreeMap<(&str, Address), Vec<usize>> = BTreeMap::new();
    for (address, step) in makes {
        for thing in had(wanted, address).difference(&had(live, address)) {
            takers.entry((address.kind(), thing.clone())).or_default().push(*step);
        }
    }
    if takers.is_empty() {
        return Vec::new();
    }
    let changed = makes.iter().map(|(address, step)| {
        let lost = had(live, address).difference(&had(wanted, address)).cloned().collect::<BTreeSet<_>>();
        (address, *step, lost)
    });
    let gone = goes.iter().map(|(address, step)| (*address, *step, had(live, address)));
    let mut edges = Vec::new();
    for (address, step, lost) in changed.chain(gone) {
        for thing in lost {
            let takers = takers.get(&(address.kind(), thing)).into_iter().flatten();
            let others = takers.filter(|taker| **taker != step);
            edges.extend(others.map(|taker| Soft { rank: Rank::CreateFirst, before: *taker, step }));
        }
    }
    edges
}
