//! Why a service is not in order, in AWS's words: what its deployments and events say, and why its tasks stopped. The calls,
//! for services that are not in order only: `DescribeServices` for each ten of a cluster, and for each service `ListTasks`
//! with `DescribeTasks`.

use std::collections::BTreeMap;

use agent_core::fault::{Class, Fault};
use agent_core::health::Told;
use agent_core::live::Live;
use agent_model::kinds::ecs::service::Service;
use aws_sdk_ecs::types::{self as sdk, DeploymentRolloutState, DesiredStatus, TaskStopCode};
use futures_util::future::try_join_all;

use super::DESCRIBED;
use crate::Aws;
use crate::fault::fault;
use crate::words::without_ids;

/// How many of the newest events, and of the reasons for stopped tasks, are told.
const TOLD: usize = 3;

impl Aws {
    pub(super) async fn services_explained(&self, about: &[Live<Service>]) -> Result<BTreeMap<String, Told>, Fault> {
        let mut clusters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for live in about {
            clusters.entry(live.spec.cluster.as_str()).or_default().push(live.id.clone());
        }
        let tens = clusters.iter().flat_map(|(cluster, arns)| arns.chunks(DESCRIBED).map(move |ten| (*cluster, ten)));
        let described = try_join_all(tens.map(|(cluster, ten)| self.services(cluster, ten.to_vec()))).await?;
        let told = described.iter().flatten().map(|service| async {
            let stopped = self.stopped_tasks(service).await?;
            Ok((service.service_arn().unwrap_or_default().to_owned(), why(service, &stopped)))
        });
        Ok(try_join_all(told).await?.into_iter().collect())
    }

    /// The tasks of a service that have stopped; ECS shows them for about an hour.
    async fn stopped_tasks(&self, service: &sdk::Service) -> Result<Vec<sdk::Task>, Fault> {
        let (Some(cluster), Some(name)) = (service.cluster_arn(), service.service_name()) else {
            return Ok(Vec::new());
        };
        let listing = self.ecs.list_tasks().cluster(cluster).service_name(name).desired_status(DesiredStatus::Stopped);
        let arns = match listing.send().await.map_err(fault("ecs:ListTasks")) {
            Ok(answer) => answer.task_arns.unwrap_or_default(),
            // The service, or its cluster, has gone meanwhile.
            Err(fault) if fault.class == Class::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        // A page of a list has a hundred, which is what one call describes.
        let call = self.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns));
        Ok(call.send().await.map_err(fault("ecs:DescribeTasks"))?.tasks.unwrap_or_default())
    }
}

/// What people need to know, the most telling first.
fn why(service: &sdk::Service, stopped: &[sdk::Task]) -> Told {
    let mut reasons: Vec<String> = service.deployments().iter().flat_map(of_deployment).collect();
    reasons.extend(of_tasks(service, stopped));
    reasons.extend(of_events(service));
    Told { health: None, reasons }
}

/// Of a deployment that is not completed: how far it is, and what AWS says about that.
fn of_deployment(deployment: &sdk::Deployment) -> Vec<String> {
    let primary = deployment.status() == Some("PRIMARY");
    let state = deployment.rollout_state();
    if !primary || state == Some(&DeploymentRolloutState::Completed) {
        return Vec::new();
    }
    let mut said = Vec::new();
    if state == Some(&DeploymentRolloutState::Failed) {
        let reason = deployment.rollout_state_reason().unwrap_or("AWS gives no reason");
        said.push(format!("its deployment failed: {}", without_ids(reason)));
    }
    let (running, desired) = (deployment.running_count(), deployment.desired_count());
    if running < desired {
        said.push(format!("{running} of {desired} tasks of its newest deployment run"));
    }
    if deployment.failed_tasks() > 0 {
        said.push(format!("{} in a row failed", counted(deployment.failed_tasks(), "task")));
    }
    said
}

