//! `elb.rule` in AWS. Rules are found through their listener. `DescribeRules` gives header values back in the clear: they
//! are sealed as they come out of the answer, and taken out of whatever AWS says about a request.

use std::collections::BTreeSet;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{AwsDecides, Tags};
use agent_core::live::{Live, Mark, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::{Link, SecretRef};
use agent_core::secret::Vault;
use agent_model::kinds::elb::rule::{Condition, HttpHeader, Out, QueryString, Rule, Spec, free_priority};
use aws_config::retry::RetryConfig;
use aws_sdk_elasticloadbalancingv2::Config;
use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
    PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair, RuleCondition, RulePriorityPair,
    SourceIpConditionConfig,
};

use super::action::{action_read, action_sent};
use super::read::ours;
use super::{PAGE, TagMap, int, tags, unless_gone};
use crate::Aws;
use crate::fault::{fault, lacks};
use crate::secrets::{opened, silenced};

const CREATE: &str = "elasticloadbalancing:CreateRule";
const DESCRIBE: &str = "elasticloadbalancing:DescribeRules";
const MODIFY: &str = "elasticloadbalancing:ModifyRule";
const PRIORITIES: &str = "elasticloadbalancing:SetRulePriorities";

/// AWS's word that a priority is another rule's.
const TAKEN: &str = "PriorityInUse";
/// How many numbers are tried for a rule that sets none: as many as others may take at the same moment.
const TRIES: usize = 10;

