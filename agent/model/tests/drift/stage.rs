//! A stack on a faked cloud, and what hands do to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_core::address::Scope;
use agent_core::allowed::{Allowed, Finding, Judge};
use agent_core::clock::Clock;
use agent_core::desired::{Allow, Desired};
use agent_core::fake::Fake;
use agent_core::fake::faults::Faults;
use agent_core::health::ask::explained;
use agent_core::health::{Seen, Status};
use agent_core::live::{LiveDoc, Owner};
use agent_core::lookup::{Answer, Answers, Question};
use agent_core::manifest::{FileEntry, Manifest, StackFiles, load};
use agent_core::pass::{Engine, PassError, PassReport, Revision};
use agent_core::plan::{Op, PlanError, Settings, Step};
use agent_core::provider::Cloud;
use agent_core::source::{Problems, Sources, render_text};
use agent_core::state::Ended;
use agent_core::wait::Timing;
use agent_model::components::language;
use agent_model::expand::expand;
use agent_model::kinds::{fake_cloud, table};
use agent_model::rotation::{self, Due, NotRotating};
use agent_policy::NoRules;
use serde_json::Value;

/// The example stack.
pub const HELLO: &str = include_str!("../../../../manifests/hello/stack.toml");

pub struct Stage {
    pub fake: Arc<Fake>,
    pub scope: Scope,
    cloud: Cloud,
}

/// The example stack with these texts put in the place of others.
pub fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(HELLO.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the example");
        text.replace(from, to)
    })
}

fn desired(text: &str) -> Allowed<Desired> {
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(str::to_owned).to_vec();
    let list = |name: &str, id: &str| (Question::ManagedPrefixList(name.into()), Answer::Id(id.into()));
    let (s3, id) = list("com.amazonaws.eu-west-1.s3", "pl-6da54004");
    let (edge, edge_id) = list("com.amazonaws.global.cloudfront.origin-facing", "pl-4fa04526");
    let answers = Answers::offline().with(Question::Zones, Answer::Zones(zones)).with(s3, id).with(edge, edge_id);
    let (manifest, sources, mut problems) = manifest(text);
    let expanded = manifest.and_then(|manifest| expand(&manifest, &answers, &mut problems));
    let expanded = expanded.unwrap_or_else(|| panic!("{}", render_text(&problems, &sources, false)));
    NoRules::allow(expanded.desired().unwrap())
}

fn manifest(text: &str) -> (Option<Manifest>, Sources, Problems) {
    let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let tree = StackFiles { files, ..StackFiles::default() };
    (load(&tree, "", &language(), &mut sources, &mut problems), sources, problems)
}

/// A step and each field of it in words: `update A (it differs) desired_count: 5 -> 2`.
fn lines(step: &Step) -> Vec<String> {
    let head = format!("{} {} ({})", step.op.verb(), step.address, step.because);
    match &step.op {
        Op::Update { changes, .. } | Op::Create { changes, .. } if !changes.is_empty() => {
            changes.iter().map(|change| format!("{head} {change}")).collect()
        }
        _ => vec![head],
    }
}

/// The same with all lists sorted.
fn unordered(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(key, member)| (key, unordered(member))).collect(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(unordered).collect();
            items.sort_by_key(agent_core::doc::canonical);
            items.into()
        }
        leaf => leaf,
    }
}

impl Stage {
    /// An empty cloud.
    pub fn empty() -> Self {
        let fake = Arc::new(Fake::new(Faults::default()));
        let cloud = fake_cloud(&fake);
        Self { fake, cloud, scope: Scope::new("hello", "123456789012", "eu-west-1") }
    }

    /// A cloud with this stack in it, as its manifest says.
    pub async fn of(text: &str) -> Self {
        let stage = Self::empty();
        stage.converge(text).await;
        stage
    }

