//! A cloud to run passes in: the fake, or emulated AWS behind the wire. Tests of the engine over real kinds share it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent_aws::Aws;
use agent_core::address::Scope;
use agent_core::allowed::Allowed;
use agent_core::clock::Clock;
use agent_core::desired::{Allow, Desired, Resource};
use agent_core::fake::Fake;
use agent_core::pass::{Engine, Look, PassError, PassReport, Revision, holder};
use agent_core::plan::Settings;
use agent_core::provider::Cloud;
use agent_core::secret::Vault;
use agent_core::state::{Belongs, Store};
use agent_core::wait::Timing;
use agent_policy::NoRules;

use crate::bench::wire::Wire;

/// A cloud with everything that a pass needs.
pub struct World {
    pub cloud: Cloud,
    pub store: Arc<dyn Store>,
    pub scope: Scope,
    pub timing: Timing,
    /// What talks to emulated AWS; none for the fake.
    pub aws: Option<Arc<Aws>>,
}

impl World {
    /// A faked cloud.
    pub fn fake(fake: &Arc<Fake>, stack: &str) -> Self {
        Self {
            cloud: agent_model::kinds::fake_cloud(fake),
            store: fake.clone(),
            scope: Scope::new(stack, "123456789012", "eu-west-1"),
            timing: Timing { clock: Clock::moved_by_tests(), ..Timing::default() },
            aws: None,
        }
    }

    /// Emulated AWS behind a wire.
    pub fn emulated(wire: &Arc<Wire>, stack: &str, region: &'static str) -> Self {
        let aws = Arc::new(Aws::with(&wire.config(region), Vault::new().unwrap()));
        Self {
            cloud: agent_aws::cloud(&aws),
            store: aws.clone(),
            aws: Some(aws),
            scope: Scope::new(stack, "123456789012", region),
            // Nothing is slow in an emulator: what is not there after two seconds never comes.
            timing: Timing {
                settle: Duration::from_secs(2),
                ready: Duration::from_secs(2),
                busy: Duration::from_secs(2),
                intent: Duration::from_millis(200),
                call: Duration::from_secs(1),
                first: Duration::from_millis(20),
                between_passes: Duration::from_millis(100),
                lease: Duration::from_secs(2),
                ..Timing::default()
            },
        }
    }

    /// What a stack wants, with every component's data allowed to go.
    pub fn desired(&self, resources: Vec<Resource>) -> Allowed<Desired> {
        let delete: BTreeSet<String> = resources.iter().map(|r| r.address.component().to_owned()).collect();
        let allow = Allow { delete, removals: 0 };
        let desired = Desired::build(&self.scope.stack, resources, allow, &self.cloud.kinds())
            .unwrap_or_else(|problems| panic!("{problems:#?}"));
        NoRules::allow(desired)
    }

    fn engine<'a>(&'a self, tell: &'a (dyn Fn(agent_core::execute::Event<'_>) + Sync)) -> Engine<'a> {
        Engine {
            cloud: &self.cloud,
            kinds: self.cloud.kinds(),
            scope: &self.scope,
            store: self.store.as_ref(),
            judge: &NoRules,
            settings: Settings { removal_budget: 1000 },
            timing: self.timing.clone(),
            tell,
            holder: holder(),
            accept_lost_state: false,
            insist: true,
            belongs: Belongs::default(),
        }
    }

    pub async fn look(&self, desired: &Allowed<Desired>) -> Result<Look, PassError> {
        self.engine(&|_| ()).look(desired).await
    }

    pub async fn pass(&self, desired: &Allowed<Desired>) -> Result<PassReport, PassError> {
        self.engine(&|_| ()).pass(desired, &revision()).await
    }

    pub async fn converge(&self, desired: &Allowed<Desired>) -> Result<PassReport, PassError> {
        self.engine(&|_| ()).converge(desired, &revision(), Duration::from_mins(1), None).await
    }

    pub async fn destroy(&self, nothing: &Allowed<Desired>) -> Result<PassReport, PassError> {
        self.engine(&|_| ()).destroy(nothing, &revision(), Duration::from_mins(1), None).await
    }
}

fn revision() -> Revision {
    Revision { id: "0123456789abcdef0123456789abcdef01234567".into(), source: "test".into() }
}
