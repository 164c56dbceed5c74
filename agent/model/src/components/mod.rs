//! The components that people write, a file each: the keys of its table, what it needs of others and offers them, and
//! the resources that it makes. Pure: nothing here asks AWS, and no component edits another's resources.

pub mod cluster;
pub mod distribution;
pub mod later;
pub mod load_balancer;
pub mod network;
pub mod parameter;
pub mod service;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use agent_core::address::{Address, Scope};
use agent_core::desired::Resource;
use agent_core::doc::Doc;
use agent_core::field::Tags;
use agent_core::kind::Kind;
use agent_core::manifest::{
    COMMON_KEYS, ComponentDecl, ComponentType, Files, KindType, Language, Section, StackHeader, decode::decode_with,
    decode::schema_of,
};
use agent_core::reference::Text;
use agent_core::source::{Problem, Problems, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::expand::Expansion;

/// A component type. Expansion goes in two rounds: each component declares what it needs and offers, these are matched,
/// and then each makes its own resources alone.
pub trait Component: Sized + Send + Sync + 'static {
    /// What stands before the dot: `service`.
    const TYPE: &'static str;
    /// One line on what it is.
    const DOC: &'static str;
    /// Its keys.
    type Config: DeserializeOwned + JsonSchema;

    /// The first round. Reports whatever is wrong with the keys by themselves.
    fn declare(config: &Self::Config, at: &mut Place<'_>) -> Declared;

    /// The second round, when all that it named was found.
    fn expand(config: &Self::Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources;
}

/// The way to a value below a component's table: keys, and positions in lists.
pub type Path = Vec<String>;

/// A path of words.
pub fn path(words: &[&str]) -> Path {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What a component says in the first round.
#[derive(Debug, Default)]
pub struct Declared {
    /// The components that it names, or that it means by naming none.
    pub wants: Vec<Want>,
    /// What it needs of these.
    pub needs: Vec<Need>,
    /// What others may use; nothing where its keys are so wrong that it cannot be told.
    pub offer: Option<Offer>,
    /// What `${type.name.attribute}` may name.
    pub attributes: BTreeMap<&'static str, Attribute>,
    /// Texts in which such references may stand.
    pub texts: Vec<(Path, String)>,
    /// Files in which they may.
    pub documents: Vec<Document>,
}

/// A file in which `${type.name.attribute}` may stand.
#[derive(Debug)]
pub struct Document {
    /// Where it is named: its text is found by that.
    pub path: Path,
    /// What it is called there.
    pub file: String,
    /// What it says.
    pub text: String,
}

/// A component that another one names.
#[derive(Debug)]
pub struct Want {
    /// Where the name stands, or would stand.
    pub path: Path,
    /// What it may be.
    pub types: &'static [&'static str],
    /// What is written. Left out, the only candidate of the stack is meant.
    pub given: Option<String>,
}

/// Something that a component needs of another.
#[derive(Debug)]
pub struct Need {
    /// The path of the [`Want`] that says of whom.
    pub of: Path,
    /// Where it is said, to point at.
    pub path: Path,
    /// What.
    pub what: What,
}

/// What can be needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Of a network: a way to an API of AWS without the internet, by its short name (`ecr.api`).
    Endpoint(&'static str),
    /// That its group lets traffic out to the group at this address, on this port.
    Reach {
        /// The group that is to be reached.
        group: Address,
        /// The port.
        port: u16,
    },
    /// Of a load balancer: that a listener forwards what these conditions fit.
    Route(Route),
    /// Of a load balancer: to be told its secret header, and when that changes.
    Header,
    /// Of a cluster: that it has a namespace.
    Namespace {
        /// The name in it that the asker serves.
        serves: Option<String>,
    },
    /// Of a service: that its group lets the group at this address in, on the port that it serves.
    Admit {
        /// The group that is to be let in.
        group: Address,
    },
}

/// What a listener is to forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The listener's port; the only one that forwards when absent.
    pub listener: Option<u16>,
    /// A pattern for the host.
    pub host: Option<String>,
    /// A pattern for the path. With neither host nor path it takes whatever no other takes.
    pub path: Option<String>,
    /// A priority set by hand.
    pub priority: Option<u16>,
    /// The name of the asker's port that it leads to.
    pub port: String,
}

/// What a component offers.
#[derive(Debug)]
pub enum Offer {
    /// A place for tasks and load balancers.
    Network(network::Offer),
    /// Listeners.
    LoadBalancer(load_balancer::Offer),
    /// Where services run.
    Cluster,
    /// A value.
    Parameter(parameter::Offer),
    /// A group of tasks.
    Service(service::Offer),
    /// What viewers reach.
    Distribution,
}

/// What an attribute is.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// Text, known now or only to AWS.
    Text(Text),
    /// A secret, which is never put into texts; with what to do instead.
    Secret(&'static str),
    /// What is somebody else's, and nobody asks for; with what to do instead.
    Unknown(&'static str),
}

/// Where a component stands, for its problems and its names.
pub struct Place<'a> {
    /// The header of the stack.
    pub stack: &'a StackHeader,
    /// Stack, region and partition. The account is empty while the header names none.
    pub scope: &'a Scope,
    /// The component as it is written.
    pub decl: &'a ComponentDecl,
    /// The files that it may name.
    pub files: &'a Files,
    /// What was found to be wrong.
    pub problems: &'a mut Problems,
}

impl<'a> Place<'a> {
    /// The bytes of a file that is named at a value; what is wrong with it has been said.
    pub fn file(&mut self, path: &[impl AsRef<str>], name: &str) -> Option<&'a [u8]> {
        let span = self.span(path);
        match self.files.named(&span, name) {
            Ok(bytes) => Some(bytes),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}

impl Place<'_> {
    /// `service.web`.
    pub fn address(&self) -> String {
        self.decl.address()
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        &self.decl.name
    }

    /// The tags of the stack.
    pub fn tags(&self) -> Tags {
        Tags(self.stack.tags.clone())
    }

    /// The tags of the stack with a `Name`, for what the console shows by it: stack, component and `more` of what it is.
    /// The manifest's own `Name` wins.
    pub fn named_tags(&self, more: &[&str]) -> Tags {
        let name = [&[self.stack.name.as_str(), self.name()], more].concat().join("-");
        let mut tags = BTreeMap::from([("Name".to_owned(), name)]);
        tags.extend(self.stack.tags.clone());
        Tags(tags)
    }

    /// The place of a value, or of the nearest thing that is there.
    pub fn span(&self, path: &[impl AsRef<str>]) -> Span {
        let words: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        self.decl.locate(&words)
    }

    /// The name of a value in messages: `service.web.expose[0].path`.
    pub fn called(&self, path: &[impl AsRef<str>]) -> String {
        called(&self.address(), path)
    }

    /// Reports a problem at a value.
    pub fn problem(&mut self, code: &'static str, path: &[impl AsRef<str>], message: impl Into<String>) {
        let span = self.span(path);
        self.problems.push(Problem::new(code, message).at(&span));
    }

    /// Reports a problem at a value, with what to do about it.
    pub fn hinted(
        &mut self,
        code: &'static str,
        path: &[impl AsRef<str>],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let span = self.span(path);
        self.problems.push(Problem::new(code, message).at(&span).hint(hint));
    }

    /// Reports a problem at a key, with what to do about it.
    pub fn hinted_key(
        &mut self,
        code: &'static str,
        path: &[impl AsRef<str>],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let words: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let span = self.decl.node.locate_key(&words);
        self.problems.push(Problem::new(code, message).at(&span).hint(hint));
    }

    /// Reports what the language has and this release does not.
    pub fn later(&mut self, path: &[impl AsRef<str>], what: &str) {
        self.problem(later::CODE, path, format!("`{}`: {what} with a later release of this agent", self.called(path)));
    }
}

/// The name of a value in messages: `service.web.expose[0].path`.
pub fn called(address: &str, path: &[impl AsRef<str>]) -> String {
    path.iter().fold(address.to_owned(), |name, word| match word.as_ref() {
        at if at.bytes().all(|b| b.is_ascii_digit()) => format!("{name}[{at}]"),
        key if key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) => format!("{name}.{key}"),
        key => format!("{name}.\"{key}\""),
    })
}

