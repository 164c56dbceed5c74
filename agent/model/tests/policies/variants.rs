//! Variants of `um` in which one link of the preflight is broken, as data: by the rule that must find it, what is broken, and how.

use serde_json::{Value, json};

use crate::mutants::Mutation::{self, Both, Spec, Text, Twin, Without};
use crate::mutants::{Mutations, private, public, to};

/// Those that are known from `endpoints-present` are in its own list of mutants.
pub fn all() -> Vec<(&'static str, Mutations)> {
    vec![
        ("endpoints-present", endpoints_present()),
        ("endpoint-reachable", endpoint_reachable()),
        ("execution-role-permits", execution_role_permits()),
        ("task-role-permits", task_role_permits()),
        ("load-balancer-reaches-tasks", load_balancer_reaches_tasks()),
        ("services-reach-each-other", services_reach_each_other()),
        ("log-group-exists", log_group_exists()),
        ("private-dns-once", private_dns_once()),
    ]
}

fn both(first: Mutation, second: Mutation) -> Mutation {
    Both(Box::new(first), Box::new(second))
}

fn rule(port: u16, peer: &Value) -> Value {
    json!({ "protocol": "tcp", "from_port": port, "to_port": port, "peer": peer })
}

fn group(component: &str) -> Value {
    json!({ "group": to(&format!("{component}/ec2.security_group"), "id") })
}

fn endpoints() -> Value {
    json!({ "group": to("network.main/ec2.security_group.endpoints", "id") })
}

fn list(id: &str) -> Value {
    json!({ "prefix_list": id })
}

fn block(block: &str) -> Value {
    json!({ "cidr_ipv4": block })
}

const S3: &str = "pl-6da54004";

fn statement(effect: &str, actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": effect, "Action": actions, "Resource": resource })
}

fn policy(statements: &[Value]) -> Value {
    json!({ "Statement": statements })
}

/// A policy of an endpoint.
fn through(who: &str, effect: &str, actions: &[&str], resource: &str) -> Value {
    let mut statement = statement(effect, actions, resource);
    statement["Principal"] = if who == "*" { who.into() } else { json!({ "AWS": who }) };
    policy(&[statement])
}

fn trust(service: &str, condition: &Value) -> Value {
    policy(&[json!({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": service }, "Condition": condition,
    })])
}

fn endpoints_present() -> Mutations {
    vec![
        ("instances whose agent reaches no ECS", Spec("service.web/ecs.service", "launch_type", || "EC2".into())),
        ("no resolver in the VPC", Spec("network.main/ec2.vpc", "enable_dns_support", || false.into())),
        (
            "an endpoint in the wrong zone",
            Spec("network.main/ec2.vpc_endpoint.secretsmanager", "subnets", || json!([private(2)])),
        ),
    ]
}

