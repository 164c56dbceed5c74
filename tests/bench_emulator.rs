//! The emulators start, answer, forget at reset, and die with whoever started them, however that one died.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::emulator::{Emulator, tests_dir};
use crate::bench::wire::Wire;

/// Whether nobody listens any more, asked until then for at most 10 s.
fn closes(address: &str) -> bool {
    let limit = Instant::now() + Duration::from_secs(10);
    let host = address.trim_start_matches("http://");
    while Instant::now() < limit {
        if TcpStream::connect(host).is_err() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn a_pair_ends_when_it_is_dropped() {
    let own = Emulator::start().unwrap();
    let (moto, ministack) = (own.endpoint("ec2").to_owned(), own.endpoint("ecs").to_owned());
    assert_ne!(moto, ministack);
    assert!(TcpStream::connect(moto.trim_start_matches("http://")).is_ok());
    drop(own);
    assert!(closes(&moto));
    assert!(closes(&ministack));
}

#[test]
fn a_pair_ends_when_its_starter_is_killed() {
    // A starter that cannot clean up: it holds the launcher's standard input and waits to be killed.
    let starter = "import subprocess, sys\n\
        child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n\
        print(child.stdout.readline(), end='', flush=True)\n\
        child.wait()\n";
    let mut starter = Command::new("python3")
        .args(["-c", starter, "python3"])
        .arg(tests_dir().join("emulator/launch.py"))
        .arg("--target")
        .arg(Emulator::shared().logs().join("../.."))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(starter.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pair: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = |name: &str| pair[name].as_str().unwrap().to_owned();
    assert!(TcpStream::connect(address("moto").trim_start_matches("http://")).is_ok());
    starter.kill().unwrap();
    starter.wait().unwrap();
    assert!(closes(&address("moto")));
    assert!(closes(&address("ministack")));
}

#[tokio::test]
async fn reset_forgets_everything_on_both() {
    let own = std::sync::Arc::new(Emulator::start().unwrap());
    let wire = Wire::new(own);
    let ssm = aws_sdk_ssm::Client::new(&wire.config("eu-west-1"));
    let ecs = aws_sdk_ecs::Client::new(&wire.config("eu-west-1"));
    ssm.put_parameter()
        .name("/here")
        .value("1")
        .r#type(aws_sdk_ssm::types::ParameterType::String)
        .send()
        .await
        .unwrap();
    ecs.create_cluster().cluster_name("here").send().await.unwrap();
    assert_eq!(ecs.list_clusters().send().await.unwrap().cluster_arns().len(), 1);
    assert!(ssm.get_parameter().name("/here").send().await.is_ok());
    wire.emulator().reset().unwrap();
    assert_eq!(ecs.list_clusters().send().await.unwrap().cluster_arns().len(), 0);
    assert!(ssm.get_parameter().name("/here").send().await.unwrap_err().into_service_error().is_parameter_not_found());
}

#[test]
fn the_environment_of_a_child_routes_each_service() {
    let shared = Emulator::shared();
    assert_eq!(shared.env()["AWS_ENDPOINT_URL"], shared.endpoint("ec2"));
    for (variable, service) in [
        ("ECS", "ecs"),
        ("CLOUDFRONT", "cloudfront"),
        ("CLOUDWATCH", "monitoring"),
        ("CLOUDCONTROL", "cloudcontrolapi"),
    ] {
        assert_eq!(shared.env()[&format!("AWS_ENDPOINT_URL_{variable}")], shared.endpoint(service));
    }
}
