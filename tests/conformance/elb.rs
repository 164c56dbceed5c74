//! Samples of Elastic Load Balancing.

mod rule;

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::{AtCreate, AwsDecides, Name, Tags};
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};
use agent_model::kinds::ec2::internet_gateway::{self, InternetGateway};
use agent_model::kinds::ec2::security_group::{self, NAME_MAX, SecurityGroup};
use agent_model::kinds::ec2::subnet::{self, Subnet};
use agent_model::kinds::ec2::vpc::{self, InstanceTenancy, Vpc};
use agent_model::kinds::elb::Protocol;
use agent_model::kinds::elb::action::{Action, Forward, Stickiness, Weighted};
use agent_model::kinds::elb::listener::{self, Listener};
use agent_model::kinds::elb::load_balancer::{
    self, Application, ClientRoutingPolicy, DesyncMitigationMode, IpAddressType, LoadBalancer, Logs, Network, Scheme,
    Type, XffHeaderProcessing,
};
use agent_model::kinds::elb::target_group::{
    self, Algorithm, CrossZone, HealthCheck, HealthCheckProtocol, ProtocolVersion, TargetGroup, TargetGroupHealth,
    TargetType,
};

use super::{Sample, doc};

type Placed = (Address, Doc);

fn tags(owner: &str) -> Tags {
    Tags([("owner".to_owned(), owner.to_owned())].into())
}

fn base(name: &str) -> Name {
    Name::Base { base: format!("conformance-{name}"), max: 32 }
}

/// A VPC with a way out, three subnets in two zones, and two groups.
fn network() -> Vec<Placed> {
    let vpc = vpc::Spec {
        cidr: "10.40.0.0/16".parse().unwrap(),
        instance_tenancy: InstanceTenancy::Default,
        enable_dns_support: true,
        enable_dns_hostnames: false,
        default_group: AwsDecides::Unset,
        tags: Tags::default(),
    };
    let gateway = internet_gateway::Spec { vpc: Some(Link::to("network.main")), tags: Tags::default() };
    let mut placed = vec![
        (Address::new("network.main", Vpc::NAME), doc(&vpc)),
        (Address::new("network.main", InternetGateway::NAME), doc(&gateway)),
    ];
    for (key, cidr, zone) in
        [("a", "10.40.0.0/24", "eu-west-1a"), ("b", "10.40.1.0/24", "eu-west-1b"), ("c", "10.40.2.0/24", "eu-west-1c")]
    {
        let subnet = subnet::Spec {
            vpc: Link::to("network.main"),
            cidr: cidr.parse().unwrap(),
            availability_zone: AtCreate(Some(zone.into())),
            map_public_ip_on_launch: false,
            tags: Tags::default(),
        };
        placed.push((Address::keyed("network.main", Subnet::NAME, key), doc(&subnet)));
    }
    for key in ["first", "second"] {
        let group = security_group::Spec {
            name: Name::Base { base: format!("conformance-{key}"), max: NAME_MAX },
            description: "for the suite".into(),
            vpc: Link::to("network.main"),
            ingress: BTreeSet::new(),
            egress: BTreeSet::new(),
            tags: Tags::default(),
        };
        placed.push((Address::keyed("load_balancer.edge", SecurityGroup::NAME, key), doc(&group)));
    }
    placed
}

fn subnets<const N: usize>(keys: [&str; N]) -> BTreeSet<Link<subnet::SubnetId>> {
    keys.map(|key| Link::keyed("network.main", key)).into()
}

fn groups<const N: usize>(keys: [&str; N]) -> BTreeSet<Link<security_group::SecurityGroupId>> {
    keys.map(|key| Link::keyed("load_balancer.edge", key)).into()
}

fn balancer(name: &str, kind: Type) -> load_balancer::Spec {
    let spec = load_balancer::Spec::new(base(name), kind, Scheme::Internal, subnets(["a", "b"]), groups(["first"]));
    load_balancer::Spec { tags: tags("team"), ..spec }
}

fn group(name: &str, protocol: Protocol) -> target_group::Spec {
    let spec = target_group::Spec::new(base(name), TargetType::Ip, protocol, 8080, Link::to("network.main"));
    target_group::Spec { tags: tags("team"), ..spec }
}

