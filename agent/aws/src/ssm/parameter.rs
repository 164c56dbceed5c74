//! `ssm.parameter` in AWS.

use std::collections::BTreeMap;

use agent_core::address::Scope;
use agent_core::fault::{Class, Fault};
use agent_core::field::{AtCreate, Tags};
use agent_core::live::{Live, Owner, Phase, foreign_tags};
use agent_core::provider::{Listing, New, Provider, Sought, Update};
use agent_model::kinds::ssm::file::is_reserved;
use agent_model::kinds::ssm::parameter::{Out, OutValue, Parameter, Spec, Tier, Type};
use aws_sdk_ssm::types::{self as sdk, ParameterTier, ParameterType, ResourceTypeForTagging};
use futures_util::future::try_join_all;

use super::{filter, tag};
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
        if update.changed.paths.iter().any(|path| !path.starts_with("tags.")) {
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

impl Aws {
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
        let refused = |text: &str| Fault::new(Class::Invalid, "ssm:PutParameter", "NoValue", text);
        if let Some(generate) = spec.generate.0 {
            let secret = self.vault.generate(generate.bytes).map_err(|error| refused(&error.to_string()))?;
            let plain = self.vault.open(&secret).ok_or_else(|| refused("the vault lost a secret"))?;
            return Ok(plain.to_string());
        }
        let value = spec.value.as_ref().and_then(agent_core::reference::Text::plain);
        value.ok_or_else(|| refused("neither `value` nor `generate` is set"))
    }

    /// Adds values and tags to what `DescribeParameters` gave: ten values a call, the tags of one, all at once.
    async fn parameters_read(&self, described: Vec<sdk::ParameterMetadata>) -> Result<Vec<Live<Parameter>>, Fault> {
        let names: Vec<String> = described.iter().filter_map(|parameter| parameter.name.clone()).collect();
        let values = try_join_all(names.chunks(10).map(|ten| self.parameter_values(ten)));
        let tags = try_join_all(names.iter().map(|name| self.parameter_tags(name)));
        let (values, tags) = tokio::try_join!(values, tags)?;
        let mut values: BTreeMap<String, sdk::Parameter> = values.into_iter().flatten().collect();
        let mut tags: BTreeMap<String, Option<BTreeMap<String, String>>> = names.into_iter().zip(tags).collect();
        let mut found = Vec::new();
        for parameter in described {
            let Some(name) = &parameter.name else { continue };
            // Deleted between the calls: not there.
            let (Some(value), Some(tags)) = (values.remove(name), tags.remove(name).flatten()) else { continue };
            found.push(self.parameter_live(parameter, value, &tags)?);
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
        tags: &BTreeMap<String, String>,
    ) -> Result<Live<Parameter>, Fault> {
        let name = described.name.ok_or_else(|| lacks("ssm:DescribeParameters", "Name"))?;
        let kind = match described.r#type {
            Some(ParameterType::SecureString) => Type::SecureString,
            Some(ParameterType::StringList) => Type::StringList,
            _ => Type::String,
        };
        let secret = kind == Type::SecureString;
        let plain = value.value.unwrap_or_default();
        let out = Out {
            name: name.clone(),
            arn: value.arn.ok_or_else(|| lacks("ssm:GetParameters", "ARN"))?,
            value: if secret { OutValue::Secret(self.vault.seal(&plain)) } else { OutValue::Plain(plain.clone()) },
            version: value.version,
        };
        let spec = Spec {
            name: name.clone(),
            kind,
            value: (!secret).then(|| plain.into()),
            generate: AtCreate(None),
            description: described.description.filter(|text| !text.is_empty()),
            tier: if described.tier == Some(ParameterTier::Advanced) { Tier::Advanced } else { Tier::Standard },
            // AWS names its own key although nobody asked for it.
            key_id: described.key_id.filter(|key| key != "alias/aws/ssm"),
            tags: Tags(foreign_tags(tags)),
        };
        Ok(Live { id: name, spec, out, owner: Owner::from_tags(tags), phase: Phase::Ready })
    }
}
