//! What single keys do to the resources that are made, and that what others write changes none of one's own.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::lookup::{Answer, Answers, Question};
use serde_json::{Value, json};

use crate::{BASE, HEADER, addresses, answers, expanded, made, refused, spec};

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:1";

fn endpoints(text: &str) -> BTreeSet<String> {
    let stack = made(text);
    addresses(&stack.resources)
        .into_iter()
        .filter_map(|address| address.strip_prefix("network.main/ec2.vpc_endpoint.").map(str::to_owned))
        .collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn endpoints_are_those_that_tasks_need() {
    let service = |image: &str, more: &str| {
        format!("{BASE}[parameter.key]\ngenerate = true\n[service.web]\nimage = \"{image}\"\n{more}")
    };
    assert_eq!(endpoints(BASE), set(&[]));
    assert_eq!(endpoints(&service("ghcr.io/a/b:1", "")), set(&["logs"]));
    assert_eq!(endpoints(&service(ECR, "")), set(&["ecr-api", "ecr-dkr", "logs", "s3"]));
    let secret = "secrets = { A = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf\" }\n";
    assert_eq!(endpoints(&service("ghcr.io/a/b:1", secret)), set(&["logs", "secretsmanager"]));
    assert_eq!(endpoints(&service("ghcr.io/a/b:1", "uses = [\"parameter.key\"]\n")), set(&["logs", "ssm"]));
    assert_eq!(endpoints(&service(ECR, "tier = \"public\"\n")), set(&[]), "a public task reaches them by itself");
}

#[test]
fn a_list_of_endpoints_stands_whatever_is_needed() {
    let text = "[network.main]\ncidr = \"10.20.0.0/16\"\nendpoints = [\"sqs\", \"dynamodb\"]\n";
    assert_eq!(endpoints(text), set(&["dynamodb", "sqs"]));
    let stack = made(text);
    let sqs = spec(&stack.resources, "network.main/ec2.vpc_endpoint.sqs");
    assert_eq!(sqs["vpc_endpoint_type"], "interface");
    assert_eq!(sqs["subnets"].as_array().unwrap().len(), 2);
    let dynamodb = spec(&stack.resources, "network.main/ec2.vpc_endpoint.dynamodb");
    assert_eq!(dynamodb["vpc_endpoint_type"], "gateway");
}

#[test]
fn the_database_tier_has_no_route_but_the_local_one() {
    let stack = made(&format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\", \"database\"]\n[service.web]\nimage = \"{ECR}\"\n"
    ));
    let s3 = spec(&stack.resources, "network.main/ec2.vpc_endpoint.s3").to_string();
    assert!(s3.contains("ec2.route_table.private") && s3.contains("ec2.route_table.public"));
    assert!(!s3.contains("ec2.route_table.database"));
    for (tier, routes) in [("public", 1), ("private", 0), ("database", 0)] {
        let table = spec(&stack.resources, &format!("network.main/ec2.route_table.{tier}"));
        assert_eq!(table["routes"].as_object().map_or(0, serde_json::Map::len), routes, "{tier}");
        assert_eq!(table["subnets"].as_array().unwrap().len(), 2, "{tier}");
    }
}

#[test]
fn the_cut_is_the_one_that_the_language_promises() {
    let stack =
        made("[network.main]\ncidr = \"10.20.0.0/16\"\nzones = 3\ntiers = [\"public\", \"private\", \"database\"]\n");
    let block = |key: &str| spec(&stack.resources, &format!("network.main/ec2.subnet.{key}"))["cidr"].clone();
    let expected = [
        ("public-1", "10.20.0.0/20"),
        ("public-3", "10.20.32.0/20"),
        ("private-1", "10.20.64.0/20"),
        ("private-2", "10.20.80.0/20"),
        ("database-1", "10.20.128.0/20"),
        ("database-3", "10.20.160.0/20"),
    ];
    for (key, cidr) in expected {
        assert_eq!(block(key), cidr, "{key}");
    }
    let zone = spec(&stack.resources, "network.main/ec2.subnet.private-2")["availability_zone"].clone();
    assert_eq!(zone, json!({ "$at_create": "eu-west-1b" }));
}

