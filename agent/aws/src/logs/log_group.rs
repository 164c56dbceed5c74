//! `logs.log_group` in AWS. Whose a group is, its name tells; tags are written for people and never read.

use agent_core::address::Scope;
use agent_core::fault::{Class as FaultClass, Fault};
use agent_core::field::AtCreate;
use agent_core::live::{Live, Mark, Owner, Phase};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::reference::Text;
use agent_model::kinds::logs::log_group::{Class, Days, LogGroup, Out, Spec, prefix_of, told_by};
use aws_sdk_cloudwatchlogs::types::{self as sdk, LogGroupClass};

use crate::Aws;
use crate::fault::{fault, lacks, plain};

const DESCRIBE: &str = "logs:DescribeLogGroups";

impl Provider<LogGroup> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<LogGroup>>, Fault> {
        let prefix = prefix_of(&scope.stack);
        let call = self.logs.describe_log_groups().log_group_name_prefix(&prefix);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(DESCRIBE))?.log_groups.unwrap_or_default());
        }
        for name in listing.adopted.iter().filter(|name| !name.starts_with(&prefix)) {
            found.extend(self.log_group(name).await?);
        }
        found.into_iter().map(log_group_live).collect()
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, LogGroup>) -> Result<Option<Live<LogGroup>>, Fault> {
        let found = self.log_group(sought.id.unwrap_or(&sought.spec.name)).await?;
        let mut live = found.map(log_group_live).transpose()?;
        if let Some(live) = live.as_mut().filter(|live| sought.id.is_some() && live.owner == Owner::Nobody) {
            // Asked for by id, one whose name tells no owner is one that this address has adopted: nothing else says so.
            live.owner = Owner::Stack(sought.mark.clone());
        }
        Ok(live)
    }

    async fn create(&self, _: &Scope, new: &New<'_, LogGroup>) -> Result<String, Fault> {
        let action = "logs:CreateLogGroup";
        let spec = new.spec;
        let tags = new.mark.tags(spec.tags.0.as_ref().unwrap_or(&std::collections::BTreeMap::new()));
        let call =
            self.logs.create_log_group().log_group_name(&spec.name).log_group_class(sdk_class(spec.log_group_class));
        let call = call.set_kms_key_id(spec.kms_key_id.as_ref().map(|key| plain(action, key)).transpose()?);
        call.set_tags(Some(tags.into_iter().collect())).send().await.map_err(fault(action))?;
        Ok(spec.name.clone())
    }

    async fn update(&self, _: &Scope, update: &Update<'_, LogGroup>) -> Result<(), Fault> {
        if update.changed.touches("retention_in_days") {
            self.put_retention(&update.live.id, update.to.retention_in_days).await?;
        }
        if update.changed.touches("kms_key_id") {
            self.put_log_key(&update.live.id, update.to.kms_key_id.as_ref()).await?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<LogGroup>) -> Result<(), Fault> {
        self.logs.delete_log_group().log_group_name(&live.id).send().await.map_err(fault("logs:DeleteLogGroup"))?;
        Ok(())
    }
}

impl Aws {
    /// The group of exactly this name: of those that begin with it, AWS gives it first.
    async fn log_group(&self, name: &str) -> Result<Option<sdk::LogGroup>, Fault> {
        let call = self.logs.describe_log_groups().log_group_name_prefix(name).limit(1);
        let answer = call.send().await.map_err(fault(DESCRIBE))?;
        Ok(answer.log_groups.unwrap_or_default().into_iter().find(|group| group.log_group_name() == Some(name)))
    }

    async fn put_retention(&self, name: &str, days: Option<Days>) -> Result<(), Fault> {
        if let Some(Days(days)) = days {
            let call = self.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
            call.send().await.map_err(fault("logs:PutRetentionPolicy"))?;
        } else {
            let call = self.logs.delete_retention_policy().log_group_name(name);
            call.send().await.map_err(fault("logs:DeleteRetentionPolicy"))?;
        }
        Ok(())
    }

