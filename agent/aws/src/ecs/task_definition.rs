//! `ecs.task_definition` in AWS: revisions of families, each read once by a process, because it cannot change.

pub(in crate::ecs) mod read;
pub(in crate::ecs) mod write;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::live::{Live, Mark, Owner, Phase};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ecs::task_definition::TaskDefinition;
use aws_sdk_ecs::Config;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types::{
    self as sdk, SortOrder, TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus,
};
use futures_util::future::try_join_all;

use super::{tag_map, tags};
use crate::Aws;
use crate::fault::{fault, lacks};

const DESCRIBE: &str = "ecs:DescribeTaskDefinition";
const LIST: &str = "ecs:ListTaskDefinitions";

/// The most that ECS gives in one page.
const PAGE: i32 = 100;

/// How many are asked for at once, so that a stack of many services does not throttle itself.
const AT_ONCE: usize = 20;

/// The definitions that this process has read, by ARN. Cheap to clone; all clones are one.
///
/// A revision cannot change, so its spec is right for ever; whether it is still active is told by each list. Its tags can
/// change behind our back, and this is accepted: they only say whose it is, and a process that starts anew reads them.
#[derive(Clone, Default)]
pub struct Definitions(Arc<Mutex<BTreeMap<String, Known>>>);

/// What is known of a definition.
#[derive(Clone)]
enum Known {
    /// A stack's.
    Owned(Arc<Live<TaskDefinition>>),
    /// Nobody's that we know, read so this often: tags may lag behind a definition that is just made, so once is not
    /// enough.
    Foreign(u8),
}

impl Definitions {
    fn map(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, arn: &str) -> Option<Known> {
        self.map().get(arn).filter(|known| !matches!(known, Known::Foreign(0 | 1))).cloned()
    }

    fn learn(&self, live: &Live<TaskDefinition>) {
        let mut map = self.map();
        let known = match (&live.owner, map.get(&live.id)) {
            (Owner::Stack(_), _) => Known::Owned(Arc::new(copy(live))),
            (Owner::Nobody, Some(Known::Foreign(times))) => Known::Foreign(times.saturating_add(1)),
            (Owner::Nobody, _) => Known::Foreign(1),
        };
        map.insert(live.id.clone(), known);
    }

    fn forget(&self, arn: &str) {
        self.map().remove(arn);
    }

    /// Forgets those of families that begin with `prefix` and are not active any more.
    fn keep(&self, prefix: &str, active: &[String]) {
        self.map().retain(|arn, _| !family_of(arn).starts_with(prefix) || active.contains(arn));
    }
}

/// `Live` is not `Clone`, because kinds need not be.
fn copy(live: &Live<TaskDefinition>) -> Live<TaskDefinition> {
    Live {
        id: live.id.clone(),
        spec: live.spec.clone(),
        out: live.out.clone(),
        owner: live.owner.clone(),
        phase: live.phase.clone(),
    }
}

