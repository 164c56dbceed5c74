//! `ec2.elastic_ip`: a public IPv4 address that stays when what uses it is made anew. What uses it names it. Addresses of
//! one's own pools, of customers and of Local Zones are none of it.

use agent_core::cost::Read;
use agent_core::field::Tags;
use agent_core::kind::{Identity, Kind};
use agent_core::reference::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An elastic IP address.
pub struct ElasticIp;

/// The wanted state of an elastic IP address, after
/// [AllocateAddress](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html). Which address it is
/// is for Amazon's pool to say; once released, it is hardly ever had again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// What AWS knows of an elastic IP address.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `eipalloc-…`
    pub id: String,
    /// The address itself.
    pub public_ip: String,
}

/// The id of an elastic IP address's allocation.
pub struct ElasticIpId;
impl Target for ElasticIpId {
    const KIND: &'static str = ElasticIp::NAME;
    const FIELD: &'static str = "id";
}

impl Kind for ElasticIp {
    const NAME: &'static str = "ec2.elastic_ip";
    type Spec = Spec;
    type Out = Out;
    // AllocateAddress takes no client token, and an address has no name.
    const IDENTITY: Identity = Identity::Intent;
    const IMMUTABLE: &'static [&'static str] = &[];
    // "If you attempt to release an Elastic IP address that's associated …, you get InvalidIPAddress.InUse."
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
    const HELD_BY: &'static [&'static str] = &["ec2.nat_gateway"];
    const READS: &'static [Read] = &[Read::once("ec2:DescribeAddresses")];
    const DOC: &'static str = "A public IPv4 address that stays \
        (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-eips.html).";
}
