//! Where the packets of a subnet go: its own route table, or the main one of its VPC where it has none.

use std::collections::BTreeMap;

use super::view::{View, called, component, key};
use super::{Subnet, Verdict, Way};
use crate::kinds::ec2::route_table::{Destination, RouteTarget};

/// The routes of a subnet, and what their table is called.
struct Table<'a> {
    name: String,
    routes: &'a BTreeMap<Destination, RouteTarget>,
}

impl View<'_> {
    /// What is to be said of a subnet.
    pub(super) fn subnet(&self, name: &str) -> Subnet {
        Subnet {
            vpc: self.vpc_of(name),
            zone: self.zone_of(name),
            internet: self.internet(name),
            public_ips: self.public_ips(name),
            way_out: self.way_out(name),
        }
    }

    /// The VPC of a subnet.
    pub(super) fn vpc_of(&self, subnet: &str) -> Option<String> {
        let own = self.subnets.get(subnet).map(|subnet| called(&subnet.vpc));
        own.or_else(|| self.known.subnets.get(subnet).map(|known| known.vpc.clone()))
    }

    /// The zone of a subnet. As long as AWS was not asked which zones there are, subnets of one network with the same number
    /// are in the same zone: `private-1` and `public-1`.
    pub(super) fn zone_of(&self, subnet: &str) -> Option<String> {
        let Some(own) = self.subnets.get(subnet) else {
            return self.known.subnets.get(subnet).map(|known| known.zone.clone());
        };
        let told = own.availability_zone.0.clone();
        told.or_else(|| {
            let number = key(subnet)?.rsplit_once('-')?.1.to_owned();
            Some(format!("zone {number} of {}", component(subnet)?))
        })
    }

    /// The routes of a subnet, or the fact that is missing.
    fn table(&self, subnet: &str) -> Result<Table<'_>, String> {
        if let Some(name) = self.table_of.get(subnet)
            && let Some(table) = self.tables.get(name)
        {
            return Ok(Table { name: name.clone(), routes: &table.routes });
        }
        if let Some((table, is_main)) = self.known.table_of(subnet) {
            let name = if is_main { format!("{} (main)", table.id) } else { table.id.clone() };
            return Ok(Table { name, routes: &table.routes });
        }
        let Some(vpc) = self.vpc_of(subnet) else { return Err(format!("the routes of the subnet {subnet}")) };
        // The agent does not own a VPC's main table: AWS makes it with the local route alone, and whoever may can add to it.
        let name = format!("the main route table of {vpc}");
        match self.known.main_route_tables.get(&vpc) {
            Some(table) => Ok(Table { name: format!("{} (main)", table.id), routes: &table.routes }),
            None => Err(format!("the routes of {name}, which the subnet {subnet} uses")),
        }
    }

    /// What the table of a subnet is called, where it is one of the stack.
    pub(super) fn own_table(&self, subnet: &str) -> Option<&str> {
        self.table_of.get(subnet).map(String::as_str)
    }

    /// Whether a subnet has a route to an internet gateway, whatever the destination.
    pub(super) fn internet(&self, subnet: &str) -> Way {
        let table = match self.table(subnet) {
            Ok(table) => table,
            Err(fact) => return Way::unknown(vec![subnet.to_owned()], fact),
        };
        let mut unsure = None;
        for (destination, target) in table.routes {
            let path = |end: &str| vec![subnet.to_owned(), table.name.clone(), destination.to_string(), end.to_owned()];
            match target {
                RouteTarget::InternetGateway(gateway) => {
                    return Way::new(Verdict::Yes, path(&called(gateway)));
                }
                RouteTarget::Unknown(text) => unsure = Some(Way::unknown(path(text), format!("where {text} leads"))),
                _ => {}
            }
        }
        unsure.unwrap_or_else(|| Way::new(Verdict::No, vec![subnet.to_owned(), table.name]))
    }

    fn public_ips(&self, subnet: &str) -> Way {
        let maps = self.subnets.get(subnet).map(|own| own.map_public_ip_on_launch);
        let maps = maps.or_else(|| self.known.subnets.get(subnet).map(|known| known.maps_public_ips));
        let path = vec![subnet.to_owned()];
        match maps {
            Some(true) => Way::new(Verdict::Yes, path),
            Some(false) => Way::new(Verdict::No, path),
            None => Way::unknown(path, format!("whether the subnet {subnet} gives out public addresses")),
        }
    }

    /// Whether what stands in a subnet reaches the internet without a public address of its own.
    pub(super) fn way_out(&self, subnet: &str) -> Way {
        let table = match self.table(subnet) {
            Ok(table) => table,
            Err(fact) => return Way::unknown(vec![subnet.to_owned()], fact),
        };
        let start = vec![subnet.to_owned(), table.name.clone()];
        let everywhere = table.routes.iter().find(|(destination, _)| destination.to_string() == "0.0.0.0/0");
        let Some((destination, target)) = everywhere else { return Way::new(Verdict::No, start) };
        let path = |end: String| [start.clone(), vec![destination.to_string(), end]].concat();
        match target {
            RouteTarget::NatGateway(gateway) => self.through_nat(path(called(gateway)), &called(gateway)),
            RouteTarget::InternetGateway(gateway) => Way::new(Verdict::No, path(called(gateway))),
            other => {
                let name = target_name(other);
                Way::unknown(path(name.clone()), format!("whether {name} leads to the internet"))
            }
        }
    }

    /// A NAT gateway leads out where its own subnet does. One of others is taken to lead out, as those of the default type do:
    /// its id does not tell whether it is a private one.
    fn through_nat(&self, path: Vec<String>, gateway: &str) -> Way {
        let Some(nat) = self.nats.get(gateway) else {
            if gateway.starts_with("nat-") {
                return Way::new(Verdict::Yes, path);
            }
            return Way::unknown(path, format!("whether {gateway} leads to the internet"));
        };
        let on = self.internet(&called(&nat.subnet));
        Way { path: [path, on.path].concat(), ..on }
    }
}

/// What a target is called.
fn target_name(target: &RouteTarget) -> String {
    match target {
        RouteTarget::InternetGateway(gateway) => called(gateway),
        RouteTarget::NatGateway(gateway) => called(gateway),
        RouteTarget::TransitGateway(name)
        | RouteTarget::VpcPeeringConnection(name)
        | RouteTarget::NetworkInterface(name)
        | RouteTarget::VpcEndpoint(name)
        | RouteTarget::VpnGateway(name)
        | RouteTarget::EgressOnlyInternetGateway(name)
        | RouteTarget::CarrierGateway(name)
        | RouteTarget::LocalGateway(name)
        | RouteTarget::CoreNetwork(name)
        | RouteTarget::OdbNetwork(name)
        | RouteTarget::Unknown(name) => name.clone(),
    }
}
