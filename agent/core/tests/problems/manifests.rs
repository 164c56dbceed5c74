//! Problems of what a manifest says.

use agent_core::manifest::{Declaration, Mode};

use crate::{HEADER, after_header, load_tree, shown, snapshot, tree};

#[test]
fn a_sound_stack_gives_all_that_it_says() {
    let text = r#"
[service.web]
image = "web:1"
memory = 512
env = { A = "1" }
protect = true
adopt = { "ecs.service" = "arn:x" }
ignore = [{ path = "ecs.service/desired_count", reason = "autoscaling" }]
log = { cloudwatch = { days = 3 } }
deploy = { strategy = "canary", percent = 10 }

[service.web.override."ecs.service"]
platform_version = "1.4.0"

[dns."app.example.org"]
to = "load_balancer.web"

[ec2.security_group.extra]
description = "x"

[[exception]]
rule = "a"
reason = "b"
"#;
    let more = "[network.main]\n[[exception]]\nrule = \"c\"\nreason = \"d\"\n[ec2.security_group.other]\ndescription = \"y\"\n";
    let (manifest, problems, _) =
        load_tree(&tree(&[("stack.toml", &format!("{HEADER}mode = \"report\"\n{text}")), ("b.toml", more)]));
    assert!(problems.is_empty(), "{problems:?}");
    let manifest = manifest.unwrap();
    assert_eq!(manifest.stack.name, "um");
    assert_eq!(manifest.stack.mode, Mode::Report);
    let names: Vec<String> = manifest.components.iter().map(Declaration::address).collect();
    assert_eq!(names, ["service.web", "dns.app.example.org", "network.main"]);
    let direct: Vec<String> = manifest.direct.iter().map(Declaration::address).collect();
    assert_eq!(direct, ["ec2.security_group.extra", "ec2.security_group.other"]);
    let web = manifest.component("service", "web").unwrap();
    assert!(web.sound);
    assert_eq!(web.common.protect, Some(true));
    assert_eq!(web.common.adopt["ecs.service"], "arn:x");
    assert_eq!(web.common.ignore[0].reason, "autoscaling");
    assert_eq!(web.common.overrides["ecs.service"].to_json(), serde_json::json!({ "platform_version": "1.4.0" }));
    assert_eq!(web.node.to_json()["env"], serde_json::json!({ "A": "1" }));
    assert!(web.node.as_table().unwrap().get("protect").is_none());
    assert_eq!(manifest.sections["exception"].to_json().as_array().unwrap().len(), 2);
}

#[test]
fn unknown_key_near_a_known_one() {
    snapshot!(after_header("[service.web]\nimgae = \"web:1\"\nmemory = 512\nlogLevel = \"x\"\nportz = {}\n"));
}

#[test]
fn a_misspelt_key_is_not_missing_too() {
    let text = after_header("[service.web]\nimgae = \"web:1\"\nmemory = 512\n");
    assert!(!text.contains("missing-key"), "{text}");
}

#[test]
fn unknown_key_far_from_all() {
    snapshot!(after_header("[service.web]\nimage = \"web:1\"\nmemory = 512\nzebra = 1\n"));
}

#[test]
fn common_keys_are_suggested_too() {
    snapshot!(after_header("[service.web]\nimage = \"web:1\"\nmemory = 512\nprotected = true\n"));
}

#[test]
fn unknown_key_deep_in_lists() {
    snapshot!(after_header(
        "[service.web]\nimage = \"web:1\"\nmemory = 512\nexpose = [\n  { load_balancer = \"a\", listener = 1 },\n  { loadbalancer = \"edge\", listener = 443, pfad = \"/\" },\n]\n"
    ));
}

#[test]
fn missing_keys() {
    snapshot!(after_header(
        "[service.web]\ncpu = 256\n\n[service.api]\nimage = \"a\"\nmemory = 1\n\n[[service.api.expose]]\n\n[load_balancer.edge]\n"
    ));
}

#[test]
fn wrong_types() {
    snapshot!(after_header(
        "[service.web]\nimage = 3\nmemory = \"512\"\ncount = 1.5\nports = [80]\ncommand = \"serve\"\npublic = \"true\"\nenv = { PORT = 8080, ON = true, DAY = 2026-01-01 }\nspread = \"wide\"\n"
    ));
}

#[test]
fn numbers_out_of_range() {
    snapshot!(after_header(
        "[service.web]\nimage = \"a\"\nmemory = -1\ncpu = 32768\nports = { http = 70000 }\ncount = 99999999999999999999\nspread = inf\n"
    ));
}

