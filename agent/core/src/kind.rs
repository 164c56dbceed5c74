//! What a kind is to the engine: a type of spec, and pure answers about change, order and identity. Kinds are
//! implemented in `agent-model`; nothing here or there talks to AWS.

use std::collections::BTreeMap;
use std::fmt::Debug;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::{Address, Scope};
use crate::cost::Read;
use crate::doc::{Doc, Misfit, path_matches};
use crate::health::Health;
use crate::manifest::decode::schema_of;
use crate::manifest::from_node;
use crate::manifest::tree::Node;
use crate::plan::graph::Graph;

/// One kind of AWS resource: something that can be found and owned alone.
pub trait Kind: Sized + Send + Sync + 'static {
    /// `service.resource` in AWS's own words: `ec2.vpc`.
    const NAME: &'static str;

    /// The wanted state. A live resource is read back into the same type.
    type Spec: Serialize + DeserializeOwned + JsonSchema + Clone + Debug + PartialEq + Send + Sync;

    /// What only AWS knows: ids, ARNs, DNS names, endpoints. Optional fields appear when AWS has them; a reference to
    /// one that is absent waits.
    type Out: Serialize + DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync;

    /// How `create` is kept from making a second one.
    const IDENTITY: Identity;

    /// Paths that AWS cannot change, as patterns (`*` is any key or position). The generation is made from them.
    const IMMUTABLE: &'static [&'static str];

    /// Which of two comes first when one replaces the other.
    const REPLACE: Replace = Replace::CreateFirst;

    /// Paths that are applied in a step of their own, after everything they name exists, and cleared before a delete.
    /// So two resources may name each other in them.
    const LATE: &'static [&'static str] = &[];

    /// Paths at which AWS lets a thing be named by one resource of the kind at a time (a subnet by its route table). Whoever
    /// takes it over comes before the one that had it goes or lets it go.
    const EXCLUSIVE: &'static [&'static str] = &[];

    /// Paths that an override in the manifest may not set: the agent finds the resource by them, or other resources and the
    /// engine go by what they say.
    const FIXED: &'static [&'static str] = &["name"];

    /// Holds data that nothing can bring back: goes or is replaced only when the manifest says so.
    const STATEFUL: bool = false;

    /// The field of a spec with which AWS refuses to delete one. It is read back, so it holds where the manifest names it no longer.
    const KEPT_BY: Option<&'static str> = None;

    /// What happens when the manifest names it no longer.
    const REMOVAL: Removal = Removal::Delete;

    /// Whether a live one tells its generation in a tag. Where AWS takes no tags, or reading them costs a call for each,
    /// the owner is told by a deterministic name or by the parent, and generations are not compared.
    const MARKED: bool = true;

    /// How many retired ones of an address are kept although nothing names them.
    const RETAIN: usize = 0;

    /// Kinds whose live resources `list` needs, because they can be found only through these.
    const PARENTS: &'static [&'static str] = &[];

    /// Kinds of which a resource that names this one hinders its deletion in AWS; `*` is any.
    const HELD_BY: &'static [&'static str] = &["*"];

    /// Kinds of which a live resource may mention this one (see [`Kind::mentions`]) and that AWS does not hold it for: where
    /// one of them could not be read, none of this kind goes.
    const MENTIONED_BY: &'static [&'static str] = &[];

    /// What `list` asks AWS for: the cost of looking. A test over real calls holds it to the truth.
    const READS: &'static [Read] = &[];

    /// Whether no list tells how one is: a status asks AWS about each, which costs a pass nothing.
    const SILENT: bool = false;

    /// Kinds of which one that it names tells how it is itself: a service whose targets are degraded is degraded.
    const WORKS_BY: &'static [&'static str] = &[];

    /// The words of the generated documentation: what it is, and the AWS page that decides.
    const DOC: &'static str;

    /// Whether a change can be made in place. `from` and `to` are values at `path`, `null` where absent.
    fn change(path: &str, from: &Value, to: &Value) -> Change {
        let _ = (from, to);
        if Self::IMMUTABLE.iter().any(|pattern| path_matches(pattern, path)) {
            Change::Replace
        } else {
            Change::InPlace
        }
    }

    /// Fields of `out` that are known before AWS has made it (ARNs that are made from names). `spec` may still hold
    /// references. A derived value removes a wait, never the edge.
    fn derive(spec: &Self::Spec, scope: &Scope) -> BTreeMap<&'static str, String> {
        let _ = (spec, scope);
        BTreeMap::new()
    }

    /// What must come first although no field says so. Called with the wanted graph, and with the live one on the way
    /// out.
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let _ = (own, graph);
        Vec::new()
    }

    /// What must come before the step of the late fields, beside what these name. Called with the wanted graph.
    fn late_after(own: &Address, graph: &Graph) -> Vec<After> {
        let _ = (own, graph);
        Vec::new()
    }

    /// What had better come first, where that can be: AWS takes the other order too, at a price (a service that is deployed
    /// once more). A circle of such is no error. Called with the wanted graph.
    fn rather_after(own: &Address, graph: &Graph) -> Vec<Address> {
        let _ = (own, graph);
        Vec::new()
    }

    /// What AWS makes of a spec by itself, for the faked cloud: the first time (nothing before), or by an update. `out` is made
    /// up, or what it was.
    fn faked(before: Option<&Self::Spec>, spec: Self::Spec, out: Self::Out) -> (Self::Spec, Self::Out) {
        let _ = before;
        (spec, out)
    }

    /// What a live resource names without a link: in a text that only its readers understand, or in what AWS knows of it. As
    /// long as it stays, what it mentions stays.
    fn mentions(spec: &Value, out: &Doc) -> Vec<Mention> {
        let _ = (spec, out);
        Vec::new()
    }

    /// How one is that AWS calls ready, where what was read says more: a service with fewer tasks than it should have.
    fn health(spec: &Self::Spec, out: &Self::Out) -> Option<(Health, String)> {
        let _ = (spec, out);
        None
    }

    /// What tells a newer one of an address from an older one, the higher the newer. Of those that are retained the newest
    /// stay; without a number those that AWS lists first.
    fn serial(out: &Value) -> u64 {
        let _ = out;
        0
    }

    /// What AWS would refuse although each field by itself is as it should be. Components see to it for what they make; this is
    /// asked where somebody overrides it.
    fn check(spec: &Self::Spec) -> Vec<Unsound> {
        let _ = spec;
        Vec::new()
    }

    /// The name that AWS keeps unique, with its scope, for example `sg/vpc-1/web`. `None` where AWS gives ids.
    fn unique(spec: &Self::Spec) -> Option<String> {
        let _ = spec;
        None
    }
}

