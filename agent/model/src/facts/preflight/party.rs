//! A service with all that is looked up for it once, and the hops that several checks have in common.

use std::cell::RefCell;
use std::collections::BTreeSet;

use agent_core::kind::Kind;

use super::groups::{End, Gate, Groups, Port};
use super::iam::{self, Context, May, Request, Who};
use super::{Hop, rules};
use crate::facts::Line;
use crate::facts::view::{View, called, component};
use crate::facts::ways::{From, INTERNET, Via, Ways};
use crate::kinds::ec2::Cidr4;
use crate::kinds::ec2::vpc_endpoint::{self, EndpointType};
use crate::kinds::ecs::service::{self, LaunchType};
use crate::kinds::ecs::task_definition;
use crate::kinds::iam::role;

/// A service.
pub(super) struct Party<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) ways: &'a Ways<'a>,
    pub(super) groups: &'a Groups<'a>,
    pub(super) address: &'a str,
    /// `service.web`
    pub(super) own: &'a str,
    pub(super) spec: &'a service::Spec,
    /// Absent where it is not the stack's.
    pub(super) definition: Option<&'a task_definition::Spec>,
    /// What its task definition is called.
    pub(super) defined: String,
    pub(super) from: From,
    /// Its tasks, as an end of connections.
    pub(super) end: End,
    /// What ways were asked for.
    asked: RefCell<BTreeSet<String>>,
}

/// A role of a task.
pub(super) struct Role<'a> {
    pub(super) name: String,
    pub(super) arn: String,
    /// Absent where it is not the stack's.
    pub(super) spec: Option<&'a role::Spec>,
    /// The rule that judges what it may do.
    pub(super) rule: &'static str,
    /// What it is: `execution role`.
    pub(super) what: &'static str,
}

/// What is asked of AWS on a way: an action, on what, and what is known of the request.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) actions: &'static [&'static str],
    pub(super) resources: Vec<String>,
    /// The resource in a few words.
    pub(super) on: String,
    /// The resource as a policy would name it.
    pub(super) grant: String,
    pub(super) context: Context,
}

impl Asked {
    pub(super) fn new(actions: &'static [&'static str], resource: &str) -> Self {
        let on = resource.splitn(6, ':').nth(5).unwrap_or(resource).to_owned();
        Self { actions, resources: vec![resource.to_owned()], on, grant: resource.to_owned(), context: Context::new() }
    }

    /// `ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on repository/web`
    fn words(&self) -> String {
        let actions = match self.actions {
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
            [] => String::new(),
        };
        if self.on == "*" { actions } else { format!("{actions} on {}", self.on) }
    }
}

impl<'a> Party<'a> {
    pub(super) fn new(
        view: &'a View<'a>,
        ways: &'a Ways<'a>,
        groups: &'a Groups<'a>,
        address: &'a str,
        spec: &'a service::Spec,
    ) -> Self {
        let subnets: Vec<String> = spec.network.subnets.iter().map(called).collect();
        let groups_of = spec.network.security_groups.iter().map(called).collect();
        let end = end(view, address, groups_of, &subnets);
        let defined = called(&spec.task_definition);
        Self {
            view,
            ways,
            groups,
            address,
            own: component(address).unwrap_or(address),
            spec,
            definition: view.definitions.get(&defined),
            defined,
            from: (subnets, spec.network.assign_public_ip),
            end,
            asked: RefCell::default(),
        }
    }

    /// Whether a way was asked for already.
    pub(super) fn has_asked(&self, what: &str) -> bool {
        self.asked.borrow().contains(what)
    }

    pub(super) fn line(&self, key: &[&str]) -> Line {
        Line::new(self.own, key)
    }

