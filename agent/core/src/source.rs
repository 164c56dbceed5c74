//! The texts that people wrote, places in them, and the problems found there: what every phase from the parser to the
//! policy uses to point at a line of a manifest. It reads no files and decides nothing; [`render`] draws the findings.

pub mod render;

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;

pub use render::{escape, render_text};

/// Names one file of a [`Sources`]. Ordered as the files were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// One text and where it came from.
#[derive(Debug)]
pub struct SourceFile {
    path: String,
    text: String,
    /// Byte offset at which each line begins; never empty.
    lines: Vec<usize>,
}

impl SourceFile {
    /// The path as people know it: relative, with `/` between folders. May hold any character: escape before printing.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text. For a file that is not UTF-8, with U+FFFD in place of what could not be read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number (from 0) of the line that holds this byte.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line (from 0), without its line ending.
    pub(crate) fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let end = if end > start && self.text.as_bytes().get(end - 1) == Some(&b'\r') { end - 1 } else { end };
        start..end.max(start)
    }

    /// Moves an offset back to the start of the character that it is in, and into the text.
    pub(crate) fn floor(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// All texts of a run. Owns them, so that a [`Span`] stays small.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text. The same path may be added twice (two revisions of a file are two texts).
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        let (path, text) = (path.into(), text.into());
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let id = self.next_id();
        self.files.push(SourceFile { path, text, lines });
        id
    }

    /// The id that the next [`Self::add`] gives.
    pub fn next_id(&self) -> FileId {
        FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX))
    }

    /// The files, in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, SourceFile> {
        self.files.iter()
    }

    /// The file of that id; `None` only for an id of another set.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Line and column of where the span begins, both from 1, the column in characters.
    pub fn line_col(&self, span: &Span) -> Option<(usize, usize)> {
        let file = self.get(span.file)?;
        let at = file.floor(span.range.start);
        let line = file.line_of(at);
        let start = file.line_range(line).start;
        Some((line + 1, file.text.get(start..at)?.chars().count() + 1))
    }

    /// The text that a span covers.
    pub fn snippet(&self, span: &Span) -> Option<&str> {
        self.get(span.file)?.text.get(span.range.clone())
    }
}

impl<'a> IntoIterator for &'a Sources {
    type Item = &'a SourceFile;
    type IntoIter = std::slice::Iter<'a, SourceFile>;

    fn into_iter(self) -> Self::IntoIter {
        self.files.iter()
    }
}

/// A place: bytes of one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The bytes in its text.
    pub range: Range<usize>,
}

impl Span {
    /// The bytes `range` of `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self { file, range }
    }

    /// The file as a whole, for what no line of it can be blamed for.
    pub fn start_of(file: FileId) -> Self {
        Self { file, range: 0..0 }
    }
}

/// How much is the matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing goes on before it is mended.
    #[default]
    Error,
    /// Something had better be changed.
    Warning,
    /// Something is not known.
    Note,
}

impl Severity {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over the field as it is")]
    fn is_error(&self) -> bool {
        *self == Self::Error
    }
}

/// Something that people have to change, with the place and the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem, in kebab-case (`unknown-key`), or the rule's id: stable, for tools and for searching the
    /// documentation.
    pub code: Cow<'static, str>,
    /// Whether it is in the way.
    pub severity: Severity,
    /// One line without a full stop. May hold text from manifests: printers escape it.
    pub message: String,
    /// Where. `None` where no file is to blame.
    pub span: Option<Span>,
    /// What to write at the place itself; mostly the message says it all.
    pub label: Option<String>,
    /// Other places that belong to it, each with what it is.
    pub also: Vec<(Span, String)>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, severity: Severity::Error, message, span: None, label: None, also: Vec::new(), hint: None }
    }

    /// Says how much is the matter.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: &Span) -> Self {
        self.span = Some(span.clone());
        self
    }

    /// Says what is at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.also.push((span.clone(), label.into()));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Problems of a run, in the order of files and places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    dropped: usize,
}

impl Problems {
    /// How many are kept. A manifest made to hurt can hold a problem in each of its bytes; nobody reads more than this.
    pub const MOST: usize = 500;

    /// No problems.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one at its place in the order: by file, then by offset; those without a place first. Equal ones stay in
    /// the order of arrival, and the very same problem is kept once.
    pub fn push(&mut self, problem: Problem) {
        let key = |p: &Problem| p.span.as_ref().map(|span| (span.file, span.range.start));
        let at = self.list.partition_point(|other| key(other) <= key(&problem));
        let same = self.list[..at].iter().rev().take_while(|other| key(other) == key(&problem)).any(|o| *o == problem);
        if same {
            return;
        }
        if self.list.len() >= Self::MOST {
            self.dropped += 1;
            return;
        }
        self.list.insert(at, problem);
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: Self) {
        self.dropped += other.dropped;
        for problem in other.list {
            self.push(problem);
        }
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there were, those beyond [`Self::MOST`] included.
    pub fn len(&self) -> usize {
        self.list.len() + self.dropped
    }

    /// How many were not kept.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// The kept ones in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// `value` if there are no problems, else the problems.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The problems as data for tools; nothing is escaped beyond what JSON asks for.
    pub fn to_json(&self, sources: &Sources) -> serde_json::Value {
        let findings: Vec<Finding<'_>> = self.iter().map(|problem| Finding::new(problem, sources)).collect();
        serde_json::json!({ "problems": findings, "dropped": self.dropped })
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.len() {
            1 => f.write_str("one problem in the manifests"),
            n => write!(f, "{n} problems in the manifests"),
        }
    }
}

impl std::error::Error for Problems {}

/// A place as data: file, and line and column from 1.
#[derive(Debug, Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn new(span: &Span, label: Option<&'a str>, sources: &'a Sources) -> Option<Self> {
        let (line, column) = sources.line_col(span)?;
        Some(Self { file: sources.get(span.file)?.path(), line, column, label })
    }
}

/// A problem as data.
#[derive(Debug, Serialize)]
struct Finding<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Severity::is_error")]
    severity: Severity,
    message: &'a str,
    #[serde(flatten)]
    place: Option<Place<'a>>,
    hint: Option<&'a str>,
    also: Vec<Place<'a>>,
}

impl<'a> Finding<'a> {
    fn new(problem: &'a Problem, sources: &'a Sources) -> Self {
        Self {
            code: &problem.code,
            severity: problem.severity,
            message: &problem.message,
            place: problem.span.as_ref().and_then(|span| Place::new(span, problem.label.as_deref(), sources)),
            hint: problem.hint.as_deref(),
            also: problem.also.iter().filter_map(|(span, label)| Place::new(span, Some(label), sources)).collect(),
        }
    }
}
