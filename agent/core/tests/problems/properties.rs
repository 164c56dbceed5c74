//! What holds for any input.

use agent_core::manifest::limits::too_deep;
use agent_core::manifest::{Limits, Node, Value, parse::parse, read::FileEntry};
use agent_core::source::{Problems, Sources, render_text};
use proptest::prelude::*;

use crate::{HEADER, bytes_tree, load_tree, tree};

/// Pieces that TOML is made of, well and badly.
fn toml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[".to_owned()),
        Just("]".into()),
        Just("[[".into()),
        Just("]]".into()),
        Just("{".into()),
        Just("}".into()),
        Just("=".into()),
        Just(" = ".into()),
        Just(".".into()),
        Just(",".into()),
        Just("\n".into()),
        Just("\"".into()),
        Just("\"\"\"".into()),
        Just("'".into()),
        Just("'''".into()),
        Just("\\".into()),
        Just("#".into()),
        Just("a".into()),
        Just("service".into()),
        Just("web".into()),
        Just("image".into()),
        Just("stack".into()),
        Just("name".into()),
        Just("1".into()),
        Just("1.5".into()),
        Just("true".into()),
        Just("2026-01-01".into()),
        Just("\r\n".into()),
        Just("\r".into()),
        Just("ä".into()),
        Just("\u{1b}".into()),
        Just("[service.web]\n".into()),
        Just("a.b = 1\n".into()),
        Just("[a.b]\n".into()),
        Just("[[a]]\n".into()),
        Just("b = [1, {c = 2}]\n".into()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Table(table) => 1 + table.iter().map(|(_, entry)| depth(&entry.node)).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A few seconds' worth; `PROPTEST_CASES` does not matter, so that all runs are alike.
const CASES: u32 = 256;

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    /// Neither parsing nor checking nor drawing panics, nothing unsafe reaches the output, and every place is in its
    /// text.
    #[test]
    fn arbitrary_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..400), other in any::<Vec<u8>>()) {
        check(&[("stack.toml", &data), ("b.toml", &other)])?;
    }

    #[test]
    fn broken_toml_never_panics(text in toml_like(), other in toml_like()) {
        check(&[("stack.toml", text.as_bytes()), ("b.toml", other.as_bytes())])?;
        check(&[("stack.toml", format!("{HEADER}{text}").as_bytes())])?;
    }

    /// The count before the parser never finds less depth than the parser makes.
    #[test]
    fn the_tree_is_never_deeper_than_was_counted(text in toml_like(), limit in 1_usize..8) {
        if too_deep(&text, limit).is_none() {
            let (document, _) = toml::de::DeTable::parse_recoverable(&text);
            let found = depth_of(document.get_ref());
            // The root is a level; each name of a header may go through a list that another header made.
            prop_assert!(found <= 2 * limit + 1, "counted at most {limit}, and is {found} deep");
            let lists = text.contains("[[");
            prop_assert!(lists || found <= limit + 1, "counted at most {limit}, and is {found} deep");
        }
    }

    /// What was parsed without a problem says as JSON what the library's own reading says.
    #[test]
    fn the_tree_says_what_toml_says(text in toml_like()) {
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let table = parse("x", text.as_bytes(), &Limits::default(), &mut sources, &mut problems);
        if let (Some(table), true) = (table, problems.is_empty()) {
            let plain: toml::Table = toml::from_str(&text).unwrap();
            prop_assert_eq!(table.len(), plain.len());
            for (key, entry) in table.iter() {
                prop_assert!(plain.contains_key(key));
                prop_assert!(depth(&entry.node) <= Limits::default().depth);
                prop_assert_eq!(sources.get(entry.key_span.file).unwrap().text().get(entry.key_span.range.clone()).is_some(), true);
            }
        }
    }

    #[test]
    fn names_of_files_never_panic(name in ".{0,40}", dir in "[a-z/.]{0,10}") {
        let tree = tree(&[("a/b", "x"), ("stack.toml", HEADER), ("a/stack.toml", HEADER)]);
        if let Ok(data) = tree.named(&dir, &name) {
            let named = tree.files.iter().any(|(_, entry)| matches!(entry, FileEntry::Bytes(bytes) if bytes == data));
            prop_assert!(named && !name.contains(".."));
        }
    }
}

fn depth_of(table: &toml::de::DeTable<'_>) -> usize {
    1 + table.values().map(|value| depth_of_value(value.get_ref())).max().unwrap_or(0)
}

fn depth_of_value(value: &toml::de::DeValue<'_>) -> usize {
    match value {
        toml::de::DeValue::Table(table) => depth_of(table),
        toml::de::DeValue::Array(items) => {
            1 + items.iter().map(|item| depth_of_value(item.get_ref())).max().unwrap_or(0)
        }
        _ => 0,
    }
}

fn check(files: &[(&str, &[u8])]) -> Result<(), TestCaseError> {
    let (_, problems, sources) = load_tree(&bytes_tree(files));
    for colour in [false, true] {
        let text = render_text(&problems, &sources, colour);
        let plain = if colour { strip(&text) } else { text };
        prop_assert!(plain.chars().all(|c| c == '\n' || !c.is_control()));
    }
    for problem in &problems {
        for span in problem.span.iter().chain(problem.also.iter().map(|(span, _)| span)) {
            prop_assert!(sources.line_col(span).is_some());
        }
    }
    let json = problems.to_json(&sources);
    prop_assert_eq!(json["problems"].as_array().unwrap().len(), problems.iter().count());
    Ok(())
}

/// Takes away the styling that the renderer itself writes: `ESC [ digits and semicolons m`.
fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
        if after[end..].starts_with('m') {
            rest = &after[end + 1..];
        } else {
            out.push('\u{1b}');
            rest = after;
        }
    }
    out + rest
}
