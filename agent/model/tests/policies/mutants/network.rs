//! Ways in that should not be.

use serde_json::{Value, json};

use super::Mutation::{Spec, With};
use super::{Mutations, to};

const EDGE: &str = "load_balancer.edge/ec2.security_group";
const WEB: &str = "service.web/ec2.security_group";

fn tcp(from: u16, to: u16, peer: &Value) -> Value {
    json!({ "protocol": "tcp", "from_port": from, "to_port": to, "peer": peer, "description": "a mutant" })
}

fn world() -> Value {
    json!({ "cidr_ipv4": "0.0.0.0/0" })
}

/// A rule that lets in, and stands by itself.
fn beside(group: &str, rule: &Value) -> Value {
    json!({ "direction": "ingress", "security_group": to(group, "id"), "rule": rule })
}

pub fn no_world_ingress() -> Mutations {
    vec![
        ("SSH for everybody", Spec(WEB, "ingress", || json!([tcp(22, 22, &world())]))),
        ("SSH for everybody over IPv6", Spec(WEB, "ingress", || json!([tcp(22, 22, &json!({ "cidr_ipv6": "::/0" }))]))),
        (
            "a database for everybody",
            Spec("service.inbox/ec2.security_group", "ingress", || json!([tcp(5432, 5432, &world())])),
        ),
        ("a range of ports", Spec(WEB, "ingress", || json!([tcp(8000, 8999, &world())]))),
        (
            "all protocols",
            Spec(
                WEB,
                "ingress",
                || json!([{ "protocol": "all", "peer": { "cidr_ipv6": "::/0" }, "description": "a mutant" }]),
            ),
        ),
        (
            "one half of the internet and the other",
            Spec(WEB, "ingress", || {
                let halves = ["0.0.0.0/1", "128.0.0.0/1"];
                json!(halves.map(|half| tcp(8080, 8080, &json!({ "cidr_ipv4": half }))))
            }),
        ),
        (
            "the endpoints for everybody",
            Spec("network.main/ec2.security_group.endpoints", "ingress", || json!([tcp(443, 443, &world())])),
        ),
        (
            "the load balancer for everybody, who would have to say so",
            Spec(EDGE, "ingress", || json!([tcp(443, 443, &world())])),
        ),
        (
            "a rule beside the group",
            With("service.web/ec2.security_group_rule.more", || beside(WEB, &tcp(3389, 3389, &world()))),
        ),
        (
            "a rule beside a group of somebody else",
            With(
                "service.web/ec2.security_group_rule.more",
                || json!({ "direction": "ingress", "security_group": "sg-0123", "rule": tcp(443, 443, &world()) }),
            ),
        ),
    ]
}

pub fn ingress_only_from_cloudfront() -> Mutations {
    vec![
        (
            "an address of an office",
            Spec(EDGE, "ingress", || json!([tcp(443, 443, &json!({ "cidr_ipv4": "203.0.113.7/32" }))])),
        ),
        (
            "a network of IPv6",
            Spec(EDGE, "ingress", || json!([tcp(443, 443, &json!({ "cidr_ipv6": "2001:db8::/32" }))])),
        ),
        ("everybody", Spec(EDGE, "ingress", || json!([tcp(443, 443, &world())]))),
        (
            "one more beside CloudFront",
            Spec(EDGE, "ingress", || {
                let cloudfront = tcp(443, 443, &json!({ "prefix_list": "pl-4fa04526" }));
                json!([cloudfront, tcp(443, 443, &json!({ "cidr_ipv4": "198.51.100.0/24" }))])
            }),
        ),
        (
            "a list of one's own",
            Spec(EDGE, "ingress", || json!([tcp(443, 443, &json!({ "prefix_list": "pl-0123456789abcdef0" }))])),
        ),
        ("the list of S3", Spec(EDGE, "ingress", || json!([tcp(443, 443, &json!({ "prefix_list": "pl-6da54004" }))]))),
        (
            "the tasks of a service",
            Spec(EDGE, "ingress", || json!([tcp(443, 443, &json!({ "group": to(WEB, "id") }))])),
        ),
        (
            "a second group that lets others in",
            Spec("load_balancer.edge/elb.load_balancer", "security_groups", || {
                json!([to(EDGE, "id"), to("network.main/ec2.security_group.endpoints", "id")])
            }),
        ),
        (
            "a second group whose rules nobody knows",
            Spec("load_balancer.edge/elb.load_balancer", "security_groups", || {
                json!([to(EDGE, "id"), "sg-0123456789abcdef0"])
            }),
        ),
        (
            "a rule beside the group",
            With("load_balancer.edge/ec2.security_group_rule.more", || {
                beside(EDGE, &tcp(443, 443, &json!({ "cidr_ipv4": "203.0.113.0/24" })))
            }),
        ),
    ]
}
