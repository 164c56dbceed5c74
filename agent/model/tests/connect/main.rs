//! Service Connect on a faked cloud: who is deployed once more when a name appears, and who is not. What the faked ECS
//! and Cloud Map do is in `kinds/ecs/service/seen.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../drift/stage.rs"]
#[allow(dead_code, reason = "another test binary uses the rest")]
mod stage;

use std::collections::BTreeMap;

use agent_core::fake::faults::{Faults, Op, What, When};
use agent_core::fault::Class;
use serde_json::Value;
use stage::Stage;

const HEAD: &str = "[stack]\nname = \"hello\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\n\
                    [network.main]\ncidr = \"10.20.0.0/16\"\n";

/// A stack of services: name, and its own keys.
fn stack(services: &[(&str, &str)]) -> String {
    let one = |(name, keys): &(&str, &str)| format!("\n[service.{name}]\nimage = \"{name}:1\"\nport = 8080\n{keys}\n");
    HEAD.to_owned() + &services.iter().map(one).collect::<String>()
}

const SERVES: &str = "serve = { listen = 80 }";

/// A service that serves, and connects to another that does.
fn both(to: &str) -> String {
    format!("{SERVES}\nconnect = [\"service.{to}\"]")
}

/// Deployments of each service that these calls started: creations, and updates.
fn deployments(stage: &Stage, writes: &[String]) -> BTreeMap<String, (usize, usize)> {
    let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for write in writes {
        let words: Vec<&str> = write.split(' ').collect();
        match words.as_slice() {
            ["Create", "ecs.service", address] => found.entry(name_in(address)).or_default().0 += 1,
            ["Update", "ecs.service", id] => {
                let live = stage.fake.objects().remove(*id).unwrap();
                let address = live.owner.of_stack("hello").unwrap().address.to_string();
                found.entry(name_in(&address)).or_default().1 += 1;
            }
            _ => {}
        }
    }
    found
}

/// `web` of `service.web/ecs.service`
fn name_in(address: &str) -> String {
    address.split(['.', '/']).nth(1).unwrap().to_owned()
}

/// Runs a stack, and says which services were deployed how often; then that the next pass writes nothing.
async fn run(stage: &Stage, text: &str) -> String {
    let writes = stage.converge(text).await;
    let told = deployments(stage, &writes).into_iter().map(|(name, (made, again))| match (made, again) {
        (1, 0) => format!("{name} made"),
        (1, more) => format!("{name} made and deployed {more} more"),
        (0, more) => format!("{name} deployed {more}"),
        other => panic!("{name}: {other:?}"),
    });
    let told: Vec<String> = told.collect();
    assert_eq!(stage.converge(text).await, [] as [&str; 0], "the next pass still finds something");
    told.join(", ")
}

