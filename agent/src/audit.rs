//! The audit log: a line for each call to AWS that changes something, with whose work it was.

use agent_core::state::Suspension;
use agent_core::work::{Call, Ear};
use tracing::info;

/// Whose work calls are.
pub struct Audit {
    /// The stack.
    pub stack: String,
    /// The revision.
    pub revision: String,
    /// The digest of the rules that are in force.
    pub policy: String,
    /// Who signed the revision, where that is asked for.
    pub signer: Option<String>,
}

impl Ear for Audit {
    fn heard(&self, call: &Call<'_>) {
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

/// The word of a person about a stack, `suspend` or `resume`, which is no work of a revision.
pub struct Word {
    /// The stack.
    pub stack: String,
    /// Which.
    pub action: &'static str,
    /// Whose, as AWS knows the caller: an ARN.
    pub by: String,
    /// What is said, or is no longer.
    pub said: Suspension,
}

impl Ear for Word {
    fn heard(&self, call: &Call<'_>) {
        if !call.changes {
            return;
        }
        info!(
            target: "audit",
            stack = self.stack,
            action = self.action,
            operation = format_args!("{}:{}", call.service, call.operation),
            outcome = call.answer.word(),
            request_id = call.request_id,
            by = self.by,
            reason = self.said.reason,
            until = self.said.until.map(tracing::field::display),
            "called"
        );
    }
}
