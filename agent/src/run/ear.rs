//! What the calls of a pass come to: progress, numbers, and a line of the audit log for each that changes something.

use std::sync::Arc;

use agent_core::work::{Call, Ear};
use tracing::info;

use super::board::Board;

/// Hears the calls of one pass.
pub struct Hears {
    /// The stack.
    pub stack: String,
    /// The revision.
    pub revision: String,
    /// The digest of the rules that are in force.
    pub policy: String,
    /// Who signed the revision, where that is asked for.
    pub signer: Option<String>,
    /// Where it is put down.
    pub board: Arc<Board>,
}

/// A pass as people are told that it is stuck.
pub fn name(stack: &str) -> String {
    format!("the pass over {stack}")
}

impl Ear for Hears {
    fn holds(&self, lease: bool) {
        self.board.metrics.lease(&self.stack, lease);
    }

    fn heard(&self, call: &Call<'_>) {
        self.board.pulse.moved(&name(&self.stack));
        self.board.metrics.call(&self.stack, call.service, call.changes);
        if !call.changes {
            return;
        }
        info!(
            target: "audit",
            stack = self.stack,
            revision = self.revision,
            address = call.address.map(tracing::field::display),
            operation = format_args!("{}:{}", call.service, call.operation),
            outcome = call.answer.word(),
            request_id = call.request_id,
            policy = self.policy,
            signer = self.signer.as_deref(),
            "called"
        );
    }
}
