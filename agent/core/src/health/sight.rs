//! How each resource is, told from what AWS holds of it, what a pass would do with it, and what AWS says of it.

use std::collections::{BTreeMap, BTreeSet};

use super::waits::waits;
use super::{Explanations, Health, Ignored, Resource, Seen, Sync};
use crate::address::Address;
use crate::desired::Wanted;
use crate::live::{LiveDoc, Phase};
use crate::plan::{Op, Step};

/// All resources that are wanted or there, each with what AWS holds of it, by address.
pub(super) fn resources<'a>(seen: &'a Seen<'a>, told: &Explanations) -> Vec<(Resource, Option<LiveDoc>)> {
    let held = held(seen);
    let plan = &seen.look.plan;
    let mut addresses: BTreeSet<&Address> = seen.desired.resources.keys().collect();
    addresses.extend(plan.steps.iter().map(|step| &step.address));
    // What is being deleted has no step any longer.
    addresses.extend(held.iter().filter(|(_, live)| live.phase == Phase::Going).map(|(address, _)| address));
    let mut all: Vec<(Resource, Option<LiveDoc>)> =
        addresses.into_iter().map(|address| one(seen, told, address, held.get(address))).collect();
    works_by_others(seen, &mut all);
    all
}

/// What AWS holds of each address: what stays, else what goes or could not be planned on.
fn held(seen: &Seen<'_>) -> BTreeMap<Address, LiveDoc> {
    let stack = &seen.desired.stack;
    let mut held: BTreeMap<Address, LiveDoc> = BTreeMap::new();
    for live in seen.look.observed.owned(stack) {
        let (live, _) = seen.desired.renames.live_now(live);
        let Some(address) = live.owner.of_stack(stack).map(|mark| mark.address.clone()) else { continue };
        let better = held.get(&address).is_none_or(|other| other.phase == Phase::Going && live.phase != Phase::Going);
        if better {
            held.insert(address, live);
        }
    }
    held.extend(seen.look.plan.current.iter().map(|(address, live)| (address.clone(), live.clone())));
    held
}

fn one(seen: &Seen<'_>, told: &Explanations, address: &Address, live: Option<&LiveDoc>) -> (Resource, Option<LiveDoc>) {
    let steps: Vec<&Step> = seen.look.plan.steps.iter().filter(|step| step.address == *address).collect();
    let wanted = seen.desired.resources.get(address);
    let (sync, pending) = sync(seen, address, &steps);
    let (health, mut reasons) = health(seen, told, address, live);
    let notes = seen.look.plan.notes.iter().filter(|note| note.address == *address).map(|note| note.text.clone());
    reasons.extend(notes);
    if steps.iter().any(|step| seen.is_stuck(step)) {
        reasons.push("it failed at this revision, and is not tried again before something changes".into());
    }
    if wanted.is_none() && pending.as_deref() == Some("delete") {
        reasons.push("the manifest does not name it".into());
    }
    let mut resource = Resource {
        address: address.clone(),
        id: live.map(|live| live.id.clone()),
        health,
        sync,
        pending,
        reasons,
        waits: waits(seen, address),
        ignored: wanted.map(|wanted| ignored(seen, address, wanted)).unwrap_or_default(),
    };
    suspend(seen, &mut resource);
    (resource, live.cloned())
}

/// The fields that are left to somebody else, with the reasons that people gave.
fn ignored(seen: &Seen<'_>, address: &Address, wanted: &Wanted) -> Vec<Ignored> {
    let component = seen
        .manifest
        .and_then(|manifest| manifest.components.iter().find(|decl| decl.address() == address.component()));
    let rest = address.as_str().split_once('/').map_or("", |(_, rest)| rest);
    let given = |field: &str| {
        let all = component.into_iter().flat_map(|decl| &decl.common.ignore);
        let mut meant = all.filter(|ignore| {
            let parts = ignore.path.split_once('/');
            parts
                .is_some_and(|(which, path)| [rest, address.kind()].contains(&which) && path.replace('/', ".") == field)
        });
        meant.next().map(|ignore| ignore.reason.clone())
    };
    let one = |field: &String| Ignored { field: field.clone(), reason: given(field).unwrap_or_default() };
    wanted.ignore.iter().map(one).collect()
}

