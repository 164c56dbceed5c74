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

/// A text of AWS's with what only tells one of several apart left out: long numbers in hex, so that texts about two tasks are
/// one text.
pub(crate) fn without_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = word.len() >= 20 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id {
            out.push('…');
            out.push_str(&piece[word.len()..]);
        } else {
            out.push_str(piece);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_left_out_and_nothing_else() {
        let text =
            "(service web) (task 0a1b2c3d4e5f60718293a4b5c6d7e8f9) stopped: accommodated über 12345678901234567890.";
        assert_eq!(without_ids(text), "(service web) (task …) stopped: accommodated über ….");
        assert_eq!(without_ids("sha256 of app:1.0.0"), "sha256 of app:1.0.0");
    }
}
