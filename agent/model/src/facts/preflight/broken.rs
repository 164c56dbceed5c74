//! The links that do not hold, by the rule that judges them: what rules are given of the preflight. What holds is not among
//! them, so that a thousand sound services cost no rule anything.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Check, Hop, rules};
use crate::facts::view::component;
use crate::facts::{Line, Verdict};

/// The most links that a rule is given. A stack of a thousand services whose endpoints are shut is told so, and not a thousand
/// times: an answer of rules has an end.
const MOST: usize = 100;

/// A link that does not hold, or of which a fact is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Broken {
    /// The service that needs it.
    pub service: String,
    /// What it must do: `pulls the image …`; the first of several things for which the link is needed.
    pub because: String,
    /// `no` or `unknown`.
    pub verdict: Verdict,
    /// What must hold.
    pub hop: String,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The missing fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// The resource that decides.
    pub address: String,
    /// The field of its spec.
    pub field: Vec<String>,
    /// The line that decides.
    pub line: Line,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How many more there are, behind the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<usize>,
}

/// By rule, each link once. Ways to endpoints are not among them: they are `facts.needs`.
pub(in crate::facts) fn broken(checks: &[Check]) -> BTreeMap<&'static str, Vec<Broken>> {
    let mut all: BTreeMap<&'static str, Vec<Broken>> = BTreeMap::new();
    let mut known: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for (check, hop) in checks.iter().flat_map(|check| check.hops.iter().map(move |hop| (check, hop))) {
        let is_about = hop.verdict != Verdict::Yes || hop.rule == rules::FIRST_PULL;
        let why = hop.lacks.as_deref().or(hop.fact.as_deref()).unwrap_or_default();
        // A fact that is missing is missing once, however many depend on it.
        let at = if hop.verdict == Verdict::Unknown { "" } else { hop.at.as_str() };
        if is_about && hop.rule != rules::PRESENT && known.insert((hop.rule, at, why)) {
            let links = all.entry(hop.rule).or_default();
            match links.get_mut(MOST - 1) {
                Some(last) => last.more = Some(last.more.unwrap_or_default() + 1),
                None => links.push(of(check, hop)),
            }
        }
    }
    all
}

fn of(check: &Check, hop: &Hop) -> Broken {
    // What another component has is to be mended there.
    let own = component(&hop.at).filter(|own| *own != check.line.component);
    Broken {
        service: check.address.clone(),
        because: check.because.clone(),
        verdict: hop.verdict,
        hop: hop.name.clone(),
        lacks: hop.lacks.clone(),
        fact: hop.fact.clone(),
        address: hop.at.clone(),
        field: hop.field.clone(),
        line: own.map_or_else(|| check.line.clone(), |own| Line::new(own, &[])),
        hint: hop.hint.clone(),
        more: None,
    }
}
