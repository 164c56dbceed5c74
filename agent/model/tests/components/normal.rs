//! The normal form of task definitions, from the text of a manifest to the plan: two texts that mean the same make one
//! revision, whatever their order and whatever they spell out, and one that means another thing makes exactly one more.

use std::collections::BTreeMap;

use agent_core::doc::digest;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::life::Stage;
use crate::{answers, expanded_with};

const HEADER: &str = "[stack]\nname = \"hello\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\
    files_image = \"gitops-agent:1\"\n\n[network.main]\ncidr = \"10.20.0.0/16\"\n";

/// A stream of choices: the manner in which a text is written, and nothing of what it says.
struct Manner {
    seed: u64,
    taken: u64,
}

impl Manner {
    fn new(seed: u64) -> Self {
        Self { seed, taken: 0 }
    }

    fn below(&mut self, many: usize) -> usize {
        self.taken += 1;
        let text = digest(&format!("{} {}", self.seed, self.taken));
        usize::from_str_radix(&text[..8], 16).unwrap() % many.max(1)
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn shuffled<T>(&mut self, mut all: Vec<T>) -> Vec<T> {
        for n in (1..all.len()).rev() {
            all.swap(n, self.below(n + 1));
        }
        all
    }
}

/// What a file in the container is.
#[derive(Clone, Debug)]
struct File {
    content: String,
    mode: u16,
    owner: u16,
    replace: bool,
}

/// A sidecar.
#[derive(Clone, Debug)]
struct Sidecar {
    image: u16,
    env: BTreeMap<String, String>,
    essential: bool,
    command: Vec<String>,
}

/// What a service means, as far as its task definition shows it.
#[derive(Clone, Debug)]
struct Meaning {
    image: u16,
    /// CPU and memory.
    size: (u32, u32),
    arm: bool,
    exec: bool,
    storage: Option<u16>,
    env: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    ports: BTreeMap<String, u16>,
    command: Vec<String>,
    user: Option<u16>,
    init: bool,
    writable: Vec<String>,
    stop: u16,
    health: Option<u16>,
    nofile: Option<u32>,
    multiline: Option<String>,
    blocking: bool,
    files: BTreeMap<String, File>,
    sidecars: BTreeMap<String, Sidecar>,
    waits: bool,
}

fn names(prefix: &str, count: u8, value: impl Fn(u8) -> String) -> BTreeMap<String, String> {
    (0..count).map(|n| (format!("{prefix}{n}"), value(n))).collect()
}

fn meanings() -> impl Strategy<Value = Meaning> {
    let numbers = (0u16..50, 0usize..3, 0u8..4, 0u8..3, 0u8..3, 0u8..3, 0u8..3, 0u8..3);
    let optional = (
        prop::option::of(21u16..60),
        prop::option::of(0u16..200),
        prop::option::of(5u16..60),
        prop::option::of(1024u32..9000),
        2u16..60,
        any::<u8>(),
    );
    (numbers, optional).prop_map(|((image, size, env, secrets, ports, files, sidecars, words), optional)| {
        let (storage, user, health, nofile, stop, flags) = optional;
        let flag = |n: u8| flags >> n & 1 == 1;
        let file = |n: u8| File {
            content: format!("file {n} of {image}\n"),
            mode: if flag(n) { 0o640 } else { 0o644 },
            owner: if flag(n + 1) { 101 } else { 0 },
            // What is in one directory agrees.
            replace: flag(2),
        };
        let sidecar = |n: u8| Sidecar {
            image: u16::from(n),
            env: names("S", n, |n| format!("value {n}")),
            essential: !flag(3),
            command: vec!["run".into(); usize::from(n)],
        };
        Meaning {
            image,
            size: [(256, 512), (256, 1024), (512, 1024)][size],
            arm: flag(4),
            exec: flag(5),
            storage,
            env: names("E", env, |n| format!("it's \"{n}\" # \\ {image}")),
            secrets: names("T", secrets, |n| {
                format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:x{n}-AbCdEf")
            }),
            ports: (0..ports)
                .map(|n| (if n == 0 { "http".into() } else { format!("p{n}") }, 8000 + u16::from(n)))
                .collect(),
            command: (0..words).map(|n| format!("word {n}")).collect(),
            user,
            init: flag(6),
            writable: if flag(5) { Vec::new() } else { vec!["/tmp".into(), "/var/run".into()] },
            stop,
            health,
            nofile,
            multiline: flag(7).then(|| "^\\d{4}".into()),
            blocking: flag(0),
            files: (0..files).map(|n| (format!("/etc/app/f{n}"), file(n))).collect(),
            sidecars: (0..sidecars).map(|n| (format!("side{n}"), sidecar(n))).collect(),
            waits: sidecars > 0 && flag(1),
        }
    })
}

/// How many kinds of edits there are.
const EDITS: usize = 26;

/// Another meaning, for certain.
fn edited(mut meaning: Meaning, which: usize) -> Meaning {
    let text = |map: &mut BTreeMap<String, String>, value: &str| match map.keys().next().cloned() {
        Some(first) => drop(map.insert(first, value.to_owned())),
        None => drop(map.insert("NEW".into(), value.into())),
    };
    let new_file = || File { content: "another\n".into(), mode: 0o644, owner: 0, replace: false };
    let first_file = |meaning: &mut Meaning, f: &dyn Fn(&mut File)| match meaning.files.values_mut().next() {
        Some(file) => f(file),
        None => drop(meaning.files.insert("/etc/app/new".into(), new_file())),
    };
    match which {
        0 => meaning.image += 1,
        1 => meaning.size = if meaning.size == (1024, 2048) { (512, 1024) } else { (1024, 2048) },
        2 => meaning.arm = !meaning.arm,
        // With an init of its own, what is for a shell is in the service and its role alone.
        3 if meaning.writable.is_empty() && !meaning.init => meaning.exec = !meaning.exec,
        3 | 4 => meaning.storage = Some(meaning.storage.unwrap_or(60) + 1),
        5 => text(&mut meaning.env, "another value"),
        6 => drop(meaning.env.insert("MORE".into(), String::new())),
        7 => text(&mut meaning.secrets, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:another-AbCdEf"),
        8 => drop(meaning.ports.insert("more".into(), 9999)),
        9 => meaning.command.push("more".into()),
        10 => meaning.command.insert(0, "first".into()),
        11 => meaning.user = Some(meaning.user.unwrap_or(0) + 1),
        12 if !meaning.exec => meaning.init = !meaning.init,
        12 | 13 => meaning.stop += 1,
        14 => meaning.health = Some(meaning.health.map_or(7, |interval| interval + 1)),
        15 => meaning.nofile = Some(meaning.nofile.unwrap_or(1) + 1),
        16 => meaning.multiline = Some(format!("{}x", meaning.multiline.unwrap_or_default())),
        17 => meaning.blocking = !meaning.blocking,
        18 => first_file(&mut meaning, &|file| file.content.push('x')),
        19 => first_file(&mut meaning, &|file| file.mode = 0o600),
        20 => first_file(&mut meaning, &|file| file.owner += 1),
        21 => drop(meaning.files.insert("/opt/other/file".into(), new_file())),
        22 if meaning.files.is_empty() => drop(meaning.files.insert("/opt/other/file".into(), new_file())),
        22 => meaning.files.values_mut().for_each(|file| file.replace = !file.replace),
        23 => {
            let env = BTreeMap::new();
            let new = Sidecar { image: 9, env, essential: true, command: Vec::new() };
            meaning.sidecars.insert("another".into(), new);
        }
        24 if !meaning.exec => meaning.writable.push("/var/more".into()),
        _ => meaning.sidecars.values_mut().next().map_or_else(|| meaning.image += 1, |sidecar| sidecar.image += 1),
    }
    meaning
}

/// Writes a value of TOML; what is in tables in any order.
fn toml(value: &Value, manner: &mut Manner) -> String {
    match value {
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| format!("{} = {}", quoted(key, manner), toml(value, manner)));
            let members = members.collect();
            format!("{{ {} }}", manner.shuffled(members).join(", "))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(|one| toml(one, manner)).collect::<Vec<_>>().join(", ")),
        Value::String(text) if !text.contains(['\'', '\n']) && manner.yes() => format!("'{text}'"),
        plain => plain.to_string(),
    }
}

