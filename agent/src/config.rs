//! The agent's own configuration: which repository it follows, how often it looks, what it may do. All mistakes are told at
//! once, with place and hint. `systemd/agent.toml` documents every key; a test holds the two against each other.

pub mod http;
pub mod notify;
mod period;
mod policy;
pub mod roles;
mod signers;
pub mod stacks;

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
pub use period::Period;
pub use policy::{Place, Policy, Repository};
use signers::{Files, check_signers};

/// The configuration of `agent run`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The manifests repository to follow, or several (`[[source]]`). Only `agent run` needs it.
    pub source: Option<OneOrMore>,
    /// The roles that are taken on for stacks of other accounts.
    #[serde(default)]
    pub role: Vec<roles::Role>,
    /// How AWS is kept as the repository says.
    #[serde(default)]
    pub reconcile: Reconcile,
    /// The rules between a revision and AWS.
    #[serde(default)]
    pub policy: Policy,
    /// What the agent answers over HTTP.
    #[serde(default)]
    pub http: http::Http,
    /// Whom the agent tells what became of a revision (`[[notify]]`).
    #[serde(default)]
    pub notify: Vec<notify::Notify>,
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
            None => &[],
            Some(OneOrMore::One(source)) => std::slice::from_ref(source),
            Some(OneOrMore::More(sources)) => sources,
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
    /// After how long without a good reading the source counts as stale, which a metric tells. Default: `15m`.
    #[serde(default = "stale")]
    pub stale: Period,
    /// A file that holds the token (the password) for https; read each time, so that it may be replaced. Without it,
    /// the environment's `AGENT_GIT_TOKEN`, unless there are several sources: one is not shown the token of another.
    pub token_file: Option<PathBuf>,
    /// A private key without a passphrase, for ssh.
    pub ssh_key: Option<PathBuf>,
    /// The socket of an SSH agent that holds the key, in the place of `ssh_key`: what `SSH_AUTH_SOCK` names.
    pub ssh_agent: Option<PathBuf>,
    /// The file with the host keys that are trusted, as OpenSSH writes it; ssh needs it.
    pub known_hosts: Option<PathBuf>,
    /// Which commits must be signed: `none`, `head` (the newest one) or `strict` (every commit since the last one applied).
    /// Default: `none`.
    #[serde(default)]
    pub verify: git::Verify,
    /// The keys of SSH that may sign: a file as `allowed_signers` in ssh-keygen(1). Read each time.
    pub allowed_signers: Option<PathBuf>,
    /// The keys of OpenPGP that may sign: what `gpg --export` writes, with or without `--armor`. Read each time.
    pub keyring: Option<PathBuf>,
    /// The stacks that it may touch: names such as `um`, or beginnings of names such as `web-*`. Default: all that no other
    /// source names.
    pub stacks: Option<Vec<String>>,
}

