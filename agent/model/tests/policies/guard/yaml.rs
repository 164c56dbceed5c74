//! Reads the part of YAML that the test cases are written in: blocks, quoted and plain scalars, lists and tables on one line,
//! and tags. What is beyond that panics, with the line.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

/// A document. Tags become what `CloudFormation`'s long forms are: `!Ref a` is `{"Ref": "a"}`, `!Sub a` is `{"Fn::Sub": "a"}`.
pub fn read(text: &str) -> Value {
    let lines = text.lines().enumerate().filter_map(|(at, line)| {
        let text = without_comment(line).trim_end();
        let indent = text.len() - text.trim_start().len();
        let text = text.trim_start();
        (!text.is_empty() && text != "---").then_some(Line { number: at + 1, indent, text })
    });
    let mut reader = Reader { lines: lines.collect(), at: 0 };
    let value = reader.node();
    assert!(reader.at == reader.lines.len(), "line {} is not understood", reader.lines[reader.at].number);
    value
}

/// A comment begins with `#` at the beginning or behind a blank, outside quotes.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return &line[..at],
            // Within a word a quote is a letter like any other.
            (None, '"' | '\'') if " [{,:-".contains(before) => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
        before = c;
    }
    line
}

/// The key of `key: value` and the value.
fn pair(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') || text.starts_with('\'') {
        let end = text[1..].find(&text[..1])? + 1;
        let value = text[end + 1..].strip_prefix(':')?;
        return (value.is_empty() || value.starts_with(' ')).then(|| (text[1..end].to_owned(), value.trim()));
    }
    if text.starts_with(['{', '[', '!']) {
        return None;
    }
    let end = text.char_indices().find_map(|(at, c)| {
        let behind = &text[at + 1..];
        (c == ':' && (behind.is_empty() || behind.starts_with(' '))).then_some(at)
    })?;
    Some((text[..end].trim_end().to_owned(), text[end + 1..].trim()))
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

impl<'a> Reader<'a> {
    fn line(&self) -> Option<&Line<'a>> {
        self.lines.get(self.at)
    }

    /// What begins on the line at hand.
    fn node(&mut self) -> Value {
        let Some(&Line { indent, text, .. }) = self.line() else { return Value::Null };
        if is_item(text) {
            return self.list(indent);
        }
        if pair(text).is_some() {
            return self.table(indent);
        }
        self.at += 1;
        inline(text)
    }

    fn list(&mut self, indent: usize) -> Value {
        let mut items = Vec::new();
        while let Some(line) = self.line().filter(|line| line.indent == indent && is_item(line.text)) {
            let rest = line.text[1..].trim_start();
            if rest.is_empty() {
                self.at += 1;
                items.push(self.node());
                continue;
            }
            // The item is a block of its own, which begins behind the dash.
            let behind = indent + line.text.len() - rest.len();
            let at = self.at;
            self.lines[at] = Line { number: line.number, indent: behind, text: rest };
            items.push(self.node());
        }
        items.into()
    }

    fn table(&mut self, indent: usize) -> Value {
        let mut table = Map::new();
        while let Some(line) = self.line().filter(|line| line.indent == indent && !is_item(line.text)) {
            let (number, (key, rest)) =
                (line.number, pair(line.text).unwrap_or_else(|| panic!("line {}", line.number)));
            self.at += 1;
            let value = match rest.split_once(' ').map_or(rest, |(tag, _)| tag).strip_prefix('!') {
                Some(tag) if tag.len() + 1 == rest.len() => tagged(tag, self.below(indent)),
                None if rest.is_empty() => self.below(indent),
                _ => inline(rest),
            };
            assert!(table.insert(key, value).is_none(), "line {number}: the key is there twice");
        }
        table.into()
    }

    /// What stands below a key. A list may begin where the key does.
    fn below(&mut self, indent: usize) -> Value {
        let is_below = |line: &Line<'_>| line.indent > indent || line.indent == indent && is_item(line.text);
        if self.line().is_some_and(is_below) { self.node() } else { Value::Null }
    }
}

