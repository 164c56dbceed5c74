//! What the calls of a pass come to: progress, numbers, and lines of the audit log.

use std::sync::Arc;

use agent_core::work::{Call, Ear};

use super::board::Board;
use crate::audit::Audit;

/// Hears the calls of one pass.
pub struct Hears {
    /// Whose they are.
    pub audit: Audit,
    /// Where it is put down.
    pub board: Arc<Board>,
}

/// A pass as people are told that it is stuck.
pub fn name(stack: &str) -> String {
    format!("the pass over {stack}")
}

impl Ear for Hears {
    fn holds(&self, lease: bool) {
        self.board.metrics.lease(&self.audit.stack, lease);
    }

    fn heard(&self, call: &Call<'_>) {
        self.board.pulse.moved(&name(&self.audit.stack));
        self.board.metrics.call(&self.audit.stack, call.service, call.changes);
        self.audit.heard(call);
    }
}
