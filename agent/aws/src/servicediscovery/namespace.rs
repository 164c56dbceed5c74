//! `servicediscovery.namespace` in AWS.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::AtCreate;
use agent_core::live::{Live, Mark, Owner, Phase};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_core::wait::Timing;
use agent_model::kinds::servicediscovery::namespace::{Namespace, Out, Spec, owner_of};
use aws_sdk_servicediscovery::types::{
    self as sdk, HttpNamespaceChange, NamespaceFilter, NamespaceFilterName, NamespaceSummary, NamespaceType,
    OperationStatus, OperationTargetType, Tag,
};

use super::{PAGE, bad};
use crate::Aws;
use crate::fault::{class_of, fault, lacks};

const CREATE: &str = "servicediscovery:CreateHttpNamespace";
const LIST: &str = "servicediscovery:ListNamespaces";
const GET: &str = "servicediscovery:GetNamespace";
const OPERATION: &str = "servicediscovery:GetOperation";

impl Provider<Namespace> for Aws {
    /// A call for each hundred of the region.
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Namespace>>, Fault> {
        let all = self.namespaces(None).await?.into_iter().map(|found| live(Found::from(found)));
        let mut all = all.collect::<Result<Vec<_>, _>>()?;
        all.retain(|live| live.owner.of_stack(&scope.stack).is_some() || listing.adopted.contains(&live.id));
        Ok(all)
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Namespace>) -> Result<Option<Live<Namespace>>, Fault> {
        let found = match sought.id {
            Some(id) => self.namespace_of(id).await?,
            None => self.namespaces(Some(&sought.spec.name)).await?.pop().map(Found::from),
        };
        let mut live = found.map(live).transpose()?;
        if let Some(live) = live.as_mut().filter(|live| sought.id.is_some() && live.owner == Owner::Nobody) {
            // Asked for by id, one whose description tells no owner is one that this address has adopted.
            live.owner = Owner::Stack(sought.mark.clone());
        }
        Ok(live)
    }

    /// Cloud Map makes it after its answer, and tells the id when it has.
    async fn create(&self, _: &Scope, new: &New<'_, Namespace>) -> Result<String, Fault> {
        let call = self.servicediscovery.create_http_namespace().name(&new.spec.name).creator_request_id(new.token);
        let call = call.description(&new.spec.description).set_tags(Some(tags(
            new.mark,
            &new.spec.tags.0.clone().unwrap_or_default(),
            CREATE,
        )?));
        let answer = call.send().await.map_err(fault(CREATE))?;
        let operation = answer.operation_id.ok_or_else(|| lacks(CREATE, "OperationId"))?;
        let timing = Timing::default();
        let mut patience = timing.patience(timing.settle);
        loop {
            match self.namespace_made(&operation).await {
                Ok(Some(id)) => return Ok(id),
                Ok(None) => {}
                Err(fault) if fault.class.passes() => {}
                Err(fault) => return Err(fault),
            }
            if !patience.again().await {
                // Perhaps it comes yet: the engine looks for it by its name.
                let text = "Cloud Map has not said what became of the namespace";
                return Err(Fault::new(Class::Lost, CREATE, "Pending", text));
            }
        }
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Namespace>) -> Result<(), Fault> {
        if update.changed.touches("description") {
            let action = "servicediscovery:UpdateHttpNamespace";
            let change = HttpNamespaceChange::builder().description(&update.to.description).build();
            let call = self.servicediscovery.update_http_namespace().id(&update.live.id);
            call.namespace(change.map_err(bad(action))?).send().await.map_err(fault(action))?;
        }
        Ok(())
    }

    /// ECS takes its services out of the namespace after it has answered that theirs are deleted: until then it is in use.
    async fn delete(&self, _: &Scope, live: &Live<Namespace>) -> Result<(), Fault> {
        let call = self.servicediscovery.delete_namespace().id(&live.id);
        call.send().await.map_err(fault("servicediscovery:DeleteNamespace"))?;
        Ok(())
    }
}

