//! `logs.log_group`: where a service's output goes. A group outlives what wrote to it: when the manifest drops it, it is
//! let go. Its name tells whose it is, because reading tags would cost a call for each group.

use std::collections::BTreeMap;

use agent_core::address::{Address, Scope};
use agent_core::cost::Read;
use agent_core::field::AtCreate;
use agent_core::kind::{Identity, Kind, Removal, Replace};
use agent_core::reference::{Target, Text};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A log group.
pub struct LogGroup;

/// The wanted state of a log group, after
/// [CreateLogGroup](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name: at most 512 letters, digits and `_-/.#`. A stack's own groups are called after their address, see
    /// [`name_of`].
    pub name: String,
    /// For how many days events are kept; for ever when absent.
    #[serde(default)]
    pub retention_in_days: Option<Days>,
    /// The ARN of the symmetric KMS key that encrypts what is written from then on; AWS's own when absent.
    #[serde(default)]
    pub kms_key_id: Option<Text>,
    /// What can be done with the events, and what they cost.
    #[serde(default)]
    pub log_group_class: Class,
    /// Tags, written when the group is made and never compared: reading them costs a call for each group.
    #[serde(default)]
    pub tags: AtCreate<BTreeMap<String, String>>,
}

/// The class of a log group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Class {
    /// All features.
    #[default]
    Standard,
    /// Half the price, no alarms, no subscriptions.
    InfrequentAccess,
    /// A subset of the features for less.
    Essentials,
    /// For Lambda alone; kept for a day.
    Delivery,
}

/// For how many days events are kept. AWS takes the values in [`Days::ALLOWED`] and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(pub i32);

/// A number of days that AWS does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CloudWatch Logs cannot keep events for {days} days; the next it can is {next}")]
pub struct NotAllowed {
    /// What was asked for.
    pub days: i32,
    /// The least number of days that AWS takes and that is not shorter; the longest where there is none.
    pub next: i32,
}

impl Days {
    /// What [PutRetentionPolicy](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html)
    /// takes.
    pub const ALLOWED: [i32; 22] =
        [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
}

impl TryFrom<i32> for Days {
    type Error = NotAllowed;

    fn try_from(days: i32) -> Result<Self, NotAllowed> {
        if Self::ALLOWED.contains(&days) {
            return Ok(Self(days));
        }
        let next = Self::ALLOWED.into_iter().find(|allowed| *allowed >= days).unwrap_or(3653);
        Err(NotAllowed { days, next })
    }
}

impl JsonSchema for Days {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Days".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": Self::ALLOWED })
    }
}

/// What AWS knows of a log group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its name: what a task definition's `awslogs-group` takes.
    pub name: String,
    /// Its ARN, without `:*` behind it.
    pub arn: String,
}

/// A log group's name.
pub struct LogGroupName;
impl Target for LogGroupName {
    const KIND: &'static str = LogGroup::NAME;
    const FIELD: &'static str = "name";
}

/// A log group's ARN, without `:*` behind it.
pub struct LogGroupArn;
impl Target for LogGroupArn {
    const KIND: &'static str = LogGroup::NAME;
    const FIELD: &'static str = "arn";
}

/// What the names of all stacks' groups begin with.
const ROOT: &str = "/gitops-agent/";

/// What the names of a stack's groups begin with.
pub fn prefix_of(stack: &str) -> String {
    format!("{ROOT}{stack}/")
}

/// The name of the group at an address: `/gitops-agent/hello/service.web`, and with a key
/// `/gitops-agent/hello/service.web/sidecar`.
pub fn name_of(stack: &str, address: &Address) -> String {
    let component = address.component();
    match address.key() {
        Some(key) => format!("{}{component}/{key}", prefix_of(stack)),
        None => format!("{}{component}", prefix_of(stack)),
    }
}

/// The address of the group of that name, if it is one of the stack's.
pub fn address_of(stack: &str, name: &str) -> Option<Address> {
    let rest = name.strip_prefix(&prefix_of(stack))?;
    let address = match rest.split_once('/') {
        Some((component, key)) => Address::keyed(component, LogGroup::NAME, key),
        None => Address::new(rest, LogGroup::NAME),
    };
    // Somebody may have made a group of another form under our prefix by hand.
    address.as_str().parse().ok()
}

