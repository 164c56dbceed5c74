//! What the tasks of a service have to reach to start and to work, and whether they can: through an endpoint of their VPC,
//! or over a way to the internet.
//!
//! After [ECR](https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html) (an image's layers are in S3) and
//! [ECS](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html) with its interface endpoints.

use std::collections::BTreeMap;

use agent_core::reference::Text;

use super::view::{View, called, component};
use super::ways::{INTERNET, Ways};
use super::{Line, Need, Way};
use crate::components::service::sources::EcrImage;
use crate::kinds::ecs::service::{self, LaunchType};
use crate::kinds::ecs::task_definition::container::{Container, LogConfiguration, LogDriver, ValueFrom};
use crate::kinds::iam::policy::Effect;

/// What a task needs for each action that its role allows, by what the action begins with. Actions that are asked of AWS by
/// the agent or by ECS are not here.
const ACTIONS: [(&str, &str); 11] = [
    ("dynamodb:", "dynamodb"),
    ("ecs:", "ecs"),
    ("events:", "events"),
    ("kms:", "kms"),
    ("s3:", "s3"),
    ("secretsmanager:", "secretsmanager"),
    ("sns:", "sns"),
    ("sqs:", "sqs"),
    ("ssm:", "ssm"),
    ("ssmmessages:", "ssmmessages"),
    ("sts:", "sts"),
];

/// Needs of one service, each once, with the first reason.
struct Asked<'a> {
    view: &'a View<'a>,
    own: String,
    needed: BTreeMap<String, (String, Line)>,
    /// What cannot be told: the missing fact, with the line.
    untold: Vec<(String, Line)>,
}

pub(super) fn needs(view: &View<'_>, ways: &Ways<'_>) -> Vec<Need> {
    view.services.iter().flat_map(|(address, service)| of_service(view, ways, address, service)).collect()
}

fn of_service(view: &View<'_>, ways: &Ways<'_>, address: &str, service: &service::Spec) -> Vec<Need> {
    let own = component(address).unwrap_or_default().to_owned();
    let mut asked = Asked { view, own, needed: BTreeMap::new(), untold: Vec::new() };
    asked.of_service(service);
    let subnets: Vec<String> = service.network.subnets.iter().map(called).collect();
    let network = subnets.iter().find_map(|subnet| view.vpc_of(subnet)).and_then(|vpc| view.network_of(&vpc));
    let from = (subnets, service.network.assign_public_ip);
    let Asked { needed, untold, .. } = asked;
    let met = needed.into_iter().map(|(what, (because, line))| {
        let reached = ways.to(&from, &what);
        let (met, lacks) = (reached.way.clone(), reached.lacks.clone());
        Need { address: address.to_owned(), what, because, line, met, lacks, network: network.clone() }
    });
    let untold = untold.into_iter().map(|(fact, line)| Need {
        address: address.to_owned(),
        what: "unknown".to_owned(),
        because: "needs something that cannot be told".to_owned(),
        line,
        met: Way::unknown(vec![address.to_owned()], fact),
        lacks: None,
        network: network.clone(),
    });
    met.chain(untold).collect()
}