fn placed_balancer(component: &str, kind: Type) -> Placed {
    let name = component.rsplit('.').next().unwrap();
    (Address::new(component, LoadBalancer::NAME), doc(&balancer(name, kind)))
}

fn placed_group(key: &str, protocol: Protocol) -> Placed {
    (Address::keyed("service.web", TargetGroup::NAME, key), doc(&group(key, protocol)))
}

fn to_group(key: &str) -> Action {
    Action::forward(Link::keyed("service.web", key))
}

/// Nine parts to one group and one to the other, and whoever came stays.
fn to_both() -> Action {
    let part = |(key, weight)| Weighted { target_group: Link::keyed("service.web", key), weight };
    let target_groups = [("blue", 90), ("green", 10)].map(part).into();
    Action::Forward(Forward { target_groups, stickiness: Some(Stickiness { duration_seconds: 300 }) })
}

/// Load balancers, their target groups, listeners and rules.
pub fn samples() -> Vec<Sample> {
    [balancers(), target_groups(), listeners(), rule::samples()].into_iter().flatten().collect()
}

fn balancers() -> Vec<Sample> {
    vec![application_balancer(), network_balancer()]
}

fn application_balancer() -> Sample {
    let logs =
        |bucket: &str, prefix: Option<&str>| Some(Logs { bucket: bucket.into(), prefix: prefix.map(str::to_owned) });
    let own = Application {
        idle_timeout_seconds: 120,
        client_keep_alive_seconds: 600,
        connection_logs: logs("conformance-logs", Some("connections")),
        health_check_logs: logs("conformance-logs", Some("health")),
        desync_mitigation_mode: DesyncMitigationMode::Strictest,
        drop_invalid_header_fields: true,
        preserve_host_header: true,
        x_amzn_tls_version_and_cipher_suite: true,
        xff_client_port: true,
        xff_header_processing: XffHeaderProcessing::Remove,
        http2: false,
        waf_fail_open: true,
    };
    let spec = load_balancer::Spec {
        access_logs: logs("conformance-logs", Some("access")),
        zonal_shift: true,
        application: Some(own.clone()),
        ..balancer("edge", Type::Application)
    };
    let with = |change: &dyn Fn(&mut load_balancer::Spec)| {
        let mut changed = spec.clone();
        change(&mut changed);
        doc(&changed)
    };
    Sample {
        needs: network(),
        address: Address::new("load_balancer.edge", LoadBalancer::NAME),
        spec: doc(&spec),
        changes: vec![
            ("another zone", with(&|spec| spec.subnets = subnets(["a", "c"]))),
            ("one zone more", with(&|spec| spec.subnets = subnets(["a", "b", "c"]))),
            ("another group", with(&|spec| spec.security_groups = groups(["second"]))),
            ("both groups", with(&|spec| spec.security_groups = groups(["first", "second"]))),
            ("addresses of both kinds", with(&|spec| spec.ip_address_type = IpAddressType::Dualstack)),
            ("protected, and no longer", with(&|spec| spec.deletion_protection = true)),
            ("access logs without a prefix", with(&|spec| spec.access_logs = logs("conformance-logs", None))),
            ("no access logs", with(&|spec| spec.access_logs = None)),
            ("no zonal shift", with(&|spec| spec.zonal_shift = false)),
            ("closed to IPv6", with(&|spec| spec.ipv6_deny_all_igw_traffic = AwsDecides::Set(true))),
            ("all that applications have, back to the defaults", with(&|spec| spec.application = None)),
            (
                "one of these alone",
                with(&|spec| spec.application = Some(Application { idle_timeout_seconds: 30, ..own.clone() })),
            ),
            ("another tag", with(&|spec| spec.tags = tags("other"))),
            ("to the internet: a replacement", with(&|spec| spec.scheme = Scheme::InternetFacing)),
            ("another name: a replacement", with(&|spec| spec.name = base("rim"))),
        ],
        emulator_gaps: vec![(
            "application.health_check_logs",
            "moto knows no bucket of health check logs: `health_check_logs.s3.bucket` is not a valid key there",
        )],
    }
}