impl Provider<TaskDefinition> for Aws {
    /// The active ones of families that begin with the stack's name, newest first. A process that has read them before
    /// needs the list alone: see [`Aws::active_definitions`] for its calls.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<TaskDefinition>>, Fault> {
        let prefix = format!("{}-", scope.stack);
        let mut arns = self.active_definitions(&prefix).await?;
        self.definitions.keep(&prefix, &arns);
        arns.extend(listing.adopted.iter().filter(|id| !arns.contains(id)).cloned().collect::<Vec<_>>());
        let mut found = Vec::new();
        for some in arns.chunks(AT_ONCE) {
            let read = some.iter().map(|arn| self.definition_of(scope, arn, listing.adopted.contains(arn)));
            found.extend(try_join_all(read).await?.into_iter().flatten());
        }
        Ok(found)
    }

    /// Without an id: what a lost answer left, which is the newest of the family that carries the mark.
    async fn find(
        &self,
        _: &Scope,
        sought: &Sought<'_, TaskDefinition>,
    ) -> Result<Option<Live<TaskDefinition>>, Fault> {
        if let Some(arn) = sought.id {
            return self.definition(arn).await;
        }
        for arn in self.active_revisions(&sought.spec.family).await? {
            if self.definitions.get(&arn).is_some_and(|known| !is_marked(&known, sought.mark)) {
                continue;
            }
            let found = self.definition(&arn).await?;
            if let Some(live) = found.filter(|live| live.owner == Owner::Stack(sought.mark.clone())) {
                return Ok(Some(live));
            }
        }
        Ok(None)
    }

    async fn create(&self, _: &Scope, new: &New<'_, TaskDefinition>) -> Result<String, Fault> {
        let call = self.register(new.spec)?.set_tags(Some(tags(new.mark, &new.spec.tags.0)));
        // Neither token nor unique name: the SDK's retry of a lost answer would register it twice.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let answer = call.customize().config_override(once).send().await.map_err(fault(write::REGISTER))?;
        let made = answer.task_definition.and_then(|definition| definition.task_definition_arn);
        made.ok_or_else(|| lacks(write::REGISTER, "taskDefinitionArn"))
    }

    /// Tags alone: everything else takes a new revision.
    async fn update(&self, _: &Scope, update: &Update<'_, TaskDefinition>) -> Result<(), Fault> {
        if update.changed.tags() {
            self.definitions.forget(&update.live.id);
            self.ecs_tag(&update.live.id, update.mark, &update.to.tags.0).await?;
        }
        Ok(())
    }

    /// Tasks and services that use it go on; it only cannot be taken for new ones.
    async fn delete(&self, _: &Scope, live: &Live<TaskDefinition>) -> Result<(), Fault> {
        self.definitions.forget(&live.id);
        let call = self.ecs.deregister_task_definition().task_definition(&live.id);
        call.send().await.map_err(fault("ecs:DeregisterTaskDefinition"))?;
        Ok(())
    }
}

fn is_marked(known: &Known, mark: &Mark) -> bool {
    matches!(known, Known::Owned(live) if live.owner == Owner::Stack(mark.clone()))
}

impl Aws {
    /// The ARNs of the active definitions of families that begin with `prefix`, the newest of each family first.
    ///
    /// The list of definitions has no filter by prefix, and there is no batched description. So the first page of all
    /// definitions of the account is asked for: where they are a hundred at most, that one call is all. In a fuller account
    /// it is lost, and there follow one call for the families and one for each of them, which does not depend on how
    /// many definitions other people have left lying about.
    async fn active_definitions(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let call = self.ecs.list_task_definitions().status(TaskDefinitionStatus::Active).sort(SortOrder::Desc);
        let page = call.max_results(PAGE).send().await.map_err(fault(LIST))?;
        let mut arns = page.task_definition_arns.unwrap_or_default();
        if page.next_token.is_some() {
            arns.clear();
            for some in self.families(prefix).await?.chunks(AT_ONCE) {
                let read = some.iter().map(|family| self.active_revisions(family));
                arns.extend(try_join_all(read).await?.into_iter().flatten());
            }
        }
        arns.retain(|arn| family_of(arn).starts_with(prefix));
        arns.sort_by_cached_key(|arn| (family_of(arn).to_owned(), Reverse(revision_of(arn))));
        Ok(arns)
    }

