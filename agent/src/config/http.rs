//! `[http]`: whether the agent answers over HTTP, where, and who may tell it that there is a new commit.

use std::path::PathBuf;

use agent_core::source::Problems;
use schemars::JsonSchema;
use serde::Deserialize;

use super::At;
use crate::http::Address;

/// What the agent answers over HTTP: whether it is well, what it knows, and that there may be a new commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where it listens: `127.0.0.1:9321`, `[::1]:9321`, `unix:/run/gitops-agent/http.sock`, or a list of them. Default: nowhere.
    pub listen: Option<Addresses>,
    /// Who may tell that there is a new commit.
    pub webhook: Webhooks,
}

/// One address, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Addresses {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

/// The hosts that may call, each with a secret of its own. What is not here is not answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// GitHub, at `/webhook/github`.
    pub github: Option<Webhook>,
    /// GitLab, at `/webhook/gitlab`.
    pub gitlab: Option<Webhook>,
    /// Anybody who signs as docs/running.md says, at `/webhook/generic`.
    pub generic: Option<Webhook>,
}

/// A host that may call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// A file that holds the secret, of 16 bytes or more; a bare name is one of systemd's credentials (`LoadCredential=`). Read
    /// when the agent starts and when it reads its configuration again.
    pub secret_file: PathBuf,
}

impl Webhook {
    /// Where the secret is.
    pub fn path(&self) -> PathBuf {
        super::credential(&self.secret_file)
    }
}

impl Http {
    /// The addresses as they are written.
    fn listen(&self) -> &[String] {
        match &self.listen {
            None => &[],
            Some(Addresses::One(one)) => std::slice::from_ref(one),
            Some(Addresses::More(more)) => more,
        }
    }

    /// The addresses; what is none was told when the configuration was checked.
    pub fn addresses(&self) -> Vec<Address> {
        self.listen().iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// What is wrong with it.
    pub(super) fn check(&self, at: At<'_>, problems: &mut Problems) {
        for (n, text) in self.listen().iter().enumerate() {
            if let Err(why) = text.parse::<Address>() {
                let hint = "an address and a port such as `127.0.0.1:9321`, or `unix:` and an absolute path";
                at.wrong("listen", why, Some(hint.to_owned()), problems);
            } else if self.listen()[..n].contains(text) {
                at.wrong("listen", format!("`{text}` is there twice"), None, problems);
            }
        }
        let Webhooks { github, gitlab, generic } = &self.webhook;
        if self.listen().is_empty() && [github, gitlab, generic].iter().any(|host| host.is_some()) {
            let hint = "add `listen = \"127.0.0.1:9321\"` to `[http]`".to_owned();
            at.wrong("webhook", "nobody can call, since the agent listens nowhere".to_owned(), Some(hint), problems);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::{read_http, read_part};

    #[test]
    fn where_an_agent_answers_is_known_whatever_else_is_wrong_with_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        let text = "[http]\nlisten = \"127.0.0.1:9321\"\n[source]\nurl = \"ftp://x/y\"\nverify = \"head\"\nkeyring = \"/gone\"\n";
        std::fs::write(&path, text).unwrap();
        assert!(read_part(&path).is_err());
        assert_eq!(read_http(&path).unwrap().addresses(), ["127.0.0.1:9321".parse().unwrap()]);
        std::fs::write(&path, "[http]\nlisten = \"localhost\"\n").unwrap();
        assert!(read_http(&path).is_err());
        std::fs::write(&path, "[source]\nurl = \"/srv/a\"\n").unwrap();
        assert!(read_http(&path).unwrap().addresses().is_empty());
    }
}
