//! What people are told about keys of components that are wrong by themselves: one snapshot a situation.

use crate::{BASE, refused, snapshot};

/// A service with these keys, in a stack that is otherwise sound.
fn service(keys: &str) -> String {
    refused(&format!("{BASE}\n[service.web]\nimage = \"web:1\"\n{keys}\n"))
}

fn network(keys: &str) -> String {
    refused(&format!("[network.main]\n{keys}\n"))
}

fn load_balancer(keys: &str) -> String {
    refused(&format!("[network.main]\ncidr = \"10.20.0.0/16\"\n\n[load_balancer.edge]\n{keys}\n"))
}

fn parameter(keys: &str) -> String {
    refused(&format!("[parameter.it]\n{keys}\n"))
}

#[test]
fn a_network_too_small_to_be_cut() {
    snapshot!(network("cidr = \"10.20.0.0/25\""));
}

#[test]
fn blocks_that_are_none() {
    let all = ["10.20.0.0", "10.20.0.0/8", "10.20.0.0/30", "10.20.3.0/16", "127.0.0.0/16", "224.0.0.0/16", "::/0"];
    let text: String = (0..all.len()).map(|n| format!("[network.n{n}]\ncidr = \"{}\"\n", all[n])).collect();
    snapshot!(refused(&text));
}

#[test]
fn subnets_that_do_not_fit() {
    snapshot!(network(
        "cidr = \"10.20.0.0/16\"\ntiers = [\"private\", \"data\", \"more\"]\n[network.main.subnets]\n\
         private = [\"10.20.64.0/20\"]\ndata = [\"10.20.64.0/21\", \"10.21.0.0/24\"]\nmroe = [\"10.20.0.0/24\"]"
    ));
}

#[test]
fn given_subnets_that_overlap_the_cut() {
    snapshot!(network(
        "cidr = \"10.20.0.0/16\"\ntiers = [\"private\", \"data\"]\nsubnets = { data = [\"10.20.70.0/24\", \"10.20.200.0/24\"] }"
    ));
}

#[test]
fn zones() {
    let text = "[network.a]\ncidr = \"10.1.0.0/16\"\nzones = 0\n[network.b]\ncidr = \"10.2.0.0/16\"\nzones = 5\n\
                [network.c]\ncidr = \"10.3.0.0/16\"\nzones = [\"eu-west-1a\", \"eu-west-2b\", \"eu-west-1a\"]\n\
                [network.d]\ncidr = \"10.4.0.0/16\"\nzones = 4\n";
    snapshot!(refused(text));
}

#[test]
fn tiers() {
    snapshot!(network("cidr = \"10.20.0.0/16\"\ntiers = [\"private\", \"Data\", \"dmz\", \"private\"]"));
}

#[test]
fn endpoints() {
    snapshot!(network("cidr = \"10.20.0.0/16\"\nendpoints = [\"ecr-api\", \"s3\", \"com.amazonaws.logs/x\"]"));
}

#[test]
fn what_comes_later() {
    let text = format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\nflow_logs = true\n\n\
         [cluster.main]\nnamespace = \"um\"\n\n\
         [load_balancer.edge]\nlisteners = {{ 443 = {{ certificate = \"certificate.edge\" }} }}\n\
         origin_header = {{ name = \"X-Origin-Verify\", every = \"30d\" }}\n\n\
         [service.web]\nimage = {{ repository = \"repository.web\", tag = \"1\" }}\nenv_file = \"a.env\"\n\
         serve = {{ as = \"web\", listen = 80 }}\nconnect = []\ndiscover = {{ port = \"http\" }}\nlogs = {{ delete = true }}\n\
         uses = [\"database.main\"]\nsecrets = {{ PASSWORD = \"database.main:password\" }}\n{}\
         [service.web.files]\n\"/etc/x\" = \"x\"\n[service.web.scale]\nmax = 3\n[service.web.sidecar.proxy]\nimage = \"p\"\n\
         [service.web.deploy]\nstrategy = \"canary\"\n\n\
         [database.main]\nengine = \"postgres\"\n",
        ""
    );
    snapshot!(refused(&text));
}

