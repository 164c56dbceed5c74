//! Random stacks, and random edits of them. How they are written down is in `text`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::{option, sample};

pub use crate::touches::{Touch, touched, touches};

/// A stack by slots: a component has the same name whenever it is there, so that edits hit what earlier manifests made.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    pub tags: u8,
    pub clusters: u8,
    pub networks: [Option<Network>; 2],
    pub balancers: [Option<Balancer>; 2],
    pub parameters: [Option<Parameter>; 3],
    pub services: [Option<Service>; 3],
    pub touches: Vec<Touch>,
}

#[derive(Clone, Debug)]
pub struct Network {
    pub cidr: u8,
    pub zones: u8,
    pub public: bool,
    pub database: bool,
    pub moved: bool,
    pub listed: bool,
    pub nat: u8,
}

#[derive(Clone, Debug)]
pub struct Balancer {
    pub network: u8,
    pub connections: bool,
    pub facing: bool,
    pub header: Option<u8>,
    pub https: bool,
    pub redirect: bool,
    pub more: bool,
    pub idle: u8,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub value: Option<u8>,
    pub bytes: u8,
    pub name: u8,
    pub described: bool,
    pub advanced: bool,
    pub protect: bool,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub network: u8,
    pub tier: u8,
    pub cluster: u8,
    pub image: u8,
    pub size: u8,
    pub count: u8,
    pub port: u8,
    pub admin: bool,
    pub env: u8,
    pub secrets: u8,
    pub uses: u8,
    pub routes: Vec<Route>,
    pub health: u8,
    pub more: u8,
    /// By bits: the services that it connects to, and whether it serves.
    pub connects: u8,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub balancer: u8,
    pub listener: u8,
    pub path: u8,
    pub host: bool,
    pub priority: u8,
    pub admin: bool,
}

fn network() -> impl Strategy<Value = Network> {
    let flag = any::<bool>;
    // Another block replaces everything; it would hide whatever finer edits do if it came often.
    let cidr = prop_oneof![8 => Just(0_u8), 1 => 1_u8..3];
    let nat = prop_oneof![2 => Just(0_u8), 1 => 1_u8..3];
    (cidr, 0_u8..5, flag(), flag(), prop::bool::weighted(0.2), prop::bool::weighted(0.3), nat).prop_map(
        |(cidr, zones, public, database, moved, listed, nat)| Network {
            cidr,
            zones,
            public,
            database,
            moved,
            listed,
            nat,
        },
    )
}

fn balancer() -> impl Strategy<Value = Balancer> {
    let flag = any::<bool>;
    let rarely = || prop::bool::weighted(0.3);
    (0_u8..2, rarely(), rarely(), option::of(0_u8..2), flag(), flag(), rarely(), 0_u8..2).prop_map(
        |(network, connections, facing, header, https, redirect, more, idle)| Balancer {
            network,
            connections,
            facing,
            header,
            https,
            redirect,
            more,
            idle,
        },
    )
}

fn parameter() -> impl Strategy<Value = Parameter> {
    let flag = any::<bool>;
    let name = prop_oneof![3 => Just(0_u8), 2 => 1_u8..3];
    (option::of(0_u8..3), 0_u8..2, name, flag(), prop::bool::weighted(0.2), prop::bool::weighted(0.1)).prop_map(
        |(value, bytes, name, described, advanced, protect)| Parameter {
            value,
            bytes,
            name,
            described,
            advanced,
            protect,
        },
    )
}

fn route() -> impl Strategy<Value = Route> {
    (0_u8..2, 0_u8..3, 0_u8..5, prop::bool::weighted(0.2), 0_u8..8, any::<bool>()).prop_map(
        |(balancer, listener, path, host, priority, admin)| Route { balancer, listener, path, host, priority, admin },
    )
}

fn service() -> impl Strategy<Value = Service> {
    let places = (0_u8..2, 0_u8..3, 0_u8..2, 0_u8..3, 0_u8..3, 0_u8..3);
    let routes = vec(route(), 0..3);
    let insides = (0_u8..2, any::<bool>(), any::<u8>(), 0_u8..8, 0_u8..8, routes, 0_u8..2, 0_u8..4, 0_u8..16);
    (places, insides).prop_map(
        |(
            (network, tier, cluster, image, size, count),
            (port, admin, env, secrets, uses, routes, health, more, connects),
        )| {
            Service {
                network,
                tier,
                cluster,
                image,
                size,
                count,
                port,
                admin,
                env,
                secrets,
                uses,
                routes,
                health,
                more,
                connects,
            }
        },
    )
}

/// Any sound stack. Most of them have a network and something in it.
pub fn stack() -> impl Strategy<Value = Stack> {
    let networks = (option::weighted(0.95, network()), option::weighted(0.15, network()));
    let balancers = (option::weighted(0.7, balancer()), option::weighted(0.3, balancer()));
    let parameters = [(); 3].map(|()| option::weighted(0.4, parameter()));
    let services =
        (option::weighted(0.7, service()), option::weighted(0.3, service()), option::weighted(0.2, service()));
    (0_u8..3, 0_u8..4, networks, balancers, parameters, services, vec(touches(), 0..3)).prop_map(
        |(tags, clusters, networks, balancers, parameters, services, touches)| Stack {
            tags,
            clusters,
            networks: networks.into(),
            balancers: balancers.into(),
            parameters,
            services: services.into(),
            touches,
        },
    )
}

