//! Puts the steps into an order in which each comes after those that it waits for. Where that is impossible, edges give
//! way that AWS does not ask for.

use std::collections::BTreeSet;

use crate::plan::{PlanError, Step};

/// An edge that is kept if it can be: AWS takes the two steps the other way round as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Soft {
    /// Why it is there.
    pub rank: Rank,
    /// The step that comes first.
    pub before: usize,
    /// The step that waits.
    pub step: usize,
}

/// Soft edges by what is lost without them, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// One is made, or changed, after what it had better come after.
    Rather,
    /// A user goes, or moves, before what it uses, although AWS would not hinder it.
    Use,
    /// The new one of two is there before the old one goes, so that there is always one.
    CreateFirst,
}

/// Kahn's algorithm with an ordered queue: the same steps give the same order, whatever order they were found in.
/// `after` and `rather` of each step are rewritten to positions in the result.
pub fn order(mut steps: Vec<Step>, mut soft: Vec<Soft>) -> Result<Vec<Step>, Vec<PlanError>> {
    soft.sort_unstable();
    soft.dedup();
    let order = loop {
        let waits = waits(&steps, &soft);
        match sorted(&waits) {
            Ok(order) => break order,
            Err(stuck) => {
                let in_circle = |one: &Soft| waits_for(&waits, &stuck, one.before, one.step);
                let Some(weakest) = soft.iter().position(in_circle) else {
                    let circle = stuck.iter().filter(|step| waits_for(&waits, &stuck, **step, **step));
                    let names = circle.map(|n| format!("{} {}", steps[*n].op.verb(), steps[*n].address)).collect();
                    return Err(vec![PlanError::Cycle(names)]);
                };
                soft.remove(weakest);
            }
        }
    };
    for Soft { rank, before, step } in soft {
        let step = &mut steps[step];
        if rank == Rank::Rather { &mut step.rather } else { &mut step.after }.push(before);
    }
    let mut position = vec![0; steps.len()];
    for (at, step) in order.iter().enumerate() {
        position[*step] = at;
    }
    let mut slots: Vec<(usize, Step)> = steps.into_iter().enumerate().map(|(n, step)| (position[n], step)).collect();
    slots.sort_by_key(|(at, _)| *at);
    let ordered = slots.into_iter().map(|(_, mut step)| {
        for list in [&mut step.after, &mut step.rather] {
            *list = list.iter().map(|before| position[*before]).collect();
            list.sort_unstable();
            list.dedup();
        }
        step
    });
    Ok(ordered.collect())
}

fn waits(steps: &[Step], soft: &[Soft]) -> Vec<BTreeSet<usize>> {
    let mut waits: Vec<BTreeSet<usize>> = steps.iter().map(|step| step.after.iter().copied().collect()).collect();
    for one in soft {
        waits[one.step].insert(one.before);
    }
    waits
}

/// The order, or the steps that come into none.
fn sorted(waits: &[BTreeSet<usize>]) -> Result<Vec<usize>, BTreeSet<usize>> {
    let mut waits = waits.to_vec();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); waits.len()];
    for (step, after) in waits.iter().enumerate() {
        for before in after {
            users[*before].push(step);
        }
    }
    let mut free: BTreeSet<usize> = (0..waits.len()).filter(|step| waits[*step].is_empty()).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(next) = free.pop_first() {
        order.push(next);
        for user in &users[next] {
            waits[*user].remove(&next);
            if waits[*user].is_empty() {
                free.insert(*user);
            }
        }
    }
    if order.len() == waits.len() {
        Ok(order)
    } else {
        Err((0..waits.len()).filter(|n| !waits[*n].is_empty()).collect())
    }
}

/// Whether a step waits for another, directly or through others that are stuck.
fn waits_for(waits: &[BTreeSet<usize>], stuck: &BTreeSet<usize>, step: usize, before: usize) -> bool {
    let mut reached = BTreeSet::new();
    let mut next = vec![step];
    while let Some(step) = next.pop() {
        for earlier in waits[step].iter().filter(|earlier| stuck.contains(*earlier)) {
            if *earlier == before {
                return true;
            }
            if reached.insert(*earlier) {
                next.push(*earlier);
            }
        }
    }
    false
}
