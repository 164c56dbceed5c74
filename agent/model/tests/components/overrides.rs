//! Overrides of the resources that a component makes: what becomes of specs, and what people are told.

use std::path::Path;

use agent_core::desired::Resource;
use agent_core::manifest::limits::Limits;
use agent_core::manifest::{FileEntry, Manifest, Node, StackFiles, Table, Value, find_stacks, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::docs::components::EXAMPLES;
use agent_model::expand::{Expanded, expand};
use serde_json::json;

use crate::{BASE, HEADER, answers, expanded, made, refused, snapshot, spec};

const SERVICE: &str = "[service.web]\nimage = \"web:1\"\nport = 80\nenv = { A = \"1\", B = \"2\" }\n\
                       expose = [{ load_balancer = \"edge\", path = \"/*\" }]\n";
/// A load balancer whose rules look for a secret.
const SECRET: &str = "[network.main]\ncidr = \"10.20.0.0/16\"\n[load_balancer.edge]\nlisteners = { 80 = {} }\n\
                      origin_header = { name = \"X-Origin-Verify\" }\n";
const TASKS: &str = "service.web/ecs.task_definition";

/// A stack with a service and these tables behind it.
fn with(overrides: &str) -> String {
    format!("{BASE}\n{SERVICE}{overrides}")
}

fn differing(one: &Expanded, other: &Expanded) -> Vec<String> {
    assert_eq!(one.resources.len(), other.resources.len());
    let pairs = one.resources.iter().zip(&other.resources);
    pairs.filter(|(one, other)| one.spec != other.spec).map(|(one, _)| one.address.to_string()).collect()
}

#[test]
fn tables_are_merged_and_all_else_is_replaced() {
    let plain = made(&with(""));
    let text = with(
        "[service.web.override.\"ecs.task_definition\"]\nephemeral_storage_gib = 40\n\
         containers.web.environment = { B = \"3\", C = \"4\" }\n\
         [service.web.override.\"ecs.task_definition\".containers.web.linux_parameters.capabilities]\ndrop = [\"ALL\"]\n",
    );
    let now = made(&text);
    assert_eq!(differing(&plain, &now), [TASKS]);
    let mut expected = spec(&plain.resources, TASKS);
    expected["ephemeral_storage_gib"] = json!(40);
    expected["containers"]["web"]["environment"] = json!({ "A": "1", "B": "3", "C": "4" });
    expected["containers"]["web"]["linux_parameters"]["capabilities"]["drop"] = json!(["ALL"]);
    assert_eq!(spec(&now.resources, TASKS), expected);
}

#[test]
fn false_is_a_value_and_takes_nothing_away() {
    let path = "/application/http2";
    let spec = |text: &str| spec(&made(text).resources, "load_balancer.edge/elb.load_balancer");
    let text = with("[load_balancer.edge.override.\"elb.load_balancer\".application]\nhttp2 = false\n");
    assert_eq!(spec(&with("")).pointer(path), Some(&json!(true)));
    assert_eq!(spec(&text).pointer(path), Some(&json!(false)));
}

#[test]
fn tags_are_added_to_those_of_the_stack_and_win() {
    let text = format!(
        "tags = {{ owner = \"a\", stage = \"b\" }}\n{}",
        with("[service.web.override.\"ecs.service\".tags]\nstage = \"c\"\nteam = \"d\"\n")
    );
    let tags = spec(&made(&text).resources, "service.web/ecs.service")["tags"].clone();
    assert_eq!(tags, json!({ "$tags": { "owner": "a", "stage": "c", "team": "d" } }));
}

#[test]
fn what_was_left_to_aws_and_what_is_sent_once_can_be_said() {
    let overrides = "[service.web.override.\"ecs.service\"]\navailability_zone_rebalancing = \"DISABLED\"\n\
                     [network.main.override.\"ec2.subnet.private-1\"]\navailability_zone = \"eu-west-1c\"\n";
    let text = with("").replacen(
        "\n\n",
        "\n[network.main.override.\"ec2.subnet.private-1\"]\navailability_zone = \"eu-west-1c\"\n\n",
        1,
    );
    let now = made(&format!("{text}{}", overrides.split_once("[network").unwrap().0));
    assert_eq!(spec(&now.resources, "service.web/ecs.service")["availability_zone_rebalancing"], "DISABLED");
    let zone = &spec(&now.resources, "network.main/ec2.subnet.private-1")["availability_zone"];
    assert_eq!(zone, &json!({ "$at_create": "eu-west-1c" }));
}

#[test]
fn an_id_takes_the_place_of_a_reference() {
    let role = "arn:aws:iam::123456789012:role/tasks";
    let text = with(&format!("override.\"ecs.task_definition\".task_role = \"{role}\"\n"));
    let value = spec(&made(&text).resources, TASKS)["task_role"].clone();
    assert_eq!(value, json!({ "$link": "iam.role.arn", "value": role }));
}

#[test]
fn a_kind_alone_means_all_of_it_and_one_by_its_key_comes_last() {
    let text = format!(
        "{}{BASE}\n{SERVICE}",
        "[network.main.override.\"ec2.subnet.private-2\".tags]\nlayer = \"two\"\nown = \"yes\"\n\
         [network.main.override.\"ec2.subnet\"]\ntags = { layer = \"all\" }\n"
    );
    let now = made(&text);
    let of = |resource: &&Resource| resource.address.kind() == "ec2.subnet";
    let subnets: Vec<&Resource> = now.resources.iter().filter(of).collect();
    assert!(subnets.len() > 2);
    for subnet in subnets {
        let tags = subnet.spec.value()["tags"]["$tags"].clone();
        let second = subnet.address.key() == Some("private-2");
        assert_eq!(tags["layer"], if second { "two" } else { "all" }, "{}", subnet.address);
        assert_eq!(tags.get("own").is_some(), second, "{}", subnet.address);
    }
}

#[test]
fn another_variant_takes_the_place_of_the_one_that_was_there() {
    let key = "default_action.redirect";
    let text = with("").replace(
        "listeners = { 80 = {} }\n",
        &format!("listeners = {{ 80 = {{}} }}\n[load_balancer.edge.override.\"elb.listener.80\"]\n{key} = {{ port = \"443\" }}\n"),
    );
    let action = spec(&made(&text).resources, "load_balancer.edge/elb.listener.80")["default_action"].clone();
    assert_eq!(action.as_object().unwrap().keys().collect::<Vec<_>>(), ["redirect"]);
    assert_eq!(action["redirect"]["port"], "443");
    assert_eq!(action["redirect"]["status_code"], "HTTP_301", "the rest is as AWS has it");
}

#[test]
fn an_override_goes_with_a_component_that_is_called_otherwise() {
    let overrides = "[service.app.override.\"ecs.task_definition\"]\nephemeral_storage_gib = 40\n";
    let renamed = SERVICE.replace("[service.web]\n", "[service.app]\nrenamed_from = \"web\"\n");
    let now = made(&format!("{BASE}\n{renamed}{overrides}"));
    let spec = spec(&now.resources, "service.app/ecs.task_definition");
    assert_eq!((&spec["ephemeral_storage_gib"], &spec["family"]), (&json!(40), &json!("um-web")));
    let wrong = overrides.replace("ephemeral_storage_gib", "ephemeral_storage");
    snapshot!(refused(&format!("{BASE}\n{renamed}{wrong}")));
}

#[test]
fn an_overlay_adds_to_the_overrides_of_its_base() {
    let base = format!("{HEADER}{BASE}\n{SERVICE}override.\"ecs.task_definition\" = {{ cpu = 512, memory = 1024 }}\n");
    let over = "[stack]\nname = \"um-acceptance\"\nextends = \"../um\"\n\
                [service.web.override.\"ecs.task_definition\"]\nmemory = 2048\n";
    let entry = |text: &str| FileEntry::Bytes(text.as_bytes().to_vec());
    let all = |over: &str| {
        let files = [("um/stack.toml", base.as_str()), ("over/stack.toml", over)];
        let files = files.map(|(path, text)| (path.to_owned(), entry(text))).into_iter().collect();
        StackFiles { files, ..StackFiles::default() }
    };
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let manifest = load(&all(over), "over", &language(), &mut sources, &mut problems).unwrap();
    let now = expand(&manifest, &answers(), &mut problems).unwrap();
    let spec = spec(&now.resources, TASKS);
    assert_eq!((&spec["cpu"], &spec["memory"]), (&json!(512), &json!(2048)));
    let wrong = all(&over.replace("2048", "3"));
    let manifest = load(&wrong, "over", &language(), &mut sources, &mut problems).unwrap();
    assert!(expand(&manifest, &answers(), &mut problems).is_none());
    snapshot!(render_text(&problems, &sources, false));
}

#[test]
fn rules_are_shown_the_override_as_it_is_written() {
    let text = with("protect = true\noverride.\"ecs.service\" = { desired_count = 3 }\n");
    let written = made(&text).written.components["service.web"].clone();
    assert_eq!(written["override"], json!({ "ecs.service": { "desired_count": 3 } }));
    assert_eq!((&written["protect"], &written["port"]), (&json!(true), &json!(80)));
}

#[test]
fn unknown_fields_wrong_types_and_words_that_are_none() {
    snapshot!(refused(&with(
        "[service.web.override.\"ecs.service\"]\ndesired_cuont = 3\nenable_execute_command = \"yes\"\n\
         propagate_tags = \"ALL\"\nnetwork = 3\n\
         [service.web.override.\"ecs.task_definition\"]\ncontainers.web.port_mappings = [{ port = 80 }]\n\
         containers.wbe.readonly_root_filesystem = true\ntask_role = { \"$ref\" = \"service.web/iam.role.task\", field = \"arn\" }\n\
         [service.web.override.\"logs.log_group\"]\nretention_in_days = 31\n"
    )));
}

#[test]
fn what_a_component_does_not_make() {
    let text = with("[service.web.override.\"ec2.vpc\"]\n[service.web.override.\"iam.role.taks\"]\npath = \"/\"\n")
        .replace(
            "cidr = \"10.20.0.0/16\"\n",
            "cidr = \"10.20.0.0/16\"\n[network.main.override.\"ec2.subnet.private-9\"]\n",
        );
    snapshot!(refused(&text));
}

#[test]
fn a_network_of_others_makes_nothing_to_override() {
    let text = "[network.main]\nexisting = { vpc = \"vpc-0123456789abcdef0\", subnets = { private = [\"subnet-0123456789abcdef0\"] } }\n\
                override.\"ec2.vpc\" = { enable_dns_support = true }\n";
    snapshot!(refused(text));
}

#[test]
fn what_resources_are_found_by_stays() {
    snapshot!(refused(&with(
        "[service.web.override.\"ecs.service\"]\nname = \"mine\"\ncluster = \"arn:x\"\n\
         [service.web.override.\"ecs.task_definition\"]\nfamily = \"mine\"\n\
         [service.web.override.\"iam.role\"]\npath = \"/\"\n\
         [service.web.override.\"ecs.service\".tags]\n\"gitops-agent:stack\" = \"other\"\n\"aws:x\" = \"y\"\n"
    )));
}

#[test]
fn a_secret_is_never_overridden() {
    let rule = format!(
        "{SECRET}{SERVICE}[service.web.override.\"elb.rule\"]\nconditions = [{{ path_pattern = [\"/*\"] }}]\n\
         [service.web.override.\"elb.rule\".tags]\na = \"b\"\n"
    );
    let fresh = format!(
        "{BASE}\n{SERVICE}[service.web.override.\"elb.rule\"]\n\
         conditions = [{{ http_header = {{ name = \"X\", values = [\"hunter2\"] }} }}]\n"
    );
    let generated = "[parameter.token]\ngenerate = true\n[parameter.token.override.\"ssm.parameter\"]\n\
                     type = \"String\"\nvalue = \"hunter2\"\n";
    let distribution = EXAMPLES[1].replacen(
        "[distribution.site]\n",
        "[distribution.site]\noverride.\"cloudfront.distribution\".origins.\"load_balancer.edge\".custom_headers = { X-Origin-Verify = \"hunter2\" }\n",
        1,
    );
    assert_ne!(distribution, EXAMPLES[1]);
    let told: Vec<String> = [rule, fresh, generated.to_owned()].iter().map(|text| refused(text)).collect();
    let last = expanded(&distribution, &answers()).err().unwrap();
    let hidden = |text: &str| !text.lines().any(|line| line.starts_with("error") && line.contains("hunter2"));
    assert!(told.iter().chain([&last]).all(|text| hidden(text)));
    snapshot!(format!("{}\n{last}", told.join("\n")));
}

#[test]
fn references_are_not_filled_in_and_variables_of_policies_are_left_alone() {
    let policy = "[service.web.override.\"iam.role.task\"]\n\
                  inline_policies.more.Statement = [{ Effect = \"Allow\", Action = [\"s3:GetObject\"], Resource = [\"arn:aws:s3:::b/${aws:username}/*\"] }]\n";
    let now = made(&with(policy));
    let text = spec(&now.resources, "service.web/iam.role.task").to_string();
    assert!(text.contains("arn:aws:s3:::b/${aws:username}/*"), "{text}");
    snapshot!(refused(&with(
        "[service.web.override.\"ecs.task_definition\".containers.web.environment]\n\
         URL = \"http://${load_balancer.edge.dns_name}/\"\nVPC = \"${stack:platform/network.main.vpc_id}\"\n"
    )));
}

#[test]
fn what_ecs_would_refuse_is_told_at_the_key_to_blame() {
    snapshot!(refused(&with(
        "[service.web.override.\"ecs.task_definition\"]\nmemory = 700\n\
         [service.web.override.\"ecs.task_definition\".containers.web]\nessential = false\n\
         depends_on = { proxy = \"START\" }\nmount_points.\"/data\" = { source_volume = \"data\" }\n"
    )));
}

#[test]
fn a_service_and_its_containers_stay_together() {
    let definition =
        "[service.web.override.\"ecs.task_definition\"]\ncontainers.web.port_mappings = [{ container_port = 81 }]\n";
    let served = format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\n[cluster.main]\nnamespace = \"um\"\n\
         [service.web]\nimage = \"web:1\"\nports = {{ http = 80 }}\nserve = {{ port = \"http\" }}\n{definition}"
    );
    let service = "[service.web.override.\"ecs.service\"]\n\
                   load_balancers = [{ target_group = \"arn:x\", container_name = \"app\", container_port = 80 }]\n";
    let told = [with(definition), served, with(service)].map(|text| refused(&text));
    snapshot!(told.join("\n"));
}

