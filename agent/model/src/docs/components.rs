//! `docs/components.md`: what people write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use agent_core::address::Scope;
use agent_core::doc;
use agent_core::manifest::{FileEntry, StackFiles, StackHeader, decode::schema_of, load};
use agent_core::source::{Problems, Sources};
use serde_json::Value;

use super::fields::fields;
use super::{cell, field_cells, schema};
use crate::components::{self, Attribute, ComponentInfo, Place};

const HEAD: &str = "\
<!-- Made from the types in agent/model/src/components: `UPDATE_DOCS=1 cargo test -p agent-model --test docs` writes it anew. -->

# Components

What a stack is written with, in this release. A stack is a folder with a `stack.toml`; all `*.toml` in it are read together.
`[type.name]` is a component, its name `a-z0-9-` and at most 32 characters. Other components are named `\"network.main\"`, or
`\"main\"` where only one type fits; where the stack has just one, the key may be left out. An unknown key is an error.
`${type.name.attribute}` in `env` and `[outputs]` is what only AWS knows; `$$` is a dollar.

In paths `*` is any name and `[]` each item of a list. `agent explain TYPE` prints the same, `agent render` what a stack expands to;
[manifest.schema.json](manifest.schema.json) is for editors; [kinds](kinds.md) says what AWS resources are to the agent.
";

const OVERRIDES: &str = "
## Overrides

What AWS has and a component has no key for is set in the resource itself, in the words of its [kind](kinds.md) (`agent explain
ecs.task_definition`):

```toml
[service.web.override.\"ecs.task_definition\"]
ephemeral_storage_gib = 40
containers.web.ulimits.nofile = { soft = 65536, hard = 65536 }

[network.main.override.\"ec2.subnet\"]            # all that it makes
map_public_ip_on_launch = false

[network.main.override.\"ec2.subnet.private-1\"]  # this one
tags = { Name = \"first\" }
```

The key is a kind, in quotes, and means all resources of the kind that the component makes; or a kind and the key of one of them,
which is laid over what is said of all. `agent render` shows what a component makes, and its resources as overridden.

| what | what becomes of it |
|---|---|
| a table | merged with the one that the component made, key by key, to the bottom |
| a text, number, `true`, `false` or list | takes the place of the component's: nothing is appended, and `false` is a value |
| a table with one of several keys (`redirect`, `forward`) | another key takes the place of the one that was there |
| a text in the place of a reference | an id, name or ARN of AWS's; references cannot be written (nor `${…}`: texts are taken as they are) |
| `tags` | added to those of the stack; keys of AWS and of the agent are refused |

What comes out is checked as a whole: unknown fields, types and words, sizes that Fargate does not have, containers and volumes that are not
there, ports that a service needs; what else AWS refuses, AWS says. TOML has no word for *absent*: what a component has set can be changed, and
an optional field cannot be taken away again. Fields marked *no override* in [kinds](kinds.md) stay as they are, because the agent finds the
resource by them or others go by them (names, families, what a parameter holds); secrets are never overridden, nor lists that hold one. A
change of an override is a change of the resource: in place or by another one, as the kind says. Rules judge what comes out; a finding about a
field that is overridden points at the override.

In an overlay, overrides are merged with those of the base like all tables.
";

/// Stacks from which the examples are taken. They are whole, so that a test can read them.
pub const EXAMPLES: [&str; 2] = [include_str!("../../../../manifests/hello/stack.toml"), include_str!("examples.toml")];

