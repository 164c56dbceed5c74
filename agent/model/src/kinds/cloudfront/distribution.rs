//! `cloudfront.distribution`: what viewers reach, from which origins it takes what it has not cached, and what it tells
//! these. Signed URLs, functions, logs, error pages and restrictions by country are not among what can be wanted: they stay
//! as they are.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{After, Identity, Kind, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{SecretRef, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::elb::rule::Rule;
use crate::kinds::ssm::parameter::Parameter;

/// A distribution.
pub struct Distribution;

/// The wanted state of a distribution, after
/// [DistributionConfig](https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// At most 128 characters. It begins with the stack's name and a hyphen: that is how the stack's distributions are
    /// found, for the list tells no tags.
    pub comment: String,
    /// Whether it answers viewers.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The domain names of viewers, beside the one that `CloudFront` gives. Each belongs to one distribution of all
    /// accounts, and takes a certificate.
    #[serde(default)]
    pub aliases: BTreeSet<String>,
    /// What viewers are shown; `CloudFront`'s own certificate when absent.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// The object for requests of `/`, such as `index.html`; none when absent.
    #[serde(default)]
    pub default_root_object: Option<String>,
    /// From where it takes what it has not cached, by id; at most 100.
    pub origins: BTreeMap<String, Origin>,
    /// What happens to requests that no other behavior takes.
    pub default_behavior: Behavior,
    /// What happens to requests by their path, the first pattern that fits; at most 75.
    #[serde(default)]
    pub behaviors: Vec<PathBehavior>,
    /// In which places of the world it has copies.
    #[serde(default)]
    pub price_class: PriceClass,
    /// Up to which version of HTTP viewers may speak.
    #[serde(default)]
    pub http_version: HttpVersion,
    /// Whether it answers over IPv6.
    #[serde(default = "yes")]
    pub ipv6: bool,
    /// The ARN of a web ACL of AWS WAF, in us-east-1; none when absent.
    #[serde(default)]
    pub web_acl: Option<Text>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

fn yes() -> bool {
    true
}

/// What viewers are shown. Names are told apart by SNI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The ARN of a certificate of ACM in us-east-1.
    pub arn: Text,
    /// The security policy, which says the versions and ciphers of TLS, by AWS's name.
    #[serde(default = "tls")]
    pub minimum_protocol_version: String,
}

fn tls() -> String {
    MINIMUM_TLS.to_owned()
}

/// The security policy that AWS recommends for certificates of one's own.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html>
pub const MINIMUM_TLS: &str = "TLSv1.2_2021";

/// An origin, after [Origin](https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Origin.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its domain name. TLS wants it in the origin's certificate.
    pub domain_name: Text,
    /// What is put before the path of each request; nothing when empty.
    #[serde(default)]
    pub path: String,
    /// Headers that each request to it carries. Their values are secrets, whatever they are for: AWS's answers give them
    /// back in the clear, and nothing in these tells a secret from another word.
    #[serde(default)]
    pub custom_headers: BTreeMap<String, SecretRef>,
    /// How it is spoken to. Absent for a live one that is a bucket or in a VPC; it cannot be wanted so.
    #[serde(default)]
    pub custom: Option<CustomOrigin>,
    /// How many times a connection is tried: 1 to 3.
    #[serde(default = "three")]
    pub connection_attempts: i32,
    /// Seconds until a try has failed: 1 to 10.
    #[serde(default = "ten")]
    pub connection_timeout: i32,
}

fn three() -> i32 {
    3
}

fn ten() -> i32 {
    10
}

/// How an origin is spoken to that is neither a bucket nor in a VPC, after
/// [CustomOriginConfig](https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CustomOriginConfig.html).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomOrigin {
    /// Its port for HTTP: 80, 443, or 1024 to 65535.
    #[serde(default = "http")]
    pub http_port: u16,
    /// Its port for HTTPS.
    #[serde(default = "https")]
    pub https_port: u16,
    /// Which of both.
    pub protocol_policy: OriginProtocol,
    /// The versions of TLS that it may speak.
    #[serde(default = "tls12")]
    pub ssl_protocols: BTreeSet<String>,
    /// Seconds for which it may be silent: 1 to 120, above 60 with a raised quota.
    #[serde(default = "thirty")]
    pub read_timeout: i32,
    /// Seconds for which an idle connection is kept: 1 to 120.
    #[serde(default = "five")]
    pub keepalive_timeout: i32,
}

fn http() -> u16 {
    80
}

fn https() -> u16 {
    443
}

fn tls12() -> BTreeSet<String> {
    ["TLSv1.2".to_owned()].into()
}

fn thirty() -> i32 {
    30
}

fn five() -> i32 {
    5
}

/// Which protocol an origin is spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginProtocol {
    /// HTTP.
    HttpOnly,
    /// What the viewer speaks.
    MatchViewer,
    /// HTTPS.
    HttpsOnly,
}

