//! `elb.load_balancer`: an application or network load balancer with its attributes. Its listeners are resources of their
//! own. Fixed addresses of its nodes, address pools and reserved capacity are left as AWS makes them.

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::cost::Read;
use agent_core::field::{AwsDecides, Name, Tags};
use agent_core::kind::{After, Change, Identity, Kind, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Link, Target, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::normal_when_read;
use crate::kinds::ec2::security_group::SecurityGroupId;
use crate::kinds::ec2::subnet::SubnetId;

/// A load balancer.
pub struct LoadBalancer;

/// The wanted state of a load balancer, after
/// [CreateLoadBalancer](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html)
/// and [LoadBalancerAttribute](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html),
/// which lists the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Spec {
    /// At most 32 letters, digits and hyphens, unique in the region; neither beginning nor ending with a hyphen, nor
    /// beginning with `internal-`. It cannot be changed.
    pub name: Name,
    /// What it balances. It cannot be changed.
    #[serde(rename = "type", default)]
    pub kind: Type,
    /// Whether its nodes have public addresses. AWS's default is `internet-facing`, which nobody should get by leaving a
    /// field out, so it has to be said. It cannot be changed.
    pub scheme: Scheme,
    /// The kinds of addresses that its nodes have. Internal ones must use `ipv4`, unless their subnets have IPv6 blocks.
    #[serde(default)]
    pub ip_address_type: IpAddressType,
    /// Where its nodes are, one subnet a zone. An application load balancer needs two zones.
    pub subnets: BTreeSet<Link<SubnetId>>,
    /// The groups of its nodes. An application load balancer must have one. A network load balancer made without a group
    /// never gets one, and one made with groups never loses the last: that is a replacement.
    #[serde(default)]
    pub security_groups: BTreeSet<Link<SecurityGroupId>>,
    /// Whether AWS refuses to delete it. The agent does not take protection off by itself: say `false`, apply, then
    /// remove.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Where access logs go; nowhere when absent.
    #[serde(default)]
    pub access_logs: Option<Logs>,
    /// Whether zonal shift may take a zone out.
    #[serde(default)]
    pub zonal_shift: bool,
    /// Whether nothing reaches it over IPv6 through an internet gateway. AWS's default is `true` for internal ones, else
    /// `false`.
    #[serde(default)]
    pub ipv6_deny_all_igw_traffic: AwsDecides<bool>,
    /// What only application load balancers have.
    #[serde(default)]
    pub application: Option<Application>,
    /// What only network load balancers have.
    #[serde(default)]
    pub network: Option<Network>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

normal_when_read!(Spec);

/// The type of a load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// HTTP and HTTPS.
    #[default]
    Application,
    /// TCP, TLS, UDP and QUIC.
    Network,
}

/// Whom a load balancer faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Private addresses.
    Internal,
    /// Public addresses; the VPC needs an internet gateway.
    InternetFacing,
}

/// The kinds of addresses of a load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IpAddressType {
    /// IPv4 alone.
    #[default]
    Ipv4,
    /// IPv4 and IPv6.
    Dualstack,
    /// Public IPv6, private IPv4 and IPv6; application load balancers only.
    DualstackWithoutPublicIpv4,
}

/// Where logs go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// The bucket, in the same region, with a policy that lets Elastic Load Balancing write.
    pub bucket: Text,
    /// What the names of the objects begin with.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// What only application load balancers have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Seconds after which a silent connection is closed, 1 to 4,000; AWS's default is 60.
    pub idle_timeout_seconds: u32,
    /// Seconds that a client may keep a connection, 60 to 604,800; AWS's default is 3,600.
    pub client_keep_alive_seconds: u32,
    /// Where connection logs go; nowhere when absent.
    pub connection_logs: Option<Logs>,
    /// Where health check logs go; nowhere when absent.
    pub health_check_logs: Option<Logs>,
    /// How requests are treated that might be meant to desynchronise; AWS's default is `defensive`.
    pub desync_mitigation_mode: DesyncMitigationMode,
    /// Whether headers with invalid names are removed; AWS's default is `false`.
    pub drop_invalid_header_fields: bool,
    /// Whether targets get the `Host` header unchanged; AWS's default is `false`.
    pub preserve_host_header: bool,
    /// Whether targets are told version and cipher of TLS in headers; AWS's default is `false`.
    pub x_amzn_tls_version_and_cipher_suite: bool,
    /// Whether `X-Forwarded-For` has the client's port; AWS's default is `false`.
    pub xff_client_port: bool,
    /// What becomes of `X-Forwarded-For`; AWS's default is `append`.
    pub xff_header_processing: XffHeaderProcessing,
    /// Whether clients may use HTTP/2; AWS's default is `true`.
    pub http2: bool,
    /// Whether requests pass when WAF cannot be asked; AWS's default is `false`.
    pub waf_fail_open: bool,
}