/// How a creating call is kept from making a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// AWS refuses, or hands back, a second one of the same name: find by name, check the owner.
    UniqueName,
    /// AWS takes a client token.
    Token,
    /// Neither: tags with the creating call, and an intent that is written before it.
    Intent,
}

/// Which comes first when one resource replaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replace {
    /// The new one is made, its users are moved, the old one goes.
    CreateFirst,
    /// AWS allows only one at a time.
    DeleteFirst,
}

/// What happens when the manifest names a resource no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// It is deleted.
    Delete,
    /// It stays, and a note says so (log groups): removing a service must not remove what tells why it failed.
    LetGo,
}

/// Whether and how a field can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// AWS changes it in place.
    InPlace,
    /// It takes a new resource.
    Replace,
    /// It cannot be done; the reason says why and what to do.
    Refuse(String),
}

/// What an edge waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// It is there.
    Exists,
    /// It is in working order.
    Ready,
    /// It is in working order, and no change is under way: whatever was sent last has reached all of it.
    Settled,
}

/// An edge that no field carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct After {
    /// What comes first.
    pub address: Address,
    /// What is waited for.
    pub wait: Wait,
}

/// Something that a live resource names without a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where: a path into its spec, or of its `out`.
    pub path: String,
    /// What is named, by kind and field: `ssm.file.name`.
    pub target: String,
    /// The value of that field.
    pub value: String,
}