impl Provider<Rule> for Aws {
    /// Read together with listeners. What is adopted may hang on somebody else's, and is asked for alone.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Rule>>, Fault> {
        let read = self.elb_listeners(scope, listing.reads).await?;
        let ours = ours(scope, listing.adopted, &read.rules);
        let mut found = ours.map(|(one, tags)| rule_live(one, tags, &self.vault)).collect::<Result<Vec<_>, _>>()?;
        for arn in listing.adopted.iter().filter(|arn| !read.rules.contains_key(*arn)) {
            let Some((arn, one)) = self.rule_described(arn).await? else { continue };
            let Some(tags) = self.elb_tags(std::slice::from_ref(&arn)).await?.remove(&arn) else { continue };
            found.push(rule_live(&one, &tags, &self.vault)?);
        }
        Ok(found)
    }

    /// By its mark among the rules of its listener; else whoever else has its priority, unless that is this stack's and on
    /// its way to another number.
    async fn find(&self, _: &Scope, sought: &Sought<'_, Rule>) -> Result<Option<Live<Rule>>, Fault> {
        let all = match sought.id {
            Some(arn) => self.rule_described(arn).await?.into_iter().collect(),
            None => unless_gone(self.rules_of(sought.spec.listener.as_str()).await)?.unwrap_or_default(),
        };
        let arns: Vec<String> = all.iter().map(|(arn, _)| arn.clone()).collect();
        let tags = self.elb_tags(&arns).await?;
        let mut all = all.iter().filter_map(|(arn, one)| Some((one, tags.get(arn)?)));
        let chosen = match sought.id {
            Some(_) => all.next(),
            None => chosen(all.collect(), sought.mark, sought.spec.priority),
        };
        chosen.map(|(one, tags)| rule_live(one, tags, &self.vault)).transpose()
    }

    async fn create(&self, _: &Scope, new: &New<'_, Rule>) -> Result<String, Fault> {
        if let AwsDecides::Set(priority) = new.spec.priority {
            return match self.rule_create(new, priority).await {
                Err(taken) if taken.code == TAKEN => {
                    let holder = self.rule_at(new.spec.listener.as_str(), priority).await?;
                    let moving = holder.is_none_or(|(_, owner)| is_other_of(&owner, new.mark));
                    Err(if moving { Fault { class: Class::Conflict, ..taken } } else { taken })
                }
                answer => answer,
            };
        }
        let rules = self.rules_of(new.spec.listener.as_str()).await?;
        let mut taken: BTreeSet<u32> = rules.iter().filter_map(|(_, one)| priority_of(one)).collect();
        let mut refused = Fault::new(Class::Limit, CREATE, TAKEN, "the listener has no free priority from 101 on");
        for _ in 0..TRIES {
            let Some(priority) = free_priority(&taken) else { break };
            match self.rule_create(new, priority).await {
                // Somebody was faster: a refusal for certain, so the next number can make no second rule.
                Err(fault) if fault.code == TAKEN => refused = fault,
                answer => return answer,
            }
            taken.insert(priority);
        }
        Err(refused)
    }

    async fn update(&self, scope: &Scope, update: &Update<'_, Rule>) -> Result<(), Fault> {
        let (live, to, changed) = (update.live, update.to, update.changed);
        let conditions = changed.touches("conditions").then(|| conditions_sent(MODIFY, to, &self.vault)).transpose()?;
        let action = changed.touches("action").then(|| action_sent(MODIFY, &to.action)).transpose()?;
        if conditions.is_some() || action.is_some() {
            let silent = silenced(secrets_in(conditions.as_deref().unwrap_or_default()));
            let call = self.elb.modify_rule().rule_arn(&live.id).set_conditions(conditions);
            let call = call.set_actions(action.map(|action| vec![action]));
            call.send().await.map_err(fault(MODIFY)).map_err(silent)?;
        }
        if let AwsDecides::Set(priority) = to.priority
            && changed.touches("priority")
        {
            self.rule_set_priority(scope, live, priority).await?;
        }
        if changed.tags() {
            self.elb_write_tags(&live.id, update.mark, &to.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Rule>) -> Result<(), Fault> {
        let call = self.elb.delete_rule().rule_arn(&live.id);
        call.send().await.map_err(fault("elasticloadbalancing:DeleteRule"))?;
        Ok(())
    }
}

impl Aws {
    /// One creating call, never sent twice by itself: the answer that got lost may have made one.
    async fn rule_create(&self, new: &New<'_, Rule>, priority: u32) -> Result<String, Fault> {
        let spec = new.spec;
        let conditions = conditions_sent(CREATE, spec, &self.vault)?;
        let silent = silenced(secrets_in(&conditions));
        let call = self.elb.create_rule().listener_arn(spec.listener.as_str()).priority(int(priority));
        let call = call.set_conditions(Some(conditions)).actions(action_sent(CREATE, &spec.action)?);
        let call = call.set_tags(Some(tags(new.mark, &spec.tags))).customize();
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let answer = call.config_override(once).send().await.map_err(fault(CREATE)).map_err(silent)?;
        let made = answer.rules.unwrap_or_default().pop();
        made.and_then(|made| made.rule_arn).ok_or_else(|| lacks(CREATE, "RuleArn"))
    }

    /// Moves a rule to a number. Where another rule of this stack stands there, the two change places in one call: it is
    /// on its way to a number of its own, and two that want each other's could never move one after the other.
    async fn rule_set_priority(&self, scope: &Scope, live: &Live<Rule>, priority: u32) -> Result<(), Fault> {
        let pair = |arn: &str, number: u32| RulePriorityPair::builder().rule_arn(arn).priority(int(number)).build();
        let call = self.elb.set_rule_priorities().rule_priorities(pair(&live.id, priority));
        let taken = match call.send().await.map_err(fault(PRIORITIES)) {
            Err(taken) if taken.code == TAKEN => taken,
            answer => return answer.map(drop),
        };
        let Some((holder, owner)) = self.rule_at(live.spec.listener.as_str(), priority).await? else {
            return Err(Fault { class: Class::Conflict, ..taken });
        };
        if owner.of_stack(&scope.stack).is_none() {
            return Err(taken);
        }
        let call = self.elb.set_rule_priorities().rule_priorities(pair(&live.id, priority));
        let call = call.rule_priorities(pair(&holder, live.out.priority));
        call.send().await.map_err(fault(PRIORITIES))?;
        Ok(())
    }

    /// The rule with a priority, and whose it is.
    async fn rule_at(&self, listener: &str, priority: u32) -> Result<Option<(String, Owner)>, Fault> {
        let rules = self.rules_of(listener).await?;
        let Some((arn, _)) = rules.into_iter().find(|(_, one)| priority_of(one) == Some(priority)) else {
            return Ok(None);
        };
        let tags = self.elb_tags(std::slice::from_ref(&arn)).await?.remove(&arn);
        Ok(tags.map(|tags| (arn, Owner::from_tags(&tags))))
    }

    /// The rules of a listener but for its default one.
    pub(super) async fn rules_of(&self, listener: &str) -> Result<Vec<(String, sdk::Rule)>, Fault> {
        let mut pages = self.elb.describe_rules().listener_arn(listener).page_size(PAGE).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(fault(DESCRIBE))?.rules.unwrap_or_default();
            let own = page.into_iter().filter(|one| one.is_default != Some(true));
            found.extend(own.filter_map(|one| Some((one.rule_arn.clone()?, one))));
        }
        Ok(found)
    }

    async fn rule_described(&self, arn: &str) -> Result<Option<(String, sdk::Rule)>, Fault> {
        let answer = self.elb.describe_rules().rule_arns(arn).send().await.map_err(fault(DESCRIBE));
        let found = unless_gone(answer)?.and_then(|answer| answer.rules).unwrap_or_default().pop();
        Ok(found.filter(|one| one.is_default != Some(true)).map(|one| (arn.to_owned(), one)))
    }
}

