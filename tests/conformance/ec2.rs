//! Samples of EC2's networking kinds.

mod nat;
mod rule;

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::{AtCreate, AwsDecides, Name, Tags};
use agent_core::kind::Kind;
use agent_core::reference::Link;
use agent_model::kinds::ec2::internet_gateway::{self, InternetGateway};
use agent_model::kinds::ec2::route_table::{self, RouteTable, RouteTarget};
use agent_model::kinds::ec2::security_group::{self, NAME_MAX, Peer, Protocol, Rule, SecurityGroup};
use agent_model::kinds::ec2::subnet::{self, Subnet};
use agent_model::kinds::ec2::vpc::{self, DefaultGroup, InstanceTenancy, Vpc};
use agent_model::kinds::ec2::vpc_endpoint::{self, EndpointType, VpcEndpoint};
use agent_model::kinds::iam::policy::{PolicyDocument, Principal, Statement};

use super::{Sample, doc};

type Placed = (Address, Doc);

fn tags(owner: &str) -> Tags {
    Tags([("owner".to_owned(), owner.to_owned())].into())
}

fn vpc(cidr: &str) -> vpc::Spec {
    vpc::Spec {
        cidr: cidr.parse().unwrap(),
        instance_tenancy: InstanceTenancy::Default,
        enable_dns_support: true,
        enable_dns_hostnames: true,
        default_group: AwsDecides::Set(DefaultGroup::Emptied),
        tags: tags("team"),
    }
}

fn subnet(network: &str, cidr: &str, zone: &str) -> subnet::Spec {
    subnet::Spec {
        vpc: Link::to(network),
        cidr: cidr.parse().unwrap(),
        availability_zone: AtCreate(Some(zone.into())),
        map_public_ip_on_launch: true,
        tags: tags("team"),
    }
}

fn group(
    name: &str,
    ingress: impl IntoIterator<Item = Rule>,
    egress: impl IntoIterator<Item = Rule>,
) -> security_group::Spec {
    security_group::Spec {
        name: Name::Base { base: format!("conformance-{name}"), max: NAME_MAX },
        description: "for the suite".into(),
        vpc: Link::to("network.main"),
        ingress: ingress.into_iter().collect(),
        egress: egress.into_iter().collect(),
        tags: tags("team"),
    }
}

fn placed_vpc(network: &str, cidr: &str) -> Placed {
    (Address::new(network, Vpc::NAME), doc(&vpc(cidr)))
}

fn placed_subnet(key: &str, cidr: &str, zone: &str) -> Placed {
    (Address::keyed("network.main", Subnet::NAME, key), doc(&subnet("network.main", cidr, zone)))
}

fn placed_gateway() -> Placed {
    let spec = internet_gateway::Spec { vpc: Some(Link::to("network.main")), tags: tags("team") };
    (Address::new("network.main", InternetGateway::NAME), doc(&spec))
}

fn placed_table(key: &str) -> Placed {
    (Address::keyed("network.main", RouteTable::NAME, key), doc(&table([], [])))
}

fn placed_group(component: &str) -> Placed {
    (Address::new(component, SecurityGroup::NAME), doc(&group(component, [], [])))
}

/// A route table with routes to the gateway for these blocks and with these subnets.
fn table<const R: usize, const S: usize>(routes: [&str; R], subnets: [&str; S]) -> route_table::Spec {
    let out = || RouteTarget::InternetGateway(Link::to("network.main"));
    route_table::Spec {
        vpc: Link::to("network.main"),
        routes: routes.into_iter().map(|to| (to.parse().unwrap(), out())).collect(),
        subnets: subnets.into_iter().map(|key| Link::keyed("network.main", key)).collect(),
        tags: tags("team"),
    }
}

fn cidr4(text: &str) -> Peer {
    Peer::CidrIpv4(text.parse().unwrap())
}

fn to_group(component: &str) -> Peer {
    Peer::Group(Link::to(component))
}

fn read_only() -> PolicyDocument {
    Statement::allow(["s3:GetObject"], ["*"]).to(Principal::anybody()).into()
}

/// VPCs and what is in them.
pub fn samples() -> Vec<Sample> {
    [vpcs(), subnets(), gateways(), tables(), groups(), endpoints(), nat::samples(), rule::samples()]
        .into_iter()
        .flatten()
        .collect()
}

fn vpcs() -> Vec<Sample> {
    let base = vpc("10.0.0.0/16");
    let no_names = vpc::Spec { enable_dns_hostnames: false, ..base.clone() };
    vec![Sample {
        needs: Vec::new(),
        address: Address::new("network.main", Vpc::NAME),
        spec: doc(&base),
        changes: vec![
            ("without host names", doc(&no_names)),
            // AWS turns host names on only where there is DNS, so the two go in this order and back in the other.
            ("without any DNS", doc(&vpc::Spec { enable_dns_support: false, ..no_names.clone() })),
            ("the default group left alone", doc(&vpc::Spec { default_group: AwsDecides::Unset, ..base.clone() })),
            ("another tag", doc(&vpc::Spec { tags: tags("other"), ..base.clone() })),
            ("another block: a replacement", doc(&vpc("10.1.0.0/16"))),
        ],
        emulator_gaps: Vec::new(),
    }]
}

