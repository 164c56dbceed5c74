//! The stacks of two revisions beside each other: which of them can come to differ, and what one wants beside the other, as far as
//! that is known without AWS.

use std::collections::BTreeSet;

use agent_core::address::{Address, Scope};
use agent_core::allowed::{Finding, Judge};
use agent_core::desired::Desired;
use agent_core::lookup::Answers;
use agent_core::observed::Observed;
use agent_core::plan::{Op, Plan, PlanError, Settings, plan};
use agent_core::source::Problems;
use agent_core::supposed::supposed;
use agent_model::expand::expand_among;

use crate::load::{LoadError, Stack, Tree, offline, stacks, wants};
use crate::show::preview::{Gone, Said, Standing};

/// What a stack wants, as far as that is known without AWS.
pub struct Wish {
    /// What rules judge: with what nobody asked for left open.
    pub desired: Desired,
    /// What is compared: with a name in the place of each answer that AWS would give.
    named: Desired,
}

impl Wish {
    /// `None`: the stack has problems, which are in it.
    pub fn of(stack: &mut Stack) -> Option<Self> {
        if !stack.problems.is_empty() {
            return None;
        }
        let (desired, questions) = offline(stack)?;
        let answers = Answers::stood_in(&questions);
        let named = match stack.manifest.as_ref().filter(|_| answers != Answers::offline()) {
            // What was sound with nothing in the place of answers is so with names.
            Some(manifest) => expand_among(manifest, &stack.others, &answers, &mut Problems::new())
                .and_then(|expanded| expanded.desired().ok())
                .unwrap_or_else(|| desired.clone()),
            None => desired.clone(),
        };
        Some(Self { desired, named })
    }

    /// What a plan deletes that this protects: the revision that names it no longer cannot say so.
    pub fn protects<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Address> {
        let deletes = plan.steps.iter().filter(|step| matches!(step.op, Op::Delete { .. })).map(|step| &step.address);
        deletes.filter(|address| self.desired.resources.get(*address).is_some_and(|wanted| wanted.protect))
    }

    /// What is to be done when AWS is as `base` wants. Nothing is there where there is none.
    pub fn plan_from(&self, base: Option<&Self>) -> Result<Plan, Vec<PlanError>> {
        let (kinds, written) = (agent_model::kinds::table(), &self.named.written);
        let account = written.account.as_deref().unwrap_or_default();
        let scope = Scope::new(&self.named.stack, account, &written.region);
        let observed = match base {
            Some(base) => supposed(&base.named, &self.named, &kinds, &scope)?,
            None => Observed::default(),
        };
        plan(&self.named, &observed, &kinds, &scope, &Settings::default())
    }
}

/// All stacks of a tree; none where there is no `stack.toml`.
fn all(tree: &Tree) -> Result<Vec<Stack>, LoadError> {
    match stacks(tree, None) {
        Err(LoadError::NoStack(_)) => Ok(Vec::new()),
        other => other,
    }
}

/// A stack of the new revision, and how it stands to the base.
pub struct Pair {
    /// As the merge makes it.
    pub stack: Stack,
    /// As it is in the base.
    pub base: Option<Stack>,
    /// What that means.
    pub standing: Standing,
}

/// The stacks of two revisions.
pub struct Sides {
    /// Those of the new one that can come to differ, each after those that it refers to.
    pub pairs: Vec<Pair>,
    /// Those of which nothing differs.
    pub same: Vec<String>,
    /// Those that only the base has.
    pub gone: Vec<Gone>,
}

impl Sides {
    /// Of these two trees; `only` names the one stack that is looked at.
    pub fn of(base: &Tree, merged: &Tree, only: Option<&str>) -> Result<Self, LoadError> {
        let (mut before, now) = (all(base)?, all(merged)?);
        if before.is_empty() && now.is_empty() {
            return Err(LoadError::NoStack(merged.revision.source.clone()));
        }
        let names: BTreeSet<String> = now.iter().chain(&before).map(Stack::name).collect();
        if let Some(wanted) = only.filter(|only| !names.contains(*only)) {
            let known = names.into_iter().collect::<Vec<_>>().join(", ");
            return Err(LoadError::NoSuchStack { wanted: wanted.into(), known });
        }
        let is_wanted = |name: &str| only.is_none_or(|only| only == name);
        let mut sides = Self { pairs: Vec::new(), same: Vec::new(), gone: Vec::new() };
        // Those that differ, by name: whoever refers to one of them may come to differ with it.
        let mut differ = BTreeSet::new();
        for mut stack in now {
            let mut base = before.iter().position(|other| is_same(other, &stack)).map(|at| before.remove(at));
            let standing = standing(&mut stack, base.as_mut(), &differ);
            let name = stack.name();
            if let Some(standing) = standing {
                differ.insert(name.clone());
                if is_wanted(&name) {
                    sides.pairs.push(Pair { stack, base, standing });
                }
            } else if is_wanted(&name) {
                sides.same.push(name);
            }
        }
        sides.gone = before.iter_mut().filter(|stack| is_wanted(&stack.name())).map(gone).collect();
        Ok(sides)
    }
}

/// Whether two are one stack: AWS knows it by name, account and region. Of one that cannot be read only the folder is known.
fn is_same(base: &Stack, now: &Stack) -> bool {
    match (&base.manifest, &now.manifest) {
        (Some(base), Some(now)) => {
            let (base, now) = (&base.stack, &now.stack);
            (&base.name, &base.account, &base.region) == (&now.name, &now.account, &now.region)
        }
        _ => base.dir == now.dir,
    }
}

/// How a stack stands to the base; `None`: nothing about it can come to differ.
fn standing(stack: &mut Stack, base: Option<&mut Stack>, differ: &BTreeSet<String>) -> Option<Standing> {
    let Some(base) = base else { return Some(Standing::New) };
    let wants = |stack: &mut Stack| if stack.problems.is_empty() { wants(stack) } else { None };
    let (now, before) = (wants(stack), wants(base));
    let suspended = |stack: &Stack| stack.manifest.as_ref().and_then(|manifest| manifest.stack.suspend.clone());
    if now.is_none() || now != before || suspended(stack) != suspended(base) {
        return Some(Standing::Changed);
    }
    let needs: Vec<String> = stack.needs.keys().filter(|name| differ.contains(*name)).cloned().collect();
    if needs.is_empty() { None } else { Some(Standing::Refers(needs)) }
}

/// What is told of a stack whose folder is gone.
fn gone(stack: &mut Stack) -> Gone {
    let region = stack.manifest.as_ref().map(|manifest| manifest.stack.region.clone());
    let resources = Wish::of(stack).map(|wish| wish.desired.resources.len());
    Gone { name: stack.name(), region, resources }
}

/// What is said of a stack: its problems, and with these findings what they are about.
pub fn said_with(stack: &Stack, findings: &[Finding]) -> BTreeSet<Said> {
    let told = |finding: &Finding| {
        let finding = Finding { excepted: None, ..finding.clone() };
        stack.manifest.as_ref().map(|manifest| Said::of(&manifest.problem(&finding)))
    };
    stack.problems.iter().map(Said::of).chain(findings.iter().filter_map(told)).collect()
}

/// What is said of a stack of the base: its problems, and what the rules find without AWS.
pub async fn said_of_base(base: Option<&mut Stack>, wish: Option<&Wish>, judge: &dyn Judge) -> BTreeSet<Said> {
    let Some(base) = base else { return BTreeSet::new() };
    match wish {
        Some(wish) => said_with(base, &judge.desired(&wish.desired).await),
        None => said_with(base, &[]),
    }
}
