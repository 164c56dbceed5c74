//! The layer names every request by service and action, records what went over the wire, and counts rounds of dependent reads.

use aws_sdk_ec2::types::Filter;
use aws_sdk_ssm::types::ParameterType;

use crate::bench::emulator::Emulator;
use crate::bench::http::Request;
use crate::bench::legal;
use crate::bench::name::{self, Kind, Protocol};
use crate::bench::record::{self, Outcome};
use crate::bench::wire::Wire;

#[tokio::test]
async fn calls_of_four_services_are_named_and_counted() {
    let wire = Wire::new(Emulator::shared());
    let config = wire.config("eu-west-2");
    let ssm = aws_sdk_ssm::Client::new(&config);
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let iam = aws_sdk_iam::Client::new(&config);
    let ecs = aws_sdk_ecs::Client::new(&config);

    ssm.put_parameter().name("/wire/a").value("1").r#type(ParameterType::String).send().await.unwrap();
    ssm.get_parameter().name("/wire/a").send().await.unwrap();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let id = vpc.vpc().unwrap().vpc_id().unwrap();
    for _ in 0..2 {
        let filter = Filter::builder().name("vpc-id").values(id).build();
        assert_eq!(ec2.describe_vpcs().filters(filter).send().await.unwrap().vpcs().len(), 1);
    }
    iam.create_user().user_name("wire-counted").send().await.unwrap();
    iam.get_user().user_name("wire-counted").send().await.unwrap();
    ecs.create_cluster().cluster_name("wire-counted").send().await.unwrap();
    ecs.describe_clusters().clusters("wire-counted").send().await.unwrap();

    insta::assert_snapshot!(wire.table(), @"
    ec2.CreateVpc         mutating     1
    ec2.DescribeVpcs      read         2
    ecs.CreateCluster     mutating     1
    ecs.DescribeClusters  read         1
    iam.CreateUser        mutating     1
    iam.GetUser           read         1
    ssm.GetParameter      read         1
    ssm.PutParameter      mutating     1
    5 reads in 5 rounds, 4 mutating
    ");
    assert_eq!(wire.count("ec2", "DescribeVpcs"), 2);
    assert_eq!(record::services(&wire.calls()).into_iter().collect::<Vec<_>>(), ["ec2", "ecs", "iam", "ssm"]);
    for call in wire.calls() {
        assert_eq!(call.outcome, Outcome::Answered(200), "{}", call.label());
        assert!(call.sent && call.ended.unwrap() > call.started && !call.answer.is_empty());
        assert_eq!(call.request.header("authorization"), None);
        assert_eq!(call.request.header("x-amz-security-token"), None);
        // IAM signs for its home region.
        assert_eq!(call.name.region, if call.name.service == "iam" { "us-east-1" } else { "eu-west-2" });
    }
    wire.clear();
    assert!(wire.calls().is_empty());
}

#[tokio::test]
async fn overlapping_reads_are_one_round_and_dependent_ones_are_more() {
    let wire = Wire::new(Emulator::shared());
    let ssm = aws_sdk_ssm::Client::new(&wire.config("eu-west-2"));
    let read = || async { ssm.describe_parameters().send().await.unwrap() };
    tokio::join!(read(), read(), read());
    assert_eq!((wire.calls().len(), wire.rounds()), (3, 1));
    read().await;
    tokio::join!(read(), read());
    assert_eq!((wire.calls().len(), wire.rounds()), (6, 3));
    ssm.delete_parameters().names("/wire/none").send().await.unwrap();
    assert_eq!(wire.rounds(), 3);
    assert_eq!(record::depth(&wire.calls()), 4);
}

fn request(method: &str, uri: &str, scope: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/{scope}/aws4_request, SignedHeaders=host, Signature=0");
    let mut all = vec![("authorization".to_owned(), authorization)];
    all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Request { method: method.to_owned(), uri: uri.to_owned(), headers: all, body: body.as_bytes().to_vec() }
}

#[test]
fn rest_and_cbor_requests_are_named_by_path() {
    let cases = [
        ("GET", "/2020-05-31/distribution/E1/config", "us-east-1/cloudfront", "GetDistributionConfig", Kind::Read),
        ("GET", "/2020-05-31/distribution/E1", "us-east-1/cloudfront", "GetDistribution", Kind::Read),
        (
            "POST",
            "/2020-05-31/distribution?WithTags",
            "us-east-1/cloudfront",
            "CreateDistributionWithTags",
            Kind::Mutating,
        ),
        ("POST", "/2020-05-31/distribution", "us-east-1/cloudfront", "CreateDistribution", Kind::Mutating),
        ("GET", "/2013-04-01/hostedzone/Z1/rrset?type=A", "us-east-1/route53", "ListResourceRecordSets", Kind::Read),
        ("PUT", "/bucket/a/b/c?x-id=PutObject", "eu-west-1/s3", "PutObject", Kind::Mutating),
        ("GET", "/bucket?policy", "eu-west-1/s3", "GetBucketPolicy", Kind::Read),
        ("POST", "/restapis/r1/deployments", "eu-west-1/apigateway", "CreateDeployment", Kind::Mutating),
        ("GET", "/v2/apis/a1/stages", "eu-west-1/apigateway", "GetStages", Kind::Read),
        (
            "GET",
            "/v1/clusters/arn%3Aaws%3Akafka/bootstrap-brokers",
            "eu-west-1/kafka",
            "GetBootstrapBrokers",
            Kind::Read,
        ),
        ("PATCH", "/no/such/thing", "eu-west-1/kafka", "PATCH /no/such/thing", Kind::Mutating),
    ];
    for (method, uri, scope, action, kind) in cases {
        let name = name::of(&request(method, uri, scope, &[], ""));
        assert_eq!((name.action.as_str(), name.kind), (action, kind), "{method} {uri}");
    }
    let copy = request("PUT", "/bucket/key", "eu-west-1/s3", &[("x-amz-copy-source", "/other/key")], "");
    assert_eq!(name::of(&copy).action, "CopyObject");
    let cbor = [("smithy-protocol", "rpc-v2-cbor")];
    let alarm = request(
        "POST",
        "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm",
        "eu-west-1/monitoring",
        &cbor,
        "",
    );
    assert_eq!(name::of(&alarm).action, "PutMetricAlarm");
    assert_eq!(name::of(&alarm).protocol, Protocol::Cbor);
}

#[test]
fn kinds_follow_the_verb_and_the_exceptions() {
    for (service, action) in
        [("ec2", "DescribeVpcs"), ("sts", "AssumeRole"), ("logs", "FilterLogEvents"), ("kms", "Decrypt")]
    {
        assert_eq!(name::kind(service, action), Kind::Read, "{action}");
    }
    for (service, action) in
        [("ec2", "CreateVpc"), ("ssm", "PutParameter"), ("apigateway", "TestInvokeMethod"), ("x", "Getaway")]
    {
        assert_eq!(name::kind(service, action), Kind::Mutating, "{action}");
    }
}

#[test]
fn the_table_of_rest_operations_is_that_of_the_models() {
    let output = legal::script("check.py").unwrap().arg("--routes").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        name::REST_TABLE == String::from_utf8(output.stdout).unwrap(),
        "run tests/legal/check.py --routes > tests/bench/rest_operations.txt"
    );
}
