//! What a revision wants: every resource by its address, checked to hang together, ordered, each with its generation.
//! Pure; it does not know what AWS holds.

mod generation;
mod order;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::address::Address;
use crate::doc::{self, Doc, Edge};
use crate::exception::Exception;
use crate::kind::Kinds;
use crate::lookup::{Existing, Network};
use crate::plan::graph::Graph;
use crate::renames::Renames;
use generation::{counted, generation};
use order::order;

/// One wanted resource.
#[derive(Clone, Debug, Serialize)]
pub struct Wanted {
    /// The spec, with references.
    pub spec: Doc,
    /// Twelve hex digits over the immutable fields, references by their generation.
    pub generation: String,
    /// May not be deleted or replaced, whatever the kind.
    pub protect: bool,
    /// The id of an existing thing to take over.
    pub adopt: Option<String>,
    /// Paths that are left to somebody else.
    pub ignore: Vec<String>,
}

/// A resource as a component makes it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// Its spec, with references.
    pub spec: Doc,
    /// See [`Wanted::protect`].
    pub protect: bool,
    /// See [`Wanted::adopt`].
    pub adopt: Option<String>,
    /// See [`Wanted::ignore`].
    pub ignore: Vec<String>,
}

/// What the revision says about deletions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Allow {
    /// Components whose stateful resources may go or be replaced.
    pub delete: BTreeSet<String>,
    /// Components that may be removed beyond the budget.
    pub removals: usize,
}

/// What people wrote, for rules that judge it: the resources do not tell why they are as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Written {
    /// The account that the stack is for, where it says so.
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// The tags of the stack.
    pub tags: BTreeMap<String, String>,
    /// The table of each component, by its address: `service.web`.
    pub components: BTreeMap<String, Value>,
    /// Exceptions from rules.
    pub exceptions: Vec<Exception>,
    /// Rules that the repository adds to those in force: policies by path.
    pub policies: BTreeMap<String, String>,
}

/// All that a stack wants.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Desired {
    /// The stack.
    pub stack: String,
    /// What people wrote.
    #[serde(skip)]
    pub written: Written,
    /// What AWS answered about networks that the stack uses and does not own, for rules that judge it. It is no part of what is
    /// wanted.
    #[serde(skip)]
    pub networks: BTreeMap<Existing, Network>,
    /// The ids of the managed prefix lists that were asked for, by name, for rules too.
    #[serde(skip)]
    pub prefix_lists: BTreeMap<String, String>,
    /// The resources by address.
    pub resources: BTreeMap<Address, Wanted>,
    /// What the revision says about deletions.
    pub allow: Allow,
    /// Components that were called otherwise before.
    #[serde(skip_serializing_if = "Renames::is_empty")]
    pub renames: Renames,
    /// Addresses such that each comes after all that it names, late fields apart.
    #[serde(skip)]
    pub order: Vec<Address>,
    /// Who names whom.
    #[serde(skip)]
    pub graph: Graph,
}

/// Resources that do not hang together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incoherent {
    /// Two components make one address.
    #[error("{0} is made twice")]
    Twice(Address),
    /// The kind is not in the table.
    #[error("{0}: the kind `{kind}` is not known", kind = .0.kind())]
    UnknownKind(Address),
    /// A reference to nothing.
    #[error("{from}: `{path}` names {to}, which is not in this stack")]
    Dangling {
        /// Who names it.
        from: Address,
        /// In which field.
        path: String,
        /// What is missing.
        to: Address,
    },
    /// A reference to a field that the kind does not have.
    #[error("{from}: `{path}` names the field `{field}` of {to}; it has {known}")]
    NoSuchField {
        /// Who names it.
        from: Address,
        /// In which field.
        path: String,
        /// Whose field.
        to: Address,
        /// The field that it does not have.
        field: String,
        /// Those it has.
        known: String,
    },
    /// Resources that need each other.
    #[error("these need each other, so none can be first: {}", .0.iter().map(Address::as_str).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<Address>),
}

