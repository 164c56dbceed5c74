//! The keys of `[distribution.X]`, and what can be said about them alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::components::Place;
use crate::kinds::cloudfront::distribution::{HttpVersion as KindedVersion, MINIMUM_TLS, PriceClass as KindedClass};

/// `[distribution.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The load balancer that it asks, with an `origin_header`; the stack's only one when left out.
    pub(super) origin: Option<String>,
    /// The port of its listener; the only one that forwards when left out. With HTTPS there, requests go there in HTTPS.
    pub(super) listener: Option<u16>,
    /// The name by which it asks the load balancer: one that leads there, and stands on its certificate. The load balancer's
    /// own name when left out, which takes a listener without HTTPS.
    pub(super) origin_domain: Option<String>,
    /// Whether it asks an internal load balancer through the VPC, without a header.
    #[serde(default)]
    private_origin: bool,
    /// Its names for viewers, beside the one that `CloudFront` gives: `["um.example.org"]`. They need `certificate`, and
    /// records in DNS that lead to `${distribution.X.domain_name}`.
    #[serde(default)]
    pub(super) domains: Vec<String>,
    /// The ARN of the certificate for these names: of ACM, in us-east-1.
    pub(super) certificate: Option<String>,
    /// The security policy, which says the versions and ciphers of TLS for viewers, by AWS's name; `TLSv1.2_2021` when left
    /// out. Only with a certificate.
    tls_policy: Option<String>,
    /// The object for requests of `/`: `index.html`. None when left out.
    pub(super) root_object: Option<String>,
    /// What is kept near viewers. `none` asks the load balancer each time; `optimized` keeps answers as their headers say, a
    /// day where they say nothing, whatever cookies and queries a request has.
    #[serde(default)]
    cache: Cache,
    /// What of a request the load balancer is told: everything, or everything but the viewer's `Host`, in place of which it
    /// is told `origin_domain`.
    #[serde(default)]
    forward: Forward,
    /// The methods that viewers may use: `read` is GET, HEAD and OPTIONS.
    #[serde(default)]
    methods: Methods,
    /// What differs for some paths; the first that fits counts.
    #[serde(default)]
    pub(super) paths: Vec<PathRule>,
    /// The ARN of a web ACL of AWS WAF, in us-east-1. None when left out.
    pub(super) web_acl: Option<String>,
    /// In which places of the world it has copies, and what it costs: `100` is North America, Europe and Israel.
    #[serde(default)]
    pub(super) price_class: PriceClass,
    /// Up to which versions of HTTP viewers may speak.
    #[serde(default)]
    pub(super) http_version: HttpVersion,
    /// Whether it answers over IPv6.
    #[serde(default = "yes")]
    pub(super) ipv6: bool,
    /// Seconds for which the load balancer may be silent.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 60))]
    pub(super) read_timeout: u16,
    /// Whether it answers at all.
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

fn yes() -> bool {
    true
}

fn thirty() -> u16 {
    30
}

/// What differs for some paths.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PathRule {
    /// The paths: `/static/*`. `*` stands for any characters, `?` for one; at most 255 characters.
    pub(super) path: String,
    /// What is kept near viewers.
    #[serde(default)]
    cache: Cache,
    /// What of a request the load balancer is told.
    #[serde(default)]
    forward: Forward,
    /// The methods that viewers may use.
    #[serde(default)]
    methods: Methods,
}