    pub(super) fn execution_role(&self) -> Option<Role<'a>> {
        let link = self.definition?.execution_role.as_ref()?;
        Some(self.role(called(link), self.view.arn(link), rules::EXECUTION, "execution role"))
    }

    pub(super) fn task_role(&self) -> Option<Role<'a>> {
        let link = self.definition?.task_role.as_ref()?;
        Some(self.role(called(link), self.view.arn(link), rules::TASK, "task role"))
    }

    fn role(&self, name: String, arn: String, rule: &'static str, what: &'static str) -> Role<'a> {
        Role { spec: self.view.roles.get(&name), name, arn, rule, what }
    }

    /// The hops to an API of AWS, or to the internet.
    pub(super) fn way(&self, what: &str, asked: &[Asked], who: &Who<'_>) -> Vec<Hop> {
        self.asked.borrow_mut().insert(what.to_owned());
        let reached = self.ways.to(&self.from, what);
        let target = if what == INTERNET { "the internet".to_owned() } else { format!("`{what}`") };
        let hop = |name: String| Hop::new(rules::PRESENT, name, self.address, &["network"]);
        let mut first = match &reached.via {
            Via::Endpoint(endpoint) => hop(format!("{target} is reached through {endpoint}")),
            Via::Known { id, .. } => hop(format!("{target} is reached through {id}")),
            Via::Out => hop(format!("{target} is reached over {}", reached.way.path.join(" → "))),
            Via::Nothing => hop(format!("{target} is reached")),
        };
        first.verdict = reached.way.verdict;
        first.lacks.clone_from(&reached.lacks);
        first.fact.clone_from(&reached.way.fact);
        let mut hops = vec![first];
        match &reached.via {
            Via::Endpoint(address) => {
                if let Some(endpoint) = self.view.endpoints.get(address) {
                    hops.extend(self.through(what, address, endpoint, asked, who));
                }
            }
            Via::Known { vpc, id } => hops.extend(self.through_known(vpc, id)),
            Via::Out => {
                let everywhere = Some(vec![Cidr4::new(ipnet::Ipv4Net::default())]);
                hops.push(self.lets_out(&End { name: "everywhere".into(), blocks: everywhere, ..End::default() }));
            }
            Via::Nothing => {}
        }
        hops
    }

    /// The hops at an endpoint of the stack: the groups of both sides, and its policy.
    fn through(
        &self,
        what: &str,
        address: &str,
        endpoint: &vpc_endpoint::Spec,
        asked: &[Asked],
        who: &Who<'_>,
    ) -> Vec<Hop> {
        let mut hops = Vec::new();
        if endpoint.vpc_endpoint_type == EndpointType::Gateway {
            let list = format!("com.amazonaws.{}.{what}", self.view.desired.written.region);
            let blocks = Some(vec![Cidr4::new(ipnet::Ipv4Net::default())]);
            hops.push(self.lets_out(&End { name: address.to_owned(), blocks, list: Some(list), ..End::default() }));
        } else {
            let subnets: Vec<String> = endpoint.subnets.iter().map(called).collect();
            let end = end(self.view, address, endpoint.security_groups.iter().map(called).collect(), &subnets);
            hops.push(self.lets_out(&end));
            hops.push(self.lets_in(&end));
        }
        let Some(policy) = &endpoint.policy else { return hops };
        for asked in asked {
            let mut asked = asked.clone();
            if let Who::Role(arn) = who {
                asked.context.insert("aws:PrincipalArn", (*arn).to_owned());
                asked.context.extend(arn.split(':').nth(4).map(|account| ("aws:PrincipalAccount", account.to_owned())));
            }
            let asked = &asked;
            let name = format!("the policy of {address} lets through {}", asked.words());
            let hop = Hop::new(rules::REACHABLE, name, address, &["policy"]);
            let may = |request: &Request<'_>| iam::endpoint_lets(self.view, policy, who, request);
            hops.push(judged(hop, asked, may, &format!("the policy of {address} does not let through"), || {
                format!("let the policy of {address} allow it, or take the policy away: what may be done is for the roles to say")
            }));
        }
        hops
    }

    /// The hops at an endpoint of somebody else. Its policy is not asked for.
    fn through_known(&self, vpc: &str, id: &str) -> Vec<Hop> {
        let Some(endpoint) = self.view.known.endpoints.get(vpc).and_then(|all| all.get(id)) else { return Vec::new() };
        let groups: Vec<String> = endpoint.groups.iter().cloned().collect();
        let list = endpoint.gateway.then(|| endpoint.service.clone());
        let everywhere = endpoint.gateway.then(|| vec![Cidr4::new(ipnet::Ipv4Net::default())]);
        let blocks = everywhere.or_else(|| self.view.known.blocks.get(vpc).cloned());
        let end = End { name: id.to_owned(), groups, blocks, list, vpc: Some(vpc.to_owned()) };
        let mut hops = vec![self.lets_out(&end)];
        if !end.groups.is_empty() {
            let groups = end.groups.join(", ");
            let hop = Hop::new(rules::REACHABLE, format!("{groups} lets TCP 443 in"), id, &["security_groups"]);
            hops.push(hop.unknown(format!("whether the group {groups} of {id} lets TCP 443 in from its VPC")));
        }
        hops
    }

    /// The groups of its tasks let HTTPS out.
    fn lets_out(&self, to: &End) -> Hop {
        let name = format!("{} lets {} out to {}", named(&self.end), Port::HTTPS, to.name);
        // Endpoints of one group are one thing to be let out to.
        let peer = End { name: if to.groups.is_empty() { to.name.clone() } else { named(to) }, ..to.clone() };
        let gate = self.groups.out(&self.end, &peer, Port::HTTPS);
        gated(gate, rules::REACHABLE, name, self.address, "egress", || rule_hint("egress", Port::HTTPS, to))
    }

    /// The groups of an endpoint let HTTPS in.
    fn lets_in(&self, endpoint: &End) -> Hop {
        let name = format!("{} lets {} in from {}", named(endpoint), Port::HTTPS, self.end.name);
        let gate = self.groups.into(endpoint, &self.end, Port::HTTPS);
        gated(gate, rules::REACHABLE, name, &endpoint.name, "ingress", || rule_hint("ingress", Port::HTTPS, &self.end))
    }

    /// What a role may do; a service without the role may do nothing.
    pub(super) fn permits(&self, role: Option<&Role<'a>>, rule: &'static str, asked: &[Asked]) -> Vec<Hop> {
        let words: Vec<String> = asked.iter().map(Asked::words).collect();
        let Some(role) = role else {
            let what = if rule == rules::TASK { "task role" } else { "execution role" };
            let field = if rule == rules::TASK { "task_role" } else { "execution_role" };
            let hop = Hop::new(rule, format!("its {what} may {}", words.join("; ")), &self.defined, &[field]);
            if self.definition.is_none() {
                return vec![hop.unknown(format!("the task definition {}", self.defined))];
            }
            if rule == rules::EXECUTION && self.spec.launch_type == LaunchType::Ec2 {
                return vec![hop.unknown("what the role of the cluster's instances may do")];
            }
            return vec![hop.no(format!("{} names no {what}", self.defined), format!("name a role in `{field}`"))];
        };
        let hop = |asked: &Asked| {
            let hop =
                Hop::new(role.rule, format!("{} may {}", role.name, asked.words()), &role.name, &["inline_policies"]);
            let Some(spec) = role.spec else {
                return hop.unknown(format!("what the role {} may do", role.name));
            };
            let may = |request: &Request<'_>| iam::role_may(self.view, spec, request);
            judged(hop, asked, may, &format!("{} may not", role.name), || {
                format!("let an inline policy of {} allow it on {}", role.name, asked.grant)
            })
        };
        asked.iter().map(hop).collect()
    }
}

