//! The keys of `[load_balancer.X]`, and what can be said about them alone.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::reference::Link;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::components::{Place, list, network};
use crate::kinds::ec2::subnet::SubnetId;

/// `[load_balancer.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it balances.
    #[serde(rename = "type", default)]
    pub(super) kind: Type,
    /// From where it can be reached. An internet-facing one needs `origin_header` or `public`.
    #[serde(default)]
    pub(super) scheme: Scheme,
    /// The network that it stands in; the stack's only one when left out. An application load balancer needs two zones.
    pub(super) network: Option<String>,
    /// The tier of the network; `public` for an internet-facing one, else `private`.
    tier: Option<String>,
    /// The listeners by port: `{ 443 = { certificate = "arn:…" }, 80 = { redirect = 443 } }`. One must forward. What no
    /// service takes is answered with 403. Those of a network load balancer, `{ 7577 = { protocol = "tcp" } }`, forward all to
    /// one service each.
    pub(super) listeners: BTreeMap<u16, Listener>,
    /// The secret header without which nothing is forwarded: CloudFront sends it. Its value, 64 hex digits, is generated
    /// and kept as a `SecureString`. An internet-facing one without `public` lets in CloudFront's addresses alone.
    pub(super) origin_header: Option<OriginHeader>,
    /// Why everybody may reach it, where no CloudFront stands in front of it: `"reason: customers reach it directly"`.
    pub(super) public: Option<String>,
    /// Whether AWS refuses to delete it, whoever asks.
    #[serde(default)]
    pub(super) deletion_protection: bool,
    /// Seconds after which a connection on which nothing is sent is closed. Only of an application load balancer.
    #[serde(default = "sixty")]
    #[schemars(range(min = 1, max = 4000))]
    pub(super) idle_timeout: u16,
    /// Whether headers with names that are not valid are taken out of requests. Only of an application load balancer.
    #[serde(default = "yes")]
    pub(super) drop_invalid_header_fields: bool,
    /// Whether the nodes of a network load balancer forward to tasks of other zones too; they do not when left out. Those of an
    /// application load balancer always do.
    pub(super) cross_zone: Option<bool>,
}

fn sixty() -> u16 {
    60
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    /// Requests over HTTP and HTTPS, told apart by host and path.
    #[default]
    Application,
    /// Connections over TCP and TLS.
    Network,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scheme {
    /// Only from within the network.
    #[default]
    Internal,
    /// From the internet, with public addresses; in the public tier.
    InternetFacing,
}

/// A listener.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Listener {
    /// What clients speak; `https` where there is a certificate, else `http`. With a network load balancer `tls` and `tcp`.
    pub(super) protocol: Option<Protocol>,
    /// The ARN of the certificate: of ACM in this region, or of IAM.
    pub(super) certificate: Option<String>,
    /// The port of another listener, to which all requests are redirected (301); nothing is forwarded then.
    pub(super) redirect: Option<u16>,
    /// The security policy, which says the versions and ciphers of TLS, by AWS's name;
    /// `ELBSecurityPolicy-TLS13-1-2-2021-06` when left out. Only with HTTPS and TLS.
    tls_policy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    /// Without encryption.
    Http,
    /// With TLS.
    Https,
    /// Without encryption; of a network load balancer.
    Tcp,
    /// TLS that ends at a network load balancer.
    Tls,
}

impl Protocol {
    /// As people write it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Whether it takes a certificate.
    pub(super) fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }
}

/// The origin header.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OriginHeader {
    /// The name of the header: letters, digits and `-`, at most 40 characters, not `Host`.
    pub(super) name: String,
    /// How often the secret is made anew, in days: `"30d"`, at most `"365d"`. Never by itself when left out; `agent rotate`
    /// does it by hand. No request is refused meanwhile. A distribution of the stack has to send it.
    every: Option<String>,
}

impl OriginHeader {
    /// After how many days the secret is made anew.
    pub(super) fn every(&self) -> Option<u16> {
        let days = self.every.as_deref()?.strip_suffix('d')?.parse().ok()?;
        (1..=365).contains(&days).then_some(days)
    }
}