/// Both at once hang together: nothing is wrong with either.
#[test]
fn a_port_can_be_moved_in_both() {
    let text = with(
        "[service.web.override.\"ecs.task_definition\"]\ncontainers.web.port_mappings = [{ container_port = 81 }]\n\
         [service.web.override.\"ecs.service\"]\n\
         load_balancers = [{ target_group = \"arn:x\", container_name = \"web\", container_port = 81 }]\n",
    );
    assert_eq!(spec(&made(&text).resources, TASKS)["containers"]["web"]["port_mappings"][0]["container_port"], 81);
}

/// Each override that says nothing, of whatever the examples make, changes nothing: every spec goes through the tree, its schema
/// and its type, and comes back.
#[test]
fn an_empty_override_of_anything_changes_nothing() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests");
    let mut tree = StackFiles::from_dir(&examples, &Limits::default()).unwrap();
    for (n, text) in EXAMPLES.iter().enumerate() {
        tree.files.insert(format!("docs-{n}/stack.toml"), FileEntry::Bytes(text.as_bytes().to_vec()));
    }
    let mut overridden = std::collections::BTreeSet::new();
    for dir in find_stacks(&tree) {
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let mut manifest = load(&tree, &dir, &language(), &mut sources, &mut problems).unwrap();
        let before = expand(&manifest, &answers(), &mut problems).unwrap();
        override_all(&mut manifest, &before, &mut overridden);
        let after = expand(&manifest, &answers(), &mut problems);
        let after = after.unwrap_or_else(|| panic!("{dir}: {}", render_text(&problems, &sources, false)));
        assert_eq!(differing(&before, &after), [] as [&str; 0], "{dir}");
    }
    let missing = agent_model::kinds::table();
    let missing: Vec<&str> = missing.iter().map(|kind| kind.name).filter(|kind| !overridden.contains(*kind)).collect();
    assert_eq!(missing, ["ec2.security_group_rule"], "the examples make none of these");
}

fn override_all(manifest: &mut Manifest, made: &Expanded, all: &mut std::collections::BTreeSet<String>) {
    for decl in &mut manifest.components {
        let own = decl.address();
        for resource in made.resources.iter().filter(|resource| resource.address.component() == own) {
            let (_, which) = resource.address.as_str().split_once('/').unwrap();
            all.insert(resource.address.kind().to_owned());
            for which in [which, resource.address.kind()] {
                let empty = Node { span: decl.name_span.clone(), value: Value::Table(Table::new()) };
                decl.common.overrides.entry(which.to_owned()).or_insert(empty);
            }
        }
    }
}
