//! `elb.target_group`: where a listener or a rule forwards to, how health is checked, and how load is spread. What is
//! registered in it is not its business: ECS registers tasks, auto scaling instances.

use agent_core::cost::Read;
use agent_core::field::{Name, Tags};
use agent_core::kind::{Identity, Kind};
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Protocol, normal_when_read};
use crate::kinds::ec2::vpc::VpcId;

/// A target group.
pub struct TargetGroup;

/// The wanted state of a target group, after
/// [CreateTargetGroup](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html) and
/// [TargetGroupAttribute](https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html),
/// which lists the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Spec {
    /// At most 32 letters, digits and hyphens, unique in the region; neither beginning nor ending with a hyphen. It cannot
    /// be changed.
    pub name: Name,
    /// What is registered. It cannot be changed.
    #[serde(default)]
    pub target_type: TargetType,
    /// How targets are spoken to: `HTTP` and `HTTPS` for application load balancers, the others for network ones, `TCP`
    /// for the target type `alb`. It cannot be changed.
    pub protocol: Protocol,
    /// The version of HTTP, for `HTTP` and `HTTPS`; AWS's default is `HTTP1`. It cannot be changed.
    #[serde(default)]
    pub protocol_version: Option<ProtocolVersion>,
    /// The port of targets that are registered without one, 1 to 65,535. It cannot be changed.
    pub port: u16,
    /// The VPC of the targets. It cannot be changed.
    pub vpc: Link<VpcId>,
    /// The kind of the targets' addresses. It cannot be changed.
    #[serde(default)]
    pub ip_address_type: IpAddressType,
    /// How it is found out which targets are healthy.
    #[serde(default)]
    pub health_check: HealthCheck,
    /// Seconds that a target keeps its connections after it was deregistered, 0 to 3,600; AWS's default is 300.
    #[serde(default = "three_hundred")]
    pub deregistration_delay_timeout_seconds: u32,
    /// Whether a client stays with its target, and by what; AWS's default is that it does not.
    #[serde(default)]
    pub stickiness: Option<Stickiness>,
    /// Whether targets of other zones are used; AWS's default is what the load balancer says.
    #[serde(default)]
    pub cross_zone: CrossZone,
    /// How many targets have to be healthy.
    #[serde(default)]
    pub target_group_health: TargetGroupHealth,
    /// What only groups with `HTTP` and `HTTPS` have.
    #[serde(default)]
    pub application: Option<Application>,
    /// What only groups with the other protocols have.
    #[serde(default)]
    pub network: Option<Network>,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

normal_when_read!(Spec);

fn three_hundred() -> u32 {
    300
}

/// What is registered in a target group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetType {
    /// Instances, by id.
    #[default]
    Instance,
    /// Addresses: what tasks of ECS with the network mode `awsvpc` need.
    Ip,
    /// One application load balancer.
    Alb,
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProtocolVersion {
    /// HTTP/1.1
    #[default]
    Http1,
    /// HTTP/2
    Http2,
    /// gRPC
    Grpc,
}

/// The kind of the targets' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IpAddressType {
    /// IPv4
    #[default]
    Ipv4,
    /// IPv6
    Ipv6,
}

/// How it is found out which targets are healthy. What is left out has the default that AWS documents for the group's
/// protocol and target type:
/// [application](https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html),
/// [network](https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// `HTTP` for groups with `HTTP` or `HTTPS` and for load balancers as targets, else `TCP`.
    pub protocol: Option<HealthCheckProtocol>,
    /// A port, or `traffic-port` (the default): the one that the target was registered with.
    pub port: String,
    /// The path that is asked for, at most 1,024 characters, by `HTTP` and `HTTPS`; `/`, or `/AWS.ALB/healthcheck` for gRPC.
    pub path: Option<String>,
    /// Seconds between two checks of a target, 5 to 300; 30 by default.
    pub interval_seconds: u32,
    /// Seconds without an answer that count as a failure, 2 to 120, less than the interval: 5 by default for groups with
    /// `HTTP` or `HTTPS`; for the others 6 when the check is by `HTTP`, else 10.
    pub timeout_seconds: Option<u32>,
    /// Successes in a row that make a target healthy, 2 to 10; 5 by default.
    pub healthy_threshold_count: u32,
    /// Failures in a row that make a target unhealthy, 2 to 10; 2 by default.
    pub unhealthy_threshold_count: u32,
    /// The codes of success such as `200`, `200,202` or `200-299`: `200` by default, `12` for gRPC, and `200-399` for the
    /// groups of network load balancers. Checks by `TCP` have none.
    pub matcher: Option<String>,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: None,
            port: TRAFFIC_PORT.into(),
            path: None,
            interval_seconds: 30,
            timeout_seconds: None,
            healthy_threshold_count: 5,
            unhealthy_threshold_count: 2,
            matcher: None,
        }
    }
}

