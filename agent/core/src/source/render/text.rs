//! Draws problems for people: message, file, line, excerpt and hint. Manifests are untrusted, so nothing of theirs
//! reaches a terminal as a control character, and the work per problem does not depend on the size of the file.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::source::{Problem, Problems, Severity, SourceFile, Sources, Span};

/// Widest excerpt of a line, in characters; what is left out shows as `…`.
const WIDTH: usize = 120;
/// How much of a long line stands before the place.
const BEFORE: usize = 40;
/// Places at most this many lines apart share an excerpt.
const NEAR: usize = 4;
/// Longest message, label or hint, in characters.
const LONGEST: usize = 600;

/// Draws all problems, each followed by an empty line. `colour` asks for terminal styling.
pub fn render_text(problems: &Problems, sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for problem in problems {
        out.push_str(&render_one(problem, sources, &renderer));
        out.push_str("\n\n");
    }
    if problems.dropped() > 0 {
        out.extend(["and ", &problems.dropped().to_string(), " more problems\n"]);
    }
    out
}

/// Makes a text safe for a terminal: control characters and those that change the direction or hide text become
/// `\u{1b}`, and what is longer than a few lines is cut.
pub fn escape(text: &str) -> String {
    escape_within(text, LONGEST)
}

/// The same, cut after so many characters.
pub fn escape_within(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count >= most {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Whether a terminal or a reader could be misled by the character: controls, bidirectional overrides, invisible ones
/// and line separators that no tool counts alike.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

struct Mark<'a> {
    span: &'a Span,
    label: Option<&'a str>,
    primary: bool,
}

fn render_one(problem: &Problem, sources: &Sources, renderer: &Renderer) -> String {
    let primary = problem.span.iter().map(|span| Mark { span, label: problem.label.as_deref(), primary: true });
    let others = problem.also.iter().map(|(span, label)| Mark { span, label: Some(label), primary: false });
    let marks: Vec<Mark<'_>> = primary.chain(others).collect();

    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(escape(&problem.message)).id(escape(&problem.code));
    let mut group = Group::with_title(title);
    let mut places = Vec::new();
    for cluster in clusters(&marks, sources) {
        let (with_cluster, place) = add_cluster(group, &cluster, sources);
        group = with_cluster;
        places.extend(place);
    }
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.message(escape(hint)));
    }
    places.iter().fold(renderer.render(&[group]), |text, place| place.put_right(text))
}

/// Where an excerpt really begins. The library counts columns from the beginning of the line that it is given, which is
/// wrong for a line of which the beginning is cut off.
struct Place {
    path: String,
    line: usize,
    column: usize,
}

impl Place {
    fn put_right(&self, text: String) -> String {
        let before = format!("{}:{}:", self.path, self.line);
        let title = text.find('\n').unwrap_or(text.len());
        let Some(at) = text.get(title..).and_then(|rest| rest.find(&before)) else { return text };
        let (head, tail) = text.split_at(title + at + before.len());
        format!("{head}{}{}", self.column, tail.trim_start_matches(|c: char| c.is_ascii_digit()))
    }
}

/// Marks of one file that are near one another are drawn together; the first mark of each leads.
fn clusters<'m, 'a>(marks: &'m [Mark<'a>], sources: &Sources) -> Vec<Vec<&'m Mark<'a>>> {
    let line = |mark: &Mark<'_>| sources.get(mark.span.file).map_or(0, |file| file.line_of(mark.span.range.start));
    let mut found: Vec<Vec<&Mark<'_>>> = Vec::new();
    for mark in marks {
        let near = |other: &&&Mark<'_>| other.span.file == mark.span.file && line(other).abs_diff(line(mark)) <= NEAR;
        match found.iter_mut().find(|cluster| cluster.first().iter().any(near)) {
            Some(cluster) => cluster.push(mark),
            None => found.push(vec![mark]),
        }
    }
    found
}

