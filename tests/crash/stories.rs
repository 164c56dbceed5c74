//! The stories of the matrix on emulated AWS, made from the conformance samples: each creates, changes, replaces or deletes
//! one resource, beside what it needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_core::desired::Resource;
use agent_core::fake::Fake;
use agent_core::plan::Op;
use agent_core::state::Ended;

use crate::conformance::suite::STACK;
use crate::conformance::{Sample, samples};
use crate::world::World;

pub const OPS: [&str; 4] = ["create", "update", "replace", "delete"];

/// One state of a stack.
pub struct Side {
    /// Which sample it is of, and which of its states.
    pub name: (usize, usize),
    pub resources: Vec<Resource>,
    /// The side that it is come to from. What AWS decides, and what is retained, depends on the way.
    pub from: Option<Arc<Side>>,
}

/// From one state of a stack to another.
pub struct Story {
    /// Of what kind the resource is.
    pub kind: &'static str,
    /// One of [`OPS`].
    pub op: &'static str,
    pub name: String,
    pub before: Arc<Side>,
    pub after: Arc<Side>,
}

/// The stories of each sample, in an order in which each goes on where the one before ended; or, of the first sample of each
/// kind, those of one change: in place and by replacement in turns.
pub fn stories(all: bool) -> Vec<Vec<Story>> {
    let mut kinds = BTreeSet::new();
    let mut stories = Vec::new();
    for (number, sample) in samples().iter().enumerate() {
        // A kind's first sample is the one with everything.
        let first = kinds.insert(sample.address.kind().to_owned());
        if all || first {
            let operation = if kinds.len().is_multiple_of(2) { "update" } else { "replace" };
            let one = (!all).then_some(operation);
            stories.push(of(number, sample, one));
        }
    }
    stories
}

/// All stories of a sample, or those of one change, of that operation if there is one.
fn of(number: usize, sample: &Sample, one: Option<&str>) -> Vec<Story> {
    let table = agent_model::kinds::table();
    let kind = table.iter().find(|kind| kind.name == sample.address.kind()).expect("a sample is of a kind").name;
    let gaps = sample.gaps();
    let side = |state, spec, from: Option<&Arc<Side>>| {
        Arc::new(Side { name: (number, state), resources: sample.resources(spec, &gaps), from: from.cloned() })
    };
    let story = |op, what: &str, before: &Arc<Side>, after: &Arc<Side>| Story {
        kind,
        op,
        name: format!("{}, {what}", sample.address),
        before: Arc::clone(before),
        after: Arc::clone(after),
    };
    let needs = side(0, None, None);
    let base = side(1, Some(&sample.spec), Some(&needs));
    let mut changes = Vec::new();
    for (state, (what, spec)) in sample.changes.iter().enumerate() {
        let changed = side(state + 2, Some(spec), Some(&base));
        if let Some(op) = change(sample, &base.resources, &changed.resources) {
            let back = story(op, &format!("back from: {what}"), &changed, &base);
            changes.push([story(op, what, &base, &changed), back]);
        }
    }
    if let Some(op) = one {
        let at = changes.iter().position(|[there, _]| there.op == op).unwrap_or_default();
        changes = changes.into_iter().skip(at).take(1).collect();
    }
    let made = story("create", "made", &needs, &base);
    let gone = story("delete", "taken away", &base, &needs);
    [made].into_iter().chain(changes.into_iter().flatten()).chain([gone]).collect()
}
/// How a change is carried out, if it is one at all: told by the plan on a faked cloud.
fn change(sample: &Sample, before: &[Resource], after: &[Resource]) -> Option<&'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let world = World::fake(&Arc::new(Fake::default()), STACK);
    let plan = runtime.block_on(async {
        let pass = world.converge(&world.desired(before.to_vec())).await.unwrap();
        assert_eq!(pass.ended, Ended::Converged, "{}: {:?}", sample.address, pass.report);
        world.look(&world.desired(after.to_vec())).await.unwrap().plan
    });
    let mut steps = plan.steps.iter().filter(|step| step.address == sample.address).peekable();
    steps.peek()?;
    let anew = steps.any(|step| matches!(step.op, Op::Create { .. } | Op::Delete { .. }));
    Some(if anew { "replace" } else { "update" })
}