/// A namespace, as `ListNamespaces` and `GetNamespace` alike tell of it.
struct Found {
    id: Option<String>,
    arn: Option<String>,
    name: Option<String>,
    description: Option<String>,
}

impl From<NamespaceSummary> for Found {
    fn from(of: NamespaceSummary) -> Self {
        Self { id: of.id, arn: of.arn, name: of.name, description: of.description }
    }
}

impl From<sdk::Namespace> for Found {
    fn from(of: sdk::Namespace) -> Self {
        Self { id: of.id, arn: of.arn, name: of.name, description: of.description }
    }
}

impl Aws {
    /// The namespaces without DNS: those of that name, or all.
    async fn namespaces(&self, name: Option<&str>) -> Result<Vec<NamespaceSummary>, Fault> {
        let mut call = self.servicediscovery.list_namespaces().max_results(PAGE);
        call = call.filters(filter(NamespaceFilterName::Type, NamespaceType::Http.as_str())?);
        if let Some(name) = name {
            call = call.filters(filter(NamespaceFilterName::HttpName, name)?);
        }
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(LIST))?.namespaces.unwrap_or_default());
        }
        let is_meant = |one: &NamespaceSummary| name.is_none() || one.name() == name;
        found.retain(|one| one.r#type == Some(NamespaceType::Http) && is_meant(one));
        Ok(found)
    }

    async fn namespace_of(&self, id: &str) -> Result<Option<Found>, Fault> {
        match self.servicediscovery.get_namespace().id(id).send().await.map_err(fault(GET)) {
            Ok(answer) => Ok(answer.namespace.map(Found::from)),
            Err(fault) if fault.class == Class::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The id of the namespace that an operation was to make, when it has.
    async fn namespace_made(&self, operation: &str) -> Result<Option<String>, Fault> {
        let answer = self.servicediscovery.get_operation().operation_id(operation).send().await;
        let operation = answer.map_err(fault(OPERATION))?.operation.ok_or_else(|| lacks(OPERATION, "Operation"))?;
        match operation.status {
            Some(OperationStatus::Success) => {
                let id = operation.targets.and_then(|mut targets| targets.remove(&OperationTargetType::Namespace));
                id.map(Some).ok_or_else(|| lacks(OPERATION, "Targets"))
            }
            Some(OperationStatus::Fail) => {
                let (code, text) =
                    (operation.error_code.unwrap_or_default(), operation.error_message.unwrap_or_default());
                // What it says has come to pass: asking again gives the same.
                let class = Some(class_of(&code, &text, 400)).filter(|class| !class.passes());
                Err(Fault::new(class.unwrap_or(Class::Invalid), CREATE, &code, text))
            }
            _ => Ok(None),
        }
    }
}

fn live(found: Found) -> Result<Live<Namespace>, Fault> {
    let arn = found.arn.ok_or_else(|| lacks(LIST, "Arn"))?;
    let id = found.id.ok_or_else(|| lacks(LIST, "Id"))?;
    let name = found.name.ok_or_else(|| lacks(LIST, "Name"))?;
    let description = found.description.unwrap_or_default();
    let owner = owner_of(&description);
    let out = Out { id: id.clone(), arn, name: name.clone() };
    Ok(Live { spec: Spec { name, description, tags: AtCreate(None) }, out, id, owner, phase: Phase::Ready })
}

fn filter(name: NamespaceFilterName, value: &str) -> Result<NamespaceFilter, Fault> {
    NamespaceFilter::builder().name(name).values(value).build().map_err(bad(LIST))
}

fn tags(mark: &Mark, wanted: &BTreeMap<String, String>, action: &'static str) -> Result<Vec<Tag>, Fault> {
    let tag = |(key, value): (String, String)| Tag::builder().key(key).value(value).build().map_err(bad(action));
    mark.tags(wanted).into_iter().map(tag).collect()
}