impl Desired {
    /// Checks that the resources hang together; all problems at once.
    pub fn build(stack: &str, resources: Vec<Resource>, allow: Allow, kinds: &Kinds) -> Result<Self, Vec<Incoherent>> {
        let mut problems = Vec::new();
        let mut edges: BTreeMap<Address, Vec<Edge>> = BTreeMap::new();
        let mut wanted = BTreeMap::new();
        let mut counts = HashMap::new();
        for resource in resources {
            let address = resource.address.clone();
            let Some(kind) = kinds.get(address.kind()) else {
                problems.push(Incoherent::UnknownKind(address));
                continue;
            };
            // Parsed once for all that is done here: of thousands of specs that is most of the work.
            let value = resource.spec.value();
            edges.insert(address.clone(), doc::edges(&value));
            counts.insert(address.clone(), counted(&value, kind));
            let Resource { spec, protect, adopt, ignore, .. } = resource;
            let entry = Wanted { spec, generation: String::new(), protect, adopt, ignore };
            if wanted.insert(address.clone(), entry).is_some() {
                problems.push(Incoherent::Twice(address));
            }
        }
        check_references(&edges, kinds, &mut problems);
        let order = match order(&edges, kinds) {
            Ok(order) => order,
            Err(cycle) => {
                problems.push(Incoherent::Cycle(cycle));
                Vec::new()
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut graph = Graph::default();
        for (address, edges) in edges {
            graph.add(&address, edges);
        }
        let mut desired = Self { stack: stack.into(), resources: wanted, allow, order, graph, ..Self::default() };
        desired.tell_generations(kinds, counts);
        Ok(desired)
    }

    /// The same with components that were called otherwise. A rename makes no new generation of anything: each is told as
    /// if all had their former names.
    #[must_use]
    pub fn renamed(mut self, renames: Renames, kinds: &Kinds) -> Self {
        self.renames = renames;
        if !self.renames.is_empty() {
            let of = |(address, wanted): (&Address, &Wanted)| {
                let spec = self.renames.value_formerly(wanted.spec.value());
                Some((address.clone(), counted(&spec, kinds.get(address.kind())?)))
            };
            let counts = self.resources.iter().filter_map(of).collect();
            self.tell_generations(kinds, counts);
        }
        self
    }

    /// The same, with what people wrote.
    #[must_use]
    pub fn written(mut self, written: Written) -> Self {
        self.written = written;
        self
    }

    /// The same with what AWS answered about networks of others.
    #[must_use]
    pub fn in_networks(mut self, networks: BTreeMap<Existing, Network>) -> Self {
        self.networks = networks;
        self
    }

    /// The same with the ids of managed prefix lists, by name.
    #[must_use]
    pub fn with_prefix_lists(mut self, prefix_lists: BTreeMap<String, String>) -> Self {
        self.prefix_lists = prefix_lists;
        self
    }

    /// The components that the resources come from.
    pub fn components(&self) -> BTreeSet<&str> {
        self.resources.keys().map(Address::component).collect()
    }

    /// `counts` is what counts for each.
    fn tell_generations(&mut self, kinds: &Kinds, mut counts: HashMap<Address, Value>) {
        let mut told: HashMap<Address, String> = HashMap::new();
        for address in &self.order {
            if let (Some(wanted), Some(kind)) = (self.resources.get_mut(address), kinds.get(address.kind())) {
                wanted.generation = generation(counts.remove(address).unwrap_or_default(), kind, &told);
                told.insert(self.renames.first(address), wanted.generation.clone());
            }
        }
    }
}

fn check_references(edges: &BTreeMap<Address, Vec<Edge>>, kinds: &Kinds, problems: &mut Vec<Incoherent>) {
    for (from, edges_of) in edges {
        for Edge { path, to, field } in edges_of {
            if !edges.contains_key(to) {
                problems.push(Incoherent::Dangling { from: from.clone(), path: path.clone(), to: to.clone() });
            } else if let Some(kind) = kinds.get(to.kind()) {
                let known = (kind.out_schema)().get("properties").and_then(Value::as_object);
                if !known.is_some_and(|known| known.contains_key(field)) {
                    let known = known.into_iter().flat_map(Map::keys);
                    problems.push(Incoherent::NoSuchField {
                        from: from.clone(),
                        path: path.clone(),
                        to: to.clone(),
                        field: field.clone(),
                        known: known.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
                    });
                }
            }
        }
    }
}