/// Why tasks stopped, those that stopped for one reason together, the newest reason first.
fn of_tasks(service: &sdk::Service, stopped: &[sdk::Task]) -> Vec<String> {
    let deployments: Vec<&str> = service.deployments().iter().filter_map(sdk::Deployment::id).collect();
    // "If an Amazon ECS service started the task, the `startedBy` parameter contains the deployment ID of that service":
    // what earlier deployments left behind says nothing about this one.
    let of_now = |task: &&sdk::Task| task.started_by().is_none_or(|by| deployments.contains(&by));
    let mut stopped: Vec<&sdk::Task> = stopped.iter().filter(of_now).filter(|task| !is_routine(task)).collect();
    stopped.sort_by_key(|task| std::cmp::Reverse(task.stopped_at().and_then(|at| at.to_millis().ok())));
    let mut groups: Vec<(String, usize)> = Vec::new();
    for reason in stopped.into_iter().map(reason_of) {
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => groups.push((reason, 1)),
        }
    }
    let said = groups.into_iter().take(TOLD);
    said.map(|(reason, count)| {
        format!("{} stopped: {reason}", counted(i32::try_from(count).unwrap_or(i32::MAX), "task"))
    })
    .collect()
}

/// ECS stops tasks when it scales in or replaces them: nothing is wrong with these.
fn is_routine(task: &sdk::Task) -> bool {
    task.stop_code() == Some(&TaskStopCode::ServiceSchedulerInitiated)
        && task.stopped_reason().is_none_or(|reason| reason.starts_with("Scaling activity initiated by"))
}

/// AWS's reason, and what it says of the containers beyond that.
fn reason_of(task: &sdk::Task) -> String {
    let reason = match (task.stopped_reason(), task.stop_code()) {
        (Some(reason), _) => without_ids(reason),
        (None, Some(code)) => code.as_str().to_owned(),
        (None, None) => "AWS gives no reason".to_owned(),
    };
    let containers: Vec<String> =
        task.containers().iter().filter_map(|container| of_container(container, &reason)).collect();
    if containers.is_empty() { reason } else { format!("{reason} ({})", containers.join("; ")) }
}

fn of_container(container: &sdk::Container, known: &str) -> Option<String> {
    let code = container.exit_code().filter(|code| *code != 0).map(|code| format!("exit code {code}"));
    let reason = container.reason().map(without_ids).filter(|reason| !known.contains(reason.as_str()));
    let said: Vec<String> = code.into_iter().chain(reason).collect();
    (!said.is_empty()).then(|| format!("{}: {}", container.name().unwrap_or("a container"), said.join(", ")))
}

/// The newest events that tell of something wrong, each once, as often as it was said.
fn of_events(service: &sdk::Service) -> Vec<String> {
    let began =
        service.deployments().iter().find(|one| one.status() == Some("PRIMARY")).and_then(|one| one.created_at());
    let of_now = |event: &&sdk::ServiceEvent| match (began, event.created_at()) {
        (Some(began), Some(at)) => at.secs() >= began.secs(),
        _ => true,
    };
    let mut said: Vec<(String, usize)> = Vec::new();
    for event in service.events().iter().filter(of_now) {
        let Some(message) = event.message().filter(|message| !is_news(message)) else { continue };
        let message = without_ids(message);
        match said.iter_mut().find(|(known, _)| *known == message) {
            Some((_, count)) => *count += 1,
            None => said.push((message, 1)),
        }
    }
    let often = |(message, count): (String, usize)| match count {
        1 => message,
        count => format!("{message} ({count} times)"),
    };
    said.into_iter().take(TOLD).map(often).collect()
}

/// What ECS tells of its usual work
/// ([service event messages](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html)).
fn is_news(message: &str) -> bool {
    [
        "has started ",
        "has stopped ",
        "has begun draining connections",
        "registered ",
        "deregistered ",
        "has reached a steady state",
        "deployment completed",
    ]
    .iter()
    .any(|usual| message.contains(usual))
}

