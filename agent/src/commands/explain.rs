//! `agent explain` and `agent schema`: the language and the kinds, from their types.

use agent_core::manifest::suggest;
use serde_json::{Map, Value, json};

use super::{Context, End, pretty};
use crate::cli::Output;
use crate::printer::Tone;

/// Explains one thing, or names them all.
pub fn run(context: &Context<'_>, name: Option<&str>) -> End {
    let language = agent_model::components::language();
    let kinds = agent_model::kinds::table();
    let printer = context.printer;
    let Some(name) = name else {
        for (name, component) in &language.components {
            printer.result(&format!("{:<24} {}", printer.tone(Tone::Strong, name), component.doc));
        }
        for kind in kinds.iter() {
            printer.result(&format!("{:<24} {}", printer.tone(Tone::Strong, kind.name), kind.doc));
        }
        return End::Done;
    };
    let (doc, schema) = if let Some(component) = language.components.get(name) {
        (component.doc, component.schema.clone())
    } else if let Some(kind) = kinds.get(name) {
        (kind.doc, (kind.spec_schema)().to_value())
    } else {
        let known: Vec<&str> = language.components.keys().copied().chain(kinds.iter().map(|kind| kind.name)).collect();
        printer
            .error(&format!("there is no kind or component `{name}`"), suggest::hint(name, &known, "names").as_deref());
        return End::Usage;
    };
    if context.output == Output::Json {
        printer.result(&pretty(&schema));
        return End::Done;
    }
    printer.result(&format!("{}  {doc}\n", printer.tone(Tone::Strong, name)));
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (field, schema) in schema.get("properties").and_then(Value::as_object).unwrap_or(&Map::new()) {
        let must = if required.contains(&field.as_str()) { " (required)" } else { "" };
        printer.result(&format!("  {}{must}", printer.tone(Tone::Strong, field)));
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            printer.result(&format!("      {line}"));
        }
        // A marker says how a field is compared, which is no default that anybody could write.
        let is_plain = |default: &&Value| default.as_object().is_none_or(|map| agent_core::doc::marker(map).is_none());
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()).filter(is_plain) {
            printer.result(&format!("      default: {default}"));
        }
    }
    if let Some(kind) = kinds.get(name) {
        printer.result(&format!("\n  cannot be changed in place: {}", kind.immutable.join(", ")));
    }
    End::Done
}

/// The JSON schema of `stack.toml`, for editors.
pub fn schema(context: &Context<'_>) -> End {
    let language = agent_model::components::language();
    let mut properties = Map::new();
    let header = agent_core::manifest::decode::schema_of::<agent_core::manifest::StackHeader>();
    properties.insert("stack".into(), header);
    for (name, component) in &language.components {
        let each = json!({ "type": "object", "description": component.doc, "additionalProperties": component.schema });
        properties.insert((*name).into(), each);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stack.toml",
        "type": "object",
        "properties": properties,
    });
    context.printer.result(&pretty(&schema));
    End::Done
}
