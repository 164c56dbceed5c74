//! What security groups let through. Connections are looked at from both ends: the groups of the one let it out, those of the
//! other let it in.

use std::collections::BTreeMap;

use crate::expand::UNKNOWN;
use crate::facts::view::{View, called};
use crate::kinds::ec2::Cidr4;
use crate::kinds::ec2::security_group::{Peer, Protocol, Rule};
use crate::kinds::ec2::security_group_rule::Direction;
use crate::kinds::ec2::vpc::DefaultGroup;

/// One end of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    /// What it is called.
    pub(super) name: String,
    /// Its groups, by address or id.
    pub(super) groups: Vec<String>,
    /// The blocks that its addresses are in; `None` where nobody knows.
    pub(super) blocks: Option<Vec<Cidr4>>,
    /// The name of the prefix list that its addresses are in.
    pub(super) list: Option<String>,
    /// Its VPC.
    pub(super) vpc: Option<String>,
}

/// A port: TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) protocol: Protocol,
    pub(super) number: u16,
}

impl Port {
    pub(super) const HTTPS: Self = Self::tcp(443);

    pub(super) const fn tcp(number: u16) -> Self {
        Self { protocol: Protocol::Tcp, number }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.protocol == Protocol::Udp { "UDP" } else { "TCP" }, self.number)
    }
}

/// Whether groups let something through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// The group that would have to, and what it lets through on that port instead.
    Shut {
        group: Option<String>,
        why: String,
    },
    /// It depends on this.
    Unknown(String),
}

impl Gate {
    /// The gate, with what it would be for.
    pub(super) fn with(self, what: &str) -> Self {
        match self {
            Self::Shut { group, why } => Self::Shut { group, why: format!("{why}{what}") },
            other => other,
        }
    }
}

/// The rules of a group in one direction, by what is at the other end.
#[derive(Default)]
struct Side<'a> {
    groups: BTreeMap<String, Vec<&'a Rule>>,
    blocks: Vec<(Cidr4, &'a Rule)>,
    lists: Vec<(&'a str, &'a Rule)>,
}

#[derive(Default)]
struct Sides<'a> {
    ingress: Side<'a>,
    egress: Side<'a>,
    /// Whether that is all; a group of others has rules that only AWS knows.
    whole: bool,
}

/// The groups that the stack has rules for.
pub(super) struct Groups<'a> {
    view: &'a View<'a>,
    by_name: BTreeMap<String, Sides<'a>>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        let mut by_name: BTreeMap<String, Sides<'_>> = BTreeMap::new();
        for (name, group) in &view.groups {
            let sides = by_name.entry(name.clone()).or_default();
            sides.whole = true;
            group.ingress.iter().for_each(|rule| sides.ingress.add(rule));
            group.egress.iter().for_each(|rule| sides.egress.add(rule));
        }
        for rule in view.group_rules.values() {
            let sides = by_name.entry(called(&rule.security_group)).or_default();
            match rule.direction {
                Direction::Ingress => sides.ingress.add(&rule.rule),
                Direction::Egress => sides.egress.add(&rule.rule),
            }
        }
        Self { view, by_name }
    }

    /// Whether the groups of one let it open connections to a port of the other.
    pub(super) fn out(&self, from: &End, to: &End, port: Port) -> Gate {
        self.gate(from, to, port, "out to", |sides| &sides.egress)
    }

    /// Whether the groups of the first let the second open connections to a port of it.
    pub(super) fn into(&self, to: &End, from: &End, port: Port) -> Gate {
        self.gate(to, from, port, "in from", |sides| &sides.ingress)
    }

    fn gate(
        &self,
        own: &End,
        peer: &End,
        port: Port,
        words: &str,
        side: for<'s> fn(&'s Sides<'a>) -> &'s Side<'a>,
    ) -> Gate {
        if own.groups.is_empty() {
            return self.default_group(own);
        }
        let (mut unknown, mut shut) = (None, None);
        for name in &own.groups {
            let sides = self.by_name.get(name);
            match sides.map(|sides| side(sides).lets(peer, port, &self.view.desired.prefix_lists)) {
                Some(Ok(())) => return Gate::Open,
                Some(Err(Closed::Unknown(fact))) => unknown = Some(format!("{fact}: the group {name} names it")),
                Some(Err(Closed::Shut(why))) if sides.is_some_and(|sides| sides.whole) => {
                    shut = shut.or(Some((name, why)));
                }
                Some(Err(Closed::Shut(_))) | None => {
                    unknown = Some(format!("whether the group {name} lets {port} {words} {}", peer.name));
                }
            }
        }
        match (unknown, shut) {
            (Some(fact), _) => Gate::Unknown(fact),
            (None, Some((group, why))) => Gate::Shut {
                group: Some(group.clone()),
                why: format!("{group} does not let {port} {words} {}{why}", peer.name),
            },
            (None, None) => Gate::Open,
        }
    }

    /// Of what names no group: AWS takes the VPC's default one.
    fn default_group(&self, own: &End) -> Gate {
        let vpc = own.vpc.as_deref().unwrap_or("its VPC");
        let emptied =
            self.view.vpcs.get(vpc).is_some_and(|vpc| vpc.default_group.as_ref() == Some(&DefaultGroup::Emptied));
        if emptied {
            let why = format!(
                "{} names no group, so that AWS gives it the default group of {vpc}, which the agent keeps empty",
                own.name
            );
            return Gate::Shut { group: None, why };
        }
        Gate::Unknown(format!(
            "the rules of the default group of {vpc}, which {} gets because it names no group",
            own.name
        ))
    }
}

