//! Service Connect: the name that a service serves in its cluster's namespace, those that it connects to, and the ways
//! between the tasks.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::manifest::suggest;
use agent_core::reference::{Link, Text};
use agent_core::source::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::{Config, HTTP};
use super::{item, task};
use crate::components::{Need, Offer, Place, Want, What, list, path};
use crate::expand::{Asked, Expansion, Linked};
use crate::kinds::ec2::security_group::{Peer, Rule, SecurityGroup};
use crate::kinds::ecs::service::seen::Seen;
use crate::kinds::ecs::service::{ConnectService, Service as Kinded, ServiceConnect};
use crate::kinds::ecs::task_definition::container::ApplicationProtocol;
use crate::names;

/// The longest name of a service in Cloud Map without a period in it.
/// <https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html>
const NAME: usize = 63;
/// The longest name that clients may use.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html>
const ALIAS: usize = 127;

/// What clients find a service by.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Serve {
    /// The name of the container's port; the only one when left out.
    port: Option<String>,
    /// The name that clients use: small letters, digits, `-`, `_` and `.`, at most 127; the service's own when left out.
    #[serde(rename = "as")]
    alias: Option<String>,
    /// The port that clients use; the container's when left out.
    listen: Option<u16>,
    /// What the proxies speak. When left out, what the port is called (`http`, `http2` or `grpc`), else `tcp`. AWS cannot
    /// change it: take another name with it.
    protocol: Option<Protocol>,
    /// When connections end.
    #[serde(default)]
    timeout: Timeout,
}

/// What the proxies speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    /// HTTP 1: each request goes to the next task, failed ones are tried again elsewhere, and there are metrics of them.
    Http,
    /// HTTP 2, likewise.
    Http2,
    /// gRPC, likewise.
    Grpc,
    /// Anything: each connection goes to the next task.
    Tcp,
}

/// When connections end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Timeout {
    /// Seconds of silence after which a connection ends, 0 for never; 300 when left out, and 3600 with `tcp`.
    #[schemars(range(max = 2_147_483_647))]
    idle: Option<u32>,
    /// Seconds after which a request has failed, 0 for never; 15 when left out. Not with `tcp`.
    #[schemars(range(max = 2_147_483_647))]
    request: Option<u32>,
}

/// What a service serves, as others have to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The name in Cloud Map.
    pub discovery_name: String,
    /// The name that clients use.
    pub alias: String,
    /// The port that clients use.
    pub listen: u16,
    /// The port that the container, and the proxy before it, listens on.
    pub port: u16,
    /// The name of that port.
    port_name: String,
}

impl Served {
    /// `inbox:80`
    fn shown(&self) -> String {
        format!("{}:{}", self.alias, self.listen)
    }
}

impl Config {
    /// What it serves, as far as that can be told.
    pub(super) fn served(&self, at: &Place<'_>) -> Option<Served> {
        let serve = self.serve.as_ref()?;
        let (port_name, port) = self.served_port(serve)?;
        let alias = serve.alias.clone().unwrap_or_else(|| at.name().to_owned());
        let listen = serve.listen.unwrap_or(port);
        // With the port in it: what clients were told of a name changes only with it, so another port is another name, and
        // they are deployed anew.
        let discovery_name = names::name(&[&alias.replace('.', "_"), &listen.to_string()], NAME);
        Some(Served { discovery_name, alias, listen, port, port_name: port_name.to_owned() })
    }

    fn served_port(&self, serve: &Serve) -> Option<(&str, u16)> {
        let ports = self.ports();
        match &serve.port {
            Some(name) => ports.into_iter().find(|(port, _)| port == name),
            None => Some(ports).filter(|ports| ports.len() == 1)?.pop_first(),
        }
    }

    /// What the proxies speak on a port of the container; nothing where that is plain TCP, or where they do not serve it.
    pub(super) fn app_protocol(&self, port: &str) -> Option<ApplicationProtocol> {
        let serve = self.serve.as_ref()?;
        self.served_port(serve).filter(|(name, _)| *name == port)?;
        match serve.protocol(port) {
            Protocol::Http => Some(ApplicationProtocol::Http),
            Protocol::Http2 => Some(ApplicationProtocol::Http2),
            Protocol::Grpc => Some(ApplicationProtocol::Grpc),
            Protocol::Tcp => None,
        }
    }

