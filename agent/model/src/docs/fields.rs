//! The fields of a schema as people read them: one line each, the nested ones under their path, types and limits in plain
//! words.

use agent_core::doc;
use agent_core::field::MARKED;
use serde_json::{Map, Value};

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its keys: `routes.*.nat_gateway`, where `*` is any key, `ingress[].peer.group`, where `[]` is each item.
    pub path: String,
    /// What it holds: `list of text, each once`.
    pub holds: String,
    /// What is so where it is left out.
    pub absent: Absent,
    /// The values that it may have, and what each means.
    pub values: Vec<(String, String)>,
    /// What else the value must be: `1 to 5000`.
    pub limits: Option<String>,
    /// Whether it is sent with the creating call and never compared.
    pub at_create: bool,
    /// What it is, from the type's own words.
    pub doc: String,
}

/// What is so where a field is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It cannot be left out.
    Required,
    /// Whatever AWS has is right, and is not compared.
    AwsDecides,
    /// There is none, or the description says what holds.
    Nothing,
    /// This value.
    Default(String),
}

impl Absent {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Required => "required".into(),
            Self::AwsDecides => "AWS decides".into(),
            Self::Nothing => "—".into(),
            Self::Default(value) => format!("`{value}`"),
        }
    }
}

/// The fields of a schema that stands alone, those that must be there first.
pub fn fields(schema: &Value) -> Vec<Field> {
    let mut walk = Walk { root: schema, open: Vec::new(), found: Vec::new() };
    walk.table(schema, "");
    walk.found
}

/// What a value may be.
#[derive(Default)]
struct Shape<'s> {
    /// In words, without an article.
    holds: String,
    values: Vec<(String, String)>,
    limits: Option<String>,
    /// Tables below it, and what comes between its path and their keys.
    below: Vec<(&'static str, &'s Value)>,
}

struct Walk<'s> {
    root: &'s Value,
    /// The tables that are being walked, so that one that holds itself ends.
    open: Vec<&'s Value>,
    found: Vec<Field>,
}

impl<'s> Walk<'s> {
    fn table(&mut self, table: &'s Value, path: &str) {
        if self.open.iter().any(|open| std::ptr::eq(*open, table)) {
            return;
        }
        self.open.push(table);
        let required: Vec<&str> = list(table, "required").iter().filter_map(Value::as_str).collect();
        // Their order in the map depends on features of `serde_json` that another crate may switch on.
        let mut members: Vec<(&String, &Value)> = members(table, "properties").collect();
        members.sort_by_key(|(key, _)| (!required.contains(&key.as_str()), *key));
        for (key, schema) in members {
            let path = doc::join_path(path, key);
            self.field(schema, &path, required.contains(&key.as_str()));
        }
        for variant in list(table, "oneOf") {
            self.variant(self.resolve(variant), path);
        }
        self.open.pop();
    }

    /// A form of an enum, called by its one key. That key has no words of its own: they stand at the form.
    fn variant(&mut self, variant: &'s Value, path: &str) {
        let before = self.found.len();
        self.table(variant, path);
        let (Some(first), Some(doc)) = (self.found.get_mut(before), description(variant)) else { return };
        if members(variant, "properties").count() == 1 {
            first.doc = if first.doc.is_empty() { doc } else { format!("{doc} {}", first.doc) };
            first.absent = Absent::Nothing;
        }
    }

    fn field(&mut self, schema: &'s Value, path: &str, required: bool) {
        let shape = self.shape(schema);
        let marked = schema.get(MARKED).and_then(Value::as_str);
        let default = schema.get("default").filter(|default| !default.is_null());
        let absent = match default {
            _ if required => Absent::Required,
            _ if marked == Some(doc::AWS_DECIDES) => Absent::AwsDecides,
            Some(Value::Object(map)) if doc::marker(map).is_some() => Absent::Nothing,
            Some(default) if self.is_sum(schema, default) => Absent::Nothing,
            Some(default) => Absent::Default(shown(default)),
            None => Absent::Nothing,
        };
        self.found.push(Field {
            path: path.into(),
            holds: shape.holds,
            absent,
            values: shape.values,
            limits: shape.limits,
            at_create: marked == Some(doc::AT_CREATE),
            doc: description(schema).unwrap_or_default(),
        });
        let own = self.found.len();
        for (between, table) in shape.below {
            self.table(table, &format!("{path}{between}"));
        }
        if marked == Some(doc::AT_CREATE) {
            self.found.iter_mut().skip(own).for_each(|below| below.at_create = true);
        }
    }

    /// Whether a default of a table is only what its fields say of theirs.
    fn is_sum(&self, schema: &'s Value, default: &Value) -> bool {
        let table = self.resolve(schema);
        let own = |key: &str| table.get("properties")?.get(key)?.get("default");
        default.as_object().is_some_and(|map| !map.is_empty() && map.iter().all(|(key, value)| own(key) == Some(value)))
    }

