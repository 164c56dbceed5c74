//! A service in a network that somebody else owns, with the shipped binary over emulated AWS: applied while the network is
//! private, refused as soon as its owner opens it, and the network is never touched.

use std::process::Output;

use agent_aws::Aws;
use agent_core::lookup::{Existing, Question};
use agent_core::secret::Vault;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, VpcEndpointType};

use crate::bench::fault::{At, Fault, What};
use crate::bench::record;
use crate::bench::repository::commit_to;
use crate::bench::running::Running;
use crate::cli::{Bench, ends};

const REGION: &str = "us-east-2";

/// A VPC as its owner made it: two private subnets on the main route table, and the endpoints that a task needs.
struct Owned {
    vpc: String,
    subnets: [String; 2],
    main: String,
}

impl Owned {
    async fn made(ec2: &Client, block: &str) -> Self {
        let made = ec2.create_vpc().cidr_block(format!("{block}.0.0/16")).send().await.unwrap();
        let vpc = made.vpc.unwrap().vpc_id.unwrap();
        let subnet = async |n: u8| {
            let call = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("{block}.{n}.0/24"));
            let zone = if n == 1 { "a" } else { "b" };
            let made = call.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
            made.subnet.unwrap().subnet_id.unwrap()
        };
        let subnets = [subnet(1).await, subnet(2).await];
        let of_vpc = Filter::builder().name("vpc-id").values(&vpc).build();
        let tables = ec2.describe_route_tables().filters(of_vpc).send().await.unwrap().route_tables.unwrap();
        let main = tables.into_iter().find(|table| table.associations().iter().any(|one| one.main == Some(true)));
        Self { main: main.unwrap().route_table_id.unwrap(), vpc, subnets }
    }

    async fn with_endpoints(self, ec2: &Client) -> Self {
        for name in ["ecr.api", "ecr.dkr", "logs"] {
            let call = ec2.create_vpc_endpoint().vpc_id(&self.vpc).service_name(service(name));
            let call = call.vpc_endpoint_type(VpcEndpointType::Interface).private_dns_enabled(true);
            call.set_subnet_ids(Some(self.subnets.to_vec())).send().await.unwrap();
        }
        let call = ec2.create_vpc_endpoint().vpc_id(&self.vpc).service_name(service("s3"));
        call.vpc_endpoint_type(VpcEndpointType::Gateway).route_table_ids(&self.main).send().await.unwrap();
        self
    }

    /// What its owner does by hand; gives the internet gateway.
    async fn open(&self, ec2: &Client) -> String {
        let made = ec2.create_internet_gateway().send().await.unwrap();
        let gateway = made.internet_gateway.unwrap().internet_gateway_id.unwrap();
        ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&self.vpc).send().await.unwrap();
        let call = ec2.create_route().route_table_id(&self.main).destination_cidr_block("0.0.0.0/0");
        call.gateway_id(&gateway).send().await.unwrap();
        gateway
    }

    async fn shut(&self, ec2: &Client) {
        let call = ec2.delete_route().route_table_id(&self.main).destination_cidr_block("0.0.0.0/0");
        call.send().await.unwrap();
    }

    /// A service in it.
    fn text(&self, stack: &str) -> String {
        let Self { vpc, subnets: [a, b], .. } = self;
        format!(
            "[stack]\nname = \"{stack}\"\naccount = \"123456789012\"\nregion = \"{REGION}\"\n\n[network.main]\n\
             existing = {{ vpc = \"{vpc}\", subnets = {{ private = [\"{a}\", \"{b}\"] }} }}\n\n\
             [service.web]\nimage = \"123456789012.dkr.ecr.{REGION}.amazonaws.com/web:1\"\nport = 8080\ntier = \"private\"\n"
        )
    }
}

fn service(name: &str) -> String {
    format!("com.amazonaws.{REGION}.{name}")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn clients(bench: &Bench) -> Aws {
    Aws::with(&bench.proxy.wire().config(REGION), Vault::new().unwrap())
}

#[tokio::test]
async fn a_service_in_a_network_of_others_is_refused_when_its_owner_opens_it() {
    let bench = Bench::new();
    let aws = clients(&bench);
    let owned = Owned::made(&aws.ec2, "10.71").await.with_endpoints(&aws.ec2).await;
    let text = owned.text("guest");
    let revision = bench.commit(&text);

    let validated = bench.at("validate", &revision);
    ends(&validated, 0);
    for rule in ["private-subnets-only", "endpoints-present"] {
        assert!(err(&validated).contains(&format!("note[{rule}]")), "{}", err(&validated));
    }
    ends(&bench.at("apply", &revision), 0);
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &revision, "--exit-code"]), 0);

    let gateway = owned.open(&aws.ec2).await;
    let next = bench.commit(&text.replace("web:1", "web:2"));
    let before = bench.proxy.wire().calls().len();
    let refused = bench.at("apply", &next);
    ends(&refused, 1);
    let path = format!(
        "the internet → {gateway} → 0.0.0.0/0 → {} (main) → {} → service.web/ecs.service",
        owned.main,
        owned.subnets.iter().min().unwrap()
    );
    assert!(out(&refused).contains(&path), "{path}\n{}", out(&refused));
    let calls = bench.proxy.wire().calls().split_off(before);
    assert!(calls.iter().all(record::Call::is_read), "{}", record::table(&calls));

    owned.shut(&aws.ec2).await;
    ends(&bench.at("apply", &next), 0);
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &next, "--yes"]), 0);
    let left = aws.ec2.describe_subnets().set_subnet_ids(Some(owned.subnets.to_vec())).send().await.unwrap();
    assert_eq!(left.subnets().len(), 2, "the network is its owner's");
}

