//! What a pass costs in calls. People pay for them with time and with their account's rate limits, so each one is accounted
//! for: what the kinds declare (`docs/calls.md` is made from it) is what goes over the wire, no call more and none less.

use std::collections::BTreeMap;

use agent_core::cost::{self, Process};
use agent_core::desired::{Allow, Desired};
use agent_core::lookup::{Answers, Question};
use agent_core::state::Ended;
use agent_model::kinds;

use crate::bench::emulator::Emulator;
use crate::bench::name::Kind;
use crate::bench::record::{self, Call};
use crate::bench::say;
use crate::bench::wire::Wire;
use crate::cli::{Bench, ends};
use crate::hello;
use crate::world::World;

/// `hello` under a name and in a region of its own: the emulator is shared.
fn text(name: &str, region: &str) -> String {
    hello::TEXT.replace("name    = \"hello\"", &format!("name    = \"{name}\"")).replace("eu-west-1", region)
}

/// What the kinds say that a pass over `hello` costs, by action.
fn declared(process: Process) -> BTreeMap<String, usize> {
    let resources = hello::resources(hello::TEXT, &hello::made_up());
    let desired = Desired::build("hello", resources, Allow::default(), &kinds::table()).unwrap();
    let questions: Vec<Question> = hello::questions(hello::TEXT).into_iter().collect();
    let calls = cost::by_action(&cost::of_pass(&kinds::table(), &desired, &questions, process));
    calls.into_iter().map(|(action, count)| (action.to_owned(), count)).collect()
}

fn made(pass: &[Call]) -> BTreeMap<String, usize> {
    record::counts(pass).into_iter().map(|(label, count)| (label.replacen('.', ":", 1), count)).collect()
}

fn only_reads(pass: &[Call]) {
    assert!(pass.iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(pass));
}

#[test]
fn a_pass_without_changes_makes_the_calls_that_its_kinds_declare_in_five_rounds_and_writes_nothing() {
    let text = text("calls", "eu-central-1");
    let bench = Bench::new();
    let revision = bench.commit(&text);
    ends(&bench.at("apply", &revision), 0);
    let before = bench.proxy.wire().calls().len();
    bench.proxy.wire().lockstep();
    ends(&bench.at("apply", &revision), 0);
    let pass = bench.proxy.wire().calls().split_off(before);
    only_reads(&pass);
    assert_eq!(made(&pass), declared(Process::Fresh));
    assert!(pass.len() <= 40, "{} calls", pass.len());
    assert!(record::waves(&pass) <= 5, "{}", record::rounds_table(&pass));
    say(&format!("a fresh process: {} calls in {} rounds", pass.len(), record::waves(&pass)));
    let before = bench.proxy.wire().calls().len();
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &revision, "--yes", "--removals", "10"]), 0);
    last_look(&bench.proxy.wire().calls().split_off(before));
}

/// What a destroy asks for at the end: everything once more, under the lease, before the stack is forgotten.
fn last_look(calls: &[Call]) {
    let is_word = |call: &Call| call.body().contains("/gitops-agent/calls/kinds");
    let forgets = calls.iter().position(|call| call.name.action == "DeleteParameter" && is_word(call)).unwrap();
    let claim = calls[..forgets].iter().rposition(|call| call.name.kind == Kind::Mutating).unwrap();
    assert!(calls[claim].body().contains("/gitops-agent/calls/lease"), "{}", record::table(calls));
    let look = &calls[claim + 1..forgets];
    for asked in ["DescribeVpcs", "ListDistributions", "DescribeNatGateways", "DescribeLoadBalancers", "ListClusters"] {
        assert_eq!(look.iter().filter(|call| call.name.action == asked).count(), 1, "{asked}: {}", record::table(look));
    }
    assert!(look.len() <= 30, "{}", record::table(look));
    say(&format!("the last look of a destroy: {} calls", look.len()));
}

#[tokio::test]
async fn a_process_that_has_read_before_asks_for_less() {
    let wire = Wire::new(Emulator::shared());
    let world = World::emulated(&wire, "calls-again", "eu-west-2");
    let text = text("calls-again", "eu-west-2");
    let resources = hello::resources(&text, &answers(&world, &text).await);
    let desired = world.desired(resources);
    assert_eq!(world.converge(&desired).await.unwrap().ended, Ended::Converged);
    let before = wire.calls().len();
    answers(&world, &text).await;
    assert_eq!(world.pass(&desired).await.unwrap().ended, Ended::Converged);
    let pass = wire.calls().split_off(before);
    only_reads(&pass);
    assert_eq!(made(&pass), declared(Process::Running));
    assert!(pass.len() <= 34, "{} calls", pass.len());
    say(&format!("the same process again: {} calls", pass.len()));
    world.destroy(&world.desired(Vec::new())).await.unwrap();
}

async fn answers(world: &World, text: &str) -> Answers {
    let aws = world.aws.as_ref().unwrap();
    aws.answers(hello::questions(text)).await.unwrap()
}