/// The resources that one component makes.
pub struct Resources {
    component: String,
    list: Vec<Resource>,
    misfits: Vec<Address>,
}

impl Resources {
    /// None yet, of the component at this place.
    pub fn of(at: &Place<'_>) -> Self {
        Self { component: at.address(), list: Vec::new(), misfits: Vec::new() }
    }

    /// Adds the only one of its kind, and gives its address.
    pub fn add<K: Kind>(&mut self, spec: &K::Spec) -> Address {
        self.push::<K>(Address::new(&self.component, K::NAME), spec)
    }

    /// Adds one of several of its kind, and gives its address.
    pub fn keyed<K: Kind>(&mut self, key: &str, spec: &K::Spec) -> Address {
        self.push::<K>(Address::keyed(&self.component, K::NAME, key), spec)
    }

    fn push<K: Kind>(&mut self, address: Address, spec: &K::Spec) -> Address {
        match Doc::of(spec) {
            Ok(spec) => self.list.push(Resource {
                address: address.clone(),
                spec,
                protect: false,
                adopt: None,
                ignore: Vec::new(),
            }),
            Err(_) => self.misfits.push(address.clone()),
        }
        address
    }

    /// The resources, and the addresses of which the spec is no document: a fault of this program.
    pub fn into_parts(self) -> (Vec<Resource>, Vec<Address>) {
        (self.list, self.misfits)
    }
}