fn endpoint_reachable() -> Mutations {
    const ENDPOINTS: &str = "network.main/ec2.security_group.endpoints";
    const WEB: &str = "service.web/ec2.security_group";
    vec![
        ("a group of endpoints without 443", Spec(ENDPOINTS, "ingress", || json!([]))),
        (
            "a group of endpoints with another port",
            Spec(ENDPOINTS, "ingress", || json!([rule(444, &block("10.20.0.0/16"))])),
        ),
        (
            "a group of endpoints for other addresses",
            Spec(ENDPOINTS, "ingress", || json!([rule(443, &block("10.99.0.0/16"))])),
        ),
        (
            "a group of endpoints for one of the services",
            Spec(ENDPOINTS, "ingress", || json!([rule(443, &group("service.web"))])),
        ),
        ("tasks without a way out to 443", Spec(WEB, "egress", || json!([]))),
        ("tasks that get no layers of images", Spec(WEB, "egress", || json!([rule(443, &endpoints())]))),
        (
            "tasks with another prefix list",
            Spec(WEB, "egress", || json!([rule(443, &endpoints()), rule(443, &list("pl-4fa04526"))])),
        ),
        (
            "tasks that reach one of two zones",
            Spec(WEB, "egress", || json!([rule(443, &block("10.20.0.0/20")), rule(443, &list(S3))])),
        ),
        (
            "UDP instead of TCP",
            Spec(WEB, "egress", || {
                let udp = json!({ "protocol": "udp", "from_port": 443, "to_port": 443, "peer": endpoints() });
                json!([udp, rule(443, &list(S3))])
            }),
        ),
        ("tasks without groups", Spec("service.web/ecs.service", "network.security_groups", || json!([]))),
        ("an endpoint without groups", Spec("network.main/ec2.vpc_endpoint.logs", "security_groups", || json!([]))),
        (
            "an endpoint policy that denies",
            Spec("network.main/ec2.vpc_endpoint.ecr-api", "policy", || through("*", "Deny", &["ecr:*"], "*")),
        ),
        (
            "an endpoint policy for other repositories",
            Spec("network.main/ec2.vpc_endpoint.ecr-dkr", "policy", || {
                through("*", "Allow", &["ecr:*"], "arn:aws:ecr:eu-west-1:123456789012:repository/team/*")
            }),
        ),
        (
            "an endpoint policy without the bucket of layers",
            Spec("network.main/ec2.vpc_endpoint.s3", "policy", || {
                through("*", "Allow", &["s3:*"], "arn:aws:s3:::um-data/*")
            }),
        ),
        (
            "an endpoint policy for another role",
            Spec("network.main/ec2.vpc_endpoint.logs", "policy", || {
                through("arn:aws:iam::123456789012:role/other", "Allow", &["logs:*"], "*")
            }),
        ),
    ]
}

