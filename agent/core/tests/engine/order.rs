//! The planner's order against brute force: the steps of random small plans are tried in every order on the faked cloud,
//! which refuses what AWS refuses (a link to nothing, a taken name, a deletion of what is in use). What the cloud accepts
//! is found without the planner's edges, so that the two can be held against each other.

mod small;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agent_core::address::{Address, Scope};
use agent_core::desired::{Allow, Desired, Resource};
use agent_core::doc::{Doc, digest};
use agent_core::fake::Fake;
use agent_core::kind::KindInfo;
use agent_core::live::LiveDoc;
use agent_core::observed::{Observed, Reading};
use agent_core::plan::{Op, Plan, PlanError, Settings, Step, decide, edges, plan};
use agent_core::provider::{Changed, Cloud};
use agent_core::reference::{is_open, resolve};
use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;

use self::small::{Small, small};
use crate::bench::Bench;

/// Plans of more steps than this are tried in some orders instead of all.
const ALL_ORDERS: usize = 7;

/// A faked cloud with the steps that were carried out in it, in an order that is none of the executor's business.
struct World {
    bench: Bench,
    cloud: Cloud,
    scope: Scope,
    known: BTreeMap<Address, LiveDoc>,
}

/// How a world came to be: plans, and which of their steps were carried out, in which order.
type Past<'a> = Vec<(&'a Plan, Vec<usize>)>;

impl World {
    /// An empty cloud in which things of the past were done. Ids are counted, so each time it is the same.
    fn after(past: &Past<'_>) -> Result<Self, String> {
        let bench = Bench::new();
        let (cloud, scope) = (bench.cloud.clone(), bench.scope.clone());
        let mut world = Self { bench, cloud, scope, known: BTreeMap::new() };
        for (plan, steps) in past {
            world.known = plan.current.clone();
            for step in steps {
                world.carry_out(&plan.steps[*step])?;
            }
        }
        Ok(world)
    }

    fn fake(&self) -> &Arc<Fake> {
        &self.bench.fake
    }

    fn observed(&self) -> Observed {
        let mut kinds: BTreeMap<String, Vec<LiveDoc>> = BTreeMap::new();
        for live in self.fake().objects().into_values().rev() {
            kinds.entry(live.kind.clone()).or_default().push(live);
        }
        Observed { kinds: kinds.into_iter().map(|(kind, live)| (kind, Reading::Read(live))).collect() }
    }

    /// A step as AWS sees it: one call, with all that it names as it is at this moment.
    fn carry_out(&mut self, step: &Step) -> Result<(), String> {
        let door = self.cloud.door(step.address.kind()).unwrap();
        let told = |fault: agent_core::fault::Fault| format!("{} {}: {fault}", step.op.verb(), step.address);
        let (scope, all) = (&self.scope, Changed::default());
        let id = match &step.op {
            Op::Create { spec, mark, .. } => {
                let token = digest(&format!("{:?}", mark.address));
                door.create(scope, &self.resolved(step, spec)?, mark, &token).now_or_never().unwrap().map_err(told)?
            }
            Op::Update { spec, mark, .. } => {
                let spec = self.resolved(step, spec)?;
                let live = self.known.get(&step.address).ok_or_else(|| format!("{} is not there", step.address))?;
                door.update(scope, live, &spec, &all, mark).now_or_never().unwrap().map_err(told)?;
                live.id.clone()
            }
            Op::Clear { live, spec } => {
                let mark = live.owner.of_stack("demo").unwrap();
                door.update(scope, live, spec, &all, mark).now_or_never().unwrap().map_err(told)?;
                return Ok(());
            }
            Op::Delete { live } => return door.delete(scope, live).now_or_never().unwrap().map_err(told),
        };
        self.known.insert(step.address.clone(), self.fake().objects()[&id].clone());
        Ok(())
    }

    fn resolved(&self, step: &Step, spec: &Doc) -> Result<Doc, String> {
        let kinds = self.cloud.kinds();
        let derived = |kind: &KindInfo, live: &LiveDoc, field: &str| {
            (kind.derive)(&live.spec, &self.scope).unwrap().get(field).map(|value| value.as_str().into())
        };
        let value = resolve(spec.value(), &mut |to, field| {
            let live = self.known.get(to)?;
            live.field(field).or_else(|| derived(kinds.get(to.kind())?, live, field))
        });
        if is_open(&value) {
            return Err(format!("{} names what is not there", step.address));
        }
        Ok((kinds.get(step.address.kind()).unwrap().normal)(&Doc::from_value(&value)).unwrap())
    }
}

