//! Samples of Systems Manager.

use agent_core::address::Address;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_model::kinds::ssm::file::{self, hash, prefix_of};
use agent_model::kinds::ssm::parameter::{Generate, Spec, Tier, Type};

use super::suite::STACK;
use super::{Sample, doc};

/// A part of a file of the service `web`, in the stack of these tests.
fn part(value: &str) -> (Address, file::Spec) {
    let hash = hash(value);
    let address = Address::keyed("service.web", "ssm.file", &hash);
    let tags = AtCreate(Some([("owner".to_owned(), "team".to_owned())].into()));
    let name = format!("{}{hash}", prefix_of(STACK, "web"));
    (address, file::Spec { name, value: AtCreate(Some(value.into())), intact: true, tags })
}

fn plain(name: &str) -> Spec {
    Spec {
        name: name.into(),
        kind: Type::String,
        value: Some("hello".into()),
        generate: AtCreate(None),
        description: Some("a greeting".into()),
        tier: Tier::Standard,
        key_id: None,
        max_age_days: AtCreate(None),
        version: AwsDecides::Unset,
        retiring: false,
        tags: Tags([("owner".to_owned(), "team".to_owned())].into()),
    }
}

/// Plain and generated parameters, and parts of files.
pub fn samples() -> Vec<Sample> {
    let (part_address, part) = part("worker_processes 1;\n");
    let address = Address::new("parameter.greeting", "ssm.parameter");
    let base = plain("/conformance/greeting");
    let secret = Spec {
        kind: Type::SecureString,
        value: None,
        generate: AtCreate(Some(Generate { bytes: 32 })),
        ..plain("/conformance/secret")
    };
    vec![
        Sample {
            needs: Vec::new(),
            address: address.clone(),
            spec: doc(&base),
            changes: vec![
                ("the value", doc(&Spec { value: Some("good day".into()), ..base.clone() })),
                ("a description that goes", doc(&Spec { description: None, ..base.clone() })),
                ("to the advanced tier", doc(&Spec { tier: Tier::Advanced, ..base.clone() })),
                (
                    "another tag",
                    doc(&Spec { tags: Tags([("owner".to_owned(), "other".to_owned())].into()), ..base.clone() }),
                ),
                ("another name: a replacement", doc(&plain("/conformance/salute"))),
            ],
            emulator_gaps: Vec::new(),
        },
        Sample {
            needs: Vec::new(),
            address: Address::new("parameter.secret", "ssm.parameter"),
            spec: doc(&secret),
            changes: vec![(
                "the description alone: the secret stays",
                doc(&Spec { description: None, ..secret.clone() }),
            )],
            emulator_gaps: Vec::new(),
        },
        // Another content has another address, so nothing of it can change.
        Sample {
            needs: Vec::new(),
            address: part_address,
            spec: doc(&part),
            changes: vec![("other tags: nothing", doc(&file::Spec { tags: AtCreate(None), ..part.clone() }))],
            emulator_gaps: Vec::new(),
        },
    ]
}
