//! A config file as a container sees it: `agent files unpack` runs with the environment that the registered task definition gives
//! to the container that unpacks, and a folder stands for the directory of the image.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use agent_files::contract;

use crate::stage::{Stage, Told};

/// The lines with a word of `/etc/nginx/nginx.conf`, as the newest revision of a family has it, and what stands beside it.
pub fn unpacked(stage: &Stage, family: &str, word: &str) -> Told<String> {
    let environment = environment(stage, family)?;
    let (image, volume) = (tempfile::tempdir()?, tempfile::tempdir()?);
    std::fs::write(image.path().join("mime.types"), "types {}\n")?;
    std::fs::write(image.path().join("nginx.conf"), "# the image's own\n")?;
    let text = environment.iter().find(|(name, _)| name == contract::VARIABLE).ok_or("the task has no files")?;
    let mut files: contract::Files = serde_json::from_str(&text.1)?;
    let own = std::fs::metadata(image.path())?;
    for directory in &mut files.directories {
        directory.path = image.path().display().to_string();
        directory.volume = volume.path().display().to_string();
        // Only root gives files away.
        directory.files.iter_mut().for_each(|file| file.owner = format!("{}:{}", own.uid(), own.gid()));
    }
    let output = Command::new(env!("CARGO_BIN_EXE_agent"))
        .args(["files", "unpack"])
        .env_clear()
        .envs(stage.emulator.env())
        .envs(environment)
        .env(contract::VARIABLE, serde_json::to_string(&files)?)
        .env("AWS_REGION", crate::REGION)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let conf = std::fs::read_to_string(volume.path().join("nginx.conf"))?;
    std::fs::metadata(volume.path().join("mime.types"))?;
    let lines: Vec<String> = conf
        .lines()
        .filter(|line| line.contains(word))
        .map(|line| format!("/etc/nginx/nginx.conf: {}", line.trim()))
        .collect();
    Ok(lines.join("\n"))
}

fn environment(stage: &Stage, family: &str) -> Told<Vec<(String, String)>> {
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(aws_sdk_ecs::config::BehaviorVersion::latest())
        .region(aws_sdk_ecs::config::Region::new(crate::REGION))
        .endpoint_url(stage.emulator.endpoint("ecs"))
        .credentials_provider(aws_sdk_ecs::config::Credentials::new("demo", "demo", None, None, "demo"))
        .build();
    let ecs = aws_sdk_ecs::Client::from_conf(config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(ecs.describe_task_definition().task_definition(family).send())?;
    let definition = answer.task_definition().ok_or("no definition")?;
    let variables = definition.container_definitions().iter().map(|container| container.environment());
    let own = variables.filter(|all| all.iter().any(|pair| pair.name() == Some(contract::VARIABLE))).flatten();
    let pairs = own.filter_map(|pair| Some((pair.name()?.to_owned(), pair.value()?.to_owned())));
    Ok(pairs.collect())
}
