//! What an application load balancer has and a network load balancer has not, and the other way round; and what CloudFront's
//! addresses leave room for.

use super::config::{Config, Protocol, Scheme, Type};
use crate::components::Place;

/// How many of a group's inbound rules CloudFront's prefix list counts as: its weight.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html>
const CLOUDFRONT_WEIGHT: usize = 55;
/// How many inbound rules a group may have by AWS's quota.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
const RULES: usize = 60;

/// Keys that are about requests, and what to say of them where there are none.
const REQUESTS: [(&str, &str); 3] = [
    ("drop_invalid_header_fields", "it reads no headers"),
    ("idle_timeout", "its connections are closed after the 350 seconds of AWS"),
    ("origin_header", "it reads no headers"),
];

impl Config {
    /// Whether all that is said fits the type.
    pub(super) fn check_type(&self, at: &mut Place<'_>) {
        let own = at.address();
        let is_written = |at: &Place<'_>, key: &str| at.decl.node.as_table().is_some_and(|all| all.get(key).is_some());
        match self.kind {
            Type::Network => {
                for (key, because) in REQUESTS {
                    if is_written(at, key) {
                        let message = format!("`{own}` is a network load balancer: {because}");
                        at.hinted_key("conflict", &[key], message, format!("take `{key}` away"));
                    }
                }
            }
            Type::Application if self.cross_zone.is_some() => {
                let message = format!("`{own}` is an application load balancer, which always forwards to all zones");
                at.hinted_key("conflict", &["cross_zone"], message, "take `cross_zone` away");
            }
            Type::Application => {}
        }
        for (port, listener) in &self.listeners {
            let place = |key: &str| ["listeners".to_owned(), port.to_string(), key.to_owned()];
            let (of, fitting) = match self.kind {
                Type::Application => {
                    ("an application", "`http` or `https`; `tcp` and `tls` are for `type = \"network\"`")
                }
                Type::Network => ("a network", "`tcp` or `tls`"),
            };
            let is_of_requests = |protocol| matches!(protocol, Protocol::Http | Protocol::Https);
            if let Some(protocol) = listener.protocol
                && is_of_requests(protocol) != (self.kind == Type::Application)
            {
                let message = format!("`{own}` is {of} load balancer, and has no listener for {}", protocol.word());
                at.hinted("conflict", &place("protocol"), message, fitting);
            }
            if listener.redirect.is_some() && self.kind == Type::Network {
                let message = format!("`{own}` is a network load balancer: it redirects nothing");
                let hint = "let a service take the listener, or leave the listener out";
                at.hinted("conflict", &place("redirect"), message, hint);
            }
        }
    }

    /// Whether CloudFront's addresses fit into the group as often as there are listeners that it asks.
    pub(super) fn check_cloudfront(&self, at: &mut Place<'_>) {
        if self.kind != Type::Application || self.scheme != Scheme::InternetFacing || self.public.is_some() {
            return;
        }
        let mut asked = self.listeners.iter().filter(|(_, listener)| listener.redirect.is_none()).map(|(port, _)| port);
        let fitting = asked.by_ref().take(RULES / CLOUDFRONT_WEIGHT).last();
        if let (Some(first), Some(second)) = (fitting, asked.next()) {
            let message = format!(
                "`{}` lets CloudFront in on {first} and on {second}: its addresses count as {CLOUDFRONT_WEIGHT} of the \
                 {RULES} rules that a security group may have, each time",
                at.address()
            );
            let hint = format!("let one of them redirect: `{{ redirect = {second} }}`, or leave one out");
            at.hinted_key("too-many-rules", &["listeners".to_owned(), second.to_string()], message, hint);
        }
    }
}
