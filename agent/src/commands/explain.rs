//! `agent explain` and `agent schema`: the language and the kinds, from their types.

use agent_core::manifest::suggest;
use agent_model::docs::fields::{Absent, Field, fields};
use agent_model::{components, docs};

use super::{Context, End, pretty};
use crate::cli::Output;
use crate::printer::Tone;

/// Explains one thing, or names them all.
pub fn run(context: &Context<'_>, name: Option<&str>) -> End {
    let language = components::language();
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
    let kind = kinds.get(name);
    let (doc, schema) = if let Some(info) = components::table().get(name) {
        (info.doc, (info.schema_now)())
    } else if let Some(component) = language.components.get(name) {
        (component.doc, component.schema.clone())
    } else if let Some(kind) = kind {
        (kind.doc, (kind.spec_schema)().clone())
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
    for field in fields(&schema) {
        show(context, &field);
        if let Some(kind) = kind {
            printer.result(&format!("      a change: {}", docs::kinds::change(kind, &field)));
        }
    }
    if let Some(kind) = kind {
        printer.result("\nWhat others can refer to:\n");
        for field in fields((kind.out_schema)()) {
            show(context, &Field { absent: Absent::Nothing, ..field });
        }
    }
    if let Some(example) = docs::components::example(name) {
        printer.result(&format!("\n{}", example.trim_end()));
    }
    End::Done
}

/// One field: what it holds, what is so without it, and what it is.
fn show(context: &Context<'_>, field: &Field) {
    let printer = context.printer;
    let limits = field.limits.as_ref().map(|limits| format!("; {limits}")).unwrap_or_default();
    let absent = match &field.absent {
        Absent::Required => ", required".to_owned(),
        Absent::AwsDecides => ", AWS decides when left out".to_owned(),
        Absent::Nothing => String::new(),
        Absent::Default(value) => format!(", {value} when left out"),
    };
    printer.result(&format!("  {}  {}{limits}{absent}", printer.tone(Tone::Strong, &field.path), field.holds));
    printer.result(&format!("      {}", field.doc));
    for (value, words) in &field.values {
        printer.result(format!("      {value}: {words}").trim_end_matches([' ', ':']));
    }
}

/// The JSON schema of the manifests, for editors.
pub fn schema(context: &Context<'_>) -> End {
    context.printer.result(&pretty(&docs::schema::manifest()));
    End::Done
}