fn quoted(key: &str, manner: &mut Manner) -> String {
    let is_bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare && manner.yes() { key.to_owned() } else { Value::from(key).to_string() }
}

/// A table under a header of its own, or in its parent.
fn section(path: &str, map: &Map<String, Value>, manner: &mut Manner) -> String {
    let lines = map.iter().map(|(key, value)| format!("{} = {}\n", quoted(key, manner), toml(value, manner)));
    let lines = lines.collect();
    format!("[{path}]\n{}", manner.shuffled(lines).concat())
}

/// A file of variables, as dotenv or as JSON.
fn variables(all: Vec<(String, String)>, manner: &mut Manner) -> String {
    let all = manner.shuffled(all);
    if manner.yes() {
        return Value::from(all.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>())
            .to_string();
    }
    let line = |(name, value): &(String, String)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("# a comment\nexport {name}=\"{value}\" # another\n\n")
    };
    all.iter().map(line).collect()
}

impl Meaning {
    /// A text that says it, and the files beside that.
    fn written(&self, seed: u64) -> (String, Vec<(String, Vec<u8>)>) {
        let manner = &mut Manner::new(seed);
        let mut beside = Vec::new();
        let mut service = Map::new();
        service.insert("image".into(), format!("web:{}", self.image).into());
        // Nothing is needed around it, so that a case is soon done.
        service.insert("tier".into(), "public".into());
        let put = |map: &mut Map<String, Value>, key: &str, value: Value, default: Value, manner: &mut Manner| {
            if value != default || manner.yes() {
                map.insert(key.into(), value);
            }
        };
        put(&mut service, "cpu", self.size.0.into(), 256.into(), manner);
        put(&mut service, "memory", self.size.1.into(), 512.into(), manner);
        put(&mut service, "arch", if self.arm { "arm64" } else { "x86_64" }.into(), "x86_64".into(), manner);
        put(&mut service, "exec", self.exec.into(), false.into(), manner);
        put(&mut service, "command", self.command.clone().into(), json!([]), manner);
        put(&mut service, "entry_point", json!([]), json!([]), manner);
        put(&mut service, "secrets", json!(self.secrets), json!({}), manner);
        service.extend(self.storage.map(|gib| ("storage".to_owned(), gib.into())));
        match self.ports.iter().next() {
            Some((name, port)) if name == "http" && self.ports.len() == 1 && manner.yes() => {
                service.insert("port".into(), (*port).into());
            }
            _ => put(&mut service, "ports", json!(self.ports), json!({}), manner),
        }
        let (mut env, mut from_file) = (Map::new(), Vec::new());
        for (name, value) in &self.env {
            let (own, file) = [(true, false), (false, true), (true, true)][manner.below(3)];
            if own {
                env.insert(name.clone(), value.as_str().into());
            }
            if file {
                from_file.push((name.clone(), if own { "beaten".to_owned() } else { value.clone() }));
            }
        }
        put(&mut service, "env", env.into(), json!({}), manner);
        if !from_file.is_empty() || manner.yes() {
            service.insert("env_file".into(), "web.env".into());
            beside.push(("web.env".to_owned(), variables(from_file, manner).into_bytes()));
        }
        let mut logs = Map::new();
        put(&mut logs, "blocking", self.blocking.into(), false.into(), manner);
        put(&mut logs, "days", 30.into(), 30.into(), manner);
        logs.extend(self.multiline.as_ref().map(|pattern| ("multiline".to_owned(), pattern.as_str().into())));
        let mut sections = vec![("logs".to_owned(), logs), ("container".to_owned(), self.container(manner))];
        let mut files = Map::new();
        for (n, (target, file)) in self.files.iter().enumerate() {
            let source = format!("config/{n}");
            beside.push((source.clone(), file.content.clone().into_bytes()));
            files.insert(target.clone(), file.written(&source, manner));
        }
        sections.push(("files".to_owned(), files));
        for (name, sidecar) in &self.sidecars {
            let mut map = Map::new();
            map.insert("image".into(), format!("side:{}", sidecar.image).into());
            put(&mut map, "essential", sidecar.essential.into(), true.into(), manner);
            put(&mut map, "env", json!(sidecar.env), json!({}), manner);
            put(&mut map, "command", sidecar.command.clone().into(), json!([]), manner);
            put(&mut map, "stop_timeout", 30.into(), 30.into(), manner);
            sections.push((format!("sidecar.{name}"), map));
        }
        let mut text = Vec::new();
        for (name, map) in sections.into_iter().filter(|(_, map)| !map.is_empty()) {
            if name.contains('.') || manner.yes() {
                text.push(section(&format!("service.web.{name}"), &map, manner));
            } else {
                service.insert(name, map.into());
            }
        }
        let text = manner.shuffled(text).concat();
        (format!("{HEADER}\n{}{text}", section("service.web", &service, manner)), beside)
    }

