//! The matrix on emulated AWS, with the real SDK over HTTP: each kind, each operation, each of its changing calls, each way.
//! What a story's changing calls are is learnt from a clean run of it. Afterwards the stack's own resources must be those of
//! the clean run, and AWS's own lists must be as long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::site::{Clean, Site};
use super::stories::{OPS, Story, stories};
use super::ways::{STATE, WAYS, Way};
use crate::bench::say;

/// Whose words the stack's own words are in the matrix: each stack has them, so one kind that needs all of them is enough.
const SPEAKS_FOR_STATE: &str = "ec2.vpc";

/// More than two cores: a third of the cells wait for the lease of the dead.
const WORKERS: usize = 3;

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
    const STRIDE: usize = 17;
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut cells = cells;
    cells.retain(|cell| {
        let first = places.len() % WAYS.len();
        let place = places.entry(cell.kind).and_modify(|place| *place += 1).or_insert(STRIDE - first);
        place.is_multiple_of(STRIDE)
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
    // `full`, or the name of a kind: all of its cells.
    let matrix = std::env::var("AGENT_MATRIX").ok();
    let one_kind = matrix.as_deref().filter(|how| *how != "full");
    let sites = Site::start(WORKERS);
    let mut stories = stories(matrix.is_some());
    stories.retain(|of_sample| one_kind.is_none_or(|kind| of_sample.iter().all(|story| story.kind == kind)));
    let runs = on_all(&sites, &stories, async |site, stories| site.learn(stories).await);
    let mut wrong = Vec::new();
    let mut clean = Vec::new();
    for (story, run) in stories.iter().flatten().zip(runs.into_iter().flatten()) {
        match run {
            Ok(run) => clean.push((story, run)),
            Err(error) => wrong.push(format!("{} {}: {error}", story.kind, story.name)),
        }
    }
    let all = cells(&clean);
    let number = all.len();
    say(&format!("{number} cells learnt from {} stories in {:.0?}", clean.len(), begun.elapsed()));
    let tried = walks(if matrix.is_some() { all } else { sample(all) });
    let ends = on_all(&sites, &tried, async |site, walk| {
        let mut ends = Vec::new();
        for cell in walk {
            let end = site
                .survives(cell.story, cell.clean, cell.call, cell.way)
                .await
                .map_err(|error| format!("{}: {error}", cell.name()));
            // At once: the whole matrix takes long.
            if let Err(error) = &end {
                say(&format!("wrong: {error}"));
            }
            ends.push(end.err());
        }
        ends
    });
    wrong.extend(ends.into_iter().flatten().flatten());
    let tried: Vec<Cell<'_>> = tried.into_iter().flatten().collect();
    let took = begun.elapsed();
    say(&format!("kill matrix on emulated AWS: {} of {number} cells, {} wrong ({took:.0?})", tried.len(), wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if one_kind.is_some() {
        return;
    }
    let table = agent_model::kinds::table();
    assert_eq!(met(&tried, |cell| cell.kind), table.iter().map(|kind| kind.name).chain([STATE]).collect());
    assert_eq!(met(&tried, |cell| cell.way.name), WAYS.iter().map(|way| way.name).collect());
    assert_eq!(met(&tried, |cell| cell.story.op), OPS.into());
}
