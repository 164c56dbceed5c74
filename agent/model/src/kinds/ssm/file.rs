//! `ssm.file`: a part of a config file in Parameter Store, which the program in a task fetches. Its name is made from what
//! it holds, so that the name alone tells what and whose it is: reading it asks for neither value nor tags.

use std::collections::BTreeMap;

use agent_core::address::{Address, Scope};
use agent_core::cost::Read;
use agent_core::doc::digest;
use agent_core::field::AtCreate;
use agent_core::kind::{Identity, Kind, Replace};
use agent_core::reference::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::ecs::task_definition::TaskDefinition;
use crate::names;

/// A part of a config file.
pub struct File;

/// The most that a standard parameter holds, in bytes.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
pub const PART: usize = 4096;
/// The type of the components that have files.
const COMPONENT: &str = "service";
/// Hex digits of the hash in a name.
const HASH: usize = 32;

/// The wanted state of a part, after
/// [PutParameter](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// `/{stack}/files/{service}/` and 32 hex digits of the SHA-256 of the value.
    pub name: String,
    /// The value, 1 to 4,096 bytes without `{{`. Never read back: the name says what it is.
    #[serde(default)]
    pub value: AtCreate<String>,
    /// Whether it holds what its name says, and has the tags that it is found by. Of those that are listed, only one that
    /// somebody has written over is looked at: its version tells.
    #[serde(default = "yes")]
    pub intact: bool,
    /// Sent when it is made, for people and for policies of IAM; never compared.
    #[serde(default)]
    pub tags: AtCreate<BTreeMap<String, String>>,
}

fn yes() -> bool {
    true
}

/// What AWS knows of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Out {
    /// Its name.
    pub name: String,
    /// Counts the writes: 1, unless somebody has written over it.
    pub version: i64,
}

/// A part's name.
pub struct FileName;
impl Target for FileName {
    const KIND: &'static str = File::NAME;
    const FIELD: &'static str = "name";
}

impl Kind for File {
    const NAME: &'static str = "ssm.file";
    type Spec = Spec;
    type Out = Out;
    const IDENTITY: Identity = Identity::UniqueName;
    // The name is made from the value, and task definitions name it.
    const FIXED: &'static [&'static str] = &["name", "value", "intact"];
    const IMMUTABLE: &'static [&'static str] = &["name"];
    const REPLACE: Replace = Replace::CreateFirst;
    // Tags would cost a call for each; the name tells the owner.
    const MARKED: bool = false;
    // AWS knows nothing of who reads it: the engine looks at what the task definitions say.
    const HELD_BY: &'static [&'static str] = &[];
    const MENTIONED_BY: &'static [&'static str] = &[TaskDefinition::NAME];
    const READS: &'static [Read] = &[super::DESCRIBE];
    const DOC: &'static str = "A part of a config file, from Git into containers by way of Parameter Store \
        (https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html).";

    fn derive(spec: &Spec, _: &Scope) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("name", spec.name.clone())])
    }

    fn unique(spec: &Spec) -> Option<String> {
        Some(spec.name.clone())
    }
}

/// What the names of all parts of a stack begin with.
fn prefix(stack: &str) -> String {
    names::parameter(stack, "files/")
}

/// What the names of all parts of a service begin with; behind it stands the hash.
pub fn prefix_of(stack: &str, service: &str) -> String {
    format!("{}{service}/", prefix(stack))
}

/// The hash of a part, which is the key of its address too: old and new content stand side by side.
pub fn hash(part: &str) -> String {
    digest(part).chars().take(HASH).collect()
}

/// Whether a part is what its name says.
pub fn is_named_after(name: &str, part: &str) -> bool {
    name.rsplit('/').next() == Some(hash(part).as_str())
}

/// Whether a name is one that parts have, whether or not there is such a part.
pub fn is_reserved(stack: &str, name: &str) -> bool {
    name.strip_prefix(prefix(stack).trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// The address that a name tells, where it is the name of a part of the stack.
pub fn told_by(stack: &str, name: &str) -> Option<Address> {
    let (service, hash) = name.strip_prefix(&prefix(stack))?.split_once('/')?;
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if service.is_empty() || hash.len() != HASH || !hash.chars().all(hex) {
        return None;
    }
    let address = Address::keyed(&format!("{COMPONENT}.{service}"), File::NAME, hash);
    address.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_address_and_nothing_else_does() {
        let hash = hash("worker_processes 1;");
        for stack in ["hello", "aws-tools", "ssm"] {
            let name = format!("{}{hash}", prefix_of(stack, "web"));
            let address = told_by(stack, &name).unwrap();
            assert_eq!(address.as_str(), format!("service.web/ssm.file.{hash}"));
            assert!(is_reserved(stack, &name) && is_named_after(&name, "worker_processes 1;"));
            assert!(!name.starts_with("/aws") && !name.starts_with("/ssm"), "AWS keeps these for itself: {name}");
        }
        let name = format!("/hello/files/web/{hash}");
        assert_eq!(told_by("hell", &name), None);
        assert_eq!(told_by("hello-b", &name), None);
        for other in ["/hello/files", "/hello/filesystem/x", "/hello/greeting"] {
            assert_eq!(told_by("hello", other), None, "{other}");
            assert!(!is_reserved("hello", other), "{other}");
        }
        for other in ["/hello/files/web/x", "/hello/files/web", &name[..name.len() - 1], &format!("{name}/x")] {
            assert_eq!(told_by("hello", other), None, "{other}");
            assert!(is_reserved("hello", other), "{other}");
        }
    }
}