    fn container(&self, manner: &mut Manner) -> Map<String, Value> {
        let mut map = Map::new();
        let read_only = !self.writable.is_empty();
        if read_only || manner.yes() {
            map.insert("read_only".into(), read_only.into());
        }
        if self.init || manner.yes() {
            map.insert("init".into(), self.init.into());
        }
        if read_only {
            map.insert("writable".into(), manner.shuffled(self.writable.clone()).into());
        }
        if self.stop != 30 || manner.yes() {
            map.insert("stop_timeout".into(), self.stop.into());
        }
        map.extend(self.user.map(|user| ("user".to_owned(), user.to_string().into())));
        map.extend(self.nofile.map(|limit| ("ulimits".to_owned(), json!({ "nofile": limit }))));
        if let Some(interval) = self.health {
            let mut health = json!({ "command": ["true"], "interval": interval });
            if manner.yes() {
                health["retries"] = 3.into();
                health["start_period"] = 0.into();
                health["timeout"] = 5.into();
            }
            map.insert("health".into(), health);
        }
        if self.waits {
            map.insert("depends_on".into(), json!({ "side0": "start" }));
        }
        map
    }
}

impl File {
    fn written(&self, source: &str, manner: &mut Manner) -> Value {
        let is_plain = self.mode == 0o644 && self.owner == 0 && !self.replace;
        if is_plain && manner.yes() {
            return source.into();
        }
        let mut map = json!({ "source": source });
        if self.mode != 0o644 || manner.yes() {
            map["mode"] = if manner.yes() { format!("{:o}", self.mode) } else { format!("{:04o}", self.mode) }.into();
        }
        if self.owner != 0 || manner.yes() {
            map["owner"] = format!("{0}:{0}", self.owner).into();
        }
        if manner.yes() {
            map["interpolate"] = false.into();
        }
        if self.replace || manner.yes() {
            map["replace_dir"] = self.replace.into();
        }
        map
    }
}

