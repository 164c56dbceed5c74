//! Each fault looks to the SDK as AWS's own would: code, status, classification by the retry classifiers; and a crash ends a
//! process between a call and its answer.

use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::ErrorKind;

use crate::bench::emulator::Emulator;
use crate::bench::fault::{At, Fault, What};
use crate::bench::record::Outcome;
use crate::bench::wire::Wire;

const REGION: &str = "eu-north-1";

fn wire_with(at: At, what: What) -> std::sync::Arc<Wire> {
    let wire = Wire::new(Emulator::shared());
    wire.plan([Fault::new(at, what)]);
    wire
}

/// Code and status of the error that an SDK made of a fault.
fn seen<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> (String, u16) {
    let status = error.raw_response().expect("an answer").status().as_u16();
    (error.code().expect("a code").to_owned(), status)
}

/// The errors of one fault at EC2 (ec2), SSM and ECS (json) and IAM (query).
async fn at_four_services(what: What) -> Vec<(String, u16)> {
    let wire = wire_with(At::Each, what);
    let config = wire.config(REGION);
    let ec2 = aws_sdk_ec2::Client::new(&config).describe_vpcs().send().await.unwrap_err();
    let ssm = aws_sdk_ssm::Client::new(&config).get_parameter().name("/a").send().await.unwrap_err();
    let ecs = aws_sdk_ecs::Client::new(&config).list_clusters().send().await.unwrap_err();
    let iam = aws_sdk_iam::Client::new(&config).get_role().role_name("a").send().await.unwrap_err();
    assert!(wire.calls().iter().all(|call| !call.sent), "a fault that is an answer is not sent");
    vec![seen(&ec2), seen(&ssm), seen(&ecs), seen(&iam)]
}

fn errors(list: [(&str, u16); 4]) -> Vec<(String, u16)> {
    list.into_iter().map(|(code, status)| (code.to_owned(), status)).collect()
}

#[tokio::test]
async fn errors_are_those_of_the_service_in_its_protocol() {
    let throttled = [
        ("RequestLimitExceeded", 503),
        ("ThrottlingException", 400),
        ("ThrottlingException", 400),
        ("Throttling", 400),
    ];
    assert_eq!(at_four_services(What::Throttle).await, errors(throttled));
    let internal =
        [("InternalError", 500), ("InternalServerError", 500), ("ServerException", 500), ("ServiceFailure", 500)];
    assert_eq!(at_four_services(What::Internal500).await, errors(internal));
    let denied = [
        ("UnauthorizedOperation", 403),
        ("AccessDeniedException", 400),
        ("AccessDeniedException", 400),
        ("AccessDenied", 403),
    ];
    assert_eq!(at_four_services(What::AccessDenied).await, errors(denied));
    let expired = [
        ("RequestExpired", 400),
        ("ExpiredTokenException", 400),
        ("ExpiredTokenException", 400),
        ("ExpiredToken", 403),
    ];
    assert_eq!(at_four_services(What::ExpiredToken).await, errors(expired));
}

#[tokio::test]
async fn not_found_and_conflict_become_the_modelled_errors() {
    let wire = Wire::new(Emulator::shared());
    let config = wire.config(REGION);
    wire.plan_by(|head| match head.name.action.as_str() {
        "GetRole" => Some(What::NotFound("NoSuchEntity")),
        "CreateRole" => Some(What::Conflict("EntityAlreadyExists")),
        "GetParameter" => Some(What::NotFound("ParameterNotFound")),
        "DescribeServices" => Some(What::NotFound("ClusterNotFoundException")),
        "DescribeVpcs" => Some(What::NotFound("InvalidVpcID.NotFound")),
        "DeleteVpc" => Some(What::Conflict("DependencyViolation")),
        "ListClusters" => Some(What::Error { code: "ClientException", status: 400 }),
        _ => None,
    });
    let iam = aws_sdk_iam::Client::new(&config);
    let ecs = aws_sdk_ecs::Client::new(&config);
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let role = iam.get_role().role_name("a").send().await.unwrap_err().into_service_error();
    assert!(role.is_no_such_entity_exception());
    let role = iam
        .create_role()
        .role_name("a")
        .assume_role_policy_document("{}")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(role.is_entity_already_exists_exception());
    let parameter = aws_sdk_ssm::Client::new(&config).get_parameter().name("/a").send().await.unwrap_err();
    assert!(parameter.into_service_error().is_parameter_not_found());
    let services = ecs.describe_services().services("a").send().await.unwrap_err().into_service_error();
    assert!(services.is_cluster_not_found_exception());
    assert!(ecs.list_clusters().send().await.unwrap_err().into_service_error().is_client_exception());
    assert_eq!(seen(&ec2.describe_vpcs().send().await.unwrap_err()), ("InvalidVpcID.NotFound".to_owned(), 400));
    assert_eq!(
        seen(&ec2.delete_vpc().vpc_id("vpc-1").send().await.unwrap_err()),
        ("DependencyViolation".to_owned(), 400)
    );
}

