//! What a service's tasks can connect to. "Existing tasks can't resolve and connect to the new endpoint. Only new tasks
//! with a Service Connect configuration in the same namespace and that start running after this deployment can"
//! ([Service Connect components](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html));
//! tasks that replace others do as those of the last deployment did. So what counts is which names were there when the
//! newest deployment began. AWS tells both times, and no state is needed to compare them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use agent_core::doc::TAGS;
use agent_core::fake::Nature;
use agent_core::field::MARKED;
use agent_core::reference::Text;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Names in Cloud Map, each with what the service that serves it says that it is: the same, and by the reference known
/// whose it is. Of the wanted ones each must be there; what else there is does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen(pub BTreeMap<String, Text>);

impl Seen {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of these names that were there when a deployment began; times in milliseconds.
    pub fn at<'a>(deployed: i64, names: impl IntoIterator<Item = (&'a str, i64)>) -> Self {
        let there = names.into_iter().filter(|(_, made)| *made <= deployed);
        Self(there.map(|(name, _)| (name.to_owned(), name.into())).collect())
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BTreeMap::from([(TAGS, &self.0)]).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::<String, Value>::deserialize(deserializer)?;
        let inner = map.remove(TAGS).unwrap_or(Value::Object(map));
        serde_json::from_value(inner).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Seen {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Seen".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = <BTreeMap<String, String>>::json_schema(generator);
        schema.insert(MARKED.into(), TAGS.into());
        schema
    }
}

/// What ECS and Cloud Map do in the faked cloud: a name is made with the first service that serves it and goes with the
/// last, and a deployment sees those that are there when it begins. Time is the number of changes.
#[derive(Debug, Default)]
pub struct Connected {
    now: i64,
    /// When each name was made.
    names: BTreeMap<(String, String), i64>,
    /// Each service as it was last, and when its newest deployment began.
    services: BTreeMap<String, (Value, i64)>,
}

/// What ECS changes without a new deployment.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
const NOT_DEPLOYED: [&str; 8] = [
    "desired_count",
    "deployment",
    "health_check_grace_period_seconds",
    "propagate_tags",
    "enable_ecs_managed_tags",
    "enable_execute_command",
    "availability_zone_rebalancing",
    "tags",
];

impl Nature for Connected {
    fn changed(&mut self, specs: &mut BTreeMap<String, Value>) {
        self.now += 1;
        let served: BTreeSet<(String, String)> = specs.values().flat_map(served).collect();
        self.names.retain(|name, _| served.contains(name));
        for name in served {
            self.names.entry(name).or_insert(self.now);
        }
        self.services.retain(|id, _| specs.contains_key(id));
        for (id, spec) in specs {
            let deployed = match self.services.get(id) {
                Some((before, deployed)) if !is_deployed(before, spec) => *deployed,
                _ => self.now,
            };
            if let Some(namespace) = namespace(spec) {
                let there = self.names.iter().filter(|((of, _), _)| *of == namespace);
                let seen = Seen::at(deployed, there.map(|((_, name), made)| (name.as_str(), *made)));
                spec["sees"] = serde_json::to_value(seen).unwrap_or_default();
            }
            self.services.insert(id.clone(), (spec.clone(), deployed));
        }
    }
}

/// Whether the change from one spec to the other starts a deployment: a wanted name that was not seen does, by force.
fn is_deployed(before: &Value, now: &Value) -> bool {
    let changes = agent_core::diff::diff(now, before);
    changes.iter().any(|change| !NOT_DEPLOYED.contains(&change.path.split('.').next().unwrap_or_default()))
}

/// The namespace of a service with Service Connect.
fn namespace(spec: &Value) -> Option<String> {
    spec.get("service_connect")?.get("namespace").map(ToString::to_string)
}

/// The names that a service serves, each with its namespace.
fn served(spec: &Value) -> Vec<(String, String)> {
    let Some(namespace) = namespace(spec) else { return Vec::new() };
    let services = spec["service_connect"].get("services").and_then(Value::as_object);
    let names = services.into_iter().flat_map(Map::values).filter_map(|service| service["discovery_name"].as_str());
    names.map(|name| (namespace.clone(), name.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_when_the_deployment_began_is_seen() {
        let names = [("before", 999), ("then", 1000), ("after", 1001)];
        let seen: Vec<String> = Seen::at(1000, names).0.into_keys().collect();
        assert_eq!(seen, ["before", "then"]);
    }

    #[test]
    fn it_is_written_as_a_map_of_which_the_wanted_keys_count() {
        let seen = Seen::at(1, [("inbox-80", 0)]);
        let value = serde_json::to_value(&seen).unwrap();
        assert_eq!(value, serde_json::json!({"$tags": {"inbox-80": "inbox-80"}}));
        assert_eq!(serde_json::from_value::<Seen>(value).unwrap(), seen);
    }
}
