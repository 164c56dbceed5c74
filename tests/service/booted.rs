//! The unit as it is shipped, in a machine that a real systemd has booted, over emulated AWS and a Git server that wants a token.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::unit::{RULE, refused_by_the_rule, unit};
use super::{get, until};
use crate::bench::emulator::Emulator;
use crate::bench::fault::{Head, What};
use crate::bench::git_server::{AUTHORITY, GitServer, How};
use crate::bench::machine::Machine;
use crate::bench::proxy::Proxy;
use crate::bench::record::Call;
use crate::bench::repository::{Files, commit_to};
use crate::bench::say;
use crate::bench::wire::Wire;

const UNIT: &str = "gitops-agent.service";
const CONFIG: &str = "/etc/gitops-agent/agent.toml";
/// Two mistakes: who would go there without a key, and nothing is ever worked on.
const WRONG: &str = "[source]\nurl = \"ssh://git@example.org/manifests.git\"\n[reconcile]\nat_once = 0\n";
/// The parameters of the stack.
const COUNT: usize = 4;
/// How long the call takes that is under way when the agent is stopped.
const SLOW: Duration = Duration::from_secs(5);

/// A stack with parameters, and one that a rule is against.
fn files(value: &str) -> Files {
    let mut text = "[stack]\nname = \"svc-unit\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n".to_owned();
    for n in 0..COUNT {
        text.extend([format!("\n[parameter.p{n}]\nvalue = \"{value}\"\n")]);
    }
    let refused = refused_by_the_rule();
    [("svc-unit/stack.toml".to_owned(), text), ("refused/stack.toml".to_owned(), refused)].into()
}

/// The machine, and what the unit needs around it.
struct Place {
    machine: Machine,
    proxy: Proxy,
    server: GitServer,
    manifests: tempfile::TempDir,
    config: String,
}

impl Place {
    /// As somebody installs it.
    fn new() -> Option<Self> {
        let proxy = Proxy::start(&Wire::new(Emulator::shared())).unwrap();
        let manifests = tempfile::tempdir().unwrap();
        commit_to(manifests.path(), "main", &files("one"));
        let server = GitServer::https(manifests.path());
        server.set(How::Credentials("agent:the-token-that-nobody-sees"));
        let config = format!(
            "[source]\nurl = \"{}\"\ninterval = \"1s\"\ntoken_file = \"/run/credentials/{UNIT}/git-token\"\n\
             [reconcile]\ndrift = \"1h\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [http.webhook]\ngeneric = {{ secret_file = \"webhook-generic\" }}\n",
            server.url().replace("https://", "https://agent@")
        );
        let mut environment = proxy.env();
        environment.insert("SSL_CERT_FILE".into(), "/etc/gitops-agent/authority.pem".into());
        let environment: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let agent = std::path::Path::new(env!("CARGO_BIN_EXE_agent"));
        let machine = Machine::boot(agent, |root| {
            let put =
                |path: &str, content: &[u8]| std::fs::write(root.join(path.trim_start_matches('/')), content).unwrap();
            put(&format!("/etc/systemd/system/{UNIT}"), &std::fs::read(unit()).unwrap());
            put(CONFIG, config.as_bytes());
            put("/etc/gitops-agent/environment", environment.join("\n").as_bytes());
            put("/etc/gitops-agent/authority.pem", AUTHORITY);
            put("/etc/credstore/gitops-agent.git-token", b"the-token-that-nobody-sees\n");
            put("/etc/credstore/gitops-agent.webhook-generic", b"the-secret-that-nobody-sees\n");
        })?;
        Some(Self { machine, proxy, server, manifests, config })
    }

    fn systemctl(&self, what: &str) -> Duration {
        let begun = Instant::now();
        self.machine.do_run(&["systemctl", what, UNIT]);
        begun.elapsed()
    }

    fn property(&self, name: &str) -> String {
        self.machine.property(UNIT, name)
    }

    fn configure(&self, config: &str) {
        std::fs::write(self.machine.at(CONFIG), config).unwrap();
    }

    /// A folder for what changes the unit, as `systemctl edit` does.
    fn edit(&self, text: Option<&str>) {
        let folder = self.machine.at(&format!("/etc/systemd/system/{UNIT}.d"));
        match text {
            Some(text) => {
                std::fs::create_dir(&folder).unwrap();
                std::fs::write(folder.join("override.conf"), text).unwrap();
            }
            None => std::fs::remove_dir_all(&folder).unwrap(),
        }
        self.machine.do_run(&["systemctl", "daemon-reload"]);
    }

    /// What the agent has said since it was started last.
    fn said(&self) -> Vec<Value> {
        let invocation = format!("_SYSTEMD_INVOCATION_ID={}", self.property("InvocationID"));
        self.machine.journal(UNIT, &[&invocation]).iter().map(message).collect()
    }