#[test]
fn listeners() {
    snapshot!(load_balancer(
        "[load_balancer.edge.listeners]\n0 = {}\n80 = { redirect = 80 }\n81 = { redirect = 444 }\n82 = { redirect = 81 }\n\
         443 = { protocol = \"https\" }\n8443 = { protocol = \"http\", certificate = \"arn:aws:acm:eu-west-1:1:certificate/x\" }\n\
         9443 = { certificate = \"arn:aws:acm:us-east-1:123456789012:certificate/x\" }\n9444 = { certificate = \"web\" }\n\
         9445 = { tls_policy = \"x\" }"
    ));
}

#[test]
fn no_listener_that_forwards() {
    snapshot!(load_balancer("listeners = { 80 = { redirect = 81 }, 81 = { redirect = 80 } }"));
}

#[test]
fn no_listener_at_all() {
    snapshot!(load_balancer("listeners = {}"));
}

#[test]
fn a_reason_that_is_none() {
    snapshot!(load_balancer("scheme = \"internet-facing\"\npublic = \"reason: \"\nlisteners = { 80 = {} }"));
}

#[test]
fn an_internal_load_balancer_for_everybody() {
    snapshot!(load_balancer("public = \"reason: tests\"\nlisteners = { 80 = {} }"));
}

#[test]
fn headers() {
    let text = |name: &str, header: &str| {
        format!("[load_balancer.{name}]\nlisteners = {{ 80 = {{}} }}\norigin_header = {{ name = \"{header}\" }}\n")
    };
    snapshot!(refused(&format!(
        "[network.main]\ncidr = \"10.20.0.0/16\"\n{}{}{}",
        text("a", "X Origin"),
        text("b", "host"),
        text("c", &"x".repeat(41))
    )));
}

#[test]
fn a_load_balancer_in_a_tier_that_is_not_there() {
    snapshot!(refused(
        "[network.main]\ncidr = \"10.20.0.0/16\"\ntiers = [\"private\"]\n[load_balancer.a]\nscheme = \"internet-facing\"\n\
         public = \"reason: tests\"\nlisteners = { 80 = {} }\n[load_balancer.b]\ntier = \"private\"\nscheme = \"internet-facing\"\n\
         public = \"reason: tests\"\nlisteners = { 80 = {} }\n"
    ));
}

#[test]
fn a_load_balancer_in_one_zone() {
    snapshot!(refused(
        "[network.main]\ncidr = \"10.20.0.0/16\"\nzones = 1\n[load_balancer.a]\nlisteners = { 80 = {} }\n"
    ));
}

#[test]
fn sizes_that_fargate_does_not_have() {
    snapshot!(refused(&format!(
        "{BASE}[service.a]\nimage = \"a\"\ncpu = 300\n[service.b]\nimage = \"b\"\ncpu = 256\nmemory = 4096\n"
    )));
}

#[test]
fn images_that_are_none() {
    let image = |name: &str, image: &str| format!("[service.{name}]\nimage = \"{image}\"\n");
    snapshot!(refused(&format!(
        "{BASE}{}{}{}",
        image("a", ""),
        image("b", "https://ghcr.io/a/b:1"),
        image("c", "web 1")
    )));
}

#[test]
fn no_image() {
    snapshot!(refused(&format!("{BASE}[service.a]\ncpu = 256\n")));
}

#[test]
fn ports() {
    snapshot!(service("port = 8080\nports = { http = 80, Admin = 80, none = 0 }"));
}

#[test]
fn a_port_that_is_none() {
    snapshot!(service("port = 80800"));
}

#[test]
fn exposures() {
    snapshot!(service(
        "ports = { web = 80, admin = 81 }\nexpose = [\n  { path = \"/a\" },\n  { path = \"/b\", port = \"amdin\" },\n  \
         { port = \"web\" },\n  { port = \"web\", default = true, path = \"/c\" },\n  { port = \"web\", path = \"d\" },\n  \
         { port = \"web\", path = \"/e\", listener = 81 },\n  { port = \"web\", path = \"/f g\" },\n  \
         { port = \"web\", host = \"localhost\" },\n]"
    ));
}

#[test]
fn a_priority_that_aws_does_not_have() {
    snapshot!(service("port = 80\nexpose = [{ path = \"/a\", priority = 0 }, { path = \"/b\", priority = 50001 }]"));
}

#[test]
fn nothing_to_expose() {
    snapshot!(service("expose = [{ path = \"/a\" }]"));
}

