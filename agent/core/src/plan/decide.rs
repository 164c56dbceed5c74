//! What is to become of each address: nothing, a creation, a change in place, a replacement. It says nothing about
//! order; that is in `edges` and `order`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::address::{Address, Scope};
use crate::desired::{Desired, Wanted};
use crate::diff::{FieldChange, diff, shown};
use crate::doc::{self, Doc, LINK, NAME, path_matches};
use crate::fault::{Class, Fault};
use crate::field::Name;
use crate::kind::{Change, Identity, KindInfo, Kinds, Removal, Replace};
use crate::live::{LiveDoc, Owner, Phase};
use crate::observed::Observed;
use crate::plan::{Note, PlanError};
use crate::reference::resolve;

/// What is to become of one address.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// AWS holds what is wanted.
    Same,
    /// There is none.
    Create,
    /// One is changed in place.
    Update {
        /// What AWS holds.
        live: LiveDoc,
        /// What differs.
        changes: Vec<FieldChange>,
        /// Whether our own tags are written anew.
        remark: bool,
    },
    /// One takes the place of others.
    Replace {
        /// Those that go.
        old: Vec<LiveDoc>,
        /// Which comes first.
        order: Replace,
        /// The fields that make it necessary.
        changes: Vec<FieldChange>,
    },
    /// Nothing is done, because something could not be read.
    Blocked,
}

/// All verdicts, and what goes.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// By address.
    pub verdicts: BTreeMap<Address, Verdict>,
    /// The specs with their names finished; references still in them.
    pub specs: BTreeMap<Address, Doc>,
    /// The live resource of each address that keeps it.
    pub current: BTreeMap<Address, LiveDoc>,
    /// Older generations of addresses that are still wanted.
    pub retired: Vec<LiveDoc>,
    /// What the revision does not name any longer.
    pub removed: Vec<LiveDoc>,
    /// What people should know.
    pub notes: Vec<Note>,
    /// By kind and id, the former address that something still tells.
    pub former: BTreeMap<(String, String), Address>,
    /// Kinds of which something must be there that was not listed.
    pub unseen: BTreeMap<String, Fault>,
}

/// What is known of one candidate for an address.
struct Candidate {
    live: LiveDoc,
    spec: Doc,
    changes: Vec<FieldChange>,
    replacing: Vec<FieldChange>,
}

struct Decider<'a> {
    desired: &'a Desired,
    kinds: &'a Kinds,
    scope: &'a Scope,
    owned: BTreeMap<Address, Vec<LiveDoc>>,
    done: Decided,
    errors: Vec<PlanError>,
}

/// Decides over all addresses.
pub fn decide(desired: &Desired, observed: &Observed, kinds: &Kinds, scope: &Scope) -> Result<Decided, Vec<PlanError>> {
    let mut owned: BTreeMap<Address, Vec<LiveDoc>> = BTreeMap::new();
    let mut done = Decided::default();
    for live in observed.all().filter(|live| live.owner.of_stack(&scope.stack).is_some()) {
        let (live, formerly) = desired.renames.live_now(live);
        if let Some(told) = formerly {
            done.former.insert((live.kind.clone(), live.id.clone()), told);
        }
        if let Some(mark) = live.owner.of_stack(&scope.stack) {
            owned.entry(mark.address.clone()).or_default().push(live);
        }
    }
    let mut decider = Decider { desired, kinds, scope, owned, done, errors: Vec::new() };
    for address in &desired.order {
        if let (Some(wanted), Some(kind)) = (desired.resources.get(address), kinds.get(address.kind())) {
            let verdict = decider.verdict(address, wanted, kind, observed);
            decider.done.verdicts.insert(address.clone(), verdict);
        }
    }
    decider.look_again_at_late_fields();
    decider.collect_removed();
    if decider.errors.is_empty() { Ok(decider.done) } else { Err(decider.errors) }
}

