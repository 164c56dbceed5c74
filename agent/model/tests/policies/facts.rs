//! Facts about what the stack does not own: unknown as long as nobody asked AWS, and decided by what AWS answers.

use std::collections::BTreeMap;

use agent_core::desired::{Desired, Resource};
use agent_core::doc::{self, Doc};
use agent_core::lookup::Endpoint;
use agent_core::manifest::{Limits, StackFiles};
use agent_model::facts::{Facts, Known, KnownSubnet, KnownTable, Need, Verdict};
use agent_model::kinds::ec2::route_table::{Destination, RouteTarget};
use agent_model::kinds::table;
use serde_json::{Value, json};

use crate::bench::{Stack, answers, root};

type Routes = BTreeMap<Destination, RouteTarget>;

fn routes(target: Value) -> Routes {
    BTreeMap::from([("0.0.0.0/0".parse().unwrap(), serde_json::from_value(target).unwrap())])
}

fn table_of(routes: Routes) -> KnownTable {
    KnownTable { id: "rtb-1".into(), routes }
}

/// `um` with a value at a path of a resource.
fn um(address: &str, path: &str, new: &Value) -> Desired {
    let files = StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap();
    let good = Stack::new(&files, "um", &answers()).unwrap().desired;
    let resources = good.resources.iter().map(|(own, wanted)| {
        let mut value = wanted.spec.value();
        if own.as_str() == address {
            doc::put(&mut value, path, new.clone());
        }
        let spec = Doc::from_value(&value);
        Resource { address: own.clone(), spec, protect: false, adopt: None, ignore: Vec::new() }
    });
    let desired = Desired::build("um", resources.collect(), good.allow.clone(), &table()).unwrap();
    desired.written(good.written)
}

/// `um` with its private subnets on no table of the stack.
fn on_the_main_table() -> Desired {
    um("network.main/ec2.route_table.private", "subnets", &json!([]))
}

fn internet(known: &Known) -> (Verdict, Vec<String>) {
    let facts = Facts::of(&on_the_main_table(), known).unwrap();
    let way = facts.subnets["network.main/ec2.subnet.private-1"].internet.clone();
    (way.verdict, way.path)
}

#[test]
fn the_main_route_table_counts() {
    assert_eq!(internet(&Known::default()).0, Verdict::Unknown);
    let main = |routes| Known {
        main_route_tables: BTreeMap::from([("network.main/ec2.vpc".to_owned(), table_of(routes))]),
        ..Known::default()
    };
    assert_eq!(internet(&main(Routes::new())).0, Verdict::No);
    let (verdict, path) = internet(&main(routes(json!({ "internet_gateway": "igw-0123" }))));
    assert_eq!(verdict, Verdict::Yes);
    assert_eq!(path, ["network.main/ec2.subnet.private-1", "rtb-1 (main)", "0.0.0.0/0", "igw-0123"]);
}

#[test]
fn what_aws_answers_about_subnets_of_others_decides() {
    let abroad = um("service.web/ecs.service", "network.subnets", &json!(["subnet-0123"]));
    let needs = |known: &Known| -> Vec<(String, Verdict)> {
        let facts = Facts::of(&abroad, known).unwrap();
        let own = facts.needs.into_iter().filter(|need: &Need| need.address == "service.web/ecs.service");
        own.map(|need| (need.what, need.met.verdict)).collect()
    };
    let all = |verdict| ["ecr.api", "ecr.dkr", "logs", "s3", "ssm"].map(|what| (what.to_owned(), verdict)).to_vec();
    assert_eq!(needs(&Known::default()), all(Verdict::Unknown));

    let subnet = |table| KnownSubnet { vpc: "vpc-9".into(), zone: "eu-west-1a".into(), maps_public_ips: false, table };
    let endpoint = |name: &&str| {
        let service = format!("com.amazonaws.eu-west-1.{name}");
        (format!("vpce-{name}"), Endpoint { service, available: true, private_dns: true, ..Endpoint::default() })
    };
    let known = |routes, endpoints: &[&str]| Known {
        subnets: BTreeMap::from([("subnet-0123".to_owned(), subnet(Some(table_of(routes))))]),
        endpoints: BTreeMap::from([("vpc-9".to_owned(), endpoints.iter().map(endpoint).collect())]),
        ..Known::default()
    };
    assert_eq!(needs(&known(Routes::new(), &[])), all(Verdict::No));
    assert_eq!(needs(&known(Routes::new(), &["ecr.api", "ecr.dkr", "logs", "s3", "ssm"])), all(Verdict::Yes));
    // Where the packets of a transit gateway end is known to whoever runs it.
    assert_eq!(needs(&known(routes(json!({ "transit_gateway": "tgw-1" })), &[])), all(Verdict::Unknown));
}

#[test]
fn a_nat_gateway_leads_out_only_from_a_public_subnet() {
    let text = "[stack]\nname = \"nat\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n[network.main]\n\
        cidr = \"10.20.0.0/16\"\nnat = \"single\"\n[service.web]\nimage = \"nginx:1\"\n";
    let files = [("stack.toml".to_owned(), agent_core::manifest::FileEntry::Bytes(text.as_bytes().to_vec()))];
    let tree = StackFiles { files: files.into(), ..StackFiles::default() };
    let good = Stack::new(&tree, "", &answers()).unwrap_or_else(|problems| panic!("{problems}")).desired;
    let out = |desired: &Desired| {
        Facts::of(desired, &Known::default()).unwrap().subnets["network.main/ec2.subnet.private-1"].way_out.clone()
    };
    let way = out(&good);
    assert_eq!(way.verdict, Verdict::Yes);
    assert_eq!(way.path.last().unwrap(), "network.main/ec2.internet_gateway");

    let resources = good.resources.iter().map(|(own, wanted)| {
        let mut value = wanted.spec.value();
        if own.as_str() == "network.main/ec2.route_table.public" {
            doc::put(&mut value, "routes", json!({}));
        }
        let spec = Doc::from_value(&value);
        Resource { address: own.clone(), spec, protect: false, adopt: None, ignore: Vec::new() }
    });
    let shut = Desired::build("nat", resources.collect(), good.allow.clone(), &table()).unwrap();
    assert_eq!(out(&shut).verdict, Verdict::No);
}
