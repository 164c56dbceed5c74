//! The running service seen from outside: what it answers over HTTP, what it tells systemd, and how it stops. The shipped binary,
//! mostly without AWS: what is asked here does not depend on what AWS says.

mod booted;
mod emulated;
mod health;
mod image;
mod openmetrics;
mod promtool;
mod stop;
mod systemd;
mod telling;
mod unit;
mod webhook;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench::git_server::AUTHORITY;
use crate::bench::running::Running;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with a configuration, and an environment in which AWS cannot be reached.
struct Home {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("authority.pem");
        std::fs::write(&authority, AUTHORITY).unwrap();
        let env = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "the-key-that-nobody-sees"),
            ("SSL_CERT_FILE", authority.to_str().unwrap()),
            ("HOME", folder.path().to_str().unwrap()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { folder, env }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration: a source at this address, with keys of its own, and other tables.
    fn configure(&self, url: &str, source: &str, rest: &str) {
        let cache = self.at("cache");
        let text = format!("cache = \"{}\"\n[source]\nurl = \"{url}\"\n{source}\n{rest}\n", cache.display());
        std::fs::write(self.at("agent.toml"), text).unwrap();
    }

    fn start(&self) -> Running {
        Running::start(&self.at("agent.toml"), &self.env)
    }
}

/// Where an agent answers whose configuration leaves the port to the system.
fn address(agent: &Running) -> SocketAddr {
    let (_, line) = agent.wait_for(0, &["answers at http://"]);
    line.rsplit("http://").next().unwrap().trim().parse().unwrap()
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes until the other side hangs up; `None` if it says nothing.
fn answer(mut stream: impl Read) -> Option<Answer> {
    let mut bytes = Vec::new();
    // Whoever is refused in the middle of a body may find the connection reset, after the answer.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

fn get(to: SocketAddr, path: &str) -> Answer {
    get_as(to, path, "*/*")
}

/// The same in a form that is asked for.
fn get_as(to: SocketAddr, path: &str, accept: &str) -> Answer {
    let mut stream = connect(to);
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: agent\r\nAccept: {accept}\r\n\r\n").as_bytes()).unwrap();
    answer(stream).unwrap_or_else(|| panic!("no answer to {path}"))
}

/// Whether there is a program.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Asks until the answer is as wanted.
fn until(to: SocketAddr, path: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = get(to, path);
        if is_so(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{path} stays {answer:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A request that changes something, in bytes.
fn request(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("POST {path} HTTP/1.1\r\nHost: agent\r\n");
    for (name, value) in headers {
        text.extend([*name, ": ", *value, "\r\n"]);
    }
    if !headers.iter().any(|(name, _)| ["content-length", "transfer-encoding"].contains(name)) {
        let length = body.len().to_string();
        text.extend(["content-length: ", &length, "\r\n"]);
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

fn post(to: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = connect(to);
    stream.write_all(&request(path, headers, body)).unwrap();
    answer(stream).unwrap_or_else(|| panic!("no answer to {path}"))
}

/// A sample of `/metrics`, by its name and labels as they are written; 0 where there is none.
fn sample(to: SocketAddr, series: &str) -> f64 {
    let text = get(to, "/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Resident memory of a process in KiB.
fn resident(agent: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// A repository with one stack, which wants AWS.
fn repository(folder: &Path, value: &str) -> String {
    let text = format!(
        "[stack]\nname = \"svc\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\n[parameter.greeting]\nvalue = \"{value}\"\n"
    );
    let files = [("svc/stack.toml".to_owned(), text)].into();
    crate::bench::repository::commit_to(folder, "main", &files)
}
