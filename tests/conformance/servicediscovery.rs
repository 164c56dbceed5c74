//! Samples of Cloud Map. Of what moto is laxer in (it takes a name twice, ignores filters, deletes what is in use) nothing is
//! tested here; the fake refuses the first and the last.

use agent_core::address::Address;
use agent_core::field::AtCreate;
use agent_model::kinds::servicediscovery::namespace::Spec;

use super::{Sample, doc};

/// As the descriptions of the suite's stack begin: by it a namespace is found.
pub const DESCRIPTION: &str = "gitops-agent, stack conformance: Service Connect in cluster.main";

/// A namespace.
pub fn samples() -> Vec<Sample> {
    let tags = AtCreate(Some([("owner".to_owned(), "team".to_owned())].into()));
    let base = Spec { name: "conformance".into(), description: DESCRIPTION.into(), tags };
    vec![Sample {
        needs: Vec::new(),
        address: Address::new("cluster.main", "servicediscovery.namespace"),
        spec: doc(&base),
        changes: vec![
            ("the description", doc(&Spec { description: format!("{DESCRIPTION}, and more"), ..base.clone() })),
            ("another name: a replacement", doc(&Spec { name: "conformance.internal".into(), ..base.clone() })),
        ],
        emulator_gaps: Vec::new(),
    }]
}