/// Whether a rule is this stack's, and another than the marked one.
fn is_other_of(owner: &Owner, mark: &Mark) -> bool {
    owner.of_stack(&mark.stack).is_some_and(|held| held.address != mark.address)
}

type Tagged<'a> = (&'a sdk::Rule, &'a TagMap);

fn chosen<'a>(all: Vec<Tagged<'a>>, mark: &Mark, priority: AwsDecides<u32>) -> Option<Tagged<'a>> {
    let marked = |(_, tags): &&Tagged<'_>| matches!(Owner::from_tags(tags), Owner::Stack(held) if held == *mark);
    if let Some(found) = all.iter().find(marked) {
        return Some(*found);
    }
    let AwsDecides::Set(priority) = priority else { return None };
    let there = all.into_iter().find(|(one, _)| priority_of(one) == Some(priority));
    there.filter(|(_, tags)| !is_other_of(&Owner::from_tags(tags), mark))
}

fn priority_of(one: &sdk::Rule) -> Option<u32> {
    one.priority.as_deref()?.parse().ok()
}

/// The listener in the ARN of a rule: `…:listener-rule/app/name/id/listener/rule`.
fn listener_of(rule: &str) -> Option<String> {
    let (listener, _) = rule.rsplit_once('/')?;
    listener.contains(":listener-rule/").then(|| listener.replacen(":listener-rule/", ":listener/", 1))
}

fn rule_live(one: &sdk::Rule, tags: &TagMap, vault: &Vault) -> Result<Live<Rule>, Fault> {
    let arn = one.rule_arn.clone().ok_or_else(|| lacks(DESCRIBE, "RuleArn"))?;
    let priority = priority_of(one).ok_or_else(|| lacks(DESCRIBE, "Priority"))?;
    let spec = Spec {
        listener: Link::value(listener_of(&arn).ok_or_else(|| lacks(DESCRIBE, "RuleArn"))?),
        priority: AwsDecides::Set(priority),
        conditions: one.conditions().iter().map(|one| condition_read(one, vault)).collect(),
        action: action_read(DESCRIBE, one.actions())?,
        tags: Tags(foreign_tags(tags)),
    };
    let owner = Owner::from_tags(tags);
    Ok(Live { id: arn.clone(), spec, out: Out { arn, priority }, owner, phase: Phase::Ready })
}

