//! Cloud Map: namespaces, and the services that ECS makes in them for Service Connect.

mod namespace;

use std::collections::BTreeMap;

use agent_core::fault::{Class, Fault};
use aws_sdk_servicediscovery::error::BuildError;
use aws_sdk_servicediscovery::types::{ServiceFilter, ServiceFilterName, ServiceSummary};

use crate::Aws;
use crate::fault::fault;

const LIST: &str = "servicediscovery:ListServices";
/// The most that one page has.
const PAGE: i32 = 100;

/// The names in a namespace, and when each was made, in milliseconds.
pub(crate) type Names = BTreeMap<String, i64>;

impl Aws {
    /// The names in the namespace of that ARN; none in one that is not there.
    pub(crate) async fn names_in(&self, namespace: &str) -> Result<Names, Fault> {
        let id = namespace.rsplit('/').next().unwrap_or(namespace);
        let filter = ServiceFilter::builder().name(ServiceFilterName::NamespaceId).values(id).build();
        let call = self.servicediscovery.list_services().max_results(PAGE).filters(filter.map_err(bad(LIST))?);
        let mut pages = call.into_paginator().send();
        let mut names = Names::new();
        while let Some(page) = pages.next().await {
            match page.map_err(fault(LIST)) {
                Ok(page) => names.extend(page.services.unwrap_or_default().into_iter().filter_map(made)),
                Err(fault) if fault.class == Class::NotFound => return Ok(Names::new()),
                Err(fault) => return Err(fault),
            }
        }
        Ok(names)
    }
}

fn made(service: ServiceSummary) -> Option<(String, i64)> {
    Some((service.name?, service.create_date?.to_millis().ok()?))
}

/// A part of a request that lacks what AWS's model requires.
fn bad(action: &'static str) -> impl Fn(BuildError) -> Fault {
    move |error| Fault::new(Class::Invalid, action, "BadRequest", error.to_string())
}