    async fn put_log_key(&self, name: &str, key: Option<&Text>) -> Result<(), Fault> {
        if let Some(key) = key {
            let action = "logs:AssociateKmsKey";
            let call = self.logs.associate_kms_key().log_group_name(name).kms_key_id(plain(action, key)?);
            call.send().await.map_err(fault(action))?;
        } else {
            let call = self.logs.disassociate_kms_key().log_group_name(name);
            call.send().await.map_err(fault("logs:DisassociateKmsKey"))?;
        }
        Ok(())
    }
}

fn log_group_live(group: sdk::LogGroup) -> Result<Live<LogGroup>, Fault> {
    let name = group.log_group_name.ok_or_else(|| lacks(DESCRIBE, "logGroupName"))?;
    let arn = group.log_group_arn.or(group.arn).ok_or_else(|| lacks(DESCRIBE, "logGroupArn"))?;
    // "If an account-level retention policy applies, retentionInDays shows the period from that policy": not the group's.
    let own = group.retention_policy_name.is_none();
    let spec = Spec {
        name: name.clone(),
        retention_in_days: group.retention_in_days.filter(|_| own).map(Days),
        kms_key_id: group.kms_key_id.map(Text::from),
        log_group_class: group.log_group_class.map_or(Ok(Class::Standard), |class| class_of(&class))?,
        tags: AtCreate(None),
    };
    let out = Out { name: name.clone(), arn: arn.strip_suffix(":*").unwrap_or(&arn).to_owned() };
    Ok(Live { owner: owner_of(&name), id: name, spec, out, phase: Phase::Ready })
}

/// The owner that a name tells of. It tells no generation.
fn owner_of(name: &str) -> Owner {
    match told_by(name) {
        Some((stack, address)) => Owner::Stack(Mark { stack: stack.to_owned(), address, generation: String::new() }),
        None => Owner::Nobody,
    }
}

const CLASSES: [(Class, &str); 4] = [
    (Class::Standard, "STANDARD"),
    (Class::InfrequentAccess, "INFREQUENT_ACCESS"),
    (Class::Essentials, "ESSENTIALS"),
    (Class::Delivery, "DELIVERY"),
];

/// By its word: the SDK does not name every class yet.
fn sdk_class(class: Class) -> LogGroupClass {
    let word = CLASSES.into_iter().find(|(known, _)| *known == class).map_or("STANDARD", |(_, word)| word);
    LogGroupClass::from(word)
}

fn class_of(class: &LogGroupClass) -> Result<Class, Fault> {
    CLASSES.into_iter().find(|(_, word)| *word == class.as_str()).map(|(class, _)| class).ok_or_else(|| {
        // Taken for another, it would be replaced.
        let text = format!("this agent does not know the log group class {}", class.as_str());
        Fault::new(FaultClass::Invalid, DESCRIBE, "UnknownClass", text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_owner() {
        let Owner::Stack(mark) = owner_of("/gitops-agent/hello/service.web") else { panic!("nobody's") };
        assert_eq!((mark.stack.as_str(), mark.address.as_str()), ("hello", "service.web/logs.log_group"));
        for name in ["/gitops-agent", "/gitops-agent/", "/gitops-agent//service.web", "/aws/ecs/hello", "hello"] {
            assert_eq!(owner_of(name), Owner::Nobody, "{name}");
        }
    }

    #[test]
    fn a_group_is_read_back_as_it_was_made() {
        let group = sdk::LogGroup::builder()
            .log_group_name("/gitops-agent/hello/service.web")
            .arn("arn:aws:logs:eu-west-1:1:log-group:/gitops-agent/hello/service.web:*")
            .retention_in_days(30);
        let live = log_group_live(group.clone().build()).unwrap();
        assert_eq!(live.out.arn, "arn:aws:logs:eu-west-1:1:log-group:/gitops-agent/hello/service.web");
        assert_eq!(live.spec.retention_in_days, Some(Days(30)));
        let under_policy = log_group_live(group.retention_policy_name("account").build()).unwrap();
        assert_eq!(under_policy.spec.retention_in_days, None, "the account's period is not the group's");
    }

    #[test]
    fn every_class_goes_there_and_back() {
        for class in [Class::Standard, Class::InfrequentAccess, Class::Essentials, Class::Delivery] {
            assert_eq!(class_of(&sdk_class(class)).unwrap(), class);
        }
        assert!(class_of(&LogGroupClass::from("GLACIAL")).is_err());
    }
}