/// Asks the SDK's own classifiers, as its retry strategy does.
#[derive(Debug, Clone, Default)]
struct Verdicts(std::sync::Arc<std::sync::Mutex<Vec<Option<ErrorKind>>>>);

impl aws_smithy_runtime_api::client::interceptors::Intercept for Verdicts {
    fn name(&self) -> &'static str {
        "Verdicts"
    }

    fn read_after_attempt(
        &self,
        context: &aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef<'_>,
        components: &aws_smithy_runtime_api::client::runtime_components::RuntimeComponents,
        _: &mut aws_smithy_types::config_bag::ConfigBag,
    ) -> Result<(), aws_smithy_runtime_api::box_error::BoxError> {
        use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryReason};
        let inner: &InterceptorContext = context.inner();
        let kind =
            components.retry_classifiers().fold(None, |kind, classifier| match classifier.classify_retry(inner) {
                RetryAction::RetryIndicated(RetryReason::RetryableError { kind, .. }) => Some(kind),
                RetryAction::RetryForbidden => None,
                _ => kind,
            });
        self.0.lock().unwrap().push(kind);
        Ok(())
    }
}

/// What the SDK's classifiers say to a fault at EC2, SSM, ECS and IAM.
async fn verdicts(what: What) -> Vec<Option<ErrorKind>> {
    let wire = wire_with(At::Each, what);
    let config = wire.config(REGION);
    let verdicts = Verdicts::default();
    macro_rules! client {
        ($sdk:ident) => {
            $sdk::Client::from_conf($sdk::config::Builder::from(&config).interceptor(verdicts.clone()).build())
        };
    }
    let _ = client!(aws_sdk_ec2).describe_vpcs().send().await.unwrap_err();
    let _ = client!(aws_sdk_ssm).get_parameter().name("/a").send().await.unwrap_err();
    let _ = client!(aws_sdk_ecs).list_clusters().send().await.unwrap_err();
    let _ = client!(aws_sdk_iam).get_role().role_name("a").send().await.unwrap_err();
    let list = verdicts.0.lock().unwrap();
    list.clone()
}

#[tokio::test]
async fn the_retry_classifiers_take_each_fault_for_what_it_is() {
    assert_eq!(verdicts(What::Throttle).await, [Some(ErrorKind::ThrottlingError); 4]);
    for what in [What::Timeout, What::LostAnswer] {
        assert_eq!(verdicts(what.clone()).await, [Some(ErrorKind::TransientError); 4], "{what:?}");
    }
    // ECS and SSM model their internal errors; the status alone says that they are transient.
    assert_eq!(verdicts(What::Internal500).await, [Some(ErrorKind::TransientError); 4]);
    for what in [
        What::AccessDenied,
        What::ExpiredToken,
        What::CrashBefore,
        What::CrashAfter,
        What::Conflict("X"),
        What::NotFound("X"),
    ] {
        assert_eq!(verdicts(what.clone()).await, [None; 4], "{what:?}");
    }
}

#[tokio::test]
async fn a_throttled_call_is_retried_only_when_retries_are_on() {
    let wire = wire_with(At::Nth(1), What::Throttle);
    let off = aws_sdk_ssm::Client::new(&wire.config(REGION));
    assert_eq!(off.describe_parameters().send().await.unwrap_err().code(), Some("ThrottlingException"));
    assert_eq!(wire.count("ssm", "DescribeParameters"), 1);

    wire.clear();
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    let on = aws_sdk_ssm::Client::new(&wire.config(REGION).to_builder().retry_config(retries).build());
    let twice = [At::Nth(1), At::Nth(2)].map(|at| Fault::new(at, What::Throttle));
    wire.plan(twice);
    on.describe_parameters().send().await.unwrap();
    let calls = wire.calls();
    let outcomes: Vec<_> = calls.iter().map(|call| (call.outcome.clone(), call.fault)).collect();
    let throttled = (Outcome::Answered(400), Some("throttle"));
    assert_eq!(outcomes, [throttled.clone(), throttled, (Outcome::Answered(200), None)]);

    wire.plan([Fault::new(At::Each, What::Throttle)]);
    assert_eq!(on.describe_parameters().send().await.unwrap_err().code(), Some("ThrottlingException"));
    assert_eq!(wire.count("ssm", "DescribeParameters"), 6);
}

#[tokio::test]
async fn a_lost_answer_was_done_and_a_timeout_was_not() {
    let wire = wire_with(At::NthMutating(1), What::LostAnswer);
    let iam = aws_sdk_iam::Client::new(&wire.config(REGION));
    let exists = async |name: &str| iam.get_user().user_name(name).send().await.is_ok();
    for (name, what, done) in [("fault-lost", What::LostAnswer, true), ("fault-timeout", What::Timeout, false)] {
        wire.plan([Fault::new(At::NthMutating(1), what)]);
        assert!(!exists(name).await, "a read before the fault is not hit");
        let error = iam.create_user().user_name(name).send().await.unwrap_err();
        assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_timeout()), "{error:?}");
        assert_eq!(exists(name).await, done, "later calls go on");
    }
    let sent: Vec<_> =
        wire.calls().iter().filter(|call| !call.is_read()).map(|call| (call.sent, call.outcome.clone())).collect();
    assert_eq!(sent, [(true, Outcome::AnswerLost), (false, Outcome::NotSent)]);
}

