//! Toy kinds, each of the nature of a real one: no token (net), late fields and a name with the generation (group),
//! create-first (pool), a taken number (rule), hidden edges and slow (service), data (store).

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::{Address, Scope};
use agent_core::field::{AwsDecides, Name, Tags};
use agent_core::kind::{After, Identity, Kind, Replace, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Link, Target, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! target {
    ($name:ident, $kind:literal, $field:literal) => {
        #[derive(Debug)]
        pub struct $name;
        impl Target for $name {
            const KIND: &'static str = $kind;
            const FIELD: &'static str = $field;
        }
    };
}
target!(NetId, "toy.net", "id");
target!(GroupId, "toy.group", "id");
target!(PoolId, "toy.pool", "id");

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    pub id: String,
    pub arn: String,
}

pub struct Net;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetSpec {
    pub cidr: String,
    #[serde(default)]
    pub dns: bool,
    #[serde(default)]
    pub tags: Tags,
}
impl Kind for Net {
    const NAME: &'static str = "toy.net";
    type Spec = NetSpec;
    type Out = Out;
    const IDENTITY: Identity = Identity::Intent;
    const IMMUTABLE: &'static [&'static str] = &["cidr"];
    const DOC: &'static str = "Like a VPC.";
}

pub struct Group;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSpec {
    pub name: Name,
    pub net: Link<NetId>,
    #[serde(default)]
    pub from: BTreeSet<Link<GroupId>>,
}
impl Kind for Group {
    const NAME: &'static str = "toy.group";
    type Spec = GroupSpec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name", "net"];
    const LATE: &'static [&'static str] = &["from"];
    const DOC: &'static str =
        "Like a security group, and like a service that had better come after those it connects to.";
    fn rather_after(own: &Address, graph: &Graph) -> Vec<Address> {
        graph.edges(own).iter().filter(|edge| edge.path.starts_with("from")).map(|edge| edge.to.clone()).collect()
    }
    fn unique(spec: &GroupSpec) -> Option<String> {
        Some(format!("{}/{}", spec.net.as_str(), spec.name.as_str()))
    }
}

pub struct Pool;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolSpec {
    pub name: Name,
    pub net: Link<NetId>,
    pub port: u16,
    #[serde(default)]
    pub path: Option<String>,
}
impl Kind for Pool {
    const NAME: &'static str = "toy.pool";
    type Spec = PoolSpec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name", "net", "port"];
    const DOC: &'static str = "Like a target group.";
    fn unique(spec: &PoolSpec) -> Option<String> {
        Some(spec.name.as_str().to_owned())
    }
}

pub struct Rule;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleSpec {
    pub number: u32,
    pub pool: Link<PoolId>,
    #[serde(default)]
    pub words: Option<Text>,
}
impl Kind for Rule {
    const NAME: &'static str = "toy.rule";
    type Spec = RuleSpec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["number"];
    const REPLACE: Replace = Replace::DeleteFirst;
    const DOC: &'static str = "Like a listener rule.";
    fn unique(spec: &RuleSpec) -> Option<String> {
        Some(spec.number.to_string())
    }
}

pub struct Service;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSpec {
    pub name: String,
    pub image: String,
    #[serde(default)]
    pub count: AwsDecides<u32>,
    pub groups: BTreeSet<Link<GroupId>>,
    #[serde(default)]
    pub pool: Option<Link<PoolId>>,
}
impl Kind for Service {
    const NAME: &'static str = "toy.service";
    type Spec = ServiceSpec;
    type Out = Out;
    const IDENTITY: Identity = Identity::Token;
    const IMMUTABLE: &'static [&'static str] = &["name"];
    const REPLACE: Replace = Replace::DeleteFirst;
    const DOC: &'static str = "Like an ECS service: tasks need what no field names.";
    fn also_after(own: &Address, graph: &Graph) -> Vec<After> {
        let pools = graph.named(own, "toy.pool");
        let rules = pools.flat_map(|pool| graph.naming(pool)).filter(|address| address.kind() == "toy.rule");
        let nets = graph.of_kind("toy.net").map(|net| After { address: net.clone(), wait: Wait::Ready });
        rules.map(|rule| After { address: rule.clone(), wait: Wait::Exists }).chain(nets).collect()
    }
    fn unique(spec: &ServiceSpec) -> Option<String> {
        Some(spec.name.clone())
    }
}

pub struct Store;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoreSpec {
    pub name: String,
    #[serde(default)]
    pub size: u32,
    #[serde(default)]
    pub kept: bool,
}
impl Kind for Store {
    const NAME: &'static str = "toy.store";
    type Spec = StoreSpec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name"];
    const STATEFUL: bool = true;
    const KEPT_BY: Option<&'static str> = Some("kept");
    const DOC: &'static str = "Like a database.";
    fn derive(spec: &StoreSpec, scope: &Scope) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("arn", scope.arn("toy", &spec.name))])
    }
    fn unique(spec: &StoreSpec) -> Option<String> {
        Some(spec.name.clone())
    }
}
