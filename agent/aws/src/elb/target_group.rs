//! `elb.target_group` in AWS.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::field::{Name, Tags};
use agent_core::health::Told;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::elb::Protocol;
use agent_model::kinds::elb::target_group::{
    Application, CrossZone, HealthCheck, HealthCheckProtocol, IpAddressType, Network, Out, ProtocolVersion, Spec,
    Stickiness, TargetGroup, TargetGroupHealth,
};
use aws_sdk_elasticloadbalancingv2::types::{self as sdk, Matcher, TargetGroupAttribute};
use futures_util::future::try_join_all;

use super::read::ours;
use super::{Attributes, Sent, TagMap, differing, int, number, read_word, tags, unless_gone, word};
use crate::Aws;
use crate::fault::{fault, lacks};

const CREATE: &str = "elasticloadbalancing:CreateTargetGroup";
const DESCRIBE: &str = "elasticloadbalancing:DescribeTargetGroups";
const ATTRIBUTES: &str = "elasticloadbalancing:DescribeTargetGroupAttributes";

impl Provider<TargetGroup> for Aws {
    /// Read together with load balancers; attributes, a call each, of our own alone.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<TargetGroup>>, Fault> {
        let region = self.elb_region(listing.reads).await?;
        let ours = ours(scope, listing.adopted, &region.groups);
        let live = ours.map(|(one, tags)| async { unless_gone(self.target_group_live(one.clone(), tags).await) });
        Ok(try_join_all(live).await?.into_iter().flatten().collect())
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, TargetGroup>) -> Result<Option<Live<TargetGroup>>, Fault> {
        let call = self.elb.describe_target_groups();
        let call = match sought.id {
            Some(arn) => call.target_group_arns(arn),
            None => call.names(sought.spec.name.as_str()),
        };
        let Some(answer) = unless_gone(call.send().await.map_err(fault(DESCRIBE)))? else { return Ok(None) };
        let Some(one) = answer.target_groups.unwrap_or_default().pop() else { return Ok(None) };
        let arn = one.target_group_arn.clone().ok_or_else(|| lacks(DESCRIBE, "TargetGroupArn"))?;
        let Some(tags) = self.elb_tags(std::slice::from_ref(&arn)).await?.remove(&arn) else { return Ok(None) };
        unless_gone(self.target_group_live(one, &tags).await)
    }

    async fn create(&self, _: &Scope, new: &New<'_, TargetGroup>) -> Result<String, Fault> {
        let spec = new.spec;
        let check = &spec.health_check;
        let call = self.elb.create_target_group().name(spec.name.as_str()).port(int(spec.port));
        let call = call.protocol(word(&spec.protocol).as_str().into()).vpc_id(spec.vpc.as_str());
        let call = call.set_protocol_version(spec.protocol_version.as_ref().map(word));
        let call = call.target_type(word(&spec.target_type).as_str().into());
        let call = call.ip_address_type(word(&spec.ip_address_type).as_str().into());
        let call = call
            .set_health_check_protocol(check.protocol.map(|protocol| word(&protocol).as_str().into()))
            .health_check_port(&check.port)
            .set_health_check_path(check.path.clone())
            .health_check_interval_seconds(int(check.interval_seconds))
            .set_health_check_timeout_seconds(check.timeout_seconds.map(int))
            .healthy_threshold_count(int(check.healthy_threshold_count))
            .unhealthy_threshold_count(int(check.unhealthy_threshold_count))
            .set_matcher(matcher(spec));
        let answer = call.set_tags(Some(tags(new.mark, &spec.tags))).send().await.map_err(fault(CREATE))?;
        let made = answer.target_groups.unwrap_or_default().pop();
        made.and_then(|made| made.target_group_arn).ok_or_else(|| lacks(CREATE, "TargetGroupArn"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, TargetGroup>) -> Result<(), Fault> {
        let (arn, to, changed) = (&update.live.id, update.to, update.changed);
        if changed.touches("health_check") {
            // All of it: the limits of one setting are those of the others.
            let check = &to.health_check;
            let call = self.elb.modify_target_group().target_group_arn(arn);
            let call = call
                .set_health_check_protocol(check.protocol.map(|protocol| word(&protocol).as_str().into()))
                .health_check_port(&check.port)
                .set_health_check_path(check.path.clone())
                .health_check_interval_seconds(int(check.interval_seconds))
                .set_health_check_timeout_seconds(check.timeout_seconds.map(int))
                .healthy_threshold_count(int(check.healthy_threshold_count))
                .unhealthy_threshold_count(int(check.unhealthy_threshold_count))
                .set_matcher(matcher(to));
            call.send().await.map_err(fault("elasticloadbalancing:ModifyTargetGroup"))?;
        }
        let attributes = differing(sent(to), &sent(&update.live.spec));
        if !attributes.is_empty() {
            let pair = |(key, value)| TargetGroupAttribute::builder().key(key).value(value).build();
            let attributes = attributes.into_iter().map(pair).collect();
            let call = self.elb.modify_target_group_attributes().target_group_arn(arn).set_attributes(Some(attributes));
            call.send().await.map_err(fault("elasticloadbalancing:ModifyTargetGroupAttributes"))?;
        }
        if changed.tags() {
            self.elb_write_tags(arn, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<TargetGroup>) -> Result<(), Fault> {
        let call = self.elb.delete_target_group().target_group_arn(&live.id);
        call.send().await.map_err(fault("elasticloadbalancing:DeleteTargetGroup"))?;
        Ok(())
    }

    async fn explain(&self, _: &Scope, about: &[Live<TargetGroup>]) -> Result<BTreeMap<String, Told>, Fault> {
        self.targets_explained(about).await
    }
}

impl Aws {
    async fn target_group_live(&self, one: sdk::TargetGroup, tags: &TagMap) -> Result<Live<TargetGroup>, Fault> {
        let arn = one.target_group_arn.clone().ok_or_else(|| lacks(DESCRIBE, "TargetGroupArn"))?;
        let call = self.elb.describe_target_group_attributes().target_group_arn(&arn);
        let answer = call.send().await.map_err(fault(ATTRIBUTES))?;
        let pairs = answer.attributes.unwrap_or_default().into_iter().map(|pair| (pair.key, pair.value));
        let spec = spec_read(&one, &Attributes::new(ATTRIBUTES, pairs), tags)?;
        let full_name = arn.rsplit(':').next().unwrap_or_default().to_owned();
        let out = Out { arn: arn.clone(), full_name };
        Ok(Live { id: arn, spec, out, owner: Owner::from_tags(tags), phase: Phase::Ready })
    }
}

fn matcher(spec: &Spec) -> Option<Matcher> {
    let codes = spec.health_check.matcher.clone()?;
    let matcher = Matcher::builder();
    Some(match spec.protocol_version {
        Some(ProtocolVersion::Grpc) => matcher.grpc_code(codes).build(),
        _ => matcher.http_code(codes).build(),
    })
}

fn spec_read(one: &sdk::TargetGroup, read: &Attributes, tags: &TagMap) -> Result<Spec, Fault> {
    let protocol = one.protocol.as_ref().ok_or_else(|| lacks(DESCRIBE, "Protocol"))?;
    let protocol: Protocol = read_word(DESCRIBE, "Protocol", protocol.as_str())?;
    let target_type = one.target_type.as_ref().ok_or_else(|| lacks(DESCRIBE, "TargetType"))?;
    let version = one.protocol_version.as_deref().filter(|_| protocol.is_http());
    let addresses = one.ip_address_type.as_ref().map(sdk::TargetGroupIpAddressTypeEnum::as_str);
    let spec = Spec {
        name: Name::Full(one.target_group_name.clone().ok_or_else(|| lacks(DESCRIBE, "TargetGroupName"))?),
        target_type: read_word(DESCRIBE, "TargetType", target_type.as_str())?,
        protocol,
        protocol_version: version.map(|version| read_word(DESCRIBE, "ProtocolVersion", version)).transpose()?,
        port: number(DESCRIBE, "Port", one.port)?,
        vpc: Link::value(one.vpc_id.clone().ok_or_else(|| lacks(DESCRIBE, "VpcId"))?),
        ip_address_type: addresses
            .map_or(Ok(IpAddressType::default()), |addresses| read_word(DESCRIBE, "IpAddressType", addresses))?,
        health_check: health_check_read(one)?,
        deregistration_delay_timeout_seconds: read.number("deregistration_delay.timeout_seconds", 300)?,
        stickiness: stickiness_read(read)?,
        cross_zone: read.word("load_balancing.cross_zone.enabled", CrossZone::default())?,
        target_group_health: target_group_health_read(read),
        application: protocol.is_http().then(|| application_read(read)).transpose()?,
        network: (!protocol.is_http()).then(|| network_read(read)).transpose()?,
        tags: Tags(foreign_tags(tags)),
    };
    Ok(spec.normal())
}

fn health_check_read(one: &sdk::TargetGroup) -> Result<HealthCheck, Fault> {
    let protocol = one.health_check_protocol.as_ref().ok_or_else(|| lacks(DESCRIBE, "HealthCheckProtocol"))?;
    let protocol = read_word(DESCRIBE, "HealthCheckProtocol", protocol.as_str())?;
    // A check by TCP has neither, whatever is left of an earlier one.
    let by_http = protocol != HealthCheckProtocol::Tcp;
    let codes = one.matcher.as_ref().and_then(|matcher| matcher.http_code().or(matcher.grpc_code()));
    Ok(HealthCheck {
        protocol: Some(protocol),
        port: one.health_check_port.clone().ok_or_else(|| lacks(DESCRIBE, "HealthCheckPort"))?,
        path: one.health_check_path.clone().filter(|_| by_http),
        interval_seconds: number(DESCRIBE, "HealthCheckIntervalSeconds", one.health_check_interval_seconds)?,
        timeout_seconds: Some(number(DESCRIBE, "HealthCheckTimeoutSeconds", one.health_check_timeout_seconds)?),
        healthy_threshold_count: number(DESCRIBE, "HealthyThresholdCount", one.healthy_threshold_count)?,
        unhealthy_threshold_count: number(DESCRIBE, "UnhealthyThresholdCount", one.unhealthy_threshold_count)?,
        matcher: codes.map(str::to_owned).filter(|_| by_http),
    })
}

fn stickiness_read(read: &Attributes) -> Result<Option<Stickiness>, Fault> {
    if !read.flag("stickiness.enabled", false) {
        return Ok(None);
    }
    let kind = read.text("stickiness.type").ok_or_else(|| lacks(ATTRIBUTES, "stickiness.type"))?;
    Ok(Some(match kind {
        "source_ip" => Stickiness::SourceIp,
        "app_cookie" => Stickiness::AppCookie {
            cookie_name: read.text("stickiness.app_cookie.cookie_name").unwrap_or_default().to_owned(),
            duration_seconds: read.number("stickiness.app_cookie.duration_seconds", 86_400)?,
        },
        "lb_cookie" => {
            Stickiness::LbCookie { duration_seconds: read.number("stickiness.lb_cookie.duration_seconds", 86_400)? }
        }
        other => return read_word(ATTRIBUTES, "stickiness.type", other),
    }))
}

fn target_group_health_read(read: &Attributes) -> TargetGroupHealth {
    let default = TargetGroupHealth::default();
    let text =
        |key: &str, default: String| read.text(&format!("target_group_health.{key}")).map_or(default, str::to_owned);
    TargetGroupHealth {
        dns_failover_count: text("dns_failover.minimum_healthy_targets.count", default.dns_failover_count),
        dns_failover_percentage: text(
            "dns_failover.minimum_healthy_targets.percentage",
            default.dns_failover_percentage,
        ),
        unhealthy_routing_count: text(
            "unhealthy_state_routing.minimum_healthy_targets.count",
            default.unhealthy_routing_count,
        ),
        unhealthy_routing_percentage: text(
            "unhealthy_state_routing.minimum_healthy_targets.percentage",
            default.unhealthy_routing_percentage,
        ),
    }
}

fn application_read(read: &Attributes) -> Result<Application, Fault> {
    let default = Application::default();
    Ok(Application {
        slow_start_duration_seconds: read.number("slow_start.duration_seconds", default.slow_start_duration_seconds)?,
        load_balancing_algorithm: read.word("load_balancing.algorithm.type", default.load_balancing_algorithm)?,
        anomaly_mitigation: read.text("load_balancing.algorithm.anomaly_mitigation") == Some("on"),
    })
}

fn network_read(read: &Attributes) -> Result<Network, Fault> {
    // What AWS does not give has the default of the protocol: the normal form fills it in.
    let flag = |key: &str| read.text(key).map(|value| value == "true");
    Ok(Network {
        connection_termination: flag("deregistration_delay.connection_termination.enabled"),
        preserve_client_ip: flag("preserve_client_ip.enabled"),
        proxy_protocol_v2: read.flag("proxy_protocol_v2.enabled", false),
        unhealthy_connection_termination: flag("target_health_state.unhealthy.connection_termination.enabled"),
        unhealthy_draining_interval_seconds: read
            .number("target_health_state.unhealthy.draining_interval_seconds", 0)?,
    })
}

/// The attributes of a spec as AWS has them.
fn sent(spec: &Spec) -> Sent {
    let health = &spec.target_group_health;
    let mut sent = Sent::from([
        ("deregistration_delay.timeout_seconds", spec.deregistration_delay_timeout_seconds.to_string()),
        ("load_balancing.cross_zone.enabled", word(&spec.cross_zone)),
        ("stickiness.enabled", spec.stickiness.is_some().to_string()),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", health.dns_failover_count.clone()),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", health.dns_failover_percentage.clone()),
        (
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
            health.unhealthy_routing_count.clone(),
        ),
        (
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
            health.unhealthy_routing_percentage.clone(),
        ),
    ]);
    match &spec.stickiness {
        None => {}
        Some(Stickiness::LbCookie { duration_seconds }) => {
            sent.insert("stickiness.type", "lb_cookie".into());
            sent.insert("stickiness.lb_cookie.duration_seconds", duration_seconds.to_string());
        }
        Some(Stickiness::AppCookie { cookie_name, duration_seconds }) => {
            sent.insert("stickiness.type", "app_cookie".into());
            sent.insert("stickiness.app_cookie.cookie_name", cookie_name.clone());
            sent.insert("stickiness.app_cookie.duration_seconds", duration_seconds.to_string());
        }
        Some(Stickiness::SourceIp) => drop(sent.insert("stickiness.type", "source_ip".into())),
    }
    if let Some(own) = &spec.application {
        sent.insert("slow_start.duration_seconds", own.slow_start_duration_seconds.to_string());
        sent.insert("load_balancing.algorithm.type", word(&own.load_balancing_algorithm));
        let mitigation = if own.anomaly_mitigation { "on" } else { "off" };
        sent.insert("load_balancing.algorithm.anomaly_mitigation", mitigation.into());
    }
    if let Some(own) = &spec.network {
        network_sent(&mut sent, own);
    }
    sent
}

fn network_sent(sent: &mut Sent, own: &Network) {
    let flags = [
        ("deregistration_delay.connection_termination.enabled", own.connection_termination),
        ("preserve_client_ip.enabled", own.preserve_client_ip),
        ("proxy_protocol_v2.enabled", Some(own.proxy_protocol_v2)),
        ("target_health_state.unhealthy.connection_termination.enabled", own.unhealthy_connection_termination),
    ];
    sent.extend(flags.into_iter().filter_map(|(key, flag)| Some((key, flag?.to_string()))));
    let draining = own.unhealthy_draining_interval_seconds.to_string();
    sent.insert("target_health_state.unhealthy.draining_interval_seconds", draining);
}

#[cfg(test)]
mod tests {
    use agent_model::kinds::elb::target_group::{Algorithm, TargetType};

    use super::*;

    fn spec(protocol: Protocol) -> Spec {
        Spec::new(Name::Full("web".into()), TargetType::Ip, protocol, 80, Link::value("vpc-1"))
    }

    fn read_back(spec: &Spec) -> Attributes {
        let pairs = sent(spec).into_iter().map(|(key, value)| (Some(key.to_owned()), Some(value)));
        Attributes::new(ATTRIBUTES, pairs)
    }

    #[test]
    fn attributes_are_read_as_they_were_sent() {
        let application = Application {
            slow_start_duration_seconds: 30,
            load_balancing_algorithm: Algorithm::WeightedRandom,
            anomaly_mitigation: true,
        };
        let http = Spec { application: Some(application.clone()), ..spec(Protocol::Http) };
        assert_eq!(application_read(&read_back(&http)).unwrap(), application);
        let network = spec(Protocol::Udp).network.unwrap();
        let udp = Spec { network: Some(network.clone()), ..spec(Protocol::Udp) };
        assert_eq!(network_read(&read_back(&udp)).unwrap(), network);
        let app = Stickiness::AppCookie { cookie_name: "sid".into(), duration_seconds: 60 };
        for stickiness in
            [None, Some(Stickiness::SourceIp), Some(app), Some(Stickiness::LbCookie { duration_seconds: 5 })]
        {
            let read = read_back(&Spec { stickiness: stickiness.clone(), ..spec(Protocol::Http) });
            assert_eq!(stickiness_read(&read).unwrap(), stickiness);
        }
        let health = TargetGroupHealth { unhealthy_routing_percentage: "50".into(), ..TargetGroupHealth::default() };
        let read = read_back(&Spec { target_group_health: health.clone(), ..spec(Protocol::Http) });
        assert_eq!(target_group_health_read(&read), health);
    }

    #[test]
    fn a_group_is_never_sent_what_its_protocol_does_not_have() {
        let http = sent(&spec(Protocol::Http));
        assert!(
            !http.keys().any(|key| key.contains("preserve_client_ip") || key.contains("proxy_protocol")),
            "{http:?}"
        );
        let tcp = sent(&spec(Protocol::Tcp));
        assert!(!tcp.keys().any(|key| key.contains("slow_start") || key.contains("algorithm")), "{tcp:?}");
    }

    #[test]
    fn a_check_by_tcp_has_no_codes() {
        assert!(matcher(&spec(Protocol::Tcp)).is_none());
        let grpc = Spec { protocol_version: Some(ProtocolVersion::Grpc), ..spec(Protocol::Http) };
        assert!(matcher(&grpc).unwrap().grpc_code().is_some());
    }

    #[test]
    fn a_live_group_reads_in_normal_form() {
        let one = sdk::TargetGroup::builder()
            .target_group_arn("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123")
            .target_group_name("web")
            .protocol(sdk::ProtocolEnum::Tcp)
            .target_type(sdk::TargetTypeEnum::Ip)
            .port(80)
            .vpc_id("vpc-1")
            .health_check_protocol(sdk::ProtocolEnum::Tcp)
            .health_check_port("traffic-port")
            .health_check_interval_seconds(30)
            .health_check_timeout_seconds(10)
            .healthy_threshold_count(5)
            .unhealthy_threshold_count(2)
            .build();
        let read = spec_read(&one, &Attributes::new(ATTRIBUTES, []), &TagMap::new()).unwrap();
        assert_eq!(read, spec(Protocol::Tcp));
    }
}
