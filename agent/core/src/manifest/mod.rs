//! The front end: from a tree of files to a [`Manifest`] of typed header and checked components, with every problem on
//! the way tied to a place. It knows no component type of its own (the caller's [`Language`] names them), expands
//! nothing and asks AWS nothing.

pub mod decode;
pub mod from_node;
pub mod limits;
mod load;
pub mod merge;
pub mod names;
mod overlay;
pub mod parse;
pub mod read;
pub mod schema;
pub mod stack;
pub mod suggest;
pub mod tree;
mod variants;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use decode::decode;
pub use limits::Limits;
pub use load::load;
pub use names::NameRule;
pub use read::{FileEntry, FileProblem, StackFiles, find_stacks};
pub use stack::{Mode, StackHeader};
pub use tree::{Node, Table, Value};

use crate::address::Address;
use crate::allowed::{Finding, Level};
use crate::exception::Excepted;
use crate::source::{FileId, Problem, Severity, Span};

/// A component type: what may stand in `[type.name]`.
#[derive(Clone, Debug)]
pub struct ComponentType {
    /// The JSON schema of its keys, without the [`Common`] ones.
    pub schema: Json,
    /// One line on what it is.
    pub doc: &'static str,
    /// What its names look like.
    pub names: NameRule,
}

impl ComponentType {
    /// The type whose keys are the fields of `T`.
    pub fn of<T: JsonSchema + 'static>(doc: &'static str) -> Self {
        Self { schema: decode::schema_of::<T>().clone(), doc, names: NameRule::Plain }
    }

    /// The same with other names.
    #[must_use]
    pub fn named(mut self, names: NameRule) -> Self {
        self.names = names;
        self
    }
}

/// A kind of AWS resource that may be written down directly, as `[ec2.security_group.extra]`.
#[derive(Clone, Debug)]
pub struct KindType {
    /// The JSON schema of its spec, or `None` where it is only made by components.
    pub schema: Option<Json>,
    /// One line on what it is.
    pub doc: &'static str,
}

/// The section of exceptions from rules: `[[exception]]`.
pub const EXCEPTIONS: &str = "exception";

/// The folder of rules that the repository adds, at the top of its manifests.
pub const POLICIES: &str = "policies";

/// Whether a file holds a policy: Rego that is not the tests of one.
pub fn is_policy(path: &str) -> bool {
    is_rego(path) && !path.ends_with("_test.rego")
}

/// Whether a file holds Rego.
pub fn is_rego(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "rego")
}

/// A top-level key that is no component type: `[outputs]`, `[[exception]]`.
#[derive(Clone, Debug)]
pub struct Section {
    /// The JSON schema of what it holds.
    pub schema: Json,
    /// One line on what it is.
    pub doc: &'static str,
}

/// All that a manifest may say, given by the caller.
#[derive(Clone, Debug, Default)]
pub struct Language {
    /// Component types by name: `service`.
    pub components: BTreeMap<&'static str, ComponentType>,
    /// Kinds by name: `ec2.security_group`. Also what `adopt` and `override` may name.
    pub kinds: BTreeMap<&'static str, KindType>,
    /// Further top-level keys.
    pub sections: BTreeMap<&'static str, Section>,
}

/// Keys that every component has, whatever its type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Common {
    /// The name that the component had before; after several renames a list, the oldest first. Its resources are kept, and
    /// whatever AWS knows by the oldest name keeps that name for as long as this stands; taken away, the plan shows what is
    /// then replaced. Everything else in the manifest calls the component by its new name.
    pub renamed_from: Option<FormerNames>,
    /// Refuses to delete or replace any of the component's resources, as long as the component stands in the manifest: taken out of it, it
    /// takes this word along. Data needs `[stack.allow] delete` then all the same.
    pub protect: Option<bool>,
    /// Existing resources to take over: kind to AWS's id.
    pub adopt: BTreeMap<String, String>,
    /// Fields that somebody else looks after.
    pub ignore: Vec<Ignore>,
    /// What to change in the resources that the component makes: kind (and key) to fields.
    #[serde(skip)]
    pub overrides: BTreeMap<String, Node>,
}

/// One name or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FormerNames {
    /// The only one.
    One(String),
    /// The oldest first.
    Several(Vec<String>),
}

impl Common {
    /// The names that the component had, the oldest first.
    pub fn former_names(&self) -> &[String] {
        match &self.renamed_from {
            None => &[],
            Some(FormerNames::One(name)) => std::slice::from_ref(name),
            Some(FormerNames::Several(names)) => names,
        }
    }
}

/// The keys of [`Common`], as they are written.
pub const COMMON_KEYS: [&str; 5] = ["renamed_from", "protect", "adopt", "ignore", "override"];

/// A field that the agent leaves alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// The field: `ecs.service/desired_count`.
    pub path: String,
    /// Why, for the status.
    pub reason: String,
}

/// A component or a direct resource, checked against its schema and not yet typed.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The component type (`service`) or kind (`ec2.security_group`).
    pub kind: String,
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Its table, without the common keys. `node.span` is its header.
    pub node: Node,
    /// The table of its common keys, to point at them: `common_node.locate(&["adopt", "ec2.vpc"])`.
    pub common_node: Node,
    /// The common keys.
    pub common: Common,
    /// Whether no problem was found in it. What is not sound is kept so that references to it resolve.
    pub sound: bool,
}

impl Declaration {
    /// `service.web`.
    pub fn address(&self) -> String {
        format!("{}.{}", self.kind, self.name)
    }

