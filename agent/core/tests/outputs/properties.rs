//! What holds for any text.

use agent_core::source::render::{render_github, render_junit, render_markdown, render_sarif};
use agent_core::source::{Problem, Span, escape};
use proptest::prelude::*;
use serde_json::Value;

use crate::example::{Example, Stack, example};
use crate::github::commands;
use crate::json_schema::Schema;
use crate::junit::{ANT, JENKINS};
use crate::markdown::assert_tame;
use crate::xml_schema::faults;

/// Texts of what has a meaning somewhere, and of anything.
fn text() -> impl Strategy<Value = String> {
    let pieces = proptest::sample::select(vec![
        "::", "error ", "\n", "\r", "%", "0A", "25", ",", "=", ":", "##[", "]", "]]>", "<", ">", "&", "&#64;", "\"",
        "'", "`", "``", "|", "\\", "\\|", "*", "_", "[", "](", ")", "@", "#", "1", "a", "www.", "https://", "GH-", "!",
        "$", "~", "{0}", "-->", "\u{1b}", "\u{0}", "\u{fffe}", "\u{202e}", "😀", "é", " ", "</code>", "<!--",
    ]);
    let known = proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => known, 1 => any::<String>()]
}

fn run_of(name: &str, path: &str, content: &str, message: &str, hint: &str, at: usize, length: usize) -> Example {
    let mut stack = Stack::new(name, path);
    let file = stack.sources.add(path, content);
    let span = Span::new(file, at..at + length);
    stack.problems.push(Problem::new("two-findings", message).at(&span).also(&span, hint).hint(hint));
    stack.problems.push(Problem::new("syntax", hint).hint(message));
    Example { stacks: vec![stack], ..example() }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_as_it_was_meant(
        (name, path, content) in (text(), text(), text()),
        (message, hint) in (text(), text()),
        (at, length) in (0_usize..20, 0_usize..20),
    ) {
        let example = run_of(&name, &path, &content, &message, &hint, at, length);

        let github = commands(&example.with(render_github));
        prop_assert_eq!(github.len(), 3);
        let told: Vec<String> = github.into_iter().map(|command| command.unwrap().data).collect();
        let both = |one: &str, two: &str| format!("{}\nhelp: {}", escape(one), escape(two));
        prop_assert_eq!(&told[..2], &[both(&hint, &message), both(&message, &hint)][..]);

        let junit = example.with(render_junit);
        prop_assert_eq!(faults(JENKINS, &junit), Vec::<String>::new());
        prop_assert_eq!(faults(ANT, &junit), Vec::<String>::new());
        let document = roxmltree::Document::parse(&junit).unwrap();
        let failure = document.descendants().rfind(|node| node.has_tag_name("failure")).unwrap();
        let kept = escape(&message).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        prop_assert_eq!(failure.attribute("message"), Some(kept.as_str()));

        assert_tame(&example.with(render_markdown));
    }
}

proptest! {
    // The schema is large.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn whatever_is_written_is_sarif(
        (name, path, content) in (text(), text(), text()),
        (message, hint) in (text(), text()),
        (at, length) in (0_usize..20, 0_usize..20),
    ) {
        let example = run_of(&name, &path, &content, &message, &hint, at, length);
        let sarif: Value = serde_json::from_str(&example.with(render_sarif)).unwrap();
        prop_assert_eq!(Schema::sarif().faults(&sarif), Vec::<String>::new());
    }
}
