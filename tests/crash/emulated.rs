//! The matrix on emulated AWS, with the real SDK over HTTP: each kind, each operation, each of its changing calls, each way.
//! What a story's changing calls are is learnt from a clean run of it. Afterwards the stack's own resources must be those of
//! the clean run, and AWS's own lists must be as long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agent_aws::Aws;
use agent_core::desired::Resource;
use agent_core::observed::{Interest, observe};
use agent_core::pass::PassError;
use agent_core::secret::Vault;
use agent_core::state::Ended;
use agent_core::wait::Timing;

use super::census::census;
use super::picture::{differ, picture};
use super::stories::{OPS, Side, Story, stories};
use super::ways::{STATE, WAYS, Way, label};
use crate::bench::emulator::Emulator;
use crate::bench::name::Kind;
use crate::bench::record::Call;
use crate::bench::wire::Wire;
use crate::conformance::suite::STACK;
use crate::world::World;

const REGION: &str = "eu-west-1";

/// Whose words the stack's own words are in the matrix: each stack has them, so one kind that needs all of them is enough.
const SPEAKS_FOR_STATE: &str = "ec2.vpc";

/// More than two cores: a third of the cells wait for the lease of the dead.
const WORKERS: usize = 3;

/// Emulated AWS of one worker, on which processes come and go.
struct Site {
    emulator: Arc<Emulator>,
    /// What it is known to hold.
    holds: Mutex<Option<(usize, usize)>>,
}

/// One process: clients of its own, and no memory of any other.
struct Process {
    wire: Arc<Wire>,
    world: World,
}

/// What is there at the end of a story.
struct End {
    /// The stack's resources.
    picture: Vec<String>,
    /// What AWS lists.
    census: Vec<String>,
    /// The stack's own words.
    words: Vec<String>,
}

impl End {
    /// Whether the resources are those of a clean run. What a process has said to itself may be more than it needed.
    fn holds(&self, end: &End) -> Result<(), String> {
        same(&self.picture, &end.picture)?;
        same(&self.census, &end.census)
    }

    /// Whether all is as after a clean run.
    fn equals(&self, end: &End) -> Result<(), String> {
        self.holds(end)?;
        same(&self.words, &end.words)
    }
}

fn same(clean: &[String], end: &[String]) -> Result<(), String> {
    if clean == end { Ok(()) } else { Err(differ(clean, end)) }
}

/// A clean run of a story.
struct Clean {
    /// Its changing calls: the label, and the how manieth of that label.
    calls: Vec<(String, usize)>,
    end: End,
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
    fn process(&self, timing: fn(&mut Timing)) -> Process {
        let wire = Wire::new(Arc::clone(&self.emulator));
        let mut world = World::emulated(&wire, STACK, REGION);
        timing(&mut world.timing);
        Process { wire, world }
    }

    /// An AWS that holds this side and nothing else: an empty one, or what the story before has left, brought there.
    async fn prepare(&self, side: &Side) -> Result<(), String> {
        let held = self.holds.lock().unwrap().take();
        let empty = side.resources.is_empty();
        if held.is_none_or(|held| empty || held.0 != side.name.0) {
            self.emulator.reset().map_err(|error| error.to_string())?;
        }
        if !empty && held != Some(side.name) {
            let made = self.process(patient).converge(&side.resources).await;
            made.map_err(|error| format!("before the story: {error}"))?;
        }
        Ok(())
    }

    /// A story has come to its clean end.
    fn ended(&self, story: &Story) {
        *self.holds.lock().unwrap() = Some(story.after.name).filter(|_| !story.retains);
    }

    async fn end(&self) -> Result<End, String> {
        let wire = Wire::new(Arc::clone(&self.emulator));
        let aws = Arc::new(Aws::with(&wire.config(REGION), Vault::new().unwrap()));
        let world = World::emulated(&wire, STACK, REGION);
        let kinds = agent_model::kinds::table().iter().map(|kind| kind.name.to_owned()).collect();
        let interest = Interest { kinds, ..Interest::default() };
        let (_, observed) = observe(&world.cloud, &world.scope, &interest, world.store.as_ref())
            .await
            .map_err(|error| error.to_string())?;
        if let Some((kind, fault)) = observed.faults().next() {
            return Err(format!("{kind} could not be read: {fault}"));
        }
        let (words, census) =
            census(&aws).await?.into_iter().partition(|line| line.contains(" parameter /gitops-agent/"));
        Ok(End { picture: picture(observed.all().collect()), census, words })
    }

    /// Runs a story with nothing in the way.
    async fn clean(&self, story: &Story) -> Result<Clean, String> {
        self.prepare(&story.before).await?;
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
        let clean = Clean { calls: calls.collect(), end: self.end().await? };
        self.ended(story);
        Ok(clean)
    }

    /// One cell; gives what is wrong.
    async fn cell(&self, cell: &Cell<'_>) -> Result<(), String> {
        let Cell { story, clean, call: (wanted, nth), way, .. } = *cell;
        self.prepare(&story.before).await?;
        let doomed = self.process(hasty);
        let (wanted, nth, what, times) = (wanted.clone(), *nth, way.what, way.times);
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
            return Err("the call was not made".into());
        }
        if ended == Some(Ok(Ended::Converged)) {
            let same = clean.end.holds(&self.end().await?);
            same.map_err(|error| format!("it said converged, and was not: {error}"))?;
        }
        if doomed.holds_lease() {
            tokio::time::sleep(doomed.world.timing.lease).await;
        }
        self.process(patient).recover(&story.after.resources).await?;
        clean.end.equals(&self.end().await?).map_err(|error| format!("another end: {error}"))?;
        self.ended(story);
        Ok(())
    }
}