fn tagged(tag: &str, value: Value) -> Value {
    let key = if tag == "Ref" { tag.to_owned() } else { format!("Fn::{tag}") };
    let value = match value {
        Value::String(path) if tag == "GetAtt" => path.split('.').collect::<Vec<_>>().into(),
        other => other,
    };
    Map::from_iter([(key, value)]).into()
}

/// A value on one line.
fn inline(text: &str) -> Value {
    let mut chars = text.chars().peekable();
    let value = flow(&mut chars, "");
    let rest: String = chars.collect();
    assert!(rest.trim().is_empty(), "`{text}` is not understood");
    value
}

fn flow(chars: &mut Peekable<Chars<'_>>, ends: &str) -> Value {
    skip_blanks(chars);
    match chars.peek().copied() {
        Some('[') => {
            let mut items = Vec::new();
            chars.next();
            while !closes(chars, ']') {
                items.push(flow(chars, ",]"));
            }
            items.into()
        }
        Some('{') => {
            let mut table = Map::new();
            chars.next();
            while !closes(chars, '}') {
                let key = flow(chars, ":}");
                skip_blanks(chars);
                assert_eq!(chars.next(), Some(':'), "a key without a value");
                table.insert(key.as_str().unwrap_or_default().to_owned(), flow(chars, ",}"));
            }
            table.into()
        }
        Some(quote @ ('"' | '\'')) => {
            chars.next();
            quoted(chars, quote).into()
        }
        Some('!') => {
            let tag: String = std::iter::from_fn(|| chars.next_if(|c| !c.is_whitespace())).skip(1).collect();
            tagged(&tag, flow(chars, ends))
        }
        _ => {
            let word: String = std::iter::from_fn(|| chars.next_if(|c| !ends.contains(*c))).collect();
            plain(word.trim())
        }
    }
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
}

/// Whether the list or table ends here; a comma before the next item is passed over.
fn closes(chars: &mut Peekable<Chars<'_>>, end: char) -> bool {
    skip_blanks(chars);
    chars.next_if_eq(&',');
    skip_blanks(chars);
    assert!(chars.peek().is_some(), "`{end}` is missing");
    chars.next_if_eq(&end).is_some()
}

fn quoted(chars: &mut Peekable<Chars<'_>>, quote: char) -> String {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => panic!("a quote is not closed: {text}"),
            Some('\\') if quote == '"' => panic!("escapes are beyond this reader: {text}"),
            Some(c) if c == quote => match chars.next_if_eq(&quote) {
                Some(doubled) if quote == '\'' => text.push(doubled),
                _ => return text,
            },
            Some(c) => text.push(c),
        }
    }
}

fn plain(word: &str) -> Value {
    match word {
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        ">" | ">-" | "|" | "|-" => panic!("text over several lines is beyond this reader"),
        // Digits with a zero in front, such as the id of an account, are an octal number to some readers: none is here.
        _ => word.parse::<i64>().map_or_else(|_| word.into(), Into::into),
    }
}

#[test]
fn what_is_written_in_blocks_and_on_lines_is_read() {
    let text = "# about\n---\n- name: \"a # b\" # and c\n  input: {}\n  list:\n  - 1\n  - !Ref x\n  -\n    deep: ['y', z, {\"k\": true}]\n  \
        Fn::GetAtt: [ a, b ]\n  join: !Join\n    - ''\n    - - 'arn:'\n      - !GetAtt a.b.c\n  key\": v-1\n  none:\n- second\n";
    let expected = serde_json::json!([
        {
            "name": "a # b", "input": {}, "list": [1, {"Ref": "x"}, {"deep": ["y", "z", {"k": true}]}],
            "Fn::GetAtt": ["a", "b"], "join": {"Fn::Join": ["", ["arn:", {"Fn::GetAtt": ["a", "b", "c"]}]]},
            "key\"": "v-1", "none": null,
        },
        "second",
    ]);
    assert_eq!(read(text), expected);
}