fn add_cluster<'g>(group: Group<'g>, cluster: &[&Mark<'_>], sources: &Sources) -> (Group<'g>, Option<Place>) {
    let Some(first) = cluster.first() else { return (group, None) };
    let Some(file) = sources.get(first.span.file) else { return (group, None) };
    let path = escape(file.path());
    if file.text().is_empty() {
        return (group.element(Origin::path(path)), None);
    }
    let excerpt = Excerpt::new(file, cluster);
    let annotations: Vec<Annotation<'g>> = cluster
        .iter()
        .zip(&excerpt.ranges)
        .map(|(mark, range)| {
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            kind.span(range.clone()).label(mark.label.map(escape))
        })
        .collect();
    let snippet = Snippet::source(excerpt.text).path(path.clone()).line_start(excerpt.line).fold(false);
    let place = sources.line_col(first.span).filter(|_| excerpt.cut).map(|(line, column)| Place { path, line, column });
    (group.element(snippet.annotations(annotations)), place)
}

/// The lines to show, cut to a width and made safe, and where the marks are in them.
struct Excerpt {
    text: String,
    line: usize,
    ranges: Vec<Range<usize>>,
    /// Whether the beginning of a line is left out.
    cut: bool,
}

impl Excerpt {
    fn new(file: &SourceFile, cluster: &[&Mark<'_>]) -> Self {
        let spans: Vec<Range<usize>> = cluster.iter().map(|mark| first_line_of(file, &mark.span.range)).collect();
        let lines = spans.iter().map(|span| file.line_of(span.start));
        let from = lines.clone().min().unwrap_or(0);
        let to = lines.max().unwrap_or(0);
        let mut excerpt = Self { text: String::new(), line: from + 1, ranges: vec![0..0; spans.len()], cut: false };
        for line in from..=to {
            if line > from {
                excerpt.text.push('\n');
            }
            let here: Vec<usize> = (0..spans.len()).filter(|i| file.line_of(spans[*i].start) == line).collect();
            excerpt.add_line(file, line, &here, &spans);
        }
        excerpt
    }

    /// Copies a window of the line that begins shortly before its first mark.
    fn add_line(&mut self, file: &SourceFile, line: usize, here: &[usize], spans: &[Range<usize>]) {
        let range = file.line_range(line);
        let text = file.text().get(range.clone()).unwrap_or_default();
        let first = here.iter().map(|i| spans[*i].start - range.start).min().unwrap_or(0);
        let skip = window_start(text, first);
        let begin = self.text.len();
        if skip > 0 {
            self.text.push('…');
            self.cut = true;
        }
        for i in here {
            self.ranges[*i] = begin..begin;
        }
        let shown = text.char_indices().skip_while(|(offset, _)| *offset < skip);
        for (taken, (offset, c)) in shown.enumerate() {
            if taken >= WIDTH {
                self.text.push('…');
                break;
            }
            let at = range.start + offset;
            let start = self.text.len();
            self.text.push(safe_in_excerpt(c));
            for i in here {
                if at == spans[*i].start {
                    self.ranges[*i] = start..self.text.len();
                } else if spans[*i].contains(&at) {
                    self.ranges[*i].end = self.text.len();
                }
            }
        }
        for i in here {
            if spans[*i].start >= range.start + text.len() {
                self.ranges[*i] = self.text.len()..self.text.len();
            }
        }
    }
}

/// Where to begin a line so that the byte `first` is in view: 0 for a line that fits.
fn window_start(text: &str, first: usize) -> usize {
    if text.len() <= WIDTH || text.chars().take(WIDTH + 1).count() <= WIDTH {
        return 0;
    }
    let before = text.get(..first).unwrap_or(text);
    before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at)
}

/// A span cut to its first line, on character boundaries.
fn first_line_of(file: &SourceFile, range: &Range<usize>) -> Range<usize> {
    let start = file.floor(range.start);
    let line = file.line_range(file.line_of(start));
    let start = start.min(line.end);
    start..file.floor(range.end).clamp(start, line.end)
}

/// One character for one, so that columns stay what they are.
fn safe_in_excerpt(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    }
}
