//! Whether what a target group forwards to answers its health checks: a call for each group that is asked about. No list
//! tells it, and a service may be steady for ECS while nobody can reach it.

use std::collections::BTreeMap;

use agent_core::fault::Fault;
use agent_core::health::{Health, Told};
use agent_core::live::Live;
use agent_model::kinds::elb::target_group::TargetGroup;
use aws_sdk_elasticloadbalancingv2::types::{
    TargetHealth, TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::unless_gone;
use crate::Aws;
use crate::fault::fault;

/// How many calls are under way at once: a stack may have hundreds of groups, and an account has one quota.
const AT_ONCE: usize = 8;

impl Aws {
    pub(super) async fn targets_explained(&self, about: &[Live<TargetGroup>]) -> Result<BTreeMap<String, Told>, Fault> {
        let arns: Vec<String> = about.iter().map(|live| live.id.clone()).collect();
        let told = stream::iter(arns).map(|arn| async move {
            let call = self.elb.describe_target_health().target_group_arn(&arn);
            let answer = call.send().await.map_err(fault("elasticloadbalancing:DescribeTargetHealth"));
            let targets = unless_gone(answer)?.and_then(|answer| answer.target_health_descriptions);
            Ok::<_, Fault>((arn, how(&targets.unwrap_or_default())))
        });
        told.buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// All targets unhealthy: degraded. Some: the service starts others in their place. None registered says nothing by itself:
/// how many tasks run is told by their service.
fn how(targets: &[TargetHealthDescription]) -> Told {
    let states: Vec<&TargetHealth> = targets.iter().filter_map(TargetHealthDescription::target_health).collect();
    // Those that are going are the business of nobody any longer.
    let counting: Vec<&TargetHealth> = states.into_iter().filter(|one| !is_going(one)).collect();
    let of = |state: &TargetHealthStateEnum| counting.iter().filter(|one| one.state() == Some(state)).count();
    let (healthy, initial) = (of(&TargetHealthStateEnum::Healthy), of(&TargetHealthStateEnum::Initial));
    let unhealthy = of(&TargetHealthStateEnum::Unhealthy);
    let health = match (healthy, initial, unhealthy) {
        (_, 0, 0) => None,
        (0, 0, _) => Some(Health::Degraded),
        _ => Some(Health::Progressing),
    };
    Told { health, reasons: reasons(&counting) }
}

fn is_going(target: &TargetHealth) -> bool {
    matches!(target.state(), Some(TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining))
}

/// `2 of 3 targets unhealthy: Target.Timeout — Request timed out`, those of one state and reason together, the most first.
fn reasons(targets: &[&TargetHealth]) -> Vec<String> {
    if targets.is_empty() {
        return vec!["no targets are registered".into()];
    }
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for target in targets.iter().filter(|one| one.state() != Some(&TargetHealthStateEnum::Healthy)) {
        let state = target.state().map_or("in an unknown state", TargetHealthStateEnum::as_str);
        let said: Vec<&str> =
            target.reason().map(TargetHealthReasonEnum::as_str).into_iter().chain(target.description()).collect();
        let text = if said.is_empty() { state.to_owned() } else { format!("{state}: {}", said.join(" — ")) };
        *groups.entry(text).or_default() += 1;
    }
    let mut groups: Vec<(String, usize)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all = targets.len();
    let noun = if all == 1 { "target" } else { "targets" };
    groups.into_iter().map(|(text, count)| format!("{count} of {all} {noun} {text}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(state: TargetHealthStateEnum, reason: Option<(&str, &str)>) -> TargetHealthDescription {
        let health = TargetHealth::builder().state(state);
        let health = match reason {
            Some((reason, text)) => health.reason(TargetHealthReasonEnum::from(reason)).description(text),
            None => health,
        };
        TargetHealthDescription::builder().target_health(health.build()).build()
    }

    fn unhealthy() -> TargetHealthDescription {
        let reason = ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]");
        target(TargetHealthStateEnum::Unhealthy, Some(reason))
    }

    fn healthy() -> TargetHealthDescription {
        target(TargetHealthStateEnum::Healthy, None)
    }

    #[test]
    fn where_no_target_is_healthy_the_group_is_degraded_and_says_why() {
        let timeout = target(TargetHealthStateEnum::Unhealthy, Some(("Target.Timeout", "Request timed out")));
        let told = how(&[timeout, unhealthy(), unhealthy()]);
        assert_eq!(told.health, Some(Health::Degraded));
        let expected = [
            "2 of 3 targets unhealthy: Target.ResponseCodeMismatch — Health checks failed with these codes: [502]",
            "1 of 3 targets unhealthy: Target.Timeout — Request timed out",
        ];
        assert_eq!(told.reasons, expected);
    }

    #[test]
    fn healthy_targets_say_nothing_and_some_that_are_not_are_replaced() {
        assert_eq!(how(&[healthy(), healthy()]), Told { health: None, reasons: Vec::new() });
        assert_eq!(how(&[healthy(), unhealthy()]).health, Some(Health::Progressing));
    }

    #[test]
    fn new_targets_get_their_time() {
        let initial = target(
            TargetHealthStateEnum::Initial,
            Some(("Elb.InitialHealthChecking", "Initial health checks in progress")),
        );
        let told = how(&[initial.clone(), unhealthy()]);
        assert_eq!(told.health, Some(Health::Progressing));
        let alone = how(&[initial]);
        assert_eq!(alone.health, Some(Health::Progressing));
        assert_eq!(
            alone.reasons,
            ["1 of 1 target initial: Elb.InitialHealthChecking — Initial health checks in progress"]
        );
    }

    #[test]
    fn targets_that_go_do_not_count_and_none_says_nothing() {
        let draining = target(TargetHealthStateEnum::Draining, Some(("Target.DeregistrationInProgress", "…")));
        assert_eq!(how(&[draining.clone(), healthy()]), Told { health: None, reasons: Vec::new() });
        let none = Told { health: None, reasons: vec!["no targets are registered".into()] };
        assert_eq!((how(&[]), how(&[draining])), (none.clone(), none));
    }
}