/// One call of one story that meets one fault.
struct Cell<'a> {
    /// The kind under test, or the stack's own words.
    kind: &'static str,
    story: &'a Story,
    clean: &'a Clean,
    call: &'a (String, usize),
    way: &'static Way,
}

impl Cell<'_> {
    fn name(&self) -> String {
        let (label, nth) = self.call;
        format!("{}: {} ({}): {label} {nth}: {}", self.kind, self.story.op, self.story.name, self.way.name)
    }
}

/// Every call that no story before has had in the same operation of the same kind, with every fault.
fn cells<'a>(runs: &'a [(&'a Story, Clean)]) -> Vec<Cell<'a>> {
    let mut known = BTreeSet::new();
    let mut cells = Vec::new();
    for (story, clean) in runs {
        for call in &clean.calls {
            let kind = if call.0.starts_with(STATE) { STATE } else { story.kind };
            let counts = kind != STATE || story.kind == SPEAKS_FOR_STATE;
            if counts && known.insert((kind, story.op, call)) {
                cells.extend(WAYS.iter().map(|way| Cell { kind, story, clean, call, way }));
            }
        }
    }
    cells
}

/// Of each kind every `STRIDE`th cell, beginning with another fault than the kind before.
fn sample(cells: Vec<Cell<'_>>) -> Vec<Cell<'_>> {
    /// Coprime to the number of faults, so that they take turns.
    const STRIDE: usize = 37;
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut cells = cells;
    cells.retain(|cell| {
        let first = places.len() % WAYS.len();
        let place = places.entry(cell.kind).and_modify(|place| *place += 1).or_insert(STRIDE - first);
        *place % STRIDE == 0
    });
    cells
}

/// Does the same work on every item, on several sites at once; gives the results in the order of the items.
fn on_all<T: Sync, R: Send>(sites: &[Site], items: &[T], work: impl AsyncFn(&Site, &T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = |site: &Site| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut done = Vec::new();
        while let Some((at, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
        {
            done.push((at, runtime.block_on(work(site, item))));
        }
        done
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = sites.iter().map(|site| scope.spawn(|| worker(site))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What the cells meet.
fn met(cells: &[Cell<'_>], what: impl Fn(&Cell<'_>) -> &'static str) -> BTreeSet<&'static str> {
    cells.iter().map(what).collect()
}

/// The cells of each sample in an order in which most begin where the one before ended; the longest list first, so that no
/// worker is left with it at the end.
fn walks(cells: Vec<Cell<'_>>) -> Vec<Vec<Cell<'_>>> {
    let mut samples: BTreeMap<usize, VecDeque<Cell<'_>>> = BTreeMap::new();
    for cell in cells {
        samples.entry(cell.story.before.name.0).or_default().push_back(cell);
    }
    let mut walks: Vec<_> = samples.into_values().map(walk).collect();
    walks.sort_by_key(|walk| std::cmp::Reverse(walk.len()));
    walks
}

fn walk(mut rest: VecDeque<Cell<'_>>) -> Vec<Cell<'_>> {
    let mut walk = Vec::new();
    let mut at = None;
    while !rest.is_empty() {
        let next = rest.iter().position(|cell| Some(cell.story.before.name) == at).unwrap_or(0);
        let cell = rest.remove(next).expect("it was just found");
        at = Some(cell.story.after.name);
        walk.push(cell);
    }
    walk
}

#[test]
fn every_kind_survives_every_fault_of_a_changing_call() {
    let begun = Instant::now();
    let full = std::env::var("AGENT_MATRIX").is_ok_and(|how| how == "full");
    let site = || Site { emulator: Arc::new(Emulator::start().unwrap()), holds: Mutex::default() };
    let sites: Vec<Site> = (0..WORKERS).map(|_| site()).collect();
    let stories = stories(full);
    let runs = on_all(&sites, &stories, async |site, stories| {
        let mut runs = Vec::new();
        for story in stories {
            runs.push(site.clean(story).await);
        }
        runs
    });
    let mut wrong = Vec::new();
    let mut clean = Vec::new();
    for (story, run) in stories.iter().flatten().zip(runs.into_iter().flatten()) {
        match run {
            Ok(run) => clean.push((story, run)),
            Err(error) => wrong.push(format!("{} {}: {error}", story.kind, story.name)),
        }
    }
    println!("{} stories learnt in {:.0?}", clean.len(), begun.elapsed());
    let all = cells(&clean);
    let number = all.len();
    let tried = walks(if full { all } else { sample(all) });
    let ends = on_all(&sites, &tried, async |site, walk| {
        let mut ends = Vec::new();
        for cell in walk {
            let end = site.cell(cell).await.map_err(|error| format!("{}: {error}", cell.name()));
            // At once: the whole matrix takes long.
            if let Err(error) = &end {
                println!("wrong: {error}");
            }
            ends.push(end.err());
        }
        ends
    });
    wrong.extend(ends.into_iter().flatten().flatten());
    let tried: Vec<Cell<'_>> = tried.into_iter().flatten().collect();
    let took = begun.elapsed();
    println!("kill matrix on emulated AWS: {} of {number} cells, {} wrong ({took:.0?})", tried.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let table = agent_model::kinds::table();
    assert_eq!(met(&tried, |cell| cell.kind), table.iter().map(|kind| kind.name).chain([STATE]).collect());
    assert_eq!(met(&tried, |cell| cell.way.name), WAYS.iter().map(|way| way.name).collect());
    assert_eq!(met(&tried, |cell| cell.story.op), OPS.into());
}
