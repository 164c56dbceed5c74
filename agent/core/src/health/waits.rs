//! What stands in the way of a resource: the edge of the plan that blocks it, and what is at the end of the chain.

use std::collections::BTreeSet;

use super::{Seen, Waits};
use crate::address::Address;
use crate::kind::Wait;
use crate::live::Phase;
use crate::plan::{Op, Step};

/// Something that blocks, and how it is.
struct Blocker {
    address: Address,
    which_is: String,
    /// AWS is busy with it, or it failed: the next pass does not just go on.
    is_live: bool,
}

/// What the next step of a resource waits for: what AWS is busy with before what is only to be done first.
pub(super) fn waits(seen: &Seen<'_>, address: &Address) -> Option<Waits> {
    let step = seen.look.plan.steps.iter().find(|step| step.address == *address)?;
    let blockers = blockers(seen, step);
    if let Some(live) = blockers.iter().find(|blocker| blocker.is_live) {
        return Some(Waits { on: live.address.clone(), which_is: live.which_is.clone(), in_the_end: None });
    }
    let ends = blockers.iter().map(|blocker| {
        let end = end(seen, &blocker.address, &mut BTreeSet::from([address.clone()]));
        (blocker, end)
    });
    let (blocker, end) = ends.reduce(|best, next| if best.1.is_none() && next.1.is_some() { next } else { best })?;
    // Of what works, that another step comes first is no news: the next pass takes both.
    if end.is_none() && seen.look.plan.current.contains_key(address) {
        return None;
    }
    let in_the_end = end.map(|end| (end.address, end.which_is));
    Some(Waits { on: blocker.address.clone(), which_is: blocker.which_is.clone(), in_the_end })
}

/// What the steps of an address wait for in the end, where that is something that AWS is busy with.
fn end(seen: &Seen<'_>, address: &Address, visited: &mut BTreeSet<Address>) -> Option<Blocker> {
    if !visited.insert(address.clone()) {
        return None;
    }
    let step = seen.look.plan.steps.iter().find(|step| step.address == *address)?;
    let blockers = blockers(seen, step);
    let (live, planned): (Vec<_>, Vec<_>) = blockers.into_iter().partition(|blocker| blocker.is_live);
    live.into_iter().next().or_else(|| planned.iter().find_map(|blocker| end(seen, &blocker.address, visited)))
}

fn blockers(seen: &Seen<'_>, step: &Step) -> Vec<Blocker> {
    let plan = &seen.look.plan;
    let mut found = Vec::new();
    for need in &step.needs {
        if let Some(live) = plan.current.get(&need.address)
            && let Some(which_is) = in_the_way(&live.phase, need.wait)
        {
            found.push(Blocker { address: need.address.clone(), which_is, is_live: true });
        }
    }
    found.extend(fields_not_there(seen, step));
    for before in step.after.iter().filter_map(|before| plan.steps.get(*before)) {
        if before.address != step.address {
            let is_stuck = seen.is_stuck(before);
            let to_be = format!("to be {} first", participle(&before.op));
            let which_is = if is_stuck { format!("{to_be}, and failed") } else { to_be };
            found.push(Blocker { address: before.address.clone(), which_is, is_live: is_stuck });
        }
    }
    found
}

fn in_the_way(phase: &Phase, wait: Wait) -> Option<String> {
    match phase {
        Phase::Ready => None,
        Phase::Changing if wait != Wait::Settled => None,
        _ => Some(phase.to_string()),
    }
}

/// What it names and is there, but without the field yet that only AWS knows.
fn fields_not_there(seen: &Seen<'_>, step: &Step) -> Vec<Blocker> {
    let (Op::Create { spec, .. } | Op::Update { spec, .. }) = &step.op else { return Vec::new() };
    let edges = crate::doc::edges(&spec.value());
    let absent = edges.into_iter().filter_map(|edge| {
        let live = seen.look.plan.current.get(&edge.to).filter(|live| live.phase != Phase::Ready)?;
        let lacks = live.field(&edge.field).is_none();
        lacks.then(|| Blocker { which_is: live.phase.to_string(), address: edge.to, is_live: true })
    });
    absent.collect()
}

fn participle(op: &Op) -> &'static str {
    match op {
        Op::Create { replaces: false, .. } => "created",
        Op::Create { replaces: true, .. } => "replaced",
        Op::Update { .. } => "updated",
        Op::Clear { .. } => "emptied",
        Op::Delete { .. } => "deleted",
    }
}
