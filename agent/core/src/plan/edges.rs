//! From verdicts to steps, and what each step waits for: the references of the wanted specs on the way in, those of the
//! live specs, reversed, on the way out, and on both the edges that no field carries.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::address::Address;
use crate::desired::Desired;
use crate::doc::{self, Doc};
use crate::kind::{After, KindInfo, Kinds, Replace, Wait};
use crate::live::{LiveDoc, Mark, Phase};
use crate::observed::Observed;
use crate::plan::decide::{Decided, Verdict};
use crate::plan::graph::Graph;
use crate::plan::handover::handovers;
use crate::plan::order::{Rank, Soft};
use crate::plan::uses::{Uses, live_graph};
use crate::plan::{Need, Note, Op, PlanError, Step};
use crate::reference::resolve;

/// Steps, not yet in order.
pub struct Draft {
    /// `after` names positions in this list.
    pub steps: Vec<Step>,
    /// Edges that give way where they would close a circle.
    pub soft: Vec<Soft>,
    /// What is left although it might go.
    pub notes: Vec<Note>,
}

/// One live object that is to go.
pub(super) struct Drop<'a> {
    pub(super) live: &'a LiveDoc,
    address: Address,
    because: &'static str,
    /// Its successor cannot be made before it has gone.
    first: bool,
}

struct Builder<'a> {
    decided: &'a Decided,
    desired: &'a Desired,
    kinds: &'a Kinds,
    steps: Vec<Step>,
    soft: Vec<Soft>,
    notes: Vec<Note>,
    make: BTreeMap<Address, usize>,
    late: BTreeMap<Address, usize>,
}

