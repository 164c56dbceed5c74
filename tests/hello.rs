//! The example stacks and edits of them, as resources: what the tests of whole stacks work on.

use std::collections::BTreeSet;

use agent_core::desired::Resource;
use agent_core::lookup::{Answer, Answers, Question};
use agent_core::manifest::limits::Limits;
use agent_core::manifest::load;
use agent_core::manifest::read::Collector;
use agent_core::source::render::render_text;
use agent_core::source::{Problems, Sources};
use agent_model::components::language;
use agent_model::expand::{Expanded, expand};

use crate::bench::repository::Files;

/// The text of the example.
pub const TEXT: &str = include_str!("../manifests/hello/stack.toml");

/// What emulated AWS says to the questions of the expansion, and the fake is made to agree with.
pub fn answers(zones: &[&str], prefix_lists: &[(&str, &str)]) -> Answers {
    let zones = Answer::Zones(zones.iter().map(|zone| (*zone).to_owned()).collect());
    prefix_lists.iter().fold(Answers::offline().with(Question::Zones, zones), |answers, (name, id)| {
        answers.with(Question::ManagedPrefixList((*name).to_owned()), Answer::Id((*id).to_owned()))
    })
}

/// Answers for a cloud without AWS.
pub fn made_up() -> Answers {
    answers(
        &["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        &[("com.amazonaws.eu-west-1.s3", "pl-s3"), ("com.amazonaws.global.cloudfront.origin-facing", "pl-cloudfront")],
    )
}

/// The resources of a manifest.
pub fn resources(text: &str, answers: &Answers) -> Vec<Resource> {
    resources_of(&alone(text), answers)
}

/// The resources of a manifest with files.
pub fn resources_of(files: &Files, answers: &Answers) -> Vec<Resource> {
    let expanded = expanded(files, answers);
    assert!(expanded.unknown.is_empty(), "{:?}", expanded.unknown);
    expanded.resources
}

/// What the expansion of a manifest has to know about AWS.
pub fn questions(text: &str) -> BTreeSet<Question> {
    questions_of(&alone(text))
}

/// The same of a manifest with files.
pub fn questions_of(files: &Files) -> BTreeSet<Question> {
    expanded(files, &Answers::offline()).unknown
}

/// A manifest with files beside it, by their names.
pub fn expanded_with(text: &str, beside: &[(&str, &str)], answers: &Answers) -> Expanded {
    let all = [("stack.toml", text)].into_iter().chain(beside.iter().copied());
    expanded(&all.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(), answers)
}

/// A stack of one text.
fn alone(text: &str) -> Files {
    Files::from([("stack.toml".to_owned(), text.to_owned())])
}

fn expanded(files: &Files, answers: &Answers) -> Expanded {
    let mut collector = Collector::new("", &Limits::default());
    for (name, text) in files {
        collector.file(name.clone(), text.len() as u64, || Ok(text.as_bytes().to_vec())).unwrap();
    }
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let manifest = load(&collector.finish(), "", &language(), &mut sources, &mut problems);
    let expanded = manifest.and_then(|manifest| expand(&manifest, answers, &mut problems));
    expanded.unwrap_or_else(|| panic!("{}", render_text(&problems, &sources, false)))
}

/// Another port: the target group is replaced, create-first, and with it go rule, task definition and service.
pub fn other_port(text: &str) -> String {
    edited(text, "8080", "9090")
}

/// Other address blocks: every subnet is replaced.
pub fn other_subnets(text: &str) -> String {
    edited(
        text,
        "[network.main]\n",
        "[network.main]\nsubnets = { private = [\"10.20.128.0/20\", \"10.20.144.0/20\"] }\n",
    )
}

/// Another image: a new task definition and one update of the service.
pub fn other_image(text: &str) -> String {
    edited(text, "hello:1.0.0", "hello:1.1.0")
}

fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the example has no `{from}` any longer");
    text.replace(from, to)
}
