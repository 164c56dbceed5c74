//! `[load_balancer.X]`: a load balancer with its listeners and its group. Every listener answers 403 by itself; the rules
//! that forward belong to the services. With an origin header, only requests that carry the secret are forwarded. A listener
//! of a network load balancer has no rules and cannot answer by itself: it forwards to the one service that takes it.

mod config;
mod kinds;
pub mod routes;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::field::{AtCreate, AwsDecides};
use agent_core::kind::Kind;
use agent_core::reference::{Link, SecretRef, Text};
use ipnet::{Ipv4Net, Ipv6Net};

use super::{Attribute, Component, Declared, Place, Resources, Route, Want, What, network, path};
use crate::expand::{Asked, Expansion};
use crate::kinds::ec2::security_group::{self, Peer, Rule, SecurityGroup, SecurityGroupId};
use crate::kinds::ec2::subnet::SubnetId;
use crate::kinds::ec2::{Cidr4, Cidr6};
use crate::kinds::elb;
use crate::kinds::elb::action::{Action, Redirect};
use crate::kinds::elb::listener::{self, Listener as ListenerKind, ListenerArn};
use crate::kinds::elb::load_balancer::{self, LoadBalancer as Kinded};
use crate::kinds::ssm::parameter::{self, Parameter};
use crate::names;
pub use config::Config;
use config::{Listener, Protocol, Scheme, Type};

/// A load balancer.
pub struct LoadBalancer;

/// The key of the parameter that holds the secret of the origin header.
const ORIGIN_HEADER: &str = "origin-header";
/// How many random bytes the secret has: 64 hex digits, of the 128 characters that a condition takes.
const SECRET_BYTES: usize = 32;
/// The prefix list of the addresses from which CloudFront asks origins.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html>
pub const CLOUDFRONT: &str = "com.amazonaws.global.cloudfront.origin-facing";

/// What a load balancer offers.
#[derive(Debug)]
pub struct Offer {
    address: String,
    /// The ports of its listeners, and where those that redirect lead.
    listeners: BTreeMap<u16, Option<u16>>,
    /// The ports of its listeners that speak TLS.
    secure: BTreeSet<u16>,
    /// Whether the internet reaches it.
    internet_facing: bool,
    /// Whether the manifest says that everybody may.
    for_everybody: bool,
    header: Option<String>,
    network: bool,
}

impl Offer {
    /// Whether it balances connections and knows no requests: each listener forwards all to one service.
    pub fn is_network(&self) -> bool {
        self.network
    }

    /// Its group.
    pub fn group(&self) -> Link<SecurityGroupId> {
        Link::to(&self.address)
    }

    /// A listener.
    pub fn listener(&self, port: u16) -> Link<ListenerArn> {
        Link::keyed(&self.address, &port.to_string())
    }

    /// The header that every request must carry, and the values that are good: the one that is sent, and as long as
    /// somewhere in the world the one before it may be sent, that too.
    pub fn header(&self) -> Option<(&str, BTreeSet<SecretRef>)> {
        let values = ["value", "previous"].map(|field| self.secret(field));
        self.header.as_deref().map(|name| (name, values.into()))
    }

    /// The header that whoever stands in front of it must send, and its value.
    pub fn sent_header(&self) -> Option<(&str, SecretRef)> {
        self.header.as_deref().map(|name| (name, self.secret("value")))
    }

    fn secret(&self, field: &str) -> SecretRef {
        let to = Address::keyed(&self.address, Parameter::NAME, ORIGIN_HEADER);
        SecretRef::To { to, field: field.into() }
    }

    /// What it is called by itself.
    pub fn dns_name(&self) -> Text {
        Text::reference(Address::new(&self.address, Kinded::NAME), "dns_name")
    }

    /// Whether a listener speaks TLS.
    pub fn is_secure(&self, port: u16) -> bool {
        self.secure.contains(&port)
    }

    /// Whether the internet reaches it.
    pub fn is_internet_facing(&self) -> bool {
        self.internet_facing
    }

    /// Whether the manifest says that everybody may reach it.
    pub fn is_for_everybody(&self) -> bool {
        self.for_everybody
    }

    /// The listeners that forward.
    pub fn forwarding(&self) -> Vec<u16> {
        self.listeners.iter().filter(|(_, redirect)| redirect.is_none()).map(|(port, _)| *port).collect()
    }

    /// All listeners.
    pub fn listeners(&self) -> Vec<u16> {
        self.listeners.keys().copied().collect()
    }

    /// The listener of that port, or the only one that forwards; `None` where that is none, or not one.
    pub fn chosen(&self, port: Option<u16>) -> Option<u16> {
        match (port, self.forwarding().as_slice()) {
            (Some(port), forwarding) => forwarding.contains(&port).then_some(port),
            (None, [only]) => Some(*only),
            (None, _) => None,
        }
    }

