//! The agent's own configuration: which repository it follows, how often it looks, what it may do. All mistakes are told at
//! once, with place and hint. `systemd/agent.toml` documents every key; a test holds the two against each other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_core::manifest::decode::decode;
use agent_core::manifest::limits::Limits;
use agent_core::manifest::parse::parse;
use agent_core::manifest::tree::{Node, Value};
use agent_core::schedule::Rhythm;
use agent_core::source::{FileId, Problem, Problems, Sources, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::git;

/// The configuration of `agent run`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The manifests repository to follow, or several (`[[source]]`).
    pub source: OneOrMore,
    /// How AWS is kept as the repository says.
    #[serde(default)]
    pub reconcile: Reconcile,
    /// Where mirrors of repositories on other hosts are kept; they can be deleted at any time. Default: what systemd's
    /// `CacheDirectory=` gives, else a folder of the user's cache.
    pub cache: Option<PathBuf>,
}

/// One source, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// `[source]`.
    One(Box<Source>),
    /// `[[source]]`.
    More(Vec<Source>),
}

impl Config {
    /// All sources.
    pub fn sources(&self) -> &[Source] {
        match &self.source {
            OneOrMore::One(source) => std::slice::from_ref(source),
            OneOrMore::More(sources) => sources,
        }
    }

    /// The environment's token, where it can only be meant for the one source: it must not be shown to another's host.
    pub fn token_for_all(&self, of_environment: Option<String>) -> Option<String> {
        of_environment.filter(|_| self.sources().len() == 1)
    }
}

/// A manifests repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where it is: `https://…`, `ssh://…`, `git@host:path`, or the path of a repository on this host.
    pub url: String,
    /// The branch that is followed. Default: `main`.
    #[serde(default = "main_branch")]
    pub branch: String,
    /// The folder of the manifests in the repository. Default: `.`, its top.
    #[serde(default = "top")]
    pub path: String,
    /// How often the repository is asked for a newer commit, give or take a tenth: `60s`, `5m`. At least a second. A repository
    /// on this host is watched as well, so that a commit is seen at once. Default: `60s`.
    #[serde(default = "interval")]
    pub interval: Period,
    /// How long one reading of the repository may take before it is given up. Default: `2m`.
    #[serde(default = "timeout")]
    pub timeout: Period,
    /// A file that holds the token (the password) for https; read each time, so that it may be replaced. Without it,
    /// the environment's `AGENT_GIT_TOKEN`, unless there are several sources: one is not shown the token of another.
    pub token_file: Option<PathBuf>,
    /// A private key without a passphrase, for ssh.
    pub ssh_key: Option<PathBuf>,
    /// The file with the host keys that are trusted, as OpenSSH writes it; ssh needs it.
    pub known_hosts: Option<PathBuf>,
}

fn main_branch() -> String {
    "main".to_owned()
}

fn top() -> String {
    ".".to_owned()
}

fn interval() -> Period {
    Period(Duration::from_mins(1))
}

fn timeout() -> Period {
    Period(Duration::from_mins(2))
}

/// How AWS is kept as the repository says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reconcile {
    /// How often each stack is read in full without a new commit, to find and repair what was changed by hand. Default: `10m`.
    pub drift: Period,
    /// How many stacks are worked on at once. Default: 4.
    pub at_once: usize,
    /// How many components one revision may remove without `[stack.allow] removals`. Default: 3.
    pub removals: usize,
}

impl Default for Reconcile {
    fn default() -> Self {
        let rhythm = Rhythm::default();
        Self { drift: Period(rhythm.drift), at_once: rhythm.at_once, removals: 3 }
    }
}

impl Reconcile {
    /// The same for the schedule.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm { drift: self.drift.0, at_once: self.at_once, ..Rhythm::default() }
    }
}

/// A length of time, written `90s`, `10m`, `1h 30m`: from a second to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Period(pub Duration);

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let period = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        let allowed = Duration::from_secs(1)..=Duration::from_hours(24 * 366);
        let is_length = period.filter(|period| allowed.contains(period));
        is_length.map(Self).ok_or_else(|| format!("`{text}` is no length of time such as `90s`, `10m` or `1h`"))
    }
}

/// A configuration that cannot be used: its problems and the text that they point at.
#[derive(Debug)]
pub struct BadConfig {
    /// What is wrong.
    pub problems: Problems,
    /// The text.
    pub sources: Sources,
}

/// Reads and checks a configuration.
pub fn read(path: &Path) -> Result<Config, BadConfig> {
    let mut sources = Sources::new();
    let mut problems = Problems::new();
    let shown = path.display().to_string();
    let config = match std::fs::read(path) {
        Ok(bytes) => checked(&shown, &bytes, &mut sources, &mut problems),
        Err(error) => {
            let message = format!("the configuration `{shown}` cannot be read: {error}");
            problems.push(Problem::new("no-configuration", message).hint("the least is `[source] url = \"…\"`"));
            None
        }
    };
    config.filter(|_| problems.is_empty()).ok_or(BadConfig { problems, sources })
}

