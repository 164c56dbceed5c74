//! How components are found: by their names, by being the only one, and in texts.

use crate::{BASE, made, refused, snapshot, spec};

const SERVICE: &str = "[service.web]\nimage = \"web:1\"\n";

#[test]
fn names_that_nothing_has() {
    snapshot!(refused(&format!(
        "{BASE}{SERVICE}network = \"mian\"\ncluster = \"cluster.mainn\"\nport = 80\n\
         expose = [{{ load_balancer = \"egde\", path = \"/a\" }}, {{ load_balancer = \"network.main\", path = \"/b\" }}]\n\
         secrets = {{ A = \"parameter.a\" }}\nuses = [\"secret.partner\", \"load_balancer.edge\"]\n"
    )));
}

#[test]
fn one_of_several_must_be_named() {
    snapshot!(refused(&format!("[network.a]\ncidr = \"10.1.0.0/16\"\n[network.b]\ncidr = \"10.2.0.0/16\"\n{SERVICE}")));
}

#[test]
fn one_must_be_there() {
    snapshot!(refused(&format!("{SERVICE}port = 80\nexpose = [{{ path = \"/\" }}]\n")));
}

#[test]
fn a_load_balancer_in_another_network() {
    snapshot!(refused(&format!(
        "[network.a]\ncidr = \"10.1.0.0/16\"\n[network.b]\ncidr = \"10.2.0.0/16\"\n[load_balancer.edge]\nnetwork = \"a\"\n\
         listeners = {{ 80 = {{}} }}\n{SERVICE}network = \"network.b\"\nport = 80\nexpose = [{{ path = \"/\" }}]\n"
    )));
}

#[test]
fn what_is_not_sound_is_found_all_the_same() {
    let text = refused(&format!("[network.main]\ncidr = 3\n{SERVICE}env = {{ A = \"${{network.main.vpc_id}}\" }}\n"));
    assert_eq!(text.matches("error[").count(), 1, "{text}");
}

#[test]
fn texts_that_cannot_be_completed() {
    snapshot!(refused(&format!(
        "{BASE}[parameter.token]\ngenerate = true\n{SERVICE}[service.web.env]\nA = \"${{network.main.vpcid}}\"\n\
         B = \"${{netwrok.main.vpc_id}}\"\nC = \"${{HOME}}\"\nD = \"${{parameter.token.value}}\"\nE = \"x ${{open\"\n\
         F = \"${{stack:platform/network.main.vpc_id}}\"\nG = \"${{load_balancer.edge.colour}}\"\nH = \"${{..}}\"\n\
         [outputs]\naddress = \"${{load_balancer.edge.dns}}\"\n"
    )));
}

#[test]
fn texts_hold_references_values_and_dollars() {
    let stack = made(&format!(
        "{BASE}[parameter.greeting]\nvalue = \"hi $$x\"\n{SERVICE}[service.web.env]\nA = \"a $ $5 $$ $${{x}}\"\n\
         B = \"${{parameter.greeting.value}}!\"\nC = \"http://${{load_balancer.edge.dns_name}}:80/${{network.main.cidr}}\"\n\
         [outputs]\naddress = \"${{load_balancer.edge.dns_name}}\"\n"
    ));
    let env = &spec(&stack.resources, "service.web/ecs.task_definition")["containers"]["web"]["environment"];
    assert_eq!(env["A"], "a $ $5 $ ${x}");
    assert_eq!(env["B"], "hi $$x!");
    let dns = serde_json::json!({ "$ref": "load_balancer.edge/elb.load_balancer", "field": "dns_name" });
    assert_eq!(env["C"], serde_json::json!({ "$join": ["http://", dns, ":80/10.20.0.0/16"] }));
    assert_eq!(stack.outputs["address"].to_value(), serde_json::json!({ "$join": [dns] }));
}

#[test]
fn every_attribute_is_a_field_that_its_kind_has() {
    // `desired` refuses references to fields that a kind does not have.
    let text = format!(
        "{BASE}[parameter.plain]\nvalue = \"x\"\n[parameter.secret]\ngenerate = true\n[service.other]\nimage = \"x\"\n{SERVICE}\
         [service.web.env]\n{}",
        [
            "network.main.vpc_id",
            "network.main.cidr",
            "load_balancer.edge.arn",
            "load_balancer.edge.dns_name",
            "load_balancer.edge.zone_id",
            "cluster.main.arn",
            "cluster.main.name",
            "parameter.plain.arn",
            "parameter.plain.name",
            "parameter.plain.value",
            "parameter.secret.arn",
            "parameter.secret.name",
            "service.other.name",
            "service.other.security_group_id",
        ]
        .iter()
        .enumerate()
        .map(|(n, name)| format!("V{n} = \"${{{name}}}\"\n"))
        .collect::<String>()
    );
    let problems = made(&text).desired().map_or_else(|all| format!("{all:?}"), |_| String::new());
    assert_eq!(problems, "");
}