/// Applies it; gives kind and deed of each call that changed something.
async fn apply(stage: &Stage, meaning: &Meaning, seed: u64) -> Vec<String> {
    let (text, beside) = meaning.written(seed);
    let beside: Vec<(&str, &[u8])> = beside.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let stack = expanded_with(&text, &beside, &answers()).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    let writes = stage.apply_desired(stack.desired().unwrap()).await;
    writes.iter().map(|call| call.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn on_a_clock<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_that_mean_the_same_make_one_revision(meaning in meanings(), one: u64, other: u64) {
        let writes = on_a_clock(async {
            let stage = Stage::new();
            apply(&stage, &meaning, one).await;
            apply(&stage, &meaning, other).await
        });
        prop_assert_eq!(writes, [""; 0]);
    }

    #[test]
    fn a_text_that_means_another_thing_makes_one_revision_more(
        meaning in meanings(), which in 0..EDITS, one: u64, other: u64,
    ) {
        let writes = on_a_clock(async {
            let stage = Stage::new();
            apply(&stage, &meaning, one).await;
            apply(&stage, &edited(meaning.clone(), which), other).await
        });
        let registered = writes.iter().filter(|call| *call == "ecs.task_definition Create").count();
        prop_assert_eq!(registered, 1, "{:?}", writes);
        prop_assert!(writes.contains(&"ecs.service Update".to_owned()), "{:?}", writes);
    }
}
