//! What the faked cloud says of things that are not in order: tests tell it.

use std::collections::BTreeMap;

use super::{Fake, World};
use crate::health::Told;
use crate::live::{LiveDoc, Phase};

/// By id, the phase that something is held in, and what AWS says of it.
#[derive(Default)]
pub(super) struct Ills {
    phases: BTreeMap<String, Phase>,
    told: BTreeMap<String, Told>,
}

impl Ills {
    /// What is said of these.
    pub(super) fn told<'a>(&self, ids: impl Iterator<Item = &'a str>) -> BTreeMap<String, Told> {
        ids.filter_map(|id| Some((id.to_owned(), self.told.get(id)?.clone()))).collect()
    }
}

impl World {
    /// Something as a list shows it, in the phase that it is held in.
    pub(super) fn ailing(&self, live: Option<LiveDoc>) -> Option<LiveDoc> {
        let live = live?;
        let phase = self.ills.phases.get(&live.id).cloned().unwrap_or_else(|| live.phase.clone());
        Some(LiveDoc { phase, ..live })
    }
}

impl Fake {
    /// Lists show it in this phase from now on.
    pub fn hold_in(&self, id: &str, phase: Phase) {
        self.world().ills.phases.insert(id.to_owned(), phase);
    }

    /// What AWS answers who asks why it is so.
    pub fn says(&self, id: &str, told: Told) {
        self.world().ills.told.insert(id.to_owned(), told);
    }
}