/// What happens to requests, after
/// [DefaultCacheBehavior](https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DefaultCacheBehavior.html).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behavior {
    /// The origin's id.
    pub target_origin: String,
    /// What viewers may speak.
    #[serde(default)]
    pub viewer_protocol_policy: ViewerProtocol,
    /// The methods: `GET` and `HEAD`, these and `OPTIONS`, or all seven.
    pub allowed_methods: BTreeSet<String>,
    /// The methods whose answers are cached: `GET` and `HEAD`, with `OPTIONS` or without.
    #[serde(default = "get_and_head")]
    pub cached_methods: BTreeSet<String>,
    /// Whether answers are compressed for viewers that take that.
    #[serde(default)]
    pub compress: bool,
    /// The id of a cache policy: what is cached, and for how long.
    pub cache_policy: Option<String>,
    /// The id of an origin request policy: what of a request the origin is told; what the cache policy says when absent.
    #[serde(default)]
    pub origin_request_policy: Option<String>,
    /// The id of a response headers policy: headers for the viewer; none when absent.
    #[serde(default)]
    pub response_headers_policy: Option<String>,
}

fn get_and_head() -> BTreeSet<String> {
    ["GET", "HEAD"].map(str::to_owned).into()
}

/// What happens to requests whose path fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathBehavior {
    /// The pattern: `/static/*`.
    pub path: String,
    /// What happens.
    pub behavior: Behavior,
}

/// What viewers may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ViewerProtocol {
    /// HTTP and HTTPS.
    AllowAll,
    /// HTTPS; others are refused.
    HttpsOnly,
    /// HTTPS; others are sent there.
    #[default]
    RedirectToHttps,
}

/// In which places of the world there are copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PriceClass {
    /// North America, Europe and Israel.
    #[serde(rename = "PriceClass_100")]
    Class100,
    /// These, South Africa, the Middle East, and much of Asia.
    #[serde(rename = "PriceClass_200")]
    Class200,
    /// Everywhere.
    #[default]
    #[serde(rename = "PriceClass_All")]
    All,
}

/// Up to which version of HTTP viewers may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// 1.1.
    #[serde(rename = "http1.1")]
    Http11,
    /// 2.
    #[default]
    #[serde(rename = "http2")]
    Http2,
    /// 3 without 2.
    #[serde(rename = "http3")]
    Http3,
    /// 2 and 3.
    #[serde(rename = "http2and3")]
    Http2And3,
}

/// What AWS knows of a distribution.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The domain name that `CloudFront` gave it: `d111111abcdef8.cloudfront.net`.
    pub domain_name: String,
}

impl Kind for Distribution {
    const NAME: &'static str = "cloudfront.distribution";
    type Spec = Spec;
    type Out = Out;
    // The caller reference: a second call with the same one is refused.
    const IDENTITY: Identity = Identity::Token;
    const FIXED: &'static [&'static str] = &["comment"];
    const IMMUTABLE: &'static [&'static str] = &[];
    // CloudFront looks at no origin: a load balancer may go before the distribution that names it. Nobody else holds it.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[
        Read::once("cloudfront:ListDistributions"),
        Read::each("cloudfront:GetDistribution", &[Self::NAME]),
        Read::each("cloudfront:ListTagsForResource", &[Self::NAME]),
    ];
    const DOC: &'static str = "What viewers on the internet reach, with copies near them \
        (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Introduction.html).";

    /// What it sends as a secret has to be accepted before it is sent.
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let secrets = graph.named(own, Parameter::NAME);
        let rules: BTreeSet<&Address> =
            secrets.flat_map(|secret| graph.naming(secret)).filter(|user| user.kind() == Rule::NAME).collect();
        rules.into_iter().map(|rule| After { address: rule.clone(), wait: Wait::Exists }).collect()
    }
}

#[cfg(test)]
mod tests {
    use agent_core::doc::Edge;

    use super::*;

    #[test]
    fn a_distribution_comes_after_the_rules_that_want_its_secret() {
        let at = |text: &str| text.parse::<Address>().unwrap();
        let edge = |to: &str| Edge { path: "x".into(), to: at(to), field: "value".into() };
        let mut graph = Graph::default();
        graph.add(&at("distribution.site/cloudfront.distribution"), vec![edge("load_balancer.edge/ssm.parameter")]);
        graph.add(&at("service.web/elb.rule.edge"), vec![edge("load_balancer.edge/ssm.parameter")]);
        graph.add(&at("service.api/elb.rule.other"), vec![edge("load_balancer.other/ssm.parameter")]);
        let after = Distribution::also_after(&at("distribution.site/cloudfront.distribution"), &graph);
        let expected = After { address: at("service.web/elb.rule.edge"), wait: Wait::Exists };
        assert_eq!(after, [expected]);
    }
}
