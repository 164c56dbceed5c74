//! `[network.X]`: a VPC cut into tiers of subnets, one a zone, with the routes of each tier and the endpoints that the
//! stack's tasks need.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::field::{AtCreate, AwsDecides};
use agent_core::kind::Kind;
use agent_core::manifest::NameRule;
use agent_core::reference::{Link, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attribute, Component, Declared, Place, Resources, What, list};
use crate::expand::Expansion;
use crate::kinds::ec2::internet_gateway::{self, InternetGateway};
use crate::kinds::ec2::route_table::RouteTableId;
use crate::kinds::ec2::security_group::{self, Peer, Rule, SecurityGroup, SecurityGroupId};
use crate::kinds::ec2::subnet::{self, Subnet, SubnetId};
use crate::kinds::ec2::vpc::{self, DefaultGroup, Vpc, VpcId};
use crate::kinds::ec2::vpc_endpoint::{self, EndpointType, VpcEndpoint};
use crate::kinds::ec2::{Cidr4, vpc::InstanceTenancy};
use crate::names;

mod blocks;
mod existing;
mod nat;

use existing::Existing;
use nat::Nat;

/// A network.
pub struct Network;

/// `[network.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The block of IPv4 addresses, `/16` to `/28`. It is cut into 16: public 0-3, private 4-7, database 8-11, and the
    /// first zone takes the first of each. It is left out with `existing` alone.
    cidr: Option<String>,
    /// How many availability zones, 1 to 4, the first ones of the region by name; or which:
    /// `["eu-west-1a", "eu-west-1b"]`. A live subnet keeps its zone.
    #[serde(default)]
    zones: Zones,
    /// The tiers of subnets: `public` has a route to the internet, `private` none but that of `nat`, `database` only the
    /// local one. Tiers of other names are private, and need `subnets`.
    #[serde(default = "default_tiers")]
    #[schemars(length(min = 1))]
    tiers: Vec<String>,
    /// How private tiers reach the internet: each gateway stands in the public tier with an address of its own. The database
    /// tier never does. With it, tasks in private tiers may open HTTPS connections to everywhere.
    #[serde(default)]
    nat: Nat,
    /// The VPC endpoints: `auto` for those that this stack's tasks need, or a list of services as they stand behind
    /// `com.amazonaws.REGION.`: `["ecr.api", "s3"]`. Those of `s3` and `dynamodb` are gateways, which cost nothing; the
    /// others are interfaces in the private tier.
    #[serde(default)]
    endpoints: Endpoints,
    /// Whether VPC flow logs are kept.
    #[serde(default)]
    flow_logs: bool,
    /// The blocks of a tier's subnets, one a zone, in place of those that it is cut into:
    /// `{ private = ["10.20.64.0/20", "10.20.80.0/20"] }`.
    #[serde(default)]
    subnets: BTreeMap<String, Vec<String>>,
    /// A VPC with subnets that somebody else owns, in place of all other keys: nothing is made, and services and load balancers
    /// stand in these subnets. Its routes and endpoints are asked of AWS in each pass, and judged by the rules. Tasks may open
    /// HTTPS connections to everywhere, as far as the routes go.
    existing: Option<Existing>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Zones {
    /// The first ones of the region.
    Count(u8),
    /// These.
    Named(Vec<String>),
}

impl Default for Zones {
    fn default() -> Self {
        Self::Count(2)
    }
}

impl Zones {
    fn len(&self) -> usize {
        match self {
            Self::Count(count) => (*count).into(),
            Self::Named(names) => names.len(),
        }
    }
}

