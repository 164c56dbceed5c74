//! What can be said about the containers of a task before anything else is known.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::manifest::{NameRule, names, suggest};

use super::config::Config;
use super::containers::{Condition, Part};
use super::files::{PROGRAM_CONTAINER, UNPACK_CONTAINER, bad_path, overlap};
use super::sources::SecretSource;
use super::variables::is_name;
use crate::components::{Place, list};

/// The limits that a container may have.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html>
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// The most containers of a task.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>
const MOST: usize = 10;

impl Config {
    pub(super) fn check_containers(&self, at: &mut Place<'_>) {
        let own = at.name().to_owned();
        let parts = self.parts(&own);
        self.check_names(at);
        for part in &parts {
            part.check_image(at);
            part.check_variables(at);
            part.check_health(at);
            part.check_writable(at);
            part.check_ulimits(at);
            part.check_waits(&parts, at);
        }
        self.check_count(&parts, at);
        check_circles(&parts, at);
        check_ports(&parts, self, at);
        self.check_sizes(&parts, at);
        if let Some(part) = parts.iter().find(|part| self.exec && part.details.read_only) {
            let message = format!("`exec` needs a root file system that can be written, and `{}` has none", part.name);
            at.hinted("conflict", &part.more_at(&["read_only"]), message, "take `exec` away when the search is over");
        }
    }

    fn check_names(&self, at: &mut Place<'_>) {
        for name in self.sidecar.keys() {
            let place = ["sidecar", name.as_str()];
            let span = at.decl.node.locate_key(&place);
            if let Some(problem) = names::check(NameRule::Plain, "container", name, &span) {
                at.problems.push(problem);
            } else if *name == at.name() {
                let message = format!("`{name}` is what the container of `{}` itself is called", at.address());
                at.hinted_key("defined-twice", &place, message, "call the sidecar by what it does");
            } else if [PROGRAM_CONTAINER, UNPACK_CONTAINER].contains(&name.as_str()) {
                let message = format!("`{name}` is what a container that brings files is called");
                at.hinted_key("bad-name", &place, message, "take another name");
            }
        }
    }

