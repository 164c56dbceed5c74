//! Which stacks something in the configuration is meant for: a list of their names, or of beginnings of names with a `*` at the end.
//! A stack has one source, and one role: two lists that could mean the same stack are a mistake.

use agent_core::manifest::NameRule;
use agent_core::manifest::names;
use agent_core::source::{Problem, Problems};

use super::{At, Source};

/// Whether a list means a stack.
pub fn means(list: &[String], stack: &str) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(beginning) => stack.starts_with(beginning),
        None => stack == entry,
    })
}

/// Whether there may be a stack that both entries mean.
fn overlap(one: &str, other: &str) -> bool {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (None, None) => one == other,
        (Some(beginning), None) => other.starts_with(beginning),
        (None, Some(beginning)) => one.starts_with(beginning),
        (Some(one), Some(other)) => one.starts_with(other) || other.starts_with(one),
    }
}

/// What is wrong with a list alone.
pub(super) fn check(list: &[String], at: At<'_>, problems: &mut Problems) {
    if list.is_empty() {
        let hint = "names of stacks such as `um`, or beginnings of them such as `web-*`".to_owned();
        at.wrong("stacks", "`stacks` names no stack".to_owned(), Some(hint), problems);
    }
    for (n, entry) in list.iter().enumerate() {
        let span = at.span(&["stacks", &n.to_string()]);
        // The name that it may be the beginning of.
        let name = match entry.strip_suffix('*') {
            None => entry.clone(),
            Some(beginning) if beginning.is_empty() || beginning.ends_with('-') => format!("{beginning}x"),
            Some(beginning) => beginning.to_owned(),
        };
        if let Some(problem) = names::check(NameRule::Plain, "stack", &name, &span) {
            let message = format!("`{entry}` means no stack: {}", problem.message);
            let hint = "the name of a stack, or the beginning of one with a `*` at the end".to_owned();
            problems.push(Problem { message, hint: Some(hint), ..problem });
        }
    }
}

/// Tells of each pair of entries of two lists that could mean the same stack; `what` is what has one.
pub(super) fn check_apart(
    what: &str,
    (one, here): (&[String], At<'_>),
    (other, there): (&[String], At<'_>),
    problems: &mut Problems,
) {
    for (n, entry) in one.iter().enumerate() {
        for (m, earlier) in other.iter().enumerate().filter(|(_, earlier)| overlap(entry, earlier)) {
            let message = if entry == earlier {
                format!("`{entry}` is in the list of another {what} too")
            } else {
                format!("`{entry}` could mean the same stack as `{earlier}` of another {what}")
            };
            let (here, there) = (here.span(&["stacks", &n.to_string()]), there.span(&["stacks", &m.to_string()]));
            let problem = Problem::new("claimed-twice", message).at(&here).also(&there, "that one");
            problems.push(problem.hint(format!("a stack has one {what}: take it out of one of the lists")));
        }
    }
}

/// What is wrong with the lists of all sources; `place` is where one stands.
pub(super) fn check_sources<'a>(sources: &[Source], place: impl Fn(usize) -> At<'a>, problems: &mut Problems) {
    let lists = || sources.iter().enumerate().filter_map(|(n, source)| Some((n, source.stacks.as_deref()?)));
    for (n, list) in lists() {
        check(list, place(n), problems);
        for (m, earlier) in lists().take_while(|(m, _)| *m < n) {
            check_apart("source", (list, place(n)), (earlier, place(m)), problems);
        }
    }
}

/// What a source is to a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It may touch it.
    Own,
    /// Another one may.
    Others(usize),
    /// It may not.
    Nobodys,
}

/// Whether a source may touch a stack: one that its list means, or, where it has none, one that no list of another means.
pub fn claim<'a>(sources: impl Iterator<Item = &'a Source>, source: usize, stack: &str) -> Claim {
    let mut has_list = false;
    for (n, list) in sources.enumerate().filter_map(|(n, source)| Some((n, source.stacks.as_deref()?))) {
        has_list |= n == source;
        if means(list, stack) {
            return if n == source { Claim::Own } else { Claim::Others(n) };
        }
    }
    if has_list { Claim::Nobodys } else { Claim::Own }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::of;
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn a_list_means_names_and_beginnings_of_names() {
        let all = list(&["um", "web-*"]);
        for (stack, is_meant) in [("um", true), ("um-a", false), ("web-", true), ("web-shop", true), ("web", false)] {
            assert_eq!(means(&all, stack), is_meant, "{stack}");
        }
        assert!(means(&list(&["*"]), "anything") && !means(&[], "um"));
    }

    #[test]
    fn two_entries_overlap_when_some_name_fits_both() {
        let cases = [
            ("um", "um", true),
            ("um", "ums", false),
            ("u*", "um", true),
            ("um*", "u*", true),
            ("um-*", "um", false),
            ("*", "x", true),
            ("*", "*", true),
            ("a*", "b*", false),
        ];
        for (one, other, do_overlap) in cases {
            assert_eq!((overlap(one, other), overlap(other, one)), (do_overlap, do_overlap), "{one} {other}");
        }
    }

    #[test]
    fn a_source_without_a_list_has_what_no_other_one_names() {
        let text = "[[source]]\nurl = \"/a\"\nstacks = [\"um\", \"web-*\"]\n[[source]]\nurl = \"/b\"\n\
                    [[source]]\nurl = \"/c\"\nstacks = [\"db\"]\n";
        let config = of(text).unwrap();
        let claim = |source: usize, stack: &str| claim(config.sources().iter(), source, stack);
        assert_eq!([claim(0, "um"), claim(1, "um"), claim(2, "um")], [Claim::Own, Claim::Others(0), Claim::Others(0)]);
        assert_eq!([claim(0, "x"), claim(1, "x"), claim(2, "x")], [Claim::Nobodys, Claim::Own, Claim::Nobodys]);
        let one = of("[source]\nurl = \"/a\"\n").unwrap();
        assert_eq!(super::claim(one.sources().iter(), 0, "um"), Claim::Own);
    }

    #[test]
    fn every_mistake_in_lists_is_told_at_once_with_its_places() {
        let text = "[[source]]\nurl = \"/a\"\nstacks = [\"um\", \"web-*\", \"Web\"]\n\n\
                    [[source]]\nurl = \"/b\"\nbranch = \"dev\"\nstacks = [\"um\", \"web-shop\", \"a*b\"]\n\n\
                    [[source]]\nurl = \"/c\"\nstacks = []\n";
        insta::assert_snapshot!(of(text).unwrap_err());
    }
}
