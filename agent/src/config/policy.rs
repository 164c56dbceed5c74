//! `[policy]`: which rules are in force, and how binding they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent_core::allowed::Level;
use schemars::JsonSchema;
use serde::Deserialize;

use super::top;

/// The rules between a revision and AWS. The pack of this program is always among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Rules of one's own beside the pack: a folder of this host with `.rego` files, or a commit of a repository. They are read
    /// when the agent starts and when it reads its configuration again.
    pub bundle: Option<Place>,
    /// How binding rules are, by id, where that is not to be as the rule itself says.
    pub levels: BTreeMap<String, LevelWord>,
}

impl Policy {
    /// The levels, in the words of the rules; `None` for those that are not asked.
    pub fn levels(&self) -> BTreeMap<String, Option<Level>> {
        let level = |word: &LevelWord| match word {
            LevelWord::Hard => Some(Level::Hard),
            LevelWord::Soft => Some(Level::Soft),
            LevelWord::Advisory => Some(Level::Advisory),
            LevelWord::Off => None,
        };
        self.levels.iter().map(|(id, word)| (id.clone(), level(word))).collect()
    }
}

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LevelWord {
    /// In the way, without exceptions.
    Hard,
    /// In the way unless a manifest names an exception.
    Soft,
    /// Shown, never in the way.
    Advisory,
    /// Not asked.
    Off,
}

/// Where an organisation keeps its rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Place {
    /// A folder of this host.
    Folder(PathBuf),
    /// A commit of a repository.
    Repository(Box<Repository>),
}

/// A commit of a repository with rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Where it is, as in `[source]`.
    pub url: String,
    /// The commit, in 40 hex digits: rules change when the agent's configuration does, and not before.
    pub commit: String,
    /// The folder of the rules in the repository. Default: `.`, its top.
    #[serde(default = "top")]
    pub path: String,
    /// As in `[source]`.
    pub token_file: Option<PathBuf>,
    /// As in `[source]`.
    pub ssh_key: Option<PathBuf>,
    /// As in `[source]`.
    pub ssh_agent: Option<PathBuf>,
    /// As in `[source]`.
    pub known_hosts: Option<PathBuf>,
}
