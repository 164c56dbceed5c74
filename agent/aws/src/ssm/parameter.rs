//! `ssm.parameter` in AWS.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ssm::file::is_reserved;
use agent_model::kinds::ssm::parameter::{Out, OutValue, Parameter, Spec, Tier, Type};
use aws_sdk_ssm::types::{self as sdk, ParameterTier, ParameterType, ResourceTypeForTagging};
use futures_util::future::try_join_all;

use super::{DESCRIBE, filter, tag};
use crate::Aws;
use crate::fault::{fault, lacks};

impl Provider<Parameter> for Aws {
    async fn list(&self, scope: &Scope, listing: &Listing<'_>) -> Result<Vec<Live<Parameter>>, Fault> {
        let all = self.parameters_of_stack(scope, listing.reads).await?;
        let is_file = |found: &sdk::ParameterMetadata| is_reserved(&scope.stack, found.name().unwrap_or_default());
        let mut described: Vec<_> = all.iter().filter(|found| !is_file(found)).cloned().collect();
        if !listing.adopted.is_empty() {
            described.extend(self.parameters_described(filter("Name", listing.adopted.iter().cloned())?).await?);
        }
        self.parameters_read(described).await
    }

    async fn find(&self, _: &Scope, sought: &Sought<'_, Parameter>) -> Result<Option<Live<Parameter>>, Fault> {
        let name = sought.id.unwrap_or(&sought.spec.name).to_owned();
        let described = self.parameters_described(filter("Name", [name])?).await?;
        Ok(self.parameters_read(described).await?.pop())
    }

    async fn create(&self, _: &Scope, new: &New<'_, Parameter>) -> Result<String, Fault> {
        let tags = new.mark.tags(&new.spec.tags.0).into_iter().map(tag).collect::<Result<_, _>>()?;
        // Neither Overwrite nor a token: a name that is taken is answered with ParameterAlreadyExists.
        let put = self.put_parameter(new.spec).value(self.parameter_value(new.spec)?).set_tags(Some(tags));
        put.overwrite(false).send().await.map_err(fault("ssm:PutParameter"))?;
        Ok(new.spec.name.clone())
    }

    async fn update(&self, _: &Scope, update: &Update<'_, Parameter>) -> Result<(), Fault> {
        let own = |path: &String| !(path.starts_with("tags.") || path == "version" || path == "retiring");
        if update.changed.touches("version") {
            self.parameter_rotate(update).await?;
        } else if update.changed.paths.iter().any(own) {
            let value = match &update.live.out.value {
                // A generated value stays: PutParameter wants one, so it gets back what it has. Never a new one: whoever uses
                // the secret would be locked out by a change of its description.
                OutValue::Secret(secret) => {
                    let lost = || Fault::new(Class::Conflict, "ssm:PutParameter", "NoValue", "the value was not read");
                    self.vault.open(secret).ok_or_else(lost)?.to_string()
                }
                OutValue::Plain(_) => self.parameter_value(update.to)?,
            };
            let put = self.put_parameter(update.to).value(value).overwrite(true);
            put.send().await.map_err(fault("ssm:PutParameter"))?;
        }
        if update.changed.touches("retiring") && !update.to.retiring {
            let action = "ssm:UnlabelParameterVersion";
            let call = self.ssm.unlabel_parameter_version().name(&update.live.id).labels(PREVIOUS);
            call.parameter_version(update.live.out.previous_version).send().await.map_err(fault(action))?;
        }
        if update.changed.tags() {
            let tags = update.mark.tags(&update.to.tags.0).into_iter().map(tag).collect::<Result<_, _>>()?;
            let call = self.ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
            let call = call.resource_id(&update.live.id).set_tags(Some(tags));
            call.send().await.map_err(fault("ssm:AddTagsToResource"))?;
        }
        Ok(())
    }

    async fn delete(&self, _: &Scope, live: &Live<Parameter>) -> Result<(), Fault> {
        self.ssm.delete_parameter().name(&live.id).send().await.map_err(fault("ssm:DeleteParameter"))?;
        Ok(())
    }
}