impl Decider<'_> {
    fn verdict(&mut self, address: &Address, wanted: &Wanted, kind: &KindInfo, observed: &Observed) -> Verdict {
        if let Some(fault) = observed.fault(kind.name) {
            self.note(address, format!("left alone, because {} could not be read: {fault}", kind.name), true);
            return Verdict::Blocked;
        }
        if let Some(dep) = self.blocked_dependency(address, kind) {
            self.note(address, format!("left alone, because it names {dep}"), true);
            return Verdict::Blocked;
        }
        let (going, mut live): (Vec<_>, Vec<_>) =
            self.owned.remove(address).unwrap_or_default().into_iter().partition(|live| live.phase == Phase::Going);
        if live.is_empty() {
            if !going.is_empty() {
                self.note(address, "the one that AWS holds is being deleted; it is made again when that is done", true);
                return Verdict::Blocked;
            }
            match adoptable(address, wanted, observed) {
                Ok(found) => live.extend(found),
                Err(error) => {
                    self.errors.push(error);
                    return Verdict::Blocked;
                }
            }
        }
        if let Some(held) = self.held_unseen(address, kind).filter(|_| live.is_empty()) {
            self.note(address, held.message.clone(), true);
            self.done.unseen.insert(kind.name.to_owned(), held);
            return Verdict::Blocked;
        }
        let candidates: Result<Vec<_>, _> =
            live.into_iter().map(|live| self.candidate(address, wanted, kind, live)).collect();
        let fitting = candidates.and_then(|all| match all.iter().find_map(|one| self.unadoptable(address, one)) {
            Some(error) => Err(error),
            None => Ok(all),
        });
        match fitting {
            Ok(candidates) => self.choose(address, wanted, kind, candidates),
            Err(error) => {
                self.errors.push(error);
                Verdict::Blocked
            }
        }
    }

    /// What AWS does not show as the stack's, and yet could not have deleted, because what is in it is there: its tags are
    /// lost, or the list lags. Of a kind without a unique name nothing else would keep a second one from being made, and
    /// all that hangs on the first from being made anew in it.
    fn held_unseen(&self, address: &Address, kind: &KindInfo) -> Option<Fault> {
        let holds = |user: &&Address| kind.identity == Identity::Intent && kind.held_by.contains(&user.kind());
        self.desired.graph.naming(address).filter(holds).find_map(|user| {
            let generation = &self.desired.resources.get(user)?.generation;
            let of_now = |live: &&LiveDoc| live.owner.of_stack(&self.scope.stack).is_some_and(|m| m.generation == *generation);
            let live = self.owned.get(user)?.iter().find(of_now)?;
            let id = named(live, kind.name)?;
            let text = format!(
                "{id} is not listed as this stack's, and {user} ({}) is in it; write its tags again or adopt it, for no \
                 second one is made",
                live.id
            );
            Some(Fault::new(Class::Conflict, kind.name, "NotListed", text))
        })
    }

    /// What is taken over is never replaced by that: it would be deleted, and it was never ours.
    fn unadoptable(&self, address: &Address, candidate: &Candidate) -> Option<PlanError> {
        let change = candidate.replacing.first()?;
        if candidate.live.owner.of_stack(&self.scope.stack).is_some() {
            return None;
        }
        let (id, has) = (&candidate.live.id, shown(&change.from));
        let reason = format!("{id}, which it is to adopt, has {has}; write what it has, or adopt another");
        Some(PlanError::Refused { address: address.clone(), path: change.path.clone(), reason })
    }

    fn blocked_dependency(&self, address: &Address, kind: &KindInfo) -> Option<Address> {
        let edges = self.desired.graph.edges(address).iter().filter(|edge| !kind.is_late(&edge.path));
        edges
            .map(|edge| &edge.to)
            .chain((kind.also_after)(address, &self.desired.graph).iter().map(|after| &after.address))
            .find(|to| matches!(self.done.verdicts.get(*to), Some(Verdict::Blocked)))
            .cloned()
    }

    fn candidate(
        &self,
        address: &Address,
        wanted: &Wanted,
        kind: &KindInfo,
        live: LiveDoc,
    ) -> Result<Candidate, PlanError> {
        let live_spec = live.spec.value();
        // One of this very generation has another name only because it was adopted: it keeps it when the word goes.
        let exact = live.owner.of_stack(&self.scope.stack).is_some_and(|mark| mark.generation == wanted.generation);
        let adopted = exact || wanted.adopt.as_ref() == Some(&live.id);
        let names = Names { generation: &wanted.generation, live: Some(&live_spec), adopted };
        let kept = names.finish(wanted.spec.value(), "");
        let (mut changes, mut replacing) = self.compare(address, wanted, kind, &kept, &live_spec)?;
        let mut spec = kept;
        if !replacing.is_empty() {
            // A new one is needed, so it gets the name of its own generation.
            spec = Names::fresh(&wanted.generation).finish(wanted.spec.value(), "");
            (changes, replacing) = self.compare(address, wanted, kind, &spec, &live_spec)?;
        }
        Ok(Candidate { live, spec: Doc::from_value(&spec), changes, replacing })
    }

    /// All changes, and those among them that cannot be made in place.
    fn compare(
        &self,
        address: &Address,
        wanted: &Wanted,
        kind: &KindInfo,
        spec: &Value,
        live: &Value,
    ) -> Result<(Vec<FieldChange>, Vec<FieldChange>), PlanError> {
        let resolved = resolve(spec.clone(), &mut |to, field| self.known(to, field));
        // Sets are ordered by what they hold, which resolving has changed.
        let resolved = (kind.normal)(&Doc::from_value(&resolved))
            .map_err(|misfit| PlanError::Misfit(address.clone(), format!("{misfit:?}")))?;
        let mut changes = diff(&resolved.value(), live);
        changes.retain(|change| !wanted.ignore.iter().any(|pattern| path_matches(pattern, &change.path)));
        let mut replacing = Vec::new();
        for change in &changes {
            match (kind.change)(&change.path, &change.from, &change.to) {
                Change::InPlace => {}
                Change::Replace => replacing.push(change.clone()),
                Change::Refuse(reason) => {
                    return Err(PlanError::Refused { address: address.clone(), path: change.path.clone(), reason });
                }
            }
        }
        Ok((changes, replacing))
    }

    fn choose(
        &mut self,
        address: &Address,
        wanted: &Wanted,
        kind: &KindInfo,
        mut candidates: Vec<Candidate>,
    ) -> Verdict {
        let fresh = Names::fresh(&wanted.generation).finish(wanted.spec.value(), "");
        if candidates.is_empty() {
            self.done.specs.insert(address.clone(), Doc::from_value(&fresh));
            return Verdict::Create;
        }
        let is_exact = |c: &Candidate| {
            c.live.owner.of_stack(&self.scope.stack).is_some_and(|mark| mark.generation == wanted.generation)
        };
        let mut fitting: Vec<usize> = (0..candidates.len()).filter(|n| is_exact(&candidates[*n])).collect();
        if fitting.is_empty() {
            fitting = (0..candidates.len()).filter(|n| candidates[*n].replacing.is_empty()).collect();
        }
        if fitting.len() > 1 {
            let ids = fitting.iter().map(|n| candidates[*n].live.id.clone()).collect();
            self.errors.push(PlanError::TwoCurrent { address: address.clone(), ids });
            return Verdict::Blocked;
        }
        let Some(chosen) = fitting.pop().map(|n| candidates.remove(n)) else {
            let changes = candidates[0].replacing.clone();
            let old = candidates.into_iter().map(|candidate| candidate.live).collect();
            return self.replace(address, kind, &fresh, old, changes);
        };
        if chosen.replacing.is_empty() {
            self.done.retired.extend(candidates.into_iter().map(|candidate| candidate.live));
            self.keep(address, wanted, chosen)
        } else {
            // Of this very generation and yet not as wanted: what it names was made anew, or somebody remade it by
            // hand. Its name is taken, so it has to go first.
            let old = std::iter::once(chosen.live).chain(candidates.into_iter().map(|c| c.live)).collect();
            let verdict = self.replace(address, kind, &fresh, old, chosen.replacing);
            match verdict {
                Verdict::Replace { old, changes, .. } => Verdict::Replace { old, changes, order: Replace::DeleteFirst },
                other => other,
            }
        }
    }

    fn keep(&mut self, address: &Address, wanted: &Wanted, chosen: Candidate) -> Verdict {
        let Candidate { live, spec, changes, .. } = chosen;
        self.done.specs.insert(address.clone(), spec);
        self.done.current.insert(address.clone(), live.clone());
        let marked = self.kinds.get(address.kind()).is_none_or(|kind| kind.marked);
        let formerly = self.done.former.contains_key(&(live.kind.clone(), live.id.clone()));
        let remark = marked
            && live
                .owner
                .of_stack(&self.scope.stack)
                .is_none_or(|mark| formerly || mark.generation != wanted.generation || mark.address != *address);
        if changes.is_empty() && !remark { Verdict::Same } else { Verdict::Update { live, changes, remark } }
    }

    fn replace(
        &mut self,
        address: &Address,
        kind: &KindInfo,
        fresh: &Value,
        old: Vec<LiveDoc>,
        changes: Vec<FieldChange>,
    ) -> Verdict {
        let doc = Doc::from_value(fresh);
        let same_name = |live: &LiveDoc| {
            let resolved = Doc::from_value(&resolve(fresh.clone(), &mut |to, field| self.known(to, field)));
            let new = (kind.unique)(&resolved).ok().flatten();
            new.is_some() && new == (kind.unique)(&live.spec).ok().flatten()
        };
        // Whatever cannot stand beside its successor takes those that name it, and are replaced too, with it.
        let names_delete_first = self.desired.graph.edges(address).iter().any(|edge| {
            matches!(self.done.verdicts.get(&edge.to), Some(Verdict::Replace { order: Replace::DeleteFirst, .. }))
        });
        let order = if names_delete_first || old.iter().any(same_name) { Replace::DeleteFirst } else { kind.replace };
        self.done.specs.insert(address.clone(), doc);
        Verdict::Replace { old, order, changes }
    }

    /// A field of another resource as far as it is known now: from AWS if it stays, else what its kind can derive.
    fn known(&self, to: &Address, field: &str) -> Option<Value> {
        if let Some(live) = self.done.current.get(to) {
            return live.field(field).or_else(|| self.derived(to, field));
        }
        match self.done.verdicts.get(to) {
            // Not decided yet: only late fields look ahead, and they are looked at again.
            None => self.owned.get(to).and_then(|live| live.first()).and_then(|live| live.field(field)),
            Some(_) => self.derived(to, field),
        }
    }

    fn derived(&self, to: &Address, field: &str) -> Option<Value> {
        let kind = self.kinds.get(to.kind())?;
        let derived = (kind.derive)(self.done.specs.get(to)?, self.scope).ok()?;
        derived.get(field).map(|value| Value::from(value.as_str()))
    }

    /// Late fields may name what was decided after them.
    fn look_again_at_late_fields(&mut self) {
        let late: Vec<Address> = self
            .desired
            .order
            .iter()
            .filter(|address| self.kinds.get(address.kind()).is_some_and(|kind| !kind.late.is_empty()))
            .filter(|address| self.done.current.contains_key(*address))
            .cloned()
            .collect();
        for address in late {
            let parts = (self.desired.resources.get(&address), self.kinds.get(address.kind()));
            let (Some(wanted), Some(kind)) = parts else { continue };
            let (Some(live), Some(spec)) = (self.done.current.get(&address), self.done.specs.get(&address)) else {
                continue;
            };
            let compared = self.compare(&address, wanted, kind, &spec.value(), &live.spec.value());
            let held_up = (kind.late_after)(&address, &self.desired.graph)
                .into_iter()
                .find(|after| matches!(self.done.verdicts.get(&after.address), Some(Verdict::Blocked)));
            match compared {
                Ok((mut changes, replacing)) => {
                    if let Some(after) = held_up {
                        let all = changes.len();
                        changes.retain(|change| !kind.is_late(&change.path));
                        if changes.len() < all {
                            self.note(&address, format!("not finished, because {} is left alone", after.address), true);
                        }
                    }
                    let (Some(live), Some(spec)) = (self.done.current.get(&address), self.done.specs.get(&address))
                    else {
                        continue;
                    };
                    let chosen = Candidate { live: live.clone(), spec: spec.clone(), changes, replacing };
                    let verdict = self.keep(&address, wanted, chosen);
                    self.done.verdicts.insert(address, verdict);
                }
                Err(error) => self.errors.push(error),
            }
        }
    }

    /// What is owned and was not asked for. What is going already needs nothing.
    fn collect_removed(&mut self) {
        let rest: Vec<LiveDoc> = std::mem::take(&mut self.owned).into_values().flatten().collect();
        let known: BTreeSet<&Address> = self.desired.resources.keys().collect();
        for live in rest {
            let Some(mark) = live.owner.of_stack(&self.scope.stack) else { continue };
            if live.phase == Phase::Going || known.contains(&mark.address) {
                continue;
            }
            if self.kinds.get(&live.kind).is_some_and(|kind| kind.removal == Removal::LetGo) {
                let address = mark.address.clone();
                self.note(&address, format!("{} stays in AWS: delete it by hand when nobody needs it", live.id), false);
            } else {
                self.done.removed.push(live);
            }
        }
    }

    fn note(&mut self, address: &Address, text: impl Into<String>, blocks: bool) {
        self.done.notes.push(Note { address: address.clone(), text: text.into(), blocks });
    }
}