    fn resolve(&self, schema: &'s Value) -> &'s Value {
        let to = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
        to.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    fn shape(&self, schema: &'s Value) -> Shape<'s> {
        if let Some(to) = schema.get("x-refers-to").and_then(Value::as_str) {
            let kind = to.rsplit_once('.').map_or(to, |(kind, _)| kind);
            return Shape { holds: format!("reference to `{kind}`"), ..Shape::default() };
        }
        match schema.get(MARKED).and_then(Value::as_str) {
            Some(doc::NAME) => {
                return Shape { holds: "text, to which the agent adds the generation".into(), ..Shape::default() };
            }
            Some(doc::TAGS) => return Shape { holds: "table by key of text".into(), ..Shape::default() },
            _ => {}
        }
        let schema = self.resolve(schema);
        let variants: Vec<&Value> = list(schema, "oneOf").iter().chain(list(schema, "anyOf")).collect();
        if !variants.is_empty() {
            return self.choice(schema, &variants);
        }
        let values = list(schema, "enum").iter().chain(schema.get("const"));
        let values: Vec<_> =
            values.filter(|value| !value.is_null()).map(|value| (shown(value), String::new())).collect();
        let types = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(only)) => vec![only.as_str()],
            _ => Vec::new(),
        };
        let mut shape = Shape { values, limits: limits(schema), ..Shape::default() };
        shape.holds = match types.iter().find(|name| **name != "null") {
            Some(&"string") if schema.get("writeOnly") == Some(&Value::Bool(true)) => "secret".into(),
            Some(&"string") => "text".into(),
            Some(&"integer") => "whole number".into(),
            Some(&"number") => "number".into(),
            Some(&"boolean") => "true or false".into(),
            Some(&"array") => {
                let items = schema.get("items").map(|items| self.shape(items)).unwrap_or_default();
                let once = if schema.get("uniqueItems") == Some(&Value::Bool(true)) { ", each once" } else { "" };
                let holds = format!("list of {}{once}", if items.holds.is_empty() { "anything" } else { &items.holds });
                return Shape { holds, ..Self::within(items, "[]", shape) };
            }
            Some(&"object") => return self.map(schema, shape),
            _ => "anything".into(),
        };
        shape
    }

    /// A table: with keys of its own, or one thing by many keys.
    fn map(&self, schema: &'s Value, mut shape: Shape<'s>) -> Shape<'s> {
        let by_number = members(schema, "patternProperties").next().map(|(_, each)| (each, "number"));
        let by_name = || schema.get("additionalProperties").filter(|each| each.is_object()).map(|each| (each, "name"));
        let Some((each, by)) = by_number.or_else(by_name) else {
            shape.holds = "table".into();
            shape.below = vec![("", schema)];
            return shape;
        };
        let each = self.shape(each);
        let holds = format!("table by {by} of {}", each.holds);
        Shape { holds, ..Self::within(each, ".*", shape) }
    }

    /// What is said of each of several, as said of all.
    fn within(each: Shape<'s>, between: &'static str, all: Shape<'s>) -> Shape<'s> {
        let below = each.below.into_iter().map(|(deeper, table)| match deeper {
            "" => (between, table),
            // Deeper than one step nothing is nested but lists in tables.
            deeper => (
                if between == "[]" {
                    "[][]"
                } else if deeper == "[]" {
                    ".*[]"
                } else {
                    ".*.*"
                },
                table,
            ),
        });
        Shape { below: below.collect(), values: each.values, limits: all.limits.or(each.limits), holds: String::new() }
    }

    /// Several forms.
    fn choice(&self, schema: &'s Value, variants: &[&'s Value]) -> Shape<'s> {
        let mut shape = Shape::default();
        let mut words: Vec<String> = Vec::new();
        let mut forms = 0;
        for variant in variants {
            let resolved = self.resolve(variant);
            if resolved.get("type") == Some(&Value::from("null")) {
                continue;
            }
            if let Some(value) = resolved.get("const") {
                shape.values.push((shown(value), description(variant).unwrap_or_default()));
                words.push("text".into());
                continue;
            }
            let one = self.shape(variant);
            forms += usize::from(!one.below.is_empty());
            shape.values.extend(one.values);
            shape.limits = shape.limits.or(one.limits);
            shape.below.extend(one.below);
            words.push(one.holds);
        }
        words.dedup();
        let listed = |word: &String| words.iter().any(|other| *other == format!("list of {word}, each once"));
        if let Some(word) = words.iter().find(|word| listed(word)).cloned() {
            // One, or several of the same.
            shape.below.retain(|(between, _)| *between == "[]");
            words = vec![word.clone(), format!("list of {word}")];
        }
        if forms > 0 && schema.get("oneOf").is_some() {
            shape.below = vec![("", schema)];
        }
        shape.holds = match forms {
            2.. if words == ["table"] => "table with one of the keys below".into(),
            _ => words.join(" or "),
        };
        shape
    }
}

