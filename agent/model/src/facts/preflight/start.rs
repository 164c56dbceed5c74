//! What ECS has to do before a task runs: take its roles on, pull its images, open its log streams, fetch its secrets.
//!
//! After the [execution role](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html) and
//! [ECR's endpoints](https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html). Values are opened with KMS by
//! the service that holds them, which takes the right to decrypt and no way to KMS.

use std::collections::BTreeMap;

use agent_core::reference::Text;

use super::iam::{self, Context, May, Who};
use super::party::{Asked, Party, Role};
use super::{Check, Hop, rules, secrets};
use crate::components::service::sources::EcrImage;
use crate::facts::Verdict;
use crate::facts::ways::INTERNET;
use crate::kinds::ecs::task_definition::container::{Container, LogConfiguration, LogDriver};
use crate::kinds::logs::log_group;

/// Who takes roles on for tasks.
const ECS: &str = "ecs-tasks.amazonaws.com";

/// What repositories of pull-through caches are usually called, by the registry before which they stand:
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html>
const CACHES: [&str; 9] =
    ["docker-hub/", "dockerhub/", "ecr-public/", "ghcr/", "github/", "gitlab/", "k8s/", "kubernetes/", "quay/"];

/// The way to a key of a manifest, in words.
type Key<'a> = Vec<&'a str>;

pub(super) fn checks(party: &Party<'_>) -> Vec<Check> {
    let execution = party.execution_role();
    let mut checks: Vec<Check> =
        execution.iter().chain(&party.task_role()).filter_map(|role| trust(party, role)).collect();
    checks.extend(images(party, execution.as_ref()));
    checks.extend(logs(party, execution.as_ref()));
    checks.extend(secrets::checks(party, execution.as_ref()));
    checks
}

/// Whether ECS may take a role on. What it may do, where it is somebody else's, is asked where it does it.
fn trust(party: &Party<'_>, role: &Role<'_>) -> Option<Check> {
    let spec = role.spec?;
    let scope = &party.view.scope;
    let name = format!("{} trusts {ECS}", role.name);
    let hop = Hop::new(role.rule, name, &role.name, &["assume_role_policy"]);
    // ECS tells account and service for the task role, and not in every case for the execution role:
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    let mut context = Context::new();
    if role.rule == rules::TASK && !scope.account.is_empty() {
        context.insert("aws:SourceAccount", scope.account.clone());
        context.insert("aws:SourceArn", scope.arn("ecs", "task"));
    }
    let hop = match iam::trusts(party.view, spec, ECS, &context) {
        May::Yes => hop,
        May::No(why) => {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            let hint = format!("let `assume_role_policy` of {} allow sts:AssumeRole to the service {ECS}", role.name);
            hop.no(format!("{} does not let {ECS} take it on{why}", role.name), hint)
        }
        May::Unknown(fact) => hop.unknown(fact),
    };
    let because = format!("starts with its {}", role.what);
    Some(Check::new(party.address, because, party.line(&[]), vec![hop]))
}

fn images(party: &Party<'_>, role: Option<&Role<'_>>) -> Vec<Check> {
    let mut images: BTreeMap<String, Key<'_>> = BTreeMap::new();
    for (container, spec) in party.definition.iter().flat_map(|definition| &definition.containers) {
        // One that cannot be told yet is among the needs.
        let Some(image) = spec.image.plain() else { continue };
        let key = if party.view.is_written(party.own, container) {
            [party.view.container_at(party.own, container), vec!["image"]].concat()
        } else {
            vec!["files"]
        };
        // Where several containers have it, a line that people wrote tells more.
        images
            .entry(image)
            .and_modify(|known| {
                if *known == ["files"] {
                    known.clone_from(&key);
                }
            })
            .or_insert(key);
    }
    images.into_iter().map(|(image, key)| of_image(party, role, &image, &key)).collect()
}

fn of_image(party: &Party<'_>, role: Option<&Role<'_>>, image: &str, key: &[&str]) -> Check {
    let because = format!("pulls the image {image}");
    let Some(ecr) = EcrImage::parse(image) else {
        return Check::new(party.address, because, party.line(key), party.way(INTERNET, &[], &Who::Anybody));
    };
    let token = Asked::new(&["ecr:GetAuthorizationToken"], "*");
    let repository = ecr.arn(&party.view.scope.partition);
    // What AWS's AmazonEC2ContainerRegistryPullOnly has for it. BatchCheckLayerAvailability is asked by who pushes.
    let pulled = Asked::new(&["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], &repository);
    let who = role.map_or(Who::Anybody, |role| Who::Role(&role.arn));
    let (region, own) = (ecr.region, &party.view.scope.region);
    let mut hops = Vec::new();
    if region == own.as_str() {
        // AWS's own bucket of the region has the layers, and whoever has the address that ECR gives out may read them.
        let bucket = format!("arn:{}:s3:::prod-{region}-starport-layer-bucket/layer", party.view.scope.partition);
        hops.extend(party.way("ecr.api", std::slice::from_ref(&token), &who));
        hops.extend(party.way("ecr.dkr", std::slice::from_ref(&pulled), &who));
        hops.extend(party.way("s3", &[Asked::new(&["s3:GetObject"], &bucket)], &Who::Anybody));
    } else {
        hops.extend(party.way(INTERNET, &[], &Who::Anybody));
    }
    hops.extend(party.permits(role, rules::EXECUTION, &[token, pulled]));
    if CACHES.iter().any(|prefix| ecr.repository.starts_with(prefix))
        && region == own.as_str()
        && party.ways.out(&party.from).verdict == Verdict::No
    {
        let name = "ECR holds it, once it was pulled through its cache from somewhere with a way out";
        let mut hop = Hop::new(rules::FIRST_PULL, name, &party.defined, &["containers"]);
        hop.lacks = Some(image.to_owned());
        hops.push(hop);
    }
    Check::new(party.address, because, party.line(key), hops)
}

/// Whose output goes somewhere: in words, the resource that says where, and the field.
struct Writer<'a> {
    name: String,
    at: &'a str,
    field: Vec<&'a str>,
    log: &'a LogConfiguration,
}

impl Writer<'_> {
    fn hop(&self, name: String) -> Hop {
        Hop::new(rules::LOG_GROUP, name, self.at, &self.field)
    }
}

