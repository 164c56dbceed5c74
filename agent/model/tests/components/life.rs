//! The example stack on the engine over a faked cloud: made, left alone by a second look, changed by an edit of the
//! manifest in just the way that the edit says, and taken down.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent_core::address::Scope;
use agent_core::clock::Clock;
use agent_core::desired::{Allow, Desired};
use agent_core::fake::Fake;
use agent_core::fake::faults::Faults;
use agent_core::pass::{Engine, Revision};
use agent_core::plan::Settings;
use agent_core::provider::Cloud;
use agent_core::state::Ended;
use agent_core::wait::Timing;
use agent_model::kinds::{fake_cloud, table};
use agent_policy::NoRules;

use crate::{answers, example, expanded};

pub(crate) struct Stage {
    pub(crate) fake: Arc<Fake>,
    cloud: Cloud,
    scope: Scope,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let fake = Arc::new(Fake::new(Faults::default()));
        let cloud = fake_cloud(&fake);
        Self { fake, cloud, scope: Scope::new("hello", "123456789012", "eu-west-1") }
    }

    /// Applies a manifest until nothing moves, and gives the calls that changed something: `kind Op about`.
    async fn apply(&self, text: &str) -> Vec<String> {
        let desired = expanded(text, &answers()).unwrap().desired().unwrap_or_else(|all| panic!("{all:?}"));
        self.apply_desired(desired).await
    }

    pub(crate) async fn apply_desired(&self, desired: Desired) -> Vec<String> {
        self.fake.restart(Faults::default());
        let desired = NoRules::allow(desired);
        let engine = Engine {
            cloud: &self.cloud,
            kinds: table(),
            scope: &self.scope,
            store: self.fake.as_ref(),
            judge: &NoRules,
            settings: Settings { removal_budget: 100 },
            timing: Timing { clock: Clock::moved_by_tests(), ..Timing::default() },
            tell: &|_| (),
            holder: agent_core::pass::holder(),
            accept_lost_state: false,
            insist: true,
            belongs: agent_core::state::Belongs::default(),
        };
        let revision = Revision { id: agent_core::doc::digest(&format!("{desired:?}")), source: "test".into() };
        let report = engine.converge(&desired, &revision, Duration::from_hours(1), None).await.unwrap();
        assert_eq!(report.ended, Ended::Converged, "{report:#?}");
        let writes = self.fake.writes();
        writes.into_iter().map(|call| format!("{} {:?} {}", call.kind, call.op, call.about)).collect()
    }

    /// The kinds of which something was written.
    fn kinds(writes: &[String]) -> BTreeSet<&str> {
        writes.iter().filter_map(|call| call.split(' ').next()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_look_finds_nothing_to_do() {
    let stage = Stage::new();
    let made = stage.apply(&example("hello")).await;
    assert_eq!(made.iter().filter(|call| call.contains(" Create ")).count(), stage.fake.objects().len());
    assert_eq!(stage.apply(&example("hello")).await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn another_image_touches_the_task_definition_and_the_service_alone() {
    let stage = Stage::new();
    stage.apply(&example("hello")).await;
    let writes = stage.apply(&example("hello").replace("hello:1.0.0", "hello:1.0.1")).await;
    assert_eq!(Stage::kinds(&writes), BTreeSet::from(["ecs.service", "ecs.task_definition"]), "{writes:#?}");
}

#[tokio::test(start_paused = true)]
async fn another_value_of_a_parameter_is_in_the_same_plan_as_the_task_that_says_it() {
    let stage = Stage::new();
    stage.apply(&example("hello")).await;
    let writes = stage.apply(&example("hello").replace("Hello from Git", "Good morning")).await;
    let expected = BTreeSet::from(["ecs.service", "ecs.task_definition", "ssm.parameter"]);
    assert_eq!(Stage::kinds(&writes), expected, "{writes:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_more_leaves_the_other_alone() {
    let stage = Stage::new();
    stage.apply(&example("hello")).await;
    let more = "\n[service.admin]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/admin:1\"\nport = 9000\n\
                expose = [{ path = \"/admin/*\" }]\n";
    let writes = stage.apply(&(example("hello") + more)).await;
    // The load balancer's group opens a way to it; nothing else that was there changes.
    let updates: Vec<&String> = writes.iter().filter(|call| !call.contains("service.admin/")).collect();
    let kinds: BTreeSet<&str> = updates.iter().filter_map(|call| call.split(' ').next()).collect();
    assert_eq!(kinds, BTreeSet::from(["ec2.security_group"]), "{writes:#?}");
    let back = stage.apply(&example("hello")).await;
    assert!(back.iter().any(|call| call.starts_with("ecs.service Delete")), "{back:#?}");
    assert!(!back.iter().any(|call| call.contains("Create")), "{back:#?}");
}

#[tokio::test(start_paused = true)]
async fn all_of_it_can_go_but_the_logs() {
    let stage = Stage::new();
    stage.apply(&example("hello")).await;
    let nothing = Desired::build("hello", Vec::new(), Allow::default(), &table()).unwrap();
    stage.apply_desired(nothing).await;
    let left: BTreeSet<String> = stage.fake.objects().into_values().map(|live| live.kind).collect();
    assert_eq!(left, BTreeSet::from(["logs.log_group".to_owned()]));
}
