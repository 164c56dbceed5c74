//! The proxy: a client that knows nothing but `AWS_ENDPOINT_URL` is named, recorded, routed and failed like one in this process.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::types::Filter;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::ErrorKind;

use crate::bench::emulator::Emulator;
use crate::bench::fault::{At, Fault, What};
use crate::bench::legal;
use crate::bench::proxy::Proxy;
use crate::bench::wire::Wire;

/// The configuration of a child: an ordinary client, and the environment's endpoint.
fn config(proxy: &Proxy) -> SdkConfig {
    let env = proxy.env();
    assert_eq!(env.keys().filter(|name| name.starts_with("AWS_ENDPOINT_URL")).count(), 1);
    let token = Some(env["AWS_SESSION_TOKEN"].clone());
    let credentials = Credentials::new(&env["AWS_ACCESS_KEY_ID"], &env["AWS_SECRET_ACCESS_KEY"], token, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ca-central-1"))
        .endpoint_url(&env["AWS_ENDPOINT_URL"])
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .retry_config(RetryConfig::disabled())
        .build()
}

fn start() -> (Arc<Wire>, Proxy) {
    let wire = Wire::new(Emulator::shared());
    let proxy = Proxy::start(&wire).unwrap();
    (wire, proxy)
}

#[tokio::test]
async fn one_address_serves_both_emulators_and_records() {
    let (wire, proxy) = start();
    let config = config(&proxy);
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let ecs = aws_sdk_ecs::Client::new(&config);
    let vpc = ec2.create_vpc().cidr_block("10.7.0.0/16").send().await.unwrap();
    let id = vpc.vpc().unwrap().vpc_id().unwrap();
    let filter = Filter::builder().name("vpc-id").values(id).build();
    assert_eq!(ec2.describe_vpcs().filters(filter).send().await.unwrap().vpcs().len(), 1);
    ecs.create_cluster().cluster_name("proxied").send().await.unwrap();
    assert_eq!(ecs.list_clusters().send().await.unwrap().cluster_arns().len(), 1);
    insta::assert_snapshot!(wire.table(), @"
    ec2.CreateVpc      mutating     1
    ec2.DescribeVpcs   read         1
    ecs.CreateCluster  mutating     1
    ecs.ListClusters   read         1
    2 reads in 2 rounds, 2 mutating
    ");
    for call in wire.calls() {
        assert_eq!((call.request.header("authorization"), call.request.header("x-amz-security-token")), (None, None));
    }
    let report = legal::check(&wire.calls()).unwrap();
    assert_eq!((report.checked, report.violations), (4, vec![]));
}

#[tokio::test]
async fn many_calls_at_once_are_answered() {
    let (wire, proxy) = start();
    let ssm = aws_sdk_ssm::Client::new(&config(&proxy));
    let calls: Vec<_> = (0..20).map(|_| tokio::spawn(ssm.describe_parameters().send())).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(wire.count("ssm", "DescribeParameters"), 20);
}

#[tokio::test]
async fn faults_look_the_same_through_the_proxy() {
    let (wire, proxy) = start();
    let config = config(&proxy);
    let iam = aws_sdk_iam::Client::new(&config);
    wire.plan([Fault::new(At::Nth(1), What::Throttle)]);
    let error = iam.get_user().user_name("a").send().await.unwrap_err();
    assert_eq!((error.code(), error.raw_response().unwrap().status().as_u16()), (Some("Throttling"), 400));

    for (name, what, done) in [("proxy-lost", What::LostAnswer, true), ("proxy-timeout", What::Timeout, false)] {
        wire.plan([Fault::new(At::Nth(1), what)]);
        let error = iam.create_user().user_name(name).send().await.unwrap_err();
        // A connection closed before the answer, which the SDK takes for transient like a timeout.
        let transient = Some(ErrorKind::TransientError);
        assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.as_other() == transient), "{error:?}");
        assert_eq!(iam.get_user().user_name(name).send().await.is_ok(), done);
    }
}

#[tokio::test]
async fn a_child_that_crashes_is_left_hanging_until_it_is_killed() {
    let (wire, proxy) = start();
    let iam = aws_sdk_iam::Client::new(&config(&proxy));
    wire.plan([Fault::new(At::NthMutating(1), What::CrashAfter)]);
    let child = tokio::spawn(iam.create_user().user_name("proxy-crash").send());
    wire.crashed().await;
    assert!(
        tokio::time::timeout(Duration::from_millis(100), iam.list_users().send()).await.is_err(),
        "nothing is answered"
    );
    assert!(!child.is_finished());
    child.abort();
    assert_eq!((wire.calls().len(), wire.refused()), (1, 1));
    wire.revive();
    assert!(iam.get_user().user_name("proxy-crash").send().await.is_ok());
}