impl Listener {
    pub(super) fn protocol(&self, of: Type) -> Protocol {
        self.protocol.unwrap_or(match (of, self.certificate.is_some()) {
            (Type::Application, true) => Protocol::Https,
            (Type::Application, false) => Protocol::Http,
            (Type::Network, true) => Protocol::Tls,
            (Type::Network, false) => Protocol::Tcp,
        })
    }

    /// TLS 1.3 and 1.2 with forward secrecy, which AWS recommends, unless the manifest says otherwise.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>
    pub(super) fn tls_policy(&self) -> &str {
        self.tls_policy.as_deref().unwrap_or("ELBSecurityPolicy-TLS13-1-2-2021-06")
    }
}

impl Config {
    pub(super) fn check(&self, at: &mut Place<'_>) {
        self.check_type(at);
        if let Some(header) = &self.origin_header {
            check_header(header, at);
        }
        self.check_reach(at);
        let forwards = self.listeners.values().any(|listener| listener.redirect.is_none());
        if self.listeners.is_empty() {
            let message = format!("`{}` listens on no port", at.address());
            at.hinted("no-listener", &["listeners"], message, "for example `listeners = { 80 = {} }`");
        } else if !forwards {
            at.problem("no-listener", &["listeners"], format!("all listeners of `{}` redirect", at.address()));
        }
        self.check_cloudfront(at);
        for (port, listener) in &self.listeners {
            self.check_listener(*port, listener, at);
        }
    }

    /// Whether what is said of who may reach it makes sense. That nothing is said is for the rules to judge.
    fn check_reach(&self, at: &mut Place<'_>) {
        let own = at.address();
        match (self.scheme, &self.public) {
            (Scheme::Internal, Some(_)) => {
                let message = format!("`{own}` is internal, so nobody but the network reaches it");
                at.hinted(
                    "conflict",
                    &["public"],
                    message,
                    "take `public` away, or say `scheme = \"internet-facing\"`",
                );
            }
            (Scheme::InternetFacing, Some(reason)) if reason.trim().trim_start_matches("reason:").trim().is_empty() => {
                let message = format!("`{own}.public` gives no reason");
                at.hinted("missing-reason", &["public"], message, "say why: `public = \"reason: …\"`");
            }
            _ => {}
        }
    }

    fn check_listener(&self, port: u16, listener: &Listener, at: &mut Place<'_>) {
        let own = at.address();
        let place = |key: &str| ["listeners".to_owned(), port.to_string(), key.to_owned()];
        if port == 0 {
            at.problem("out-of-range", &["listeners", "0"], format!("`{own}` cannot listen on port 0"));
        }
        if let Some(target) = listener.redirect {
            let known: Vec<String> =
                self.listeners.keys().filter(|other| **other != port).map(u16::to_string).collect();
            if target == port {
                at.problem("bad-redirect", &place("redirect"), format!("the listener {port} redirects to itself"));
            } else if !self.listeners.contains_key(&target) {
                let message = format!("the listener {port} redirects to {target}, and `{own}` has no such listener");
                if known.is_empty() {
                    at.problem("bad-redirect", &place("redirect"), message);
                } else {
                    let hint = format!("its others are {}", list(known.iter().map(String::as_str)));
                    at.hinted("bad-redirect", &place("redirect"), message, hint);
                }
            } else if self.listeners.get(&target).is_some_and(|other| other.redirect.is_some()) {
                let message = format!("the listener {port} redirects to {target}, which redirects too");
                at.problem("bad-redirect", &place("redirect"), message);
            }
        }
        let protocol = listener.protocol(self.kind);
        let word = protocol.word();
        match (protocol.is_secure(), &listener.certificate) {
            (true, None) => {
                let hint = format!("add `certificate = \"arn:aws:acm:{}:…\"`", at.stack.region);
                let message = format!("the listener {port} of `{own}` speaks {word}, and has no certificate");
                at.hinted("missing-key", &["listeners".to_owned(), port.to_string()], message, hint);
            }
            (false, Some(_)) => {
                let message = format!("the listener {port} of `{own}` speaks {word}, which takes no certificate");
                at.problem("conflict", &place("certificate"), message);
            }
            (false, None) if listener.tls_policy.is_some() => {
                let message = format!("the listener {port} of `{own}` speaks {word}, which has no TLS policy");
                at.problem("conflict", &place("tls_policy"), message);
            }
            (true, Some(certificate)) => check_certificate(certificate, &place("certificate"), at),
            (false, None) => {}
        }
    }