/// One edit of a manifest.
#[derive(Clone, Debug)]
pub enum Edit {
    Tags(u8),
    Clusters(u8),
    Network(usize, Option<Network>),
    Balancer(usize, Option<Balancer>),
    Parameter(usize, Option<Parameter>),
    Service(usize, Option<Service>),
    Image(usize, u8),
    Count(usize, u8),
    Port(usize, u8),
    Routes(usize, Vec<Route>),
    Secrets(usize, u8),
    Connects(usize, u8),
    Value(usize, u8),
    Touches(Vec<Touch>),
    All(Box<Stack>),
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let slot = |count: usize| sample::select((0..count).collect::<Vec<_>>());
    prop_oneof![
        2 => (0_u8..3).prop_map(Edit::Tags),
        2 => (0_u8..4).prop_map(Edit::Clusters),
        3 => (slot(2), option::weighted(0.8, network())).prop_map(|(n, to)| Edit::Network(n, to)),
        4 => (slot(2), option::weighted(0.7, balancer())).prop_map(|(n, to)| Edit::Balancer(n, to)),
        4 => (slot(3), option::weighted(0.7, parameter())).prop_map(|(n, to)| Edit::Parameter(n, to)),
        4 => (slot(3), option::weighted(0.7, service())).prop_map(|(n, to)| Edit::Service(n, to)),
        3 => (slot(3), 0_u8..3).prop_map(|(n, to)| Edit::Image(n, to)),
        1 => (slot(3), 0_u8..3).prop_map(|(n, to)| Edit::Count(n, to)),
        3 => (slot(3), 0_u8..2).prop_map(|(n, to)| Edit::Port(n, to)),
        4 => (slot(3), vec(route(), 0..3)).prop_map(|(n, to)| Edit::Routes(n, to)),
        2 => (slot(3), 0_u8..8).prop_map(|(n, to)| Edit::Secrets(n, to)),
        4 => (slot(3), 0_u8..16).prop_map(|(n, to)| Edit::Connects(n, to)),
        2 => (slot(3), 0_u8..3).prop_map(|(n, to)| Edit::Value(n, to)),
        3 => vec(touches(), 0..3).prop_map(Edit::Touches),
        1 => stack().prop_map(|to| Edit::All(Box::new(to))),
    ]
}

impl Stack {
    /// A stack with a resource of every kind, and several of most.
    pub fn rich() -> Self {
        let network = Network { cidr: 0, zones: 1, public: true, database: true, moved: false, listed: false, nat: 2 };
        let edge = Balancer {
            network: 0,
            connections: false,
            facing: true,
            header: Some(0),
            https: true,
            redirect: true,
            more: false,
            idle: 0,
        };
        let inner = Balancer { facing: false, header: None, ..edge.clone() };
        let plain = Parameter { value: Some(0), bytes: 0, name: 0, described: true, advanced: false, protect: false };
        let token = Parameter { value: None, ..plain.clone() };
        let route = |balancer, path| Route { balancer, listener: 0, path, host: false, priority: 0, admin: false };
        let web = Service {
            network: 0,
            tier: 0,
            cluster: 0,
            image: 0,
            size: 0,
            count: 2,
            port: 0,
            admin: true,
            env: 31,
            secrets: 2,
            uses: 1,
            routes: vec![route(0, 1), route(1, 0)],
            health: 0,
            more: 0,
            connects: 8,
        };
        let api = Service { cluster: 1, routes: vec![route(1, 2)], ..web.clone() };
        Self {
            tags: 1,
            clusters: 3,
            networks: [Some(network), None],
            balancers: [Some(edge), Some(inner)],
            parameters: [Some(plain), Some(token), None],
            services: [Some(api), None, Some(web)],
            touches: vec![Touch::Connect(0, 1), Touch::Connect(1, 0), Touch::Connect(1, 1), Touch::Rule(0, 1)],
        }
    }

    /// The stack with an edit made. An edit of what is not there does nothing.
    pub fn edited(mut self, edit: Edit) -> Self {
        let service = |stack: &mut Self, n: usize, change: &dyn Fn(&mut Service)| {
            if let Some(service) = &mut stack.services[n] {
                change(service);
            }
        };
        match edit {
            Edit::Tags(to) => self.tags = to,
            Edit::Clusters(to) => self.clusters = to,
            Edit::Network(n, to) => self.networks[n] = to,
            Edit::Balancer(n, to) => self.balancers[n] = to,
            Edit::Parameter(n, to) => self.parameters[n] = to,
            Edit::Service(n, to) => self.services[n] = to,
            Edit::Image(n, to) => service(&mut self, n, &|service| service.image = to),
            Edit::Count(n, to) => service(&mut self, n, &|service| service.count = to),
            Edit::Port(n, to) => service(&mut self, n, &|service| service.port = to),
            Edit::Routes(n, to) => service(&mut self, n, &|service| service.routes.clone_from(&to)),
            Edit::Secrets(n, to) => service(&mut self, n, &|service| service.secrets = to),
            Edit::Connects(n, to) => service(&mut self, n, &|service| service.connects = to),
            Edit::Value(n, to) => {
                if let Some(Parameter { value: Some(value), .. }) = &mut self.parameters[n] {
                    *value = to;
                }
            }
            Edit::Touches(to) => self.touches = to,
            Edit::All(to) => self = *to,
        }
        self
    }
}
