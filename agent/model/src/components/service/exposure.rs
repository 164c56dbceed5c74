//! What load balancers send to a service: a target group for each load balancer and port, and a rule for each exposure.

use std::collections::BTreeSet;

use agent_core::field::AwsDecides;
use agent_core::reference::Link;
use agent_core::source::Problem;

use super::config::Config;
use super::{expose, item};
use crate::components::load_balancer::{self, routes, routes::Conditions};
use crate::components::{Offer, Place, Resources, Route, list, network};
use crate::expand::{Asked, Expansion, Linked};
use crate::kinds::ec2::security_group::{Peer, Rule as GroupRule};
use crate::kinds::ecs::service;
use crate::kinds::elb::Protocol;
use crate::kinds::elb::action::Action;
use crate::kinds::elb::rule::{self, Condition, HttpHeader, Rule};
use crate::kinds::elb::target_group::{self, HealthCheck, TargetGroup, TargetType};
use crate::names::{self, limits};

/// One way from a load balancer to the tasks.
pub(super) struct Exposure<'a> {
    named: Linked<'a>,
    offer: &'a load_balancer::Offer,
    port_name: String,
    port: u16,
    conditions: Conditions<'a>,
    priority: u16,
}

impl Exposure<'_> {
    /// The key of the target group: `edge.http`. Several exposures of a port share it.
    fn target_key(&self) -> String {
        routes::target_key(&self.named.decl.name, &self.port_name)
    }

    /// Whether the listener's default action leads here, so that there is no rule.
    fn is_default_action(&self) -> bool {
        self.conditions.is_default() && self.offer.has_default_action()
    }

    /// What a request must meet: what the manifest says, and the header.
    fn rule_conditions(&self) -> BTreeSet<Condition> {
        let one = |text: &str| BTreeSet::from([text.to_owned()]);
        let host = self.conditions.host.map(|host| Condition::HostHeader(one(host)));
        let path = self.conditions.path.map(|path| Condition::PathPattern(one(path)));
        let header = self
            .offer
            .header()
            .map(|(name, values)| Condition::HttpHeader(HttpHeader { name: name.to_owned(), values }));
        host.into_iter().chain(path).chain(header).collect()
    }

    /// The way in from the load balancer.
    pub(super) fn ingress(&self) -> GroupRule {
        let from = self.named.address();
        GroupRule::tcp(self.port, Peer::Group(self.offer.group())).described(Some(format!("from {from}")))
    }

    /// What the service says about it.
    pub(super) fn load_balancer(&self, config: &Config, at: &Place<'_>) -> service::LoadBalancer {
        service::LoadBalancer {
            target_group: Link::keyed(&at.address(), &self.target_key()),
            container_name: config.container_of(&self.port_name, at.name()).to_owned(),
            container_port: self.port,
        }
    }
}

