//! Samples of clusters.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::{AtCreate, Tags};
use agent_core::reference::Link;
use agent_model::kinds::ecs::cluster::{
    ContainerInsights, ExecuteCommand, LogConfiguration, Logging, ManagedStorage, Share, Spec,
};
use agent_model::kinds::logs::log_group;
use agent_model::kinds::servicediscovery::namespace;

use super::super::servicediscovery::DESCRIPTION;
use super::super::suite::STACK;
use super::super::{Sample, doc};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";

fn group() -> (Address, Doc) {
    let address = Address::keyed("cluster.main", "logs.log_group", "exec");
    let spec = log_group::Spec {
        name: log_group::name_of(STACK, &address),
        retention_in_days: None,
        kms_key_id: None,
        log_group_class: log_group::Class::Standard,
        tags: AtCreate(None),
    };
    (address, doc(&spec))
}

fn namespace() -> (Address, Doc) {
    let spec =
        namespace::Spec { name: "conformance-main".into(), description: DESCRIPTION.into(), tags: AtCreate(None) };
    (Address::new("cluster.main", "servicediscovery.namespace"), doc(&spec))
}

fn least(name: &str) -> Spec {
    Spec {
        name: name.into(),
        container_insights: ContainerInsights::Disabled,
        execute_command_configuration: ExecuteCommand::default(),
        managed_storage_configuration: ManagedStorage::default(),
        capacity_providers: BTreeSet::new(),
        default_capacity_provider_strategy: BTreeMap::new(),
        service_connect_namespace: None,
        tags: Tags::default(),
    }
}

fn base() -> Spec {
    Spec {
        container_insights: ContainerInsights::Enhanced,
        execute_command_configuration: ExecuteCommand {
            kms_key_id: Some(KEY.into()),
            logging: Logging::Override,
            log_configuration: Some(LogConfiguration {
                cloud_watch_log_group_name: Some(Link::keyed("cluster.main", "exec")),
                s3_bucket_name: Some("conformance-exec".into()),
                s3_key_prefix: Some("sessions".into()),
                ..LogConfiguration::default()
            }),
        },
        managed_storage_configuration: ManagedStorage {
            kms_key_id: None,
            fargate_ephemeral_storage_kms_key_id: Some(KEY.into()),
        },
        capacity_providers: BTreeSet::from(["FARGATE".into(), "FARGATE_SPOT".into()]),
        default_capacity_provider_strategy: BTreeMap::from([
            ("FARGATE".into(), Share { weight: 1, base: 2 }),
            ("FARGATE_SPOT".into(), Share { weight: 3, base: 0 }),
        ]),
        service_connect_namespace: Some(Link::to("cluster.main")),
        tags: Tags([("owner".to_owned(), "team".to_owned())].into()),
        ..least("conformance-main")
    }
}

/// A cluster with everything, and one with nothing.
pub(super) fn samples() -> Vec<Sample> {
    let base = base();
    let plain = ExecuteCommand { logging: Logging::None, ..ExecuteCommand::default() };
    let spot = BTreeMap::from([("FARGATE_SPOT".into(), Share { weight: 1, base: 0 })]);
    let tags = Tags([("owner".to_owned(), "other".to_owned())].into());
    vec![
        Sample {
            needs: vec![group(), namespace()],
            address: Address::new("cluster.main", "ecs.cluster"),
            spec: doc(&base),
            changes: vec![
                ("plain insights", doc(&Spec { container_insights: ContainerInsights::Enabled, ..base.clone() })),
                ("sessions without a log", doc(&Spec { execute_command_configuration: plain, ..base.clone() })),
                (
                    "sessions as AWS has them",
                    doc(&Spec { execute_command_configuration: ExecuteCommand::default(), ..base.clone() }),
                ),
                (
                    "keys that go",
                    doc(&Spec { managed_storage_configuration: ManagedStorage::default(), ..base.clone() }),
                ),
                ("another strategy", doc(&Spec { default_capacity_provider_strategy: spot, ..base.clone() })),
                (
                    "no capacity providers",
                    doc(&Spec {
                        capacity_providers: BTreeSet::new(),
                        default_capacity_provider_strategy: BTreeMap::new(),
                        ..base.clone()
                    }),
                ),
                ("a namespace that goes", doc(&Spec { service_connect_namespace: None, ..base.clone() })),
                ("another tag", doc(&Spec { tags, ..base.clone() })),
                ("another name: a replacement", doc(&Spec { name: "conformance-other".into(), ..base.clone() })),
            ],
            emulator_gaps: Vec::new(),
        },
        Sample {
            needs: Vec::new(),
            address: Address::new("cluster.least", "ecs.cluster"),
            spec: doc(&least("conformance-least")),
            changes: vec![(
                "insights of an existing cluster",
                doc(&Spec { container_insights: ContainerInsights::Enabled, ..least("conformance-least") }),
            )],
            emulator_gaps: Vec::new(),
        },
    ]
}
