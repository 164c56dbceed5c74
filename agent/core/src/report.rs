//! What happened in a pass: per step done, failed, skipped because, or waiting for. Pure data.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::diff::shown;
use crate::fault::{Class, Fault};
use crate::plan::Note;

/// What became of one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Done, and read back equal to the plan.
    Done {
        /// AWS's id.
        id: String,
    },
    /// Not done.
    Failed {
        /// Why.
        error: StepError,
    },
    /// Not tried.
    Skipped {
        /// Why not.
        because: String,
    },
    /// Begun, or not yet possible; the next pass goes on.
    Waiting {
        /// For what.
        on: String,
    },
}

/// Why a step failed.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepError {
    /// A call failed.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// AWS accepted the change and still holds something else.
    #[error("AWS accepted the change, but `{path}` is {got} where {wanted} is wanted")]
    DidNotSettle {
        /// The field.
        path: String,
        /// What is wanted.
        wanted: String,
        /// What AWS holds.
        got: String,
    },
    /// There is one already, and it is not ours.
    #[error("{id} is there already and belongs to {owner}")]
    NotOurs {
        /// AWS's id.
        id: String,
        /// Who owns it.
        owner: String,
    },
    /// The live resource changed between plan and step in a way that the plan does not cover.
    #[error("`{path}` changed while the plan was carried out; the next pass plans anew")]
    Moved {
        /// The field.
        path: String,
    },
    /// Another agent works on the stack.
    #[error("the lease on the stack was lost to {holder}")]
    LeaseLost {
        /// Who holds it.
        holder: String,
    },
}

impl StepError {
    /// Whether the same step may succeed when it is tried again later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.class.passes(),
            Self::Moved { .. } => true,
            Self::DidNotSettle { .. } | Self::NotOurs { .. } | Self::LeaseLost { .. } => false,
        }
    }

    /// Whether only another manifest, or a change in AWS that a plan shows, can help. Not so where somebody grants a
    /// permission, raises a quota or gives a thing away: no plan shows that.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.class == Class::Invalid,
            Self::DidNotSettle { .. } => true,
            Self::NotOurs { .. } | Self::Moved { .. } | Self::LeaseLost { .. } => false,
        }
    }

    /// What people can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.class.hint(),
            Self::DidNotSettle { .. } => {
                "something else may set it back: name the field in `ignore`, or end the quarrel"
            }
            Self::NotOurs { .. } => "say `adopt` in the component to take it over, or choose another name",
            Self::Moved { .. } => "the next pass tries again",
            Self::LeaseLost { .. } => "two agents follow this stack: stop one",
        }
    }

    /// A field that AWS did not take.
    pub fn did_not_settle(change: &crate::diff::FieldChange) -> Self {
        Self::DidNotSettle { path: change.path.clone(), wanted: shown(&change.to), got: shown(&change.from) }
    }
}

/// A step with what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepReport {
    /// Which resource.
    pub address: Address,
    /// What was to be done, in one word.
    pub verb: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What happened in a pass.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The steps in the plan's order.
    pub steps: Vec<StepReport>,
    /// The plan's notes.
    pub notes: Vec<Note>,
}

impl Report {
    /// Whether some step was done.
    pub fn moved(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.outcome, Outcome::Done { .. }))
    }

    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&StepReport, &StepError)> {
        self.steps.iter().filter_map(|step| match &step.outcome {
            Outcome::Failed { error } => Some((step, error)),
            _ => None,
        })
    }

    /// The steps that wait, with what for.
    pub fn waiting(&self) -> impl Iterator<Item = (&StepReport, &str)> {
        self.steps.iter().filter_map(|step| match &step.outcome {
            Outcome::Waiting { on } => Some((step, on.as_str())),
            _ => None,
        })
    }
}
