//! One pass over a stack: read, plan, let the rules judge, carry out, and say how it ended; and passes until the stack
//! is as the revision wants. "Converged" is said only after a full read that showed no difference.

mod destroy;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::address::{Address, Scope};
use crate::allowed::{Allowed, Finding, Judge};
use crate::desired::Desired;
use crate::execute::{Event, Executor};
use crate::fault::{Class, Fault};
use crate::kind::{Kinds, Removal};
use crate::observed::{Interest, Observed, observe};
use crate::plan::{Op, Plan, PlanError, Settings, Step, plan};
use crate::provider::Cloud;
use crate::report::{Outcome, Report, StepReport};
use crate::state::{Belongs, Ended, Expiry, Intent, Last, Lease, NoLease, StackState, Store, Suspended, as_text};
use crate::stuck;
use crate::wait::{Timing, pause};
use crate::work;

/// What a revision is called and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// The commit.
    pub id: String,
    /// The repository or directory, without credentials.
    pub source: String,
}

/// What passes over one stack work with.
pub struct Engine<'a> {
    /// The doors to AWS.
    pub cloud: &'a Cloud,
    /// The table of kinds.
    pub kinds: Kinds,
    /// Where the stack lives.
    pub scope: &'a Scope,
    /// Where the stack's own words are.
    pub store: &'a dyn Store,
    /// The rules.
    pub judge: &'a dyn Judge,
    /// What a plan may take away.
    pub settings: Settings,
    /// How long to wait for what.
    pub timing: Timing,
    /// Who is told what happens.
    pub tell: &'a (dyn Fn(Event<'_>) + Sync),
    /// Who this agent is, in the lease.
    pub holder: String,
    /// Go on although resources are there of which no record is.
    pub accept_lost_state: bool,
    /// Try again what failed for good at this revision, although nothing has changed since.
    pub insist: bool,
    /// Which source the stack belongs to from now on.
    pub belongs: Belongs,
}

/// What was read, and what is to be done about it. Nothing was changed.
pub struct Look {
    /// The stack's own words.
    pub state: StackState,
    /// What AWS holds.
    pub observed: Observed,
    /// What is to be done.
    pub plan: Plan,
}

/// Why there was no pass.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The stack's own words could not be read or written.
    #[error("the stack's state could not be read or written")]
    State(#[source] Fault),
    /// There can be no plan.
    #[error("there can be no plan: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Plan(Vec<PlanError>),
    /// The rules are against it.
    #[error("the rules are against it")]
    Refused(Vec<Finding>),
    /// Another agent is at work.
    #[error(transparent)]
    Lease(#[from] NoLease),
    /// People want nothing of it to be changed.
    #[error("nothing of the stack is changed: {0}")]
    Suspended(Suspended),
    /// Resources are there, and no record of them is.
    #[error(
        "AWS holds {count} resources of the stack `{stack}` (such as {example}), and the record of its last revision is gone; \
         if the revision is the right one, run `agent apply --accept-revision {revision}`"
    )]
    StateLost {
        /// The stack.
        stack: String,
        /// How many there are.
        count: usize,
        /// One of them.
        example: String,
        /// The revision at hand.
        revision: String,
    },
}

impl PassError {
    /// Whether another agent is, or was, at work: nothing is wrong, and the next pass sees what has come of that.
    pub fn is_others_turn(&self) -> bool {
        matches!(self, Self::Lease(NoLease::Held { .. } | NoLease::Overtaken { .. }))
    }

    /// When the lease of another agent can have expired, if that is what was in the way.
    pub fn expiry(&self) -> Option<Expiry> {
        match self {
            Self::Lease(NoLease::Held { expiry, .. }) => Some(*expiry),
            _ => None,
        }
    }
}

/// How a pass ended.
#[derive(Clone, Debug, Serialize)]
pub struct PassReport {
    /// How.
    pub ended: Ended,
    /// What was done.
    pub report: Report,
    /// Kinds that could not be read.
    pub not_read: BTreeMap<String, Fault>,
    /// How many resources were as wanted at the start.
    pub unchanged: usize,
}