#[tokio::test]
async fn subnets_that_are_not_in_the_network_are_told_with_their_place() {
    let bench = Bench::new();
    let aws = clients(&bench);
    let (one, other) = (Owned::made(&aws.ec2, "10.72").await, Owned::made(&aws.ec2, "10.73").await);
    let text = one.text("lost").replace(&one.subnets[0], &other.subnets[0]);
    let refused = bench.at("apply", &bench.commit(&text.replace(&one.subnets[1], "subnet-0123456789abcdef0")));
    ends(&refused, 1);
    let told = out(&refused);
    assert!(told.contains(&format!("{} is in {}, and not in {}", other.subnets[0], other.vpc, one.vpc)), "{told}");
    assert!(told.contains(&format!("there is no subnet-0123456789abcdef0 in {REGION}")), "{told}");
    assert!(told.contains("stack.toml:7:"), "{told}");
}

/// A process that lives for months has to see what changes, and asks no more than it has to.
#[tokio::test]
async fn one_process_sees_a_changed_route_with_three_calls_for_all_networks() {
    let bench = Bench::new();
    let aws = clients(&bench);
    let owned = [Owned::made(&aws.ec2, "10.74").await, Owned::made(&aws.ec2, "10.75").await];
    let existing =
        owned.each_ref().map(|owned| Existing { vpc: owned.vpc.clone(), subnets: owned.subnets.clone().into() });
    let asked = async || {
        let before = bench.proxy.wire().calls().len();
        let answers = aws.answers(existing.clone().map(Question::Network)).await.unwrap();
        let calls = bench.proxy.wire().calls().split_off(before);
        let mut names: Vec<String> = calls.iter().map(record::Call::label).collect();
        names.sort();
        assert_eq!(names, ["ec2.DescribeRouteTables", "ec2.DescribeSubnets", "ec2.DescribeVpcEndpoints"]);
        existing.each_ref().map(|existing| {
            let network = answers.network(existing).unwrap();
            assert_eq!(network.subnets.len(), 2);
            let (_, table) = network.table_of(existing.subnets.first().unwrap()).unwrap();
            table.routes.clone()
        })
    };
    let [first, second] = asked().await;
    assert_eq!(first, [("10.74.0.0/16".to_owned(), "local".to_owned())].into());
    let gateway = owned[0].open(&aws.ec2).await;
    let [opened, same] = asked().await;
    assert_eq!(opened.get("0.0.0.0/0"), Some(&gateway));
    assert_eq!(same, second);
}

#[test]
fn a_running_agent_refuses_what_was_opened_and_goes_on_when_it_is_shut_again() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let (config, repository) = (folder.path().join("agent.toml"), folder.path().join("manifests"));
    let source = format!("[source]\nurl = \"{}\"\n[reconcile]\ndrift = \"1s\"\n", repository.display());
    std::fs::write(&config, source).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let aws = clients(&bench);
    let owned = runtime.block_on(async { Owned::made(&aws.ec2, "10.76").await.with_endpoints(&aws.ec2).await });
    let commit = commit_to(&repository, "main", &[("stack.toml".to_owned(), owned.text("lodger"))].into());

    let agent = Running::start(&config, bench.proxy.env());
    agent.wait_for(0, &["converged", "lodger", &commit[..7]]);
    let mark = agent.mark();
    let gateway = runtime.block_on(owned.open(&aws.ec2));
    agent.wait_for(mark, &["the internet → ", &gateway, &owned.main, "service.web/ecs.service"]);
    let mark = agent.mark();
    runtime.block_on(owned.shut(&aws.ec2));
    agent.wait_for(mark, &["converged", "lodger"]);

    // What was not there once is not held against the stack when it is.
    let mark = agent.mark();
    let none = "<DescribeSubnetsResponse><requestId>0</requestId><subnetSet/></DescribeSubnetsResponse>".to_owned();
    let first = At::Action { service: "ec2", action: "DescribeSubnets", nth: 1 };
    bench.proxy.wire().plan([Fault::new(first, What::Answer(none))]);
    agent.wait_for(mark, &["there is no ", &owned.subnets[0]]);
    agent.wait_for(mark, &["converged", "lodger"]);
}
