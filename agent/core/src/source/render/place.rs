//! Places as other tools want them: lines from 1, columns in the units of most editors, paths as URIs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::text::escape;
use crate::source::{Sources, Span};

/// All that is no letter, digit or separator of folders. A colon too: what is before it would be taken for a scheme.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A file, and where in it. Lines and columns from 1, columns in UTF-16 code units, the end is the place after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Place {
    /// `None` only for a span of other sources.
    pub(super) fn new(span: &Span, sources: &Sources) -> Option<Self> {
        let file = sources.get(span.file)?;
        let at = |offset: usize| {
            let offset = file.floor(offset);
            let line = file.line_of(offset);
            let before = file.text().get(file.line_range(line).start..offset).unwrap_or_default();
            (line + 1, before.encode_utf16().count() + 1)
        };
        let (line, column) = at(span.range.start);
        let (end_line, end_column) = at(span.range.end.max(span.range.start));
        Some(Self { path: file.path().to_owned(), line, column, end_line, end_column })
    }

    /// The beginning of a file.
    pub(super) fn start_of(path: &str) -> Self {
        Self { path: path.to_owned(), line: 1, column: 1, end_line: 1, end_column: 1 }
    }

    /// The path as a URI: relative, unless the path is not.
    pub(super) fn uri(&self) -> String {
        let path = self.path.strip_prefix("./").unwrap_or(&self.path);
        let scheme = if path.starts_with('/') { "file://" } else { "" };
        format!("{scheme}{}", utf8_percent_encode(path, UNSAFE))
    }

    /// `stack.toml:3:7`, for people.
    pub(super) fn shown(&self) -> String {
        format!("{}:{}:{}", escape(&self.path), self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, range: std::ops::Range<usize>) -> (usize, usize, usize, usize) {
        let mut sources = Sources::new();
        let file = sources.add("a", text);
        let place = Place::new(&Span::new(file, range), &sources).unwrap();
        (place.line, place.column, place.end_line, place.end_column)
    }

    #[test]
    fn columns_are_utf_16_code_units() {
        // é is one unit of two bytes, the emoji two units of four bytes.
        assert_eq!(place("é😀x = 1\n", 6..7), (1, 4, 1, 5));
        assert_eq!(place("é😀x = 1\n", 2..6), (1, 2, 1, 4));
    }

    #[test]
    fn a_span_ends_where_its_last_line_does() {
        assert_eq!(place("a = [\r\n  1,\r\n]\r\n", 0..14), (1, 1, 3, 2));
        assert_eq!(place("a\n", 1..1), (1, 2, 1, 2));
    }

    #[test]
    fn what_is_beyond_or_the_wrong_way_round_stays_in_the_text() {
        assert_eq!(place("ab", 7..9), (1, 3, 1, 3));
        #[expect(clippy::reversed_empty_ranges, reason = "that is what it is about")]
        let backwards = 2..1;
        assert_eq!(place("ab", backwards), (1, 3, 1, 3));
    }

    #[test]
    fn paths_are_uris() {
        let uri = |path: &str| Place::start_of(path).uri();
        assert_eq!(uri("stacks/um/stack.toml"), "stacks/um/stack.toml");
        assert_eq!(uri("./a/b.toml"), "a/b.toml");
        assert_eq!(uri("../a.toml"), "../a.toml");
        assert_eq!(uri("C:a b#?%/ü😀\n.toml"), "C%3Aa%20b%23%3F%25/%C3%BC%F0%9F%98%80%0A.toml");
        assert_eq!(uri("/srv/a.toml"), "file:///srv/a.toml");
    }
}
