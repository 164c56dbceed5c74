//! The table of rules in `docs/policy.md` is that of the pack, and its example is a rule.

use agent_core::allowed::Level;
use agent_policy::bundle::{Bundle, Policy};

use crate::bench::root;

fn text() -> String {
    std::fs::read_to_string(root().join("docs/policy.md")).unwrap()
}

#[test]
fn the_table_of_rules_is_that_of_the_pack() {
    let pack = Bundle::pack().unwrap();
    let rows = pack.rules().iter().map(|rule| {
        let level = match rule.level {
            Level::Hard => "hard",
            Level::Soft => "soft",
            Level::Advisory => "advisory",
        };
        format!("| `{}` | {level} | {} |\n", rule.id, rule.description)
    });
    let wanted = format!("| rule | level | asks that |\n|---|---|---|\n{}", rows.collect::<String>());
    let text = text();
    let (_, rest) = text.split_once("<!-- rules -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /rules -->").unwrap();
    assert_eq!(table, wanted, "put this between the marks:\n{wanted}");
}

#[test]
fn the_example_is_a_rule() {
    let text = text();
    let (_, rest) = text.split_once("```rego\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let bundle = Bundle::new(vec![Policy { file: "a.rego".into(), text: example.into() }]).unwrap();
    let input = "{\"kinds\": {\"ecs.service\": {\"service.web/ecs.service\": {\"desired_count\": 1}}}}";
    let pass = agent_policy::metadata::Pass::Desired;
    let mut answer = Vec::new();
    let question = agent_policy::child::question(&bundle, pass, input);
    agent_policy::child::answer(question.as_slice(), &mut answer).unwrap();
    let said = agent_policy::child::verdicts(&answer, &bundle, pass).unwrap();
    assert_eq!(
        said.iter().map(|(rule, said)| (rule.level, said.msg.as_str())).collect::<Vec<_>>(),
        [(Level::Soft, "`service.web` has one task")]
    );
}