/// The steps of a plan.
pub fn steps(
    decided: &Decided,
    desired: &Desired,
    observed: &Observed,
    kinds: &Kinds,
) -> Result<Draft, Vec<PlanError>> {
    let mut builder = Builder {
        decided,
        desired,
        kinds,
        steps: Vec::new(),
        soft: Vec::new(),
        notes: Vec::new(),
        make: BTreeMap::new(),
        late: BTreeMap::new(),
    };
    let mut errors = Vec::new();
    for (address, verdict) in &decided.verdicts {
        if let Err(error) = builder.make_steps(address, verdict) {
            errors.push(error);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    builder.wanted_edges();
    let drops = builder.drops();
    builder.drop_steps(&drops, observed)?;
    Ok(Draft { steps: builder.steps, soft: builder.soft, notes: builder.notes })
}

impl<'a> Builder<'a> {
    fn push(&mut self, address: &Address, op: Op, because: impl Into<String>) -> usize {
        let ignore = self.desired.resources.get(address).map(|wanted| wanted.ignore.clone()).unwrap_or_default();
        let (after, rather, needs) = (Vec::new(), Vec::new(), Vec::new());
        let (former, because) = (self.desired.renames.former(address), because.into());
        self.steps.push(Step { address: address.clone(), op, because, after, rather, needs, former, ignore });
        self.steps.len() - 1
    }

    fn mark(&self, address: &Address) -> Mark {
        let generation = self.desired.resources.get(address).map(|w| w.generation.clone()).unwrap_or_default();
        Mark { stack: self.desired.stack.clone(), address: address.clone(), generation }
    }

    fn make_steps(&mut self, address: &Address, verdict: &'a Verdict) -> Result<(), PlanError> {
        let (Some(spec), Some(kind)) = (self.decided.specs.get(address), self.kinds.get(address.kind())) else {
            return Ok(());
        };
        let mark = self.mark(address);
        match verdict {
            Verdict::Same | Verdict::Blocked => {}
            Verdict::Create => self.creation(address, kind, spec, (false, &[]), "it is not there")?,
            Verdict::Replace { changes, .. } => {
                let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
                let because = format!("{} cannot be changed in place", paths.join(", "));
                self.creation(address, kind, spec, (true, changes), &because)?;
            }
            Verdict::Update { live, changes, remark } => {
                let (late, now): (Vec<_>, Vec<_>) = changes.iter().cloned().partition(|c| kind.is_late(&c.path));
                let (wanted, held) = (spec.value(), live.spec.value());
                if !now.is_empty() || *remark {
                    let spec = Doc::from_value(&with_late_of(wanted, &held, kind));
                    let because = if now.is_empty() { "its tags do not say what it is" } else { "it differs" };
                    let op = Op::Update {
                        id: Some(live.id.clone()),
                        spec,
                        mark: mark.clone(),
                        changes: now,
                        remark: *remark,
                    };
                    let step = self.push(address, op, because);
                    self.make.insert(address.clone(), step);
                }
                if !late.is_empty() {
                    let spec = spec.clone();
                    let op = Op::Update { id: Some(live.id.clone()), spec, mark, changes: late, remark: false };
                    let step = self.push(address, op, "it differs");
                    self.late.insert(address.clone(), step);
                }
            }
        }
        Ok(())
    }

    fn creation(
        &mut self,
        address: &Address,
        kind: &KindInfo,
        spec: &Doc,
        (replaces, changes): (bool, &[crate::diff::FieldChange]),
        because: &str,
    ) -> Result<(), PlanError> {
        let misfit = |error: doc::Misfit| PlanError::Misfit(address.clone(), format!("{error:?}"));
        let mark = self.mark(address);
        let bare = (kind.normal)(&Doc::from_value(&with_late_of(spec.value(), &Value::Null, kind))).map_err(misfit)?;
        let full = (kind.normal)(spec).map_err(misfit)?;
        let has_late = bare != full;
        let op = Op::Create { spec: bare, mark: mark.clone(), replaces, changes: changes.to_vec() };
        let make = self.push(address, op, because);
        self.make.insert(address.clone(), make);
        if has_late {
            let op = Op::Update { id: None, spec: full, mark, changes: Vec::new(), remark: false };
            let late = self.push(address, op, "what it names exists now");
            self.steps[late].after.push(make);
            self.late.insert(address.clone(), late);
        }
        Ok(())
    }

    /// On the way in: after what is named, and after what must come first though no field says so.
    fn wanted_edges(&mut self) {
        let makers: Vec<(Address, usize)> = self.make.iter().map(|(a, s)| (a.clone(), *s)).collect();
        for (address, step) in makers {
            let kind = self.kinds.get(address.kind());
            for edge in self.desired.graph.edges(&address) {
                if edge.to != address && !kind.is_some_and(|kind| kind.is_late(&edge.path)) {
                    self.after_made(step, &edge.to);
                }
            }
            let hidden = kind.map(|kind| (kind.also_after)(&address, &self.desired.graph)).unwrap_or_default();
            for after in hidden.into_iter().filter(|after| after.address != address) {
                self.after_made(step, &after.address);
                self.after_late(step, &after.address);
                self.needs(step, after);
            }
            let rather = kind.map(|kind| (kind.rather_after)(&address, &self.desired.graph)).unwrap_or_default();
            for made in rather.iter().filter_map(|first| self.make.get(first).copied()).filter(|made| *made != step) {
                self.soft.push(Soft { rank: Rank::Rather, before: made, step });
            }
        }
        let late: Vec<(Address, usize)> = self.late.iter().map(|(a, s)| (a.clone(), *s)).collect();
        for (address, step) in late {
            self.after_made(step, &address);
            for edge in self.desired.graph.edges(&address) {
                if edge.to != address {
                    self.after_made(step, &edge.to);
                }
            }
            let hidden = self.kinds.get(address.kind()).map(|kind| (kind.late_after)(&address, &self.desired.graph));
            for after in hidden.into_iter().flatten().filter(|after| after.address != address) {
                self.after_made(step, &after.address);
                self.needs(step, after);
            }
        }
    }

    fn needs(&mut self, step: usize, after: After) {
        if after.wait != Wait::Exists {
            self.steps[step].needs.push(Need { address: after.address, wait: after.wait });
        }
    }

    fn after_made(&mut self, step: usize, address: &Address) {
        if let Some(made) = self.make.get(address).filter(|made| **made != step) {
            self.steps[step].after.push(*made);
        }
    }

    fn after_late(&mut self, step: usize, address: &Address) {
        if let Some(late) = self.late.get(address).filter(|late| **late != step) {
            self.steps[step].after.push(*late);
        }
    }

    /// All live objects that are to go, retained ones left out.
    fn drops(&self) -> Vec<Drop<'a>> {
        let address_of = |live: &LiveDoc| match &live.owner {
            crate::live::Owner::Stack(mark) => mark.address.clone(),
            crate::live::Owner::Nobody => Address::new("nobody.nothing", &live.kind),
        };
        let mut drops = Vec::new();
        for (address, verdict) in &self.decided.verdicts {
            if let Verdict::Replace { old, order, .. } = verdict {
                let first = *order == Replace::DeleteFirst;
                let retain = if first { 0 } else { self.kinds.get(address.kind()).map_or(0, |kind| kind.retain) };
                drops.extend(self.newest_first(old).into_iter().skip(retain).map(|live| Drop {
                    live,
                    address: address.clone(),
                    because: "another takes its place",
                    first,
                }));
            }
        }
        let mut kept: BTreeMap<Address, usize> = BTreeMap::new();
        for live in self.newest_first(&self.decided.retired) {
            let address = address_of(live);
            let retain = self.kinds.get(address.kind()).map_or(0, |kind| kind.retain);
            let kept = kept.entry(address.clone()).or_default();
            *kept += 1;
            if *kept > retain {
                drops.push(Drop { live, address, because: "another has taken its place", first: false });
            }
        }
        drops.extend(self.decided.removed.iter().map(|live| Drop {
            live,
            address: address_of(live),
            because: "the manifest does not name it",
            first: false,
        }));
        drops
    }

    /// Those that tell no number as AWS lists them.
    fn newest_first(&self, all: &'a [LiveDoc]) -> Vec<&'a LiveDoc> {
        let mut all: Vec<&LiveDoc> = all.iter().collect();
        let serial = |live: &LiveDoc| self.kinds.get(&live.kind).map_or(0, |kind| (kind.serial)(&live.out.value()));
        all.sort_by_cached_key(|live| Reverse(serial(live)));
        all
    }

    fn drop_steps(&mut self, drops: &[Drop<'a>], observed: &'a Observed) -> Result<(), Vec<PlanError>> {
        let names = self.names();
        // A thing whose unique name a new one wants has to go first, whatever its address was.
        let wanting: Vec<&[usize]> = drops.iter().map(|drop| self.wanting(drop.live, &names)).collect();
        let everything: Vec<&LiveDoc> = observed.owned(&self.desired.stack).collect();
        let mut uses = Uses::find(drops, &everything, self.kinds);
        let unread = |drop: &Drop<'_>| {
            let kind = self.kinds.get(&drop.live.kind);
            kind.is_some_and(|kind| kind.mentioned_by.iter().any(|user| observed.fault(user).is_some()))
        };
        let unread = (0..drops.len()).filter(|index| unread(&drops[*index])).collect();
        let held = self.held(drops, &uses, &wanting, unread);
        // What is kept for a resource that is itself only retained is nothing to tell people in each pass.
        let told = |index: &&usize| uses.0.iter().any(|one| one.target == **index && !one.mentioned);
        for index in held.iter().filter(told) {
            let text = "kept: something that stays still names it".to_owned();
            self.notes.push(Note { address: drops[*index].address.clone(), text, blocks: false });
        }
        uses.0.retain(|one| !held.contains(&one.target));
        let steps: BTreeMap<usize, usize> = (0..drops.len())
            .rev()
            .filter(|index| !held.contains(index))
            .map(|index| {
                let Drop { live, address, because, .. } = &drops[index];
                (index, self.push(address, Op::Delete { live: (*live).clone() }, *because))
            })
            .collect();
        self.successors(drops, &steps, &wanting);
        self.users_first(drops, &steps, &uses)?;
        let live = live_graph(&everything, self.kinds);
        let goes: Vec<(&Address, usize)> = steps.iter().map(|(index, step)| (&drops[*index].address, *step)).collect();
        self.soft.extend(handovers(&self.make, &goes, (&self.desired.graph, &live), self.kinds));
        self.hidden_on_the_way_out(drops, &steps, &live);
        Ok(())
    }

    /// The steps that make something of a unique name, by kind and name, as far as the name can be told now.
    fn names(&self) -> BTreeMap<(&'static str, String), Vec<usize>> {
        let mut names: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (address, step) in &self.make {
            let Op::Create { spec, .. } = &self.steps[*step].op else { continue };
            let Some(kind) = self.kinds.get(address.kind()) else { continue };
            // In what stays a name may be taken; in what is yet to be made none is.
            let known = resolve(spec.value(), &mut |to, field| self.decided.current.get(to)?.field(field));
            if let Ok(Some(name)) = (kind.unique)(&Doc::from_value(&known)) {
                names.entry((kind.name, name)).or_default().push(*step);
            }
        }
        names
    }

    /// What cannot go because something that stays names it; and what that names in turn. `held` cannot go in any case.
    fn held(
        &self,
        drops: &[Drop<'_>],
        uses: &Uses<'_>,
        wanting: &[&[usize]],
        mut held: BTreeSet<usize>,
    ) -> BTreeSet<usize> {
        let goes_first = |target: usize| drops[target].first || !wanting[target].is_empty();
        loop {
            let before = held.len();
            for one in &uses.0 {
                let stays = match one.user_drop {
                    Some(user) => held.contains(&user),
                    // What is being deleted lets go of it in the end, and the step waits for that.
                    None if one.user.phase == Phase::Going => false,
                    None => self.moving(one.user, &one.path).is_none() && !goes_first(one.target),
                };
                if stays {
                    held.insert(one.target);
                }
            }
            if held.len() == before {
                return held;
            }
        }
    }

    /// The step in which a live resource that stays ceases to name something at `path`.
    fn moving(&self, user: &LiveDoc, path: &str) -> Option<usize> {
        let address = match &user.owner {
            crate::live::Owner::Stack(mark) => &mark.address,
            crate::live::Owner::Nobody => return None,
        };
        [self.make.get(address), self.late.get(address)].into_iter().flatten().copied().find(|step| {
            matches!(&self.steps[*step].op, Op::Update { changes, .. } if changes.iter().any(|change| {
                doc::path_matches(&change.path, path) || change.path.is_empty()
            }))
        })
    }

    /// The steps that make something of the name that a live object has.
    fn wanting<'n>(&self, live: &LiveDoc, names: &'n BTreeMap<(&'static str, String), Vec<usize>>) -> &'n [usize] {
        let kind = self.kinds.get(&live.kind);
        let name = kind.and_then(|kind| Some((kind.name, (kind.unique)(&live.spec).ok().flatten()?)));
        name.and_then(|name| names.get(&name)).map(Vec::as_slice).unwrap_or_default()
    }

    fn successors(&mut self, drops: &[Drop<'_>], steps: &BTreeMap<usize, usize>, wanting: &[&[usize]]) {
        for (index, step) in steps {
            let drop = &drops[*index];
            let made = [self.make.get(&drop.address), self.late.get(&drop.address)].into_iter().flatten().copied();
            for made in made.collect::<Vec<_>>() {
                if drop.first {
                    self.steps[made].after.push(*step);
                } else {
                    self.soft.push(Soft { rank: Rank::CreateFirst, before: made, step: *step });
                }
            }
            for made in wanting[*index] {
                self.steps[*made].after.push(*step);
            }
        }
    }

    /// A user is done with, one way or another, before what it used goes; where AWS holds the one for the other, always.
    fn done_before(&mut self, before: usize, target: usize, user: &LiveDoc, used: &LiveDoc) {
        let holders = self.kinds.get(used.kind.as_str()).map_or(&["*"][..], |kind| kind.held_by);
        if holders.iter().any(|holder| *holder == "*" || *holder == user.kind) {
            self.steps[target].after.push(before);
        } else {
            self.soft.push(Soft { rank: Rank::Use, before, step: target });
        }
    }

    /// Users go, or move, before what they use goes.
    fn users_first(
        &mut self,
        drops: &[Drop<'_>],
        steps: &BTreeMap<usize, usize>,
        uses: &Uses<'_>,
    ) -> Result<(), Vec<PlanError>> {
        let circular = uses.circular(drops.len());
        let mut cleared: BTreeMap<usize, usize> = BTreeMap::new();
        for one in &uses.0 {
            let Some(target) = steps.get(&one.target).copied() else { continue };
            match one.user_drop {
                None => {
                    if let Some(step) = self.moving(one.user, &one.path) {
                        self.done_before(step, target, one.user, drops[one.target].live);
                    }
                }
                Some(user) => {
                    let kind = self.kinds.get(one.user.kind.as_str());
                    let late = kind.filter(|kind| kind.is_late(&one.path));
                    let both = circular.contains(&user) && circular.contains(&one.target);
                    let before = match (late.filter(|_| both), cleared.get(&user), steps.get(&user)) {
                        (Some(_), Some(step), _) => *step,
                        (Some(kind), None, Some(goes)) => {
                            let step = self.clear(&drops[user], kind).map_err(|error| vec![error])?;
                            self.steps[*goes].after.push(step);
                            cleared.insert(user, step);
                            step
                        }
                        (_, _, Some(goes)) => *goes,
                        (_, _, None) => continue,
                    };
                    self.done_before(before, target, one.user, drops[one.target].live);
                }
            }
        }
        Ok(())
    }

    fn clear(&mut self, drop: &Drop<'_>, kind: &KindInfo) -> Result<usize, PlanError> {
        let bare = Doc::from_value(&with_late_of(drop.live.spec.value(), &Value::Null, kind));
        let spec =
            (kind.normal)(&bare).map_err(|error| PlanError::Misfit(drop.address.clone(), format!("{error:?}")))?;
        let op = Op::Clear { live: drop.live.clone(), spec };
        Ok(self.push(&drop.address, op, "others that go are named in it"))
    }

    /// The edges that no field carries, reversed, over what is live.
    fn hidden_on_the_way_out(&mut self, drops: &[Drop<'_>], steps: &BTreeMap<usize, usize>, graph: &Graph) {
        let by_address: BTreeMap<&Address, Vec<usize>> =
            steps.iter().fold(BTreeMap::new(), |mut map, (index, step)| {
                map.entry(&drops[*index].address).or_insert_with(Vec::new).push(*step);
                map
            });
        for (address, own) in &by_address {
            let Some(kind) = self.kinds.get(address.kind()) else { continue };
            for after in (kind.also_after)(address, graph) {
                if after.address == **address {
                    continue;
                }
                for target in by_address.get(&after.address).into_iter().flatten() {
                    let others = own.iter().filter(|step| *step != target);
                    self.soft.extend(others.map(|own| Soft { rank: Rank::Use, before: *own, step: *target }));
                }
            }
        }
    }
}

/// A spec whose late fields are those of another: empty where the other has none. Of a field of which only the wanted keys
/// count none is wanted yet: what the other holds may have gone by the time of the step.
fn with_late_of(spec: Value, other: &Value, kind: &KindInfo) -> Value {
    let Value::Object(mut members) = spec else { return spec };
    for path in kind.late {
        let key = path.split('.').next().unwrap_or(path);
        match other.get(key) {
            Some(held) if held.get(doc::TAGS).is_none() => members.insert(key.to_owned(), held.clone()),
            _ => members.remove(key),
        };
    }
    Value::Object(members)
}
