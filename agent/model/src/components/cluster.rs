//! `[cluster.X]`: where services run. A stack that has services and no cluster gets one, so the table is only needed for
//! settings.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::field::AtCreate;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attribute, Component, Declared, Offer, Place, Resources, What};
use crate::expand::Expansion;
use crate::kinds::ecs::cluster::{self, Cluster as Kinded};
use crate::kinds::servicediscovery::namespace::{self, Namespace};
use crate::names::{self, limits};

/// A cluster.
pub struct Cluster;

/// `[cluster.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What Container Insights measures. AWS charges for these metrics.
    #[serde(default)]
    container_insights: Insights,
    /// The Cloud Map namespace by whose names services find each other (`serve` and `connect`), unique in the account and
    /// region. A cluster that needs one has one without saying so, called as the cluster is.
    namespace: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Insights {
    /// Nothing.
    #[default]
    Disabled,
    /// Clusters and services.
    Enabled,
    /// Tasks and containers as well.
    Enhanced,
}

/// The stack's own cluster has the stack's name, whether it is written down or not.
fn name(at: &Place<'_>) -> String {
    match at.name() {
        "main" => names::name(&[&at.stack.name], limits::ECS),
        other => names::name(&[&at.stack.name, other], limits::ECS),
    }
}

impl Component for Cluster {
    const TYPE: &'static str = "cluster";
    const DOC: &'static str = "Where services run; a stack with services has one without saying so.";
    type Config = Config;

    fn declare(config: &Config, at: &mut Place<'_>) -> Declared {
        if let Some(Err(error)) = config.namespace.as_deref().map(namespace::check_name) {
            let message = format!("the name of a namespace {error}");
            at.hinted("bad-name", &["namespace"], message, "for example `um` or `um.internal`");
        }
        let own = Address::new(&at.address(), Kinded::NAME);
        let attributes = BTreeMap::from([
            ("arn", Attribute::Text(Text::reference(own, "arn"))),
            ("name", Attribute::Text(name(at).into())),
        ]);
        Declared { offer: Some(Offer::Cluster), attributes, ..Declared::default() }
    }

    fn expand(config: &Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let mut made = Resources::of(at);
        let own = at.address();
        let is_needed = all.asked().iter().any(|asked| matches!(asked.what, What::Namespace { .. }));
        let namespace = config.namespace.clone().or_else(|| is_needed.then(|| name(at))).map(|name| {
            made.add::<Namespace>(&namespace::Spec {
                name,
                description: namespace::description_of(&at.stack.name, &own),
                tags: AtCreate(Some(at.stack.tags.clone())),
            });
            Link::to(&own)
        });
        made.add::<Kinded>(&cluster::Spec {
            name: name(at),
            container_insights: match config.container_insights {
                Insights::Disabled => cluster::ContainerInsights::Disabled,
                Insights::Enabled => cluster::ContainerInsights::Enabled,
                Insights::Enhanced => cluster::ContainerInsights::Enhanced,
            },
            execute_command_configuration: cluster::ExecuteCommand::default(),
            managed_storage_configuration: cluster::ManagedStorage::default(),
            // Services name Fargate as their launch type, which takes no capacity provider.
            capacity_providers: BTreeSet::new(),
            default_capacity_provider_strategy: BTreeMap::new(),
            service_connect_namespace: namespace,
            tags: at.tags(),
        });
        made
    }
}
