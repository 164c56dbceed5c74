//! From a manifest to the resources that it wants: reads each component, matches what they need with what they offer,
//! and lets each make its own. Pure: what only AWS knows comes in as answers, and what has no answer is listed.

mod common;
mod interpolate;
mod matching;
mod others;
mod overrides;
mod renames;
mod rules;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Scope;
use agent_core::desired::{Allow, Desired, Incoherent, Resource, Written};
use agent_core::lookup::{Answers, Existing, Network, Question};
use agent_core::manifest::{Common, ComponentDecl, Manifest, Node, Table, Value};
use agent_core::reference::Text;
use agent_core::renames::Renames;
use agent_core::source::{Problem, Problems};
use serde_json::Value as Json;

use crate::components::{self, Body, Declared, Offer, Path, Place, later};
pub use matching::Asked;
pub use others::{Others, stacks_of};

/// What stands in a spec for something that only AWS knows and nobody could ask. A plan must never be made from it.
pub const UNKNOWN: &str = "(known online)";

/// What may be a problem instead, its place not yet told.
type Problematic<T> = Result<T, Problem>;

/// What a manifest expands to.
#[derive(Debug, Default)]
pub struct Expanded {
    /// The stack's name.
    pub stack: String,
    /// All resources, by address.
    pub resources: Vec<Resource>,
    /// What the revision says about deletions.
    pub allow: Allow,
    /// Components that were called otherwise before.
    pub renames: Renames,
    /// What people wrote, for the rules.
    pub written: Written,
    /// What AWS answered about networks of others, for the rules.
    pub networks: BTreeMap<Existing, Network>,
    /// The managed prefix lists that are known, for the rules.
    pub prefix_lists: BTreeMap<String, String>,
    /// `[outputs]`, with references.
    pub outputs: BTreeMap<String, Text>,
    /// Questions without an answer. Where there are some, the resources are good for showing and for checking, and not
    /// for a plan: ask, and expand again.
    pub unknown: BTreeSet<Question>,
}

impl Expanded {
    /// Checks that the resources hang together.
    pub fn desired(self) -> Result<Desired, Vec<Incoherent>> {
        let kinds = crate::kinds::table();
        let desired = Desired::build(&self.stack, self.resources, self.allow, &kinds)?;
        let desired = desired.renamed(self.renames, &kinds).written(self.written);
        Ok(desired.in_networks(self.networks).with_prefix_lists(self.prefix_lists))
    }
}

/// One component on its way.
struct Party<'a> {
    /// Under the name that AWS knows it by.
    decl: Cow<'a, ComponentDecl>,
    /// The name by which the manifest calls it.
    name: String,
    /// What reads and expands it; absent where it has problems or comes with a later release.
    body: Option<Box<dyn Body>>,
    declared: Declared,
}

impl Party<'_> {
    fn is(&self, kind: &str, name: &str) -> bool {
        self.decl.kind == kind && self.name == name
    }

    /// Whether it was called so before.
    fn was(&self, kind: &str, name: &str) -> bool {
        self.decl.kind == kind && self.decl.common.former_names().iter().any(|former| former == name)
    }

    /// What the manifest calls it: `service.web`.
    fn address(&self) -> String {
        format!("{}.{}", self.decl.kind, self.name)
    }
}

/// Expands a manifest. `None` where there are problems, those found when it was read among them: each has been added.
/// References to other stacks find none: see [`expand_among`].
pub fn expand(manifest: &Manifest, answers: &Answers, problems: &mut Problems) -> Option<Expanded> {
    expand_among(manifest, &Others::default(), answers, problems)
}

