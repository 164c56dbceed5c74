//! The data exchange `um` over emulated AWS, with the binary as people run it: from nothing to no difference, what a pass
//! over it costs, what a pull request means, and how little one changed file touches.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::process::Output;

use agent_core::cost::{self, Process};
use agent_core::desired::{Allow, Desired};
use agent_core::lookup::Question;
use agent_core::state::Ended;
use agent_files::contract;
use agent_model::kinds;

use crate::bench::emulator::Emulator;
use crate::bench::record::{self, Call};
use crate::bench::repository::{Files, changed, um};
use crate::bench::say;
use crate::bench::wire::Wire;
use crate::cli::{Bench, ends};
use crate::hello;
use crate::world::World;

/// Most calls of a pass over `um` in a fresh process, and in the same one again.
const MOST: (usize, usize) = (45, 38);

/// The data exchange with so many services more like the inbox.
fn with_more(files: &Files, more: usize) -> Files {
    let text = &files["services.toml"];
    let inbox = &text[text.find("[service.inbox]").unwrap()..];
    let each = (0..more).map(|n| {
        let name = format!("box{n}");
        inbox
            .replace("[service.inbox]", &format!("[service.{name}]"))
            .replace("\"inbox\"", &format!("\"{name}\""))
            .replace("/inbox/*", &format!("/{name}/*"))
    });
    let mut files = files.clone();
    files.insert("services.toml".into(), format!("{text}\n{}", each.collect::<Vec<_>>().join("\n")));
    files
}

/// What the kinds say that a pass costs.
fn declared(files: &Files, process: Process) -> usize {
    let resources = hello::resources_of(files, &hello::made_up());
    let desired = Desired::build("um", resources, Allow::default(), &kinds::table()).unwrap();
    let questions: Vec<Question> = hello::questions_of(files).into_iter().collect();
    cost::of_pass(&kinds::table(), &desired, &questions, process).iter().map(|line| line.calls).sum()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What `agent files unpack` makes of a revision of a task definition, with a directory standing for the image's
/// `/etc/nginx`: file names and their content.
fn unpacked(bench: &Bench, revision: &str) -> BTreeMap<String, String> {
    let environment = unpacking_environment(bench, revision);
    let (image, volume) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(image.path().join("mime.types"), "types {}\n").unwrap();
    std::fs::write(image.path().join("nginx.conf"), "# the image's own\n").unwrap();
    let mut files: contract::Files = serde_json::from_str(&environment[contract::VARIABLE]).unwrap();
    let own = std::fs::metadata(image.path()).unwrap();
    for directory in &mut files.directories {
        assert_eq!(directory.path, "/etc/nginx");
        image.path().to_str().unwrap().clone_into(&mut directory.path);
        volume.path().to_str().unwrap().clone_into(&mut directory.volume);
        // Only root gives files away.
        directory.files.iter_mut().for_each(|file| file.owner = format!("{}:{}", own.uid(), own.gid()));
    }
    let mut command = bench.command(&["files", "unpack"]);
    command.envs(&environment).env(contract::VARIABLE, serde_json::to_string(&files).unwrap());
    let output = command.env("AWS_REGION", "eu-south-1").output().unwrap();
    ends(&output, 0);
    ["mime.types", "nginx.conf", "conf.d/origin.conf"]
        .map(|name| (name.to_owned(), std::fs::read_to_string(volume.path().join(name)).unwrap()))
        .into()
}

/// The environment of the container that unpacks.
fn unpacking_environment(bench: &Bench, revision: &str) -> BTreeMap<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ecs = aws_sdk_ecs::Client::new(&bench.proxy.wire().config("eu-south-1"));
    let answer = runtime.block_on(ecs.describe_task_definition().task_definition(revision).send()).unwrap();
    let containers = answer.task_definition.unwrap().container_definitions.unwrap();
    let unpacks = containers.into_iter().find(|one| one.name() == Some("agent-files")).unwrap();
    let pairs = unpacks.environment.unwrap().into_iter();
    pairs.map(|pair| (pair.name.unwrap(), pair.value.unwrap())).collect()
}

/// The calls that changed something but for the stack's own words.
fn changes(calls: &[Call]) -> Vec<String> {
    let is_own_word = |call: &Call| call.name.service == "ssm" && call.body().contains("/gitops-agent/um/");
    calls.iter().filter(|call| !call.is_read() && !is_own_word(call)).map(Call::label).collect()
}

fn during<T>(bench: &Bench, act: impl FnOnce() -> T) -> (T, Vec<Call>) {
    let before = bench.proxy.wire().calls().len();
    let done = act();
    (done, bench.proxy.wire().calls().split_off(before))
}

