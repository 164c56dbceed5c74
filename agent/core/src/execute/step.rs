//! One step: search before create, one creating call, the rest by update, and a look afterwards whether AWS holds what
//! was planned.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::address::Address;
use crate::clock::Reading;
use crate::diff::{FieldChange, diff};
use crate::doc::{Doc, digest, path_matches, put};
use crate::execute::Executor;
use crate::fault::{Class, Fault};
use crate::kind::{Change, Identity, KindInfo, Wait};
use crate::live::{LiveDoc, Mark, Owner, Phase};
use crate::plan::{Op, Step};
use crate::provider::{Changed, Door};
use crate::reference::{is_open, resolve};
use crate::report::{Outcome, StepError};
use crate::state::{Intent, write};
use crate::work::{Fence, within};

/// What a step is about, at hand.
struct Work<'a> {
    address: &'a Address,
    kind: &'a KindInfo,
    door: &'a Arc<dyn Door>,
    ignore: &'a [String],
    /// The addresses that it had before its component was renamed.
    former: &'a [Address],
}

impl Work<'_> {
    /// What differs, but for what is left to somebody else; with the wanted spec, in which such fields are as AWS holds
    /// them, since some calls send the whole of it.
    fn differs(&self, spec: &Doc, live: &LiveDoc) -> (Vec<FieldChange>, Doc) {
        let mut wanted = spec.value();
        let is_left = |change: &FieldChange| self.ignore.iter().any(|pattern| path_matches(pattern, &change.path));
        let (left, changes): (Vec<_>, Vec<_>) = diff(&wanted, &live.spec.value()).into_iter().partition(is_left);
        for change in left {
            put(&mut wanted, &change.path, change.from);
        }
        (changes, Doc::from_value(&wanted))
    }

    /// Whether the live one says that it is what the mark says. Where no generation can be told, the address is enough.
    fn is_marked(&self, live: &LiveDoc, mark: &Mark) -> bool {
        match &live.owner {
            Owner::Stack(held) if self.kind.marked => held == mark,
            Owner::Stack(held) => held.stack == mark.stack && self.is_it(&held.address),
            Owner::Nobody => false,
        }
    }

    /// Whether an address is this one, now or before its component was renamed.
    fn is_it(&self, told: &Address) -> bool {
        told == self.address || self.former.contains(told)
    }

    /// The marks that it may carry from before.
    fn former_marks(&self, mark: &Mark) -> impl Iterator<Item = Mark> {
        self.former.iter().map(|former| Mark { address: former.clone(), ..mark.clone() })
    }
}

/// Whether an update is about nothing that is applied late.
fn is_early(kind: &KindInfo, changes: &[FieldChange]) -> bool {
    !kind.late.is_empty() && !changes.is_empty() && !changes.iter().any(|change| kind.is_late(&change.path))
}

/// A step that cannot go on now.
enum Stop {
    Failed(StepError),
    Waiting(String),
}