/// The port that a target was registered with.
const TRAFFIC_PORT: &str = "traffic-port";

/// The protocol of a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthCheckProtocol {
    /// A request over HTTP.
    Http,
    /// A request over HTTPS; the target's certificate is not checked.
    Https,
    /// A connection.
    Tcp,
}

/// By what a client stays with its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stickiness {
    /// A cookie of the load balancer's; application load balancers only.
    LbCookie {
        /// How long it holds, 1 to 604,800; AWS's default is 86,400.
        #[serde(default = "one_day")]
        duration_seconds: u32,
    },
    /// A cookie of the application's; application load balancers only.
    AppCookie {
        /// Its name, not beginning with `AWSALB`.
        cookie_name: String,
        /// How long it holds, 1 to 604,800; AWS's default is 86,400.
        #[serde(default = "one_day")]
        duration_seconds: u32,
    },
    /// The client's address; network load balancers only, and not with `TLS`.
    SourceIp,
}

fn one_day() -> u32 {
    86_400
}

/// Whether targets of other zones are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrossZone {
    /// Yes.
    True,
    /// No.
    False,
    /// As the load balancer says.
    #[default]
    UseLoadBalancerConfiguration,
}

/// How many targets have to be healthy: `off`, or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetGroupHealth {
    /// With fewer healthy targets, the zone is taken out of DNS; `1` by default.
    pub dns_failover_count: String,
    /// With a smaller part of the targets healthy, in percent, the zone is taken out of DNS; `off` by default.
    pub dns_failover_percentage: String,
    /// With fewer healthy targets, requests go to the unhealthy ones too; `1` by default.
    pub unhealthy_routing_count: String,
    /// With a smaller part of the targets healthy, in percent, requests go to the unhealthy ones too; `off` by default.
    pub unhealthy_routing_percentage: String,
}

impl Default for TargetGroupHealth {
    fn default() -> Self {
        let [one, off] = ["1", "off"].map(str::to_owned);
        Self {
            dns_failover_count: one.clone(),
            dns_failover_percentage: off.clone(),
            unhealthy_routing_count: one,
            unhealthy_routing_percentage: off,
        }
    }
}

/// What only groups with `HTTP` and `HTTPS` have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Seconds over which a new target gets more and more requests, 30 to 900; AWS's default is 0: all at once.
    pub slow_start_duration_seconds: u32,
    /// How the target of a request is chosen; AWS's default is `round_robin`.
    pub load_balancing_algorithm: Algorithm,
    /// Whether targets with more errors than the others get fewer requests, with `weighted_random` only; AWS's default is
    /// `false`.
    pub anomaly_mitigation: bool,
}

/// How the target of a request is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// In turn.
    #[default]
    RoundRobin,
    /// The one with the fewest requests under way.
    LeastOutstandingRequests,
    /// At random.
    WeightedRandom,
}

/// What only groups with other protocols than HTTP have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Whether connections are cut at the end of the deregistration delay. AWS's default is `true` for `UDP` and `TCP_UDP`,
    /// else `false`.
    pub connection_termination: Option<bool>,
    /// Whether targets see the client's address. AWS's default is `false` for addresses over `TCP` and `TLS`, else `true`.
    pub preserve_client_ip: Option<bool>,
    /// Whether targets get a header of the proxy protocol; AWS's default is `false`.
    pub proxy_protocol_v2: bool,
    /// Whether connections to unhealthy targets are cut. AWS's default is `true`; for `UDP` and `TCP_UDP` it must be
    /// `false`, which is the default there.
    pub unhealthy_connection_termination: Option<bool>,
    /// Seconds until an unhealthy target counts as such, 0 to 360,000, only where its connections are not cut; AWS's
    /// default is 0.
    pub unhealthy_draining_interval_seconds: u32,
}

