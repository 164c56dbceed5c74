//! The specs of a stack by what they are called, typed, with their references as addresses.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::desired::Desired;
use agent_core::doc::Misfit;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Target};

use super::Known;
use crate::kinds::ec2::{route_table, subnet, vpc, vpc_endpoint};
use crate::kinds::ecs::{service, task_definition};
use crate::kinds::elb::{listener, load_balancer, rule};
use crate::kinds::iam::role;
use crate::kinds::ssm::parameter;
use crate::kinds::{ec2, ecs, elb, iam, ssm};

/// The specs of one kind, by address.
pub(super) type All<T> = BTreeMap<String, T>;

/// What the facts are worked out from.
pub(super) struct View<'a> {
    pub(super) desired: &'a Desired,
    pub(super) known: &'a Known,
    pub(super) vpcs: All<vpc::Spec>,
    pub(super) subnets: All<subnet::Spec>,
    pub(super) tables: All<route_table::Spec>,
    pub(super) nats: All<ec2::nat_gateway::Spec>,
    pub(super) endpoints: All<vpc_endpoint::Spec>,
    pub(super) load_balancers: All<load_balancer::Spec>,
    pub(super) listeners: All<listener::Spec>,
    pub(super) rules: All<rule::Spec>,
    pub(super) services: All<service::Spec>,
    pub(super) definitions: All<task_definition::Spec>,
    pub(super) roles: All<role::Spec>,
    pub(super) parameters: All<parameter::Spec>,
    /// The table that a subnet is tied to.
    pub(super) table_of: BTreeMap<String, String>,
}

impl<'a> View<'a> {
    pub(super) fn of(desired: &'a Desired, known: &'a Known) -> Result<Self, Misfit> {
        let tables = all::<route_table::RouteTable>(desired)?;
        let ties =
            tables.iter().flat_map(|(name, table)| table.subnets.iter().map(|subnet| (called(subnet), name.clone())));
        let table_of = ties.collect();
        Ok(Self {
            desired,
            known,
            vpcs: all::<vpc::Vpc>(desired)?,
            subnets: all::<subnet::Subnet>(desired)?,
            tables,
            nats: all::<ec2::nat_gateway::NatGateway>(desired)?,
            endpoints: all::<vpc_endpoint::VpcEndpoint>(desired)?,
            load_balancers: all::<elb::load_balancer::LoadBalancer>(desired)?,
            listeners: all::<elb::listener::Listener>(desired)?,
            rules: all::<elb::rule::Rule>(desired)?,
            services: all::<ecs::service::Service>(desired)?,
            definitions: all::<ecs::task_definition::TaskDefinition>(desired)?,
            roles: all::<iam::role::Role>(desired)?,
            parameters: all::<ssm::parameter::Parameter>(desired)?,
            table_of,
        })
    }

    /// The network that has a VPC, by the VPC's address or id.
    pub(super) fn network_of(&self, vpc: &str) -> Option<String> {
        let is_named =
            |table: &serde_json::Value| table.pointer("/existing/vpc").and_then(|id| id.as_str()) == Some(vpc);
        let existing = || self.desired.written.components.iter().find(|(_, table)| is_named(table));
        component(vpc).map(ToOwned::to_owned).or_else(|| Some(existing()?.0.clone()))
    }

    /// The table of a component as it is written.
    pub(super) fn written(&self, component: &str) -> Option<&serde_json::Value> {
        self.desired.written.components.get(component)
    }
}

fn all<K: Kind>(desired: &Desired) -> Result<All<K::Spec>, Misfit> {
    let of_kind = desired.resources.iter().filter(|(address, _)| address.kind() == K::NAME);
    of_kind.map(|(address, wanted)| Ok((address.to_string(), wanted.spec.typed()?))).collect()
}

/// What a link leads to: the address of a resource of the stack, else AWS's id.
pub(super) fn called<T: Target>(link: &Link<T>) -> String {
    link.address().map_or_else(|| link.as_str().to_owned(), ToString::to_string)
}

/// The component of an address; nothing of an id.
pub(super) fn component(name: &str) -> Option<&str> {
    name.split_once('/').map(|(component, _)| component)
}

/// The key of an address among several of its kind.
pub(super) fn key(name: &str) -> Option<String> {
    name.parse::<Address>().ok()?.key().map(ToOwned::to_owned)
}
