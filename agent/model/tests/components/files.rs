//! Config files in containers: what they expand to, what an edit of one does, and how long old content stays.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::life::Stage;
use crate::{BASE, answers, expanded_with, snapshot, spec};

/// A header with the image that unpacks.
const HEADER: &str = "[stack]\nname = \"hello\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\
    files_image = \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/gitops-agent@sha256:0123\"\n";

const NGINX: &str = "worker_processes 1;\nevents {}\nhttp {\n  include mime.types;\n  server {\n    listen 8080;\n    \
    location / { proxy_set_header Host $host; proxy_pass http://${load_balancer.edge.dns_name}; }\n    \
    location /b { return 200 \"$$${load_balancer.edge.dns_name}\"; }\n  }\n}\n";

const WEB: &str = "[service.web]\nimage = \"nginx:1.27\"\nport = 8080\n[service.web.files]\n\
    \"/etc/nginx/nginx.conf\" = { source = \"config/nginx.conf\", mode = \"640\", owner = \"101:101\", interpolate = true }\n\
    \"/etc/nginx/conf.d/empty.conf\" = \"config/empty.conf\"\n";

fn expanded(text: &str, beside: &[(&str, &[u8])]) -> Result<agent_model::expand::Expanded, String> {
    expanded_with(&format!("{HEADER}\n{BASE}\n{text}"), beside, &answers())
}