#[test]
fn zones_and_blocks_can_be_given() {
    let stack = made(
        "[network.main]\ncidr = \"11.0.0.0/24\"\nzones = [\"eu-west-1c\", \"eu-west-1a\"]\ntiers = [\"data\"]\n\
         subnets = { data = [\"11.0.0.0/27\", \"11.0.0.32/27\"] }\n",
    );
    let second = spec(&stack.resources, "network.main/ec2.subnet.data-2");
    assert_eq!(second["cidr"], "11.0.0.32/27");
    assert_eq!(second["availability_zone"], json!({ "$at_create": "eu-west-1a" }));
    assert!(!addresses(&stack.resources).iter().any(|address| address.contains("internet_gateway")));
}

#[test]
fn a_region_with_too_few_zones_is_told_when_that_is_known() {
    let text = format!("{HEADER}[network.main]\ncidr = \"10.20.0.0/16\"\nzones = 3\n");
    assert!(expanded(&text, &Answers::offline()).is_ok());
    let two = Answers::offline().with(Question::Zones, Answer::Zones(vec!["a".into(), "b".into()]));
    assert!(expanded(&text, &two).unwrap_err().contains("is to be in 3 zones, and eu-west-1 has `a` and `b`"));
}

fn peers(stack: &agent_model::expand::Expanded, address: &str, way: &str) -> Vec<(i64, Value)> {
    let rules = spec(&stack.resources, address)[way].as_array().cloned().unwrap_or_default();
    rules.into_iter().map(|rule| (rule["from_port"].as_i64().unwrap(), rule["peer"].clone())).collect()
}

#[test]
fn a_load_balancer_lets_in_whom_the_manifest_says() {
    let of = |keys: &str| {
        let stack = made(&format!("[network.main]\ncidr = \"10.20.0.0/16\"\n[load_balancer.edge]\n{keys}\n"));
        peers(&stack, "load_balancer.edge/ec2.security_group", "ingress")
    };
    let listeners = "listeners = { 443 = { certificate = \"arn:aws:acm:eu-west-1:123456789012:certificate/x\" }, 80 = { redirect = 443 } }";
    let vpc = json!({ "cidr_ipv4": "10.20.0.0/16" });
    assert_eq!(of(listeners), [(80, vpc.clone()), (443, vpc)]);
    let facing = format!("scheme = \"internet-facing\"\n{listeners}");
    assert_eq!(
        of(&format!("{facing}\norigin_header = {{ name = \"X-O\" }}")),
        [(443, json!({ "prefix_list": "pl-4fa04526" }))]
    );
    let (v4, v6) = (json!({ "cidr_ipv4": "0.0.0.0/0" }), json!({ "cidr_ipv6": "::/0" }));
    let everybody = of(&format!("{facing}\npublic = \"reason: customers\""));
    assert_eq!(everybody, [(80, v4.clone()), (80, v6.clone()), (443, v4), (443, v6)]);
}

#[test]
fn the_way_from_a_load_balancer_to_a_service_is_open_at_both_ends_and_no_wider() {
    let stack = made(&format!(
        "{BASE}[service.web]\nimage = \"{ECR}\"\nports = {{ http = 8080, admin = 9000 }}\n\
         expose = [{{ path = \"/a\" }}, {{ path = \"/b\" }}]\n[service.quiet]\nimage = \"x\"\nport = 1\n"
    ));
    let group = |address: &str| json!({ "group": { "$ref": address, "field": "id" } });
    let (edge, web) = ("load_balancer.edge/ec2.security_group", "service.web/ec2.security_group");
    assert_eq!(peers(&stack, edge, "egress"), [(8080, group(web))]);
    assert_eq!(peers(&stack, web, "ingress"), [(8080, group(edge))]);
    let endpoints = group("network.main/ec2.security_group.endpoints");
    assert_eq!(
        peers(&stack, web, "egress"),
        [(443, endpoints.clone()), (443, json!({ "prefix_list": "pl-6da54004" }))]
    );
    assert_eq!(peers(&stack, "service.quiet/ec2.security_group", "ingress"), []);
    assert_eq!(peers(&stack, "service.quiet/ec2.security_group", "egress"), [(443, endpoints)]);
}

fn rules(text: &str) -> BTreeMap<String, Value> {
    let stack = made(text);
    let found = stack.resources.iter().filter(|resource| resource.address.kind() == "elb.rule");
    found.map(|resource| (resource.address.to_string(), resource.spec.value())).collect()
}

