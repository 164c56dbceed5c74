//! What AWS holds of a stack, kind by kind: read, or not read and why. A kind that could not be read is never planned on.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;

use crate::address::Scope;
use crate::desired::Desired;
use crate::fault::{Class, Fault};
use crate::kind::{KindInfo, Kinds};
use crate::live::LiveDoc;
use crate::provider::{Cloud, Listing, Reads};
use crate::state::{StackState, Store};

/// What reading a kind gave.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// All of it.
    Read(Vec<LiveDoc>),
    /// Nothing that could be relied on.
    NotRead(Fault),
}

/// What AWS holds of a stack.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Observed {
    /// By kind. A kind that is not in here was not asked for: the stack has never made one.
    pub kinds: BTreeMap<String, Reading>,
}

impl Observed {
    /// The live resources of a kind; none if it was not read.
    pub fn of(&self, kind: &str) -> &[LiveDoc] {
        match self.kinds.get(kind) {
            Some(Reading::Read(live)) => live,
            _ => &[],
        }
    }

    /// All live resources.
    pub fn all(&self) -> impl Iterator<Item = &LiveDoc> {
        self.kinds.values().flat_map(|reading| match reading {
            Reading::Read(live) => live.as_slice(),
            Reading::NotRead(_) => &[],
        })
    }

    /// Those that belong to a stack.
    pub fn owned<'a>(&'a self, stack: &'a str) -> impl Iterator<Item = &'a LiveDoc> {
        self.all().filter(move |live| live.owner.of_stack(stack).is_some())
    }

    /// Why a kind could not be read.
    pub fn fault(&self, kind: &str) -> Option<&Fault> {
        match self.kinds.get(kind) {
            Some(Reading::NotRead(fault)) => Some(fault),
            _ => None,
        }
    }

    /// The kinds that could not be read.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &Fault)> {
        self.kinds.keys().filter_map(|kind| Some((kind.as_str(), self.fault(kind)?)))
    }
}

/// What a pass has to read: known from the manifest alone, before AWS has answered anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Kinds that the revision wants.
    pub kinds: BTreeSet<String>,
    /// By kind, ids that the manifest adopts.
    pub adopted: BTreeMap<String, Vec<String>>,
}

impl Interest {
    /// What a revision is interested in.
    pub fn of(desired: &Desired) -> Self {
        let mut interest = Self::default();
        for (address, wanted) in &desired.resources {
            interest.kinds.insert(address.kind().to_owned());
            if let Some(id) = &wanted.adopt {
                interest.adopted.entry(address.kind().to_owned()).or_default().push(id.clone());
            }
        }
        interest
    }
}

/// The kinds with those that they are found through.
pub(crate) fn with_parents<'a>(kinds: &'a Kinds, wanted: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut needed: BTreeSet<&str> = wanted.into_iter().filter(|name| kinds.get(name).is_some()).collect();
    loop {
        let parents: Vec<&str> =
            needed.iter().filter_map(|name| kinds.get(name)).flat_map(|kind| kind.parents.iter().copied()).collect();
        let before = needed.len();
        needed.extend(parents);
        if needed.len() == before {
            return needed;
        }
    }
}

/// Reads the kinds that the revision wants, at once with the stack's own words; then those that the stack has made
/// besides. Without a record of what it made, all.
pub async fn observe(
    cloud: &Cloud,
    scope: &Scope,
    interest: &Interest,
    store: &dyn Store,
) -> Result<(StackState, Observed), Fault> {
    let kinds = cloud.kinds();
    let reads = Reads::default();
    let mut observed = Observed::default();
    let wanted = with_parents(&kinds, interest.kinds.iter().map(String::as_str));
    let words = StackState::read(store, &scope.stack);
    let (state, ()) = join(words, read_all(cloud, scope, interest, (&kinds, &wanted), &reads, &mut observed)).await;
    let state = state?;
    let made = |name: &&str| state.kinds.as_ref().is_none_or(|made| made.contains(*name));
    let all: Vec<&str> = kinds.iter().map(|kind| kind.name).filter(made).collect();
    let more = with_parents(&kinds, all);
    read_all(cloud, scope, interest, (&kinds, &more), &reads, &mut observed).await;
    Ok((state, observed))
}