/// The id of the one of a kind that a live resource names.
fn named(live: &LiveDoc, kind: &str) -> Option<String> {
    let mut found = None;
    doc::visit(&live.spec.value(), "", &mut |_, map| {
        let link = map.get(LINK).and_then(Value::as_str).and_then(|link| link.rsplit_once('.'));
        if let (Some((target, _)), Some(id)) = (link, map.get("value").and_then(Value::as_str))
            && target == kind
        {
            found.get_or_insert_with(|| id.to_owned());
        }
    });
    found
}

/// The thing that the manifest says to take over.
fn adoptable(address: &Address, wanted: &Wanted, observed: &Observed) -> Result<Option<LiveDoc>, PlanError> {
    let Some(id) = &wanted.adopt else { return Ok(None) };
    let Some(found) = observed.of(address.kind()).iter().find(|live| live.id == *id) else {
        return Err(PlanError::NothingToAdopt { address: address.clone(), id: id.clone() });
    };
    match &found.owner {
        Owner::Nobody => Ok(Some(found.clone())),
        Owner::Stack(mark) => Err(PlanError::OtherStacks {
            address: address.clone(),
            id: id.clone(),
            stack: mark.stack.clone(),
            owner: mark.address.clone(),
        }),
    }
}

/// What `$name` markers become: the live name where it has the wanted base, so that a new release of this program,
/// which may count more fields into a generation, renames nothing; else base and generation.
pub(crate) struct Names<'a> {
    generation: &'a str,
    live: Option<&'a Value>,
    adopted: bool,
}

