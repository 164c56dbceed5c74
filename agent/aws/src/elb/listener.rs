//! `elb.listener` in AWS. Listeners are found through their load balancer.

use std::collections::BTreeSet;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Changed, Listing, New, Provider, Sought, Update};
use agent_core::reference::{Link, Text};
use agent_model::kinds::elb::Protocol;
use agent_model::kinds::elb::listener::{Listener, Out, Spec};
use aws_sdk_elasticloadbalancingv2::types::{self as sdk, Certificate};

use super::action::{action_read, action_sent};
use super::read::ours;
use super::{PAGE, TagMap, int, number, read_word, tags, unless_gone, word};
use crate::Aws;
use crate::fault::{fault, lacks, plain};

const CREATE: &str = "elasticloadbalancing:CreateListener";
const DESCRIBE: &str = "elasticloadbalancing:DescribeListeners";
const MODIFY: &str = "elasticloadbalancing:ModifyListener";
const CERTIFICATES: &str = "elasticloadbalancing:DescribeListenerCertificates";

impl Provider<Listener> for Aws {
    /// Read together with rules. What is adopted may hang on somebody else's load balancer, and is asked for alone.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Listener>>, Fault> {
        let read = self.elb_listeners(scope, listing.reads).await?;
        let mut found = Vec::new();
        for (one, tags) in ours(scope, listing.adopted, &read.listeners) {
            let arn = one.listener_arn.as_deref().unwrap_or_default();
            // Without an answer about its certificates it has just gone.
            let Some(certificates) = read.certificates.get(arn) else { continue };
            found.push(listener_live(one, certificates.clone(), tags)?);
        }
        for arn in listing.adopted.iter().filter(|arn| !read.listeners.contains_key(*arn)) {
            found.extend(self.listener_alone(self.listener_described(arn).await?).await?);
        }
        Ok(found)
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Listener>) -> Result<Option<Live<Listener>>, Fault> {
        let found = if let Some(arn) = sought.id {
            self.listener_described(arn).await?
        } else {
            let all = unless_gone(self.listeners_of(sought.spec.load_balancer.as_str()).await)?;
            let port = int(sought.spec.port);
            all.unwrap_or_default().into_iter().find(|(_, one)| one.port == Some(port))
        };
        self.listener_alone(found).await
    }

    async fn create(&self, _: &Scope, new: &New<'_, Listener>) -> Result<String, Fault> {
        let spec = new.spec;
        let call = self.elb.create_listener().load_balancer_arn(spec.load_balancer.as_str()).port(int(spec.port));
        let call = call.protocol(word(&spec.protocol).as_str().into()).set_ssl_policy(spec.ssl_policy.clone());
        let call = call.set_certificates(certificate_sent(CREATE, spec)?.map(|one| vec![one]));
        let call = call.set_alpn_policy(spec.alpn_policy.clone().map(|policy| vec![policy]));
        let call = call.default_actions(action_sent(CREATE, &spec.default_action)?);
        let answer = call.set_tags(Some(tags(new.mark, &spec.tags))).send().await.map_err(fault(CREATE))?;
        let made = answer.listeners.unwrap_or_default().pop();
        made.and_then(|made| made.listener_arn).ok_or_else(|| lacks(CREATE, "ListenerArn"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Listener>) -> Result<(), Fault> {
        let (arn, to, changed) = (&update.live.id, update.to, update.changed);
        let own = ["port", "protocol", "ssl_policy", "certificate", "alpn_policy", "default_action"];
        if own.iter().any(|path| changed.touches(path)) {
            self.listener_modify(arn, to, changed).await?;
        }
        if changed.touches("certificates") {
            self.listener_bring_certificates(arn, &update.live.spec, to).await?;
        }
        if changed.tags() {
            self.elb_write_tags(arn, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Listener>) -> Result<(), Fault> {
        let call = self.elb.delete_listener().listener_arn(&live.id);
        call.send().await.map_err(fault("elasticloadbalancing:DeleteListener"))?;
        Ok(())
    }
}

impl Aws {
    /// "Any properties that you do not specify remain unchanged", so only what differs goes: a forward may have another
    /// owner. "If you change the protocol from HTTP to HTTPS …, you must add the security policy and default certificate".
    async fn listener_modify(&self, arn: &str, to: &Spec, changed: &Changed) -> Result<(), Fault> {
        let secured = changed.touches("protocol") && to.protocol.is_secure();
        let call = self.elb.modify_listener().listener_arn(arn);
        let call = call.set_port(changed.touches("port").then(|| int(to.port)));
        let call = call.set_protocol(changed.touches("protocol").then(|| word(&to.protocol).as_str().into()));
        let policy = to.ssl_policy.clone().filter(|_| secured || changed.touches("ssl_policy"));
        let certificate = certificate_sent(MODIFY, to)?;
        if changed.touches("certificate") && to.protocol.is_secure() && certificate.is_none() {
            let text = format!("a listener with {} needs `certificate`", word(&to.protocol));
            return Err(Fault::new(Class::Invalid, MODIFY, "NoCertificate", text));
        }
        let certificate = certificate.filter(|_| secured || changed.touches("certificate"));
        let call = call.set_ssl_policy(policy).set_certificates(certificate.map(|one| vec![one]));
        let alpn = changed.touches("alpn_policy") && to.protocol == Protocol::Tls;
        let policy = || vec![to.alpn_policy.clone().unwrap_or_else(|| "None".into())];
        let call = call.set_alpn_policy(alpn.then(policy));
        let action = changed.touches("default_action").then(|| action_sent(MODIFY, &to.default_action)).transpose()?;
        let call = call.set_default_actions(action.map(|action| vec![action]));
        call.send().await.map_err(fault(MODIFY))?;
        Ok(())
    }

    /// "You can specify one certificate per call", both ways. What became the default certificate stays in the list too:
    /// AWS allows that, and it says the same.
    async fn listener_bring_certificates(&self, arn: &str, held: &Spec, to: &Spec) -> Result<(), Fault> {
        let (add, remove) =
            ("elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates");
        let arns = |set: &BTreeSet<Text>| -> Result<BTreeSet<String>, Fault> {
            set.iter().map(|text| plain(add, text)).collect()
        };
        let (have, want) = (arns(&held.certificates)?, arns(&to.certificates)?);
        for new in want.difference(&have) {
            let call = self.elb.add_listener_certificates().listener_arn(arn).certificates(certificate(new));
            call.send().await.map_err(fault(add))?;
        }
        let default = to.certificate.as_ref().map(|text| plain(remove, text)).transpose()?;
        for old in have.difference(&want).filter(|old| Some(*old) != default.as_ref()) {
            let call = self.elb.remove_listener_certificates().listener_arn(arn).certificates(certificate(old));
            call.send().await.map_err(fault(remove))?;
        }
        Ok(())
    }

    pub(super) async fn listeners_of(&self, load_balancer: &str) -> Result<Vec<(String, sdk::Listener)>, Fault> {
        let call = self.elb.describe_listeners().load_balancer_arn(load_balancer).page_size(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(fault(DESCRIBE))?.listeners.unwrap_or_default();
            found.extend(page.into_iter().filter_map(|one| Some((one.listener_arn.clone()?, one))));
        }
        Ok(found)
    }

    async fn listener_described(&self, arn: &str) -> Result<Option<(String, sdk::Listener)>, Fault> {
        let answer = self.elb.describe_listeners().listener_arns(arn).send().await.map_err(fault(DESCRIBE));
        let found = unless_gone(answer)?.and_then(|answer| answer.listeners).unwrap_or_default().pop();
        Ok(found.map(|one| (arn.to_owned(), one)))
    }

    /// One listener with what has to be asked for besides; `None` if it goes meanwhile.
    async fn listener_alone(&self, found: Option<(String, sdk::Listener)>) -> Result<Option<Live<Listener>>, Fault> {
        let Some((arn, one)) = found else { return Ok(None) };
        let tags = self.elb_tags(std::slice::from_ref(&arn));
        let both = async { tokio::try_join!(tags, self.further_certificates(&arn, &one)) };
        let Some((mut tags, certificates)) = unless_gone(both.await)? else { return Ok(None) };
        let Some(tags) = tags.remove(&arn) else { return Ok(None) };
        listener_live(&one, certificates, &tags).map(Some)
    }

    /// The further certificates of a secure listener. The default one is among AWS's answer, marked as such.
    pub(super) async fn further_certificates(&self, arn: &str, one: &sdk::Listener) -> Result<BTreeSet<Text>, Fault> {
        if !protocol_of(one)?.is_secure() {
            return Ok(BTreeSet::new());
        }
        let call = self.elb.describe_listener_certificates().listener_arn(arn).page_size(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(fault(CERTIFICATES))?.certificates.unwrap_or_default();
            let further = page.into_iter().filter(|one| one.is_default != Some(true));
            found.extend(further.filter_map(|one| one.certificate_arn).map(Text::from));
        }
        Ok(found)
    }
}

fn protocol_of(one: &sdk::Listener) -> Result<Protocol, Fault> {
    let protocol = one.protocol.as_ref().ok_or_else(|| lacks(DESCRIBE, "Protocol"))?;
    read_word(DESCRIBE, "Protocol", protocol.as_str())
}

fn listener_live(one: &sdk::Listener, further: BTreeSet<Text>, tags: &TagMap) -> Result<Live<Listener>, Fault> {
    let arn = one.listener_arn.clone().ok_or_else(|| lacks(DESCRIBE, "ListenerArn"))?;
    let spec = spec_read(one, protocol_of(one)?, further, tags)?;
    Ok(Live { id: arn.clone(), spec, out: Out { arn }, owner: Owner::from_tags(tags), phase: Phase::Ready })
}

fn certificate(arn: &str) -> Certificate {
    Certificate::builder().certificate_arn(arn).build()
}

fn certificate_sent(call: &'static str, spec: &Spec) -> Result<Option<Certificate>, Fault> {
    spec.certificate.as_ref().map(|text| Ok(certificate(&plain(call, text)?))).transpose()
}

fn spec_read(
    one: &sdk::Listener,
    protocol: Protocol,
    certificates: BTreeSet<Text>,
    tags: &TagMap,
) -> Result<Spec, Fault> {
    let default = one.certificates().first().and_then(|one| one.certificate_arn.clone());
    let alpn = one.alpn_policy().first().filter(|_| protocol == Protocol::Tls);
    let spec = Spec {
        load_balancer: Link::value(one.load_balancer_arn.clone().ok_or_else(|| lacks(DESCRIBE, "LoadBalancerArn"))?),
        port: number(DESCRIBE, "Port", one.port)?,
        protocol,
        ssl_policy: one.ssl_policy.clone().filter(|_| protocol.is_secure()),
        certificate: default.filter(|_| protocol.is_secure()).map(Text::from),
        certificates,
        alpn_policy: alpn.cloned(),
        default_action: action_read(DESCRIBE, one.default_actions())?,
        tags: Tags(foreign_tags(tags)),
    };
    Ok(spec.normal())
}

#[cfg(test)]
mod tests {
    use agent_model::kinds::elb::action::Action;

    use super::*;

    #[test]
    fn a_live_listener_reads_in_normal_form() {
        let one = sdk::Listener::builder()
            .load_balancer_arn("arn:lb")
            .port(443)
            .ssl_policy("ELBSecurityPolicy-2016-08")
            .certificates(certificate("arn:a"))
            .alpn_policy("None")
            .default_actions(action_sent("call", &Action::respond(403, "")).unwrap())
            .build();
        let further: BTreeSet<Text> = ["arn:a", "arn:b"].map(Text::from).into();
        let https = spec_read(&one, Protocol::Https, further, &TagMap::new()).unwrap();
        assert_eq!((https.certificate, https.certificates), (Some("arn:a".into()), [Text::from("arn:b")].into()));
        let http = spec_read(&one, Protocol::Http, BTreeSet::new(), &TagMap::new()).unwrap();
        let expected = Spec::new(Link::value("arn:lb"), 443, Protocol::Http, Action::respond(403, ""));
        assert_eq!(http, expected);
    }
}
