//! `ec2.security_group`: a group with all its rules. Rules that carry tags of this agent are resources of their own (a way
//! in from another stack) and none of the group's business.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use agent_core::cost::Read;
use agent_core::field::{Name, Tags};
use agent_core::kind::{Identity, Kind};
use agent_core::reference::{Link, Target};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::vpc::VpcId;
use super::{Cidr4, Cidr6};

/// A security group.
pub struct SecurityGroup;

/// How long the name of a group may be with its generation. AWS allows 255; more than this helps nobody.
pub const NAME_MAX: usize = 128;

/// The wanted state of a security group, after
/// [CreateSecurityGroup](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html) and
/// [IpPermission](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name, unique in the VPC whatever its case; not beginning with `sg-`. It cannot be changed.
    pub name: Name,
    /// What it is for, at most 255 characters of `a-zA-Z0-9 ._-:/()#,@[]+=&;{}!$*`. AWS requires one and cannot change it.
    pub description: String,
    /// The VPC. It cannot be changed.
    pub vpc: Link<VpcId>,
    /// Who may open connections to what is in the group. Nobody when empty, as AWS makes a group. At most 60 rules by
    /// AWS's quota.
    #[serde(default)]
    pub ingress: BTreeSet<Rule>,
    /// To whom what is in the group may open connections. Nobody when empty: AWS makes a group with a rule that lets
    /// everything out, and it is revoked before anything uses the group. At most 60 rules by AWS's quota.
    #[serde(default)]
    pub egress: BTreeSet<Rule>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// One rule: one protocol, one range of ports, one peer. Always in the form in which AWS gives it back, so that equal
/// rules are equal however they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub struct Rule {
    protocol: Protocol,
    from_port: Option<i32>,
    to_port: Option<i32>,
    peer: Peer,
    description: Option<String>,
}

/// A rule as it is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `all`, or a protocol's number.
    protocol: Protocol,
    /// The first port, or the type of ICMP, where -1 is all; all ports or types when absent. Other protocols have none.
    #[serde(default)]
    from_port: Option<i32>,
    /// The last port, or the code of ICMP; the same as `from_port` for ports, all for ICMP when absent.
    #[serde(default)]
    to_port: Option<i32>,
    /// The other end.
    peer: Peer,
    /// At most 255 characters of `a-zA-Z0-9 ._-:/()#,@[]+=;{}!$*`.
    #[serde(default)]
    description: Option<String>,
}

impl From<Written> for Rule {
    fn from(written: Written) -> Self {
        let Written { protocol, from_port, to_port, peer, description } = written;
        let ports = match protocol {
            Protocol::Tcp | Protocol::Udp => {
                from_port.or(to_port).map_or(Some((0, 65_535)), |from| Some((from, to_port.unwrap_or(from))))
            }
            Protocol::Icmp | Protocol::Icmpv6 => Some((from_port.unwrap_or(-1), to_port.unwrap_or(-1))),
            // "Specifying -1 or a protocol number other than … allows traffic on all ports, regardless of any port range."
            Protocol::All | Protocol::Number(_) => None,
        };
        let (from_port, to_port) = ports.unzip();
        Self { protocol, from_port, to_port, peer, description: description.filter(|text| !text.is_empty()) }
    }
}

impl From<Rule> for Written {
    fn from(rule: Rule) -> Self {
        let Rule { protocol, from_port, to_port, peer, description } = rule;
        Self { protocol, from_port, to_port, peer, description }
    }
}

impl Rule {
    /// A rule. `ports` are the first and the last port, or type and code of ICMP; `None` is all of them.
    pub fn new(protocol: Protocol, ports: Option<(i32, i32)>, peer: Peer) -> Self {
        let (from_port, to_port) = ports.unzip();
        Written { protocol, from_port, to_port, peer, description: None }.into()
    }

    /// One TCP port.
    pub fn tcp(port: u16, peer: Peer) -> Self {
        Self::new(Protocol::Tcp, Some((port.into(), port.into())), peer)
    }

