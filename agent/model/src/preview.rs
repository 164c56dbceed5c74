//! What a plan means for whoever reads it before they merge: for each component what happens to its tasks, its addresses and
//! its data, in sentences. The steps themselves are shown elsewhere; a plan that only touches tags says nothing here.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::diff::{FieldChange, shown};
use agent_core::kind::Kind;
use agent_core::plan::{Op, Plan, Step};
use agent_files::contract;
use serde_json::Value;

use crate::kinds::cloudfront::distribution::Distribution;
use crate::kinds::ecs::service::Service;
use crate::kinds::ecs::task_definition::TaskDefinition;
use crate::kinds::elb::rule::Rule;
use crate::kinds::elb::target_group::TargetGroup;
use crate::kinds::ssm::parameter::Parameter;

/// The variable of a container that says which files are unpacked: what changes in it is said in words.
pub const FILES: &str = contract::VARIABLE;

/// Of a deployment that stops the old tasks before it starts new ones.
const NONE_RUNS: &str = "and none of them runs meanwhile";

/// What happens to one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// `service.web`.
    pub component: String,
    /// Sentences, the weightiest first.
    pub says: Vec<String>,
}

/// The consequences of a plan, by component.
pub fn consequences(plan: &Plan) -> Vec<Consequence> {
    let mut parts: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        parts.entry(step.address.component()).or_default().push(step);
    }
    let said = parts.into_iter().map(|(component, steps)| {
        let mut says = Vec::new();
        says.extend(comes_or_goes(&steps, plan));
        says.extend(steps.iter().filter_map(|step| tasks(step, plan)));
        says.extend(steps.iter().flat_map(|step| definition(step)));
        says.extend(steps.iter().filter_map(|step| edge(step)));
        let mut once = BTreeSet::new();
        says.retain(|text| once.insert(text.clone()));
        Consequence { component: component.to_owned(), says }
    });
    said.filter(|one| !one.says.is_empty()).collect()
}

/// What stops, or is away for a while, by component: what people look at before all else. Data that is lost is told by the
/// kinds.
pub fn interruptions(plan: &Plan) -> Vec<Consequence> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (n, step) in plan.steps.iter().enumerate() {
        let says = found.entry(step.address.component()).or_default();
        says.extend(stops(step, plan).filter(|text| !says.contains(text)));
        says.extend(is_away(n, step, plan));
    }
    let all = found.into_iter().filter(|(_, says)| !says.is_empty());
    all.map(|(component, says)| Consequence { component: component.to_owned(), says }).collect()
}

/// What a step brings to an end.
fn stops(step: &Step, plan: &Plan) -> Option<String> {
    match (step.address.kind(), &step.op) {
        (kind, Op::Delete { .. } | Op::Create { replaces: true, .. }) if kind == Service::NAME => tasks(step, plan),
        (kind, Op::Update { .. }) if kind == Service::NAME => tasks(step, plan).filter(|text| text.contains(NONE_RUNS)),
        (kind, Op::Delete { live }) if kind == Rule::NAME => {
            // Where another rule takes them over, requests go on.
            let gone = conditions(&live.spec.value());
            let taken = plan.steps.iter().any(|other| match &other.op {
                Op::Create { spec, .. } if other.address.kind() == Rule::NAME => conditions(&spec.value()) == gone,
                _ => false,
            });
            edge(step).filter(|_| !taken)
        }
        (kind, Op::Delete { .. }) if kind == Distribution::NAME => edge(step),
        _ => None,
    }
}

/// Whether a thing goes before the one that takes its place is there.
fn is_away(n: usize, step: &Step, plan: &Plan) -> Option<String> {
    if !matches!(step.op, Op::Create { replaces: true, .. }) || step.address.kind() == Service::NAME {
        return None;
    }
    let goes = |other: &Step| other.address == step.address && matches!(other.op, Op::Delete { .. });
    plan.steps.get(..n)?.iter().any(goes).then(|| {
        let word = step.address.as_str();
        format!("{word} is deleted before the one that takes its place is made")
    })
}

/// A component that is new, or goes as a whole.
fn comes_or_goes(steps: &[&Step], plan: &Plan) -> Option<String> {
    let component = steps.first()?.address.component();
    let stays = plan.current.keys().any(|address| address.component() == component);
    let count = |wanted: fn(&Op) -> bool| steps.iter().filter(|step| wanted(&step.op)).count();
    let deletes = count(|op| matches!(op, Op::Delete { .. }));
    let creates = count(|op| matches!(op, Op::Create { replaces: false, .. }));
    let others = count(|op| matches!(op, Op::Create { replaces: true, .. } | Op::Update { id: Some(_), .. }));
    match (stays, creates, deletes, others) {
        // Of a single resource the step itself says it.
        (false, 0, 2.., 0) => Some(format!("is removed, with {deletes} resources")),
        (false, 2.., 0, 0) => Some(format!("is new, with {creates} resources")),
        _ => None,
    }
}

fn changes(op: &Op) -> &[FieldChange] {
    match op {
        Op::Create { changes, .. } | Op::Update { changes, .. } => changes,
        Op::Clear { .. } | Op::Delete { .. } => &[],
    }
}

fn number(spec: &Value, path: &str) -> Option<i64> {
    path.split('.').try_fold(spec, |value, key| value.get(key))?.as_i64()
}