fn execution_role_permits() -> Mutations {
    const EXCHANGE: &str = "service.exchange/iam.role.execution";
    vec![
        (
            "a secret that the role may not read",
            Spec(EXCHANGE, "inline_policies.secrets", || {
                let other = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-AbCdEf";
                policy(&[statement("Allow", &["secretsmanager:GetSecretValue"], other)])
            }),
        ),
        (
            "streams that it may not write to",
            Spec(EXCHANGE, "inline_policies.logs", || policy(&[statement("Allow", &["logs:CreateLogStream"], "*")])),
        ),
        (
            "another log group",
            Spec(EXCHANGE, "inline_policies.logs", || {
                policy(&[statement("Allow", &["logs:*"], "arn:aws:logs:*:*:log-group:/gitops-agent/um/service.web:*")])
            }),
        ),
        (
            "images of other repositories",
            Spec(EXCHANGE, "inline_policies.image", || {
                let token = statement("Allow", &["ecr:GetAuthorizationToken"], "*");
                let team = "arn:aws:ecr:eu-west-1:123456789012:repository/team/*";
                policy(&[token, statement("Allow", &["ecr:BatchGet*", "ecr:GetDownload*", "ecr:BatchCheck*"], team)])
            }),
        ),
        (
            "no token of the registry",
            Spec(EXCHANGE, "inline_policies.image", || {
                let all = "arn:aws:ecr:eu-west-1:123456789012:repository/*";
                policy(&[statement("Allow", &["ecr:*"], all)])
            }),
        ),
        (
            "a denial beside what is allowed",
            Spec(EXCHANGE, "inline_policies.guard", || policy(&[statement("Deny", &["ecr:BatchGetImage"], "*")])),
        ),
        (
            "a trust for another service",
            Spec(EXCHANGE, "assume_role_policy", || trust("ec2.amazonaws.com", &json!({}))),
        ),
        ("no execution role", Spec("service.exchange/ecs.task_definition", "execution_role", || Value::Null)),
        (
            "a secret with a key that it may not use",
            both(
                Text(
                    "services.toml",
                    "secrets = { SIGNING_KEY = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:um/exchange-AbCdEf:signing-key\" }",
                    "secrets = { SIGNING_KEY = \"parameter.signing\" }",
                ),
                both(
                    Text(
                        "stack.toml",
                        "[cluster.main]",
                        "[parameter.signing]\ngenerate = true\n\
                         key = \"arn:aws:kms:eu-west-1:123456789012:key/0f0e0d0c\"\n\n[cluster.main]",
                    ),
                    Spec(EXCHANGE, "inline_policies.secrets", || {
                        policy(&[statement("Allow", &["ssm:GetParameters"], "arn:aws:ssm:*:*:parameter/um/*")])
                    }),
                ),
            ),
        ),
        (
            "a key that it may use for another service only",
            both(
                Text(
                    "services.toml",
                    "secrets = { SIGNING_KEY = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:um/exchange-AbCdEf:signing-key\" }",
                    "secrets = { SIGNING_KEY = \"parameter.signing\" }",
                ),
                both(
                    Text(
                        "stack.toml",
                        "[cluster.main]",
                        "[parameter.signing]\ngenerate = true\n\
                         key = \"arn:aws:kms:eu-west-1:123456789012:key/0f0e0d0c\"\n\n[cluster.main]",
                    ),
                    Spec(EXCHANGE, "inline_policies.secrets", || {
                        let mut decrypt = statement("Allow", &["kms:Decrypt"], "*");
                        decrypt["Condition"] =
                            json!({ "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } });
                        policy(&[decrypt, statement("Allow", &["ssm:GetParameters"], "*")])
                    }),
                ),
            ),
        ),
    ]
}

fn task_role_permits() -> Mutations {
    const WEB: &str = "service.web/iam.role.task";
    const INBOX: &str = "service.inbox/iam.role.task";
    let with_exec = |then| both(Text("services.toml", "arch    = \"arm64\"", "arch    = \"arm64\"\nexec = true"), then);
    vec![
        ("config files that it may not read", Spec(WEB, "inline_policies", || json!({}))),
        (
            "config files of another service",
            Spec(WEB, "inline_policies.files", || {
                let other = "arn:aws:ssm:eu-west-1:123456789012:parameter/um/files/exchange/*";
                policy(&[statement("Allow", &["ssm:GetParameters"], other)])
            }),
        ),
        (
            "config files one by one only",
            Spec(WEB, "inline_policies.files", || policy(&[statement("Allow", &["ssm:GetParameter"], "*")])),
        ),
        ("no task role", Spec("service.web/ecs.task_definition", "task_role", || Value::Null)),
        (
            "a trust for another account",
            Spec(WEB, "assume_role_policy", || {
                trust("ecs-tasks.amazonaws.com", &json!({ "StringEquals": { "aws:SourceAccount": "999999999999" } }))
            }),
        ),
        (
            "a trust for another region",
            Spec(WEB, "assume_role_policy", || {
                trust(
                    "ecs-tasks.amazonaws.com",
                    &json!({ "ArnLike": { "aws:SourceArn": "arn:aws:ecs:us-east-1:123456789012:*" } }),
                )
            }),
        ),
        ("shells without the right", with_exec(Spec(INBOX, "inline_policies", || json!({})))),
        (
            "shells with one right of four missing",
            with_exec(Spec(INBOX, "inline_policies.exec", || {
                policy(&[statement("Allow", &["ssmmessages:Create*", "ssmmessages:OpenControlChannel"], "*")])
            })),
        ),
    ]
}

fn load_balancer_reaches_tasks() -> Mutations {
    const EDGE: &str = "load_balancer.edge/ec2.security_group";
    const TARGETS: &str = "service.web/elb.target_group.edge.http";
    vec![
        (
            "a health check on a closed port",
            both(
                Spec(TARGETS, "health_check.port", || "9000".into()),
                Spec(
                    "service.web/ecs.task_definition",
                    "containers.web.port_mappings",
                    || json!([{ "container_port": 8080, "name": "http" }, { "container_port": 9000, "name": "health" }]),
                ),
            ),
        ),
        ("a health check on a port that nobody maps", Spec(TARGETS, "health_check.port", || "9999".into())),
        ("a load balancer that lets nothing out", Spec(EDGE, "egress", || json!([]))),
        (
            "a load balancer that lets another port out",
            Spec(EDGE, "egress", || json!([rule(80, &group("service.web"))])),
        ),
        ("tasks that let nothing in", Spec("service.web/ec2.security_group", "ingress", || json!([]))),
        (
            "tasks that let somebody else in",
            Spec("service.web/ec2.security_group", "ingress", || json!([rule(8080, &group("service.inbox"))])),
        ),
        (
            "a container that is not there",
            Spec(
                "service.web/ecs.service",
                "load_balancers",
                || json!([{ "target_group": to(TARGETS, "arn"), "container_name": "nginx", "container_port": 8080 }]),
            ),
        ),
        (
            "a port that the container does not map",
            Spec(
                "service.web/ecs.task_definition",
                "containers.web.port_mappings",
                || json!([{ "container_port": 80 }]),
            ),
        ),
        ("a target group in another VPC", Spec(TARGETS, "vpc", || "vpc-0123".into())),
        ("a target group for instances", Spec(TARGETS, "target_type", || "instance".into())),
        ("a target group that nothing forwards to", Without("service.web/elb.rule.edge.443.any-766e01")),
        ("a load balancer in one zone", Spec("load_balancer.edge/elb.load_balancer", "subnets", || json!([public(1)]))),
    ]
}

fn services_reach_each_other() -> Mutations {
    const INBOX: &str = "service.inbox/ecs.service";
    vec![
        (
            "a server that lets no client in",
            Spec("service.inbox/ec2.security_group", "ingress", || json!([rule(8080, &group("load_balancer.edge"))])),
        ),
        (
            "a client that is not let out",
            Spec("service.web/ec2.security_group", "egress", || json!([rule(443, &endpoints()), rule(443, &list(S3))])),
        ),
        (
            "another namespace",
            Spec(INBOX, "service_connect.namespace", || {
                "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-0123".into()
            }),
        ),
        ("a name that nobody serves", Spec(INBOX, "service_connect.services.http.discovery_name", || "post-80".into())),
        (
            "a port that no mapping is called by",
            Spec(
                "service.inbox/ecs.task_definition",
                "containers.inbox.port_mappings",
                || json!([{ "container_port": 8080, "name": "web" }]),
            ),
        ),
        (
            "a proxy on another port",
            Spec(INBOX, "service_connect.services.http.ingress_port_override", || 15_000.into()),
        ),
        ("a client without Service Connect", Spec("service.web/ecs.service", "service_connect", || Value::Null)),
        ("a server without Service Connect", Spec(INBOX, "service_connect", || Value::Null)),
    ]
}

fn log_group_exists() -> Mutations {
    const WEB: &str = "service.web/ecs.task_definition";
    vec![
        (
            "a container without a log group",
            Spec(WEB, "containers.web.log_configuration.options", || json!({ "awslogs-region": "eu-west-1" })),
        ),
        (
            "another container without a log group",
            Spec(WEB, "containers.agent-files.log_configuration.options", || json!({ "awslogs-region": "eu-west-1" })),
        ),
        (
            "a proxy without a log group",
            Spec("service.web/ecs.service", "service_connect.log_configuration.options", || json!({})),
        ),
        (
            "a log group of the stack that is not there",
            Spec(WEB, "containers.web.log_configuration.options.awslogs-group", || {
                "/gitops-agent/um/service.gone".into()
            }),
        ),
        (
            "a log group that ECS may not make",
            Spec(
                WEB,
                "containers.web.log_configuration.options",
                || json!({ "awslogs-group": "/shared/web", "awslogs-create-group": "true" }),
            ),
        ),
        (
            "a log group that ECS is not to make",
            Spec(
                WEB,
                "containers.web.log_configuration.options",
                || json!({ "awslogs-group": "/gitops-agent/um/web", "awslogs-create-group": "false" }),
            ),
        ),
    ]
}

fn private_dns_once() -> Mutations {
    vec![
        ("logs twice", Twin("network.main/ec2.vpc_endpoint.logs-2", "network.main/ec2.vpc_endpoint.logs")),
        ("ssm twice", Twin("network.main/ec2.vpc_endpoint.ssm-2", "network.main/ec2.vpc_endpoint.ssm")),
        ("ecr.api twice", Twin("network.main/ec2.vpc_endpoint.ecr-api-2", "network.main/ec2.vpc_endpoint.ecr-api")),
        ("ecr.dkr twice", Twin("network.main/ec2.vpc_endpoint.ecr-dkr-2", "network.main/ec2.vpc_endpoint.ecr-dkr")),
        (
            "one of another service that becomes the same",
            Spec("network.main/ec2.vpc_endpoint.secretsmanager", "service_name", || {
                "com.amazonaws.eu-west-1.ssm".into()
            }),
        ),
    ]
}
