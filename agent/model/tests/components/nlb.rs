//! Network load balancers: what they make, and what people are told about them.

use serde_json::json;

use crate::{addresses, made, refused, snapshot, spec};

/// As the data-flow platform has it.
const FLOW: &str = "[network.main]\ncidr = \"11.0.0.0/16\"\nzones = [\"eu-west-1a\", \"eu-west-1b\"]\n\
    tiers = [\"private\", \"database\"]\n\
    [load_balancer.nlb]\ntype = \"network\"\nlisteners = { 7577 = { protocol = \"tcp\" }, 9393 = { protocol = \"tcp\" } }\n\
    [service.skipper]\nimage = \"skipper:2.11.0\"\nport = 7577\nexpose = [{ load_balancer = \"nlb\", listener = 7577 }]\n\
    [service.server]\nimage = \"server:2.11.0\"\nport = 9393\nexpose = [{ load_balancer = \"nlb\", listener = 9393 }]\n";

fn balancer(keys: &str) -> String {
    format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\n[load_balancer.nlb]\ntype = \"network\"\n{keys}\n\
         [service.web]\nimage = \"web:1\"\nport = 8080\nexpose = [{{ listener = 7577 }}]\n"
    )
}

#[test]
fn the_balancer_of_the_data_flow_platform() {
    let stack = made(FLOW);
    let shown = addresses(&stack.resources)
        .into_iter()
        .filter(|address| address.contains("/elb.") || address.contains("/ec2.security_group"))
        .map(|address| format!("{address} {:#}\n", spec(&stack.resources, address)));
    snapshot!(shown.collect());
}

#[test]
fn the_service_waits_for_the_listener_that_forwards_to_it() {
    let desired = made(FLOW).desired().unwrap();
    let kind = *agent_model::kinds::table().get("ecs.service").unwrap();
    let own = "service.skipper/ecs.service".parse().unwrap();
    let first: Vec<String> =
        (kind.also_after)(&own, &desired.graph).into_iter().map(|after| after.address.to_string()).collect();
    assert!(first.contains(&"load_balancer.nlb/elb.listener.7577".to_owned()), "{first:?}");
    assert!(!first.contains(&"load_balancer.nlb/elb.listener.9393".to_owned()), "{first:?}");
}

#[test]
fn one_zone_is_enough_and_tls_ends_at_the_balancer() {
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/x";
    let stack = made(&format!(
        "{}\n",
        balancer(&format!(
            "listeners = {{ 7577 = {{ certificate = \"{arn}\" }} }}\ncross_zone = true\ndeletion_protection = true"
        ))
        .replace("\"10.20.0.0/16\"", "\"10.20.0.0/16\"\nzones = 1")
    ));
    let listener = spec(&stack.resources, "load_balancer.nlb/elb.listener.7577");
    assert_eq!(
        (&listener["protocol"], &listener["ssl_policy"], &listener["certificate"]),
        (&json!("TLS"), &json!("ELBSecurityPolicy-TLS13-1-2-2021-06"), &json!(arn))
    );
    assert_eq!(spec(&stack.resources, "service.web/elb.target_group.nlb.http")["protocol"], "TCP");
    let balancer = spec(&stack.resources, "load_balancer.nlb/elb.load_balancer");
    assert_eq!(balancer["network"]["cross_zone"], true);
    assert_eq!(balancer["deletion_protection"], true);
    assert!(balancer["application"].is_null());
}

#[test]
fn one_that_faces_the_internet_for_a_reason_is_open_to_everybody() {
    let open = "scheme = \"internet-facing\"\nlisteners = { 7577 = {} }";
    let stack = made(&balancer(&format!("{open}\npublic = \"reason: partners send here\"")));
    let rules = spec(&stack.resources, "load_balancer.nlb/ec2.security_group")["ingress"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 2, "{rules}");
}

#[test]
fn what_only_the_other_type_has() {
    let text = balancer(
        "origin_header = { name = \"X-Origin-Verify\" }\nidle_timeout = 60\ndrop_invalid_header_fields = true\n\
         [load_balancer.nlb.listeners]\n7577 = { protocol = \"tcp\" }\n80 = { redirect = 7577 }\n443 = { protocol = \"https\" }",
    );
    let other = "[load_balancer.edge]\ncross_zone = true\nlisteners = { 80 = { protocol = \"tcp\" } }\n";
    snapshot!(refused(&format!("{text}{other}").replace("{ listener", "{ load_balancer = \"nlb\", listener")));
}

#[test]
fn a_tls_listener_without_a_certificate_and_a_tcp_listener_with_one() {
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/x";
    snapshot!(refused(&balancer(&format!(
        "[load_balancer.nlb.listeners]\n7577 = {{ protocol = \"tls\" }}\n7578 = {{ protocol = \"tcp\", certificate = \"{arn}\" }}\n\
         7579 = {{ tls_policy = \"x\" }}"
    ))));
}

#[test]
fn conditions_where_there_are_no_requests() {
    let text = balancer("listeners = { 7577 = {} }");
    snapshot!(refused(
        &text.replace(
            "{ listener = 7577 }",
            "{ listener = 7577, path = \"/a\", host = \"a.example.org\", priority = 3 }"
        )
    ));
    assert!(
        refused(&text.replace("listener = 7577 }]", "listener = 7577, default = true }]")).contains("take `default`")
    );
}

#[test]
fn a_listener_that_nobody_takes() {
    snapshot!(refused(&balancer("listeners = { 7577 = {}, 9393 = {} }")));
}

/// A service that cannot be read may take it: that is the one thing to say.
#[test]
fn a_listener_is_not_unused_because_a_service_is_wrong() {
    let text = balancer("listeners = { 7577 = {} }").replace("port = 8080", "prot = 8080");
    let told = refused(&text);
    assert!(told.contains("prot") && !told.contains("no service takes"), "{told}");
}

#[test]
fn two_services_that_take_one_listener() {
    let text = balancer("listeners = { 7577 = {} }");
    snapshot!(refused(&format!(
        "{text}[service.other]\nimage = \"web:1\"\nport = 9090\nexpose = [{{ load_balancer = \"nlb\" }}]\n"
    )));
}

/// CloudFront's prefix list counts as 55 rules of the 60 that a group may have.
#[test]
fn cloudfront_fits_into_a_group_once() {
    let edge = |listeners: &str| {
        format!(
            "[network.main]\ncidr = \"10.20.0.0/16\"\n[load_balancer.edge]\nscheme = \"internet-facing\"\n\
             origin_header = {{ name = \"X-Origin-Verify\" }}\nlisteners = {{ {listeners} }}\n"
        )
    };
    snapshot!(refused(&edge("80 = {}, 8080 = {}")));
    made(&edge("80 = { redirect = 8080 }, 8080 = {}"));
    made(&format!("{}public = \"reason: customers\"\n", edge("80 = {}, 8080 = {}")));
}