/// The label of the version whose value is still good while something may still use it.
const PREVIOUS: &str = "gitops-agent-previous";

impl Aws {
    /// Makes a new value. The old one gets its label first: were it the other way round, a crash in between would leave
    /// nobody who knows what is still in use.
    async fn parameter_rotate(&self, update: &Update<'_, Parameter>) -> Result<(), Fault> {
        let name = &update.live.id;
        let wanted = update.to.version.as_ref().copied().unwrap_or_default();
        // Looked at anew: an earlier attempt may have been carried out, and a second new value would be one too many.
        let described = self.parameters_described(filter("Name", [name.clone()])?).await?.pop();
        let version = described.map(|described| described.version).ok_or_else(|| lacks(DESCRIBE, "Parameters"))?;
        if version >= wanted {
            return Ok(());
        }
        let action = "ssm:LabelParameterVersion";
        let call = self.ssm.label_parameter_version().name(name).parameter_version(version).labels(PREVIOUS);
        let answer = call.send().await.map_err(fault(action))?;
        if let Some(label) = answer.invalid_labels().first() {
            return Err(Fault::new(Class::Invalid, action, "InvalidLabel", format!("AWS refuses the label {label}")));
        }
        let put = self.put_parameter(update.to).value(self.parameter_generated(update.to)?).overwrite(true);
        put.send().await.map_err(fault("ssm:PutParameter"))?;
        Ok(())
    }

    fn parameter_generated(&self, spec: &Spec) -> Result<String, Fault> {
        let refused = |text: &str| Fault::new(Class::Invalid, "ssm:PutParameter", "NoValue", text);
        let generate = spec.generate.0.ok_or_else(|| refused("`generate` is not set"))?;
        let secret = self.vault.generate(generate.bytes).map_err(|error| refused(&error.to_string()))?;
        let plain = self.vault.open(&secret).ok_or_else(|| refused("the vault lost a secret"))?;
        Ok(plain.to_string())
    }

