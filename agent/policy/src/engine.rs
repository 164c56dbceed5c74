//! The only file that knows the engine which evaluates Rego. It can recurse until the stack is gone, and take as much memory
//! and time as there is: it runs in a child process, and here only what tests have written does without.

use regorus::{Engine, Value};

use crate::bundle::Policy;

/// What a package has in it when it is evaluated, as JSON; `None` where it has nothing.
pub(crate) fn evaluate(policies: &[Policy], input: &str, packages: &[&str]) -> Result<Vec<Option<String>>, String> {
    let mut engine = engine(policies)?;
    engine.set_input_json(input).map_err(|error| format!("the input is malformed: {error}"))?;
    // One query for all: the engine goes through all policies again for each. A line for each, for it counts their columns.
    let each = packages.iter().map(|package| format!("[value | value := data.{package}]"));
    let all = format!("[{}]", each.collect::<Vec<_>>().join(",\n"));
    let all = query(&mut engine, &all)?.unwrap_or(Value::Undefined);
    let all = all.as_array().map_err(|error| error.to_string())?;
    let value = |(package, value): (&&str, &Value)| match value.as_array().map(|values| values.first()) {
        Ok(Some(value)) => value.to_json_str().map(Some).map_err(|error| format!("{package}: {error}")),
        Ok(None) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    let answers = packages.iter().zip(all.iter()).map(value).collect();
    // The process ends with its answer: what the engine holds of thousands of resources is not taken apart before.
    std::mem::forget(engine);
    answers
}

/// Runs the rules `test_…` of packages, as `opa test` does: gives the names of those that are true, by package.
pub fn test(policies: &[Policy], packages: &[String]) -> Result<Vec<Vec<String>>, String> {
    let mut engine = engine(policies)?;
    let mut of = |package: &String| {
        let value = query(&mut engine, &format!("data.{package}"))?.unwrap_or(Value::Undefined);
        let rules = value.as_object().map_err(|_| format!("there is no package {package}"))?;
        let holding = rules.iter().filter(|(_, value)| matches!(value, Value::Bool(true)));
        let names = holding.filter_map(|(name, _)| name.as_string().ok());
        Ok(names.filter(|name| name.starts_with("test_")).map(ToString::to_string).collect())
    };
    packages.iter().map(&mut of).collect()
}

fn engine(policies: &[Policy]) -> Result<Engine, String> {
    let mut engine = Engine::new();
    // An argument that a builtin cannot take is an error, and not a rule that silently does not apply.
    engine.set_strict_builtin_errors(true);
    for policy in policies {
        engine.add_policy(policy.file.clone(), policy.text.clone()).map_err(|error| error.to_string())?;
    }
    Ok(engine)
}

fn query(engine: &mut Engine, query: &str) -> Result<Option<Value>, String> {
    let results = engine.eval_query(query.to_owned(), false).map_err(|error| error.to_string())?;
    let value = results.result.into_iter().next().and_then(|result| result.expressions.into_iter().next());
    Ok(value.map(|expression| expression.value).filter(|value| *value != Value::Undefined))
}
