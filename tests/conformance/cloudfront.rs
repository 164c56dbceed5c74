//! Samples of `CloudFront`.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_core::reference::SecretRef;
use agent_model::kinds::cloudfront::distribution::{
    Behavior, Certificate, CustomOrigin, HttpVersion, Origin, OriginProtocol, PathBehavior, PriceClass, Spec,
    ViewerProtocol,
};
use agent_model::kinds::ssm::parameter;

use super::{Sample, doc};

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
const NO_CACHE: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const CACHE: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const ALL: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";
const SECURITY: &str = "67f7725c-6f97-4210-82d7-5512b31e9d03";

fn secret() -> (Address, Doc) {
    let secret = parameter::Spec {
        name: "/conformance/origin-header".into(),
        kind: parameter::Type::SecureString,
        value: None,
        generate: AtCreate(Some(parameter::Generate { bytes: 32 })),
        description: None,
        tier: parameter::Tier::Standard,
        key_id: None,
        max_age_days: AtCreate(None),
        version: AwsDecides::Unset,
        retiring: false,
        tags: Tags::default(),
    };
    (Address::keyed("load_balancer.edge", "ssm.parameter", "origin-header"), doc(&secret))
}

fn words(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn origin() -> Origin {
    let (to, _) = secret();
    Origin {
        domain_name: "origin.example.org".into(),
        path: String::new(),
        custom_headers: BTreeMap::from([("X-Origin-Verify".into(), SecretRef::To { to, field: "value".into() })]),
        custom: Some(CustomOrigin {
            http_port: 80,
            https_port: 443,
            protocol_policy: OriginProtocol::HttpsOnly,
            ssl_protocols: words(&["TLSv1.2"]),
            read_timeout: 30,
            keepalive_timeout: 5,
        }),
        connection_attempts: 3,
        connection_timeout: 10,
    }
}

fn behavior() -> Behavior {
    Behavior {
        target_origin: "edge".into(),
        viewer_protocol_policy: ViewerProtocol::RedirectToHttps,
        allowed_methods: words(&["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]),
        cached_methods: words(&["GET", "HEAD"]),
        compress: true,
        cache_policy: Some(NO_CACHE.into()),
        origin_request_policy: Some(ALL.into()),
        response_headers_policy: None,
    }
}

fn base() -> Spec {
    Spec {
        comment: "conformance-site-eu-west-1".into(),
        enabled: true,
        aliases: words(&["um.example.org"]),
        certificate: Some(Certificate { arn: CERTIFICATE.into(), minimum_protocol_version: "TLSv1.2_2021".into() }),
        default_root_object: Some("index.html".into()),
        origins: BTreeMap::from([("edge".into(), origin())]),
        default_behavior: behavior(),
        behaviors: vec![
            PathBehavior { path: "/static/*".into(), behavior: cached() },
            PathBehavior { path: "/assets/*".into(), behavior: cached() },
        ],
        price_class: PriceClass::Class100,
        http_version: HttpVersion::Http2And3,
        ipv6: true,
        web_acl: None,
        tags: Tags([("owner".to_owned(), "team".to_owned())].into()),
    }
}

fn cached() -> Behavior {
    Behavior {
        allowed_methods: words(&["GET", "HEAD"]),
        cache_policy: Some(CACHE.into()),
        origin_request_policy: None,
        response_headers_policy: Some(SECURITY.into()),
        ..behavior()
    }
}

/// A distribution with everything in it.
pub fn samples() -> Vec<Sample> {
    let base = base();
    let with = |origin: Origin| {
        let origins = BTreeMap::from([("edge".to_owned(), origin)]);
        doc(&Spec { origins, ..base.clone() })
    };
    let two = BTreeMap::from([
        ("edge".to_owned(), origin()),
        ("other".to_owned(), Origin { custom_headers: BTreeMap::new(), ..origin() }),
    ]);
    let custom = |change: fn(&mut CustomOrigin)| {
        let mut custom = origin().custom;
        custom.iter_mut().for_each(change);
        Origin { custom, ..origin() }
    };
    let turned = base.behaviors.iter().rev().cloned().collect();
    vec![Sample {
        needs: vec![secret()],
        address: Address::new("distribution.site", "cloudfront.distribution"),
        spec: doc(&base),
        changes: vec![
            ("no names and CloudFront's own certificate", {
                doc(&Spec { aliases: BTreeSet::new(), certificate: None, ..base.clone() })
            }),
            ("without a root object", doc(&Spec { default_root_object: None, ..base.clone() })),
            ("another domain", with(Origin { domain_name: "other.example.org".into(), ..origin() })),
            ("a path", with(Origin { path: "/api".into(), ..origin() })),
            ("without the header", with(Origin { custom_headers: BTreeMap::new(), ..origin() })),
            ("other ports and HTTP", {
                with(custom(|custom| {
                    (custom.http_port, custom.protocol_policy) = (8080, OriginProtocol::HttpOnly);
                }))
            }),
            ("patience", with(custom(|custom| (custom.read_timeout, custom.keepalive_timeout) = (60, 10)))),
            ("fewer attempts", with(Origin { connection_attempts: 1, connection_timeout: 5, ..origin() })),
            ("a second origin", doc(&Spec { origins: two, ..base.clone() })),
            ("what is cached", doc(&Spec { default_behavior: cached(), ..base.clone() })),
            ("behaviors in another order", doc(&Spec { behaviors: turned, ..base.clone() })),
            ("no behaviors", doc(&Spec { behaviors: Vec::new(), ..base.clone() })),
            ("everywhere", doc(&Spec { price_class: PriceClass::All, ..base.clone() })),
            ("HTTP/2 and IPv4", doc(&Spec { http_version: HttpVersion::Http2, ipv6: false, ..base.clone() })),
            ("disabled", doc(&Spec { enabled: false, ..base.clone() })),
            ("another tag", {
                doc(&Spec { tags: Tags([("owner".to_owned(), "other".to_owned())].into()), ..base.clone() })
            }),
        ],
        emulator_gaps: Vec::new(),
    }]
}
