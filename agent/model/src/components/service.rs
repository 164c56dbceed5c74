//! `[service.X]`: a number of equal tasks on Fargate, with the roles, the group, the log group and the target groups that
//! they need, and the rules that lead to them.

mod check;
mod check_containers;
mod config;
mod connect;
mod containers;
mod exposure;
mod files;
mod roles;
pub(crate) mod sources;
mod task;
mod variables;

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::field::AtCreate;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};

use super::{
    Attribute, Component, Declared, Need, Offer as Offered, Path, Place, Resources, Route, Want, What, network, path,
};
use crate::expand::{Expansion, Linked};
use crate::kinds::ec2::Cidr4;
use crate::kinds::ec2::security_group::{self, Peer, Rule, SecurityGroup};
use crate::kinds::ecs::service::{self, Count, Service as Kinded};
use crate::kinds::logs::log_group::{self, LogGroup};
use crate::names::{self, limits};
pub use config::Config;
use config::Image;
use sources::{EcrImage, SecretSource};

/// A service.
pub struct Service;

/// What a service offers.
#[derive(Debug)]
pub struct Offer {
    /// What others can connect to.
    pub served: Option<connect::Served>,
}

/// Where the `n`-th item under `key` is written.
fn item(key: &str, n: usize) -> Path {
    vec![key.into(), n.to_string()]
}

/// Where a value of the `n`-th exposure is written.
fn expose(n: usize, key: &str) -> Path {
    vec!["expose".into(), n.to_string(), key.into()]
}

impl Config {
    /// The image as ECS takes it. Images of repositories of the stack are reported when the keys are checked.
    fn image(&self) -> &str {
        match &self.image {
            Image::Name(name) => name,
            Image::Of(_) => "",
        }
    }

    /// Whether tasks get addresses of the internet, and so reach everything without endpoints.
    fn is_public(&self) -> bool {
        self.tier == network::PUBLIC
    }

    /// The images that a task of this stack pulls, and where each is said.
    fn images<'a>(&'a self, at: &'a Place<'_>) -> Vec<(&'a str, Path)> {
        let own = self.parts(at.name()).into_iter().map(|part| (part.image, part.at(&["image"])));
        let program = at.stack.files_image.as_deref().filter(|_| self.has_files());
        own.chain(program.map(|image| (image, path(&["files"])))).collect()
    }

    /// The secrets of all containers, and where each is said.
    fn all_secrets<'a>(&'a self, at: &'a Place<'_>) -> Vec<(&'a str, Path)> {
        let of_part = |part: &containers::Part<'a>| {
            let secret = |(name, text): (&'a String, &'a String)| (text.as_str(), part.at(&["secrets", name]));
            part.secrets.iter().map(secret).collect::<Vec<_>>()
        };
        self.parts(at.name()).iter().flat_map(of_part).collect()
    }

    /// The APIs of AWS that a task needs to start, and where each is said.
    fn endpoints(&self, at: &Place<'_>) -> Vec<(&'static str, Path)> {
        let mut needed = vec![("logs", path(&["logs"]))];
        for (_, place) in self.images(at).into_iter().filter(|(image, _)| EcrImage::parse(image).is_some()) {
            // The layers of an image are in S3.
            needed.extend(["ecr.api", "ecr.dkr", "s3"].map(|service| (service, place.clone())));
        }
        for (text, place) in self.all_secrets(at) {
            match SecretSource::parse(text) {
                SecretSource::Component(..) | SecretSource::Parameter(_) => needed.push(("ssm", place)),
                SecretSource::Secret(..) => needed.push(("secretsmanager", place)),
                SecretSource::Other => {}
            }
        }
        needed.extend((0..self.uses.len()).map(|n| ("ssm", item("uses", n))));
        if self.has_files() {
            needed.push(("ssm", path(&["files"])));
        }
        if self.exec {
            needed.push(("ssmmessages", path(&["exec"])));
        }
        needed
    }

    fn wants(&self, at: &Place<'_>) -> Vec<Want> {
        let mut wants = vec![
            Want { path: path(&["network"]), types: &["network"], given: self.network.clone() },
            Want { path: path(&["cluster"]), types: &["cluster"], given: self.cluster.clone() },
        ];
        for (n, exposed) in self.expose.iter().enumerate() {
            let given = exposed.load_balancer.clone();
            wants.push(Want { path: expose(n, "load_balancer"), types: &["load_balancer"], given });
        }
        for (text, path) in self.all_secrets(at) {
            if let SecretSource::Component(component, _) = SecretSource::parse(text) {
                wants.push(Want { path, types: &["parameter"], given: Some(component) });
            }
        }
        for (n, text) in self.uses.iter().enumerate() {
            wants.push(Want { path: item("uses", n), types: &["parameter"], given: Some(text.clone()) });
        }
        wants.extend(self.connect_wants());
        wants
    }

    fn needs(&self, at: &Place<'_>) -> Vec<Need> {
        let own = at.address();
        let mut needs = self.connect_needs(at);
        if !self.is_public() {
            needs.extend(self.endpoints(at).into_iter().map(|(service, path)| Need {
                of: vec!["network".into()],
                path,
                what: What::Endpoint(service),
            }));
        }
        for (n, exposed) in self.expose.iter().enumerate() {
            let Some((port_name, port)) = self.exposed_port(exposed) else { continue };
            let of = expose(n, "load_balancer");
            let group = Address::new(&own, SecurityGroup::NAME);
            needs.push(Need { of: of.clone(), path: item("expose", n), what: What::Reach { group, port } });
            needs.push(Need {
                of,
                path: item("expose", n),
                what: What::Route(Route {
                    listener: exposed.listener,
                    host: exposed.host.clone(),
                    path: exposed.path.clone(),
                    priority: exposed.priority,
                    port: port_name,
                }),
            });
        }
        needs
    }
}

