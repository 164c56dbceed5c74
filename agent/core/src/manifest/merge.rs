//! All files of a stack as one document. Top-level tables (and the tables of direct resources) may be spread over files;
//! whatever has a value may stand in one place only. Overlays of one stack over another are not made here.

use super::tree::{Entry, Table, Value};
use crate::source::{Problem, Problems};

/// Adds a file to what the files before it gave. `is_group` says which tables, by their path, are no things themselves
/// but collections of things: `["service"]`, `["ec2", "security_group"]`.
pub fn merge(into: &mut Table, from: Table, is_group: &dyn Fn(&[&str]) -> bool, problems: &mut Problems) {
    merge_at(into, from, &mut Vec::new(), is_group, problems);
}

fn merge_at(
    into: &mut Table,
    from: Table,
    path: &mut Vec<String>,
    is_group: &dyn Fn(&[&str]) -> bool,
    problems: &mut Problems,
) {
    for (key, entry) in from {
        let Err(entry) = into.insert(key.clone(), entry) else { continue };
        let Some(known) = into.get_mut(&key) else { continue };
        path.push(key);
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let group = is_group(&words);
        match (&mut known.node.value, entry.node.value) {
            (Value::Table(old), Value::Table(new)) if group => merge_at(old, new, path, is_group, problems),
            (Value::Array(old), Value::Array(new)) if group => old.extend(new),
            (_, value) => {
                let entry = Entry { node: super::tree::Node { value, ..entry.node }, ..entry };
                problems.push(defined_twice(&words, known, &entry));
            }
        }
        path.pop();
    }
}

fn defined_twice(path: &[&str], first: &Entry, again: &Entry) -> Problem {
    let name = path.join(".");
    let (name, hint) = match again.node.value {
        Value::Table(_) => (format!("[{name}]"), "write all its keys in one file, under one header"),
        _ => (name, "keep one of them"),
    };
    Problem::new("defined-twice", format!("`{name}` is defined twice"))
        .at(&again.key_span)
        .label("again here")
        .also(&first.key_span, "first defined here")
        .hint(hint)
}