/// What a stack wants, of these resources in this order.
fn desired(resources: Vec<Resource>) -> Desired {
    let delete = resources.iter().map(|resource| resource.address.component().to_owned());
    let delete = delete.chain(["store.a".to_owned()]).collect();
    Desired::build("demo", resources, Allow { delete, removals: 100 }, &Bench::new().cloud.kinds()).unwrap()
}

fn planned(desired: &Desired, observed: &Observed) -> Result<Plan, Vec<PlanError>> {
    let bench = Bench::new();
    plan(desired, observed, &bench.cloud.kinds(), &bench.scope, &Settings { removal_budget: 100 })
}

/// The steps of a plan that has no order.
fn unordered(desired: &Desired, observed: &Observed) -> Plan {
    let bench = Bench::new();
    let kinds = bench.cloud.kinds();
    let decided = decide::decide(desired, observed, &kinds, &bench.scope).unwrap();
    let steps = edges::steps(&decided, desired, observed, &kinds).unwrap_or_else(|errors| panic!("{errors:?}")).steps;
    Plan { stack: "demo".into(), steps, current: decided.current, ..Plan::default() }
}

/// All orders of a plan's steps, found by brute force: which sets of steps can be done, one after another, and where each
/// way ends. Two ways to one set that leave the same things behind are one.
struct Orders<'a> {
    past: &'a Past<'a>,
    plan: &'a Plan,
    end: &'a [String],
    seen: BTreeSet<(BTreeSet<usize>, Vec<String>)>,
}

impl<'a> Orders<'a> {
    fn new(past: &'a Past<'a>, plan: &'a Plan, end: &'a [String]) -> Self {
        Self { past, plan, end, seen: BTreeSet::new() }
    }

    fn world(&self, done: &[usize]) -> Result<World, String> {
        let mut past = self.past.clone();
        past.push((self.plan, done.to_vec()));
        World::after(&past)
    }

    fn is_new(&mut self, done: &[usize], world: &World) -> bool {
        self.seen.insert((done.iter().copied().collect(), world.bench.picture()))
    }

    /// Whether the cloud accepts the steps in some order, and holds what is wanted then.
    fn some(&mut self, done: &mut Vec<usize>) -> bool {
        let Ok(world) = self.world(done) else { return false };
        if done.len() == self.plan.steps.len() {
            return world.bench.picture() == self.end;
        }
        if !self.is_new(done, &world) {
            return false;
        }
        let rest: Vec<usize> = (0..self.plan.steps.len()).filter(|step| !done.contains(step)).collect();
        rest.into_iter().any(|step| {
            done.push(step);
            let found = self.some(done);
            done.pop();
            found
        })
    }

    /// Whether the cloud accepts every order that the plan's edges allow. The first that it does not accept is the error.
    fn every(&mut self, done: &mut Vec<usize>) -> Result<(), String> {
        let told = |done: &[usize]| -> String {
            let lines =
                done.iter().map(|n| format!("{n} {} {}", self.plan.steps[*n].op.verb(), self.plan.steps[*n].address));
            lines.collect::<Vec<_>>().join("\n")
        };
        let world = self.world(done).map_err(|error| format!("{error}, in the order\n{}", told(done)))?;
        if done.len() == self.plan.steps.len() {
            let picture = world.bench.picture();
            return if picture == self.end { Ok(()) } else { Err(format!("{picture:#?}\nafter\n{}", told(done))) };
        }
        if !self.is_new(done, &world) {
            return Ok(());
        }
        let free =
            |n: &usize| !done.contains(n) && self.plan.steps[*n].after.iter().all(|before| done.contains(before));
        let free: Vec<usize> = (0..self.plan.steps.len()).filter(free).collect();
        for step in free {
            done.push(step);
            let result = self.every(done);
            done.pop();
            result?;
        }
        Ok(())
    }

