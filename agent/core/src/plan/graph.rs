//! Who names whom: the references of all resources of a stack, wanted or live, both ways.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::address::Address;
use crate::doc::{self, Edge};

/// The references between resources. Nodes are addresses; an edge goes from the one that names to the one named.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    out: BTreeMap<Address, Vec<Edge>>,
    back: BTreeMap<Address, BTreeSet<Address>>,
}

impl Graph {
    /// The graph of documents.
    pub fn of<'a>(docs: impl IntoIterator<Item = (&'a Address, &'a Value)>) -> Self {
        let mut graph = Self::default();
        for (address, value) in docs {
            graph.add(address, doc::edges(value));
        }
        graph
    }

    /// Adds a node with its edges; more than once for several objects of one address.
    pub fn add(&mut self, address: &Address, edges: Vec<Edge>) {
        for edge in &edges {
            self.back.entry(edge.to.clone()).or_default().insert(address.clone());
        }
        self.out.entry(address.clone()).or_default().extend(edges);
    }

    /// Whether the address is a node.
    pub fn contains(&self, address: &Address) -> bool {
        self.out.contains_key(address)
    }

    /// What an address names.
    pub fn edges(&self, from: &Address) -> &[Edge] {
        self.out.get(from).map(Vec::as_slice).unwrap_or_default()
    }

    /// The addresses of a kind that `from` names.
    pub fn named<'a>(&'a self, from: &'a Address, kind: &'a str) -> impl Iterator<Item = &'a Address> {
        self.edges(from).iter().map(|edge| &edge.to).filter(move |to| to.kind() == kind)
    }

    /// The addresses that name `to`.
    pub fn naming<'a>(&'a self, to: &Address) -> impl Iterator<Item = &'a Address> {
        self.back.get(to).into_iter().flatten()
    }

    /// All addresses of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Address> {
        self.out.keys().filter(move |address| address.kind() == kind)
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Address> {
        self.out.keys()
    }
}
