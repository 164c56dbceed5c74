//! The plan: pure data that says what is to be done, in which order, and why. Made without side effects from what is
//! wanted and what AWS holds; the executor has no choices left.

pub mod decide;
pub mod edges;
pub mod graph;
mod handover;
pub mod order;
pub mod protect;
mod uses;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::{Address, Scope};
use crate::desired::Desired;
use crate::diff::FieldChange;
use crate::doc::Doc;
use crate::fault::Fault;
use crate::kind::{Kinds, Wait};
use crate::live::{LiveDoc, Mark, Owner};
use crate::observed::Observed;

/// What is to be done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The stack.
    pub stack: String,
    /// In an order in which each step comes after those that it waits for.
    pub steps: Vec<Step>,
    /// What people should know though nothing is done about it.
    pub notes: Vec<Note>,
    /// Kinds that could not be read; the plan leaves them and what hangs on them alone.
    pub not_read: BTreeMap<String, Fault>,
    /// The live resource of each address that has one and keeps it: what references are resolved with.
    #[serde(skip)]
    pub current: BTreeMap<Address, LiveDoc>,
    /// How many resources are as wanted.
    pub unchanged: usize,
}

/// One action of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Which resource.
    pub address: Address,
    /// What is done.
    pub op: Op,
    /// Why.
    pub because: String,
    /// Steps, by position, that must be done first.
    pub after: Vec<usize>,
    /// Steps, by position, that have their turn first, however they end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rather: Vec<usize>,
    /// What must be so before it is sent, of resources that this or an earlier pass made.
    pub needs: Vec<Need>,
    /// The addresses that it had before its component was renamed, which what AWS holds may still tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Address>,
    /// Fields that are left to somebody else, as patterns: sent when it is made, never compared or changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

/// A condition on another resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// The resource.
    pub address: Address,
    /// Whether it must be in working order.
    pub wait: Wait,
}

/// What a step does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Op {
    /// Makes it. Fields that are applied late are empty in `spec`.
    Create {
        /// The wanted spec, with references.
        spec: Doc,
        /// What it is marked with.
        mark: Mark,
        /// Whether it takes the place of another.
        replaces: bool,
        /// The fields that make a replacement necessary.
        changes: Vec<FieldChange>,
    },
    /// Changes it in place.
    Update {
        /// AWS's id; absent where an earlier step of this plan makes it.
        id: Option<String>,
        /// The wanted spec, with references.
        spec: Doc,
        /// What it is marked with.
        mark: Mark,
        /// What differs.
        changes: Vec<FieldChange>,
        /// Whether our own tags are written anew.
        remark: bool,
    },
    /// Empties the late fields of one that is to be deleted, so that others that it names can go.
    Clear {
        /// What AWS holds.
        live: LiveDoc,
        /// The same with its late fields empty.
        spec: Doc,
    },
    /// Deletes it.
    Delete {
        /// What AWS holds.
        live: LiveDoc,
    },
}

impl Op {
    /// One word for it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { replaces: false, .. } => "create",
            Self::Create { replaces: true, .. } => "replace",
            Self::Update { .. } => "update",
            Self::Clear { .. } => "clear",
            Self::Delete { .. } => "delete",
        }
    }
}

/// What people should know though no step does anything about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which resource.
    pub address: Address,
    /// One sentence.
    pub text: String,
    /// Whether the pass cannot end as converged because of it.
    pub blocks: bool,
}

