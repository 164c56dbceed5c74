//! The part of the schema walk that deals with types of several shapes (`"repo:tag"` or `{ repository, tag }`): it finds
//! the variant that was meant and reports what is wrong with that one, never that none matches.

use serde_json::{Map, Value as Json};

use super::schema::{Walk, first_sentence, once, type_fits};
use super::suggest;
use super::tree::{Node, Value};
use crate::source::Problem;

type Object = Map<String, Json>;

impl Walk<'_> {
    /// Walks the best of the variants `list` of the schema `map`.
    pub(super) fn variants(&mut self, map: &Object, list: &[Json], node: &Node, name: &str, doc: Option<&str>) {
        let own: Vec<Json> = list.iter().map(|variant| combined(map, self.resolve(variant))).collect();
        let mut leaves = Vec::new();
        self.flatten(&own, &mut leaves, 0);
        let fitting: Vec<&Object> = leaves.iter().filter(|leaf| type_fits(leaf, node)).collect();
        if fitting.is_empty() {
            let words = once(leaves.iter().map(expected_words).collect());
            if !words.is_empty() {
                self.wrong_type(&words.join(" or "), node, name, doc);
            }
            return;
        }
        if !matches!(node.value, Value::Table(_) | Value::Array(_)) {
            let allowed: Option<Vec<Vec<&Json>>> = fitting.iter().map(|leaf| allowed_values(leaf)).collect();
            if let Some(allowed) = allowed {
                self.one_of(&allowed.concat(), node, name);
                return;
            }
        }
        let chosen = match &node.value {
            Value::Table(_) => match self.by_tag(&fitting, node, name) {
                Some(chosen) => chosen,
                None => return,
            },
            _ => fitting,
        };
        self.best_of(&chosen, node, name);
    }

    /// Nested choices as one, without `null`, which TOML has no word for.
    fn flatten(&self, list: &[Json], leaves: &mut Vec<Object>, depth: usize) {
        for variant in list {
            let Json::Object(map) = self.resolve(variant) else { continue };
            match map.get("anyOf").or_else(|| map.get("oneOf")).and_then(Json::as_array) {
                Some(inner) if depth < 8 => {
                    let inner: Vec<Json> = inner.iter().map(|variant| combined(map, self.resolve(variant))).collect();
                    self.flatten(&inner, leaves, depth + 1);
                }
                _ if map.get("type") == Some(&Json::from("null")) => {}
                _ => leaves.push(map.clone()),
            }
        }
    }

    /// Narrows variants of a table down by the key that tells them apart. `None`: the tag itself is wrong, and said so.
    fn by_tag<'l>(&mut self, fitting: &[&'l Object], node: &Node, name: &str) -> Option<Vec<&'l Object>> {
        let table = node.as_table()?;
        if fitting.len() < 2 {
            return Some(fitting.to_vec());
        }
        if let Some(tag) = common_tag(fitting) {
            let choices: Vec<&Json> = fitting.iter().filter_map(|leaf| tag_value(leaf, tag)).collect();
            let Some(entry) = table.get(tag) else {
                let words: Vec<&str> = choices.iter().filter_map(|choice| choice.as_str()).collect();
                let message = format!("`{name}` lacks `{tag}`");
                let hint = format!("`{tag}` takes {}", suggest::list(words, "or"));
                self.add(Problem::new("missing-key", message).at(&node.span).hint(hint), 5);
                return None;
            };
            let value = entry.node.to_json();
            let chosen: Vec<&Object> =
                fitting.iter().filter(|leaf| tag_value(leaf, tag) == Some(&value)).copied().collect();
            if chosen.is_empty() {
                self.one_of(&choices, &entry.node, &format!("{name}.{tag}"));
                return None;
            }
            return Some(chosen);
        }
        let Some(names) = fitting.iter().map(|leaf| only_key(leaf)).collect::<Option<Vec<&str>>>() else {
            return Some(fitting.to_vec());
        };
        // An enum of Rust with values: the one key is the variant's name.
        if let Some((key, entry)) = table.iter().find(|(key, _)| !names.contains(key)) {
            let problem = Problem::new("unknown-key", format!("unknown key `{key}` in `{name}`")).at(&entry.key_span);
            let hint = suggest::hint(key, &names, &format!("`{name}` takes one of"));
            self.add(Problem { hint, ..problem }, 10);
            return None;
        }
        if table.len() != 1 {
            let message = format!("`{name}` takes exactly one of {}", suggest::list(names, "or"));
            self.add(Problem::new("one-of", message).at(&node.span), 5);
            return None;
        }
        Some(fitting.iter().zip(&names).filter(|(_, key)| table.get(key).is_some()).map(|(leaf, _)| *leaf).collect())
    }

    /// Takes the variant that matches, else the one with the least against it.
    fn best_of(&mut self, fitting: &[&Object], node: &Node, name: &str) {
        let mut best: Option<(u32, Walk<'_>)> = None;
        for leaf in fitting {
            let mut trial = self.trial();
            trial.node(&Json::Object((*leaf).clone()), node, name);
            self.steps = trial.steps;
            let weight = trial.found.iter().fold(0_u32, |sum, found| sum.saturating_add(found.weight));
            if weight == 0 {
                return;
            }
            if best.as_ref().is_none_or(|(least, _)| weight < *least) {
                best = Some((weight, trial));
            }
        }
        if let Some((_, trial)) = best {
            let found = trial.found;
            self.found.extend(found);
        }
    }
}

