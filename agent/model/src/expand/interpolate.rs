//! `${type.name.attribute}` in texts: finds what is named and puts a reference, or the value where it is known, in its
//! place. `$$` is a dollar; a dollar before anything else is one too.

use std::collections::BTreeMap;

use agent_core::doc::{self, JOIN};
use agent_core::manifest::{Manifest, Node, Table, suggest};
use agent_core::reference::Text;
use agent_core::source::{Problem, Problems, Span};
use serde_json::Value;

use super::Party;
use crate::components::{Attribute, Path, later};

/// The texts of each component, by position, with their references in place.
pub(super) fn texts(parties: &[Party<'_>], problems: &mut Problems) -> Vec<BTreeMap<Path, Text>> {
    let mut all = Vec::new();
    for party in parties {
        let mut own = BTreeMap::new();
        for (path, text) in &party.declared.texts {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let span = party.decl.locate(&words);
            own.insert(path.clone(), text_of(text, &span, parties, problems));
        }
        all.push(own);
    }
    all
}

/// What `[outputs]` says.
pub(super) fn outputs(manifest: &Manifest, parties: &[Party<'_>], problems: &mut Problems) -> BTreeMap<String, Text> {
    let table = manifest.sections.get("outputs").and_then(Node::as_table);
    let mut outputs = BTreeMap::new();
    for (key, entry) in table.into_iter().flat_map(Table::iter) {
        if let Some(text) = entry.node.as_str() {
            outputs.insert(key.to_owned(), text_of(text, &entry.node.span, parties, problems));
        }
    }
    outputs
}

fn text_of(text: &str, span: &Span, parties: &[Party<'_>], problems: &mut Problems) -> Text {
    let mut out = Text::default();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            plain.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            let Some((name, after)) = inner.split_once('}') else {
                let problem = Problem::new("bad-interpolation", format!("`${{{inner}` is not closed")).at(span);
                problems.push(problem.hint("write `${type.name.attribute}`, or `$${` for the characters themselves"));
                return Text::default();
            };
            match attribute(name, parties) {
                Ok(value) => match value.plain() {
                    Some(known) => plain.push_str(&known),
                    None => out = joined(with_plain(out, &mut plain), &value),
                },
                Err(problem) => problems.push(problem.at(span)),
            }
            rest = after;
        } else {
            plain.push('$');
            rest = after;
        }
    }
    plain.push_str(rest);
    with_plain(out, &mut plain)
}

/// The text with what was gathered behind it. There are no empty pieces.
fn with_plain(text: Text, plain: &mut String) -> Text {
    if plain.is_empty() { text } else { text.then(&std::mem::take(plain)) }
}

/// One text behind another.
fn joined(text: Text, more: &Text) -> Text {
    let value = more.to_value();
    let pieces = value.get(JOIN).and_then(Value::as_array).cloned().unwrap_or_default();
    pieces.iter().fold(text, |text, piece| match piece {
        Value::String(plain) => text.then(plain),
        Value::Object(map) => match doc::reference(map) {
            Some((to, field)) => text.then_ref(to, field),
            None => text,
        },
        _ => text,
    })
}

#[allow(clippy::result_large_err, reason = "a problem is made once, for people")]
fn attribute(name: &str, parties: &[Party<'_>]) -> Result<Text, Problem> {
    let bad = |message: String| Problem::new("bad-interpolation", message);
    if name.starts_with("stack:") {
        let message = format!("`${{{name}}}`: attributes of other stacks come with a later release of this agent");
        return Err(Problem::new(later::CODE, message));
    }
    let parts = name.split_once('.').and_then(|(kind, rest)| {
        let (name, attribute) = rest.rsplit_once('.')?;
        Some((kind, name, attribute))
    });
    let Some((kind, component, attribute)) = parts.filter(|(k, c, a)| !(k.is_empty() || c.is_empty() || a.is_empty()))
    else {
        let hint = "write `${type.name.attribute}`, for example `${load_balancer.edge.dns_name}`; `$$` is a dollar";
        return Err(bad(format!("`${{{name}}}` names no attribute")).hint(hint));
    };
    let Some(named) = parties.iter().find(|party| party.is(kind, component)) else {
        let known: Vec<String> = parties.iter().map(|party| party.address()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let address = format!("{kind}.{component}");
        let problem = Problem::new("unknown-component", format!("there is no `{address}` in the stack"));
        if let Some(now) = parties.iter().find(|party| party.was(kind, component)) {
            return Err(problem.hint(format!("it is called `{}` now", now.address())));
        }
        return Err(Problem { hint: suggest::hint(&address, &known, "it has"), ..problem });
    };
    if named.body.is_none() {
        // Whatever is wrong with it has been said.
        return Ok(Text::default());
    }
    let attributes = &named.declared.attributes;
    match attributes.get(attribute) {
        Some(Attribute::Text(text)) => Ok(text.clone()),
        Some(Attribute::Secret(instead)) => {
            let problem = bad(format!("`${{{name}}}` is a secret, and secrets are never put into texts"));
            Err(problem.hint(*instead))
        }
        None if attributes.is_empty() => Err(bad(format!("`{kind}.{component}` has no attributes"))),
        None => {
            let known: Vec<&str> = attributes.keys().copied().collect();
            let problem = bad(format!("`{kind}.{component}` has no attribute `{attribute}`"));
            Err(Problem { hint: suggest::hint(attribute, &known, "it has"), ..problem })
        }
    }
}
