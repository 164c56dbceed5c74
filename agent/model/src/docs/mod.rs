//! The reference, made from the types alone: what `docs/` holds and what `agent explain` and `agent schema` print.

pub mod calls;
pub mod components;
pub mod fields;
pub mod kinds;
pub mod schema;

use std::fmt::Write as _;

use fields::Field;
use serde_json::Value;

/// The files of `docs/` that are made, by name.
pub fn files() -> [(&'static str, String); 3] {
    let schema = format!("{:#}\n", schema::manifest());
    [("components.md", components::page()), ("kinds.md", kinds::page()), ("manifest.schema.json", schema)]
}

/// The cells of a field: its path, what it holds, what is so without it, and what it is.
fn field_cells(field: &Field) -> [String; 4] {
    let mut what = field.doc.clone();
    if field.values.iter().any(|(_, words)| !words.is_empty()) {
        for (value, words) in &field.values {
            let _ = write!(what, "<br>`{value}`: {words}");
        }
    } else if !field.values.is_empty() {
        let values: Vec<String> = field.values.iter().map(|(value, _)| format!("`{value}`")).collect();
        let only = if values.len() == 1 { "Only" } else { "One of" };
        let _ = write!(what, "<br>{only} {}.", values.join(", "));
    }
    let limits = field.limits.as_ref().map(|limits| format!("; {limits}")).unwrap_or_default();
    [format!("`{}`", field.path), cell(&format!("{}{limits}", field.holds)), cell(&field.absent.words()), cell(&what)]
}

/// Text as a cell of a table takes it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Words as code, with commas between.
fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The words of a kind, and the AWS page that stands in brackets at their end.
fn linked(doc: &str) -> (String, Option<&str>) {
    match doc.rsplit_once(" (https://") {
        Some((words, _)) => {
            let link = doc.get(words.len() + 2..).map(|rest| rest.trim_end_matches('.').trim_end_matches(')'));
            (format!("{}.", words.trim_end_matches('.')), link)
        }
        None => (doc.to_owned(), None),
    }
}

/// A value with its keys sorted, whatever map `serde_json` was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(String, Value)> = map.into_iter().collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            members.into_iter().map(|(key, member)| (key, sorted(member))).collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        leaf => leaf,
    }
}
