//! IAM policy documents as a type with one normal form, so that a document read back from AWS equals the wanted one
//! however either was written. It is no kind: documents are fields of roles, endpoints and buckets. It does not judge
//! what a document allows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use agent_core::doc::{self, Doc, JOIN, Misfit};
use agent_core::reference::Text;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A policy document, after the
/// [grammar](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html) of IAM's JSON.
///
/// Normal form: every set is sorted and free of doubles, a lone value is a list of one, statements are sorted too (their
/// order means nothing to AWS), numbers and truth values in conditions are text, an account's root ARN is the account's
/// number. Names of actions keep their case although AWS ignores it: it gives documents back as they were written, so
/// what this program wrote compares equal, and a case changed by hand is put back. `"*"` and `{"AWS": "*"}` stay
/// apart as principals, because some services tell them apart.
///
/// AWS counts characters without white space: 2,048 for a role's trust (a quota that can be raised to 8,192), 10,240 for
/// all inline policies of a role together, 6,144 for a managed policy
/// ([quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PolicyDocument {
    /// The version of the language. In a manifest 2012-10-17 when absent; see [`PolicyDocument::from_json`] for AWS's
    /// own documents.
    #[serde(default)]
    pub version: Version,
    /// An identifier that some services ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The statements.
    #[serde(default)]
    pub statement: OneOrMore<Statement>,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Version {
    /// The current one.
    #[default]
    #[serde(rename = "2012-10-17")]
    V2012,
    /// The old one, without policy variables such as `${aws:username}`.
    #[serde(rename = "2008-10-17")]
    V2008,
}

/// One statement. Of each pair (`Action`, `NotAction`) AWS takes one. An empty set counts as absent.
// Fields that never hold references come first: they decide the order of most statements.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// A name, unique in the document: letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "sid")]
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// What may be done, for example `s3:GetObject`; `*` and `?` are wildcards.
    #[serde(default, skip_serializing_if = "OneOrMore::is_empty")]
    pub action: OneOrMore<String>,
    /// Everything but these actions.
    #[serde(default, skip_serializing_if = "OneOrMore::is_empty")]
    pub not_action: OneOrMore<String>,
    /// On what: ARNs or `*`. A role's trust has none.
    #[serde(default, skip_serializing_if = "OneOrMore::is_empty")]
    pub resource: OneOrMore<Text>,
    /// On everything but these.
    #[serde(default, skip_serializing_if = "OneOrMore::is_empty")]
    pub not_resource: OneOrMore<Text>,
    /// Who. Policies of a role have none, its trust must have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// Everybody but these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_principal: Option<Principal>,
    /// By operator (`StringEquals`) and key (`aws:SourceAccount`) the values of which one must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, OneOrMore<Text>>>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    /// It allows.
    #[default]
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// A set that is written as a list, or as its one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OneOrMore<T>(pub BTreeSet<T>);

impl<T> OneOrMore<T> {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord> FromIterator<T> for OneOrMore<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for OneOrMore<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned + Ord> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = match Value::deserialize(deserializer)? {
            Value::Array(values) => values,
            one => vec![one],
        };
        // AWS's grammar lets conditions hold numbers and truth values, and means their text.
        let as_text = |value| match value {
            Value::Bool(_) | Value::Number(_) => Value::from(value.to_string()),
            other => other,
        };
        let typed = values.into_iter().map(|value| serde_json::from_value(as_text(value)));
        typed.collect::<Result<_, _>>().map(Self).map_err(D::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        let more = generator.subschema_for::<BTreeSet<T>>();
        schemars::json_schema!({ "anyOf": [one, more] })
    }
}

fn sid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|sid| !sid.is_empty()))
}

/// Who a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Principal(Who);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Anybody,
    These(BTreeMap<Party, OneOrMore<Text>>),
}

/// What sort of principal a value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Party {
    /// An account (its number), a role, a user or a session (their ARNs), or `*`.
    #[serde(rename = "AWS")]
    Aws,
    /// A service, for example `ecs-tasks.amazonaws.com`.
    Service,
    /// An identity provider.
    Federated,
    /// The canonical id of an account, for S3.
    CanonicalUser,
}

impl Principal {
    /// Everybody: `"*"`.
    pub fn anybody() -> Self {
        Self(Who::Anybody)
    }

    /// Those named.
    pub fn these<T: Into<Text>>(party: Party, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(|value| normal_principal(party, value.into())).collect();
        Self(Who::These(BTreeMap::from([(party, values)])))
    }

    /// Those of a sort; nothing where it is everybody.
    pub fn of(&self, party: Party) -> Option<impl Iterator<Item = &Text>> {
        match &self.0 {
            Who::Anybody => None,
            Who::These(all) => Some(all.get(&party).into_iter().flat_map(|values| &values.0)),
        }
    }

    /// These and those of another sort as well. Everybody stays everybody.
    pub fn and<T: Into<Text>>(mut self, party: Party, values: impl IntoIterator<Item = T>) -> Self {
        if let Who::These(all) = &mut self.0 {
            let values = values.into_iter().map(|value| normal_principal(party, value.into()));
            all.entry(party).or_default().0.extend(values);
        }
        self
    }
}

