//! What AWS would hold if it were as a revision wants: what two revisions are compared by without AWS. The plan is made on it by
//! the same code as on what AWS was asked for, so that it speaks of replacements and of order in the same words. A value that
//! only AWS knows is a text that says whose it is, `(id of network.main/ec2.vpc)`, and is never made up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::address::{Address, Scope};
use crate::desired::{Desired, Wanted};
use crate::doc::{Doc, Misfit};
use crate::fake::made_up::out_told;
use crate::kind::{KindInfo, Kinds};
use crate::live::{LiveDoc, Mark, Owner, Phase};
use crate::observed::{Observed, Reading};
use crate::plan::PlanError;
use crate::plan::decide::Names;
use crate::reference::resolve;

/// What stands for a field that AWS makes up.
pub fn stand_in(address: &Address, field: &str) -> String {
    format!("({field} of {address})")
}

/// What AWS would hold of a stack that is as `before` wants, for a plan towards `next`. What `next` takes over and `before` does
/// not have is supposed to be as `next` wants it: nothing is known of it but its id.
pub fn supposed(before: &Desired, next: &Desired, kinds: &Kinds, scope: &Scope) -> Result<Observed, Vec<PlanError>> {
    let mut all = World { kinds, scope, made: BTreeMap::new() }.of(before)?;
    let known: BTreeSet<String> = all.iter().map(|live| live.id.clone()).collect();
    if next.resources.values().any(|wanted| wanted.adopt.as_ref().is_some_and(|id| !known.contains(id))) {
        let adopted = World { kinds, scope, made: BTreeMap::new() }.of(next)?.into_iter();
        let adopted = adopted.filter(|live| {
            let wanted = live.owner.of_stack(&next.stack).and_then(|mark| next.resources.get(&mark.address));
            let is_theirs = wanted.is_some_and(|wanted| wanted.adopt.as_ref() == Some(&live.id));
            is_theirs && !known.contains(&live.id)
        });
        all.extend(adopted.map(|live| LiveDoc { owner: Owner::Nobody, ..live }));
    }
    let mut observed = Observed::default();
    for live in all {
        let reading = observed.kinds.entry(live.kind.clone()).or_insert_with(|| Reading::Read(Vec::new()));
        if let Reading::Read(list) = reading {
            list.push(live);
        }
    }
    Ok(observed)
}

struct World<'a> {
    kinds: &'a Kinds,
    scope: &'a Scope,
    /// The specs with their names, and the `out`, as far as they are made.
    made: BTreeMap<Address, (Value, Value)>,
}

impl World<'_> {
    fn of(mut self, desired: &Desired) -> Result<Vec<LiveDoc>, Vec<PlanError>> {
        let each = || {
            let wanted = desired.order.iter().filter_map(|address| Some((address, desired.resources.get(address)?)));
            wanted.filter_map(|(address, wanted)| Some((address, wanted, self.kinds.get(address.kind())?)))
        };
        let each: Vec<_> = each().collect();
        for (address, wanted, kind) in &each {
            let spec = Names::fresh(&wanted.generation).finish(wanted.spec.value(), "");
            let text = |field: &str| match &wanted.adopt {
                Some(id) if field == "id" => id.clone(),
                _ => stand_in(address, field),
            };
            let now = Doc::from_value(&self.resolved(spec.clone()));
            let out = out_told(kind, &text, &now, self.scope);
            // What names it names what AWS makes of it.
            let out = (kind.faked)(None, &now, &Doc::from_value(&out)).map_or(out, |(_, out)| out.value());
            self.made.insert((*address).clone(), (spec, out));
        }
        // Late fields name what was made after them, so all references are looked up when everything is there.
        let live = |(address, wanted, kind)| self.live(&desired.stack, address, wanted, kind);
        each.into_iter().map(live).collect::<Result<_, _>>().map_err(|misfit| vec![misfit])
    }

    fn resolved(&self, spec: Value) -> Value {
        resolve(spec, &mut |to, field| {
            let (_, out) = self.made.get(to)?;
            out.get(field).filter(|value| !value.is_null()).cloned()
        })
    }

    fn live(&self, stack: &str, address: &Address, wanted: &Wanted, kind: &KindInfo) -> Result<LiveDoc, PlanError> {
        let (spec, out) = self.made.get(address).cloned().unwrap_or_default();
        let misfit = |error: Misfit| PlanError::Misfit(address.clone(), format!("{error:?}"));
        let (spec, out) = (Doc::from_value(&self.resolved(spec)), Doc::from_value(&out));
        let spec = (kind.normal)(&spec).map_err(misfit)?;
        let (spec, out) = (kind.faked)(None, &spec, &out).unwrap_or((spec, out));
        let mark = Mark { stack: stack.to_owned(), address: address.clone(), generation: wanted.generation.clone() };
        Ok(LiveDoc {
            kind: kind.name.to_owned(),
            id: wanted.adopt.clone().unwrap_or_else(|| stand_in(address, "id")),
            spec,
            out,
            owner: Owner::Stack(mark),
            phase: Phase::Ready,
        })
    }
}