    /// The doors.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    fn engine(&self) -> Engine<'_> {
        Engine {
            cloud: &self.cloud,
            kinds: table(),
            scope: &self.scope,
            store: self.fake.as_ref(),
            judge: &NoRules,
            settings: Settings::default(),
            timing: Timing { clock: Clock::moved_by_tests(), ..Timing::default() },
            tell: &|_| (),
            holder: agent_core::pass::holder(),
            accept_lost_state: false,
            insist: true,
            belongs: agent_core::state::Belongs::default(),
        }
    }

    /// What the plan says, a line for each field that differs. Taking it changes nothing.
    pub async fn plan(&self, text: &str) -> Vec<String> {
        self.fake.restart(Faults::default());
        let look = self.engine().look(&desired(text)).await;
        let plan = look.unwrap_or_else(|error| panic!("{error}")).plan;
        assert_eq!(self.fake.writes(), [], "a plan changes nothing");
        plan.steps.iter().flat_map(lines).collect()
    }

    /// What is wanted, with the secret of a component made anew.
    pub async fn rotating(&self, text: &str, component: &str) -> Result<Allowed<Desired>, NotRotating> {
        let desired = desired(text);
        let look = self.engine().look(&desired).await.unwrap_or_else(|error| panic!("{error}"));
        let due = rotation::asked(&desired, &look.observed, component)?;
        Ok(NoRules::allow(rotation::begun(Desired::clone(&desired), &[due])))
    }

    /// The secrets that are older than they may become at a moment.
    pub async fn due(&self, text: &str, now: i64) -> Vec<Due> {
        let desired = desired(text);
        let look = self.engine().look(&desired).await.unwrap_or_else(|error| panic!("{error}"));
        rotation::due(&desired, &look.observed, now)
    }

    /// Passes until nothing moves, whatever faults there are.
    pub async fn passes(&self, wanted: Option<&Allowed<Desired>>, text: &str) -> Result<PassReport, PassError> {
        let own = desired(text);
        let revision = Revision { id: agent_core::doc::digest(text), source: "test".into() };
        self.engine().converge(wanted.unwrap_or(&own), &revision, Duration::from_hours(1), None).await
    }

    /// What rules say of the plan for a text, asked as if `[stack.allow]` were another.
    pub async fn judged(&self, text: &str, rules: &dyn Judge, allow: Allow) -> Vec<Finding> {
        let desired = desired(text);
        let look = self.engine().look(&desired).await.unwrap_or_else(|error| panic!("{error}"));
        let asked = Desired { allow, ..Desired::clone(&desired) };
        rules.plan(&asked, &look.plan).await
    }

    /// The steps of the plan.
    pub async fn steps(&self, text: &str) -> Vec<Step> {
        let look = self.engine().look(&desired(text)).await;
        look.unwrap_or_else(|error| panic!("{error}")).plan.steps
    }

    /// How the stack is, and the calls beyond those of a look, as `Explain ecs.service`. `suspended` says why nothing is
    /// changed.
    pub async fn status(&self, text: &str, suspended: Option<&str>) -> (Status, Vec<String>) {
        let desired = desired(text);
        let look = self.engine().look(&desired).await.unwrap_or_else(|error| panic!("{error}"));
        let before = self.fake.calls().len();
        let (kinds, (manifest, ..)) = (table(), manifest(text));
        let seen = Seen { desired: &desired, look: &look, kinds: &kinds, manifest: manifest.as_ref(), suspended };
        let told = explained(&self.cloud, &self.scope, &seen).await;
        let calls = self.fake.calls().split_off(before);
        let revision = Revision { id: agent_core::doc::digest(text), source: "test".into() };
        let calls = calls.into_iter().map(|call| format!("{:?} {}", call.op, call.kind)).collect();
        (Status::of(&seen, &told, &revision, None), calls)
    }

    /// Why there is no plan.
    pub async fn no_plan(&self, text: &str) -> Vec<PlanError> {
        match self.engine().look(&desired(text)).await {
            Err(PassError::Plan(errors)) => errors,
            Err(other) => panic!("{other}"),
            Ok(look) => panic!("there is a plan: {:#?}", look.plan.steps.iter().flat_map(lines).collect::<Vec<_>>()),
        }
    }

    /// Passes until nothing moves, and gives how it ended and the calls that changed something: `Update ecs.service id`.
    pub async fn run(&self, text: &str) -> (PassReport, Vec<String>) {
        self.run_with(text, Faults::default()).await
    }

    /// The same while things go wrong.
    #[allow(dead_code, reason = "another test binary uses it")]
    pub async fn run_with(&self, text: &str, faults: Faults) -> (PassReport, Vec<String>) {
        self.fake.restart(faults);
        let revision = Revision { id: agent_core::doc::digest(text), source: "test".into() };
        let report = self.engine().converge(&desired(text), &revision, Duration::from_hours(1), None).await;
        let writes = self.fake.writes().into_iter().map(|call| format!("{:?} {} {}", call.op, call.kind, call.about));
        (report.unwrap_or_else(|error| panic!("{error}")), writes.collect())
    }

    /// One pass that meets these faults, and dies of them or not; then the lease of the dead one has run out.
    pub async fn interrupted(&self, text: &str, faults: Faults) {
        self.fake.restart(faults);
        let revision = Revision { id: agent_core::doc::digest(text), source: "test".into() };
        // However it ends: the next process goes by what AWS holds.
        drop(self.engine().pass(&desired(text), &revision).await);
        self.fake.restart(Faults::default());
        tokio::time::advance(Timing::default().lease).await;
    }

    /// Passes until AWS is as the manifest says, and gives the calls that changed something.
    pub async fn converge(&self, text: &str) -> Vec<String> {
        let (report, writes) = self.run(text).await;
        assert_eq!(report.ended, Ended::Converged, "{report:#?}");
        writes
    }

    /// Mends what hands have done: the plan before, then a run that writes something, then a pass that writes nothing.
    pub async fn mended(&self, text: &str) -> Vec<String> {
        let plan = self.plan(text).await;
        assert!(!plan.is_empty(), "the plan does not see it");
        let writes = self.converge(text).await;
        assert!(!writes.is_empty(), "nothing was written");
        assert_eq!(self.converge(text).await, [] as [&str; 0], "the next pass still finds something");
        plan
    }

    /// The live resource at an address; of several the newest.
    pub fn live(&self, address: &str) -> LiveDoc {
        let at = |live: &LiveDoc| match &live.owner {
            Owner::Stack(mark) => mark.stack == self.scope.stack && mark.address.as_str() == address,
            Owner::Nobody => false,
        };
        self.fake.objects().into_values().rfind(at).unwrap_or_else(|| panic!("there is no {address}"))
    }

    /// Somebody changes something in the console.
    pub fn change(&self, address: &str, f: impl FnOnce(&mut Value)) {
        let live = self.live(address);
        self.fake.alter(&live.id, f);
        assert_ne!(self.live(address).spec, live.spec, "nothing was changed");
    }

    /// Somebody deletes something in the console.
    pub fn delete(&self, address: &str) {
        self.fake.remove(&self.live(address).id);
    }

    /// All that there is, by address or id, with ids as the addresses that they belong to: what is equal in two pictures
    /// is equal but for what AWS called it.
    pub fn picture(&self) -> BTreeMap<String, String> {
        let objects = self.fake.objects();
        let name = |live: &LiveDoc| match &live.owner {
            Owner::Stack(mark) => format!("{}:{}", mark.stack, mark.address),
            Owner::Nobody => live.id.clone(),
        };
        let said = |live: &LiveDoc| {
            let text = live.spec.as_str().to_owned();
            let text = objects.values().fold(text, |text, other| text.replace(&other.id, &name(other)));
            // Sets are ordered by what they hold, which was the ids.
            agent_core::doc::canonical(&unordered(serde_json::from_str(&text).unwrap()))
        };
        objects.values().map(|live| (name(live), said(live))).collect()
    }
}
