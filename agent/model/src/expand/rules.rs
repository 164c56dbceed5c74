//! What a manifest and its repository say about rules: exceptions, and policies of the repository's own.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::exception::Exception;
use agent_core::manifest::{EXCEPTIONS, FileEntry, Manifest, Node, is_policy};
use agent_core::source::{Problem, Problems};
use jiff::civil::Date;

use crate::components;

/// The exceptions, in the order of the text.
pub(super) fn exceptions(
    manifest: &Manifest,
    components: &BTreeSet<String>,
    problems: &mut Problems,
) -> Vec<Exception> {
    let Some(section) = manifest.sections.get(EXCEPTIONS) else { return Vec::new() };
    let serde_json::Value::Array(written) = section.to_json() else { return Vec::new() };
    let mut all: Vec<Exception> = Vec::new();
    for (n, one) in written.into_iter().enumerate() {
        // What does not fit the schema was told when the manifest was read.
        let Ok(one) = serde_json::from_value::<components::Exception>(one) else { continue };
        let until = checked(n, &one, components, section, problems);
        let components::Exception { rule, component, reason, .. } = one;
        if all.iter().any(|other| other.rule == rule && other.component == component) {
            let message = format!("there are two exceptions from `{rule}` for `{component}`");
            problems.push(Problem::new("exception-twice", message).at(&at(section, n, "rule")));
        }
        all.push(Exception { rule, component, reason, until: until.unwrap_or_default() });
    }
    all
}

fn at(section: &Node, n: usize, key: &str) -> agent_core::source::Span {
    section.locate(&[&n.to_string(), key])
}

fn checked(
    n: usize,
    one: &components::Exception,
    components: &BTreeSet<String>,
    section: &Node,
    problems: &mut Problems,
) -> Option<Date> {
    let mut wrong = |key: &str, message: String, hint: String| {
        problems.push(Problem::new("invalid-exception", message).at(&at(section, n, key)).hint(hint));
    };
    if !components.contains(&one.component) {
        let near = agent_core::manifest::suggest::nearest(&one.component, components.iter().map(String::as_str));
        let hint = near.map_or("name a component as `service.web`".to_owned(), |near| format!("is `{near}` meant?"));
        wrong("component", format!("there is no component `{}`", one.component), hint);
    }
    if one.reason.trim().is_empty() {
        wrong("reason", "an exception needs a reason".to_owned(), "say why, for those who read it later".to_owned());
    }
    let until = one.until.parse::<Date>().ok().filter(|_| one.until.len() == "2026-12-31".len());
    if until.is_none() {
        let hint = "the last day on which it holds: `2026-12-31`".to_owned();
        wrong("until", format!("`{}` is no day", one.until), hint);
    }
    until
}

/// The repository's policies, tests left out. One that cannot be read is told: rules never go missing silently.
pub(super) fn policies(manifest: &Manifest, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (path, entry) in manifest.files.policies() {
        if !is_policy(path) {
            continue;
        }
        match entry {
            FileEntry::Bytes(bytes) => {
                all.insert(path.to_owned(), String::from_utf8_lossy(bytes).into_owned());
            }
            _ => problems.push(
                Problem::new("policy-unreadable", format!("the policy `{path}` is no plain file that can be read"))
                    .at(&manifest.header_span),
            ),
        }
    }
    all
}