/// All actions of what is asked: those that are not let through are named.
fn judged(
    hop: Hop,
    asked: &Asked,
    may: impl Fn(&Request<'_>) -> May,
    lacks: &str,
    hint: impl FnOnce() -> String,
) -> Hop {
    let (mut missing, mut why, mut fact) = (Vec::new(), None, None);
    for action in asked.actions {
        match may(&Request { action, resources: &asked.resources, context: &asked.context }) {
            May::Yes => {}
            May::No(denied) => {
                missing.push(*action);
                why = why.or(denied);
            }
            May::Unknown(unknown) => fact = Some(unknown),
        }
    }
    match (missing.as_slice(), fact) {
        ([], None) => hop,
        ([], Some(fact)) => hop.unknown(fact),
        (missing, _) => {
            let on = if asked.on == "*" { String::new() } else { format!(" on {}", asked.on) };
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            hop.no(format!("{lacks} {}{on}{why}", missing.join(", ")), hint())
        }
    }
}

/// A hop through groups: at the group that would have to let it through, else at what names none.
pub(super) fn gated(
    gate: Gate,
    rule: &'static str,
    name: String,
    own: &str,
    field: &'static str,
    hint: impl FnOnce() -> String,
) -> Hop {
    match gate {
        Gate::Open => Hop::new(rule, name, own, &[field]),
        Gate::Unknown(fact) => Hop::new(rule, name, own, &[field]).unknown(fact),
        Gate::Shut { group: Some(group), why } => {
            let hint = format!("add to {group}: {}", hint());
            Hop::new(rule, name, &group, &[field]).no(why, hint)
        }
        Gate::Shut { group: None, why } => {
            let is_service = own.split('/').nth(1).is_some_and(|kind| kind == service::Service::NAME);
            let field: &[&str] = if is_service { &["network", "security_groups"] } else { &["security_groups"] };
            let hop = Hop::new(rule, name, own, field);
            hop.no(why, "name its groups")
        }
    }
}

/// `egress`, TCP 443 to `service.inbox/ec2.security_group`
pub(super) fn rule_hint(direction: &str, port: Port, peer: &End) -> String {
    let to = if direction == "egress" { "to" } else { "from" };
    let whom = match (&peer.list, peer.groups.first()) {
        (Some(list), _) => format!("the prefix list {list}"),
        (None, Some(group)) => group.clone(),
        (None, None) => peer.name.clone(),
    };
    format!("`{direction}`, {port} {to} {whom}")
}

/// What the groups of an end are called.
pub(super) fn named(end: &End) -> String {
    if end.groups.is_empty() { format!("the group of {}", end.name) } else { end.groups.join(", ") }
}

/// What stands in subnets, as an end of connections.
pub(super) fn end(view: &View<'_>, name: &str, groups: Vec<String>, subnets: &[String]) -> End {
    let said = |subnet: &String| view.said_vpcs.get(subnet.as_str()).map(|vpc| (*vpc).to_owned());
    let vpc = subnets.iter().find_map(|subnet| view.vpc_of(subnet).or_else(|| said(subnet)));
    let own: Option<Vec<Cidr4>> = subnets.iter().map(|subnet| Some(view.subnets.get(subnet)?.cidr)).collect();
    let of_vpc = || {
        let vpc = vpc.as_ref()?;
        let known = view.known.blocks.get(vpc).filter(|blocks| !blocks.is_empty()).cloned();
        known.or_else(|| Some(vec![view.vpcs.get(vpc)?.cidr]))
    };
    End { name: name.to_owned(), groups, blocks: own.filter(|own| !own.is_empty()).or_else(of_vpc), list: None, vpc }
}
