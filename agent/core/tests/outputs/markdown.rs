//! The comment on a pull request.

use agent_core::source::render::{MARKDOWN_MOST, MARKER, render_markdown};
use agent_core::source::{Problem, Severity};

use crate::example::{Example, Stack, example};

/// The tags that are written here.
const TAGS: [&str; 6] = ["<code>", "</code>", "<br>", "<sub>", "</sub>", MARKER];

/// Panics where a text means anything but itself: all that is left, once what is written here is taken away, has no character that
/// begins markup, and none that services look for in what is shown.
pub fn assert_tame(markdown: &str) {
    let mut rest = markdown.to_owned();
    for tag in TAGS {
        rest = rest.replace(tag, " ");
    }
    for line in rest.lines() {
        let head = line.trim_start_matches("#### ").trim_start_matches("### ");
        let cells = if head.starts_with('|') { head.matches('|').count() } else { 5 };
        assert_eq!(cells, 5, "{line}");
        let text = head.replace('|', "").replace("**", "");
        assert!(!text.contains(['<', '>', '`', '*', '_', '[', ']', '\\', '~', '$', '@', '{', '}']), "{line}");
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line}");
        assert!(!text.contains("://") && !text.to_lowercase().contains("www."), "{line}");
        // What is left of `#` and `&` is that of entities.
        let entities = text.matches("&#").count();
        assert_eq!((text.matches('&').count(), text.matches('#').count()), (entities, entities), "{line}");
        let shown = shown(&text);
        for c in ['@', '#', '!'] {
            let bare = shown.match_indices(c).any(|(at, _)| shown[at + 1..].starts_with(|c: char| c.is_alphanumeric()));
            assert!(!bare, "{c} in {shown}");
        }
    }
}

/// A text with its entities resolved, as one that is shown.
fn shown(text: &str) -> String {
    let mut parts = text.split("&#");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        out.push(char::from_u32(number.parse().unwrap()).unwrap());
        out.push_str(rest);
    }
    out
}

#[test]
fn the_comment_of_the_example() {
    let markdown = example().with(render_markdown);
    assert_tame(&markdown);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(markdown) });
}

#[test]
fn a_comment_of_nothing() {
    let stacks = (0..30).map(|n| Stack::new(&format!("stack-{n}"), "stack.toml")).collect();
    let markdown = Example { rules: vec![], stacks }.with(render_markdown);
    assert_tame(&markdown);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(markdown) });
}

#[test]
fn the_marker_is_the_first_line_and_nobody_else_can_write_it() {
    let markdown = example().with(render_markdown);
    assert!(markdown.starts_with(&format!("{MARKER}\n")));
    assert_eq!(markdown.matches(MARKER).count(), 1);
}

#[test]
fn a_comment_that_would_be_too_long_leaves_out_what_matters_least() {
    let stack = |name: String| {
        let mut stack = Stack::new(&name, "stack.toml");
        for n in 0..100 {
            let filler = "@a <b> ".repeat(20);
            stack.problems.push(Problem::new("two-findings", format!("error {n} {filler}")));
            stack.notes.push(Problem::new("advice-only", format!("advice {n}")).severity(Severity::Warning));
        }
        stack
    };
    let mut long = example();
    long.stacks = (0..3).map(|n| stack(format!("s{n}"))).collect();
    let markdown = long.with(render_markdown);
    assert_tame(&markdown);
    assert!(markdown.len() <= MARKDOWN_MOST, "{}", markdown.len());
    assert!(markdown.len() > MARKDOWN_MOST - 8000, "what there is room for is shown: {}", markdown.len());
    let rows = markdown.lines().filter(|line| line.starts_with("| error") || line.starts_with("| warning")).count();
    let left_out = format!("**{} more findings are left out here.**", 600 - rows);
    assert!(markdown.contains(&left_out) && rows < 300, "{rows} rows");
    assert!(!markdown.contains("| warning"), "as long as errors are left out, no advice is shown");
    assert!(markdown.starts_with(&format!("{MARKER}\n### 300 errors, 300 warnings in 3 stacks\n")));
}

#[test]
fn names_that_are_too_long_leave_room_for_the_rest() {
    let mut example = example();
    example.stacks = (0..500).map(|n| Stack::new(&format!("{n}{}", "@".repeat(5000)), "stack.toml")).collect();
    let mut stack = Stack::new(&"@".repeat(5000), &"@".repeat(5000));
    for n in 0..100 {
        let text = format!("{n}{}", "@".repeat(5000));
        stack.problems.push(Problem::new("two-findings", text.clone()).hint(text));
    }
    example.stacks.push(stack);
    let markdown = example.with(render_markdown);
    assert!(markdown.len() <= MARKDOWN_MOST, "{}", markdown.len());
    assert!(markdown.contains(" and 480 more.\n") && markdown.contains("**99 more findings are left out here.**"));
}
