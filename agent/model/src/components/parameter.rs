//! `[parameter.X]`: a value in Parameter Store, plain from the manifest or generated and secret. Secrets never come from
//! the manifest.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::field::{AtCreate, AwsDecides};
use agent_core::kind::Kind;
use agent_core::reference::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attribute, Component, Declared, Place, Resources};
use crate::expand::Expansion;
use crate::kinds::ssm::file;
use crate::kinds::ssm::parameter::{self, Parameter as Kinded};
use crate::names;

/// A parameter.
pub struct Parameter;

/// `[parameter.X]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The value, in plain text: what stands in a manifest is no secret. At most 4,096 bytes, 8,192 in the advanced tier,
    /// without `{{`. One of `value` and `generate` must be given.
    value: Option<String>,
    /// Whether a secret is made up when the parameter is made: `true` for 32 random bytes, or `{ bytes = 64 }`. It is kept
    /// as a `SecureString` of twice as many hex digits. It is never made anew: whoever changes it later is right.
    generate: Option<Generate>,
    /// The name in Parameter Store: letters, digits and `_.-/`, at most 900 characters in fifteen levels.
    /// `/{stack}/{component}` when left out. Another name is another parameter.
    name: Option<String>,
    /// What it is for.
    #[schemars(length(max = 1024))]
    description: Option<String>,
    /// How much it holds, and what it costs. From `advanced` back to `standard` AWS makes it only anew.
    #[serde(default)]
    tier: Tier,
    /// Whether it is a `SecureString`: what is generated is, what stands in the manifest is not.
    secure: Option<bool>,
    /// The ARN of the KMS key that encrypts what is generated; AWS's own key for Parameter Store (`alias/aws/ssm`) when left
    /// out.
    key: Option<String>,
}

/// Whether and how long.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Generate {
    /// 32 bytes, or nothing.
    Plainly(bool),
    /// That many bytes.
    Sized(Size),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Size {
    /// How many random bytes.
    #[schemars(range(min = 16, max = 1024))]
    bytes: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tier {
    /// 4 KB, without charge.
    #[default]
    Standard,
    /// 8 KB, at a charge.
    Advanced,
}

/// What a parameter offers.
#[derive(Debug)]
pub struct Offer {
    /// Its ARN.
    pub arn: Text,
    /// The ARN of its own KMS key.
    pub key: Option<String>,
}

/// How many bytes are generated where the manifest does not say.
pub const BYTES: usize = 32;

impl Config {
    fn bytes(&self) -> Option<usize> {
        match self.generate? {
            Generate::Plainly(false) => None,
            Generate::Plainly(true) => Some(BYTES),
            Generate::Sized(size) => Some(size.bytes.into()),
        }
    }

    fn name(&self, at: &Place<'_>) -> String {
        self.name.clone().unwrap_or_else(|| names::parameter(&at.stack.name, at.name()))
    }

    fn check(&self, at: &mut Place<'_>) {
        let own = at.address();
        match (&self.value, self.bytes()) {
            (Some(_), Some(_)) => at.problem(
                "conflict",
                &["generate"],
                format!("`{own}` has a `value`, and is to generate one: it takes only one of them"),
            ),
            (None, None) => at.hinted(
                "missing-key",
                &[] as &[&str],
                format!("`{own}` lacks `value` or `generate`"),
                "`generate = true` makes up a secret that nobody has to know",
            ),
            (Some(_), None) if self.secure == Some(true) => at.hinted(
                "secret-in-manifest",
                &["secure"],
                format!("the value of `{own}` stands in the manifest, and what stands there is no secret"),
                "`generate = true` makes up a secret that nobody has to know",
            ),
            (None, Some(_)) if self.secure == Some(false) => {
                at.problem("conflict", &["secure"], format!("what `{own}` generates is a secret"));
            }
            _ => {}
        }
        if self.key.is_some() && self.bytes().is_none() {
            at.problem("conflict", &["key"], format!("`{own}` is no secret, so no key encrypts it"));
        }
        if let Some(key) = self.key.as_ref().filter(|key| !is_key_arn(key)) {
            let hint = "write `arn:aws:kms:eu-west-1:123456789012:key/…`: the right to use it is given by this ARN";
            at.hinted("bad-key", &["key"], format!("`{key}` is not the ARN of a key"), hint);
        }
        self.check_value(at);
        if let Some(name) = &self.name {
            check_name(name, at);
            if file::is_reserved(&at.stack.name, name) {
                let message = format!("`{name}` lies where the files of services are kept");
                at.hinted("bad-name", &["name"], message, "take another path: what lies there goes with its service");
            }
        }
    }

    fn check_value(&self, at: &mut Place<'_>) {
        let Some(value) = &self.value else { return };
        let most = if self.tier == Tier::Advanced { 8192 } else { 4096 };
        if value.is_empty() {
            at.problem("out-of-range", &["value"], format!("`{}.value` must not be empty", at.address()));
        }
        if value.len() > most {
            let message = format!("`{}.value` has {} bytes, and may have {most} at most", at.address(), value.len());
            if value.len() <= 8192 {
                at.hinted("out-of-range", &["value"], message, "`tier = \"advanced\"` takes 8192, and costs money");
            } else {
                at.problem("out-of-range", &["value"], message);
            }
        }
        // "You can't use {{}} or {{parameter-name}} in the value": PutParameter.
        if value.contains("{{") {
            at.problem("bad-value", &["value"], format!("`{}.value` holds `{{{{`, which AWS refuses", at.address()));
        }
    }
}

fn is_key_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    matches!(parts.as_slice(), ["arn", _, "kms", region, account, key]
        if !region.is_empty() && !account.is_empty() && key.starts_with("key/"))
}

