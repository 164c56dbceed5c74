//! Samples of rules that are resources of their own, and of a group that such a rule is in: what carries the tag of a stack
//! is none of the group's business, whatever becomes of the group's own rules.

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::Link;
use agent_model::kinds::ec2::security_group::{Protocol, Rule, SecurityGroup};
use agent_model::kinds::ec2::security_group_rule::{self, Direction, SecurityGroupRule};

use super::{Placed, Sample, cidr4, doc, group, placed_group, placed_vpc, tags, to_group};

pub fn samples() -> Vec<Sample> {
    vec![from_a_block(), from_a_group(), a_group_with_a_rule_that_is_not_its_own()]
}

fn address() -> Address {
    Address::keyed("service.client", SecurityGroupRule::NAME, "web")
}

fn rule(rule: Rule) -> security_group_rule::Spec {
    security_group_rule::Spec {
        security_group: Link::to("service.web"),
        direction: Direction::Ingress,
        rule,
        tags: tags("team"),
    }
}

fn needs() -> Vec<Placed> {
    vec![placed_vpc("network.main", "10.0.0.0/16"), placed_group("service.web"), placed_group("service.other")]
}

fn from_a_block() -> Sample {
    type Spec = security_group_rule::Spec;
    let base = rule(Rule::tcp(443, cidr4("10.9.0.0/16")).described(Some("from the client".into())));
    let other = |content: Rule| doc(&Spec { rule: content, ..base.clone() });
    Sample {
        needs: needs(),
        address: address(),
        spec: doc(&base),
        changes: vec![
            ("another description", other(base.rule.clone().described(Some("from another".into())))),
            ("another tag", doc(&Spec { tags: tags("other"), ..base.clone() })),
            ("another port: a replacement", other(Rule::tcp(8443, cidr4("10.9.0.0/16")))),
            ("another block: a replacement", other(Rule::tcp(443, cidr4("10.8.0.0/16")))),
            ("everything: a replacement", other(Rule::all(cidr4("10.9.0.0/16")))),
            ("the other protocol: a replacement", {
                other(Rule::new(Protocol::Udp, Some((443, 443)), cidr4("10.9.0.0/16")))
            }),
            ("a group: a replacement", other(Rule::tcp(443, to_group("service.other")))),
            ("the way out: a replacement", doc(&Spec { direction: Direction::Egress, ..base.clone() })),
            (
                "in another group: a replacement",
                doc(&Spec { security_group: Link::to("service.other"), ..base.clone() }),
            ),
        ],
        emulator_gaps: Vec::new(),
    }
}

fn from_a_group() -> Sample {
    let base = rule(Rule::tcp(443, to_group("service.other")).described(Some("from the other".into())));
    let itself = rule(Rule::tcp(443, to_group("service.web")));
    Sample {
        needs: needs(),
        address: address(),
        spec: doc(&base),
        changes: vec![("from itself: a replacement", doc(&itself))],
        emulator_gaps: vec![(
            "rule.description",
            "moto's DescribeSecurityGroupRules loses it where the peer is a group",
        )],
    }
}

fn a_group_with_a_rule_that_is_not_its_own() -> Sample {
    let own = || Rule::tcp(443, cidr4("10.0.0.0/8"));
    let everybody = || Rule::all(cidr4("0.0.0.0/0"));
    let foreign = rule(Rule::tcp(8443, cidr4("10.9.0.0/16")).described(Some("from the client".into())));
    Sample {
        needs: vec![placed_vpc("network.main", "10.0.0.0/16"), (address(), doc(&foreign))],
        address: Address::new("service.web", SecurityGroup::NAME),
        spec: doc(&group("web", [own()], [])),
        changes: vec![
            ("another rule", doc(&group("web", [Rule::tcp(80, cidr4("10.0.0.0/8"))], []))),
            ("a rule more on either side", doc(&group("web", [own(), everybody()], [everybody()]))),
            ("no rules at all", doc(&group("web", [], []))),
            ("another name: a replacement, with the rule in it", doc(&group("front", [own()], []))),
        ],
        emulator_gaps: Vec::new(),
    }
}