impl Config {
    /// The environment variables of all containers.
    fn texts(&self, at: &Place<'_>) -> Vec<(Path, String)> {
        let of_part = |part: &containers::Part<'_>| {
            let variables = part.env.iter().map(|(name, text)| (part.at(&["env", name]), text.clone()));
            variables.collect::<Vec<_>>()
        };
        self.parts(at.name()).iter().flat_map(of_part).collect()
    }
}

impl Component for Service {
    const TYPE: &'static str = "service";
    const DOC: &'static str = "A number of equal tasks on Fargate, and the ways to them.";
    type Config = Config;

    fn declare(config: &Config, at: &mut Place<'_>) -> Declared {
        config.check(at);
        let group = Address::new(&at.address(), SecurityGroup::NAME);
        Declared {
            wants: config.wants(at),
            needs: config.needs(at),
            offer: Some(Offered::Service(Offer { served: config.served(at) })),
            attributes: BTreeMap::from([
                ("name", Attribute::Text(name(at).into())),
                ("security_group_id", Attribute::Text(Text::reference(group, "id"))),
            ]),
            texts: config.texts(at),
            documents: config.documents(at),
        }
    }

    fn expand(config: &Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let mut made = Resources::of(at);
        let Some((named, network)) = network_of(all) else { return made };
        let Some(subnets) = network.subnets(&config.tier) else {
            let message = format!("`{}` has no tier `{}`", named.address(), config.tier);
            let hint = agent_core::manifest::suggest::hint(&config.tier, &network.tiers(), "its tiers are");
            at.hinted("unknown-tier", &["tier"], message, hint.unwrap_or_default());
            return made;
        };
        let own = at.address();
        let exposures = config.exposures(&named, all, at);
        let servers = config.servers(&named, all, at);
        let (service_connect, sees) = config.service_connect(&servers, all, at);
        config.add_roles(all, &mut made, at);
        made.add::<LogGroup>(&log_group::Spec {
            name: log_group::name_of(&at.stack.name, &Address::new(&own, LogGroup::NAME)),
            retention_in_days: config.logs.days().ok(),
            kms_key_id: None,
            log_group_class: log_group::Class::Standard,
            tags: AtCreate(Some(at.stack.tags.clone())),
        });
        made.add::<SecurityGroup>(&security_group::Spec {
            name: names::security_group(&[&at.stack.name, Service::TYPE, at.name()]),
            description: format!("Tasks of {own}"),
            vpc: network.vpc(),
            ingress: exposures.iter().map(exposure::Exposure::ingress).chain(config.connect_ingress(all, at)).collect(),
            egress: config.egress(network, all, at).into_iter().chain(connect::egress(&servers)).collect(),
            tags: at.named_tags(&[]),
        });
        config.add_task_definition(all, &mut made, at);
        config.add_targets(&exposures, network, &mut made, at);
        made.add::<Kinded>(&service::Spec {
            name: name(at),
            cluster: all.link(&["cluster"]).map_or_else(|| Link::value(""), |cluster| Link::to(&cluster.address())),
            task_definition: Link::to(&own),
            desired_count: Count::Fixed(config.count.into()),
            launch_type: service::LaunchType::Fargate,
            capacity_provider_strategy: BTreeMap::new(),
            platform_version: "LATEST".into(),
            network: service::Network {
                subnets,
                security_groups: [Link::to(&own)].into(),
                assign_public_ip: config.is_public(),
            },
            load_balancers: exposures.iter().map(|exposure| exposure.load_balancer(config, at)).collect(),
            deployment: config.deployment(),
            health_check_grace_period_seconds: if exposures.is_empty() { 0 } else { config.health.grace.into() },
            enable_execute_command: config.exec,
            propagate_tags: service::PropagateTags::Service,
            enable_ecs_managed_tags: true,
            availability_zone_rebalancing: agent_core::field::AwsDecides::Unset,
            service_connect,
            sees,
            tags: at.tags(),
        });
        made
    }
}

