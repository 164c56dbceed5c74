//! Services in networks of others: judged by what AWS answers of routes and endpoints, and unknown without.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::allowed::{Finding, Level};
use agent_core::lookup::{Answer, Answers, Endpoint, Existing, Network, Question, RouteTable, Subnet};
use agent_core::manifest::{FileEntry, StackFiles};
use agent_model::facts::{Facts, Known, Verdict};

use crate::bench::{Stack, answers};

const VPC: &str = "vpc-0123456789abcdef0";
const SUBNETS: [&str; 2] = ["subnet-0aaaaaaa", "subnet-0bbbbbbb"];
const TEXT: &str = "[stack]\nname = \"guest\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\n[network.main]\n\
    existing = { vpc = \"vpc-0123456789abcdef0\", subnets = { private = [\"subnet-0aaaaaaa\", \"subnet-0bbbbbbb\"] } }\n\n\
    [service.web]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1\"\nport = 8080\ntier = \"private\"\n";

fn strings(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn table(main: bool, subnets: &[&str], routes: &[(&str, &str)]) -> RouteTable {
    let routes = [("10.0.0.0/16", "local")].iter().chain(routes);
    let routes = routes.map(|(to, target)| ((*to).to_owned(), (*target).to_owned())).collect();
    RouteTable { main, subnets: strings(subnets), routes }
}

/// Both subnets on `rtb-own`, a main table beside it, and all endpoints that the service needs.
fn sound() -> Network {
    let subnet = |zone: &str| Subnet { vpc: VPC.into(), zone: zone.into(), maps_public_ips: false };
    let subnets = [(SUBNETS[0], subnet("eu-west-1a")), (SUBNETS[1], subnet("eu-west-1b"))];
    let interface = |name: &str| {
        let service = format!("com.amazonaws.eu-west-1.{name}");
        let endpoint = Endpoint { service, available: true, private_dns: true, ..Endpoint::default() };
        (format!("vpce-{name}"), endpoint)
    };
    let (id, s3) = interface("s3");
    let s3 = Endpoint { gateway: true, private_dns: false, route_tables: strings(&["rtb-own", "rtb-main"]), ..s3 };
    let own = table(false, &SUBNETS, &[("pl-6da54004", "vpce-s3")]);
    Network {
        subnets: subnets.map(|(id, subnet)| (id.to_owned(), subnet)).into(),
        route_tables: BTreeMap::from([("rtb-own".into(), own), ("rtb-main".into(), table(true, &[], &[]))]),
        endpoints: ["ecr.api", "ecr.dkr", "logs"].into_iter().map(interface).chain([(id, s3)]).collect(),
    }
}

fn judged(network: Option<Network>) -> (Stack, Vec<Finding>) {
    judged_of(TEXT, network)
}

fn judged_of(text: &str, network: Option<Network>) -> (Stack, Vec<Finding>) {
    let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
    let existing = Existing { vpc: VPC.into(), subnets: strings(&SUBNETS) };
    let with = |network| answers().with(Question::Network(existing), Answer::Network(network));
    let answers: Answers = network.map_or_else(answers, with);
    let stack = Stack::new(&StackFiles { files, ..StackFiles::default() }, "", &answers);
    let stack = stack.unwrap_or_else(|problems| panic!("{problems}"));
    // Advice is for others to judge.
    let findings = stack.findings().into_iter().filter(|f| f.level > Level::Advisory || f.unknown.is_some()).collect();
    (stack, findings)
}

/// The only rule that refuses, what it says and what to do.
fn refusal(network: Network) -> (String, String) {
    let (stack, findings) = judged(Some(network));
    let [finding] = findings.as_slice() else { panic!("{}", stack.rendered(&findings)) };
    assert!(finding.refuses());
    (format!("{}: {}", finding.rule, finding.message), finding.hint.clone().unwrap())
}

fn changed(change: impl FnOnce(&mut Network)) -> Network {
    let mut network = sound();
    change(&mut network);
    network
}

#[test]
fn without_an_answer_it_is_open_and_with_a_sound_one_it_passes() {
    let (stack, findings) = judged(None);
    let all = stack.rendered(&findings);
    assert!(findings.iter().all(Finding::is_open), "{all}");
    for rule in ["private-subnets-only", "endpoints-present"] {
        assert!(findings.iter().any(|finding| finding.rule == rule), "{rule}:\n{all}");
    }
    let (stack, findings) = judged(Some(sound()));
    assert!(findings.is_empty(), "{}", stack.rendered(&findings));
}

#[test]
fn an_open_way_is_told_hop_by_hop() {
    let (own, hint) = refusal(changed(|network| {
        network.route_tables.get_mut("rtb-own").unwrap().routes.insert("0.0.0.0/0".into(), "igw-0abc1234".into());
    }));
    assert_eq!(
        own,
        "private-subnets-only: `service.web` stands in a subnet that is open to the internet: the internet → igw-0abc1234 → \
         0.0.0.0/0 → rtb-own → subnet-0aaaaaaa → service.web/ecs.service (and through 1 more)"
    );
    assert_eq!(hint, "take the route 0.0.0.0/0 out of rtb-own, or choose another tier");
    // One subnet has no table of its own, and somebody opens the main one, for a prefix list alone.
    let (main, _) = refusal(changed(|network| {
        network.route_tables.get_mut("rtb-own").unwrap().subnets.remove(SUBNETS[1]);
        network.route_tables.get_mut("rtb-main").unwrap().routes.insert("pl-0abc".into(), "igw-0abc1234".into());
    }));
    assert_eq!(
        main,
        "private-subnets-only: `service.web` stands in a subnet that is open to the internet: the internet → igw-0abc1234 → \
         pl-0abc → rtb-main (main) → subnet-0bbbbbbb → service.web/ecs.service"
    );
}

#[test]
fn a_table_that_no_subnet_uses_opens_nothing() {
    let (stack, findings) = judged(Some(changed(|network| {
        network.route_tables.get_mut("rtb-main").unwrap().routes.insert("0.0.0.0/0".into(), "igw-0abc1234".into());
    })));
    assert!(findings.is_empty(), "{}", stack.rendered(&findings));
}

#[test]
fn public_addresses_count_without_a_route_too() {
    let (told, _) = refusal(changed(|network| network.subnets.get_mut(SUBNETS[1]).unwrap().maps_public_ips = true));
    assert!(told.contains("the subnet subnet-0bbbbbbb gives them out"), "{told}");
}

#[test]
fn an_endpoint_that_does_not_serve_is_told_with_where_to_add_it() {
    let (told, hint) = refusal(changed(|network| drop(network.endpoints.remove("vpce-logs"))));
    assert_eq!(
        told,
        "endpoints-present: `service.web` writes its logs, and cannot reach `logs`: vpc-0123456789abcdef0 has no endpoint for \
         logs (service.web/ecs.service → subnet-0aaaaaaa → rtb-own)"
    );
    assert_eq!(
        hint,
        "add \"logs\" to the `endpoints` of the network in the stack that owns vpc-0123456789abcdef0, or make the endpoint \
         com.amazonaws.eu-west-1.logs there by hand"
    );
    let of = |id: &'static str, change: fn(&mut Endpoint)| {
        refusal(changed(move |network| change(network.endpoints.get_mut(id).unwrap()))).0
    };
    let told = of("vpce-ecr.api", |endpoint| endpoint.private_dns = false);
    assert!(told.contains("vpce-ecr.api has no private DNS"), "{told}");
    let told = of("vpce-ecr.dkr", |endpoint| endpoint.available = false);
    assert!(told.contains("vpce-ecr.dkr is not available"), "{told}");
    let told = of("vpce-s3", |endpoint| endpoint.route_tables.retain(|table| table != "rtb-own"));
    assert!(told.contains("vpce-s3 is not on rtb-own, which the subnet subnet-0aaaaaaa uses"), "{told}");
}