/// A variant together with the keys that stand beside the choice (flattened structs, common fields of tagged enums).
fn combined(base: &Object, variant: &Json) -> Json {
    let Json::Object(variant) = variant else { return variant.clone() };
    let mut out = variant.clone();
    let Some(properties) = base.get("properties").and_then(Json::as_object) else { return Json::Object(out) };
    out.entry("type").or_insert_with(|| Json::from("object"));
    if let Json::Object(all) = out.entry("properties").or_insert_with(|| Json::Object(Map::new())) {
        for (key, schema) in properties {
            all.entry(key.clone()).or_insert_with(|| schema.clone());
        }
    }
    if let Some(required) = base.get("required").and_then(Json::as_array)
        && let Json::Array(all) = out.entry("required").or_insert_with(|| Json::Array(Vec::new()))
    {
        all.extend(required.iter().cloned());
    }
    for key in ["additionalProperties", "unevaluatedProperties"] {
        if let Some(rest) = base.get(key) {
            out.insert(key.to_owned(), rest.clone());
        }
    }
    Json::Object(out)
}

/// The values that a schema takes, where it lists them.
pub(super) fn allowed_values(map: &Object) -> Option<Vec<&Json>> {
    map.get("const").map(|value| vec![value]).or_else(|| Some(map.get("enum")?.as_array()?.iter().collect()))
}

/// Whether a listed value and a node are of one sort.
pub(super) fn same_type(value: &Json, node: &Node) -> bool {
    matches!(
        (value, &node.value),
        (Json::String(_), Value::String(_))
            | (Json::Number(_), Value::Integer(_) | Value::Float(_))
            | (Json::Bool(_), Value::Boolean(_))
            | (Json::Array(_), Value::Array(_))
            | (Json::Object(_), Value::Table(_))
    )
}

/// What a schema takes, in the words people use: `a string`, `a list or a table`, `one of …`.
pub(super) fn expected_words(map: &Object) -> String {
    if let Some(allowed) = allowed_values(map) {
        let words: Vec<String> =
            allowed.iter().filter(|v| !v.is_null()).map(|v| format!("`{}`", v.to_string().trim_matches('`'))).collect();
        return words.join(" or ");
    }
    let word = |name: &str| match name {
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        _ => "nothing",
    };
    match map.get("type") {
        Some(Json::String(name)) => word(name).to_owned(),
        Some(Json::Array(names)) => {
            let names = names.iter().filter_map(Json::as_str).filter(|name| *name != "null");
            names.map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => first_sentence(&Json::Object(map.clone())).unwrap_or_else(|| "something else".to_owned()),
    }
}

/// The key that has another fixed value in each of the variants.
fn common_tag<'l>(variants: &[&'l Object]) -> Option<&'l str> {
    let first = variants.first()?;
    let keys = first.get("properties")?.as_object()?.keys().map(String::as_str);
    keys.into_iter().find(|key| variants.iter().all(|variant| tag_value(variant, key).is_some()))
}

fn tag_value<'l>(variant: &'l Object, tag: &str) -> Option<&'l Json> {
    let schema = variant.get("properties")?.get(tag)?;
    match schema.get("enum").and_then(Json::as_array).map(Vec::as_slice) {
        Some([only]) => Some(only),
        _ => schema.get("const"),
    }
}

/// The key of a variant that has just that one.
fn only_key(variant: &Object) -> Option<&str> {
    let properties = variant.get("properties")?.as_object()?;
    let required = variant.get("required")?.as_array()?;
    match (properties.len(), required.as_slice()) {
        (1, [Json::String(key)]) => Some(key),
        _ => None,
    }
}
