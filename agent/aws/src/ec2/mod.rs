//! EC2's networking kinds in AWS, and what they share: tags, filters, and the search that their `find` and `list` have in
//! common. Reads use filters where AWS has one: an id that is not there (or not yet) is then an empty answer, not an error.

mod elastic_ip;
mod existing;
mod internet_gateway;
mod nat_gateway;
mod route_table;
mod security_group;
mod security_group_rule;
mod subnet;
mod vpc;
mod vpc_endpoint;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::Tags;
use agent_core::live::{Mark, TAG_ADDRESS, TAG_GENERATION, TAG_STACK};
use agent_core::provider::Listing;
use agent_core::reference::{Link, Target};
use aws_config::retry::RetryConfig;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

use crate::Aws;
use crate::fault::fault;

/// How many values one filter takes:
/// [Filtering](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html).
const FILTER_VALUES: usize = 200;

/// How many resources an answer brings at most: the most that all the listing calls used here allow.
const PAGE: i32 = 1_000;

/// A filter on one value or several, which are alternatives.
fn filter(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

fn tag_filter(key: &str, value: &str) -> Filter {
    filter(format!("tag:{key}"), [value])
}

/// The questions of a `list`: what carries the stack's tag, and what is adopted and carries none yet.
fn listed(scope: &Scope, listing: &Listing<'_>, id_filter: &str) -> Vec<Vec<Filter>> {
    let ours = vec![tag_filter(TAG_STACK, &scope.stack)];
    let adopted = listing.adopted.chunks(FILTER_VALUES).map(|ids| vec![filter(id_filter, ids)]);
    std::iter::once(ours).chain(adopted).collect()
}

/// The question of a `find`: by id, else by `unique`, else by our tags.
fn sought(id: Option<&str>, id_filter: &str, unique: Option<Vec<Filter>>, mark: &Mark) -> Vec<Filter> {
    match (id, unique) {
        (Some(id), _) => vec![filter(id_filter, [id])],
        (None, Some(unique)) => unique,
        (None, None) => of_mark(mark),
    }
}

/// What carries just these tags of ours.
fn of_mark(mark: &Mark) -> Vec<Filter> {
    vec![
        tag_filter(TAG_STACK, &mark.stack),
        tag_filter(TAG_ADDRESS, mark.address.as_str()),
        tag_filter(TAG_GENERATION, &mark.generation),
    ]
}

/// The tags of a creating call.
fn tagged(resource: ResourceType, mark: &Mark, wanted: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(resource).set_tags(Some(tags(mark, wanted))).build()
}

fn tags(mark: &Mark, wanted: &Tags) -> Vec<Tag> {
    mark.tags(&wanted.0).into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as they were read.
fn tags_read(tags: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}

/// For creating calls without token and name: a second attempt might make a second one, so the engine looks first.
fn no_retries() -> aws_sdk_ec2::config::Builder {
    aws_sdk_ec2::Config::builder().retry_config(RetryConfig::disabled())
}

/// The values of links, for calls.
fn values<T: Target>(links: &BTreeSet<Link<T>>) -> BTreeSet<String> {
    links.iter().map(|link| link.as_str().to_owned()).collect()
}

/// Ids of an answer as links.
fn links<T: Target>(ids: impl IntoIterator<Item = String>) -> BTreeSet<Link<T>> {
    ids.into_iter().map(Link::value).collect()
}

/// What is in `wanted` and not in `held`, for the adding half of a call; `None` where there is nothing to add.
fn missing(wanted: &BTreeSet<String>, held: &BTreeSet<String>) -> Option<Vec<String>> {
    let missing: Vec<String> = wanted.difference(held).cloned().collect();
    (!missing.is_empty()).then_some(missing)
}

/// Whether a call failed with this very code: AWS's word that what was asked for is so already.
fn unless(code: &str, answer: Result<(), Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if fault.code == code => Ok(()),
        other => other,
    }
}

/// AWS says that what was to be added is there already: the look before the call was stale, or the call is the SDK's second
/// attempt of one that was carried out. The engine's next attempt looks again and goes on from there.
fn stale(fault: Fault) -> Fault {
    let is_there = fault.class == Class::Exists || fault.code == "Resource.AlreadyAssociated";
    if is_there { Fault { class: Class::Conflict, ..fault } } else { fault }
}

/// The thing was there a moment ago, by its id, and is not now.
fn vanished(action: &str, id: &str) -> Fault {
    Fault::new(Class::NotFound, action, "NotFound", format!("{id} is not there, or not visible yet"))
}

impl Aws {
    /// Writes our tags and the manifest's; other keys stay.
    async fn ec2_write_tags(&self, id: &str, mark: &Mark, wanted: &Tags) -> Result<(), Fault> {
        let call = self.ec2.create_tags().resources(id).set_tags(Some(tags(mark, wanted)));
        call.send().await.map_err(fault("ec2:CreateTags"))?;
        Ok(())
    }
}
