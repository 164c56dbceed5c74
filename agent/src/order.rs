//! In which order the stacks of a tree are worked on: each after those that it refers to. Which stacks refer to each other
//! in a circle is told as a problem of each.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::manifest::suggest;
use agent_core::source::Problem;

use crate::load::Stack;

/// Stacks that are not as they should be after this run, and those that are left alone because of them.
#[derive(Default)]
pub struct Left(BTreeMap<String, &'static str>);

impl Left {
    /// Notes that a stack failed.
    pub fn failed(&mut self, stack: &Stack) {
        self.0.insert(stack.name(), "failed");
    }

    /// Why a stack is left alone, if it refers to one that failed or was left alone itself. One with problems of its own is
    /// not: people should see them.
    pub fn alone(&mut self, stack: &Stack) -> Option<String> {
        if !stack.problems.is_empty() {
            return None;
        }
        let (name, how) = stack.needs.keys().find_map(|name| Some((name, *self.0.get(name)?)))?;
        let reason = format!("left alone, because it refers to the stack `{name}`, which {how}");
        self.0.insert(stack.name(), "was left alone");
        Some(reason)
    }

    /// Why a stack is not destroyed, if one that refers to it could not be.
    pub fn needed(&mut self, stack: &Stack, all: &[(String, Vec<String>)]) -> Option<String> {
        let name = stack.name();
        let user = all
            .iter()
            .find(|(user, needs)| self.0.contains_key(user) && needs.contains(&name))
            .map(|(user, _)| user)?;
        let reason = format!("left alone, because the stack `{user}` refers to it and is still there");
        self.0.insert(name, "was left alone");
        Some(reason)
    }
}

/// The stacks, each after those that it refers to; else by folder.
pub fn ordered(mut stacks: Vec<Stack>) -> Vec<Stack> {
    let needs = needs(&stacks);
    let mut placed = BTreeSet::new();
    let mut order: Vec<usize> = Vec::with_capacity(stacks.len());
    loop {
        let is_free = |n: &usize| !placed.contains(n) && needs[*n].iter().all(|other| placed.contains(other));
        let Some(next) = (0..stacks.len()).find(is_free) else { break };
        placed.insert(next);
        order.push(next);
    }
    let rest: Vec<usize> = (0..stacks.len()).filter(|n| !placed.contains(n)).collect();
    let reach: BTreeMap<usize, BTreeSet<usize>> = rest.iter().map(|n| (*n, reach(*n, &needs))).collect();
    for n in &rest {
        circle(*n, &needs, &reach, &mut stacks);
    }
    order.extend(rest);
    let mut stacks: Vec<Option<Stack>> = stacks.into_iter().map(Some).collect();
    order.into_iter().filter_map(|n| stacks.get_mut(n)?.take()).collect()
}

/// By position, the positions of those that are referred to.
fn needs(stacks: &[Stack]) -> Vec<BTreeSet<usize>> {
    let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (n, stack) in stacks.iter().enumerate() {
        named.entry(stack.name()).or_default().push(n);
    }
    let of = |(n, stack): (usize, &Stack)| {
        let all = stack.needs.keys().filter_map(|name| named.get(name)).flatten();
        all.copied().filter(|other| *other != n && beside(stack, &stacks[*other])).collect()
    };
    stacks.iter().enumerate().map(of).collect()
}

/// Whether one stack may refer to another: what has no readable header may be any.
fn beside(own: &Stack, other: &Stack) -> bool {
    let (Some(own), Some(other)) = (&own.manifest, &other.manifest) else { return true };
    let accounts = (&own.stack.account, &other.stack.account);
    own.stack.region == other.stack.region && (accounts.0.is_none() || accounts.1.is_none() || accounts.0 == accounts.1)
}

/// All that a stack needs, and what that needs in turn.
fn reach(from: usize, needs: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(at) = waiting.pop() {
        waiting.extend(needs[at].iter().copied().filter(|next| seen.insert(*next)));
    }
    seen
}

/// Tells a stack that it is in a circle, if it is: others only wait for one.
fn circle(own: usize, needs: &[BTreeSet<usize>], reach: &BTreeMap<usize, BTreeSet<usize>>, stacks: &mut [Stack]) {
    let leads_back = |other: &usize| reach.get(other).is_some_and(|reach| reach.contains(&own));
    let Some(next) = needs[own].iter().copied().find(leads_back) else { return };
    let names: Vec<String> = reach[&own].iter().filter(|n| leads_back(n)).map(|n| stacks[*n].name()).collect();
    let all = suggest::list(names.iter().map(String::as_str), "and");
    let problem = Problem::new("stack-cycle", format!("the stacks {all} refer to each other, so none can be first"));
    let problem = problem.hint("write the value itself in one of them");
    let place = stacks[own].needs.get(&stacks[next].name()).cloned();
    stacks[own].problems.push(match &place {
        Some(span) => problem.at(span),
        None => problem,
    });
}
