//! Carries out a plan: independent branches go on after a failure, dependents are skipped with the reason. It has no
//! choices left; what one step does is in `step`.

mod step;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use crate::address::{Address, Scope};
use crate::allowed::Allowed;
use crate::fault::Class;
use crate::kind::Kinds;
use crate::live::LiveDoc;
use crate::plan::{Plan, Step};
use crate::provider::Cloud;
use crate::report::{Outcome, Report, StepError, StepReport};
use crate::state::{Intent, Lease, NoLease, Store};
use crate::wait::Timing;
use crate::work::{self, Fence};

/// Told as it happens.
pub enum Event<'a> {
    /// A step is begun.
    Started(&'a Step),
    /// A step has ended, one way or another.
    Ended(&'a Step, &'a Outcome),
    /// Nothing is done for so long, and why.
    Pauses(Duration, &'static str),
}

/// What the executor works with.
pub struct Executor<'a> {
    /// The doors.
    pub cloud: &'a Cloud,
    /// The table of kinds.
    pub kinds: &'a Kinds,
    /// Where it works.
    pub scope: &'a Scope,
    /// Where intents are kept.
    pub store: &'a dyn Store,
    /// How long it waits for what.
    pub timing: &'a Timing,
    /// Who wants to know.
    pub tell: &'a (dyn Fn(Event<'_>) + Sync),
    /// Creating calls of earlier passes that may have been lost, with when they were begun.
    pub intents: Mutex<BTreeMap<Address, (Intent, i64)>>,
    /// What the time was when the pass began, by the clock that intents are dated with.
    pub began_at: i64,
    /// What client tokens of this pass are made with.
    pub salt: String,
    /// The right to change the stack.
    pub lease: tokio::sync::Mutex<Lease<'a>>,
    /// What AWS holds at each address, as far as references may need it.
    pub known: Mutex<BTreeMap<Address, LiveDoc>>,
}

impl Executor<'_> {
    /// Carries out the plan.
    pub async fn run(&self, plan: &Allowed<Plan>) -> Report {
        let steps = &plan.steps;
        let mut outcomes: Vec<Option<Outcome>> = vec![None; steps.len()];
        let mut begun = vec![false; steps.len()];
        let mut halted: Option<String> = None;
        let halt = &self.timing.halt;
        let mut running = FuturesUnordered::new();
        loop {
            halted = halted.or_else(|| halt.reason().map(str::to_owned));
            for (n, step) in steps.iter().enumerate() {
                if begun[n] || running.len() >= self.timing.at_once {
                    continue;
                }
                match gate(step, steps, &outcomes, halted.as_deref()) {
                    Gate::Wait => {}
                    Gate::Closed(outcome) => {
                        begun[n] = true;
                        (self.tell)(Event::Ended(step, &outcome));
                        outcomes[n] = Some(outcome);
                    }
                    Gate::Open => {
                        begun[n] = true;
                        (self.tell)(Event::Started(step));
                        running.push(async move { (n, work::at(&step.address, self.step(step)).await) });
                    }
                }
            }
            if let Some((n, outcome)) = running.next().await {
                halted = halted.or_else(|| halting(&outcome));
                (self.tell)(Event::Ended(&steps[n], &outcome));
                outcomes[n] = Some(outcome);
            } else if begun.iter().all(|begun| *begun) {
                break;
            }
        }
        report(plan, outcomes)
    }

    /// A field of another resource, once AWS holds it.
    fn known(&self, address: &Address, field: &str) -> Option<Value> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let live = known.get(address)?;
        live.field(field).or_else(|| {
            let kind = self.kinds.get(address.kind())?;
            let derived = (kind.derive)(&live.spec, self.scope).ok()?;
            derived.get(field).map(|value| Value::from(value.as_str()))
        })
    }

    fn remember(&self, address: &Address, live: LiveDoc) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(address.clone(), live);
    }

    /// Whether the stack is still ours to change, and until when a changing call may be sent.
    async fn permit(&self) -> Result<Fence, StepError> {
        match self.lease.lock().await.permit().await {
            Ok(fence) => Ok(fence),
            Err(NoLease::Held { holder, .. } | NoLease::Overtaken { holder }) => Err(StepError::LeaseLost { holder }),
            Err(NoLease::Fault(fault)) => Err(fault.into()),
        }
    }
}

enum Gate {
    Open,
    Wait,
    Closed(Outcome),
}

fn gate(step: &Step, steps: &[Step], outcomes: &[Option<Outcome>], halted: Option<&str>) -> Gate {
    if let Some(reason) = halted {
        return Gate::Closed(Outcome::Skipped { because: reason.to_owned() });
    }
    let mut pending = step.rather.iter().any(|before| outcomes[*before].is_none());
    for before in &step.after {
        let address = &steps[*before].address;
        match &outcomes[*before] {
            Some(Outcome::Done { .. }) => {}
            Some(Outcome::Failed { .. }) => {
                return Gate::Closed(Outcome::Skipped { because: format!("{address} failed") });
            }
            Some(Outcome::Skipped { .. }) => {
                return Gate::Closed(Outcome::Skipped { because: format!("{address} was skipped") });
            }
            Some(Outcome::Waiting { .. }) => {
                return Gate::Closed(Outcome::Waiting { on: address.to_string() });
            }
            None => pending = true,
        }
    }
    if pending { Gate::Wait } else { Gate::Open }
}

/// Failures after which no further call can succeed, or none is ours to make.
fn halting(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failed { error: StepError::LeaseLost { holder } } => Some(format!("{holder} holds the lease now")),
        Outcome::Failed { error: StepError::Fault(fault) } if fault.class == Class::Credentials => {
            Some(format!("the credentials are not accepted any more ({})", fault.code))
        }
        _ => None,
    }
}

fn report(plan: &Plan, outcomes: Vec<Option<Outcome>>) -> Report {
    let steps = plan.steps.iter().zip(outcomes).map(|(step, outcome)| StepReport {
        address: step.address.clone(),
        verb: step.op.verb().into(),
        outcome: outcome.unwrap_or_else(|| Outcome::Skipped { because: "the pass ended".into() }),
    });
    Report { steps: steps.collect(), notes: plan.notes.clone() }
}