impl From<StepError> for Stop {
    fn from(error: StepError) -> Self {
        Self::Failed(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

impl Executor<'_> {
    pub(super) async fn step(&self, step: &Step) -> Outcome {
        match self.try_step(step).await {
            Ok(id) => Outcome::Done { id },
            Err(Stop::Failed(error)) => match self.timing.halt.reason() {
                // It was given no time to settle: the next pass looks again.
                Some(reason) if error.may_pass() || matches!(error, StepError::DidNotSettle { .. }) => {
                    Outcome::Waiting { on: format!("the next pass, since {reason}") }
                }
                _ => Outcome::Failed { error },
            },
            Err(Stop::Waiting(on)) => Outcome::Waiting { on },
        }
    }

    /// Asked before each change: whether it may still be made, and until when its calls may be sent.
    async fn may_change(&self) -> Result<Fence, Stop> {
        if let Some(reason) = self.timing.halt.reason() {
            return Err(Stop::Waiting(format!("the next pass, since {reason}")));
        }
        Ok(self.permit().await?)
    }

    async fn try_step(&self, step: &Step) -> Result<String, Stop> {
        let name = step.address.kind();
        let door = self.cloud.door(name)?;
        let unknown = || Fault::new(Class::Invalid, name, "UnknownKind", "this agent does not know the kind");
        let kind = self.kinds.get(name).ok_or_else(unknown)?;
        let work = Work { address: &step.address, kind, door, ignore: &step.ignore, former: &step.former };
        self.needs(step).await?;
        match &step.op {
            Op::Create { spec, mark, .. } => self.create(&work, spec, mark).await,
            Op::Update { spec, mark, changes, .. } if is_early(kind, changes) => {
                // What is late is another step's: it may become another by what this one does.
                let late = kind.late.iter().map(|path| (*path).to_owned());
                let ignore: Vec<String> = step.ignore.iter().cloned().chain(late).collect();
                self.update(&Work { ignore: &ignore, ..work }, spec, mark).await
            }
            Op::Update { spec, mark, .. } => self.update(&work, spec, mark).await,
            Op::Clear { live, spec } => self.clear(&work, live, spec).await,
            Op::Delete { live } => self.delete(&work, live).await,
        }
    }

    /// What other resources must be like first.
    async fn needs(&self, step: &Step) -> Result<(), Stop> {
        for need in step.needs.iter().filter(|need| need.wait != Wait::Exists) {
            let mut patience = self.timing.patience(self.timing.ready);
            loop {
                let held = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&need.address).cloned();
                let Some(live) = held else { break }; // not in this stack's AWS: the plan's edges have the say
                match &live.phase {
                    Phase::Ready => break,
                    Phase::Changing if need.wait == Wait::Ready => break,
                    Phase::Broken(reason) => {
                        return Err(Stop::Waiting(format!("{}, which is broken: {reason}", need.address)));
                    }
                    Phase::Coming | Phase::Changing | Phase::Going if !patience.again().await => {
                        return Err(Stop::Waiting(format!("{}, which is {}", need.address, live.phase)));
                    }
                    Phase::Coming | Phase::Changing | Phase::Going => self.look_again(&need.address, &live).await?,
                }
            }
        }
        Ok(())
    }

    async fn look_again(&self, address: &Address, live: &LiveDoc) -> Result<(), Stop> {
        let Owner::Stack(mark) = &live.owner else { return Ok(()) };
        let door = self.cloud.door(address.kind())?;
        match door.find(self.scope, Some(&live.id), mark, &live.spec).await {
            Ok(Some(now)) => self.remember(address, now),
            Ok(None) => {}
            Err(fault) if fault.class.passes() => {}
            Err(fault) => return Err(fault.into()),
        }
        Ok(())
    }

    fn resolved(&self, work: &Work<'_>, spec: &Doc) -> Result<Doc, Stop> {
        let value = resolve(spec.value(), &mut |to, field| self.known(to, field));
        if is_open(&value) {
            let open = crate::doc::edges(&value);
            let on = open.first().map(|edge| format!("{}, which has no `{}` yet", edge.to, edge.field));
            return Err(Stop::Waiting(on.unwrap_or_default()));
        }
        let misfit = |error| Fault::new(Class::Invalid, work.kind.name, "Misfit", format!("{error:?}"));
        Ok((work.kind.normal)(&Doc::from_value(&value)).map_err(misfit)?)
    }

    async fn create(&self, work: &Work<'_>, spec: &Doc, mark: &Mark) -> Result<String, Stop> {
        let spec = self.resolved(work, spec)?;
        let found = match self.pending_intent(work.address) {
            Some(begun) => self.search_for_lost(work, &spec, mark, begun).await?,
            None => self.search(work, &spec, mark).await?,
        };
        let id = match found {
            Some(id) => id,
            None => self.send(work, &spec, mark).await?,
        };
        self.settle(work, &id, &spec, mark).await?;
        self.forget_intent(work.address).await;
        Ok(id)
    }

    /// A creating call of an earlier pass of which no answer came: for how long it may still turn up. Passes that are ended
    /// early one after the other would else never get beyond the search.
    fn pending_intent(&self, address: &Address) -> Option<Duration> {
        let intents = self.intents.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, at) = intents.get(address)?;
        let age = u64::try_from(self.began_at.saturating_sub(*at)).unwrap_or_default();
        // It is dated before the call was sent.
        Some((self.timing.call + self.timing.intent).saturating_sub(Duration::from_millis(age)))
    }