#[tokio::test]
async fn after_a_crash_nothing_reaches_aws_until_the_next_process() {
    for (name, what, done) in [("fault-before", What::CrashBefore, false), ("fault-after", What::CrashAfter, true)] {
        let at = At::Action { service: "iam", action: "CreateUser", nth: 2 };
        let wire = wire_with(at, what);
        // With retries on: death must not be retried.
        let config = wire.config(REGION).to_builder().retry_config(RetryConfig::standard()).build();
        let iam = aws_sdk_iam::Client::new(&config);
        let (first, second) = (format!("{name}-1"), format!("{name}-2"));
        iam.create_user().user_name(&first).send().await.unwrap();
        iam.create_user().user_name(&second).send().await.unwrap_err();
        assert!(wire.is_dead());
        iam.delete_user().user_name(&first).send().await.unwrap_err();
        iam.get_user().user_name(&first).send().await.unwrap_err();
        assert_eq!((wire.calls().len(), wire.refused()), (2, 2));
        wire.revive();
        assert!(iam.get_user().user_name(&first).send().await.is_ok());
        assert_eq!(iam.get_user().user_name(&second).send().await.is_ok(), done);
    }
}

#[tokio::test]
async fn a_crashed_process_sees_no_error_and_a_living_one_ends() {
    let wire = wire_with(At::NthMutating(2), What::CrashAfter);
    let iam = aws_sdk_iam::Client::new(&wire.config(REGION));
    let create = |name: &'static str| iam.create_user().user_name(name).send();
    let mut steps = Vec::new();
    let finished = wire
        .until_crash(async {
            for name in ["fault-process-1", "fault-process-2", "fault-process-3"] {
                steps.push(create(name).await.is_ok());
            }
        })
        .await;
    assert_eq!(finished, None);
    assert_eq!(steps, [true], "the second step never came back");
    wire.revive();
    assert_eq!(wire.until_crash(async { create("fault-process-3").await.is_ok() }).await, Some(true));
    assert_eq!(wire.count("iam", "CreateUser"), 3);
}

#[tokio::test]
async fn a_process_that_dies_once_answered_knows_the_answer_and_sends_nothing_more() {
    let wire = wire_with(At::Action { service: "iam", action: "CreateUser", nth: 1 }, What::CrashAnswered);
    let iam = aws_sdk_iam::Client::new(&wire.config(REGION));
    let create = |name: &'static str| iam.create_user().user_name(name).send();
    let mut answered = Vec::new();
    let finished = wire
        .until_crash(async {
            for name in ["fault-answered-1", "fault-answered-2"] {
                answered.push(create(name).await.is_ok());
            }
        })
        .await;
    assert_eq!((finished, answered), (None, vec![true]));
    assert_eq!((wire.calls().len(), wire.refused(), wire.calls()[0].fault), (1, 1, Some("crash once answered")));
    wire.revive();
    assert!(iam.get_user().user_name("fault-answered-1").send().await.is_ok());
    assert!(iam.get_user().user_name("fault-answered-2").send().await.is_err());
}

#[tokio::test]
async fn a_call_under_way_when_the_process_dies_is_done_but_unanswered() {
    let wire = wire_with(At::Action { service: "iam", action: "GetUser", nth: 1 }, What::CrashBefore);
    let iam = aws_sdk_iam::Client::new(&wire.config(REGION));
    let (created, read) = tokio::join!(
        iam.create_user().user_name("fault-under-way").send(),
        iam.get_user().user_name("fault-under-way").send()
    );
    assert!(created.is_err() && read.is_err());
    assert_eq!(wire.calls()[0].outcome, Outcome::AnswerLost);
    wire.revive();
    assert!(iam.get_user().user_name("fault-under-way").send().await.is_ok());
}

#[tokio::test]
async fn a_delay_holds_one_call_back_and_no_other() {
    let wire = Wire::new(Emulator::shared());
    let ssm = aws_sdk_ssm::Client::new(&wire.config(REGION));
    // moto loads a service at its first call, which may take longer than the delay.
    ssm.describe_parameters().send().await.unwrap();
    wire.clear();
    wire.plan([Fault::new(At::Nth(1), What::Delay(Duration::from_millis(500)))]);
    let begun = Instant::now();
    let (first, second) = tokio::join!(ssm.describe_parameters().send(), ssm.describe_parameters().send());
    assert!(first.is_ok() && second.is_ok() && begun.elapsed() >= Duration::from_millis(500));
    let calls = wire.calls();
    assert!(calls[0].ended > calls[1].ended, "the second overtakes the first");
}