/// Reads all kinds, whatever the stack's own words say that it has made.
pub async fn observe_all(cloud: &Cloud, scope: &Scope, store: &dyn Store) -> Result<(StackState, Observed), Fault> {
    let (kinds, mut observed) = (cloud.kinds(), Observed::default());
    let all: BTreeSet<&str> = kinds.iter().map(|kind| kind.name).collect();
    let (interest, reads) = (Interest::default(), Reads::default());
    let reading = read_all(cloud, scope, &interest, (&kinds, &all), &reads, &mut observed);
    let (state, ()) = join(StackState::read(store, &scope.stack), reading).await;
    Ok((state?, observed))
}

/// Reads these kinds of a stack, and those that they are found through.
pub(crate) async fn read_kinds(cloud: &Cloud, scope: &Scope, wanted: &BTreeSet<&str>) -> Observed {
    let kinds = cloud.kinds();
    let needed = with_parents(&kinds, wanted.iter().copied());
    let mut observed = Observed::default();
    read_all(cloud, scope, &Interest::default(), (&kinds, &needed), &Reads::default(), &mut observed).await;
    observed
}

/// Reads what is not read yet: each kind as soon as those are read that it is found through.
async fn read_all(
    cloud: &Cloud,
    scope: &Scope,
    interest: &Interest,
    (kinds, needed): (&Kinds, &BTreeSet<&str>),
    reads: &Reads,
    observed: &mut Observed,
) {
    let missing = |name: &&str| !observed.kinds.contains_key(*name);
    let mut waiting: Vec<&KindInfo> = needed.iter().filter(|n| missing(n)).filter_map(|name| kinds.get(name)).collect();
    let mut running = FuturesUnordered::new();
    loop {
        let is_free = |kind: &&KindInfo| kind.parents.iter().all(|parent| observed.kinds.contains_key(*parent));
        let (free, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_free);
        waiting = rest;
        for kind in free {
            let parents = parents_of(kind, scope, observed);
            running.push(async move { (kind.name, read(cloud, scope, interest, kind, reads, parents).await) });
        }
        let Some((name, reading)) = running.next().await else { return };
        observed.kinds.insert(name.into(), reading);
    }
}

/// The live resources that a kind is found through, or why they are not known.
fn parents_of(kind: &KindInfo, scope: &Scope, so_far: &Observed) -> Result<BTreeMap<String, Vec<LiveDoc>>, Fault> {
    let of_parent = |parent: &&'static str| {
        if let Some(fault) = so_far.fault(parent) {
            return Err(fault.clone());
        }
        let owned = so_far.of(parent).iter().filter(|live| live.owner.of_stack(&scope.stack).is_some());
        Ok(((*parent).to_owned(), owned.cloned().collect()))
    };
    kind.parents.iter().map(of_parent).collect()
}

async fn read(
    cloud: &Cloud,
    scope: &Scope,
    interest: &Interest,
    kind: &KindInfo,
    reads: &Reads,
    parents: Result<BTreeMap<String, Vec<LiveDoc>>, Fault>,
) -> Reading {
    let parents = match parents {
        Ok(parents) => parents,
        Err(fault) => return Reading::NotRead(fault),
    };
    let adopted = interest.adopted.get(kind.name).map(Vec::as_slice).unwrap_or_default();
    let listing = Listing { parents: &parents, adopted, reads };
    let answer = match cloud.door(kind.name) {
        Ok(door) => door.list(scope, listing).await,
        Err(fault) => Err(fault),
    };
    match answer {
        Ok(live) => Reading::Read(live),
        // A list has nothing to be missing: what it was found through has just gone.
        Err(fault) if fault.class == Class::NotFound => Reading::NotRead(Fault { class: Class::Conflict, ..fault }),
        Err(fault) => Reading::NotRead(fault),
    }
}
