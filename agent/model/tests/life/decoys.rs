//! Things of others: of every kind, with the very specs and names of the stack's own, owned by nobody or by another stack.
//! None of them is ever changed or deleted; where one has a name that the stack needs, the run ends with a failure that
//! names it, and goes through once it is gone.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::allowed::Allowed;
use agent_core::desired::Desired;
use agent_core::doc::{self, Doc, LINK};
use agent_core::fake::faults::Faults;
use agent_core::kind::Kind;
use agent_core::live::{LiveDoc, Mark, Owner};
use agent_core::pass::PassReport;
use agent_core::report::{Outcome, StepError};
use agent_core::state::Ended;
use agent_model::each_kind;
use agent_model::kinds::table;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::bench::{Bench, desired, run, told};
use crate::histories::{Storm, config, storm};
use crate::stacks::{Edit, Stack, edit, stack};

macro_rules! putters {
    ($($kind:ty,)*) => {
        fn put(bench: &Bench, kind: &str, spec: &Value, owner: Owner) -> String {
            let spec = Doc::from_value(spec);
            $(if kind == <$kind as Kind>::NAME {
                let typed = spec.typed().unwrap_or_else(|error| panic!("{kind}: {error:?}: {spec:?}"));
                return bench.fake.put::<$kind>(&bench.scope, &typed, owner).unwrap_or_else(|error| panic!("{error}"));
            })*
            panic!("there is no kind {kind}")
        }
    };
}
each_kind!(putters);

/// Kinds with a name that is unique in the account. Other unique names are unique in something that the stack owns.
const GLOBAL: [&str; 8] = [
    "ecs.cluster",
    "elb.load_balancer",
    "elb.target_group",
    "iam.role",
    "logs.log_group",
    "servicediscovery.namespace",
    "ssm.file",
    "ssm.parameter",
];
/// Kinds whose names come from names alone: a service's holds in the cluster of that name.
const NAMED: [&str; 9] = [
    "ecs.cluster",
    "ecs.service",
    "elb.load_balancer",
    "elb.target_group",
    "iam.role",
    "servicediscovery.namespace",
    "logs.log_group",
    "ssm.file",
    "ssm.parameter",
];

fn nobody(_: &LiveDoc) -> Owner {
    Owner::Nobody
}

/// Another stack, whose name begins like this one's, with the same components.
fn other(live: &LiveDoc) -> Owner {
    match &live.owner {
        Owner::Stack(mark) => Owner::Stack(Mark { stack: "um2".into(), ..mark.clone() }),
        Owner::Nobody => Owner::Nobody,
    }
}

/// Objects that are not to be touched, as they were put there, with the addresses of those whose names they have.
#[derive(Default)]
struct Decoys {
    before: BTreeMap<String, String>,
    taken: BTreeMap<String, Address>,
}

impl Decoys {
    fn add(&mut self, bench: &Bench, id: &str, takes: Option<Address>) {
        self.before.insert(id.to_owned(), format!("{:?}", bench.fake.objects()[id]));
        self.taken.extend(takes.map(|address| (id.to_owned(), address)));
    }

    fn are_untouched(&self, bench: &Bench) {
        let now = bench.fake.objects();
        for (id, before) in &self.before {
            let live = now.get(id).unwrap_or_else(|| panic!("{id} was deleted: {before}"));
            assert_eq!(format!("{live:?}"), *before, "{id} was changed");
        }
    }

    /// Takes away those that are in the stack's way.
    fn make_way(&mut self, bench: &Bench) {
        for id in std::mem::take(&mut self.taken).into_keys() {
            bench.fake.remove(&id);
            self.before.remove(&id);
        }
    }

    /// A copy of all that a clean run made. What is named in it are the copies; of names that are unique in the account
    /// only those that are to be taken stay the same.
    fn copies(
        bench: &Bench,
        clean: &Bench,
        owner: impl Fn(&LiveDoc) -> Owner,
        takes: impl Fn(&LiveDoc) -> bool,
    ) -> Self {
        let mut all: Vec<LiveDoc> = clean.fake.objects().into_values().collect();
        // By the number at the end: in the order in which they were made, so that what is named is there.
        all.sort_by_key(|live| live.id.rsplit('-').next().map(str::to_owned));
        let kinds = table();
        let mut made: Vec<(String, Option<Address>, Value)> = Vec::new();
        let mut words: BTreeMap<(String, String), String> = BTreeMap::new();
        for live in &all {
            let kind = kinds.get(&live.kind).unwrap();
            let mut spec = live.spec.value();
            if GLOBAL.contains(&kind.name) && !takes(live) {
                spec["name"] = format!("{}-2", spec["name"].as_str().unwrap()).into();
            }
            let mut bare = spec.clone();
            for late in kind.late {
                bare.as_object_mut().unwrap().remove(*late);
            }
            let id = put(bench, kind.name, &renamed(bare, &words), owner(live));
            let (own, copy) = (live.out.value(), bench.fake.objects()[&id].out.value());
            for (field, value) in own.as_object().unwrap() {
                if let (Some(text), Some(new)) = (value.as_str(), copy[field].as_str()) {
                    words.insert((format!("{}.{field}", kind.name), text.to_owned()), new.to_owned());
                }
            }
            let is_taken = NAMED.contains(&kind.name) && name_of(live) == name_of(&bench.fake.objects()[&id]);
            made.push((id, is_taken.then(|| address_of(live)), spec));
        }
        let mut decoys = Self::default();
        for (id, takes, spec) in made {
            // The fields that may name what is made later.
            bench.fake.alter(&id, |held| *held = renamed(spec, &words));
            decoys.add(bench, &id, takes);
        }
        decoys
    }