/// What AWS would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsound {
    /// The fields that may be to blame, as keys; the first of them that somebody wrote is.
    pub paths: Vec<Vec<String>>,
    /// Why.
    pub message: String,
}

/// Fields of an `out` that are known beforehand.
pub type Derived = BTreeMap<&'static str, String>;

/// See [`Kind::faked`]: what was, the spec and the `out`, and these two as AWS makes them.
pub type Faked = fn(Option<&Doc>, &Doc, &Doc) -> Result<(Doc, Doc), Misfit>;

/// See [`Kind::health`].
pub type Healthy = fn(&Doc, &Doc) -> Result<Option<(Health, String)>, Misfit>;

/// A kind as the engine sees it, its types erased.
#[derive(Clone, Copy)]
pub struct KindInfo {
    /// See [`Kind::NAME`]; so on for the others.
    pub name: &'static str,
    /// See [`Kind::IDENTITY`].
    pub identity: Identity,
    /// See [`Kind::IMMUTABLE`].
    pub immutable: &'static [&'static str],
    /// See [`Kind::REPLACE`].
    pub replace: Replace,
    /// See [`Kind::LATE`].
    pub late: &'static [&'static str],
    /// See [`Kind::EXCLUSIVE`].
    pub exclusive: &'static [&'static str],
    /// See [`Kind::FIXED`].
    pub fixed: &'static [&'static str],
    /// See [`Kind::STATEFUL`].
    pub stateful: bool,
    /// See [`Kind::KEPT_BY`].
    pub kept_by: Option<&'static str>,
    /// See [`Kind::REMOVAL`].
    pub removal: Removal,
    /// See [`Kind::MARKED`].
    pub marked: bool,
    /// See [`Kind::RETAIN`].
    pub retain: usize,
    /// See [`Kind::PARENTS`].
    pub parents: &'static [&'static str],
    /// See [`Kind::HELD_BY`].
    pub held_by: &'static [&'static str],
    /// See [`Kind::MENTIONED_BY`].
    pub mentioned_by: &'static [&'static str],
    /// See [`Kind::READS`].
    pub reads: &'static [Read],
    /// See [`Kind::SILENT`].
    pub silent: bool,
    /// See [`Kind::WORKS_BY`].
    pub works_by: &'static [&'static str],
    /// See [`Kind::DOC`].
    pub doc: &'static str,
    /// See [`Kind::change`].
    pub change: fn(&str, &Value, &Value) -> Change,
    /// See [`Kind::derive`].
    pub derive: fn(&Doc, &Scope) -> Result<Derived, Misfit>,
    /// See [`Kind::also_after`].
    pub also_after: fn(&Address, &Graph) -> Vec<After>,
    /// See [`Kind::late_after`].
    pub late_after: fn(&Address, &Graph) -> Vec<After>,
    /// See [`Kind::faked`].
    pub faked: Faked,
    /// See [`Kind::mentions`].
    pub mentions: fn(&Value, &Doc) -> Vec<Mention>,
    /// See [`Kind::health`].
    pub health: Healthy,
    /// See [`Kind::serial`].
    pub serial: fn(&Value) -> u64,
    /// See [`Kind::rather_after`].
    pub rather_after: fn(&Address, &Graph) -> Vec<Address>,
    /// See [`Kind::unique`].
    pub unique: fn(&Doc) -> Result<Option<String>, Misfit>,
    /// The JSON schema of the spec.
    pub spec_schema: fn() -> &'static Value,
    /// The JSON schema of `out`.
    pub out_schema: fn() -> &'static Value,
    /// See [`Kind::check`].
    pub check: fn(&Doc) -> Result<Vec<Unsound>, Misfit>,
    /// Reads a tree, markers included, as the spec's type: an error knows its place.
    pub read: fn(&Node) -> Result<Doc, from_node::Error>,
    /// Reads a document as the spec's type and back: defaults filled in, order made canonical.
    pub normal: fn(&Doc) -> Result<Doc, Misfit>,
}

