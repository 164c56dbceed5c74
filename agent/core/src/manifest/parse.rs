//! From bytes to a spanned [`Table`]: encoding, control characters, depth, TOML syntax and keys written twice. All that
//! is wrong with a file is reported, in words for people; what the file means is decided elsewhere.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits::{Limits, bytes, too_deep};
use super::tree::{Entry, Node, Table, Value};
use crate::source::render::is_unsafe;
use crate::source::{FileId, Problem, Problems, Sources, Span};

/// Most syntax problems that are reported of one file; one slip often causes many.
const MOST: usize = 20;

/// Parses one file. `None` when its content cannot be relied on; a file whose only fault are keys written twice is
/// still returned, with the first of each, so that the rest of it gets checked too.
pub fn parse(
    path: &str,
    data: &[u8],
    limits: &Limits,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Table> {
    if data.len() as u64 > limits.file_bytes {
        let file = sources.add(path, "");
        problems.push(too_large(data.len() as u64, limits).at(&Span::start_of(file)));
        return None;
    }
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => {
            problems.push(not_utf8(path, data, error.valid_up_to(), sources));
            return None;
        }
    };
    let file = sources.add(path, text);
    if text.starts_with('\u{feff}') {
        problems.push(
            Problem::new("byte-order-mark", "the file begins with a byte order mark")
                .at(&Span::new(file, 0..3))
                .hint("save it as UTF-8 without BOM"),
        );
        return None;
    }
    let before = problems.len();
    raw_controls(text, file, problems);
    if let Some(at) = too_deep(text, limits.depth) {
        problems.push(
            Problem::new("too-deep", format!("tables, lists and dotted keys go deeper than {} levels", limits.depth))
                .at(&Span::new(file, at..at + 1))
                .hint("no key of the language needs so many levels: is a bracket left open?"),
        );
    }
    if problems.len() > before {
        return None;
    }
    let (document, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    if syntax(text, file, &errors, problems) {
        return Some(convert_table(document.get_ref(), file, problems));
    }
    None
}

/// The problem of a file that is larger than allowed.
pub(super) fn too_large(size: u64, limits: &Limits) -> Problem {
    let message = format!("the file has {}, which is more than {}", bytes(size), bytes(limits.file_bytes));
    Problem::new("file-too-large", message).hint("split it: all `*.toml` files of the folder are one manifest")
}

fn not_utf8(path: &str, data: &[u8], valid_up_to: usize, sources: &mut Sources) -> Problem {
    let file = sources.add(path, String::from_utf8_lossy(data));
    let span = Span::new(file, valid_up_to..valid_up_to + '\u{fffd}'.len_utf8());
    let hint = match data {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save it as UTF-8",
        _ => "save it as UTF-8",
    };
    Problem::new("not-utf-8", "the file is not UTF-8 text").at(&span).hint(hint)
}

/// Control characters as such, in comments too: what a reviewer sees must be what is parsed.
fn raw_controls(text: &str, file: FileId, problems: &mut Problems) {
    let mut chars = text.char_indices().peekable();
    let mut found = 0;
    while let Some((at, c)) = chars.next() {
        let line_ending = c == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n');
        if matches!(c, '\n' | '\t') || line_ending || !is_unsafe(c) {
            continue;
        }
        problems.push(control(c, "the file").at(&Span::new(file, at..at + c.len_utf8())));
        found += 1;
        if found == MOST {
            return;
        }
    }
}

fn control(c: char, wherein: &str) -> Problem {
    Problem::new("control-character", format!("{wherein} holds the invisible character U+{:04X}", u32::from(c)))
        .hint("take it out: only tabs and line ends are allowed, because nobody can review what cannot be seen")
}

/// Reports syntax errors; `true` when they leave the tree complete.
fn syntax(text: &str, file: FileId, errors: &[toml::de::Error], problems: &mut Problems) -> bool {
    let is_twice = |error: &toml::de::Error| error.message() == "duplicate key";
    let mut last: Option<usize> = None;
    let mut shown = 0;
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        let range = range.start.min(text.len())..range.end.clamp(range.start, text.len()).min(text.len());
        // What follows on the line of an error is mostly its echo. The errors are sorted, so each byte is looked at once.
        let echo = last.and_then(|last| text.get(last..range.start)).is_some_and(|between| !between.contains('\n'));
        last = Some(range.start);
        if echo && !is_twice(error) {
            continue;
        }
        let problem =
            if is_twice(error) { duplicate(text, file, &range) } else { describe(text, file, &range, error.message()) };
        problems.push(problem);
        shown += 1;
        if shown == MOST {
            break;
        }
    }
    errors.iter().all(is_twice)
}

