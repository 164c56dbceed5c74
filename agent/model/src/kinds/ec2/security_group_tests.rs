//! Tests of the pure half of `ec2.security_group`: one form for every rule, and groups that name themselves and each
//! other.

use agent_core::address::{Address, Scope};
use agent_core::desired::{Allow, Desired, Resource};
use agent_core::doc::Doc;
use agent_core::kind::{KindInfo, Kinds};
use agent_core::observed::Observed;
use agent_core::plan::{Op, Settings, plan};
use serde_json::json;

use super::super::vpc::{Spec as VpcSpec, Vpc};
use super::*;

fn rule(value: serde_json::Value) -> Rule {
    serde_json::from_value(value).unwrap()
}

fn anywhere() -> Peer {
    Peer::CidrIpv4("0.0.0.0/0".parse().unwrap())
}

#[test]
fn a_rule_has_one_form_however_it_is_written() {
    let peer = json!({ "cidr_ipv4": "10.1.2.3/8" });
    let cases = [
        // Port ranges are required for TCP and UDP: none written means all.
        (json!({ "protocol": "6", "peer": peer }), Protocol::Tcp, Some((0, 65_535))),
        (json!({ "protocol": "tcp", "from_port": 443, "peer": peer }), Protocol::Tcp, Some((443, 443))),
        (json!({ "protocol": "udp", "from_port": 1, "to_port": 9, "peer": peer }), Protocol::Udp, Some((1, 9))),
        (json!({ "protocol": "58", "peer": peer }), Protocol::Icmpv6, Some((-1, -1))),
        (json!({ "protocol": "icmp", "from_port": 3, "peer": peer }), Protocol::Icmp, Some((3, -1))),
        // Ports mean nothing here, and AWS does not give them back.
        (json!({ "protocol": "-1", "from_port": 0, "to_port": 0, "peer": peer }), Protocol::All, None),
        (json!({ "protocol": "50", "from_port": 7, "to_port": 7, "peer": peer }), Protocol::Number(50), None),
    ];
    for (written, protocol, ports) in cases {
        let read = rule(written.clone());
        assert_eq!((read.protocol(), read.ports()), (protocol, ports), "{written}");
        assert_eq!(*read.peer(), Peer::CidrIpv4("10.0.0.0/8".parse().unwrap()));
        assert_eq!(rule(serde_json::to_value(&read).unwrap()), read, "{written}");
    }
    assert_eq!(
        rule(json!({ "protocol": "tcp", "from_port": 80, "peer": peer, "description": "" })).description(),
        None
    );
    for protocol in ["", "tpc", "256", "-2"] {
        serde_json::from_value::<Rule>(json!({ "protocol": protocol, "peer": peer })).unwrap_err();
    }
}

#[test]
fn names_are_unique_in_their_vpc_whatever_their_case() {
    let spec: Spec =
        serde_json::from_value(json!({ "name": "Web-0a1b2c3d", "description": "d", "vpc": "vpc-1" })).unwrap();
    assert_eq!(SecurityGroup::unique(&spec).as_deref(), Some("sg/vpc-1/web-0a1b2c3d"));
    assert_eq!(SecurityGroup::unique(&Spec { vpc: Link::to("network.main"), ..spec }), None);
}

/// AWS makes a group first and takes its rules later, so the rules may name any group, the own one too.
#[test]
fn groups_may_name_themselves_and_each_other() {
    let kinds = Kinds::new([KindInfo::of::<Vpc>(), KindInfo::of::<SecurityGroup>()]);
    let scope = Scope::new("shop", "123456789012", "eu-west-1");
    let vpc: VpcSpec = serde_json::from_value(json!({ "cidr": "10.0.0.0/16" })).unwrap();
    let group = |own: &str, other: &str| {
        let peers = [own, other].map(|of| Rule::tcp(80, Peer::Group(Link::to(of))));
        let spec = Spec {
            name: Name::Base { base: format!("shop-{own}"), max: NAME_MAX },
            description: "test".into(),
            vpc: Link::to("network.main"),
            ingress: peers.into(),
            egress: [Rule::all(anywhere())].into(),
            tags: Tags::default(),
        };
        (Address::new(own, SecurityGroup::NAME), Doc::of(&spec).unwrap())
    };
    let resources = [
        (Address::new("network.main", Vpc::NAME), Doc::of(&vpc).unwrap()),
        group("service.a", "service.b"),
        group("service.b", "service.a"),
    ];
    let resources = resources.into_iter().map(|(address, spec)| Resource {
        address,
        spec,
        protect: false,
        adopt: None,
        ignore: Vec::new(),
    });
    let desired = Desired::build("shop", resources.collect(), Allow::default(), &kinds).unwrap();
    let plan = plan(&desired, &Observed::default(), &kinds, &scope, &Settings::default()).unwrap();
    let verbs: Vec<_> = plan.steps.iter().map(|step| (step.address.component(), step.op.verb())).collect();
    let at = |component, verb| verbs.iter().position(|step| *step == (component, verb)).unwrap();
    for (own, other) in [("service.a", "service.b"), ("service.b", "service.a")] {
        assert!(at("network.main", "create") < at(own, "create"), "{verbs:?}");
        assert!(at(own, "create") < at(own, "update") && at(other, "create") < at(own, "update"), "{verbs:?}");
    }
    for step in &plan.steps {
        if let Op::Create { spec, .. } = &step.op
            && step.address.kind() == SecurityGroup::NAME
        {
            let bare: Spec = spec.typed().unwrap();
            assert!(bare.ingress.is_empty() && bare.egress.is_empty(), "a group is born without rules");
        }
    }
}
