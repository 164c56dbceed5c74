//! `servicediscovery.namespace`: the names by which services of ECS find each other through Service Connect. Only the type
//! that has no DNS: Service Connect takes any, and uses none of the records of the others.

use std::collections::BTreeMap;
use std::fmt;

use agent_core::cost::Read;
use agent_core::field::AtCreate;
use agent_core::kind::{Identity, Kind};
use agent_core::live::{Mark, Owner};
use agent_core::reference::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A namespace.
pub struct Namespace;

/// The wanted state of a namespace, after
/// [CreateHttpNamespace](https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateHttpNamespace.html) and
/// [UpdateHttpNamespace](https://docs.aws.amazon.com/cloud-map/latest/api/API_UpdateHttpNamespace.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name, unique in account and region: at most 255 visible characters of ASCII, without `<`, `>`, `"` and `/`, and not
    /// beginning with `arn:`. It cannot be changed.
    pub name: String,
    /// What it is for, at most 1,024 characters. It tells whose it is, `gitops-agent, stack um: Service Connect in
    /// cluster.main`, for reading tags costs a call for each namespace.
    pub description: String,
    /// Tags that the manifest sets.
    #[serde(default)]
    pub tags: AtCreate<BTreeMap<String, String>>,
}

const STACK: &str = "gitops-agent, stack ";
const COMPONENT: &str = ": Service Connect in ";

/// The description of a stack's namespace.
pub fn description_of(stack: &str, component: &str) -> String {
    format!("{STACK}{stack}{COMPONENT}{component}")
}

/// The owner that a description tells of. It tells no generation.
pub fn owner_of(description: &str) -> Owner {
    let parts = description.strip_prefix(STACK).and_then(|rest| rest.split_once(COMPONENT));
    let Some((stack, rest)) = parts else { return Owner::Nobody };
    let component = rest.split([' ', ',']).next().unwrap_or_default();
    match format!("{component}/{}", Namespace::NAME).parse() {
        Ok(address) => Owner::Stack(Mark { stack: stack.to_owned(), address, generation: String::new() }),
        Err(_) => Owner::Nobody,
    }
}

/// Why a text is no name of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// Cloud Map takes 1,024 characters, but finds by at most 255.
    Length,
    /// It would be taken for an ARN.
    Arn,
    /// A character that Cloud Map, or ECS, does not take.
    Character(char),
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("has 1 to 255 characters"),
            Self::Arn => f.write_str("does not begin with `arn:`"),
            Self::Character(c) => write!(f, "takes no `{}`", c.escape_debug()),
        }
    }
}

/// Whether both Cloud Map (`^(?!arn:)[!-~]{1,1024}$`) and the default of a cluster (no `<`, `>`, `"` and `/`,
/// [ClusterServiceConnectDefaultsRequest](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ClusterServiceConnectDefaultsRequest.html))
/// take a name.
pub fn check_name(name: &str) -> Result<(), BadName> {
    if name.is_empty() || name.chars().count() > 255 {
        return Err(BadName::Length);
    }
    if name.starts_with("arn:") {
        return Err(BadName::Arn);
    }
    let bad = name.chars().find(|c| !c.is_ascii_graphic() || "<>\"/".contains(*c));
    bad.map_or(Ok(()), |c| Err(BadName::Character(c)))
}

/// What AWS knows of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// `ns-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

/// A namespace's ARN.
pub struct NamespaceArn;
impl Target for NamespaceArn {
    const KIND: &'static str = Namespace::NAME;
    const FIELD: &'static str = "arn";
}

impl Kind for Namespace {
    const NAME: &'static str = "servicediscovery.namespace";
    type Spec = Spec;
    type Out = Out;
    // Cloud Map takes a token too; NamespaceAlreadyExists keeps even without it.
    const IDENTITY: Identity = Identity::UniqueName;
    // The description tells whose it is.
    const FIXED: &'static [&'static str] = &["name", "description"];
    const IMMUTABLE: &'static [&'static str] = &["name"];
    // "You can't delete a namespace that contains services", which ECS makes for its own and takes away with them.
    const HELD_BY: &'static [&'static str] = &["ecs.service"];
    const MARKED: bool = false;
    const READS: &'static [Read] = &[Read::once("servicediscovery:ListNamespaces")];
    const DOC: &'static str = "The names by which services find each other \
        (https://docs.aws.amazon.com/cloud-map/latest/dg/working-with-namespaces.html).";

    fn unique(spec: &Spec) -> Option<String> {
        Some(spec.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cloud_map_and_ecs_take() {
        for good in ["um", "um.internal", "Data_Flow-1", "a", &"x".repeat(255)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", BadName::Length),
            (&*"x".repeat(256), BadName::Length),
            ("arn:aws:servicediscovery:eu-west-1:1:namespace/ns-1", BadName::Arn),
            ("two words", BadName::Character(' ')),
            ("a/b", BadName::Character('/')),
            ("ü", BadName::Character('ü')),
            ("a\"", BadName::Character('"')),
        ] {
            assert_eq!(check_name(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn the_description_tells_the_owner() {
        let Owner::Stack(mark) = owner_of(&description_of("um", "cluster.main")) else { panic!("nobody's") };
        assert_eq!((mark.stack.as_str(), mark.address.as_str()), ("um", "cluster.main/servicediscovery.namespace"));
        assert_ne!(owner_of(&description_of("um-acceptance", "cluster.main")), Owner::Stack(mark));
        for other in ["", "mine", "gitops-agent, stack um", "gitops-agent, stack um: Service Connect in !"] {
            assert_eq!(owner_of(other), Owner::Nobody, "{other}");
        }
    }
}