fn subnets() -> Vec<Sample> {
    let base = subnet("network.main", "10.0.1.0/24", "eu-west-1a");
    vec![Sample {
        needs: vec![placed_vpc("network.main", "10.0.0.0/16"), placed_vpc("network.other", "10.1.0.0/16")],
        address: Address::keyed("network.main", Subnet::NAME, "private-1"),
        spec: doc(&base),
        changes: vec![
            ("no public addresses", doc(&subnet::Spec { map_public_ip_on_launch: false, ..base.clone() })),
            ("another zone: the live one stays", doc(&subnet("network.main", "10.0.1.0/24", "eu-west-1b"))),
            ("another tag", doc(&subnet::Spec { tags: tags("other"), ..base.clone() })),
            ("another block: a replacement", doc(&subnet("network.main", "10.0.2.0/24", "eu-west-1a"))),
            ("another VPC: a replacement", doc(&subnet("network.other", "10.1.1.0/24", "eu-west-1a"))),
        ],
        emulator_gaps: Vec::new(),
    }]
}

fn gateways() -> Vec<Sample> {
    let base = internet_gateway::Spec { vpc: Some(Link::to("network.main")), tags: tags("team") };
    let other = internet_gateway::Spec { vpc: Some(Link::to("network.other")), ..base.clone() };
    vec![Sample {
        needs: vec![placed_vpc("network.main", "10.0.0.0/16"), placed_vpc("network.other", "10.1.0.0/16")],
        address: Address::new("network.main", InternetGateway::NAME),
        spec: doc(&base),
        changes: vec![
            ("detached, and attached again", doc(&internet_gateway::Spec { vpc: None, ..base.clone() })),
            ("another tag", doc(&internet_gateway::Spec { tags: tags("other"), ..base.clone() })),
            ("another VPC: a replacement", doc(&other)),
        ],
        emulator_gaps: Vec::new(),
    }]
}

fn tables() -> Vec<Sample> {
    let base = table(["0.0.0.0/0", "192.0.2.0/24"], ["private-1"]);
    let elsewhere = route_table::Spec { vpc: Link::to("network.other"), ..table([], []) };
    vec![Sample {
        needs: vec![
            placed_vpc("network.main", "10.0.0.0/16"),
            placed_vpc("network.other", "10.1.0.0/16"),
            placed_subnet("private-1", "10.0.1.0/24", "eu-west-1a"),
            placed_subnet("private-2", "10.0.2.0/24", "eu-west-1b"),
            placed_gateway(),
        ],
        address: Address::keyed("network.main", RouteTable::NAME, "public"),
        spec: doc(&base),
        changes: vec![
            ("a route less", doc(&table(["0.0.0.0/0"], ["private-1"]))),
            ("other routes", doc(&table(["198.51.100.0/24", "192.0.2.0/24"], ["private-1"]))),
            ("no route and no subnet", doc(&table([], []))),
            ("a subnet more", doc(&table(["0.0.0.0/0", "192.0.2.0/24"], ["private-1", "private-2"]))),
            ("another subnet", doc(&table(["0.0.0.0/0", "192.0.2.0/24"], ["private-2"]))),
            ("another tag", doc(&route_table::Spec { tags: tags("other"), ..base.clone() })),
            ("another VPC: a replacement", doc(&elsewhere)),
        ],
        emulator_gaps: Vec::new(),
    }]
}

