//! The end of a stack: passes until nothing of it is left, one more look at everything, and then its own words go too.
//!
//! **Guarantees.** The record is forgotten only under the lease, and after a look at all kinds that found nothing. Where a creating call
//! may still come to light (an intent is there, or the last pass was cut off or failed), that look is taken when AWS has had the time to
//! show what it made. What appears before that is deleted as well, or told, and the record stays.
//!
//! **Assumes** that what the record does not have among its kinds was never made: that such a kind cannot be read is no hindrance.

use std::time::Duration;

use tokio::time::Instant;

use super::{Engine, Look, PassError, PassReport, Revision, holding, left_alone};
use crate::allowed::Allowed;
use crate::desired::Desired;
use crate::execute::Event;
use crate::observed::{Reading, observe_all};
use crate::state::{Ended, Intent, Lease, NoLease, StackState, Suspension};
use crate::told::Told;
use crate::wait::pause;

/// What was seen of the stack's words on the way.
#[derive(Default)]
struct Seen {
    /// Until when creating calls may have been sent of which nobody knows what came of them, in milliseconds by AWS's clock.
    in_doubt: Option<i64>,
    /// The words of the last look.
    newest: Option<StackState>,
}

impl Seen {
    fn see(&mut self, state: &StackState) {
        // What is recorded later is about deletions.
        if self.newest.is_none() && state.last.as_ref().is_some_and(|last| is_cut_off(last.ended)) {
            self.in_doubt = state.last_at.max(state.lease.as_ref().map(crate::state::ends));
        }
        self.in_doubt = self.in_doubt.max(state.intents.values().map(|(_, at)| *at).max());
        self.newest = Some(state.clone());
    }

    /// How long it takes from now until AWS shows all that there is, if it is `now` by its clock.
    fn rest(&self, now: i64, patience: Duration) -> Duration {
        let Some(since) = self.in_doubt.map(|at| now.saturating_sub(at)) else { return Duration::ZERO };
        patience.saturating_sub(Duration::from_millis(u64::try_from(since).unwrap_or_default()))
    }
}

/// Whether a pass that ended so may have sent a creating call of which it does not know what came of it.
fn is_cut_off(ended: Ended) -> bool {
    matches!(ended, Ended::Applying | Ended::Failed)
}

impl Engine<'_> {
    /// Passes until nothing of the stack is left, and then its own words go too. What is left when the time is over is in the report, and
    /// then the words stay.
    pub async fn destroy(
        &self,
        nothing: &Allowed<Desired>,
        revision: &Revision,
        patience: Duration,
        mut look: Option<Look>,
    ) -> Result<PassReport, PassError> {
        let until = Instant::now() + patience;
        let mut seen = Seen::default();
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let end = self.converge_seeing(nothing, revision, rest, look.take(), &mut |state| seen.see(state)).await?;
            if end.ended != Ended::Converged {
                return Ok(end);
            }
            let is_late = || Instant::now() >= until;
            // Not while another agent makes something: it would lose its record.
            let mut lease = match self.lease(seen.newest.as_ref()).await {
                Err(NoLease::Overtaken { .. }) if !is_late() => continue,
                lease => lease?,
            };
            match self.forget(&mut lease, nothing, &seen).await {
                // The lease itself has gone.
                Ok(None) => return Ok(end),
                Ok(Some(found)) => {
                    lease.release().await;
                    if is_late() {
                        let because = "it came to light when all else was gone, and the time is over";
                        return Ok(left_alone(found.plan, Ended::Progressing, because));
                    }
                    look = Some(found);
                }
                Err(error) => {
                    lease.release().await;
                    return Err(error);
                }
            }
        }
    }

    /// Forgets the stack, unless something of it is there.
    async fn forget(
        &self,
        lease: &mut Lease<'_>,
        nothing: &Allowed<Desired>,
        seen: &Seen,
    ) -> Result<Option<Look>, PassError> {
        let rest = seen.rest(lease.taken_at(), self.timing.intent);
        if !rest.is_zero() {
            (self.tell)(Event::Pauses(rest, "what an earlier pass may have made is not all to be seen yet"));
            pause(rest).await;
        }
        let asked_at = Some(self.timing.clock.now());
        let all = observe_all(self.cloud, self.scope, self.store).await;
        let (state, mut observed) = all.map_err(PassError::State)?;
        self.not_suspended(&state)?;
        if let Some(made) = &state.kinds {
            observed.kinds.retain(|kind, reading| made.contains(kind) || matches!(reading, Reading::Read(_)));
        }
        let found = self.plan(nothing, StackState { asked_at, ..state }, observed)?;
        if !found.plan.is_converged() {
            return Ok(Some(found));
        }
        self.forget_words(lease, &found.state).await?;
        Ok(None)
    }

    /// The lease goes last, so that nobody comes in between.
    async fn forget_words(&self, lease: &mut Lease<'_>, state: &StackState) -> Result<(), PassError> {
        // A call for what is not there would be one that AWS refuses.
        let intents = state.intents.keys().map(Intent::entry);
        let told = state.told.iter().map(|_| Told::ENTRY.to_owned());
        // One that has run out.
        let suspended = state.suspension.iter().map(|_| Suspension::ENTRY.to_owned());
        let words = ["kinds", "last", "lease"].map(str::to_owned);
        for name in intents.chain(told).chain(suspended).chain(words) {
            holding(lease, || self.store.delete(&self.scope.stack, &name)).await?;
        }
        Ok(())
    }
}