#[test]
fn paths_that_two_take() {
    snapshot!(refused(&format!(
        "{BASE}[service.a]\nimage = \"a\"\nport = 80\nexpose = [{{ path = \"/a/*\" }}, {{ path = \"/b\", priority = 7 }}]\n\
         [service.b]\nimage = \"b\"\nport = 80\nexpose = [{{ path = \"/a/*\", listener = 80 }}, {{ path = \"/c\", priority = 7 }}]\n"
    )));
}

#[test]
fn two_that_take_the_rest() {
    snapshot!(refused(&format!(
        "{BASE}[service.a]\nimage = \"a\"\nport = 80\nexpose = [{{ default = true }}]\n\
         [service.b]\nimage = \"b\"\nport = 80\nexpose = [{{ default = true, priority = 3 }}]\n"
    )));
}

#[test]
fn a_listener_that_only_redirects() {
    snapshot!(refused(
        "[network.main]\ncidr = \"10.20.0.0/16\"\n[load_balancer.edge]\nlisteners = { 80 = { redirect = 81 }, 81 = {}, 82 = {} }\n\
         [service.a]\nimage = \"a\"\nport = 80\nexpose = [{ path = \"/a\", listener = 80 }, { path = \"/b\" }]\n"
    ));
}

#[test]
fn variables() {
    snapshot!(service(
        "env = { TOKEN = \"x\", \"A B\" = \"x\" }\n\
         secrets = { TOKEN = \"arn:aws:ssm:eu-west-1:123456789012:parameter/a\", B = \"arn:aws:s3:::bucket\", C = \"parameter.x:key\" }"
    ));
}

#[test]
fn health() {
    snapshot!(service("health = { path = \"health\", interval = 5, timeout = 5, codes = \"2xx\" }"));
}

#[test]
fn days_that_aws_does_not_take() {
    snapshot!(service("logs = { days = 31 }"));
}

#[test]
fn a_deployment_that_can_never_be_made() {
    snapshot!(service("deploy = { minimum_percent = 100, maximum_percent = 100 }"));
}

#[test]
fn a_tier_that_the_network_does_not_have() {
    snapshot!(service("tier = \"application\""));
}

#[test]
fn parameters_with_too_little_and_too_much() {
    snapshot!(refused(
        "[parameter.a]\n[parameter.b]\nvalue = \"x\"\ngenerate = true\n[parameter.c]\nvalue = \"x\"\nsecure = true\n\
         [parameter.d]\ngenerate = { bytes = 64 }\nsecure = false\n[parameter.e]\nvalue = \"x\"\nkey = \"alias/mine\"\n\
         [parameter.f]\ngenerate = { bytes = 8 }\n"
    ));
}

#[test]
fn values_that_parameter_store_does_not_take() {
    let long = "x".repeat(5000);
    snapshot!(refused(&format!(
        "[parameter.a]\nvalue = \"{{{{x}}}}\"\n[parameter.b]\nvalue = \"\"\n[parameter.c]\nvalue = \"\"\"\n{long}\"\"\"\n"
    )));
}

#[test]
fn names_that_parameter_store_does_not_take() {
    let text = |n: usize, name: &str| format!("[parameter.p{n}]\nvalue = \"x\"\nname = \"{name}\"\n");
    let names = [
        "",
        "a b",
        "a/b",
        "/a//b",
        "/a/",
        "/aws/x",
        "ssm-x",
        "/gitops-agent/um/lease",
        &"/a".repeat(16),
        &"a".repeat(901),
    ];
    snapshot!(refused(&names.iter().enumerate().map(|(n, name)| text(n, name)).collect::<String>()));
}

#[test]
fn a_name_that_is_too_long_for_a_component() {
    snapshot!(parameter(&format!("value = \"x\"\n[parameter.{}]\nvalue = \"x\"", "n".repeat(33))));
}

#[test]
fn adoption_and_ignored_fields() {
    snapshot!(refused(
        "[network.main]\ncidr = \"10.20.0.0/16\"\nadopt = { \"ec2.vpc\" = \"vpc-1\", \"ec2.subnet\" = \"subnet-1\", \"ecs.cluster\" = \"x\" }\n\
         ignore = [{ path = \"ec2.vpc\", reason = \"x\" }, { path = \"ecs.cluster/name\", reason = \"x\" }]\n"
    ));
}
