//! `ec2.security_group` in AWS. Rules are sent one by one in AWS's words and read back one by one.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{Name, Tags};
use agent_core::live::{Live, Owner, Phase, TAG_STACK, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::NotABlock;
use agent_model::kinds::ec2::security_group::{NotAProtocol, Out, Peer, Protocol, Rule, SecurityGroup, Spec};
use aws_sdk_ec2::types::{
    self as sdk, Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, UserIdGroupPair,
};

use super::{FILTER_VALUES, PAGE, filter, listed, sought, stale, tag_filter, tagged, tags_read, vanished};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ec2:DescribeSecurityGroups";
pub(super) const DESCRIBE_RULES: &str = "ec2:DescribeSecurityGroupRules";

/// The two directions of a group's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    In,
    Out,
}

/// One rule as this program says it, and as AWS does.
struct Held {
    rule: Rule,
    raw: IpPermission,
}

impl Provider<SecurityGroup> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<SecurityGroup>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, "group-id") {
            found.extend(self.security_groups_described(filters).await?);
        }
        self.security_groups_read(found).await
    }

    async fn find(&self, _: &Scope, wanted: &Sought<'_, SecurityGroup>) -> Result<Option<Live<SecurityGroup>>, Fault> {
        let unique =
            vec![filter("vpc-id", [wanted.spec.vpc.as_str()]), filter("group-name", [wanted.spec.name.as_str()])];
        let filters = sought(wanted.id, "group-id", Some(unique), wanted.mark);
        let found = self.security_groups_described(filters).await?;
        Ok(self.security_groups_read(found).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, SecurityGroup>) -> Result<String, Fault> {
        let action = "ec2:CreateSecurityGroup";
        let call = self.ec2.create_security_group().vpc_id(new.spec.vpc.as_str());
        let call = call.group_name(new.spec.name.as_str()).description(&new.spec.description);
        let call = call.tag_specifications(tagged(ResourceType::SecurityGroup, new.mark, &new.spec.tags));
        let answer = call.send().await.map_err(fault(action))?;
        answer.group_id.ok_or_else(|| lacks(action, "GroupId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, SecurityGroup>) -> Result<(), Fault> {
        let (id, to, changed) = (&update.live.id, update.to, update.changed);
        if changed.touches("ingress") || changed.touches("egress") {
            // Looked at anew: AWS refuses a whole call for one rule that is there already, and an earlier attempt may have
            // come halfway.
            let group = self.security_groups_described(vec![filter("group-id", [id])]).await?.pop();
            let group = group.ok_or_else(|| vanished(DESCRIBE, id))?;
            let apart = self.rules_apart(std::slice::from_ref(id)).await?;
            let held = |way| held(&group, way, &apart);
            self.security_group_bring(id, Way::In, &held(Way::In)?, &to.ingress).await?;
            self.security_group_bring(id, Way::Out, &held(Way::Out)?, &to.egress).await?;
        }
        if changed.tags() {
            self.ec2_write_tags(id, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<SecurityGroup>) -> Result<(), Fault> {
        let call = self.ec2.delete_security_group().group_id(&live.id);
        call.send().await.map_err(fault("ec2:DeleteSecurityGroup"))?;
        Ok(())
    }
}

impl Aws {
    /// Authorizes what is missing, then revokes what is too much, so that a path that both allow stays open. Where the
    /// quota does not allow both at a time, the other way round.
    async fn security_group_bring(
        &self,
        id: &str,
        way: Way,
        held: &[Held],
        wanted: &BTreeSet<Rule>,
    ) -> Result<(), Fault> {
        let bare = |rule: &Rule| rule.clone().described(None);
        let have: BTreeMap<Rule, Option<&str>> =
            held.iter().map(|one| (bare(&one.rule), one.rule.description())).collect();
        let want: BTreeSet<Rule> = wanted.iter().map(bare).collect();
        let (there, new): (Vec<&Rule>, Vec<&Rule>) = wanted.iter().partition(|rule| have.contains_key(&bare(rule)));
        let too_many = held.iter().filter(|one| !want.contains(&bare(&one.rule)));
        let too_many: Vec<IpPermission> = too_many.map(|one| one.raw.clone()).collect();
        let new: Vec<IpPermission> = new.into_iter().map(permission).collect();
        match self.security_group_authorize(id, way, new.clone()).await {
            Err(fault) if fault.class == Class::Limit && !too_many.is_empty() => {
                self.security_group_revoke(id, way, too_many).await?;
                self.security_group_authorize(id, way, new).await?;
            }
            answer => {
                answer?;
                self.security_group_revoke(id, way, too_many).await?;
            }
        }
        let renamed = there.into_iter().filter(|rule| have.get(&bare(rule)) != Some(&rule.description()));
        self.security_group_describe(id, way, renamed.map(permission).collect()).await
    }

    async fn security_group_authorize(&self, id: &str, way: Way, rules: Vec<IpPermission>) -> Result<(), Fault> {
        match way {
            _ if rules.is_empty() => Ok(()),
            Way::In => {
                let call = self.ec2.authorize_security_group_ingress().group_id(id).set_ip_permissions(Some(rules));
                call.send().await.map(drop).map_err(fault("ec2:AuthorizeSecurityGroupIngress")).map_err(stale)
            }
            Way::Out => {
                let call = self.ec2.authorize_security_group_egress().group_id(id).set_ip_permissions(Some(rules));
                call.send().await.map(drop).map_err(fault("ec2:AuthorizeSecurityGroupEgress")).map_err(stale)
            }
        }
    }

    async fn security_group_revoke(&self, id: &str, way: Way, rules: Vec<IpPermission>) -> Result<(), Fault> {
        match way {
            _ if rules.is_empty() => Ok(()),
            Way::In => {
                let call = self.ec2.revoke_security_group_ingress().group_id(id).set_ip_permissions(Some(rules));
                call.send().await.map(drop).map_err(fault("ec2:RevokeSecurityGroupIngress"))
            }
            Way::Out => {
                let call = self.ec2.revoke_security_group_egress().group_id(id).set_ip_permissions(Some(rules));
                call.send().await.map(drop).map_err(fault("ec2:RevokeSecurityGroupEgress"))
            }
        }
    }

    /// "You can remove a description … by omitting the description parameter."
    pub(super) async fn security_group_describe(
        &self,
        id: &str,
        way: Way,
        rules: Vec<IpPermission>,
    ) -> Result<(), Fault> {
        match way {
            _ if rules.is_empty() => Ok(()),
            Way::In => {
                let call = self.ec2.update_security_group_rule_descriptions_ingress().group_id(id);
                let answer = call.set_ip_permissions(Some(rules)).send().await;
                answer.map(drop).map_err(fault("ec2:UpdateSecurityGroupRuleDescriptionsIngress"))
            }
            Way::Out => {
                let call = self.ec2.update_security_group_rule_descriptions_egress().group_id(id);
                let answer = call.set_ip_permissions(Some(rules)).send().await;
                answer.map(drop).map_err(fault("ec2:UpdateSecurityGroupRuleDescriptionsEgress"))
            }
        }
    }

    pub(super) async fn security_groups_described(
        &self,
        filters: Vec<Filter>,
    ) -> Result<Vec<sdk::SecurityGroup>, Fault> {
        let call = self.ec2.describe_security_groups().set_filters(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(DESCRIBE))?.security_groups.unwrap_or_default());
        }
        Ok(found)
    }

    async fn security_groups_read(&self, groups: Vec<sdk::SecurityGroup>) -> Result<Vec<Live<SecurityGroup>>, Fault> {
        let ids: Vec<String> = groups.iter().filter_map(|group| group.group_id.clone()).collect();
        let apart = self.rules_apart(&ids).await?;
        groups.into_iter().map(|group| security_group_live(group, &apart)).collect()
    }

    /// Rules of these groups that are resources of their own: they carry the tag of a stack, this one or another.
    async fn rules_apart(&self, groups: &[String]) -> Result<BTreeSet<(String, Way, Rule)>, Fault> {
        let mut found = BTreeSet::new();
        for ids in groups.chunks(FILTER_VALUES) {
            let filters = vec![filter("group-id", ids), tag_filter(TAG_STACK, "*")];
            let call = self.ec2.describe_security_group_rules().set_filters(Some(filters)).max_results(PAGE);
            let mut pages = call.into_paginator().send();
            while let Some(page) = pages.next().await {
                for rule in page.map_err(fault(DESCRIBE_RULES))?.security_group_rules.unwrap_or_default() {
                    let (group, way, rule) = rule_read(&rule)?;
                    found.insert((group, way, rule.described(None)));
                }
            }
        }
        Ok(found)
    }
}

/// A rule in AWS's words.
pub(super) fn permission(rule: &Rule) -> IpPermission {
    let (from, to) = rule.ports().unzip();
    let call = IpPermission::builder().ip_protocol(rule.protocol().in_aws()).set_from_port(from).set_to_port(to);
    let text = rule.description().map(str::to_owned);
    match rule.peer() {
        Peer::CidrIpv4(block) => {
            call.ip_ranges(IpRange::builder().cidr_ip(block.to_string()).set_description(text).build())
        }
        Peer::CidrIpv6(block) => {
            call.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(block.to_string()).set_description(text).build())
        }
        Peer::Group(group) => {
            call.user_id_group_pairs(UserIdGroupPair::builder().group_id(group.as_str()).set_description(text).build())
        }
        Peer::PrefixList(list) => {
            call.prefix_list_ids(PrefixListId::builder().prefix_list_id(list).set_description(text).build())
        }
    }
    .build()
}

/// The single rules that AWS has folded into its permissions. What is sent back in order to revoke keeps all that tells
/// a peer (a group of another account has its owner's number).
fn unfolded(permissions: &[IpPermission]) -> Result<Vec<Held>, Fault> {
    let mut found = Vec::new();
    for one in permissions {
        let protocol = protocol_read(one.ip_protocol().ok_or_else(|| lacks(DESCRIBE, "IpProtocol"))?, DESCRIBE)?;
        let ports = ports_read(protocol, one.from_port, one.to_port);
        let bare = || IpPermission::builder().set_ip_protocol(one.ip_protocol.clone()).set_from_port(one.from_port);
        let bare = || bare().set_to_port(one.to_port);
        let mut hold = |peer: Peer, description: Option<&String>, raw: IpPermission| {
            found.push(Held { rule: Rule::new(protocol, ports, peer).described(description.cloned()), raw });
        };
        for range in one.ip_ranges() {
            let peer = Peer::CidrIpv4(block_read(range.cidr_ip(), DESCRIBE)?);
            hold(peer, range.description.as_ref(), bare().ip_ranges(range.clone()).build());
        }
        for range in one.ipv6_ranges() {
            let peer = Peer::CidrIpv6(block_read(range.cidr_ipv6(), DESCRIBE)?);
            hold(peer, range.description.as_ref(), bare().ipv6_ranges(range.clone()).build());
        }
        for pair in one.user_id_group_pairs() {
            let group = pair.group_id().ok_or_else(|| lacks(DESCRIBE, "GroupId"))?;
            let named = UserIdGroupPair::builder().group_id(group).set_user_id(pair.user_id.clone());
            let named = named.set_vpc_peering_connection_id(pair.vpc_peering_connection_id.clone()).build();
            let raw = bare().user_id_group_pairs(named).build();
            hold(Peer::Group(Link::value(group)), pair.description.as_ref(), raw);
        }
        for list in one.prefix_list_ids() {
            let id = list.prefix_list_id().ok_or_else(|| lacks(DESCRIBE, "PrefixListId"))?;
            let raw = bare().prefix_list_ids(list.clone()).build();
            hold(Peer::PrefixList(id.to_owned()), list.description.as_ref(), raw);
        }
    }
    Ok(found)
}

fn held(group: &sdk::SecurityGroup, way: Way, apart: &BTreeSet<(String, Way, Rule)>) -> Result<Vec<Held>, Fault> {
    let id = group.group_id().unwrap_or_default();
    let permissions = if way == Way::In { group.ip_permissions() } else { group.ip_permissions_egress() };
    let mut found = unfolded(permissions)?;
    found.retain(|one| !apart.contains(&(id.to_owned(), way, one.rule.clone().described(None))));
    Ok(found)
}

/// Group, direction and content of a rule that AWS gives alone.
pub(super) fn rule_read(rule: &sdk::SecurityGroupRule) -> Result<(String, Way, Rule), Fault> {
    let protocol =
        protocol_read(rule.ip_protocol().ok_or_else(|| lacks(DESCRIBE_RULES, "IpProtocol"))?, DESCRIBE_RULES)?;
    let peer = if rule.cidr_ipv4.is_some() {
        Peer::CidrIpv4(block_read(rule.cidr_ipv4(), DESCRIBE_RULES)?)
    } else if rule.cidr_ipv6.is_some() {
        Peer::CidrIpv6(block_read(rule.cidr_ipv6(), DESCRIBE_RULES)?)
    } else if let Some(list) = rule.prefix_list_id() {
        Peer::PrefixList(list.to_owned())
    } else {
        let group = rule.referenced_group_info().and_then(sdk::ReferencedSecurityGroup::group_id);
        Peer::Group(Link::value(group.ok_or_else(|| lacks(DESCRIBE_RULES, "ReferencedGroupInfo"))?))
    };
    let ports = ports_read(protocol, rule.from_port, rule.to_port);
    let way = if rule.is_egress == Some(true) { Way::Out } else { Way::In };
    let group = rule.group_id().ok_or_else(|| lacks(DESCRIBE_RULES, "GroupId"))?;
    Ok((group.to_owned(), way, Rule::new(protocol, ports, peer).described(rule.description.clone())))
}

/// AWS leaves ports out, or says -1, where a protocol has none.
fn ports_read(protocol: Protocol, from: Option<i32>, to: Option<i32>) -> Option<(i32, i32)> {
    match protocol {
        Protocol::Tcp | Protocol::Udp => from.zip(to).filter(|(from, _)| *from >= 0),
        Protocol::Icmp | Protocol::Icmpv6 => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
        Protocol::All | Protocol::Number(_) => None,
    }
}

fn protocol_read(text: &str, action: &str) -> Result<Protocol, Fault> {
    text.parse().map_err(|error: NotAProtocol| bad_answer(action, &error))
}

fn block_read<T: std::str::FromStr<Err = NotABlock>>(text: Option<&str>, action: &'static str) -> Result<T, Fault> {
    let text = text.ok_or_else(|| lacks(action, "Cidr"))?;
    text.parse().map_err(|error: NotABlock| bad_answer(action, &error))
}

fn bad_answer(action: &str, error: &dyn std::error::Error) -> Fault {
    Fault::new(Class::Invalid, action, "BadAnswer", error.to_string())
}

fn security_group_live(
    group: sdk::SecurityGroup,
    apart: &BTreeSet<(String, Way, Rule)>,
) -> Result<Live<SecurityGroup>, Fault> {
    let rules = |way| Ok::<_, Fault>(held(&group, way, apart)?.into_iter().map(|one| one.rule).collect());
    let (ingress, egress) = (rules(Way::In)?, rules(Way::Out)?);
    let id = group.group_id.ok_or_else(|| lacks(DESCRIBE, "GroupId"))?;
    let tags = tags_read(group.tags);
    Ok(Live {
        spec: Spec {
            name: Name::Full(group.group_name.ok_or_else(|| lacks(DESCRIBE, "GroupName"))?),
            description: group.description.unwrap_or_default(),
            vpc: Link::value(group.vpc_id.ok_or_else(|| lacks(DESCRIBE, "VpcId"))?),
            ingress,
            egress,
            tags: Tags(foreign_tags(&tags)),
        },
        out: Out { id: id.clone() },
        id,
        owner: Owner::from_tags(&tags),
        phase: Phase::Ready,
    })
}