#[test]
fn a_rule_keeps_key_and_priority_whatever_others_come_and_go() {
    let service = |name: &str, paths: &[&str]| {
        let expose: Vec<String> = paths.iter().map(|path| format!("{{ path = \"{path}\" }}")).collect();
        format!("[service.{name}]\nimage = \"x\"\nport = 80\nexpose = [{}]\n", expose.join(", "))
    };
    let alone = rules(&format!("{BASE}{}", service("web", &["/web/*"])));
    let among = rules(&format!(
        "{BASE}{}{}{}",
        service("a", &["/*", "/a/*", "/a/b/*", "/abc/*"]),
        service("web", &["/other", "/web/*", "/we/*"]),
        service("z", &["/z/*"])
    ));
    assert_eq!(among.len(), 8);
    for (address, spec) in &alone {
        assert_eq!(among.get(address), Some(spec), "{address}");
    }
    let numbers: BTreeSet<String> = among.values().map(|spec| spec["priority"].to_string()).collect();
    assert_eq!(numbers.len(), among.len(), "a priority is given twice");
}

#[test]
fn a_priority_that_is_given_stands() {
    let rules = rules(&format!(
        "{BASE}[service.web]\nimage = \"x\"\nport = 80\nexpose = [{{ path = \"/a\", priority = 12 }}, {{ path = \"/b\" }}]\n"
    ));
    let numbers: Vec<&Value> = rules.values().map(|spec| &spec["priority"]).collect();
    assert!(numbers.contains(&&json!(12)) && numbers.len() == 2, "{numbers:?}");
}

#[test]
fn hundreds_of_rules_get_a_priority_each() {
    let expose: Vec<String> = (100..200).map(|n| format!("{{ path = \"/{n}/*\" }}")).collect();
    let rules = rules(&format!("{BASE}[service.web]\nimage = \"x\"\nport = 80\nexpose = [{}]\n", expose.join(", ")));
    let numbers: BTreeSet<i64> = rules.values().map(|spec| spec["priority"].as_i64().unwrap()).collect();
    assert_eq!(numbers.len(), 100);
    assert!(numbers.iter().all(|number| (1..=50_000).contains(number)));
}

#[test]
fn what_no_other_takes_goes_to_the_default_action_or_behind_a_header_to_the_last_rule() {
    let service = "[service.web]\nimage = \"x\"\nport = 80\nexpose = [{ default = true }]\n";
    let open = made(&format!("{BASE}{service}"));
    let target = "service.web/elb.target_group.edge.http";
    assert!(!addresses(&open.resources).iter().any(|address| address.contains("elb.rule")));
    assert!(spec(&open.resources, "load_balancer.edge/elb.listener.80").to_string().contains(target));
    let guarded = format!("{BASE}origin_header = {{ name = \"X-O\" }}\n{service}");
    let listener = spec(&made(&guarded).resources, "load_balancer.edge/elb.listener.80").to_string();
    assert!(listener.contains("403") && !listener.contains(target), "{listener}");
    let rules = rules(&guarded);
    let (address, rule) = rules.first_key_value().unwrap();
    assert_eq!(address, "service.web/elb.rule.edge.80.default");
    assert_eq!(rule["priority"], 50_000);
    assert!(rule.to_string().contains("load_balancer.edge/ssm.parameter.origin-header"), "{rule}");
}

#[test]
fn behind_a_header_every_rule_wants_it_and_every_listener_refuses() {
    let stack = made(&format!(
        "{BASE}origin_header = {{ name = \"X-O\" }}\n[service.web]\nimage = \"x\"\nport = 80\n\
         expose = [{{ path = \"/a\" }}, {{ host = \"*.example.org\" }}, {{ default = true }}]\n"
    ));
    let of_kind =
        |kind: &'static str| stack.resources.iter().filter(move |r| r.address.kind() == kind).map(|r| r.spec.value());
    assert_eq!(of_kind("elb.rule").count(), 3);
    for rule in of_kind("elb.rule") {
        assert!(rule.to_string().contains("\"$ref\":\"load_balancer.edge/ssm.parameter.origin-header\""), "{rule}");
    }
    for listener in of_kind("elb.listener") {
        assert!(listener.to_string().contains("403"), "{listener}");
    }
    let secret = spec(&stack.resources, "load_balancer.edge/ssm.parameter.origin-header");
    assert_eq!(secret["type"], "SecureString");
    assert_eq!(secret["generate"], json!({ "$at_create": { "bytes": 32 } }));
}

fn policy(text: &str, role: &str, name: &str) -> Value {
    spec(&made(text).resources, &format!("service.web/iam.role.{role}"))["inline_policies"][name]["Statement"].clone()
}

