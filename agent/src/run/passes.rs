//! Passes as the loop sees them: each begins in a task of its own, and what it came to is told and put down.

use std::sync::Arc;

use agent_core::schedule::{How, Trigger};
use agent_core::source::escape;
use agent_core::state::Suspended;
use agent_core::wait::{Halt, Halter};
use agent_core::work::heard_by;
use tokio::task::{Id, JoinError};
use tokio::time::Instant;
use tracing::{Instrument, debug, error, info, info_span, warn};

use super::board::{self, LastPass};
use super::pass::{self, Hindrance, Passed};
use super::{Agent, ear, pulse, short};
use crate::audit::Audit;

/// A pass under way.
pub(super) struct Begun {
    pub(super) name: String,
    /// The revision that it works on, which is not the newest one for long.
    revision: String,
    pub(super) halter: Halter,
    trigger: Trigger,
    began: Instant,
}

impl Agent {
    pub(super) fn begin(&mut self, name: String, trigger: Trigger) {
        let Some(known) = self.known.get(&name) else { return };
        let revision = known.revision.id.clone();
        let (halter, halt) = Halt::new();
        let span =
            info_span!("reconcile", stack = name, revision = short(&known.revision.id), trigger = trigger.word());
        let Some(source) = self.sources.get(known.source).cloned() else { return };
        let source_timeout = source.config.timeout.0;
        let was_suspended = self.told.get(&name).is_some_and(|(how, ..)| *how == How::Suspended);
        let (desk, about) = (self.teller.desk.clone(), self.about(Some(&name), known.source, &revision));
        let (revision_of, removals) = (known.revision.clone(), self.removals);
        let held = self.held.get(&name).copied();
        let orders = pass::Orders { revision: revision_of, source, removals, halt, was_suspended, held, desk, about };
        let (stack, clouds) = (known.stack.clone(), self.clouds.clone());
        let audit = Audit {
            stack: name.clone(),
            revision: revision.clone(),
            policy: self.clouds.judge().bundle().digest().to_owned(),
            signer: known.signer.clone(),
        };
        let ear = ear::Hears { audit, board: self.board.clone() };
        self.board.pulse.begin(&ear::name(&name), pulse::of_pass(source_timeout));
        self.board.stack(&name, |view| view.under_way = Some(trigger));
        let work = async move {
            debug!("a pass begins");
            let passed = Box::pin(pass::pass(&clouds, &mut *stack.lock().await, orders)).await;
            debug!(how = ?passed.how, changed = passed.changed, "the pass has ended");
            passed
        };
        let task = self.passes.spawn(heard_by(Arc::new(ear), work).instrument(span));
        self.running.insert(task.id(), Begun { name, revision, halter, trigger, began: Instant::now() });
    }

    pub(super) fn ended(&mut self, passed: Result<(Id, Passed), JoinError>) {
        let (id, passed) = passed.unwrap_or_else(|error| {
            error!("a pass ended by a fault of this program, and is made again: {error}");
            (error.id(), Passed::by_a_fault())
        });
        let Passed { how, changed, hindrances, suspended, held, reasons, only_reports } = passed;
        let Some(begun) = self.running.remove(&id) else { return };
        self.note(&begun, how, changed, &hindrances, suspended);
        let Begun { name, revision, .. } = begun;
        if let Some(known) = self.known.get(&name) {
            if !only_reports {
                self.teller.desk.ended(&self.about(Some(&name), known.source, &revision), how, &reasons);
            }
            let state = (how, revision, hindrances);
            if changed || self.told.get(&name) != Some(&state) {
                let revision = short(&state.1);
                info_span!("reconcile", stack = name, revision).in_scope(|| {
                    let tell = match how {
                        How::Suspended => Hindrance::note,
                        How::Held => Hindrance::mention,
                        _ => Hindrance::tell,
                    };
                    state.2.iter().for_each(tell);
                });
                match how {
                    How::Suspended => {}
                    How::Held => info!(stack = name, revision, "left to the other agent; looked at again"),
                    How::Converged => info!(stack = name, revision, "converged"),
                    How::Progressing => info!(stack = name, revision, "progressing"),
                    How::FailedForNow => warn!(stack = name, revision, "failed; it is tried again"),
                    How::Failed => error!(stack = name, revision, "failed; a commit or a change in AWS has to help"),
                }
            }
            self.told.insert(name.clone(), state);
        }
        self.schedule.ended(&name, how, changed, Instant::now());
        match held {
            Some(expiry) => {
                self.schedule.expires(&name, expiry.at());
                self.held.insert(name, expiry);
            }
            None => _ = self.held.remove(&name),
        }
        for (waiting, on) in self.schedule.blocked() {
            debug!(stack = waiting, "waits for the stack {}", escape(on));
        }
        self.board.waits(self.schedule.blocked());
    }

    /// For those who look from outside.
    fn note(&self, begun: &Begun, how: How, changed: bool, hindrances: &[Hindrance], suspended: Option<Suspended>) {
        let Begun { name, revision, trigger, began, .. } = begun;
        let (board, metrics) = (&self.board, &self.board.metrics);
        board.pulse.end(&ear::name(name));
        metrics.pass(name, trigger.word(), board::how_word(how), began.elapsed());
        metrics.lease(name, false);
        if changed && *trigger == Trigger::Drift {
            metrics.drift(name);
        }
        hindrances.iter().filter_map(|hindrance| hindrance.rule.as_deref()).for_each(|rule| metrics.refusal(rule));
        if self.known.contains_key(name) {
            let (revision, hindrances) = (revision.clone(), hindrances.to_vec());
            let last = LastPass { how, revision, at: jiff::Timestamp::now(), hindrances, suspended };
            board.stack(name, |view| (view.under_way, view.last) = (None, Some(last)));
        }
    }
}
