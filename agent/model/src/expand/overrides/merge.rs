//! A spec as a tree that an override can be laid over, and back: markers (`{"$tags": …}`) are tables in it, what nobody has
//! set is not there, and all that the override does not say has the place of the override as a whole.

use agent_core::doc::{self, AT_CREATE, AWS_DECIDES, JOIN, LINK, NAME, REF, SECRET, TAGS};
use agent_core::manifest::tree::Entry;
use agent_core::manifest::{Node, Table, Value};
use agent_core::source::Span;
use serde_json::Value as Json;

use super::shape::Shape;

/// A spec as a tree. What is left to AWS says nothing, and TOML has no word for it.
pub(super) fn tree(spec: &Json, span: &Span) -> Option<Node> {
    let value = match spec {
        Json::Null => return None,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().filter_map(|item| tree(item, span)).collect()),
        Json::Object(map) => {
            if [AWS_DECIDES, AT_CREATE].iter().any(|marker| map.get(*marker).is_some_and(Json::is_null)) {
                return None;
            }
            let entry = |node: Node| Entry { key_span: span.clone(), node };
            Value::Table(
                map.iter().filter_map(|(key, member)| Some((key.clone(), entry(tree(member, span)?)))).collect(),
            )
        }
    };
    Some(Node { span: span.clone(), value })
}

/// A tree with an override laid over it: tables are merged, all else is replaced.
pub(super) fn merged(shape: &Shape<'_>, old: &Node, over: &Node) -> Node {
    let (Some(had), Some(said)) = (old.as_table(), over.as_table()) else { return over.clone() };
    if let Some(wrapped) = [TAGS, AT_CREATE].into_iter().find(|marker| had.get(marker).is_some()) {
        let inner = had.get(wrapped).map(|entry| merged(shape, &entry.node, over));
        let entry = inner.map(|node| (wrapped.to_owned(), Entry { key_span: over.span.clone(), node }));
        return Node { span: over.span.clone(), value: Value::Table(entry.into_iter().collect()) };
    }
    if had.keys().any(|key| key.starts_with('$')) {
        // A table in the place of a reference is of the wrong type, which the schema says.
        return over.clone();
    }
    let another = had.keys().any(|key| shape.is_variant(key) && said.get(key).is_none());
    let mut all = if another && said.keys().any(|key| shape.is_variant(key)) { Table::new() } else { had.clone() };
    for (key, entry) in said.iter() {
        match all.get_mut(key) {
            Some(known) => {
                let node = merged(&shape.child(key), &known.node, &entry.node);
                *known = Entry { key_span: entry.key_span.clone(), node };
            }
            None => drop(all.insert(key.to_owned(), entry.clone())),
        }
    }
    Node { span: over.span.clone(), value: Value::Table(all) }
}

/// The tree without markers, as the schema knows it: a reference is a text.
pub(super) fn plain(node: &Node) -> Node {
    let value = match &node.value {
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Table(table) => {
            if let Some(inner) = [TAGS, AT_CREATE].iter().find_map(|marker| table.get(marker)) {
                return plain(&inner.node);
            }
            match [REF, NAME, LINK, JOIN, SECRET].iter().find_map(|marker| Some((*marker, table.get(marker)?))) {
                Some((NAME, base)) => base.node.value.clone(),
                // Whatever it says: different ones have to differ, for items that are there once.
                Some(_) => Value::String(node.to_json().to_string()),
                None => {
                    let entry = |entry: &Entry| Entry { key_span: entry.key_span.clone(), node: plain(&entry.node) };
                    Value::Table(table.iter().map(|(key, below)| (key.to_owned(), entry(below))).collect())
                }
            }
        }
        leaf => leaf.clone(),
    };
    Node { span: node.span.clone(), value }
}

/// Whether a secret stands anywhere in a tree, sealed or as the field of another resource that holds it.
pub(super) fn holds_secret(node: &Node, is_secret: &dyn Fn(&str, &str) -> bool) -> bool {
    match &node.value {
        Value::Array(items) => items.iter().any(|item| holds_secret(item, is_secret)),
        Value::Table(table) => {
            let Json::Object(map) = node.to_json() else { return false };
            let referred = doc::reference(&map).is_some_and(|(to, field)| is_secret(to.kind(), field));
            referred
                || table.get(SECRET).is_some()
                || table.iter().any(|(_, entry)| holds_secret(&entry.node, is_secret))
        }
        _ => false,
    }
}