/// The names that a service's tasks can connect to.
fn sees(stage: &Stage, service: &str) -> Vec<String> {
    let spec = stage.live(&format!("service.{service}/ecs.service")).spec.value();
    spec["sees"]["$tags"].as_object().map(|names| names.keys().cloned().collect()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_client_is_made_after_its_server_whatever_they_are_called() {
    for (client, server) in [("alpha", "omega"), ("omega", "alpha")] {
        let stage = Stage::empty();
        let text = stack(&[(client, &format!("connect = [\"service.{server}\"]")), (server, SERVES)]);
        assert_eq!(run(&stage, &text).await, "alpha made, omega made");
        assert!(sees(&stage, client).contains(&format!("{server}-80")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_to_its_client_deploys_the_client_once() {
    let stage = Stage::empty();
    // In the namespace already, because it serves.
    assert_eq!(run(&stage, &stack(&[("client", SERVES)])).await, "client made");
    assert_eq!(run(&stage, &stack(&[("client", SERVES), ("server", SERVES)])).await, "server made");
    assert_eq!(sees(&stage, "client"), ["client-80"], "nobody said that it connects to the other");
    let text = stack(&[("client", &both("server")), ("server", SERVES)]);
    assert_eq!(run(&stage, &text).await, "client deployed 1");
    assert_eq!(sees(&stage, "client"), ["client-80", "server-80"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_server_and_a_new_word_of_its_old_client_in_one_revision() {
    let stage = Stage::empty();
    run(&stage, &stack(&[("client", "")])).await;
    // Its first word of Service Connect is a deployment by itself, and comes after the server.
    let text = stack(&[("client", "connect = [\"service.server\"]"), ("server", SERVES)]);
    assert_eq!(run(&stage, &text).await, "client deployed 1, server made");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_name_each_other_the_one_that_was_made_first_is_deployed_once_more() {
    let stage = Stage::empty();
    let text = stack(&[("a", &both("b")), ("b", &both("a"))]);
    assert_eq!(run(&stage, &text).await, "a made, b made and deployed 1 more");
    assert!(sees(&stage, "a").contains(&"b-80".to_owned()) && sees(&stage, "b").contains(&"a-80".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn of_a_circle_of_three_one_is_deployed_once_more() {
    for circle in [["a", "b", "c"], ["c", "b", "a"]] {
        let stage = Stage::empty();
        let keys: Vec<String> = (0..3).map(|n| both(circle[(n + 1) % 3])).collect();
        let text = stack(&[(circle[0], &keys[0]), (circle[1], &keys[1]), (circle[2], &keys[2])]);
        let told = run(&stage, &text).await;
        assert_eq!(told.matches("deployed 1 more").count(), 1, "{told}");
        assert_eq!(told.matches("made").count(), 3, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn old_services_that_begin_to_name_each_other_are_deployed_no_more_than_they_must() {
    let stage = Stage::empty();
    run(&stage, &stack(&[("a", ""), ("b", "")])).await;
    let text = stack(&[("a", &both("b")), ("b", &both("a"))]);
    assert_eq!(run(&stage, &text).await, "a deployed 1, b deployed 2");
}

#[tokio::test(start_paused = true)]
async fn another_name_of_a_server_deploys_those_that_connect_to_it_and_no_others() {
    let stage = Stage::empty();
    let services = |listen: &str| {
        let serve = format!("serve = {{ listen = {listen} }}");
        stack(&[
            ("other", "connect = [\"service.idle\"]"),
            ("idle", SERVES),
            ("client", "connect = [\"server\"]"),
            ("server", &serve),
        ])
    };
    run(&stage, &services("80")).await;
    assert_eq!(run(&stage, &services("81")).await, "client deployed 1, server deployed 1");
    assert!(sees(&stage, "client").contains(&"server-81".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_went_and_came_again_is_a_new_one() {
    let stage = Stage::empty();
    let text = stack(&[("other", SERVES), ("client", "connect = [\"service.server\"]"), ("server", SERVES)]);
    run(&stage, &text).await;
    stage.delete("service.server/ecs.service");
    assert!(!sees(&stage, "client").contains(&"server-80".to_owned()));
    assert_eq!(run(&stage, &text).await, "client deployed 1, server made");
    // Somebody takes the configuration away in the console: the name goes, and comes again with it.
    stage.change("service.server/ecs.service", |spec| spec["service_connect"] = Value::Null);
    assert_eq!(run(&stage, &text).await, "client deployed 1, server deployed 1");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_for_another_reason_is_enough() {
    let stage = Stage::empty();
    let text = stack(&[("client", &both("server")), ("server", SERVES)]);
    run(&stage, &text).await;
    stage.delete("service.server/ecs.service");
    let newer = text.replace("client:1", "client:2");
    assert_eq!(run(&stage, &newer).await, "client deployed 1, server made");
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_wait_for_a_server_that_cannot_be_made() {
    let stage = Stage::empty();
    let text = stack(&[("client", "connect = [\"service.server\"]"), ("server", SERVES)]);
    let refused = What::Refused(Class::Invalid);
    let faults = Faults::one(When::Each("ecs.service".into(), Op::Create, 1), refused);
    let (_, writes) = stage.run_with(&text, faults).await;
    let writes: Vec<&str> = writes.iter().filter(|write| write.contains(" ecs.service ")).map(String::as_str).collect();
    let client = stage.live("service.client/ecs.service").id;
    let expected = [
        "Create ecs.service service.server/ecs.service",
        "Create ecs.service service.client/ecs.service",
        "Create ecs.service service.server/ecs.service",
        &format!("Update ecs.service {client}"),
    ];
    assert_eq!(writes, expected, "the client is made in the pass in which the server is refused");
    assert_eq!(run(&stage, &text).await, "");
}

#[tokio::test(start_paused = true)]
async fn what_ends_is_taken_away_without_a_circle_in_the_plan() {
    let stage = Stage::empty();
    run(&stage, &stack(&[("a", &both("b")), ("b", &both("a"))])).await;
    assert_eq!(run(&stage, &stack(&[("a", SERVES)])).await, "");
    assert_eq!(run(&stage, &stack(&[("a", "")])).await, "a deployed 1");
    assert!(stage.fake.objects().values().all(|live| live.kind != "servicediscovery.namespace"));
}
