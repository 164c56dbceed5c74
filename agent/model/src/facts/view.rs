//! The specs of a stack by what they are called, typed, with their references as addresses.

use std::collections::BTreeMap;

use agent_core::address::{Address, Scope};
use agent_core::desired::{Desired, Wanted};
use agent_core::doc::Misfit;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Target, Text};

use super::Known;
use crate::kinds::ec2::{route_table, security_group, security_group_rule, subnet, vpc, vpc_endpoint};
use crate::kinds::ecs::{cluster, service, task_definition};
use crate::kinds::elb::{listener, load_balancer, rule, target_group};
use crate::kinds::iam::role;
use crate::kinds::logs::log_group;
use crate::kinds::ssm::{file, parameter};
use crate::kinds::{ec2, ecs, elb, iam, ssm};

/// The resources of a stack, by kind.
type Kinds<'a> = BTreeMap<&'a str, Vec<(&'a Address, &'a Wanted)>>;

/// The specs of one kind, by address.
pub(super) type All<T> = BTreeMap<String, T>;

/// What the facts are worked out from.
pub(super) struct View<'a> {
    pub(super) desired: &'a Desired,
    pub(super) known: &'a Known,
    pub(super) scope: Scope,
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
    pub(super) groups: All<security_group::Spec>,
    pub(super) group_rules: All<security_group_rule::Spec>,
    pub(super) target_groups: All<target_group::Spec>,
    pub(super) log_groups: All<log_group::Spec>,
    /// The addresses of log groups by name.
    pub(super) log_group_names: BTreeMap<String, String>,
    pub(super) clusters: All<cluster::Spec>,
    /// The names of the parts of config files, by component.
    pub(super) files: BTreeMap<String, Vec<String>>,
    /// The networks of others, by the id of their VPC.
    pub(super) networks: BTreeMap<&'a str, &'a str>,
    /// The VPCs that manifests say subnets of others to be in.
    pub(super) said_vpcs: BTreeMap<&'a str, &'a str>,
    /// The table that a subnet is tied to.
    pub(super) table_of: BTreeMap<String, String>,
}

impl<'a> View<'a> {
    pub(super) fn of(desired: &'a Desired, known: &'a Known) -> Result<Self, Misfit> {
        let mut kinds = Kinds::new();
        for (address, wanted) in &desired.resources {
            kinds.entry(address.kind()).or_default().push((address, wanted));
        }
        let tables = all::<route_table::RouteTable>(&kinds)?;
        let ties =
            tables.iter().flat_map(|(name, table)| table.subnets.iter().map(|subnet| (called(subnet), name.clone())));
        let table_of = ties.collect();
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (address, file) in all::<file::File>(&kinds)? {
            files.entry(component(&address).unwrap_or_default().to_owned()).or_default().push(file.name);
        }
        let log_groups = all::<log_group::LogGroup>(&kinds)?;
        let written = &desired.written;
        let existing = written.components.iter().filter_map(|(component, table)| {
            let existing = table.get("existing")?;
            Some((existing.get("vpc")?.as_str()?, component.as_str(), existing.get("subnets")?.as_object()?))
        });
        let (mut networks, mut said_vpcs) = (BTreeMap::new(), BTreeMap::new());
        for (vpc, component, tiers) in existing {
            networks.insert(vpc, component);
            let subnets = tiers.values().filter_map(serde_json::Value::as_array).flatten();
            said_vpcs.extend(subnets.filter_map(|subnet| Some((subnet.as_str()?, vpc))));
        }
        Ok(Self {
            desired,
            known,
            scope: Scope::new(&desired.stack, written.account.as_deref().unwrap_or_default(), &written.region),
            vpcs: all::<vpc::Vpc>(&kinds)?,
            subnets: all::<subnet::Subnet>(&kinds)?,
            tables,
            nats: all::<ec2::nat_gateway::NatGateway>(&kinds)?,
            endpoints: all::<vpc_endpoint::VpcEndpoint>(&kinds)?,
            load_balancers: all::<elb::load_balancer::LoadBalancer>(&kinds)?,
            listeners: all::<elb::listener::Listener>(&kinds)?,
            rules: all::<elb::rule::Rule>(&kinds)?,
            services: all::<ecs::service::Service>(&kinds)?,
            definitions: all::<ecs::task_definition::TaskDefinition>(&kinds)?,
            roles: all::<iam::role::Role>(&kinds)?,
            parameters: all::<ssm::parameter::Parameter>(&kinds)?,
            groups: all::<security_group::SecurityGroup>(&kinds)?,
            group_rules: all::<security_group_rule::SecurityGroupRule>(&kinds)?,
            target_groups: all::<target_group::TargetGroup>(&kinds)?,
            log_group_names: log_groups.iter().map(|(address, group)| (group.name.clone(), address.clone())).collect(),
            log_groups,
            clusters: all::<cluster::Cluster>(&kinds)?,
            files,
            networks,
            said_vpcs,
            table_of,
        })
    }

