//! The schema of a spec, asked for what a merge has to know: what lies below a key, what is a secret, and which keys are names
//! of variants.

use agent_core::manifest::Node;
use serde_json::{Map, Value as Json};

/// References in a row that are followed.
const MOST_REFS: usize = 32;

/// A place in a schema: all that a value there may be.
#[derive(Clone)]
pub(super) struct Shape<'s> {
    root: &'s Json,
    /// References followed, choices laid open.
    forms: Vec<&'s Map<String, Json>>,
}

impl<'s> Shape<'s> {
    /// The whole of a schema that stands alone.
    pub(super) fn of(root: &'s Json) -> Self {
        Self::at(root, [root])
    }

    fn at(root: &'s Json, schemas: impl IntoIterator<Item = &'s Json>) -> Self {
        let mut forms = Vec::new();
        for schema in schemas {
            open(root, schema, MOST_REFS, &mut forms);
        }
        Self { root, forms }
    }

    /// What a key leads to.
    pub(super) fn child(&self, key: &str) -> Self {
        let below = self.forms.iter().filter_map(|form| {
            let own = form.get("properties").and_then(|all| all.get(key));
            // Only map keys that are numbers have a pattern, and all of them lead to the same.
            let numbered = || form.get("patternProperties")?.as_object()?.values().next();
            own.or_else(numbered).or_else(|| form.get("additionalProperties").filter(|rest| rest.is_object()))
        });
        Self::at(self.root, below)
    }

    /// What each item of a list is.
    pub(super) fn item(&self) -> Self {
        Self::at(self.root, self.forms.iter().filter_map(|form| form.get("items")))
    }

    /// Whether a value here is a secret.
    pub(super) fn is_secret(&self) -> bool {
        self.forms.iter().any(|form| form.get("writeOnly") == Some(&Json::Bool(true)))
    }

    /// Whether a secret may stand here or below.
    pub(super) fn may_hold_secret(&self) -> bool {
        let mut open = vec![self.clone()];
        let mut seen: Vec<*const Map<String, Json>> = Vec::new();
        while let Some(shape) = open.pop() {
            if shape.is_secret() {
                return true;
            }
            for form in shape.forms {
                if seen.iter().any(|known| std::ptr::eq(*known, form)) {
                    continue;
                }
                seen.push(form);
                let members = form.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::values);
                let rest = ["items", "additionalProperties"].into_iter().filter_map(|key| form.get(key));
                open.push(Self::at(shape.root, members.chain(rest)));
            }
        }
        false
    }

    /// Whether keys here are names of variants, of which a value has one, and this is one of them.
    pub(super) fn is_variant(&self, key: &str) -> bool {
        self.forms.len() > 1 && self.forms.iter().any(|form| only_key(form) == Some(key))
    }

    /// Calls `f` with each text, number, flag and list below a node, and what may stand there.
    pub(super) fn leaves<'n>(
        &self,
        node: &'n Node,
        path: &mut Vec<String>,
        f: &mut impl FnMut(&[String], &'n Node, &Self),
    ) {
        let Some(table) = node.as_table() else { return f(path, node, self) };
        for (key, entry) in table.iter() {
            path.push(key.to_owned());
            self.child(key).leaves(&entry.node, path, f);
            path.pop();
        }
    }
}

fn open<'s>(root: &'s Json, schema: &'s Json, refs: usize, forms: &mut Vec<&'s Map<String, Json>>) {
    let Some(map) = schema.as_object() else { return };
    if let Some(to) = map.get("$ref").and_then(Json::as_str).and_then(|to| to.strip_prefix('#')) {
        if let (Some(target), true) = (root.pointer(to), refs > 0) {
            open(root, target, refs - 1, forms);
        }
        return;
    }
    // Keys that stand beside a choice are there in any case.
    if map.contains_key("properties") || !(map.contains_key("anyOf") || map.contains_key("oneOf")) {
        forms.push(map);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        for variant in map.get(choice).and_then(Json::as_array).into_iter().flatten() {
            open(root, variant, refs, forms);
        }
    }
}

/// The key of a variant that has just that one.
fn only_key(form: &Map<String, Json>) -> Option<&str> {
    let [Json::String(key)] = form.get("required")?.as_array()?.as_slice() else { return None };
    (form.get("properties")?.as_object()?.len() == 1).then_some(key)
}

/// Whether a schema has a secret anywhere in it: for fields of an `out`, which are flat.
pub(super) fn has_secret(schema: &Json) -> bool {
    match schema {
        Json::Object(map) => map.get("writeOnly") == Some(&Json::Bool(true)) || map.values().any(has_secret),
        Json::Array(items) => items.iter().any(has_secret),
        _ => false,
    }
}
