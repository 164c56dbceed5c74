//! What has network interfaces in subnets that are to be private: tasks, internal load balancers, interface endpoints.

use super::view::{View, called, component};
use super::{Line, Placed};
use crate::kinds::ec2::vpc_endpoint::EndpointType;
use crate::kinds::elb::load_balancer::Scheme;

pub(super) fn placed(view: &View<'_>) -> Vec<Placed> {
    let line = |address: &str, key: &str| Line::new(component(address).unwrap_or_default(), &[key]);
    let tasks = view.services.iter().map(|(address, service)| Placed {
        address: address.clone(),
        what: "tasks",
        subnets: service.network.subnets.iter().map(called).collect(),
        assign_public_ip: service.network.assign_public_ip,
        line: line(address, "tier"),
    });
    let internal = view.load_balancers.iter().filter(|(_, spec)| spec.scheme == Scheme::Internal);
    let internal = internal.map(|(address, spec)| Placed {
        address: address.clone(),
        what: "internal load balancer",
        subnets: spec.subnets.iter().map(called).collect(),
        assign_public_ip: false,
        line: line(address, "tier"),
    });
    let endpoints = view.endpoints.iter().filter(|(_, spec)| spec.vpc_endpoint_type == EndpointType::Interface);
    let endpoints = endpoints.map(|(address, spec)| Placed {
        address: address.clone(),
        what: "endpoint",
        subnets: spec.subnets.iter().map(called).collect(),
        assign_public_ip: false,
        line: line(address, "tiers"),
    });
    tasks.chain(internal).chain(endpoints).collect()
}
