//! A TOML document as a tree in which every key and value knows its place, in the order of the text. It holds what was
//! written and judges nothing.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::source::Span;

/// A value and its place. The place of a table with a header is the header; of one that only exists because a longer
/// header or a dotted key names it, that key.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The place.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// What TOML knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction; always finite.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date, a time or both, as TOML writes it.
    Datetime(String),
    /// A list.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A key's place and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key itself, without its value.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

/// Keys and values, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    entries: Vec<(String, Entry)>,
    index: BTreeMap<String, usize>,
}

impl Table {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; gives the entry back if there is one already, and leaves that as it is.
    pub fn insert(&mut self, key: String, entry: Entry) -> Result<(), Entry> {
        if self.index.contains_key(&key) {
            return Err(entry);
        }
        self.index.insert(key.clone(), self.entries.len());
        self.entries.push((key, entry));
        Ok(())
    }

    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.index.get(key).and_then(|at| self.entries.get(*at)).map(|(_, entry)| entry)
    }

    /// The entry of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.index.get(key).and_then(|at| self.entries.get_mut(*at)).map(|(_, entry)| entry)
    }

    /// Keys and entries in order, the entries to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        self.entries.iter_mut().map(|(key, entry)| (key.as_str(), entry))
    }

    /// Takes the keys that `wanted` accepts out into a table of their own.
    #[must_use]
    pub fn split_off(&mut self, wanted: impl Fn(&str) -> bool) -> Self {
        let (out, rest): (Vec<_>, Vec<_>) = std::mem::take(self).entries.into_iter().partition(|(key, _)| wanted(key));
        *self = rest.into_iter().collect();
        out.into_iter().collect()
    }

    /// Whether it has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Keys and entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }
}

impl FromIterator<(String, Entry)> for Table {
    /// Of two equal keys the first stays.
    fn from_iter<I: IntoIterator<Item = (String, Entry)>>(iter: I) -> Self {
        let mut table = Self::new();
        for (key, entry) in iter {
            let _ = table.insert(key, entry);
        }
        table
    }
}

impl IntoIterator for Table {
    type Item = (String, Entry);
    type IntoIter = std::vec::IntoIter<(String, Entry)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl Node {
    /// The value as JSON: dates as texts.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::String(text) | Value::Datetime(text) => Json::String(text.clone()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Boolean(flag) => Json::Bool(*flag),
            Value::Array(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Table(table) => {
                Json::Object(table.iter().map(|(key, entry)| (key.to_owned(), entry.node.to_json())).collect())
            }
        }
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        if let Value::Table(table) = &self.value { Some(table) } else { None }
    }

    /// The table to be changed, if it is one.
    pub fn as_table_mut(&mut self) -> Option<&mut Table> {
        if let Value::Table(table) = &mut self.value { Some(table) } else { None }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value { Some(text) } else { None }
    }

    /// The place of what `path` leads to (keys, and positions in lists as numbers): of a value the value, of a table
    /// its key or header. Where the path ends early, the place of the last thing that is there.
    pub fn locate(&self, path: &[&str]) -> Span {
        let Some((first, rest)) = path.split_first() else { return self.span.clone() };
        match &self.value {
            Value::Table(table) => match table.get(first) {
                Some(entry) if rest.is_empty() && entry.node.as_table().is_some() => entry.key_span.clone(),
                Some(entry) => entry.node.locate(rest),
                None => self.span.clone(),
            },
            Value::Array(items) => match first.parse::<usize>().ok().and_then(|at| items.get(at)) {
                Some(item) => item.locate(rest),
                None => self.span.clone(),
            },
            _ => self.span.clone(),
        }
    }

    /// Like [`Self::locate`], with the place of the last key in place of its value.
    pub fn locate_key(&self, path: &[&str]) -> Span {
        let Some((last, before)) = path.split_last() else { return self.span.clone() };
        let holder = before.iter().try_fold(self, |node, key| node.child(key));
        let entry = holder.and_then(Self::as_table).and_then(|table| table.get(last));
        entry.map_or_else(|| self.locate(path), |entry| entry.key_span.clone())
    }

    /// What a key, or a position in a list, leads to.
    pub fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(table) => table.get(key).map(|entry| &entry.node),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

impl Value {
    /// What it is, in the words people use.
    pub fn what(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "true or false",
            Self::Datetime(_) => "a date or time",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}
