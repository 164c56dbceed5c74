//! Elastic Load Balancing's kinds (version 2: application and network load balancers), a file each, and what they share:
//! protocols, actions, and the way a spec gets the defaults that depend on another field. Gateway load balancers, Lambda
//! functions as targets and authentication at the load balancer are not among them.

pub mod action;
pub mod listener;
pub mod load_balancer;
pub mod rule;
pub mod target_group;

use agent_core::cost::Read;
use agent_core::kind::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use listener::Listener;
use load_balancer::LoadBalancer;
use rule::Rule;
use target_group::TargetGroup;

/// What all kinds here are found through: no list of this service filters by tag.
const REGION: [Read; 3] = [
    Read::once("elasticloadbalancing:DescribeLoadBalancers").shared(),
    Read::once("elasticloadbalancing:DescribeTargetGroups").shared(),
    Read::batches("elasticloadbalancing:DescribeTags", &[LoadBalancer::NAME, TargetGroup::NAME], 20).shared(),
];

/// What listeners and rules are read with.
const HANGING: &[Read] = &[
    REGION[0],
    REGION[1],
    REGION[2],
    Read::each("elasticloadbalancing:DescribeListeners", &[LoadBalancer::NAME]).shared(),
    Read::each("elasticloadbalancing:DescribeRules", &[Listener::NAME]).shared(),
    Read::each("elasticloadbalancing:DescribeListenerCertificates", &[Listener::NAME])
        .only("protocol", &["HTTPS", "TLS"])
        .shared(),
    Read::batches("elasticloadbalancing:DescribeTags", &[Listener::NAME, Rule::NAME], 20).shared(),
];

/// A protocol of listeners and target groups, in AWS's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protocol {
    /// Application load balancers.
    Http,
    /// Application load balancers.
    Https,
    /// Network load balancers.
    Tcp,
    /// Network load balancers.
    Tls,
    /// Network load balancers.
    Udp,
    /// Network load balancers.
    TcpUdp,
    /// Network load balancers.
    Quic,
    /// Network load balancers.
    TcpQuic,
}

impl Protocol {
    /// Whether it is a protocol of application load balancers.
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether connections are encrypted, so that a listener has certificates and a security policy.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }
}

/// Gives a spec whose defaults depend on other fields its serde traits: whatever is read is put into normal form, so that
/// what AWS gives back and what people leave out are equal. The type derives them with `remote = "Self"`.
macro_rules! normal_when_read {
    ($spec:ty) => {
        impl serde::Serialize for $spec {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $spec {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer).map(Self::normal)
            }
        }
    };
}
use normal_when_read;
