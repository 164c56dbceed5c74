//! Samples of `elb.rule`.

use std::collections::BTreeSet;

use agent_core::address::Address;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_core::kind::Kind;
use agent_core::reference::{Link, SecretRef};
use agent_model::kinds::elb::Protocol;
use agent_model::kinds::elb::action::Action;
use agent_model::kinds::elb::listener::{self, Listener};
use agent_model::kinds::elb::load_balancer::Type;
use agent_model::kinds::elb::rule::{Condition, HttpHeader, QueryString, Rule, Spec};
use agent_model::kinds::ssm::parameter::{self, Generate, Parameter};

use super::{Placed, network, placed_balancer, placed_group, tags, to_both, to_group};
use crate::conformance::{Sample, doc};

fn strings<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.map(str::to_owned).into()
}

/// A condition on the origin header: the values of these parameters.
fn verified<const N: usize>(keys: [&str; N]) -> Condition {
    let secret = |key: &str| SecretRef::To {
        to: Address::keyed("load_balancer.edge", Parameter::NAME, key),
        field: "value".into(),
    };
    Condition::HttpHeader(HttpHeader { name: "X-Origin-Verify".into(), values: keys.map(secret).into() })
}

/// Rules with a priority of their own, and without.
pub fn samples() -> Vec<Sample> {
    let mut needs = network();
    needs.push(placed_balancer("load_balancer.edge", Type::Application));
    for (key, port) in [("80", 80), ("81", 81)] {
        let edge = Link::to("load_balancer.edge");
        let spec = listener::Spec::new(edge, port, Protocol::Http, Action::respond(403, ""));
        needs.push((Address::keyed("load_balancer.edge", Listener::NAME, key), doc(&spec)));
    }
    needs.push(placed_group("blue", Protocol::Http));
    needs.push(placed_group("green", Protocol::Http));
    for key in ["origin-header", "origin-header-next"] {
        let secret = parameter::Spec {
            name: format!("/conformance/{key}"),
            kind: parameter::Type::SecureString,
            value: None,
            generate: AtCreate(Some(Generate { bytes: 32 })),
            description: None,
            tier: parameter::Tier::Standard,
            key_id: None,
            max_age_days: AtCreate(None),
            version: AwsDecides::Unset,
            retiring: false,
            tags: Tags::default(),
        };
        needs.push((Address::keyed("load_balancer.edge", Parameter::NAME, key), doc(&secret)));
    }
    let spec = Spec {
        listener: Link::keyed("load_balancer.edge", "80"),
        priority: AwsDecides::Set(10),
        conditions: [Condition::PathPattern(strings(["/web/*"])), verified(["origin-header"])].into(),
        action: to_group("blue"),
        tags: tags("team"),
    };
    vec![ranked_rule(&needs, &spec), unranked_rule(&needs, &spec)]
}

fn ranked_rule(needs: &[Placed], spec: &Spec) -> Sample {
    let asks = |conditions: Vec<Condition>| doc(&Spec { conditions: conditions.into_iter().collect(), ..spec.clone() });
    let does = |action: Action| doc(&Spec { action, ..spec.clone() });
    let query = [(Some("version"), "2"), (None, "beta")];
    let query = query.map(|(key, value)| QueryString { key: key.map(str::to_owned), value: value.into() });
    let both = verified(["origin-header", "origin-header-next"]);
    Sample {
        needs: needs.to_vec(),
        address: Address::keyed("service.web", Rule::NAME, "edge"),
        spec: doc(spec),
        changes: vec![
            ("another priority", doc(&Spec { priority: AwsDecides::Set(20), ..spec.clone() })),
            ("another path", asks(vec![Condition::PathPattern(strings(["/web", "/web/*"]))])),
            ("the old and the new secret", asks(vec![Condition::PathPattern(strings(["/web/*"])), both])),
            ("the new secret alone", asks(vec![verified(["origin-header-next"])])),
            (
                "a host and a method",
                asks(vec![
                    Condition::HostHeader(strings(["web.example.org", "*.example.net"])),
                    Condition::HttpRequestMethod(strings(["GET", "HEAD"])),
                ]),
            ),
            (
                "an address and a query",
                asks(vec![Condition::SourceIp(strings(["10.0.0.0/8"])), Condition::QueryString(query.into())]),
            ),
            ("a weighted forward", does(to_both())),
            ("a fixed response", does(Action::respond(503, "back soon"))),
            ("a redirect", does(Action::redirect_to_https(443))),
            ("another tag", doc(&Spec { tags: tags("other"), ..spec.clone() })),
            (
                "another listener: a replacement",
                doc(&Spec { listener: Link::keyed("load_balancer.edge", "81"), ..spec.clone() }),
            ),
        ],
        emulator_gaps: Vec::new(),
    }
}

/// One that takes whatever number is free keeps it.
fn unranked_rule(needs: &[Placed], spec: &Spec) -> Sample {
    let spec = Spec { priority: AwsDecides::Unset, ..spec.clone() };
    Sample {
        needs: needs.to_vec(),
        address: Address::keyed("service.web", Rule::NAME, "edge"),
        spec: doc(&spec),
        changes: vec![
            ("the action alone", doc(&Spec { action: to_group("green"), ..spec.clone() })),
            (
                "another listener: a replacement",
                doc(&Spec { listener: Link::keyed("load_balancer.edge", "81"), ..spec.clone() }),
            ),
        ],
        emulator_gaps: Vec::new(),
    }
}
