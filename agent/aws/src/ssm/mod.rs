//! Systems Manager.

mod file;
mod parameter;

use std::sync::Arc;

use crate::Aws;
use crate::fault::fault;
use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::live::TAG_STACK;
use agent_core::provider::Reads;
use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter, Tag};

const DESCRIBE: &str = "ssm:DescribeParameters";

impl Aws {
    /// All that carries the stack's tag, files and other parameters alike, asked for once in a pass.
    async fn parameters_of_stack(&self, scope: &Scope, reads: &Reads) -> Result<Arc<Vec<ParameterMetadata>>, Fault> {
        let ask =
            || async { self.parameters_described(filter(&format!("tag:{TAG_STACK}"), [scope.stack.clone()])?).await };
        reads.once("ssm.parameters", ask).await
    }

    async fn parameters_described(&self, filter: ParameterStringFilter) -> Result<Vec<ParameterMetadata>, Fault> {
        let mut pages =
            self.ssm.describe_parameters().parameter_filters(filter).max_results(50).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(fault(DESCRIBE))?.parameters.unwrap_or_default());
        }
        Ok(found)
    }
}

fn tag((key, value): (String, String)) -> Result<Tag, Fault> {
    Tag::builder()
        .key(key)
        .value(value)
        .build()
        .map_err(|error| Fault::new(Class::Invalid, "ssm:AddTagsToResource", "BadTag", error.to_string()))
}

fn filter(key: &str, values: impl IntoIterator<Item = String>) -> Result<ParameterStringFilter, Fault> {
    let option = if key == "Name" { Some("Equals".to_owned()) } else { None };
    ParameterStringFilter::builder()
        .key(key)
        .set_option(option)
        .set_values(Some(values.into_iter().collect()))
        .build()
        .map_err(|error| Fault::new(Class::Invalid, DESCRIBE, "BadFilter", error.to_string()))
}
