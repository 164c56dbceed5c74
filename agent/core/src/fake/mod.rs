//! A faked cloud for every kind at once: it keeps specs, makes ids, and refuses what AWS refuses (a taken name, a link to
//! nothing, a deletion of what is in use). Its faults (in `faults`) come from a plan, so a run can be repeated exactly.

pub mod faults;
mod health;
pub mod history;
pub(crate) mod made_up;
mod store;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::address::Scope;
use crate::doc::{self, Doc, LINK};
use crate::fault::{Class, Fault};
use crate::health::Told;
use crate::kind::{Identity, Kind, KindInfo};
use crate::live::{Live, LiveDoc, Mark, Owner, Phase};
use crate::provider::{Listing, New, Provider, Sought, Update};
use faults::{Faults, Life, Op};
pub use made_up::unordered;
use made_up::{merged, out_of};
pub use wire::Flight;

/// The faked cloud.
pub struct Fake {
    world: Mutex<World>,
}

/// What AWS does by itself with the things of one kind: fields that it works out from what else there is.
pub trait Nature: Send {
    /// Called after each change with the specs of all things of the kind, by id.
    fn changed(&mut self, specs: &mut BTreeMap<String, Value>);
}

/// What the faked cloud holds.
#[derive(Default)]
struct World {
    objects: BTreeMap<String, Object>,
    entries: BTreeMap<String, Vec<crate::state::Entry>>,
    tokens: BTreeMap<String, String>,
    made: u64,
    faults: Faults,
    life: Life,
    calls: Vec<Call>,
    writes: usize,
    began: Option<Instant>,
    history: Vec<history::Moment>,
    natures: BTreeMap<&'static str, Box<dyn Nature>>,
    ills: health::Ills,
    wire: wire::Wire,
}

struct Object {
    live: LiveDoc,
    seen_from: Instant,
    before: Option<LiveDoc>,
    coming_until: Instant,
    changing_until: Instant,
    /// When it is gone, once it is deleted.
    gone_from: Option<Instant>,
}

/// One call that reached the faked cloud, or was meant to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The kind, or `state` for the stack's own words.
    pub kind: String,
    /// Which of the five.
    pub op: Op,
    /// The id or address it was about.
    pub about: String,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new(Faults::default())
    }
}

impl Fake {
    /// An empty cloud with these faults to come.
    pub fn new(faults: Faults) -> Self {
        Self { world: Mutex::new(World { faults, ..World::default() }) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.land();
        world
    }

    /// Has AWS do something by itself with things of this kind.
    pub fn give_nature<K: Kind>(&self, nature: Box<dyn Nature>) {
        self.world().natures.insert(K::NAME, nature);
    }

    /// Other faults from now on, and a new count of calls: a new process in the same cloud.
    pub fn restart(&self, faults: Faults) {
        let mut world = self.world();
        world.faults = faults;
        world.life = Life::Alive;
        world.calls.clear();
        world.writes = 0;
    }

    /// The calls since the start.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The calls that changed something, or were to.
    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.op.is_write() && call.kind != faults::STATE).collect()
    }

    /// All that is there and stays, by id.
    pub fn objects(&self) -> BTreeMap<String, LiveDoc> {
        let world = self.world();
        let staying = world.objects.iter().filter(|(_, object)| object.gone_from.is_none());
        staying.map(|(id, object)| (id.clone(), object.live.clone())).collect()
    }

    /// Puts something there by hand: somebody else's, or a change behind the agent's back. Gives the id.
    pub fn put<K: Kind>(&self, scope: &Scope, spec: &K::Spec, owner: Owner) -> Result<String, Fault> {
        let doc = Doc::of(spec).map_err(|error| refusal(K::NAME, &format!("{error:?}")))?;
        let mut world = self.world();
        let id = world.insert(&KindInfo::of::<K>(), scope, &doc, owner, Duration::ZERO)?;
        world.changed(K::NAME);
        Ok(id)
    }

    /// Changes the spec of something behind the agent's back.
    pub fn alter(&self, id: &str, f: impl FnOnce(&mut Value)) {
        let mut world = self.world();
        if let Some(object) = world.objects.get_mut(id) {
            let mut spec = object.live.spec.value();
            f(&mut spec);
            object.live.spec = Doc::from_value(&spec);
            object.before = None;
            let kind = object.live.kind.clone();
            world.changed(&kind);
        }
    }

    /// Changes the tags that tell whose something is, behind the agent's back.
    pub fn give(&self, id: &str, owner: Owner) {
        if let Some(object) = self.world().objects.get_mut(id) {
            object.live.owner = owner;
            object.before = None;
        }
    }

    /// Removes something behind the agent's back.
    pub fn remove(&self, id: &str) {
        let mut world = self.world();
        if let Some(object) = world.objects.remove(id) {
            world.changed(&object.live.kind);
        }
    }
}