impl Source {
    /// Whose signatures its commits must have.
    pub fn trust(&self) -> git::Trust {
        let (allowed_signers, keyring) = (self.allowed_signers.clone(), self.keyring.clone());
        git::Trust { verify: self.verify, allowed_signers, keyring }
    }
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

fn stale() -> Period {
    Period(Duration::from_mins(15))
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

/// A configuration that cannot be used: its problems and the text that they point at.
#[derive(Debug)]
pub struct BadConfig {
    /// What is wrong.
    pub problems: Problems,
    /// The text.
    pub sources: Sources,
}

/// Reads and checks the configuration of `agent run`.
pub fn read(path: &Path) -> Result<Config, BadConfig> {
    read_for(path, true)
}

/// Reads and checks a configuration for a command that follows no repository.
pub fn read_part(path: &Path) -> Result<Config, BadConfig> {
    read_for(path, false)
}

/// Reads where an agent with this configuration answers. What is wrong with the rest of it is not in force where one runs already.
pub fn read_http(path: &Path) -> Result<http::Http, BadConfig> {
    read_with(path, |shown, bytes, sources, problems| {
        let node = tree_of(shown, bytes, sources, problems)?;
        let http = node.child("http").map(|http| decode::<http::Http>(http, "config.http", problems));
        let http = http.unwrap_or_else(|| Some(http::Http::default()))?;
        http.check(At { node: &node, place: &["http"] }, problems);
        Some(http)
    })
}

fn read_for(path: &Path, needs_source: bool) -> Result<Config, BadConfig> {
    read_with(path, |shown, bytes, sources, problems| {
        checked(shown, bytes, needs_source, Files::Read, sources, problems)
    })
}

fn read_with<T>(
    path: &Path,
    read: impl FnOnce(&str, &[u8], &mut Sources, &mut Problems) -> Option<T>,
) -> Result<T, BadConfig> {
    let mut sources = Sources::new();
    let mut problems = Problems::new();
    let shown = path.display().to_string();
    let config = match std::fs::read(path) {
        Ok(bytes) => read(&shown, &bytes, &mut sources, &mut problems),
        Err(error) => {
            let message = format!("the configuration `{shown}` cannot be read: {error}");
            problems.push(Problem::new("no-configuration", message).hint("the least is `[source] url = \"…\"`"));
            None
        }
    };
    config.filter(|_| problems.is_empty()).ok_or(BadConfig { problems, sources })
}

fn tree_of(path: &str, bytes: &[u8], sources: &mut Sources, problems: &mut Problems) -> Option<Node> {
    let file: FileId = sources.next_id();
    let table = parse(path, bytes, &Limits::default(), sources, problems)?;
    Some(Node { span: Span::start_of(file), value: Value::Table(table) })
}

fn checked(
    path: &str,
    bytes: &[u8],
    needs_source: bool,
    files: Files,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Config> {
    let node = tree_of(path, bytes, sources, problems)?;
    if !period::are_sound(&node, problems) {
        return None;
    }
    let config: Config = decode(&node, "config", problems)?;
    let positions: Vec<String> = (0..config.sources().len()).map(|n| n.to_string()).collect();
    let places: Vec<[&str; 2]> = positions.iter().map(|n| ["source", n.as_str()]).collect();
    let place = |n: usize| match &config.source {
        Some(OneOrMore::More(_)) => At { node: &node, place: &places[n] },
        _ => At { node: &node, place: &["source"] },
    };
    for (n, source) in config.sources().iter().enumerate() {
        let Source { url, path, ssh_key, ssh_agent, known_hosts, .. } = source;
        let place = place(n);
        let ssh = Ssh { key: ssh_key.is_some(), agent: ssh_agent.is_some(), known_hosts: known_hosts.is_some() };
        check_repository(url, path, ssh, place, problems);
        if !git2::Reference::is_valid_name(&reference(&source.branch)) {
            place.wrong("branch", format!("`{}` cannot be the name of a branch", source.branch), None, problems);
        }
        check_signers(source, place, files, problems);
    }
    stacks::check_sources(config.sources(), place, problems);
    roles::check(&config.role, &node, files, problems);
    if config.reconcile.at_once == 0 {
        let place = node.locate(&["reconcile", "at_once"]);
        problems.push(Problem::new("out-of-range", "`at_once` is at least 1").at(&place));
    }
    if let Some(Place::Repository(repository)) = &config.policy.bundle {
        let place = At { node: &node, place: &["policy", "bundle"] };
        let Repository { url, path, commit, ssh_key, ssh_agent, known_hosts, .. } = &**repository;
        let ssh = Ssh { key: ssh_key.is_some(), agent: ssh_agent.is_some(), known_hosts: known_hosts.is_some() };
        check_repository(url, path, ssh, place, problems);
        if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            let hint = "a commit in 40 hex digits: what a branch leads to, others can change".to_owned();
            place.wrong("commit", format!("`{commit}` is no commit"), Some(hint), problems);
        }
    }
    config.http.check(At { node: &node, place: &["http"] }, problems);
    notify::check(&config, needs_source && files == Files::Read, At { node: &node, place: &["notify"] }, problems);
    if needs_source && config.sources().is_empty() {
        problems.push(Problem::new("missing-key", "there is no source to follow").at(&node.locate(&["source"])));
    }
    Some(config)
}

/// Where a table stands.
#[derive(Clone, Copy)]
struct At<'a> {
    node: &'a Node,
    place: &'a [&'a str],
}

