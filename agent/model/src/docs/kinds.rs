//! `docs/kinds.md`: what each kind of AWS resource is to the agent.

use std::fmt::Write as _;

use agent_core::cost::Read;
use agent_core::doc::path_matches;
use agent_core::kind::{Change, Identity, KindInfo, Removal, Replace};
use serde_json::Value;

use super::fields::{Field, fields};
use super::{cell, code, field_cells, linked};

const HEAD: &str = "\
<!-- Made from the types in agent/model/src/kinds: `UPDATE_DOCS=1 cargo test -p agent-model --test docs` writes it anew. -->

# Kinds

What the agent knows of AWS, a kind each. People write [components](components.md); these are the resources that components
expand to (`agent render` shows which), and what plans, `adopt`, `ignore` and [overrides](components.md#overrides) name. `agent explain KIND` prints the same.

- *Identity* is what keeps a creating call from making a second one: a name that AWS keeps *unique*, a client *token*, or, where there
  is neither, an *intent* that is written down before the call.
- *Replaced by a change of* names what AWS cannot change. What was replaced goes after the new one works (*new first*) or, where AWS
  allows only one, before (*old first*).
- *Late* fields are set in a step of their own, after everything they name is there, and emptied before anything is deleted.
- *No override* may set what the agent finds a resource by, or what others go by.
- *Stateful* kinds are deleted or replaced only when `[stack.allow]` says so.
- *Found through* names the kinds without which it cannot be listed. Its owner is told by its tags, or *by name* where tags are
  impossible or cost too much to read.
";

/// The page.
pub fn page() -> String {
    let kinds = crate::kinds::table();
    let mut out = HEAD.to_owned();
    out.push_str(
        "\n| kind | what it is | identity | replaced by a change of | late | stateful | out of Git | found through |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for kind in kinds.iter() {
        let _ = writeln!(out, "| {} |", facts(kind).join(" | "));
    }
    for kind in kinds.iter() {
        section(kind, &mut out);
    }
    out
}

/// The line of a kind in the table of all.
fn facts(kind: &KindInfo) -> [String; 8] {
    let (what, _) = linked(kind.doc);
    let order = match kind.replace {
        Replace::CreateFirst => "new first",
        Replace::DeleteFirst => "old first",
    };
    let mut gone = match kind.removal {
        Removal::Delete => "deleted".to_owned(),
        Removal::LetGo => "stays, with a note".to_owned(),
    };
    if kind.retain > 0 {
        let _ = write!(gone, "; {} retired kept", kind.retain);
    }
    let found = match (found_through(kind).as_slice(), kind.marked) {
        ([], true) => "its tags".to_owned(),
        ([], false) => "its name".to_owned(),
        (through, true) => code(through),
        (through, false) => format!("{}, by name", code(through)),
    };
    [
        format!("[{0}](#{1})", kind.name, kind.name.replace('.', "")),
        cell(&what),
        identity(kind.identity).into(),
        if kind.immutable.is_empty() { "—".into() } else { format!("{}; {order}", code(kind.immutable)) },
        if kind.late.is_empty() { "—".into() } else { code(kind.late) },
        if kind.stateful { "yes" } else { "no" }.into(),
        gone,
        found,
    ]
}

/// The kinds that AWS lists it by: a call for each of these. What another service of AWS is asked only tells more of it.
fn found_through(kind: &KindInfo) -> Vec<&'static str> {
    let mut through = Vec::new();
    let service = |read: &Read| read.action.split(':').next();
    let own = kind.reads.iter().filter(|read| service(read) == kind.reads.first().and_then(service));
    for counted in own.filter(|read| read.batch == 1).flat_map(|read| read.of) {
        if *counted != kind.name && !through.contains(counted) {
            through.push(*counted);
        }
    }
    through
}

fn identity(identity: Identity) -> &'static str {
    match identity {
        Identity::UniqueName => "unique name",
        Identity::Token => "token",
        Identity::Intent => "intent",
    }
}

fn section(kind: &KindInfo, out: &mut String) {
    let (what, link) = linked(kind.doc);
    let link = link.map(|link| format!(" [AWS's page]({link})")).unwrap_or_default();
    let _ = write!(out, "\n## {}\n\n{what}{link}\n\n", kind.name);
    out.push_str("| field | holds | left out | a change | what it is |\n|---|---|---|---|---|\n");
    for field in fields((kind.spec_schema)()) {
        let [path, holds, absent, what] = field_cells(&field);
        let _ = writeln!(out, "| {path} | {holds} | {absent} | {} | {what} |", cell(&change(kind, &field)));
    }
    out.push_str("\nWhat others can refer to:\n\n| field | holds | what it is |\n|---|---|---|\n");
    for field in fields((kind.out_schema)()) {
        let [path, holds, _, what] = field_cells(&field);
        let _ = writeln!(out, "| {path} | {holds} | {what} |");
    }
}

/// What a change of a field takes.
pub fn change(kind: &KindInfo, field: &Field) -> String {
    let path = field.path.replace("[]", ".0");
    let words = change_of(kind, field, &path);
    if kind.is_fixed(&path) { format!("{words}; no override") } else { words }
}

fn change_of(kind: &KindInfo, field: &Field, path: &str) -> String {
    if field.at_create {
        return "sent at creation only".into();
    }
    if kind.immutable.iter().any(|pattern| path_matches(pattern, path)) {
        return "replaces".into();
    }
    let late = if kind.is_late(path) { "in place, late" } else { "in place" };
    let mut words = vec![late.to_owned()];
    for (from, _) in &field.values {
        for (to, _) in field.values.iter().filter(|(to, _)| to != from) {
            match (kind.change)(path, &Value::from(from.as_str()), &Value::from(to.as_str())) {
                Change::InPlace => {}
                Change::Replace => words.push(format!("from `{from}` to `{to}` replaces")),
                Change::Refuse(why) => words.push(format!("from `{from}` to `{to}` is refused: {why}")),
            }
        }
    }
    words.join("; ")
}
