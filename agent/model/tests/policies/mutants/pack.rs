//! Mutants for the hard rules about distributions, services and parameters. Nothing that looks like a secret stands in a
//! file of the repository: the texts are put together here.

use serde_json::{Value, json};

use super::Mutation::{Spec, Text};
use super::{Mutations, to};

const WEB: &str = "service.web/ecs.task_definition";
const EXCHANGE: &str = "service.exchange/ecs.task_definition";
const INBOX: &str = "service.inbox/ecs.task_definition";
const SITE: &str = "distribution.site/cloudfront.distribution";
const HEADER: &str = "load_balancer.edge/ssm.parameter.origin-header";

const ACCESS_KEY: &str = concat!("AKIA", "QRSTUVWXYZ234567");
const PRIVATE_KEY: &str = concat!("-----BEGIN RSA ", "PRIVATE KEY-----\nMII");
const TOKEN: &str = concat!("ghp_", "0123456789abcdef0123456789abcdef0123");

pub fn no_host_network() -> Mutations {
    let host = || "host".into();
    vec![
        ("a service in the network of the host", Spec(WEB, "network_mode", host)),
        ("another one", Spec(EXCHANGE, "network_mode", host)),
        ("a third one", Spec(INBOX, "network_mode", host)),
        (
            "one by an override",
            Text(
                "services.toml",
                "[service.web.files]",
                "[service.web.override.\"ecs.task_definition\"]\nnetwork_mode = \"host\"\n\n[service.web.files]",
            ),
        ),
        (
            "one on instances",
            Text(
                "services.toml",
                "[service.exchange.files]",
                "[service.exchange.override.\"ecs.task_definition\"]\nnetwork_mode = \"host\"\n\
                 requires_compatibilities = [\"EC2\"]\n\n[service.exchange.files]",
            ),
        ),
    ]
}

pub fn no_secrets_in_containers() -> Mutations {
    vec![
        ("an access key in a variable", Spec(WEB, "containers.web.environment", || json!({ "KEY": ACCESS_KEY }))),
        (
            "a private key beside other variables",
            Spec(
                EXCHANGE,
                "containers.exchange.environment",
                || json!({ "LOG_LEVEL": "info", "CERTIFICATE": PRIVATE_KEY }),
            ),
        ),
        (
            "a password in a URL",
            Text(
                "services.toml",
                "LOG_LEVEL = \"info\"",
                "LOG_LEVEL = \"info\", DATABASE = \"postgres://app:hunter2@db.example.org/app\"",
            ),
        ),
        ("a token among the arguments", Spec(INBOX, "containers.inbox.command", || json!(["serve", "--token", TOKEN]))),
        (
            "a password in the program's line",
            Spec(INBOX, "containers.inbox.entry_point", || {
                json!(["sh", "-c", "serve --broker amqp://app:hunter2@mq.example.org"])
            }),
        ),
        ("a token in a label", Spec(WEB, "containers.web.docker_labels", || json!({ "deploy.token": TOKEN }))),
    ]
}

pub fn container_sizes() -> Mutations {
    vec![
        ("a container that may take more than the task has", Spec(WEB, "containers.web.memory", || 1024.into())),
        (
            "more memory kept than the task has",
            Spec(EXCHANGE, "containers.exchange.memory_reservation", || 2048.into()),
        ),
        ("more CPU kept than the task has", Spec(INBOX, "containers.inbox.cpu", || 512.into())),
        ("more CPU kept for what unpacks files", Spec(WEB, "containers.agent-files.cpu", || 257.into())),
        (
            "a limit by an override",
            Text(
                "services.toml",
                "[service.web.files]",
                "[service.web.override.\"ecs.task_definition\"]\ncontainers.web.memory = 513\n\n[service.web.files]",
            ),
        ),
        (
            "more kept than allowed",
            Text(
                "services.toml",
                "[service.web.files]",
                "[service.web.override.\"ecs.task_definition\"]\n\
                 containers.web = { memory = 128, memory_reservation = 256 }\n\n[service.web.files]",
            ),
        ),
    ]
}

pub fn deployment_room() -> Mutations {
    vec![
        ("as many at most as at least", Spec("service.web/ecs.service", "deployment.maximum_percent", || 100.into())),
        ("a part of a task more", Spec("service.inbox/ecs.service", "deployment.maximum_percent", || 149.into())),
        (
            "half a task more",
            Text(
                "services.toml",
                "count   = 2\nport    = 8443",
                "count   = 1\ndeploy  = { maximum_percent = 150 }\nport    = 8443",
            ),
        ),
        (
            "a part of a task less",
            Text(
                "services.toml",
                "count   = 2\nport    = 8443",
                "count   = 2\ndeploy  = { maximum_percent = 120, minimum_percent = 51 }\nport    = 8443",
            ),
        ),
        (
            "no room by an override",
            Text(
                "services.toml",
                "[service.exchange.files]",
                "[service.exchange.override.\"ecs.service\"]\ndeployment.maximum_percent = 110\n\n[service.exchange.files]",
            ),
        ),
    ]
}

/// The origin of the site with these headers.
fn origins(headers: &Value) -> Value {
    let custom = json!({ "protocol_policy": "https-only" });
    let origin = json!({ "domain_name": "origin.um.example.org", "custom": custom, "custom_headers": headers });
    json!({ "load_balancer.edge": origin })
}

pub fn origin_header_secret() -> Mutations {
    vec![
        (
            "a header with a word that is written down",
            Spec(SITE, "origins", || origins(&json!({ "X-Origin-Verify": { "$secret": "0123" } }))),
        ),
        (
            "one beside the secret",
            Spec(SITE, "origins", || {
                origins(&json!({ "X-Origin-Verify": to(HEADER, "value"), "X-Other": { "$secret": "0123" } }))
            }),
        ),
        (
            "one for another origin",
            Spec(SITE, "origins", || {
                let mut both = origins(&json!({ "X-Origin-Verify": to(HEADER, "value") }));
                both["other"] = origins(&json!({ "X-Other": { "$secret": "0123" } }))["load_balancer.edge"].take();
                both
            }),
        ),
        ("a secret that is plain text", Spec(HEADER, "type", || "String".into())),
        ("a secret that is a list", Spec(HEADER, "type", || "StringList".into())),
        ("a secret that nobody generates", Spec(HEADER, "generate", || json!({ "$at_create": null }))),
    ]
}

pub fn no_secrets_in_parameters() -> Mutations {
    vec![
        (
            "a password in a URL",
            Text(
                "stack.toml",
                "[outputs]",
                "[parameter.database]\nvalue = \"postgres://app:hunter2@db.example.org/app\"\n\n[outputs]",
            ),
        ),
        (
            "one without a user",
            Text(
                "stack.toml",
                "[outputs]",
                "[parameter.cache]\nvalue = \"redis://:hunter2@cache.example.org:6379\"\n\n[outputs]",
            ),
        ),
        ("an access key", Spec(HEADER, "value", || ACCESS_KEY.into())),
        ("a private key", Spec(HEADER, "value", || PRIVATE_KEY.into())),
        ("a token", Spec(HEADER, "value", || TOKEN.into())),
    ]
}