    fn put_parameter(&self, spec: &Spec) -> aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder {
        let put = self.ssm.put_parameter().name(&spec.name).r#type(match spec.kind {
            Type::String => ParameterType::String,
            Type::StringList => ParameterType::StringList,
            Type::SecureString => ParameterType::SecureString,
        });
        let tier = match spec.tier {
            Tier::Standard => ParameterTier::Standard,
            Tier::Advanced => ParameterTier::Advanced,
        };
        // An absent description would leave the old one: AWS documents no other way to take it away than an empty one.
        put.tier(tier).description(spec.description.clone().unwrap_or_default()).set_key_id(spec.key_id.clone())
    }

    fn parameter_value(&self, spec: &Spec) -> Result<String, Fault> {
        if spec.generate.0.is_some() {
            return self.parameter_generated(spec);
        }
        let refused = |text: &str| Fault::new(Class::Invalid, "ssm:PutParameter", "NoValue", text);
        let value = spec.value.as_ref().and_then(agent_core::reference::Text::plain);
        value.ok_or_else(|| refused("neither `value` nor `generate` is set"))
    }

    /// Adds values and tags to what `DescribeParameters` gave: ten values a call, the tags of one, all at once.
    async fn parameters_read(&self, described: Vec<sdk::ParameterMetadata>) -> Result<Vec<Live<Parameter>>, Fault> {
        let names: Vec<String> = described.iter().filter_map(|parameter| parameter.name.clone()).collect();
        let selected: Vec<String> = names.iter().cloned().chain(described.iter().filter_map(previous_of)).collect();
        let values = try_join_all(selected.chunks(10).map(|ten| self.parameter_values(ten)));
        let tags = try_join_all(names.iter().map(|name| self.parameter_tags(name)));
        let (values, tags) = tokio::try_join!(values, tags)?;
        let mut values = versions(values.into_iter().flatten());
        let mut tags: BTreeMap<String, Option<BTreeMap<String, String>>> = names.into_iter().zip(tags).collect();
        let mut found = Vec::new();
        for parameter in described {
            let Some(name) = &parameter.name else { continue };
            // Deleted between the calls: not there.
            let (Some((value, older)), Some(tags)) = (values.remove(name), tags.remove(name).flatten()) else {
                continue;
            };
            found.push(self.parameter_live(parameter, value, older.as_ref(), &tags)?);
        }
        Ok(found)
    }

    async fn parameter_values(&self, ten: &[String]) -> Result<Vec<(String, sdk::Parameter)>, Fault> {
        let call = self.ssm.get_parameters().set_names(Some(ten.to_vec())).with_decryption(true);
        let answer = call.send().await.map_err(fault("ssm:GetParameters"))?;
        let read = answer.parameters.unwrap_or_default().into_iter();
        Ok(read.filter_map(|parameter| Some((parameter.name.clone()?, parameter))).collect())
    }

    pub(super) async fn parameter_tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Fault> {
        let call = self.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
        match call.send().await.map_err(fault("ssm:ListTagsForResource")) {
            Ok(answer) => {
                let tags = answer.tag_list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
                Ok(Some(tags.collect()))
            }
            // AWS says InvalidResourceId of a parameter that is not there.
            Err(fault) if fault.class == Class::NotFound || fault.code == "InvalidResourceId" => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn parameter_live(
        &self,
        described: sdk::ParameterMetadata,
        value: sdk::Parameter,
        older: Option<&sdk::Parameter>,
        tags: &BTreeMap<String, String>,
    ) -> Result<Live<Parameter>, Fault> {
        let name = described.name.ok_or_else(|| lacks(DESCRIBE, "Name"))?;
        let kind = match described.r#type {
            Some(ParameterType::SecureString) => Type::SecureString,
            Some(ParameterType::StringList) => Type::StringList,
            _ => Type::String,
        };
        let secret = kind == Type::SecureString;
        let plain = value.value.unwrap_or_default();
        let shown = |plain: &str| {
            if secret { OutValue::Secret(self.vault.seal(plain)) } else { OutValue::Plain(plain.to_owned()) }
        };
        let previous = older.and_then(sdk::Parameter::value).unwrap_or(&plain);
        let out = Out {
            name: name.clone(),
            arn: value.arn.ok_or_else(|| lacks("ssm:GetParameters", "ARN"))?,
            value: shown(&plain),
            previous: shown(previous),
            previous_version: older.map_or(value.version, |older| older.version),
            modified: described.last_modified_date.map_or(0, |at| at.secs()),
            version: value.version,
        };
        let spec = Spec {
            name: name.clone(),
            kind,
            value: (!secret).then(|| plain.into()),
            generate: AtCreate(None),
            max_age_days: AtCreate(None),
            description: described.description.filter(|text| !text.is_empty()),
            tier: if described.tier == Some(ParameterTier::Advanced) { Tier::Advanced } else { Tier::Standard },
            // AWS names its own key although nobody asked for it.
            key_id: described.key_id.filter(|key| key != "alias/aws/ssm"),
            version: AwsDecides::Set(value.version),
            retiring: older.is_some(),
            tags: Tags(foreign_tags(tags)),
        };
        Ok(Live { id: name, spec, out, owner: Owner::from_tags(tags), phase: Phase::Ready })
    }
}

/// How the labelled version of a secret is asked for. One that was written once has no other.
fn previous_of(described: &sdk::ParameterMetadata) -> Option<String> {
    let changed = described.r#type == Some(ParameterType::SecureString) && described.version > 1;
    changed.then(|| described.name.as_ref().map(|name| format!("{name}:{PREVIOUS}"))).flatten()
}

/// What was read of each name: its newest version, and an older one where a label leads to one.
fn versions(
    read: impl Iterator<Item = (String, sdk::Parameter)>,
) -> BTreeMap<String, (sdk::Parameter, Option<sdk::Parameter>)> {
    let mut found: BTreeMap<String, (sdk::Parameter, Option<sdk::Parameter>)> = BTreeMap::new();
    for (name, one) in read {
        let entry = match found.remove(&name) {
            None => (one, None),
            Some((newest, _)) if newest.version < one.version => (one, Some(newest)),
            Some((newest, _)) if newest.version > one.version => (newest, Some(one)),
            Some(same) => same,
        };
        found.insert(name, entry);
    }
    found
}
