//! The ways from subnets to what tasks have to reach: an endpoint of their VPC, or the internet. Services of one network ask
//! the same, so that each way is looked for once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::view::{View, called};
use super::{Verdict, Way};
use crate::components::list;
use crate::kinds::ec2::vpc_endpoint::{self, EndpointType};

/// What the internet is called among the things that are needed.
pub(super) const INTERNET: &str = "internet";

/// What is at the end of a way, as far as it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// An endpoint of the stack, by address.
    Endpoint(String),
    /// An endpoint of somebody else, by the VPC's id and its own.
    Known { vpc: String, id: String },
    /// The internet.
    Out,
    /// Nowhere, or nobody knows where.
    Nothing,
}

/// Whether something is reached, and how.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) way: Way,
    /// What is wrong where it is not.
    pub(super) lacks: Option<String>,
    pub(super) via: Via,
}

/// Where a way begins: subnets, by address or id, and whether what stands there has public addresses.
pub(super) type From = (Vec<String>, bool);

/// The ways that were asked for so far.
pub(super) struct Ways<'a> {
    view: &'a View<'a>,
    /// The endpoints of the stack by VPC and service.
    endpoints: BTreeMap<(String, &'a str), Vec<&'a str>>,
    found: RefCell<BTreeMap<From, BTreeMap<String, Rc<Reached>>>>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        let mut endpoints: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for (address, spec) in &view.endpoints {
            endpoints.entry((called(&spec.vpc), spec.service_name.as_str())).or_default().push(address);
        }
        Self { view, endpoints, found: RefCell::default() }
    }

    /// Whether what stands in these subnets reaches something, and what is wrong where it does not.
    pub(super) fn to(&self, from: &From, what: &str) -> Rc<Reached> {
        if let Some(known) = self.found.borrow().get(from).and_then(|all| all.get(what)) {
            return Rc::clone(known);
        }
        let reached = Rc::new(self.look(from, what));
        self.found.borrow_mut().entry(from.clone()).or_default().insert(what.to_owned(), Rc::clone(&reached));
        reached
    }

    fn look(&self, from: &From, what: &str) -> Reached {
        let (subnets, _) = from;
        if let Some(vpc) = self.deaf(subnets) {
            let lacks = format!("{vpc} has DNS turned off, so that no name is found");
            return Reached { way: Way::new(Verdict::No, vec![vpc]), lacks: Some(lacks), via: Via::Nothing };
        }
        let (endpoint, lacks, via) = if what == INTERNET {
            (Way::new(Verdict::No, Vec::new()), "there is no way to the internet".to_owned(), Via::Nothing)
        } else {
            self.through_endpoint(subnets, what)
        };
        if endpoint.verdict == Verdict::Yes {
            return Reached { way: endpoint, lacks: None, via };
        }
        let out = self.out(from);
        match (out.verdict, endpoint.verdict) {
            (Verdict::Yes, _) => Reached { way: out, lacks: None, via: Via::Out },
            (_, Verdict::Unknown) => Reached { way: endpoint, lacks: None, via: Via::Nothing },
            (Verdict::Unknown, _) => Reached { way: out, lacks: None, via: Via::Nothing },
            (Verdict::No, _) => Reached { way: out, lacks: Some(lacks), via: Via::Nothing },
        }
    }

    /// A VPC of these subnets whose resolver does not answer.
    fn deaf(&self, subnets: &[String]) -> Option<String> {
        let vpcs = subnets.iter().filter_map(|subnet| self.view.vpc_of(subnet));
        vpcs.into_iter().find(|vpc| self.view.vpcs.get(vpc).is_some_and(|vpc| !vpc.enable_dns_support))
    }

    /// The way out of the worst of the subnets.
    pub(super) fn out(&self, (subnets, public_ip): &From) -> Way {
        let ways = subnets.iter().map(|subnet| {
            let direct = self.view.internet(subnet);
            if *public_ip && direct.verdict == Verdict::Yes { direct } else { self.view.way_out(subnet) }
        });
        let mut ways: Vec<Way> = ways.collect();
        let worst = |verdict| ways.iter().position(move |way: &Way| way.verdict == verdict);
        let at = worst(Verdict::No).or_else(|| worst(Verdict::Unknown)).unwrap_or_default();
        if ways.is_empty() { Way::new(Verdict::No, Vec::new()) } else { ways.swap_remove(at) }
    }

    fn through_endpoint(&self, subnets: &[String], what: &str) -> (Way, String, Via) {
        let view = self.view;
        let vpcs: BTreeSet<String> = subnets.iter().filter_map(|subnet| view.vpc_of(subnet)).collect();
        let Some(vpc) = vpcs.first() else {
            let fact = format!("the endpoints of the VPC of {}", list(subnets.iter().map(String::as_str)));
            return (Way::unknown(subnets.to_vec(), fact), String::new(), Via::Nothing);
        };
        let region = &view.desired.written.region;
        // China's services are called `cn.com.amazonaws.…` and `com.amazonaws.…`, by the service.
        let names = ["com.amazonaws", "cn.com.amazonaws"].map(|first| format!("{first}.{region}.{what}"));
        let fitting = names.iter().filter_map(|name| self.endpoints.get(&(vpc.clone(), name.as_str()))).flatten();
        let mut lacks = None;
        for address in fitting {
            let Some(endpoint) = view.endpoints.get(*address) else { continue };
            match serves(view, endpoint, vpc, subnets) {
                Ok(()) => {
                    let way = Way::new(Verdict::Yes, vec![(*address).to_owned()]);
                    return (way, String::new(), Via::Endpoint((*address).to_owned()));
                }
                Err(why) => lacks = Some(format!("{address} {why}")),
            }
        }
        let no = |why: String| (Way::new(Verdict::No, vec![vpc.clone()]), why, Via::Nothing);
        match view.known.serves(vpc, &format!(".{region}.{what}"), subnets) {
            Some(Ok(id)) => {
                let way = Way::new(Verdict::Yes, vec![vpc.clone(), id.clone()]);
                (way, String::new(), Via::Known { vpc: vpc.clone(), id })
            }
            Some(Err(why)) => no(why.or(lacks).unwrap_or_else(|| no_endpoint(vpc, what))),
            None if view.vpcs.contains_key(vpc) => no(lacks.unwrap_or_else(|| no_endpoint(vpc, what))),
            None => (Way::unknown(subnets.to_vec(), format!("the endpoints of {vpc}")), String::new(), Via::Nothing),
        }
    }
}

