//! Several stacks of a tree, of which one refers to what another has.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_core::address::Scope;
use agent_core::cost::{Process, of_pass};
use agent_core::desired::Desired;
use agent_core::exports;
use agent_core::fake::faults::{Faults, Op};
use agent_core::lookup::{Answers, Question};
use agent_core::manifest::{FileEntry, Manifest, StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::expand::{Expanded, Others, UNKNOWN, expand_among, stacks_of};
use agent_model::kinds::table;

use crate::stage::{HELLO, Stage, edited};

const HEADER: &str = "[stack]\nname = \"app\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n";

fn manifest(text: &str) -> Arc<Manifest> {
    let files = [("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))].into();
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let tree = StackFiles { files, ..StackFiles::default() };
    let manifest = load(&tree, "", &language(), &mut sources, &mut problems);
    Arc::new(manifest.unwrap_or_else(|| panic!("{}", render_text(&problems, &sources, false))))
}

/// A stack with these texts as its outputs, beside the example.
fn expanded(values: &[&str], hello: &str, answers: &Answers) -> Expanded {
    let outputs: Vec<String> = values.iter().enumerate().map(|(n, value)| format!("o{n} = \"{value}\"")).collect();
    let own = manifest(&format!("{HEADER}[outputs]\n{}", outputs.join("\n")));
    let others = Others::new([manifest(hello), Arc::clone(&own)]);
    let mut problems = Problems::new();
    expand_among(&own, &others, answers, &mut problems).unwrap_or_else(|| panic!("{problems:?}"))
}

fn output(expanded: &Expanded, n: usize) -> String {
    expanded.outputs[&format!("o{n}")].plain().unwrap()
}

async fn answered(stage: &Stage, questions: &BTreeSet<Question>) -> Answers {
    let home = Scope::new("app", "123456789012", "eu-west-1");
    let answers = exports::answers(stage.cloud(), &home, questions).await.unwrap();
    answers.into_iter().fold(Answers::offline(), |all, (question, answer)| all.with(question, answer))
}

const VPC: &str = "${stack:hello/network.main.vpc_id}";

#[tokio::test(start_paused = true)]
async fn what_another_stack_has_is_asked_of_aws_and_what_its_manifest_says_is_not() {
    let values = [
        VPC,
        "http://${stack:hello/load_balancer.edge.dns_name}/${stack:hello/network.main.vpc_id}",
        "${stack:hello/parameter.greeting.value}",
    ];
    let offline = expanded(&values, HELLO, &Answers::offline());
    assert_eq!(offline.unknown.len(), 2, "{:?}", offline.unknown);
    assert_eq!(output(&offline, 0), UNKNOWN);
    assert_eq!(output(&offline, 2), "Hello from Git");
    let stage = Stage::of(HELLO).await;
    let online = expanded(&values, HELLO, &answered(&stage, &offline.unknown).await);
    assert_eq!(online.unknown, BTreeSet::new());
    let (vpc, balancer) = (stage.live("network.main/ec2.vpc"), stage.live("load_balancer.edge/elb.load_balancer"));
    assert_eq!(output(&online, 0), vpc.id);
    let dns = balancer.field("dns_name").unwrap();
    assert_eq!(output(&online, 1), format!("http://{}/{}", dns.as_str().unwrap(), vpc.id));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_yet_stays_unknown() {
    let offline = expanded(&[VPC], HELLO, &Answers::offline());
    let answers = answered(&Stage::empty(), &offline.unknown).await;
    assert_eq!(expanded(&[VPC], HELLO, &answers).unknown, offline.unknown);
}

/// Both the renamed stack before the pass that writes its tags, and after it.
#[tokio::test(start_paused = true)]
async fn a_renamed_component_of_another_stack_is_found_before_and_after_its_tags_are_written() {
    let renamed = edited(&[("[network.main]", "[network.core]\nrenamed_from = \"main\"")]);
    let stage = Stage::of(HELLO).await;
    let value = "${stack:hello/network.core.vpc_id}";
    for _ in 0..2 {
        let offline = expanded(&[value], &renamed, &Answers::offline());
        let online = expanded(&[value], &renamed, &answered(&stage, &offline.unknown).await);
        assert!(output(&online, 0).starts_with("vpc-"), "{}", output(&online, 0));
        stage.converge(&renamed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_a_stack_is_listed_once_however_often_it_is_named() {
    let values = [
        VPC,
        "${stack:hello/load_balancer.edge.dns_name}",
        "${stack:hello/load_balancer.edge.arn}",
        "${stack:hello/service.web.security_group_id}",
    ];
    let offline = expanded(&values, HELLO, &Answers::offline());
    assert_eq!(offline.unknown.len(), 4);
    let stage = Stage::of(HELLO).await;
    stage.fake.restart(Faults::default());
    answered(&stage, &offline.unknown).await;
    let mut listed: Vec<String> =
        stage.fake.calls().iter().filter(|call| call.op == Op::List).map(|call| call.kind.clone()).collect();
    listed.sort();
    assert_eq!(listed, ["ec2.security_group", "ec2.vpc", "elb.load_balancer"]);
    assert!(stage.fake.calls().iter().all(|call| call.op == Op::List), "nothing else is asked");
    let none = Desired::default();
    let questions: Vec<Question> = offline.unknown.into_iter().collect();
    let exported = of_pass(&table(), &none, &questions, Process::Fresh);
    let alone = of_pass(&table(), &none, &[], Process::Fresh);
    let actions: BTreeSet<&str> = exported[alone.len()..].iter().map(|line| line.read.action).collect();
    for action in ["ec2:DescribeVpcs", "ec2:DescribeSecurityGroups", "elasticloadbalancing:DescribeLoadBalancers"] {
        assert!(actions.contains(action), "{action} is not declared: {actions:?}");
    }
}

#[test]
fn the_stacks_that_are_referred_to_are_known_without_aws() {
    let own = manifest(&format!(
        "{HEADER}[network.main]\ncidr = \"10.0.0.0/16\"\n[service.web]\nimage = \"web:1\"\n\
         env = {{ A = \"${{stack:one/network.main.vpc_id}}\", B = \"$${{stack:none/a.b.c}}\" }}\n\
         [outputs]\na = \"x${{stack:two/parameter.a.value}}y${{stack:one/a.b.c}}\"\n"
    ));
    let stacks: Vec<String> = stacks_of(&own).into_keys().collect();
    assert_eq!(stacks, ["one", "two"]);
}
