//! `[service.web.override."ecs.task_definition"]`: lays what people write over the specs of the resources that a component
//! made. What comes out has to be a spec of the kind, and what is wrong with it is told at the key that is to blame.

mod coherent;
mod merge;
mod shape;

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::desired::Resource;
use agent_core::doc::{Doc, join_path};
use agent_core::kind::{KindInfo, Kinds};
use agent_core::manifest::schema;
use agent_core::manifest::stack::check_tags;
use agent_core::manifest::{Node, Value, overriding, suggest};
use agent_core::source::{Problem, Span};
use serde_json::Value as Json;

use super::interpolate;
use crate::components::{self, Place, called, later};
use shape::Shape;

/// The code of what an override may not do, whatever the type.
const CODE: &str = "bad-override";

/// One override: which resources it is about, and what it says.
struct Override<'a> {
    which: &'a str,
    node: &'a Node,
    /// Where it begins.
    span: Span,
}

impl Override<'_> {
    /// What a field of it is called in messages.
    fn called(&self, at: &Place<'_>, path: &[impl AsRef<str>]) -> String {
        called(&called(&at.address(), &["override", self.which]), path)
    }

    /// The place of a key of it.
    fn span(&self, path: &[String]) -> Span {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        if words.is_empty() { self.span.clone() } else { self.node.locate_key(&words) }
    }

    /// Whether the resource is meant: by its kind alone, all of the kind are.
    fn means(&self, address: &Address) -> bool {
        address.kind() == self.which || rest_of(address) == self.which
    }
}

/// `ec2.subnet.private-1`
fn rest_of(address: &Address) -> &str {
    address.as_str().split_once('/').map_or("", |(_, rest)| rest)
}

/// The resources of one component with its overrides laid over them.
pub(super) fn applied(mut made: Vec<Resource>, at: &mut Place<'_>) -> Vec<Resource> {
    let decl = at.decl;
    if decl.common.overrides.is_empty() {
        return made;
    }
    let mut all: Vec<Override<'_>> = Vec::new();
    for (which, node) in &decl.common.overrides {
        let span = decl.common_node.locate_key(&["override", which]);
        all.push(Override { which, node, span });
    }
    // What is said of one comes after what is said of all of its kind: it is laid over that.
    all.sort_by_key(|one| one.which.matches('.').count());
    let kinds = crate::kinds::table();
    for one in &all {
        let meant: Vec<&mut Resource> = made.iter_mut().filter(|resource| one.means(&resource.address)).collect();
        let Some(kind) = meant.first().and_then(|resource| kinds.get(resource.address.kind())) else {
            not_made(one, &made, at);
            continue;
        };
        let laying = Laying { one, kind, kinds: &kinds, schema: (kind.spec_schema)() };
        let sound = laying.is_allowed(at);
        for resource in meant {
            if let Some(spec) = laying.over(&resource.spec, sound, at) {
                resource.spec = spec;
            }
        }
    }
    coherent::check(&made, &all, at);
    made
}

fn not_made(one: &Override<'_>, made: &[Resource], at: &mut Place<'_>) {
    let problem = Problem::new(CODE, format!("`{}` makes no `{}`", at.address(), one.which)).at(&one.span);
    let known: Vec<&str> = made.iter().map(|resource| rest_of(&resource.address)).collect();
    let hint = suggest::hint(one.which, &known, "it makes").or_else(|| Some("it makes no resources".to_owned()));
    at.problems.push(Problem { hint, ..problem });
}

/// One override on its way over the resources of a kind.
struct Laying<'a> {
    one: &'a Override<'a>,
    kind: &'a KindInfo,
    kinds: &'a Kinds,
    schema: &'a Json,
}