/// What happens to the tasks of a service.
fn tasks(step: &Step, plan: &Plan) -> Option<String> {
    if step.address.kind() != Service::NAME {
        return None;
    }
    match &step.op {
        Op::Create { spec, replaces, .. } => {
            let spec = spec.value();
            let count = number(&spec, "desired_count")?;
            let word = if *replaces { "is made anew: all its tasks stop, and" } else { "starts:" };
            Some(format!("{word} {count} tasks"))
        }
        Op::Delete { .. } => Some("all its tasks stop".into()),
        Op::Update { spec, changes, .. } => {
            let spec = spec.value();
            let count = number(&spec, "desired_count")
                .or_else(|| number(&plan.current.get(&step.address)?.spec.value(), "desired_count"));
            let deploys = |change: &FieldChange| {
                ["task_definition", "network", "load_balancers", "service_connect", "platform_version", "sees"]
                    .iter()
                    .any(|field| change.path.split('.').next() == Some(*field))
            };
            if changes.iter().any(deploys) {
                let least = number(&spec, "deployment.minimum_healthy_percent").unwrap_or(100);
                let Some(count) = count else { return Some("new deployment: its tasks are replaced".into()) };
                let kept = (count * least + 99) / 100;
                let kept = if kept <= 0 && count > 0 {
                    NONE_RUNS.to_owned()
                } else {
                    format!("{kept} of them run all the while")
                };
                return Some(format!("new deployment: its {count} tasks are replaced, {kept}"));
            }
            let scaled = changes.iter().find(|change| change.path == "desired_count")?;
            Some(format!("goes from {} to {} tasks; none is restarted", shown(&scaled.from), shown(&scaled.to)))
        }
        Op::Clear { .. } => None,
    }
}

/// What another task definition says that is worth a sentence: image, size, variables, files.
fn definition(step: &Step) -> Vec<String> {
    if step.address.kind() != TaskDefinition::NAME {
        return Vec::new();
    }
    let mut says = Vec::new();
    for change in changes(&step.op) {
        let words: Vec<&str> = change.path.split('.').collect();
        match words.as_slice() {
            // The application's own image runs the unpacking too: said once.
            ["containers", container, "image"] if !container.starts_with(contract::PROGRAM) => {
                says.push(format!("image of {container}: {} -> {}", shown(&change.from), shown(&change.to)));
            }
            ["containers", _, "environment", variable] if *variable == contract::VARIABLE => {
                says.extend(files(change));
            }
            ["containers", container, "environment", variable] => {
                says.push(format!(
                    "variable {variable} of {container}: {} -> {}",
                    shown(&change.from),
                    shown(&change.to)
                ));
            }
            ["cpu" | "memory"] => {
                says.push(format!("{}: {} -> {}", change.path, shown(&change.from), shown(&change.to)));
            }
            _ => {}
        }
    }
    says
}

/// Config files that are other, new or gone.
fn files(change: &FieldChange) -> Vec<String> {
    let (Some(before), Some(after)) = (listed(&change.from), listed(&change.to)) else { return Vec::new() };
    let mut says = Vec::new();
    for (path, own) in &after {
        match before.get(path) {
            None => says.push(format!("config file {path}: new")),
            Some(held) if held.sha256 != own.sha256 => says.push(format!(
                "config file {path}: other content (sha256 {} -> {})",
                short(&held.sha256),
                short(&own.sha256)
            )),
            Some(held) if held != own => says.push(format!("config file {path}: other mode, owner or values")),
            Some(_) => {}
        }
    }
    says.extend(
        before.keys().filter(|path| !after.contains_key(*path)).map(|path| format!("config file {path}: gone")),
    );
    says
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn listed(value: &Value) -> Option<BTreeMap<String, contract::File>> {
    let files: contract::Files = serde_json::from_str(value.as_str()?).ok()?;
    let each = files.directories.into_iter().flat_map(|directory| {
        let path = directory.path;
        directory.files.into_iter().map(move |file| (format!("{path}/{}", file.name), file))
    });
    Some(each.collect())
}

/// What happens to the ways in.
fn edge(step: &Step) -> Option<String> {
    match (step.address.kind(), &step.op) {
        (kind, Op::Create { spec, .. }) if kind == Rule::NAME => {
            Some(format!("requests for {} come here", conditions(&spec.value())?))
        }
        (kind, Op::Delete { live }) if kind == Rule::NAME => {
            Some(format!("requests for {} come here no longer", conditions(&live.spec.value())?))
        }
        (kind, Op::Create { replaces: true, .. }) if kind == TargetGroup::NAME => {
            Some("its targets move to a new group; the old one goes when nothing is sent to it".into())
        }
        (kind, Op::Update { changes, .. }) if kind == Distribution::NAME && !changes.is_empty() => {
            Some("CloudFront brings the change to all places, which takes minutes; requests go on meanwhile".into())
        }
        (kind, Op::Delete { .. }) if kind == Distribution::NAME => {
            Some("CloudFront answers no longer; it is disabled first, which takes minutes".into())
        }
        (kind, Op::Update { changes, .. })
            if kind == Parameter::NAME && changes.iter().any(|c| c.path == "version") =>
        {
            Some("its secret is made anew; the old one is good until the new one is sent everywhere".into())
        }
        _ => None,
    }
}

/// The host and the path of a rule, in words.
fn conditions(spec: &Value) -> Option<String> {
    let all = spec.get("conditions")?.as_array()?;
    let of = |key: &str| {
        let values = all.iter().filter_map(|one| one.get(key)?.as_array()).flatten().filter_map(Value::as_str);
        values.collect::<Vec<_>>().join(" or ")
    };
    let whole = format!("{}{}", of("host_header"), of("path_pattern"));
    Some(if whole.is_empty() { "whatever no other takes".into() } else { whole })
}
