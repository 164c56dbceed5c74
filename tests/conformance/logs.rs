//! Samples of `CloudWatch` Logs.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::field::AtCreate;
use agent_model::kinds::logs::log_group::{Class, Days, Spec, name_of};

use super::suite::STACK;
use super::{Sample, doc};

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";

fn group(address: &Address) -> Spec {
    Spec {
        // The name tells the address, so no sample changes it: under another name it would be another's.
        name: name_of(STACK, address),
        retention_in_days: Some(Days(30)),
        kms_key_id: None,
        log_group_class: Class::Standard,
        tags: AtCreate(Some(BTreeMap::from([("owner".to_owned(), "team".to_owned())]))),
    }
}

/// A component's only group, and one of several.
pub fn samples() -> Vec<Sample> {
    let plain = Address::new("service.web", "logs.log_group");
    let keyed = Address::keyed("service.web", "logs.log_group", "sidecar-x");
    let base = group(&plain);
    vec![
        Sample {
            needs: Vec::new(),
            address: plain,
            spec: doc(&base),
            changes: vec![
                ("kept for longer", doc(&Spec { retention_in_days: Some(Days(3653)), ..base.clone() })),
                ("kept for ever", doc(&Spec { retention_in_days: None, ..base.clone() })),
                ("encrypted with a key", doc(&Spec { kms_key_id: Some(KEY.into()), ..base.clone() })),
                ("other tags: nothing to be done", doc(&Spec { tags: AtCreate(None), ..base.clone() })),
                (
                    "another class: a replacement",
                    doc(&Spec { log_group_class: Class::InfrequentAccess, ..base.clone() }),
                ),
            ],
            emulator_gaps: vec![
                ("kms_key_id", "moto has neither AssociateKmsKey nor DisassociateKmsKey"),
                ("log_group_class", "moto takes the class and does not give it back"),
            ],
        },
        Sample {
            needs: Vec::new(),
            address: keyed.clone(),
            spec: doc(&group(&keyed)),
            changes: vec![("kept for a day", doc(&Spec { retention_in_days: Some(Days(1)), ..group(&keyed) }))],
            emulator_gaps: Vec::new(),
        },
    ]
}
