//! `[[notify]]`: whom the agent tells what became of a revision, and with what it shows who it is. Tokens and secrets are in files,
//! which are read each time, so that they may be replaced.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use agent_core::source::Problems;
use agent_core::told::Outcome;
use hyper::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Config, credential};
use crate::run::tell::keys;

/// How many receivers there may be: what was told to them has to fit into one entry of Parameter Store.
const MOST: usize = 16;
/// The longest name of a status, with the name of a stack in it: GitHub and GitLab take 255 characters.
const CONTEXT: usize = 200;

/// Somebody whom the agent tells what became of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// How it is told: a commit's status at `github` or `gitlab`, or a signed request to a `webhook` of one's own.
    pub kind: Kind,
    /// The repository at GitHub: `owner/name`.
    pub repository: Option<String>,
    /// The project at GitLab: its path (`group/name`) or its number, in quotes.
    pub project: Option<String>,
    /// Where the API is. Default: `https://api.github.com` or `https://gitlab.com/api/v4`; a GitHub Enterprise Server has it at
    /// `https://HOST/api/v3`.
    pub api: Option<String>,
    /// Where the webhook is: https, or http on this host.
    pub url: Option<String>,
    /// A file that holds the token for GitHub or GitLab; a bare name is one of systemd's credentials (`LoadCredential=`). Read each
    /// time.
    pub token_file: Option<PathBuf>,
    /// A file that holds the secret that webhooks are signed with: `whsec_` and 24 to 64 random bytes in base64, or several of them on
    /// lines of their own, each of which signs. A bare name is one of systemd's credentials. Read each time.
    pub secret_file: Option<PathBuf>,
    /// The stacks that it is told of: names, or beginnings of names with `*`. Default: all.
    pub stacks: Option<Vec<String>>,
    /// The address of the source that it is told of, as in `[source]`. Needed for GitHub and GitLab where there are several
    /// repositories. Default: all.
    pub source: Option<String>,
    /// What it is told: `pending`, `success`, `failure`. Default: all three at GitHub and GitLab, without `pending` at webhooks.
    pub outcomes: Option<BTreeSet<Told>>,
    /// The name of the status; `{stack}` becomes the name of the stack. Default: `gitops-agent/{stack}`.
    pub context: Option<String>,
    /// What the status links to; `{stack}` and `{revision}` become what they say. Default: nothing.
    pub target_url: Option<String>,
    /// Whether it is told why something failed. Such texts name ARNs and account numbers, which is not for everybody where a repository
    /// is public. Default: `true`.
    #[serde(default = "yes")]
    pub reasons: bool,
}

fn yes() -> bool {
    true
}

/// How somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By a commit's status at GitHub.
    Github,
    /// By a commit's status at GitLab.
    Gitlab,
    /// By a signed request.
    Webhook,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// AWS is being changed.
    Pending,
    /// AWS is as the revision says.
    Success,
    /// A commit or a person has to help.
    Failure,
}

impl Kind {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Webhook => "webhook",
        }
    }

    /// The keys that are of this kind alone, those that it needs first, and how many these are.
    fn keys(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Github => (&["repository", "token_file", "api", "context"], 2),
            Self::Gitlab => (&["project", "token_file", "api", "context"], 2),
            Self::Webhook => (&["url", "secret_file"], 2),
        }
    }
}

impl Notify {
    /// What it is told.
    pub fn wanted(&self) -> BTreeSet<Outcome> {
        let all = match self.kind {
            Kind::Webhook => vec![Told::Success, Told::Failure],
            Kind::Github | Kind::Gitlab => vec![Told::Pending, Told::Success, Told::Failure],
        };
        let outcome = |told: &Told| match told {
            Told::Pending => Outcome::Pending,
            Told::Success => Outcome::Success,
            Told::Failure => Outcome::Failure,
        };
        self.outcomes
            .as_ref()
            .map_or_else(|| all.iter().map(outcome).collect(), |some| some.iter().map(outcome).collect())
    }

