//! The plan of the example stack for an account that is empty, on the engine itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use agent_core::address::{Address, Scope};
use agent_core::desired::Desired;
use agent_core::observed::Observed;
use agent_core::plan::{Op, Plan, Settings, plan};

use crate::{answers, example, expanded, snapshot};

fn hello() -> (Desired, Plan) {
    let desired = expanded(&example("hello"), &answers()).unwrap().desired().unwrap_or_else(|all| {
        panic!("{}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    let kinds = agent_model::kinds::table();
    let scope = Scope::new("hello", "123456789012", "eu-west-1");
    let plan = plan(&desired, &Observed::default(), &kinds, &scope, &Settings::default()).unwrap();
    (desired, plan)
}

#[test]
fn the_steps_in_their_order() {
    let (_, plan) = hello();
    let mut text = String::new();
    for (n, step) in plan.steps.iter().enumerate() {
        writeln!(text, "{n:>2} {:<7} {} ({})", step.op.verb(), step.address, step.because).unwrap();
    }
    snapshot!(text);
}

#[test]
fn each_step_comes_after_what_it_names() {
    let (desired, plan) = hello();
    let mut made: BTreeMap<&Address, usize> = BTreeMap::new();
    for (n, step) in plan.steps.iter().enumerate() {
        let spec = match &step.op {
            Op::Create { spec, .. } => {
                assert!(made.insert(&step.address, n).is_none(), "{} is made twice", step.address);
                spec
            }
            Op::Update { spec, .. } => spec,
            other => panic!("{} of {} in an empty account", other.verb(), step.address),
        };
        for edge in agent_core::doc::edges(&spec.value()) {
            let before = made.get(&edge.to);
            assert!(before.is_some(), "step {n} ({}) names {}, which is not there yet", step.address, edge.to);
            let waits = edge.to == step.address || is_after(&plan, n, before.copied().unwrap());
            assert!(waits, "step {n} ({}) does not wait for {}", step.address, edge.to);
        }
    }
    let all: Vec<&Address> = desired.resources.keys().collect();
    assert_eq!(made.into_keys().collect::<Vec<_>>(), all);
}

/// Whether a step waits for another, directly or through others.
fn is_after(plan: &Plan, step: usize, before: usize) -> bool {
    let mut reached = BTreeSet::from([step]);
    let mut next = vec![step];
    while let Some(step) = next.pop() {
        next.extend(plan.steps[step].after.iter().copied().filter(|earlier| reached.insert(*earlier)));
    }
    reached.contains(&before)
}

#[test]
fn no_task_starts_before_it_can() {
    let (_, plan) = hello();
    let position = |address: &str, verb: &str| {
        let found = plan.steps.iter().rposition(|s| s.address.as_str() == address && s.op.verb() == verb);
        found.unwrap_or_else(|| panic!("no step {verb} {address}"))
    };
    let service = position("service.web/ecs.service", "create");
    for first in [
        ("service.web/ec2.security_group", "update"),
        ("network.main/ec2.security_group.endpoints", "update"),
        ("network.main/ec2.vpc_endpoint.ecr-api", "create"),
        ("network.main/ec2.vpc_endpoint.ecr-dkr", "create"),
        ("network.main/ec2.vpc_endpoint.logs", "create"),
        ("network.main/ec2.vpc_endpoint.s3", "create"),
        ("network.main/ec2.vpc_endpoint.ssm", "create"),
        ("parameter.token/ssm.parameter", "create"),
        ("service.web/iam.role.execution", "create"),
        ("service.web/logs.log_group", "create"),
    ] {
        assert!(is_after(&plan, service, position(first.0, first.1)), "the service does not wait for {first:?}");
    }
    let rule = plan.steps.iter().position(|step| step.address.kind() == "elb.rule").unwrap();
    assert!(is_after(&plan, service, rule), "ECS refuses a target group without a load balancer");
}