    /// One order that the plan's edges allow, made by chance.
    fn one(&self, seed: u64) -> Vec<usize> {
        let mut done: Vec<usize> = Vec::new();
        while done.len() < self.plan.steps.len() {
            let is_free =
                |n: &usize| !done.contains(n) && self.plan.steps[*n].after.iter().all(|before| done.contains(before));
            let free = (0..self.plan.steps.len()).filter(is_free);
            let next = free.min_by_key(|step| digest(&format!("{seed} {} {step}", done.len()))).unwrap();
            done.push(next);
        }
        done
    }
}

/// Holds a plan against brute force. Gives it, if there is one.
fn checked(past: &Past<'_>, desired: &Desired, seed: u64) -> Option<Plan> {
    let observed = World::after(past).unwrap().observed();
    let empty = Observed::default();
    let fresh = planned(desired, &empty).unwrap();
    let end = World::after(&vec![(&fresh, (0..fresh.steps.len()).collect())]).unwrap().bench.picture();
    match planned(desired, &observed) {
        Ok(plan) => {
            let mut orders = Orders::new(past, &plan, &end);
            let own: Vec<usize> = (0..plan.steps.len()).collect();
            let world =
                orders.world(&own).unwrap_or_else(|error| panic!("the plan's own order: {error}\n{}", told(&plan)));
            assert_eq!(world.bench.picture(), end, "{}", told(&plan));
            if plan.steps.len() <= ALL_ORDERS {
                orders.every(&mut Vec::new()).unwrap_or_else(|error| panic!("{error}\n{}", told(&plan)));
            } else {
                for n in 0..10 {
                    let order = orders.one(seed.wrapping_add(n));
                    let world =
                        orders.world(&order).unwrap_or_else(|error| panic!("{order:?}: {error}\n{}", told(&plan)));
                    assert_eq!(world.bench.picture(), end, "{order:?}\n{}", told(&plan));
                }
            }
            Some(plan)
        }
        Err(errors) => {
            assert!(matches!(errors.as_slice(), [PlanError::Cycle(_)]), "{errors:?}");
            let plan = unordered(desired, &observed);
            let accepted = Orders::new(past, &plan, &end).some(&mut Vec::new());
            assert!(!accepted, "there is an order, and the planner finds none: {errors:?}\n{}", told(&plan));
            None
        }
    }
}

