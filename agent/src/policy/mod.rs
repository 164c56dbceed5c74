//! The rules that are in force: the pack of this program, what an organisation adds by the agent's own configuration, and the
//! levels that it gives them. A manifests repository has no say in any of it; it can only add rules.

pub mod child;

use std::path::Path;
use std::sync::Arc;

use agent_core::desired::Desired;
use agent_core::manifest::suggest::nearest;
use agent_core::manifest::{FileEntry, Limits, StackFiles, is_policy};
use agent_core::plan::Plan;
use agent_model::facts::Known;
use agent_model::policy_input;
use agent_policy::bundle::{Bundle, Policy};
use agent_policy::judge::Rules;
use agent_policy::metadata::BadPolicy;

use crate::config::{self, Place, Repository};
use crate::git;
use crate::load::{LoadError, read_token, tree_of};
pub use child::{ARGUMENT, Child, child_main};

/// Asks the rules that are in force.
pub type Judge = Rules<Child>;

/// Why the rules that the configuration asks for cannot be in force.
#[derive(Debug, thiserror::Error)]
pub enum NoRules {
    /// A policy cannot be used.
    #[error("the policy {0}")]
    Bad(#[from] BadPolicy),
    /// The organisation's policies cannot be read.
    #[error("the policies of `policy.bundle` cannot be read: {}", .0.full())]
    Unreadable(LoadError),
    /// A file of them is no plain file.
    #[error("the policy `{0}` is no plain file that can be read")]
    NoFile(String),
    /// There are none.
    #[error("there is no policy in {0}")]
    Empty(String),
    /// A level is for a rule that there is not.
    #[error("`policy.levels` names `{0}`, and there is no such rule{1}")]
    NoSuchRule(String, String),
}

impl NoRules {
    /// Whether it may be otherwise later, although nobody changes the configuration: a server that is away comes back.
    pub fn may_pass(&self) -> bool {
        use git::GitError as E;
        match self {
            Self::Unreadable(LoadError::Git(error)) => !matches!(
                error,
                E::UnsupportedUrl { .. }
                    | E::BadPath { .. }
                    | E::NoSuchRevision { .. }
                    | E::CommitNotOffered { .. }
                    | E::NotACommit { .. }
                    | E::PathMissing { .. }
                    | E::SshKey { .. }
                    | E::KnownHosts { .. }
            ),
            _ => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable(error) => error.hint(),
            Self::NoSuchRule(..) => Some("`agent policy list` shows the rules".to_owned()),
            Self::Bad(_) => Some("`agent policy test DIR` shows what is wrong with policies".to_owned()),
            Self::NoFile(_) | Self::Empty(_) => None,
        }
    }
}

/// The judge that a configuration asks for.
pub async fn judge(config: &config::Policy, cache: &Path) -> Result<Arc<Judge>, NoRules> {
    Ok(Arc::new(Rules::new(bundle(config, cache).await?, document, Child)))
}

/// The rules that a configuration asks for.
async fn bundle(config: &config::Policy, cache: &Path) -> Result<Bundle, NoRules> {
    let mut policies = Bundle::pack()?.policies().to_vec();
    if let Some(place) = &config.bundle {
        let (files, shown) = match place {
            Place::Folder(folder) => (of_folder(folder)?, folder.display().to_string()),
            Place::Repository(repository) => {
                (of_repository(repository, cache).await.map_err(NoRules::Unreadable)?, git::url::shown(&repository.url))
            }
        };
        let own = self::policies(&files)?;
        if own.is_empty() {
            return Err(NoRules::Empty(shown));
        }
        policies.extend(own);
    }
    let bundle = Bundle::new(policies)?;
    let ids: Vec<String> = bundle.rules().iter().map(|rule| rule.id.clone()).collect();
    bundle.with_levels(&config.levels()).map_err(|unknown| {
        let id = unknown.into_iter().next().unwrap_or_default();
        let near = nearest(&id, ids.iter().map(String::as_str)).map(|near| format!("; is `{near}` meant?"));
        NoRules::NoSuchRule(id, near.unwrap_or_default())
    })
}

/// Policies have more files than manifests: each rule has tests and manifests beside it.
fn limits() -> Limits {
    Limits { files: 10_000, folders: 10_000, ..Limits::default() }
}

/// The files of a folder with policies.
pub fn of_folder(folder: &Path) -> Result<StackFiles, NoRules> {
    StackFiles::from_dir(folder, &limits()).map_err(|error| NoRules::Unreadable(error.into()))
}

async fn of_repository(repository: &Repository, cache: &Path) -> Result<StackFiles, LoadError> {
    let token = repository.token_file.as_deref().map(read_token).transpose()?;
    let Repository { ssh_key, ssh_agent, known_hosts, .. } = repository.clone();
    let auth = git::Auth { token, ssh_key, ssh_agent, known_hosts };
    let rev = Some(repository.commit.clone());
    let source = git::Source {
        url: repository.url.clone(),
        rev,
        path: repository.path.clone(),
        auth,
        trust: git::Trust::default(),
    };
    let snapshot = git::child::read_in_child(&source, &git::Limits::default(), cache).await?;
    Ok(tree_of(&source, snapshot, &limits())?.files)
}

/// The policies among files, those of tests left out.
pub fn policies(files: &StackFiles) -> Result<Vec<Policy>, NoRules> {
    let named = files.files.iter().filter(|(path, _)| is_policy(path));
    named
        .map(|(path, entry)| match entry {
            FileEntry::Bytes(bytes) => {
                Ok(Policy { file: path.clone(), text: String::from_utf8_lossy(bytes).into_owned() })
            }
            _ => Err(NoRules::NoFile(path.clone())),
        })
        .collect()
}

/// The document of a stack that rules judge.
pub fn document(desired: &Desired, plan: Option<&Plan>) -> Result<String, String> {
    let known = Known::of(&desired.networks);
    let document = policy_input::document(desired, plan, &known).map_err(|error| error.to_string())?;
    serde_json::to_string(&document).map_err(|error| error.to_string())
}
