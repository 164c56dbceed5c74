//! The preflight: a good stack hop by hop, and broken variants of it, each of which is refused at the hop that is broken.

use std::fmt::Write;

use agent_core::desired::{Desired, Resource};
use agent_core::doc::{self, Doc};
use agent_core::lookup::Answers;
use agent_core::manifest::{FileEntry, Limits, StackFiles};
use agent_model::facts::preflight::{Check, show};
use agent_model::facts::{Facts, Known, Need, Verdict};
use agent_model::kinds::table;
use agent_policy::bundle::Bundle;
use serde_json::{Value, json};

use crate::bench::{Stack, answers, root};
use crate::mutants::Mutation::{self, Both, Spec};
use crate::mutants::{caught, mutant, mutations};

/// The rules whose links the preflight follows.
const RULES: [&str; 8] = [
    "endpoints-present",
    "endpoint-reachable",
    "execution-role-permits",
    "task-role-permits",
    "load-balancer-reaches-tasks",
    "services-reach-each-other",
    "log-group-exists",
    "private-dns-once",
];

fn files() -> StackFiles {
    StackFiles::from_dir(&root().join("manifests"), &Limits::default()).unwrap()
}

fn checks(desired: &Desired) -> Vec<Check> {
    let facts = Facts::of(desired, &Known::of(&desired.networks)).unwrap();
    // Ways to endpoints are judged by the needs: whatever the preflight finds in the way is one of these.
    for (check, hop) in facts.checks.iter().flat_map(|check| check.hops.iter().map(move |hop| (check, hop))) {
        let is_it =
            |need: &&Need| need.address == check.address && need.met.verdict == hop.verdict && need.lacks == hop.lacks;
        let is_open = hop.rule == "endpoints-present" && hop.verdict != Verdict::Yes;
        assert!(!is_open || facts.needs.iter().any(|need| is_it(&need)), "{hop:?} is no need");
    }
    facts.checks
}

#[test]
fn the_examples_pass_with_every_hop_known() {
    for name in ["hello", "um", "um-acceptance"] {
        for answers in [Answers::offline(), answers()] {
            let stack = Stack::new(&files(), name, &answers).unwrap_or_else(|problems| panic!("{problems}"));
            let checks = checks(&stack.desired);
            assert!(!checks.is_empty());
            assert!(checks.iter().all(|check| check.verdict == Verdict::Yes), "{name}:\n{}", show(&checks));
        }
    }
}

#[test]
fn a_stack_that_names_no_account_passes_too() {
    let mut files = files();
    for (path, entry) in &mut files.files {
        let FileEntry::Bytes(bytes) = entry else { continue };
        if path == "hello/stack.toml" {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains("account = "));
            let without = text.lines().filter(|line| !line.starts_with("account")).collect::<Vec<_>>().join("\n");
            *bytes = without.into_bytes();
        }
    }
    let stack = Stack::new(&files, "hello", &answers()).unwrap_or_else(|problems| panic!("{problems}"));
    let checks = checks(&stack.desired);
    assert!(checks.iter().all(|check| check.verdict == Verdict::Yes), "{}", show(&checks));
}

#[test]
fn a_role_that_may_pull_and_no_more_pulls() {
    // What AWS's own AmazonEC2ContainerRegistryPullOnly has for it.
    let pull = || {
        json!({ "Statement": [{
            "Effect": "Allow",
            "Action": ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": "*",
        }] })
    };
    let how = Spec("service.web/iam.role.execution", "inline_policies.image", pull);
    let stack = mutant(&files(), &how).unwrap_or_else(|problems| panic!("{problems}"));
    let refused: Vec<_> = stack.findings().into_iter().filter(agent_core::allowed::Finding::refuses).collect();
    assert!(refused.is_empty(), "{}", stack.rendered(&refused));
}

#[test]
fn the_hops_of_a_service_as_people_read_them() {
    let stack = Stack::new(&files(), "um", &answers()).unwrap_or_else(|problems| panic!("{problems}"));
    let mut checks = checks(&stack.desired);
    checks.retain(|check| check.address == "service.exchange/ecs.service");
    insta::assert_snapshot!(show(&checks));
}