fn network_balancer() -> Sample {
    let spec = balancer("nlb", Type::Network);
    let with = |change: &dyn Fn(&mut Network)| {
        let mut own = Network::default();
        change(&mut own);
        doc(&load_balancer::Spec { network: Some(own), ..spec.clone() })
    };
    let nearby = ClientRoutingPolicy::PartialAvailabilityZoneAffinity;
    Sample {
        needs: network(),
        address: Address::new("load_balancer.edge", LoadBalancer::NAME),
        spec: doc(&spec),
        changes: vec![
            ("across zones", with(&|own| own.cross_zone = true)),
            ("mostly nearby", with(&|own| own.dns_record_client_routing_policy = nearby)),
            ("more addresses, and fewer: a replacement", with(&|own| own.secondary_ips_per_subnet = 2)),
            ("another group", doc(&load_balancer::Spec { security_groups: groups(["second"]), ..spec.clone() })),
            ("no group: a replacement", doc(&load_balancer::Spec { security_groups: BTreeSet::new(), ..spec.clone() })),
            (
                "the other type: a replacement",
                doc(&load_balancer::Spec { network: None, kind: Type::Application, ..spec.clone() }.normal()),
            ),
        ],
        emulator_gaps: Vec::new(),
    }
}

fn target_groups() -> Vec<Sample> {
    vec![http_group(), tcp_group(), grpc_group()]
}

fn http_group() -> Sample {
    let spec = target_group::Spec {
        health_check: HealthCheck {
            protocol: Some(HealthCheckProtocol::Http),
            port: "8081".into(),
            path: Some("/health".into()),
            interval_seconds: 10,
            timeout_seconds: Some(3),
            healthy_threshold_count: 2,
            unhealthy_threshold_count: 3,
            matcher: Some("200-299".into()),
        },
        deregistration_delay_timeout_seconds: 30,
        stickiness: Some(target_group::Stickiness::LbCookie { duration_seconds: 600 }),
        cross_zone: CrossZone::False,
        target_group_health: TargetGroupHealth {
            dns_failover_count: "2".into(),
            dns_failover_percentage: "50".into(),
            unhealthy_routing_count: "2".into(),
            unhealthy_routing_percentage: "50".into(),
        },
        application: Some(target_group::Application {
            slow_start_duration_seconds: 30,
            load_balancing_algorithm: Algorithm::RoundRobin,
            anomaly_mitigation: false,
        }),
        ..group("web", Protocol::Http)
    };
    let with = |change: &dyn Fn(&mut target_group::Spec)| {
        let mut changed = spec.clone();
        change(&mut changed);
        doc(&changed.normal())
    };
    let by_cookie = target_group::Stickiness::AppCookie { cookie_name: "sid".into(), duration_seconds: 60 };
    let at_random = target_group::Application {
        slow_start_duration_seconds: 0,
        load_balancing_algorithm: Algorithm::WeightedRandom,
        anomaly_mitigation: true,
    };
    Sample {
        needs: network(),
        address: Address::new("service.web", TargetGroup::NAME),
        spec: doc(&spec),
        changes: vec![
            ("the health check, back to the defaults", with(&|spec| spec.health_check = HealthCheck::default())),
            ("the path of the health check", with(&|spec| spec.health_check.path = Some("/up".into()))),
            ("by HTTPS", with(&|spec| spec.health_check.protocol = Some(HealthCheckProtocol::Https))),
            ("other codes", with(&|spec| spec.health_check.matcher = Some("200,204".into()))),
            ("the delay", with(&|spec| spec.deregistration_delay_timeout_seconds = 300)),
            ("stickiness by another cookie", with(&|spec| spec.stickiness = Some(by_cookie.clone()))),
            ("no stickiness", with(&|spec| spec.stickiness = None)),
            ("as the load balancer says", with(&|spec| spec.cross_zone = CrossZone::UseLoadBalancerConfiguration)),
            ("health, back to the defaults", with(&|spec| spec.target_group_health = TargetGroupHealth::default())),
            ("at random", with(&|spec| spec.application = Some(at_random.clone()))),
            ("another tag", with(&|spec| spec.tags = tags("other"))),
            ("another port: a replacement", with(&|spec| spec.port = 9090)),
            ("another protocol: a replacement", with(&|spec| spec.protocol = Protocol::Https)),
            ("another version: a replacement", with(&|spec| spec.protocol_version = Some(ProtocolVersion::Http2))),
            ("instances: a replacement", with(&|spec| spec.target_type = TargetType::Instance)),
            ("another name: a replacement", with(&|spec| spec.name = base("web2"))),
        ],
        emulator_gaps: Vec::new(),
    }
}

