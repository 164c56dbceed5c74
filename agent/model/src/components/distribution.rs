//! `[distribution.X]`: a CloudFront distribution in front of a load balancer. It sends the load balancer's secret header, so
//! that nobody gets past it.

mod config;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::Text;

use super::{Attribute, Component, Declared, Need, Offer, Place, Resources, Want, What, load_balancer, path};
use crate::expand::{Expansion, Linked};
use crate::kinds::cloudfront::distribution::{
    Behavior, Certificate, CustomOrigin, Distribution as Kinded, Origin, OriginProtocol, PathBehavior, Spec,
    ViewerProtocol,
};
use crate::names::{self, limits};
pub use config::Config;
use config::{Cache, Forward, Methods, Rule};

/// A distribution.
pub struct Distribution;

/// The hosted zone of all distributions, for alias records.
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html>
const ZONE: &str = "Z2FDTNDATAQYW2";
/// The versions of TLS in which it speaks to an origin.
const ORIGIN_TLS: &str = "TLSv1.2";

impl Component for Distribution {
    const TYPE: &'static str = "distribution";
    const DOC: &'static str =
        "A CloudFront distribution in front of a load balancer: what people on the internet reach.";
    type Config = Config;

    fn declare(config: &Config, at: &mut Place<'_>) -> Declared {
        config.check(at);
        let own = Address::new(&at.address(), Kinded::NAME);
        let attribute = |field: &str| Attribute::Text(Text::reference(own.clone(), field));
        Declared {
            wants: vec![Want { path: path(&["origin"]), types: &["load_balancer"], given: config.origin.clone() }],
            needs: vec![Need { of: path(&["origin"]), path: path(&["origin"]), what: What::Header }],
            offer: Some(Offer::Distribution),
            attributes: BTreeMap::from([
                ("arn", attribute("arn")),
                ("domain_name", attribute("domain_name")),
                ("id", attribute("id")),
                ("zone_id", Attribute::Text(ZONE.into())),
            ]),
            ..Declared::default()
        }
    }

    fn expand(config: &Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let mut made = Resources::of(at);
        let Some(named) = all.link(&["origin"]) else { return made };
        let Offer::LoadBalancer(offer) = named.offer else { return made };
        let Some(origin) = config.origin(&named, offer, at) else { return made };
        let id = named.address();
        made.add::<Kinded>(&Spec {
            comment: names::global(&[&at.stack.name, at.name()], at.scope, limits::COMMENT),
            enabled: config.enabled,
            aliases: config.domains.iter().cloned().collect(),
            certificate: config
                .certificate
                .as_deref()
                .map(|arn| Certificate { arn: arn.into(), minimum_protocol_version: config.tls_policy().to_owned() }),
            default_root_object: config.root_object.clone(),
            origins: BTreeMap::from([(id.clone(), origin)]),
            default_behavior: behavior(&id, &config.rule()),
            behaviors: config
                .paths
                .iter()
                .map(|each| PathBehavior { path: each.path.clone(), behavior: behavior(&id, &each.rule()) })
                .collect(),
            price_class: config.price_class.into(),
            http_version: config.http_version.into(),
            ipv6: config.ipv6,
            web_acl: config.web_acl.as_deref().map(Text::from),
            tags: at.tags(),
        });
        made
    }
}

impl Config {
    /// The load balancer as an origin; `None` where it cannot be one.
    fn origin(&self, named: &Linked<'_>, offer: &load_balancer::Offer, at: &mut Place<'_>) -> Option<Origin> {
        let port = self.port(named, offer, at)?;
        check_origin(named, offer, at);
        let secure = offer.is_secure(port);
        let domain_name = match &self.origin_domain {
            Some(domain) => domain.as_str().into(),
            None if secure => {
                let message = format!(
                    "`{}` speaks HTTPS on {port}, and no certificate is for the name that AWS gave it",
                    named.address()
                );
                let hint =
                    "say the name on its certificate, which leads to it: `origin_domain = \"origin.example.org\"`";
                at.hinted("missing-key", &["origin_domain"], message, hint);
                return None;
            }
            None => offer.dns_name(),
        };
        let header = offer.sent_header().map(|(name, secret)| (name.to_owned(), secret));
        Some(Origin {
            domain_name,
            path: String::new(),
            custom_headers: header.into_iter().collect(),
            custom: Some(CustomOrigin {
                http_port: if secure { 80 } else { port },
                https_port: if secure { port } else { 443 },
                protocol_policy: if secure { OriginProtocol::HttpsOnly } else { OriginProtocol::HttpOnly },
                ssl_protocols: BTreeSet::from([ORIGIN_TLS.to_owned()]),
                read_timeout: self.read_timeout.into(),
                keepalive_timeout: 5,
            }),
            connection_attempts: 3,
            connection_timeout: 10,
        })
    }

