//! One emulated AWS of its own, on which processes come, die and are followed by others.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_core::desired::Resource;
use agent_core::observed::{Interest, observe};
use agent_core::pass::PassError;
use agent_core::state::Ended;
use agent_core::wait::Timing;

use super::census::census;
use super::picture::{differ, picture};
use super::stories::{Side, Story};
use super::ways::{STATE, Way, label};
use crate::bench::emulator::Emulator;
use crate::bench::name::Kind;
use crate::bench::record::Call;
use crate::bench::wire::Wire;
use crate::conformance::suite::STACK;
use crate::world::World;

const REGION: &str = "eu-west-1";

/// The name of a side of a story: the sample, and which of its specs.
type SideName = (usize, usize);
type Ways = BTreeSet<[SideName; 2]>;

/// Emulated AWS of one worker, on which processes come and go.
pub struct Site {
    emulator: Arc<Emulator>,
    /// The side that it holds, exactly as when that side was first come to.
    holds: Mutex<Option<SideName>>,
    /// From which side one comes to which other without a trace of the way; all workers know it.
    ways: Arc<Mutex<Ways>>,
}

/// One process: clients of its own, and no memory of any other.
struct Process {
    wire: Arc<Wire>,
    world: World,
}

/// What is there at the end of a story: the stack's resources as the agent reads them, and what AWS lists.
#[derive(Clone, PartialEq, Eq)]
struct End {
    picture: Vec<String>,
    census: Vec<String>,
}

impl End {
    fn compare(&self, end: &End) -> Result<(), String> {
        for (clean, end) in [(&self.picture, &end.picture), (&self.census, &end.census)] {
            if clean != end {
                return Err(differ(clean, end));
            }
        }
        Ok(())
    }
}

/// A clean run of a story.
pub struct Clean {
    /// Its changing calls: the label, and the how manieth of that label.
    pub calls: Vec<(String, usize)>,
    end: End,
    /// Whether its end is what its side was like when it was first come to.
    traceless: bool,
}

/// A lease of the least length: who comes after a dead process waits for its end.
fn hasty(timing: &mut Timing) {
    let short = Duration::from_millis(300);
    (timing.settle, timing.ready, timing.busy) = (short, short, short);
    timing.lease = Duration::from_secs(1);
    patient(timing);
}

/// Nothing is late in an emulator, so what a lost call has made is there at once.
fn patient(timing: &mut Timing) {
    timing.intent = Duration::from_millis(100);
    timing.first = Duration::from_millis(10);
}

impl Process {
    /// Passes until it is done, or something fails.
    async fn run(&self, resources: &[Resource]) -> Result<Ended, String> {
        let desired = self.world.desired(resources.to_vec());
        let mut last = Ended::Applying;
        for _ in 0..3 {
            let pass = self.world.pass(&desired).await.map_err(|error| told(&error))?;
            last = pass.ended;
            if last != Ended::Progressing {
                break;
            }
        }
        Ok(last)
    }

    /// Makes it so, with nothing in the way.
    async fn converge(&self, resources: &[Resource]) -> Result<(), String> {
        let pass = self.world.converge(&self.world.desired(resources.to_vec())).await.map_err(|error| told(&error))?;
        if pass.ended == Ended::Converged { Ok(()) } else { Err(format!("{:?}: {:?}", pass.ended, pass.report)) }
    }

    /// At most three passes.
    async fn recover(&self, resources: &[Resource]) -> Result<(), String> {
        let desired = self.world.desired(resources.to_vec());
        let mut passes = Vec::new();
        for _ in 0..3 {
            let pass = self.world.pass(&desired).await.map_err(|error| told(&error))?;
            if pass.ended == Ended::Converged {
                return Ok(());
            }
            passes.push(format!("{:?} {:?} {:?}", pass.ended, pass.report.steps, pass.not_read));
        }
        Err(format!("not converged after three passes:\n{}", passes.join("\n")))
    }

    /// Its changing calls, but for the stack's own words.
    fn changes(&self) -> Vec<String> {
        let calls = self.wire.calls();
        let changing = calls.iter().filter(|call| !call.is_read());
        changing.map(|call| label(&call.name, &call.request.body)).filter(|label| !label.starts_with(STATE)).collect()
    }

