//! `POST /webhook/…`: who is believed, what it leads to, and what those can do who only want to do harm.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::promtool::numbers;
use super::{Home, address, answer, connect, get, post, repository, request, resident, sample, until};
use crate::bench::git_server::GitServer;
use crate::bench::running::Running;
use crate::bench::say;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An agent that asks its one repository once in a year, unless it is told to.
struct Called {
    home: Home,
    server: GitServer,
    agent: Running,
    at: SocketAddr,
}

impl Called {
    fn new() -> Self {
        let home = Home::new();
        repository(&home.at("manifests"), "one");
        std::fs::write(home.at("secret"), format!("{SECRET}\n")).unwrap();
        let server = GitServer::https(&home.at("manifests"));
        let secret = home.at("secret");
        let hosts = ["github", "gitlab", "generic"];
        let hosts = hosts.map(|host| format!("{host} = {{ secret_file = \"{}\" }}\n", secret.display())).concat();
        let http = format!("[http]\nlisten = \"127.0.0.1:0\"\n[http.webhook]\n{hosts}");
        home.configure(&server.url(), "interval = \"8000h\"", &http);
        let agent = home.start();
        let at = address(&agent);
        until(at, "/readyz", |answer| answer.status == 200);
        // The clients of AWS have taken their memory: what grows from now on is of those who call.
        until(at, "/api/status", |answer| !answer.json()["stacks"][0]["last_pass"].is_null());
        Self { home, server, agent, at }
    }

