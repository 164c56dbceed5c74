//! The rules between a revision and AWS. This release has the gate (`agent_core::allowed`) and no rule pack yet: the
//! judge here has nothing to find, and says so in its digest.

use agent_core::allowed::{Finding, Judge};
use agent_core::desired::Desired;
use agent_core::plan::Plan;

/// A judge for an agent without a rule pack.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl Judge for NoRules {
    fn desired(&self, _: &Desired) -> Vec<Finding> {
        Vec::new()
    }

    fn plan(&self, _: &Plan) -> Vec<Finding> {
        Vec::new()
    }

    fn digest(&self) -> String {
        "no-rules".into()
    }
}