/// Expands a manifest that may refer to others.
pub fn expand_among(
    manifest: &Manifest,
    others: &Others,
    answers: &Answers,
    problems: &mut Problems,
) -> Option<Expanded> {
    let renames = renames::of(manifest.components.iter());
    // What components say, they say of their former names.
    let mut said = Problems::new();
    let header = &manifest.stack;
    let scope = scope_of(manifest);
    let parties: Vec<Party<'_>> =
        declarations(manifest).into_iter().map(|decl| read(decl, manifest, &scope, &mut said)).collect();
    problems.extend(renames::problems(std::mem::take(&mut said), &renames));
    let matched = matching::matched(&parties, problems);
    let unknown = RefCell::new(BTreeSet::new());
    let abroad = others::Abroad { home: manifest, others, answers, unknown: &unknown };
    let texts = interpolate::texts(&parties, &abroad, problems);
    let outputs = interpolate::outputs(manifest, &parties, &abroad, problems);
    let mut resources = Vec::new();
    for (own, party) in parties.iter().enumerate() {
        let (Some(body), true) = (&party.body, matched.is_whole(own, &parties)) else { continue };
        let all =
            Expansion { parties: &parties, own, matched: &matched, texts: &texts[own], answers, unknown: &unknown };
        let mut at =
            Place { stack: header, scope: &scope, decl: &party.decl, files: &manifest.files, problems: &mut said };
        let (made, misfits) = body.expand(&all, &mut at).into_parts();
        for address in misfits {
            let problem =
                Problem::new("internal", format!("{address} cannot be written down: a fault of this program"));
            at.problems.push(problem.at(&party.decl.name_span));
        }
        let made = overrides::applied(made, &mut at);
        resources.extend(common::applied(made, &mut at).into_iter().map(|made| renames::resource(made, &renames)));
    }
    problems.extend(renames::problems(said, &renames));
    let names = parties.iter().map(Party::address).collect();
    let exceptions = rules::exceptions(manifest, &names, problems);
    let policies = rules::policies(manifest, problems);
    if !problems.is_empty() {
        return None;
    }
    resources.sort_by(|a, b| a.address.cmp(&b.address));
    let allow = Allow {
        delete: header.allow.delete.iter().cloned().collect(),
        removals: usize::try_from(header.allow.removals).unwrap_or(usize::MAX),
    };
    let outputs = outputs.into_iter().map(|(name, text)| (name, renames::text(text, &renames))).collect();
    let (stack, written) = (header.name.clone(), Written { exceptions, policies, ..written(manifest) });
    let (networks, prefix_lists, unknown) = (answers.networks(), answers.prefix_lists(), unknown.into_inner());
    Some(Expanded { stack, resources, allow, renames, written, networks, prefix_lists, outputs, unknown })
}

/// The tables of all components as they stand there.
fn written(manifest: &Manifest) -> Written {
    let header = &manifest.stack;
    Written {
        account: header.account.clone(),
        region: header.region.clone(),
        tags: header.tags.clone(),
        components: manifest.components.iter().map(|decl| (decl.address(), table(decl))).collect(),
        ..Written::default()
    }
}

/// The table of a component, its common keys among the others.
fn table(decl: &ComponentDecl) -> Json {
    let mut table = decl.node.to_json();
    if let (Json::Object(own), Json::Object(common)) = (&mut table, decl.common_node.to_json()) {
        own.extend(common);
    }
    table
}

/// Where the stack lives. The account is empty while the header names none.
fn scope_of(manifest: &Manifest) -> Scope {
    let header = &manifest.stack;
    Scope::new(&header.name, header.account.as_deref().unwrap_or_default(), &header.region)
}

/// The components as written, and those that go without saying: a stack with services and no cluster gets one.
fn declarations(manifest: &Manifest) -> Vec<Cow<'_, ComponentDecl>> {
    let mut all: Vec<_> = manifest.components.iter().map(Cow::Borrowed).collect();
    let has = |kind: &str| manifest.components.iter().find(|decl| decl.kind == kind);
    if let (Some(service), None) = (has("service"), has("cluster")) {
        let empty = || Node { span: service.name_span.clone(), value: Value::Table(Table::new()) };
        all.push(Cow::Owned(ComponentDecl {
            kind: "cluster".into(),
            name: "main".into(),
            name_span: service.name_span.clone(),
            node: empty(),
            common_node: empty(),
            common: Common::default(),
            sound: true,
        }));
    }
    all
}

