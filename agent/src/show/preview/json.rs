//! For programs. Without a base it is a list of plans; with one, an object that says of each stack how it stands to it.

use serde_json::{Value, json};

use super::{Base, Looked, Preview, Standing};
use crate::show::plan::counts;

/// Draws it.
pub fn drawn(preview: &Preview) -> Value {
    let Some(Base { id, common, offline }) = &preview.base else {
        if let Some((message, hint)) = &preview.failed {
            return json!({ "error": { "message": message, "hint": hint } });
        }
        return preview.stacks.iter().filter_map(|stack| plan(stack, &preview.policy)).collect();
    };
    let gone = preview.gone.iter().map(
        |gone| json!({ "stack": gone.name, "standing": "gone", "region": gone.region, "resources": gone.resources }),
    );
    let same = preview.same.iter().map(|name| json!({ "stack": name, "standing": "same" }));
    json!({
        "revision": preview.revision,
        "base": id,
        "common": common.as_ref().unwrap_or(id),
        "offline": offline,
        "policy": preview.policy,
        "stacks": preview.stacks.iter().map(stack).chain(gone).chain(same).collect::<Vec<_>>(),
    })
}

fn plan(stack: &Looked, policy: &str) -> Option<Value> {
    let mut plan = serde_json::to_value(stack.plan.as_ref()?).ok()?;
    plan["policy"] = policy.into();
    if let Some(suspended) = &stack.suspended {
        plan["suspended"] = json!(suspended);
    }
    Some(plan)
}

fn stack(stack: &Looked) -> Value {
    let mut value = json!({
        "stack": stack.name,
        "standing": match stack.standing {
            Standing::Alone | Standing::Changed => "changed",
            Standing::New => "new",
            Standing::Refers(_) => "refers",
        },
        "findings": stack.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    if let Standing::Refers(others) = &stack.standing {
        value["refers_to"] = json!(others);
    }
    if let Some(plan) = &stack.plan {
        value["counts"] = counts(plan).into_iter().map(|(verb, n)| (verb.to_owned(), Value::from(n))).collect();
        value["plan"] = json!(plan);
        if let Some(own) = &stack.own {
            let anyhow = plan.steps.iter().filter(|step| !own.has(step)).map(|step| step.address.as_str());
            value["pending_anyhow"] = anyhow.collect::<Vec<_>>().into();
        }
    }
    if !stack.errors.is_empty() {
        let error = |(message, hint): &(String, Option<String>)| json!({ "message": message, "hint": hint });
        value["errors"] = stack.errors.iter().map(error).collect();
    }
    if !stack.notes.is_empty() {
        value["notes"] = json!(stack.notes);
    }
    if let Some(suspended) = &stack.suspended {
        value["suspended"] = json!(suspended);
    }
    if stack.reports_only {
        value["mode"] = "report".into();
    }
    value
}

fn finding(told: &super::Told) -> Value {
    let place = told.place.as_ref().map(|(file, line)| json!({ "file": file, "line": line }));
    json!({
        "level": told.level.replace(' ', "_"),
        "rule": told.rule,
        "message": told.message,
        "hint": told.hint,
        "place": place,
        "new": told.new,
    })
}
