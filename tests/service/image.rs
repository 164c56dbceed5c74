//! The image of the agent (`Dockerfile`) and the stack that runs it (`manifests/agent`) agree with each other and with the program.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary with nothing in its environment.
fn agent(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_agent")).args(args).current_dir(top()).env_clear().output().unwrap()
}

/// The resources of the stack, by their addresses.
fn made() -> Value {
    let output = agent(&["render", "manifests/agent", "--output", "json"]);
    let stacks: Value = serde_json::from_slice(&output.stdout).unwrap();
    stacks[0]["resources"].clone()
}

/// What the last stage of the Dockerfile says under a word.
fn said(word: &str) -> String {
    let text = std::fs::read_to_string(top().join("Dockerfile")).unwrap();
    let (_, stage) = text.rsplit_once(" AS agent\n").unwrap();
    let mut lines = stage.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    lines.next().unwrap_or_else(|| panic!("no {word}")).to_owned()
}

#[test]
fn there_are_never_two_agents_and_nobody_has_more_rights_than_it_needs() {
    let made = made();
    let service = &made["service.agent/ecs.service"]["spec"];
    assert_eq!(service["desired_count"], 1);
    let deployment = &service["deployment"];
    assert_eq!((&deployment["minimum_healthy_percent"], &deployment["maximum_percent"]), (&0.into(), &100.into()));
    assert_eq!(service["network"]["assign_public_ip"], false);
    let container = &made["service.agent/ecs.task_definition"]["spec"]["containers"]["agent"];
    assert_eq!(container["readonly_root_filesystem"], true);
    assert_eq!(container["user"], said("USER").as_str());
    // A pass that is told to stop ends within 30 seconds.
    assert!(container["stop_timeout"].as_u64().unwrap() > 30);
    let policies = made["service.agent/iam.role.task"]["spec"]["inline_policies"].as_object().unwrap();
    let allowed: Vec<&str> =
        policies.values().flat_map(|policy| policy["Statement"].as_array().unwrap()).flat_map(actions).collect();
    assert_eq!(allowed, ["sts:AssumeRole", "sts:TagSession", "ssm:GetParameters"]);
}

fn actions(statement: &Value) -> impl Iterator<Item = &str> {
    statement["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap())
}

#[test]
fn the_image_has_what_the_stack_and_the_program_look_for() {
    let made = made();
    let container = &made["service.agent/ecs.task_definition"]["spec"]["containers"]["agent"];
    let health: Vec<&str> =
        container["health_check"]["command"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let (entry, command): (Vec<String>, Vec<String>) = (
        serde_json::from_str(&said("ENTRYPOINT")).unwrap(),
        serde_json::from_str(said("HEALTHCHECK").split_once("CMD ").unwrap().1).unwrap(),
    );
    assert_eq!(health, [&["CMD"][..], &command.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    assert_eq!(command[0], entry[0]);
    let dockerfile = std::fs::read_to_string(top().join("Dockerfile")).unwrap();
    for (folder, mount) in container["mount_points"].as_object().unwrap() {
        let is_made =
            dockerfile.contains(&format!(" /image{folder} ")) || dockerfile.contains(&format!(" /image{folder}\n"));
        assert!(is_made || mount["read_only"] == true, "{folder} would belong to root");
    }
    let config = std::fs::read_to_string(top().join("manifests/agent/config/agent.toml")).unwrap();
    // The configuration is a good one. `healthcheck` reads nothing of it but where the agent answers.
    let read = agent(&["validate", "manifests/hello", "--config", "manifests/agent/config/agent.toml"]);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    // Nobody answers, and that is all: at a port of its own, for whoever works here may run an agent at the usual one.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.replace("127.0.0.1:9321", &nobody).as_bytes()).unwrap();
    let answer = agent(&["healthcheck", "--config", file.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.code() == Some(1) && said.contains(&nobody), "{said}");
    let cache = config.lines().find_map(|line| line.strip_prefix("cache = ")).unwrap().trim_matches('"');
    assert_eq!(container["mount_points"][cache]["read_only"], false);
}

/// What a build of the image sees is what `.dockerignore` lets through.
#[test]
fn the_build_of_the_image_sees_all_that_the_program_is_made_of() {
    let text = std::fs::read_to_string(top().join(".dockerignore")).unwrap();
    let seen: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for needed in ["Cargo.toml", "Cargo.lock", "agent", "tests", "manifests", "policies"] {
        assert!(seen.contains(&needed), "{needed} is not seen");
    }
}
