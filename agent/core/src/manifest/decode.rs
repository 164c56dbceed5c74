//! From the tree to a typed value: the schema walk reports all there is to say, and only then serde runs. A type's own
//! checks (`try_from`, custom `Deserialize`) still become problems, at the value that they are about.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::schema;
use super::tree::Node;
use crate::source::{Problem, Problems};

/// The JSON schema of a type, as the walk takes it. Made once for each type: a stack has thousands of values of a few types, and
/// the schema of a service takes longer than reading one.
pub fn schema_of<T: JsonSchema + 'static>() -> &'static Json {
    static MADE: LazyLock<Mutex<HashMap<TypeId, &'static Json>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    // Kept for good: there are as many as types in this program.
    made.entry(TypeId::of::<T>()).or_insert_with(|| Box::leak(Box::new(schemars::schema_for!(T).to_value())))
}

/// The typed value of a node, or `None` with at least one problem more. `name` is what the node is called in messages
/// (`service.web`).
pub fn decode<T: DeserializeOwned + JsonSchema + 'static>(
    node: &Node,
    name: &str,
    problems: &mut Problems,
) -> Option<T> {
    decode_with(schema_of::<T>(), node, name, &[], problems)
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
