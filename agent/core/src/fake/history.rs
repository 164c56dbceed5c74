//! What the faked cloud held after each change, for tests that ask whether it was ever wrong in between.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::Fake;
use crate::live::LiveDoc;

/// What there was from a moment on.
#[derive(Clone, Debug)]
pub struct Moment {
    /// From when on.
    pub at: Instant,
    /// Everything, by id.
    pub objects: BTreeMap<String, LiveDoc>,
}

impl Fake {
    /// What there was after each change since the start, the oldest first.
    pub fn history(&self) -> Vec<Moment> {
        self.world().history.clone()
    }
}