/// The rules of the preflight alone: what the others say of the variants is asked elsewhere.
fn family() -> Bundle {
    let pack = Bundle::pack().unwrap();
    let own = |file: &str| file.starts_with("preflight/") || file.starts_with("lib/");
    Bundle::new(pack.policies().iter().filter(|policy| own(&policy.file)).cloned().collect()).unwrap()
}

/// Each variant is refused by the rule of the link that is broken, on a line, in the words of the hop.
#[test]
fn each_broken_variant_is_refused_at_the_hop_that_is_broken() {
    let (files, mut shown, mut wrong, mut count) = (files(), String::new(), Vec::new(), 0);
    for (rule, what, how) in mutations().into_iter().filter(|(rule, ..)| RULES.contains(rule)) {
        let stack = mutant(&files, &how).unwrap_or_else(|problems| panic!("{rule}: {what}:\n{problems}"));
        let findings = stack.findings_of(family());
        let checks = checks(&stack.desired);
        let is_of = |check: &&Check| check.hops.iter().any(|hop| hop.rule == rule && hop.verdict != Verdict::Yes);
        let (Some(check), true) = (checks.iter().find(is_of), caught(rule, &findings)) else {
            wrong.push(format!("{rule}: {what}:\n{}", stack.rendered(&findings)));
            continue;
        };
        count += 1;
        let said = |text: &String| findings.iter().any(|one| one.rule == rule && one.message.contains(text.as_str()));
        let mut hops = check.hops.iter().filter(|hop| hop.rule == rule && hop.verdict != Verdict::Yes);
        assert!(
            hops.any(|hop| hop.lacks.iter().chain(&hop.fact).any(said)),
            "{rule}: {what}: {}",
            stack.rendered(&findings)
        );
        let finding = findings.iter().find(|finding| finding.rule == rule).unwrap();
        let word = if finding.refuses() { "refused" } else { "open" };
        let at = stack.line(finding).unwrap_or_else(|| panic!("{what}: no line"));
        let _ = writeln!(shown, "{rule}: {what}\n{word}, line {at}: {}", finding.message);
        let _ = writeln!(shown, "{}", show(std::slice::from_ref(check)));
    }
    assert!(wrong.is_empty(), "not found:\n{}", wrong.join("\n"));
    assert!(count >= 25, "{count} variants");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}

/// What the stack does not own, and nobody asks AWS for.
fn unowned() -> Vec<(&'static str, Mutation)> {
    let both = |first, second| Both(Box::new(first), Box::new(second));
    vec![
        (
            "a role of others",
            Spec("service.web/ecs.task_definition", "execution_role", || "arn:aws:iam::123456789012:role/tasks".into()),
        ),
        (
            "a policy of others",
            both(
                Spec("service.web/iam.role.task", "managed_policies", || {
                    json!(["arn:aws:iam::123456789012:policy/files"])
                }),
                Spec("service.web/iam.role.task", "inline_policies", || json!({})),
            ),
        ),
        (
            "a condition that nothing is known of",
            Spec("service.web/iam.role.execution", "inline_policies.guard", || {
                let condition = json!({ "StringNotEquals": { "aws:SourceVpc": "vpc-0123" } });
                json!({ "Statement": [{ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition }] })
            }),
        ),
        (
            "a log group of others",
            both(
                Spec(
                    "service.web/ecs.task_definition",
                    "containers.web.log_configuration.options.awslogs-group",
                    || "/shared/web".into(),
                ),
                Spec(
                    "service.web/iam.role.execution",
                    "inline_policies.shared",
                    || json!({ "Statement": [{ "Effect": "Allow", "Action": "logs:*", "Resource": "*" }] }),
                ),
            ),
        ),
        (
            "a target group of others",
            Spec("service.web/ecs.service", "load_balancers", || {
                let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123";
                json!([{ "target_group": group, "container_name": "web", "container_port": 8080 }])
            }),
        ),
    ]
}

