//! The order of resources: each after all that it names, late fields apart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use crate::address::Address;
use crate::doc::Edge;
use crate::kind::Kinds;

/// Kahn's algorithm with an ordered queue: stable whatever order the components came in. An error is a circle.
pub(super) fn order(edges: &BTreeMap<Address, Vec<Edge>>, kinds: &Kinds) -> Result<Vec<Address>, Vec<Address>> {
    // Sorted, so that a position stands for its address.
    let all: Vec<&Address> = edges.keys().collect();
    let needs = needs(&all, edges, kinds);
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (at, needs) in needs.iter().enumerate() {
        for to in needs {
            needed_by[*to].push(at);
        }
    }
    let mut waits_for: Vec<usize> = needs.iter().map(Vec::len).collect();
    let free = waits_for.iter().enumerate().filter(|(_, n)| **n == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(|(at, _)| Reverse(at)).collect();
    let mut order = Vec::with_capacity(all.len());
    while let Some(Reverse(next)) = free.pop() {
        order.push(all[next].clone());
        for user in &needed_by[next] {
            waits_for[*user] -= 1;
            if waits_for[*user] == 0 {
                free.push(Reverse(*user));
            }
        }
    }
    if order.len() == all.len() {
        return Ok(order);
    }
    let mut circle: Vec<Address> = circle(&needs, &waits_for).into_iter().map(|at| all[at].clone()).collect();
    circle.sort();
    Err(circle)
}

/// What each needs before it, by position, once each.
fn needs(all: &[&Address], edges: &BTreeMap<Address, Vec<Edge>>, kinds: &Kinds) -> Vec<Vec<usize>> {
    let positions: HashMap<&Address, usize> = all.iter().enumerate().map(|(at, address)| (*address, at)).collect();
    let of = |(at, (address, edges)): (usize, (&Address, &Vec<Edge>))| {
        let kind = kinds.get(address.kind());
        let early = edges.iter().filter(|edge| !kind.is_some_and(|kind| kind.is_late(&edge.path)));
        let mut needs: Vec<usize> = early.filter_map(|edge| positions.get(&edge.to).copied()).collect();
        needs.sort_unstable();
        needs.dedup();
        needs.retain(|to| *to != at);
        needs
    };
    edges.iter().enumerate().map(of).collect()
}

/// One circle among what still waits, without what merely hangs on it.
fn circle(needs: &[Vec<usize>], waits_for: &[usize]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut next = waits_for.iter().position(|n| *n > 0);
    while let Some(at) = next {
        if let Some(start) = path.iter().position(|seen| *seen == at) {
            return path.split_off(start);
        }
        path.push(at);
        next = needs[at].iter().copied().find(|to| waits_for[*to] > 0);
    }
    path
}
