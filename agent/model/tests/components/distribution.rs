//! `[distribution.X]`: what it expands to, and what people are told when one is wrong.

use serde_json::json;

use crate::{made, refused, snapshot, spec};

const NETWORK: &str = "[network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\"]\n\n";
const CERTIFICATE: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";

fn edge(keys: &str) -> String {
    format!("{NETWORK}[load_balancer.edge]\nscheme = \"internet-facing\"\n{keys}\n")
}

/// A load balancer behind HTTPS that wants a header.
fn secure() -> String {
    edge(&format!(
        "listeners = {{ 443 = {{ certificate = \"{CERTIFICATE}\" }} }}\norigin_header = {{ name = \"X-Origin-Verify\" }}"
    ))
}

fn plain() -> String {
    edge("listeners = { 80 = {} }\norigin_header = { name = \"X-Origin-Verify\" }")
}

fn site(balancer: &str, keys: &str) -> String {
    refused(&format!("{balancer}\n[distribution.site]\n{keys}\n"))
}

#[test]
fn what_a_distribution_expands_to() {
    let text = format!(
        "{}\n[distribution.site]\norigin_domain = \"origin.example.org\"\ndomains = [\"www.example.org\"]\n\
         certificate = \"arn:aws:acm:us-east-1:123456789012:certificate/1\"\n\
         paths = [{{ path = \"/static/*\", cache = \"optimized\", methods = \"read\", forward = \"all-but-host\" }}]\n\
         price_class = \"100\"\nhttp_version = \"2and3\"\nroot_object = \"index.html\"\n",
        secure()
    );
    let made = made(&text);
    let spec = spec(&made.resources, "distribution.site/cloudfront.distribution");
    snapshot!(serde_json::to_string_pretty(&spec).unwrap());
}

#[test]
fn without_https_behind_it_the_load_balancers_own_name_will_do() {
    let made = made(&format!("{}\n[distribution.site]\n", plain()));
    let spec = spec(&made.resources, "distribution.site/cloudfront.distribution");
    let origin = &spec["origins"]["load_balancer.edge"];
    assert_eq!(origin["custom"]["protocol_policy"], "http-only");
    let name = json!({ "$ref": "load_balancer.edge/elb.load_balancer", "field": "dns_name" });
    assert_eq!(origin["domain_name"], json!({ "$join": [name] }));
    let secret = json!({ "$ref": "load_balancer.edge/ssm.parameter.origin-header", "field": "value" });
    assert_eq!(origin["custom_headers"]["X-Origin-Verify"], secret);
    assert_eq!(spec["certificate"], json!(null));
}

#[test]
fn keys_that_are_wrong_by_themselves() {
    snapshot!(site(
        &plain(),
        "domains = [\"WWW.example.org\", \"a.example.org\", \"a.example.org\", \"nodot\"]\norigin_domain = \"a.example.org\"\n\
         certificate = \"arn:aws:acm:eu-west-1:123456789012:certificate/1\"\nweb_acl = \"arn:aws:wafv2:eu-west-1:1:regional/webacl/x\"\n\
         root_object = \"/index.html\"\npaths = [{ path = \"\" }, { path = \"/a\" }, { path = \"/a\" }]"
    ));
}

#[test]
fn words_that_are_none() {
    snapshot!(site(&plain(), "price_class = \"300\"\ncache = \"always\"\nread_timeout = 90\ndomian = [\"x\"]"));
}

#[test]
fn names_without_a_certificate() {
    snapshot!(site(&plain(), "domains = [\"www.example.org\"]\ntls_policy = \"TLSv1.2_2021\""));
}

#[test]
fn https_needs_the_name_on_the_certificate() {
    snapshot!(site(&secure(), ""));
}

#[test]
fn a_load_balancer_that_cloudfront_cannot_reach() {
    let inner = format!("{NETWORK}[load_balancer.edge]\nlisteners = {{ 80 = {{}} }}\n");
    snapshot!(site(&inner, ""));
}

#[test]
fn a_load_balancer_that_everybody_can_reach() {
    snapshot!(site(&edge("public = \"reason: tests\"\nlisteners = { 80 = {} }"), ""));
}

#[test]
fn a_header_that_cloudfront_does_not_add() {
    let with =
        |name: &str| site(&edge(&format!("listeners = {{ 80 = {{}} }}\norigin_header = {{ name = \"{name}\" }}")), "");
    snapshot!(format!("{}\n{}", with("Cookie"), with("X-Amz-Secret")));
}

#[test]
fn listeners_that_are_not_meant() {
    let edge = edge(
        "listeners = { 80 = { redirect = 8080 }, 8080 = {}, 81 = {} }\npublic = \"reason: tests\"\n\
         origin_header = { name = \"X-Origin-Verify\" }",
    );
    snapshot!(format!("{}\n{}\n{}", site(&edge, ""), site(&edge, "listener = 80"), site(&edge, "listener = 81")));
}

#[test]
fn what_comes_later_and_what_is_no_number_of_days() {
    let edge = edge("listeners = { 80 = {} }\norigin_header = { name = \"X-Origin-Verify\", every = \"2 weeks\" }");
    snapshot!(site(&edge, "private_origin = true\ncertificate = \"certificate.site\""));
}
