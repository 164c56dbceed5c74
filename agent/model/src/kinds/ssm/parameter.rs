//! `ssm.parameter`: a value in Parameter Store. A secret one is generated when it is made and never read into a plan.

use std::collections::BTreeMap;

use agent_core::address::{Address, Scope};
use agent_core::cost::Read;
use agent_core::field::{AtCreate, AwsDecides, Tags};
use agent_core::kind::{After, Change, Identity, Kind, Replace, Wait};
use agent_core::plan::graph::Graph;
use agent_core::reference::{Target, Text};
use agent_core::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kinds::cloudfront::distribution::Distribution;

/// A parameter.
pub struct Parameter;

/// The wanted state of a parameter, after
/// [PutParameter](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name with its path, for example `/hello/greeting`. At most 1011 characters with the ARN's other parts.
    pub name: String,
    /// How it is kept.
    #[serde(rename = "type", default)]
    pub kind: Type,
    /// The value, for types other than `SecureString`. At most 4 KB (8 KB advanced); AWS refuses `{{`.
    #[serde(default)]
    pub value: Option<Text>,
    /// For `SecureString`: what is generated when it is made.
    #[serde(default)]
    pub generate: AtCreate<Generate>,
    /// After how many days a generated secret is made anew; never when absent. AWS is not told.
    #[serde(default)]
    pub max_age_days: AtCreate<u16>,
    /// At most 1,024 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// `Advanced` costs money and cannot be taken back.
    #[serde(default)]
    pub tier: Tier,
    /// The KMS key of a `SecureString`; AWS's own (`alias/aws/ssm`) when absent.
    #[serde(default)]
    pub key_id: Option<String>,
    /// How many times the value was written. It is set, to one more than AWS holds, where a generated secret is to be made
    /// anew; the old one is then `retiring`.
    #[serde(default)]
    pub version: AwsDecides<i64>,
    /// Whether an old value is still good, because something may still use it. Wanted is that none is: the step that ends
    /// it waits for whatever sends the secret.
    #[serde(default)]
    pub retiring: bool,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: Tags,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Type {
    /// Plain text.
    #[default]
    String,
    /// Texts separated by commas.
    StringList,
    /// Encrypted with KMS.
    SecureString,
}

/// The tier of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Tier {
    /// Up to 4 KB, free.
    #[default]
    Standard,
    /// Up to 8 KB.
    Advanced,
}

/// What is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Generate {
    /// How many random bytes, written as twice as many hex digits.
    pub bytes: usize,
}

/// What AWS knows of a parameter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its name: what `GetParameter` takes.
    pub name: String,
    /// Its ARN: what a task definition's `valueFrom` takes.
    pub arn: String,
    /// Its value.
    pub value: OutValue,
    /// The value that it had before while that is still good, else the same.
    pub previous: OutValue,
    /// The version of that.
    pub previous_version: i64,
    /// When the value was last written, in seconds since 1970.
    pub modified: i64,
    /// Counts the changes.
    pub version: i64,
}

/// The value, as far as it may be seen.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OutValue {
    /// Of a `SecureString`.
    Secret(Secret),
    /// Of the other types.
    Plain(String),
}

/// A parameter's name.
pub struct ParameterName;
impl Target for ParameterName {
    const KIND: &'static str = Parameter::NAME;
    const FIELD: &'static str = "name";
}

/// A parameter's ARN.
pub struct ParameterArn;
impl Target for ParameterArn {
    const KIND: &'static str = Parameter::NAME;
    const FIELD: &'static str = "arn";
}

impl Kind for Parameter {
    const NAME: &'static str = "ssm.parameter";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    // Values and how they are made are keys of the component, which knows a secret from a text.
    const FIXED: &'static [&'static str] = &["name", "type", "value", "generate", "version", "retiring"];
    // AWS: "You can't change a parameter from a String type to a SecureString type."
    const IMMUTABLE: &'static [&'static str] = &["name", "type"];
    const REPLACE: Replace = Replace::DeleteFirst;
    const LATE: &'static [&'static str] = &["retiring"];
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[
        super::DESCRIBE,
        Read::batches("ssm:GetParameters", &[Self::NAME], 10),
        Read::each("ssm:ListTagsForResource", &[Self::NAME]),
    ];
    const DOC: &'static str = "A value in Parameter Store \
        (https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html).";

    fn change(path: &str, from: &Value, to: &Value) -> Change {
        let downgraded = path == "tier" && from == "Advanced" && to == "Standard";
        if downgraded || Self::IMMUTABLE.contains(&path) { Change::Replace } else { Change::InPlace }
    }

    fn derive(spec: &Spec, scope: &Scope) -> BTreeMap<&'static str, String> {
        let name = spec.name.trim_start_matches('/');
        let arn = scope.arn("ssm", &format!("parameter/{name}"));
        BTreeMap::from([("name", spec.name.clone()), ("arn", arn)])
    }

    /// An old value is good until every place of the world sends the new one.
    fn late_after(own: &Address, graph: &Graph) -> Vec<After> {
        let senders = graph.naming(own).filter(|user| user.kind() == Distribution::NAME);
        senders.map(|sender| After { address: sender.clone(), wait: Wait::Settled }).collect()
    }

    /// A value gets a version, and one that takes the place of another leaves it good for a while.
    fn faked(before: Option<&Spec>, mut spec: Spec, mut out: Out) -> (Spec, Out) {
        let version = spec.version.as_ref().copied().unwrap_or(1);
        if before.is_some() && version > out.version && spec.kind == Type::SecureString {
            (out.previous, out.previous_version) = (out.value.clone(), out.version);
            out.value = OutValue::Secret(Secret::unopened(&format!("value-{version}-of-{}", out.name)));
            spec.retiring = true;
        } else if !spec.retiring {
            (out.previous, out.previous_version) = (out.value.clone(), version);
        }
        out.version = version;
        spec.version = AwsDecides::Set(version);
        (spec, out)
    }

    fn unique(spec: &Spec) -> Option<String> {
        Some(spec.name.clone())
    }
}