/// What happens to requests.
pub(super) struct Rule {
    pub(super) cache: Cache,
    pub(super) forward: Forward,
    pub(super) methods: Methods,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Cache {
    /// Nothing.
    #[default]
    None,
    /// What answers allow.
    Optimized,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Forward {
    /// Everything.
    #[default]
    All,
    /// Everything but `Host`.
    AllButHost,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Methods {
    /// All seven.
    #[default]
    All,
    /// GET, HEAD and OPTIONS.
    Read,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum PriceClass {
    /// North America, Europe and Israel.
    #[serde(rename = "100")]
    Class100,
    /// These, South Africa, the Middle East, and much of Asia.
    #[serde(rename = "200")]
    Class200,
    /// Everywhere.
    #[default]
    #[serde(rename = "all")]
    All,
}

impl From<PriceClass> for KindedClass {
    fn from(class: PriceClass) -> Self {
        match class {
            PriceClass::Class100 => Self::Class100,
            PriceClass::Class200 => Self::Class200,
            PriceClass::All => Self::All,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum HttpVersion {
    /// 1.1.
    #[serde(rename = "1.1")]
    Http11,
    /// 2.
    #[default]
    #[serde(rename = "2")]
    Http2,
    /// 2 and 3.
    #[serde(rename = "2and3")]
    Http2And3,
}

impl From<HttpVersion> for KindedVersion {
    fn from(version: HttpVersion) -> Self {
        match version {
            HttpVersion::Http11 => Self::Http11,
            HttpVersion::Http2 => Self::Http2,
            HttpVersion::Http2And3 => Self::Http2And3,
        }
    }
}

impl PathRule {
    pub(super) fn rule(&self) -> Rule {
        Rule { cache: self.cache, forward: self.forward, methods: self.methods }
    }
}

impl Config {
    pub(super) fn rule(&self) -> Rule {
        Rule { cache: self.cache, forward: self.forward, methods: self.methods }
    }

    pub(super) fn tls_policy(&self) -> &str {
        self.tls_policy.as_deref().unwrap_or(MINIMUM_TLS)
    }

    pub(super) fn check(&self, at: &mut Place<'_>) {
        if self.private_origin {
            at.later(&["private_origin"], "origins in a VPC come");
        }
        self.check_names(at);
        match (&self.certificate, &self.tls_policy) {
            (Some(certificate), _) => check_certificate(certificate, at),
            (None, Some(_)) => {
                let message =
                    format!("`{}` has no certificate of its own, so CloudFront chooses the TLS policy", at.address());
                at.problem("conflict", &["tls_policy"], message);
            }
            (None, None) => {}
        }
        if let Some(acl) = self.web_acl.as_ref().filter(|acl| !is_global(acl, "wafv2")) {
            let hint = "it looks like `arn:aws:wafv2:us-east-1:123456789012:global/webacl/…`";
            at.hinted("bad-web-acl", &["web_acl"], format!("`{acl}` is not the ARN of a web ACL in us-east-1"), hint);
        }
        if let Some(object) = self.root_object.as_ref().filter(|object| object.is_empty() || object.starts_with('/')) {
            let message = format!("`{object}` is no name of an object");
            at.hinted("bad-path", &["root_object"], message, "without a slash at its beginning: `index.html`");
        }
        for (n, rule) in self.paths.iter().enumerate() {
            let place = ["paths".to_owned(), n.to_string(), "path".to_owned()];
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-.*$/~\"'@:+&?".contains(c);
            if rule.path.is_empty() || rule.path.len() > 255 || !rule.path.chars().all(plain) {
                at.hinted(
                    "bad-path",
                    &place,
                    format!("`{}` is no pattern for paths", rule.path),
                    "for example `/static/*`",
                );
            }
            if self.paths[..n].iter().any(|other| other.path == rule.path) {
                at.problem("defined-twice", &place, format!("`{}` stands twice under `paths`", rule.path));
            }
        }
    }

    fn check_names(&self, at: &mut Place<'_>) {
        for (n, domain) in self.domains.iter().enumerate() {
            let place = ["domains".to_owned(), n.to_string()];
            if !is_domain(domain.strip_prefix("*.").unwrap_or(domain)) {
                let hint = "for example `um.example.org` or `*.example.org`, in small letters";
                at.hinted("bad-host", &place, format!("`{domain}` is no domain name"), hint);
            } else if self.domains[..n].contains(domain) {
                at.problem("defined-twice", &place, format!("`{domain}` stands twice under `domains`"));
            }
        }
        if let Some(domain) = self.origin_domain.as_ref().filter(|domain| !is_domain(domain)) {
            let hint = "for example `origin.example.org`";
            at.hinted("bad-host", &["origin_domain"], format!("`{domain}` is no domain name"), hint);
        }
        if let Some(domain) = self.origin_domain.as_ref().filter(|origin| self.domains.contains(origin)) {
            let message = format!("`{domain}` is a name for viewers, so CloudFront would ask itself");
            at.problem("conflict", &["origin_domain"], message);
        }
        if !self.domains.is_empty() && self.certificate.is_none() {
            let message = format!("`{}` has names of its own, and no certificate for them", at.address());
            let hint = "add `certificate = \"arn:aws:acm:us-east-1:…\"`";
            at.hinted("missing-key", &["domains"], message, hint);
        }
    }
}

/// Whether it is the ARN of something of a service in us-east-1, where CloudFront looks for it.
fn is_global(arn: &str, service: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    matches!(parts.as_slice(), ["arn", _, of, "us-east-1", _, rest] if *of == service && !rest.is_empty())
}

fn check_certificate(certificate: &str, at: &mut Place<'_>) {
    if certificate.starts_with("certificate.") {
        at.later(&["certificate"], "certificates of the manifest come");
        return;
    }
    let parts: Vec<&str> = certificate.split(':').collect();
    let message = match parts.as_slice() {
        ["arn", _, "acm", "us-east-1", _, id] if id.starts_with("certificate/") => return,
        ["arn", _, "acm", other, _, _] => {
            format!("the certificate is in {other}, and CloudFront takes none but those in us-east-1")
        }
        _ => format!("`{certificate}` is not the ARN of a certificate"),
    };
    let hint = "it looks like `arn:aws:acm:us-east-1:123456789012:certificate/…`";
    at.hinted("bad-certificate", &["certificate"], message, hint);
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