#[test]
fn too_few_and_too_many() {
    snapshot!(after_header(
        "[service.web]\nimage = \"a\"\nmemory = 1\nexpose = []\nuses = [\"a\", \"b\", \"a\"]\n[service.api]\nimage = \"a\"\nmemory = 1\nexpose = [{load_balancer = \"a\", listener = 1}, {load_balancer = \"a\", listener = 1}, {load_balancer = \"a\", listener = 1}]\n"
    ));
}

#[test]
fn a_value_that_is_not_in_the_list() {
    snapshot!(after_header(
        "[service.web]\nimage = \"a\"\nmemory = 1\narch = \"arm46\"\n[service.api]\nimage = \"a\"\nmemory = 1\narch = \"riscv\"\nlog = \"of\"\n"
    ));
}

#[test]
fn a_tagged_variant() {
    snapshot!(after_header(
        "[service.a]\nimage = \"a\"\nmemory = 1\ndeploy = { strategy = \"bluegreen\" }\n[service.b]\nimage = \"a\"\nmemory = 1\ndeploy = { percent = 3 }\n[service.c]\nimage = \"a\"\nmemory = 1\ndeploy = { strategy = \"canary\", percent = 300, bake_minutes = 1 }\n"
    ));
}

#[test]
fn an_untagged_variant() {
    snapshot!(after_header(
        "[service.a]\nimage = { repository = \"r\", tagg = \"1\" }\nmemory = 1\n[service.b]\nimage = { repository = \"r\", digest = 5 }\nmemory = 1\n[load_balancer.c]\nlisteners = {}\nzones = { a = 1 }\n[load_balancer.d]\nlisteners = {}\nzones = [\"a\", 2]\n"
    ));
}

#[test]
fn a_variant_named_by_its_key() {
    snapshot!(after_header(
        "[service.a]\nimage = \"a\"\nmemory = 1\nlog = { cloudwach = { days = 1 } }\n[service.b]\nimage = \"a\"\nmemory = 1\nlog = { cloudwatch = { days = \"x\" } }\n[service.c]\nimage = \"a\"\nmemory = 1\nlog = { cloudwatch = { days = 1 }, firehose = { stream = \"s\" } }\n"
    ));
}

#[test]
fn keys_that_are_numbers() {
    snapshot!(after_header("[load_balancer.edge]\nlisteners = { https = {}, 80 = { redirekt = 443 }, 70000 = {} }\n"));
}

#[test]
fn a_check_of_the_type_itself() {
    // The schema takes any text; the problem comes from serde, once a component is typed, so it is in `decoding`.
    let (manifest, problems, _) =
        load_tree(&tree(&[("stack.toml", &format!("{HEADER}[network.main]\ncidr = \"10.0.0.0\"\n"))]));
    assert!(problems.is_empty());
    assert!(manifest.unwrap().components[0].sound);
}

#[test]
fn unknown_component_type_near_and_far() {
    snapshot!(after_header("[sevice.web]\nimage = \"a\"\n\n[kubernetes.main]\n\n[stak]\nname = \"x\"\n"));
}

#[test]
fn a_key_outside_of_any_table() {
    snapshot!(shown(&tree(&[("stack.toml", &format!("region = \"eu-west-1\"\n{HEADER}"))])));
}

#[test]
fn a_component_without_a_name() {
    snapshot!(after_header(
        "[service]\nimage = \"a\"\nmemory = 1\n\n[network]\n\n[[load_balancer.edge]]\nlisteners = {}\n\n[[dns]]\nto = \"x\"\n"
    ));
}

#[test]
fn bad_names() {
    snapshot!(after_header(
        "[network.Main_Net]\n[network.-a]\n[network.a--b]\n[network.\"\"]\n[network.\"über\"]\n[dns.localhost]\nto = \"x\"\n[dns.\"App.Example.Org.\"]\nto = \"x\"\n"
    ));
}

#[test]
fn too_long_names() {
    snapshot!(after_header(&format!("[network.{}]\n", "n".repeat(33))));
}

#[test]
fn direct_resources() {
    snapshot!(after_header(
        "[ec2.security_group.extra]\ndescripton = \"x\"\n[ec2.securitygroup.a]\n[ec2.vpc.main]\n[ec2.security_group]\n"
    ));
}

#[test]
fn common_keys() {
    snapshot!(after_header(
        "[network.a]\nprotect = \"yes\"\nrenamed_from = \"b\"\nadopt = { \"ec2.vcp\" = \"vpc-1\" }\nignore = [{ path = \"x\" }]\n[network.b]\nignore = [{ path = \"\", reason = \" \" }]\n[network.c]\nrenamed_from = \"old\"\n[network.d]\nrenamed_from = \"old\"\n[network.d.override]\n\"ec2.vcp\" = { a = 1 }\n\"ec2.vpc\" = 3\n"
    ));
}