/// The rules of [PutParameter](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
fn check_name(name: &str, at: &mut Place<'_>) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    let reason = if name.is_empty() || !name.chars().all(allowed) {
        "a name holds letters, digits and `_ . - /`"
    } else if name.contains('/') && !name.starts_with('/') {
        "a name with `/` in it begins with one"
    } else if name.ends_with('/') || name.contains("//") {
        "nothing stands between two `/`"
    } else if name.matches('/').count() > 15 {
        "a name has fifteen levels at most"
    } else if name.len() > 900 {
        // AWS counts the ARN: 1,011 characters in all, of which up to 65 are in front of the name.
        "a name has 900 characters at most"
    } else if first.starts_with("aws") || first.starts_with("ssm") {
        "AWS keeps names that begin with `aws` and `ssm` for itself"
    } else if format!("{name}/").starts_with("/gitops-agent/") {
        "the agent keeps there what it knows of stacks"
    } else {
        return;
    };
    at.hinted("bad-name", &["name"], format!("`{name}` is no name for a parameter"), reason);
}

impl Component for Parameter {
    const TYPE: &'static str = "parameter";
    const DOC: &'static str = "A value in Parameter Store: plain from the manifest, or generated and secret.";
    type Config = Config;

    fn declare(config: &Config, at: &mut Place<'_>) -> Declared {
        config.check(at);
        let own = Address::new(&at.address(), Kinded::NAME);
        let arn = Text::reference(own, "arn");
        let value = match &config.value {
            // Known now: a reference would give what AWS still holds while the value is being changed.
            Some(value) => Attribute::Text(value.as_str().into()),
            None => Attribute::Secret("give it to the container under `secrets`"),
        };
        let attributes = BTreeMap::from([
            ("arn", Attribute::Text(arn.clone())),
            ("name", Attribute::Text(config.name(at).into())),
            ("value", value),
        ]);
        let offer = super::Offer::Parameter(Offer { arn, key: config.key.clone() });
        Declared { offer: Some(offer), attributes, ..Declared::default() }
    }

    fn expand(config: &Config, _: &Expansion<'_>, at: &mut Place<'_>) -> Resources {
        let generate = config.bytes().map(|bytes| parameter::Generate { bytes });
        let mut made = Resources::of(at);
        made.add::<Kinded>(&parameter::Spec {
            name: config.name(at),
            kind: if generate.is_some() { parameter::Type::SecureString } else { parameter::Type::String },
            value: config.value.as_deref().map(Text::from),
            generate: AtCreate(generate),
            description: config.description.clone(),
            tier: match config.tier {
                Tier::Standard => parameter::Tier::Standard,
                Tier::Advanced => parameter::Tier::Advanced,
            },
            key_id: config.key.clone(),
            max_age_days: AtCreate(None),
            version: AwsDecides::Unset,
            retiring: false,
            tags: at.tags(),
        });
        made
    }
}