    /// Whether what nothing else takes goes to the listener's default action. Behind a header there is no such thing:
    /// a default action has no conditions, so it is a rule that comes last.
    pub fn has_default_action(&self) -> bool {
        self.header.is_none()
    }
}

impl Component for LoadBalancer {
    const TYPE: &'static str = "load_balancer";
    const DOC: &'static str = "A load balancer with its listeners, and whom it lets in.";
    type Config = Config;

    fn declare(config: &Config, at: &mut Place<'_>) -> Declared {
        config.check(at);
        let own = Address::new(&at.address(), Kinded::NAME);
        let attribute = |field: &str| Attribute::Text(Text::reference(own.clone(), field));
        let want = Want { path: path(&["network"]), types: &["network"], given: config.network.clone() };
        let offer = Offer {
            address: at.address(),
            listeners: config.listeners.iter().map(|(port, listener)| (*port, listener.redirect)).collect(),
            secure: config.secure().collect(),
            internet_facing: config.scheme == Scheme::InternetFacing,
            for_everybody: config.public.is_some(),
            header: config.origin_header.as_ref().map(|header| header.name.clone()),
            network: config.kind == Type::Network,
        };
        Declared {
            wants: vec![want],
            offer: Some(super::Offer::LoadBalancer(offer)),
            attributes: BTreeMap::from([
                ("arn", attribute("arn")),
                ("dns_name", attribute("dns_name")),
                ("zone_id", attribute("canonical_hosted_zone_id")),
            ]),
            ..Declared::default()
        }
    }

    fn expand(config: &Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let mut made = Resources::of(at);
        let Some(network) = all.link(&["network"]) else { return made };
        let super::Offer::Network(offer) = network.offer else { return made };
        let Some(subnets) = config.subnets(offer, &network.address(), at) else { return made };
        let own = at.address();
        made.add::<SecurityGroup>(&security_group::Spec {
            name: names::security_group(&[&at.stack.name, LoadBalancer::TYPE, at.name()]),
            description: format!("Load balancer {own}"),
            vpc: offer.vpc(),
            ingress: ingress(config, offer, &network.address(), all),
            egress: all.asked().iter().filter_map(reach).collect(),
            tags: at.named_tags(&[]),
        });
        made.add::<Kinded>(&config.load_balancer(subnets, Link::to(&own), at));
        for (port, listener) in &config.listeners {
            if let Some(spec) = config.listener(*port, listener, all, at) {
                made.keyed::<ListenerKind>(&port.to_string(), &spec);
            }
        }
        if let Some(header) = &config.origin_header {
            let is_sent = all.asked().iter().any(|asked| asked.what == What::Header);
            if header.every().is_some() && !is_sent {
                let message = format!("no distribution of the stack sends the header of `{own}`");
                let hint =
                    "nothing would tell whoever sends it of a new value: take `every` away, or add `[distribution.X]`";
                at.hinted("unsent-header", &["origin_header", "every"], message, hint);
            }
            made.keyed::<Parameter>(
                ORIGIN_HEADER,
                &parameter::Spec {
                    name: names::parameter(&at.stack.name, &format!("{own}/{ORIGIN_HEADER}")),
                    kind: parameter::Type::SecureString,
                    value: None,
                    generate: AtCreate(Some(parameter::Generate { bytes: SECRET_BYTES })),
                    description: Some(format!("The value of {} that {own} wants", header.name)),
                    tier: parameter::Tier::Standard,
                    key_id: None,
                    max_age_days: AtCreate(header.every()),
                    version: AwsDecides::Unset,
                    retiring: false,
                    tags: at.tags(),
                },
            );
        }
        made
    }
}

/// Who may open connections to the listeners.
fn ingress(config: &Config, network: &network::Offer, named: &str, all: &Expansion<'_>) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for (port, listener) in &config.listeners {
        let mut admit = |peer: Peer, who: &str| {
            rules.insert(
                Rule::tcp(*port, peer).described(Some(format!("{} from {who}", listener.protocol(config.kind).word()))),
            );
        };
        match (config.scheme, &config.public) {
            (Scheme::Internal, _) => {
                network.blocks(all).into_iter().for_each(|block| admit(Peer::CidrIpv4(block), named));
            }
            (Scheme::InternetFacing, Some(_)) => {
                admit(Peer::CidrIpv4(Cidr4::new(Ipv4Net::default())), "everywhere");
                admit(Peer::CidrIpv6(Cidr6::new(Ipv6Net::default())), "everywhere");
            }
            // CloudFront asks no listener that only redirects, and its list fits into a group once.
            (Scheme::InternetFacing, None) if listener.redirect.is_some() => {}
            (Scheme::InternetFacing, None) => admit(Peer::PrefixList(all.prefix_list(CLOUDFRONT)), "CloudFront"),
        }
    }
    rules
}

