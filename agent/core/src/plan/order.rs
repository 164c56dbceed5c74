//! Puts the steps into an order in which each comes after those that it waits for.

use std::collections::BTreeSet;

use crate::plan::{PlanError, Step};

/// Kahn's algorithm with an ordered queue: the same steps give the same order, whatever order they were found in.
/// `after` of each step is rewritten to positions in the result.
pub fn order(steps: Vec<Step>) -> Result<Vec<Step>, Vec<PlanError>> {
    let mut waits: Vec<BTreeSet<usize>> = steps.iter().map(|step| step.after.iter().copied().collect()).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (step, after) in waits.iter().enumerate() {
        for before in after {
            users[*before].push(step);
        }
    }
    let mut free: BTreeSet<usize> = (0..steps.len()).filter(|step| waits[*step].is_empty()).collect();
    let mut position: Vec<Option<usize>> = vec![None; steps.len()];
    let mut order = Vec::with_capacity(steps.len());
    while let Some(next) = free.pop_first() {
        position[next] = Some(order.len());
        order.push(next);
        for user in &users[next] {
            waits[*user].remove(&next);
            if waits[*user].is_empty() {
                free.insert(*user);
            }
        }
    }
    if order.len() < steps.len() {
        let stuck = steps.iter().enumerate().filter(|(n, _)| position[*n].is_none());
        let names = stuck.map(|(_, step)| format!("{} {}", step.op.verb(), step.address)).collect();
        return Err(vec![PlanError::Cycle(names)]);
    }
    let mut slots: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(order.len());
    for n in order {
        if let Some(mut step) = slots[n].take() {
            step.after = step.after.iter().filter_map(|before| position[*before]).collect();
            step.after.sort_unstable();
            step.after.dedup();
            ordered.push(step);
        }
    }
    Ok(ordered)
}
