//! How a stack is, as people ask: each resource and each component healthy or not, in sync or not, and what it waits for. Pure:
//! told from what a look has read and from what AWS says of those that are not in order (`ask` fetches that).
//!
//! Two questions, kept apart as in Argo CD: *health* is whether it works, *sync* whether AWS is as the revision wants.

pub mod ask;
mod sight;
mod waits;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::desired::Desired;
use crate::fault::Fault;
use crate::kind::Kinds;
use crate::live::LiveDoc;
use crate::manifest::Manifest;
use crate::pass::{Look, Revision};
use crate::plan::Step;
use crate::state::{AtWork, Ended, Suspended};
use crate::stuck::is_stuck;

/// How something is, from best to worst: the worst of its resources is a component's. The order is Argo CD's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It works.
    Healthy,
    /// It is not as wanted, and nothing is done about that because people said so.
    Suspended,
    /// It is being made, changed or deleted, and may become healthy by itself.
    Progressing,
    /// It is wanted and not there.
    Missing,
    /// It failed, or does not do what it is for.
    Degraded,
    /// It could not be read.
    Unknown,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Suspended => "suspended",
            Self::Progressing => "progressing",
            Self::Missing => "missing",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
        })
    }
}

/// Whether AWS is as the revision wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Sync {
    /// It is.
    Synced,
    /// It is not.
    OutOfSync {
        /// How many fields differ; none where it is missing, or has to go.
        fields: usize,
    },
    /// It could not be told.
    Unknown,
}

impl fmt::Display for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synced => f.write_str("synced"),
            Self::OutOfSync { fields: 0 } => f.write_str("out of sync"),
            Self::OutOfSync { fields: 1 } => f.write_str("out of sync: 1 field differs"),
            Self::OutOfSync { fields } => write!(f, "out of sync: {fields} fields differ"),
            Self::Unknown => f.write_str("sync unknown"),
        }
    }
}

/// What AWS says of a resource beside what a list of it gives. Texts are AWS's own and are made safe where they are printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How it is by this, where that says more than its phase.
    pub health: Option<Health>,
    /// Why, the most telling first.
    pub reasons: Vec<String>,
}

/// What AWS says of those that were asked about.
#[derive(Clone, Debug, Default)]
pub struct Explanations {
    /// By kind and id.
    pub told: BTreeMap<(String, String), Told>,
    /// Kinds about which AWS could not be asked.
    pub faults: BTreeMap<String, Fault>,
}

impl Explanations {
    /// What is said of one.
    pub fn of(&self, live: &LiveDoc) -> Option<&Told> {
        self.told.get(&(live.kind.clone(), live.id.clone()))
    }
}

/// What a resource waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// The resource that is in the way.
    pub on: Address,
    /// How that is: `coming`, `to be created first`.
    pub which_is: String,
    /// Where that waits in turn, what is at the end, and how that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_the_end: Option<(Address, String)>,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waits for {}, which is {}", self.on, self.which_is)?;
        match &self.in_the_end {
            Some((end, which_is)) => write!(f, "; in the end for {end}, which is {which_is}"),
            None => Ok(()),
        }
    }
}

/// How one resource is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// AWS's id, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it works.
    pub health: Health,
    /// Whether it is as wanted.
    pub sync: Sync,
    /// What a pass would do with it, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Why it is as it is, the most telling first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// Fields that are left to somebody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Ignored>,
}

/// A field that is left to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// The field.
    pub field: String,
    /// Why, in the manifest's words.
    pub reason: String,
}

impl Resource {
    /// Whether there is nothing to say about it.
    pub fn is_fine(&self) -> bool {
        self.health == Health::Healthy && self.sync == Sync::Synced
    }
}

/// How a component is: the worst of its resources, and out of sync when one of them is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// `service.web`.
    pub name: String,
    /// The worst of its resources.
    pub health: Health,
    /// Synced when all are; the fields of all that differ.
    pub sync: Sync,
    /// By address.
    pub resources: Vec<Resource>,
}