#[test]
fn the_data_exchange_is_made_costs_what_is_said_and_is_changed_by_a_file_alone() {
    let bench = Bench::new();
    let files = um("eu-south-1");
    let revision = bench.commit_files(&files);
    ends(&bench.at("validate", &revision), 0);
    ends(&bench.at("apply", &revision), 0);
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &revision, "--exit-code"]), 0);
    bench.proxy.wire().lockstep();
    let (again, pass) = during(&bench, || bench.at("apply", &revision));
    ends(&again, 0);
    assert!(pass.iter().all(Call::is_read), "{}", record::table(&pass));
    // Where Service Connect is not given back, nobody asks what names are in its namespace.
    let unasked = 1;
    assert_eq!(pass.len() + unasked, declared(&um("eu-west-1"), Process::Fresh), "{}", record::table(&pass));
    say(&format!("um, a fresh process: {} calls in {} rounds", pass.len(), record::waves(&pass)));
    bench.proxy.wire().free();
    let first = unpacked(&bench, "um-web:1");
    assert_eq!(first["mime.types"], "types {}\n");
    assert_eq!(first["nginx.conf"], files["config/nginx.conf"]);
    let origin = &first["conf.d/origin.conf"];
    assert!(origin.contains("map $host $public_address") && origin.contains(".cloudfront.net;"), "{origin}");

    let edited = changed(&files, "config/nginx.conf", "worker_connections 1024", "worker_connections 2048");
    let file = bench.commit_files(&edited);
    let (applied, calls) = during(&bench, || bench.at("apply", &file));
    ends(&applied, 0);
    assert_eq!(changes(&calls), ["ssm.PutParameter", "ecs.RegisterTaskDefinition", "ecs.UpdateService"]);
    assert_eq!(unpacked(&bench, "um-web:2")["nginx.conf"], edited["config/nginx.conf"]);
    // A deployment that is rolled back gets what it had.
    assert_eq!(unpacked(&bench, "um-web:1"), first);

    let mut request = changed(&edited, "services.toml", "inbox:1.4.2", "inbox:1.5.0");
    request = changed(&request, "services.toml", "path = \"/inbox/*\"", "path = \"/mail/*\"");
    request = changed(&request, "config/nginx.conf", "worker_connections 2048", "worker_connections 4096");
    let (start, end) = (
        request["services.toml"].find("# Takes messages in").unwrap(),
        request["services.toml"].find("# Keeps messages").unwrap(),
    );
    let services = format!("{}{}", &request["services.toml"][..start], &request["services.toml"][end..]);
    let services = services.replace("\"service.exchange\", ", "").replace("connect = [\"service.exchange\"]\n", "");
    request.insert("services.toml".into(), services.replace("/exchange/*", "/"));
    let request = bench.commit_files(&request);
    let shown = bench.at("diff", &request);
    ends(&shown, 0);
    // What comes below is full of ids, and differs each time.
    insta::assert_snapshot!("preview_text", text(&shown).split("\n\n").next().unwrap());
    let shown = bench.agent(&["diff", "--repo", ".", "--rev", &request, "--output", "markdown"]);
    let pack = agent_policy::bundle::Bundle::pack().unwrap();
    let markdown = text(&shown).replace(&request, "REVISION").replace(&pack.digest()[..12], "DIGEST");
    insta::assert_snapshot!("preview_markdown", markdown.split("\n\n<details>").next().unwrap());
    ends(&bench.at("apply", &request), 0);
    ends(&bench.agent(&["diff", "--repo", ".", "--rev", &request, "--exit-code"]), 0);
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &request, "--yes", "--removals", "20"]), 0);
}

#[test]
fn a_pass_over_the_data_exchange_costs_little_and_little_more_with_each_service() {
    let files = um("eu-west-1");
    for (process, most, per_service) in [(Process::Fresh, MOST.0, 2.6), (Process::Running, MOST.1, 1.6)] {
        let own = declared(&files, process);
        assert!(own <= most, "{process:?}: {own} calls");
        let twenty = declared(&with_more(&files, 20), process);
        let each = (f64::from(u32::try_from(twenty - own).unwrap())) / 20.0;
        say(&format!("um, {process:?}: {own} calls, {each:.2} more with each further service"));
        assert!(each <= per_service, "{process:?}: {each} calls more for each service");
    }
}

#[tokio::test]
async fn a_process_that_has_read_the_data_exchange_before_asks_for_less() {
    let wire = Wire::new(Emulator::shared());
    let world = World::emulated(&wire, "um-again", "eu-west-3");
    // Roles are of the account: another test has a stack `um` in it at the same time.
    let files = changed(&um("eu-west-3"), "stack.toml", "name        = \"um\"", "name        = \"um-again\"");
    let ask = async || world.aws.as_ref().unwrap().answers(hello::questions_of(&files)).await.unwrap();
    let desired = world.desired(hello::resources_of(&files, &ask().await));
    assert_eq!(world.converge(&desired).await.unwrap().ended, Ended::Converged);
    let before = wire.calls().len();
    ask().await;
    assert_eq!(world.pass(&desired).await.unwrap().ended, Ended::Converged);
    let pass = wire.calls().split_off(before);
    assert!(pass.iter().all(Call::is_read), "{}", record::table(&pass));
    // Where Service Connect is not given back, nobody asks what names are in its namespace.
    let unasked = 1;
    assert_eq!(pass.len() + unasked, declared(&um("eu-west-1"), Process::Running), "{}", record::table(&pass));
    say(&format!("um, the same process again: {} calls", pass.len()));
    world.destroy(&world.desired(Vec::new())).await.unwrap();
}