    /// The listener that it asks.
    fn port(&self, named: &Linked<'_>, offer: &load_balancer::Offer, at: &mut Place<'_>) -> Option<u16> {
        let Some(port) = offer.chosen(self.listener) else {
            let known: Vec<String> = offer.forwarding().iter().map(u16::to_string).collect();
            let hint = format!(
                "those of `{}` that forward are {}",
                named.address(),
                super::list(known.iter().map(String::as_str))
            );
            let message = match self.listener {
                Some(port) => format!("`{}` has no listener {port} that forwards", named.address()),
                None => format!("`{}` lacks `listener`", at.address()),
            };
            at.hinted("unknown-listener", &["listener"], message, hint);
            return None;
        };
        // "Valid ports include 80, 443, and 1024 to 65535": CustomOriginConfig.
        if !matches!(port, 80 | 443 | 1024..) {
            let message = format!("CloudFront asks no origin on port {port}");
            at.hinted("out-of-range", &["listener"], message, "it asks on 80, 443, and 1024 to 65535");
            return None;
        }
        Some(port)
    }
}

/// Whether CloudFront can reach it, and nobody is let past CloudFront on purpose. That nobody gets past it by mistake is for
/// the rules to judge.
fn check_origin(named: &Linked<'_>, offer: &load_balancer::Offer, at: &mut Place<'_>) {
    let balancer = named.address();
    if offer.is_network() {
        let message = format!("`{balancer}` balances connections and knows no headers");
        at.hinted("open-origin", &["origin"], message, "put `type = \"application\"` behind a distribution");
    } else if !offer.is_internet_facing() {
        let message = format!("CloudFront cannot reach `{balancer}`, which is internal");
        at.hinted("unreachable-origin", &["origin"], message, "say `scheme = \"internet-facing\"` there");
    } else if offer.sent_header().is_none() && offer.is_for_everybody() {
        let message = format!("`{balancer}` answers everybody, so nobody has to come through `{}`", at.address());
        let hint = "there, instead of `public`: `origin_header = { name = \"X-Origin-Verify\" }`";
        at.hinted("open-origin", &["origin"], message, hint);
    } else if let Some((name, _)) = offer.sent_header().filter(|(name, _)| cannot_be_added(name)) {
        let message = format!("CloudFront does not add the header `{name}`, which `{balancer}` asks for, to requests");
        at.hinted("bad-header", &["origin"], message, "there, a name of your own: `X-Origin-Verify`");
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html#add-origin-custom-headers-denylist>
const NOT_ADDED: &[&str] = &[
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "warning",
    "x-real-ip",
];

fn cannot_be_added(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    NOT_ADDED.contains(&header.as_str()) || ["x-amz-", "x-edge-"].iter().any(|begin| header.starts_with(begin))
}

/// What happens to requests, by policies that AWS manages: the same in all accounts.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html>
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html>
fn behavior(origin: &str, rule: &Rule) -> Behavior {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Behavior {
        target_origin: origin.to_owned(),
        viewer_protocol_policy: ViewerProtocol::RedirectToHttps,
        allowed_methods: match rule.methods {
            Methods::Read => words(&["GET", "HEAD", "OPTIONS"]),
            Methods::All => words(&["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]),
        },
        cached_methods: words(&["GET", "HEAD"]),
        compress: true,
        cache_policy: Some(
            match rule.cache {
                // CachingDisabled.
                Cache::None => "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                // CachingOptimized.
                Cache::Optimized => "658327ea-f89d-4fab-a63d-7e88639e58f6",
            }
            .to_owned(),
        ),
        origin_request_policy: Some(
            match rule.forward {
                // AllViewer.
                Forward::All => "216adef6-5c7f-47e4-b989-5492eafa07d3",
                // AllViewerExceptHostHeader.
                Forward::AllButHost => "b689b0a8-53d0-40ab-baf2-68738e2966ac",
            }
            .to_owned(),
        ),
        response_headers_policy: None,
    }
}