impl Asked<'_> {
    fn add(&mut self, what: &str, because: impl Into<String>, key: &[&str]) {
        let line = Line::new(&self.own, key);
        self.needed.entry(what.to_owned()).or_insert_with(|| (because.into(), line));
    }

    fn untold(&mut self, fact: String, key: &[&str]) {
        self.untold.push((fact, Line::new(&self.own, key)));
    }

    /// An API of AWS in the region that a text names: its endpoint here, or the internet where it is elsewhere.
    fn add_api(&mut self, what: &str, region: &str, because: &str, key: &[&str]) {
        if region == self.view.desired.written.region {
            self.add(what, because, key);
        } else {
            self.add(INTERNET, format!("{because}, which is in {region}"), key);
        }
    }

    fn of_service(&mut self, service: &service::Spec) {
        let name = called(&service.task_definition);
        match self.view.definitions.get(&name) {
            Some(definition) => {
                for (container, spec) in &definition.containers {
                    self.of_container(container, spec);
                }
                if let Some(role) = definition.task_role.as_ref().map(called) {
                    self.of_role(&role);
                }
            }
            None => self.untold(format!("the task definition {name}"), &[]),
        }
        if self.view.files.contains_key(&self.own) {
            self.add("ssm", "fetches its config files", &["files"]);
        }
        if service.enable_execute_command {
            self.add("ssmmessages", "lets people open a shell (ECS Exec)", &["exec"]);
        }
        if let Some(log) = service.service_connect.as_ref().and_then(|connect| connect.log_configuration.as_ref()) {
            self.of_log(log);
        }
        if service.launch_type == LaunchType::Ec2 {
            for what in ["ecs", "ecs-agent", "ecs-telemetry"] {
                self.add(what, "runs on instances, whose ECS agent asks it", &[]);
            }
        }
    }

    fn of_container(&mut self, name: &str, container: &Container) {
        let at = self.view.container_at(&self.own, name);
        let below = |key: &'static str| [at.as_slice(), &[key]].concat();
        // Containers of the agent itself are there for the files.
        let key = if self.view.is_written(&self.own, name) { below("image") } else { vec!["files"] };
        match container.image.plain() {
            Some(image) => self.of_image(&image, &key),
            None => self.untold(format!("where the image of the container {name} is"), &key),
        }
        for (variable, from) in &container.secrets {
            let key = [at.as_slice(), &["secrets", variable]].concat();
            self.of_secret(from, &key);
        }
        if let Some(log) = &container.log_configuration {
            self.of_log(log);
        }
        if container.repository_credentials.is_some() {
            self.add("secretsmanager", "has the credentials of its registry there", &key);
        }
    }

    fn of_image(&mut self, image: &str, key: &[&str]) {
        let because = format!("pulls the image {image}");
        match EcrImage::parse(image) {
            Some(ecr) => {
                for what in ["ecr.api", "ecr.dkr", "s3"] {
                    self.add_api(what, ecr.region, &because, key);
                }
            }
            None => self.add(INTERNET, because, key),
        }
    }

    fn of_log(&mut self, log: &LogConfiguration) {
        for (option, from) in &log.secret_options {
            self.of_secret(from, &["logs", option]);
        }
        if log.log_driver != LogDriver::Awslogs {
            return;
        }
        let region = log.options.get("awslogs-region").and_then(Text::plain);
        let region = region.unwrap_or_else(|| self.view.desired.written.region.clone());
        self.add_api("logs", &region, "writes its logs", &["logs"]);
    }

    /// ECS fetches the value with the task's own network; what opens it is asked for by the service that holds it, so that
    /// KMS needs no endpoint.
    fn of_secret(&mut self, from: &ValueFrom, key: &[&str]) {
        let text = match from {
            ValueFrom::Parameter(link) if link.address().is_some() => {
                return self.add("ssm", "gets a secret from Parameter Store", key);
            }
            ValueFrom::Parameter(link) => Some(link.as_str().to_owned()),
            ValueFrom::Text(text) => text.plain(),
        };
        let Some(text) = text else {
            return self.untold(format!("where the secret `{}` comes from", key.last().unwrap_or(&"")), key);
        };
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "secretsmanager", region, ..] => {
                self.add_api("secretsmanager", region, "gets a secret from Secrets Manager", key);
            }
            ["arn", _, "ssm", region, ..] => self.add_api("ssm", region, "gets a secret from Parameter Store", key),
            ["arn", ..] => self.untold(format!("where the secret `{text}` comes from"), key),
            // Without an ARN it is the name of a parameter in the same region.
            _ => self.add("ssm", "gets a secret from Parameter Store", key),
        }
    }

    /// What tasks may do they are taken to do.
    fn of_role(&mut self, role: &str) {
        let Some(spec) = self.view.roles.get(role) else { return };
        let statements = spec.inline_policies.iter();
        for (name, statement) in
            statements.flat_map(|(name, policy)| policy.statement.0.iter().map(move |one| (name, one)))
        {
            // What a key is used for on behalf of another service, that service asks for.
            let through = statement.condition.values().any(|keys| keys.keys().any(|key| key == "kms:ViaService"));
            if statement.effect != Effect::Allow || through {
                continue;
            }
            let (key, because) = match name.as_str() {
                "files" => ("files", Some("fetches its config files")),
                "exec" => ("exec", Some("lets people open a shell (ECS Exec)")),
                _ => ("uses", None),
            };
            let asked = ACTIONS.iter().filter(|(prefix, _)| statement.action.0.iter().any(|a| a.starts_with(prefix)));
            for (prefix, what) in asked {
                let because = because.map_or_else(|| format!("may use {prefix}*"), ToOwned::to_owned);
                self.add(what, because, &[key]);
            }
        }
    }
}