    /// How often the repository was read.
    fn fetches(&self) -> usize {
        let text = get(self.at, "/metrics").body;
        let lines = text.lines().filter(|line| line.starts_with("gitops_agent_source_fetches_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    fn wait_for_fetches(&self, count: usize) {
        let begun = Instant::now();
        while self.fetches() < count {
            assert!(begun.elapsed() < super::PATIENCE, "{} of {count} readings", self.fetches());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn results(&self, sender: &str, result: &str) -> f64 {
        sample(self.at, &format!("gitops_agent_webhook_requests_total{{sender=\"{sender}\",result=\"{result}\"}}"))
    }

    /// As GitHub calls, with a delivery of this name.
    fn github(&self, delivery: &str, body: &str) -> (u16, String) {
        let signature = sign(SECRET, body.as_bytes());
        let headers = [("x-hub-signature-256", signature.as_str()), ("x-github-delivery", delivery)];
        told(&post(self.at, "/webhook/github", &headers, body.as_bytes()))
    }
}

fn told(answer: &super::Answer) -> (u16, String) {
    (answer.status, answer.json()["result"].as_str().unwrap_or_default().to_owned())
}

/// HMAC-SHA256 by another program than ours.
fn sign(secret: &str, message: &[u8]) -> String {
    use std::process::{Command, Stdio};
    let script =
        "import hmac,sys; print(hmac.new(sys.argv[1].encode(), sys.stdin.buffer.read(), 'sha256').hexdigest())";
    let mut python = Command::new("python3")
        .args(["-c", script, secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there: the emulators need it");
    python.stdin.take().unwrap().write_all(message).unwrap();
    let digits = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    format!("sha256={}", digits.trim())
}

/// Signatures of many messages, which one after the other would take minutes.
fn sign_all(messages: &[String]) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), messages.join("\n")).unwrap();
    let script = "import hmac,sys\nfor line in open(sys.argv[2]): print(hmac.new(sys.argv[1].encode(), line.rstrip('\\n').encode(), 'sha256').hexdigest())";
    let output = std::process::Command::new("python3").args(["-c", script, SECRET]).arg(file.path()).output().unwrap();
    let digits = String::from_utf8(output.stdout).unwrap();
    digits.lines().map(|line| format!("sha256={line}")).collect()
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

#[test]
fn who_has_the_secret_is_believed_once_and_nobody_else_is() {
    let called = Called::new();
    let (at, url) = (called.at, called.server.url());
    assert_eq!(called.fetches(), 1);
    let body = format!("{{\"ref\": \"refs/heads/main\", \"repository\": {{\"clone_url\": \"{url}\"}}}}");
    let body = body.as_str();
    let signature = sign(SECRET, body.as_bytes());
    let (good, delivery) = (("x-hub-signature-256", signature.as_str()), ("x-github-delivery", "d-1"));

    // Nothing signed, or not rightly: by another secret, over another body, cut, in another form.
    let other = sign("0123456789abcdef0123456789abcdeF", body.as_bytes());
    for wrong in [None, Some(other.as_str()), Some(&signature[..70]), Some(&signature[7..]), Some("sha256=")] {
        let headers: Vec<_> = wrong.map(|wrong| ("x-hub-signature-256", wrong)).into_iter().chain([delivery]).collect();
        assert_eq!(
            told(&post(at, "/webhook/github", &headers, body.as_bytes())),
            (401, "unsigned".into()),
            "{wrong:?}"
        );
    }
    let changed = body.replace("main", "dev");
    assert_eq!(post(at, "/webhook/github", &[good, delivery], changed.as_bytes()).status, 401);
    assert_eq!(told(&post(at, "/webhook/github", &[good], body.as_bytes())), (400, "malformed".into()));
    for token in [None, Some("0123456789abcdef0123456789abcdeF"), Some(""), Some("0123456789abcdef")] {
        let headers: Vec<_> = token.map(|token| ("x-gitlab-token", token)).into_iter().collect();
        let headers = [&headers[..], &[("x-gitlab-event-uuid", "e-1")]].concat();
        assert_eq!(
            told(&post(at, "/webhook/gitlab", &headers, body.as_bytes())),
            (401, "unsigned".into()),
            "{token:?}"
        );
    }
    assert_eq!(post(at, "/webhook/other", &[good, delivery], body.as_bytes()).status, 404);

    // The first call that is right: and there is a commit.
    let revision = repository(&called.home.at("manifests"), "two");
    assert_eq!(told(&post(at, "/webhook/github", &[good, delivery], body.as_bytes())), (202, "accepted".into()));
    called.agent.wait_for(0, &["new revision", &revision[..7]]);
    called.wait_for_fetches(2);
    // Again, also by another name, which nobody has signed.
    for name in ["d-1", "d-2"] {
        let again = post(at, "/webhook/github", &[good, ("x-github-delivery", name)], body.as_bytes());
        assert_eq!(told(&again), (200, "replayed".into()));
    }
    // GitLab, with its own words.
    let project = format!("{{\"project\": {{\"git_http_url\": \"{url}\"}}}}");
    let gitlab = |event: &str| {
        let headers = [("x-gitlab-token", SECRET), ("x-gitlab-event-uuid", event)];
        told(&post(at, "/webhook/gitlab", &headers, project.as_bytes()))
    };
    assert_eq!(gitlab("e-1"), (202, "accepted".into()));
    called.wait_for_fetches(3);
    assert_eq!(gitlab("e-1"), (200, "replayed".into()));
    // Anybody else, by the clock.
    let generic = |time: u64, body: &str| {
        let signature = sign(SECRET, format!("{time}.{body}").as_bytes());
        let headers = [("x-signature-256", signature.as_str()), ("x-timestamp", &time.to_string())];
        told(&post(at, "/webhook/generic", &headers, body.as_bytes()))
    };
    assert_eq!(generic(now() - 400, ""), (400, "malformed".into()));
    assert_eq!(generic(now() + 400, ""), (400, "malformed".into()));
    let time = now();
    assert_eq!(generic(time, ""), (202, "accepted".into()), "all sources, for it does not say which");
    called.wait_for_fetches(4);
    assert_eq!(generic(time, ""), (200, "replayed".into()));
    // Of another repository.
    assert_eq!(generic(now(), "{\"repository\": \"https://example.org/other.git\"}"), (200, "unmatched".into()));
    // A call that is right comes after all of these: had one of them led to a reading, it would be counted by now.
    assert_eq!(called.github("d-3", "{}"), (202, "accepted".into()));
    called.wait_for_fetches(5);
    assert_eq!(called.fetches(), 5);
    numbers(at);
    assert!(
        (called.results("github", "unsigned") - 6.0).abs() < 0.1
            && (called.results("github", "replayed") - 2.0).abs() < 0.1
    );
    let warnings = called.agent.lines(0).iter().filter(|line| line.contains("missing or wrong")).count();
    assert_eq!(warnings, 1, "strangers do not fill the log");
}

#[test]
fn a_gigabyte_is_refused_before_it_is_read() {
    let called = Called::new();
    let at = called.at;
    let signature = sign(SECRET, b"");
    let before = resident(&called.agent);
    let headers = [("x-hub-signature-256", signature.as_str()), ("x-github-delivery", "d-1")];
    // It says so: nothing of it is sent.
    let said = [&headers[..], &[("content-length", "1000000000")]].concat();
    assert_eq!(told(&post(at, "/webhook/github", &said, b"")), (413, "too_large".into()));
    // It does not say so.
    let mut stream = connect(at);
    let said = [&headers[..], &[("transfer-encoding", "chunked")]].concat();
    stream.write_all(&request("/webhook/github", &said, b"")).unwrap();
    let chunk = [format!("{:x}\r\n", 1 << 16).as_bytes(), &vec![b'x'; 1 << 16], b"\r\n"].concat();
    let sent = (0..1_000_000_000 / (1 << 16)).take_while(|_| stream.write_all(&chunk).is_ok()).count() * (1 << 16);
    // Besides the megabyte that is read, what the system keeps of a connection on its way.
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    until(at, "/metrics", |_| (called.results("github", "too_large") - 2.0).abs() < 0.1);
    // A head without end.
    let mut stream = connect(at);
    stream.write_all(b"POST /webhook/github HTTP/1.1\r\nHost: agent\r\n").unwrap();
    let line = format!("X-Filler: {}\r\n", "x".repeat(1 << 12));
    let lines = (0..10_000).take_while(|_| stream.write_all(line.as_bytes()).is_ok()).count();
    assert!(lines < 10_000, "a head of 40 MB was taken");
    let growth = resident(&called.agent).saturating_sub(before);
    say(&format!("webhooks of a gigabyte: {sent} bytes taken, {growth} KiB more memory"));
    assert!(growth < 20 << 10, "{growth} KiB");
    assert_eq!(called.fetches(), 1);
}

#[test]
fn slow_clients_keep_nobody_waiting_and_are_hung_up_on() {
    let called = Called::new();
    let at = called.at;
    let (before, descriptors) = (resident(&called.agent), called.agent.descriptors());
    let begun = Instant::now();
    let mut slow: Vec<_> = (0..300).map(|_| connect(at)).collect();
    let signature = sign(SECRET, b"{}");
    let head = request("/webhook/github", &[("x-hub-signature-256", &signature), ("x-github-delivery", "slow")], b"{}");
    // A byte at a time, as slowly as they can, until they are all hung up on.
    let mut worst = Duration::ZERO;
    let mut most = 0;
    for byte in 0.. {
        slow.retain_mut(|stream| stream.write_all(&head[byte % (head.len() - 60)..=byte % (head.len() - 60)]).is_ok());
        let asked = Instant::now();
        assert_eq!(get(at, "/healthz").status, 200);
        worst = worst.max(asked.elapsed());
        most = most.max(called.agent.descriptors());
        if slow.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{} slow clients are still there", slow.len());
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let took = begun.elapsed();
    // A head that is there, and a body that never comes.
    let mut stream = connect(at);
    stream.write_all(&head[..head.len() - 1]).unwrap();
    let waits = Instant::now();
    assert_eq!(told(&answer(stream).unwrap()), (408, "slow".into()));
    assert!(waits.elapsed() < Duration::from_secs(15));
    let growth = resident(&called.agent).saturating_sub(before);
    say(&format!(
        "300 slow clients: all gone after {took:?}, at most {most} descriptors (of {descriptors}), health asked in {worst:?} at worst, {growth} KiB more memory"
    ));
    assert!(worst < Duration::from_secs(5) && growth < 20 << 10 && most < descriptors + 80);
    assert_eq!(called.fetches(), 1);
}

#[test]
fn ten_thousand_calls_in_a_burst_read_the_repository_once_a_second() {
    const CALLS: usize = 10_000;
    let called = Called::new();
    let bodies: Vec<String> = (0..CALLS).map(|n| format!("{{\"after\": \"{n:040x}\"}}")).collect();
    let signatures = sign_all(&bodies);
    // What one reading costs in requests.
    called.server.requests();
    assert_eq!(called.github("warm", "{\"warm\": 1}").0, 202);
    called.wait_for_fetches(2);
    let each = called.server.requests().len();
    let before = resident(&called.agent);
    let (next, accepted, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(body), Some(signature)) = (bodies.get(n), signatures.get(n)) else { return };
                    let headers = [("x-hub-signature-256", signature.as_str()), ("x-github-delivery", &n.to_string())];
                    let answer = post(called.at, "/webhook/github", &headers, body.as_bytes());
                    accepted.fetch_add(usize::from(answer.status == 202), Ordering::Relaxed);
                }
            });
        }
    });
    let took = begun.elapsed();
    let growth = resident(&called.agent).saturating_sub(before);
    assert_eq!(accepted.into_inner(), CALLS);
    // The last call is not lost: what was pushed before it is found.
    let revision = repository(&called.home.at("manifests"), "after");
    assert_eq!(called.github("last", "{\"last\": 1}").0, 202);
    called.agent.wait_for(0, &["new revision", &revision[..7]]);
    let whole = begun.elapsed();
    let readings = called.server.requests().len();
    say(&format!(
        "{CALLS} calls in {took:?}: {readings} requests to Git's host ({each} for each reading), {growth} KiB more memory"
    ));
    // One at the beginning, one in each second that has begun, and the last one with its pack.
    let most = usize::try_from(whole.as_secs()).unwrap() + 2;
    assert!(readings <= most * each + 2, "{readings} requests in {whole:?}");
    assert!(growth < 20 << 10, "{growth} KiB");
    assert_eq!(get(called.at, "/healthz").status, 200);
}
