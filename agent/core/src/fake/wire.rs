//! The way of a call to the faked cloud and back. What was sent lands when its time has come, whether or not whoever sent it waits
//! for the answer, is stopped, or is gone; the answer takes its own time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::faults::{Effect, Op};
use super::{Call, Fake, World};
use crate::fault::{Class, Fault};
use crate::work::{self, Answer};

/// What a call does when it lands.
type Act = Box<dyn FnOnce(&mut World) + Send>;

/// What is on its way, and what was.
#[derive(Default)]
pub(super) struct Wire {
    landing: Vec<(Instant, Act)>,
    flights: Vec<Flight>,
    speaker: u8,
    pub(super) twins: Vec<String>,
}

/// One call on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The process that sent it; see [`Fake::speaks`].
    pub who: u8,
    /// The call.
    pub call: Call,
    /// When it was sent, in milliseconds by the cloud's clock.
    pub sent: i64,
    /// When it was carried out, or was to be.
    pub landed: i64,
}

impl World {
    /// Carries out what has come in by now.
    pub(super) fn land(&mut self) {
        let now = Instant::now();
        while let Some(next) = (0..self.wire.landing.len()).min_by_key(|n| self.wire.landing[*n].0)
            && self.wire.landing[next].0 <= now
        {
            let (_, act) = self.wire.landing.remove(next);
            act(self);
        }
    }

    fn send(&mut self, call: Call) -> (Effect, Instant, std::time::Duration) {
        self.sweep();
        let (number, now) = (self.calls.len(), self.now());
        self.calls.push(call.clone());
        self.writes += usize::from(call.op.is_write());
        let writes = self.writes;
        let (effect, pause) = self.faults.at(&mut self.life, (&call.kind, call.op), number, writes);
        let flight = Flight {
            who: self.wire.speaker,
            call,
            sent: now,
            landed: now + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX),
        };
        self.wire.flights.push(flight);
        (effect, Instant::now() + pause, self.faults.answered_after())
    }
}

impl Fake {
    /// Sends a call: counts it, and does to it what the faults say. `act` is carried out when it lands.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        kind: &str,
        op: Op,
        about: &str,
        act: impl FnOnce(&mut World) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let action = format!("{kind}:{op:?}");
        // As the clients of AWS do with each attempt.
        if op.is_write() && work::is_too_late() {
            return Err(Fault::new(Class::Lost, &action, "TooLate", "it was not sent"));
        }
        let answer = Arc::new(Mutex::new(None));
        let (effect, lands, way_back) = {
            let mut world = self.world();
            let sent = world.send(Call { kind: kind.into(), op, about: about.into() });
            if !matches!(sent.0, Effect::Refused(_)) {
                let slot = answer.clone();
                let act = move |world: &mut World| {
                    let done = act(world);
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
                };
                world.wire.landing.push((sent.1, Box::new(act)));
            }
            sent
        };
        if lands > Instant::now() {
            tokio::time::sleep_until(lands).await;
        }
        match effect {
            Effect::Refused(_) => tell(kind, op, Answer::Refused),
            Effect::AnswerLost => tell(kind, op, Answer::None),
            Effect::None => tell(kind, op, Answer::Accepted),
        }
        // Whoever looks first has what is due carried out.
        drop(self.world());
        if !way_back.is_zero() {
            crate::wait::pause(way_back).await;
        }
        let lost = || Fault::new(Class::Lost, &action, "NoAnswer", "the connection broke");
        if let Effect::Refused(class) = effect {
            return Err(Fault::new(class, &action, &format!("{class:?}"), "faked"));
        }
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| Err(lost()));
        if effect == Effect::AnswerLost && answer.is_ok() { Err(lost()) } else { answer }
    }

    /// What is sent from now on is sent by this process.
    pub fn speaks(&self, who: u8) {
        self.world().wire.speaker = who;
    }

    /// What was made although it was there, since the start.
    pub fn twins(&self) -> Vec<String> {
        self.world().wire.twins.clone()
    }

    /// Every call since the start, in the order in which they were sent.
    pub fn flights(&self) -> Vec<Flight> {
        self.world().wire.flights.clone()
    }
}

/// Tells of a call as the clients of AWS do.
fn tell(kind: &str, op: Op, answer: Answer) {
    let operation = format!("{op:?}");
    let (changes, request_id) = (op.is_write(), None);
    work::tell(&work::Call { service: kind, operation: &operation, changes, answer, request_id, address: None });
}