/// The first round of one component.
fn read<'a>(decl: Cow<'a, ComponentDecl>, manifest: &Manifest, scope: &Scope, problems: &mut Problems) -> Party<'a> {
    let name = decl.name.clone();
    let decl = match decl {
        Cow::Borrowed(decl) => renames::formerly(decl),
        owned @ Cow::Owned(_) => owned,
    };
    let mut at = Place { stack: &manifest.stack, scope, decl: &decl, files: &manifest.files, problems };
    if later::is_type(&decl.kind) {
        let message =
            format!("`{}`: the type `{}` comes with a later release of this agent", decl.address(), decl.kind);
        at.problems.push(Problem::new(later::CODE, message).at(&decl.name_span));
    }
    let info = components::table().get(decl.kind.as_str()).copied().filter(|_| decl.sound);
    let body = info.and_then(|info| (info.read)(&mut at));
    let declared = body.as_ref().map(|body| body.declare(&mut at)).unwrap_or_default();
    Party { decl, name, body, declared }
}

/// What a component may know of the others when it makes its resources.
pub struct Expansion<'a> {
    parties: &'a [Party<'a>],
    own: usize,
    matched: &'a matching::Matched,
    texts: &'a BTreeMap<Path, Text>,
    answers: &'a Answers,
    unknown: &'a RefCell<BTreeSet<Question>>,
}

/// A component that another one named.
#[derive(Clone, Copy)]
pub struct Linked<'a> {
    /// Its declaration.
    pub decl: &'a ComponentDecl,
    /// What it offers.
    pub offer: &'a Offer,
    index: usize,
}

impl Linked<'_> {
    /// `load_balancer.edge`.
    pub fn address(&self) -> String {
        self.decl.address()
    }
}

impl<'a> Expansion<'a> {
    /// The component that was named at a path.
    pub fn link(&self, path: &[impl AsRef<str>]) -> Option<Linked<'a>> {
        self.linked(self.own, path)
    }

    /// The component that another one named at a path.
    pub fn link_of(&self, other: &Linked<'_>, path: &[impl AsRef<str>]) -> Option<Linked<'a>> {
        self.linked(other.index, path)
    }

    fn linked(&self, from: usize, path: &[impl AsRef<str>]) -> Option<Linked<'a>> {
        let index = self.matched.link(from, path)?;
        let party = self.parties.get(index)?;
        Some(Linked { decl: &party.decl, offer: party.declared.offer.as_ref()?, index })
    }

    /// What others need of this component.
    pub fn asked(&self) -> &'a [Asked] {
        self.matched.asked(self.own)
    }

    /// What all need of the component that was named at a path.
    pub fn asked_of(&self, path: &[impl AsRef<str>]) -> &'a [Asked] {
        self.matched.link(self.own, path).map(|other| self.matched.asked(other)).unwrap_or_default()
    }

    /// Whether all components could be read. Else it cannot be told what nobody needs.
    pub fn is_complete(&self) -> bool {
        self.parties.iter().all(|party| party.body.is_some())
    }

    /// Whether this component is the one that asks.
    pub fn is_own(&self, asked: &Asked) -> bool {
        asked.by == self.own
    }

    /// The text at a path, its references in place.
    pub fn text(&self, path: &[impl AsRef<str>]) -> Text {
        let path: Path = path.iter().map(|word| word.as_ref().to_owned()).collect();
        self.texts.get(&path).cloned().unwrap_or_default()
    }

    /// The zones of the region, if somebody could ask.
    pub fn zones(&self) -> Option<&'a [String]> {
        let zones = self.answers.zones();
        if zones.is_none() {
            self.unknown.borrow_mut().insert(Question::Zones);
        }
        zones
    }

    /// What AWS holds of a network that somebody else owns, if somebody could ask.
    pub fn network(&self, existing: &Existing) -> Option<&'a Network> {
        let network = self.answers.network(existing);
        if network.is_none() {
            self.unknown.borrow_mut().insert(Question::Network(existing.clone()));
        }
        network
    }

    /// The id of a managed prefix list, or [`UNKNOWN`].
    pub fn prefix_list(&self, name: &str) -> String {
        if let Some(id) = self.answers.prefix_list(name) {
            return id.to_owned();
        }
        self.unknown.borrow_mut().insert(Question::ManagedPrefixList(name.to_owned()));
        UNKNOWN.to_owned()
    }
}