    fn check_count(&self, parts: &[Part<'_>], at: &mut Place<'_>) {
        let brought = if self.has_files() { 2 } else { 0 };
        let count = parts.len() + brought;
        if count > MOST {
            let own = at.address();
            let message = format!("a task of `{own}` has {count} containers, and may have {MOST} at most");
            let files = format!("{PROGRAM_CONTAINER} and {UNPACK_CONTAINER} are two of them: they bring the files");
            match brought {
                0 => at.problem("too-many-containers", &["sidecar"], message),
                _ => at.hinted("too-many-containers", &["sidecar"], message, files),
            }
        }
    }

    /// The containers share what the task has.
    fn check_sizes(&self, parts: &[Part<'_>], at: &mut Place<'_>) {
        let cpu: u32 = parts.iter().map(|part| part.details.cpu).sum();
        if cpu > self.cpu {
            let message = format!("the containers of `{}` reserve {cpu} CPU units of {}", at.address(), self.cpu);
            at.problem("out-of-range", &["cpu"], message);
        }
        // Of a container that says only what it may have, AWS reserves all of it.
        let reserved = |part: &Part<'_>| part.details.memory_reservation.or(part.details.memory);
        let reserved: u32 = parts.iter().filter_map(reserved).sum();
        if reserved > self.memory {
            let message = format!("the containers of `{}` reserve {reserved} MiB of {}", at.address(), self.memory);
            at.problem("out-of-range", &["memory"], message);
        }
        for part in parts {
            let Some(memory) = part.details.memory else { continue };
            let place = part.more_at(&["memory"]);
            if memory > self.memory {
                let message = format!("`{}` may have {memory} MiB, and the task has {}", part.name, self.memory);
                at.problem("out-of-range", &place, message);
            }
            if part.details.memory_reservation.is_some_and(|reserved| reserved >= memory) {
                let message = format!("`{}` is killed before it has what is reserved for it", part.name);
                at.hinted("conflict", &place, message, "`memory` is more than `memory_reservation`");
            }
        }
    }
}

impl Part<'_> {
    /// The other containers that it waits for.
    fn waits_for(&self) -> impl Iterator<Item = &str> {
        self.details.depends_on.keys().map(String::as_str).filter(|name| *name != self.name)
    }

    fn check_image(&self, at: &mut Place<'_>) {
        if self.is_main {
            return; // it may be another thing than a name
        }
        super::check::check_image(self.image, &self.at(&["image"]), at);
    }

    fn check_variables(&self, at: &mut Place<'_>) {
        for (key, names) in [("env", self.env.keys()), ("secrets", self.secrets.keys())] {
            for name in names.filter(|name| !is_name(name)) {
                let message = format!("`{name}` is no name of an environment variable");
                at.hinted_key("bad-name", &self.at(&[key, name]), message, "letters, digits and `_`: `LOG_LEVEL`");
            }
        }
        let file = self.check_file(at);
        for (name, text) in self.secrets {
            let again = at.span(&self.at(&["secrets", name]));
            let twice = |other: &str| {
                let message = format!("`{name}` stands under `{other}` and under `secrets`");
                agent_core::source::Problem::new("defined-twice", message).at(&again)
            };
            if self.env.contains_key(name) {
                let first = at.span(&self.at(&["env", name]));
                at.problems.push(twice("env").also(&first, "the other one"));
            } else if file.contains_key(name) {
                let first = at.span(&self.at(&["env_file"]));
                at.problems.push(twice("env_file").also(&first, "the file"));
            }
            let place = self.at(&["secrets", name]);
            match SecretSource::parse(text) {
                SecretSource::Other => {
                    let hint = "write `parameter.NAME`, or the ARN of a parameter or of a secret of Secrets Manager";
                    at.hinted("bad-secret", &place, format!("`{text}` holds no secret"), hint);
                }
                SecretSource::Component(component, Some(key)) if component.starts_with("parameter.") => {
                    let message = format!("ECS takes `{component}` as a whole, and not its key `{key}`");
                    at.problem("bad-secret", &place, message);
                }
                _ => {}
            }
        }
    }

    /// The variables of its file.
    fn check_file(&self, at: &mut Place<'_>) -> BTreeMap<String, String> {
        let Some(file) = self.env_file else { return BTreeMap::new() };
        let place = self.at(&["env_file"]);
        if at.file(&place, file).is_none() {
            return BTreeMap::new();
        }
        let (found, wrong) = self.in_file(at);
        for wrong in wrong {
            let message = format!("`{file}`, {}: {}", wrong.place, wrong.what);
            let hint = "lines of `NAME=value`, or a list of JSON: `[{\"name\": \"NAME\", \"value\": \"value\"}]`";
            at.hinted("bad-env-file", &place, message, hint);
        }
        found
    }

    fn check_health(&self, at: &mut Place<'_>) {
        if let Some(own) = self.details.health.as_ref().filter(|own| own.timeout > own.interval) {
            let message = format!("a check takes up to {} seconds, and comes every {}", own.timeout, own.interval);
            at.problem("conflict", &self.more_at(&["health", "timeout"]), message);
        }
    }

    fn check_writable(&self, at: &mut Place<'_>) {
        let all = &self.details.writable;
        for (n, directory) in all.iter().enumerate() {
            let place = self.more_at(&["writable", &n.to_string()]);
            let message = format!("`{directory}` is no directory for a volume");
            if let Some(why) = bad_path(directory) {
                at.hinted("bad-path", &place, message, why);
            } else if let Some(other) = all[..n].iter().find(|other| overlap(directory, other)) {
                at.hinted("bad-path", &place, message, format!("`{other}` is it, or one is in the other"));
            }
        }
        if let Some(first) = all.first().filter(|_| !self.details.read_only) {
            let message = format!("`{}` may write everywhere, `{first}` among it", self.name);
            at.hinted("conflict", &self.more_at(&["writable"]), message, "`read_only = true` forbids the rest");
        }
    }

    fn check_ulimits(&self, at: &mut Place<'_>) {
        for name in self.details.ulimits.keys().filter(|name| !ULIMITS.contains(&name.as_str())) {
            let hint = suggest::hint(name, &ULIMITS, "they are").unwrap_or_default();
            at.hinted_key("bad-name", &self.more_at(&["ulimits", name]), format!("there is no limit `{name}`"), hint);
        }
    }

    fn check_waits(&self, parts: &[Part<'_>], at: &mut Place<'_>) {
        for (name, condition) in &self.details.depends_on {
            let place = self.more_at(&["depends_on", name]);
            let Some(other) = parts.iter().find(|part| part.name == name).filter(|part| part.name != self.name) else {
                let known: Vec<&str> = parts.iter().map(|part| part.name).filter(|name| *name != self.name).collect();
                let message = format!("`{}` has no other container `{name}`", at.address());
                let hint = suggest::hint(name, &known, "it has").unwrap_or_else(|| "it has this one alone".into());
                at.hinted_key("unknown-container", &place, message, hint);
                continue;
            };
            match condition {
                Condition::Healthy if other.details.health.is_none() => {
                    let message = format!("`{name}` has no health check, so it never gets healthy");
                    let hint = format!(
                        "give it one, `health = {{ command = […] }}`, or wait for its `{}`",
                        Condition::Start.word()
                    );
                    at.hinted("conflict", &place, message, hint);
                }
                Condition::Success | Condition::Complete if other.essential => {
                    let word = condition.word();
                    let message = format!("`{name}` is essential: when it has come to `{word}`, the task ends");
                    let hint =
                        if other.is_main { "the application does not end" } else { "say `essential = false` there" };
                    at.hinted("conflict", &place, message, hint);
                }
                _ => {}
            }
        }
    }
}

/// Containers that wait for each other would never start; AWS refuses them.
fn check_circles(parts: &[Part<'_>], at: &mut Place<'_>) {
    let mut left: Vec<&Part<'_>> = parts.iter().collect();
    loop {
        let count = left.len();
        let waiting: BTreeSet<&str> = left.iter().map(|part| part.name).collect();
        let waited: BTreeSet<&str> = left.iter().flat_map(|part| part.waits_for()).collect();
        // Who waits for nobody of them starts; for whom nobody of them waits is not what holds them up.
        left.retain(|part| waited.contains(part.name) && part.waits_for().any(|name| waiting.contains(name)));
        if left.len() == count {
            break;
        }
    }
    if let Some(first) = left.first() {
        let message = format!("{} wait for each other", list(left.iter().map(|part| part.name)));
        at.hinted("circle", &first.more_at(&["depends_on"]), message, "one of them must start first");
    }
}

/// All containers of a task have one address.
fn check_ports(parts: &[Part<'_>], config: &Config, at: &mut Place<'_>) {
    let mut by_number: BTreeMap<u16, &str> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, &str> = BTreeMap::new();
    for part in parts {
        for (name, port) in &part.ports {
            let place = if part.is_main { config.port_path(name) } else { part.at(&["ports", name]) };
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
            if name.is_empty() || name.len() > 64 || !name.chars().all(word) {
                let hint = "small letters, digits, `-` and `_`, 64 at most";
                at.hinted_key("bad-name", &place, format!("`{name}` is no name for a port"), hint);
            }
            if *port == 0 {
                at.problem("out-of-range", &place, format!("`{}`: nothing listens on port 0", at.called(&place)));
            }
            if let Some(other) = by_number.insert(*port, name) {
                at.problem("defined-twice", &place, format!("the ports `{other}` and `{name}` are both {port}"));
            }
            if let Some(other) = by_name.insert(name, part.name) {
                let message = format!("`{other}` and `{}` both call a port `{name}`", part.name);
                at.problem("defined-twice", &place, message);
            }
        }
    }
}
