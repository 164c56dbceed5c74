//! The files themselves.

use std::path::Path;

use agent_model::docs;

/// How the files are written anew.
pub const ANEW: &str = "write it anew: UPDATE_DOCS=1 cargo test -p agent-model --test docs";

/// Where a file of `docs/` is not what was made; with `UPDATE_DOCS` set it is written instead.
pub fn stale(name: &str, made: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == made {
        return None;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
        return None;
    }
    let differs = |(n, (one, other)): (usize, (&str, &str))| (one != other).then(|| (n + 1, other.to_owned()));
    let first = kept.lines().chain(std::iter::repeat("")).zip(made.lines()).enumerate().find_map(differs);
    Some(format!("docs/{name}, first at {first:?}"))
}

#[test]
fn the_files_are_what_the_types_say() {
    let stale: Vec<String> = docs::files().iter().filter_map(|(name, made)| stale(name, made)).collect();
    assert!(stale.is_empty(), "not what the types say: {}\n{ANEW}", stale.join("; "));
}

/// The names of all fields without words.
fn silent(of: &str, schema: &serde_json::Value) -> Vec<String> {
    let fields = docs::fields::fields(schema);
    let silent = |field: &&docs::fields::Field| field.doc.trim().is_empty();
    fields.iter().filter(silent).map(|field| format!("{of}: {}", field.path)).collect()
}

#[test]
fn every_field_of_every_kind_has_a_description() {
    let mut all = Vec::new();
    for kind in agent_model::kinds::table().iter() {
        all.extend(silent(kind.name, (kind.spec_schema)()));
        all.extend(silent(&format!("{} (out)", kind.name), (kind.out_schema)()));
        assert!(kind.doc.contains(" (https://docs.aws.amazon.com/"), "{} names no page of AWS's", kind.name);
    }
    assert_eq!(all, [] as [String; 0]);
}

#[test]
fn every_key_of_every_component_has_a_description() {
    let mut all = Vec::new();
    for info in agent_model::components::table().values() {
        all.extend(silent(info.name, &(info.schema)()));
        assert!(!info.doc.is_empty(), "{}", info.name);
    }
    all.extend(silent("common", &docs::schema::common()));
    all.extend(silent("stack", agent_core::manifest::decode::schema_of::<agent_core::manifest::StackHeader>()));
    all.extend(silent("exception", agent_core::manifest::decode::schema_of::<agent_model::components::Exception>()));
    assert_eq!(all, [] as [String; 0]);
}

#[test]
fn every_component_has_an_example_that_the_agent_takes() {
    for text in docs::components::EXAMPLES {
        let (codes, shown) = crate::codes(text);
        assert!(codes.is_empty(), "{shown}");
    }
    for name in agent_model::components::table().into_keys() {
        let example = docs::components::example(name).unwrap_or_default();
        assert!(example.starts_with(&format!("[{name}.")), "no example of {name}");
        assert!(docs::components::EXAMPLES.iter().any(|text| text.contains(example.trim_end())), "{example}");
    }
}
