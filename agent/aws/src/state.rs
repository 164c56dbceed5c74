//! The stack's own words in Parameter Store, below `/gitops-agent/{stack}/`.

use std::collections::BTreeMap;

use agent_core::fault::{Class, Fault};
use agent_core::state::{Entry, Store};
use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::ParameterType;

use crate::Aws;
use crate::fault::fault;

/// Below this are the words of all stacks of an account and region.
const ROOT: &str = "/gitops-agent";
/// The most that one call gives.
const PAGE: i32 = 10;

fn name(stack: &str, entry: &str) -> String {
    format!("{ROOT}/{stack}/{entry}")
}

/// The stack of `/gitops-agent/{stack}/last`; `None` for every other name.
fn stack_of_last(name: &str) -> Option<&str> {
    let stack = name.strip_prefix(ROOT)?.strip_prefix('/')?.strip_suffix("/last")?;
    (!stack.is_empty() && !stack.contains('/')).then_some(stack)
}

fn millis(at: Option<&DateTime>) -> i64 {
    at.and_then(|at| at.to_millis().ok()).unwrap_or_default()
}

impl Aws {
    async fn state_all(&self, stack: &str) -> Result<BTreeMap<String, Entry>, Fault> {
        let prefix = name(stack, "");
        let mut pages = self
            .ssm
            .get_parameters_by_path()
            .path(prefix.trim_end_matches('/'))
            .recursive(true)
            .into_paginator()
            .send();
        let mut found = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for parameter in page.map_err(fault("ssm:GetParametersByPath"))?.parameters.unwrap_or_default() {
                let short = parameter.name().unwrap_or_default().strip_prefix(&prefix).unwrap_or_default().to_owned();
                let at = millis(parameter.last_modified_date());
                found.insert(short, Entry { value: parameter.value.unwrap_or_default(), at });
            }
        }
        Ok(found)
    }

    /// The entry `last` of every stack. Parameter Store cannot filter by name here, so the few other words of stacks come too:
    /// a call for each ten of all.
    async fn state_of_stacks(&self) -> Result<BTreeMap<String, Entry>, Fault> {
        let call = self.ssm.get_parameters_by_path().path(ROOT).recursive(true).max_results(PAGE);
        let mut pages = call.into_paginator().send();
        let mut found = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for parameter in page.map_err(fault("ssm:GetParametersByPath"))?.parameters.unwrap_or_default() {
                if let Some(stack) = parameter.name().and_then(stack_of_last) {
                    let (stack, at) = (stack.to_owned(), millis(parameter.last_modified_date()));
                    found.insert(stack, Entry { value: parameter.value.unwrap_or_default(), at });
                }
            }
        }
        Ok(found)
    }

    async fn state_history(&self, stack: &str, entry: &str) -> Result<Vec<Entry>, Fault> {
        let mut pages = self.ssm.get_parameter_history().name(name(stack, entry)).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page.map_err(fault("ssm:GetParameterHistory")) {
                Err(fault) if fault.class == Class::NotFound => return Ok(Vec::new()),
                page => page?,
            };
            found.extend(page.parameters.unwrap_or_default());
        }
        found.sort_by_key(aws_sdk_ssm::types::ParameterHistory::version);
        let entry = |version: aws_sdk_ssm::types::ParameterHistory| Entry {
            at: millis(version.last_modified_date()),
            value: version.value.unwrap_or_default(),
        };
        Ok(found.into_iter().map(entry).collect())
    }
}

impl Store for Aws {
    fn all<'a>(&'a self, stack: &'a str) -> BoxFuture<'a, Result<BTreeMap<String, Entry>, Fault>> {
        Box::pin(self.state_all(stack))
    }

    fn put<'a>(&'a self, stack: &'a str, entry: &'a str, value: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let put = self.ssm.put_parameter().name(name(stack, entry)).value(value).r#type(ParameterType::String);
            put.overwrite(true).send().await.map_err(fault("ssm:PutParameter"))?;
            Ok(())
        })
    }

    fn put_new<'a>(&'a self, stack: &'a str, entry: &'a str, value: &'a str) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            let put = self.ssm.put_parameter().name(name(stack, entry)).value(value).r#type(ParameterType::String);
            match put.overwrite(false).send().await.map_err(fault("ssm:PutParameter")) {
                Err(fault) if fault.class == Class::Exists => Ok(false),
                put => put.map(|_| true),
            }
        })
    }

    fn history<'a>(&'a self, stack: &'a str, entry: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Fault>> {
        Box::pin(self.state_history(stack, entry))
    }

    fn stacks(&self) -> BoxFuture<'_, Result<BTreeMap<String, Entry>, Fault>> {
        Box::pin(self.state_of_stacks())
    }

    fn delete<'a>(&'a self, stack: &'a str, entry: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let sent = self.ssm.delete_parameter().name(name(stack, entry)).send().await;
            match sent.map_err(fault("ssm:DeleteParameter")) {
                Err(fault) if fault.class != Class::NotFound => Err(fault),
                _ => Ok(()),
            }
        })
    }
}

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_entry_last_of_a_stack_tells_of_it() {
        assert_eq!(stack_of_last("/gitops-agent/um/last"), Some("um"));
        for other in [
            "/gitops-agent/um/lease",
            "/gitops-agent/um/intent/last",
            "/gitops-agent//last",
            "/gitops-agent-2/um/last",
            "/um/last",
        ] {
            assert_eq!(stack_of_last(other), None, "{other}");
        }
    }
}