impl KindInfo {
    /// The erased form of a kind.
    pub fn of<K: Kind>() -> Self {
        Self {
            name: K::NAME,
            identity: K::IDENTITY,
            immutable: K::IMMUTABLE,
            replace: K::REPLACE,
            late: K::LATE,
            exclusive: K::EXCLUSIVE,
            fixed: K::FIXED,
            stateful: K::STATEFUL,
            kept_by: K::KEPT_BY,
            removal: K::REMOVAL,
            marked: K::MARKED,
            retain: K::RETAIN,
            parents: K::PARENTS,
            held_by: K::HELD_BY,
            mentioned_by: K::MENTIONED_BY,
            reads: K::READS,
            silent: K::SILENT,
            works_by: K::WORKS_BY,
            doc: K::DOC,
            change: K::change,
            derive: |doc, scope| Ok(K::derive(&doc.typed()?, scope)),
            also_after: K::also_after,
            late_after: K::late_after,
            faked: |before, spec, out| {
                let before = before.map(Doc::typed).transpose()?;
                let (spec, out) = K::faked(before.as_ref(), spec.typed()?, out.typed()?);
                Ok((Doc::of(&spec)?, Doc::of(&out)?))
            },
            mentions: K::mentions,
            health: |spec, out| Ok(K::health(&spec.typed()?, &out.typed()?)),
            serial: K::serial,
            rather_after: K::rather_after,
            unique: |doc| Ok(K::unique(&doc.typed()?)),
            spec_schema: schema_of::<K::Spec>,
            out_schema: schema_of::<K::Out>,
            check: |doc| Ok(K::check(&doc.typed()?)),
            read: |node| {
                let spec = K::Spec::deserialize(node)?;
                Doc::of(&spec).map_err(<from_node::Error as serde::de::Error>::custom)
            },
            normal: |doc| Doc::of(&doc.typed::<K::Spec>()?),
        }
    }

    /// Whether a path is applied in a step of its own.
    pub fn is_late(&self, path: &str) -> bool {
        self.late.iter().any(|pattern| path_matches(pattern, path))
    }

    /// Whether an override may not set a path.
    pub fn is_fixed(&self, path: &str) -> bool {
        self.fixed.iter().any(|pattern| path_matches(pattern, path))
    }

    /// Whether a path is part of the generation.
    pub fn is_immutable(&self, path: &str) -> bool {
        self.immutable.iter().any(|pattern| path_matches(pattern, path))
    }
}

/// The kinds the engine knows.
#[derive(Clone, Default)]
pub struct Kinds(BTreeMap<&'static str, KindInfo>);

impl Kinds {
    /// A table of kinds.
    pub fn new(kinds: impl IntoIterator<Item = KindInfo>) -> Self {
        Self(kinds.into_iter().map(|kind| (kind.name, kind)).collect())
    }

    /// A kind by its name.
    pub fn get(&self, name: &str) -> Option<&KindInfo> {
        self.0.get(name)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &KindInfo> {
        self.0.values()
    }

    /// The kinds in rounds: those of a round need only kinds of earlier rounds to be listed.
    pub fn rounds(&self) -> Vec<Vec<&KindInfo>> {
        let mut rounds: Vec<Vec<&KindInfo>> = Vec::new();
        let mut placed: Vec<&str> = Vec::new();
        while placed.len() < self.0.len() {
            let round: Vec<&KindInfo> = self
                .iter()
                .filter(|kind| !placed.contains(&kind.name))
                .filter(|kind| kind.parents.iter().all(|p| placed.contains(p) || !self.0.contains_key(p)))
                .collect();
            if round.is_empty() {
                break; // parents in a circle: a test over the table refuses it
            }
            placed.extend(round.iter().map(|kind| kind.name));
            rounds.push(round);
        }
        rounds
    }
}
