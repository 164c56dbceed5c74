//! What a plan may not take away without being told so: data that nothing brings back, things the manifest protects, things that AWS
//! protects (before half of what they are used by has gone), and more components at once than a slip of the pen should cost.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::desired::Desired;
use crate::kind::Kinds;
use crate::live::LiveDoc;
use crate::plan::decide::{Decided, Verdict};
use crate::plan::{PlanError, Settings};

/// Refuses a plan that takes away too much; all reasons at once.
pub fn check(decided: &Decided, desired: &Desired, kinds: &Kinds, settings: &Settings) -> Result<(), Vec<PlanError>> {
    let mut errors = Vec::new();
    for (address, verdict) in &decided.verdicts {
        if let Verdict::Replace { old, .. } = verdict {
            errors.extend(protected(address, "replace", desired, kinds));
            errors.extend(old.iter().filter_map(|live| kept(live, address, "replace", kinds)));
        }
    }
    for (live, address) in decided.removed.iter().filter_map(|live| Some((live, address_of(live)?))) {
        errors.extend(protected(&address, "delete", desired, kinds));
        errors.extend(kept(live, &address, "delete", kinds));
    }
    errors.extend(over_budget(decided, desired, settings));
    errors.sort_by_key(ToString::to_string);
    errors.dedup();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn address_of(live: &LiveDoc) -> Option<Address> {
    match &live.owner {
        crate::live::Owner::Stack(mark) => Some(mark.address.clone()),
        crate::live::Owner::Nobody => None,
    }
}

fn protected(address: &Address, verb: &str, desired: &Desired, kinds: &Kinds) -> Option<PlanError> {
    if desired.allow.delete.contains(address.component()) {
        return None;
    }
    let stateful = kinds.get(address.kind()).is_some_and(|kind| kind.stateful);
    let said = desired.resources.get(address).is_some_and(|wanted| wanted.protect);
    let why = match (said, stateful) {
        (true, _) => "the manifest protects it",
        (false, true) => "it holds data that nothing can bring back",
        (false, false) => return None,
    };
    Some(PlanError::Protected { address: address.clone(), verb: verb.into(), why: why.into() })
}

/// What AWS does not let go, whatever the manifest says or has stopped to say.
fn kept(live: &LiveDoc, address: &Address, verb: &str, kinds: &Kinds) -> Option<PlanError> {
    let field = kinds.get(&live.kind)?.kept_by?;
    let is_kept = live.spec.value().get(field) == Some(&true.into());
    is_kept.then(|| PlanError::Kept { address: address.clone(), verb: verb.into(), field: field.into() })
}

/// Components of which nothing is wanted any longer.
pub fn removed_components(decided: &Decided, desired: &Desired) -> BTreeSet<String> {
    let wanted = desired.components();
    let removed = decided.removed.iter().filter_map(address_of);
    removed.map(|address| address.component().to_owned()).filter(|name| !wanted.contains(name.as_str())).collect()
}

fn over_budget(decided: &Decided, desired: &Desired, settings: &Settings) -> Option<PlanError> {
    let components = removed_components(decided, desired);
    let budget = settings.removal_budget.saturating_add(desired.allow.removals);
    (components.len() > budget)
        .then(|| PlanError::Budget { components: components.into_iter().collect(), budget: settings.removal_budget })
}