fn writers<'a>(party: &'a Party<'_>) -> impl Iterator<Item = Writer<'a>> {
    let containers = party.definition.iter().flat_map(|definition| &definition.containers);
    let of_container = |(name, spec): (&'a String, &'a Container)| {
        let (at, field) = (party.defined.as_str(), vec!["containers", name, "log_configuration"]);
        Some(Writer { name: format!("the container `{name}`"), at, field, log: spec.log_configuration.as_ref()? })
    };
    let of_proxy = party.spec.service_connect.iter().filter_map(|connect| connect.log_configuration.as_ref());
    let of_proxy = of_proxy.map(|log| Writer {
        name: "the proxy of Service Connect".to_owned(),
        at: party.address,
        field: vec!["service_connect", "log_configuration"],
        log,
    });
    containers.filter_map(of_container).chain(of_proxy).filter(|writer| writer.log.log_driver == LogDriver::Awslogs)
}

fn logs(party: &Party<'_>, role: Option<&Role<'_>>) -> Vec<Check> {
    let mut groups: BTreeMap<Option<String>, Writer<'_>> = BTreeMap::new();
    for writer in writers(party) {
        groups.entry(writer.log.options.get("awslogs-group").map(|group| party.view.plain(group))).or_insert(writer);
    }
    groups.into_iter().map(|(group, writer)| of_logs(party, role, group.as_deref(), &writer)).collect()
}

fn of_logs(party: &Party<'_>, role: Option<&Role<'_>>, group: Option<&str>, writer: &Writer<'_>) -> Check {
    let (line, log) = (party.line(&["logs"]), writer.log);
    let Some(group) = group else {
        let hop = writer.hop(format!("{} names a log group", writer.name));
        let hop =
            hop.no(format!("{} names no log group", writer.name), "say `awslogs-group` among the options of its logs");
        return Check::new(party.address, "writes its logs", line, vec![hop]);
    };
    let scope = &party.view.scope;
    let region = log.options.get("awslogs-region").map_or_else(|| scope.region.clone(), |text| party.view.plain(text));
    let arn = format!("arn:{}:logs:{region}:{}:log-group:{group}", scope.partition, scope.account);
    let streams = |actions| {
        // Its name and that of a stream in it: policies have the one or the other.
        let resources = vec![arn.clone(), format!("{arn}:log-stream:ecs")];
        Asked { resources, grant: format!("{arn}:*"), ..Asked::new(actions, &arn) }
    };
    let writes = || streams(&["logs:CreateLogStream", "logs:PutLogEvents"]);
    let mut hops = vec![exists(party, role, group, writer, &streams(&["logs:CreateLogGroup"]))];
    let who = role.map_or(Who::Anybody, |role| Who::Role(&role.arn));
    let what = if region == scope.region { "logs" } else { INTERNET };
    hops.extend(party.way(what, &[writes()], &who));
    hops.extend(party.permits(role, rules::EXECUTION, &[writes()]));
    Check::new(party.address, format!("writes its logs to {group}"), line, hops)
}

/// Whether there is the log group, or ECS makes it.
fn exists(party: &Party<'_>, role: Option<&Role<'_>>, group: &str, writer: &Writer<'_>, made: &Asked) -> Hop {
    let view = party.view;
    if let Some(address) = view.log_group_names.get(group) {
        return writer.hop(format!("{address} is there"));
    }
    let is_made = writer.log.options.get("awslogs-create-group").and_then(Text::plain);
    if is_made.is_some_and(|word| word.eq_ignore_ascii_case("true")) {
        let may = party.permits(role, rules::EXECUTION, std::slice::from_ref(made)).pop();
        let rule = |hop: &Hop| if hop.verdict == Verdict::No { rules::LOG_GROUP } else { hop.rule };
        return may.map_or_else(|| writer.hop(format!("{group} is made")), |hop| Hop { rule: rule(&hop), ..hop });
    }
    let hop = writer.hop(format!("{group} is there"));
    if group.starts_with(&log_group::prefix_of(&view.scope.stack)) {
        let lacks = format!("the log group {group} has a name of this stack, which has none of that name");
        return hop.no(lacks, "name one of the stack's log groups, or let ECS make it: `awslogs-create-group`");
    }
    hop.unknown(format!("whether there is the log group {group}"))
}