#[test]
fn what_cannot_be_proven_is_named_and_not_in_the_way() {
    let (files, mut shown) = (files(), String::new());
    for (what, how) in unowned() {
        let stack = mutant(&files, &how).unwrap_or_else(|problems| panic!("{what}:\n{problems}"));
        let findings = stack.findings();
        let all = stack.rendered(&findings);
        let open: Vec<_> = findings.iter().filter(|finding| finding.rule == "paths-proven").collect();
        assert!(!open.is_empty() && open.iter().all(|finding| finding.unknown.is_some()), "{what}:\n{all}");
        let refused = findings.iter().any(|finding| finding.refuses() && RULES.contains(&finding.rule.as_str()));
        assert!(!refused, "{what}:\n{all}");
        let _ = writeln!(shown, "{what}");
        for finding in open {
            let _ = writeln!(shown, "  {}", finding.message);
        }
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}

/// A stack of one file, with values at paths of its resources.
fn small(text: &str, changes: &[(&str, &str, Value)]) -> Desired {
    let text = format!(
        "[stack]\nname = \"small\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\
         [network.main]\ncidr = \"10.20.0.0/16\"\n{text}"
    );
    let files = [("stack.toml".to_owned(), FileEntry::Bytes(text.into_bytes()))].into();
    let stack = Stack::new(&StackFiles { files, ..StackFiles::default() }, "", &answers());
    let good = stack.unwrap_or_else(|problems| panic!("{problems}")).desired;
    let resources = good.resources.iter().map(|(address, wanted)| {
        let mut value = wanted.spec.value();
        for (_, path, new) in changes.iter().filter(|(whose, ..)| *whose == address.as_str()) {
            doc::put(&mut value, path, new.clone());
        }
        let spec = Doc::from_value(&value);
        Resource { address: address.clone(), spec, protect: false, adopt: None, ignore: Vec::new() }
    });
    let desired = Desired::build("small", resources.collect(), good.allow.clone(), &table()).unwrap();
    desired.written(good.written).with_prefix_lists(good.prefix_lists)
}

/// What is wrong with the ways to tasks behind a network load balancer.
fn balanced(changes: &[(&str, &str, Value)]) -> Vec<String> {
    let network = "[load_balancer.edge]\ntype = \"network\"\nlisteners = { 443 = { protocol = \"tcp\" } }\n[service.web]\n\
        image = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1\"\nport = 8443\nexpose = [{ load_balancer = \"edge\" }]\n";
    let checks = checks(&small(network, changes));
    checks.into_iter().flat_map(|check| check.hops).filter_map(|hop| hop.lacks).collect()
}

#[test]
fn a_network_load_balancer_without_groups_is_known_by_its_addresses() {
    let bare = || ("load_balancer.edge/elb.load_balancer", "security_groups", json!([]));
    let ingress = |block: &str, port: u16| {
        let rule = json!({ "protocol": "tcp", "from_port": port, "peer": { "cidr_ipv4": block } });
        ("service.web/ec2.security_group", "ingress", json!([rule]))
    };
    assert_eq!(balanced(&[]), [] as [&str; 0]);
    let from = "service.web/ec2.security_group does not let TCP 8443 in from load_balancer.edge/elb.load_balancer";
    assert_eq!(balanced(&[bare()]), [from]);
    assert_eq!(balanced(&[bare(), ingress("10.20.0.0/16", 8443)]), [] as [&str; 0]);
    assert_eq!(balanced(&[bare(), ingress("10.20.0.0/16", 80)]), [from]);
    let part = balanced(&[bare(), ingress("10.20.64.0/20", 8443)]);
    assert!(part[0].starts_with(from) && part[0].contains("only 10.20.64.0/20"), "{part:?}");
}

#[test]
fn udp_is_balanced_over_udp_and_checked_over_tcp() {
    let udp = ("service.web/elb.target_group.edge.http", "protocol", json!("UDP"));
    let mapped = |protocols: &[&str]| {
        let ports = protocols.iter().map(|protocol| json!({ "container_port": 8443, "protocol": protocol }));
        ("service.web/ecs.task_definition", "containers.web.port_mappings", ports.collect::<Value>())
    };
    let told = balanced(&[udp.clone(), mapped(&["udp"])]);
    assert!(told.iter().any(|lacks| lacks.contains("does not let UDP 8443 out")), "{told:?}");
    assert!(told.iter().any(|lacks| lacks.contains("checks the port 8443 over TCP, which no container")), "{told:?}");
    let all = json!([{ "protocol": "all", "peer": { "cidr_ipv4": "0.0.0.0/0" } }]);
    let out = ("load_balancer.edge/ec2.security_group", "egress", all.clone());
    let into = ("service.web/ec2.security_group", "ingress", all);
    assert_eq!(balanced(&[out, into, udp, mapped(&["udp", "tcp"])]), [] as [&str; 0]);
}

/// The facts that are missing where a service has these groups; nothing is known to be wrong.
fn unknown_with(groups: &Value, vpc: &Value) -> Vec<String> {
    let text = "[service.web]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1\"\n";
    let group = ("service.web/ecs.service", "network.security_groups", groups.clone());
    let checks = checks(&small(text, &[group, ("network.main/ec2.vpc", "default_group", vpc.clone())]));
    assert!(checks.iter().all(|check| check.verdict != Verdict::No), "{}", show(&checks));
    checks.into_iter().flat_map(|check| check.hops).filter_map(|hop| hop.fact).collect()
}

#[test]
fn what_groups_of_others_and_the_default_one_let_through_is_not_known() {
    let facts = unknown_with(&json!(["sg-0123456789abcdef0"]), &json!("emptied"));
    let group = "whether the group sg-0123456789abcdef0 lets TCP 443 out to network.main/ec2.security_group.endpoints";
    assert!(facts.iter().any(|fact| fact == group), "{facts:?}");
    let facts = unknown_with(&json!([]), &Value::Null);
    let default = "the rules of the default group of network.main/ec2.vpc, which service.web/ecs.service gets because it \
        names no group";
    assert!(facts.iter().all(|fact| fact == default) && !facts.is_empty(), "{facts:?}");
}

#[test]
fn a_cache_asks_for_a_way_out_once() {
    let text = |nat: &str, repository: &str| {
        format!("{nat}[service.web]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{repository}:1\"\n")
    };
    let told = |text: &str| {
        let facts = Facts::of(&small(text, &[]), &Known::default()).unwrap();
        facts.preflight.get("pull-through-first-pull").map_or(0, Vec::len)
    };
    assert_eq!(told(&text("", "docker-hub/library/nginx")), 1);
    assert_eq!(told(&text("", "team/nginx")), 0);
    assert_eq!(told(&text("nat = \"single\"\n", "docker-hub/library/nginx")), 0);
}

#[test]
fn of_an_examples_images_the_first_pull_is_one_advice() {
    let stack = Stack::new(&files(), "um", &answers()).unwrap_or_else(|problems| panic!("{problems}"));
    let findings = stack.findings();
    let advice = findings.iter().filter(|finding| finding.rule == "pull-through-first-pull");
    let told: Vec<&str> = advice.map(|finding| finding.message.as_str()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("its subnets have no way out for the first pull (and 2 other images)"), "{told:?}");
}

#[test]
fn very_many_broken_links_are_told_with_their_number() {
    let services =
        (0..150).map(|n| format!("[service.s{n}]\nimage = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/s:1\"\n"));
    let shut = ("network.main/ec2.security_group.endpoints", "ingress", json!([]));
    let facts = Facts::of(&small(&services.collect::<String>(), &[shut]), &Known::default()).unwrap();
    let links = &facts.preflight["endpoint-reachable"];
    assert_eq!((links.len(), links[99].more, links[98].more), (100, Some(50), None));
}