#[test]
fn a_task_may_be_started_with_exactly_its_own_secrets() {
    let text = format!(
        "{BASE}[parameter.a]\ngenerate = true\n[parameter.b]\ngenerate = true\n[parameter.c]\ngenerate = true\n\
         key = \"arn:aws:kms:eu-west-1:123456789012:key/1\"\n[service.web]\nimage = \"x\"\nuses = [\"parameter.b\"]\n\
         secrets = {{ A = \"parameter.a\" }}\n"
    );
    let read = |parameter: &str, actions: &[&str]| {
        let arn = json!({ "$join": [{ "$ref": format!("parameter.{parameter}/ssm.parameter"), "field": "arn" }] });
        json!([{ "Effect": "Allow", "Action": actions, "Resource": [arn] }])
    };
    assert_eq!(policy(&text, "execution", "secrets"), read("a", &["ssm:GetParameters"]));
    assert_eq!(policy(&text, "task", "parameters"), read("b", &["ssm:GetParameter", "ssm:GetParameters"]));
    let keyed = policy(&text.replace("parameter.a\"", "c\""), "execution", "secrets").to_string();
    assert!(keyed.contains("kms:Decrypt") && keyed.contains("key/1"), "{keyed}");
    assert!(keyed.contains("\"kms:ViaService\":[\"ssm.eu-west-1.amazonaws.com\"]"), "{keyed}");
}

#[test]
fn tasks_that_use_nothing_may_do_nothing() {
    let stack = made(&format!("{BASE}[service.web]\nimage = \"x\"\n"));
    let task = spec(&stack.resources, "service.web/iam.role.task");
    assert_eq!(task["inline_policies"].as_object().map_or(0, serde_json::Map::len), 0);
    assert_eq!(task["managed_policies"].as_array().map_or(0, Vec::len), 0);
    let execution = spec(&stack.resources, "service.web/iam.role.execution").to_string();
    assert!(!execution.contains("ecr:"), "an image of another registry takes no right of ECR");
}

#[test]
fn an_image_is_pulled_from_its_own_repository_alone() {
    let text = format!("{BASE}[service.web]\nimage = \"{ECR}\"\n");
    let pull = policy(&text, "execution", "image").to_string();
    assert!(pull.contains("\"arn:aws:ecr:eu-west-1:123456789012:repository/team/web\""), "{pull}");
}

#[test]
fn a_cluster_that_is_written_down_is_the_one_that_was_there() {
    let service = "[service.web]\nimage = \"x\"\n";
    let without = made(&format!("{BASE}{service}"));
    let with = made(&format!("{BASE}[cluster.main]\n{service}"));
    assert_eq!(addresses(&without.resources), addresses(&with.resources));
    for resource in &without.resources {
        assert_eq!(spec(&with.resources, resource.address.as_str()), resource.spec.value(), "{}", resource.address);
    }
    assert_eq!(spec(&without.resources, "cluster.main/ecs.cluster")["name"], "um");
    assert!(!addresses(&made(BASE).resources).iter().any(|address| address.contains("cluster")));
}

#[test]
fn two_components_of_one_name_share_no_name_in_aws() {
    let stack = made(
        "[network.web]\ncidr = \"10.20.0.0/16\"\n[load_balancer.web]\nlisteners = { 80 = {}, 81 = {} }\n[load_balancer.b]\n\
         listeners = { 80 = {} }\n[parameter.web]\nvalue = \"x\"\n[service.web]\nimage = \"x\"\nports = { http = 80, admin = 80 }\n"
            .replace("admin = 80", "admin = 81")
            .replace("[service.web]\n", "[service.web]\nexpose = [{ load_balancer = \"web\", listener = 80, path = \"/\" }, { load_balancer = \"web\", listener = 81, port = \"admin\", path = \"/\" }, { load_balancer = \"b\", path = \"/\" }]\n")
            .as_str(),
    );
    // What the fake refuses: two resources of a kind with one unique name, here with all names finished.
    let desired = stack.desired().unwrap();
    let mut seen = BTreeMap::new();
    for (address, wanted) in &desired.resources {
        let spec = wanted.spec.value();
        let name = spec["name"].as_str().map(str::to_owned).or_else(|| {
            let base = spec["name"]["$name"].as_str()?;
            let max = usize::try_from(spec["name"]["max"].as_u64()?).unwrap();
            Some(agent_core::field::Name::finish(base, max, &wanted.generation))
        });
        if let Some(name) = name
            && let Some(other) = seen.insert((address.kind().to_owned(), name.clone()), address)
        {
            panic!("{other} and {address} are both called {name}");
        }
    }
}

