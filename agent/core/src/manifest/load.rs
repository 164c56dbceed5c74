//! Reads one stack: parses and merges its files, reads the header, sorts the rest into components, direct resources and
//! sections, and checks each against its schema. It goes on after a problem, so that one run shows them all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;

use super::decode::{decode_with, schema_of};
use super::read::{FileEntry, STACK_FILE, StackFiles, find_stacks, join};
use super::tree::{Entry, Node, Table, Value};
use super::{COMMON_KEYS, Common, Declaration, Files, Language, Manifest, NameRule, POLICIES, StackHeader};
use super::{merge, names, overlay, parse, schema, suggest};
use crate::source::{FileId, Problem, Problems, Sources, Span};

/// Reads the stack in the folder `dir` of the tree (empty for the root).
///
/// Adds every problem to `problems`. `None` when the header or a whole file cannot be used; else the manifest, whose
/// declarations say whether they are sound. A manifest with problems is good for further checks and not for planning.
pub fn load(
    files: &StackFiles,
    dir: &str,
    language: &Language,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Manifest> {
    if let Err(reason) = files.check() {
        problems.push(Problem::new("too-much", format!("cannot use the manifests: {reason}")));
        return None;
    }
    let dir = dir.trim_matches('/');
    let Merged { mut table, start, complete, folders } = read_chain(files, dir, language, sources, problems)?;
    let header = table.split_off(|key| key == "stack").into_iter().next().map(|(_, entry)| entry);
    let mut reader =
        Reader { language, problems, components: Vec::new(), direct: Vec::new(), sections: BTreeMap::new() };
    let header = reader.header(header, &start, complete);
    for (key, entry) in table {
        reader.top_level(&key, entry);
    }
    check_renames(&reader.components, reader.problems);
    check_renames(&reader.direct, reader.problems);
    let (stack, stack_node) = header.filter(|_| complete)?;
    let Reader { components, direct, sections, .. } = reader;
    let header_span = stack_node.span.clone();
    let dirs: BTreeSet<&str> = folders.values().map(String::as_str).chain([POLICIES]).collect();
    let files = Files { tree: files.for_stacks(&dirs), folders };
    Some(Manifest { dir: dir.to_owned(), stack, stack_node, header_span, components, direct, sections, files })
}

/// What the files of a stack hold together.
struct Merged {
    table: Table,
    /// The beginning of `stack.toml`.
    start: Span,
    /// Whether every file could be used.
    complete: bool,
    /// The folder of each file.
    folders: BTreeMap<FileId, String>,
}

impl Merged {
    fn starting_at(file: FileId) -> Self {
        Self { table: Table::new(), start: Span::start_of(file), complete: true, folders: BTreeMap::new() }
    }
}

/// Reads a stack and what it stands on, each laid over the next.
fn read_chain(
    files: &StackFiles,
    dir: &str,
    language: &Language,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Merged> {
    let mut levels = vec![(dir.to_owned(), read_all(files, dir, language, sources, problems)?)];
    while let Some((at, level)) = levels.last()
        && let Some((rel, span)) = overlay::extends_of(&level.table)
    {
        let problem = match overlay::base_of(files, at, rel) {
            Ok(base) => match levels.iter().find(|(other, _)| *other == base) {
                None if levels.len() < overlay::DEPTH => {
                    let read = read_all(files, &base, language, sources, problems)?;
                    levels.push((base, read));
                    continue;
                }
                None => overlay::too_deep(),
                Some((_, first)) => overlay::circle(overlay::extends_of(&first.table).map(|(_, span)| span), span),
            },
            Err(problem) => problem,
        };
        // Whatever else would be said of a stack without its base is no help.
        problems.push(problem.at(span));
        return None;
    }
    laid(levels, language, problems)
}

/// The levels of a stack as one, the last at the bottom.
fn laid(mut levels: Vec<(String, Merged)>, language: &Language, problems: &mut Problems) -> Option<Merged> {
    let (_, mut all) = levels.pop()?;
    let is_group = |path: &[&str]| is_group(path, language);
    let is_thing = |path: &[&str]| match path {
        [ty, _] => language.components.contains_key(ty),
        [service, kind, _] => language.kinds.contains_key(format!("{service}.{kind}").as_str()),
        _ => false,
    };
    for (_, level) in levels.into_iter().rev() {
        if let (Some((base, first)), Some((own, span))) =
            (overlay::hand_on(&mut all.table, &is_thing), overlay::name_of(&level.table))
            && base == own
        {
            let problem =
                Problem::new("stack-twice", format!("the stack has the name of the one that it extends: `{own}`"));
            let problem = problem.at(span).also(&first, "this one has it");
            problems.push(problem.hint("names of stacks are unique in an account"));
        }
        overlay::over(&mut all.table, level.table, &is_group, &is_thing, problems);
        all.folders.extend(level.folders);
        all = Merged { start: level.start, complete: all.complete && level.complete, ..all };
    }
    Some(all)
}

/// Whether the table at a path is no thing itself but a collection of things.
fn is_group(path: &[&str], language: &Language) -> bool {
    match path {
        [_] => true,
        [service, kind] => language.kinds.contains_key(format!("{service}.{kind}").as_str()),
        _ => false,
    }
}

/// Parses and merges the `*.toml` files that are directly in the folder, `stack.toml` first. Hidden ones are left out:
/// editors keep their own copies beside a file.
fn read_all(
    files: &StackFiles,
    dir: &str,
    language: &Language,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Merged> {
    let main = join(dir, STACK_FILE);
    if !files.files.contains_key(&main) {
        problems.push(no_stack(files, dir));
        return None;
    }
    let name = |path: &str| match path.rsplit_once('/') {
        Some((folder, name)) if folder == dir => Some(name.to_owned()),
        None if dir.is_empty() => Some(path.to_owned()),
        _ => None,
    };
    let is_toml = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "toml");
    let is_manifest = |path: &str| name(path).is_some_and(|name| is_toml(&name) && !name.starts_with('.'));
    let others = files.files.keys().filter(|path| **path != main && is_manifest(path));
    let is_group = |path: &[&str]| is_group(path, language);
    let mut merged: Option<Merged> = None;
    for path in std::iter::once(&main).chain(others) {
        let Some(entry) = files.files.get(path) else { continue };
        let first = sources.next_id();
        let table = read_one(&files.shown(path), entry, files, sources, problems);
        let merged = merged.get_or_insert_with(|| Merged::starting_at(first));
        merged.folders.insert(first, dir.to_owned());
        match table {
            Some(table) => merge::merge(&mut merged.table, table, &is_group, problems),
            None => merged.complete = false,
        }
    }
    merged
}

fn read_one(
    shown: &str,
    entry: &FileEntry,
    files: &StackFiles,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Table> {
    match entry {
        FileEntry::Bytes(data) => parse::parse(shown, data, &files.limits, sources, problems),
        FileEntry::TooLarge { bytes } => {
            let file = sources.add(shown, "");
            problems.push(parse::too_large(*bytes, &files.limits).at(&Span::start_of(file)));
            None
        }
        refused => {
            let file = sources.add(shown, "");
            let (reason, hint) = refused.refusal(&files.limits);
            let problem = Problem::new("file-refused", format!("the manifest {reason}"));
            problems.push(problem.at(&Span::start_of(file)).hint(hint));
            None
        }
    }
}

fn no_stack(files: &StackFiles, dir: &str) -> Problem {
    let shown = files.shown(dir);
    let shown = if shown.is_empty() { "." } else { shown.trim_end_matches('/') };
    let problem = Problem::new("no-stack", format!("there is no `{STACK_FILE}` in `{shown}`"));
    let stacks = find_stacks(files);
    match suggest::nearest(dir, stacks.iter().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean `{}`?", files.shown(near))),
        None if stacks.is_empty() => problem.hint("a stack is a folder with a `stack.toml` that holds `[stack]`"),
        None => problem.hint(format!("the stacks are {}", suggest::list(stacks.iter().map(String::as_str), "and"))),
    }
}

/// Sorts what the top level of a manifest holds.
struct Reader<'a> {
    language: &'a Language,
    problems: &'a mut Problems,
    components: Vec<Declaration>,
    direct: Vec<Declaration>,
    sections: BTreeMap<String, Node>,
}

impl Reader<'_> {
    fn header(&mut self, entry: Option<Entry>, start: &Span, complete: bool) -> Option<(StackHeader, Node)> {
        let Some(entry) = entry else {
            // It may be in the file that could not be read.
            if complete {
                let problem = Problem::new("missing-key", "the stack has no `[stack]`").at(start);
                self.problems.push(problem.hint("it begins with `[stack]`, `name = \"…\"` and `region = \"…\"`"));
            }
            return None;
        };
        StackHeader::read(&entry.node, self.problems).map(|header| (header, entry.node))
    }

    fn top_level(&mut self, key: &str, entry: Entry) {
        let language = self.language;
        if let Some(component) = language.components.get(key) {
            for (name, entry) in self.named_tables(key, entry) {
                let declaration = self.declare(key, name, entry, Some(&component.schema), component.names);
                self.components.push(declaration);
            }
        } else if let Some(section) = language.sections.get(key) {
            schema::check(&section.schema, &entry.node, key, &[], self.problems);
            self.sections.insert(key.to_owned(), entry.node);
        } else if language.kinds.keys().any(|kind| kind.split_once('.').is_some_and(|(service, _)| service == key)) {
            self.direct_resources(key, entry);
        } else {
            self.unknown(key, &entry);
        }
    }

    fn direct_resources(&mut self, service: &str, entry: Entry) {
        let language = self.language;
        let of_service = |kind: &&&str| kind.split_once('.').is_some_and(|(own, _)| own == service);
        let kinds: Vec<&str> = language.kinds.keys().filter(of_service).copied().collect();
        let Value::Table(table) = entry.node.value else {
            let problem = Problem::new("unknown-key", format!("`{service}` is no key of a manifest"));
            self.problems
                .push(problem.at(&entry.key_span).hint(format!("resources are written `[{service}.KIND.NAME]`")));
            return;
        };
        for (word, entry) in table {
            let kind = format!("{service}.{word}");
            match language.kinds.get(kind.as_str()) {
                Some(known) if known.schema.is_some() => {
                    for (name, entry) in self.named_tables(&kind, entry) {
                        let declaration = self.declare(&kind, name, entry, known.schema.as_ref(), NameRule::Plain);
                        self.direct.push(declaration);
                    }
                }
                Some(_) => {
                    let problem = Problem::new("not-direct", format!("`{kind}` cannot be written down by itself"));
                    self.problems.push(problem.at(&entry.key_span).hint("it is made by components"));
                }
                None => self.unknown_kind(&kind, &kinds, &entry.key_span),
            }
        }
    }

    fn unknown_kind(&mut self, kind: &str, known: &[&str], span: &Span) {
        let problem = Problem::new("unknown-kind", format!("there is no kind `{kind}`")).at(span);
        self.problems.push(Problem { hint: suggest::hint(kind, known, "the kinds are"), ..problem });
    }

    fn unknown(&mut self, key: &str, entry: &Entry) {
        let language = self.language;
        let known: Vec<&str> =
            ["stack"].into_iter().chain(language.components.keys().chain(language.sections.keys()).copied()).collect();
        let problem = if entry.node.as_table().is_some() {
            let problem = Problem::new("unknown-component", format!("there is no component type `{key}`"));
            Problem { hint: suggest::hint(key, &known, "a manifest holds"), ..problem }
        } else {
            let problem = Problem::new("unknown-key", format!("`{key}` stands outside of any table"));
            problem.hint("move it below the header that it belongs to, such as `[stack]`")
        };
        self.problems.push(problem.at(&entry.key_span));
    }

    /// The tables `[key.name]` under a top-level key, complaining about all else that is there.
    fn named_tables(&mut self, key: &str, entry: Entry) -> Vec<(String, Entry)> {
        let hint = format!("each has a name: `[{key}.main]`");
        let nameless = |span: &Span| {
            let problem = Problem::new("needs-name", format!("the keys of a `{key}` stand under `[{key}.NAME]`"));
            problem.at(span).hint(hint.clone())
        };
        let Value::Table(table) = entry.node.value else {
            self.problems.push(nameless(&entry.key_span));
            return Vec::new();
        };
        if table.is_empty() {
            self.problems.push(nameless(&entry.key_span));
        }
        let (tables, others): (Vec<_>, Vec<_>) =
            table.into_iter().partition(|(_, entry)| entry.node.as_table().is_some());
        let (taken, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(_, entry)| entry.node.value == Value::Boolean(false));
        for (name, entry) in taken {
            let name = schema::child_name(key, &name);
            let message = format!("`{name} = false` takes nothing away: this stack extends no other");
            let problem = Problem::new("unknown-component", message).at(&entry.key_span);
            self.problems.push(problem.hint("take the line away"));
        }
        if let Some((name, other)) = others.first() {
            let is_list_of_tables =
                matches!(&other.node.value, Value::Array(items) if items.iter().any(|i| i.as_table().is_some()));
            let problem = nameless(&other.key_span);
            self.problems.push(if is_list_of_tables {
                problem.hint(format!("there is one of each name: write `[{key}.{name}]`, in single brackets"))
            } else {
                problem
            });
        }
        tables
    }

    fn declare(
        &mut self,
        kind: &str,
        name: String,
        entry: Entry,
        schema: Option<&Json>,
        rule: NameRule,
    ) -> Declaration {
        let before = self.problems.len();
        let Entry { key_span, mut node } = entry;
        if let Some(problem) = names::check(rule, kind, &name, &key_span) {
            self.problems.push(problem);
        }
        let taken = node.as_table_mut().map(|table| table.split_off(|key| COMMON_KEYS.contains(&key)));
        let common_node = Node { span: node.span.clone(), value: Value::Table(taken.unwrap_or_default()) };
        let address = schema::child_name(kind, &name);
        let common = self.common(&common_node, &address);
        for (n, former) in common.former_names().iter().enumerate() {
            let span = common_node.locate(&["renamed_from", &n.to_string()]);
            if let Some(problem) = names::check(rule, kind, former, &span) {
                self.problems.push(problem);
            }
        }
        if let Some(schema) = schema {
            schema::check(schema, &node, &address, &COMMON_KEYS, self.problems);
        }
        let sound = self.problems.len() == before;
        Declaration { kind: kind.to_owned(), name, name_span: key_span, node, common_node, common, sound }
    }

    fn common(&mut self, node: &Node, address: &str) -> Common {
        let mut rest = node.clone();
        let Some(table) = rest.as_table_mut().filter(|table| !table.is_empty()) else { return Common::default() };
        let overrides = table.split_off(|key| key == "override");
        let mut common: Common =
            decode_with(schema_of::<Common>(), &rest, address, &[], self.problems).unwrap_or_default();
        for (_, entry) in overrides {
            common.overrides = self.overrides(entry, address);
        }
        // Straight from the tree, so that a slip elsewhere in the common keys does not hide it.
        let adopted = node.child("adopt").and_then(Node::as_table);
        for (kind, entry) in adopted.into_iter().flat_map(Table::iter) {
            self.known_kind(kind, &entry.key_span);
        }
        for (index, ignore) in common.ignore.iter().enumerate() {
            for (key, value) in [("path", &ignore.path), ("reason", &ignore.reason)] {
                if value.trim().is_empty() {
                    let span = node.locate(&["ignore", &index.to_string(), key]);
                    let problem =
                        Problem::new("out-of-range", format!("`{address}.ignore[{index}].{key}` must not be empty"));
                    self.problems.push(problem.at(&span));
                }
            }
        }
        common
    }

    fn overrides(&mut self, entry: Entry, address: &str) -> BTreeMap<String, Node> {
        let mut out = BTreeMap::new();
        let hint = format!("write `[{address}.override.\"ecs.service\"]`");
        let wrong = |what: &Node, problems: &mut Problems| {
            let message = format!("`{address}.override` holds tables by kind, and this is {}", what.value.what());
            problems.push(Problem::new("wrong-type", message).at(&what.span).hint(hint.clone()));
        };
        let Value::Table(table) = entry.node.value else {
            wrong(&entry.node, self.problems);
            return out;
        };
        for (kind, entry) in table {
            if entry.node.as_table().is_none() {
                wrong(&entry.node, self.problems);
                continue;
            }
            match self.without_quotes(&kind, &entry.node) {
                Some(meant) => {
                    let problem = Problem::new("unknown-kind", format!("there is no kind `{kind}`"));
                    let hint = format!("a kind is one key, in quotes: `[{address}.override.\"{meant}\"]`");
                    self.problems.push(problem.at(&entry.key_span).hint(hint));
                }
                None => self.known_kind(&kind, &entry.key_span),
            }
            out.insert(kind, entry.node);
        }
        out
    }

    /// The kind that is meant by `override.ecs.service`, which is a table in a table.
    fn without_quotes(&self, word: &str, below: &Node) -> Option<String> {
        let kinds = below.as_table()?.keys().map(|key| format!("{word}.{key}"));
        let mut known = kinds.filter(|kind| self.language.kinds.contains_key(kind.as_str()));
        known.next().filter(|_| !word.contains('.'))
    }

    /// Complains about a kind (`ecs.service`, or with a key `ec2.subnet.private-1`) that the language does not have.
    fn known_kind(&mut self, written: &str, span: &Span) {
        let end = written.match_indices('.').nth(1).map_or(written.len(), |(at, _)| at);
        let kind = written.get(..end).unwrap_or(written);
        if !self.language.kinds.contains_key(kind) {
            let known: Vec<&str> = self.language.kinds.keys().copied().collect();
            self.unknown_kind(kind, &known, span);
        }
    }
}

/// A former name must be free: what had it is now called otherwise.
fn check_renames(all: &[Declaration], problems: &mut Problems) {
    let current: BTreeMap<(&str, &str), &Declaration> =
        all.iter().map(|decl| ((decl.kind.as_str(), decl.name.as_str()), decl)).collect();
    let mut former: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    for decl in all {
        for (n, old) in decl.common.former_names().iter().enumerate() {
            let span = decl.common_node.locate(&["renamed_from", &n.to_string()]);
            let address = format!("{}.{old}", decl.kind);
            let bad = |message: String| Problem::new("bad-rename", message).at(&span);
            if old == &decl.name {
                problems.push(bad(format!("`{address}` is its own former name")).hint("take `renamed_from` away"));
            } else if let Some(other) = current.get(&(decl.kind.as_str(), old.as_str())) {
                let problem = bad(format!("`{address}` is still there, so nothing can be renamed from it"));
                problems.push(problem.also(&other.name_span, "it is here"));
            }
            if let Some(first) = former.insert((&decl.kind, old), span.clone()) {
                let problem = bad(format!("two components are renamed from `{address}`"));
                problems.push(problem.also(&first, "the other one"));
            }
        }
    }
}
