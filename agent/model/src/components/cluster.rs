//! `[cluster.X]`: where services run. A stack that has services and no cluster gets one, so the table is only needed for
//! settings.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attribute, Component, Declared, Offer, Place, Resources};
use crate::expand::Expansion;
use crate::kinds::ecs::cluster::{self, Cluster as Kinded};
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

    fn declare(_: &Config, at: &mut Place<'_>) -> Declared {
        let own = Address::new(&at.address(), Kinded::NAME);
        let attributes = BTreeMap::from([
            ("arn", Attribute::Text(Text::reference(own, "arn"))),
            ("name", Attribute::Text(name(at).into())),
        ]);
        Declared { offer: Some(Offer::Cluster), attributes, ..Declared::default() }
    }

    fn expand(config: &Config, _: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let mut made = Resources::of(at);
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
            service_connect_namespace: None,
            tags: at.tags(),
        });
        made
    }
}
