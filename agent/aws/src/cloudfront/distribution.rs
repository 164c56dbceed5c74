//! `cloudfront.distribution` in AWS. Every update sends the whole configuration with the tag of the one that it was made
//! from, so it is read anew right before, and what the spec does not know stays as it is.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::live::{Live, Mark, Owner, Phase};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::cloudfront::distribution::{Distribution, Out, Spec};
use aws_sdk_cloudfront::types::{self as sdk, DistributionConfig, DistributionConfigWithTags, Tag, Tags};
use futures_util::future::try_join_all;

use super::config::{applied, bare, secrets_in, spec_read};
use crate::Aws;
use crate::fault::{fault, lacks, unless_gone};
use crate::secrets::silenced;

const LIST: &str = "cloudfront:ListDistributions";
const GET: &str = "cloudfront:GetDistribution";
const CREATE: &str = "cloudfront:CreateDistributionWithTags";
const UPDATE: &str = "cloudfront:UpdateDistribution";
const TAGS: &str = "cloudfront:ListTagsForResource";

/// How many distributions are asked for their tags together.
const TAGS_AT_ONCE: usize = 10;

type TagMap = BTreeMap<String, String>;

impl Provider<Distribution> for Aws {
    /// The list tells no tags: those whose comment begins with the stack's name are looked at, two calls each, at once.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Distribution>>, Fault> {
        let prefix = format!("{}-", scope.stack);
        let sought = |one: &sdk::DistributionSummary| {
            one.comment().starts_with(&prefix) || listing.adopted.iter().any(|id| id == one.id())
        };
        let near = self.distributions_summed_up(sought).await?;
        let read = try_join_all(near.iter().map(|one| self.distribution_live(&one.id, &one.arn))).await?;
        let ours = |live: &Live<Distribution>| {
            live.owner.of_stack(&scope.stack).is_some() || listing.adopted.contains(&live.id)
        };
        Ok(read.into_iter().flatten().filter(ours).collect())
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Distribution>) -> Result<Option<Live<Distribution>>, Fault> {
        if let Some(id) = sought.id {
            return self.distribution_found(id).await;
        }
        let all = self.distributions_summed_up(|_| true).await?;
        let (near, others): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.comment() == sought.spec.comment);
        // Of one whose comment somebody has changed the tags tell: before another is made, one call for each, few at a
        // time, since the account may hold hundreds and CloudFront throttles by the account.
        for some in [&near[..]].into_iter().chain(others.chunks(TAGS_AT_ONCE)) {
            let owners = try_join_all(some.iter().map(|one| self.distribution_owner(&one.arn))).await?;
            let ours = |owner: &Owner| matches!(owner, Owner::Stack(mark) if mark == sought.mark);
            if let Some(at) = owners.iter().position(ours) {
                return self.distribution_found(&some[at].id).await;
            }
        }
        Ok(None)
    }

    async fn create(&self, _: &Scope, new: &New<'_, Distribution>) -> Result<String, Fault> {
        let config = applied(CREATE, bare(new.token, new.spec)?, new.spec, &self.vault)?;
        let silent = silenced(secrets_in(&config));
        let tags = Tags::builder().set_items(Some(tags(CREATE, new.mark, new.spec)?)).build();
        let whole = DistributionConfigWithTags::builder().distribution_config(config).tags(tags).build();
        let call = self.cloudfront.create_distribution_with_tags().distribution_config_with_tags(whole);
        let answer = call.send().await.map_err(fault(CREATE)).map_err(silent)?;
        answer.distribution.map(|made| made.id).ok_or_else(|| lacks(CREATE, "Distribution"))
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Distribution>) -> Result<(), Fault> {
        if update.changed.paths.iter().any(|path| !path.starts_with("tags")) {
            let change = |config| applied(UPDATE, config, update.to, &self.vault);
            self.distribution_change(&update.live.id, change).await?;
        }
        if update.changed.tags() {
            let tags = Tags::builder().set_items(Some(tags(UPDATE, update.mark, update.to)?)).build();
            let call = self.cloudfront.tag_resource().resource(&update.live.out.arn).tags(tags);
            call.send().await.map_err(fault("cloudfront:TagResource"))?;
        }
        Ok(())
    }

    /// It has to be disabled, everywhere, before it can go: that is sent now, and a later pass deletes it.
    async fn delete(&self, _: &Scope, live: &Live<Distribution>) -> Result<(), Fault> {
        let (mut held, mut tag) = self.distribution_held(&live.id).await?;
        if held.distribution_config.as_ref().is_some_and(|config| config.enabled) {
            let disabled = |mut config: DistributionConfig| {
                config.enabled = false;
                Ok(config)
            };
            self.distribution_change(&live.id, disabled).await?;
            (held, tag) = self.distribution_held(&live.id).await?;
        }
        if held.status != DEPLOYED {
            return Ok(());
        }
        let call = self.cloudfront.delete_distribution().id(&live.id).set_if_match(tag);
        call.send().await.map_err(fault("cloudfront:DeleteDistribution"))?;
        Ok(())
    }
}