    /// The network that has a VPC, by the VPC's address or id.
    pub(super) fn network_of(&self, vpc: &str) -> Option<String> {
        component(vpc).or_else(|| self.networks.get(vpc).copied()).map(ToOwned::to_owned)
    }

    /// The table of a component as it is written.
    pub(super) fn written(&self, component: &str) -> Option<&serde_json::Value> {
        self.desired.written.components.get(component)
    }

    /// Where a container is written below its component; the main one in the component's own keys.
    pub(super) fn container_at<'b>(&self, own: &str, container: &'b str) -> Vec<&'b str> {
        let is_sidecar = self.written(own).and_then(|own| own.get("sidecar")?.get(container)).is_some();
        if is_sidecar { vec!["sidecar", container] } else { Vec::new() }
    }

    /// Whether people wrote a container of that name. The main one is called as the service.
    pub(super) fn is_written(&self, own: &str, container: &str) -> bool {
        let is_main = own.split_once('.').is_some_and(|(_, own)| own == container);
        is_main || !self.container_at(own, container).is_empty()
    }

    /// A text with names and ARNs in the place of references, as far as they are known before anything is made; else as rules
    /// see them, `${address.field}`.
    pub(super) fn plain(&self, text: &Text) -> String {
        let known = text.plain();
        let known = known.or_else(|| text.clone().with_plain(|to, field| self.derived(to, field)).plain());
        known.unwrap_or_default()
    }

    /// What a link to something with an ARN will be, likewise.
    pub(super) fn arn<T: Target>(&self, link: &Link<T>) -> String {
        link.address().map_or_else(|| link.as_str().to_owned(), |to| self.derived(to, T::FIELD))
    }

    fn derived(&self, to: &Address, field: &str) -> String {
        fn of<K: Kind>(all: &All<K::Spec>, to: &Address, scope: &Scope) -> BTreeMap<&'static str, String> {
            all.get(to.as_str()).map(|spec| K::derive(spec, scope)).unwrap_or_default()
        }
        let mut known = match to.kind() {
            log_group::LogGroup::NAME => of::<log_group::LogGroup>(&self.log_groups, to, &self.scope),
            parameter::Parameter::NAME => of::<parameter::Parameter>(&self.parameters, to, &self.scope),
            role::Role::NAME => of::<role::Role>(&self.roles, to, &self.scope),
            cluster::Cluster::NAME => of::<cluster::Cluster>(&self.clusters, to, &self.scope),
            _ => BTreeMap::new(),
        };
        known.remove(field).unwrap_or_else(|| format!("${{{to}.{field}}}"))
    }
}

fn all<K: Kind>(kinds: &Kinds<'_>) -> Result<All<K::Spec>, Misfit> {
    let of_kind = kinds.get(K::NAME).into_iter().flatten();
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