fn refusal(kind: &str, message: &str) -> Fault {
    Fault::new(Class::Invalid, kind, "Refused", message)
}

impl World {
    /// What was deleted and has had its time is not there any more.
    fn sweep(&mut self) {
        let now = Instant::now();
        self.objects.retain(|_, object| object.gone_from.is_none_or(|gone| now < gone));
    }

    /// Lets AWS do what it does by itself.
    fn changed(&mut self, kind: &str) {
        let Some(nature) = self.natures.get_mut(kind) else { return };
        let of_kind = self.objects.iter().filter(|(_, object)| object.live.kind == kind);
        let mut specs: BTreeMap<String, Value> =
            of_kind.map(|(id, object)| (id.clone(), object.live.spec.value())).collect();
        nature.changed(&mut specs);
        for (id, spec) in specs {
            if let Some(object) = self.objects.get_mut(&id) {
                object.live.spec = Doc::from_value(&spec);
            }
        }
    }

    fn insert(
        &mut self,
        kind: &KindInfo,
        scope: &Scope,
        spec: &Doc,
        owner: Owner,
        unseen: Duration,
    ) -> Result<String, Fault> {
        self.links_exist(kind, spec)?;
        self.name_is_free(kind, spec)?;
        let is_there = |object: &&Object| object.gone_from.is_none() && object.live.owner == owner;
        let twin = self.objects.values().filter(|object| object.live.kind == kind.name).find(is_there);
        if let Some(twin) = twin.filter(|_| owner != Owner::Nobody) {
            self.wire.twins.push(format!("{} is there as {owner:?}, and is made again", twin.live.id));
        }
        self.made += 1;
        let id = format!("{}-{:04}", kind.name.rsplit('.').next().unwrap_or_default(), self.made);
        let out = Doc::from_value(&out_of(kind, &id, spec, scope));
        let (spec, out) = (kind.faked)(None, spec, &out).map_err(|error| refusal(kind.name, &format!("{error:?}")))?;
        let live = LiveDoc { kind: kind.name.into(), id: id.clone(), spec, out, owner, phase: Phase::Ready };
        let now = Instant::now();
        let coming = self.faults.coming(kind.name);
        self.objects.insert(
            id.clone(),
            Object {
                live,
                seen_from: now + unseen,
                before: None,
                coming_until: now + coming,
                changing_until: now,
                gone_from: None,
            },
        );
        self.remember();
        Ok(id)
    }

    fn remember(&mut self) {
        if self.faults.remembers {
            let objects = self.objects.iter().map(|(id, object)| (id.clone(), object.live.clone())).collect();
            self.history.push(history::Moment { at: Instant::now(), objects });
        }
    }

    fn links_exist(&self, kind: &KindInfo, spec: &Doc) -> Result<(), Fault> {
        for (link, value) in links(&spec.value()) {
            let (target, field) = link.rsplit_once('.').unwrap_or((&link, ""));
            let of_kind = self.objects.values().filter(|object| object.live.kind == target);
            let exists =
                of_kind.into_iter().any(|object| object.live.field(field) == Some(Value::from(value.as_str())));
            if !exists && !self.faults.elsewhere.contains(&value) {
                let text = format!("{link} {value} does not exist");
                return Err(Fault::new(Class::NotFound, kind.name, "LinkNotFound", text));
            }
        }
        Ok(())
    }

