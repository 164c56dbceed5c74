//! The lease of a stack: the right of one agent to change it.
//!
//! **Guarantees.** A changing call is sent only while its sender holds the lease by AWS's record. It is sent in the first three
//! quarters of a claim, measured from *before* the claim was written and by whichever clock of the machine says that more time has
//! passed (see [`crate::clock`]); what is sent by then has been answered, or given up by the client, before the claim ends. A process that was stopped for however long finds the fence closed at
//! its next call, claims again, and learns who holds the lease. What it looked at while another was at work it looks at again.
//!
//! **Does not guarantee** what AWS's API cannot: a call that left the machine may land later than the client waits for it, and between
//! the last look at the fence and the socket lie some microseconds in which a process can be stopped. There are no fencing tokens in
//! AWS's calls. What a call that lands so late makes is found by its name, its token or its intent, or by its tags on the next look.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Entry, StackState, Store, write};
use crate::clock::{Clock, Reading};
use crate::fault::{Class, Fault};
use crate::wait::Timing;
use crate::work::Fence;

/// The name of its entry.
pub(super) const ENTRY: &str = "lease";

/// One claim of the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    holder: String,
    /// For how many seconds it holds. 0 gives it back.
    seconds: u64,
}

impl Claim {
    /// When it is over, if it was made at `at`.
    fn ends(&self, at: i64) -> i64 {
        at.saturating_add(i64::try_from(self.seconds).unwrap_or(i64::MAX).saturating_mul(1000))
    }
}

/// A claim that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    claim: Claim,
    /// When it was made.
    at: i64,
    /// When the first of those was made that its holder has held without a break.
    since: i64,
}

impl Held {
    fn ends(&self) -> i64 {
        self.claim.ends(self.at)
    }
}

/// The right of one agent to change a stack.
///
/// SSM has no compare-and-swap, so the holder is a fold over the parameter's history: a claim counts only if the
/// holder before it had expired by AWS's timestamps, or had given it back.
pub struct Lease<'a> {
    store: &'a dyn Store,
    stack: &'a str,
    holder: String,
    length: Duration,
    clock: Clock,
    /// Before the last claim was sent: the lease runs from when AWS takes it, which is later.
    claimed: Reading,
    /// When AWS took the last claim, by its clock; see [`Lease::taken_at`].
    taken_at: Option<i64>,
    /// Another agent holds it by now: it is not ours to give back.
    is_lost: bool,
    /// Another agent held it since it was taken, or does: nothing more is done under it.
    overtaken_by: Option<String>,
}

/// Who changes a stack now, or did and stopped in the middle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// The name of the process in the lease.
    pub holder: String,
    /// Since when it has held it, by AWS's clock.
    pub since: jiff::Timestamp,
    /// When its lease ends, unless it claims it again; by AWS's clock.
    pub until: jiff::Timestamp,
    /// Whether that is over: it was not given back, so whoever held it was stopped in the middle.
    pub expired: bool,
}

/// Who holds the lease at `now`, in milliseconds since 1970, or has let it run out. The history of claims is asked for only where
/// the newest gives nothing back: it may be that of one that did not get the lease.
pub async fn at_work(store: &dyn Store, stack: &str, seen: &StackState, now: i64) -> Result<Option<AtWork>, Fault> {
    let newest = seen.lease.as_ref().and_then(|entry| holder(std::slice::from_ref(entry)));
    if newest.is_none() {
        return Ok(None);
    }
    let held = holder(&store.history(stack, ENTRY).await?);
    Ok(held.and_then(|held| {
        let time = |at| jiff::Timestamp::from_millisecond(at).ok();
        let (since, until) = (time(held.since)?, time(held.ends())?);
        Some(AtWork { expired: held.ends() <= now, holder: held.claim.holder, since, until })
    }))
}

/// When a lease that another holds can have expired. The time by AWS's clock is known from a claim of our own, which AWS has dated
/// as it dated the other's; clocks of two machines are not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// When it ends, unless its holder claims it again: by AWS's clock, in milliseconds.
    ends: i64,
    /// What AWS's clock showed, at least, at a moment of this process.
    then: i64,
    at: Instant,
}

impl Expiry {
    /// The moment of this process from which on AWS calls it expired, unless its holder claims it again.
    pub fn at(&self) -> Instant {
        let rest = u64::try_from(self.ends.saturating_sub(self.then)).unwrap_or_default();
        self.at + Duration::from_millis(rest)
    }

