//! The secrets that ECS puts into a task: environment variables, options of log drivers, credentials of registries. What the
//! policy of a secret of another account says is not looked at.

use std::collections::BTreeMap;

use super::iam::{Context, Who};
use super::party::{Asked, Party, Role};
use super::{Check, rules};
use crate::facts::ways::INTERNET;
use crate::kinds::ecs::task_definition::container::{LogConfiguration, ValueFrom};
use crate::kinds::ssm::parameter;

/// Where a secret comes from.
struct Source {
    /// `ssm` or `secretsmanager`.
    what: &'static str,
    region: String,
    /// Its ARN, as policies name it.
    arn: String,
    /// The parameter, where it is the stack's.
    parameter: Option<String>,
}

/// What it is for, and the line that asks for it.
type Use = (String, Vec<String>);

pub(super) fn checks(party: &Party<'_>, role: Option<&Role<'_>>) -> Vec<Check> {
    let mut all: BTreeMap<String, (Source, Use)> = BTreeMap::new();
    let mut add = |from: &ValueFrom, because: String, key: Vec<&str>| {
        // What is neither a parameter nor a secret is among the needs.
        if let Some(source) = source(party, from) {
            let key = key.into_iter().map(ToOwned::to_owned).collect();
            all.entry(source.arn.clone()).or_insert((source, (because, key)));
        }
    };
    let options = |log: &LogConfiguration, add: &mut dyn FnMut(&ValueFrom, String, Vec<&str>)| {
        for (option, from) in &log.secret_options {
            add(from, format!("gets the option {option} of its logs"), vec!["logs", option]);
        }
    };
    for (container, spec) in party.definition.iter().flat_map(|definition| &definition.containers) {
        let at = party.view.container_at(party.own, container);
        for (variable, from) in &spec.secrets {
            add(from, format!("gets the secret {variable}"), [at.as_slice(), &["secrets", variable]].concat());
        }
        if let Some(text) = &spec.repository_credentials {
            let from = ValueFrom::Text(text.clone());
            add(&from, "gets the credentials of its registry".into(), [at.as_slice(), &["image"]].concat());
        }
        if let Some(log) = &spec.log_configuration {
            options(log, &mut add);
        }
    }
    if let Some(log) = party.spec.service_connect.as_ref().and_then(|connect| connect.log_configuration.as_ref()) {
        options(log, &mut add);
    }
    all.into_values().map(|(source, of)| check(party, role, &source, &of)).collect()
}

fn source(party: &Party<'_>, from: &ValueFrom) -> Option<Source> {
    let (text, parameter) = match from {
        ValueFrom::Parameter(link) => (party.view.arn(link), link.address().map(ToString::to_string)),
        ValueFrom::Text(text) => (party.view.plain(text), None),
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (what, region, arn) = match parts.as_slice() {
        ["arn", _, "ssm", region, ..] => ("ssm", *region, text.clone()),
        // Behind the name stand the key of its JSON, the stage and the version.
        ["arn", _, "secretsmanager", region, _, "secret", _, ..] => ("secretsmanager", *region, parts[..7].join(":")),
        ["arn", ..] => return None,
        // Without an ARN it is the name of a parameter here.
        _ => {
            let scope = &party.view.scope;
            let arn = scope.arn("ssm", &format!("parameter/{}", text.trim_start_matches('/')));
            ("ssm", scope.region.as_str(), arn)
        }
    };
    Some(Source { what, region: region.to_owned(), arn, parameter })
}

fn check(party: &Party<'_>, role: Option<&Role<'_>>, source: &Source, (because, key): &Use) -> Check {
    let scope = &party.view.scope;
    let actions: &'static [&'static str] =
        if source.what == "ssm" { &["ssm:GetParameters"] } else { &["secretsmanager:GetSecretValue"] };
    let read = || {
        let mut read = Asked::new(actions, &source.arn);
        if source.what == "secretsmanager" {
            // Secrets Manager puts six characters behind a name that was written without them.
            read.resources.push(format!("{}-AbCdEf", source.arn));
        }
        read
    };
    let who = role.map_or(Who::Anybody, |role| Who::Role(&role.arn));
    let what = if source.region == scope.region { source.what } else { INTERNET };
    let mut hops = party.way(what, &[read()], &who);
    hops.extend(party.permits(role, rules::EXECUTION, &[read()]));
    hops.extend(key_of(party, source).into_iter().flat_map(|asked| party.permits(role, rules::EXECUTION, &[asked])));
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    Check::new(party.address, format!("{because} from {}", source.arn), party.line(&key), hops)
}

/// The right to a customer's key, where one is named. AWS's own lets in whoever may read the parameter.
fn key_of(party: &Party<'_>, source: &Source) -> Option<Asked> {
    let spec = party.view.parameters.get(source.parameter.as_deref()?)?;
    let key = spec.key_id.as_deref().filter(|key| *key != "alias/aws/ssm")?;
    if spec.kind != parameter::Type::SecureString {
        return None;
    }
    let scope = &party.view.scope;
    let arn = match key {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        alias if alias.starts_with("alias/") => scope.arn("kms", alias),
        id => scope.arn("kms", &format!("key/{id}")),
    };
    let suffix = if scope.partition == "aws-cn" { ".cn" } else { "" };
    let through = format!("ssm.{}.amazonaws.com{suffix}", scope.region);
    Some(Asked { context: Context::from([("kms:ViaService", through)]), ..Asked::new(&["kms:Decrypt"], &arn) })
}
