//! Components that were called otherwise when their resources were made: what AWS still says of a former name is about the
//! component of now. Planning and carrying out go by the present addresses; tags that tell a former one are written anew.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::doc::{self, Doc, REF};
use crate::live::{LiveDoc, Owner};
use crate::observed::{Observed, Reading};

/// Former components by what they are called now, and the way back: `service.web` was `service.app`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Renames {
    /// Present to former.
    former: BTreeMap<String, String>,
}

impl Renames {
    /// Of pairs: what it is called now, and what it was called.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { former: pairs.into_iter().filter(|(now, former)| now != former).collect() }
    }

    /// Whether nothing has another name.
    pub fn is_empty(&self) -> bool {
        self.former.is_empty()
    }

    /// Pairs: what it is called now, and what it was called.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.former.iter().map(|(now, former)| (now.as_str(), former.as_str()))
    }

    /// The address that a resource of now had formerly, if its component was called otherwise.
    pub fn former(&self, now: &Address) -> Option<Address> {
        Some(moved(now, self.former.get(now.component())?))
    }

    /// The address of now that an address has, whenever it was told.
    pub fn now<'a>(&self, told: &'a Address) -> Cow<'a, Address> {
        let component = told.component();
        match self.iter().find(|(_, former)| *former == component) {
            Some((now, _)) => Cow::Owned(moved(told, now)),
            None => Cow::Borrowed(told),
        }
    }

    /// A document whose references name the addresses of now.
    pub fn doc_now(&self, doc: &Doc) -> Doc {
        Doc::from_value(&self.readdressed(doc.value(), |to| Some(self.now(to).into_owned())))
    }

    /// A value whose references name the former addresses: what generations are told from, so that a rename makes none.
    pub fn value_formerly(&self, value: Value) -> Value {
        self.readdressed(value, |to| self.former(to))
    }

    fn readdressed(&self, value: Value, to: impl Fn(&Address) -> Option<Address>) -> Value {
        if self.is_empty() {
            return value;
        }
        doc::rewrite(value, &mut |map| {
            let (address, _) = doc::reference(map)?;
            let mut map = map.clone();
            map.insert(REF.into(), to(&address)?.as_str().into());
            Some(map.into())
        })
    }

    /// A live resource as one of the component of now. `true` where its tags tell a former address.
    pub fn live_now(&self, live: &LiveDoc) -> (LiveDoc, bool) {
        let mut live = live.clone();
        let Owner::Stack(mark) = &mut live.owner else { return (live, false) };
        let Cow::Owned(address) = self.now(&mark.address) else { return (live, false) };
        mark.address = address;
        (live, true)
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
        Renames::new([("service.web".to_owned(), "service.app".to_owned())])
    }

    #[test]
    fn addresses_go_there_and_back() {
        let keyed = Address::keyed("service.app", "elb.rule", "edge.443.inbox-1f3a9c");
        let now = renames().now(&keyed).into_owned();
        assert_eq!(now.as_str(), "service.web/elb.rule.edge.443.inbox-1f3a9c");
        assert_eq!(renames().former(&now), Some(keyed));
        let other = Address::new("service.web-2", "ecs.service");
        assert_eq!((renames().now(&other).as_ref(), renames().former(&other)), (&other, None));
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
