//! `${stack:NAME/type.name.attribute}`: what another stack of the same tree has. Its manifest says what an attribute is: a
//! text that is known now, or a field of one of its resources, which AWS is asked for.
#![allow(clippy::result_large_err, reason = "a problem is made once, for people")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agent_core::lookup::{Answers, Export, Question};
use agent_core::manifest::{ComponentDecl, Manifest, suggest};
use agent_core::reference::Text;
use agent_core::source::{Problem, Problems, Span};

use super::{Party, Problematic, UNKNOWN, declarations, interpolate, read, renames, scope_of};

/// The stacks of a tree: those that its stacks may refer to.
#[derive(Clone, Debug, Default)]
pub struct Others(Vec<Arc<Manifest>>);

impl Others {
    /// These manifests. The one that refers to others may be among them.
    pub fn new(manifests: impl IntoIterator<Item = Arc<Manifest>>) -> Self {
        Self(manifests.into_iter().collect())
    }
}

/// What there is beyond the stack that is expanded.
pub(super) struct Abroad<'a> {
    pub(super) home: &'a Manifest,
    pub(super) others: &'a Others,
    pub(super) answers: &'a Answers,
    pub(super) unknown: &'a RefCell<BTreeSet<Question>>,
}

impl Abroad<'_> {
    /// The attribute that `name` (whose part behind `stack:` is `rest`) names.
    pub(super) fn attribute(&self, name: &str, rest: &str) -> Problematic<Text> {
        let split = rest.split_once('/').and_then(|(stack, of)| Some((stack, interpolate::parts(of)?)));
        let Some((stack, (kind, component, attribute))) = split.filter(|(stack, _)| !stack.is_empty()) else {
            let problem = Problem::new("bad-interpolation", format!("`${{{name}}}` names no attribute of a stack"));
            return Err(problem.hint("write `${stack:NAME/type.name.attribute}`; `$$` is a dollar"));
        };
        let other = self.stack(stack, rest)?;
        let renames = renames::of(other.components.iter());
        let party = Self::component(other, kind, component)?;
        let text = renames::text(interpolate::attribute_of(&party, name, attribute)?, &renames);
        Ok(text.with_plain(|address, field| {
            let former = renames.former(address);
            let export = Export { stack: stack.to_owned(), address: address.clone(), former, field: field.to_owned() };
            if let Some(known) = self.answers.export(&export) {
                return known.to_owned();
            }
            self.unknown.borrow_mut().insert(Question::Export(export));
            UNKNOWN.to_owned()
        }))
    }

    /// The stack of that name in the account and region of this one: nothing else is asked.
    fn stack(&self, name: &str, rest: &str) -> Problematic<&Manifest> {
        let home = &self.home.stack;
        if name == home.name {
            let own = rest.split_once('/').map_or("", |(_, own)| own);
            let problem = Problem::new("bad-interpolation", format!("`{name}` is this stack itself"));
            return Err(problem.hint(format!("write `${{{own}}}`")));
        }
        let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let named: Vec<&Arc<Manifest>> = self.others.0.iter().filter(|other| other.stack.name == name).collect();
        let near =
            |other: &&&Arc<Manifest>| other.stack.region == home.region && same(&other.stack.account, &home.account);
        if let Some(found) = named.iter().find(near) {
            return Ok(found);
        }
        let Some(other) = named.first() else {
            let known = self.others.0.iter().map(|other| other.stack.name.as_str()).filter(|known| *known != home.name);
            let known: Vec<&str> = known.collect();
            let problem = Problem::new("unknown-stack", format!("there is no stack `{name}` beside this one"));
            let hint = suggest::hint(name, &known, "the others are");
            let alone = || "read the folder that holds both, and say `--stack` for one of its stacks".to_owned();
            return Err(problem.hint(hint.unwrap_or_else(alone)));
        };
        let (what, where_it_is) = if same(&other.stack.account, &home.account) {
            ("region", other.stack.region.as_str())
        } else {
            ("account", other.stack.account.as_deref().unwrap_or_default())
        };
        let message =
            format!("the stack `{name}` is in another {what} ({where_it_is}), which is not asked for this one");
        Err(Problem::new("bad-interpolation", message)
            .hint("write the value itself, or bring it over with a parameter"))
    }

    /// A component of another stack, as far as its attributes.
    fn component<'m>(other: &'m Manifest, kind: &str, name: &str) -> Problematic<Party<'m>> {
        let stack = &other.stack.name;
        let all = declarations(other);
        let known: Vec<String> = all.iter().map(|decl| decl.address()).collect();
        let was =
            |decl: &&ComponentDecl| decl.kind == kind && decl.common.former_names().iter().any(|former| former == name);
        let now = all.iter().map(AsRef::as_ref).find(was).map(ComponentDecl::address);
        let Some(decl) = all.into_iter().find(|decl| decl.kind == kind && decl.name == name) else {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let address = format!("{kind}.{name}");
            let problem = Problem::new("unknown-component", format!("there is no `{address}` in the stack `{stack}`"));
            if let Some(now) = now {
                return Err(problem.hint(format!("it is called `{now}` now")));
            }
            return Err(Problem { hint: suggest::hint(&address, &known, "it has"), ..problem });
        };
        let mut its_own = Problems::new();
        let party = read(decl, other, &scope_of(other), &mut its_own);
        if party.body.is_none() {
            let message = format!("`{kind}.{name}` of the stack `{stack}` has problems of its own");
            return Err(Problem::new("unknown-component", message).hint("`agent validate` shows them"));
        }
        Ok(party)
    }
}

/// What to do instead of naming a secret.
pub(super) fn instead_of(name: &str, instead: &str) -> String {
    match name.strip_prefix("stack:") {
        Some(_) => "name its ARN under `secrets`: `\"arn:aws:ssm:…\"`".to_owned(),
        None => instead.to_owned(),
    }
}

/// The stacks that a manifest refers to, each with the first place: what has to be there before it. Problems are not told
/// here.
pub fn stacks_of(manifest: &Manifest) -> BTreeMap<String, Span> {
    let mut ignored = Problems::new();
    let scope = scope_of(manifest);
    let parties: Vec<Party<'_>> =
        declarations(manifest).into_iter().map(|decl| read(decl, manifest, &scope, &mut ignored)).collect();
    interpolate::stacks(manifest, &parties)
}