fn groups() -> Vec<Sample> {
    let https = || Rule::tcp(443, cidr4("10.0.0.0/8"));
    let everybody = || Rule::all(cidr4("0.0.0.0/0"));
    let ingress = [
        https().described(Some("from inside".into())),
        Rule::tcp(443, Peer::CidrIpv6("2001:db8::/32".parse().unwrap())),
        Rule::tcp(443, to_group("service.other")),
        Rule::new(Protocol::Udp, Some((1_024, 2_048)), to_group("service.web")),
        Rule::new(Protocol::Icmp, None, cidr4("10.0.0.0/8")),
        Rule::all(to_group("service.web")),
    ];
    let egress = [Rule::tcp(443, cidr4("0.0.0.0/0")), Rule::new(Protocol::Udp, Some((53, 53)), cidr4("10.0.0.2/32"))];
    let base = group("web", ingress.clone(), egress.clone());
    let with = |rule: Rule| {
        let rest = ingress.iter().skip(1).cloned();
        doc(&group("web", rest.chain([rule]), egress.clone()))
    };
    let main = placed_vpc("network.main", "10.0.0.0/16");
    let address = Address::new("service.web", SecurityGroup::NAME);
    let described = group("web", [https().described(Some("from inside".into()))], []);
    vec![
        Sample {
            needs: vec![main.clone(), placed_vpc("network.other", "10.1.0.0/16"), placed_group("service.other")],
            address: address.clone(),
            spec: doc(&base),
            changes: vec![
                ("another description of a rule", with(https().described(Some("from the branches".into())))),
                ("another range of ports", with(Rule::new(Protocol::Tcp, Some((443, 444)), cidr4("10.0.0.0/8")))),
                ("no rules at all", doc(&group("web", [], []))),
                ("everything out, as AWS makes a group", doc(&group("web", ingress.clone(), [everybody()]))),
                ("another tag", doc(&security_group::Spec { tags: tags("other"), ..base.clone() })),
                ("another name: a replacement", doc(&group("front", ingress.clone(), egress.clone()))),
                (
                    "another description: a replacement",
                    doc(&security_group::Spec { description: "for the world".into(), ..base.clone() }),
                ),
                (
                    "another VPC: a replacement",
                    doc(&security_group::Spec { vpc: Link::to("network.other"), ..group("web", [], egress.clone()) }),
                ),
            ],
            emulator_gaps: Vec::new(),
        },
        Sample {
            needs: vec![main],
            address,
            spec: doc(&described),
            changes: vec![("a rule without its description", doc(&group("web", [https()], [])))],
            emulator_gaps: vec![("ingress.*.description", "moto keeps a description that is taken away")],
        },
    ]
}

fn endpoints() -> Vec<Sample> {
    let main = placed_vpc("network.main", "10.0.0.0/16");
    let interface = vpc_endpoint::Spec {
        vpc_endpoint_type: EndpointType::Interface,
        service_name: "com.amazonaws.eu-west-1.ecr.dkr".into(),
        vpc: Link::to("network.main"),
        subnets: BTreeSet::from([Link::keyed("network.main", "private-1"), Link::keyed("network.main", "private-2")]),
        security_groups: BTreeSet::from([Link::to("service.web")]),
        route_tables: BTreeSet::new(),
        private_dns_enabled: true,
        policy: None,
        tags: tags("team"),
    };
    let gateway = vpc_endpoint::Spec {
        vpc_endpoint_type: EndpointType::Gateway,
        service_name: "com.amazonaws.eu-west-1.s3".into(),
        subnets: BTreeSet::new(),
        security_groups: BTreeSet::new(),
        route_tables: BTreeSet::from([Link::keyed("network.main", "private")]),
        private_dns_enabled: false,
        ..interface.clone()
    };
    vec![interface_sample(main.clone(), &interface), gateway_sample(main, &gateway)]
}

fn interface_sample(main: Placed, base: &vpc_endpoint::Spec) -> Sample {
    type Spec = vpc_endpoint::Spec;
    let one = BTreeSet::from([Link::keyed("network.main", "private-2")]);
    let groups = BTreeSet::from([Link::to("service.other"), Link::to("service.web")]);
    Sample {
        needs: vec![
            main,
            placed_subnet("private-1", "10.0.1.0/24", "eu-west-1a"),
            placed_subnet("private-2", "10.0.2.0/24", "eu-west-1b"),
            placed_group("service.other"),
            placed_group("service.web"),
        ],
        address: Address::keyed("network.main", VpcEndpoint::NAME, "ecr.dkr"),
        spec: doc(base),
        changes: vec![
            ("a subnet less", doc(&Spec { subnets: one, ..base.clone() })),
            ("a group more", doc(&Spec { security_groups: groups, ..base.clone() })),
            ("without private DNS", doc(&Spec { private_dns_enabled: false, ..base.clone() })),
            ("a policy", doc(&Spec { policy: Some(read_only()), ..base.clone() })),
            ("another tag", doc(&Spec { tags: tags("other"), ..base.clone() })),
            (
                "another service: a replacement",
                doc(&Spec { service_name: "com.amazonaws.eu-west-1.ecr.api".into(), ..base.clone() }),
            ),
        ],
        emulator_gaps: vec![("private_dns_enabled", "moto does not change it")],
    }
}

fn gateway_sample(main: Placed, base: &vpc_endpoint::Spec) -> Sample {
    type Spec = vpc_endpoint::Spec;
    let keys = |keys: [&str; 2]| keys.into_iter().map(|key| Link::keyed("network.main", key)).collect();
    Sample {
        needs: vec![main, placed_table("private"), placed_table("database")],
        address: Address::keyed("network.main", VpcEndpoint::NAME, "s3"),
        spec: doc(base),
        changes: vec![
            ("a table more", doc(&Spec { route_tables: keys(["private", "database"]), ..base.clone() })),
            ("no table", doc(&Spec { route_tables: BTreeSet::new(), ..base.clone() })),
            ("a policy", doc(&Spec { policy: Some(read_only()), ..base.clone() })),
            (
                "another service: a replacement",
                doc(&Spec { service_name: "com.amazonaws.eu-west-1.dynamodb".into(), ..base.clone() }),
            ),
        ],
        emulator_gaps: Vec::new(),
    }
}
