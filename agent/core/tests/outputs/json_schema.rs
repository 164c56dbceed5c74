//! As much of JSON Schema as the schema of SARIF is written in. A keyword that is not known here is an error: nothing is skipped.

use serde_json::Value;

/// A schema, with what its references lead to.
pub struct Schema(Value);

impl Schema {
    /// The schema of SARIF 2.1.0.
    pub fn sarif() -> Self {
        Self(serde_json::from_str(include_str!("../schemas/sarif-schema-2.1.0.json")).unwrap())
    }

    /// What is wrong with a document, each with its place.
    pub fn faults(&self, document: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.0, document, "$", &mut faults);
        faults
    }

    fn is_valid(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let keywords = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return faults.push(format!("{at}: nothing may stand here")),
            other => other.as_object().unwrap(),
        };
        for (keyword, says) in keywords {
            let valid = match keyword.as_str() {
                "$schema" | "$id" | "title" | "description" | "default" | "definitions" => true,
                // Looks at `properties` itself.
                "additionalProperties" => {
                    self.others(keywords.get("properties"), says, value, at, faults);
                    true
                }
                "properties" => {
                    for (name, schema) in says.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            self.check(schema, value, &format!("{at}.{name}"), faults);
                        }
                    }
                    true
                }
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(says, item, &format!("{at}[{n}]"), faults);
                    }
                    true
                }
                "$ref" => {
                    self.check(self.resolve(says.as_str().unwrap()), value, at, faults);
                    true
                }
                "anyOf" => says.as_array().unwrap().iter().any(|schema| self.is_valid(schema, value)),
                "oneOf" => says.as_array().unwrap().iter().filter(|schema| self.is_valid(schema, value)).count() == 1,
                _ => simple(keyword, says, value),
            };
            if !valid {
                faults.push(format!("{at}: {keyword} {says}, and it is {value}"));
            }
        }
    }

    fn others(&self, known: Option<&Value>, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            if known.and_then(|known| known.get(name)).is_none() {
                self.check(schema, value, &format!("{at}.{name}"), faults);
            }
        }
    }

    fn resolve(&self, reference: &str) -> &Value {
        let name = reference.strip_prefix("#/definitions/").unwrap_or_else(|| panic!("a reference to {reference}"));
        &self.0["definitions"][name]
    }
}

/// A keyword about a value itself. Of a value of another type each of them is true, as the standard has it.
fn simple(keyword: &str, says: &Value, value: &Value) -> bool {
    match keyword {
        "type" => match says.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("the type {other}"),
        },
        "enum" => says.as_array().unwrap().contains(value),
        "required" => value.as_object().is_none_or(|object| {
            says.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
        }),
        "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= says.as_u64().unwrap()),
        "uniqueItems" => {
            let distinct = |list: &Vec<Value>| list.iter().enumerate().all(|(n, item)| !list[..n].contains(item));
            !says.as_bool().unwrap() || value.as_array().is_none_or(distinct)
        }
        "format" => value.as_str().is_none_or(|text| is_of_format(says.as_str().unwrap(), text)),
        // None of the few properties with a pattern is written.
        "pattern" => panic!("the pattern {says} for {value}"),
        other => panic!("the keyword {other}"),
    }
}

fn is_of_format(format: &str, text: &str) -> bool {
    let scheme = |text: &str| {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        scheme.is_some_and(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()) && !s.contains('/'))
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let reference = |text: &str| {
        let bytes = text.as_bytes();
        let escaped = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let first = text.split(['/', '?', '#']).next().unwrap_or_default();
        let escapes = text.match_indices('%').all(|(at, _)| escaped(at));
        text.chars().all(plain) && escapes && (scheme(text) || !first.contains(':'))
    };
    match format {
        "uri" => scheme(text) && reference(text),
        "uri-reference" => reference(text),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        other => panic!("the format {other}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Schema, is_of_format};

    fn good() -> Value {
        let region = json!({ "startLine": 1 });
        let location = json!({ "physicalLocation": { "artifactLocation": { "uri": "a.toml" }, "region": region } });
        json!({ "version": "2.1.0", "runs": [{
            "tool": { "driver": { "name": "a", "rules": [{ "id": "b" }] } },
            "results": [{ "message": { "text": "c" }, "level": "error", "locations": [location] }],
        }] })
    }

    #[test]
    fn a_file_of_the_standard_has_no_fault() {
        assert_eq!(Schema::sarif().faults(&good()), Vec::<String>::new());
    }

    #[test]
    fn each_keyword_finds_its_fault() {
        let schema = Schema::sarif();
        let run = "/runs/0";
        for (at, key, value, fault) in [
            ("", "version", json!("2.0.0"), "$.version: enum"),
            ("", "surplus", json!(1), "$.surplus: nothing may stand here"),
            ("/runs/0/tool/driver", "name", Value::Null, "$.runs[0].tool.driver: required"),
            ("/runs/0/results/0", "level", json!("fatal"), "$.runs[0].results[0].level: enum"),
            ("/runs/0/results/0", "message", json!({}), "$.runs[0].results[0].message: anyOf"),
            ("/runs/0/results/0", "ruleIndex", json!(-2), "$.runs[0].results[0].ruleIndex: minimum"),
            ("/runs/0/results/0", "rank", json!(101), "$.runs[0].results[0].rank: maximum"),
            ("/runs/0/results/0", "partialFingerprints", json!({ "a": 1 }), "partialFingerprints.a: type"),
            ("/runs/0/results/0/locations/0/physicalLocation/region", "startLine", json!("1"), "startLine: type"),
            ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation", "uri", json!("a b"), "uri: format"),
            (run, "artifacts", json!([{}, {}]), "$.runs[0].artifacts: uniqueItems"),
            (run, "versionControlProvenance", json!([{}]), "versionControlProvenance[0]: required"),
        ] {
            let mut bad = good();
            let place = bad.pointer_mut(at).unwrap().as_object_mut().unwrap();
            if value.is_null() {
                place.remove(key)
            } else {
                place.insert(key.to_owned(), value)
            };
            let faults = schema.faults(&bad);
            assert!(faults.iter().any(|found| found.contains(fault)), "{key}: {faults:?}");
        }
    }

    #[test]
    fn what_is_no_uri_is_found() {
        for good in ["a/b.toml", "a%20b", "../a", "", "file:///a", "a/b:c"] {
            assert!(is_of_format("uri-reference", good), "{good}");
        }
        for bad in ["a b", "a%2", "ü", "a:b c", "1:b", "a\\b"] {
            assert!(!is_of_format("uri-reference", bad), "{bad}");
        }
        assert!(is_of_format("uri", "https://example.com/a") && !is_of_format("uri", "a/b"));
    }
}
