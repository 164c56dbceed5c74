//! Who can reach the targets of a load balancer that faces the internet without the secret that only CloudFront knows.

use agent_core::reference::SecretRef;

use super::view::{View, called, component};
use super::{Line, Open, Public};
use crate::kinds::elb::action::{Action, Forward};
use crate::kinds::elb::listener;
use crate::kinds::elb::load_balancer::{Scheme, Type};
use crate::kinds::elb::rule::{Condition, HttpHeader};
use crate::kinds::ssm::parameter;

/// Fewer random bytes could be guessed.
const FEWEST_BYTES: usize = 16;

pub(super) fn public(view: &View<'_>) -> Vec<Public> {
    let facing = view.load_balancers.iter().filter(|(_, spec)| spec.scheme == Scheme::InternetFacing);
    let public = facing.map(|(address, spec)| {
        let own = component(address).unwrap_or_default();
        Public {
            address: address.clone(),
            kind: if spec.kind == Type::Network { "network" } else { "application" },
            line: Line::new(own, &["scheme"]),
            exempt: exempt(view, own),
            open: listeners(view, address).flat_map(|(listener, spec)| open(view, address, listener, spec)).collect(),
        }
    });
    public.collect()
}

/// Why everybody may reach it.
fn exempt(view: &View<'_>, component: &str) -> Option<String> {
    let said = view.written(component)?.get("public")?.as_str()?;
    let reason = said.trim().trim_start_matches("reason:").trim();
    (!reason.is_empty()).then(|| reason.to_owned())
}

fn listeners<'a>(view: &'a View<'_>, load_balancer: &'a str) -> impl Iterator<Item = (&'a String, &'a listener::Spec)> {
    view.listeners.iter().filter(move |(_, listener)| called(&listener.load_balancer) == load_balancer)
}

fn open(view: &View<'_>, load_balancer: &str, listener: &str, spec: &listener::Spec) -> Vec<Open> {
    let start = || vec!["the internet".to_owned(), load_balancer.to_owned(), format!("port {}", spec.port)];
    let mut open = Vec::new();
    if let Some(targets) = leads_to(&spec.default_action) {
        // Of a listener of its own, a service is the only one that can be meant by the line.
        let own = Line::new(component(listener).unwrap_or_default(), &["listeners", &spec.port.to_string()]);
        open.push(Open {
            path: [start(), vec!["the default action".to_owned(), targets]].concat(),
            why: "its default action forwards, and has no conditions".to_owned(),
            line: own,
        });
    }
    for (address, rule) in view.rules.iter().filter(|(_, rule)| called(&rule.listener) == listener) {
        let Some(targets) = leads_to(&rule.action) else { continue };
        let headers = || {
            rule.conditions.iter().filter_map(|condition| match condition {
                Condition::HttpHeader(header) => Some(header),
                _ => None,
            })
        };
        if headers().any(|header| is_secret(view, header)) {
            continue;
        }
        let why = match headers().next() {
            None => "it asks for no header".to_owned(),
            Some(header) => format!("the values of its header {} are not made by the agent", header.name),
        };
        open.push(Open {
            path: [start(), vec![address.clone(), targets]].concat(),
            why,
            line: Line::new(component(address).unwrap_or_default(), &["expose"]),
        });
    }
    open
}

/// The targets that an action leads to; nothing where the load balancer answers by itself.
fn leads_to(action: &Action) -> Option<String> {
    match action {
        Action::FixedResponse(_) | Action::Redirect(_) => None,
        Action::Forward(Forward { target_groups, .. }) => {
            let names: Vec<String> = target_groups.iter().map(|weighted| called(&weighted.target_group)).collect();
            Some(names.join(" and "))
        }
        Action::Other(words) => Some(words.clone()),
    }
}

/// Whether all values of a header are secrets that the agent generates, long enough that nobody guesses them.
fn is_secret(view: &View<'_>, header: &HttpHeader) -> bool {
    let generated = |value: &SecretRef| match value {
        SecretRef::Sealed(_) => false,
        SecretRef::To { to, .. } => view.parameters.get(to.as_str()).is_some_and(|spec| {
            let generate = spec.generate.0.filter(|generate| generate.bytes >= FEWEST_BYTES);
            spec.kind == parameter::Type::SecureString && generate.is_some()
        }),
    };
    !header.values.is_empty() && header.values.iter().all(generated)
}
