//! Which rule of a listener comes first. AWS asks for a number for each; it follows from the conditions, so that a rule
//! keeps its number whatever other rules come and go, and the more specific one wins.

use std::collections::{BTreeMap, BTreeSet};

use super::Offer;
use crate::components::{Route, What};
use crate::expand::Asked;
use crate::names;

/// The priority of a rule without conditions of its own: the last that AWS has.
const LAST: u16 = 50_000;
/// Numbers for rules that are equally specific.
const SLOTS: u16 = 64;
/// Longest pattern of a host or a path.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
pub const LONGEST: usize = 128;

/// What makes a rule that rule: its listener and its conditions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conditions<'a> {
    /// The listener's port.
    pub listener: u16,
    /// The pattern for the host.
    pub host: Option<&'a str>,
    /// The pattern for the path.
    pub path: Option<&'a str>,
}

impl<'a> Conditions<'a> {
    /// Those of a route, if its listener can be told.
    pub fn of(route: &'a Route, offer: &Offer) -> Option<Self> {
        let listener = offer.chosen(route.listener)?;
        Some(Self { listener, host: route.host.as_deref(), path: route.path.as_deref() })
    }

    /// Whether it takes whatever no other takes.
    pub fn is_default(&self) -> bool {
        self.host.is_none() && self.path.is_none()
    }

    /// The key of the rule in its address: `edge.443.inbox-1f3a9c`. It depends on nothing but the conditions.
    pub fn key(&self, load_balancer: &str) -> String {
        let word = if self.is_default() {
            "default".to_owned()
        } else {
            names::slug(&format!("{}{}", self.host.unwrap_or_default(), self.path.unwrap_or_default()))
        };
        format!("{load_balancer}.{}.{word}", self.listener)
    }

    /// How early it comes, the lower the earlier: a host before none, one without wildcards before one with; then the
    /// path with more letters, and of these the one without wildcards.
    fn band(&self) -> u16 {
        let wild = |text: &str| text.contains(['*', '?']);
        let host = match self.host {
            Some(host) if !wild(host) => 0,
            Some(_) => 1,
            None => 2,
        };
        let path = self.path.unwrap_or("*");
        let letters = path.chars().filter(|c| !matches!(c, '*' | '?')).count().min(LONGEST);
        let bands = 2 * (LONGEST + 1);
        let path = bands - 1 - (2 * letters + usize::from(!wild(path)));
        u16::try_from(host * bands + path).unwrap_or(u16::MAX)
    }

    /// The number that it takes if no other has it.
    fn first_choice(&self) -> u16 {
        let text = format!("{}\n{}", self.host.unwrap_or_default(), self.path.unwrap_or_default());
        let hash = agent_core::doc::digest(&text).bytes().take(4).fold(0_u16, |sum, byte| {
            let digit = u16::try_from(char::from(byte).to_digit(16).unwrap_or_default()).unwrap_or_default();
            sum.wrapping_mul(16).wrapping_add(digit)
        });
        1 + self.band() * SLOTS + hash % SLOTS
    }
}

/// The key of the target group that a service makes for a load balancer and one of its ports: `edge.http`. A dot stands in
/// neither of them.
pub fn target_key(load_balancer: &str, port: &str) -> String {
    format!("{load_balancer}.{port}")
}

/// The routes among what is needed of a load balancer, with who needs them.
pub fn routes(asked: &[Asked]) -> impl Iterator<Item = (&Asked, &Route)> {
    asked.iter().filter_map(|asked| match &asked.what {
        What::Route(route) => Some((asked, route)),
        _ => None,
    })
}

/// The priorities of all rules of a listener. Those set by hand stand; the others keep to their own as far as that is
/// free, and take the next one else.
pub fn priorities<'a>(asked: &'a [Asked], offer: &Offer, listener: u16) -> BTreeMap<Conditions<'a>, u16> {
    let mut given = BTreeMap::new();
    let mut rest = BTreeSet::new();
    for (_, route) in routes(asked) {
        let Some(conditions) = Conditions::of(route, offer).filter(|own| own.listener == listener) else { continue };
        match route.priority {
            Some(priority) => drop(given.insert(conditions, priority)),
            None => drop(rest.insert(conditions)),
        }
    }
    let mut taken: BTreeSet<u16> = given.values().copied().collect();
    for conditions in rest {
        let first = if conditions.is_default() { LAST } else { conditions.first_choice() };
        let start = if conditions.is_default() { LAST } else { 1 + conditions.band() * SLOTS };
        let own = (0..SLOTS).map(|n| start + (first - start + n) % SLOTS).filter(|n| *n <= LAST);
        let free = own.chain((1..=LAST).rev()).find(|number| !taken.contains(number)).unwrap_or(LAST);
        taken.insert(free);
        given.insert(conditions, free);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions<'a>(host: &'a str, path: &'a str) -> Conditions<'a> {
        let some = |text: &'a str| (!text.is_empty()).then_some(text);
        Conditions { listener: 443, host: some(host), path: some(path) }
    }

    #[test]
    fn the_more_specific_comes_first() {
        let order = [
            conditions("a.example.org", "/inbox/*"),
            conditions("a.example.org", ""),
            conditions("*.example.org", "/inbox/*"),
            conditions("", "/inbox/new"),
            conditions("", "/inbox/*"),
            conditions("", "/in"),
            conditions("", "/in*"),
            conditions("", "/*"),
        ];
        let numbers: Vec<u16> = order.iter().map(Conditions::first_choice).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert!(numbers.iter().all(|number| (1..LAST).contains(number)), "{numbers:?}");
    }

    #[test]
    fn no_conditions_go_beyond_what_aws_has() {
        let longest = format!("/{}", "a".repeat(LONGEST - 1));
        assert!(conditions("a.b", &longest).first_choice() >= 1);
        assert!(conditions("", "*").first_choice() < LAST);
    }

    #[test]
    fn keys_depend_on_the_conditions_alone_and_tell_them_apart() {
        assert!(conditions("", "/inbox/*").key("edge").starts_with("edge.443.inbox-"));
        assert_ne!(conditions("", "/inbox/*").key("edge"), conditions("", "/inbox*").key("edge"));
        assert_eq!(conditions("", "").key("edge"), "edge.443.default");
        let address = agent_core::address::Address::keyed("service.web", "elb.rule", &conditions("", "/*").key("edge"));
        assert!(address.as_str().parse::<agent_core::address::Address>().is_ok(), "{address}");
    }
}