fn tcp_group() -> Sample {
    let spec = group("tcp", Protocol::Tcp);
    let with = |change: &dyn Fn(&mut target_group::Spec)| {
        let mut changed = spec.clone();
        change(&mut changed);
        doc(&changed.normal())
    };
    let other = target_group::Network {
        connection_termination: Some(true),
        preserve_client_ip: Some(true),
        proxy_protocol_v2: true,
        unhealthy_connection_termination: Some(false),
        unhealthy_draining_interval_seconds: 60,
    };
    let by_http = HealthCheck { protocol: Some(HealthCheckProtocol::Http), ..HealthCheck::default() };
    Sample {
        needs: network(),
        address: Address::new("service.web", TargetGroup::NAME),
        spec: doc(&spec),
        changes: vec![
            ("all that networks have", with(&|spec| spec.network = Some(other.clone()))),
            ("stickiness", with(&|spec| spec.stickiness = Some(target_group::Stickiness::SourceIp))),
            ("checks by HTTP, and by TCP again", with(&|spec| spec.health_check = by_http.clone())),
            ("TLS: a replacement", with(&|spec| spec.protocol = Protocol::Tls)),
            ("UDP with its own defaults: a replacement", {
                let mut changed = group("tcp", Protocol::Udp);
                changed.tags = tags("team");
                doc(&changed)
            }),
        ],
        emulator_gaps: Vec::new(),
    }
}

fn grpc_group() -> Sample {
    let mut spec = group("grpc", Protocol::Http);
    spec.protocol_version = Some(ProtocolVersion::Grpc);
    spec.health_check = HealthCheck::default();
    let spec = spec.normal();
    let mut other = spec.clone();
    other.health_check.path = Some("/web.v1.Health/Check".into());
    other.health_check.matcher = Some("0,12".into());
    Sample {
        needs: network(),
        address: Address::new("service.web", TargetGroup::NAME),
        spec: doc(&spec),
        changes: vec![("path and codes", doc(&other))],
        emulator_gaps: vec![("health_check.matcher", "moto drops codes of gRPC when a group is modified")],
    }
}

fn listeners() -> Vec<Sample> {
    vec![http_listener(), https_listener(), tls_listener(), tcp_listener()]
}

fn http_listener() -> Sample {
    let edge = Link::to("load_balancer.edge");
    let spec = listener::Spec {
        tags: tags("team"),
        ..listener::Spec::new(edge, 80, Protocol::Http, Action::respond(403, "no"))
    };
    let does = |action: Action| doc(&listener::Spec { default_action: action, ..spec.clone() });
    let mut needs = network();
    needs.push(placed_balancer("load_balancer.edge", Type::Application));
    needs.push(placed_balancer("load_balancer.rim", Type::Application));
    needs.push(placed_group("blue", Protocol::Http));
    needs.push(placed_group("green", Protocol::Http));
    Sample {
        needs,
        address: Address::keyed("load_balancer.edge", Listener::NAME, "80"),
        spec: doc(&spec),
        changes: vec![
            ("another port", doc(&listener::Spec { port: 8080, ..spec.clone() })),
            ("another status without a body", does(Action::respond(404, ""))),
            ("a redirect", does(Action::redirect_to_https(443))),
            ("a forward", does(to_group("blue"))),
            ("a weighted forward", does(to_both())),
            ("another tag", doc(&listener::Spec { tags: tags("other"), ..spec.clone() })),
            (
                "another load balancer: a replacement",
                doc(&listener::Spec { load_balancer: Link::to("load_balancer.rim"), ..spec.clone() }),
            ),
        ],
        emulator_gaps: Vec::new(),
    }
}

