//! What every test here works with: the front end, the engine over a faked cloud with all kinds, and a comparison of two
//! clouds that allows just the differences that history may leave.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent_core::address::{Address, Scope};
use agent_core::allowed::Allowed;
use agent_core::clock::Clock;
use agent_core::desired::{Allow, Desired, Resource};
use agent_core::fake::Fake;
use agent_core::lookup::{Answer, Answers, Question};
use agent_core::manifest::{FileEntry, StackFiles, load};
use agent_core::observed::{Interest, Observed};
use agent_core::pass::{Engine, PassError, PassReport, Revision};
use agent_core::plan::Settings;
use agent_core::provider::Cloud;
use agent_core::source::{Problems, Sources, render_text};
use agent_core::state::Ended;
use agent_core::wait::Timing;
use agent_model::components::language;
use agent_model::expand::expand;
use agent_model::kinds::{fake_cloud, table};
use agent_policy::NoRules;

use crate::picture::Picture;
use crate::stacks::{Stack, touched};
use crate::text;

fn answers() -> Answers {
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(str::to_owned).to_vec();
    let list = |name: &str| Question::ManagedPrefixList(name.into());
    Answers::offline()
        .with(Question::Zones, Answer::Zones(zones))
        .with(list("com.amazonaws.eu-west-1.s3"), Answer::Id("pl-6da54004".into()))
        .with(list("com.amazonaws.global.cloudfront.origin-facing"), Answer::Id("pl-4fa04526".into()))
}

/// The resources of a manifest, and what it lets go.
pub fn expanded(written: &str) -> (Vec<Resource>, Allow) {
    let all = [("stack.toml", written.to_owned())].into_iter().chain(text::files());
    let files = all.map(|(name, text)| (name.to_owned(), FileEntry::Bytes(text.into_bytes()))).collect();
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let tree = StackFiles { files, ..StackFiles::default() };
    let manifest = load(&tree, "", &language(), &mut sources, &mut problems);
    let expanded = manifest.and_then(|manifest| expand(&manifest, &answers(), &mut problems));
    let expanded = expanded.unwrap_or_else(|| panic!("{written}\n{}", render_text(&problems, &sources, false)));
    assert!(expanded.unknown.is_empty(), "{:?}", expanded.unknown);
    (expanded.resources, expanded.allow)
}

/// What a stack wants.
pub fn desired(stack: &Stack, allowed: bool) -> Allowed<Desired> {
    let (resources, allow) = expanded(&stack.text(allowed));
    built(touched(resources, &stack.touches), allow)
}

/// The last manifest of a stack that is to go.
pub fn nothing() -> Allowed<Desired> {
    desired(&Stack::default(), true)
}

fn built(resources: Vec<Resource>, allow: Allow) -> Allowed<Desired> {
    let desired = Desired::build("um", resources, allow, &table()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    NoRules::allow(desired)
}

/// A faked cloud, and what passes over it need.
pub struct Bench {
    pub fake: Arc<Fake>,
    pub scope: Scope,
    pub timing: Timing,
    cloud: Cloud,
}

impl Bench {
    pub fn new() -> Self {
        let fake = Arc::new(Fake::default());
        let cloud = fake_cloud(&fake);
        Self {
            fake,
            cloud,
            scope: Scope::new("um", "123456789012", "eu-west-1"),
            timing: Timing { clock: Clock::moved_by_tests(), ..Timing::default() },
        }
    }

    fn engine(&self) -> Engine<'_> {
        Engine {
            cloud: &self.cloud,
            kinds: self.cloud.kinds(),
            scope: &self.scope,
            store: self.fake.as_ref(),
            judge: &NoRules,
            settings: Settings::default(),
            timing: self.timing.clone(),
            tell: &|_| (),
            holder: agent_core::pass::holder(),
            accept_lost_state: false,
            insist: true,
            belongs: agent_core::state::Belongs::default(),
        }
    }

    pub async fn pass(&self, desired: &Allowed<Desired>) -> Result<PassReport, PassError> {
        self.engine().pass(desired, &revision()).await
    }

    pub async fn converge(&self, desired: &Allowed<Desired>) -> Result<PassReport, PassError> {
        self.engine().converge(desired, &revision(), Duration::from_hours(1), None).await
    }

    /// What the cloud holds, for a plan towards this.
    pub async fn observed(&self, desired: &Allowed<Desired>) -> Observed {
        let read = self.engine().read(&Interest::of(desired)).await;
        read.unwrap_or_else(|error| panic!("{error}")).1
    }

    pub async fn destroy(&self) -> Result<PassReport, PassError> {
        self.engine().destroy(&nothing(), &revision(), Duration::from_hours(1), None).await
    }

    /// Passes until nothing moves, which must be where the stack wants it.
    pub async fn converged(&self, desired: &Allowed<Desired>) {
        let report = self.converge(desired).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.ended, Ended::Converged, "{}", told(&report));
    }

    /// A second look, which must find nothing to do, and not even write so.
    pub async fn nothing_to_do(&self, desired: &Allowed<Desired>) {
        self.fake.restart(agent_core::fake::faults::Faults::default());
        let report = self.pass(desired).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.ended, Ended::Converged, "{}", told(&report));
        let writes: Vec<_> = self.fake.calls().into_iter().filter(|call| call.op.is_write()).collect();
        assert_eq!(writes, [], "the second pass changes something");
    }

    /// Destroys the stack, of which nothing but logs may be left.
    pub async fn destroyed(&self) {
        let report = self.destroy().await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.ended, Ended::Converged, "{}", told(&report));
        let objects = self.fake.objects();
        let own = objects.values().filter(|live| live.owner.of_stack("um").is_some());
        let left: BTreeSet<&str> =
            own.map(|live| live.kind.as_str()).filter(|kind| *kind != "logs.log_group").collect();
        assert_eq!(left, BTreeSet::new(), "something is left: {objects:#?}");
        let words = agent_core::state::Store::all(self.fake.as_ref(), "um").await.unwrap();
        assert!(words.is_empty(), "{words:?}");
    }

    pub fn picture(&self) -> Picture {
        Picture::of(&self.fake.objects(), "um")
    }

    /// Compares with a clean run of the same. `earlier` are all addresses that the stack ever wanted.
    pub fn is_like(&self, clean: &Self, desired: &Desired, earlier: &BTreeSet<Address>) {
        let differences = self.picture().differences(&clean.picture(), desired, earlier);
        assert!(differences.is_empty(), "not as a clean run leaves it:\n{}", differences.join("\n"));
    }
}

fn revision() -> Revision {
    Revision { id: "0123456789abcdef0123456789abcdef01234567".into(), source: "test".into() }
}

/// How a pass ended, in lines that can be read.
pub fn told(report: &PassReport) -> String {
    let steps = report.report.steps.iter().map(|step| format!("{} {}: {:?}", step.verb, step.address, step.outcome));
    let notes = report.report.notes.iter().map(|note| format!("{}: {} ({})", note.address, note.text, note.blocks));
    let lines: Vec<String> = steps.chain(notes).chain(report.not_read.keys().cloned()).collect();
    format!("{:?}\n{}", report.ended, lines.join("\n"))
}

/// Runs a future on a clock that stands still while there is something to do.
pub fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future);
}