    /// Whether it has anything to do with Service Connect, and where it says so.
    fn connects(&self) -> Option<&'static str> {
        if self.serve.is_some() { Some("serve") } else { Some("connect").filter(|_| !self.connect.is_empty()) }
    }

    /// The services that it names.
    pub(super) fn connect_wants(&self) -> impl Iterator<Item = Want> {
        let one = |(n, text): (usize, &String)| Want {
            path: item("connect", n),
            types: &["service"],
            given: Some(text.clone()),
        };
        self.connect.iter().enumerate().map(one)
    }

    /// A namespace, and ways in.
    pub(super) fn connect_needs(&self, at: &Place<'_>) -> Vec<Need> {
        let Some(key) = self.connects() else { return Vec::new() };
        let named = self.served(at).map(|served| served.discovery_name);
        let namespace = Need { of: path(&["cluster"]), path: path(&[key]), what: What::Namespace { serves: named } };
        let group = Address::new(&at.address(), SecurityGroup::NAME);
        let ways = (0..self.connect.len()).map(|n| Need {
            of: item("connect", n),
            path: item("connect", n),
            what: What::Admit { group: group.clone() },
        });
        std::iter::once(namespace).chain(ways).collect()
    }

    /// What can be told from the keys alone.
    pub(super) fn check_connect(&self, at: &mut Place<'_>) {
        let own = at.address();
        for (n, name) in self.connect.iter().enumerate() {
            let place = item("connect", n);
            let bare = |text: &str| text.strip_prefix("service.").unwrap_or(text).to_owned();
            if bare(name) == at.name() {
                let hint = "a task reaches its own containers at `localhost`";
                at.hinted("conflict", &place, format!("`{own}` connects to itself"), hint);
            } else if self.connect[..n].iter().any(|other| bare(other) == bare(name)) {
                at.problem("defined-twice", &place, format!("`{own}` connects to `{name}` twice"));
            }
        }
        if let Some(serve) = &self.serve {
            self.check_serve(serve, at);
        }
    }

    fn check_serve(&self, serve: &Serve, at: &mut Place<'_>) {
        let own = at.address();
        let ports = self.ports();
        let known: Vec<&str> = ports.keys().copied().collect();
        match &serve.port {
            _ if known.is_empty() => {
                let hint = "say where the container listens: `port = 8080`";
                at.hinted("missing-key", &["serve"], format!("`{own}` has no port to serve"), hint);
            }
            Some(port) if !ports.contains_key(port.as_str()) => {
                let hint = suggest::hint(port, &known, "they are").unwrap_or_default();
                at.hinted("unknown-port", &["serve", "port"], format!("`{own}` has no port `{port}`"), hint);
            }
            None if known.len() > 1 => {
                let hint = format!("its ports are {}", list(known));
                at.hinted("missing-key", &["serve"], format!("`{own}.serve` lacks `port`"), hint);
            }
            _ => {}
        }
        if let Some(alias) = serve.alias.as_deref().filter(|alias| !is_alias(alias)) {
            let hint = "small letters, digits, `-`, `_` and `.`, 127 at most, 63 between two periods: `inbox`";
            at.hinted(
                "bad-name",
                &["serve", "as"],
                format!("`{}` is no name to connect to", alias.escape_debug()),
                hint,
            );
        }
        if serve.listen == Some(0) {
            at.problem(
                "out-of-range",
                &["serve", "listen"],
                format!("`{own}.serve.listen`: nobody can connect to port 0"),
            );
        }
        let port = self.served_port(serve).map_or(HTTP, |(name, _)| name);
        if serve.protocol(port) == Protocol::Tcp && serve.timeout.request.is_some() {
            let hint = "say `protocol = \"http\"`, or leave it out";
            at.hinted("conflict", &["serve", "timeout", "request"], "there are no requests in plain TCP", hint);
        }
    }

    /// The way in for each client. Only a service that serves has one.
    pub(super) fn connect_ingress(&self, all: &Expansion<'_>, at: &Place<'_>) -> Vec<Rule> {
        let Some(served) = self.served(at) else { return Vec::new() };
        let client = |asked: &Asked| match &asked.what {
            What::Admit { group } => {
                let peer = Peer::Group(Link::To(group.clone()));
                Some(Rule::tcp(served.port, peer).described(Some(format!("from {}", asked.component))))
            }
            _ => None,
        };
        all.asked().iter().filter_map(client).collect()
    }

    /// The services that it connects to, and what they serve; what does not fit is reported.
    pub(super) fn servers<'a>(
        &self,
        network: &Linked<'a>,
        all: &Expansion<'a>,
        at: &mut Place<'_>,
    ) -> Vec<(Linked<'a>, &'a Served)> {
        (0..self.connect.len()).filter_map(|n| server(n, network, all, at)).collect()
    }

    /// The configuration, and what it has to see.
    pub(super) fn service_connect(
        &self,
        servers: &[(Linked<'_>, &Served)],
        all: &Expansion<'_>,
        at: &mut Place<'_>,
    ) -> (Option<ServiceConnect>, Seen) {
        let (Some(_), Some(cluster)) = (self.connects(), all.link(&["cluster"])) else {
            return (None, Seen::default());
        };
        let served = self.served(at);
        if let Some(served) = &served {
            check_unique(served, all, at);
        }
        let mut log_configuration = task::logs(None, false, at);
        log_configuration.options.insert("awslogs-stream-prefix".into(), "service-connect".into());
        let connect = ServiceConnect {
            namespace: Link::to(&cluster.address()),
            services: served.iter().map(|served| (served.port_name.clone(), self.connect_service(served))).collect(),
            log_configuration: Some(log_configuration),
        };
        let name =
            |linked: &Linked<'_>| Text::reference(Address::new(&linked.address(), Kinded::NAME), "discovery_name");
        let seen: BTreeMap<String, Text> =
            servers.iter().map(|(linked, served)| (served.discovery_name.clone(), name(linked))).collect();
        (Some(connect), Seen(seen))
    }

    fn connect_service(&self, served: &Served) -> ConnectService {
        let timeout = self.serve.as_ref().map(|serve| &serve.timeout);
        ConnectService {
            discovery_name: served.discovery_name.clone(),
            dns_name: served.alias.clone(),
            port: served.listen,
            ingress_port_override: None,
            idle_timeout_seconds: timeout.and_then(|timeout| timeout.idle),
            per_request_timeout_seconds: timeout.and_then(|timeout| timeout.request),
        }
    }
}

impl Serve {
    fn protocol(&self, port: &str) -> Protocol {
        self.protocol.unwrap_or(match port {
            HTTP => Protocol::Http,
            "http2" => Protocol::Http2,
            "grpc" => Protocol::Grpc,
            _ => Protocol::Tcp,
        })
    }
}

/// To whom tasks open connections.
pub(super) fn egress(servers: &[(Linked<'_>, &Served)]) -> impl Iterator<Item = Rule> {
    servers.iter().map(|(linked, served)| {
        let group = Peer::Group(Link::to(&linked.address()));
        Rule::tcp(served.port, group).described(Some(format!("to {}", linked.address())))
    })
}

/// The service that is named, if tasks can connect to it.
fn server<'a>(
    n: usize,
    network: &Linked<'a>,
    all: &Expansion<'a>,
    at: &mut Place<'_>,
) -> Option<(Linked<'a>, &'a Served)> {
    let place = item("connect", n);
    let named = all.link(&place)?;
    let Offer::Service(offer) = named.offer else { return None };
    let (own, other) = (at.address(), named.address());
    let Some(served) = &offer.served else {
        // One that serves and cannot say what has a problem of its own.
        if named.decl.node.as_table().is_none_or(|table| table.get("serve").is_none()) {
            let problem = Problem::new("not-served", format!("`{own}` connects to `{other}`, which serves nothing"));
            let problem = problem.at(&at.span(&place)).also(&named.decl.name_span, "it is here");
            at.problems.push(problem.hint(format!("say `serve = {{}}` in `[{other}]`")));
        }
        return None;
    };
    for (key, what) in [("cluster", "cluster, so in another namespace"), ("network", "network")] {
        let ours = if key == "network" { Some(*network) } else { all.link(&[key]) }.map(|linked| linked.address());
        let theirs = all.link_of(&named, &[key]).map(|linked| linked.address());
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && ours != theirs
        {
            let message = format!("`{own}` is in `{ours}`, and `{other}` in `{theirs}`: another {what}");
            at.problem("other-network", &place, message);
            return None;
        }
    }
    Some((named, served))
}

/// A name in a namespace is one service's.
fn check_unique(served: &Served, all: &Expansion<'_>, at: &mut Place<'_>) {
    let same = |asked: &&Asked| match &asked.what {
        What::Namespace { serves } => serves.as_ref() == Some(&served.discovery_name),
        _ => false,
    };
    let first = all.asked_of(&["cluster"]).iter().find(same).filter(|first| !all.is_own(first));
    if let Some(first) = first {
        let message = format!("`{}` serves `{}`, and so does `{}`", at.address(), served.shown(), first.component);
        let problem =
            Problem::new("defined-twice", message).at(&at.span(&["serve"])).also(&first.span, "the other one");
        at.problems.push(problem.hint("choose another name with `as`, or another port with `listen`"));
    }
}

/// Whether both ECS and Cloud Map take it as a name.
fn is_alias(name: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let label = |label: &str| {
        label.len() <= NAME
            && label.starts_with(word)
            && label.ends_with(word)
            && label.chars().all(|c| word(c) || c == '-')
    };
    name.len() <= ALIAS && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_ecs_and_cloud_map_take() {
        for good in ["inbox", "inbox.internal", "a", "0", "_x", "in-box", &"x".repeat(63)] {
            assert!(is_alias(good), "{good}");
        }
        let long = format!("{0}.{0}.{0}", "x".repeat(42));
        for bad in ["", "Inbox", "-inbox", "inbox-", "in box", "a..b", ".a", "ü", &"x".repeat(64), &long] {
            assert!(!is_alias(bad), "{bad}");
        }
    }
}