fn counted(count: i32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;
    use aws_sdk_ecs::types::builders::{DeploymentBuilder, ServiceBuilder};

    use super::*;

    const PULL: &str = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
        docker.io/library/nginx:1.27: dial tcp 44.208.254.194:443: i/o timeout";

    fn task(started_by: &str, at: i64, code: TaskStopCode, reason: &str) -> sdk::Task {
        let task = sdk::Task::builder().started_by(started_by).stopped_at(DateTime::from_secs(at));
        task.stop_code(code).stopped_reason(reason).build()
    }

    fn event(at: i64, message: &str) -> sdk::ServiceEvent {
        sdk::ServiceEvent::builder().created_at(DateTime::from_secs(at)).message(message).build()
    }

    fn deployment(state: DeploymentRolloutState) -> DeploymentBuilder {
        let deployment = sdk::Deployment::builder().id("ecs-svc/2").status("PRIMARY").rollout_state(state);
        deployment.created_at(DateTime::from_secs(100)).desired_count(2)
    }

    fn service(deployment: DeploymentBuilder) -> ServiceBuilder {
        sdk::Service::builder().service_name("web").deployments(deployment.build())
    }

    #[test]
    fn tasks_that_stopped_for_one_reason_are_told_together_the_newest_first() {
        let mut exited =
            task("ecs-svc/2", 150, TaskStopCode::EssentialContainerExited, "Essential container in task exited");
        exited.containers = Some(vec![
            sdk::Container::builder().name("web").exit_code(137).reason("OutOfMemoryError: killed").build(),
            sdk::Container::builder().name("proxy").exit_code(0).build(),
        ]);
        let mut pull = task("ecs-svc/2", 200, TaskStopCode::TaskFailedToStart, PULL);
        pull.containers = Some(vec![sdk::Container::builder().name("web").reason(PULL).build()]);
        let stopped = [exited, pull.clone(), pull];
        let expected = [
            format!("2 tasks stopped: {PULL}"),
            "1 task stopped: Essential container in task exited (web: exit code 137, OutOfMemoryError: killed)".into(),
        ];
        let service = service(deployment(DeploymentRolloutState::InProgress).running_count(2)).build();
        assert_eq!(why(&service, &stopped).reasons, expected);
    }

    #[test]
    fn tasks_of_earlier_deployments_and_those_that_ecs_replaces_say_nothing() {
        let stopped = [
            task("ecs-svc/1", 90, TaskStopCode::TaskFailedToStart, "ResourceInitializationError: of yesterday"),
            task(
                "ecs-svc/2",
                150,
                TaskStopCode::ServiceSchedulerInitiated,
                "Scaling activity initiated by (deployment ecs-svc/2)",
            ),
        ];
        let service = service(deployment(DeploymentRolloutState::InProgress).running_count(2)).build();
        assert_eq!(why(&service, &stopped).reasons, [] as [&str; 0]);
        let failed =
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/w/1)";
        let stopped = [task("ecs-svc/2", 150, TaskStopCode::ServiceSchedulerInitiated, failed)];
        assert_eq!(why(&service, &stopped).reasons, [format!("1 task stopped: {failed}")]);
    }

    #[test]
    fn a_deployment_says_how_far_it_is_and_why_it_failed() {
        let failed = deployment(DeploymentRolloutState::Failed)
            .rollout_state_reason("ECS deployment circuit breaker: tasks failed to start.")
            .failed_tasks(3);
        let expected = [
            "its deployment failed: ECS deployment circuit breaker: tasks failed to start.",
            "0 of 2 tasks of its newest deployment run",
            "3 tasks in a row failed",
        ];
        assert_eq!(why(&service(failed).build(), &[]).reasons, expected);
    }

    #[test]
    fn events_are_told_once_without_the_usual_work_and_without_what_was_before() {
        let unhealthy = |task: &str| format!("(service web) (task {task}) failed container health checks.");
        let service = service(deployment(DeploymentRolloutState::Completed))
            .events(event(130, &unhealthy("0a1b2c3d4e5f60718293a4b5c6d7e8f9")))
            .events(event(129, "(service web) has started 1 tasks: (task 0a1b2c3d4e5f60718293a4b5c6d7e8f9)."))
            .events(event(120, &unhealthy("ffffffffffffffffffffffffffffffff")))
            .events(event(
                110,
                "(service web) was unable to place a task. Reason: Capacity is unavailable at this time.",
            ))
            .events(event(99, "(service web) was unable to place a task. Reason: of an earlier deployment."))
            .build();
        let expected = [
            "(service web) (task …) failed container health checks. (2 times)",
            "(service web) was unable to place a task. Reason: Capacity is unavailable at this time.",
        ];
        assert_eq!(why(&service, &[]).reasons, expected);
    }

    #[test]
    fn no_more_than_a_few_reasons_are_told() {
        let reasons = ["A", "B", "C", "D", "E"];
        let stopped = reasons.map(|reason| task("ecs-svc/2", 150, TaskStopCode::UserInitiated, reason));
        let events = reasons.map(|reason| event(150, &format!("(service web) was unable to {reason}")));
        let service = service(deployment(DeploymentRolloutState::Completed)).set_events(Some(events.to_vec())).build();
        assert_eq!(why(&service, &stopped).reasons.len(), 2 * TOLD);
    }
}