fn list<'s>(schema: &'s Value, key: &str) -> &'s [Value] {
    schema.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn members<'s>(schema: &'s Value, key: &str) -> impl Iterator<Item = (&'s String, &'s Value)> + use<'s> {
    schema.get(key).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The words of a type on one line; links to other items of the program as what they name.
fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(text.replace("[`", "`").replace("`]", "`"))
}

/// A value as it is written in a manifest.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => text.clone(),
        Value::Object(map) if !map.is_empty() => {
            let mut members: Vec<_> = map.iter().filter(|(_, value)| !value.is_null()).collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<String> =
                members.into_iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn quoted(value: &Value) -> String {
    if value.is_string() { value.to_string() } else { shown(value) }
}

/// What a value must be beside its type. The range of a Rust number is no rule of AWS's.
fn limits(schema: &Value) -> Option<String> {
    let number = |key: &str| schema.get(key).and_then(Value::as_i64);
    let most_of_type = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => Some(255),
        Some("uint16") => Some(65_535),
        _ => None,
    };
    let (least, most) = (number("minimum"), number("maximum").filter(|most| Some(*most) != most_of_type));
    let range = match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (Some(least), None) if least != 0 => Some(format!("at least {least}")),
        _ => None,
    };
    let counted = |least: &str, most: &str, of: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most} {of}")),
        (None, Some(most)) => Some(format!("at most {most} {of}")),
        (Some(1), None) => Some(format!("at least one {}", of.trim_end_matches('s'))),
        (Some(least), None) => Some(format!("at least {least} {of}")),
        _ => None,
    };
    let examples = || {
        let all: Vec<String> = list(schema, "examples").iter().map(|value| format!("`{}`", shown(value))).collect();
        (!all.is_empty()).then(|| format!("such as {}", all.join(", ")))
    };
    range
        .or_else(|| counted("minLength", "maxLength", "characters"))
        .or_else(|| counted("minItems", "maxItems", "items"))
        .or_else(examples)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use agent_core::field::{AtCreate, AwsDecides, Name, Tags};
    use agent_core::reference::Link;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::kinds::ec2::vpc::VpcId;

    /// Only its schema is looked at.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// Where.
        vpc: Link<VpcId>,
        /// Called.
        name: Name,
        /// How many.
        #[serde(default)]
        count: AwsDecides<u32>,
        /// Since when.
        #[serde(default)]
        zone: AtCreate<String>,
        /// Labels.
        #[serde(default)]
        tags: Tags,
        /// Which.
        #[serde(default)]
        colour: Colour,
        /// Ways.
        #[serde(default)]
        ways: BTreeMap<String, Way>,
        /// Some.
        #[serde(default)]
        nested: Option<BTreeSet<Nested>>,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        /// Like blood.
        #[default]
        Red,
        /// Like the sky.
        Blue,
    }

    /// A way.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Way {
        /// By land.
        Road(String),
        /// By sea.
        Ship(Nested),
    }

    /// A thing in a thing.
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
    struct Nested {
        /// A part.
        #[schemars(range(min = 2, max = 7))]
        part: u16,
    }

    fn field(path: &str) -> Field {
        let schema = agent_core::manifest::decode::schema_of::<Sample>();
        let all = fields(schema);
        let found = all.iter().find(|field| field.path == path);
        found.unwrap_or_else(|| panic!("no {path} in {all:#?}")).clone()
    }

    #[test]
    fn the_markers_of_specs_are_said_in_the_fields_words() {
        assert_eq!(field("vpc").holds, "reference to `ec2.vpc`");
        assert_eq!(field("name").holds, "text, to which the agent adds the generation");
        assert_eq!((field("count").absent, field("count").holds.as_str()), (Absent::AwsDecides, "whole number"));
        assert!(field("zone").at_create && !field("count").at_create);
        assert_eq!((field("tags").absent, field("tags").holds.as_str()), (Absent::Nothing, "table by key of text"));
    }

    #[test]
    fn values_are_listed_with_their_words_and_the_default() {
        let colour = field("colour");
        assert_eq!(colour.absent, Absent::Default("red".into()));
        assert_eq!(colour.values, [("red".into(), "Like blood.".into()), ("blue".into(), "Like the sky.".into())]);
    }

    #[test]
    fn what_is_nested_stands_under_its_path() {
        assert_eq!(field("ways").holds, "table by name of table with one of the keys below");
        assert_eq!(field("ways.*.road").doc, "By land.");
        assert_eq!(field("ways.*.ship.part").limits.as_deref(), Some("2 to 7"));
        assert_eq!(field("nested").holds, "list of table, each once");
        assert_eq!(field("nested[].part").absent, Absent::Required);
    }
}
