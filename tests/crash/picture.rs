//! What a stack holds, without ids and secrets: two clouds with equal pictures are alike.

use agent_core::doc;
use agent_core::fake::unordered;
use agent_core::live::{LiveDoc, Owner};
use serde_json::Value;

/// A line a resource, each id that AWS gave replaced by the address and the field that it stands for.
pub fn picture(held: Vec<&LiveDoc>) -> Vec<String> {
    let owner = |owner: &Owner| match owner {
        Owner::Stack(mark) => format!("{} {} {}", mark.stack, mark.address, mark.generation),
        Owner::Nobody => "nobody".into(),
    };
    let mut names: Vec<(String, String)> = Vec::new();
    for live in &held {
        let (spec, out) = (live.spec.value(), live.out.value());
        let named = spec.get("name").and_then(Value::as_str);
        for (field, value) in out.as_object().into_iter().flatten() {
            let secret = value.get(doc::SECRET).and_then(Value::as_str);
            // A name that the manifest chose is no id.
            let given = |text: &&str| text.contains(&live.id) && named.is_none_or(|name| name != *text);
            if let Some(text) = secret.or(value.as_str().filter(given)) {
                names.push((text.to_owned(), format!("<{}.{field}>", owner(&live.owner))));
            }
        }
    }
    // An ARN before the id that it ends with.
    names.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    let plain = |text: &str| names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
    let line = |live: &LiveDoc| {
        let mut spec = unordered(serde_json::from_str(&plain(live.spec.as_str())).expect("a spec is JSON"));
        if live.kind == "ssm.parameter" {
            // How often it was written: a call that is repeated because its answer was lost counts twice.
            agent_core::doc::put(&mut spec, "version", Value::Null);
        }
        format!("{} {} {spec}", live.kind, owner(&live.owner))
    };
    let mut picture: Vec<String> = held.into_iter().map(line).collect();
    picture.sort();
    picture
}

/// What one picture has and the other has not.
pub fn differ(clean: &[String], end: &[String]) -> String {
    let lost = clean.iter().filter(|line| !end.contains(line)).map(|line| format!("- {line}"));
    let extra = end.iter().filter(|line| !clean.contains(line)).map(|line| format!("+ {line}"));
    let differ: Vec<String> = lost.chain(extra).collect();
    if differ.is_empty() { "the same lines, another number of them".into() } else { differ.join("\n") }
}