    /// The place of a field, or the nearest that is there, for what later phases find.
    pub fn locate(&self, path: &[&str]) -> Span {
        match path.first() {
            Some(first) if COMMON_KEYS.contains(first) => self.common_node.locate(path),
            _ => self.node.locate(path),
        }
    }
}

/// A component: `[service.web]`.
pub type ComponentDecl = Declaration;
/// A resource that is written down directly: `[ec2.security_group.extra]`.
pub type DirectDecl = Declaration;

/// The files beside the manifests of a stack, and to which folder each manifest belongs: a key names files relative to
/// the folder of the manifest that it stands in, whichever stack takes that manifest over.
#[derive(Clone, Debug, Default)]
pub struct Files {
    tree: StackFiles,
    folders: BTreeMap<FileId, String>,
}

impl Files {
    /// The bytes of a file that a value at this place names.
    ///
    /// # Errors
    /// A problem at that place: outside the folder, a link, too large, missing.
    #[allow(clippy::result_large_err, reason = "a problem is made once, for people")]
    pub fn named(&self, at: &Span, rel: &str) -> Result<&[u8], Problem> {
        let folder = self.folders.get(&at.file).map(String::as_str).unwrap_or_default();
        self.tree.named(folder, rel).map_err(|problem| problem.at(at))
    }

    /// The files of the folder [`POLICIES`] and of the folders in it, with their paths in the tree.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &FileEntry)> {
        let below = |path: &str| path.strip_prefix(POLICIES).is_some_and(|rest| rest.starts_with('/'));
        self.tree.files.iter().map(|(path, entry)| (path.as_str(), entry)).filter(move |(path, _)| below(path))
    }
}

/// A stack as it is written.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The folder of the stack in its tree.
    pub dir: String,
    /// `[stack]`.
    pub stack: StackHeader,
    /// Its tree, to point at its keys.
    pub stack_node: Node,
    /// Where `[stack]` stands.
    pub header_span: Span,
    /// The components, in the order of the text.
    pub components: Vec<ComponentDecl>,
    /// The direct resources, in the order of the text.
    pub direct: Vec<DirectDecl>,
    /// What stands under the further top-level keys of the [`Language`].
    pub sections: BTreeMap<String, Node>,
    /// Files that keys may name.
    pub files: Files,
}

impl Manifest {
    /// What a rule found, at the line that it is about.
    pub fn problem(&self, finding: &Finding) -> Problem {
        let severity = match (&finding.unknown, finding.level) {
            _ if finding.excepted.is_some() => Severity::Note,
            (Some(_), _) => Severity::Note,
            (None, Level::Advisory) => Severity::Warning,
            (None, _) => Severity::Error,
        };
        let message = match &finding.excepted {
            Some(Excepted { reason, until, .. }) => format!("{} (excepted until {until}: {reason})", finding.message),
            None => finding.message.clone(),
        };
        let problem = Problem::new(finding.rule.clone(), message).severity(severity);
        let component = finding.component.as_deref().or(finding.address.as_ref().map(Address::component));
        let decl = component.and_then(|name| name.split_once('.')).and_then(|(kind, name)| self.component(kind, name));
        let key: Vec<&str> = finding.key.iter().map(String::as_str).collect();
        let span = match (decl, component) {
            _ if finding.exception.is_some() => finding.exception.and_then(|n| self.exception(n, &key)),
            (Some(decl), _) => Some(self.overriding(finding).unwrap_or_else(|| decl.locate(&key))),
            // Something that goes without saying, such as the cluster of a stack that writes none.
            (None, Some(_)) => Some(self.header_span.clone()),
            (None, None) => None,
        };
        let hint = match (&finding.hint, &finding.unknown) {
            (hint, Some(_)) if finding.is_open() => {
                let first = hint.as_ref().map(|hint| format!("{hint}; ")).unwrap_or_default();
                Some(format!("{first}nothing is applied as long as this is not known"))
            }
            (hint, _) => hint.clone(),
        };
        Problem { span, hint, ..problem }
    }

    /// The place of the override that sets the field that a finding is about.
    fn overriding(&self, finding: &Finding) -> Option<Span> {
        let address = finding.address.as_ref().filter(|_| !finding.field.is_empty())?;
        let (kind, name) = address.component().split_once('.')?;
        let overrides = &self.component(kind, name)?.common.overrides;
        // What is said of the one is laid over what is said of all.
        let (_, own) = address.as_str().split_once('/')?;
        [own, address.kind()].iter().find_map(|which| overriding(overrides.get(*which)?, &finding.field))
    }

    /// The place of an exception, or of a key of it.
    pub fn exception(&self, n: usize, key: &[&str]) -> Option<Span> {
        let n = n.to_string();
        let path: Vec<&str> = std::iter::once(n.as_str()).chain(key.iter().copied()).collect();
        Some(self.sections.get(EXCEPTIONS)?.locate(&path))
    }

    /// The component of that address: `service.web`.
    pub fn component(&self, kind: &str, name: &str) -> Option<&ComponentDecl> {
        self.components.iter().find(|decl| decl.kind == kind && decl.name == name)
    }
}

/// The place in an override of a field, of what is below it, or of what was put in the place of it and more.
pub fn overriding(node: &Node, field: &[String]) -> Option<Span> {
    let mut at = node;
    for (n, key) in field.iter().enumerate() {
        // A text in the place of a table; or a list, whose items AWS and the agent may keep in another order.
        let Some(table) = at.as_table() else { return Some(at.span.clone()) };
        let entry = table.get(key)?;
        if n + 1 == field.len() && entry.node.as_table().is_some() {
            return Some(entry.key_span.clone());
        }
        at = &entry.node;
    }
    Some(at.span.clone())
}