impl<'a> Names<'a> {
    pub(crate) fn fresh(generation: &'a str) -> Self {
        Self { generation, live: None, adopted: false }
    }

    pub(crate) fn finish(&self, value: Value, path: &str) -> Value {
        match value {
            Value::Object(map) if map.contains_key(NAME) => {
                let base = map.get(NAME).and_then(Value::as_str).unwrap_or_default();
                let max = map.get("max").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(32);
                let fresh = Name::finish(base, max, self.generation);
                Value::from(self.held(path).filter(|held| self.fits(held, &fresh)).unwrap_or(&fresh))
            }
            Value::Object(map) => {
                let members = map.into_iter().map(|(key, member)| {
                    let member = self.finish(member, &doc::join_path(path, &key));
                    (key, member)
                });
                members.collect::<serde_json::Map<_, _>>().into()
            }
            other => other,
        }
    }

    fn held(&self, path: &str) -> Option<&str> {
        self.live.and_then(|live| at_path(live, path)).and_then(Value::as_str)
    }

    fn fits(&self, held: &str, fresh: &str) -> bool {
        let stem = &fresh[..fresh.rfind('-').map_or(0, |at| at + 1)];
        self.adopted || held.strip_prefix(stem).is_some_and(|tail| tail.len() == fresh.len() - stem.len())
    }
}

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}
