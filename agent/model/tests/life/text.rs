//! A random stack as the text that people write. Every manifest that comes out of here is sound: what the language refuses
//! is tested elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::stacks::{Balancer, Network, Route, Service, Stack};

const NETWORKS: [&str; 2] = ["main", "side"];
const BALANCERS: [&str; 2] = ["edge", "inner"];
const PARAMETERS: [&str; 3] = ["flags", "token", "words"];
const SERVICES: [&str; 3] = ["api", "jobs", "web"];
const CLUSTERS: [&[(&str, &str)]; 4] =
    [&[], &[("main", "disabled")], &[("main", "enabled")], &[("main", "enabled"), ("other", "disabled")]];
const IMAGES: [&str; 3] = [
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:2",
    "ghcr.io/example/app:1",
];
const NATS: [&str; 3] = ["none", "single", "per-zone"];
const SIZES: [(u16, u16); 3] = [(256, 512), (256, 1024), (512, 1024)];
const TAGS: [&str; 3] = ["", "owner = \"one\"", "owner = \"two\", team = \"b\""];
/// A path like another but for its end: their rules are neighbours. The first means: whatever no other takes.
const PATHS: [&str; 5] = ["", "/a/*", "/a*", "/b/c", "/*"];
/// What the files beside the manifest say, by their names. The last is kept in parts.
pub fn files() -> [(&'static str, String); 3] {
    let long = (0..200).map(|n: u32| agent_core::doc::digest(&n.to_string())).collect();
    [("short", "short".into()), ("other", "other {{ packed }}".into()), ("long", long)]
}

/// The bit of [`Service::connects`] that says that it serves.
const SERVES: u8 = 8;
/// The keys of tags that a manifest may set and a later one leave out.
pub const TAG_KEYS: [&str; 2] = ["owner", "team"];

fn of<T>(all: &[T], n: u8) -> &T {
    &all[usize::from(n) % all.len()]
}

impl Stack {
    /// The manifest. With `allowed` it permits whatever may be lost.
    pub fn text(&self, allowed: bool) -> String {
        let mut text = "[stack]\nname = \"um\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n".to_owned();
        writeln!(text, "tags = {{ {} }}\nfiles_image = \"gitops-agent:1\"", of(&TAGS, self.tags)).unwrap();
        let components = SERVICES.map(|name| format!("\"service.{name}\""));
        let components = components.into_iter().chain(PARAMETERS.map(|name| format!("\"parameter.{name}\"")));
        let components: Vec<String> = components.collect();
        let delete = if allowed { components.join(", ") } else { String::new() };
        writeln!(text, "\n[stack.allow]\ndelete = [{delete}]\nremovals = 100").unwrap();
        Writer { stack: self, taken: BTreeSet::new(), text }.all()
    }
}

/// Writes a stack down, and keeps apart what may not be there twice.
struct Writer<'a> {
    stack: &'a Stack,
    taken: BTreeSet<String>,
    text: String,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn all(mut self) -> String {
        for (name, insights) in self.clusters() {
            self.line(&format!("\n[cluster.{name}]\ncontainer_insights = \"{insights}\""));
        }
        for n in 0..NETWORKS.len() {
            self.network(n);
        }
        for n in 0..BALANCERS.len() {
            self.balancer(n);
        }
        for n in 0..PARAMETERS.len() {
            self.parameter(n);
        }
        for n in 0..SERVICES.len() {
            self.service(n);
        }
        self.text
    }

    fn clusters(&self) -> &'static [(&'static str, &'static str)] {
        CLUSTERS[usize::from(self.stack.clusters) % CLUSTERS.len()]
    }

    /// The network that is meant: of those that there are, if any.
    fn chosen(&self, wanted: u8) -> Option<(usize, &Network)> {
        let there: Vec<_> =
            self.stack.networks.iter().enumerate().filter_map(|(n, one)| Some((n, one.as_ref()?))).collect();
        (!there.is_empty()).then(|| *of(&there, wanted))
    }

    /// The balancers that routes in a network choose from, with which of all they are.
    fn balancers_near(&self, network: usize) -> Vec<(usize, &Balancer)> {
        let all = self.stack.balancers.iter().enumerate().filter_map(|(n, one)| Some((n, one.as_ref()?)));
        all.filter(|(_, one)| self.chosen(one.network).is_some_and(|(n, _)| n == network)).collect()
    }

    /// The balancers in a network. A listener of a network load balancer is there for whoever takes it, so one that no route
    /// chooses is not there.
    fn balancers_in(&self, network: usize) -> Vec<(usize, &Balancer)> {
        let mut all = self.balancers_near(network);
        all.retain(|(n, one)| !one.connections || !self.chosen_ports(*n).is_empty());
        all
    }

    /// The listeners of a balancer that routes choose.
    fn chosen_ports(&self, balancer: usize) -> BTreeSet<u16> {
        let mut ports = BTreeSet::new();
        for service in self.stack.services.iter().flatten() {
            let Some((network, _)) = self.chosen(service.network) else { continue };
            let near = self.balancers_near(network);
            for route in service.routes.iter().filter(|_| !near.is_empty()) {
                let (n, one) = *of(&near, route.balancer);
                ports.extend((n == balancer).then(|| *of(&one.forwarding(), route.listener)));
            }
        }
        ports
    }

    fn network(&mut self, n: usize) {
        let Some(own) = &self.stack.networks[n] else { return };
        let balancers = self.balancers_in(n);
        let public = own.public || own.nat > 0 || balancers.iter().any(|(_, one)| one.facing);
        // A load balancer stands in two zones at least.
        let zones = match own.zones {
            0 if balancers.is_empty() => vec!["a"],
            0 | 1 => vec!["a", "b"],
            2 => vec!["b", "a"],
            3 => vec!["a", "b", "c"],
            _ => vec!["b", "c"],
        };
        let block = 20 + 10 * usize::from(own.cidr) + 100 * n;
        let tiers = [("public", public), ("private", true), ("database", own.database)];
        let tiers: Vec<String> = tiers.iter().filter(|(_, has)| *has).map(|(tier, _)| format!("\"{tier}\"")).collect();
        let moved: Vec<String> = (12..12 + zones.len()).map(|n| format!("\"10.{block}.{}.0/20\"", 16 * n)).collect();
        let named: Vec<String> = zones.iter().map(|zone| format!("\"eu-west-1{zone}\"")).collect();
        let mut lines = vec![format!("\n[network.{}]\ncidr = \"10.{block}.0.0/16\"", NETWORKS[n])];
        lines.push(match own.zones {
            1 | 3 => format!("zones = {}", zones.len()),
            _ => format!("zones = [{}]", named.join(", ")),
        });
        lines.push(format!("tiers = [{}]", tiers.join(", ")));
        lines.push(format!("nat = \"{}\"", of(&NATS, own.nat)));
        if own.moved {
            lines.push(format!("subnets = {{ private = [{}] }}", moved.join(", ")));
        }
        if own.listed {
            lines.push("endpoints = [\"ecr.api\", \"ecr.dkr\", \"logs\", \"s3\", \"ssm\", \"sqs\"]".into());
        }
        self.line(&lines.join("\n"));
    }

    fn balancer(&mut self, n: usize) {
        let Some(own) = &self.stack.balancers[n] else { return };
        let Some((network, _)) = self.chosen(own.network) else { return };
        if !self.balancers_in(network).iter().any(|(there, _)| *there == n) {
            return;
        }
        let mut lines = vec![format!("\n[load_balancer.{}]\nnetwork = \"{}\"", BALANCERS[n], NETWORKS[network])];
        if own.facing {
            lines.push("scheme = \"internet-facing\"".into());
            if own.header().is_none() {
                lines.push("public = \"customers reach it directly\"".into());
            }
        }
        if let Some(header) = own.header() {
            lines.push(format!("origin_header = {{ name = \"X-Verify-{header}\" }}"));
        }
        let chosen = self.chosen_ports(n);
        let certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/0123";
        let there = own.listeners().into_iter().filter(|(port, _)| !own.connections || chosen.contains(port));
        let listeners = there.map(|(port, redirects)| match port {
            443 => format!("443 = {{ certificate = \"{certificate}\" }}"),
            _ if redirects => format!("{port} = {{ redirect = 443 }}"),
            _ => format!("{port} = {{}}"),
        });
        lines.push(format!("listeners = {{ {} }}", listeners.collect::<Vec<_>>().join(", ")));
        lines.push(if own.connections {
            format!("type = \"network\"\ncross_zone = {}", own.idle > 0)
        } else {
            format!("idle_timeout = {}", 60 + own.idle)
        });
        self.line(&lines.join("\n"));
        if own.facing && own.header.is_some() && !own.connections {
            self.distribution(BALANCERS[n], own);
        }
    }

    /// In front of a load balancer that wants its header; it has names of its own where that redirects.
    fn distribution(&mut self, name: &str, balancer: &Balancer) {
        let forwarding =
            balancer.listeners().into_iter().find(|(_, redirects)| !redirects).map_or(80, |(port, _)| port);
        let mut lines = vec![format!("\n[distribution.{name}]\norigin = \"{name}\"\nlistener = {forwarding}")];
        if forwarding == 443 {
            lines.push(format!("origin_domain = \"origin-{name}.example.org\""));
        }
        if balancer.redirect {
            lines.push(format!("domains = [\"{name}.example.org\"]"));
            lines.push("certificate = \"arn:aws:acm:us-east-1:123456789012:certificate/4567\"".into());
        }
        lines.push(format!("cache = \"{}\"", ["none", "optimized"][usize::from(balancer.idle % 2)]));
        self.line(&lines.join("\n"));
    }

    fn parameter(&mut self, n: usize) {
        let Some(own) = &self.stack.parameters[n] else { return };
        let mut lines = vec![format!("\n[parameter.{}]", PARAMETERS[n])];
        lines.push(match (own.value, own.bytes) {
            (Some(value), _) => format!("value = \"value {value}\""),
            (None, 0) => "generate = true".into(),
            (None, _) => "generate = { bytes = 16 }".into(),
        });
        // Names that several may have, one after another.
        let name = format!("/shared/{}", own.name);
        if own.name > 0 && self.taken.insert(name.clone()) {
            lines.push(format!("name = \"{name}\""));
        }
        if own.described {
            lines.push("description = \"some words\"".into());
        }
        if own.advanced {
            lines.push("tier = \"advanced\"".into());
        }
        if own.protect {
            lines.push("protect = true".into());
        }
        self.line(&lines.join("\n"));
    }

    /// Whether one service may connect to another: it serves, in the same cluster and network.
    fn is_server(&self, other: usize, own: usize, network: usize) -> bool {
        let (Some(own), Some(server), true) = (&self.stack.services[own], &self.stack.services[other], own != other)
        else {
            return false;
        };
        let cluster = |service: &Service| of(self.clusters(), service.cluster).0;
        server.connects & SERVES != 0
            && self.chosen(server.network).is_some_and(|(n, _)| n == network)
            && (self.clusters().len() < 2 || cluster(own) == cluster(server))
    }

    fn service(&mut self, n: usize) {
        let Some(own) = &self.stack.services[n] else { return };
        let Some((at, network)) = self.chosen(own.network) else { return };
        let facing = self.balancers_in(at).iter().any(|(_, one)| one.facing);
        let tier = match own.tier {
            1 if network.public || facing => "public",
            2 if network.database => "database",
            _ => "private",
        };
        let (cpu, memory) = of(&SIZES, own.size);
        let port = 8080 + u16::from(own.port);
        let ports =
            if own.admin { format!("ports = {{ http = {port}, admin = 9000 }}") } else { format!("port = {port}") };
        let mut lines = vec![
            format!("\n[service.{}]\nnetwork = \"{}\"\ntier = \"{tier}\"", SERVICES[n], NETWORKS[at]),
            format!("image = \"{}\"\ncpu = {cpu}\nmemory = {memory}\ncount = {}", of(&IMAGES, own.image), own.count),
            ports,
            format!("health = {{ path = \"/health/{}\" }}", own.health),
            format!("logs = {{ days = {} }}", [1, 30][usize::from(own.more % 2)]),
            format!("deploy = {{ drain = {} }}", 10 + own.more / 2),
        ];
        if self.clusters().len() > 1 {
            lines.push(format!("cluster = \"{}\"", of(self.clusters(), own.cluster).0));
        }
        lines.push(format!("env = {{ {} }}", self.env(own, n).join(", ")));
        let there = |mask: u8| {
            (0..PARAMETERS.len()).filter(move |n| mask & (1 << n) != 0).filter(|n| self.stack.parameters[*n].is_some())
        };
        let secrets = there(own.secrets).map(|n| format!("SECRET_{n} = \"parameter.{}\"", PARAMETERS[n]));
        lines.push(format!("secrets = {{ {} }}", secrets.collect::<Vec<_>>().join(", ")));
        let uses = there(own.uses).map(|n| format!("\"parameter.{}\"", PARAMETERS[n]));
        lines.push(format!("uses = [{}]", uses.collect::<Vec<_>>().join(", ")));
        if own.env & 1 != 0 {
            let all = files().map(|(name, _)| name);
            let one = of(&all, own.health);
            lines.push(format!("files = {{ \"/etc/app/one\" = \"{one}\", \"/opt/app/two\" = \"{}\" }}", all[0]));
        }
        if own.connects & SERVES != 0 {
            lines.push("serve = { port = \"http\", listen = 80 }".into());
        }
        let servers =
            (0..SERVICES.len()).filter(|other| own.connects & (1 << other) != 0 && self.is_server(*other, n, at));
        let servers = servers.map(|other| format!("\"service.{}\"", SERVICES[other]));
        lines.push(format!("connect = [{}]", servers.collect::<Vec<_>>().join(", ")));
        let routes: Vec<String> = own.routes.iter().filter_map(|route| self.route(route, own, at)).collect();
        lines.push(format!("expose = [{}]", routes.join(", ")));
        self.line(&lines.join("\n"));
    }

    /// What only AWS knows of other components, in texts.
    fn env(&self, own: &Service, n: usize) -> Vec<String> {
        let (network, _) = self.chosen(own.network).unwrap();
        let mut env = vec![format!("MODE = \"{}\"", own.env % 2)];
        if own.env & 2 != 0 {
            env.push(format!("VPC = \"${{network.{}.vpc_id}}\"", NETWORKS[network]));
        }
        if own.env & 4 != 0 {
            let balancers = self.balancers_in(network);
            let all = balancers.iter().map(|(n, _)| BALANCERS[*n]);
            env.extend(all.map(|name| format!("URL_{name} = \"http://${{load_balancer.{name}.dns_name}}/\"")));
        }
        for (m, parameter) in self.stack.parameters.iter().enumerate().filter(|_| own.env & 8 != 0) {
            let Some(parameter) = parameter else { continue };
            let field = if parameter.value.is_some() { "value" } else { "arn" };
            env.push(format!("P_{m} = \"${{parameter.{}.{field}}}\"", PARAMETERS[m]));
        }
        // Down the list only, for environments that name each other can never be told.
        if own.env & 16 != 0 && n > 0 && self.stack.services[n - 1].is_some() {
            env.push(format!("GROUP = \"${{service.{}.security_group_id}}\"", SERVICES[n - 1]));
        }
        env
    }

    fn route(&mut self, own: &Route, service: &Service, network: usize) -> Option<String> {
        let balancers = self.balancers_near(network);
        if balancers.is_empty() {
            return None;
        }
        let (n, balancer) = *of(&balancers, own.balancer);
        let listener = *of(&balancer.forwarding(), own.listener);
        let port = format!("port = \"{}\"", if own.admin && service.admin { "admin" } else { "http" });
        if balancer.connections {
            let whole = format!("load_balancer = \"{}\", listener = {listener}, {port}", BALANCERS[n]);
            return self.taken.insert(format!("{} {listener}", BALANCERS[n])).then(|| format!("{{ {whole} }}"));
        }
        let path = *of(&PATHS, own.path);
        let balancer = BALANCERS[n];
        if !self.taken.insert(format!("{balancer} {listener} {path} {}", own.host && !path.is_empty())) {
            return None;
        }
        let mut keys = vec![format!("load_balancer = \"{balancer}\", listener = {listener}")];
        keys.push(if path.is_empty() { "default = true".into() } else { format!("path = \"{path}\"") });
        if own.host && !path.is_empty() {
            keys.push("host = \"app.example.org\"".into());
        }
        let priority = format!("{balancer} {listener} priority {}", own.priority);
        if own.priority > 3 && !path.is_empty() && self.taken.insert(priority) {
            keys.push(format!("priority = {}", own.priority));
        }
        keys.push(port);
        Some(format!("{{ {} }}", keys.join(", ")))
    }
}

impl Balancer {
    /// Its ports, and whether each only sends on. CloudFront's addresses fit into a group once.
    fn listeners(&self) -> Vec<(u16, bool)> {
        let once = self.facing && self.header().is_some();
        let mut all = vec![(80, self.https && (self.redirect || once) && !self.connections)];
        all.extend(self.https.then_some((443, false)));
        all.extend((self.more && !once).then_some((8443, false)));
        all
    }

    fn forwarding(&self) -> Vec<u16> {
        self.listeners().into_iter().filter(|(_, redirects)| !redirects).map(|(port, _)| port).collect()
    }

    /// Where there are requests, there may be a header.
    fn header(&self) -> Option<u8> {
        self.header.filter(|_| !self.connections)
    }
}