/// Certificates of IAM: an emulator does not ask whether they exist when a listener is made.
fn certificate(name: &str) -> Text {
    format!("arn:aws:iam::123456789012:server-certificate/{name}").into()
}

fn https_listener() -> Sample {
    let edge = Link::to("load_balancer.edge");
    let spec = listener::Spec {
        ssl_policy: Some("ELBSecurityPolicy-TLS13-1-2-2021-06".into()),
        certificate: Some(certificate("edge")),
        certificates: ["api", "www"].map(certificate).into(),
        ..listener::Spec::new(edge, 443, Protocol::Https, Action::respond(403, ""))
    };
    let mut needs = network();
    needs.push(placed_balancer("load_balancer.edge", Type::Application));
    let plain = listener::Spec::new(Link::to("load_balancer.edge"), 443, Protocol::Http, Action::respond(403, ""));
    Sample {
        needs,
        address: Address::keyed("load_balancer.edge", Listener::NAME, "443"),
        spec: doc(&spec),
        changes: vec![
            ("AWS's own policy", doc(&listener::Spec { ssl_policy: None, ..spec.clone() }.normal())),
            (
                "other certificates",
                doc(&listener::Spec { certificates: ["app", "www"].map(certificate).into(), ..spec.clone() }),
            ),
            ("no further certificates", doc(&listener::Spec { certificates: BTreeSet::new(), ..spec.clone() })),
            (
                "another default certificate",
                doc(&listener::Spec { certificate: Some(certificate("rim")), ..spec.clone() }),
            ),
            ("without encryption, and with it again", doc(&plain)),
        ],
        emulator_gaps: vec![(
            "certificate",
            "moto asks whether a certificate exists when a listener is modified, and no kind makes one yet",
        )],
    }
}

fn tls_listener() -> Sample {
    let spec = listener::Spec {
        certificate: Some(certificate("nlb")),
        alpn_policy: Some("HTTP2Preferred".into()),
        ..listener::Spec::new(Link::to("load_balancer.nlb"), 443, Protocol::Tls, to_group("blue"))
    };
    let mut needs = network();
    needs.push(placed_balancer("load_balancer.nlb", Type::Network));
    needs.push(placed_group("blue", Protocol::Tcp));
    needs.push(placed_group("green", Protocol::Tcp));
    Sample {
        needs,
        address: Address::keyed("load_balancer.nlb", Listener::NAME, "443"),
        spec: doc(&spec),
        changes: vec![
            ("no agreement", doc(&listener::Spec { alpn_policy: None, ..spec.clone() })),
            ("another group", doc(&listener::Spec { default_action: to_group("green"), ..spec.clone() })),
        ],
        emulator_gaps: vec![("alpn_policy", "moto drops the ALPN policy when a listener is modified")],
    }
}

/// As a network load balancer has it: a listener that forwards from the first moment.
fn tcp_listener() -> Sample {
    let spec = listener::Spec {
        tags: tags("team"),
        ..listener::Spec::new(Link::to("load_balancer.nlb"), 7577, Protocol::Tcp, to_group("blue"))
    };
    let secure = listener::Spec {
        protocol: Protocol::Tls,
        certificate: Some(certificate("nlb")),
        ssl_policy: Some("ELBSecurityPolicy-TLS13-1-2-2021-06".into()),
        ..spec.clone()
    };
    let mut needs = network();
    needs.push(placed_balancer("load_balancer.nlb", Type::Network));
    needs.push(placed_group("blue", Protocol::Tcp));
    needs.push(placed_group("green", Protocol::Tcp));
    Sample {
        needs,
        address: Address::keyed("load_balancer.nlb", Listener::NAME, "7577"),
        spec: doc(&spec),
        changes: vec![
            ("another port", doc(&listener::Spec { port: 9393, ..spec.clone() })),
            ("another group", doc(&listener::Spec { default_action: to_group("green"), ..spec.clone() })),
            ("with encryption, and without it again", doc(&secure)),
            ("another tag", doc(&listener::Spec { tags: tags("other"), ..spec.clone() })),
        ],
        emulator_gaps: ["certificate", "protocol", "ssl_policy"]
            .map(|path| (path, "moto takes no TLS when a listener is modified"))
            .into(),
    }
}
