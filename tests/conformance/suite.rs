//! The suite itself, on the fake and on emulated AWS.

use std::sync::Arc;

use agent_core::doc::Doc;
use agent_core::fake::Fake;
use agent_core::state::Ended;

use super::{Sample, samples};
use crate::bench::emulator::Emulator;
use crate::bench::legal;
use crate::bench::say;
use crate::bench::wire::Wire;
use crate::world::World;

/// The stack of all samples: paths and names in their specs are made for it.
pub const STACK: &str = "conformance";

/// Runs one sample; gives what is wrong.
async fn conforms(world: &World, sample: &Sample, ignored: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let kind = sample.address.kind();
    let resources = |spec: &Doc| sample.resources(Some(spec), ignored);
    let base = [("the base", &sample.spec)];
    let there_and_back = sample.changes.iter().flat_map(|(what, spec)| [(*what, spec), ("back again", &sample.spec)]);
    for (what, spec) in base.into_iter().chain(there_and_back) {
        let desired = world.desired(resources(spec));
        match world.converge(&desired).await {
            Ok(pass) if pass.ended == Ended::Converged => {}
            Ok(pass) => {
                let failures: Vec<String> = pass
                    .report
                    .failures()
                    .map(|(step, error)| format!("{} {}: {error}", step.verb, step.address))
                    .collect();
                let waiting: Vec<String> =
                    pass.report.waiting().map(|(step, on)| format!("{} waits for {on}", step.address)).collect();
                wrong.push(format!("{kind}: {what}: {:?} {failures:?} {waiting:?} {:?}", pass.ended, pass.not_read));
                break;
            }
            Err(error) => {
                wrong.push(format!("{kind}: {what}: {error}"));
                break;
            }
        }
        match world.look(&desired).await {
            Ok(look) if look.plan.steps.is_empty() => {}
            Ok(look) => wrong.push(format!("{kind}: {what}: a second look plans {:?}", look.plan.steps)),
            Err(error) => wrong.push(format!("{kind}: {what}: a second look: {error}")),
        }
    }
    let nothing = nothing_of(world, &world.desired(resources(&sample.spec)));
    match world.destroy(&nothing).await {
        Ok(pass) if pass.ended == Ended::Converged => {}
        Ok(pass) => wrong.push(format!("{kind}: destroy: {:?} {:?}", pass.ended, pass.report)),
        Err(error) => wrong.push(format!("{kind}: destroy: {error}")),
    }
    wrong
}

/// Nothing is wanted, and everything that was may go.
fn nothing_of(
    world: &World,
    before: &agent_core::desired::Desired,
) -> agent_core::allowed::Allowed<agent_core::desired::Desired> {
    let desired =
        agent_core::desired::Desired::build(&world.scope.stack, Vec::new(), before.allow.clone(), &world.cloud.kinds())
            .unwrap_or_default();
    agent_policy::NoRules::allow(desired)
}

#[tokio::test(start_paused = true)]
async fn every_kind_conforms_on_the_fake() {
    let mut wrong = Vec::new();
    for sample in samples() {
        let fake = Arc::new(Fake::default());
        wrong.extend(conforms(&World::fake(&fake, STACK), &sample, &[]).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_kind_conforms_on_emulated_aws_with_legal_requests() {
    let emulator = Arc::new(Emulator::start().unwrap());
    let mut wrong = Vec::new();
    let mut calls = Vec::new();
    for sample in samples() {
        emulator.reset().unwrap();
        let wire = Wire::new(Arc::clone(&emulator));
        wrong.extend(conforms(&World::emulated(&wire, STACK, "eu-west-1"), &sample, &sample.gaps()).await);
        calls.extend(wire.calls());
    }
    let report = legal::check(&calls).unwrap();
    say(&format!("{} requests of {} actions checked against AWS's models", report.checked, report.actions));
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_has_a_sample() {
    let sampled: std::collections::BTreeSet<String> = samples().iter().map(|s| s.address.kind().to_owned()).collect();
    let missing: Vec<&str> =
        agent_model::kinds::table().iter().map(|kind| kind.name).filter(|name| !sampled.contains(*name)).collect();
    assert!(missing.is_empty(), "without a sample: {missing:?}");
}
