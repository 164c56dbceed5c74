//! The two roles of a service: the one with which ECS starts its tasks, and the one that the tasks act as. Each may do
//! what the manifest needs and no more.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::address::Address;
use agent_core::kind::Kind;
use agent_core::reference::Text;

use super::config::Config;
use super::item;
use super::sources::{EcrImage, SecretSource};
use crate::components::{Offer, Place, Resources, parameter};
use crate::expand::Expansion;
use crate::kinds::iam::policy::{PolicyDocument, Statement, from_account, from_arn};
use crate::kinds::iam::role::{self, Role};
use crate::kinds::logs::log_group::LogGroup;
use crate::kinds::ssm::file;
use crate::names::{self, limits};

/// The key of the role with which ECS starts tasks.
pub(super) const EXECUTION: &str = "execution";
/// The key of the role that tasks act as.
pub(super) const TASK: &str = "task";

impl Config {
    pub(super) fn add_roles(&self, all: &Expansion<'_>, made: &mut Resources, at: &mut Place<'_>) {
        let execution = self.execution_policies(all, at);
        let task = self.task_policies(all, at);
        // ECS names neither account nor service when it takes the execution role on in every case; for the task role
        // AWS recommends the conditions: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
        let conditions = if at.scope.account.is_empty() {
            Vec::new()
        } else {
            vec![from_account(&at.scope.account), from_arn(at.scope.arn("ecs", "*"))]
        };
        for (key, what, policies, conditions) in [
            (EXECUTION, "Starts the tasks of", execution, Vec::new()),
            (TASK, "What the tasks may do of", task, conditions),
        ] {
            let spec = role::Spec {
                name: names::global(&[&at.stack.name, at.name(), key], at.scope, limits::ROLE),
                path: role::path_of(&at.stack.name),
                assume_role_policy: PolicyDocument::assume_by("ecs-tasks.amazonaws.com", conditions),
                description: Some(format!("{what} {}", at.address())),
                max_session_duration: 3600,
                permissions_boundary: None,
                managed_policies: BTreeSet::new(),
                inline_policies: policies,
                tags: at.tags(),
            };
            if let Err(error) = spec.check() {
                at.problem(
                    "too-many-rights",
                    &[] as &[&str],
                    format!("the role {} of `{}`: {error}", key, at.address()),
                );
            }
            made.keyed::<Role>(key, &spec);
        }
    }

    /// To pull the image, write logs and fetch secrets.
    fn execution_policies(&self, all: &Expansion<'_>, at: &Place<'_>) -> BTreeMap<String, PolicyDocument> {
        let mut policies = BTreeMap::new();
        let group = Address::new(&at.address(), LogGroup::NAME);
        let streams = Text::reference(group, "arn").then(":*");
        policies
            .insert("logs".to_owned(), PolicyDocument::allow(["logs:CreateLogStream", "logs:PutLogEvents"], [streams]));
        let images = self.images(at);
        let images: BTreeSet<String> =
            images.iter().filter_map(|(image, _)| Some(EcrImage::parse(image)?.arn(&at.scope.partition))).collect();
        if !images.is_empty() {
            let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
            let document = PolicyDocument::allow(pull, images)
                // It is a token for all registries that the role may read, so AWS takes no resource.
                .and(Statement::allow(["ecr:GetAuthorizationToken"], ["*"]));
            policies.insert("image".to_owned(), document);
        }
        let mut parameters = Parameters::default();
        let mut secrets: Vec<Text> = Vec::new();
        for (text, place) in self.all_secrets(at) {
            match SecretSource::parse(text) {
                SecretSource::Component(..) => parameters.add(offer(all, &place)),
                SecretSource::Parameter(arn) => parameters.arns.push(arn.into()),
                SecretSource::Secret(arn, _) => secrets.push(arn.into()),
                SecretSource::Other => {}
            }
        }
        let mut document = parameters.document(&["ssm:GetParameters"], at);
        if !secrets.is_empty() {
            let read = Statement::allow(["secretsmanager:GetSecretValue"], secrets);
            document = Some(document.map_or_else(|| read.clone().into(), |document| document.and(read.clone())));
        }
        policies.extend(document.map(|document| ("secrets".to_owned(), document)));
        policies
    }

    /// To use what `uses` names.
    fn task_policies(&self, all: &Expansion<'_>, at: &Place<'_>) -> BTreeMap<String, PolicyDocument> {
        let mut parameters = Parameters::default();
        for n in 0..self.uses.len() {
            parameters.add(offer(all, &item("uses", n)));
        }
        let document = parameters.document(&["ssm:GetParameter", "ssm:GetParameters"], at);
        let mut policies: BTreeMap<_, _> =
            document.map(|document| ("parameters".to_owned(), document)).into_iter().collect();
        if self.has_files() {
            // Those of all revisions: a task of a definition that is retained starts with its own.
            let all = format!("{}*", file::prefix_of(&at.stack.name, at.name()));
            let files = at.scope.arn("ssm", &format!("parameter{all}"));
            policies.insert("files".to_owned(), PolicyDocument::allow(["ssm:GetParameters"], [files]));
        }
        if self.exec {
            // It takes no resources:
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
            let actions = [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ];
            policies.insert("exec".to_owned(), PolicyDocument::allow(actions, ["*"]));
        }
        policies
    }
}

fn offer<'a>(all: &Expansion<'a>, path: &[impl AsRef<str>]) -> Option<&'a parameter::Offer> {
    match all.link(path)?.offer {
        Offer::Parameter(offer) => Some(offer),
        _ => None,
    }
}

/// Parameters that may be read, and the keys that this takes.
#[derive(Default)]
struct Parameters {
    arns: Vec<Text>,
    keys: BTreeSet<String>,
}

impl Parameters {
    fn add(&mut self, offer: Option<&parameter::Offer>) {
        if let Some(offer) = offer {
            self.arns.push(offer.arn.clone());
            self.keys.extend(offer.key.clone());
        }
    }

    /// AWS's own key for Parameter Store needs no right of the reader's: its policy lets in whoever comes through SSM.
    fn document(self, actions: &[&str], at: &Place<'_>) -> Option<PolicyDocument> {
        if self.arns.is_empty() {
            return None;
        }
        let read = PolicyDocument::allow(actions.iter().copied(), self.arns);
        if self.keys.is_empty() {
            return Some(read);
        }
        let through = format!("ssm.{}.amazonaws.com", at.stack.region);
        let decrypt = Statement::allow(["kms:Decrypt"], self.keys);
        Some(read.and(decrypt.when(("StringEquals", "kms:ViaService", through.into()))))
    }
}
