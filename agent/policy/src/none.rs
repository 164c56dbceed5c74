//! No rules, for tests of what comes before and after them.

use agent_core::allowed::{Allowed, Finding, Judge};
use agent_core::desired::Desired;
use agent_core::plan::Plan;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A judge without rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl NoRules {
    /// What a revision wants, let through.
    ///
    /// # Panics
    /// Never: a judge without rules finds nothing, and waits for nothing.
    #[expect(clippy::panic, reason = "no test can go on without")]
    pub fn allow(desired: Desired) -> Allowed<Desired> {
        match Allowed::<Desired>::judge(desired, &Self).now_or_never() {
            Some(Ok(allowed)) => allowed,
            Some(Err(_)) | None => panic!("a judge without rules has found something"),
        }
    }
}

impl Judge for NoRules {
    fn desired<'a>(&'a self, _: &'a Desired) -> BoxFuture<'a, Vec<Finding>> {
        std::future::ready(Vec::new()).boxed()
    }

    fn plan<'a>(&'a self, _: &'a Desired, _: &'a Plan) -> BoxFuture<'a, Vec<Finding>> {
        std::future::ready(Vec::new()).boxed()
    }

    fn digest(&self) -> String {
        "no-rules".into()
    }
}
