//! Compares a tree with a JSON schema (draft 2020-12, as schemars makes it from our types) and reports every
//! difference in words for people. It is no general validator: `format` other than of numbers and dates is ignored, and
//! of patterns only those for map keys are known, because what a text may hold is checked by the types themselves.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::suggest;
use super::tree::{Entry, Node, Table, Value};
use super::variants;
use crate::source::{Problem, Problems, Span};

/// Steps after which a walk ends: schemas whose variants nest could otherwise multiply the work.
const MOST_STEPS: usize = 200_000;
/// References in a row that are followed.
const MOST_REFS: usize = 32;

/// Walks `node`, called `name` in messages, against `schema`. Adds a problem for each difference and answers whether
/// there were none. `also_known` are keys of the node itself that the schema does not have and people may mean.
pub fn check(schema: &Json, node: &Node, name: &str, also_known: &[&str], problems: &mut Problems) -> bool {
    let mut walk = Walk { root: schema, also_known, found: Vec::new(), steps: 0 };
    walk.node(schema, node, name);
    if walk.steps > MOST_STEPS {
        walk.add(Problem::new("too-complex", format!("`{name}` is too complex to be checked")).at(&node.span), 1);
    }
    let sound = walk.found.is_empty();
    for found in walk.found {
        problems.push(found.problem);
    }
    sound
}

/// A problem and how much it speaks against the variant of a type that it was found with.
pub(super) struct Found {
    pub(super) problem: Problem,
    pub(super) weight: u32,
}

pub(super) struct Walk<'s> {
    pub(super) root: &'s Json,
    /// Keys known beside those of the schema, for the outermost table.
    also_known: &'s [&'s str],
    pub(super) found: Vec<Found>,
    pub(super) steps: usize,
}

impl<'s> Walk<'s> {
    /// A walk over the same schema that may be thrown away.
    pub(super) fn trial(&self) -> Self {
        Walk { root: self.root, also_known: self.also_known, found: Vec::new(), steps: self.steps }
    }

    pub(super) fn add(&mut self, problem: Problem, weight: u32) {
        self.found.push(Found { problem, weight });
    }

