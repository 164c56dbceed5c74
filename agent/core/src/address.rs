//! The address of a resource: where in the manifests it comes from. Addresses are written into AWS as tags and are
//! public for ever; this file only takes them apart and puts them together.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The address of one resource: `service.web/ecs.service`, or `network.main/ec2.subnet.private-1` where a component
/// makes several of a kind.
///
/// The part before the slash is the component (`type.name`), then comes the kind (always two words) and, where
/// needed, a key. Cheap to clone; ordered by its text, which keeps plans stable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Arc<str>);

/// A text that is not an address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address: expected `component.name/service.kind` with an optional `.key`")]
pub struct NotAnAddress(pub String);

impl Address {
    /// The address of the resource of `kind` that `component` makes.
    pub fn new(component: &str, kind: &str) -> Self {
        Self(format!("{component}/{kind}").into())
    }

    /// The address of one of several resources of `kind` that `component` makes.
    pub fn keyed(component: &str, kind: &str, key: &str) -> Self {
        Self(format!("{component}/{kind}.{key}").into())
    }

    /// The whole address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The component: `service.web`.
    pub fn component(&self) -> &str {
        self.0.split_once('/').map_or("", |(component, _)| component)
    }

    /// The kind: `ecs.service`.
    pub fn kind(&self) -> &str {
        let rest = self.0.split_once('/').map_or("", |(_, rest)| rest);
        let mut dots = rest.match_indices('.').map(|(at, _)| at);
        match (dots.next(), dots.next()) {
            (Some(_), Some(second)) => &rest[..second],
            _ => rest,
        }
    }

    /// The key among several of one kind: `private-1`.
    pub fn key(&self) -> Option<&str> {
        let rest = self.0.split_once('/').map_or("", |(_, rest)| rest);
        rest.strip_prefix(self.kind())?.strip_prefix('.')
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let Some((component, rest)) = text.split_once('/') else { return Err(NotAnAddress(text.into())) };
        let well_formed = component.split('.').filter(|part| !part.is_empty()).count() >= 2
            && rest.split('.').count() >= 2
            && rest.split('.').all(|part| !part.is_empty())
            && !rest.contains('/')
            && text.len() <= 256 // the longest value of an AWS tag
            && text.chars().all(allowed);
        if well_formed { Ok(Self(text.into())) } else { Err(NotAnAddress(text.into())) }
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a pass works: one stack in one account and region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The stack's name, unique in the account.
    pub stack: String,
    /// Twelve digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// `aws`, `aws-cn`, `aws-us-gov`: the second part of every ARN.
    pub partition: String,
}

impl Scope {
    /// A scope; the partition follows from the region.
    pub fn new(stack: &str, account: &str, region: &str) -> Self {
        let partition = match region {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        Self { stack: stack.into(), account: account.into(), region: region.into(), partition: partition.into() }
    }

    /// An ARN in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }

    /// An ARN of a service without regions (IAM).
    pub fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_apart_as_it_was_put_together() {
        let plain = Address::new("service.web", "ecs.service");
        assert_eq!((plain.component(), plain.kind(), plain.key()), ("service.web", "ecs.service", None));
        let keyed = Address::keyed("network.main", "ec2.subnet", "private-1");
        assert_eq!((keyed.component(), keyed.kind(), keyed.key()), ("network.main", "ec2.subnet", Some("private-1")));
        assert_eq!("dns.app.example.org/route53.record".parse::<Address>().unwrap().component(), "dns.app.example.org");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "web", "service.web", "service.web/", "service/ecs.service", "service.web/ecs", "a.b/c.d e"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