/// A condition of an answer; header values sealed.
fn condition_read(one: &RuleCondition, vault: &Vault) -> Condition {
    let field = one.field().unwrap_or_default();
    let set = |own: Option<&[String]>| -> BTreeSet<String> {
        own.filter(|values| !values.is_empty()).unwrap_or(one.values()).iter().cloned().collect()
    };
    let patterns = one.regex_values().len()
        + one.host_header_config().map_or(0, |config| config.regex_values().len())
        + one.path_pattern_config().map_or(0, |config| config.regex_values().len())
        + one.http_header_config().map_or(0, |config| config.regex_values().len());
    let by_type = one.source_ip_config().is_some_and(|config| config.ip_address_type.is_some());
    match field {
        _ if patterns > 0 => Condition::Other(format!("{field} by regular expression")),
        _ if by_type => Condition::Other(format!("{field} by type of address")),
        "host-header" => Condition::HostHeader(set(one.host_header_config().map(HostHeaderConditionConfig::values))),
        "path-pattern" => {
            Condition::PathPattern(set(one.path_pattern_config().map(PathPatternConditionConfig::values)))
        }
        "http-request-method" => {
            let config = one.http_request_method_config();
            Condition::HttpRequestMethod(set(config.map(HttpRequestMethodConditionConfig::values)))
        }
        "source-ip" => Condition::SourceIp(set(one.source_ip_config().map(SourceIpConditionConfig::values))),
        "query-string" => {
            let pairs = one.query_string_config().map(QueryStringConditionConfig::values).unwrap_or_default();
            let read = |pair: &QueryStringKeyValuePair| QueryString {
                key: pair.key.clone().filter(|key| !key.is_empty()),
                value: pair.value.clone().unwrap_or_default(),
            };
            Condition::QueryString(pairs.iter().map(read).collect())
        }
        "http-header" => {
            let config = one.http_header_config();
            let values = config.map(HttpHeaderConditionConfig::values).unwrap_or_default();
            Condition::HttpHeader(HttpHeader {
                name: config.and_then(|config| config.http_header_name.clone()).unwrap_or_default(),
                values: values.iter().map(|plain| SecretRef::Sealed(vault.seal(plain))).collect(),
            })
        }
        other => Condition::Other(other.to_owned()),
    }
}

fn conditions_sent(call: &'static str, spec: &Spec, vault: &Vault) -> Result<Vec<RuleCondition>, Fault> {
    spec.conditions.iter().map(|condition| condition_sent(call, condition, vault)).collect()
}

fn condition_sent(call: &'static str, condition: &Condition, vault: &Vault) -> Result<RuleCondition, Fault> {
    let list = |values: &BTreeSet<String>| Some(values.iter().cloned().collect::<Vec<_>>());
    let of = |field: &str| RuleCondition::builder().field(field);
    Ok(match condition {
        Condition::HostHeader(values) => {
            let config = HostHeaderConditionConfig::builder().set_values(list(values)).build();
            of("host-header").host_header_config(config).build()
        }
        Condition::PathPattern(values) => {
            let config = PathPatternConditionConfig::builder().set_values(list(values)).build();
            of("path-pattern").path_pattern_config(config).build()
        }
        Condition::HttpRequestMethod(values) => {
            let config = HttpRequestMethodConditionConfig::builder().set_values(list(values)).build();
            of("http-request-method").http_request_method_config(config).build()
        }
        Condition::SourceIp(values) => {
            let config = SourceIpConditionConfig::builder().set_values(list(values)).build();
            of("source-ip").source_ip_config(config).build()
        }
        Condition::QueryString(pairs) => {
            let pair = |one: &QueryString| {
                QueryStringKeyValuePair::builder().set_key(one.key.clone()).value(&one.value).build()
            };
            let config = QueryStringConditionConfig::builder().set_values(Some(pairs.iter().map(pair).collect()));
            of("query-string").query_string_config(config.build()).build()
        }
        Condition::HttpHeader(header) => {
            let values = header.values.iter().map(|value| opened(call, &header.name, value, vault));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            let config = HttpHeaderConditionConfig::builder().http_header_name(&header.name).set_values(Some(values));
            of("http-header").http_header_config(config.build()).build()
        }
        Condition::Other(what) => {
            let text = format!("a condition `{what}` can only be read");
            return Err(Fault::new(Class::Invalid, call, "NotSupported", text));
        }
    })
}

/// The header values of a request.
fn secrets_in(conditions: &[RuleCondition]) -> Vec<String> {
    let headers = conditions.iter().filter_map(RuleCondition::http_header_config);
    headers.flat_map(|config| config.values().to_vec()).collect()
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
