//! What `agent status` and `agent history` read beside a look: why something is not in order, who is at work, what became of
//! earlier revisions, and which other stacks AWS holds a record of.

use std::collections::BTreeMap;

use agent_core::allowed::{Finding, Judge};
use agent_core::health::ask::explained;
use agent_core::health::{Seen, Status};
use agent_core::journal::Journal;
use agent_core::manifest::Mode;
use agent_core::pass::{Look, PassError, Revision};
use agent_core::plan::{Settings, plan};
use agent_core::state::{Last, Store, Suspended, at_work};

use super::{Session, SessionError};
use crate::load::Stack;

/// Why nothing is changed in a stack that only reports.
const REPORTS: &str = "the stack says `mode = \"report\"`";

impl Session {
    /// How a stack is, whatever the rules say of the revision: what they refuse is told beside it. It changes nothing; of a stack
    /// that is in order it asks what a pass asks, and the health of targets.
    pub async fn status(&self, stack: &mut Stack, revision: &Revision) -> Result<Status, SessionError> {
        let engine = self.engine(&|_| (), Settings::default());
        let (desired, state, observed) = self.seen(&engine, stack).await?;
        let planned = plan(&desired, &observed, &engine.kinds, &self.scope, &engine.settings);
        let look = Look { plan: planned.map_err(PassError::Plan)?, state, observed };
        let manifest = stack.manifest.as_deref();
        let reports = manifest.is_some_and(|manifest| manifest.stack.mode == Mode::Report);
        let by_manifest = manifest.and_then(|manifest| Suspended::by_manifest(&manifest.stack));
        let suspension = by_manifest.or_else(|| engine.suspended(&look.state));
        let because = suspension.as_ref().map(ToString::to_string);
        let suspended = because.as_deref().or(reports.then_some(REPORTS));
        let seen = Seen { desired: &desired, look: &look, kinds: &engine.kinds, manifest, suspended };
        let now = jiff::Timestamp::now().as_millisecond();
        let (findings, told, at_work) = tokio::join!(
            self.judge.desired(&desired),
            explained(&self.regional.cloud, &self.scope, &seen),
            at_work(self.regional.aws.as_ref(), &self.scope.stack, &look.state, now)
        );
        // A question that is open lets no step pass, and where none is to be taken it is in nobody's way.
        let hinders = |one: &&Finding| one.refuses() || (one.is_open() && !look.plan.steps.is_empty());
        let hindering = findings.iter().filter(hinders);
        let refused = hindering.map(|finding| format!("{}: {}", finding.rule, finding.message)).collect();
        Ok(Status { refused, suspension, ..Status::of(&seen, &told, revision, at_work?) })
    }

    /// What became of the stack's revisions.
    pub async fn journal(&self) -> Result<Journal, SessionError> {
        Ok(Journal::of(&self.regional.aws.history(&self.scope.stack, "last").await?))
    }

    /// The stacks of the account and region that AWS holds a record of, each with when that was written. What a newer program
    /// wrote is left out.
    pub async fn recorded(&self) -> Result<BTreeMap<String, (Last, i64)>, SessionError> {
        let all = self.regional.aws.stacks().await?;
        let read = |(stack, entry): (String, agent_core::state::Entry)| {
            Some((stack, (serde_json::from_str(&entry.value).ok()?, entry.at)))
        };
        Ok(all.into_iter().filter_map(read).collect())
    }
}
