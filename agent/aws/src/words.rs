//! Words that are the same in specs and in AWS.

use agent_core::fault::{Class, Fault};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value of a spec that AWS knows by the same word.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// A word of AWS as a value of a spec.
pub(crate) fn read_word<T: DeserializeOwned>(action: &str, field: &str, word: &str) -> Result<T, Fault> {
    serde_json::from_value(word.into()).map_err(|_| {
        let text = format!("`{field}` is `{word}`, which this agent does not know");
        Fault::new(Class::Invalid, action, "UnknownValue", text)
    })
}