    async fn families(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let call = self.ecs.list_task_definition_families().family_prefix(prefix);
        let call = call.status(TaskDefinitionFamilyStatus::Active).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault("ecs:ListTaskDefinitionFamilies"))?.families.unwrap_or_default());
        }
        Ok(found)
    }

    /// The active revisions of one family, newest first.
    async fn active_revisions(&self, family: &str) -> Result<Vec<String>, Fault> {
        let call = self.ecs.list_task_definitions().family_prefix(family).status(TaskDefinitionStatus::Active);
        let mut pages = call.sort(SortOrder::Desc).max_results(PAGE).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(LIST))?.task_definition_arns.unwrap_or_default());
        }
        found.retain(|arn| family_of(arn) == family);
        found.sort_by_key(|arn| Reverse(revision_of(arn)));
        Ok(found)
    }

    /// One definition, if the stack owns or adopts it; asked for only where this process does not know it yet.
    async fn definition_of(
        &self,
        scope: &Scope,
        arn: &str,
        adopted: bool,
    ) -> Result<Option<Live<TaskDefinition>>, Fault> {
        let live = match self.definitions.get(arn) {
            Some(Known::Owned(live)) => Some(copy(&live)),
            Some(Known::Foreign(_)) if !adopted => None,
            _ => self.definition(arn).await?,
        };
        Ok(live.filter(|live| adopted || live.owner.of_stack(&scope.stack).is_some()))
    }

    /// One definition, read from AWS and remembered; `None` if it is not active any more.
    async fn definition(&self, arn: &str) -> Result<Option<Live<TaskDefinition>>, Fault> {
        let call = self.ecs.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
        let answer = match call.send().await.map_err(fault(DESCRIBE)) {
            Ok(answer) => answer,
            Err(fault) if fault.class == Class::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let read: sdk::TaskDefinition = answer.task_definition.ok_or_else(|| lacks(DESCRIBE, "taskDefinition"))?;
        if read.status != Some(TaskDefinitionStatus::Active) {
            self.definitions.forget(arn);
            return Ok(None);
        }
        let tags = tag_map(answer.tags.as_deref().unwrap_or_default());
        let (spec, out) = read::definition(read, &tags)?;
        let live = Live { id: out.arn.clone(), spec, out, owner: Owner::from_tags(&tags), phase: Phase::Ready };
        self.definitions.learn(&live);
        Ok(Some(live))
    }
}

/// `web` of `arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7`.
fn family_of(arn: &str) -> &str {
    let name = arn.rsplit('/').next().unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

/// `7` of `arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7`.
fn revision_of(arn: &str) -> u64 {
    arn.rsplit(':').next().and_then(|revision| revision.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use agent_model::kinds::ecs::task_definition::{Out, Spec};

    use super::*;

    const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/hello-web:12";

    fn live(owner: Owner) -> Live<TaskDefinition> {
        let spec: Spec = serde_json::from_value(
            serde_json::json!({"family": "hello-web", "cpu": 256, "memory": 512, "containers": {}}),
        )
        .unwrap();
        let out = Out { arn: ARN.into(), family: "hello-web".into(), revision: 12 };
        Live { id: ARN.into(), spec, out, owner, phase: Phase::Ready }
    }

    fn owned() -> Owner {
        let address = "service.web/ecs.task_definition".parse().unwrap();
        Owner::Stack(Mark { stack: "hello".into(), address, generation: "0123456789ab".into() })
    }

    #[test]
    fn an_arn_tells_family_and_revision() {
        assert_eq!((family_of(ARN), revision_of(ARN)), ("hello-web", 12));
    }

    #[test]
    fn an_owned_one_is_known_at_once_and_a_foreign_one_after_a_second_look() {
        let known = Definitions::default();
        known.learn(&live(Owner::Nobody));
        assert!(known.get(ARN).is_none(), "its tags may lag");
        known.learn(&live(Owner::Nobody));
        assert!(matches!(known.get(ARN), Some(Known::Foreign(2))));
        known.learn(&live(owned()));
        assert!(matches!(known.get(ARN), Some(Known::Owned(_))));
    }

    #[test]
    fn what_is_not_active_any_more_is_forgotten_and_other_stacks_ones_stay() {
        let known = Definitions::default();
        known.learn(&live(owned()));
        known.keep("other-", &[]);
        known.keep("hello-", &[ARN.to_owned()]);
        assert!(known.get(ARN).is_some());
        known.keep("hello-", &[]);
        assert!(known.get(ARN).is_none());
    }
}