    /// What AWS's clock shows now, at least.
    fn now(&self) -> i64 {
        self.then.saturating_add(i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// Whether a lease that another held is free by now. One call, which writes nothing: a look at the stack takes many, and to ask for the
/// lease takes an entry of its history.
pub async fn is_free(store: &dyn Store, stack: &str, before: &Expiry) -> Result<(), NoLease> {
    let now = before.now();
    match holder(&store.history(stack, ENTRY).await?).filter(|held| held.ends() > now) {
        None => Ok(()),
        Some(held) => {
            let expiry = Expiry { ends: held.ends(), ..*before };
            Err(NoLease::Held { holder: held.claim.holder, seconds: held.claim.seconds, expiry })
        }
    }
}

/// Why there is no lease.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoLease {
    /// Another agent holds it.
    #[error("another agent ({holder}) works on this stack; its lease ends within {seconds} s")]
    Held {
        /// Who.
        holder: String,
        /// For how long at most.
        seconds: u64,
        /// When.
        expiry: Expiry,
    },
    /// Another agent held it after this one had looked at the stack.
    #[error("another agent ({holder}) has worked on this stack since it was looked at; the next pass looks again")]
    Overtaken {
        /// Who.
        holder: String,
    },
    /// It could not be asked for.
    #[error("the lease could not be taken: {0}")]
    Fault(#[from] Fault),
}

impl<'a> Lease<'a> {
    /// Takes the lease.
    pub async fn take(store: &'a dyn Store, stack: &'a str, holder: String, timing: &Timing) -> Result<Self, NoLease> {
        Self::take_since(store, stack, holder, timing, None).await
    }

    /// Takes the lease, unless another has held it since the stack was looked at: what was seen is out of date then.
    pub async fn take_since(
        store: &'a dyn Store,
        stack: &'a str,
        holder: String,
        timing: &Timing,
        seen: Option<&StackState>,
    ) -> Result<Self, NoLease> {
        let (length, clock) = (timing.lease, timing.clock.clone());
        let claimed = clock.now();
        let mut lease =
            Self { store, stack, holder, length, clock, claimed, taken_at: None, is_lost: false, overtaken_by: None };
        let history = lease.claim().await?;
        if let Some(other) = seen.and_then(|seen| lease.overtaken(&history, seen)) {
            lease.release().await;
            return Err(NoLease::Overtaken { holder: other });
        }
        Ok(lease)
    }

    async fn claim(&mut self) -> Result<Vec<Entry>, NoLease> {
        let claimed = self.clock.now();
        let claim = Claim { holder: self.holder.clone(), seconds: self.length.as_secs() };
        write(self.store, self.stack, ENTRY, &claim).await?;
        let history = self.store.history(self.stack, ENTRY).await?;
        let held = holder(&history);
        let is_ours = held.as_ref().is_some_and(|held| held.claim.holder == self.holder);
        crate::work::holds(is_ours);
        match held {
            Some(held) if is_ours => {
                let before = self.taken_at.replace(held.at);
                self.claimed = claimed;
                // The first claim is after nothing.
                match before.and_then(|before| self.other_since(&history, before)) {
                    Some(holder) => {
                        self.overtaken_by = Some(holder.clone());
                        Err(NoLease::Overtaken { holder })
                    }
                    None => Ok(history),
                }
            }
            Some(held) => {
                let own = history.iter().rfind(|entry| is_by(entry, &self.holder)).map_or(held.at, |entry| entry.at);
                let expiry = Expiry { ends: held.ends(), then: own, at: Instant::now() };
                let Claim { holder, seconds } = held.claim;
                self.is_lost = true;
                self.overtaken_by = Some(holder.clone());
                Err(NoLease::Held { holder, seconds, expiry })
            }
            None => {
                let text = "the claim that was just written is not in the history";
                Err(Fault::new(Class::Conflict, "ssm:GetParameterHistory", "StaleHistory", text).into())
            }
        }
    }

    /// Another that held the lease since this one claimed it last: it came, worked and went while this process was stopped, and what
    /// this one is about is out of date. Having the lease again does not help.
    fn other_since(&self, history: &[Entry], claimed: i64) -> Option<String> {
        let own = Claim { holder: self.holder.clone(), seconds: self.length.as_secs() };
        let is_it =
            |entry: &Entry| entry.at == claimed && serde_json::from_str(&entry.value).is_ok_and(|c: Claim| c == own);
        // Where it is not kept any longer, a hundred others are newer.
        self.other_after(history, history.iter().rposition(is_it).map_or(0, |at| at + 1))
    }

    /// Another whose claim counts, of those after so many.
    fn other_after(&self, history: &[Entry], after: usize) -> Option<String> {
        let mut held = holder(&history[..after]);
        history[after..].iter().find_map(|entry| {
            counted(&mut held, entry);
            let newest = held.as_ref().filter(|held| held.at == entry.at && held.claim.holder != self.holder);
            newest.map(|held| held.claim.holder.clone())
        })
    }

    /// Another that held the lease after what was seen was asked for.
    fn overtaken(&self, history: &[Entry], seen: &StackState) -> Option<String> {
        let after = match &seen.lease {
            // Where the claim of then is not kept any longer, all that is kept is newer.
            Some(entry) => history.iter().rposition(|one| one == entry).map_or(0, |at| at + 1),
            None => 0,
        };
        let then = holder(&history[..after]);
        // By AWS's clock at the latest.
        let elapsed = seen.asked_at.map_or(Duration::ZERO, |then| self.clock.since(then));
        let asked_at = self.taken_at().saturating_sub(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX));
        let was_at_work = then.filter(|then| then.claim.holder != self.holder && then.ends() > asked_at);
        was_at_work.map(|then| then.claim.holder).or_else(|| self.other_after(history, after))
    }

    /// When AWS took the last claim, in milliseconds since 1970: what the time is by the clock that entries are dated with.
    pub fn taken_at(&self) -> i64 {
        self.taken_at.unwrap_or_default()
    }

    /// Asked before each change: until when it may be sent. Renews the lease when half of it is gone.
    pub async fn permit(&mut self) -> Result<Fence, NoLease> {
        if let Some(holder) = self.overtaken_by.clone() {
            return Err(NoLease::Overtaken { holder });
        }
        if self.clock.since(self.claimed) >= self.length / 2 {
            self.claim().await?;
        }
        Ok(Fence::new(self.clock.clone(), self.claimed, self.length * 3 / 4))
    }

    /// Gives it back. A failure is no harm: it expires.
    pub async fn release(self) {
        crate::work::holds(false);
        if self.is_lost {
            return;
        }
        let claim = Claim { holder: self.holder, seconds: 0 };
        if let Err(fault) = write(self.store, self.stack, ENTRY, &claim).await {
            tracing::debug!(%fault, "the lease was not given back; it expires by itself");
        }
    }
}

/// When a claim is over, or was given back, by AWS's clock.
pub fn ends(entry: &Entry) -> i64 {
    serde_json::from_str::<Claim>(&entry.value).map_or(entry.at, |claim| claim.ends(entry.at))
}

/// Whether somebody has written an entry.
fn is_by(entry: &Entry, holder: &str) -> bool {
    serde_json::from_str::<Claim>(&entry.value).is_ok_and(|claim| claim.holder == holder)
}

/// The claim that counts after these.
fn holder(history: &[Entry]) -> Option<Held> {
    let mut held = None;
    for entry in history {
        counted(&mut held, entry);
    }
    held
}

/// What a further entry makes of who holds it.
fn counted(held: &mut Option<Held>, entry: &Entry) {
    let Ok(claim) = serde_json::from_str::<Claim>(&entry.value) else { return };
    let is_renewed = held.as_ref().is_some_and(|held| held.claim.holder == claim.holder);
    if is_renewed || held.as_ref().is_none_or(|held| entry.at >= held.ends()) {
        let kept = held.as_ref().filter(|held| is_renewed && entry.at < held.ends());
        let since = kept.map_or(entry.at, |held| held.since);
        *held = (claim.seconds > 0).then_some(Held { claim, at: entry.at, since });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(claims: &[(&str, u64, i64)]) -> Vec<Entry> {
        claims
            .iter()
            .map(|(who, seconds, at)| Entry {
                value: format!(r#"{{"holder":"{who}","seconds":{seconds}}}"#),
                at: at * 1000,
            })
            .collect()
    }

    #[test]
    fn of_two_claims_at_once_the_first_counts() {
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 0)])).unwrap().claim.holder, "a");
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 59)])).unwrap().claim.holder, "a");
    }

    #[test]
    fn an_expired_or_returned_lease_is_free_and_a_late_renewal_does_not_take_it_back() {
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 60)])).unwrap().claim.holder, "b");
        assert_eq!(holder(&history(&[("a", 60, 0), ("a", 0, 5), ("b", 60, 6)])).unwrap().claim.holder, "b");
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 60, 61), ("a", 60, 62)])).unwrap().claim.holder, "b");
        assert_eq!(holder(&history(&[("a", 60, 0), ("a", 60, 50), ("b", 60, 61)])).unwrap().claim.holder, "a");
    }

    #[test]
    fn only_the_holder_gives_it_back() {
        assert_eq!(holder(&history(&[("a", 60, 0), ("b", 0, 1)])).unwrap().claim.holder, "a");
        assert_eq!(holder(&history(&[("a", 60, 0), ("a", 0, 1)])), None);
    }
}
