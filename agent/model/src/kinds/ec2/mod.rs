//! EC2's networking kinds, a file each, and the address blocks that they share.

pub mod elastic_ip;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod route_table;
pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod vpc;
pub mod vpc_endpoint;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A text that is no block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a block of addresses such as `{1}`")]
pub struct NotABlock(String, &'static str);

macro_rules! block {
    ($(#[$doc:meta])* $name:ident, $net:ident, $example:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name($net);

        impl $name {
            /// The block, its host bits cleared.
            pub fn new(net: $net) -> Self {
                Self(net.trunc())
            }

            /// The block as a network, to calculate with.
            pub fn net(&self) -> $net {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = NotABlock;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self::new).map_err(|_| NotABlock(text.to_owned(), $example))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotABlock;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(block: $name) -> Self {
                block.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

block!(
    /// A block of IPv4 addresses. AWS stores `100.68.0.18/18` as `100.68.0.0/18`, so this type does too.
    Cidr4,
    Ipv4Net,
    "10.0.0.0/16",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"
);
block!(
    /// A block of IPv6 addresses, host bits cleared and the text compressed as AWS gives it back.
    Cidr6,
    Ipv6Net,
    "2001:db8::/56",
    r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_kept_as_aws_stores_them() {
        assert_eq!("100.68.0.18/18".parse::<Cidr4>().unwrap().to_string(), "100.68.0.0/18");
        assert_eq!("2001:DB8:0:0::1/64".parse::<Cidr6>().unwrap().to_string(), "2001:db8::/64");
        assert_eq!("0:0:0:0:0:0:0:0/0".parse::<Cidr6>().unwrap().to_string(), "::/0");
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/0", "any"] {
            assert!(text.parse::<Cidr4>().is_err(), "{text}");
        }
        assert!("10.0.0.0/8".parse::<Cidr6>().is_err());
    }
}