    /// Whether it is told of a stack, or of a whole revision where none is given.
    pub fn hears_of(&self, stack: Option<&str>, source: &str) -> bool {
        let is_of = |pattern: &String| match (stack, pattern.strip_suffix('*')) {
            (Some(stack), Some(start)) => stack.starts_with(start),
            (Some(stack), None) => stack == pattern,
            // A revision that cannot be read as a whole is in the way of all of its stacks.
            (None, _) => true,
        };
        self.source.as_deref().is_none_or(|of| of == source)
            && self.stacks.as_ref().is_none_or(|stacks| stacks.iter().any(is_of))
    }

    /// Where the token or the secret is.
    pub fn key_file(&self) -> PathBuf {
        let file = if self.kind == Kind::Webhook { &self.secret_file } else { &self.token_file };
        credential(file.as_deref().unwrap_or(Path::new("")))
    }

    /// The name of the file's key in the configuration.
    fn key_name(&self) -> &'static str {
        if self.kind == Kind::Webhook { "secret_file" } else { "token_file" }
    }

    fn given(&self) -> [(&'static str, bool); 8] {
        [
            ("repository", self.repository.is_some()),
            ("project", self.project.is_some()),
            ("api", self.api.is_some()),
            ("url", self.url.is_some()),
            ("token_file", self.token_file.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("context", self.context.is_some()),
            ("target_url", self.target_url.is_some()),
        ]
    }

    /// What is wrong with it.
    fn check(&self, config: &Config, look_into: bool, at: At<'_>, problems: &mut Problems) {
        let (own, needed) = self.kind.keys();
        for (key, is_given) in self.given() {
            let is_own = own.contains(&key) || key == "target_url";
            if is_given && !is_own {
                let others = own.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                let hint = Some(format!("of its own it has {others}"));
                at.wrong(key, format!("`{key}` is not for `kind = \"{}\"`", self.kind.word()), hint, problems);
            }
            if !is_given && own[..needed].contains(&key) {
                at.wrong("kind", format!("`kind = \"{}\"` needs `{key}`", self.kind.word()), None, problems);
            }
        }
        self.check_names(at, problems);
        self.check_addresses(at, problems);
        self.check_texts(at, problems);
        self.check_source(config, at, problems);
        if look_into && (self.secret_file.is_some() || self.token_file.is_some()) {
            let file = self.key_file();
            let read = if self.kind == Kind::Webhook {
                keys::secrets(&file).map(|_| ())
            } else {
                keys::token(&file).map(|_| ())
            };
            if let Err(error) = read {
                at.wrong(self.key_name(), error.to_string(), Some(error.hint().to_owned()), problems);
            }
        }
    }

    fn check_names(&self, at: At<'_>, problems: &mut Problems) {
        if let Some(repository) = &self.repository
            && !(repository.split('/').count() == 2 && is_path(repository))
        {
            at.wrong("repository", format!("`{repository}` is no repository"), Some("`owner/name`".into()), problems);
        }
        if let Some(project) = &self.project
            && !is_path(project)
        {
            let hint = "its path, such as `group/name`, or its number in quotes".to_owned();
            at.wrong("project", format!("`{project}` is no project"), Some(hint), problems);
        }
        for pattern in self.stacks.iter().flatten() {
            let name = pattern.strip_suffix('*').unwrap_or(pattern);
            let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !is_name || pattern.is_empty() {
                let hint = "a name such as `um`, or the beginning of names such as `web-*`".to_owned();
                at.wrong("stacks", format!("`{pattern}` cannot be the name of a stack"), Some(hint), problems);
            }
        }
        if self.stacks.as_ref().is_some_and(Vec::is_empty) {
            at.wrong("stacks", "no stack is told of".to_owned(), Some("take the line away for all".into()), problems);
        }
        if self.outcomes.as_ref().is_some_and(BTreeSet::is_empty) {
            let hint = "name some of `pending`, `success` and `failure`".to_owned();
            at.wrong("outcomes", "nothing is told".to_owned(), Some(hint), problems);
        }
    }

    fn check_addresses(&self, at: At<'_>, problems: &mut Problems) {
        for (key, url) in [("api", &self.api), ("url", &self.url)] {
            let Some(url) = url else { continue };
            if let Err((message, hint)) = address(url) {
                at.hidden(key, message, Some(hint.to_owned()), url.contains('@'), problems);
            }
        }
    }

    fn check_texts(&self, at: At<'_>, problems: &mut Problems) {
        for (key, text, known) in
            [("context", &self.context, &["{stack}"][..]), ("target_url", &self.target_url, &["{stack}", "{revision}"])]
        {
            let Some(text) = text else { continue };
            let rest = known.iter().fold(text.clone(), |rest, name| rest.replace(name, ""));
            if rest.contains(['{', '}']) {
                let hint =
                    format!("it knows {}", known.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" and "));
                at.wrong(key, format!("`{text}` has something in braces that is not known"), Some(hint), problems);
            }
            let is_text = !text.is_empty() && text.chars().count() <= CONTEXT && !text.chars().any(char::is_control);
            if !is_text {
                at.wrong(key, format!("`{key}` has 1 to {CONTEXT} characters on one line"), None, problems);
            }
        }
        if let Some(url) = &self.target_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            let hint = "such as `https://grafana.example.org/d/agent?var-stack={stack}`".to_owned();
            at.wrong("target_url", format!("`{url}` is no address of a page"), Some(hint), problems);
        }
    }

    fn check_source(&self, config: &Config, at: At<'_>, problems: &mut Problems) {
        let urls: BTreeSet<&str> = config.sources().iter().map(|source| source.url.as_str()).collect();
        match &self.source {
            Some(url) if !urls.is_empty() && !urls.contains(url.as_str()) => {
                let hint = "as it is written there".to_owned();
                let message = "`source` is the `url` of none of the sources".to_owned();
                at.hidden("source", message, Some(hint), super::holds_password(url), problems);
            }
            None if urls.len() > 1 && self.kind != Kind::Webhook => {
                let message = "there are several repositories, and commits of one are not known to the host of another";
                at.wrong("kind", message.to_owned(), Some("add `source = \"URL\"`".to_owned()), problems);
            }
            _ => {}
        }
    }
}