/// Whether it is as wanted, and what is to be done with it, in one word.
fn sync(seen: &Seen<'_>, address: &Address, steps: &[&Step]) -> (Sync, Option<String>) {
    let making = steps.iter().find(|step| matches!(step.op, Op::Create { .. }));
    // The second step of a creation is part of it.
    let first = making.or_else(|| steps.iter().find(|step| matches!(step.op, Op::Update { .. }))).or(steps.first());
    if let Some(first) = first {
        let fields = match &first.op {
            Op::Create { changes, .. } => changes.len(),
            _ => steps.iter().map(|step| differing(&step.op)).sum(),
        };
        return (Sync::OutOfSync { fields }, Some(first.op.verb().to_owned()));
    }
    let plan = &seen.look.plan;
    let blocked = plan.notes.iter().any(|note| note.blocks && note.address == *address);
    let unread = plan.not_read.contains_key(address.kind()) && !plan.current.contains_key(address);
    match (blocked || unread, seen.desired.resources.contains_key(address)) {
        (true, _) => (Sync::Unknown, None),
        (false, true) => (Sync::Synced, None),
        // It is going already, and that is as wanted.
        (false, false) => (Sync::OutOfSync { fields: 0 }, None),
    }
}

fn differing(op: &Op) -> usize {
    match op {
        Op::Update { changes, .. } => changes.len(),
        _ => 0,
    }
}

fn health(seen: &Seen<'_>, told: &Explanations, address: &Address, live: Option<&LiveDoc>) -> (Health, Vec<String>) {
    let plan = &seen.look.plan;
    if let Some(fault) = plan.not_read.get(address.kind()).filter(|_| !plan.current.contains_key(address)) {
        return (Health::Unknown, vec![format!("{} could not be read: {fault}", address.kind())]);
    }
    let Some(live) = live else { return (Health::Missing, Vec::new()) };
    let (mut health, mut reasons) = by_phase(&live.phase);
    // A kind may tell more from what was read than its phase does.
    let more = seen.kinds.get(&live.kind).and_then(|kind| (kind.health)(&live.spec, &live.out).ok().flatten());
    if let Some((found, reason)) = more.filter(|_| live.phase == Phase::Ready) {
        health = health.max(found);
        reasons.push(reason);
    }
    if let Some(told) = told.of(live) {
        health = health.max(told.health.unwrap_or(health));
        reasons.retain(|known| !is_told_in_full(known, &told.reasons));
        reasons.extend(told.reasons.iter().cloned());
    }
    if reasons.is_empty() {
        reasons.extend(in_words(&live.phase).map(str::to_owned));
    }
    (health, reasons)
}

/// A phase has AWS's reason and perhaps more behind it; who was asked why tells the same, and the rest in order.
fn is_told_in_full(known: &str, told: &[String]) -> bool {
    let first = known.split_once("; ").map_or(known, |(first, _)| first);
    told.iter().any(|reason| reason.contains(first))
}

fn by_phase(phase: &Phase) -> (Health, Vec<String>) {
    match phase {
        Phase::Ready => (Health::Healthy, Vec::new()),
        Phase::Coming | Phase::Changing | Phase::Going => (Health::Progressing, Vec::new()),
        Phase::Broken(reason) => (Health::Degraded, vec![reason.clone()]),
    }
}

/// What is said where AWS gives no reason.
fn in_words(phase: &Phase) -> Option<&'static str> {
    match phase {
        Phase::Coming => Some("it is being made"),
        Phase::Changing => Some("it is being changed"),
        Phase::Going => Some("it is being deleted"),
        Phase::Ready | Phase::Broken(_) => None,
    }
}

/// Nobody puts right what is suspended: to say that it is missing would call for somebody.
fn suspend(seen: &Seen<'_>, resource: &mut Resource) {
    let is_quiet = matches!(resource.health, Health::Healthy | Health::Missing);
    if seen.suspended.is_some() && resource.pending.is_some() && is_quiet {
        resource.health = Health::Suspended;
        resource.waits = None;
    }
}

/// A service whose targets are all unhealthy does not work, whatever AWS calls it.
fn works_by_others(seen: &Seen<'_>, all: &mut [(Resource, Option<LiveDoc>)]) {
    let bad: BTreeSet<Address> = all
        .iter()
        .filter(|(resource, _)| resource.health == Health::Degraded)
        .map(|(resource, _)| resource.address.clone())
        .collect();
    for (resource, live) in all.iter_mut() {
        let Some(kind) = seen.kinds.get(resource.address.kind()) else { continue };
        let named = seen.desired.graph.edges(&resource.address).iter().map(|edge| &edge.to);
        let mut broken = named.filter(|to| kind.works_by.contains(&to.kind()) && bad.contains(*to));
        if let Some(other) = broken.next()
            && live.is_some()
            && resource.health < Health::Degraded
        {
            resource.health = Health::Degraded;
            resource.reasons.insert(0, format!("{other} is degraded"));
        }
    }
}
