//! `docs/calls.md`, with the example stack `hello`.

use agent_core::desired::Desired;
use agent_core::lookup::{Answer, Answers, Question};
use agent_model::docs;

const HELLO: &str = include_str!("../../../../manifests/hello/stack.toml");

#[test]
fn the_calls_are_what_the_kinds_declare() {
    let questions: Vec<Question> = crate::expanded(HELLO, &Answers::offline()).unknown.into_iter().collect();
    // Any answer will do: what is asked of AWS does not depend on it.
    let answers = questions.iter().fold(Answers::offline(), |answers, question| {
        let answer = match question {
            Question::Zones => Answer::Zones(["eu-west-1a", "eu-west-1b"].map(str::to_owned).into()),
            Question::ManagedPrefixList(name) => Answer::Id(format!("pl-{}", name.len())),
            Question::Export(export) => Answer::Text(export.field.clone()),
        };
        answers.with(question.clone(), answer)
    });
    let desired: Desired = crate::expanded(HELLO, &answers).desired().unwrap();
    let stale = crate::files::stale("calls.md", &docs::calls::page(&desired, &questions));
    assert_eq!(stale, None, "{}", crate::files::ANEW);
}
