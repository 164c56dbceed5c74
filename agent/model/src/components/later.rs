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
pub const TYPES: [LaterType; 15] = [
    plain("alarm"),
    plain("api"),
    plain("bucket"),
    plain("capacity"),
    plain("certificate"),
    plain("database"),
    plain("distribution"),
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
pub const KEYS: [LaterKey; 9] = [
    key("cluster", "namespace", "Cloud Map namespaces come"),
    key("network", "existing", "networks that are referred to and not owned come"),
    key("service", "connect", "Service Connect comes"),
    key("service", "discover", "Cloud Map DNS comes"),
    key("service", "env_file", "files of environment variables come"),
    key("service", "files", "config files in containers come"),
    key("service", "scale", "scaling comes"),
    key("service", "serve", "Service Connect comes"),
    key("service", "sidecar", "sidecars come"),
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