#[test]
fn a_way_out_does_for_endpoints_and_a_transit_gateway_is_not_known_to_be_one() {
    let with = |target: &str| {
        changed(|network| {
            network.endpoints.clear();
            let own = network.route_tables.get_mut("rtb-own").unwrap();
            own.routes.insert("0.0.0.0/0".into(), target.into());
        })
    };
    let (stack, findings) = judged(Some(with("nat-0abc1234")));
    assert!(findings.is_empty(), "{}", stack.rendered(&findings));
    let (stack, findings) = judged(Some(with("tgw-0abc1234")));
    assert!(!findings.is_empty() && findings.iter().all(Finding::is_open), "{}", stack.rendered(&findings));
    assert!(findings.iter().all(|finding| finding.message.contains("whether tgw-0abc1234 leads to the internet")));
}

#[test]
fn from_task_to_task_and_from_load_balancers_it_is_as_in_a_network_of_ones_own() {
    let text = format!(
        "{TEXT}expose = [{{ load_balancer = \"edge\", path = \"/*\" }}]\nconnect = [\"service.api\"]\n\
         [load_balancer.edge]\nscheme = \"internal\"\n\
         listeners = {{ 443 = {{ certificate = \"arn:aws:acm:eu-west-1:123456789012:certificate/1\" }} }}\n\
         [service.api]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:1\"\nport = 8080\nserve = {{}}\n\
         tier = \"private\"\n"
    );
    for network in [None, Some(sound())] {
        let is_known = network.is_some();
        let (stack, _) = judged_of(&text, network);
        let facts = Facts::of(&stack.desired, &Known::of(&stack.desired.networks)).unwrap();
        let hops = facts.checks.iter().flat_map(|check| &check.hops);
        let inner = hops.filter(|hop| ["load-balancer-reaches-tasks", "services-reach-each-other"].contains(&hop.rule));
        assert!(inner.clone().count() > 10 && inner.clone().all(|hop| hop.verdict == Verdict::Yes), "{inner:?}");
        // Without an answer whether there are endpoints is all that is open.
        let open = facts.checks.iter().flat_map(|check| &check.hops).filter(|hop| hop.verdict != Verdict::Yes);
        let open: BTreeSet<&str> = open.map(|hop| hop.rule).collect();
        assert_eq!(open, if is_known { BTreeSet::new() } else { BTreeSet::from(["endpoints-present"]) });
    }
}

