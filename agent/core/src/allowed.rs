//! The gate between what is wanted and what is done: only a policy pass makes an [`Allowed`], and planning and
//! execution take nothing else.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::desired::Desired;
use crate::plan::Plan;

/// Something that a policy pass let through. There is no other way to make one.
#[derive(Clone, Debug)]
pub struct Allowed<T>(T);

impl<T> std::ops::Deref for Allowed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Shown, never in the way.
    Advisory,
    /// In the way unless the manifest names an exception.
    Soft,
    /// In the way.
    Hard,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How binding it is.
    pub level: Level,
    /// What it is about.
    pub address: Option<Address>,
    /// Why it matters.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The fact that the rule lacked to give a verdict; never counted as pass.
    pub unknown: Option<String>,
}

/// Who judges. Implementations evaluate the policy pack; they never change what they judge.
pub trait Judge: Send + Sync {
    /// The rules over what a revision wants.
    fn desired(&self, desired: &Desired) -> Vec<Finding>;
    /// The rules over what is about to be done.
    fn plan(&self, plan: &Plan) -> Vec<Finding>;
    /// A digest of the rules, for every report.
    fn digest(&self) -> String;
}

fn pass<T>(value: T, findings: Vec<Finding>) -> Result<(Allowed<T>, Vec<Finding>), Vec<Finding>> {
    if findings.iter().any(|finding| finding.level > Level::Advisory) {
        Err(findings)
    } else {
        Ok((Allowed(value), findings))
    }
}

impl Allowed<Desired> {
    /// Lets the rules judge what a revision wants. Findings that are only advisory come with it.
    pub fn judge(desired: Desired, judge: &dyn Judge) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let findings = judge.desired(&desired);
        pass(desired, findings)
    }
}

impl Allowed<Plan> {
    /// Lets the rules judge what is about to be done.
    pub fn judge(plan: Plan, judge: &dyn Judge) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let findings = judge.plan(&plan);
        pass(plan, findings)
    }

    /// The plan, for reports.
    pub fn into_inner(self) -> Plan {
        self.0
    }
}