fn no_endpoint(vpc: &str, what: &str) -> String {
    format!("{vpc} has no endpoint for {what}")
}

/// Whether an endpoint of the right service and VPC serves these subnets.
fn serves(view: &View<'_>, endpoint: &vpc_endpoint::Spec, vpc: &str, subnets: &[String]) -> Result<(), String> {
    if endpoint.vpc_endpoint_type == EndpointType::Gateway {
        let tables: BTreeSet<String> = endpoint.route_tables.iter().map(called).collect();
        for subnet in subnets {
            match view.own_table(subnet) {
                Some(table) if tables.contains(table) => {}
                Some(table) => return Err(format!("is not on {table}, which the subnet {subnet} uses")),
                None => return Err(format!("is on no route table of the subnet {subnet}")),
            }
        }
        return Ok(());
    }
    if !endpoint.private_dns_enabled {
        return Err("has no private DNS, so that nothing finds it under the name of the service".to_owned());
    }
    if view.vpcs.get(vpc).is_some_and(|vpc| !vpc.enable_dns_support || !vpc.enable_dns_hostnames) {
        return Err(format!("cannot have private DNS, because {vpc} has DNS turned off"));
    }
    let served: BTreeSet<Option<String>> =
        endpoint.subnets.iter().map(|subnet| view.zone_of(&called(subnet))).collect();
    let own: BTreeSet<String> = endpoint.subnets.iter().map(called).collect();
    let missing = subnets.iter().find(|subnet| !own.contains(*subnet) && !served.contains(&view.zone_of(subnet)));
    match missing {
        Some(subnet) => Err(format!("is not in the zone of the subnet {subnet}")),
        None => Ok(()),
    }
}
