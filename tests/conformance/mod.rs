//! The conformance suite, generic over kinds: create, read back equal to the spec, plan nothing, change each field, delete.
//! What differs by kind is data (`Sample`), a file a service; the suite itself knows no kind.

pub mod cloudfront;
pub mod ec2;
pub mod ecs;
pub mod elb;
pub mod iam;
pub mod logs;
pub mod servicediscovery;
pub mod ssm;
pub mod suite;

use agent_core::address::Address;
use agent_core::desired::Resource;
use agent_core::doc::Doc;
use serde::Serialize;

/// One resource with what it needs, and every change of it that is worth a test.
pub struct Sample {
    /// Resources that must exist first, in any order: address and spec.
    pub needs: Vec<(Address, Doc)>,
    /// The address of the resource under test.
    pub address: Address,
    /// Its spec.
    pub spec: Doc,
    /// Changes, each from `spec`: what is changed (the reason for the case), and the whole changed spec.
    pub changes: Vec<(&'static str, Doc)>,
    /// Paths that the emulator loses or misreports, with the reason: they are tested on the fake alone.
    pub emulator_gaps: Vec<(&'static str, &'static str)>,
}

impl Sample {
    /// What the sample needs, and with it the resource under test, if it is to be there.
    pub fn resources(&self, spec: Option<&Doc>, ignored: &[&str]) -> Vec<Resource> {
        let under_test = spec.map(|spec| (self.address.clone(), spec.clone()));
        let resource = |(address, spec): (Address, Doc)| {
            let ignore = ignored.iter().map(|path| (*path).to_owned()).collect();
            Resource { address, spec, protect: false, adopt: None, ignore }
        };
        self.needs.iter().cloned().chain(under_test).map(resource).collect()
    }

    /// The paths that the emulator loses or misreports.
    pub fn gaps(&self) -> Vec<&'static str> {
        self.emulator_gaps.iter().map(|(path, _)| *path).collect()
    }
}

/// All samples.
pub fn samples() -> Vec<Sample> {
    [
        cloudfront::samples(),
        ec2::samples(),
        ecs::samples(),
        elb::samples(),
        iam::samples(),
        logs::samples(),
        servicediscovery::samples(),
        ssm::samples(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A spec as a document; samples are made from types, so it cannot fail.
pub fn doc(spec: &impl Serialize) -> Doc {
    Doc::of(spec).expect("a sample is made from its own type")
}