    /// The subnets that it stands in.
    pub(super) fn subnets(
        &self,
        network: &network::Offer,
        named: &str,
        at: &mut Place<'_>,
    ) -> Option<BTreeSet<Link<SubnetId>>> {
        let tier = self.tier.as_deref().unwrap_or(match self.scheme {
            Scheme::Internal => "private",
            Scheme::InternetFacing => network::PUBLIC,
        });
        let Some(subnets) = network.subnets(tier) else {
            let message = format!("`{named}` has no tier `{tier}`, and `{}` stands there", at.address());
            let hint = format!("its tiers are {}; another is chosen by `tier`", list(network.tiers()));
            at.hinted("unknown-tier", &["tier"], message, hint);
            return None;
        };
        if self.scheme == Scheme::InternetFacing && tier != network::PUBLIC {
            let message =
                format!("the tier `{tier}` of `{named}` has no route to the internet, which `{}` faces", at.address());
            at.problem("unknown-tier", &["tier"], message);
        }
        // "You must specify subnets from at least two Availability Zones": CreateLoadBalancer.
        if self.kind == Type::Application && network.zones(tier) < 2 {
            let message = format!("`{}` needs two zones at least, and `{named}` is in one", at.address());
            let hint = if network.is_owned() {
                format!("say `zones = 2` in `[{named}]`")
            } else {
                format!("name subnets of two zones for the tier `{tier}` in `[{named}]`")
            };
            at.hinted("too-few-zones", &[] as &[&str], message, hint);
        }
        Some(subnets)
    }
}

fn check_certificate(certificate: &str, place: &[String], at: &mut Place<'_>) {
    if certificate.starts_with("certificate.") {
        at.later(place, "certificates of the manifest come");
        return;
    }
    let region = at.stack.region.clone();
    let parts: Vec<&str> = certificate.split(':').collect();
    let problem = match parts.as_slice() {
        ["arn", _, "acm", place, _, id] if id.starts_with("certificate/") && *place == region => return,
        ["arn", _, "iam", "", _, id] if id.starts_with("server-certificate/") => return,
        ["arn", _, "acm", other, _, _] => format!("the certificate is in {other}, and the load balancer in {region}"),
        _ => format!("`{certificate}` is not the ARN of a certificate"),
    };
    at.hinted(
        "bad-certificate",
        place,
        problem,
        format!("it looks like `arn:aws:acm:{region}:123456789012:certificate/…`"),
    );
}

/// The limits of a condition on a header.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_HttpHeaderConditionConfig.html>
fn check_header(header: &OriginHeader, at: &mut Place<'_>) {
    let name = header.name.as_str();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let place = ["origin_header", "name"];
    if name.is_empty() || name.len() > 40 || !name.chars().all(token) || name.contains(['*', '?']) {
        let hint = "letters, digits and `-`, 40 characters at most: `X-Origin-Verify`";
        at.hinted("bad-header", &place, format!("`{name}` is no name of a header"), hint);
    } else if name.eq_ignore_ascii_case("host") {
        at.problem("bad-header", &place, "the header `Host` says where a request goes, and holds no secret");
    }
    if let Some(every) = header.every.as_ref().filter(|_| header.every().is_none()) {
        let place = ["origin_header", "every"];
        at.hinted(
            "bad-days",
            &place,
            format!("`{every}` is no number of days"),
            "from `1d` to `365d`: `every = \"30d\"`",
        );
    }
}