    /// Puts a foreign twin in the place of some of the stack's own that have a unique name.
    fn usurp(&mut self, bench: &Bench, owner: impl Fn(&LiveDoc) -> Owner, whose: impl Fn(&LiveDoc) -> bool) {
        let all = bench.fake.objects();
        let own = |live: &LiveDoc| live.owner.of_stack("um").is_some() && whose(live);
        let victims: Vec<&LiveDoc> = all.values().filter(|live| own(live) && name_of(live).is_some()).collect();
        for victim in &victims {
            bench.fake.remove(&victim.id);
        }
        // They name each other, and what they name may be gone.
        let words = all.values().flat_map(|live| live.out.value().as_object().cloned().unwrap_or_default());
        let elsewhere = words.filter_map(|(_, value)| Some(value.as_str()?.to_owned())).collect();
        bench.fake.restart(Faults { elsewhere, ..Faults::default() });
        for victim in victims {
            let id = put(bench, &victim.kind, &victim.spec.value(), owner(victim));
            self.add(bench, &id, Some(address_of(victim)));
        }
        bench.fake.restart(Faults::default());
    }

    /// A run that ends as it must: converged where nothing is in the way, else with a failure that names what is.
    async fn meets(&self, bench: &Bench, wanted: &Allowed<Desired>) {
        let report = bench.converge(wanted).await.unwrap_or_else(|error| panic!("{error}"));
        self.are_untouched(bench);
        let in_the_way: BTreeSet<&Address> =
            self.taken.values().filter(|address| wanted.resources.contains_key(*address)).collect();
        if in_the_way.is_empty() {
            assert_eq!(report.ended, Ended::Converged, "{}", told(&report));
            return;
        }
        assert_eq!(report.ended, Ended::Failed, "{}", told(&report));
        let named = self.named(&report);
        assert!(!named.is_empty(), "no failure names what is in the way: {}", told(&report));
        for step in report.report.steps.iter().filter(|step| in_the_way.contains(&step.address)) {
            let is_done = matches!(step.outcome, Outcome::Done { .. });
            assert!(!is_done || step.verb == "delete", "{} is done: {}", step.address, told(&report));
        }
    }

    /// The decoys that failures name. No failure may name another's address.
    fn named(&self, report: &PassReport) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for (step, error) in report.report.failures() {
            let StepError::NotOurs { id, .. } = error else { panic!("{}: {error}", step.address) };
            assert_eq!(self.taken.get(id), Some(&step.address), "{error}");
            named.insert(id.clone());
        }
        named
    }
}

fn name_of(live: &LiveDoc) -> Option<String> {
    (table().get(&live.kind).unwrap().unique)(&live.spec).unwrap()
}

fn address_of(live: &LiveDoc) -> Address {
    let Owner::Stack(mark) = &live.owner else { panic!("{} is nobody's", live.id) };
    mark.address.clone()
}

/// A spec that names the copies of what it names.
fn renamed(spec: Value, words: &BTreeMap<(String, String), String>) -> Value {
    doc::rewrite(spec, &mut |map| {
        let (link, value) = (map.get(LINK)?.as_str()?, map.get("value")?.as_str()?);
        let (kind, field) = link.rsplit_once('.')?;
        let new = words.get(&(link.to_owned(), value.to_owned()))?;
        Some(agent_core::reference::link_value(kind, field, new))
    })
}

async fn clean(wanted: &Allowed<Desired>) -> Bench {
    let clean = Bench::new();
    clean.converged(wanted).await;
    clean
}

fn addresses(desired: &Desired) -> BTreeSet<Address> {
    desired.resources.keys().cloned().collect()
}

/// What is in the way goes; then the stack becomes what it should be, and goes too.
async fn goes_on(
    mut decoys: Decoys,
    bench: &Bench,
    clean: &Bench,
    wanted: &Allowed<Desired>,
    ever: &BTreeSet<Address>,
) {
    decoys.make_way(bench);
    decoys.meets(bench, wanted).await;
    bench.nothing_to_do(wanted).await;
    bench.is_like(clean, wanted, ever);
    bench.destroyed().await;
    decoys.are_untouched(bench);
}