/// What AWS knows of a target group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its ARN.
    pub arn: String,
    /// `targetgroup/name/id`: the dimension `TargetGroup` of its metrics in `CloudWatch`.
    pub full_name: String,
}

/// A target group's ARN.
pub struct TargetGroupArn;
impl Target for TargetGroupArn {
    const KIND: &'static str = TargetGroup::NAME;
    const FIELD: &'static str = "arn";
}

impl Spec {
    /// A target group with AWS's defaults.
    pub fn new(name: Name, target_type: TargetType, protocol: Protocol, port: u16, vpc: Link<VpcId>) -> Self {
        let spec = Self {
            name,
            target_type,
            protocol,
            protocol_version: None,
            port,
            vpc,
            ip_address_type: IpAddressType::default(),
            health_check: HealthCheck::default(),
            deregistration_delay_timeout_seconds: three_hundred(),
            stickiness: None,
            cross_zone: CrossZone::default(),
            target_group_health: TargetGroupHealth::default(),
            application: None,
            network: None,
            tags: Tags::default(),
        };
        spec.normal()
    }

    /// With the defaults of its protocol and target type. What these do not have is kept, and AWS says that they do not
    /// have it.
    #[must_use]
    pub fn normal(mut self) -> Self {
        if self.protocol.is_http() {
            self.protocol_version = Some(self.protocol_version.unwrap_or_default());
            self.application = Some(self.application.unwrap_or_default());
        } else {
            let network = self.network.unwrap_or_default().normal(self.protocol, self.target_type);
            self.network = Some(network);
        }
        self.health_check = self.health_check.normal(self.protocol, self.protocol_version, self.target_type);
        self
    }
}

impl HealthCheck {
    fn normal(mut self, group: Protocol, version: Option<ProtocolVersion>, targets: TargetType) -> Self {
        let by_http = group.is_http() || targets == TargetType::Alb;
        let default = if by_http { HealthCheckProtocol::Http } else { HealthCheckProtocol::Tcp };
        let protocol = *self.protocol.get_or_insert(default);
        self.timeout_seconds.get_or_insert(match protocol {
            _ if group.is_http() => 5,
            HealthCheckProtocol::Http => 6,
            HealthCheckProtocol::Https | HealthCheckProtocol::Tcp => 10,
        });
        if protocol != HealthCheckProtocol::Tcp {
            let (path, matcher) = match version {
                Some(ProtocolVersion::Grpc) => ("/AWS.ALB/healthcheck", "12"),
                Some(ProtocolVersion::Http1 | ProtocolVersion::Http2) => ("/", "200"),
                None => ("/", "200-399"),
            };
            self.path.get_or_insert_with(|| path.into());
            self.matcher.get_or_insert_with(|| matcher.into());
        }
        self
    }
}

impl Network {
    fn normal(mut self, protocol: Protocol, targets: TargetType) -> Self {
        let udp = matches!(protocol, Protocol::Udp | Protocol::TcpUdp);
        let hidden = targets == TargetType::Ip && matches!(protocol, Protocol::Tcp | Protocol::Tls);
        self.connection_termination.get_or_insert(udp);
        self.preserve_client_ip.get_or_insert(!hidden);
        self.unhealthy_connection_termination.get_or_insert(!udp);
        self
    }
}

