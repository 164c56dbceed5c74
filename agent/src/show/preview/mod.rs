//! What `agent diff` found, stack by stack, as data; the forms that it is shown in are a file each.

pub mod json;
pub mod markdown;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::kind::Kinds;
use agent_core::plan::{Op, Plan, Step};
use agent_core::source::{Problem, Severity};
use agent_core::state::Suspended;

use super::plan::changes;
use crate::load::Stack;

/// Of what AWS lacks already at the base: the words of every form.
pub const ANYHOW: &str = "pending without this change too";

/// What was found.
pub struct Preview {
    /// The commit, or the digest of a folder. Empty where there is none to speak of.
    pub revision: String,
    /// What it is compared with.
    pub base: Option<Base>,
    /// The digest of the rules in force.
    pub policy: String,
    /// Those that were looked at.
    pub stacks: Vec<Looked>,
    /// Those of which nothing differs from the base.
    pub same: Vec<String>,
    /// Those that only the base has.
    pub gone: Vec<Gone>,
    /// Why there is nothing to show, and what to do about it.
    pub failed: Option<(String, Option<String>)>,
}

/// The revision that is merged into.
pub struct Base {
    /// The commit.
    pub id: String,
    /// Where the two part, if the base has moved on since.
    pub common: Option<String>,
    /// Whether AWS was left alone.
    pub offline: bool,
}

/// How a stack stands to the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no base.
    Alone,
    /// The base lacks it.
    New,
    /// It wants something else.
    Changed,
    /// It wants the same, and refers to these, which do not.
    Refers(Vec<String>),
}

/// A stack whose folder is gone. AWS keeps what it has of it.
pub struct Gone {
    /// Its name.
    pub name: String,
    /// Its region, where it can be read.
    pub region: Option<String>,
    /// How many resources it wanted, where that is known.
    pub resources: Option<usize>,
}

/// One stack.
pub struct Looked {
    /// Its name.
    pub name: String,
    /// How it stands to the base.
    pub standing: Standing,
    /// What would be done.
    pub plan: Option<Plan>,
    /// What of that is this revision's doing; `None` where that is all, or not known.
    pub own: Option<Own>,
    /// What is seen first: why there is no plan, or what is lost by it; and what to do about it.
    pub errors: Vec<(String, Option<String>)>,
    /// What else people should know.
    pub notes: Vec<String>,
    /// What is wrong with it, and what rules say.
    pub findings: Vec<Told>,
    /// Whether it says that nothing is to be written.
    pub reports_only: bool,
    /// Whether and why nothing is done for now.
    pub suspended: Option<Suspended>,
}

/// By what a finding is known again: its rule and its words. Its line may be another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said(String, String);

impl Said {
    /// Of a problem.
    pub fn of(problem: &Problem) -> Self {
        Self(problem.code.to_string(), problem.message.clone())
    }
}

/// A finding as it is told.
pub struct Told {
    /// `error`, `warning`, `not known` or `excepted`.
    pub level: &'static str,
    /// The rule, or what sort of problem it is.
    pub rule: String,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The file, and the line from 1.
    pub place: Option<(String, usize)>,
    /// Whether the base does not have it; `None` without a base.
    pub new: Option<bool>,
}

impl Told {
    /// Whether it is in the way.
    pub fn refuses(&self) -> bool {
        self.level == "error"
    }
}

/// What a revision itself changes, by address: the fields that it changes there, or all.
pub struct Own(BTreeMap<Address, Option<BTreeSet<String>>>);

impl Own {
    /// What a plan from the base to the revision does.
    pub fn of(plan: &Plan) -> Self {
        let mut own: BTreeMap<Address, Option<BTreeSet<String>>> = BTreeMap::new();
        for step in &plan.steps {
            let paths = match &step.op {
                Op::Update { id: Some(_), changes, .. } => {
                    Some(changes.iter().map(|change| change.path.clone()).collect::<BTreeSet<_>>())
                }
                _ => None,
            };
            let entry = own.entry(step.address.clone()).or_insert_with(|| Some(BTreeSet::new()));
            *entry = match (entry.take(), paths) {
                (Some(mut all), Some(more)) => {
                    all.extend(more);
                    Some(all)
                }
                _ => None,
            };
        }
        Self(own)
    }

