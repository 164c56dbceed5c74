//! `ssm.file` in AWS: written once and never over. Whose it is and what it holds, its name tells: of those that are listed,
//! the value is read only where the version says that somebody has written over it.

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::AtCreate;
use agent_core::live::{Live, Mark, Owner, Phase, TAG_STACK};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ssm::file::{File, Out, Spec, is_named_after, told_by};
use aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder;
use aws_sdk_ssm::types::{ParameterMetadata, ParameterTier, ParameterType, ResourceTypeForTagging};
use futures_util::future::try_join_all;

use super::{DESCRIBE, filter, tag};
use crate::Aws;
use crate::fault::{fault, lacks};

const PUT: &str = "ssm:PutParameter";

impl Provider<File> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<File>>, Fault> {
        let all = self.parameters_of_stack(scope, listing.reads).await?;
        let own = all.iter().filter(|found| told_by(&scope.stack, found.name().unwrap_or_default()).is_some());
        let mut found = try_join_all(own.map(|found| self.file_listed(scope, found))).await?;
        for name in listing.adopted {
            found.extend(self.file(scope, name).await?);
        }
        Ok(found)
    }

    async fn find(&self, scope: &Scope, sought: &Sought<'_, File>) -> Result<Option<Live<File>>, Fault> {
        self.file(scope, sought.id.unwrap_or(&sought.spec.name)).await
    }

    async fn create(&self, _: &Scope, new: &New<'_, File>) -> Result<String, Fault> {
        let wanted = new.spec.tags.0.clone().unwrap_or_default();
        let tags = new.mark.tags(&wanted).into_iter().map(tag).collect::<Result<_, _>>()?;
        // A name that is taken is answered with ParameterAlreadyExists, and the one of that name holds the same.
        let put = self.put_file(new.spec)?.overwrite(false).set_tags(Some(tags));
        put.send().await.map_err(fault(PUT))?;
        Ok(new.spec.name.clone())
    }

    /// Only where somebody has been at it: it gets back what its name says, and the tags that it is found by. A new one in
    /// its stead would be missing to tasks that start meanwhile.
    async fn update(&self, _: &Scope, update: &Update<'_, File>) -> Result<(), Fault> {
        if !update.changed.touches("intact") {
            return Ok(());
        }
        let name = &update.live.id;
        if !self.holds_its_part(name).await? {
            self.put_file(update.to)?.overwrite(true).send().await.map_err(fault(PUT))?;
        }
        let wanted = update.to.tags.0.clone().unwrap_or_default();
        let tags = update.mark.tags(&wanted).into_iter().map(tag).collect::<Result<_, _>>()?;
        let call = self.ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
        call.set_tags(Some(tags)).send().await.map_err(fault("ssm:AddTagsToResource"))?;
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<File>) -> Result<(), Fault> {
        self.ssm.delete_parameter().name(&live.id).send().await.map_err(fault("ssm:DeleteParameter"))?;
        Ok(())
    }
}

impl Aws {
    fn put_file(&self, spec: &Spec) -> Result<PutParameterFluentBuilder, Fault> {
        let lost = || Fault::new(Class::Invalid, PUT, "NoValue", "the wanted part has no value");
        let value = spec.value.0.clone().ok_or_else(lost)?;
        let put = self.ssm.put_parameter().name(&spec.name).value(value);
        Ok(put.r#type(ParameterType::String).tier(ParameterTier::Standard))
    }

    /// One by its name, looked at closely: it may be there without the tags that a list finds it by, or by another hand.
    async fn file(&self, scope: &Scope, name: &str) -> Result<Option<Live<File>>, Fault> {
        let described = self.parameters_described(filter("Name", [name.to_owned()])?).await?;
        let Some(found) = described.first() else { return Ok(None) };
        let (holds, tags) = tokio::try_join!(self.holds_its_part(name), self.parameter_tags(name))?;
        // What has no tags because it has just been made says nothing.
        let is_listed = tags.is_none_or(|tags| tags.get(TAG_STACK) == Some(&scope.stack));
        file_live(scope, found, holds && is_listed).map(Some)
    }

    /// One of a list. Where nobody has written over it, it holds what its name says.
    async fn file_listed(&self, scope: &Scope, found: &ParameterMetadata) -> Result<Live<File>, Fault> {
        let intact = found.version <= 1 || self.holds_its_part(found.name().unwrap_or_default()).await?;
        file_live(scope, found, intact)
    }

    async fn holds_its_part(&self, name: &str) -> Result<bool, Fault> {
        let answer = self.ssm.get_parameter().name(name).with_decryption(false).send().await;
        match answer.map_err(fault("ssm:GetParameter")) {
            Ok(answer) => {
                Ok(answer.parameter.and_then(|held| held.value).is_some_and(|held| is_named_after(name, &held)))
            }
            // It has just been made, or has just gone; whoever needs it finds that out.
            Err(fault) if fault.class == Class::NotFound => Ok(true),
            Err(fault) => Err(fault),
        }
    }
}

fn file_live(scope: &Scope, found: &ParameterMetadata, intact: bool) -> Result<Live<File>, Fault> {
    let name = found.name.clone().ok_or_else(|| lacks(DESCRIBE, "Name"))?;
    let owner = match told_by(&scope.stack, &name) {
        // The name tells no generation: one of another content has another name.
        Some(address) => Owner::Stack(Mark { stack: scope.stack.clone(), address, generation: String::new() }),
        None => Owner::Nobody,
    };
    let spec = Spec { name: name.clone(), value: AtCreate(None), intact, tags: AtCreate(None) };
    Ok(Live { spec, out: Out { name: name.clone(), version: found.version }, id: name, owner, phase: Phase::Ready })
}