fn duplicate(text: &str, file: FileId, range: &Range<usize>) -> Problem {
    let key = text.get(range.clone()).unwrap_or_default();
    match sibling(text, range) {
        Some((name, first)) => Problem::new("defined-twice", format!("`{name}` is defined twice"))
            .at(&Span::new(file, range.clone()))
            .label("again here")
            .also(&Span::new(file, first), "first defined here")
            .hint("keep one of them"),
        None => Problem::new("defined-twice", format!("`{key}` would extend a table that is already complete"))
            .at(&Span::new(file, range.clone()))
            .hint("write all keys of a table under one header"),
    }
}

fn describe(text: &str, file: FileId, range: &Range<usize>, message: &str) -> Problem {
    let word = text.get(range.clone()).unwrap_or_default();
    let problem = Problem::new("syntax", readable(message, word)).at(&Span::new(file, range.clone()));
    if let Some(kind) = message.strip_prefix("cannot extend value of type ") {
        let kind = kind.trim_end_matches(" with a dotted key");
        let problem = Problem { message: format!("`{word}` is {}, so it holds no keys", article(kind)), ..problem };
        return match sibling(text, range) {
            Some((_, first)) => problem.also(&Span::new(file, first), "defined here"),
            None => problem,
        };
    }
    match hint_for(message, word) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn article(kind: &str) -> String {
    match kind {
        "array" => "a list".into(),
        "inline table" => "a table in braces, which is complete".into(),
        "integer" => "a whole number".into(),
        "float" => "a number".into(),
        "boolean" => "true or false".into(),
        "datetime" => "a date or time".into(),
        other => format!("a {other}"),
    }
}

/// The parser's words in those of the documentation, where they would puzzle people.
fn readable(message: &str, word: &str) -> String {
    let is = |start: &str| message.starts_with(start);
    if is("string values must be quoted") || is_word(message, word) {
        format!("the text `{word}` must be in quotes")
    } else if is("key with no value") {
        "the key has no value".into()
    } else if is("invalid unquoted key") {
        "a key without quotes holds only letters, digits, `-` and `_`".into()
    } else if is("unclosed array,") || message == "unclosed array" {
        "the list is not closed".into()
    } else if is("unclosed inline table") {
        "the table in braces is not closed".into()
    } else if is("unclosed table") || is("unclosed array table") {
        "the table's header is not closed".into()
    } else if is("unexpected key or value") {
        "only one `key = value` fits on a line".into()
    } else if is("missing comma between array elements") {
        "a comma is missing between the items of the list".into()
    } else if is("missing comma between key-value pairs") {
        "a comma is missing in the table in braces".into()
    } else if is("missing assignment between key-value pairs") {
        "a key without `=` and a value".into()
    } else if is("invalid basic string") || is("invalid literal string") {
        "the text's quotes are not closed on its line".into()
    } else {
        message.trim_end_matches(", expected nothing").to_owned()
    }
}

/// Whether a text without quotes was taken for a number or a flag, which some of its letters suggest.
fn is_word(message: &str, word: &str) -> bool {
    let taken = ["invalid float", "invalid integer", "invalid boolean", "invalid datetime"];
    taken.iter().any(|start| message.starts_with(start)) && word.starts_with(|c: char| c.is_alphabetic())
}

fn hint_for(message: &str, word: &str) -> Option<&'static str> {
    let is = |start: &str| message.starts_with(start);
    if is("string values must be quoted") || is_word(message, word) {
        Some("texts stand in quotes: `key = \"value\"`")
    } else if is("key with no value") {
        Some("write `key = value`")
    } else if is("invalid unquoted key") {
        Some("put the key in quotes: `\"a.b/c\" = …`")
    } else if is("missing comma between key-value pairs") {
        Some("or is a `{` further up not closed?")
    } else if is("unexpected leading zero") {
        Some("is it a text? then put it in quotes")
    } else if is("unclosed array") {
        Some("close it with `]`")
    } else if is("unclosed inline table") {
        Some("close it with `}`")
    } else {
        None
    }
}

