//! What AWS is asked by a status beyond a look: why those that are not in order are so. A stack that is in order is asked
//! nothing, but for the kinds of which no list tells how they are.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{Explanations, Health, Seen, sight};
use crate::address::Scope;
use crate::fault::Class;
use crate::live::LiveDoc;
use crate::provider::Cloud;

/// Asks why. What was learnt about one may be what is wrong with another (a service by its targets), so it takes two
/// rounds at most. What AWS will not say is no failure: it is told as such.
pub async fn explained(cloud: &Cloud, scope: &Scope, seen: &Seen<'_>) -> Explanations {
    let mut said = Explanations::default();
    let mut asked = BTreeSet::new();
    for _ in 0..2 {
        let about = questionable(seen, &said, &asked);
        if about.is_empty() {
            break;
        }
        asked.extend(about.values().flatten().map(|live| (live.kind.clone(), live.id.clone())));
        let answers = about.iter().map(async |(kind, about)| match cloud.door(kind) {
            Ok(door) => (kind, door.explain(scope, about).await),
            Err(fault) => (kind, Err(fault)),
        });
        for (kind, answer) in join_all(answers).await {
            match answer {
                Ok(told) => said.told.extend(told.into_iter().map(|(id, told)| ((kind.clone(), id), told))),
                // It has gone meanwhile: the next status does not show it.
                Err(fault) if fault.class == Class::NotFound => {}
                Err(fault) => drop(said.faults.insert(kind.clone(), fault)),
            }
        }
    }
    said
}

/// By kind, those that are not in order, or of which that is not known, and that were not asked about yet.
fn questionable(
    seen: &Seen<'_>,
    said: &Explanations,
    asked: &BTreeSet<(String, String)>,
) -> BTreeMap<String, Vec<LiveDoc>> {
    let mut about: BTreeMap<String, Vec<LiveDoc>> = BTreeMap::new();
    for (resource, live) in sight::resources(seen, said) {
        let Some(live) = live else { continue };
        let silent = seen.kinds.get(&live.kind).is_some_and(|kind| kind.silent);
        let ails = matches!(resource.health, Health::Progressing | Health::Degraded);
        if (silent || ails) && !asked.contains(&(live.kind.clone(), live.id.clone())) {
            about.entry(live.kind.clone()).or_default().push(live);
        }
    }
    about
}
