//! The gate between what is wanted and what is done: only a policy pass makes an [`Allowed`], and planning and
//! execution take nothing else.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::desired::Desired;
use crate::exception::Excepted;
use crate::plan::Plan;

/// Something that a policy pass let through. There is no other way to make one.
#[derive(Clone, Debug)]
pub struct Allowed<T> {
    inner: T,
    /// What rules said that does not refuse: advice, and questions that are open.
    notes: Vec<Finding>,
}

impl<T> std::ops::Deref for Allowed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

/// How binding a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Shown, never in the way.
    Advisory,
    /// In the way unless the manifest names an exception.
    Soft,
    /// In the way.
    #[default]
    Hard,
}

impl Level {
    /// `hard`, `soft` or `advisory`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Advisory => "advisory",
        }
    }
}

/// How much harm what a rule finds can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSeverity {
    /// Little.
    Low,
    /// Some; what is not said.
    #[default]
    Medium,
    /// Much.
    High,
    /// Everything may be lost.
    Critical,
}

impl RuleSeverity {
    /// `low`, `medium`, `high` or `critical`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a rule found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How binding it is.
    pub level: Level,
    /// What it is about.
    pub address: Option<Address>,
    /// The component whose line is to be changed: `service.web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The field of the resource's spec that is the matter: keys, and positions in lists. Where an override of the manifest sets
    /// it, that is the line to be changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field: Vec<String>,
    /// The way to that line below the component: keys, and positions in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Why it matters.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The fact that the rule lacked to give a verdict; never counted as pass.
    pub unknown: Option<String>,
    /// Why it is not in the way, although it is not mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excepted: Option<Excepted>,
    /// Which of the manifest's exceptions it is about; `key` then leads to its line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<usize>,
}

impl Finding {
    /// Whether a rule says no.
    pub fn refuses(&self) -> bool {
        self.is_binding() && self.unknown.is_none()
    }

    /// Whether a rule that could say no gives no verdict. A plan may be made and shown, and nothing is changed.
    pub fn is_open(&self) -> bool {
        self.is_binding() && self.unknown.is_some()
    }

    fn is_binding(&self) -> bool {
        self.level > Level::Advisory && self.excepted.is_none()
    }
}

/// Who judges. Implementations evaluate the policy pack; they never change what they judge. Whatever keeps one from
/// judging is a finding that refuses.
pub trait Judge: Send + Sync {
    /// The rules over what a revision wants.
    fn desired<'a>(&'a self, desired: &'a Desired) -> BoxFuture<'a, Vec<Finding>>;
    /// The rules over what is about to be done, and for what.
    fn plan<'a>(&'a self, desired: &'a Desired, plan: &'a Plan) -> BoxFuture<'a, Vec<Finding>>;
    /// A digest of the rules, for every report.
    fn digest(&self) -> String;
}

impl<T> Allowed<T> {
    /// What rules said that does not refuse: advice, and questions that are open.
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }
}

impl Allowed<Desired> {
    /// Lets the rules judge what a revision wants. A plan can be made with open questions; [`Allowed::<Plan>::judge`] lets none
    /// pass.
    pub async fn judge(desired: Desired, judge: &dyn Judge) -> Result<Self, Vec<Finding>> {
        let notes = judge.desired(&desired).await;
        if notes.iter().any(Finding::refuses) { Err(notes) } else { Ok(Self { inner: desired, notes }) }
    }
}

impl Allowed<Plan> {
    /// Lets the rules judge what is about to be done. Here an open question refuses too: what only might be good is not done.
    pub async fn judge(plan: Plan, desired: &Allowed<Desired>, judge: &dyn Judge) -> Result<Self, Vec<Finding>> {
        let mut notes = desired.notes.clone();
        notes.extend(judge.plan(desired, &plan).await);
        let refused = notes.iter().any(|finding| finding.refuses() || finding.is_open());
        if refused { Err(notes) } else { Ok(Self { inner: plan, notes }) }
    }

    /// The plan, for reports.
    pub fn into_inner(self) -> Plan {
        self.inner
    }
}
