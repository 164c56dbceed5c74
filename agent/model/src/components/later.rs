//! What the language has and this release does not: known to the schema, so that nobody is told that it is misspelt, and
//! answered with one plain problem each. Whoever builds one of them deletes its line.

use agent_core::manifest::Node;
use agent_core::source::Problem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Place;

/// The code of all these problems.
pub const CODE: &str = "not-yet";
/// The description of all these keys.
pub const DOC: &str = "Comes with a later release of this agent.";

/// A component type that comes later.
pub struct LaterType {
    /// `database`.
    pub name: &'static str,
    /// Whether its names are domain names.
    pub domain: bool,
}

const fn plain(name: &'static str) -> LaterType {
    LaterType { name, domain: false }
}

/// The component types that come later.
pub const TYPES: [LaterType; 14] = [
    plain("alarm"),
    plain("api"),
    plain("bucket"),
    plain("capacity"),
    plain("certificate"),
    plain("database"),
    LaterType { name: "dns", domain: true },
    plain("kafka"),
    plain("key"),
    plain("repository"),
    plain("resource"),
    plain("secret"),
    plain("table"),
    plain("task"),
];

/// A key that comes later.
pub struct LaterKey {
    /// The component type.
    pub component: &'static str,
    /// The key.
    pub key: &'static str,
    /// What it is about, as the beginning of a sentence that goes on "with a later release".
    pub what: &'static str,
}

const fn key(component: &'static str, key: &'static str, what: &'static str) -> LaterKey {
    LaterKey { component, key, what }
}

/// The keys that come later.
pub const KEYS: [LaterKey; 2] =
    [key("service", "discover", "Cloud Map DNS comes"), key("service", "scale", "scaling comes")];

/// What a key that works takes only with a later release.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// These words.
    Words(&'static [&'static str]),
    /// `true`.
    True,
    /// A table; anything else works.
    Table,
}

/// Something that comes later below a key that is there.
pub struct LaterForm {
    /// The component type.
    pub component: &'static str,
    /// The key: `deploy.strategy`.
    pub path: &'static str,
    /// What of it.
    pub form: Form,
}

const fn form(component: &'static str, path: &'static str, form: Form) -> LaterForm {
    LaterForm { component, path, form }
}

/// What comes later below keys that are there. The types and their checks know all of it; what is made for editors and
/// readers leaves it out.
pub const FORMS: [LaterForm; 5] = [
    form("distribution", "private_origin", Form::True),
    form("network", "flow_logs", Form::True),
    form("service", "deploy.strategy", Form::Words(&["blue_green", "canary", "linear"])),
    form("service", "image", Form::Table),
    form("service", "logs.delete", Form::True),
];

/// Whatever is written: its schema takes all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Anything(#[allow(dead_code, reason = "it is only there to be accepted")] Json);

/// Whether a component type comes later.
pub fn is_type(name: &str) -> bool {
    TYPES.iter().any(|later| later.name == name)
}

/// A schema with the later keys of a type in it.
pub fn with_later_keys(component: &str, mut schema: Json) -> Json {
    for later in KEYS.iter().filter(|later| later.component == component) {
        if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
            properties.entry(later.key).or_insert_with(|| json!({ "description": DOC }));
        }
    }
    schema
}

/// A schema without what comes later below the keys of a type.
pub fn without_later_forms(component: &str, mut schema: Json) -> Json {
    for later in FORMS.iter().filter(|later| later.component == component) {
        let tables = tables_of(&schema);
        let Some(at) = place_of(&schema, later.path).and_then(|place| schema.pointer_mut(&place)) else { continue };
        match later.form {
            Form::Words(words) => keep_variants(at, |variant| {
                !variant.get("const").and_then(Json::as_str).is_some_and(|word| words.contains(&word))
            }),
            Form::Table => keep_variants(at, |variant| {
                !variant.get("$ref").and_then(Json::as_str).is_some_and(|to| tables.iter().any(|table| table == to))
            }),
            Form::True => at["const"] = false.into(),
        }
    }
    schema
}

/// The pointer to the schema of a key such as `deploy.strategy`, its references followed.
fn place_of(schema: &Json, path: &str) -> Option<String> {
    let mut place = String::new();
    for key in path.split('.').filter(|key| !key.is_empty()) {
        let below = format!("{place}/properties/{key}");
        let found = schema.pointer(&below)?;
        // What may be left out is a choice between a reference and nothing.
        let optional = found.get("anyOf").and_then(|variants| variants.get(0));
        let to = found.get("$ref").or_else(|| optional?.get("$ref"));
        place = to.and_then(Json::as_str).and_then(|to| to.strip_prefix('#')).map_or(below, str::to_owned);
    }
    schema.pointer(&place).map(|_| place)
}

/// The references to definitions that are tables.
fn tables_of(schema: &Json) -> Vec<String> {
    let all = schema.get("$defs").and_then(Json::as_object).into_iter().flatten();
    let tables = all.filter(|(_, definition)| definition.get("type") == Some(&Json::from("object")));
    tables.map(|(name, _)| format!("#/$defs/{name}")).collect()
}

/// Leaves only some of the variants of a schema.
fn keep_variants(schema: &mut Json, keep: impl Fn(&Json) -> bool) {
    for key in ["oneOf", "anyOf"] {
        if let Some(variants) = schema.get_mut(key).and_then(Json::as_array_mut) {
            variants.retain(&keep);
        }
    }
}

/// A component's table without its later keys, each of which is a problem.
pub fn without_later_keys(component: &str, at: &mut Place<'_>) -> Node {
    let mut node = at.decl.node.clone();
    let later: Vec<&LaterKey> = KEYS.iter().filter(|later| later.component == component).collect();
    let Some(table) = node.as_table_mut() else { return node };
    let found = table.split_off(|key| later.iter().any(|later| later.key == key));
    for (key, entry) in found {
        if let Some(later) = later.iter().find(|later| later.key == key) {
            let message = format!("`{}`: {} with a later release of this agent", at.called(&[&key]), later.what);
            at.problems.push(Problem::new(CODE, message).at(&entry.key_span));
        }
    }
    node
}