impl Engine<'_> {
    /// Reads and plans.
    pub async fn look(&self, desired: &Allowed<Desired>) -> Result<Look, PassError> {
        let (state, observed) = self.read(&Interest::of(desired)).await?;
        self.plan(desired, state, observed)
    }

    /// Reads what a revision is interested in, before it is known in full: what AWS is asked for its expansion takes no
    /// round of its own then.
    pub async fn read(&self, interest: &Interest) -> Result<(StackState, Observed), PassError> {
        let asked_at = self.timing.clock.now();
        let (state, observed) =
            observe(self.cloud, self.scope, interest, self.store).await.map_err(PassError::State)?;
        Ok((StackState { asked_at: Some(asked_at), ..state }, observed))
    }

    /// Why people want nothing of the stack to be changed now, if they said so by command.
    pub fn suspended(&self, state: &StackState) -> Option<Suspended> {
        let holds = state.suspension.as_ref().filter(|said| said.holds_at(self.timing.clock.now().wall));
        holds.cloned().map(Suspended::Command)
    }

    /// No step is taken in a stack that is suspended.
    pub fn not_suspended(&self, state: &StackState) -> Result<(), PassError> {
        self.suspended(state).map_or(Ok(()), |suspended| Err(PassError::Suspended(suspended)))
    }

    /// Plans on what was read.
    pub fn plan(&self, desired: &Allowed<Desired>, state: StackState, observed: Observed) -> Result<Look, PassError> {
        let plan = plan(desired, &observed, &self.kinds, self.scope, &self.settings).map_err(PassError::Plan)?;
        Ok(Look { state, observed, plan })
    }

    /// One pass.
    pub async fn pass(&self, desired: &Allowed<Desired>, revision: &Revision) -> Result<PassReport, PassError> {
        self.pass_on(desired, self.look(desired).await?, revision).await
    }

    /// One pass by what was read already.
    pub async fn pass_on(
        &self,
        desired: &Allowed<Desired>,
        look: Look,
        revision: &Revision,
    ) -> Result<PassReport, PassError> {
        self.not_suspended(&look.state)?;
        self.nothing_lost(&look, revision)?;
        if look.plan.steps.is_empty() {
            return self.rest(look, revision).await;
        }
        if let Some(reason) = self.timing.halt.reason() {
            return Ok(left_alone(look.plan, Ended::Progressing, reason));
        }
        let stuck = look.state.last.as_ref().filter(|last| last.revision == revision.id).map(|last| &last.stuck);
        if !self.insist && stuck.is_some_and(|stuck| stuck::is_all_of(&look.plan, stuck)) {
            return Ok(left_alone(
                look.plan,
                Ended::Failed,
                "it failed at this revision, and nothing has changed since",
            ));
        }
        self.work(desired, look, revision).await
    }

    /// Resources without a record of who made them are never guessed at.
    fn nothing_lost(&self, look: &Look, revision: &Revision) -> Result<(), PassError> {
        let kept = |kind: &str| self.kinds.get(kind).is_some_and(|kind| kind.removal == Removal::LetGo);
        let owned: Vec<_> = look.observed.owned(&self.scope.stack).filter(|live| !kept(&live.kind)).collect();
        match owned.first() {
            Some(first) if look.state.last.is_none() && !self.accept_lost_state => Err(PassError::StateLost {
                stack: self.scope.stack.clone(),
                count: owned.len(),
                example: first.id.clone(),
                revision: revision.id.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// A pass without steps. Where all is as it was left, it writes nothing.
    async fn rest(&self, look: Look, revision: &Revision) -> Result<PassReport, PassError> {
        let ended = if look.plan.is_converged() {
            Ended::Converged
        } else if look.plan.not_read.is_empty() {
            Ended::Progressing
        } else {
            Ended::Failed
        };
        let is_told = |last: &Last| last.revision == revision.id && last.ended == ended && self.belongs.is_so(last);
        let told = look.state.last.as_ref().is_some_and(is_told);
        if !told && (look.state.last.is_some() || !look.plan.current.is_empty()) {
            let mut lease = self.lease(Some(&look.state)).await?;
            let recorded = self.record(&mut lease, look.state.last.as_ref(), revision, ended, BTreeSet::new()).await;
            lease.release().await;
            recorded?;
        }
        if ended == Ended::Converged && !look.state.intents.is_empty() {
            self.tidy(&look.state).await?;
        }
        let report = Report { steps: Vec::new(), notes: look.plan.notes };
        Ok(PassReport { ended, report, not_read: look.plan.not_read, unchanged: look.plan.unchanged })
    }

    /// Takes the lease, to do something about what was seen.
    async fn lease(&self, seen: Option<&StackState>) -> Result<Lease<'_>, NoLease> {
        Lease::take_since(self.store, &self.scope.stack, self.holder.clone(), &self.timing, seen).await
    }

    /// Removes intents that were there when AWS was read: all that they may have been about was seen. Those of an agent that
    /// is at work now stay.
    async fn tidy(&self, seen: &StackState) -> Result<(), PassError> {
        let mut lease = match self.lease(Some(seen)).await {
            Ok(lease) => lease,
            Err(NoLease::Held { .. } | NoLease::Overtaken { .. }) => return Ok(()),
            Err(fault) => return Err(fault.into()),
        };
        let tidied = async {
            let now = StackState::read(self.store, &self.scope.stack).await.map_err(PassError::State)?;
            let newer = now
                .intents
                .iter()
                .filter(|(address, (_, at))| seen.intents.get(*address).is_none_or(|(_, before)| before != at));
            self.forget_intents(&mut lease, &now, &newer.map(|(address, _)| address.clone()).collect()).await
        };
        let tidied = tidied.await;
        lease.release().await;
        tidied
    }

    async fn work(&self, desired: &Allowed<Desired>, look: Look, revision: &Revision) -> Result<PassReport, PassError> {
        let Look { state, plan, .. } = look;
        let allowed = Allowed::<Plan>::judge(plan, desired, self.judge).await.map_err(PassError::Refused)?;
        let creating = allowed.steps.iter().filter(|step| matches!(step.op, Op::Create { .. }));
        let creating: BTreeSet<Address> =
            creating.flat_map(|step| std::iter::once(step.address.clone()).chain(step.former.clone())).collect();
        let mut lease = self.lease(Some(&state)).await?;
        if let Err(error) = self.announce(&mut lease, &state, &allowed, &creating, revision).await {
            lease.release().await;
            return Err(error);
        }
        let executor = Executor {
            cloud: self.cloud,
            kinds: &self.kinds,
            scope: self.scope,
            store: self.store,
            timing: &self.timing,
            tell: self.tell,
            intents: Mutex::new(begun(state.intents, &allowed)),
            began_at: lease.taken_at(),
            salt: holder(),
            lease: tokio::sync::Mutex::new(lease),
            known: Mutex::new(allowed.current.clone()),
        };
        let report = executor.run(&allowed).await;
        let ended = if report.failures().next().is_some() { Ended::Failed } else { Ended::Progressing };
        let stuck = stuck::failed_for_good(&allowed, &report);
        let mut lease = executor.lease.into_inner();
        let recorded = self.record(&mut lease, state.last.as_ref(), revision, ended, stuck).await;
        lease.release().await;
        match recorded {
            // Whoever works on the stack now says how it is; what was done here is told all the same.
            Ok(()) | Err(PassError::Lease(NoLease::Held { .. } | NoLease::Overtaken { .. })) => {}
            Err(error) => return Err(error),
        }
        Ok(PassReport { ended, report, not_read: allowed.not_read.clone(), unchanged: allowed.unchanged })
    }

    /// What the stack says about itself before the first change.
    async fn announce(
        &self,
        lease: &mut Lease<'_>,
        state: &StackState,
        plan: &Plan,
        creating: &BTreeSet<Address>,
        revision: &Revision,
    ) -> Result<(), PassError> {
        self.record(lease, state.last.as_ref(), revision, Ended::Applying, BTreeSet::new()).await?;
        self.record_kinds(lease, state.kinds.as_ref(), plan).await?;
        self.forget_intents(lease, state, creating).await
    }

    async fn record(
        &self,
        lease: &mut Lease<'_>,
        before: Option<&Last>,
        revision: &Revision,
        ended: Ended,
        stuck: BTreeSet<String>,
    ) -> Result<(), PassError> {
        let next = Last::next(before, &revision.id, &revision.source, &self.judge.digest(), ended);
        let last = Last { stuck, ..next }.belonging(&self.belongs);
        let text = as_text(&last);
        holding(lease, || self.store.put(&self.scope.stack, "last", &text)).await
    }

    /// Before the first of a kind is made, so that no later pass forgets to list it. What is being deleted counts too: where
    /// the record was lost, it is known from nowhere else.
    async fn record_kinds(
        &self,
        lease: &mut Lease<'_>,
        made: Option<&BTreeSet<String>>,
        plan: &Plan,
    ) -> Result<(), PassError> {
        let mut kinds: BTreeSet<String> = made.cloned().unwrap_or_default();
        kinds.extend(plan.steps.iter().map(|step| step.address.kind().to_owned()));
        kinds.extend(plan.current.values().map(|live| live.kind.clone()));
        if Some(&kinds) == made {
            return Ok(());
        }
        let text = as_text(&kinds);
        holding(lease, || self.store.put(&self.scope.stack, "kinds", &text)).await
    }

    /// Removes intents that are about nothing any longer.
    async fn forget_intents(
        &self,
        lease: &mut Lease<'_>,
        state: &StackState,
        but: &BTreeSet<Address>,
    ) -> Result<(), PassError> {
        for address in state.intents.keys().filter(|address| !but.contains(*address)) {
            let entry = Intent::entry(address);
            holding(lease, || self.store.delete(&self.scope.stack, &entry)).await?;
        }
        Ok(())
    }

    /// Passes until AWS is as the revision wants, or nothing moves any more. `look` is what the first pass goes by, where
    /// it was taken already.
    pub async fn converge(
        &self,
        desired: &Allowed<Desired>,
        revision: &Revision,
        patience: Duration,
        look: Option<Look>,
    ) -> Result<PassReport, PassError> {
        // A pass is a large future.
        Box::pin(self.converge_seeing(desired, revision, patience, look, &mut |_| ())).await
    }

    /// The same; the stack's own words are shown before each pass.
    async fn converge_seeing(
        &self,
        desired: &Allowed<Desired>,
        revision: &Revision,
        patience: Duration,
        mut look: Option<Look>,
        see: &mut (dyn FnMut(&StackState) + Send),
    ) -> Result<PassReport, PassError> {
        let until = tokio::time::Instant::now() + patience;
        let mut stuck = 0;
        loop {
            let now = match look.take() {
                Some(look) => look,
                None => self.look(desired).await?,
            };
            see(&now.state);
            let late = tokio::time::Instant::now() >= until;
            let pass = match self.pass_on(desired, now, revision).await {
                Err(PassError::Lease(NoLease::Overtaken { .. })) if !late => continue,
                pass => pass?,
            };
            if pass.ended == Ended::Converged {
                return Ok(pass);
            }
            let hopeless = pass.report.failures().any(|(_, error)| !error.may_pass())
                || pass.not_read.values().any(|fault| !fault.class.passes());
            let late = tokio::time::Instant::now() >= until;
            if pass.report.moved() && !late {
                stuck = 0;
                continue;
            }
            stuck += usize::from(pass.ended == Ended::Failed);
            if late || hopeless || stuck >= 3 {
                return Ok(pass);
            }
            pause(self.timing.between_passes).await;
        }
    }
}

/// A pass that makes no change, with the reason.
fn left_alone(plan: Plan, ended: Ended, because: &str) -> PassReport {
    let skipped = |step: &Step| StepReport {
        address: step.address.clone(),
        verb: step.op.verb().into(),
        outcome: Outcome::Skipped { because: because.to_owned() },
    };
    let report = Report { steps: plan.steps.iter().map(skipped).collect(), notes: plan.notes };
    PassReport { ended, report, not_read: plan.not_read, unchanged: plan.unchanged }
}

/// The creating calls of earlier passes that steps of this one are about, by what their addresses are now.
fn begun(intents: BTreeMap<Address, (Intent, i64)>, plan: &Plan) -> BTreeMap<Address, (Intent, i64)> {
    let creating = || plan.steps.iter().filter(|step| matches!(step.op, Op::Create { .. }));
    let now = |told: &Address| {
        let step = creating().find(|step| step.address == *told || step.former.contains(told))?;
        Some(step.address.clone())
    };
    intents.into_iter().filter_map(|(told, intent)| Some((now(&told)?, intent))).collect()
}

/// Writes a word of the stack while the lease is held. What came too late was not sent, and goes once more.
async fn holding<'w>(
    lease: &mut Lease<'_>,
    write: impl Fn() -> BoxFuture<'w, Result<(), Fault>>,
) -> Result<(), PassError> {
    loop {
        let fence = lease.permit().await?;
        match work::within(fence.clone(), write()).await {
            Err(fault) if fault.class == Class::Lost && !fence.is_open() => {}
            written => return written.map_err(PassError::State),
        }
    }
}

/// A name for this process in leases: random, so that two processes on one machine differ.
pub fn holder() -> String {
    let mut random = [0_u8; 8];
    match getrandom::fill(&mut random) {
        Ok(()) => hex::encode(random),
        Err(_) => format!("pid-{}", std::process::id()),
    }
}
