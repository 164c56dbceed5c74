//! Several containers in a task, what they wait for, and environment variables from files.

use serde_json::json;

use crate::{BASE, HEADER, answers, expanded_with, made, refused, snapshot, spec};

fn service(keys: &str) -> String {
    format!("{BASE}\n[service.web]\nimage = \"web:1\"\n{keys}\n")
}

fn definition(text: &str) -> serde_json::Value {
    spec(&made(text).resources, "service.web/ecs.task_definition")
}

#[test]
fn a_task_of_many_containers() {
    let text = service(
        "port = 8080\nstorage = 30\narch = \"arm64\"\nlogs = { multiline = \"^\\\\d{4}\", blocking = true }\n\
         expose = [{ path = \"/a\" }, { path = \"/b\", port = \"tls\" }]\n\
         [service.web.container]\ndepends_on = { proxy = \"healthy\", migrate = \"success\" }\nread_only = true\n\
         writable = [\"/tmp\", \"/var/cache/nginx\"]\nuser = \"101:101\"\nstop_timeout = 60\nmemory_reservation = 256\n\
         ulimits = { nofile = 65536 }\n\
         [service.web.sidecar.proxy]\nimage = \"envoy:1\"\nports = { tls = 8443 }\ncpu = 64\nmemory = 128\n\
         health = { command = [\"true\"] }\nenv = { HOST = \"${load_balancer.edge.dns_name}\" }\n\
         [service.web.sidecar.migrate]\nimage = \"web:1\"\ncommand = [\"migrate\"]\nessential = false\n\
         secrets = { KEY = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password\" }\n",
    );
    let mut definition = definition(&text);
    for role in ["execution_role", "task_role"] {
        definition.as_object_mut().unwrap().remove(role);
    }
    let service = spec(&made(&text).resources, "service.web/ecs.service");
    let execution = spec(&made(&text).resources, "service.web/iam.role.execution");
    snapshot!(
        serde_json::to_string_pretty(&json!({
            "definition": definition,
            "load balancers": service["load_balancers"],
            "secrets": execution["inline_policies"]["secrets"],
        }))
        .unwrap()
    );
}

#[test]
fn a_shell_in_the_containers() {
    let stack = made(&service("exec = true\n"));
    assert_eq!(spec(&stack.resources, "service.web/ecs.service")["enable_execute_command"], true);
    let task = spec(&stack.resources, "service.web/iam.role.task")["inline_policies"]["exec"].to_string();
    let actions = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"];
    assert!(actions.iter().all(|action| task.contains(&format!("ssmmessages:{action}"))), "{task}");
    let container = &spec(&stack.resources, "service.web/ecs.task_definition")["containers"]["web"];
    assert_eq!(container["linux_parameters"]["init_process_enabled"], true);
    assert!(crate::addresses(&stack.resources).contains(&"network.main/ec2.vpc_endpoint.ssmmessages"));
}

#[test]
fn env_wins_over_its_file() {
    let text = format!("{HEADER}\n{}", service("env = { A = \"own\" }\nenv_file = \"web.env\"\n"));
    let files: [&[u8]; 2] =
        [b"A=file\nB='$x'\n", b"[{\"name\": \"A\", \"value\": \"file\"}, {\"name\": \"B\", \"value\": \"$x\"}]"];
    for file in files {
        let stack = expanded_with(&text, &[("web.env", file)], &answers()).unwrap();
        let definition = spec(&stack.resources, "service.web/ecs.task_definition");
        assert_eq!(definition["containers"]["web"]["environment"], json!({"A": "own", "B": "$x"}));
    }
}

#[test]
fn files_of_variables_that_are_none() {
    let text = format!(
        "{HEADER}\n{}",
        service(
            "env_file = \"web.env\"\nsecrets = { TOKEN = \"arn:aws:ssm:eu-west-1:123456789012:parameter/a\" }\n\
             [service.web.sidecar.a]\nimage = \"a\"\nenv_file = \"missing.env\"\n\
             [service.web.sidecar.b]\nimage = \"b\"\nenv_file = \"b.json\"\n"
        )
    );
    let beside = [("web.env", b"TOKEN=x\nNO VALUE\nA=1\nA=2\n".as_slice()), ("b.json", b"[\n{\"name\": 1}]")];
    snapshot!(expanded_with(&text, &beside, &answers()).map(|_| ()).unwrap_err());
}

#[test]
fn containers_that_never_start() {
    snapshot!(refused(&service(
        "[service.web.container]\ndepends_on = { a = \"start\", nobody = \"start\", web = \"start\" }\n\
         [service.web.sidecar.a]\nimage = \"a\"\ndepends_on = { b = \"healthy\" }\n\
         [service.web.sidecar.b]\nimage = \"b\"\ndepends_on = { a = \"success\", c = \"complete\" }\n\
         [service.web.sidecar.c]\nimage = \"c\"\ndepends_on = { d = \"complete\" }\nessential = false\n\
         [service.web.sidecar.d]\nimage = \"d\"\n[service.web.sidecar.e]\nimage = \"e\"\ndepends_on = { web = \"success\" }\n"
    )));
}

#[test]
fn what_containers_cannot_have() {
    snapshot!(refused(&service(
        "port = 8080\nexec = true\nlogs = { multiline = \"\" }\n\
         [service.web.container]\nwritable = [\"/tmp\", \"/tmp/a\", \"var\"]\nmemory = 1024\nulimits = { nofiles = 1 }\n\
         [service.web.sidecar.web]\nimage = \"a b\"\n[service.web.sidecar.Proxy]\nimage = \"p\"\n\
         [service.web.sidecar.p]\nimage = \"p\"\nports = { http = 80, tls = 8080 }\nread_only = true\n\
         cpu = 300\nmemory = 128\nmemory_reservation = 600\nenv = { \"A B\" = \"x\" }\n\
         health = { command = [\"true\"], interval = 5, timeout = 10 }\n\
         secrets = { A = \"nothing\" }\n"
    )));
}

#[test]
fn sizes_that_are_out_of_range() {
    snapshot!(refused(&service(
        "storage = 20\n[service.web.container]\nstop_timeout = 121\nmemory = 5\n\
         [service.web.sidecar.p]\nimage = \"p\"\nstop_timeout = 1\ndepends_on = { web = \"ready\" }\n"
    )));
}

#[test]
fn more_variables_than_a_definition_holds() {
    let text = format!("{HEADER}\n{}", service("env_file = \"web.env\"\n"));
    let lines: Vec<String> = (0..60).map(|n| format!("N{n}={}\n", "x".repeat(1000))).collect();
    snapshot!(expanded_with(&text, &[("web.env", lines.concat().as_bytes())], &answers()).map(|_| ()).unwrap_err());
}