fn made(text: &str, beside: &[(&str, &[u8])]) -> agent_model::expand::Expanded {
    expanded(text, beside).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(text: &str, beside: &[(&str, &[u8])]) -> String {
    match expanded(text, beside) {
        Ok(_) => panic!("nothing was found to be wrong"),
        Err(problems) => problems,
    }
}

/// What a service with files is made of, but for what every service has.
fn shown(stack: &agent_model::expand::Expanded, service: &str) -> String {
    let definition = spec(&stack.resources, &format!("{service}/ecs.task_definition"));
    let role = spec(&stack.resources, &format!("{service}/iam.role.task"));
    let files = stack.resources.iter().filter(|resource| resource.address.kind() == "ssm.file");
    let all = serde_json::json!({
        "containers": definition["containers"],
        "volumes": definition["volumes"],
        "task role": role["inline_policies"],
        "files": files.map(|file| (file.address.to_string(), file.spec.value())).collect::<BTreeMap<_, _>>(),
    });
    serde_json::to_string_pretty(&all).unwrap()
}

#[test]
fn an_nginx_with_its_configuration() {
    let beside = [("config/nginx.conf", NGINX.as_bytes()), ("config/empty.conf", b"".as_slice())];
    snapshot!(shown(&made(WEB, &beside), "service.web"));
}

#[test]
fn an_exchange_with_two_files_and_a_sidecar() {
    let text = "[service.inbox]\nimage = \"exchange:1\"\ncontainer = { read_only = true, writable = [\"/tmp\"] }\n\
        [service.inbox.files]\n\"/etc/inbox/inbox.yaml\" = \"config/inbox.yaml\"\n\
        \"/opt/app/rules/rules.yaml\" = { source = \"config/rules.yaml\", replace_dir = true }\n\
        [service.inbox.sidecar.proxy]\nimage = \"envoy:1\"\nports = { web = 8443 }\nread_only = true\nwritable = [\"/tmp\"]\n\
        depends_on = { inbox = \"start\" }\n";
    let beside = [("config/inbox.yaml", b"inbox: {}\n".as_slice()), ("config/rules.yaml", b"rules: [ '{{ x }}' ]\n")];
    snapshot!(shown(&made(text, &beside), "service.inbox"));
}

#[test]
fn a_service_without_files_is_as_it_was() {
    let with = made("[service.web]\nimage = \"nginx:1.27\"\nport = 8080\n", &[]);
    let text = crate::HEADER.replace("\"um\"", "\"hello\"");
    let without = format!("{text}\n{BASE}\n[service.web]\nimage = \"nginx:1.27\"\nport = 8080\n");
    let without = crate::expanded(&without, &answers()).unwrap();
    let specs = |stack: &agent_model::expand::Expanded| -> BTreeMap<String, Value> {
        stack.resources.iter().map(|one| (one.address.to_string(), one.spec.value())).collect()
    };
    assert_eq!(specs(&with), specs(&without), "`files_image` alone changes something");
}

#[test]
fn files_of_one_content_are_one_parameter_and_those_of_two_services_are_two() {
    let text = "[service.a]\nimage = \"a:1\"\nfiles = { \"/etc/a/x\" = \"x\", \"/etc/b/y\" = \"x\" }\n\
        [service.b]\nimage = \"b:1\"\nfiles = { \"/etc/a/x\" = \"x\" }\n";
    let stack = made(text, &[("x", b"content")]);
    let files: Vec<&str> = stack
        .resources
        .iter()
        .filter(|one| one.address.kind() == "ssm.file")
        .map(|one| one.address.component())
        .collect();
    assert_eq!(files, ["service.a", "service.b"]);
}

#[test]
fn what_a_task_needs_for_its_files_is_opened() {
    let stack = made("[service.web]\nimage = \"nginx:1.27\"\nfiles = { \"/etc/a/x\" = \"x\" }\n", &[("x", b"content")]);
    let all = crate::addresses(&stack.resources);
    for endpoint in ["ecr-api", "ecr-dkr", "logs", "s3", "ssm"] {
        let address = format!("network.main/ec2.vpc_endpoint.{endpoint}");
        assert!(all.contains(&address.as_str()), "{address}");
    }
    let execution = spec(&stack.resources, "service.web/iam.role.execution").to_string();
    assert!(execution.contains("arn:aws:ecr:eu-west-1:123456789012:repository/gitops-agent"), "{execution}");
    assert!(!execution.contains("ssm:"), "the program acts as the task: {execution}");
}

/// A stack of two services, each with a file of its own.
fn two(one: &str, more: &str) -> (String, Vec<(&'static str, Vec<u8>)>) {
    let text = format!(
        "{HEADER}\n{BASE}\n[service.one]\nimage = \"one:1\"\n{more}\nfiles = {{ \"/etc/one/a\" = \"a\", \"/etc/one/b\" = \"b\" }}\n\
         [service.two]\nimage = \"two:1\"\nfiles = {{ \"/etc/two/c\" = \"c\" }}\n"
    );
    (text, vec![("a", one.as_bytes().to_vec()), ("b", b"b".to_vec()), ("c", b"c".to_vec())])
}

/// Applies it, and gives kind and deed of each call that changed something.
async fn apply(stage: &Stage, (text, beside): (String, Vec<(&'static str, Vec<u8>)>)) -> Vec<String> {
    let beside: Vec<(&str, &[u8])> = beside.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
    let stack = expanded_with(&text, &beside, &answers()).unwrap_or_else(|problems| panic!("{problems}"));
    let writes = stage.apply_desired(stack.desired().unwrap()).await;
    writes.iter().map(|call| call.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// The contents that AWS holds.
fn held(stage: &Stage) -> BTreeSet<String> {
    let objects = stage.fake.objects().into_values().filter(|live| live.kind == "ssm.file");
    objects.map(|live| live.spec.value()["value"]["$at_create"].as_str().unwrap_or_default().to_owned()).collect()
}

fn contents(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

const MOVED: [&str; 3] = ["ssm.file Create", "ecs.task_definition Create", "ecs.service Update"];

#[tokio::test(start_paused = true)]
async fn an_edit_of_one_file_touches_its_service_alone_and_old_content_stays_with_the_definition_that_names_it() {
    let stage = Stage::new();
    apply(&stage, two("first", "")).await;
    assert_eq!(apply(&stage, two("first", "")).await, [""; 0]);
    assert_eq!(apply(&stage, two("second", "")).await, MOVED);
    assert_eq!(held(&stage), contents(&["first", "second", "b", "c"]), "the definition before may be rolled back to");
    assert_eq!(apply(&stage, two("second", "")).await, [""; 0]);
    let mut writes = apply(&stage, two("third", "")).await;
    assert_eq!(writes.drain(..3).collect::<Vec<_>>(), MOVED);
    assert_eq!(writes, ["ecs.task_definition Delete", "ssm.file Delete"], "first the one that names it");
    assert_eq!(held(&stage), contents(&["second", "third", "b", "c"]));
    // A revision that changes no file drops what the oldest definition alone named.
    apply(&stage, two("third", "cpu = 512\nmemory = 1024")).await;
    assert_eq!(held(&stage), contents(&["third", "b", "c"]));
}

#[tokio::test(start_paused = true)]
async fn a_revert_finds_the_content_and_the_definition_before() {
    let stage = Stage::new();
    apply(&stage, two("first", "")).await;
    apply(&stage, two("second", "")).await;
    assert_eq!(apply(&stage, two("first", "")).await, ["ecs.service Update"]);
    assert_eq!(held(&stage), contents(&["first", "second", "b", "c"]));
    assert_eq!(apply(&stage, two("second", "")).await, ["ecs.service Update"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_somebody_wrote_over_gets_its_content_back_and_no_task_starts_anew() {
    let stage = Stage::new();
    apply(&stage, two("first", "")).await;
    let objects = stage.fake.objects();
    let (id, _) = objects.iter().find(|(_, live)| live.kind == "ssm.file").unwrap();
    stage.fake.alter(id, |spec| spec["intact"] = false.into());
    assert_eq!(apply(&stage, two("first", "")).await, ["ssm.file Update"]);
}

#[tokio::test(start_paused = true)]
async fn what_only_aws_knows_is_in_the_definition_and_not_in_the_file() {
    let stage = Stage::new();
    let web = |name: &str| {
        let beside = vec![("config/nginx.conf", NGINX.as_bytes().to_vec()), ("config/empty.conf", Vec::new())];
        (format!("{HEADER}\n{BASE}\n{}", WEB.replace("service.web", name)), beside)
    };
    apply(&stage, web("service.web")).await;
    assert_eq!(apply(&stage, web("service.web")).await, [""; 0]);
    let objects = stage.fake.objects();
    let of_kind = |kind: &str| objects.values().find(|live| live.kind == kind).unwrap().clone();
    let dns_name = of_kind("elb.load_balancer").field("dns_name").unwrap();
    let environment = &of_kind("ecs.task_definition").spec.value()["containers"]["agent-files"]["environment"];
    assert_eq!(environment["GITOPS_AGENT_VALUE_0"], dns_name);
    let held = held(&stage).into_iter().find(|content| content.contains("mime.types")).unwrap();
    let list: Value = serde_json::from_str(environment["GITOPS_AGENT_FILES"].as_str().unwrap()).unwrap();
    let file = &list["directories"][0]["files"][1];
    let at = |n: usize| usize::try_from(file["insertions"][n]["at"].as_u64().unwrap()).unwrap();
    let whole = format!("{}X{}X{}", &held[..at(0)], &held[at(0)..at(1)], &held[at(1)..]);
    assert_eq!(whole, NGINX.replace("$$", "$").replace("${load_balancer.edge.dns_name}", "X"));
    assert_eq!((&file["mode"], &file["owner"]), (&Value::from("0640"), &Value::from("101:101")));
}

#[tokio::test(start_paused = true)]
async fn files_go_with_their_service() {
    let stage = Stage::new();
    apply(&stage, two("first", "")).await;
    apply(&stage, two("second", "")).await;
    let (text, beside) = two("second", "");
    let end = text.find("[service.one]").unwrap();
    let rest = text.find("[service.two]").unwrap();
    apply(&stage, (format!("{}{}", &text[..end], &text[rest..]), beside)).await;
    assert_eq!(held(&stage), contents(&["c"]));
}

#[test]
fn places_that_no_file_can_have() {
    let targets = [
        "etc/a/x",
        "/x",
        "/etc/a/../x",
        "/etc/a//x",
        "/etc/a/",
        "/proc/sys/x",
        "/dev/x",
        "/sys/x",
        "/gitops-agent/bin/x",
        "/etc/a b/x",
        "/etc/conf",
        "/etc/conf/x",
    ];
    let files: String = targets.iter().map(|target| format!("\"{target}\" = \"x\"\n")).collect();
    snapshot!(refused(&format!("[service.web]\nimage = \"web:1\"\n[service.web.files]\n{files}"), &[("x", b"x")]));
}

#[test]
fn sources_modes_and_owners_that_are_none() {
    let noise: Vec<u8> =
        (0u64..2600).flat_map(|n| agent_core::doc::digest(&n.to_string()).into_bytes()).take(165_000).collect();
    let text = "[service.web]\nimage = \"web:1\"\n[service.web.files]\n\"/etc/a/missing\" = \"config/nignx.conf\"\n\
        \"/etc/a/outside\" = \"../x\"\n\"/etc/a/large\" = \"large\"\n\
        \"/etc/a/mode\" = { source = \"config/nginx.conf\", mode = \"rw\" }\n\
        \"/etc/a/setuid\" = { source = \"config/nginx.conf\", mode = \"4755\" }\n\
        \"/etc/a/owner\" = { source = \"config/nginx.conf\", owner = \"nginx\" }\n\
        \"/etc/a/bytes\" = { source = \"bytes\", interpolate = true }\n\
        \"/etc/a/key\" = { source = \"config/nginx.conf\", onwer = \"1:1\" }\n";
    let beside = [("config/nginx.conf", b"x".as_slice()), ("large", &noise), ("bytes", &[0xff])];
    // Problems of keys are found before those of what they say.
    let sound: String = text.lines().filter(|line| !line.contains("/key")).map(|line| format!("{line}\n")).collect();
    snapshot!(format!("{}\n{}", refused(text, &beside), refused(&sound, &beside)));
}

#[test]
fn references_in_a_file_that_lead_nowhere() {
    let text = "[parameter.token]\ngenerate = true\n[service.web]\nimage = \"web:1\"\n[service.web.files]\n\
        \"/etc/a/x\" = { source = \"config/x\", interpolate = true }\n\"/etc/a/y\" = \"config/x\"\n";
    let file =
        "one\n  two ${parameter.token.value}\n${load_balancer.edge.dns}\n$host $$ ${HOST}\n${never closed\nmore\n";
    snapshot!(refused(text, &[("config/x", file.as_bytes())]));
}

#[test]
fn directories_that_cannot_be_both() {
    let text = "[service.web]\nimage = \"web:1\"\ncontainer = { read_only = true, writable = [\"/etc/c/cache\", \"/tmp\"] }\n\
        [service.web.files]\n\"/etc/a/one\" = { source = \"x\", replace_dir = true }\n\
        \"/etc/a/two\" = { source = \"x\", replace_dir = false }\n\"/etc/a/three\" = \"x\"\n\
        \"/etc/b/one\" = \"x\"\n\"/etc/b/below/two\" = { source = \"x\", replace_dir = true }\n\
        \"/etc/c/one\" = \"x\"\n";
    snapshot!(refused(text, &[("x", b"x")]));
}

#[test]
fn files_that_nobody_unpacks() {
    let text =
        format!("{}\n{BASE}\n[service.web]\nimage = \"web:1\"\nfiles = {{ \"/etc/a/x\" = \"x\" }}\n", crate::HEADER);
    snapshot!(expanded_with(&text, &[("x", b"x")], &answers()).map(|_| ()).unwrap_err());
}

#[test]
fn names_that_files_need() {
    let text = "[parameter.mine]\nvalue = \"x\"\nname = \"/hello/files/web/x\"\n\
        [service.agent-files]\nimage = \"web:1\"\nfiles = { \"/etc/a/x\" = \"x\" }\n\
        [service.web]\nimage = \"web:1\"\nfiles = { \"/etc/a/x\" = \"x\" }\n[service.web.sidecar.agent-files-program]\nimage = \"p\"\n";
    snapshot!(refused(text, &[("x", b"x")]));
}

#[test]
fn more_files_than_a_definition_can_name() {
    let files: String = (0..200).map(|n| format!("\"/etc/a/{n}\" = \"x\"\n")).collect();
    snapshot!(refused(&format!("[service.web]\nimage = \"web:1\"\n[service.web.files]\n{files}"), &[("x", b"x")]));
}

#[test]
fn more_containers_than_a_task_can_have() {
    let sidecars: String = (0..8).map(|n| format!("[service.web.sidecar.s{n}]\nimage = \"s:1\"\n")).collect();
    let text = |files: &str| format!("[service.web]\nimage = \"web:1\"\n{files}\n{sidecars}");
    made(&text(""), &[]);
    snapshot!(refused(&text("files = { \"/etc/a/x\" = \"x\" }"), &[("x", b"x")]));
}