    fn name_is_free(&self, kind: &KindInfo, spec: &Doc) -> Result<(), Fault> {
        let unique = |spec: &Doc| (kind.unique)(spec).ok().flatten();
        let Some(name) = unique(spec) else { return Ok(()) };
        let mut of_kind = self.objects.values().filter(|object| object.live.kind == kind.name);
        if of_kind.any(|object| unique(&object.live.spec).as_ref() == Some(&name)) {
            return Err(Fault::new(Class::Exists, kind.name, "NameTaken", format!("{name} is taken")));
        }
        Ok(())
    }

    /// Whatever names it and belongs to a kind that holds it.
    fn user_of(&self, kind: &KindInfo, live: &LiveDoc) -> Option<&str> {
        let out = live.out.value();
        let names: Vec<(String, String)> = out
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(field, value)| Some((format!("{}.{field}", kind.name), value.as_str()?.to_owned())))
            .collect();
        let holds = |other: &str| kind.held_by.iter().any(|holder| *holder == "*" || *holder == other);
        self.objects
            .iter()
            .filter(|(id, object)| **id != live.id && holds(&object.live.kind))
            .find(|(_, object)| links(&object.live.spec.value()).iter().any(|link| names.contains(link)))
            .map(|(id, _)| id.as_str())
    }

    /// An object as a reader sees it now: not yet, as it was before, or as it is.
    fn seen(object: &Object) -> Option<LiveDoc> {
        let now = Instant::now();
        let mut live = if now >= object.seen_from { object.live.clone() } else { object.before.clone()? };
        if now < object.coming_until {
            live.phase = Phase::Coming;
        } else if now < object.changing_until {
            live.phase = Phase::Changing;
        }
        if object.gone_from.is_some() {
            live.phase = Phase::Going;
        }
        Some(live)
    }
}

/// `kind.field` and value of each link in a spec.
fn links(spec: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    doc::visit(spec, "", &mut |_, map| {
        if let (Some(link), Some(value)) = (map.get(LINK).and_then(Value::as_str), map.get("value")) {
            found.push((link.to_owned(), value.as_str().unwrap_or_default().to_owned()));
        }
    });
    found
}

