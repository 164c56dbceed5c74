//! Components that were called otherwise when their resources were made: what AWS still says of a former name is about the
//! component of now. Planning and carrying out go by the present addresses; tags that tell a former one are written anew.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;
use crate::doc::{self, Doc, REF};
use crate::live::{LiveDoc, Owner};
use crate::observed::{Observed, Reading};

/// Former components by what they are called now: `service.web` was `service.app`. Of several former names the oldest
/// comes first: what AWS knows a thing by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Renames {
    /// Present to former.
    former: BTreeMap<String, Vec<String>>,
    /// The way back.
    #[serde(skip)]
    now: BTreeMap<String, String>,
}

impl Renames {
    /// Of pairs: what it is called now, and what it was called, the oldest first.
    pub fn new(pairs: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        let former: BTreeMap<_, _> = pairs.into_iter().filter(|(_, former)| !former.is_empty()).collect();
        let back = former.iter().flat_map(|(now, all)| all.iter().map(|former| (former.clone(), now.clone())));
        Self { now: back.collect(), former }
    }

    /// Whether nothing has another name.
    pub fn is_empty(&self) -> bool {
        self.former.is_empty()
    }

    /// Pairs: what it is called now, and each of what it was called.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.former.iter().flat_map(|(now, former)| former.iter().map(|former| (now.as_str(), former.as_str())))
    }

    /// The addresses that a resource of now had formerly, the oldest first.
    pub fn former(&self, now: &Address) -> Vec<Address> {
        self.former.get(now.component()).into_iter().flatten().map(|former| moved(now, former)).collect()
    }

    /// The first address that a resource of now had: its own, where its component was never called otherwise.
    pub fn first(&self, now: &Address) -> Address {
        let oldest = self.former.get(now.component()).and_then(|former| former.first());
        oldest.map_or_else(|| now.clone(), |oldest| moved(now, oldest))
    }

    /// The address of now that an address has, whenever it was told.
    pub fn now<'a>(&self, told: &'a Address) -> Cow<'a, Address> {
        match self.now.get(told.component()) {
            Some(now) => Cow::Owned(moved(told, now)),
            None => Cow::Borrowed(told),
        }
    }

    /// A document whose references name the addresses of now.
    pub fn doc_now(&self, doc: &Doc) -> Doc {
        Doc::from_value(&self.readdressed(doc.value(), |to| self.now(to).into_owned()))
    }

    /// A value whose references name the first addresses: what generations are told from, so that a rename makes none.
    pub fn value_formerly(&self, value: Value) -> Value {
        self.readdressed(value, |to| self.first(to))
    }

    fn readdressed(&self, value: Value, to: impl Fn(&Address) -> Address) -> Value {
        if self.is_empty() {
            return value;
        }
        doc::rewrite(value, &mut |map| {
            let (address, _) = doc::reference(map)?;
            let mut map = map.clone();
            map.insert(REF.into(), to(&address).as_str().into());
            Some(map.into())
        })
    }

    /// A live resource as one of the component of now, and the former address that it tells, if it does.
    pub fn live_now(&self, live: &LiveDoc) -> (LiveDoc, Option<Address>) {
        let mut live = live.clone();
        let Owner::Stack(mark) = &mut live.owner else { return (live, None) };
        let Cow::Owned(address) = self.now(&mark.address) else { return (live, None) };
        let told = std::mem::replace(&mut mark.address, address);
        (live, Some(told))
    }

    /// What AWS holds, all of it as of the components of now.
    pub fn observed_now<'a>(&self, observed: &'a Observed, stack: &str) -> Cow<'a, Observed> {
        if self.is_empty() {
            return Cow::Borrowed(observed);
        }
        let ours =
            |live: &LiveDoc| if live.owner.of_stack(stack).is_some() { self.live_now(live).0 } else { live.clone() };
        let kinds = observed.kinds.iter().map(|(kind, reading)| {
            let reading = match reading {
                Reading::Read(live) => Reading::Read(live.iter().map(ours).collect()),
                Reading::NotRead(fault) => Reading::NotRead(fault.clone()),
            };
            (kind.clone(), reading)
        });
        Cow::Owned(Observed { kinds: kinds.collect() })
    }
}

/// The same resource of a component of another name.
fn moved(address: &Address, component: &str) -> Address {
    match address.key() {
        Some(key) => Address::keyed(component, address.kind(), key),
        None => Address::new(component, address.kind()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renames() -> Renames {
        Renames::new([("service.web".to_owned(), vec!["service.app".to_owned(), "service.site".to_owned()])])
    }

    #[test]
    fn addresses_go_there_and_back() {
        let keyed = Address::keyed("service.app", "elb.rule", "edge.443.inbox-1f3a9c");
        let now = renames().now(&keyed).into_owned();
        assert_eq!(now.as_str(), "service.web/elb.rule.edge.443.inbox-1f3a9c");
        assert_eq!(renames().first(&now), keyed);
        let later = Address::keyed("service.site", "elb.rule", "edge.443.inbox-1f3a9c");
        assert_eq!(renames().now(&later).as_ref(), &now);
        assert_eq!(renames().former(&now), [keyed, later]);
        let other = Address::new("service.web-2", "ecs.service");
        assert_eq!((renames().now(&other).as_ref(), renames().first(&other)), (&other, other.clone()));
    }

    #[test]
    fn references_in_lists_and_texts_follow() {
        let reference = |component: &str| json!({ "$ref": format!("{component}/ecs.service"), "field": "name" });
        let of =
            |component: &str| json!({ "a": [reference(component)], "b": { "$join": ["x", reference(component)] } });
        assert_eq!(renames().doc_now(&Doc::from_value(&of("service.app"))).value(), of("service.web"));
        assert_eq!(renames().value_formerly(of("service.web")), of("service.app"));
    }
}
