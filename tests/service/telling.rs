//! Telling people what became of a revision: the shipped binary against emulated AWS, with hosts on loopback that take its word, or
//! behave badly.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::promtool::numbers;
use super::{Home, PATIENCE, address, sample};
use crate::bench::emulator::Emulator;
use crate::bench::git_server::{GitServer, How};
use crate::bench::proxy::Proxy;
use crate::bench::repository::commit_to;
use crate::bench::say;
use crate::bench::wire::Wire;

const TOKEN: &str = "ghp_the-token-that-nobody-sees";
const SECRET: &str = "c2VjcmV0LXRoYXQtbm9ib2R5LXNlZXMtYW55d2hlcmU=";

/// A request that came.
#[derive(Clone, Debug)]
struct Heard {
    path: String,
    headers: BTreeMap<String, String>,
    text: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// A status of a commit: the first digits of that, the state and the name.
    fn status(&self) -> String {
        let (body, revision) = (self.json(), self.path.rsplit('/').next().unwrap());
        let name = ["context", "name"].iter().find_map(|key| body[*key].as_str()).unwrap();
        format!("{} {} {name}", &revision[..7], body["state"].as_str().unwrap())
    }
}

/// A host that takes what it is told: statuses of commits, and webhooks. It answers 201.
#[derive(Clone)]
struct Host {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self { port: listener.local_addr().unwrap().port(), heard: Arc::default() };
        let heard = host.heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let heard = heard.clone();
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = read(&mut stream) {
                        heard.lock().unwrap().push(request);
                        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
                        if stream.get_mut().write_all(answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        host
    }

    /// What came to a path that begins so.
    fn heard(&self, path: &str) -> Vec<Heard> {
        self.heard.lock().unwrap().iter().filter(|one| one.path.starts_with(path)).cloned().collect()
    }

    fn statuses(&self, path: &str) -> Vec<String> {
        self.heard(path).iter().map(Heard::status).collect()
    }

    /// Waits until so many came there.
    fn wait_for(&self, path: &str, count: usize, agent: &crate::bench::running::Running) -> Vec<Heard> {
        let begun = Instant::now();
        loop {
            let heard = self.heard(path);
            if heard.len() >= count {
                return heard;
            }
            let log = || agent.lines(0).join("\n");
            assert!(begun.elapsed() < 2 * PATIENCE, "{} of {count} at {path}:\n{}", heard.len(), log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn read(stream: &mut impl std::io::BufRead) -> Option<Heard> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Heard { path, headers, text: String::from_utf8(body).ok()? })
}

/// The signature of a request as the Standard Webhooks specification says, by another program than ours.
fn signature(heard: &Heard) -> String {
    let script = "import base64,hashlib,hmac,sys; print('v1,' + base64.b64encode(hmac.new(base64.b64decode(sys.argv[1]), \
                  '.'.join(sys.argv[2:]).encode(), hashlib.sha256).digest()).decode())";
    let parts = [&heard.headers["webhook-id"], &heard.headers["webhook-timestamp"], &heard.text];
    let output = Command::new("python3").args(["-c", script, SECRET]).args(parts).output();
    String::from_utf8(output.expect("python3 is there: the emulators need it").stdout).unwrap().trim().to_owned()
}

/// A stack with a parameter; `key` is not always one that the language knows.
fn stack(name: &str, key: &str, value: &str) -> crate::bench::repository::Files {
    let text = format!(
        "[stack]\nname = \"{name}\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n\n[parameter.p]\n{key} = \"{value}\"\n"
    );
    [(format!("{name}/stack.toml"), text)].into()
}

fn place(notify: &str) -> (Home, Proxy) {
    let mut home = Home::new();
    let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
    home.env.extend(proxy.env());
    std::fs::write(home.at("token"), format!("{TOKEN}\n")).unwrap();
    std::fs::write(home.at("secret"), format!("whsec_{SECRET}\n")).unwrap();
    let notify = notify.replace("FOLDER", home.folder.path().to_str().unwrap());
    let rest = format!("[reconcile]\ndrift = \"1h\"\n[http]\nlisten = \"127.0.0.1:0\"\n{notify}");
    home.configure(home.at("manifests").to_str().unwrap(), "", &rest);
    (home, proxy)
}

#[test]
fn people_are_told_once_what_became_of_each_revision() {
    let host = Host::start();
    let at = format!("http://127.0.0.1:{}", host.port);
    let (mut home, proxy) = place(&format!(
        "[[notify]]\nkind = \"github\"\nrepository = \"o/r\"\napi = \"{at}/github\"\ntoken_file = \"FOLDER/token\"\n\
         target_url = \"https://example.org/{{stack}}/{{revision}}\"\n\
         [[notify]]\nkind = \"gitlab\"\nproject = \"g/p\"\napi = \"{at}/gitlab\"\ntoken_file = \"token\"\n\
         [[notify]]\nkind = \"webhook\"\nurl = \"{at}/hook\"\nsecret_file = \"FOLDER/secret\"\n"
    ));
    // As under systemd, which puts credentials into a folder; and with all that is ever logged.
    home.env.insert("CREDENTIALS_DIRECTORY".into(), home.folder.path().to_str().unwrap().into());
    home.env.insert("AGENT_LOG".into(), "trace".into());
    let commit = |key: &str, value: &str| commit_to(&home.at("manifests"), "main", &stack("svc-tell", key, value));
    let short = |revision: &str| revision[..7].to_owned();
    let status = |revision: &str, state: &str| format!("{} {state} gitops-agent/svc-tell", short(revision));
    let (mut outputs, mut github) = (Vec::new(), Vec::new());
    let mut told = |revision: &str, states: &[&str]| {
        github.extend(states.iter().map(|state| status(revision, state)));
        github.clone()
    };

    let first = commit("value", "one");
    let agent = home.start();
    let wanted = told(&first, &["pending", "success"]);
    let heard = host.wait_for("/github", 2, &agent);
    assert_eq!(host.statuses("/github"), wanted);
    assert_eq!(heard[0].path, format!("/github/repos/o/r/statuses/{first}"));
    assert_eq!(heard[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(heard[1].json()["target_url"], format!("https://example.org/svc-tell/{first}"));
    let heard = host.wait_for("/gitlab", 2, &agent);
    assert_eq!(host.statuses("/gitlab"), [status(&first, "running"), status(&first, "success")]);
    assert_eq!(heard[0].path, format!("/gitlab/projects/g%2Fp/statuses/{first}"));
    assert_eq!((heard[0].headers["private-token"].as_str(), &heard[0].json()["ref"]), (TOKEN, &"main".into()));
    let hook = host.wait_for("/hook", 1, &agent)[0].clone();
    assert_eq!(hook.headers["webhook-signature"], signature(&hook));
    let body = hook.json();
    assert_eq!((&body["type"], &body["data"]["revision"]), (&"revision.success".into(), &first.as_str().into()));
    // The record is what is written last, and that is a changing call like any other.
    let puts = |part: &str| {
        let calls = proxy.wire().calls();
        calls.iter().filter(|call| call.name.action == "PutParameter" && call.body().contains(part)).count()
    };
    let audited = |line: &String| line.contains("operation=ssm:PutParameter");
    let until = Instant::now() + PATIENCE;
    while puts("/gitops-agent/svc-tell/told") == 0
        || agent.lines(0).iter().filter(|line| audited(line)).count() != puts("")
    {
        assert!(Instant::now() < until, "{} calls, and in the log\n{}", puts(""), agent.lines(0).join("\n"));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    outputs.extend(agent.lines(0));
    assert!(agent.stop().0.success());

    // Nothing is told of the first one again: what comes next is of the second.
    let agent = home.start();
    agent.wait_for(0, &["converged", "svc-tell"]);
    let second = commit("value", "two");
    let wanted = told(&second, &["pending", "success"]);
    host.wait_for("/github", wanted.len(), &agent);
    assert_eq!(host.statuses("/github"), wanted);

    // A manifest that is wrong is told with its place.
    let third = commit("valu", "three");
    let wanted = told(&third, &["failure"]);
    let heard = host.wait_for("/github", wanted.len(), &agent);
    let text = heard.last().unwrap().json()["description"].as_str().unwrap().to_owned();
    assert!(text.starts_with("refused: svc-tell/stack.toml:7:1: unknown key `valu`"), "{text}");
    let hooks = host.wait_for("/hook", 3, &agent);
    assert_eq!(hooks[2].json()["data"]["state"], "refused");
    assert_eq!(hooks.iter().filter(|hook| hook.headers["webhook-signature"] == signature(hook)).count(), 3);
    host.wait_for("/gitlab", 5, &agent);
    outputs.extend(agent.lines(0));
    // What was told a moment ago is recorded before the end.
    assert!(agent.stop().0.success());

    // Nor is that told again: what comes next is of the commit that puts it right.
    let reads = || proxy.wire().calls().iter().filter(|call| call.name.action == "GetParametersByPath").count();
    let before = reads();
    let agent = home.start();
    agent.wait_for(0, &["the revision is refused"]);
    while reads() == before {
        assert!(Instant::now() < until + 2 * PATIENCE, "{}", agent.lines(0).join("\n"));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let fourth = commit("value", "four");
    let wanted = told(&fourth, &["pending", "success"]);
    host.wait_for("/github", wanted.len(), &agent);
    host.wait_for("/gitlab", 7, &agent);
    assert_eq!(host.statuses("/github"), wanted);
    assert_eq!(host.statuses("/gitlab").len(), 7, "{:?}", host.statuses("/gitlab"));
    outputs.extend(agent.lines(0));
    let mut ids: Vec<String> = host.heard("/hook").iter().map(|hook| hook.headers["webhook-id"].clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), host.heard("/hook").len(), "each has an id of its own");
    assert!(agent.stop().0.success());
    let all = outputs.join("\n");
    assert!(all.contains("told receiver=\"github o/r\""), "all is logged that ever is");
    for secret in [TOKEN, SECRET, "the-secret"] {
        assert!(!all.contains(secret), "{}", all.lines().find(|line| line.contains(secret)).unwrap());
    }
}

#[test]
fn a_commit_that_nobody_has_signed_is_told_to_be_refused() {
    let host = Host::start();
    let home = Home::new();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.at("key")).status();
    assert!(made.expect("ssh-keygen is there: other tests need it").success());
    let key = std::fs::read_to_string(home.at("key.pub")).unwrap();
    std::fs::write(home.at("allowed"), format!("somebody@example.org {key}")).unwrap();
    std::fs::write(home.at("token"), TOKEN).unwrap();
    let revision = commit_to(&home.at("manifests"), "main", &stack("svc-unsigned", "value", "one"));
    let source = format!("verify = \"head\"\nallowed_signers = \"{}\"\n", home.at("allowed").display());
    let notify = format!(
        "[[notify]]\nkind = \"github\"\nrepository = \"o/r\"\napi = \"http://127.0.0.1:{}\"\ntoken_file = \"{}\"\n",
        host.port,
        home.at("token").display()
    );
    home.configure(home.at("manifests").to_str().unwrap(), &source, &notify);
    let agent = home.start();
    let heard = host.wait_for("/", 1, &agent);
    assert_eq!(heard[0].status(), format!("{} failure gitops-agent/*", &revision[..7]));
    let text = heard[0].json()["description"].as_str().unwrap().to_owned();
    assert!(text.starts_with("refused: ") && text.contains(&revision) && text.contains("is not"), "{text}");
}

#[test]
fn hosts_that_are_dead_or_strange_cost_a_pass_nothing_and_an_end_little() {
    // One says nothing, one is not there, one has a certificate from nobody.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    commit_to(&folder.path().join("r"), "main", &stack("other", "value", "x"));
    let stranger = GitServer::https(&folder.path().join("r"));
    stranger.set(How::Stranger);
    let (home, _proxy) = place(&format!(
        "[[notify]]\nkind = \"github\"\nrepository = \"o/r\"\napi = \"http://{}\"\ntoken_file = \"FOLDER/token\"\n\
         [[notify]]\nkind = \"gitlab\"\nproject = \"1\"\napi = \"http://127.0.0.1:{closed}\"\ntoken_file = \"FOLDER/token\"\n\
         [[notify]]\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"FOLDER/secret\"\n",
        silent.local_addr().unwrap(),
        stranger.url(),
    ));
    commit_to(&home.at("manifests"), "main", &stack("svc-dead", "value", "one"));
    let agent = home.start();
    let begun = Instant::now();
    agent.wait_for(0, &["converged", "svc-dead"]);
    let took = begun.elapsed();
    let at = address(&agent);
    let host = stranger.url().trim_start_matches("https://").split('/').next().unwrap().to_owned();
    let retried =
        |name: &str| sample(at, &format!("gitops_agent_notifications_total{{receiver=\"{name}\",result=\"retried\"}}"));
    while retried("gitlab 1") < 2.0 || retried(&format!("webhook {host}")) < 2.0 {
        assert!(begun.elapsed() < PATIENCE, "{}", agent.lines(0).join("\n"));
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(sample(at, "gitops_agent_notifications_waiting{receiver=\"github o/r\"}") >= 1.0, "behind one that hangs");
    assert!(stranger.requests().is_empty(), "nothing was said to whom nobody vouches for");
    assert!(stranger.connections() >= 2);
    // Once it is who it says, it is told, under TLS and by the roots that the environment names.
    stranger.set(How::Status("204 No Content"));
    let told = format!("gitops_agent_notifications_total{{receiver=\"webhook {host}\",result=\"told\"}}");
    while sample(at, &told) < 1.0 {
        assert!(begun.elapsed() < PATIENCE, "{}", agent.lines(0).join("\n"));
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert_eq!(stranger.requests(), ["POST /r.git"]);
    numbers(at);
    let lines = agent.lines(0);
    let (exit, ending) = agent.stop();
    say(&format!("three hosts that cannot be told: converged in {took:.1?}, ended in {ending:.1?}"));
    assert!(exit.success() && ending < Duration::from_secs(10), "{exit}, {ending:?}");
    assert!(!lines.concat().contains(TOKEN) && !lines.concat().contains(SECRET));
}
