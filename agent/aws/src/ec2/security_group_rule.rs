//! `ec2.security_group_rule` in AWS.

use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::field::Tags;
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Link;
use agent_model::kinds::ec2::security_group_rule::{Direction, Out, SecurityGroupRule, Spec};
use aws_sdk_ec2::types::{self as sdk, Filter, ResourceType};

use super::security_group::{DESCRIBE_RULES, Way, permission, rule_read};
use super::{PAGE, filter, listed, tagged, tags_read};
use crate::Aws;
use crate::fault::{fault, lacks};

const ID: &str = "security-group-rule-id";

impl Provider<SecurityGroupRule> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<SecurityGroupRule>>, Fault> {
        let mut found = Vec::new();
        for filters in listed(scope, listing, ID) {
            found.extend(self.security_group_rules(filters).await?);
        }
        Ok(found)
    }

    /// By what it says among all rules of its group: AWS has no filter on that.
    async fn find(
        &self,
        _: &Scope,
        wanted: &Sought<'_, SecurityGroupRule>,
    ) -> Result<Option<Live<SecurityGroupRule>>, Fault> {
        let spec = wanted.spec;
        let Some(id) = wanted.id else {
            let all = self.security_group_rules(vec![filter("group-id", [spec.security_group.as_str()])]).await?;
            let bare = |spec: &Spec| (spec.direction, spec.rule.clone().described(None));
            return Ok(all.into_iter().find(|live| bare(&live.spec) == bare(spec)));
        };
        Ok(self.security_group_rules(vec![filter(ID, [id])]).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, SecurityGroupRule>) -> Result<String, Fault> {
        let (group, rule) = (new.spec.security_group.as_str(), permission(&new.spec.rule));
        let tags = tagged(ResourceType::SecurityGroupRule, new.mark, &new.spec.tags);
        let (action, made) = match new.spec.direction {
            Direction::Ingress => {
                let action = "ec2:AuthorizeSecurityGroupIngress";
                let call = self.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(rule);
                let answer = call.tag_specifications(tags).send().await.map_err(fault(action))?;
                (action, answer.security_group_rules)
            }
            Direction::Egress => {
                let action = "ec2:AuthorizeSecurityGroupEgress";
                let call = self.ec2.authorize_security_group_egress().group_id(group).ip_permissions(rule);
                let answer = call.tag_specifications(tags).send().await.map_err(fault(action))?;
                (action, answer.security_group_rules)
            }
        };
        let made = made.unwrap_or_default().pop().and_then(|rule| rule.security_group_rule_id);
        made.ok_or_else(|| lacks(action, "SecurityGroupRuleId"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, SecurityGroupRule>) -> Result<(), Fault> {
        let to = update.to;
        if update.changed.touches("rule.description") {
            let (group, way) = (to.security_group.as_str(), way_of(to.direction));
            self.security_group_describe(group, way, vec![permission(&to.rule)]).await?;
        }
        if update.changed.tags() {
            self.ec2_write_tags(&update.live.id, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<SecurityGroupRule>) -> Result<(), Fault> {
        let group = live.spec.security_group.as_str();
        match live.spec.direction {
            Direction::Ingress => {
                let call = self.ec2.revoke_security_group_ingress().group_id(group).security_group_rule_ids(&live.id);
                call.send().await.map(drop).map_err(fault("ec2:RevokeSecurityGroupIngress"))
            }
            Direction::Egress => {
                let call = self.ec2.revoke_security_group_egress().group_id(group).security_group_rule_ids(&live.id);
                call.send().await.map(drop).map_err(fault("ec2:RevokeSecurityGroupEgress"))
            }
        }
    }
}

impl Aws {
    async fn security_group_rules(&self, filters: Vec<Filter>) -> Result<Vec<Live<SecurityGroupRule>>, Fault> {
        let call = self.ec2.describe_security_group_rules().set_filters(Some(filters)).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let rules = page.map_err(fault(DESCRIBE_RULES))?.security_group_rules.unwrap_or_default();
            found.extend(rules.into_iter().map(security_group_rule_live).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }
}

fn way_of(direction: Direction) -> Way {
    match direction {
        Direction::Ingress => Way::In,
        Direction::Egress => Way::Out,
    }
}

fn security_group_rule_live(rule: sdk::SecurityGroupRule) -> Result<Live<SecurityGroupRule>, Fault> {
    let (group, way, content) = rule_read(&rule)?;
    let direction = if way == Way::In { Direction::Ingress } else { Direction::Egress };
    let id = rule.security_group_rule_id.ok_or_else(|| lacks(DESCRIBE_RULES, "SecurityGroupRuleId"))?;
    let tags = tags_read(rule.tags);
    Ok(Live {
        spec: Spec { security_group: Link::value(group), direction, rule: content, tags: Tags(foreign_tags(&tags)) },
        out: Out { id: id.clone() },
        id,
        owner: Owner::from_tags(&tags),
        phase: Phase::Ready,
    })
}