impl At<'_> {
    fn span(self, path: &[&str]) -> Span {
        self.node.locate(&[self.place, path].concat())
    }

    fn wrong(self, key: &str, message: String, hint: Option<String>, problems: &mut Problems) {
        let path: Vec<&str> = self.place.iter().copied().chain([key]).collect();
        let problem = Problem::new("invalid-value", message).at(&self.node.locate(&path));
        problems.push(Problem { hint, ..problem });
    }

    /// The same for a value that may be secret: a place is shown with its line.
    fn hidden(self, key: &str, message: String, hint: Option<String>, is_secret: bool, problems: &mut Problems) {
        if is_secret {
            problems.push(Problem { hint, ..Problem::new("invalid-value", format!("`{key}`: {message}")) });
        } else {
            self.wrong(key, message, hint, problems);
        }
    }
}

fn holds_password(url: &str) -> bool {
    url.rsplit_once('@').is_some_and(|(user, _)| user.rsplit('/').next().is_some_and(|u| u.contains(':')))
}

/// What is given for SSH.
#[derive(Clone, Copy)]
struct Ssh {
    key: bool,
    agent: bool,
    known_hosts: bool,
}

/// What is wrong with a repository.
fn check_repository(url: &str, path: &str, ssh: Ssh, at: At<'_>, problems: &mut Problems) {
    let holds_password = holds_password(url);
    let mut wrong_url = |message: String, hint: Option<String>| {
        if holds_password {
            // A place is shown with its line, and that one holds a secret.
            problems.push(Problem { hint, ..Problem::new("invalid-value", message) });
        } else {
            at.wrong("url", message, hint, problems);
        }
    };
    if holds_password {
        let hint = "write it into a file and name that in `token_file`";
        wrong_url(format!("the URL of `{}` holds a password", git::url::shown(url)), Some(hint.into()));
    }
    let location = git::url::parse(url);
    if let Err(error) = &location {
        wrong_url(error.to_string(), error.hint());
    }
    let is_ssh = matches!(&location, Ok(git::url::Location::Remote(r)) if r.transport == git::url::Transport::Ssh);
    let agent = "or `ssh_agent`, the socket of an agent that holds the key";
    let first_use = "no host key is trusted on first use";
    for (key, given, hint) in [("ssh_key", ssh.key || ssh.agent, agent), ("known_hosts", ssh.known_hosts, first_use)] {
        if is_ssh && !given {
            wrong_url(format!("a repository over ssh needs `{key}`"), Some(hint.to_owned()));
        }
    }
    if ssh.key && ssh.agent {
        at.wrong("ssh_agent", "there is `ssh_key` as well".to_owned(), Some("keep one of them".to_owned()), problems);
    }
    if let Err(error) = git::clean_path(path) {
        at.wrong("path", error.to_string(), error.hint(), problems);
    }
}