impl Laying<'_> {
    /// Reports what no override may say, and answers whether it says none of it.
    fn is_allowed(&self, at: &mut Place<'_>) -> bool {
        let before = at.problems.len();
        let mut found: Vec<(Vec<String>, Problem)> = Vec::new();
        Shape::of(self.schema).leaves(self.one.node, &mut Vec::new(), &mut |path, node, shape| {
            if let Some(problem) = self.refused(path, shape, at) {
                found.push((path.to_vec(), problem));
            }
            texts(node, &mut |text, span| {
                if let Some(name) = interpolate::names(text).into_iter().find(|name| is_reference(name)) {
                    let message =
                        format!("`${{{name}}}` would not be filled in: texts of overrides are taken as they are");
                    let problem = Problem::new(CODE, message).at(span);
                    let hint = "write it where the component takes references, such as `env`";
                    found.push((Vec::new(), problem.hint(hint)));
                }
            });
        });
        for (path, problem) in found {
            let span = problem.span.clone().unwrap_or_else(|| self.one.span(&path));
            at.problems.push(problem.at(&span));
        }
        self.check_tags(at);
        at.problems.len() == before
    }

    /// What is wrong with setting a field, whatever to.
    fn refused(&self, path: &[String], shape: &Shape<'_>, at: &Place<'_>) -> Option<Problem> {
        let name = self.one.called(at, path);
        if path.iter().any(|key| key.starts_with('$')) {
            let problem = Problem::new(CODE, format!("`{name}`: keys with a `$` are this program's own"));
            return Some(problem.hint("write an id or a name of AWS's as a text in the place of a reference"));
        }
        let field = path.iter().fold(String::new(), |path, key| join_path(&path, key));
        if self.kind.is_fixed(&field) {
            let message = format!("`{name}` cannot be overridden: the agent or other resources go by it");
            let hint = format!("it follows from the keys of `{}`, where it can be chosen at all", at.address());
            return Some(Problem::new(CODE, message).hint(hint));
        }
        if shape.is_secret() {
            let message = format!("`{name}` is a secret, and no override puts a text in its place");
            return Some(
                Problem::new(CODE, message).hint("secrets come from components: `[parameter.X] generate = true`"),
            );
        }
        None
    }

    /// The rules for tags, which are the same on all that AWS has.
    fn check_tags(&self, at: &mut Place<'_>) {
        let Some(tags) = self.one.node.child("tags").and_then(Node::as_table) else { return };
        let texts = tags.iter().filter_map(|(key, entry)| Some((key.to_owned(), entry.node.as_str()?.to_owned())));
        let tags: BTreeMap<String, String> = texts.filter(|(key, _)| !key.starts_with('$')).collect();
        check_tags(&tags, &self.one.called(at, &["tags"]), self.one.node, &["tags"], at.problems);
    }

    /// A spec with the override laid over it. Without one a problem has been told.
    fn over(&self, spec: &Doc, sound: bool, at: &mut Place<'_>) -> Option<Doc> {
        let old = merge::tree(&spec.value(), &self.one.span)?;
        if !self.keeps_secrets(&old, at) {
            return None;
        }
        let header = Node { span: self.one.span.clone(), value: self.one.node.value.clone() };
        let new = merge::merged(&Shape::of(self.schema), &old, &header);
        let name = self.one.called(at, &[] as &[&str]);
        if !schema::check(self.schema, &merge::plain(&new), &name, &[], at.problems) || !sound {
            return None;
        }
        let doc = match (self.kind.read)(&new) {
            Ok(doc) => doc,
            Err(error) => {
                let span = error.span.unwrap_or_else(|| self.one.span.clone());
                at.problems.push(Problem::new("invalid-value", format!("`{name}`: {}", error.message)).at(&span));
                return None;
            }
        };
        self.check(spec, &doc, at);
        Some(doc)
    }

    /// Whether no list that holds a secret is replaced: nobody can write down the secret again.
    fn keeps_secrets(&self, old: &Node, at: &mut Place<'_>) -> bool {
        let is_secret = |kind: &str, field: &str| {
            let Some(out) = self.kinds.get(kind).map(|kind| (kind.out_schema)()) else { return false };
            let Some(shape) = out.pointer(&format!("/properties/{field}")) else { return false };
            let to = shape.get("$ref").and_then(Json::as_str).and_then(|to| to.strip_prefix('#'));
            shape::has_secret(to.and_then(|to| out.pointer(to)).unwrap_or(shape))
        };
        let mut lost = Vec::new();
        Shape::of(self.schema).leaves(self.one.node, &mut Vec::new(), &mut |path, node, shape| {
            let had = path.iter().try_fold(old, |node, key| node.child(key));
            let is_list = matches!(node.value, Value::Array(_)) && shape.item().may_hold_secret();
            if is_list && had.is_some_and(|had| merge::holds_secret(had, &is_secret)) {
                lost.push(path.to_vec());
            }
        });
        for path in &lost {
            let message = format!("`{}` holds a secret, and a list is replaced as a whole", self.one.called(at, path));
            let problem = Problem::new(CODE, message).at(&self.one.span(path));
            at.problems.push(problem.hint("take the line away: a secret cannot be written down again"));
        }
        lost.is_empty()
    }

    /// What the kind itself has to say, as far as it did not say so of what the component made.
    fn check(&self, before: &Doc, now: &Doc, at: &mut Place<'_>) {
        let said = (self.kind.check)(before).unwrap_or_default();
        for unsound in (self.kind.check)(now).unwrap_or_default() {
            if said.iter().any(|other| other.message == unsound.message) {
                continue;
            }
            let blamed = unsound.paths.iter().find_map(|path| overriding(self.one.node, path));
            let span = blamed.unwrap_or_else(|| self.one.span.clone());
            let name = self.one.called(at, &[] as &[&str]);
            at.problems.push(Problem::new(CODE, format!("`{name}`: {}", unsound.message)).at(&span));
        }
    }
}

/// Calls `f` with each text in a value.
fn texts(node: &Node, f: &mut impl FnMut(&str, &Span)) {
    match &node.value {
        Value::String(text) => f(text, &node.span),
        Value::Array(items) => items.iter().for_each(|item| texts(item, f)),
        Value::Table(table) => table.iter().for_each(|(_, entry)| texts(&entry.node, f)),
        _ => {}
    }
}

/// Whether what stands between `${` and `}` is a reference of manifests: policies of IAM have variables of their own.
fn is_reference(name: &str) -> bool {
    let is_type = |kind: &str| components::table().contains_key(kind) || later::is_type(kind);
    name.starts_with(interpolate::STACK) || interpolate::parts(name).is_some_and(|(kind, _, _)| is_type(kind))
}