fn default_tiers() -> Vec<String> {
    vec!["public".into(), "private".into()]
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Endpoints {
    /// What the stack's tasks need.
    Auto(Auto),
    /// These.
    Listed(BTreeSet<String>),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Auto {
    /// What the stack's tasks need.
    Auto,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::Auto(Auto::Auto)
    }
}

/// Services of AWS that are reached through routes instead of network interfaces.
const GATEWAYS: [&str; 2] = ["dynamodb", "s3"];
/// Most zones: the cut leaves four blocks to each tier.
const MOST_ZONES: usize = 4;
/// The tier with a route to the internet.
pub const PUBLIC: &str = "public";
/// The tier with no route but the local one.
pub const DATABASE: &str = "database";

/// What a network offers.
#[derive(Debug)]
pub struct Offer {
    address: String,
    ground: Ground,
    /// The endpoints that it has whatever is needed; `None` where it has what is needed.
    pub listed: Option<BTreeSet<String>>,
    nat: Nat,
}

/// Whose network it is.
#[derive(Debug)]
enum Ground {
    /// The stack's.
    Own {
        cidr: Cidr4,
        zones: usize,
        /// The blocks of the subnets.
        tiers: BTreeMap<String, Vec<Cidr4>>,
    },
    /// Somebody else's.
    Existing(Existing),
}

impl Offer {
    fn existing(address: String, existing: Existing) -> Self {
        Self { address, ground: Ground::Existing(existing), listed: None, nat: Nat::None }
    }

    /// Whether the stack owns it.
    pub fn is_owned(&self) -> bool {
        matches!(self.ground, Ground::Own { .. })
    }

    /// The VPC.
    pub fn vpc(&self) -> Link<VpcId> {
        match &self.ground {
            Ground::Own { .. } => Link::to(&self.address),
            Ground::Existing(existing) => Link::value(&existing.vpc),
        }
    }

    /// Its blocks of addresses; none as long as only AWS knows them.
    pub fn blocks(&self, all: &Expansion<'_>) -> BTreeSet<Cidr4> {
        match &self.ground {
            Ground::Own { cidr, .. } => [*cidr].into(),
            Ground::Existing(existing) => existing.blocks(all),
        }
    }

    /// In how many zones a tier is. Of a network of others: at most that many.
    pub fn zones(&self, tier: &str) -> usize {
        match &self.ground {
            Ground::Own { zones, .. } => *zones,
            Ground::Existing(existing) => existing.len(tier),
        }
    }

    /// The group of the interface endpoints.
    pub fn endpoint_group(&self) -> Link<SecurityGroupId> {
        Link::keyed(&self.address, ENDPOINTS)
    }

    /// The subnets of a tier, if there is such a tier.
    pub fn subnets(&self, tier: &str) -> Option<BTreeSet<Link<SubnetId>>> {
        match &self.ground {
            Ground::Own { tiers, .. } => {
                let zones = 1..=tiers.get(tier)?.len();
                Some(zones.map(|zone| Link::keyed(&self.address, &subnet_key(tier, zone))).collect())
            }
            Ground::Existing(existing) => Some(existing.subnets.get(tier)?.iter().map(Link::value).collect()),
        }
    }

    /// Whether tasks in a tier may open connections to everybody's HTTPS: there is NAT, or only its owner knows where its
    /// endpoints are and what its routes lead to.
    pub fn is_open_outwards(&self, tier: &str) -> bool {
        !self.is_owned() || (self.nat != Nat::None && nat::is_private(tier))
    }

    /// The tiers.
    pub fn tiers(&self) -> Vec<&str> {
        match &self.ground {
            Ground::Own { tiers, .. } => tiers.keys().map(String::as_str).collect(),
            Ground::Existing(existing) => existing.subnets.keys().map(String::as_str).collect(),
        }
    }
}

/// The key of the group of the interface endpoints.
const ENDPOINTS: &str = "endpoints";

/// `private-1` is the subnet of the private tier in the first zone.
fn subnet_key(tier: &str, zone: usize) -> String {
    format!("{tier}-{zone}")
}

/// Whether an endpoint is a gateway: routes that cost nothing.
pub fn is_gateway(service: &str) -> bool {
    GATEWAYS.contains(&service)
}

/// The name of the prefix list of a gateway endpoint's service.
pub fn prefix_list(service: &str, region: &str) -> String {
    format!("com.amazonaws.{region}.{service}")
}

impl Config {
    fn check(&self, at: &mut Place<'_>) {
        if self.cidr.is_none() {
            at.problem("missing-key", &[] as &[&str], format!("`{}` lacks `cidr`", at.address()));
        }
        self.check_zones(at);
        self.check_tiers(at);
        self.check_nat(at);
        if self.flow_logs {
            at.later(&["flow_logs"], "flow logs come");
        }
        if let Endpoints::Listed(listed) = &self.endpoints {
            for name in listed {
                check_endpoint(name, at);
            }
        }
    }

    fn check_zones(&self, at: &mut Place<'_>) {
        let count = self.zones.len();
        if !(1..=MOST_ZONES).contains(&count) {
            let message = format!("`{}` is in {count} zones, and can be in 1 to {MOST_ZONES}", at.address());
            at.problem("out-of-range", &["zones"], message);
        }
        let Zones::Named(names) = &self.zones else { return };
        let region = at.stack.region.clone();
        for (n, name) in names.iter().enumerate() {
            let place = ["zones".to_owned(), n.to_string()];
            let letter = name.strip_prefix(&region).filter(|rest| rest.len() == 1);
            if letter.is_none_or(|rest| !rest.bytes().all(|b| b.is_ascii_lowercase())) {
                let hint = format!("they look like `{region}a`");
                at.hinted("bad-zone", &place, format!("`{name}` is no availability zone of {region}"), hint);
            }
            if names[..n].contains(name) {
                at.problem("defined-twice", &place, format!("`{}` names the zone `{name}` twice", at.address()));
            }
        }
    }

    fn check_tiers(&self, at: &mut Place<'_>) {
        for (n, tier) in self.tiers.iter().enumerate() {
            let place = ["tiers".to_owned(), n.to_string()];
            let span = at.span(&place);
            if let Some(problem) = agent_core::manifest::names::check(NameRule::default(), "tier", tier, &span) {
                at.problems.push(problem);
                continue;
            }
            if self.tiers[..n].contains(tier) {
                at.problem("defined-twice", &place, format!("`{}` names the tier `{tier}` twice", at.address()));
            }
            if blocks::first_block(tier).is_none() && !self.subnets.contains_key(tier) {
                let hint = format!("give its blocks: `subnets = {{ {tier} = [\"…\", \"…\"] }}`");
                let message = format!("the blocks of the tier `{tier}` are not known");
                at.hinted("missing-key", &place, message, hint);
            }
        }
        for tier in self.subnets.keys().filter(|tier| !self.tiers.contains(tier)) {
            let known: Vec<&str> = self.tiers.iter().map(String::as_str).collect();
            let hint = agent_core::manifest::suggest::hint(tier, &known, "they are");
            let message = format!("`{tier}` is none of the tiers of `{}`", at.address());
            at.hinted_key("unknown-tier", &["subnets", tier], message, hint.unwrap_or_default());
        }
    }

    /// The endpoints that there are: those listed, or those that are needed.
    fn endpoints(&self, all: &Expansion<'_>) -> BTreeSet<String> {
        match &self.endpoints {
            Endpoints::Listed(listed) => listed.clone(),
            Endpoints::Auto(_) => {
                let needed = all.asked().iter().filter_map(|asked| match &asked.what {
                    What::Endpoint(service) => Some((*service).to_owned()),
                    _ => None,
                });
                needed.collect()
            }
        }
    }

    /// The tier whose subnets hold the interface endpoints.
    fn endpoint_tier(&self) -> &str {
        let custom = || self.tiers.iter().find(|tier| blocks::first_block(tier).is_none());
        let named = |name: &str| self.tiers.iter().find(|tier| *tier == name);
        named("private").or_else(custom).or_else(|| named(PUBLIC)).or_else(|| self.tiers.first()).map_or("", |t| t)
    }
}

/// The names that AWS gives its services in endpoints are words with dots between them.
fn check_endpoint(name: &str, at: &mut Place<'_>) {
    const KNOWN: [&str; 18] = [
        "dynamodb",
        "ecr.api",
        "ecr.dkr",
        "ecs",
        "ecs-agent",
        "ecs-telemetry",
        "events",
        "execute-api",
        "guardduty-data",
        "kms",
        "logs",
        "monitoring",
        "s3",
        "secretsmanager",
        "sqs",
        "ssm",
        "ssmmessages",
        "sts",
    ];
    let words = !name.is_empty()
        && name
            .split(['.', '-'])
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let meant = name.replace(['-', '_'], ".");
    let misspelt = KNOWN.iter().find(|known| **known == meant && meant != name);
    if let Some(near) = misspelt {
        let message = format!("there is no endpoint `{name}`");
        at.hinted("unknown-endpoint", &["endpoints"], message, format!("did you mean `{near}`?"));
    } else if !words {
        let hint = "write what stands behind `com.amazonaws.REGION.`: `\"ecr.api\"`";
        at.hinted("unknown-endpoint", &["endpoints"], format!("`{name}` is no name of an endpoint"), hint);
    }
}

impl Component for Network {
    const TYPE: &'static str = "network";
    const DOC: &'static str = "A VPC with tiers of subnets, their routes, and the endpoints that tasks need.";
    type Config = Config;

    fn declare(config: &Config, at: &mut Place<'_>) -> Declared {
        if let Some(existing) = &config.existing {
            return existing.declare(at);
        }
        config.check(at);
        let Some((cidr, tiers)) = blocks::cut(config, at) else { return Declared::default() };
        let listed = match &config.endpoints {
            Endpoints::Auto(_) => None,
            Endpoints::Listed(listed) => Some(listed.clone()),
        };
        let vpc = Address::new(&at.address(), Vpc::NAME);
        let mut attributes = BTreeMap::from([
            ("cidr", Attribute::Text(cidr.to_string().into())),
            ("vpc_id", Attribute::Text(Text::reference(vpc, "id"))),
        ]);
        let zones = config.zones.len();
        let seen_from = config.nat.addresses(&at.address(), zones);
        attributes.extend(seen_from.map(|addresses| ("nat_ips", Attribute::Text(addresses))));
        let ground = Ground::Own { cidr, zones, tiers };
        let offer = Offer { address: at.address(), ground, listed, nat: config.nat };
        Declared { offer: Some(super::Offer::Network(offer)), attributes, ..Declared::default() }
    }

    fn expand(config: &Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let mut made = Resources::of(at);
        if let Some(existing) = &config.existing {
            existing.found(all, at);
            return made;
        }
        let Some((cidr, tiers)) = blocks::cut(config, at) else { return made };
        made.add::<Vpc>(&vpc::Spec {
            cidr,
            instance_tenancy: InstanceTenancy::Default,
            enable_dns_support: true,
            // Private DNS of endpoints needs both.
            enable_dns_hostnames: true,
            default_group: AwsDecides::Set(DefaultGroup::Emptied),
            tags: at.named_tags(&[]),
        });
        if tiers.contains_key(PUBLIC) {
            made.add::<InternetGateway>(&internet_gateway::Spec {
                vpc: Some(Link::to(&at.address())),
                tags: at.named_tags(&[]),
            });
        }
        let zones = zones(config, all, at);
        for (tier, blocks) in &tiers {
            for (n, block) in blocks.iter().enumerate() {
                let key = subnet_key(tier, n + 1);
                made.keyed::<Subnet>(
                    &key,
                    &subnet::Spec {
                        vpc: Link::to(&at.address()),
                        cidr: *block,
                        availability_zone: AtCreate(zones.get(n).cloned()),
                        map_public_ip_on_launch: false,
                        tags: at.named_tags(&[&key]),
                    },
                );
            }
        }
        config.add_routes(&tiers, &mut made, at);
        endpoints(config, all, cidr, &tiers, &mut made, at);
        made
    }
}

/// The zones that subnets are made in, as far as they are known.
fn zones(config: &Config, all: &Expansion<'_>, at: &mut Place<'_>) -> Vec<String> {
    let count = match &config.zones {
        Zones::Named(names) => return names.clone(),
        Zones::Count(count) => usize::from(*count),
    };
    let Some(known) = all.zones() else { return Vec::new() };
    if known.len() < count {
        let has = list(known.iter().map(String::as_str));
        let message = format!("`{}` is to be in {count} zones, and {} has {has}", at.address(), at.stack.region);
        at.problem("out-of-range", &["zones"], message);
    }
    known.iter().take(count).cloned().collect()
}

fn endpoints(
    config: &Config,
    all: &Expansion<'_>,
    cidr: Cidr4,
    tiers: &BTreeMap<String, Vec<Cidr4>>,
    made: &mut Resources,
    at: &Place<'_>,
) {
    let own = at.address();
    let services = config.endpoints(all);
    let zones = tiers.get(config.endpoint_tier()).map_or(0, Vec::len);
    for service in &services {
        let gateway = is_gateway(service);
        let key = service.replace('.', "-");
        // A database tier has no route but the local one.
        let tables = tiers.iter().filter(|(tier, _)| gateway && *tier != DATABASE);
        let tables = tables.flat_map(|(tier, blocks)| config.nat.table_keys(&own, tier, blocks.len()));
        let interface = 1..=if gateway { 0 } else { zones };
        made.keyed::<VpcEndpoint>(
            &key,
            &vpc_endpoint::Spec {
                vpc_endpoint_type: if gateway { EndpointType::Gateway } else { EndpointType::Interface },
                service_name: format!("com.amazonaws.{}.{service}", at.stack.region),
                vpc: Link::to(&own),
                subnets: interface.map(|zone| Link::keyed(&own, &subnet_key(config.endpoint_tier(), zone))).collect(),
                security_groups: (!gateway).then(|| Link::keyed(&own, ENDPOINTS)).into_iter().collect(),
                route_tables: tables.map(|key| Link::<RouteTableId>::keyed(&own, &key)).collect(),
                private_dns_enabled: !gateway,
                policy: None,
                tags: at.named_tags(&[&key]),
            },
        );
    }
    if services.iter().any(|service| !is_gateway(service)) {
        // Whoever is in the network may use them: what may be done through them is for the callers' own rights to say.
        let from = Rule::tcp(443, Peer::CidrIpv4(cidr)).described(Some(format!("HTTPS from {own}")));
        made.keyed::<SecurityGroup>(
            ENDPOINTS,
            &security_group::Spec {
                name: names::security_group(&[&at.stack.name, "network", at.name(), ENDPOINTS]),
                description: format!("Endpoints of {own}"),
                vpc: Link::to(&own),
                ingress: BTreeSet::from([from]),
                egress: BTreeSet::new(),
                tags: at.named_tags(&[ENDPOINTS]),
            },
        );
    }
}