    /// Follows references; what stands beside a reference is documentation.
    pub(super) fn resolve<'a>(&self, schema: &'a Json) -> &'a Json
    where
        's: 'a,
    {
        let mut at = schema;
        for _ in 0..MOST_REFS {
            let Some(reference) = at.get("$ref").and_then(Json::as_str) else { return at };
            let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else {
                return at;
            };
            at = target;
        }
        &Json::Null
    }

    pub(super) fn node(&mut self, schema: &Json, node: &Node, name: &str) {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return;
        }
        let doc = first_sentence(schema);
        let schema = self.resolve(schema);
        let map = match schema {
            Json::Bool(false) => {
                self.add(Problem::new("not-allowed", format!("`{name}` is not allowed here")).at(&node.span), 5);
                return;
            }
            Json::Object(map) => map,
            _ => return,
        };
        for part in map.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.node(part, node, name);
        }
        if let Some(list) = map.get("anyOf").or_else(|| map.get("oneOf")).and_then(Json::as_array) {
            self.variants(map, list, node, name, doc.as_deref());
            return;
        }
        if !type_fits(map, node) {
            self.wrong_type(&variants::expected_words(map), node, name, doc.as_deref());
            return;
        }
        if let Some(allowed) = variants::allowed_values(map) {
            self.one_of(&allowed, node, name);
            return;
        }
        match &node.value {
            Value::Table(table) => self.table(map, table, &node.span, name),
            Value::Array(items) => self.list(map, items, &node.span, name),
            Value::String(text) => self.text(map, text, &node.span, name),
            Value::Integer(_) | Value::Float(_) => self.number(map, node, name),
            Value::Boolean(_) | Value::Datetime(_) => {}
        }
    }

    pub(super) fn wrong_type(&mut self, expected: &str, node: &Node, name: &str, doc: Option<&str>) {
        let message = format!("`{name}` must be {expected}, and is {}", node.value.what());
        let hint = quoting_hint(expected, &node.value).or_else(|| doc.map(|doc| format!("`{}`: {doc}", last(name))));
        self.add(Problem { hint, ..Problem::new("wrong-type", message).at(&node.span) }, 5);
    }

    pub(super) fn one_of(&mut self, allowed: &[&Json], node: &Node, name: &str) {
        let value = node.to_json();
        if allowed.contains(&&value) {
            return;
        }
        // What may be left out has `null` among its values, for which TOML has no word.
        let words: Vec<String> = allowed
            .iter()
            .filter(|v| !v.is_null())
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let written = node.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let problem = Problem::new("unknown-value", format!("`{written}` is not a value of `{name}`")).at(&node.span);
        let all = format!("it takes {}", suggest::list(words.iter().copied(), "or"));
        // Numbers are not misspelt.
        let meant = node.as_str().and_then(|written| suggest::nearest(written, words.iter().copied()));
        let hint = match meant {
            Some(near) if words.len() == 1 => format!("did you mean `{near}`?"),
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all,
        };
        self.add(problem.hint(hint), 1);
    }

    fn table(&mut self, map: &Map<String, Json>, table: &Table, span: &Span, name: &str) {
        let outermost = std::mem::take(&mut self.also_known);
        let properties = map.get("properties").and_then(Json::as_object);
        let patterns = map.get("patternProperties").and_then(Json::as_object);
        let rest = map.get("additionalProperties").or_else(|| map.get("unevaluatedProperties"));
        let mut known: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        // Their order in the map depends on features of `serde_json` that another crate may switch on.
        known.sort_unstable();
        let mut missing: Vec<&str> =
            map.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        missing.retain(|key| table.get(key).is_none());
        let mut lacking = missing.clone();
        for (key, entry) in table.iter() {
            let child = child_name(name, key);
            if let Some(names) = map.get("propertyNames") {
                let key_node = Node { span: entry.key_span.clone(), value: Value::String(key.to_owned()) };
                self.node(names, &key_node, &child);
            }
            let by_pattern =
                || patterns?.iter().find(|(pattern, _)| matches_pattern(pattern, key)).map(|(_, schema)| schema);
            match properties.and_then(|all| all.get(key)).or_else(by_pattern).or(rest) {
                Some(Json::Bool(false)) => {
                    let numbers = patterns.is_some_and(|all| all.keys().any(|pattern| is_number_pattern(pattern)));
                    let all: Vec<&str> = known.iter().chain(outermost).copied().collect();
                    // Nobody reads so many, and each suggestion costs.
                    let enough = self.found.len() > Problems::MOST;
                    let meant = if enough { None } else { suggest::nearest(key, all.iter().copied()) };
                    let problem = unknown_key(key, entry, name, &all, meant, numbers);
                    lacking.retain(|other| Some(*other) != meant);
                    self.add(problem, if meant.is_some() { 4 } else { 10 });
                }
                Some(schema) => self.node(schema, &entry.node, &child),
                None => {}
            }
        }
        if !lacking.is_empty() {
            self.missing(&lacking, properties, span, name);
        } else if !missing.is_empty() {
            // The only ones missing are those that unknown keys were meant to be.
            let weight = u32::try_from(missing.len()).unwrap_or(u32::MAX);
            if let Some(found) = self.found.last_mut() {
                found.weight = found.weight.saturating_add(weight);
            }
        }
        self.count(map, ["minProperties", "maxProperties"], table.len(), "keys", span, name);
        self.also_known = outermost;
    }

    fn missing(&mut self, keys: &[&str], properties: Option<&Map<String, Json>>, span: &Span, name: &str) {
        let problem =
            Problem::new("missing-key", format!("`{name}` lacks {}", suggest::list(keys.iter().copied(), "and")));
        let docs: Vec<String> = keys
            .iter()
            .filter_map(|key| Some(format!("`{key}`: {}", first_sentence(properties?.get(*key)?)?)))
            .collect();
        let hint = if docs.is_empty() { None } else { Some(docs.join("; ")) };
        let weight = u32::try_from(keys.len()).unwrap_or(u32::MAX).saturating_mul(5);
        self.add(Problem { hint, ..problem.at(span) }, weight);
    }

    fn list(&mut self, map: &Map<String, Json>, items: &[Node], span: &Span, name: &str) {
        let outermost = std::mem::take(&mut self.also_known);
        let fixed = map.get("prefixItems").and_then(Json::as_array);
        for (at, item) in items.iter().enumerate() {
            let schema = fixed.and_then(|list| list.get(at)).or_else(|| map.get("items"));
            if let Some(schema) = schema {
                self.node(schema, item, &format!("{name}[{at}]"));
            }
        }
        self.count(map, ["minItems", "maxItems"], items.len(), "items", span, name);
        if map.get("uniqueItems") == Some(&Json::Bool(true)) {
            let mut seen = std::collections::BTreeMap::new();
            for item in items {
                if let Some(first) = seen.insert(item.to_json().to_string(), &item.span) {
                    let problem = Problem::new("defined-twice", format!("`{name}` holds the same item twice"));
                    self.add(problem.at(&item.span).label("again here").also(first, "first here"), 1);
                }
            }
        }
        self.also_known = outermost;
    }

    fn text(&mut self, map: &Map<String, Json>, text: &str, span: &Span, name: &str) {
        self.count(map, ["minLength", "maxLength"], text.chars().count(), "characters", span, name);
    }

    /// Too few or too many of something.
    fn count(&mut self, map: &Map<String, Json>, bounds: [&str; 2], has: usize, of: &str, span: &Span, name: &str) {
        let bound = |key: &str| map.get(key).and_then(Json::as_u64).and_then(|bound| usize::try_from(bound).ok());
        let [least, most] = bounds.map(bound);
        let problem = if most.is_some_and(|most| has > most) {
            format!("`{name}` has {has} {of}, and may have {} at most", most.unwrap_or_default())
        } else if least == Some(1) && has == 0 {
            format!("`{name}` must not be empty")
        } else if least.is_some_and(|least| has < least) {
            format!("`{name}` has {has} {of}, and needs {} at least", least.unwrap_or_default())
        } else {
            return;
        };
        self.add(Problem::new("out-of-range", problem).at(span), 1);
    }

    fn number(&mut self, map: &Map<String, Json>, node: &Node, name: &str) {
        let value = match node.value {
            // The bounds of manifests are far below 2^52, where the next number is one away.
            #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => return,
        };
        let format = map.get("format").and_then(Json::as_str).and_then(format_range);
        let own = |key: &str| map.get(key).and_then(Json::as_f64);
        let least = own("minimum").or(format.map(|(least, _)| least));
        let most = own("maximum").or(format.map(|(_, most)| most));
        let step = own("multipleOf").filter(|step| *step > 0.0 && value % step != 0.0);
        let low =
            least.is_some_and(|least| value < least) || own("exclusiveMinimum").is_some_and(|least| value <= least);
        let high = most.is_some_and(|most| value > most) || own("exclusiveMaximum").is_some_and(|most| value >= most);
        if !low && !high && step.is_none() {
            return;
        }
        let rule = match (least, most) {
            (Some(least), Some(most)) if most <= f64::from(u16::MAX) => format!("from {least} to {most}"),
            (_, Some(most)) if high => format!("at most {most}"),
            (Some(least), _) if low => format!("at least {least}"),
            _ => match (own("exclusiveMinimum"), own("exclusiveMaximum"), step) {
                (Some(least), _, _) if low => format!("more than {least}"),
                (_, Some(most), _) if high => format!("less than {most}"),
                (_, _, step) => format!("a multiple of {}", step.unwrap_or(1.0)),
            },
        };
        let how = if low {
            "is too small"
        } else if high {
            "is too large"
        } else {
            "does not fit"
        };
        let problem = Problem::new("out-of-range", format!("{value} {how} for `{name}`")).at(&node.span);
        self.add(problem.hint(format!("it must be {rule}")), 1);
    }
}