fn told(plan: &Plan) -> String {
    let line = |(n, step): (usize, &Step)| {
        let spec = match &step.op {
            Op::Create { spec, .. } | Op::Update { spec, .. } | Op::Clear { spec, .. } => spec.as_str().to_owned(),
            Op::Delete { live } => format!("{} {}", live.id, live.spec.as_str()),
        };
        format!("{n} {} {} after {:?}: {spec}", step.op.verb(), step.address, step.after)
    };
    plan.steps.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// The same in another order.
fn shuffled(mut all: Vec<Resource>, seed: u64) -> Vec<Resource> {
    all.sort_by_key(|resource| digest(&format!("{seed} {}", resource.address)));
    all
}

const NOTHING: Small = Small {
    nets: [Some(0), None],
    groups: [None, None, None],
    pools: [None, None],
    rules: [None, None],
    service: None,
    store: None,
};

/// The plan from one stack to another, held against brute force.
fn between(first: &Small, second: &Small) -> Option<Plan> {
    let made = checked(&Vec::new(), &desired(first.resources()), 0).unwrap();
    let all = (0..made.steps.len()).collect();
    checked(&vec![(&made, all)], &desired(second.resources()), 0)
}

/// The positions in which groups are made that name others: of each, which.
fn made(from: [&[u8]; 3]) -> Vec<String> {
    let group = |from: &[u8]| Some((0, 0, from.to_vec()));
    let stack = Small { groups: from.map(group), ..NOTHING };
    let plan = checked(&Vec::new(), &desired(stack.resources()), 0).unwrap();
    let created = plan.steps.iter().filter(|step| matches!(step.op, Op::Create { .. }));
    created.map(|step| step.address.component().to_owned()).filter(|name| name.starts_with("group")).collect()
}

#[test]
fn what_had_better_come_first_does() {
    assert_eq!(made([&[1], &[2], &[]]), ["group.c", "group.b", "group.a"]);
    assert_eq!(made([&[], &[0], &[0]]), ["group.a", "group.b", "group.c"]);
    assert_eq!(made([&[2], &[], &[]]), ["group.b", "group.c", "group.a"]);
}

#[test]
fn a_circle_of_what_had_better_come_first_gives_way_in_one_place() {
    assert_eq!(made([&[1], &[0], &[]]), ["group.b", "group.a", "group.c"], "a had better come after b");
    assert_eq!(made([&[1], &[2], &[0]]), ["group.c", "group.b", "group.a"]);
    assert_eq!(made([&[0], &[], &[]]), ["group.a", "group.b", "group.c"], "nothing comes after itself");
}

/// Else this file would test nothing.
#[test]
fn the_cloud_accepts_not_every_order() {
    let stack = Small { pools: [Some((0, 0, 0)), None], rules: [Some((0, 0)), None], ..NOTHING };
    let plan = checked(&Vec::new(), &desired(stack.resources()), 0).unwrap();
    assert_eq!(plan.steps.len(), 3);
    let past = Past::new();
    let orders = Orders::new(&past, &plan, &[]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert!(orders.world(&order).is_err(), "{order:?}");
    }
    orders.world(&[0, 1, 2]).unwrap();
}

/// Whether the name is taken can be told only when it is known what the net is called in AWS.
#[test]
fn a_name_in_something_that_stays_is_freed_before_another_takes_it() {
    let group = || Some((0, 1, Vec::new()));
    let (first, second) =
        (Small { groups: [group(), None, None], ..NOTHING }, Small { groups: [None, None, group()], ..NOTHING });
    let verbs: Vec<String> = between(&first, &second).unwrap().steps.iter().map(|step| step.op.verb().into()).collect();
    assert_eq!(verbs, ["delete", "create"]);
}

/// The rule moves away, though to one that has nothing to do with the one that goes.
#[test]
fn what_can_move_elsewhere_does_so_before_a_name_is_freed() {
    let pools = |port| [Some((0, 1, port)), Some((0, 0, 0))];
    let first = Small { pools: pools(0), rules: [Some((0, 0)), None], ..NOTHING };
    let second = Small { pools: pools(1), rules: [Some((0, 1)), None], ..NOTHING };
    let plan = between(&first, &second).unwrap();
    assert_eq!(plan.steps[0].address.as_str(), "rule.a/toy.rule", "{}", told(&plan));
}

/// The name goes to another, so the old one goes before that; its own successor has another name and need not wait.
#[test]
fn what_is_replaced_passes_its_name_on_when_its_users_have_moved_to_the_new_one() {
    let rules = || [Some((1, 0)), None];
    let first = Small { nets: [Some(0), None], pools: [Some((0, 1, 0)), None], rules: rules(), ..NOTHING };
    let pools = [Some((0, 0, 0)), Some((0, 1, 0))];
    let second = Small { nets: [None, Some(0)], pools, rules: rules(), ..NOTHING };
    let plan = between(&first, &second).unwrap();
    let of_pools = plan.steps.iter().filter(|step| step.address.kind() != "toy.net");
    let steps: Vec<String> = of_pools.map(|step| format!("{} {}", step.op.verb(), step.address.component())).collect();
    assert_eq!(steps, ["replace pool.a", "update rule.a", "delete pool.a", "create pool.b"]);
}

/// The rule could move only to what waits for the rule to move.
#[test]
fn what_can_never_be_done_is_told_before_anything_is_touched() {
    let stack = |port| Small { pools: [Some((0, 1, port)), None], rules: [Some((0, 0)), None], ..NOTHING };
    assert!(between(&stack(0), &stack(1)).is_none());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn plans_are_in_an_order_that_is_accepted(
        stacks in vec(small(), 1..4),
        cuts in vec(any::<u8>(), 3),
        seed in any::<u64>(),
    ) {
        let mut plans: Vec<(Plan, Vec<usize>)> = Vec::new();
        for (stack, cut) in stacks.iter().zip(cuts) {
            let past: Past<'_> = plans.iter().map(|(plan, done)| (plan, done.clone())).collect();
            let wanted = desired(stack.resources());
            let Some(plan) = checked(&past, &wanted, seed) else { break };
            let observed = World::after(&past).unwrap().observed();
            let again = planned(&desired(shuffled(stack.resources(), seed)), &observed).unwrap();
            assert_eq!(serde_json::to_string(&plan).unwrap(), serde_json::to_string(&again).unwrap());
            // Every other process dies on the way.
            let done = if cut % 2 == 0 { plan.steps.len() } else { usize::from(cut) % (plan.steps.len() + 1) };
            plans.push((plan, (0..done).collect()));
        }
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