    async fn forget_intent(&self, address: &Address) {
        let held = self.intents.lock().unwrap_or_else(PoisonError::into_inner).remove(address);
        if held.is_none() {
            return;
        }
        // Another agent may have one of that name by now.
        let forgotten = match self.permit().await {
            Ok(fence) => {
                let entry = Intent::entry(address);
                within(fence, self.store.delete(&self.scope.stack, &entry)).await.map_err(Into::into)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            tracing::debug!(%address, %error, "the intent stays; the next pass finds what it was about");
        }
    }

    /// What is there already, if it is ours and of this generation.
    async fn search(&self, work: &Work<'_>, spec: &Doc, mark: &Mark) -> Result<Option<String>, Stop> {
        let mut patience = self.timing.patience(self.timing.settle);
        loop {
            match self.find(work, spec, mark).await {
                Ok(None) => return Ok(None),
                Ok(Some(live)) if live.phase == Phase::Going => {
                    if !patience.again().await {
                        return Err(Stop::Waiting(format!("{}, which is being deleted", live.id)));
                    }
                }
                Ok(Some(live)) => return Self::accept(work, live, mark).map(Some),
                Err(fault) if fault.class == Class::NotFound => return Ok(None),
                Err(fault) if fault.class.passes() && patience.again().await => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// What is there, found by its name or its tags. The tags may tell its former address.
    async fn find(&self, work: &Work<'_>, spec: &Doc, mark: &Mark) -> Result<Option<LiveDoc>, Fault> {
        let mut found = work.door.find(self.scope, None, mark, spec).await?;
        let by_tags = work.kind.identity != Identity::UniqueName;
        for former in work.former_marks(mark).filter(|_| by_tags) {
            if found.is_none() {
                found = work.door.find(self.scope, None, &former, spec).await?;
            }
        }
        Ok(found)
    }

    async fn search_for_lost(
        &self,
        work: &Work<'_>,
        spec: &Doc,
        mark: &Mark,
        for_so_long: Duration,
    ) -> Result<Option<String>, Stop> {
        let mut patience = self.timing.patience(for_so_long);
        loop {
            if let Some(id) = self.search(work, spec, mark).await? {
                return Ok(Some(id));
            }
            if !patience.again().await {
                return Ok(None);
            }
        }
    }

    fn accept(work: &Work<'_>, live: LiveDoc, mark: &Mark) -> Result<String, Stop> {
        let owner = match &live.owner {
            _ if work.is_marked(&live, mark) => return Ok(live.id),
            // Its tags are written anew when it is looked at.
            Owner::Stack(held) if work.former_marks(mark).any(|former| former == *held) => return Ok(live.id),
            Owner::Stack(held) if held.stack == mark.stack && work.is_it(&held.address) => {
                // Its name is taken by an older generation, which the plan deletes first; a read that lags.
                return Err(Stop::Waiting(format!("{}, which is of an older generation", live.id)));
            }
            Owner::Stack(held) if held.stack == mark.stack => format!("{} of this stack", held.address),
            Owner::Stack(held) => format!("the stack `{}` ({})", held.stack, held.address),
            Owner::Nobody => "nobody that this agent knows".to_owned(),
        };
        Err(StepError::NotOurs { id: live.id, owner }.into())
    }

    /// The one creating call, sent again only where that cannot make a second one.
    async fn send(&self, work: &Work<'_>, spec: &Doc, mark: &Mark) -> Result<String, Stop> {
        let unnamed = work.kind.identity == Identity::Intent;
        // Salted by the pass: EC2 would answer a token of yesterday with the id of what somebody has deleted since. A dead
        // process's call cannot be repeated under another token: its lease has to run out first, and then it is found.
        let token = &digest(&format!("{} {} {}", self.salt, mark.address, spec.as_str()))[..32];
        let mut patience = self.timing.patience(self.timing.busy);
        let clock = &self.timing.clock;
        let mut dated = None;
        loop {
            // Whoever finds the intent reckons with a call that was under way for so long after it.
            if unnamed && dated.is_none_or(|at| clock.since(at) >= self.timing.call / 2) {
                dated = Some(self.intend(work.address, mark).await?);
            }
            let fence = self.may_change().await?.and(dated.unwrap_or_else(|| clock.now()), self.timing.call);
            let fault = match within(fence, work.door.create(self.scope, spec, mark, token)).await {
                Ok(id) => return Ok(id),
                Err(fault) => fault,
            };
            let lost = fault.class == Class::Lost || (unnamed && fault.class == Class::Unavailable);
            let found = match fault.class {
                _ if lost && unnamed => self.search_for_lost(work, spec, mark, self.timing.intent).await?,
                Class::Lost => self.search(work, spec, mark).await?,
                Class::Exists => self.search_for_lost(work, spec, mark, self.timing.settle).await?,
                _ => None,
            };
            if let Some(id) = found {
                return Ok(id);
            }
            // Without token and name, a lost call is given up here: the next pass searches for it before it sends another.
            let again = fault.class.passes() && !(lost && unnamed);
            if !again || !patience.again().await {
                return Err(fault.into());
            }
        }
    }

    /// Puts down that something without a name is about to be made; gives when, at the latest, it was not put down yet.
    async fn intend(&self, address: &Address, mark: &Mark) -> Result<Reading, Stop> {
        let fence = self.may_change().await?;
        let at = self.timing.clock.now();
        let intent = Intent { address: mark.address.clone(), generation: mark.generation.clone() };
        let entry = Intent::entry(address);
        within(fence, write(self.store, &self.scope.stack, &entry, &intent)).await?;
        let mut intents = self.intents.lock().unwrap_or_else(PoisonError::into_inner);
        intents.insert(address.clone(), (intent, 0));
        Ok(at)
    }

    async fn update(&self, work: &Work<'_>, spec: &Doc, mark: &Mark) -> Result<String, Stop> {
        let spec = self.resolved(work, spec)?;
        let held = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(work.address).cloned();
        let Some(live) = held else {
            return Err(Stop::Waiting(format!("{}, which is not there yet", work.address)));
        };
        self.bring(work, &live, &spec, mark).await?;
        self.settle(work, &live.id, &spec, mark).await?;
        Ok(live.id)
    }

    /// Sends what differs. Nothing, if nothing does.
    async fn bring(&self, work: &Work<'_>, live: &LiveDoc, spec: &Doc, mark: &Mark) -> Result<(), Stop> {
        let (changes, spec) = work.differs(spec, live);
        for change in &changes {
            if (work.kind.change)(&change.path, &change.from, &change.to) != Change::InPlace {
                return Err(StepError::Moved { path: change.path.clone() }.into());
            }
        }
        let marked = work.is_marked(live, mark);
        if changes.is_empty() && marked {
            return Ok(());
        }
        let paths = changes.into_iter().map(|change| change.path).collect();
        let changed = Changed { paths, mark: !marked };
        let mut patience = self.timing.patience(self.timing.busy);
        loop {
            let fence = self.may_change().await?;
            match within(fence, work.door.update(self.scope, live, &spec, &changed, mark)).await {
                Ok(()) => return Ok(()),
                Err(fault) if fault.class.passes() && patience.again().await => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Looks until AWS holds what was planned. What the creating call could not carry is sent as one update.
    async fn settle(&self, work: &Work<'_>, id: &str, spec: &Doc, mark: &Mark) -> Result<(), Stop> {
        let mut patience = self.timing.patience(self.timing.settle);
        let mut sent = false;
        let mut left: Option<FieldChange> = None;
        loop {
            match work.door.find(self.scope, Some(id), mark, spec).await {
                Ok(Some(live)) => {
                    let (changes, _) = work.differs(spec, &live);
                    let marked = work.is_marked(&live, mark);
                    self.remember(work.address, live.clone());
                    if changes.is_empty() && marked {
                        return Ok(());
                    }
                    left = changes.into_iter().next();
                    if !sent {
                        self.bring(work, &live, spec, mark).await?;
                        sent = true;
                        continue;
                    }
                }
                Ok(None) => {}
                Err(fault) if fault.class.passes() => {}
                Err(fault) => return Err(fault.into()),
            }
            if !patience.again().await {
                return Err(left.as_ref().map_or_else(
                    || Stop::Waiting(format!("{id}, which cannot be seen yet")),
                    |change| StepError::did_not_settle(change).into(),
                ));
            }
        }
    }

    async fn clear(&self, work: &Work<'_>, live: &LiveDoc, spec: &Doc) -> Result<String, Stop> {
        let Owner::Stack(mark) = &live.owner else { return Ok(live.id.clone()) };
        self.bring(work, live, spec, mark).await?;
        Ok(live.id.clone())
    }

    async fn delete(&self, work: &Work<'_>, live: &LiveDoc) -> Result<String, Stop> {
        let mut busy = self.timing.patience(self.timing.busy);
        loop {
            let fence = self.may_change().await?;
            match within(fence, work.door.delete(self.scope, live)).await {
                Ok(()) => break,
                Err(fault) if fault.class == Class::NotFound => break,
                Err(fault) if fault.class.passes() => {
                    if !busy.again().await {
                        return Err(Stop::Waiting(fault.to_string()));
                    }
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        self.gone(work, live).await
    }

    /// Looks until it is gone: what it was made of can go only then.
    async fn gone(&self, work: &Work<'_>, live: &LiveDoc) -> Result<String, Stop> {
        let Owner::Stack(mark) = &live.owner else { return Ok(live.id.clone()) };
        let mut patience = self.timing.patience(self.timing.settle);
        loop {
            match work.door.find(self.scope, Some(&live.id), mark, &live.spec).await {
                Ok(None) => return Ok(live.id.clone()),
                Ok(Some(_)) => {}
                Err(fault) if fault.class == Class::NotFound => return Ok(live.id.clone()),
                Err(fault) if fault.class.passes() => {}
                Err(fault) => return Err(fault.into()),
            }
            if !patience.again().await {
                return Err(Stop::Waiting(format!("{}, which is being deleted", live.id)));
            }
        }
    }
}