/// How a stack is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub stack: String,
    /// The revision that AWS was last made equal to, or was to be.
    pub revision: Option<String>,
    /// What came of that.
    pub outcome: Option<Ended>,
    /// Since when it is so, by AWS's clock.
    pub since: Option<Timestamp>,
    /// The revision that AWS is compared with here.
    pub wanted: String,
    /// Who changes the stack now, or was stopped in the middle.
    pub at_work: Option<AtWork>,
    /// Why nothing is changed, where people said so.
    pub suspended: Option<String>,
    /// The same in its parts, where the stack is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspended>,
    /// What the rules have against the revision that AWS is compared with: it is not applied then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// The worst of all components.
    pub health: Health,
    /// Synced when all components are.
    pub sync: Sync,
    /// By name.
    pub components: Vec<Component>,
    /// What people should know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a status is told from.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// What is wanted.
    pub desired: &'a Desired,
    /// What was read, and what a pass would do.
    pub look: &'a Look,
    /// The table of kinds.
    pub kinds: &'a Kinds,
    /// What people wrote, for the reasons that they gave.
    pub manifest: Option<&'a Manifest>,
    /// Why nothing is changed, where people said so: `mode = "report"`, or a suspension.
    pub suspended: Option<&'a str>,
}

impl Seen<'_> {
    /// Whether a step failed for good at the revision that was last applied.
    fn is_stuck(&self, step: &Step) -> bool {
        self.look.state.last.as_ref().is_some_and(|last| is_stuck(step, &last.stuck))
    }
}

impl Status {
    /// How a stack is.
    pub fn of(seen: &Seen<'_>, told: &Explanations, wanted: &Revision, at_work: Option<AtWork>) -> Self {
        let components = components(sight::resources(seen, told).into_iter().map(|(resource, _)| resource));
        let last = seen.look.state.last.as_ref();
        let suspended = if seen.suspended.is_some() { Health::Suspended } else { Health::Healthy };
        let worst = components.iter().map(|component| component.health).max();
        Self {
            stack: seen.desired.stack.clone(),
            revision: last.map(|last| last.revision.clone()),
            outcome: last.map(|last| last.ended),
            since: seen.look.state.last_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
            wanted: wanted.id.clone(),
            at_work,
            suspended: seen.suspended.map(str::to_owned),
            suspension: None,
            refused: Vec::new(),
            health: worst.map_or(suspended, |worst| worst.max(suspended)),
            sync: together(components.iter().map(|component| component.sync)),
            notes: notes(seen, told, &components),
            components,
        }
    }

    /// All resources.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.components.iter().flat_map(|component| &component.resources)
    }

    /// Whether somebody should look after it: the last revision failed, the next one is refused, something is degraded,
    /// missing or cannot be read.
    pub fn is_bad(&self) -> bool {
        self.outcome == Some(Ended::Failed) || !self.refused.is_empty() || self.health >= Health::Missing
    }
}

fn components(resources: impl Iterator<Item = Resource>) -> Vec<Component> {
    let mut by_name: BTreeMap<String, Vec<Resource>> = BTreeMap::new();
    for resource in resources {
        by_name.entry(resource.address.component().to_owned()).or_default().push(resource);
    }
    let component = |(name, resources): (String, Vec<Resource>)| Component {
        name,
        health: resources.iter().map(|resource| resource.health).max().unwrap_or(Health::Healthy),
        sync: together(resources.iter().map(|resource| resource.sync)),
        resources,
    };
    by_name.into_iter().map(component).collect()
}

/// Out of sync is known even where other parts are not.
fn together(all: impl Iterator<Item = Sync>) -> Sync {
    all.fold(Sync::Synced, |sum, one| match (sum, one) {
        (Sync::OutOfSync { fields }, Sync::OutOfSync { fields: more }) => Sync::OutOfSync { fields: fields + more },
        (out @ Sync::OutOfSync { .. }, _) | (_, out @ Sync::OutOfSync { .. }) => out,
        (Sync::Unknown, _) | (_, Sync::Unknown) => Sync::Unknown,
        (Sync::Synced, Sync::Synced) => Sync::Synced,
    })
}

/// What is about no resource that is shown, and what AWS would not say.
fn notes(seen: &Seen<'_>, told: &Explanations, components: &[Component]) -> Vec<String> {
    let plan = &seen.look.plan;
    let shown = |address: &Address| {
        let mut all = components.iter().flat_map(|component| &component.resources);
        all.any(|resource| resource.address == *address)
    };
    let about_others = plan.notes.iter().filter(|note| !shown(&note.address));
    let wanted = |kind: &str| components.iter().flat_map(|c| &c.resources).any(|one| one.address.kind() == kind);
    let unread = plan.not_read.iter().filter(|(kind, _)| !wanted(kind));
    let unasked = told.faults.iter().map(|(kind, fault)| format!("{kind}: AWS does not say why: {fault}"));
    about_others
        .map(|note| format!("{}: {}", note.address, note.text))
        .chain(unread.map(|(kind, fault)| format!("{kind} could not be read: {fault}")))
        .chain(unasked)
        .collect()
}