    /// Everything.
    pub fn all(peer: Peer) -> Self {
        Self::new(Protocol::All, None, peer)
    }

    /// This rule with a description, or without one.
    #[must_use]
    pub fn described(mut self, description: Option<String>) -> Self {
        self.description = description.filter(|text| !text.is_empty());
        self
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// First and last port, or type and code of ICMP (-1: all). `None` where the protocol has neither.
    pub fn ports(&self) -> Option<(i32, i32)> {
        self.from_port.zip(self.to_port)
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

/// The protocol of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Protocol {
    /// Every protocol: `all`, which AWS calls `-1`.
    All,
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `icmp`
    Icmp,
    /// `icmpv6`
    Icmpv6,
    /// Any other, by [IANA's number](https://www.iana.org/assignments/protocol-numbers), all ports.
    Number(u8),
}

/// A text that is no protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol: expected `tcp`, `udp`, `icmp`, `icmpv6`, `all` or a number up to 255")]
pub struct NotAProtocol(String);

impl Protocol {
    /// As calls of EC2 take it.
    pub fn in_aws(self) -> String {
        if self == Self::All { "-1".into() } else { self.to_string() }
    }
}

impl FromStr for Protocol {
    type Err = NotAProtocol;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "all" | "-1" => Self::All,
            "tcp" | "6" => Self::Tcp,
            "udp" | "17" => Self::Udp,
            "icmp" | "1" => Self::Icmp,
            "icmpv6" | "58" => Self::Icmpv6,
            number => Self::Number(number.parse().map_err(|_| NotAProtocol(text.to_owned()))?),
        })
    }
}

impl TryFrom<String> for Protocol {
    type Error = NotAProtocol;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Protocol> for String {
    fn from(protocol: Protocol) -> Self {
        protocol.to_string()
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tcp => f.write_str("tcp"),
            Self::Udp => f.write_str("udp"),
            Self::Icmp => f.write_str("icmp"),
            Self::Icmpv6 => f.write_str("icmpv6"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl JsonSchema for Protocol {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Protocol".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["tcp", "udp", "icmp", "icmpv6", "all", "50"] })
    }
}

/// The other end of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// A block of IPv4 addresses.
    CidrIpv4(Cidr4),
    /// A block of IPv6 addresses.
    CidrIpv6(Cidr6),
    /// What is in a group of this VPC or of a peered one; the group may name itself.
    Group(Link<SecurityGroupId>),
    /// `pl-…`: a managed prefix list.
    PrefixList(String),
}

/// What AWS knows of a security group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `sg-…`
    pub id: String,
}

/// A security group's id.
pub struct SecurityGroupId;
impl Target for SecurityGroupId {
    const KIND: &'static str = SecurityGroup::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for SecurityGroup {
    const NAME: &'static str = "ec2.security_group";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name", "description", "vpc"];
    const LATE: &'static [&'static str] = &["ingress", "egress"];
    // "Associated with an instance or network interface, … referenced by another security group": DeleteSecurityGroup.
    const HELD_BY: &'static [&'static str] =
        &["ec2.security_group", "ec2.security_group_rule", "ec2.vpc_endpoint", "ecs.service", "elb.load_balancer"];
    const READS: &'static [Read] = &[
        Read::once("ec2:DescribeSecurityGroups"),
        Read::batches("ec2:DescribeSecurityGroupRules", &[Self::NAME], 200),
    ];
    const DOC: &'static str = "A security group with all its rules \
        (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html).";

    fn unique(spec: &Spec) -> Option<String> {
        // While the VPC is not known, nothing can be said about what is taken in it.
        let vpc = Some(spec.vpc.as_str()).filter(|vpc| !vpc.is_empty())?;
        // "Names are case-insensitive and must be unique within the VPC": CreateSecurityGroup.
        Some(format!("sg/{vpc}/{}", spec.name.as_str().to_lowercase()))
    }
}

#[cfg(test)]
#[path = "security_group_tests.rs"]
mod tests;