#[test]
fn sections() {
    snapshot!(after_header("[outputs]\nvpc = 3\n[[exception]]\nrule = \"a\"\nresaon = \"b\"\n"));
}

#[test]
fn the_same_component_in_two_files() {
    snapshot!(shown(&tree(&[
        ("stack.toml", &format!("{HEADER}\n[service.web]\nimage = \"a\"\nmemory = 1\n")),
        ("web.toml", "# more\n[service.web.env]\nA = \"1\"\n"),
    ])));
}

#[test]
fn the_same_key_in_two_files() {
    snapshot!(shown(&tree(&[("stack.toml", HEADER), ("a.toml", "[stack]\nname = \"other\"\n")])));
}

#[test]
fn two_files_make_one_manifest() {
    let (manifest, problems, _) = load_tree(&tree(&[
        ("a.toml", "[network.main]\n[stack.allow]\nremovals = 2\n"),
        ("stack.toml", &format!("{HEADER}\n[network.other]\n")),
        ("deeper/c.toml", "not = toml = at all"),
        (".hidden.toml", "not = toml = at all"),
    ]));
    assert!(problems.is_empty(), "{problems:?}");
    let manifest = manifest.unwrap();
    assert_eq!(manifest.components.len(), 2);
    assert_eq!(manifest.stack.allow.removals, 2);
}

#[test]
fn no_header() {
    snapshot!(shown(&tree(&[("stack.toml", "[network.main]\n")])));
}

#[test]
fn an_empty_file() {
    snapshot!(shown(&tree(&[("stack.toml", "")])));
}

#[test]
fn no_stack_file() {
    snapshot!(shown(&tree(&[("um/stack.toml", HEADER), ("staging/stack.toml", HEADER)])));
}

#[test]
fn a_bad_header() {
    snapshot!(shown(&tree(&[(
        "stack.toml",
        "[stack]\nname = \"Um_Prod\"\naccount = \"1234\"\nregion = \"Ireland\"\nfiles_image = \"a b\"\n[stack.allow]\ndelete = [\"database\"]\n"
    )])));
}

#[test]
fn a_header_of_the_wrong_types() {
    snapshot!(shown(&tree(&[(
        "stack.toml",
        "[stack]\naccount = 123456789012\nmode = \"aply\"\nregion = [\"eu-west-1\"]\n[stack.allow]\nremovals = -1\n"
    )])));
}

#[test]
fn a_stack_name_that_begins_with_a_digit() {
    snapshot!(shown(&tree(&[("stack.toml", "[stack]\nname = \"1um\"\nregion = \"eu-west-1\"\n")])));
}

#[test]
fn bad_tags() {
    let text = format!(
        "[stack.tags]\n\"AWS:x\" = \"1\"\n\"gitops-agent:stack\" = \"1\"\n\"\" = \"1\"\n\"{}\" = \"1\"\nlong = \"{}\"\n\"a;b\" = \"1\"\nok = \"a b+c\"\n",
        "k".repeat(129),
        "v".repeat(257)
    );
    snapshot!(after_header(&text));
}

#[test]
fn too_many_tags() {
    let tags: String = (0..41).map(|n| format!("t{n} = \"x\"\n")).collect();
    snapshot!(after_header(&format!("[stack.tags]\n{tags}")));
}

#[test]
fn all_problems_of_a_stack_in_one_run() {
    let text = shown(&tree(&[
        ("a.toml", "[service.a]\nimgae = 1\nmemory = 1\n"),
        ("b.toml", "[service.b\nimage = \"b\"\n"),
        ("c.toml", "[sevice.c]\n"),
        (
            "stack.toml",
            "[stack]\nname = \"UM\"\nregion = \"eu-west-1\"\nregion = \"eu-west-2\"\n[network.Main]\ncird = 1\n",
        ),
    ]));
    for code in ["unknown-key", "syntax", "unknown-component", "bad-name", "defined-twice"] {
        assert!(text.contains(code), "{code} is missing");
    }
    snapshot!(text);
}

#[test]
fn what_is_not_sound_is_still_there_to_be_referred_to() {
    let (manifest, problems, _) =
        load_tree(&tree(&[("stack.toml", &format!("{HEADER}[network.main]\nx = 1\n[network.other]\n"))]));
    assert_eq!(problems.len(), 1);
    let manifest = manifest.unwrap();
    assert!(!manifest.component("network", "main").unwrap().sound);
    assert!(manifest.component("network", "other").unwrap().sound);
}

#[test]
fn a_kind_of_an_override_that_is_not_in_quotes() {
    let header = "[service.web]\nimage = \"web:1\"\nmemory = 512\n";
    snapshot!(after_header(&format!("{header}[service.web.override.ecs.service]\nname = \"x\"\n")));
}