impl Default for Application {
    fn default() -> Self {
        Self {
            idle_timeout_seconds: 60,
            client_keep_alive_seconds: 3_600,
            connection_logs: None,
            health_check_logs: None,
            desync_mitigation_mode: DesyncMitigationMode::Defensive,
            drop_invalid_header_fields: false,
            preserve_host_header: false,
            x_amzn_tls_version_and_cipher_suite: false,
            xff_client_port: false,
            xff_header_processing: XffHeaderProcessing::Append,
            http2: true,
            waf_fail_open: false,
        }
    }
}

/// How requests are treated that might be meant to desynchronise proxy and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesyncMitigationMode {
    /// All pass.
    Monitor,
    /// Ambiguous ones pass on connections of their own; dangerous ones do not.
    Defensive,
    /// Only those that follow RFC 7230 pass.
    Strictest,
}

/// What becomes of `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum XffHeaderProcessing {
    /// The client's address is added.
    Append,
    /// It passes unchanged.
    Preserve,
    /// It is taken away.
    Remove,
}

/// What only network load balancers have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Whether nodes forward to targets in other zones. AWS's default is `false` (and `true` for application load
    /// balancers, where it cannot be changed).
    pub cross_zone: bool,
    /// How its DNS name answers clients within AWS; AWS's default is `any_availability_zone`.
    pub dns_record_client_routing_policy: ClientRoutingPolicy,
    /// Addresses beyond the first that each node gets, 0 to 7; AWS's default is 0. It cannot be decreased: that is a
    /// replacement.
    pub secondary_ips_per_subnet: u32,
}

/// How a DNS name answers clients within AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientRoutingPolicy {
    /// With nodes of the client's own zone.
    AvailabilityZoneAffinity,
    /// Mostly with nodes of the client's own zone.
    PartialAvailabilityZoneAffinity,
    /// With all nodes.
    #[default]
    AnyAvailabilityZone,
}

/// What AWS knows of a load balancer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its ARN.
    pub arn: String,
    /// The name that clients resolve.
    pub dns_name: String,
    /// The zone of that name, for aliases in Route 53.
    pub canonical_hosted_zone_id: String,
    /// `app/name/id`: the dimension `LoadBalancer` of its metrics in `CloudWatch`.
    pub full_name: String,
}

/// A load balancer's ARN.
pub struct LoadBalancerArn;
impl Target for LoadBalancerArn {
    const KIND: &'static str = LoadBalancer::NAME;
    const FIELD: &'static str = "arn";
}

impl Spec {
    /// A load balancer with AWS's defaults.
    pub fn new(
        name: Name,
        kind: Type,
        scheme: Scheme,
        subnets: BTreeSet<Link<SubnetId>>,
        security_groups: BTreeSet<Link<SecurityGroupId>>,
    ) -> Self {
        let spec = Self {
            name,
            kind,
            scheme,
            ip_address_type: IpAddressType::default(),
            subnets,
            security_groups,
            deletion_protection: false,
            access_logs: None,
            zonal_shift: false,
            ipv6_deny_all_igw_traffic: AwsDecides::Unset,
            application: None,
            network: None,
            tags: Tags::default(),
        };
        spec.normal()
    }

    /// With the defaults of its type. What the type does not have is kept, and AWS says that it does not have it.
    #[must_use]
    pub fn normal(mut self) -> Self {
        match self.kind {
            Type::Application => self.application = Some(self.application.unwrap_or_default()),
            Type::Network => self.network = Some(self.network.unwrap_or_default()),
        }
        self
    }
}