#[test]
fn groups_of_endpoints_of_others_are_named_once_and_not_in_the_way() {
    let (stack, findings) = judged(Some(changed(|network| {
        for endpoint in network.endpoints.values_mut().filter(|endpoint| !endpoint.gateway) {
            endpoint.groups = strings(&["sg-0abc1234"]);
        }
    })));
    let all = stack.rendered(&findings);
    assert!(findings.iter().all(|finding| finding.rule == "paths-proven" && !finding.refuses()), "{all}");
    let facts: BTreeSet<&str> = findings.iter().filter_map(|finding| finding.unknown.as_deref()).collect();
    assert_eq!(facts.len(), findings.len(), "{all}");
    assert_eq!(facts.len(), 3, "{all}");
    assert!(facts.contains("whether the group sg-0abc1234 of vpce-logs lets TCP 443 in from its VPC"), "{all}");
}

#[test]
fn an_image_of_another_registry_needs_a_way_out_of_the_owner() {
    let text = TEXT.replace("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1", "nginx:1");
    let (stack, findings) = judged_of(&text, Some(sound()));
    let [finding] = findings.as_slice() else { panic!("{}", stack.rendered(&findings)) };
    let hint = finding.hint.as_deref().unwrap();
    assert!(hint.contains("in the stack that owns vpc-0123456789abcdef0"), "{hint}");
}