/// Why one group does not let something through.
enum Closed {
    /// What it lets through instead, in words to be added.
    Shut(String),
    Unknown(String),
}

impl<'a> Side<'a> {
    fn add(&mut self, rule: &'a Rule) {
        match rule.peer() {
            Peer::Group(group) => self.groups.entry(called(group)).or_default().push(rule),
            Peer::CidrIpv4(block) => self.blocks.push((*block, rule)),
            Peer::PrefixList(list) => self.lists.push((list, rule)),
            // What is looked at here has addresses of IPv4.
            Peer::CidrIpv6(_) => {}
        }
    }

    fn lets(&self, peer: &End, port: Port, lists: &BTreeMap<String, String>) -> Result<(), Closed> {
        let mut own = peer.groups.iter().filter_map(|group| self.groups.get(group)).flatten();
        if own.any(|rule| covers(rule, port)) {
            return Ok(());
        }
        let blocks: Vec<Cidr4> = self.blocks.iter().filter(|(_, rule)| covers(rule, port)).map(|(b, _)| *b).collect();
        let has = |inner: &Cidr4| blocks.iter().any(|block| block.net().contains(&inner.net()));
        let everything = blocks.iter().any(|block| block.net().prefix_len() == 0);
        if everything || peer.blocks.as_ref().is_some_and(|inner| !inner.is_empty() && inner.iter().all(has)) {
            return Ok(());
        }
        let mut named = self.lists.iter().filter(|(_, rule)| covers(rule, port));
        if let Some(name) = &peer.list {
            // Offline nobody knows the id, and it stands for the list that was asked for.
            let known = lists.get(name).map_or(UNKNOWN, String::as_str);
            if named.clone().any(|(id, _)| *id == known) {
                return Ok(());
            }
            if let Some((id, _)) = named.next().filter(|_| known == UNKNOWN) {
                return Err(Closed::Unknown(format!("whether {id} is the prefix list {name}")));
            }
        }
        if peer.blocks.is_none() && !blocks.is_empty() {
            return Err(Closed::Unknown(format!("the addresses of {}", peer.name)));
        }
        let missing = peer.blocks.iter().flatten().find(|inner| !has(inner));
        let instead: Vec<String> = blocks.iter().take(3).map(ToString::to_string).collect();
        Err(Closed::Shut(match missing {
            Some(inner) if !instead.is_empty() => format!(" (only {}, without {inner})", instead.join(", ")),
            _ => String::new(),
        }))
    }
}

/// Whether a rule is about a port.
fn covers(rule: &Rule, port: Port) -> bool {
    let number = i32::from(port.number);
    match rule.protocol() {
        Protocol::All => true,
        protocol => protocol == port.protocol && rule.ports().is_some_and(|(from, to)| (from..=to).contains(&number)),
    }
}