impl Kind for LoadBalancer {
    const NAME: &'static str = "elb.load_balancer";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const KEPT_BY: Option<&'static str> = Some("deletion_protection");
    const IMMUTABLE: &'static [&'static str] = &["name", "type", "scheme"];
    // "Deleting a load balancer also deletes its listeners": they do not hinder it, and the plan deletes them before.
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[
        super::REGION[0],
        super::REGION[1],
        super::REGION[2],
        Read::each("elasticloadbalancing:DescribeLoadBalancerAttributes", &[Self::NAME]),
    ];
    const DOC: &'static str = "An application or network load balancer \
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/what-is-load-balancing.html).";

    /// "VPC has no internet gateway": an internet-facing one is made after the gateway of its VPC, and the gateway cannot be
    /// detached before it has gone.
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let vpcs: BTreeSet<&Address> =
            graph.named(own, "ec2.subnet").flat_map(|subnet| graph.named(subnet, "ec2.vpc")).collect();
        let gateways =
            vpcs.into_iter().flat_map(|vpc| graph.naming(vpc)).filter(|a| a.kind() == "ec2.internet_gateway");
        gateways.map(|gateway| After { address: gateway.clone(), wait: Wait::Ready }).collect()
    }

    fn change(path: &str, from: &Value, to: &Value) -> Change {
        let none = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
        let replaced = match path {
            // "You can't add security groups later if you don't associate any when you create the load balancer", nor
            // take all away: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
            "security_groups" => none(from) != none(to),
            // "After you set this value, you can't decrease it": LoadBalancerAttribute.
            "network.secondary_ips_per_subnet" => to.as_u64() < from.as_u64(),
            _ => Self::IMMUTABLE.contains(&path),
        };
        if replaced { Change::Replace } else { Change::InPlace }
    }

    fn unique(spec: &Spec) -> Option<String> {
        Some(format!("load-balancer/{}", spec.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use agent_core::kind::KindInfo;
    use serde_json::json;

    use super::*;

    fn value(spec: &Spec) -> Value {
        serde_json::to_value(spec).unwrap()
    }

    fn read(value: Value) -> Spec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_left_out_has_the_defaults_of_its_type_and_no_others() {
        let bare = json!({ "name": "web", "scheme": "internal", "subnets": ["subnet-1", "subnet-2"] });
        let web = read(bare.clone());
        assert_eq!((web.application.as_ref().unwrap().idle_timeout_seconds, &web.network), (60, &None));
        assert!(web.application.as_ref().unwrap().http2);
        let mut network = bare.clone();
        network["type"] = "network".into();
        let network = read(network);
        assert_eq!((&network.application, network.network.clone()), (&None, Some(Network::default())));
        let mut partial = bare;
        partial["application"] = json!({ "http2": false });
        let changed: Vec<String> = diff(&value(&web), &value(&read(partial))).into_iter().map(|c| c.path).collect();
        assert_eq!(changed, ["application.http2"]);
    }

    #[test]
    fn the_normal_form_of_a_component_and_of_a_manifest_are_equal() {
        let subnets: BTreeSet<_> = [Link::value("subnet-1")].into();
        let new = Spec::new(Name::Full("nlb".into()), Type::Network, Scheme::Internal, subnets, BTreeSet::new());
        let written = read(json!({ "name": "nlb", "type": "network", "scheme": "internal", "subnets": ["subnet-1"] }));
        assert_eq!(new, written);
        let doc = agent_core::doc::Doc::of(&Spec { network: None, ..new.clone() }).unwrap();
        assert_eq!((KindInfo::of::<LoadBalancer>().normal)(&doc).unwrap(), agent_core::doc::Doc::of(&new).unwrap());
    }

    #[test]
    fn the_scheme_has_to_be_said() {
        let error = serde_json::from_value::<Spec>(json!({ "name": "web", "subnets": [] })).unwrap_err();
        assert!(error.to_string().contains("scheme"), "{error}");
    }

    #[test]
    fn what_aws_cannot_change_is_replaced() {
        let (none, one) = (json!([]), json!([{ "$link": "ec2.security_group.id", "value": "sg-1" }]));
        let two = json!(["sg-1", "sg-2"]);
        assert_eq!(LoadBalancer::change("security_groups", &none, &one), Change::Replace);
        assert_eq!(LoadBalancer::change("security_groups", &one, &Value::Null), Change::Replace);
        assert_eq!(LoadBalancer::change("security_groups", &one, &two), Change::InPlace);
        assert_eq!(LoadBalancer::change("security_groups.0", &json!("sg-1"), &json!("sg-2")), Change::InPlace);
        let ips = "network.secondary_ips_per_subnet";
        assert_eq!(LoadBalancer::change(ips, &json!(2), &json!(1)), Change::Replace);
        assert_eq!(LoadBalancer::change(ips, &json!(1), &json!(2)), Change::InPlace);
        assert_eq!(LoadBalancer::change("scheme", &json!("internal"), &json!("internet-facing")), Change::Replace);
    }
}