/// A component as it was read, its type erased.
pub trait Body: Send + Sync {
    /// See [`Component::declare`].
    fn declare(&self, at: &mut Place<'_>) -> Declared;
    /// See [`Component::expand`].
    fn expand(&self, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources;
}

struct Typed<C: Component> {
    config: C::Config,
    component: PhantomData<fn() -> C>,
}

impl<C: Component> Body for Typed<C>
where
    C::Config: Send + Sync,
{
    fn declare(&self, at: &mut Place<'_>) -> Declared {
        C::declare(&self.config, at)
    }

    fn expand(&self, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        C::expand(&self.config, all, at)
    }
}

/// A component type, its types erased.
#[derive(Clone, Copy)]
pub struct ComponentInfo {
    /// See [`Component::TYPE`].
    pub name: &'static str,
    /// See [`Component::DOC`].
    pub doc: &'static str,
    /// The JSON schema of its keys, those of later releases among them.
    pub schema: fn() -> serde_json::Value,
    /// The JSON schema of what works in this release.
    pub schema_now: fn() -> serde_json::Value,
    /// Reads a sound declaration.
    pub read: fn(&mut Place<'_>) -> Option<Box<dyn Body>>,
}

impl ComponentInfo {
    /// The erased form of a component type.
    pub fn of<C: Component>() -> Self
    where
        C::Config: Send + Sync,
    {
        Self {
            name: C::TYPE,
            doc: C::DOC,
            schema: || later::with_later_keys(C::TYPE, schema_of::<C::Config>().clone()),
            schema_now: || later::without_later_forms(C::TYPE, schema_of::<C::Config>().clone()),
            read: |at| {
                let node = later::without_later_keys(C::TYPE, at);
                let config = decode_with(schema_of::<C::Config>(), &node, &at.address(), &COMMON_KEYS, at.problems)?;
                Some(Box::new(Typed::<C> { config, component: PhantomData }))
            },
        }
    }
}

/// Calls a macro with all component types: the one table of them.
macro_rules! each_component {
    ($then:ident) => {
        $then! {
            cluster::Cluster,
            distribution::Distribution,
            load_balancer::LoadBalancer,
            network::Network,
            parameter::Parameter,
            service::Service,
        }
    };
}

macro_rules! table {
    ($($component:ty,)*) => {
        /// The component types that this program knows.
        pub fn table() -> BTreeMap<&'static str, ComponentInfo> {
            [$(ComponentInfo::of::<$component>()),*].into_iter().map(|info| (info.name, info)).collect()
        }
    };
}
each_component!(table);

/// An exception from a rule of the policy: `[[exception]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The rule's id.
    pub rule: String,
    /// The component that it is for: `load_balancer.edge`.
    pub component: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds: `2026-12-31`.
    pub until: String,
}

/// All that a manifest may say.
pub fn language() -> Language {
    let known = table().into_values().map(|info| {
        let ty = ComponentType { schema: (info.schema)(), doc: info.doc, ..ComponentType::of::<later::Anything>("") };
        (info.name, ty)
    });
    let later = later::TYPES.iter().map(|later| {
        let ty = ComponentType::of::<later::Anything>("Comes with a later release of this agent.");
        (later.name, if later.domain { ty.named(agent_core::manifest::NameRule::Domain) } else { ty })
    });
    // Resources are not written down directly yet: kinds are known for `adopt` and `ignore`.
    let kinds = crate::kinds::table();
    let kinds = kinds.iter().map(|kind| (kind.name, KindType { schema: None, doc: kind.doc }));
    let section = |schema, doc| Section { schema, doc };
    Language {
        components: known.chain(later).collect(),
        kinds: kinds.collect(),
        sections: BTreeMap::from([
            ("outputs", section(schema_of::<BTreeMap<String, String>>().clone(), "values for people and other stacks")),
            ("exception", section(schema_of::<Vec<Exception>>().clone(), "exceptions from the policy")),
        ]),
    }
}

/// Words as people read them: `a`, `b` and `c`.
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    agent_core::manifest::suggest::list(words, "and")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_is_both_known_and_promised() {
        let known = table();
        for later in later::TYPES {
            assert!(!known.contains_key(later.name), "{} is there: take it out of the table of later ones", later.name);
        }
        assert_eq!(language().components.len(), known.len() + later::TYPES.len(), "a type is in a table twice");
    }

    #[test]
    fn no_key_is_both_known_and_promised() {
        for later in later::KEYS {
            let info = table()[later.component];
            let own = (info.schema)();
            let description = own["properties"][later.key]["description"].as_str().unwrap_or_default();
            assert_eq!(description, later::DOC, "{}.{} has a schema of its own", later.component, later.key);
        }
    }

    #[test]
    fn values_are_called_as_they_are_written() {
        assert_eq!(called("service.web", &["expose", "0", "path"]), "service.web.expose[0].path");
        assert_eq!(called("service.web", &["env", "A.B"]), "service.web.env.\"A.B\"");
    }
}
