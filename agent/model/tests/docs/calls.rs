//! `docs/calls.md`, with the example stacks `hello` and `um`.

use std::path::Path;

use agent_core::lookup::{Answer, Answers, Network, Question};
use agent_core::manifest::limits::Limits;
use agent_core::manifest::{StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::docs;
use agent_model::docs::calls::Example;
use agent_model::expand::{Expanded, expand};

fn expanded(name: &str, answers: &Answers) -> Expanded {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests").join(name);
    let tree = StackFiles::from_dir(&root, &Limits::default()).unwrap();
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let manifest = load(&tree, "", &language(), &mut sources, &mut problems);
    let expanded = manifest.and_then(|manifest| expand(&manifest, answers, &mut problems));
    expanded.unwrap_or_else(|| panic!("{}", render_text(&problems, &sources, false)))
}

fn example(name: &str) -> Example {
    let questions: Vec<Question> = expanded(name, &Answers::offline()).unknown.into_iter().collect();
    // Any answer will do: what is asked of AWS does not depend on it.
    let answers = questions.iter().fold(Answers::offline(), |answers, question| {
        let answer = match question {
            Question::Zones => Answer::Zones(["eu-west-1a", "eu-west-1b"].map(str::to_owned).into()),
            Question::ManagedPrefixList(name) => Answer::Id(format!("pl-{}", name.len())),
            Question::Export(export) => Answer::Text(export.field.clone()),
            Question::Network(_) => Answer::Network(Network::default()),
        };
        answers.with(question.clone(), answer)
    });
    Example { desired: expanded(name, &answers).desired().unwrap(), questions }
}

#[test]
fn the_calls_are_what_the_kinds_declare() {
    let stale = crate::files::stale("calls.md", &docs::calls::page(&[example("hello"), example("um")]));
    assert_eq!(stale, None, "{}", crate::files::ANEW);
}
