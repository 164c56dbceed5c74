//! What follows from the resources of a stack and is tedious to say in a rule: where a subnet's routes lead, what stands
//! where, what tasks need and who can reach a load balancer. Pure; the rules judge it.
//!
//! What a stack refers to and does not own, only AWS knows. It comes in as [`Known`]; what is not in there has the verdict
//! `unknown` with the name of the missing fact, and never passes for good.

mod edge;
mod known;
mod needs;
mod placed;
pub mod preflight;
mod routes;
mod view;
mod ways;

use std::collections::BTreeMap;

use agent_core::desired::Desired;
use agent_core::doc::Misfit;
use schemars::JsonSchema;
use serde::Serialize;

pub use known::{Known, KnownSubnet, KnownTable};
use view::View;

/// Yes, no, or that a fact is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// The fact that decides it is missing.
    Unknown,
}

/// Whether there is a way, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Way {
    /// Whether there is one.
    pub verdict: Verdict,
    /// The hops, as far as they were followed.
    pub path: Vec<String>,
    /// The missing fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
}

impl Way {
    fn new(verdict: Verdict, path: Vec<String>) -> Self {
        Self { verdict, path, fact: None }
    }

    fn unknown(path: Vec<String>, fact: String) -> Self {
        Self { verdict: Verdict::Unknown, path, fact: Some(fact) }
    }
}

/// The line of a manifest that decides something: a component, and the way to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// `service.web`
    pub component: String,
    /// Keys, and positions in lists.
    pub key: Vec<String>,
}

impl Line {
    fn new(component: &str, key: &[&str]) -> Self {
        Self { component: component.to_owned(), key: key.iter().map(|word| (*word).to_owned()).collect() }
    }
}

/// A subnet.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Subnet {
    /// Its VPC, by address or id.
    pub vpc: Option<String>,
    /// Its zone, or which one of its network it is in as long as AWS was not asked.
    pub zone: Option<String>,
    /// Whether it has a route to an internet gateway.
    pub internet: Way,
    /// Whether what is made in it gets public addresses.
    pub public_ips: Way,
    /// Whether what stands in it reaches the internet without an address of its own.
    pub way_out: Way,
}

/// Something with network interfaces in subnets that are to be private.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Placed {
    /// The resource.
    pub address: String,
    /// What it is: `tasks`, `internal load balancer`, `endpoint`.
    pub what: &'static str,
    /// Its subnets, by address or id.
    pub subnets: Vec<String>,
    /// Whether it asks for public addresses.
    pub assign_public_ip: bool,
    /// The line that decides where it stands.
    pub line: Line,
}

/// Something that tasks have to reach to start and to work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Need {
    /// The service.
    pub address: String,
    /// An endpoint's service (`ecr.api`), or `internet`.
    pub what: String,
    /// Why: `pulls the image …`.
    pub because: String,
    /// The line that asks for it.
    pub line: Line,
    /// Whether it can be reached.
    pub met: Way,
    /// Where it cannot be: what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The network that would have to have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// A load balancer that faces the internet.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Public {
    /// The load balancer.
    pub address: String,
    /// `application` or `network`.
    pub kind: &'static str,
    /// The line that makes it face the internet.
    pub line: Line,
    /// Why everybody may reach it, in the manifest's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exempt: Option<String>,
    /// The ways to targets for requests that carry no secret.
    pub open: Vec<Open>,
}

/// A way to targets for requests that carry no secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Open {
    /// The hops.
    pub path: Vec<String>,
    /// Why nothing stops a request there.
    pub why: String,
    /// The line that opens it.
    pub line: Line,
}

/// All facts of a stack.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Facts {
    /// Subnets, by address or id.
    pub subnets: BTreeMap<String, Subnet>,
    /// What stands in subnets that are to be private.
    pub placed: Vec<Placed>,
    /// What tasks need.
    pub needs: Vec<Need>,
    /// Load balancers that face the internet.
    pub public: Vec<Public>,
    /// What tasks must do to start and to work, hop by hop.
    #[serde(skip)]
    pub checks: Vec<preflight::Check>,
    /// The links of these that do not hold, or of which a fact is missing, by the rule that judges them.
    pub preflight: BTreeMap<&'static str, Vec<preflight::Broken>>,
    /// The ids of the managed prefix lists that AWS was asked for, by name.
    pub prefix_lists: BTreeMap<String, String>,
}

impl Facts {
    /// The facts of what a stack wants. An error is a fault of this program: a spec that does not fit its kind.
    pub fn of(desired: &Desired, known: &Known) -> Result<Self, Misfit> {
        let view = View::of(desired, known)?;
        let placed = placed::placed(&view);
        let ways = ways::Ways::new(&view);
        let needs = needs::needs(&view, &ways);
        let public = edge::public(&view);
        let names = view.subnets.keys().cloned().chain(placed.iter().flat_map(|placed| placed.subnets.clone()));
        let names: std::collections::BTreeSet<String> = names.collect();
        let subnets = names.into_iter().map(|name| {
            let subnet = view.subnet(&name);
            (name, subnet)
        });
        let checks = preflight::checks(&view, &ways, &needs);
        let preflight = preflight::broken(&checks);
        let prefix_lists = desired.prefix_lists.clone();
        Ok(Self { subnets: subnets.collect(), placed, needs, public, checks, preflight, prefix_lists })
    }
}
