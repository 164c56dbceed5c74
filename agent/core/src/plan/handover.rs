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

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::doc::Edge;
    use crate::kind::{Identity, Kind, KindInfo};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Nothing {}

    struct Table;
    impl Kind for Table {
        const NAME: &'static str = "toy.table";
        type Spec = Nothing;
        type Out = Nothing;
        const IDENTITY: Identity = Identity::Token;
        const IMMUTABLE: &'static [&'static str] = &[];
        const EXCLUSIVE: &'static [&'static str] = &["seats"];
        const DOC: &'static str = "Like a route table.";
    }

    fn at(text: &str) -> Address {
        text.parse().unwrap()
    }

    /// Tables with the seats at each.
    fn graph(tables: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (table, seats) in tables {
            let edge = |(n, seat): (usize, &&str)| {
                let to = at(&format!("room.a/toy.seat.{seat}"));
                Edge { path: format!("seats.{n}"), to, field: "id".into() }
            };
            let view = Edge { path: "view".into(), to: at("room.a/toy.window"), field: "id".into() };
            graph.add(&table_at(table), seats.iter().enumerate().map(edge).chain([view]).collect());
        }
        graph
    }

    fn table_at(key: &str) -> Address {
        at(&format!("room.a/toy.table.{key}"))
    }

    /// The edges, as `before -> step`; makes are numbered from 0, those that go from 10.
    fn told(live: &[(&str, &[&str])], wanted: &[(&str, &[&str])]) -> Vec<(usize, usize)> {
        let keys = |all: &[(&str, &[&str])]| all.iter().map(|(key, _)| table_at(key)).collect::<Vec<_>>();
        let makes = keys(wanted).into_iter().enumerate().map(|(n, address)| (address, n)).collect();
        let gone: Vec<Address> = keys(live).into_iter().filter(|one| !keys(wanted).contains(one)).collect();
        let goes: Vec<(&Address, usize)> = gone.iter().enumerate().map(|(n, address)| (address, 10 + n)).collect();
        let kinds = Kinds::new([KindInfo::of::<Table>()]);
        let edges = handovers(&makes, &goes, (&graph(wanted), &graph(live)), &kinds);
        edges.into_iter().map(|edge| (edge.before, edge.step)).collect()
    }

    #[test]
    fn who_takes_over_comes_before_who_goes() {
        let live: [(&str, &[&str]); 1] = [("old", &["1", "2"])];
        assert_eq!(told(&live, &[("a", &["1"]), ("b", &["2"])]), [(0, 10), (1, 10)]);
        assert_eq!(told(&live, &[]), [], "nobody takes over");
    }

    #[test]
    fn who_takes_over_comes_before_who_lets_go() {
        let live: [(&str, &[&str]); 1] = [("a", &["1", "2"])];
        assert_eq!(told(&live, &[("a", &["1"]), ("b", &["2"])]), [(1, 0)]);
        assert_eq!(told(&live, &[("a", &["1", "2"]), ("b", &["3"])]), []);
    }

    /// A circle, which gives way: these edges are soft.
    #[test]
    fn two_that_exchange_something_each_come_before_the_other() {
        assert_eq!(told(&[("a", &["1"]), ("b", &["2"])], &[("a", &["2"]), ("b", &["1"])]), [(1, 0), (0, 1)]);
    }
}