/// Where a file with something secret is: a bare name is one of systemd's credentials.
pub fn credential(file: &Path) -> PathBuf {
    let is_name = file.components().count() == 1 && !file.is_absolute();
    match std::env::var_os("CREDENTIALS_DIRECTORY").filter(|_| is_name) {
        Some(folder) => Path::new(&folder).join(file),
        None => file.to_owned(),
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

    pub(super) fn of(text: &str) -> Result<Config, String> {
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let config = checked("agent.toml", text.as_bytes(), true, Files::Leave, &mut sources, &mut problems);
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
    fn who_may_sign_is_named_where_signatures_are_looked_at_and_nowhere_else() {
        let source = |rest: &str| of(&format!("[source]\nurl = \"/srv/a\"\n{rest}"));
        assert_eq!(source("").unwrap().sources()[0].verify, git::Verify::None);
        let config = source("verify = \"strict\"\nkeyring = \"/k\"\n").unwrap();
        let trust = git::Trust { verify: git::Verify::Strict, allowed_signers: None, keyring: Some("/k".into()) };
        assert_eq!(config.sources()[0].trust(), trust);
        insta::assert_snapshot!(source("verify = \"head\"\n").unwrap_err());
        insta::assert_snapshot!(source("allowed_signers = \"/a\"\nkeyring = \"/k\"\n").unwrap_err());
        assert!(source("verify = \"all\"\nkeyring = \"/k\"\n").is_err());
    }

    #[test]
    fn every_mistake_in_a_file_of_keys_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("allowed"), "# who may\na@x ssh-ed25519 AAAA\n\nb@x cert-authority ssh-rsa AAAA\n").unwrap();
        std::fs::write(
            at("agent.toml"),
            format!(
                "[source]\nurl = \"/srv/a\"\nverify = \"head\"\nallowed_signers = \"{}\"\nkeyring = \"{}\"\n",
                at("allowed"),
                at("missing"),
            ),
        )
        .unwrap();
        let bad = read(Path::new(&at("agent.toml"))).unwrap_err();
        let lines = bad.problems.iter().map(|problem| {
            let (line, column) = bad.sources.line_col(problem.span.as_ref().unwrap()).unwrap();
            format!("{line}:{column}: {}", problem.message.replace(&at(""), "/etc/"))
        });
        let wanted = [
            "4:19: `/etc/allowed`, line 2: the key cannot be read: Base64 encoding error: invalid Base64 length",
            "4:19: `/etc/allowed`, line 4: `cert-authority` is not supported",
            "5:11: `/etc/missing` cannot be read: No such file or directory (os error 2)",
        ];
        assert_eq!(lines.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn every_mistake_in_http_is_told_at_once_with_its_place() {
        let source = "[source]\nurl = \"/srv/a\"\n";
        let text = "[http]\nlisten = [\"localhost:80\", \"127.0.0.1:1\", \"127.0.0.1:1\", \"unix:x\"]\nlisen = \"x\"\n[http.webhook]\ngithub = {}\n";
        let told = of(&format!("{source}{text}")).unwrap_err();
        for words in ["unknown key `lisen`", "did you mean `listen`", "secret_file", "agent.toml:5:1", "agent.toml:7:"]
        {
            assert!(told.contains(words), "{words}: {told}");
        }
        let told =
            of(&format!("{source}{}", text.replace("lisen = \"x\"\n", "").replace("{}", "{ secret_file = \"s\" }")));
        let told = told.unwrap_err();
        for words in
            ["`localhost:80` is no address", "`127.0.0.1:1` is there twice", "`unix:x` is no socket", "agent.toml:4:"]
        {
            assert!(told.contains(words), "{words}: {told}");
        }
        let told = of(&format!("{source}[http.webhook]\ngithub = {{ secret_file = \"s\" }}\n")).unwrap_err();
        assert!(told.contains("the agent listens nowhere"), "{told}");
    }

    #[test]
    fn the_documented_example_is_right_and_names_every_key() {
        let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/agent.toml")).unwrap();
        of(&example).unwrap();
        // What is commented out is right as well.
        let lines: Vec<&str> = example
            .lines()
            .map(|line| {
                let is_text = |rest: &&str| rest.starts_with("[[") || rest.contains(" = ") && !rest.starts_with(' ');
                line.strip_prefix("# ").filter(is_text).unwrap_or(line)
            })
            .collect();
        let all = lines.join("\n");
        of(&all).unwrap();
        let schema = agent_core::manifest::decode::schema_of::<Config>();
        let tables = ["Source", "Role", "Reconcile", "Policy", "Http", "Webhooks", "Notify"];
        let tables = tables.map(|name| format!("/$defs/{name}"));
        for keys in tables.iter().map(String::as_str).chain([""]) {
            for key in schema.pointer(&format!("{keys}/properties")).unwrap().as_object().unwrap().keys() {
                assert!(
                    all.lines().any(|line| line.trim_start_matches(['#', ' ']).starts_with(&format!("{key} "))
                        || line == format!("[{key}]")
                        || line == format!("[[{key}]]")
                        || line.ends_with(&format!(".{key}]"))),
                    "{key}"
                );
            }
        }
        let levels = of(&example).unwrap().policy.levels();
        assert!(!levels.is_empty());
        agent_policy::bundle::Bundle::pack().unwrap().with_levels(&levels).unwrap();
        let repository = example.lines().find_map(|line| line.strip_prefix("#   bundle = ")).unwrap();
        of(&format!("[source]\nurl = \"/srv/a\"\n[policy]\nbundle = {repository}\n")).unwrap();
    }
}
