//! `elb.listener`: a port of a load balancer, its certificates and its default action. What requests with conditions get is
//! in `elb.rule`. Client certificates and the attributes of listeners are left as AWS makes them.

use std::collections::BTreeSet;

use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Identity, Kind};
use agent_core::reference::{Link, Target, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{Action, is_set};
use super::load_balancer::LoadBalancerArn;
use super::{Protocol, normal_when_read};

/// A listener.
pub struct Listener;

/// The security policy that AWS gives to a listener which is made through its API without one:
/// [Security policies](https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html).
/// It still speaks TLS 1.0.
pub const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// The wanted state of a listener, after
/// [CreateListener](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Spec {
    /// The load balancer. It cannot be changed.
    pub load_balancer: Link<LoadBalancerArn>,
    /// The port, 1 to 65,535, once for each load balancer.
    pub port: u16,
    /// What clients speak: `HTTP` or `HTTPS` with an application load balancer, the others with a network one.
    pub protocol: Protocol,
    /// Which versions and ciphers of TLS clients may use, for `HTTPS` and `TLS`. AWS's default for listeners that are made
    /// through its API is `ELBSecurityPolicy-2016-08`, which has TLS 1.0.
    #[serde(default)]
    pub ssl_policy: Option<String>,
    /// The ARN of the certificate for clients that name no host, or one that no other certificate is for. `HTTPS` and `TLS`
    /// must have one.
    #[serde(default)]
    pub certificate: Option<Text>,
    /// The ARNs of further certificates, for clients that name their host. AWS's quota is 25.
    #[serde(default)]
    pub certificates: BTreeSet<Text>,
    /// Which protocols over TLS are agreed upon, for `TLS`: `HTTP1Only`, `HTTP2Only`, `HTTP2Optional` or `HTTP2Preferred`;
    /// none when absent, which AWS calls `None`.
    #[serde(default)]
    pub alpn_policy: Option<String>,
    /// What requests get that no rule takes.
    pub default_action: Action,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

normal_when_read!(Spec);

/// What AWS knows of a listener.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its ARN.
    pub arn: String,
}

/// A listener's ARN.
pub struct ListenerArn;
impl Target for ListenerArn {
    const KIND: &'static str = Listener::NAME;
    const FIELD: &'static str = "arn";
}

impl Spec {
    /// A listener without encryption.
    pub fn new(load_balancer: Link<LoadBalancerArn>, port: u16, protocol: Protocol, default_action: Action) -> Self {
        let spec = Self {
            load_balancer,
            port,
            protocol,
            ssl_policy: None,
            certificate: None,
            certificates: BTreeSet::new(),
            alpn_policy: None,
            default_action,
            tags: Tags::default(),
        };
        spec.normal()
    }

    /// With the defaults of its protocol. The default certificate counts once: AWS takes it among the further ones too, and
    /// that changes nothing.
    #[must_use]
    pub fn normal(mut self) -> Self {
        if self.protocol.is_secure() {
            self.ssl_policy.get_or_insert_with(|| DEFAULT_SSL_POLICY.into());
        }
        self.alpn_policy = self.alpn_policy.filter(|policy| policy != "None");
        self.certificate = self.certificate.filter(is_set);
        self.certificates.retain(|certificate| is_set(certificate) && self.certificate.as_ref() != Some(certificate));
        self
    }
}

impl Kind for Listener {
    const NAME: &'static str = "elb.listener";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    // It is looked for at the load balancers of the stack.
    const FIXED: &'static [&'static str] = &["load_balancer"];
    // "Replaces the specified properties", port and protocol among them: ModifyListener.
    const IMMUTABLE: &'static [&'static str] = &["load_balancer"];
    // Its rules go with it.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = super::HANGING;
    const DOC: &'static str = "A port of a load balancer \
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html).";

    fn unique(spec: &Spec) -> Option<String> {
        // While the load balancer is not known, nothing can be said about what is taken on it.
        let load_balancer = Some(spec.load_balancer.as_str()).filter(|arn| !arn.is_empty())?;
        Some(format!("listener/{load_balancer}/{}", spec.port))
    }
}

#[cfg(test)]
mod tests {
    use agent_core::kind::Change;
    use serde_json::{Value, json};

    use super::*;

    fn read(more: &Value) -> Spec {
        let action = json!({ "fixed_response": { "status_code": 403 } });
        let mut value = json!({ "load_balancer": "arn:lb", "port": 443, "default_action": action });
        for (key, member) in more.as_object().unwrap() {
            value[key] = member.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_what_is_encrypted_has_a_security_policy() {
        assert_eq!(read(&json!({ "protocol": "HTTP" })).ssl_policy, None);
        for protocol in ["HTTPS", "TLS"] {
            let spec = read(&json!({ "protocol": protocol, "certificate": "arn:c" }));
            assert_eq!(spec.ssl_policy.as_deref(), Some(DEFAULT_SSL_POLICY));
        }
        let own = read(&json!({ "protocol": "HTTPS", "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06" }));
        assert_eq!(own.ssl_policy.as_deref(), Some("ELBSecurityPolicy-TLS13-1-2-2021-06"));
    }

    #[test]
    fn the_default_certificate_counts_once_and_the_order_of_the_others_does_not() {
        let one =
            read(&json!({ "protocol": "HTTPS", "certificate": "arn:a", "certificates": ["arn:c", "arn:a", "arn:b"] }));
        let two = read(&json!({ "protocol": "HTTPS", "certificate": "arn:a", "certificates": ["arn:b", "arn:c"] }));
        assert_eq!(one, two);
        assert_eq!(read(&json!({ "protocol": "TLS", "alpn_policy": "None" })).alpn_policy, None);
    }

    #[test]
    fn a_port_is_unique_on_its_load_balancer_once_that_is_known() {
        let spec = read(&json!({ "protocol": "HTTP" }));
        assert_eq!(Listener::unique(&spec).as_deref(), Some("listener/arn:lb/443"));
        let open = Spec { load_balancer: Link::to("load_balancer.edge"), ..spec };
        assert_eq!(Listener::unique(&open), None);
    }

    #[test]
    fn port_and_protocol_change_in_place_the_load_balancer_does_not() {
        let change = |path| Listener::change(path, &Value::Null, &Value::Null);
        assert_eq!(
            [change("port"), change("protocol"), change("load_balancer")],
            [Change::InPlace, Change::InPlace, Change::Replace]
        );
    }
}
