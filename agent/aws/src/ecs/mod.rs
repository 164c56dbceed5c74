//! Elastic Container Service: tags and words, which all its kinds have in common.

mod cluster;
mod service;
mod task_definition;

use std::collections::BTreeMap;

use agent_core::fault::{Class, Fault};
use agent_core::live::Mark;
use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types::Tag;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use task_definition::Definitions;

use crate::Aws;
use crate::fault::fault;

/// Our tags and the manifest's, as calls take them.
pub(crate) fn tags(mark: &Mark, wanted: &BTreeMap<String, String>) -> Vec<Tag> {
    mark.tags(wanted).into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as answers have them.
pub(crate) fn tag_map(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

/// A word of ours as AWS spells it: enums of specs are spelled as AWS's own.
pub(crate) fn word<T: Serialize>(word: &T) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// A word of AWS's as ours; `None` for one that the spec does not know.
pub(crate) fn known<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::from(word)).ok()
}

/// A number as ECS takes it.
pub(crate) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A number as ECS gives it: never below zero.
pub(crate) fn natural(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// A list, unless it is empty.
pub(crate) fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

/// A part of a request that lacks what AWS's model requires.
pub(crate) fn bad(action: &'static str) -> impl Fn(BuildError) -> Fault {
    move |error| Fault::new(Class::Invalid, action, "BadRequest", error.to_string())
}

impl Aws {
    /// Writes our tags and the manifest's on a resource; foreign ones stay.
    pub(crate) async fn ecs_tag(&self, arn: &str, mark: &Mark, wanted: &BTreeMap<String, String>) -> Result<(), Fault> {
        let call = self.ecs.tag_resource().resource_arn(arn).set_tags(Some(tags(mark, wanted)));
        call.send().await.map_err(fault("ecs:TagResource"))?;
        Ok(())
    }
}