    /// Whether a step is the revision's doing, if only in part.
    pub fn has(&self, step: &Step) -> bool {
        self.0.contains_key(&step.address)
    }

    /// Whether anything of a component is.
    pub fn has_component(&self, component: &str) -> bool {
        self.0.keys().any(|address| address.component() == component)
    }

    /// Whether a change of a field is. Where more than fields change, all are.
    pub fn has_field(&self, step: &Step, path: &str) -> bool {
        let stem = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
        match self.0.get(&step.address) {
            // AWS may hold more of a list or a table than the base wants: what is told of it then differs below.
            Some(Some(paths)) => paths.iter().any(|own| stem(own) == stem(path)),
            Some(None) => true,
            None => false,
        }
    }
}

impl Preview {
    /// Nothing yet, of a revision.
    pub fn new(revision: String, policy: &str) -> Self {
        let (stacks, same, gone) = (Vec::new(), Vec::new(), Vec::new());
        Self { revision, base: None, policy: policy.to_owned(), stacks, same, gone, failed: None }
    }

    /// The plans that could be made.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.stacks.iter().filter_map(|stack| stack.plan.as_ref())
    }
}

impl Looked {
    /// One of which nothing is known yet.
    pub fn new(name: String, standing: Standing) -> Self {
        let (errors, notes, findings) = (Vec::new(), Vec::new(), Vec::new());
        // At the top of a repository, a stack of which not even the name can be read has none.
        let name = if name.is_empty() { ".".to_owned() } else { name };
        Self { name, standing, plan: None, own: None, errors, notes, findings, reports_only: false, suspended: None }
    }

    /// Takes what was found in a stack; `is_new` tells what the base does not have.
    pub fn says(&mut self, stack: &Stack, is_new: Option<&dyn Fn(&Said) -> bool>) {
        let told = |problem: &Problem, level: &'static str| Told {
            level,
            rule: problem.code.to_string(),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
            place: problem.span.as_ref().and_then(|span| {
                let file = stack.sources.get(span.file)?;
                Some((file.path().to_owned(), stack.sources.line_col(span)?.0))
            }),
            new: is_new.map(|is_new| is_new(&Said::of(problem))),
        };
        let level = |problem: &Problem| match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "not known",
        };
        let said = stack.problems.iter().chain(&stack.notes).map(|problem| told(problem, level(problem)));
        let excepted = stack.excepted.iter().map(|one| told(&one.problem, "excepted"));
        self.findings = said.chain(excepted).collect();
    }

    /// How many of its steps are not this revision's doing.
    pub fn anyhow(&self) -> usize {
        let steps = self.plan.iter().flat_map(super::plan::told);
        steps.filter(|step| self.own.as_ref().is_some_and(|own| !own.has(step))).count()
    }

    /// What is put behind what is said of a component.
    pub fn mark(&self, component: &str) -> String {
        let is_own = self.own.as_ref().is_none_or(|own| own.has_component(component));
        if is_own { String::new() } else { format!(" ({ANYHOW})") }
    }

    /// The fields that a step changes, each with whether that is this revision's doing.
    pub fn fields<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = (&'a agent_core::diff::FieldChange, bool)> {
        let own = self.own.as_ref().filter(|own| own.has(step));
        changes(&step.op).iter().map(move |change| (change, own.is_none_or(|own| own.has_field(step, &change.path))))
    }
}

impl Gone {
    /// What is told of it.
    pub fn sentence(&self) -> String {
        let kept = match self.resources {
            Some(1) => "what it has, 1 resource as the base wants it,".to_owned(),
            Some(n) => format!("what it has, {n} resources as the base wants them,"),
            None => "what it has".to_owned(),
        };
        let region = self.region.as_ref().map(|region| format!(" --region {region}")).unwrap_or_default();
        format!(
            "its folder is gone; that is reported, and nothing is ever deleted for it: AWS keeps {kept} until `agent destroy \
             {}{region}`",
            self.name
        )
    }
}

/// How markdown is drawn.
pub struct Page<'a> {
    /// The kinds.
    pub kinds: &'a Kinds,
    /// The first line.
    pub marker: &'a str,
    /// The most bytes.
    pub limit: usize,
    /// Where all of it is.
    pub all_at: Option<&'a str>,
}
