//! `${type.name.attribute}` in texts: finds what is named and puts a reference, or the value where it is known, in its
//! place. `$$` is a dollar; a dollar before anything else is one too. What begins with `stack:` is another stack's, see
//! [`super::others`].
#![allow(clippy::result_large_err, reason = "a problem is made once, for people")]

use std::collections::BTreeMap;

use agent_core::manifest::{Manifest, Node, Table, suggest};
use agent_core::reference::Text;
use agent_core::source::{Problem, Problems, Span};

use super::others::{self, Abroad};
use super::{Party, Problematic};
use crate::components::{Attribute, Path};

/// What stands before the name of another stack.
pub(super) const STACK: &str = "stack:";
/// How much is shown of what has no end.
const SHOWN: usize = 60;

/// The texts of each component, by position, with their references in place.
pub(super) fn texts(parties: &[Party<'_>], abroad: &Abroad<'_>, problems: &mut Problems) -> Vec<BTreeMap<Path, Text>> {
    let mut all = Vec::new();
    for party in parties {
        let mut own = BTreeMap::new();
        for (path, text) in &party.declared.texts {
            let span = span_of(party, path);
            own.insert(path.clone(), text_of(text, &span, None, (parties, abroad), problems));
        }
        for document in &party.declared.documents {
            let span = span_of(party, &document.path);
            let text = text_of(&document.text, &span, Some(&document.file), (parties, abroad), problems);
            own.insert(document.path.clone(), text);
        }
        all.push(own);
    }
    all
}

fn span_of(party: &Party<'_>, path: &Path) -> Span {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    party.decl.locate(&words)
}

/// What `[outputs]` says.
pub(super) fn outputs(
    manifest: &Manifest,
    parties: &[Party<'_>],
    abroad: &Abroad<'_>,
    problems: &mut Problems,
) -> BTreeMap<String, Text> {
    let texts = output_texts(manifest);
    texts.map(|(key, text, span)| (key.to_owned(), text_of(text, span, None, (parties, abroad), problems))).collect()
}

fn output_texts(manifest: &Manifest) -> impl Iterator<Item = (&str, &str, &Span)> {
    let table = manifest.sections.get("outputs").and_then(Node::as_table);
    let entries = table.into_iter().flat_map(Table::iter);
    entries.filter_map(|(key, entry)| Some((key, entry.node.as_str()?, &entry.node.span)))
}

/// The stacks that are referred to, each with the first place.
pub(super) fn stacks(manifest: &Manifest, parties: &[Party<'_>]) -> BTreeMap<String, Span> {
    let mut stacks = BTreeMap::new();
    let mut add = |text: &str, span: &dyn Fn() -> Span| {
        for piece in pieces(text).0 {
            if let Piece::Named(name) = piece
                && let Some((stack, _)) = name.strip_prefix(STACK).and_then(|name| name.split_once('/'))
            {
                stacks.entry(stack.to_owned()).or_insert_with(span);
            }
        }
    };
    for party in parties {
        for (path, text) in &party.declared.texts {
            add(text, &|| span_of(party, path));
        }
        for document in &party.declared.documents {
            add(&document.text, &|| span_of(party, &document.path));
        }
    }
    for (_, text, span) in output_texts(manifest) {
        add(text, &|| span.clone());
    }
    stacks
}

enum Piece<'t> {
    Plain(&'t str),
    /// What stands between `${` and `}`.
    Named(&'t str),
}

/// A text taken apart; and what follows a `${` that is never closed.
fn pieces(text: &str) -> (Vec<Piece<'_>>, Option<&str>) {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (plain, after) = (&rest[..at], &rest[at + 1..]);
        if let Some(inner) = after.strip_prefix('{') {
            let Some((name, after)) = inner.split_once('}') else { return (all, Some(inner)) };
            all.extend([Piece::Plain(plain), Piece::Named(name)]);
            rest = after;
        } else {
            all.push(Piece::Plain(&rest[..=at]));
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    all.push(Piece::Plain(rest));
    (all, None)
}

/// What stands between `${` and `}` in a text.
pub(super) fn names(text: &str) -> Vec<&str> {
    let named = |piece| if let Piece::Named(name) = piece { Some(name) } else { None };
    pieces(text).0.into_iter().filter_map(named).collect()
}

/// The text with its references. `file` is what the text stands in where that is no manifest: `span` is then where the file
/// is named, and problems say the line in it.
fn text_of(
    text: &str,
    span: &Span,
    file: Option<&str>,
    (parties, abroad): (&[Party<'_>], &Abroad<'_>),
    problems: &mut Problems,
) -> Text {
    // `part` is the rest of the text, or what stands between `${` and `}`.
    let at = |problem: Problem, part: &str| match file {
        Some(file) => {
            let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).saturating_sub("${".len());
            let message = format!("{}: {}", place_in(file, text, offset), problem.message);
            Problem { message, ..problem }.at(span)
        }
        None => problem.at(span),
    };
    let (pieces, open) = pieces(text);
    let mut out = Text::default();
    let mut plain = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(text) => plain.push_str(text),
            Piece::Named(name) => {
                let found = match name.strip_prefix(STACK) {
                    Some(rest) => abroad.attribute(name, rest),
                    None => attribute(name, parties),
                };
                match found {
                    Ok(value) => match value.plain() {
                        Some(known) => plain.push_str(&known),
                        None => out = with_plain(out, &mut plain).joined(value),
                    },
                    Err(problem) => problems.push(at(problem, name)),
                }
            }
        }
    }
    if let Some(inner) = open {
        let begins: String = inner.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
        let problem = Problem::new("bad-interpolation", format!("`${{{begins}` is not closed"));
        let hint = "write `${type.name.attribute}`, or `$${` for the characters themselves";
        problems.push(at(problem, inner).hint(hint));
    }
    with_plain(out, &mut plain)
}

/// `config/nginx.conf`, line 3, column 7.
fn place_in(file: &str, text: &str, offset: usize) -> String {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("`{file}`, line {line}, column {column}")
}

/// The text with what was gathered behind it. There are no empty pieces.
fn with_plain(text: Text, plain: &mut String) -> Text {
    if plain.is_empty() { text } else { text.then(&std::mem::take(plain)) }
}

/// `type.name.attribute` taken apart.
pub(super) fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let (kind, rest) = name.split_once('.')?;
    let (component, attribute) = rest.rsplit_once('.')?;
    (!(kind.is_empty() || component.is_empty() || attribute.is_empty())).then_some((kind, component, attribute))
}

fn attribute(name: &str, parties: &[Party<'_>]) -> Problematic<Text> {
    let Some((kind, component, attribute)) = parts(name) else {
        let hint = "write `${type.name.attribute}`, for example `${load_balancer.edge.dns_name}`; `$$` is a dollar";
        let problem = Problem::new("bad-interpolation", format!("`${{{name}}}` names no attribute"));
        return Err(problem.hint(hint));
    };
    let Some(named) = parties.iter().find(|party| party.is(kind, component)) else {
        let known: Vec<String> = parties.iter().map(Party::address).collect();
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
    attribute_of(named, name, attribute)
}

/// An attribute of a component, called `name` as a whole.
pub(super) fn attribute_of(named: &Party<'_>, name: &str, attribute: &str) -> Problematic<Text> {
    let bad = |message: String| Problem::new("bad-interpolation", message);
    let attributes = &named.declared.attributes;
    let component = named.address();
    match attributes.get(attribute) {
        Some(Attribute::Text(text)) => Ok(text.clone()),
        Some(Attribute::Secret(instead)) => {
            let problem = bad(format!("`${{{name}}}` is a secret, and secrets are never put into texts"));
            Err(problem.hint(others::instead_of(name, instead)))
        }
        Some(Attribute::Unknown(instead)) => {
            Err(bad(format!("`${{{name}}}` is not known, because `{component}` is somebody else's")).hint(*instead))
        }
        None if attributes.is_empty() => Err(bad(format!("`{component}` has no attributes"))),
        None => {
            let known: Vec<&str> = attributes.keys().copied().collect();
            let problem = bad(format!("`{component}` has no attribute `{attribute}`"));
            Err(Problem { hint: suggest::hint(attribute, &known, "it has"), ..problem })
        }
    }
}