/// The page.
pub fn page() -> String {
    let mut out = HEAD.to_owned();
    let attributes = attributes();
    for info in components::table().values() {
        let _ = write!(out, "\n## `[{}.X]`\n\n{}\n\n", info.name, info.doc);
        keys(&(info.schema_now)(), &mut out);
        exports(attributes.get(info.name), &mut out);
        if let Some(example) = example(info.name) {
            let _ = write!(out, "\n```toml\n{example}```\n");
        }
    }
    out.push_str("\n## Keys of every component\n\n");
    keys(&schema::common(), &mut out);
    out.push_str(OVERRIDES);
    out.push_str("\n## `[stack]`\n\n");
    keys(schema_of::<StackHeader>(), &mut out);
    for (name, section) in components::language().sections {
        let is_list = section.schema.get("type") == Some(&Value::from("array"));
        let header = if is_list { format!("[[{name}]]") } else { format!("[{name}]") };
        let _ = write!(out, "\n## `{header}`\n\n{}.\n", capital(section.doc));
        if is_list {
            out.push('\n');
            keys(&item_of(&section.schema), &mut out);
        }
    }
    out
}

/// The schema of one item of a list, standing alone.
fn item_of(list: &Value) -> Value {
    let to = list.pointer("/items/$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
    let mut item = to.and_then(|pointer| list.pointer(pointer)).cloned().unwrap_or_default();
    if let (Some(item), Some(definitions)) = (item.as_object_mut(), list.get("$defs")) {
        item.insert("$defs".into(), definitions.clone());
    }
    item
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn keys(schema: &Value, out: &mut String) {
    out.push_str("| key | holds | left out | what it is |\n|---|---|---|---|\n");
    for field in fields(schema) {
        let _ = writeln!(out, "| {} |", field_cells(&field).join(" | "));
    }
}

fn exports(attributes: Option<&BTreeMap<&'static str, BTreeSet<String>>>, out: &mut String) {
    let Some(attributes) = attributes else { return };
    out.push_str("\nAttributes:\n\n| attribute | what it is |\n|---|---|\n");
    for (name, words) in attributes {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let _ = writeln!(out, "| `{name}` | {} |", cell(&words.join("; or ")));
    }
}

/// The first table of that type in the examples, as it is written there.
pub fn example(component: &str) -> Option<String> {
    let header = format!("[{component}.");
    EXAMPLES.iter().find_map(|text| {
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&header));
        let first = lines.next()?;
        // Tables below it are part of it.
        let own = format!("{}.", first.trim_end_matches(']'));
        let rest = lines.take_while(|line| !line.starts_with('[') || line.starts_with(&own));
        let all: Vec<&str> = std::iter::once(first).chain(rest).collect();
        Some(format!("{}\n", all.join("\n").trim_end()))
    })
}

type Attributes = BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<String>>>;

/// What the components of the examples export, in words.
fn attributes() -> Attributes {
    let mut found = Attributes::new();
    for text in EXAMPLES {
        let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
        let tree = StackFiles { files, ..StackFiles::default() };
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let Some(manifest) = load(&tree, "", &components::language(), &mut sources, &mut problems) else { continue };
        let header = &manifest.stack;
        let scope = Scope::new(&header.name, header.account.as_deref().unwrap_or_default(), &header.region);
        let table = components::table();
        for decl in &manifest.components {
            let Some(info): Option<&ComponentInfo> = table.get(decl.kind.as_str()) else { continue };
            let mut at = Place { stack: header, scope: &scope, decl, files: &manifest.files, problems: &mut problems };
            let Some(body) = (info.read)(&mut at) else { continue };
            for (name, attribute) in body.declare(&mut at).attributes {
                found.entry(info.name).or_default().entry(name).or_default().insert(said(&attribute));
            }
        }
    }
    found
}

/// An attribute in words.
fn said(attribute: &Attribute) -> String {
    let text = match attribute {
        Attribute::Secret(instead) => return format!("a secret, which is put into no text: {instead}"),
        Attribute::Unknown(instead) => return format!("not known: {instead}"),
        Attribute::Text(text) => text.to_value(),
    };
    let Some(edge) = doc::edges(&text).into_iter().next() else {
        return "known before anything is made".into();
    };
    let kinds = crate::kinds::table();
    let out = kinds.get(edge.to.kind()).map(|kind| fields((kind.out_schema)())).unwrap_or_default();
    let words = out.into_iter().find(|field| field.path == edge.field).map(|field| field.doc).unwrap_or_default();
    format!("`{}` of `{}`: {words}", edge.field, edge.to.kind())
}
