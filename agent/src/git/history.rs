//! What came after a commit, and whether another goes on from it: a walk over both histories at once, the newest commit first, which
//! ends as soon as nothing new is left, so that a long history costs nothing.
//!
//! libgit2's own walks take no notice of where a shallow repository ends. This one does, and says so.
//!
//! **Guarantees.** That one commit descends from another is never said unless it does, whatever dates commits give themselves, and
//! nothing that is new is left out. With dates that are far off, a commit may be listed as new that is not.

use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use git2::{ObjectType, Odb, Oid, Repository};

use super::error::corrupt;
use super::{Cause, GitError, tree};

/// A repository's commits, and where its history ends early.
pub struct History<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The commits whose parents are left out.
    cut: BTreeSet<Oid>,
    /// So many commits are looked at in one walk.
    limit: u64,
    odb: Odb<'a>,
}

/// What a walk found.
pub struct Walk {
    /// The commit goes on from the other.
    pub descends: bool,
    /// The commits that are reachable from the one and not from the other.
    pub new: Vec<Oid>,
    /// The history of the new ones ends early: there may be more of them, and the other one may be among those.
    pub is_cut: bool,
    /// What both have in common, where that was looked for: the newest commit.
    pub common: Option<Oid>,
    /// The history of the other one ends early, as far as it was looked at.
    pub is_base_cut: bool,
}

/// Which history a commit is of. What is of the other one's is not new.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    New,
    Old,
}

/// How far a walk goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Nothing new is left.
    NoneIsNew,
    /// All of both histories was seen, which finds everything that they have in common.
    TheEnd,
}

/// What is still to be looked at.
#[derive(Default)]
struct Pending {
    /// By their time, the newest first. Of those of one second the old ones come first: a new one that they lead to is known not to be
    /// new before the walk can end.
    heap: BinaryHeap<(i64, bool, Oid)>,
    in_heap: HashSet<Oid>,
    of: HashMap<Oid, Of>,
    /// How many in the heap are new, and how many were new before it was known that they are not.
    new: usize,
    turned: HashSet<Oid>,
}

impl<'a> History<'a> {
    /// Of a repository; nothing is looked at yet.
    pub fn of(repository: &'a Repository, limit: u64) -> Result<Self, GitError> {
        let cut = match std::fs::read_to_string(repository.commondir().join("shallow")) {
            Ok(text) => text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => {
                let what = "the list of commits without parents".to_owned();
                return Err(GitError::Corrupt { what, source: Cause::from(&error) });
            }
        };
        let odb = repository.odb().map_err(|e| corrupt("the object store", &e))?;
        Ok(Self { repository, cut, limit, odb })
    }

    /// Whether any commit's parents are left out.
    pub fn is_shallow(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Whether a commit is there.
    pub fn has(&self, id: Oid) -> bool {
        has_commit(self.repository, id)
    }

    /// Whether a commit is the first of its history.
    pub fn is_first(&self, id: Oid) -> Result<bool, GitError> {
        Ok(self.parents(id)?.is_empty())
    }

    /// Walks from `head` to `base`, or to the end where that is not there. `None`: there is more than the limit.
    pub fn walk(&self, head: Oid, base: Option<Oid>, until: Until) -> Result<Option<Walk>, GitError> {
        let mut pending = Pending::default();
        let mut walk = Walk { descends: false, new: Vec::new(), is_cut: false, common: None, is_base_cut: false };
        if let Some(base) = base {
            pending.push(base, Of::Old, self.time(base)?);
        }
        if Some(head) != base {
            pending.push(head, Of::New, self.time(head)?);
        }
        let mut common: Option<(i64, Oid)> = None;
        while pending.new > 0 || !pending.turned.is_empty() || until == Until::TheEnd {
            let Some((.., id)) = pending.heap.pop() else { break };
            if pending.of.len() as u64 > self.limit {
                return Ok(None);
            }
            let of = pending.taken(id);
            if self.cut.contains(&id) {
                walk.is_cut |= of == Of::New;
                walk.is_base_cut |= of == Of::Old;
            }
            for parent in self.parents(id)? {
                walk.descends |= of == Of::New && Some(parent) == base;
                let time = self.time(parent)?;
                if pending.meet(parent, of, time) {
                    common = common.max(Some((time, parent)));
                }
            }
        }
        walk.common = common.map(|(_, id)| id);
        walk.new = pending.of.into_iter().filter(|(_, of)| *of == Of::New).map(|(id, _)| id).collect();
        walk.new.sort_unstable();
        Ok(Some(walk))
    }

    fn parents(&self, id: Oid) -> Result<Vec<Oid>, GitError> {
        if self.cut.contains(&id) {
            return Ok(Vec::new());
        }
        Ok(self.commit(id)?.parent_ids().collect())
    }

    fn time(&self, id: Oid) -> Result<i64, GitError> {
        Ok(self.commit(id)?.time().seconds())
    }

    /// A commit, unless it is too large to be read.
    fn commit(&self, id: Oid) -> Result<git2::Commit<'a>, GitError> {
        let what = format!("the commit {id}");
        tree::small(&self.odb, id, ObjectType::Commit, &what)?;
        self.repository.find_commit(id).map_err(|e| corrupt(what, &e))
    }
}