fn unknown_key(key: &str, entry: &Entry, name: &str, known: &[&str], meant: Option<&str>, numbers: bool) -> Problem {
    if numbers && known.is_empty() {
        return Problem::new("unknown-key", format!("the keys of `{name}` are whole numbers, and `{key}` is none"))
            .at(&entry.key_span);
    }
    let problem = Problem::new("unknown-key", format!("unknown key `{key}` in `{name}`")).at(&entry.key_span);
    match meant {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.hint(format!("`{name}` takes no keys")),
        None => problem.hint(format!("the keys of `{name}` are {}", suggest::list(known.iter().copied(), "and"))),
    }
}

/// Whether the node has one of the schema's types. A schema without a type takes all.
pub(super) fn type_fits(map: &Map<String, Json>, node: &Node) -> bool {
    let one = |word: &str| match (word, &node.value) {
        ("string", Value::String(_))
        | ("integer" | "number", Value::Integer(_))
        | ("number", Value::Float(_))
        | ("boolean", Value::Boolean(_))
        | ("array", Value::Array(_))
        | ("object", Value::Table(_)) => true,
        ("string", Value::Datetime(_)) => {
            map.get("format").and_then(Json::as_str).is_some_and(|f| f.contains("date") || f.contains("time"))
        }
        _ => false,
    };
    match map.get("type") {
        Some(Json::String(word)) => one(word),
        Some(Json::Array(words)) => words.iter().filter_map(Json::as_str).any(one),
        _ => variants::allowed_values(map).is_none_or(|allowed| {
            // Without a type, the values themselves say what it is.
            allowed.iter().any(|value| variants::same_type(value, node))
        }),
    }
}

