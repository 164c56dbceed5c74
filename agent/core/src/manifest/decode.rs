//! From the tree to a typed value: the schema walk reports all there is to say, and only then serde runs. A type's own
//! checks (`try_from`, custom `Deserialize`) still become problems, at the value that they are about.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::schema;
use super::tree::Node;
use crate::source::{Problem, Problems};

/// The JSON schema of a type, as the walk takes it.
pub fn schema_of<T: JsonSchema>() -> Json {
    schemars::schema_for!(T).to_value()
}

/// The typed value of a node, or `None` with at least one problem more. `name` is what the node is called in messages
/// (`service.web`).
pub fn decode<T: DeserializeOwned + JsonSchema>(node: &Node, name: &str, problems: &mut Problems) -> Option<T> {
    decode_with(&schema_of::<T>(), node, name, &[], problems)
}

/// [`decode`] with a schema at hand; `also_known` are keys that are taken out before and belong into suggestions.
pub fn decode_with<T: DeserializeOwned>(
    schema: &Json,
    node: &Node,
    name: &str,
    also_known: &[&str],
    problems: &mut Problems,
) -> Option<T> {
    if !schema::check(schema, node, name, also_known, problems) {
        return None;
    }
    match T::deserialize(node) {
        Ok(value) => Some(value),
        Err(error) => {
            let span = error.span.clone().unwrap_or_else(|| node.span.clone());
            problems.push(Problem::new("invalid-value", format!("`{name}`: {}", error.message)).at(&span));
            None
        }
    }
}
