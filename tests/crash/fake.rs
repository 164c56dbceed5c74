//! The matrix on the faked cloud: all kinds, operations and faults.

use std::sync::Arc;

use agent_core::desired::Resource;
use agent_core::fake::Fake;
use agent_core::fake::faults::{Faults, What, When};
use agent_core::fault::Class;
use agent_core::state::Ended;

use super::picture::{differ, picture};
use crate::bench::repository::{Files, changed, example};
use crate::bench::say;
use crate::hello;
use crate::world::World;

const WAYS: [What; 12] = [
    What::CrashBefore,
    What::CrashAfter,
    What::CrashAnswered,
    What::AnswerLost,
    What::Refused(Class::Throttled),
    What::Refused(Class::Unavailable),
    What::Refused(Class::Denied),
    What::Refused(Class::Credentials),
    What::Refused(Class::NotFound),
    What::Refused(Class::Conflict),
    What::Refused(Class::InUse),
    What::Refused(Class::Limit),
];

struct Story {
    stack: &'static str,
    name: &'static str,
    before: Vec<Resource>,
    after: Vec<Resource>,
}

/// `um` from nothing, another image, another file of one service, another path, a service less, another port, and back to
/// nothing.
fn stories_of_um() -> Vec<Story> {
    let um = example("um");
    let of = |files: &Files| hello::resources_of(files, &hello::made_up());
    let story = |name, before, after| Story { stack: "um", name, before, after };
    let changed = |name: &str, from: &str, to: &str| of(&changed(&um, name, from, to));
    let text = &um["services.toml"];
    let services = &text[..text.find("# Keeps messages").unwrap()];
    let services = services.replace("connect = [\"service.inbox\"]", "").replace(", \"service.inbox\"", "");
    let mut fewer = um.clone();
    fewer.insert("services.toml".into(), services);
    vec![
        story("create", Vec::new(), of(&um)),
        story("another image", of(&um), changed("services.toml", "inbox:1.4.2", "inbox:1.5.0")),
        story(
            "another file",
            of(&um),
            changed("config/nginx.conf", "worker_connections 1024", "worker_connections 2048"),
        ),
        story("another path", of(&um), changed("services.toml", "path = \"/inbox/*\"", "path = \"/mail/*\"")),
        story("a service less", of(&um), of(&fewer)),
        story("another port", of(&um), changed("services.toml", "port    = 8443", "port    = 9443")),
        story("destroy", of(&um), Vec::new()),
    ]
}

fn stories() -> Vec<Story> {
    let of = |text: &str| hello::resources(text, &hello::made_up());
    let base = || of(hello::TEXT);
    let story = |name, before, after| Story { stack: "hello", name, before, after };
    vec![
        story("create", Vec::new(), base()),
        story("another image", base(), of(&hello::other_image(hello::TEXT))),
        story("another port: the target group is replaced", base(), of(&hello::other_port(hello::TEXT))),
        story("other subnets", base(), of(&hello::other_subnets(hello::TEXT))),
        story("destroy", base(), Vec::new()),
    ]
}

fn alike(fake: &Fake) -> Vec<String> {
    picture(fake.objects().values().collect())
}

async fn prepared(story: &Story) -> (Arc<Fake>, World) {
    let fake = Arc::new(Fake::default());
    let world = World::fake(&fake, story.stack);
    if !story.before.is_empty() {
        converged(&world, &story.before).await;
    }
    fake.restart(Faults::default());
    (fake, world)
}

async fn converged(world: &World, resources: &[Resource]) {
    let pass = world.converge(&world.desired(resources.to_vec())).await.unwrap();
    assert_eq!(pass.ended, Ended::Converged, "{:#?}", pass.report.failures().collect::<Vec<_>>());
}

/// One cell; gives what is wrong.
async fn cell(story: &Story, write: usize, what: &What, clean: &[String]) -> Result<(), String> {
    let (fake, world) = prepared(story).await;
    fake.restart(Faults::one(When::Write(write), what.clone()));
    let desired = world.desired(story.after.clone());
    if let Ok(pass) = world.pass(&desired).await
        && pass.ended == Ended::Converged
        && alike(&fake) != clean
    {
        return Err("it said converged, and was not".into());
    }
    fake.restart(Faults::default());
    tokio::time::advance(world.timing.lease).await;
    for _ in 0..3 {
        let pass = world.pass(&desired).await.map_err(|error| error.to_string())?;
        if pass.ended == Ended::Converged {
            let end = alike(&fake);
            return if end == clean { Ok(()) } else { Err(format!("another end: {}", differ(clean, &end))) };
        }
    }
    Err("not converged after three passes".into())
}

#[tokio::test(start_paused = true)]
async fn hello_survives_a_death_at_every_changing_call() {
    // Every 17th cell, which over the stories meets each way and each kind; all of them by hand.
    survives("hello", stories(), 17).await;
}

#[tokio::test(start_paused = true)]
async fn um_survives_a_death_at_every_changing_call() {
    survives("um", stories_of_um(), 101).await;
}

async fn survives(stack: &str, stories: Vec<Story>, sampled: usize) {
    let stride = if std::env::var("AGENT_MATRIX").is_ok_and(|how| how == "full") { 1 } else { sampled };
    let (mut number, mut tried, mut wrong) = (0_usize, 0_usize, Vec::new());
    for story in stories {
        let (fake, world) = prepared(&story).await;
        converged(&world, &story.after).await;
        let clean = alike(&fake);
        let writes = fake.calls().iter().filter(|call| call.op.is_write()).count();
        for write in 1..=writes {
            for what in &WAYS {
                number += 1;
                if number % stride != 0 {
                    continue;
                }
                tried += 1;
                if let Err(error) = cell(&story, write, what, &clean).await {
                    wrong.push(format!("{}: write {write} of {writes}: {what:?}: {error}", story.name));
                }
            }
        }
    }
    say(&format!("kill matrix of {stack} on the fake: {tried} of {number} cells, {} wrong", wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn the_examples_are_made_changed_and_destroyed_without_a_trace() {
    for story in stories().into_iter().chain(stories_of_um()) {
        let (fake, world) = prepared(&story).await;
        converged(&world, &story.after).await;
        fake.restart(Faults::default());
        let again = world.pass(&world.desired(story.after.clone())).await.unwrap();
        assert_eq!(again.ended, Ended::Converged, "{}", story.name);
        assert_eq!(
            fake.calls().iter().filter(|call| call.op.is_write()).count(),
            0,
            "{} {}: {:?}",
            story.stack,
            story.name,
            fake.calls()
        );
    }
}