/// The number of an account instead of its root ARN: AWS says that both mean the account, and the number does not
/// depend on the partition.
fn normal_principal(party: Party, value: Text) -> Text {
    let account = |plain: &str| {
        let fields: Vec<&str> = plain.split(':').collect();
        match fields.as_slice() {
            ["arn", _, "iam", "", account, "root"] if is_account(account) => Some((*account).to_owned()),
            _ => None,
        }
    };
    match value.plain() {
        Some(plain) if party == Party::Aws => account(&plain).map_or(value, Text::from),
        _ => value,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Who::Anybody => "*".serialize(serializer),
            Who::These(all) => all.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) if text == "*" => Ok(Self::anybody()),
            Value::Object(map) => {
                let all: BTreeMap<Party, OneOrMore<Text>> =
                    serde_json::from_value(Value::Object(map)).map_err(D::Error::custom)?;
                let normal = |(party, values): (Party, OneOrMore<Text>)| {
                    (party, values.0.into_iter().map(|value| normal_principal(party, value)).collect())
                };
                Ok(Self(Who::These(all.into_iter().map(normal).collect())))
            }
            _ => Err(D::Error::custom("a principal is \"*\" or a table by AWS, Service, Federated, CanonicalUser")),
        }
    }
}

impl JsonSchema for Principal {
    fn schema_name() -> Cow<'static, str> {
        "Principal".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<OneOrMore<Text>>();
        let of = |words: &str| {
            let mut schema = values.clone();
            schema.insert("description".into(), words.into());
            schema
        };
        let parties = json!({
            "AWS": of("Accounts, roles and users, by ARN; `*` is everybody."),
            "Service": of("Services of AWS, for example `ecs-tasks.amazonaws.com`."),
            "Federated": of("Identity providers, by ARN or name."),
            "CanonicalUser": of("Canonical user ids, which S3 knows."),
        });
        schemars::json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["*"] },
                { "type": "object", "properties": parties, "additionalProperties": false },
            ]
        })
    }
}

/// One condition: operator, key and the value that must match.
pub type Condition = (&'static str, &'static str, Text);

/// Only requests that a service makes for a resource of this account: keeps a service from being used as a
/// [confused deputy](https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
pub fn from_account(account: &str) -> Condition {
    ("StringEquals", "aws:SourceAccount", account.into())
}

/// Only requests that a service makes for a resource whose ARN is like `pattern`.
pub fn from_arn(pattern: impl Into<Text>) -> Condition {
    ("ArnLike", "aws:SourceArn", pattern.into())
}

impl Statement {
    /// Allows actions on resources.
    pub fn allow<A: Into<String>, R: Into<Text>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            action: actions.into_iter().map(Into::into).collect(),
            resource: resources.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Denies actions on resources.
    pub fn deny<A: Into<String>, R: Into<Text>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self { effect: Effect::Deny, ..Self::allow(actions, resources) }
    }

    /// This statement with a name.
    pub fn named(mut self, sid: &str) -> Self {
        self.sid = Some(sid.to_owned()).filter(|sid| !sid.is_empty());
        self
    }

    /// This statement for `principal`.
    pub fn to(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// This statement where the condition holds. Several values of one operator and key are alternatives.
    pub fn when(mut self, (operator, key, value): Condition) -> Self {
        let keys = self.condition.entry(operator.to_owned()).or_default();
        keys.entry(key.to_owned()).or_default().0.insert(value);
        self
    }
}

impl From<Statement> for PolicyDocument {
    fn from(statement: Statement) -> Self {
        Self { statement: [statement].into_iter().collect(), ..Self::default() }
    }
}

/// A text of AWS that is no policy document.
#[derive(Debug, thiserror::Error)]
#[error("not a policy document")]
pub struct NotAPolicy(#[from] serde_json::Error);

impl PolicyDocument {
    /// A document of one statement that allows actions on resources.
    pub fn allow<A: Into<String>, R: Into<Text>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Statement::allow(actions, resources).into()
    }

    /// The trust of a role that a service may take on, under all of `conditions`: [`from_account`], [`from_arn`].
    pub fn assume_by(service: &str, conditions: impl IntoIterator<Item = Condition>) -> Self {
        let trust =
            Statement::allow(["sts:AssumeRole"], [] as [Text; 0]).to(Principal::these(Party::Service, [service]));
        conditions.into_iter().fold(trust, Statement::when).into()
    }

    /// This document with the statements of another (or one statement) as well; its own version stays.
    pub fn and(mut self, other: impl Into<Self>) -> Self {
        self.statement.0.extend(other.into().statement.0);
        self
    }

    /// Reads a document as AWS gives it, once it is no longer URL-encoded. Without `Version` it is of
    /// [2008-10-17](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html).
    pub fn from_json(text: &str) -> Result<Self, NotAPolicy> {
        // A map: serde would read a list as a struct too.
        let mut map: Map<String, Value> = serde_json::from_str(text)?;
        map.entry("Version").or_insert_with(|| "2008-10-17".into());
        Ok(serde_json::from_value(map.into())?)
    }

    /// The document as calls take it: JSON without white space. Its references must be resolved.
    pub fn to_json(&self) -> Result<String, Misfit> {
        Ok(Doc::of(self)?.as_str().to_owned())
    }

    /// How many characters AWS counts, at least: references that are still open count as nothing.
    pub fn size(&self) -> usize {
        let value = serde_json::to_value(self).unwrap_or_default();
        let known = doc::rewrite(value, &mut |map| {
            let pieces = map.get(JOIN)?.as_array()?;
            Some(pieces.iter().filter_map(Value::as_str).collect::<String>().into())
        });
        doc::canonical(&known).chars().filter(|c| !c.is_whitespace()).count()
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
