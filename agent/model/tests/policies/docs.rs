//! The page of rules is that of the pack, and the example in `docs/policy.md` is a rule.

use std::fmt::Write;

use agent_core::allowed::Level;
use agent_core::manifest::{Limits, StackFiles};
use agent_policy::bundle::{Bundle, Policy};
use agent_policy::metadata::Rule;

use serde_json::{Value, json};

use crate::bench::{Stack, answers, document, root};

/// What stands above the table.
const HEAD: &str = "\
<!-- Made from the policies: `UPDATE_DOCS=1 cargo test -p agent-model --test policies` writes it anew. -->

# The rules of the pack

What [rules](policy.md) are part of the program, by the folder of `policies/` that they stand in. *Hard* rules have no way round them, *soft*
ones let a manifest name an exception, *advisory* ones are never in the way, and those that are *off* are asked once the agent's configuration
gives them a level. *Others* are the ids under which Security Hub (FSBP), Checkov, Trivy and AWS's rule registry (cfn-guard) check the same or
a part of it. `agent policy explain RULE` says why a rule matters.
";

/// The ids that others have for the same, in the words of METADATA.
const OTHERS: [(&str, &str); 4] =
    [("fsbp", "FSBP"), ("checkov", "Checkov"), ("trivy", "Trivy"), ("guard", "cfn-guard")];

/// The kinds that a policy looks at by themselves, or the libraries that it asks.
fn kinds(rule: &Rule, pack: &Bundle) -> String {
    let own = &pack.policies().iter().find(|policy| policy.file == rule.file).unwrap().text;
    let asks = |policy: &&Policy| {
        let name = policy.file.strip_prefix("lib/").and_then(|file| file.strip_suffix(".rego"));
        name.is_some_and(|name| own.contains(&format!("data.gitops.lib.{name}.")))
    };
    let libraries = pack.policies().iter().filter(asks).map(|policy| policy.text.as_str());
    let text = libraries.fold(own.clone(), |text, library| text + library);
    let table = agent_model::kinds::table();
    let named = table.iter().map(|kind| kind.name).filter(|name| text.contains(&format!("\"{name}\"")));
    named.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn page(pack: &Bundle) -> String {
    let mut page = HEAD.to_owned();
    let counted = |level| pack.rules().iter().filter(|rule| rule.level == level).count();
    let hard = counted(Some(Level::Hard));
    let (soft, advisory, off) = (counted(Some(Level::Soft)), counted(Some(Level::Advisory)), counted(None));
    let all = pack.rules().len();
    writeln!(page, "\n{all} rules: {hard} hard, {soft} soft, {advisory} advisory, {off} off.").unwrap();
    let mut family = "";
    for rule in pack.rules() {
        if rule.family() != family {
            family = rule.family();
            writeln!(page, "\n## {family}\n\n| rule | level | severity | asks that | kinds | others |").unwrap();
            page.push_str("|---|---|---|---|---|---|\n");
        }
        let level = rule.level.map_or("off", Level::word);
        let others = OTHERS.iter().filter_map(|(key, name)| Some(format!("{name} {}", rule.custom.get(*key)?)));
        let others = others.collect::<Vec<_>>().join("; ");
        let Rule { id, severity, description, .. } = rule;
        let severity = severity.word();
        let kinds = kinds(rule, pack);
        writeln!(page, "| `{id}` | {level} | {severity} | {description} | {kinds} | {others} |").unwrap();
    }
    page
}

#[test]
fn the_page_of_rules_is_that_of_the_pack() {
    let path = root().join("docs/rules.md");
    let wanted = page(&Bundle::pack().unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), wanted, "UPDATE_DOCS=1 writes it anew");
}

#[test]
fn the_example_is_a_rule() {
    let text = std::fs::read_to_string(root().join("docs/policy.md")).unwrap();
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
        [(Some(Level::Soft), "`service.web` has one task")]
    );
}

#[test]
fn the_schema_of_the_document_is_on_file_and_documents_keep_to_it() {
    let schema = agent_model::policy_input::schema();
    let path = root().join("docs/policy-input.schema.json");
    let wanted = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), wanted, "UPDATE_DOCS=1 writes it anew");
    let files = StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap();
    for name in ["hello", "um", "um-acceptance"] {
        let stack = Stack::new(&files, name, &answers()).unwrap();
        let document: Value = serde_json::from_str(&document(&stack.desired, None).unwrap()).unwrap();
        let mut faults = Vec::new();
        check(&schema, &schema, &document, "$", &mut faults);
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    }
    let mut faults = Vec::new();
    let wrong = json!({ "version": 1, "stack": {}, "manifest": {}, "kinds": { "a.b": {} }, "facts": { "subnets": 1 } });
    check(&schema, &schema, &wrong, "$", &mut faults);
    assert_eq!(faults.len(), 4, "{faults:?}");
}

/// As much of JSON Schema as this one is written in. A keyword that is not known is a fault: nothing is skipped.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    for (keyword, says) in schema.as_object().into_iter().flatten() {
        let is_type = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            "null" => value.is_null(),
            other => panic!("{other}"),
        };
        let holds = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "minimum" => true,
            "type" => match says {
                Value::Array(names) => names.iter().any(|name| is_type(name.as_str().unwrap())),
                name => is_type(name.as_str().unwrap()),
            },
            "const" => says == value,
            "enum" => says.as_array().unwrap().contains(value),
            "required" => says.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "$ref" => {
                let to = root.pointer(says.as_str().unwrap().trim_start_matches('#')).unwrap();
                check(root, to, value, at, faults);
                true
            }
            "anyOf" | "oneOf" => says.as_array().unwrap().iter().any(|one| {
                let mut own = Vec::new();
                check(root, one, value, at, &mut own);
                own.is_empty()
            }),
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, item, &format!("{at}[{n}]"), faults);
                }
                true
            }
            "properties" => {
                for (name, schema) in says.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        check(root, schema, member, &format!("{at}.{name}"), faults);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                for (name, member) in others.filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name))) {
                    match says {
                        Value::Bool(false) => faults.push(format!("{at}.{name}: not in the schema")),
                        schema => check(root, schema, member, &format!("{at}.{name}"), faults),
                    }
                }
                true
            }
            other => panic!("{other}"),
        };
        if !holds {
            faults.push(format!("{at}: {keyword} {says}"));
        }
    }
}
