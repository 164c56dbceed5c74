//! What every test here works with: a faked cloud, an engine over it, and a picture of what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use agent_core::address::{Address, Scope};
use agent_core::allowed::{Allowed, Finding, Judge};
use agent_core::clock::Clock;
use agent_core::desired::{Allow, Desired, Resource};
use agent_core::doc::Doc;
use agent_core::fake::faults::Faults;
use agent_core::fake::{Fake, unordered};
use agent_core::live::{Mark, Owner};
use agent_core::pass::{Engine, PassError, PassReport, Revision};
use agent_core::plan::{Plan, Settings};
use agent_core::provider::Cloud;
use agent_core::state::{Belongs, Ended};
use agent_core::wait::Timing;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::toys;

/// A judge without rules: what is tested here is the engine.
pub struct NoRules;
impl Judge for NoRules {
    fn desired<'a>(&'a self, _: &'a Desired) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(std::future::ready(Vec::new()))
    }
    fn plan<'a>(&'a self, _: &'a Desired, _: &'a Plan) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(std::future::ready(Vec::new()))
    }
    fn digest(&self) -> String {
        "none".into()
    }
}

pub struct Bench {
    pub fake: Arc<Fake>,
    pub scope: Scope,
    pub cloud: Cloud,
    pub timing: Timing,
    pub settings: Settings,
    pub revision: String,
    pub insist: bool,
    pub belongs: Belongs,
}

impl Bench {
    pub fn new() -> Self {
        Self::on(&Arc::new(Fake::default()))
    }

    /// Another process in the same cloud.
    pub fn on(fake: &Arc<Fake>) -> Self {
        let cloud = Cloud::new()
            .with::<toys::Net, _>(fake)
            .with::<toys::Group, _>(fake)
            .with::<toys::Pool, _>(fake)
            .with::<toys::Rule, _>(fake)
            .with::<toys::Service, _>(fake)
            .with::<toys::Store, _>(fake);
        let scope = Scope::new("demo", "123456789012", "eu-west-1");
        let timing = Timing { clock: Clock::moved_by_tests(), ..Timing::default() };
        let settings = Settings { removal_budget: 100 };
        let (fake, belongs) = (fake.clone(), Belongs::default());
        Self { fake, scope, cloud, timing, settings, revision: "r1".into(), insist: true, belongs }
    }

    pub fn desired(&self, resources: Vec<Resource>) -> Allowed<Desired> {
        self.desired_allowing(resources, &[])
    }

    pub fn desired_allowing(&self, resources: Vec<Resource>, delete: &[&str]) -> Allowed<Desired> {
        let delete: BTreeSet<String> = delete.iter().map(|name| (*name).to_owned()).collect();
        let allow = Allow { delete, removals: 0 };
        let desired = Desired::build("demo", resources, allow, &self.cloud.kinds()).unwrap();
        Allowed::<Desired>::judge(desired, &NoRules).now_or_never().unwrap().unwrap()
    }

    pub fn engine<'a>(&'a self, tell: &'a (dyn Fn(agent_core::execute::Event<'_>) + Sync)) -> Engine<'a> {
        Engine {
            cloud: &self.cloud,
            kinds: self.cloud.kinds(),
            scope: &self.scope,
            store: self.fake.as_ref(),
            judge: &NoRules,
            settings: self.settings.clone(),
            timing: self.timing.clone(),
            tell,
            holder: agent_core::pass::holder(),
            accept_lost_state: false,
            insist: self.insist,
            belongs: self.belongs.clone(),
        }
    }

    pub async fn pass(&self, desired: &Allowed<Desired>) -> Result<PassReport, PassError> {
        let revision = Revision { id: self.revision.clone(), source: "test".into() };
        self.engine(&|_| ()).pass(desired, &revision).await
    }

    /// Passes until nothing is left, its own words among it.
    pub async fn destroy(&self) -> Result<PassReport, PassError> {
        let revision = Revision { id: self.revision.clone(), source: "test".into() };
        let nothing = self.desired(Vec::new());
        self.engine(&|_| ()).destroy(&nothing, &revision, Duration::from_hours(1), None).await
    }

    /// Passes for so long at most; gives the last report.
    pub async fn apply_within(&self, desired: &Allowed<Desired>, patience: Duration) -> PassReport {
        let revision = Revision { id: self.revision.clone(), source: "test".into() };
        self.engine(&|_| ())
            .converge(desired, &revision, patience, None)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Passes until nothing moves; gives the last report.
    pub async fn apply(&self, desired: &Allowed<Desired>) -> PassReport {
        let revision = Revision { id: self.revision.clone(), source: "test".into() };
        self.engine(&|_| ())
            .converge(desired, &revision, Duration::from_hours(1), None)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn converged(&self, resources: Vec<Resource>) {
        let report = self.apply(&self.desired(resources)).await;
        assert_eq!(report.ended, Ended::Converged, "{report:#?}");
    }

    /// What is there, without ids: owner and spec, links as addresses. Two clouds with equal pictures are alike.
    pub fn picture(&self) -> Vec<String> {
        let objects = self.fake.objects();
        let names: BTreeMap<String, String> = objects
            .values()
            .flat_map(|live| {
                let owner = owner(&live.owner);
                ["id", "arn"].map(|field| (live.field(field), format!("{owner}.{field}")))
            })
            .filter_map(|(value, name)| Some((value?.as_str()?.to_owned(), name)))
            .collect();
        let mut picture: Vec<String> = objects
            .values()
            .map(|live| {
                let spec = names.iter().fold(live.spec.as_str().to_owned(), |text, (id, name)| text.replace(id, name));
                let spec = unordered(serde_json::from_str(&spec).unwrap());
                format!("{} {spec}", owner(&live.owner))
            })
            .collect();
        picture.sort();
        picture
    }

    /// A new process in the same cloud.
    pub fn restart(&self, faults: Faults) {
        self.fake.restart(faults);
    }
}

fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Stack(Mark { stack, address, generation }) => format!("{stack} {address} {generation}"),
        Owner::Nobody => "nobody".into(),
    }
}

pub fn resource(component: &str, kind: &str, spec: &impl Serialize) -> Resource {
    Resource {
        address: Address::new(component, kind),
        spec: Doc::of(spec).unwrap(),
        protect: false,
        adopt: None,
        ignore: Vec::new(),
    }
}
