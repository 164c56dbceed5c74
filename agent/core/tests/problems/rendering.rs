//! How problems are drawn, as text and as data.

use agent_core::source::{Problem, Problems, Sources, Span, escape, render_text};

use crate::{HEADER, after_header, load_tree, snapshot, tree};

#[test]
fn a_very_long_line_is_cut_around_the_place() {
    let padding = "x".repeat(5000);
    snapshot!(after_header(&format!(
        "[service.web]\nenv = {{ A = \"{padding}\", B = 1, C = \"{padding}\" }}\nimage = \"a\"\nmemory = 1\n"
    )));
}

#[test]
fn a_very_long_word_is_cut() {
    snapshot!(after_header(&format!("[network.main]\n{} = 1\n", "k".repeat(100_000))));
}

#[test]
fn columns_are_counted_in_characters() {
    snapshot!(after_header("[stack.tags]\n\"größe\" = { \"ä\" = 1 }\n\t\"日本\"\t= 3\n"));
}

#[test]
fn a_value_over_many_lines_is_shown_by_its_first() {
    snapshot!(after_header("[service.web]\nimage = \"a\"\nmemory = [\n  1,\n  2,\n]\n"));
}

#[test]
fn the_last_line_without_its_end() {
    snapshot!(after_header("[network.main]\nx"));
}

#[test]
fn places_in_two_files_and_none_at_all() {
    let mut sources = Sources::new();
    let a = sources.add("a.toml", "one\ntwo\nthree\n");
    let b = sources.add("b\u{1b}[2J.toml", "four\nfive\n");
    let mut problems = Problems::new();
    problems.push(
        Problem::new("demo", "two places\u{1b}[31m and \u{202e}a mean message\nover two lines")
            .at(&Span::new(b, 5..9))
            .label("here\u{7}")
            .also(&Span::new(a, 4..7), "there")
            .also(&Span::new(a, 0..3), "and there")
            .hint("help\u{1b}[0m yourself"),
    );
    problems.push(Problem::new("demo", "no place").hint("nothing to see"));
    snapshot!(render_text(&problems, &sources, false));
}

#[test]
fn colour_only_when_asked_for() {
    let (_, problems, sources) = load_tree(&tree(&[("stack.toml", &format!("{HEADER}[x]\n"))]));
    assert!(render_text(&problems, &sources, true).contains("\u{1b}["));
    assert!(!render_text(&problems, &sources, false).contains('\u{1b}'));
}

#[test]
fn problems_as_data() {
    let (_, problems, sources) = load_tree(&tree(&[
        ("stack.toml", &format!("{HEADER}\n[network.main]\n[sevice.a]\n")),
        ("b.toml", "[network.main]\n"),
    ]));
    // Their order depends on features of `serde_json` that another crate of the workspace may switch on.
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(problems.to_json(&sources)) });
}

#[test]
fn problems_stand_in_the_order_of_the_text() {
    let mut sources = Sources::new();
    let (a, b) = (sources.add("a", "0123456789"), sources.add("b", "0123456789"));
    let mut problems = Problems::new();
    for (file, at, code) in [(b, 1, "5"), (a, 7, "4"), (a, 2, "2"), (a, 2, "3")] {
        problems.push(Problem::new(code, "x").at(&Span::new(file, at..at + 1)));
    }
    problems.push(Problem::new("1", "x"));
    problems.push(Problem::new("4", "x").at(&Span::new(a, 7..8)));
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code.as_ref()).collect();
    assert_eq!(codes, ["1", "2", "3", "4", "5"]);
    assert!(problems.into_result(()).is_err());
    assert_eq!(Problems::new().into_result(3), Ok(3));
}

#[test]
fn a_span_beyond_the_text_is_drawn_at_its_end() {
    let mut sources = Sources::new();
    let file = sources.add("a.toml", "ä");
    let mut problems = Problems::new();
    problems.push(Problem::new("demo", "beyond").at(&Span::new(file, 100..200)));
    problems.push(Problem::new("demo", "within a character").at(&Span::new(file, 1..2)));
    assert!(render_text(&problems, &sources, false).contains("a.toml:1:2"));
}

#[test]
fn escaping_keeps_what_can_be_seen() {
    assert_eq!(escape("a ü 日本 `x`"), "a ü 日本 `x`");
    assert_eq!(
        escape("\u{1b}[0m\u{7f}\u{9b}\u{202e}\u{200b}\r\n\t"),
        "\\u{1b}[0m\\u{7f}\\u{9b}\\u{202e}\\u{200b}\\r\\n\\t"
    );
    assert_eq!(escape(&"x".repeat(10_000)).chars().count(), 601);
}