/// "When the status is `Deployed`, the distribution's information is fully propagated to all `CloudFront` edge locations."
const DEPLOYED: &str = "Deployed";

impl Aws {
    /// All distributions of the account that are sought, a hundred a call.
    async fn distributions_summed_up(
        &self,
        sought: impl Fn(&sdk::DistributionSummary) -> bool,
    ) -> Result<Vec<sdk::DistributionSummary>, Fault> {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let call = self.cloudfront.list_distributions().max_items(100).set_marker(marker);
            let answer = call.send().await.map_err(fault(LIST))?;
            let Some(list) = answer.distribution_list else { return Ok(found) };
            found.extend(list.items.unwrap_or_default().into_iter().filter(&sought));
            match list.next_marker.filter(|next| list.is_truncated && !next.is_empty()) {
                Some(next) => marker = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn distribution_held(&self, id: &str) -> Result<(sdk::Distribution, Option<String>), Fault> {
        let answer = self.cloudfront.get_distribution().id(id).send().await.map_err(fault(GET))?;
        let held = answer.distribution.ok_or_else(|| lacks(GET, "Distribution"))?;
        Ok((held, answer.e_tag))
    }

    /// One of the list, of which the ARN is known: its configuration and its tags are asked for at once.
    async fn distribution_live(&self, id: &str, arn: &str) -> Result<Option<Live<Distribution>>, Fault> {
        let read = tokio::try_join!(self.distribution_held(id), self.distribution_tags(arn));
        unless_gone(read.and_then(|((held, _), tags)| self.distribution_read(held, &tags)))
    }

    /// One by its id.
    async fn distribution_found(&self, id: &str) -> Result<Option<Live<Distribution>>, Fault> {
        let read = async {
            let (held, _) = self.distribution_held(id).await?;
            let tags = self.distribution_tags(&held.arn).await?;
            self.distribution_read(held, &tags)
        };
        unless_gone(read.await)
    }

    fn distribution_read(&self, held: sdk::Distribution, tags: &TagMap) -> Result<Live<Distribution>, Fault> {
        let config = held.distribution_config.as_ref().ok_or_else(|| lacks(GET, "DistributionConfig"))?;
        let spec = spec_read(GET, config, tags, &self.vault)?;
        // AWS has one word for a new one on its way and for an old one that changes.
        let phase = if held.status == DEPLOYED { Phase::Ready } else { Phase::Changing };
        let out = Out { id: held.id.clone(), arn: held.arn, domain_name: held.domain_name };
        Ok(Live { id: held.id, spec, out, owner: Owner::from_tags(tags), phase })
    }

    /// Whose it is, by its tags; nobody's, where it went meanwhile.
    async fn distribution_owner(&self, arn: &str) -> Result<Owner, Fault> {
        let tags = unless_gone(self.distribution_tags(arn).await)?;
        Ok(tags.map_or(Owner::Nobody, |tags| Owner::from_tags(&tags)))
    }

    async fn distribution_tags(&self, arn: &str) -> Result<TagMap, Fault> {
        let answer = self.cloudfront.list_tags_for_resource().resource(arn).send().await.map_err(fault(TAGS))?;
        let tags = answer.tags.and_then(|tags| tags.items).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())).collect())
    }

    /// Reads the configuration, changes it, and sends it back as long as nobody has changed it meanwhile.
    async fn distribution_change(
        &self,
        id: &str,
        change: impl FnOnce(DistributionConfig) -> Result<DistributionConfig, Fault>,
    ) -> Result<(), Fault> {
        let (held, tag) = self.distribution_held(id).await?;
        let held = held.distribution_config.ok_or_else(|| lacks(GET, "DistributionConfig"))?;
        let config = change(held)?;
        let silent = silenced(secrets_in(&config));
        let call = self.cloudfront.update_distribution().id(id).set_if_match(tag).distribution_config(config);
        call.send().await.map_err(fault(UPDATE)).map_err(silent)?;
        Ok(())
    }
}

fn tags(action: &'static str, mark: &Mark, spec: &Spec) -> Result<Vec<Tag>, Fault> {
    let tag = |(key, value): (String, String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = mark.tags(&spec.tags.0).into_iter().map(tag).collect();
    tags.map_err(|error| Fault::new(Class::Invalid, action, "BadTag", error.to_string()))
}