impl<K: Kind> Provider<K> for Fake {
    async fn list(&self, _: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<K>>, Fault> {
        let adopted = listing.adopted.to_vec();
        let seen = move |world: &mut World| {
            let of_kind = world.objects.values().filter(|object| object.live.kind == K::NAME);
            // As a real list does: what carries tags of ours, and what the manifest adopts.
            let asked = of_kind
                .filter_map(|object| world.ailing(World::seen(object)))
                .filter(|live| live.owner != Owner::Nobody || adopted.contains(&live.id));
            let mut newest_first: Vec<LiveDoc> = asked.collect();
            newest_first.sort_by(|a, b| b.id.cmp(&a.id));
            Ok(newest_first)
        };
        self.call(K::NAME, Op::List, "", seen).await?.iter().map(typed).collect()
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, K>) -> Result<Option<Live<K>>, Fault> {
        let about = sought.id.unwrap_or(sought.mark.address.as_str());
        let (id, mark, wanted_name) = (sought.id.map(str::to_owned), sought.mark.clone(), K::unique(sought.spec));
        let seen = move |world: &mut World| {
            let found = world.objects.values().filter(|object| object.live.kind == K::NAME).find(|object| {
                let by_mark = matches!(&object.live.owner, Owner::Stack(held) if *held == mark);
                match (&id, &wanted_name) {
                    (Some(id), _) => object.live.id == *id,
                    (None, None) => by_mark,
                    (None, Some(name)) => {
                        by_mark || (KindInfo::of::<K>().unique)(&object.live.spec).ok().flatten().as_ref() == Some(name)
                    }
                }
            });
            Ok(found.and_then(World::seen))
        };
        self.call(K::NAME, Op::Find, about, seen).await?.as_ref().map(typed).transpose()
    }

    async fn create(&self, scope: &Scope, new: &New<'_, K>) -> Result<String, Fault> {
        let spec = Doc::of(new.spec).map_err(|error| refusal(K::NAME, &format!("{error:?}")))?;
        let (scope, mark, token) = (scope.clone(), new.mark.clone(), new.token.to_owned());
        let make = move |world: &mut World| {
            let unseen = world.faults.unseen();
            match world.tokens.get(&token).filter(|id| world.objects.contains_key(*id)).cloned() {
                Some(id) if K::IDENTITY == Identity::Token => Ok(id),
                _ => {
                    let made = world.insert(&KindInfo::of::<K>(), &scope, &spec, Owner::Stack(mark), unseen)?;
                    world.tokens.insert(token, made.clone());
                    world.changed(K::NAME);
                    Ok(made)
                }
            }
        };
        self.call(K::NAME, Op::Create, new.mark.address.as_str(), make).await
    }

    async fn update(&self, scope: &Scope, update: &Update<'_, K>) -> Result<(), Fault> {
        let spec = Doc::of(update.to).map_err(|error| refusal(K::NAME, &format!("{error:?}")))?;
        let (scope, mark, id) = (scope.clone(), update.mark.clone(), update.live.id.clone());
        let apply = move |world: &mut World| world.update(&KindInfo::of::<K>(), &scope, &id, &spec, mark);
        self.call(K::NAME, Op::Update, &update.live.id, apply).await
    }

    async fn delete(&self, _: &Scope, live: &Live<K>) -> Result<(), Fault> {
        let id = live.id.clone();
        let delete = move |world: &mut World| {
            let Some(held) = world.objects.get(&id).map(|object| object.live.clone()) else {
                return Err(Fault::new(Class::NotFound, K::NAME, "NotFound", "it is not there"));
            };
            if let Some(user) = world.user_of(&KindInfo::of::<K>(), &held) {
                return Err(Fault::new(Class::InUse, K::NAME, "InUse", format!("{user} uses it")));
            }
            let gone = Instant::now() + world.faults.going(K::NAME);
            if let Some(object) = world.objects.get_mut(&id) {
                object.gone_from.get_or_insert(gone);
            }
            world.sweep();
            world.changed(K::NAME);
            world.remember();
            Ok(())
        };
        self.call(K::NAME, Op::Delete, &live.id, delete).await
    }

    async fn explain(&self, _: &Scope, about: &[Live<K>]) -> Result<BTreeMap<String, Told>, Fault> {
        let ids: Vec<String> = about.iter().map(|live| live.id.clone()).collect();
        let said = move |world: &mut World| Ok(world.ills.told(ids.iter().map(String::as_str)));
        self.call(K::NAME, Op::Explain, "", said).await
    }
}

impl World {
    fn update(&mut self, kind: &KindInfo, scope: &Scope, id: &str, spec: &Doc, mark: Mark) -> Result<(), Fault> {
        self.links_exist(kind, spec)?;
        let stale = self.faults.unseen();
        let changing = self.faults.coming(kind.name);
        let Some(object) = self.objects.get_mut(id) else {
            return Err(Fault::new(Class::NotFound, kind.name, "NotFound", "it is not there"));
        };
        let spec = merged(&spec.value(), &object.live.spec.value());
        for change in crate::diff::diff(&spec, &object.live.spec.value()) {
            if (kind.change)(&change.path, &change.from, &change.to) != crate::kind::Change::InPlace {
                return Err(refusal(kind.name, &format!("{} cannot be changed", change.path)));
            }
        }
        let (spec, out) = (kind.faked)(Some(&object.live.spec), &Doc::from_value(&spec), &object.live.out)
            .map_err(|error| refusal(kind.name, &format!("{error:?}")))?;
        object.before = Some(object.live.clone());
        object.seen_from = Instant::now() + stale;
        (object.live.spec, object.live.out) = (spec, out);
        object.live.owner = Owner::Stack(mark);
        object.changing_until = Instant::now() + changing;
        if let Value::Object(mut out) = object.live.out.value() {
            let derived = (kind.derive)(&object.live.spec, scope).unwrap_or_default();
            out.extend(derived.into_iter().map(|(field, value)| (field.to_owned(), value.into())));
            object.live.out = Doc::from_value(&Value::Object(out));
        }
        self.changed(kind.name);
        self.remember();
        Ok(())
    }
}

fn typed<K: Kind>(live: &LiveDoc) -> Result<Live<K>, Fault> {
    Live::from_doc(live).map_err(|error| refusal(K::NAME, &format!("{error:?}")))
}