impl Config {
    /// All exposures of which everything could be found.
    pub(super) fn exposures<'a>(
        &'a self,
        network: &Linked<'a>,
        all: &Expansion<'a>,
        at: &mut Place<'_>,
    ) -> Vec<Exposure<'a>> {
        (0..self.expose.len()).filter_map(|n| self.exposure(n, network, all, at)).collect()
    }

    fn exposure<'a>(
        &'a self,
        n: usize,
        network: &Linked<'a>,
        all: &Expansion<'a>,
        at: &mut Place<'_>,
    ) -> Option<Exposure<'a>> {
        let exposed = &self.expose[n];
        let (port_name, port) = self.exposed_port(exposed)?;
        let named = all.link(&expose(n, "load_balancer"))?;
        let Offer::LoadBalancer(offer) = named.offer else { return None };
        let elsewhere = all.link_of(&named, &["network"]).map(|other| other.address());
        if let Some(elsewhere) = elsewhere.filter(|other| *other != network.address()) {
            let (balancer, own) = (named.address(), network.address());
            let message = format!("`{balancer}` stands in `{elsewhere}`, and `{}` in `{own}`", at.address());
            at.problem("other-network", &expose(n, "load_balancer"), message);
            return None;
        }
        let listener = self.listener(n, &named, offer, at)?;
        self.check_conditions(n, &named, offer, at)?;
        let conditions = Conditions { listener, host: exposed.host.as_deref(), path: exposed.path.as_deref() };
        let asked = all.asked_of(&expose(n, "load_balancer"));
        let is_me = |asked: &Asked| all.is_own(asked) && asked.path == item("expose", n);
        let same = |route: &Route| Conditions::of(route, offer).as_ref() == Some(&conditions);
        if let Some((first, _)) = routes::routes(asked).find(|(_, route)| same(route)).filter(|(one, _)| !is_me(one)) {
            let what = match conditions.is_default() {
                _ if offer.is_network() => "all connections",
                true => "what no other takes",
                false => "the same requests",
            };
            let message =
                format!("`{}` and `{}` take {what} of the listener {listener}", first.component, at.address());
            let problem = Problem::new("defined-twice", message).at(&at.span(&item("expose", n)));
            at.problems.push(problem.also(&first.span, "first here"));
            return None;
        }
        let rivals = |route: &Route| {
            route.priority.is_some()
                && route.priority == exposed.priority
                && offer.chosen(route.listener) == Some(listener)
        };
        if let Some((first, _)) = routes::routes(asked).find(|(_, route)| rivals(route)).filter(|(one, _)| !is_me(one))
        {
            let message = format!("two rules of the listener {listener} have one priority");
            let problem = Problem::new("defined-twice", message).at(&at.span(&expose(n, "priority")));
            at.problems.push(problem.also(&first.span, "the other one"));
            return None;
        }
        let priority = routes::priorities(asked, offer, listener).get(&conditions).copied()?;
        Some(Exposure { named, offer, port_name, port, conditions, priority })
    }

    /// Whether it is said which requests are meant, where there are requests; `None` where it is not.
    fn check_conditions(
        &self,
        n: usize,
        named: &Linked<'_>,
        offer: &load_balancer::Offer,
        at: &mut Place<'_>,
    ) -> Option<()> {
        let exposed = &self.expose[n];
        let conditions = exposed.path.is_some() || exposed.host.is_some();
        if !offer.is_network() {
            if exposed.default || conditions {
                return Some(());
            }
            let hint = "add `path = \"/…\"` or `host = \"…\"`; `default = true` takes what no other takes";
            let message = format!("`{}` lacks `path` or `host`", at.called(&item("expose", n)));
            at.hinted("missing-key", &item("expose", n), message, hint);
            return None;
        }
        let written = [
            ("path", exposed.path.is_some()),
            ("host", exposed.host.is_some()),
            ("priority", exposed.priority.is_some()),
            ("default", exposed.default),
        ];
        let mut fits = Some(());
        for (key, _) in written.into_iter().filter(|(_, is_written)| *is_written) {
            let message = format!(
                "`{}` is a network load balancer: its listener forwards all connections to one service",
                named.address()
            );
            let hint = format!("take `{key}` away, or expose it through an application load balancer");
            at.hinted_key("conflict", &expose(n, key), message, hint);
            fits = None;
        }
        fits
    }

    /// The listener that is meant.
    fn listener(&self, n: usize, named: &Linked<'_>, offer: &load_balancer::Offer, at: &mut Place<'_>) -> Option<u16> {
        let exposed = &self.expose[n];
        if let Some(listener) = offer.chosen(exposed.listener) {
            return Some(listener);
        }
        let balancer = named.address();
        let words = |ports: Vec<u16>| {
            let words: Vec<String> = ports.iter().map(u16::to_string).collect();
            list(words.iter().map(String::as_str))
        };
        let (place, message) = match exposed.listener {
            Some(port) if offer.listeners().contains(&port) => {
                (expose(n, "listener"), format!("the listener {port} of `{balancer}` redirects, and forwards nothing"))
            }
            Some(port) => (expose(n, "listener"), format!("`{balancer}` has no listener {port}")),
            None => (item("expose", n), format!("`{}` lacks `listener`", at.called(&item("expose", n)))),
        };
        let hint = format!("those of `{balancer}` that forward are {}", words(offer.forwarding()));
        at.hinted("unknown-listener", &place, message, hint);
        None
    }

    /// The target groups, one for each load balancer and port, and the rules.
    pub(super) fn add_targets(
        &self,
        exposures: &[Exposure<'_>],
        network: &network::Offer,
        made: &mut Resources,
        at: &Place<'_>,
    ) {
        let own = at.address();
        let mut known = BTreeSet::new();
        for exposure in exposures {
            let key = exposure.target_key();
            if known.insert(key.clone()) {
                made.keyed::<TargetGroup>(&key, &self.target_group(exposure, network, at));
            }
            if !exposure.is_default_action() {
                let rule = rule::Spec {
                    listener: exposure.offer.listener(exposure.conditions.listener),
                    priority: AwsDecides::Set(exposure.priority.into()),
                    conditions: exposure.rule_conditions(),
                    action: Action::forward(Link::keyed(&own, &key)),
                    tags: at.tags(),
                };
                made.keyed::<Rule>(&exposure.conditions.key(&exposure.named.decl.name), &rule);
            }
        }
    }

    fn target_group(&self, exposure: &Exposure<'_>, network: &network::Offer, at: &Place<'_>) -> target_group::Spec {
        // Two groups of a service differ in nothing but their name.
        let words = [&at.stack.name, at.name(), &exposure.named.decl.name, &exposure.port_name];
        let name =
            names::base(&words.map(|word| word.replace('_', "-")).each_ref().map(String::as_str), limits::TARGET_GROUP);
        let health = &self.health;
        // A network load balancer hands connections on, those that it has decrypted too, and checks by opening one.
        let asks = !exposure.offer.is_network();
        let protocol = if asks { Protocol::Http } else { Protocol::Tcp };
        let health_check = HealthCheck {
            path: asks.then(|| health.path.clone()),
            interval_seconds: health.interval.into(),
            timeout_seconds: Some(health.timeout.into()),
            healthy_threshold_count: health.healthy.into(),
            unhealthy_threshold_count: health.unhealthy.into(),
            matcher: asks.then(|| health.codes.clone()),
            ..HealthCheck::default()
        };
        target_group::Spec {
            health_check,
            deregistration_delay_timeout_seconds: self.deploy.drain.into(),
            tags: at.tags(),
            ..target_group::Spec::new(name, TargetType::Ip, protocol, exposure.port, network.vpc())
        }
        .normal()
    }
}