/// A plan that cannot be made. Nothing is touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PlanError {
    /// More than one live resource claims to be the current one.
    #[error("{address}: AWS holds {} of it ({}); delete those that are too many by hand", ids.len(), ids.join(", "))]
    TwoCurrent {
        /// The address.
        address: Address,
        /// All ids.
        ids: Vec<String>,
    },
    /// A field cannot be changed at all.
    #[error("{address}: `{path}` cannot be changed: {reason}")]
    Refused {
        /// The address.
        address: Address,
        /// The field.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The thing to adopt is another stack's.
    #[error("{address}: {id} belongs to the stack `{stack}` ({owner}); a resource has one owner")]
    OtherStacks {
        /// The address that wants it.
        address: Address,
        /// AWS's id.
        id: String,
        /// Whose it is.
        stack: String,
        /// Under which address.
        owner: Address,
    },
    /// The thing to adopt is not there. Nothing is made in its stead: people who adopt rely on what they have.
    #[error(
        "{address}: {id}, which it is to adopt, is not there; correct the id, or take `adopt` away to have one made"
    )]
    NothingToAdopt {
        /// The address that wants it.
        address: Address,
        /// AWS's id.
        id: String,
    },
    /// Something would be lost that the manifest does not allow to go.
    #[error("{address}: would be {verb}d, and {why}; if that is meant, add \"{component}\" to `[stack.allow] delete`", component = address.component())]
    Protected {
        /// The address.
        address: Address,
        /// `delete` or `replace`.
        verb: String,
        /// Why it is protected.
        why: String,
    },
    /// AWS refuses to delete it as it is.
    #[error(
        "{address}: would be {verb}d, and AWS refuses that as long as `{field}` is true; if that is meant, say `{field} = false` and apply that first"
    )]
    Kept {
        /// The address.
        address: Address,
        /// `delete` or `replace`.
        verb: String,
        /// The field that AWS goes by.
        field: String,
    },
    /// More components would be removed than the budget allows.
    #[error("{} components would be removed ({}), and the budget is {budget}; if that is meant, say `[stack.allow] removals = {}`", components.len(), components.join(", "), components.len().saturating_sub(*budget))]
    Budget {
        /// All that would go.
        components: Vec<String>,
        /// How many may.
        budget: usize,
    },
    /// Steps that wait for each other: a kind's order is wrong.
    #[error("these steps wait for each other: {}", .0.join(", "))]
    Cycle(Vec<String>),
    /// A document does not fit its kind. Always a fault of this program.
    #[error("{0}: the spec does not fit its kind: {1}")]
    Misfit(Address, String),
}

/// What a plan is made from beside what is wanted and what is there.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many components one revision may remove without saying so.
    pub removal_budget: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { removal_budget: 3 }
    }
}

/// Makes the plan. All reasons why it cannot be made come at once.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    kinds: &Kinds,
    scope: &Scope,
    settings: &Settings,
) -> Result<Plan, Vec<PlanError>> {
    let decided = decide::decide(desired, observed, kinds, scope)?;
    protect::check(&decided, desired, kinds, settings)?;
    let present = desired.renames.observed_now(observed, &scope.stack);
    let draft = edges::steps(&decided, desired, &present, kinds)?;
    let steps = order::order(draft.steps, draft.soft)?;
    let faults = observed.faults().map(|(kind, fault)| (kind.to_owned(), fault.clone()));
    Ok(Plan {
        stack: desired.stack.clone(),
        steps,
        notes: decided.notes.into_iter().chain(draft.notes).collect(),
        not_read: faults.chain(decided.unseen).collect(),
        unchanged: decided.verdicts.values().filter(|verdict| matches!(verdict, decide::Verdict::Same)).count(),
        current: as_told(decided.current, &decided.former),
    })
}

/// What stays, each with the address that it tells in AWS: whoever writes its tags has to see what they are.
fn as_told(
    mut current: BTreeMap<Address, LiveDoc>,
    former: &BTreeMap<(String, String), Address>,
) -> BTreeMap<Address, LiveDoc> {
    for live in current.values_mut() {
        let told = former.get(&(live.kind.clone(), live.id.clone()));
        if let (Owner::Stack(mark), Some(told)) = (&mut live.owner, told) {
            mark.address = told.clone();
        }
    }
    current
}

impl Plan {
    /// Whether AWS is as the revision wants, as far as everything could be read.
    pub fn is_converged(&self) -> bool {
        self.steps.is_empty() && self.not_read.is_empty() && !self.notes.iter().any(|note| note.blocks)
    }
}
