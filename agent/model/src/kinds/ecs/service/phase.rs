//! How a service is, told from its deployments. What to do about it is not decided here.

use agent_core::health::Health;
use agent_core::live::Phase;

/// How far a deployment is, in AWS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// It starts and stops tasks.
    InProgress,
    /// The service is in a steady state.
    Completed,
    /// The circuit breaker, or an alarm, has ended it.
    Failed,
}

/// One deployment of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// Whether it is the newest; older ones are there while their tasks run.
    pub primary: bool,
    /// Absent in the answers for some services.
    pub state: Option<RolloutState>,
    /// AWS's words for the state.
    pub reason: String,
}

/// A service, as far as its phase depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// In any order.
    pub deployments: Vec<Rollout>,
    /// Tasks that run, of all deployments.
    pub running: i32,
    /// Tasks that there should be.
    pub desired: i32,
    /// What AWS last said about the service.
    pub newest_event: Option<String>,
}

impl Standing {
    /// The phase; `None` for a service that has gone, which AWS shows for a while.
    pub fn phase(&self) -> Option<Phase> {
        match self.status.as_str() {
            "INACTIVE" => return None,
            "DRAINING" => return Some(Phase::Going),
            _ => {}
        }
        let primary = self.deployments.iter().find(|rollout| rollout.primary);
        let under_way = || {
            let works = self.running > 0 || self.deployments.iter().any(|rollout| !rollout.primary);
            if works { Phase::Changing } else { Phase::Coming }
        };
        Some(match primary.and_then(|rollout| rollout.state) {
            Some(RolloutState::Completed) => Phase::Ready,
            Some(RolloutState::Failed) => Phase::Broken(self.why(primary)),
            None if self.running >= self.desired && self.deployments.len() <= 1 => Phase::Ready,
            Some(RolloutState::InProgress) | None => under_way(),
        })
    }

    /// AWS's reason, and what it said last: the reason alone is "tasks failed to start".
    fn why(&self, primary: Option<&Rollout>) -> String {
        let reason = primary.map(|rollout| rollout.reason.as_str()).filter(|reason| !reason.is_empty());
        let told: Vec<&str> = reason.into_iter().chain(self.newest_event.as_deref()).collect();
        if told.is_empty() { "the deployment failed".to_owned() } else { told.join("; ") }
    }
}

/// A deployment that is completed stays so when its tasks die later: ECS starts others, and says nothing in the state.
pub fn short_of_tasks(running: i32, desired: i32) -> Option<(Health, String)> {
    let health = if running > 0 { Health::Progressing } else { Health::Degraded };
    (running < desired).then(|| (health, format!("{running} of {desired} tasks run")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(primary: bool, state: Option<RolloutState>) -> Rollout {
        Rollout { primary, state, reason: String::new() }
    }

    fn active(deployments: Vec<Rollout>, running: i32, desired: i32) -> Option<Phase> {
        Standing { status: "ACTIVE".into(), deployments, running, desired, newest_event: None }.phase()
    }

    #[test]
    fn a_first_deployment_comes_and_a_later_one_changes() {
        let (new, old) = (rollout(true, Some(RolloutState::InProgress)), rollout(false, Some(RolloutState::Completed)));
        assert_eq!(active(vec![new.clone()], 0, 2), Some(Phase::Coming));
        assert_eq!(active(vec![new.clone()], 1, 2), Some(Phase::Changing));
        assert_eq!(active(vec![old, new], 0, 2), Some(Phase::Changing));
        assert_eq!(active(vec![rollout(true, Some(RolloutState::Completed))], 0, 0), Some(Phase::Ready));
    }

    #[test]
    fn only_the_newest_deployment_counts() {
        let failed = rollout(false, Some(RolloutState::Failed));
        assert_eq!(active(vec![failed, rollout(true, Some(RolloutState::Completed))], 2, 2), Some(Phase::Ready));
    }

    #[test]
    fn without_a_state_the_tasks_are_counted() {
        assert_eq!(active(vec![rollout(true, None)], 2, 2), Some(Phase::Ready));
        assert_eq!(active(vec![rollout(true, None)], 1, 2), Some(Phase::Changing));
        assert_eq!(active(vec![rollout(true, None)], 0, 2), Some(Phase::Coming));
        assert_eq!(active(vec![rollout(true, None), rollout(false, None)], 2, 2), Some(Phase::Changing));
        assert_eq!(active(Vec::new(), 0, 0), Some(Phase::Ready));
    }

    #[test]
    fn a_failed_one_says_why_and_what_was_seen_last() {
        let mut standing = Standing {
            status: "ACTIVE".into(),
            deployments: vec![Rollout {
                primary: true,
                state: Some(RolloutState::Failed),
                reason: "ECS deployment circuit breaker: tasks failed to start.".into(),
            }],
            newest_event: Some("(service web) was unable to place a task.".into()),
            ..Standing::default()
        };
        let both = "ECS deployment circuit breaker: tasks failed to start.; (service web) was unable to place a task.";
        assert_eq!(standing.phase(), Some(Phase::Broken(both.into())));
        standing.deployments[0].reason.clear();
        standing.newest_event = None;
        assert_eq!(standing.phase(), Some(Phase::Broken("the deployment failed".into())));
    }

    #[test]
    fn a_service_without_any_of_its_tasks_does_not_work() {
        assert_eq!(short_of_tasks(0, 0), None);
        assert_eq!(short_of_tasks(3, 2), None, "a rollout may run more");
        assert_eq!(short_of_tasks(1, 2), Some((Health::Progressing, "1 of 2 tasks run".into())));
        assert_eq!(short_of_tasks(0, 2), Some((Health::Degraded, "0 of 2 tasks run".into())));
    }

    #[test]
    fn a_deleted_service_goes_and_then_has_gone() {
        let with = |status: &str| Standing { status: status.into(), ..Standing::default() }.phase();
        assert_eq!((with("DRAINING"), with("INACTIVE")), (Some(Phase::Going), None));
    }
}