/// What is wrong with all of them. `look_into` tells whether the files that they name are read.
pub(super) fn check(config: &Config, look_into: bool, at: At<'_>, problems: &mut Problems) {
    for (n, notify) in config.notify.iter().enumerate() {
        let position = n.to_string();
        let place = [at.place, &[position.as_str()]].concat();
        let at = At { node: at.node, place: &place };
        notify.check(config, look_into, at, problems);
        let is_same = |other: &Notify| {
            let of = |notify: &Notify| Notify { outcomes: None, target_url: None, reasons: true, ..notify.clone() };
            of(other) == of(notify)
        };
        if config.notify[..n].iter().any(is_same) {
            at.wrong("kind", "it is told the same as one before it".to_owned(), None, problems);
        }
    }
    if config.notify.len() > MOST {
        at.wrong(&MOST.to_string(), format!("at most {MOST} can be told"), None, problems);
    }
}

/// Whether these are names with slashes between them, which an address may hold as they are.
fn is_path(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !matches!(name, "" | "." | "..") && name.len() <= 255 && name.bytes().all(is_letter)
    };
    text.split('/').all(is_name)
}

/// Reads an address that requests are sent to. Where it is wrong, why, and what to do about it.
pub fn address(url: &str) -> Result<Uri, (String, &'static str)> {
    let hint = "an address such as `https://hooks.example.org/gitops`";
    let uri: Uri = url.parse().map_err(|_| ("it is no address".to_owned(), hint))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(("it is no address".to_owned(), hint));
    };
    if authority.as_str().contains('@') {
        let hint = "the token or the secret is read from a file: name that";
        return Err(("the address holds a name or a password".to_owned(), hint));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match scheme {
        "https" => Ok(uri),
        "http" if is_here => Ok(uri),
        "http" => {
            Err(("what is sent there can be read on the way".to_owned(), "http is for this host alone: use https"))
        }
        _ => Err((format!("`{scheme}` is not spoken"), hint)),
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