    fn wait_for(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let said = self.said();
            let text = |line: &Value| line["fields"]["message"].as_str().unwrap_or_default().to_owned();
            if let Some(found) = said.iter().map(text).find(|text| text.contains(words)) {
                return found;
            }
            assert!(begun.elapsed() < super::PATIENCE, "no `{words}` in {said:#?}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn address(&self) -> SocketAddr {
        self.wait_for("answers at http://").rsplit("http://").next().unwrap().parse().unwrap()
    }

    /// Until the stack is as a revision wants.
    fn converged_at(&self, revision: &str) {
        until(self.address(), "/api/status", |answer| {
            let stacks = answer.json()["stacks"].clone();
            let own = stacks.as_array().unwrap().iter().find(|stack| stack["name"] == "svc-unit");
            own.is_some_and(|own| own["state"] == "converged" && own["revision"] == revision)
        });
    }

    /// How often each parameter was written with a value.
    fn written(&self, value: &str) -> Vec<usize> {
        let calls = self.proxy.wire().calls();
        let is_put = |n: usize, body: &str| {
            body.contains(&format!("/svc-unit/p{n}\"")) && body.contains(&format!("\"{value}\""))
        };
        let puts = calls.iter().filter(|call| call.name.action == "PutParameter").map(Call::body);
        let puts: Vec<_> = puts.collect();
        (0..COUNT).map(|n| puts.iter().filter(|body| is_put(n, body)).count()).collect()
    }
}

/// What the agent says: JSON, whatever it is, with the priority that belongs to it.
fn message(line: &Value) -> Value {
    let text = line["MESSAGE"].as_str().unwrap_or_else(|| panic!("{line}"));
    let said: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let priority = match said["level"].as_str().unwrap() {
        "ERROR" => "3",
        "WARN" => "4",
        _ => "6",
    };
    assert_eq!(line["PRIORITY"], priority, "{line}");
    said
}

#[test]
fn the_unit_does_its_work_under_a_real_systemd() {
    let Some(place) = Place::new() else { return };
    it_is_ready_and_makes_a_pass_with_no_privileges(&place);
    what_it_has_read_is_there_after_a_restart(&place);
    a_stop_in_the_middle_of_a_pass_is_clean_and_nothing_is_made_twice(&place);
    a_configuration_is_read_again_or_not_used(&place);
    one_that_hangs_is_killed_and_started_anew(&place);
    one_that_is_wrong_is_not_tried_again(&place);
    let journal = place.machine.do_run(&["journalctl", "--no-pager"]);
    assert!(journal.contains("converged") && !journal.contains("nobody-sees"));
}

fn it_is_ready_and_makes_a_pass_with_no_privileges(place: &Place) {
    let took = place.systemctl("start");
    assert_eq!((place.property("ActiveState"), place.property("SubState")), ("active".into(), "running".into()));
    let begun = Instant::now();
    // Read over TLS by a child, with a credential; judged by another; written to AWS.
    place.wait_for("converged");
    say(&format!("under systemd: ready after {took:.2?}, converged {:.2?} later", begun.elapsed()));
    assert_eq!(place.written("one"), [1; COUNT]);
    place.wait_for(RULE);

    let main = place.property("MainPID");
    let own = place.machine.do_run(&["cat", &format!("/proc/{main}/status")]);
    let field = |name: &str| own.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap().trim();
    let user: u32 = field("Uid").split('\t').next().unwrap().parse().unwrap();
    assert!((61184..=65519).contains(&user), "a user of its own, which nobody else has: {user}");
    assert_eq!((field("CapBnd"), field("CapEff")), ("0000000000000000", "0000000000000000"));
    assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1", "2"));
    let exposed = place.machine.do_run(&["systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT]);
    let exposed = exposed.lines().last().unwrap().to_owned();
    say(&format!("under systemd: {} of memory at most; {exposed}", field("VmHWM")));
}

fn what_it_has_read_is_there_after_a_restart(place: &Place) {
    place.server.requests();
    let revision = get(place.address(), "/api/status").json()["sources"][0]["revision"].as_str().unwrap().to_owned();
    place.systemctl("restart");
    place.converged_at(&revision);
    let requests = place.server.requests();
    assert!(requests.iter().any(|request| request.starts_with("GET ")), "it has asked: {requests:?}");
    assert!(requests.iter().all(|request| !request.starts_with("POST ")), "for nothing that it has: {requests:?}");
    assert_eq!(place.written("one"), [1; COUNT], "nothing was to be done");
}

fn a_stop_in_the_middle_of_a_pass_is_clean_and_nothing_is_made_twice(place: &Place) {
    let is_slow = |head: &Head<'_>| {
        let body = String::from_utf8_lossy(head.body);
        let is_it = head.name.action == "PutParameter" && body.contains("/svc-unit/p0\"") && body.contains("\"two\"");
        is_it.then_some(What::Delay(SLOW))
    };
    place.proxy.wire().plan_by(is_slow);
    let revision = commit_to(place.manifests.path(), "main", &files("two"));
    let begun = Instant::now();
    while place.written("two")[0] == 0 {
        assert!(begun.elapsed() < super::PATIENCE, "{:#?}", place.said());
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let took = place.systemctl("stop");
    say(&format!("under systemd: stopped in the middle of a pass in {took:.2?}, with a call of {SLOW:.0?} under way"));
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!((place.property("ActiveState"), place.property("Result")), ("inactive".into(), "success".into()));
    assert_eq!(place.property("ExecMainStatus"), "0");
    // The call was waited for: of one that nobody waits for, the answer is not known.
    let all = place.machine.journal(UNIT, &["SYSLOG_IDENTIFIER=agent"]);
    let all: Vec<Value> = all.iter().map(message).filter(|line| line["target"] == "audit").collect();
    let about_it = all.iter().filter(|line| line["fields"]["address"] == "parameter.p0/ssm.parameter");
    assert_eq!(about_it.map(|line| line["fields"]["outcome"].clone()).collect::<Vec<_>>(), ["accepted"; 2], "{all:#?}");
    let before = place.written("two");
    place.systemctl("start");
    place.converged_at(&revision);
    assert_eq!(place.written("two"), [1; COUNT], "first {before:?}");
}

fn a_configuration_is_read_again_or_not_used(place: &Place) {
    let main = place.property("MainPID");
    let socket = "/run/gitops-agent/http.sock";
    place.configure(&place.config.replace("\"127.0.0.1:0\"", &format!("[\"unix:{socket}\", \"127.0.0.1:0\"]")));
    place.systemctl("reload");
    place.wait_for("the configuration was read again");
    place.machine.do_run(&["agent", "healthcheck", "--config", CONFIG]);
    place.machine.do_run(&["test", "-S", socket]);
    place.configure(WRONG);
    place.systemctl("reload");
    place.wait_for("the new configuration is not used");
    assert_eq!((place.property("ActiveState"), place.property("MainPID")), ("active".into(), main));
    assert_eq!(get(place.address(), "/healthz").status, 200);
    place.configure(&place.config);
}

fn one_that_hangs_is_killed_and_started_anew(place: &Place) {
    // Long enough for an agent that is well on a machine that is busy.
    place.edit(Some("[Service]\nWatchdogSec=5s\nRestartSec=100ms\n"));
    place.systemctl("restart");
    place.wait_for("converged");
    let main = place.property("MainPID");
    let begun = Instant::now();
    place.machine.do_run(&["kill", "-s", "STOP", &main]);
    while place.property("NRestarts") == "0" || place.property("ActiveState") != "active" {
        assert!(
            begun.elapsed() < super::PATIENCE,
            "{}",
            place.machine.do_run(&["journalctl", "--no-pager", "-u", UNIT])
        );
        std::thread::park_timeout(Duration::from_millis(100));
    }
    say(&format!("under systemd: hung, killed, and ready again after {:.2?}", begun.elapsed()));
    assert_ne!(place.property("MainPID"), main);
    let journal = place.machine.do_run(&["journalctl", "--no-pager", "-u", UNIT]);
    assert!(journal.contains("Watchdog timeout") && journal.contains("Failed with result 'watchdog'"), "{journal}");
    place.wait_for("converged");
    place.edit(None);
}

fn one_that_is_wrong_is_not_tried_again(place: &Place) {
    place.configure(WRONG);
    let output = place.machine.run(&["systemctl", "restart", UNIT]);
    assert!(!output.status.success(), "it says that it has not begun: {output:?}");
    // Whoever is tried again waits for that in another state.
    assert_eq!((place.property("ActiveState"), place.property("SubState")), ("failed".into(), "failed".into()));
    assert_eq!((place.property("ExecMainStatus"), place.property("NRestarts")), ("2".into(), "0".into()));
    let errors = place.machine.journal(UNIT, &["--priority=err"]);
    let of_agent = errors.iter().filter(|line| line["SYSLOG_IDENTIFIER"] == "agent").map(message);
    let text: Vec<String> = of_agent.map(|said| said["fields"]["message"].as_str().unwrap().to_owned()).collect();
    for place in ["agent.toml:2:", "agent.toml:4:"] {
        assert!(text.iter().any(|text| text.contains(place)), "{text:#?}");
    }
}
