//! What tells services that a finding is the one of yesterday, though other lines stand above it now.

use std::collections::{BTreeMap, BTreeSet};

use super::run::Found;
use crate::doc;
use crate::source::{FileId, Sources};

/// How many code units of a text the hash of a line covers.
const BLOCK: usize = 100;

/// Two marks of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// What it is about, whatever line that stands in: stack, rule, message, and which of several of them it is.
    pub(super) own: String,
    /// What GitHub looks at. Its uploader makes this from the text of the line and complains where it finds another, so it is made
    /// in the same way. Two findings of a rule in one line would be one for GitHub: all but the first have their own mark here,
    /// and so have those without a place.
    pub(super) line: String,
}

/// Gives findings their marks, in the order of a run.
#[derive(Default)]
pub(super) struct Marker<'a> {
    hashes: BTreeMap<(*const Sources, FileId), Vec<String>>,
    own: BTreeMap<[&'a str; 3], usize>,
    lines: BTreeSet<(&'a str, String, String)>,
}

impl<'a> Marker<'a> {
    pub(super) fn marks(&mut self, found: &Found<'a>) -> Marks {
        let about = [found.stack.name, found.problem.code.as_ref(), found.problem.message.as_str()];
        let count = self.own.entry(about).or_default();
        *count += 1;
        let digest = doc::digest(&about.join("\0"));
        let own = format!("{}:{count}", &digest[..16]);
        let line = self.line_of(found);
        let line = line.filter(|hash| self.lines.insert((&found.problem.code, found.place().path, hash.clone())));
        Marks { line: line.unwrap_or_else(|| own.clone()), own }
    }

    /// The hash of the line that a finding is in.
    fn line_of(&mut self, found: &Found<'a>) -> Option<String> {
        let span = found.problem.span.as_ref()?;
        let sources = found.stack.sources;
        let text = sources.get(span.file)?.text();
        let hashes = self.hashes.entry((std::ptr::from_ref(sources), span.file)).or_insert_with(|| line_hashes(text));
        hashes.get(sources.line_col(span)?.0 - 1).cloned()
    }
}

/// GitHub's hashes of all lines: of the first hundred UTF-16 code units from the start of a line on, spaces and tabs left out, all
/// line ends the same; and which of several equal ones each is.
fn line_hashes(text: &str) -> Vec<String> {
    let (mut units, mut starts) = (Vec::with_capacity(text.len()), vec![0]);
    let mut after_cr = false;
    for unit in text.encode_utf16() {
        let skipped = unit == u16::from(b' ') || unit == u16::from(b'\t') || (after_cr && unit == u16::from(b'\n'));
        after_cr = unit == u16::from(b'\r');
        if skipped {
            continue;
        }
        let unit = if after_cr { u16::from(b'\n') } else { unit };
        units.push(unit);
        if unit == u16::from(b'\n') {
            starts.push(units.len());
        }
    }
    // The end of the text counts as a character.
    units.push(u16::MAX);
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let hash = |start: &usize| {
        let block = units.get(*start..).unwrap_or_default().iter().copied().chain(std::iter::repeat(0)).take(BLOCK);
        let hash = block.fold(0_u64, |hash, unit| hash.wrapping_mul(37).wrapping_add(u64::from(unit)));
        let count = seen.entry(hash).or_default();
        *count += 1;
        format!("{hash:x}:{count}")
    };
    starts.iter().map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of the tests of GitHub's uploader.
    #[test]
    fn lines_have_the_hashes_that_github_gives_them() {
        assert_eq!(line_hashes(""), ["c129715d7a2bc9a3:1"]);
        let four = ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"];
        assert_eq!(line_hashes(" a\nb\n  \t\tc\n d"), four);
        let seven = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        for text in [
            " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n",
            " hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r",
            " hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n",
            " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
        ] {
            assert_eq!(line_hashes(text), seven);
        }
    }

    #[test]
    fn equal_lines_are_counted() {
        let hashes = line_hashes(&"Lorem ipsum dolor sit amet.\n".repeat(10));
        let first: Vec<String> = (1..=6).map(|n| format!("a7f2ff13bc495cf2:{n}")).collect();
        assert_eq!(hashes[..6], first);
        let rest = ["a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1"];
        assert_eq!(hashes[6..10], rest);
    }
}