#[test]
fn the_longest_names_fit() {
    let long = "n".repeat(32);
    let text = format!(
        "[stack]\nname = \"{long}\"\nregion = \"ap-southeast-2\"\naccount = \"123456789012\"\n[network.{long}]\ncidr = \"10.20.0.0/16\"\n\
         [load_balancer.{long}]\nlisteners = {{ 80 = {{}} }}\norigin_header = {{ name = \"X-O\" }}\n[service.{long}]\nimage = \"x\"\n\
         ports = {{ {} = 80 }}\nexpose = [{{ path = \"/{}\" }}]\n",
        "p".repeat(64),
        "q".repeat(127)
    );
    let stack = expanded(&text, &Answers::offline()).unwrap();
    for resource in &stack.resources {
        let (address, spec) = (resource.address.as_str(), resource.spec.value());
        assert!(address.parse::<agent_core::address::Address>().is_ok(), "{address} is too long for a tag");
        let most = match resource.address.kind() {
            "elb.load_balancer" | "elb.target_group" => 32,
            "iam.role" => 64,
            "ec2.security_group" | "ecs.cluster" | "ecs.service" => 255,
            "logs.log_group" => 512,
            _ => continue,
        };
        let name = spec["name"].as_str().map(str::len);
        let base = spec["name"]["$name"].as_str().map(|base| base.len() + 9);
        let length = name.or(base).unwrap_or_else(|| panic!("{address} has no name"));
        assert!(length <= most, "{address}: {length} characters");
    }
}

#[test]
fn common_keys_reach_the_resources() {
    let stack = made(
        "[network.main]\ncidr = \"10.20.0.0/16\"\nprotect = true\nadopt = { \"ec2.vpc\" = \"vpc-1\", \"ec2.subnet.private-2\" = \"subnet-2\" }\n\
         ignore = [{ path = \"ec2.subnet/tags\", reason = \"theirs\" }]\n",
    );
    for resource in &stack.resources {
        assert!(resource.protect);
        let expected = match resource.address.as_str() {
            "network.main/ec2.vpc" => Some("vpc-1"),
            "network.main/ec2.subnet.private-2" => Some("subnet-2"),
            _ => None,
        };
        assert_eq!(resource.adopt.as_deref(), expected, "{}", resource.address);
        assert_eq!(resource.ignore.is_empty(), resource.address.kind() != "ec2.subnet", "{}", resource.address);
    }
}

#[test]
fn tags_of_the_stack_are_on_everything_that_takes_some() {
    let text = format!("{}\n", crate::example("hello"));
    let stack = expanded(&text, &answers()).unwrap();
    for resource in &stack.resources {
        let spec = resource.spec.value();
        let owner = spec.pointer("/tags/$tags/owner").or_else(|| spec.pointer("/tags/$at_create/owner"));
        assert_eq!(owner, Some(&json!("team-hello")), "{}", resource.address);
    }
}

#[test]
fn the_order_of_the_text_makes_no_difference() {
    let service =
        |name: &str| format!("[service.{name}]\nimage = \"x\"\nport = 80\nexpose = [{{ path = \"/{name}/*\" }}]\n");
    let one = made(&format!("{BASE}{}{}", service("a"), service("b")));
    let two = made(&format!("{}{}{BASE}", service("b"), service("a")));
    assert_eq!(addresses(&one.resources), addresses(&two.resources));
    for (one, two) in one.resources.iter().zip(&two.resources) {
        assert_eq!(one.spec, two.spec, "{}", one.address);
    }
}

#[test]
fn without_an_account_the_trust_names_none() {
    let text = format!("{HEADER}{BASE}[service.web]\nimage = \"x\"\n").replace("account = \"123456789012\"\n", "");
    let stack = expanded(&text, &answers()).unwrap();
    assert!(!spec(&stack.resources, "service.web/iam.role.task").to_string().contains("SourceAccount"));
    assert!(
        spec(&made(&format!("{BASE}[service.web]\nimage = \"x\"\n")).resources, "service.web/iam.role.task")
            .to_string()
            .contains("\"aws:SourceAccount\":[\"123456789012\"]")
    );
    // And nothing is silently wrong: what cannot be expanded is refused.
    assert!(refused("[service.web]\nimage = \"x\"\n").contains("needs a network"));
}