/// The network that was named.
fn network_of<'a>(all: &Expansion<'a>) -> Option<(Linked<'a>, &'a network::Offer)> {
    let named = all.link(&["network"])?;
    match named.offer {
        Offered::Network(offer) => Some((named, offer)),
        _ => None,
    }
}

/// What the service is called in its cluster, and the family of its task definitions.
fn name(at: &Place<'_>) -> String {
    names::name(&[&at.stack.name, at.name()], limits::ECS)
}

impl Config {
    /// To whom tasks may open connections: the endpoints, and S3 for the layers of images; everybody's HTTPS where there is a
    /// way to the internet.
    fn egress(
        &self,
        network: &network::Offer,
        all: &Expansion<'_>,
        at: &Place<'_>,
    ) -> std::collections::BTreeSet<Rule> {
        let https = |peer: Peer, to: &str| Rule::tcp(443, peer).described(Some(format!("HTTPS to {to}")));
        // Images and APIs are anywhere; what is reached through endpoints is within everywhere too.
        if self.is_public() || network.is_open_outwards(&self.tier) {
            return [https(Peer::CidrIpv4(Cidr4::new(ipnet::Ipv4Net::default())), "everywhere")].into();
        }
        let needed: Vec<&str> = self.endpoints(at).into_iter().map(|(service, _)| service).collect();
        let mut rules = std::collections::BTreeSet::new();
        if needed.iter().any(|service| !network::is_gateway(service)) {
            rules.insert(https(Peer::Group(network.endpoint_group()), "the endpoints"));
        }
        for service in needed.iter().filter(|service| network::is_gateway(service)) {
            let list = all.prefix_list(&network::prefix_list(service, &at.stack.region));
            rules.insert(https(Peer::PrefixList(list), &service.to_uppercase()));
        }
        rules
    }

    fn deployment(&self) -> service::Deployment {
        service::Deployment {
            minimum_healthy_percent: self.deploy.minimum_percent.into(),
            maximum_percent: self.deploy.maximum_percent.into(),
            circuit_breaker: service::CircuitBreaker {
                enable: self.deploy.circuit_breaker,
                rollback: self.deploy.circuit_breaker,
            },
            alarms: None,
            strategy: service::Strategy::Rolling,
        }
    }
}
