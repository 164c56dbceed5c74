//! When a secret is made anew, and how that begins: one new version of the parameter that holds it is wanted, and nothing
//! else. The passes that follow bring it to its end by the order of their steps: the rules accept the old and the new value,
//! then the distribution sends the new one, and when that has reached all places, the old one is good no longer.
//!
//! It begins only when there is nothing else to do. A distribution that is changed for another reason while the rules know
//! nothing of a new value yet would send what they refuse.

use agent_core::address::Address;
use agent_core::desired::Desired;
use agent_core::doc::{self, Doc};
use agent_core::kind::Kind;
use agent_core::live::LiveDoc;
use agent_core::observed::Observed;
use serde_json::Value;

use crate::kinds::cloudfront::distribution::Distribution;
use crate::kinds::ssm::parameter::{Out, Parameter, Spec};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A secret that is to be made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The parameter.
    pub address: Address,
    /// The version that it is to have.
    pub version: i64,
}

/// Why no secret can be made anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRotating {
    /// Nothing of the component is a secret that something of the stack sends.
    #[error("`{component}` has no secret that a distribution of the stack sends; {known}")]
    NoSecret {
        /// What was named.
        component: String,
        /// What could be.
        known: String,
    },
    /// It is not there yet.
    #[error("{0} is not there yet: apply the revision first")]
    NotThere(Address),
    /// One is under way.
    #[error("the secret of {0} is being made anew already; the next pass goes on with it")]
    UnderWay(Address),
}

/// Where a secret is that something of the stack sends, and how it is.
struct Sent<'a> {
    address: &'a Address,
    wanted: Spec,
    live: Option<(Spec, Out)>,
}

/// The secrets that distributions of the stack send.
fn sent<'a>(desired: &'a Desired, observed: &Observed) -> Vec<Sent<'a>> {
    let of_stack = |live: &&LiveDoc, address: &Address| {
        live.owner.of_stack(&desired.stack).is_some_and(|mark| mark.address == *address)
    };
    let parameters = desired.resources.iter().filter(|(address, _)| address.kind() == Parameter::NAME);
    let sent =
        parameters.filter(|(address, _)| desired.graph.naming(address).any(|user| user.kind() == Distribution::NAME));
    sent.filter_map(|(address, wanted)| {
        let wanted: Spec = wanted.spec.typed().ok()?;
        wanted.generate.0?;
        let live = observed.of(Parameter::NAME).iter().find(|live| of_stack(live, address));
        let live = live.and_then(|live| Some((live.spec.typed().ok()?, live.out.typed().ok()?)));
        Some(Sent { address, wanted, live })
    })
    .collect()
}

/// The secrets that are older than the manifest lets them become. `now` is in seconds since 1970.
pub fn due(desired: &Desired, observed: &Observed, now: i64) -> Vec<Due> {
    let old = sent(desired, observed).into_iter().filter_map(|one| {
        let most = i64::from(one.wanted.max_age_days.0?) * DAY;
        let (spec, out) = one.live?;
        let is_due = !spec.retiring && now.saturating_sub(out.modified) >= most;
        is_due.then(|| Due { address: one.address.clone(), version: out.version + 1 })
    });
    old.collect()
}

/// The secret of a component that people want anew.
pub fn asked(desired: &Desired, observed: &Observed, component: &str) -> Result<Due, NotRotating> {
    let sent = sent(desired, observed);
    let Some(one) = sent.iter().find(|one| one.address.component() == component) else {
        let known: Vec<String> = sent.iter().map(|one| format!("`{}`", one.address.component())).collect();
        let known =
            if known.is_empty() { "nothing in it has one".to_owned() } else { format!("{} has one", known.join(", ")) };
        return Err(NotRotating::NoSecret { component: component.to_owned(), known });
    };
    match &one.live {
        None => Err(NotRotating::NotThere(one.address.clone())),
        Some((spec, _)) if spec.retiring => Err(NotRotating::UnderWay(one.address.clone())),
        Some((_, out)) => Ok(Due { address: one.address.clone(), version: out.version + 1 }),
    }
}

/// What is wanted, with the first step of it.
pub fn begun(mut desired: Desired, due: &[Due]) -> Desired {
    for one in due {
        if let Some(wanted) = desired.resources.get_mut(&one.address) {
            let mut spec = wanted.spec.value();
            doc::put(&mut spec, "version", Value::from(one.version));
            wanted.spec = Doc::from_value(&spec);
        }
    }
    desired
}
