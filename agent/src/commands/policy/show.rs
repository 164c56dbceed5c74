//! `agent policy list` and `agent policy explain`: which rules are in force, and what each is about.

use agent_core::allowed::Level;
use agent_core::manifest::suggest;
use agent_policy::bundle::Bundle;
use agent_policy::metadata::{Pass, Rule};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::commands::{Context, End, pretty};
use crate::printer::Tone;
use crate::show::findings::CATALOGUES;

/// Lists the rules.
pub fn list(context: &Context<'_>) -> End {
    let judge = context.clouds.judge();
    let bundle = judge.bundle();
    if context.output == Output::Json {
        let rules: Vec<Value> = bundle.rules().iter().map(as_json).collect();
        context.printer.result(&pretty(&json!({ "digest": bundle.digest(), "rules": rules })));
        return End::Done;
    }
    let width = bundle.rules().iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let mut family = "";
    for rule in bundle.rules() {
        if rule.family() != family {
            family = rule.family();
            context.printer.result(&context.printer.tone(Tone::Strong, family));
        }
        let level = format!("{:<8}", level(rule));
        let level = context.printer.tone(tone(rule.level), &level);
        let (id, severity, title) = (&rule.id, rule.severity.word(), &rule.title);
        context.printer.result(&format!("  {id:<width$}  {level}  {severity:<8}  {title}"));
    }
    let digest = &bundle.digest()[..12];
    context.printer.result(&format!("{} rules, digest {digest}", bundle.rules().len()));
    End::Done
}

fn level(rule: &Rule) -> &'static str {
    rule.level.map_or("off", Level::word)
}

fn tone(level: Option<Level>) -> Tone {
    match level {
        Some(Level::Hard) => Tone::Remove,
        Some(Level::Soft) => Tone::Change,
        Some(Level::Advisory) => Tone::Strong,
        None => Tone::Dim,
    }
}

fn as_json(rule: &Rule) -> Value {
    let others = CATALOGUES.iter().filter_map(|(key, _)| Some(((*key).to_owned(), Value::from(ids(rule, key)?))));
    json!({
        "id": rule.id, "family": rule.family(), "level": level(rule), "severity": rule.severity, "title": rule.title,
        "description": rule.description, "why": rule.why, "pass": rule.pass, "package": rule.package, "file": rule.file,
        "others": others.collect::<serde_json::Map<String, Value>>(),
    })
}

fn ids(rule: &Rule, key: &str) -> Option<Vec<String>> {
    Some(rule.custom.get(key)?.split(',').map(|id| id.trim().to_owned()).collect())
}

/// Explains one rule.
pub fn explain(context: &Context<'_>, id: &str) -> End {
    let judge = context.clouds.judge();
    let Some(rule) = judge.bundle().rule(id) else {
        return no_such(context, judge.bundle(), id);
    };
    if context.output == Output::Json {
        context.printer.result(&pretty(&as_json(rule)));
        return End::Done;
    }
    let printer = context.printer;
    printer.result(&format!("{}  {}\n", printer.tone(Tone::Strong, &rule.id), rule.title));
    for text in [&rule.description, &rule.why].into_iter().filter(|text| !text.is_empty()) {
        printer.result(&format!("{text}\n"));
    }
    let meaning = match rule.level {
        Some(Level::Hard) => "hard: there is no way round it",
        Some(Level::Soft) => "soft: a manifest may name an `[[exception]]`, with a reason and a last day",
        Some(Level::Advisory) => "advisory: shown, never in the way",
        None => "off: not asked unless `policy.levels` of the agent's configuration gives it a level",
    };
    printer.result(&format!("level     {meaning}"));
    printer.result(&format!("severity  {}", rule.severity.word()));
    let asked = match rule.pass {
        Pass::Desired => "over what a revision wants",
        Pass::Plan => "over what is about to be done",
    };
    printer.result(&format!("asked     {asked}"));
    printer.result(&format!("policy    {}, package {}", rule.file, rule.package));
    for (key, name) in CATALOGUES {
        if let Some(ids) = ids(rule, key) {
            printer.result(&format!("as in     {name}: {}", ids.join(", ")));
        }
    }
    End::Done
}

fn no_such(context: &Context<'_>, bundle: &Bundle, id: &str) -> End {
    let known: Vec<&str> = bundle.rules().iter().map(|rule| rule.id.as_str()).collect();
    let near = suggest::nearest(id, known.iter().copied()).map(|near| format!("is `{near}` meant? "));
    let hint = format!("{}`agent policy list` shows the rules", near.unwrap_or_default());
    context.printer.error(&format!("there is no rule `{id}`"), Some(&hint));
    End::Usage
}
