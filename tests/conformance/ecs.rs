//! Samples of Elastic Container Service.

mod cluster;
mod service;
mod task_definition;

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::Tags;
use agent_core::kind::Kind;
use serde_json::Value;

use super::{Sample, doc};

/// All samples of the service.
pub fn samples() -> Vec<Sample> {
    [cluster::samples(), service::samples(), task_definition::samples()].into_iter().flatten().collect()
}

/// The one tag that samples set.
fn tags(owner: &str) -> Tags {
    Tags([("owner".to_owned(), owner.to_owned())].into())
}

/// A spec from the members that matter here; all others have AWS's defaults.
fn spec<K: Kind>(members: Value) -> K::Spec {
    serde_json::from_value(members).expect("a sample fits its kind")
}

/// A resource that a sample names.
fn need<K: Kind>(component: &str, key: Option<&str>, members: Value) -> (Address, Doc) {
    let address = match key {
        Some(key) => Address::keyed(component, K::NAME, key),
        None => Address::new(component, K::NAME),
    };
    (address, doc(&spec::<K>(members)))
}
