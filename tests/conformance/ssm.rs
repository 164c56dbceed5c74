//! Samples of Systems Manager.

use agent_core::address::Address;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_model::kinds::ssm::parameter::{Generate, Spec, Tier, Type};

use super::{Sample, doc};

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

/// Plain and generated parameters.
pub fn samples() -> Vec<Sample> {
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
    ]
}