impl Kind for TargetGroup {
    const NAME: &'static str = "elb.target_group";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    // ModifyTargetGroup has the health check and nothing else.
    const IMMUTABLE: &'static [&'static str] =
        &["ip_address_type", "name", "port", "protocol", "protocol_version", "target_type", "vpc"];
    // "You can delete a target group if it is not referenced by any actions": a service that names it does not count.
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html
    const HELD_BY: &'static [&'static str] = &["elb.listener", "elb.rule"];
    const READS: &'static [Read] = &[
        super::REGION[0],
        super::REGION[1],
        super::REGION[2],
        Read::each("elasticloadbalancing:DescribeTargetGroupAttributes", &[Self::NAME]),
    ];
    // Whether what it forwards to answers is told by DescribeTargetHealth alone, a call for each group.
    const SILENT: bool = true;
    const DOC: &'static str = "Where a load balancer forwards to \
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html).";

    fn unique(spec: &Spec) -> Option<String> {
        Some(format!("target-group/{}", spec.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use agent_core::diff::diff;
    use agent_core::kind::Change;
    use serde_json::{Value, json};

    use super::*;

    fn read(more: &Value) -> Spec {
        let mut value = json!({ "name": "web", "target_type": "ip", "port": 80, "vpc": "vpc-1" });
        for (key, member) in more.as_object().unwrap() {
            value[key] = member.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    /// Protocol, path, time-out and matcher of the health check.
    fn check(spec: &Spec) -> (HealthCheckProtocol, Option<&str>, u32, Option<&str>) {
        let HealthCheck { protocol, path, timeout_seconds, matcher, .. } = &spec.health_check;
        (protocol.unwrap(), path.as_deref(), timeout_seconds.unwrap(), matcher.as_deref())
    }

    #[test]
    fn the_defaults_of_a_health_check_follow_protocol_and_target_type() {
        use HealthCheckProtocol::{Http, Https, Tcp};
        let cases = [
            (json!({ "protocol": "HTTP" }), (Http, Some("/"), 5, Some("200"))),
            (json!({ "protocol": "HTTPS" }), (Http, Some("/"), 5, Some("200"))),
            (
                json!({ "protocol": "HTTP", "protocol_version": "GRPC" }),
                (Http, Some("/AWS.ALB/healthcheck"), 5, Some("12")),
            ),
            (json!({ "protocol": "TCP" }), (Tcp, None, 10, None)),
            (json!({ "protocol": "UDP" }), (Tcp, None, 10, None)),
            (
                json!({ "protocol": "TCP", "health_check": { "protocol": "HTTP" } }),
                (Http, Some("/"), 6, Some("200-399")),
            ),
            (
                json!({ "protocol": "TLS", "health_check": { "protocol": "HTTPS", "path": "/up" } }),
                (Https, Some("/up"), 10, Some("200-399")),
            ),
            (json!({ "protocol": "TCP", "target_type": "alb" }), (Http, Some("/"), 6, Some("200-399"))),
        ];
        for (spec, expected) in cases {
            assert_eq!(check(&read(&spec)), expected, "{spec}");
        }
    }

    #[test]
    fn a_field_dropped_from_git_goes_back_to_its_default() {
        let set = read(&json!({ "protocol": "HTTP", "health_check": { "path": "/health", "timeout_seconds": 3 } }));
        let dropped = read(&json!({ "protocol": "HTTP" }));
        let value = |spec: &Spec| serde_json::to_value(spec).unwrap();
        let changes = diff(&value(&dropped), &value(&set));
        let to: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.to.clone())).collect();
        assert_eq!(to, [("health_check.path", json!("/")), ("health_check.timeout_seconds", json!(5))]);
        assert!(changes.iter().all(|c| TargetGroup::change(&c.path, &c.from, &c.to) == Change::InPlace));
    }

    #[test]
    fn the_attributes_of_network_load_balancers_follow_the_protocol() {
        let told = |spec: Value| {
            let network = read(&spec).network.unwrap();
            [network.connection_termination, network.preserve_client_ip, network.unhealthy_connection_termination]
                .map(Option::unwrap)
        };
        assert_eq!(told(json!({ "protocol": "TCP" })), [false, false, true]);
        assert_eq!(told(json!({ "protocol": "TCP", "target_type": "instance" })), [false, true, true]);
        assert_eq!(told(json!({ "protocol": "TCP_UDP" })), [true, true, false]);
        assert_eq!(read(&json!({ "protocol": "HTTP" })).network, None);
    }

    #[test]
    fn the_normal_form_of_a_component_and_of_a_manifest_are_equal() {
        let new = Spec::new(Name::Full("web".into()), TargetType::Ip, Protocol::Http, 80, Link::value("vpc-1"));
        assert_eq!(new, read(&json!({ "protocol": "HTTP" })));
        assert_eq!(new.clone().normal(), new);
    }

    #[test]
    fn what_aws_cannot_change_is_replaced() {
        for path in ["port", "protocol", "protocol_version", "vpc", "target_type", "ip_address_type", "name"] {
            assert_eq!(TargetGroup::change(path, &Value::Null, &Value::Null), Change::Replace, "{path}");
        }
    }
}