    /// Whether this process, now dead, still holds the lease: it has claimed it and not given it back.
    fn holds_lease(&self) -> bool {
        let is_lease = |call: &Call| label(&call.name, &call.request.body) == format!("{STATE}.PutParameter lease");
        let calls = self.wire.calls();
        let last = calls.iter().rev().find(|call| call.sent && is_lease(call));
        last.is_some_and(|call| !call.body().contains(r#"\"seconds\":0"#))
    }
}

fn told(error: &PassError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

impl Site {
    pub fn start(number: usize) -> Vec<Site> {
        let ways = Arc::default();
        let site = |_| {
            let emulator = Arc::new(Emulator::start().unwrap());
            Site { emulator, holds: Mutex::default(), ways: Arc::clone(&ways) }
        };
        (0..number).map(site).collect()
    }

    fn process(&self, timing: fn(&mut Timing)) -> Process {
        let wire = Wire::new(Arc::clone(&self.emulator));
        let mut world = World::emulated(&wire, STACK, REGION);
        timing(&mut world.timing);
        Process { wire, world }
    }

    /// An AWS that holds this side and nothing else, come to in always the same way, or one that leaves no trace.
    async fn prepare(&self, side: &Side) -> Result<(), String> {
        let held = *self.holds.lock().unwrap();
        if held == Some(side.name) {
            return Ok(());
        }
        if !held.is_some_and(|held| self.ways.lock().unwrap().contains(&[held, side.name])) {
            match &side.from {
                Some(from) => Box::pin(self.prepare(from)).await?,
                None => self.emulator.reset().map_err(|error| error.to_string())?,
            }
        }
        self.hold(None);
        if !side.resources.is_empty() {
            let made = self.process(patient).converge(&side.resources).await;
            made.map_err(|error| format!("before the story: {error}"))?;
        }
        self.hold(Some(side));
        Ok(())
    }

    fn hold(&self, side: Option<&Side>) {
        *self.holds.lock().unwrap() = side.map(|side| side.name);
    }

    async fn end(&self) -> Result<End, String> {
        let World { cloud, scope, store, aws, .. } = &self.process(patient).world;
        let kinds = agent_model::kinds::table().iter().map(|kind| kind.name.to_owned()).collect();
        let interest = Interest { kinds, ..Interest::default() };
        let (_, observed) =
            observe(cloud, scope, &interest, store.as_ref()).await.map_err(|error| error.to_string())?;
        if let Some((kind, fault)) = observed.faults().next() {
            return Err(format!("{kind} could not be read: {fault}"));
        }
        Ok(End {
            picture: picture(observed.all().collect()),
            census: census(aws.as_ref().expect("emulated AWS")).await?,
        })
    }

    /// Runs the stories of a sample with nothing in the way.
    pub async fn learn(&self, stories: &[Story]) -> Vec<Result<Clean, String>> {
        let mut known = BTreeMap::new();
        let mut learnt = Vec::new();
        for story in stories {
            learnt.push(self.clean(story, &mut known).await);
        }
        learnt
    }

    /// `known` is what each side was like when it was first come to.
    async fn clean(&self, story: &Story, known: &mut BTreeMap<SideName, End>) -> Result<Clean, String> {
        let (before, after) = (&story.before, &story.after);
        self.prepare(before).await?;
        if let Entry::Vacant(first) = known.entry(before.name) {
            first.insert(self.end().await?);
        }
        self.hold(None);
        let process = self.process(patient);
        match process.run(&story.after.resources).await? {
            Ended::Converged => {}
            other => return Err(format!("the clean run ended as {other:?}")),
        }
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let changing = process.wire.calls().into_iter().filter(|call| !call.is_read());
        let calls = changing.map(|call| {
            let label = label(&call.name, &call.request.body);
            let nth = times.entry(label.clone()).and_modify(|times| *times += 1).or_insert(1);
            (label, *nth)
        });
        let end = self.end().await?;
        let traceless = *known.entry(after.name).or_insert_with(|| end.clone()) == end;
        if traceless {
            self.ways.lock().unwrap().insert([before.name, after.name]);
            self.hold(Some(after));
        }
        Ok(Clean { calls: calls.collect(), end, traceless })
    }

    /// Runs a story one call of which meets a fault, and then a new process, which must come to the clean end. Gives what is
    /// wrong.
    pub async fn survives(
        &self,
        story: &Story,
        clean: &Clean,
        (wanted, nth): &(String, usize),
        way: &Way,
    ) -> Result<(), String> {
        self.prepare(&story.before).await?;
        self.hold(None);
        let doomed = self.process(hasty);
        let (wanted, nth, what, times) = (wanted.clone(), *nth, way.what, way.times);
        let calls_by_time = nth > 1 && wanted.ends_with(" lease");
        let mut seen = 0;
        doomed.wire.plan_by(move |head| {
            if head.name.kind == Kind::Read || label(head.name, head.body) != wanted {
                return None;
            }
            seen += 1;
            (nth..nth + times).contains(&seen).then(|| what(head.name))
        });
        let ended = doomed.wire.until_crash(doomed.run(&story.after.resources)).await;
        if doomed.wire.calls().iter().all(|call| call.fault.is_none()) {
            // How often the lease is renewed is a matter of how long a pass takes: on a machine that was busy when the calls were
            // learnt, oftener.
            return if calls_by_time { Ok(()) } else { Err("the call was not made".into()) };
        }
        if doomed.holds_lease() {
            // And a little more, since who comes next cannot tell to the millisecond when AWS took the claim: it would look again.
            tokio::time::sleep(doomed.world.timing.lease + Duration::from_millis(500)).await;
        }
        let next = self.process(patient);
        next.recover(&story.after.resources).await?;
        let changed = next.changes();
        if ended == Some(Ok(Ended::Converged)) && !changed.is_empty() {
            return Err(format!("it said converged, and then there was more to do: {changed:?}"));
        }
        clean.end.compare(&self.end().await?).map_err(|error| format!("another end: {error}"))?;
        self.hold(Some(&*story.after).filter(|_| clean.traceless));
        Ok(())
    }
}