/// The way from the load balancer to whoever wants to be reached.
fn reach(asked: &Asked) -> Option<Rule> {
    let What::Reach { group, port } = &asked.what else { return None };
    Some(Rule::tcp(*port, Peer::Group(Link::To(group.clone()))).described(Some(format!("to {}", asked.component))))
}

impl Config {
    /// The listeners that speak TLS.
    fn secure(&self) -> impl Iterator<Item = u16> {
        self.listeners
            .iter()
            .filter(|(_, listener)| listener.protocol(self.kind) == Protocol::Https)
            .map(|(port, _)| *port)
    }

    fn load_balancer(
        &self,
        subnets: BTreeSet<Link<SubnetId>>,
        group: Link<SecurityGroupId>,
        at: &Place<'_>,
    ) -> load_balancer::Spec {
        let name = names::load_balancer(&[&at.stack.name, at.name()]);
        let scheme = match self.scheme {
            Scheme::Internal => load_balancer::Scheme::Internal,
            Scheme::InternetFacing => load_balancer::Scheme::InternetFacing,
        };
        let bare = |kind| load_balancer::Spec::new(name, kind, scheme, subnets, [group].into());
        let spec = match self.kind {
            Type::Application => load_balancer::Spec {
                application: Some(load_balancer::Application {
                    idle_timeout_seconds: self.idle_timeout.into(),
                    drop_invalid_header_fields: self.drop_invalid_header_fields,
                    ..load_balancer::Application::default()
                }),
                ..bare(load_balancer::Type::Application)
            },
            Type::Network => load_balancer::Spec {
                network: Some(load_balancer::Network {
                    cross_zone: self.cross_zone.unwrap_or_default(),
                    ..load_balancer::Network::default()
                }),
                ..bare(load_balancer::Type::Network)
            },
        };
        load_balancer::Spec { deletion_protection: self.deletion_protection, tags: at.tags(), ..spec }
    }

    /// `None` where nobody takes it although somebody must.
    fn listener(
        &self,
        port: u16,
        listener: &Listener,
        all: &Expansion<'_>,
        at: &mut Place<'_>,
    ) -> Option<listener::Spec> {
        let said = listener.protocol(self.kind);
        let protocol = match said {
            Protocol::Http => elb::Protocol::Http,
            Protocol::Https => elb::Protocol::Https,
            Protocol::Tcp => elb::Protocol::Tcp,
            Protocol::Tls => elb::Protocol::Tls,
        };
        let action = match self.kind {
            Type::Application => self.default_action(port, listener, all, at),
            Type::Network => Self::only_action(port, all, at)?,
        };
        Some(listener::Spec {
            ssl_policy: said.is_secure().then(|| listener.tls_policy().to_owned()),
            certificate: listener.certificate.as_deref().map(Text::from),
            tags: at.tags(),
            ..listener::Spec::new(Link::to(&at.address()), port, protocol, action)
        })
    }

    /// "For Network Load Balancers, the default action must be forward": AWS makes no listener of which nobody takes the
    /// connections. <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html>
    fn only_action(port: u16, all: &Expansion<'_>, at: &mut Place<'_>) -> Option<Action> {
        let takes = |route: &Route| route.listener.is_none_or(|listener| listener == port);
        if let Some((asked, route)) = routes::routes(all.asked()).find(|(_, route)| takes(route)) {
            let key = routes::target_key(at.name(), &route.port);
            return Some(Action::forward(Link::keyed(&asked.component, &key)));
        }
        if all.is_complete() {
            let (own, name) = (at.address(), at.name().to_owned());
            let message = format!(
                "no service takes the listener {port} of `{own}`, and a network load balancer has none that forwards to nobody"
            );
            let hint = format!("in a service: `expose = [{{ load_balancer = \"{name}\", listener = {port} }}]`");
            at.hinted_key("unused-listener", &["listeners".to_owned(), port.to_string()], message, hint);
        }
        None
    }

    /// What a listener does by itself: it sends on, or refuses. Without a header to ask for, it may forward what no rule
    /// takes.
    fn default_action(&self, port: u16, listener: &Listener, all: &Expansion<'_>, at: &Place<'_>) -> Action {
        if let Some(target) = listener.redirect {
            let secure = self.listeners.get(&target).is_some_and(|other| other.protocol(self.kind).is_secure());
            let protocol = if secure { "HTTPS" } else { "HTTP" };
            return Action::Redirect(Redirect {
                protocol: protocol.into(),
                port: target.to_string(),
                ..Redirect::default()
            });
        }
        let takes_rest = |route: &Route| {
            self.origin_header.is_none()
                && route.host.is_none()
                && route.path.is_none()
                && route.listener.is_none_or(|listener| listener == port)
        };
        match routes::routes(all.asked()).find(|(_, route)| takes_rest(route)) {
            Some((asked, route)) => {
                let key = routes::target_key(at.name(), &route.port);
                Action::forward(Link::keyed(&asked.component, &key))
            }
            None => Action::respond(403, "Forbidden"),
        }
    }
}
