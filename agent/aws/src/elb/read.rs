//! What the kinds of this service read together. No list filters by tag, and listeners and rules are found only through
//! what they hang on: four lists of their own would ask for the same load balancers and tags again, one after the other.
//!
//! Four rounds of calls for all four kinds: load balancers and target groups; their tags, and the listeners of load
//! balancers that are named like ours; the rules and certificates of these; their tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agent_core::address::Scope;
use agent_core::fault::Fault;
use agent_core::live::Owner;
use agent_core::provider::Reads;
use agent_core::reference::Text;
use aws_sdk_elasticloadbalancingv2::types as sdk;
use futures_util::future::try_join_all;

use super::{PAGE, TagMap, unless_gone};
use crate::Aws;
use crate::fault::fault;

/// Something by its ARN, with its tags.
pub(super) type Tagged<T> = BTreeMap<String, (T, TagMap)>;

/// All load balancers and target groups of the region.
pub(super) struct Region {
    pub balancers: Tagged<sdk::LoadBalancer>,
    pub groups: Tagged<sdk::TargetGroup>,
}

/// The listeners of the stack's load balancers, and what hangs on them.
pub(super) struct Hanging {
    pub listeners: Tagged<sdk::Listener>,
    /// Further certificates of the secure listeners, by listener.
    pub certificates: BTreeMap<String, BTreeSet<Text>>,
    /// Rules, but for the default ones.
    pub rules: Tagged<sdk::Rule>,
}

impl Aws {
    /// Load balancers and target groups: one call each for up to 400, and their tags, twenty a call.
    pub(super) async fn elb_region(&self, reads: &Reads) -> Result<Arc<Region>, Fault> {
        reads.once("elb.region", || self.elb_region_read(reads)).await
    }

    async fn elb_region_read(&self, reads: &Reads) -> Result<Region, Fault> {
        let (balancers, groups) = tokio::try_join!(self.elb_balancers(reads), self.target_groups_described())?;
        let arns: Vec<String> = balancers.iter().map(arn_of).chain(groups.iter().map(arn_of)).collect();
        let mut tags = self.elb_tags(&arns).await?;
        Ok(Region { balancers: tagged(balancers.to_vec(), &mut tags), groups: tagged(groups, &mut tags) })
    }

    /// The load balancers of the region, before anything is known of their tags.
    async fn elb_balancers(&self, reads: &Reads) -> Result<Arc<Vec<(String, sdk::LoadBalancer)>>, Fault> {
        reads.once("elb.balancers", || self.balancers_described()).await
    }

    /// The listeners and rules of the load balancers that are the stack's: a call for each of these, another for each
    /// listener, one more for the certificates of a secure one, and the tags of twenty a call.
    pub(super) async fn elb_listeners(&self, scope: &Scope, reads: &Reads) -> Result<Arc<Hanging>, Fault> {
        reads.once("elb.listeners", || self.elb_listeners_read(scope, reads)).await
    }

    async fn elb_listeners_read(&self, scope: &Scope, reads: &Reads) -> Result<Hanging, Fault> {
        let mut listeners = self.elb_listeners_by_name(scope, reads).await?;
        let region = self.elb_region(reads).await?;
        let is_ours = |tags: &TagMap| Owner::from_tags(tags).of_stack(&scope.stack).is_some();
        let ours = region.balancers.iter().filter(|(_, (_, tags))| is_ours(tags)).map(|(arn, _)| arn);
        let (known, missed): (Vec<&String>, Vec<&String>) = ours.partition(|arn| listeners.contains_key(*arn));
        let known = known.into_iter().filter_map(|arn| listeners.remove(arn)).collect::<Vec<_>>();
        let missed = try_join_all(missed.into_iter().map(|arn| self.listeners_if_there(arn))).await?;
        let listeners: Vec<_> = known.into_iter().chain(missed).flatten().collect();
        self.elb_hanging_read(listeners).await
    }

    /// Our load balancers are named after the stack, so while their tags are being read, the listeners of those that look
    /// like ours are too. One by another name is found by its tags, a round later.
    async fn elb_listeners_by_name(
        &self,
        scope: &Scope,
        reads: &Reads,
    ) -> Result<BTreeMap<String, Vec<(String, sdk::Listener)>>, Fault> {
        let balancers = self.elb_balancers(reads).await?;
        let prefix = format!("{}-", scope.stack);
        let named = |one: &sdk::LoadBalancer| one.load_balancer_name().is_some_and(|name| name.starts_with(&prefix));
        let ours: Vec<&String> = balancers.iter().filter(|(_, one)| named(one)).map(|(arn, _)| arn).collect();
        let (found, _) = tokio::try_join!(
            try_join_all(ours.iter().map(|arn| self.listeners_if_there(arn))),
            self.elb_region(reads)
        )?;
        Ok(ours.into_iter().cloned().zip(found).collect())
    }

