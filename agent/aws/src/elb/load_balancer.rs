//! `elb.load_balancer` in AWS.

use std::collections::BTreeSet;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{AwsDecides, Name, Tags};
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::{Link, Target};
use agent_model::kinds::elb::load_balancer::{Application, LoadBalancer, Logs, Network, Out, Spec, Type};
use aws_sdk_elasticloadbalancingv2::types::{self as sdk, LoadBalancerAttribute, LoadBalancerStateEnum};
use futures_util::future::try_join_all;

use super::read::ours;
use super::{Attributes, Sent, TagMap, differing, read_word, tags, unless_gone, word};
use crate::Aws;
use crate::fault::{fault, lacks, plain};

const CREATE: &str = "elasticloadbalancing:CreateLoadBalancer";
const DESCRIBE: &str = "elasticloadbalancing:DescribeLoadBalancers";
const ATTRIBUTES: &str = "elasticloadbalancing:DescribeLoadBalancerAttributes";
const MODIFY: &str = "elasticloadbalancing:ModifyLoadBalancerAttributes";

impl Provider<LoadBalancer> for Aws {
    /// Read together with target groups; attributes, a call each, of our own alone.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<LoadBalancer>>, Fault> {
        let region = self.elb_region(listing.reads).await?;
        let ours = ours(scope, listing.adopted, &region.balancers);
        let live = ours.map(|(one, tags)| async { unless_gone(self.load_balancer_live(one.clone(), tags).await) });
        Ok(try_join_all(live).await?.into_iter().flatten().collect())
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, LoadBalancer>) -> Result<Option<Live<LoadBalancer>>, Fault> {
        let call = self.elb.describe_load_balancers();
        let call = match sought.id {
            Some(arn) => call.load_balancer_arns(arn),
            None => call.names(sought.spec.name.as_str()),
        };
        let Some(answer) = unless_gone(call.send().await.map_err(fault(DESCRIBE)))? else { return Ok(None) };
        let Some(one) = answer.load_balancers.unwrap_or_default().pop() else { return Ok(None) };
        let arn = one.load_balancer_arn.clone().ok_or_else(|| lacks(DESCRIBE, "LoadBalancerArn"))?;
        let Some(tags) = self.elb_tags(std::slice::from_ref(&arn)).await?.remove(&arn) else { return Ok(None) };
        unless_gone(self.load_balancer_live(one, &tags).await)
    }

    async fn create(&self, _: &Scope, new: &New<'_, LoadBalancer>) -> Result<String, Fault> {
        let spec = new.spec;
        if spec.kind == Type::Application && spec.security_groups.is_empty() {
            let text = "an application load balancer needs `security_groups`: AWS would take the VPC's default group";
            return Err(Fault::new(Class::Invalid, CREATE, "NoSecurityGroups", text));
        }
        let groups = Some(ids(&spec.security_groups)).filter(|groups| !groups.is_empty());
        let call = self.elb.create_load_balancer().name(spec.name.as_str()).set_security_groups(groups);
        let call = call.r#type(word(&spec.kind).as_str().into()).scheme(word(&spec.scheme).as_str().into());
        let call = call.ip_address_type(word(&spec.ip_address_type).as_str().into());
        let call = call.set_subnets(Some(ids(&spec.subnets))).set_tags(Some(tags(new.mark, &spec.tags)));
        let answer = call.send().await.map_err(fault(CREATE))?;
        let made = answer.load_balancers.unwrap_or_default().pop();
        made.and_then(|made| made.load_balancer_arn).ok_or_else(|| lacks(CREATE, "LoadBalancerArn"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, LoadBalancer>) -> Result<(), Fault> {
        let (arn, to, changed) = (&update.live.id, update.to, update.changed);
        let addresses = changed.touches("ip_address_type").then(|| word(&to.ip_address_type).as_str().into());
        if changed.touches("subnets") {
            // Together: the new subnets may be what the new type needs, or the old type what the old ones did.
            let call = self.elb.set_subnets().load_balancer_arn(arn).set_subnets(Some(ids(&to.subnets)));
            let call = call.set_ip_address_type(addresses);
            call.send().await.map_err(fault("elasticloadbalancing:SetSubnets"))?;
        } else if let Some(addresses) = addresses {
            let call = self.elb.set_ip_address_type().load_balancer_arn(arn).ip_address_type(addresses);
            call.send().await.map_err(fault("elasticloadbalancing:SetIpAddressType"))?;
        }
        if changed.touches("security_groups") {
            let call = self.elb.set_security_groups().load_balancer_arn(arn);
            let call = call.set_security_groups(Some(ids(&to.security_groups)));
            call.send().await.map_err(fault("elasticloadbalancing:SetSecurityGroups"))?;
        }
        let attributes = differing(sent(to)?, &sent(&update.live.spec)?);
        if !attributes.is_empty() {
            let pair = |(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build();
            let attributes = attributes.into_iter().map(pair).collect();
            let call = self.elb.modify_load_balancer_attributes().load_balancer_arn(arn);
            call.set_attributes(Some(attributes)).send().await.map_err(fault(MODIFY))?;
        }
        if changed.tags() {
            self.elb_write_tags(arn, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    /// A protected one stays: AWS answers `OperationNotPermitted`.
    async fn delete(&self, _: &Scope, live: &Live<LoadBalancer>) -> Result<(), Fault> {
        let call = self.elb.delete_load_balancer().load_balancer_arn(&live.id);
        call.send().await.map_err(fault("elasticloadbalancing:DeleteLoadBalancer"))?;
        Ok(())
    }
}

impl Aws {
    async fn load_balancer_live(&self, one: sdk::LoadBalancer, tags: &TagMap) -> Result<Live<LoadBalancer>, Fault> {
        let arn = one.load_balancer_arn.clone().ok_or_else(|| lacks(DESCRIBE, "LoadBalancerArn"))?;
        let call = self.elb.describe_load_balancer_attributes().load_balancer_arn(&arn);
        let answer = call.send().await.map_err(fault(ATTRIBUTES))?;
        let pairs = answer.attributes.unwrap_or_default().into_iter().map(|pair| (pair.key, pair.value));
        let spec = spec_read(&one, &Attributes::new(ATTRIBUTES, pairs), tags)?;
        let full_name = arn.split_once(":loadbalancer/").map(|(_, name)| name.to_owned());
        let out = Out {
            full_name: full_name.ok_or_else(|| lacks(DESCRIBE, "LoadBalancerArn"))?,
            dns_name: one.dns_name.ok_or_else(|| lacks(DESCRIBE, "DNSName"))?,
            canonical_hosted_zone_id: one
                .canonical_hosted_zone_id
                .ok_or_else(|| lacks(DESCRIBE, "CanonicalHostedZoneId"))?,
            arn: arn.clone(),
        };
        let phase = phase(one.state.as_ref());
        Ok(Live { id: arn, spec, out, owner: Owner::from_tags(tags), phase })
    }
}

/// "If the load balancer is routing traffic but does not have the resources it needs to scale, its state is
/// `active_impaired`": it works.
fn phase(state: Option<&sdk::LoadBalancerState>) -> Phase {
    match state.and_then(sdk::LoadBalancerState::code) {
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => Phase::Ready,
        Some(LoadBalancerStateEnum::Failed) => {
            let reason = state.and_then(sdk::LoadBalancerState::reason);
            Phase::Broken(reason.unwrap_or("AWS could not set it up").to_owned())
        }
        _ => Phase::Coming,
    }
}

fn ids<T: Target>(links: &BTreeSet<Link<T>>) -> Vec<String> {
    links.iter().map(|link| link.as_str().to_owned()).collect()
}

fn spec_read(one: &sdk::LoadBalancer, read: &Attributes, tags: &TagMap) -> Result<Spec, Fault> {
    let kind = one.r#type.as_ref().ok_or_else(|| lacks(DESCRIBE, "Type"))?;
    let scheme = one.scheme.as_ref().ok_or_else(|| lacks(DESCRIBE, "Scheme"))?;
    let addresses = one.ip_address_type.as_ref().ok_or_else(|| lacks(DESCRIBE, "IpAddressType"))?;
    let kind = read_word(DESCRIBE, "Type", kind.as_str())?;
    let zones = one.availability_zones.iter().flatten();
    Ok(Spec {
        name: Name::Full(one.load_balancer_name.clone().ok_or_else(|| lacks(DESCRIBE, "LoadBalancerName"))?),
        kind,
        scheme: read_word(DESCRIBE, "Scheme", scheme.as_str())?,
        ip_address_type: read_word(DESCRIBE, "IpAddressType", addresses.as_str())?,
        subnets: zones.filter_map(|zone| zone.subnet_id.clone()).map(Link::value).collect(),
        security_groups: one.security_groups.iter().flatten().map(Link::value).collect(),
        deletion_protection: read.flag("deletion_protection.enabled", false),
        access_logs: logs_read(read, "access_logs.s3"),
        zonal_shift: read.flag("zonal_shift.config.enabled", false),
        ipv6_deny_all_igw_traffic: read
            .text("ipv6.deny_all_igw_traffic")
            .map_or(AwsDecides::Unset, |value| AwsDecides::Set(value == "true")),
        application: (kind == Type::Application).then(|| application_read(read)).transpose()?,
        network: (kind == Type::Network).then(|| network_read(read)).transpose()?,
        tags: Tags(foreign_tags(tags)),
    })
}

fn application_read(read: &Attributes) -> Result<Application, Fault> {
    let default = Application::default();
    Ok(Application {
        idle_timeout_seconds: read.number("idle_timeout.timeout_seconds", default.idle_timeout_seconds)?,
        client_keep_alive_seconds: read.number("client_keep_alive.seconds", default.client_keep_alive_seconds)?,
        connection_logs: logs_read(read, "connection_logs.s3"),
        health_check_logs: logs_read(read, "health_check_logs.s3"),
        desync_mitigation_mode: read.word("routing.http.desync_mitigation_mode", default.desync_mitigation_mode)?,
        drop_invalid_header_fields: read.flag("routing.http.drop_invalid_header_fields.enabled", false),
        preserve_host_header: read.flag("routing.http.preserve_host_header.enabled", false),
        x_amzn_tls_version_and_cipher_suite: read
            .flag("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", false),
        xff_client_port: read.flag("routing.http.xff_client_port.enabled", false),
        xff_header_processing: read.word("routing.http.xff_header_processing.mode", default.xff_header_processing)?,
        http2: read.flag("routing.http2.enabled", default.http2),
        waf_fail_open: read.flag("waf.fail_open.enabled", false),
    })
}

fn network_read(read: &Attributes) -> Result<Network, Fault> {
    let default = Network::default();
    let policy = default.dns_record_client_routing_policy;
    Ok(Network {
        cross_zone: read.flag("load_balancing.cross_zone.enabled", default.cross_zone),
        dns_record_client_routing_policy: read.word("dns_record.client_routing_policy", policy)?,
        secondary_ips_per_subnet: read.number("secondary_ips.auto_assigned.per_subnet", 0)?,
    })
}

fn logs_read(read: &Attributes, key: &str) -> Option<Logs> {
    let text = |name: &str| read.text(&format!("{key}.{name}")).map(str::to_owned);
    let bucket = read.flag(&format!("{key}.enabled"), false).then(|| text("bucket")).flatten()?;
    Some(Logs { bucket: bucket.into(), prefix: text("prefix") })
}

/// The attributes of a spec as AWS has them.
fn sent(spec: &Spec) -> Result<Sent, Fault> {
    let mut sent = Sent::from([
        ("deletion_protection.enabled", spec.deletion_protection.to_string()),
        ("zonal_shift.config.enabled", spec.zonal_shift.to_string()),
    ]);
    let keys = ["access_logs.s3.enabled", "access_logs.s3.bucket", "access_logs.s3.prefix"];
    logs_sent(&mut sent, keys, spec.access_logs.as_ref())?;
    if let AwsDecides::Set(deny) = spec.ipv6_deny_all_igw_traffic {
        sent.insert("ipv6.deny_all_igw_traffic", deny.to_string());
    }
    if let Some(own) = &spec.application {
        application_sent(&mut sent, own)?;
    }
    if let Some(own) = &spec.network {
        sent.insert("load_balancing.cross_zone.enabled", own.cross_zone.to_string());
        sent.insert("dns_record.client_routing_policy", word(&own.dns_record_client_routing_policy));
        sent.insert("secondary_ips.auto_assigned.per_subnet", own.secondary_ips_per_subnet.to_string());
    }
    Ok(sent)
}

fn application_sent(sent: &mut Sent, own: &Application) -> Result<(), Fault> {
    let keys = ["connection_logs.s3.enabled", "connection_logs.s3.bucket", "connection_logs.s3.prefix"];
    logs_sent(sent, keys, own.connection_logs.as_ref())?;
    let keys = ["health_check_logs.s3.enabled", "health_check_logs.s3.bucket", "health_check_logs.s3.prefix"];
    logs_sent(sent, keys, own.health_check_logs.as_ref())?;
    sent.extend([
        ("idle_timeout.timeout_seconds", own.idle_timeout_seconds.to_string()),
        ("client_keep_alive.seconds", own.client_keep_alive_seconds.to_string()),
        ("routing.http.desync_mitigation_mode", word(&own.desync_mitigation_mode)),
        ("routing.http.drop_invalid_header_fields.enabled", own.drop_invalid_header_fields.to_string()),
        ("routing.http.preserve_host_header.enabled", own.preserve_host_header.to_string()),
        (
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
            own.x_amzn_tls_version_and_cipher_suite.to_string(),
        ),
        ("routing.http.xff_client_port.enabled", own.xff_client_port.to_string()),
        ("routing.http.xff_header_processing.mode", word(&own.xff_header_processing)),
        ("routing.http2.enabled", own.http2.to_string()),
        ("waf.fail_open.enabled", own.waf_fail_open.to_string()),
    ]);
    Ok(())
}

/// Nowhere is `false` alone: AWS keeps the bucket that was named last.
fn logs_sent(sent: &mut Sent, [enabled, bucket, prefix]: [&'static str; 3], to: Option<&Logs>) -> Result<(), Fault> {
    sent.insert(enabled, to.is_some().to_string());
    if let Some(logs) = to {
        sent.insert(bucket, plain(MODIFY, &logs.bucket)?);
        sent.insert(prefix, logs.prefix.clone().unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use agent_model::kinds::elb::load_balancer::Scheme;

    use super::*;

    fn spec(kind: Type) -> Spec {
        Spec::new(Name::Full("web".into()), kind, Scheme::Internal, [Link::value("subnet-1")].into(), BTreeSet::new())
    }

    /// What AWS would hold after it was sent this.
    fn read_back(spec: &Spec) -> Attributes {
        let pairs = sent(spec).unwrap().into_iter().map(|(key, value)| (Some(key.to_owned()), Some(value)));
        Attributes::new(ATTRIBUTES, pairs)
    }

    #[test]
    fn attributes_are_read_as_they_were_sent() {
        let logs = |bucket: &str| Some(Logs { bucket: bucket.into(), prefix: Some("edge".into()) });
        let other = Application {
            idle_timeout_seconds: 120,
            client_keep_alive_seconds: 60,
            connection_logs: logs("b"),
            health_check_logs: logs("c"),
            drop_invalid_header_fields: true,
            http2: false,
            ..Application::default()
        };
        for application in [Application::default(), other] {
            let read = read_back(&Spec { application: Some(application.clone()), ..spec(Type::Application) });
            assert_eq!(application_read(&read).unwrap(), application);
        }
        let network = Network { cross_zone: true, secondary_ips_per_subnet: 2, ..Network::default() };
        let read = read_back(&Spec { network: Some(network.clone()), ..spec(Type::Network) });
        assert_eq!(network_read(&read).unwrap(), network);
    }

    #[test]
    fn a_type_is_never_sent_what_only_the_other_has() {
        let sent = sent(&spec(Type::Network)).unwrap();
        assert!(!sent.keys().any(|key| key.starts_with("routing.") || key.starts_with("idle_timeout")), "{sent:?}");
    }

    #[test]
    fn logs_that_go_are_switched_off_and_nothing_else() {
        let logs = Logs { bucket: "b".into(), prefix: None };
        let held = sent(&Spec { access_logs: Some(logs), ..spec(Type::Network) }).unwrap();
        let changed = differing(sent(&spec(Type::Network)).unwrap(), &held);
        assert_eq!(changed, [("access_logs.s3.enabled", "false".to_owned())]);
    }

    #[test]
    fn states_are_phases() {
        let state = |code: &str| sdk::LoadBalancerState::builder().code(code.into()).reason("no addresses").build();
        assert_eq!(phase(Some(&state("provisioning"))), Phase::Coming);
        assert_eq!(phase(Some(&state("active"))), Phase::Ready);
        assert_eq!(phase(Some(&state("active_impaired"))), Phase::Ready);
        assert_eq!(phase(Some(&state("failed"))), Phase::Broken("no addresses".into()));
    }
}