fn checked(path: &str, bytes: &[u8], sources: &mut Sources, problems: &mut Problems) -> Option<Config> {
    let file: FileId = sources.next_id();
    let table = parse(path, bytes, &Limits::default(), sources, problems)?;
    let node = Node { span: Span::start_of(file), value: Value::Table(table) };
    let config: Config = decode(&node, "config", problems)?;
    for (n, source) in config.sources().iter().enumerate() {
        let position = n.to_string();
        let place = match &config.source {
            OneOrMore::One(_) => vec!["source"],
            OneOrMore::More(_) => vec!["source", position.as_str()],
        };
        check(source, &node, &place, problems);
    }
    if config.reconcile.at_once == 0 {
        let place = node.locate(&["reconcile", "at_once"]);
        problems.push(Problem::new("out-of-range", "`at_once` is at least 1").at(&place));
    }
    if config.sources().is_empty() {
        problems.push(Problem::new("missing-key", "there is no source to follow").at(&node.locate(&["source"])));
    }
    Some(config)
}

fn check(source: &Source, node: &Node, place: &[&str], problems: &mut Problems) {
    let holds_password =
        source.url.rsplit_once('@').is_some_and(|(user, _)| user.rsplit('/').next().is_some_and(|u| u.contains(':')));
    let mut add = |key: &str, message: String, hint: Option<String>| {
        let path: Vec<&str> = place.iter().copied().chain([key]).collect();
        let problem = Problem::new("invalid-value", message);
        // A place is shown with its line, and that one holds a secret.
        let shown = if key == "url" && holds_password { problem } else { problem.at(&node.locate(&path)) };
        problems.push(Problem { hint, ..shown });
    };
    if holds_password {
        let hint = "write it into a file and name that in `token_file`";
        add("url", format!("the URL of `{}` holds a password", git::url::shown(&source.url)), Some(hint.into()));
    }
    let location = git::url::parse(&source.url);
    if let Err(error) = &location {
        add("url", error.to_string(), error.hint());
    }
    if let Err(error) = git::clean_path(&source.path) {
        add("path", error.to_string(), error.hint());
    }
    if !git2::Reference::is_valid_name(&reference(&source.branch)) {
        add("branch", format!("`{}` cannot be the name of a branch", source.branch), None);
    }
    let is_ssh = matches!(&location, Ok(git::url::Location::Remote(r)) if r.transport == git::url::Transport::Ssh);
    for (key, given) in [("ssh_key", source.ssh_key.is_some()), ("known_hosts", source.known_hosts.is_some())] {
        if is_ssh && !given {
            let hint = (key == "known_hosts").then(|| "no host key is trusted on first use".to_owned());
            add("url", format!("a repository over ssh needs `{key}`"), hint);
        }
    }
}

/// The full name of a branch, which nothing else can have.
pub fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use agent_core::source::render_text;

    use super::*;

    fn of(text: &str) -> Result<Config, String> {
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let config = checked("agent.toml", text.as_bytes(), &mut sources, &mut problems);
        config.filter(|_| problems.is_empty()).ok_or_else(|| render_text(&problems, &sources, false))
    }

    #[test]
    fn the_least_is_a_url_and_the_rest_has_defaults() {
        let config = of("[source]\nurl = \"https://example.org/manifests.git\"\n").unwrap();
        let [source] = config.sources() else { panic!("{config:?}") };
        assert_eq!((source.branch.as_str(), source.path.as_str()), ("main", "."));
        assert_eq!(source.interval.0, Duration::from_mins(1));
        assert_eq!(config.reconcile.rhythm(), Rhythm::default());
        let two = of("[[source]]\nurl = \"/srv/a\"\n[[source]]\nurl = \"/srv/b\"\nbranch = \"dev\"\n").unwrap();
        assert_eq!(two.sources()[1].branch, "dev");
    }

    #[test]
    fn the_token_of_the_environment_is_for_one_source_and_shown_to_no_other() {
        let token = || Some("t".to_owned());
        let one = of("[source]\nurl = \"https://a.example.org/x\"\n").unwrap();
        assert_eq!(one.token_for_all(token()), token());
        let two = "[[source]]\nurl = \"https://a.example.org/x\"\n[[source]]\nurl = \"https://b.example.org/x\"\n";
        assert_eq!(of(two).unwrap().token_for_all(token()), None);
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_place() {
        let text = "[source]\nurl = \"http://u:secret@example.org/x\"\nbranch = \"a..b\"\npath = \"../x\"\n\n[reconcile]\nat_once = 0\n";
        let told = of(text).unwrap_err();
        assert!(!told.contains("secret"), "{told}");
        insta::assert_snapshot!(told);
        let text = "[source]\nurl = \"git@example.org:x\"\nintervall = \"60s\"\ntimeout = \"soon\"\n[reconcil]\n";
        insta::assert_snapshot!(of(text).unwrap_err());
        insta::assert_snapshot!(of("[source]\nurl = \"git@example.org:x\"\n").unwrap_err());
    }

    #[test]
    fn the_documented_example_is_right_and_names_every_key() {
        let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/agent.toml")).unwrap();
        of(&example).unwrap();
        // What is commented out is right as well.
        let lines: Vec<&str> = example
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .collect();
        let all = lines.join("\n");
        of(&all).unwrap();
        let schema = agent_core::manifest::decode::schema_of::<Config>();
        for keys in ["/properties", "/$defs/Source/properties", "/$defs/Reconcile/properties"] {
            for key in schema.pointer(keys).unwrap().as_object().unwrap().keys() {
                assert!(
                    all.lines().any(|line| line.starts_with(&format!("{key} ")) || line == format!("[{key}]")),
                    "{key}"
                );
            }
        }
    }
}