/// The stack and the address that a name tells of, whichever stack it is.
pub fn told_by(name: &str) -> Option<(&str, Address)> {
    let (stack, _) = name.strip_prefix(ROOT)?.split_once('/')?;
    if stack.is_empty() { None } else { Some((stack, address_of(stack, name)?)) }
}

impl Kind for LogGroup {
    const NAME: &'static str = "logs.log_group";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name", "log_group_class"];
    const REPLACE: Replace = Replace::DeleteFirst;
    const STATEFUL: bool = true;
    const REMOVAL: Removal = Removal::LetGo;
    const MARKED: bool = false;
    const HELD_BY: &'static [&'static str] = &[];
    const READS: &'static [Read] = &[Read::once("logs:DescribeLogGroups")];
    const DOC: &'static str = "A group of log streams in CloudWatch Logs \
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html).";

    fn derive(spec: &Spec, scope: &Scope) -> BTreeMap<&'static str, String> {
        let arn = scope.arn("logs", &format!("log-group:{}", spec.name));
        BTreeMap::from([("name", spec.name.clone()), ("arn", arn)])
    }

    fn unique(spec: &Spec) -> Option<String> {
        Some(spec.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_tells_stack_component_and_key() {
        let plain = Address::new("service.web", "logs.log_group");
        assert_eq!(name_of("hello", &plain), "/gitops-agent/hello/service.web");
        let keyed = Address::keyed("service.web", "logs.log_group", "sidecar-x");
        assert_eq!(name_of("hello", &keyed), "/gitops-agent/hello/service.web/sidecar-x");
        assert_eq!(address_of("hello", "/gitops-agent/hello/service.web"), Some(plain));
        assert_eq!(address_of("hello", "/gitops-agent/hello/service.web/sidecar-x"), Some(keyed));
    }

    #[test]
    fn what_is_not_named_after_an_address_is_nobodys() {
        for name in [
            "/gitops-agent/hello-2/service.web",
            "/gitops-agent/hell/service.web",
            "/gitops-agent/hello/",
            "/gitops-agent/hello/web",
            "/gitops-agent/hello/service.web/",
            "/gitops-agent/hello/service.web/a/b",
            "/gitops-agent/hello/service.web/a#b",
            "/ecs/hello",
            "",
        ] {
            assert_eq!(address_of("hello", name), None, "{name}");
        }
    }

    #[test]
    fn only_periods_that_aws_takes_are_taken() {
        assert_eq!(Days::try_from(30), Ok(Days(30)));
        assert_eq!(Days::try_from(31), Err(NotAllowed { days: 31, next: 60 }));
        assert_eq!(Days::try_from(0), Err(NotAllowed { days: 0, next: 1 }));
        assert_eq!(Days::try_from(9999), Err(NotAllowed { days: 9999, next: 3653 }));
        assert!(Days::ALLOWED.is_sorted());
    }

    #[test]
    fn the_arn_is_known_before_the_group_is_made() {
        let spec: Spec =
            serde_json::from_value(serde_json::json!({ "name": "/gitops-agent/hello/service.web" })).unwrap();
        let derived = LogGroup::derive(&spec, &Scope::new("hello", "111122223333", "eu-west-1"));
        assert_eq!(derived["arn"], "arn:aws:logs:eu-west-1:111122223333:log-group:/gitops-agent/hello/service.web");
        assert_eq!(spec.log_group_class, Class::Standard);
        assert_eq!(spec.retention_in_days, None);
    }

    proptest! {
        #[test]
        fn every_address_comes_back_from_its_name(
            component in "[a-z_]{1,8}\\.[a-z0-9][a-z0-9.-]{0,20}[a-z0-9]",
            key in prop::option::of("[a-z0-9][a-z0-9.-]{0,10}[a-z0-9]"),
        ) {
            prop_assume!(!component.contains("..") && !key.as_ref().is_some_and(|key| key.contains("..")));
            let address = match &key {
                Some(key) => Address::keyed(&component, "logs.log_group", key),
                None => Address::new(&component, "logs.log_group"),
            };
            let name = name_of("hello", &address);
            prop_assert_eq!(told_by(&name), Some(("hello", address.clone())));
            prop_assert_eq!(address_of("hello", &name), Some(address));
        }
    }
}
