//! What a cloud holds of a stack, without ids, and the comparison of two such pictures.
//!
//! Two ways to one manifest may leave different things in just these places: fields that are never compared once a
//! resource is made; tags that an earlier manifest set; what is let go; what is retained, and what that names.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::desired::Desired;
use agent_core::doc::{self, AT_CREATE, AWS_DECIDES, LINK, SECRET, TAGS};
use agent_core::fake::unordered;
use agent_core::kind::Removal;
use agent_core::live::{LiveDoc, Mark};
use agent_model::kinds::table;
use serde_json::Value;

use crate::text::TAG_KEYS;

/// All that a stack owns.
pub struct Picture(Vec<Seen>);

/// One object.
struct Seen {
    id: String,
    mark: Mark,
    spec: Value,
    /// The ids of the objects that it names.
    names: BTreeSet<String>,
}

impl Picture {
    pub fn of(objects: &BTreeMap<String, LiveDoc>, stack: &str) -> Self {
        let own: Vec<(&LiveDoc, &Mark)> =
            objects.values().filter_map(|live| Some((live, live.owner.of_stack(stack)?))).collect();
        let (mut words, mut fields) = (BTreeMap::new(), BTreeMap::new());
        for (live, mark) in &own {
            let out = live.out.value();
            for (field, value) in out.as_object().into_iter().flatten() {
                let text = value.as_str().or_else(|| value.get(SECRET)?.as_str());
                let Some(text) = text else { continue };
                fields.insert((format!("{}.{field}", live.kind), text.to_owned()), live.id.clone());
                if text.contains(&live.id) {
                    words.insert(text.to_owned(), format!("<{} {}.{field}>", mark.address, mark.generation));
                }
            }
        }
        let plain = |text: &str| words.iter().rev().fold(text.to_owned(), |text, (id, word)| text.replace(id, word));
        let seen = own.into_iter().map(|(live, mark)| Seen {
            id: live.id.clone(),
            mark: mark.clone(),
            spec: without_names(unordered(serde_json::from_str(&plain(live.spec.as_str())).unwrap())),
            names: links(live).iter().filter_map(|link| fields.get(link).cloned()).collect(),
        });
        Self(seen.collect())
    }

    /// What differs from a clean run, but for what history may leave.
    pub fn differences(&self, clean: &Self, desired: &Desired, earlier: &BTreeSet<Address>) -> Vec<String> {
        let mut differences = Vec::new();
        let mut rest: Vec<&Seen> = self.0.iter().collect();
        for wanted in &clean.0 {
            let at = rest.iter().position(|seen| is_same(seen, wanted));
            match at.map(|at| rest.swap_remove(at)) {
                Some(found) if alike(&wanted.spec, &found.spec) => {}
                Some(found) => {
                    differences.push(format!("{}\n  - {}\n  + {}", wanted.mark.address, wanted.spec, found.spec));
                }
                None => differences.push(format!("- {:?} {}", wanted.mark, wanted.spec)),
            }
        }
        let left = left_over(&rest, desired, earlier);
        let extra = rest.iter().filter(|seen| !left.contains(&seen.id));
        differences.extend(extra.map(|seen| format!("+ {} {:?} {}", seen.id, seen.mark, seen.spec)));
        differences
    }
}

/// Names that were there beside the wanted ones when a deployment began depend on when that was. That the wanted ones are
/// there is what a plan of nothing says.
fn without_names(mut spec: Value) -> Value {
    if let Some(members) = spec.as_object_mut() {
        members.remove("sees");
    }
    spec
}

/// Whether a live object is the current one of an address.
fn is_same(seen: &Seen, wanted: &Seen) -> bool {
    let marked = table().get(wanted.mark.address.kind()).is_none_or(|kind| kind.marked);
    seen.mark.address == wanted.mark.address && (!marked || seen.mark.generation == wanted.mark.generation)
}

/// Of what a clean run does not make, the ids of those that may be there: let go, retained, or named by such.
fn left_over(rest: &[&Seen], desired: &Desired, earlier: &BTreeSet<Address>) -> BTreeSet<String> {
    let kinds = table();
    let mut retained: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut left: BTreeSet<String> = BTreeSet::new();
    for seen in rest {
        let address = &seen.mark.address;
        let kind = kinds.get(address.kind()).unwrap();
        let may = if desired.resources.contains_key(address) {
            let count = retained.entry(address).or_default();
            *count += 1;
            *count <= kind.retain
        } else {
            kind.removal == Removal::LetGo && earlier.contains(address)
        };
        if may {
            left.insert(seen.id.clone());
        }
    }
    loop {
        let named: Vec<String> =
            rest.iter().filter(|seen| left.contains(&seen.id)).flat_map(|seen| seen.names.iter().cloned()).collect();
        let before = left.len();
        left.extend(named);
        if left.len() == before {
            return left;
        }
    }
}

/// Whether a live spec is what a clean run makes.
fn alike(clean: &Value, live: &Value) -> bool {
    match (clean, live) {
        // Left to AWS, or never compared: whatever is held is right.
        (Value::Object(map), _) if map.contains_key(AWS_DECIDES) || map.contains_key(AT_CREATE) => true,
        (Value::Object(one), Value::Object(other)) if one.contains_key(TAGS) => {
            let tags = |map: &serde_json::Map<String, Value>| map.get(TAGS).and_then(Value::as_object).cloned();
            let (one, mut other) = (tags(one).unwrap_or_default(), tags(other).unwrap_or_default());
            other.retain(|key, _| one.contains_key(key) || !TAG_KEYS.contains(&key.as_str()));
            one == other
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(key, value)| other.get(key).is_some_and(|o| alike(value, o)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        _ => clean == live,
    }
}

/// Kind, field and value of each link and mention.
fn links(live: &LiveDoc) -> Vec<(String, String)> {
    let mut found = Vec::new();
    doc::visit(&live.spec.value(), "", &mut |_, map| {
        if let (Some(link), Some(value)) = (map.get(LINK), map.get("value")) {
            found.push((link.as_str().unwrap().to_owned(), value.as_str().unwrap_or_default().to_owned()));
        }
    });
    // And what is named in a text of its own.
    let mentions = table().get(&live.kind).map(|kind| (kind.mentions)(&live.spec.value(), &live.out));
    found.extend(mentions.into_iter().flatten().map(|mention| (mention.target, mention.value)));
    found
}