/// The range of a Rust number, which schemars names in `format` and only partly spells out.
fn format_range(format: &str) -> Option<(f64, f64)> {
    Some(match format {
        "uint8" => (0.0, f64::from(u8::MAX)),
        "uint16" => (0.0, f64::from(u16::MAX)),
        "uint32" => (0.0, f64::from(u32::MAX)),
        "int8" => (f64::from(i8::MIN), f64::from(i8::MAX)),
        "int16" => (f64::from(i16::MIN), f64::from(i16::MAX)),
        "int32" => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => return None,
    })
}

fn is_number_pattern(pattern: &str) -> bool {
    matches!(pattern, r"^\d+$" | r"^-?\d+$")
}

/// The patterns that schemars makes for map keys; any other is taken to match, and the type decides.
fn matches_pattern(pattern: &str, key: &str) -> bool {
    if !is_number_pattern(pattern) {
        return true;
    }
    let digits = if pattern.contains('-') { key.strip_prefix('-').unwrap_or(key) } else { key };
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What to write instead, where the value is right and its notation is not.
fn quoting_hint(expected: &str, value: &Value) -> Option<String> {
    let expects = |word: &str| expected.contains(word);
    match value {
        Value::Integer(number) if expects("a string") => Some(format!("put it in quotes: `\"{number}\"`")),
        Value::Float(number) if expects("a string") => Some(format!("put it in quotes: `\"{number}\"`")),
        Value::Boolean(flag) if expects("a string") => Some(format!("put it in quotes: `\"{flag}\"`")),
        Value::Datetime(when) if expects("a string") => Some(format!("put it in quotes: `\"{when}\"`")),
        Value::String(text) if expects("a whole number") && text.parse::<i64>().is_ok() => {
            Some(format!("write it without quotes: `{text}`"))
        }
        Value::String(text) if expects("true or false") && matches!(text.as_str(), "true" | "false") => {
            Some(format!("write it without quotes: `{text}`"))
        }
        Value::String(_) | Value::Integer(_) if expects("a list") => {
            Some("a list of one item stands in brackets: `[…]`".into())
        }
        _ => None,
    }
}

/// The first sentence of a schema's description, on one line.
pub(super) fn first_sentence(schema: &Json) -> Option<String> {
    let text = schema.get("description")?.as_str()?.split("\n\n").next()?.replace('\n', " ");
    let end = text.find(". ").unwrap_or(text.len());
    let sentence = text[..end].trim().trim_end_matches('.');
    (!sentence.is_empty()).then(|| sentence.to_owned())
}

/// `service.web` and `image` give `service.web.image`; keys that are no plain words stand in quotes.
pub(super) fn child_name(name: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if plain { format!("{name}.{key}") } else { format!("{name}.\"{key}\"") }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Words once each, in the order of their first use.
pub(super) fn once(words: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words.into_iter().filter(|word| seen.insert(word.clone())).collect()
}