impl Pending {
    fn push(&mut self, id: Oid, of: Of, time: i64) {
        self.new += usize::from(of == Of::New);
        self.of.insert(id, of);
        self.heap.push((time, of == Of::Old, id));
        self.in_heap.insert(id);
    }

    /// Takes note that a commit left the heap.
    fn taken(&mut self, id: Oid) -> Of {
        let of = self.of.get(&id).copied().unwrap_or(Of::Old);
        self.new -= usize::from(of == Of::New);
        self.in_heap.remove(&id);
        self.turned.remove(&id);
        of
    }

    /// A parent of one of these commits; whether it is of both histories.
    fn meet(&mut self, parent: Oid, of: Of, time: i64) -> bool {
        match (self.of.get(&parent).copied(), of) {
            (None, _) => {
                self.push(parent, of, time);
                false
            }
            (Some(Of::New), Of::Old) => {
                // What it had said of its own parents is to be said again.
                if self.in_heap.contains(&parent) {
                    self.new -= 1;
                    self.of.insert(parent, Of::Old);
                } else {
                    self.push(parent, Of::Old, time);
                }
                self.turned.insert(parent);
                true
            }
            (Some(Of::Old), Of::New) => true,
            (Some(Of::New), Of::New) | (Some(Of::Old), Of::Old) => false,
        }
    }
}

/// Whether a commit is there.
pub fn has_commit(repository: &Repository, id: Oid) -> bool {
    repository.odb().is_ok_and(|odb| odb.read_header(id).is_ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::Fixture;
    use super::*;

    /// What is reachable from a commit, by its place in the list.
    fn reachable(parents: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
        let (mut all, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            if all.insert(at) {
                next.extend(&parents[at]);
            }
        }
        all
    }

    /// Histories at random, with dates in order, all of one second, and at random.
    #[test]
    fn a_walk_finds_what_a_look_at_everything_finds() {
        let mut seed = 20_240_701_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let (fixture, _) = Fixture::one_file(true);
        let tree = fixture.tree(&[]);
        for round in 0..90 {
            let dates_lie = round % 3 == 1;
            let (mut parents, mut ids): (Vec<Vec<usize>>, Vec<Oid>) = (Vec::new(), Vec::new());
            for n in 0..14 {
                let some: BTreeSet<usize> = (0..random(3).min(n)).map(|_| n - 1 - random(n.min(4))).collect();
                let of: Vec<Oid> = some.iter().map(|at| ids[*at]).collect();
                let time = match round % 3 {
                    0 => n,
                    1 => random(1000),
                    _ => 1000,
                };
                ids.push(fixture.commit_at(tree, &format!("{round} {n}"), &of, i64::try_from(time).unwrap()));
                parents.push(some.into_iter().collect());
            }
            let history = History::of(&fixture.repository, 100).unwrap();
            for (head, base) in (0..14).flat_map(|head| (0..14).map(move |base| (head, base))).filter(|(h, b)| h != b) {
                let (of_head, of_base) = (reachable(&parents, head), reachable(&parents, base));
                let new: BTreeSet<Oid> = of_head.difference(&of_base).map(|at| ids[*at]).collect();
                let walk = history.walk(ids[head], Some(ids[base]), Until::NoneIsNew).unwrap().unwrap();
                let found: BTreeSet<Oid> = walk.new.iter().copied().collect();
                assert_eq!(walk.descends, of_head.contains(&base), "{round}: {head} and {base} of {parents:?}");
                assert!(found == new || (dates_lie && found.is_superset(&new)), "{round}: {head}, {base}, {parents:?}");
                let all = history.walk(ids[head], Some(ids[base]), Until::TheEnd).unwrap().unwrap();
                assert_eq!(
                    all.new.iter().copied().collect::<BTreeSet<_>>(),
                    new,
                    "{round}: {head}, {base}, {parents:?}"
                );
                assert_eq!(all.common.is_some(), !of_head.is_disjoint(&of_base));
                assert!(all.common.is_none_or(|id| {
                    (0..14).any(|at| ids[at] == id && of_head.contains(&at) && of_base.contains(&at))
                }));
            }
        }
    }
}