#[test]
fn a_stack_stands_beside_a_foreign_copy_of_each_of_its_resources() {
    run(async {
        let wanted = desired(&Stack::rich(), true);
        let clean = clean(&wanted).await;
        for owner in [nobody, other] {
            let bench = Bench::new();
            let decoys = Decoys::copies(&bench, &clean, owner, |_| false);
            let kinds: BTreeSet<String> = bench.fake.objects().into_values().map(|live| live.kind).collect();
            assert_eq!(kinds, table().iter().map(|kind| kind.name.to_owned()).collect(), "a decoy of every kind");
            decoys.meets(&bench, &wanted).await;
            goes_on(decoys, &bench, &clean, &wanted, &addresses(&wanted)).await;
        }
    });
}

#[test]
fn a_name_that_somebody_has_is_told_and_left_to_them() {
    run(async {
        let wanted = desired(&Stack::rich(), true);
        let clean = clean(&wanted).await;
        for (kind, owner) in GLOBAL.iter().flat_map(|kind| [(*kind, nobody as fn(&LiveDoc) -> Owner), (*kind, other)]) {
            let bench = Bench::new();
            let decoys = Decoys::copies(&bench, &clean, owner, |live| live.kind == kind);
            assert!(!decoys.taken.is_empty(), "{kind}");
            decoys.meets(&bench, &wanted).await;
            goes_on(decoys, &bench, &clean, &wanted, &addresses(&wanted)).await;
        }
    });
}

#[test]
fn a_foreign_twin_in_the_place_of_a_lost_resource_is_no_resource_of_the_stack() {
    run(async {
        let wanted = desired(&Stack::rich(), true);
        let clean = clean(&wanted).await;
        let objects = clean.fake.objects();
        let named = objects.values().filter(|live| name_of(live).is_some()).map(|live| live.kind.as_str());
        let named: BTreeSet<&str> = named.collect();
        assert_eq!(named.len(), 15, "kinds with unique names: {named:?}");
        for (kind, owner) in named.iter().flat_map(|kind| [(*kind, nobody as fn(&LiveDoc) -> Owner), (*kind, other)]) {
            let bench = Bench::new();
            bench.converged(&wanted).await;
            let mut decoys = Decoys::default();
            decoys.usurp(&bench, owner, |live| live.kind == kind);
            assert!(!decoys.taken.is_empty(), "{kind}");
            decoys.meets(&bench, &wanted).await;
            goes_on(decoys, &bench, &clean, &wanted, &addresses(&wanted)).await;
        }
    });
}

/// Chance that a seed repeats, for each object by itself.
fn lot(seed: u64, live: &LiveDoc, of_a_hundred: u64) -> bool {
    let digest = doc::digest(&format!("{seed} {}", live.id));
    u64::from_str_radix(&digest[..8], 16).unwrap() % 100 < of_a_hundred
}

#[derive(Clone, Debug)]
struct Case {
    first: Stack,
    edits: Vec<Edit>,
    storm: Storm,
    seed: u64,
    /// Of a hundred foreign things, how many have a name that the stack needs.
    taken: u64,
    /// Of a hundred own things, in the place of how many there is a foreign one one day.
    usurped: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let some = || prop_oneof![2 => Just(0_u64), 1 => 1_u64..40];
    (stack(), vec(edit(), 0..4), storm(), any::<u64>(), some(), some())
        .prop_map(|(first, edits, storm, seed, taken, usurped)| Case { first, edits, storm, seed, taken, usurped })
}

async fn lived(case: Case) {
    let Case { first, edits, storm, seed, taken, usurped } = case;
    let (before, last) = (desired(&first, true), desired(&edits.into_iter().fold(first, Stack::edited), true));
    let mut ever = addresses(&before);
    ever.extend(addresses(&last));
    let clean = clean(&last).await;
    let bench = Bench::new();
    let owner = |live: &LiveDoc| if lot(seed ^ 1, live, 50) { nobody(live) } else { other(live) };
    let mut decoys = Decoys::copies(&bench, &clean, owner, |live| lot(seed ^ 2, live, taken));
    bench.fake.restart(storm.faults());
    // However it ends; nothing of others may be touched on the way.
    let _ = bench.converge(&before).await;
    decoys.are_untouched(&bench);
    tokio::time::advance(bench.timing.lease).await;
    bench.fake.restart(Faults::default());
    decoys.meets(&bench, &last).await;
    decoys.make_way(&bench);
    decoys.meets(&bench, &last).await;
    decoys.usurp(&bench, owner, |live| lot(seed ^ 3, live, usurped));
    bench.fake.restart(storm.faults());
    let _ = bench.converge(&last).await;
    decoys.are_untouched(&bench);
    tokio::time::advance(bench.timing.lease).await;
    bench.fake.restart(Faults::default());
    decoys.meets(&bench, &last).await;
    goes_on(decoys, &bench, &clean, &last, &ever).await;
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn nothing_of_others_is_ever_touched(case in case()) {
        run(lived(case));
    }
}
