//! Networks that a stack uses and does not own, as AWS holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// The target of the routes within a VPC.
const LOCAL: &str = "local";

/// A network that somebody else owns: its VPC, and the subnets of it that are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Existing {
    /// `vpc-0abc…`
    pub vpc: String,
    /// `subnet-0abc…`
    pub subnets: BTreeSet<String>,
}

impl fmt::Display for Existing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subnets: Vec<&str> = self.subnets.iter().map(String::as_str).collect();
        write!(f, "the routes and endpoints of {} with {}", self.vpc, subnets.join(", "))
    }
}

/// What AWS holds of such a network. What it does not hold is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The subnets that were asked for, whatever VPC they are in.
    pub subnets: BTreeMap<String, Subnet>,
    /// All route tables of the VPC.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// All endpoints of the VPC.
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its VPC.
    pub vpc: String,
    /// Its zone.
    pub zone: String,
    /// Whether what is made in it gets public addresses.
    pub maps_public_ips: bool,
}

/// A route table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Whether subnets without a table of their own use it.
    pub main: bool,
    /// The subnets that are tied to it.
    pub subnets: BTreeSet<String>,
    /// The targets of the routes that lead somewhere, by destination: a block or a prefix list, and AWS's id of the target or
    /// `local`.
    pub routes: BTreeMap<String, String>,
}

/// A VPC endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `com.amazonaws.eu-west-1.ecr.api`
    pub service: String,
    /// Whether it is reached through routes instead of network interfaces.
    pub gateway: bool,
    /// Whether it works: neither being made nor going, refused or failed.
    pub available: bool,
    /// Whether the names of its service lead to it.
    pub private_dns: bool,
    /// The subnets of its interfaces.
    pub subnets: BTreeSet<String>,
    /// The route tables that lead to it.
    pub route_tables: BTreeSet<String>,
    /// The groups of its interfaces.
    pub groups: BTreeSet<String>,
}

impl Network {
    /// The route table that a subnet uses: its own, else the main one of the VPC.
    pub fn table_of(&self, subnet: &str) -> Option<(&str, &RouteTable)> {
        let own = self.route_tables.iter().find(|(_, table)| table.subnets.contains(subnet));
        let found = own.or_else(|| self.route_tables.iter().find(|(_, table)| table.main));
        found.map(|(id, table)| (id.as_str(), table))
    }

    /// The blocks of addresses of the VPC: each route table has a route to each of them that cannot be taken out.
    pub fn blocks(&self) -> impl Iterator<Item = &str> {
        let main = self.route_tables.values().find(|table| table.main);
        let routes = main.into_iter().flat_map(|table| &table.routes);
        routes.filter(|(_, target)| *target == LOCAL).map(|(destination, _)| destination.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(main: bool, subnets: &[&str]) -> RouteTable {
        let routes = [("10.0.0.0/16", LOCAL), ("0.0.0.0/0", "igw-1")];
        let routes = routes.map(|(to, target)| (to.to_owned(), target.to_owned())).into();
        RouteTable { main, subnets: subnets.iter().map(|id| (*id).to_owned()).collect(), routes }
    }

    #[test]
    fn a_subnet_without_a_table_of_its_own_uses_the_main_one() {
        let tables =
            [("rtb-1", table(false, &["subnet-1"])), ("rtb-2", table(true, &[])), ("rtb-3", table(false, &[]))];
        let route_tables = tables.map(|(id, table)| (id.to_owned(), table)).into();
        let network = Network { route_tables, ..Network::default() };
        assert_eq!(network.table_of("subnet-1").unwrap().0, "rtb-1");
        assert_eq!(network.table_of("subnet-2").unwrap().0, "rtb-2");
        assert_eq!(network.blocks().collect::<Vec<_>>(), ["10.0.0.0/16"]);
        assert_eq!(Network::default().table_of("subnet-1"), None);
    }
}