    async fn listeners_if_there(&self, balancer: &str) -> Result<Vec<(String, sdk::Listener)>, Fault> {
        Ok(unless_gone(self.listeners_of(balancer).await)?.unwrap_or_default())
    }

    async fn elb_hanging_read(&self, listeners: Vec<(String, sdk::Listener)>) -> Result<Hanging, Fault> {
        let hanging = listeners.iter().map(|(arn, one)| async move {
            let both = async { tokio::try_join!(self.rules_of(arn), self.further_certificates(arn, one)) };
            Ok::<_, Fault>(unless_gone(both.await)?.map(|(rules, certificates)| (arn, rules, certificates)))
        });
        let (mut rules, mut certificates) = (Vec::new(), BTreeMap::new());
        for (arn, of_it, further) in try_join_all(hanging).await?.into_iter().flatten() {
            rules.extend(of_it);
            certificates.insert(arn.clone(), further);
        }
        let arns: Vec<String> = listeners.iter().map(arn_of).chain(rules.iter().map(arn_of)).collect();
        let mut tags = self.elb_tags(&arns).await?;
        let (listeners, rules) = (tagged(listeners, &mut tags), tagged(rules, &mut tags));
        Ok(Hanging { listeners, certificates, rules })
    }

    /// All load balancers of the region but gateway ones, which are another kind.
    async fn balancers_described(&self) -> Result<Vec<(String, sdk::LoadBalancer)>, Fault> {
        let mut pages = self.elb.describe_load_balancers().page_size(PAGE).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(fault("elasticloadbalancing:DescribeLoadBalancers"))?;
            let page = page.load_balancers.unwrap_or_default().into_iter();
            let page = page.filter(|one| one.r#type != Some(sdk::LoadBalancerTypeEnum::Gateway));
            all.extend(page.filter_map(|one| Some((one.load_balancer_arn.clone()?, one))));
        }
        Ok(all)
    }

    async fn target_groups_described(&self) -> Result<Vec<(String, sdk::TargetGroup)>, Fault> {
        let mut pages = self.elb.describe_target_groups().page_size(PAGE).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(fault("elasticloadbalancing:DescribeTargetGroups"))?;
            let page = page.target_groups.unwrap_or_default();
            all.extend(page.into_iter().filter_map(|one| Some((one.target_group_arn.clone()?, one))));
        }
        Ok(all)
    }

    /// The tags of resources by ARN, twenty a call. One that was deleted meanwhile is left out; AWS would refuse all for it.
    pub(super) async fn elb_tags(&self, arns: &[String]) -> Result<BTreeMap<String, TagMap>, Fault> {
        let found = try_join_all(arns.chunks(TAGGED).map(|twenty| self.elb_tags_of_some(twenty))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn elb_tags_of_some(&self, twenty: &[String]) -> Result<Vec<(String, TagMap)>, Fault> {
        if let Some(found) = unless_gone(self.elb_tags_of(twenty).await)? {
            return Ok(found);
        }
        let alone = twenty.chunks(1).filter(|_| twenty.len() > 1);
        let alone = try_join_all(alone.map(|one| async { unless_gone(self.elb_tags_of(one).await) })).await?;
        Ok(alone.into_iter().flatten().flatten().collect())
    }

    async fn elb_tags_of(&self, arns: &[String]) -> Result<Vec<(String, TagMap)>, Fault> {
        let call = self.elb.describe_tags().set_resource_arns(Some(arns.to_vec()));
        let answer = call.send().await.map_err(fault("elasticloadbalancing:DescribeTags"))?;
        let described = answer.tag_descriptions.unwrap_or_default().into_iter();
        let pair = |tag: sdk::Tag| Some((tag.key?, tag.value.unwrap_or_default()));
        let tags = described.filter_map(|described| {
            Some((described.resource_arn?, described.tags.unwrap_or_default().into_iter().filter_map(pair).collect()))
        });
        Ok(tags.collect())
    }
}

/// "You can specify up to 20 resources in a single call": `DescribeTags`.
const TAGGED: usize = 20;

fn arn_of<T>((arn, _): &(String, T)) -> String {
    arn.clone()
}

/// What has no tags has gone since it was described.
fn tagged<T>(all: Vec<(String, T)>, tags: &mut BTreeMap<String, TagMap>) -> Tagged<T> {
    all.into_iter().filter_map(|(arn, one)| Some((arn.clone(), (one, tags.remove(&arn)?)))).collect()
}

/// Those that the stack owns or the manifest adopts.
pub(super) fn ours<'a, T>(
    scope: &'a Scope,
    adopted: &'a [String],
    all: &'a Tagged<T>,
) -> impl Iterator<Item = &'a (T, TagMap)> {
    all.iter()
        .filter(|(arn, (_, tags))| Owner::from_tags(tags).of_stack(&scope.stack).is_some() || adopted.contains(arn))
        .map(|(_, one)| one)
}