/// The whole name of the key at `range`, which the parser refused, and where it was defined first.
///
/// The parser does not say, so it is asked again, with a word in place of the key that no other key equals: the table
/// which then holds that word is the one that the key is in.
fn sibling(text: &str, range: &Range<usize>) -> Option<(String, Range<usize>)> {
    let raw = text.get(range.clone())?;
    let name = DeTable::parse(&format!("{raw} = 0")).ok()?.get_ref().keys().next()?.get_ref().to_string();
    let word = (0..100).map(|n| format!("key-looked-for-{n}")).find(|word| !text.contains(word.as_str()))?;
    // The rest of the line is mostly enough, and spares a long file from being read once per key.
    let line_end = text.get(range.end..)?.find('\n').map_or(text.len(), |at| range.end + at);
    let ends = if line_end < text.len() { vec![line_end, text.len()] } else { vec![line_end] };
    ends.into_iter().find_map(|end| {
        let changed = [text.get(..range.start)?, &word, text.get(range.end..end)?].concat();
        let (document, _) = DeTable::parse_recoverable(&changed);
        let mut path = Vec::new();
        let holder = holder_of(document.get_ref(), &word, &mut path)?;
        let first = holder.keys().find(|key| *key.get_ref() == name)?.span();
        path.reverse();
        path.push(&name);
        (first.start < range.start).then(|| (path.join("."), first))
    })
}

/// The table that has the key `word`; `path` gets the keys that lead to it, the last first.
fn holder_of<'t, 'i>(table: &'t DeTable<'i>, word: &str, path: &mut Vec<&'t str>) -> Option<&'t DeTable<'i>> {
    if table.keys().any(|key| key.get_ref() == word) {
        return Some(table);
    }
    table.iter().find_map(|(key, value)| {
        let found = holder_in(value.get_ref(), word, path)?;
        path.push(key.get_ref());
        Some(found)
    })
}

fn holder_in<'t, 'i>(value: &'t DeValue<'i>, word: &str, path: &mut Vec<&'t str>) -> Option<&'t DeTable<'i>> {
    match value {
        DeValue::Table(table) => holder_of(table, word, path),
        DeValue::Array(items) => items.iter().find_map(|item| holder_in(item.get_ref(), word, path)),
        _ => None,
    }
}

fn convert_table(table: &DeTable<'_>, file: FileId, problems: &mut Problems) -> Table {
    // The parser sorts by name; people read from top to bottom.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut out = Table::new();
    for (key, value) in entries {
        let key_span = Span::new(file, key.span());
        if let Some(c) = key.get_ref().chars().find(|c| is_unsafe(*c)) {
            problems.push(control(c, "the key").at(&key_span));
        }
        let node = convert(value, file, problems);
        // The parser's map has each key once.
        let _ = out.insert(key.get_ref().to_string(), Entry { key_span, node });
    }
    out
}

fn convert(value: &Spanned<DeValue<'_>>, file: FileId, problems: &mut Problems) -> Node {
    let span = Span::new(file, value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => {
            if let Some(c) = text.replace("\r\n", "\n").chars().find(|c| is_unsafe(*c) && !matches!(c, '\n' | '\t')) {
                problems.push(control(c, "the text").at(&span));
            }
            Value::String(text.to_string())
        }
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
                problems.push(number_out_of_range(&span));
                0
            }))
        }
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => {
                problems.push(number_out_of_range(&span));
                Value::Float(0.0)
            }
        },
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(when) => Value::Datetime(when.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| convert(item, file, problems)).collect()),
        DeValue::Table(table) => Value::Table(convert_table(table, file, problems)),
    };
    Node { span, value }
}

fn number_out_of_range(span: &Span) -> Problem {
    Problem::new("out-of-range", "the number is not one that can be used here")
        .at(span)
        .hint("whole numbers have up to 63 bits; `inf` and `nan` are not allowed")
}
