//! `/healthz`, `/readyz`, `/api/status`, `/metrics`, and who asks them.

use std::process::Command;

use super::promtool::numbers;
use super::{Home, address, connect, get, repository, sample, until};
use crate::bench::git_server::{GitServer, How, Part};

const LISTEN: &str = "[http]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn it_is_ready_once_each_source_was_read_or_is_known_not_to_be() {
    let home = Home::new();
    repository(&home.at("manifests"), "one");
    let server = GitServer::https(&home.at("manifests"));
    server.set(How::Silent(Part::Branches));
    home.configure(&server.url(), "interval = \"1s\"\ntimeout = \"5s\"", LISTEN);
    let agent = home.start();
    let at = address(&agent);
    // From the first moment on, in which it knows even less.
    let unread = format!("{} was not read yet", server.url());
    let answer = until(at, "/readyz", |answer| {
        assert_eq!(answer.status, 503, "{answer:?}");
        answer.json()["reasons"][0] != "the rules are not in force yet"
    });
    assert_eq!(answer.json()["reasons"], serde_json::json!([unread]));
    assert_eq!(get(at, "/healthz").status, 200, "it is well, although a repository hangs");
    assert!(get(at, "/api/status").json()["sources"][0]["last_read"].is_null());
    // That it cannot be read is known now: nothing is wrong with the agent.
    let answer = until(at, "/readyz", |answer| answer.status == 200);
    assert_eq!(answer.json(), serde_json::json!({ "ready": true, "reasons": [] }));
    let source = get(at, "/api/status").json()["sources"][0].clone();
    assert!(source["failure"]["message"].as_str().unwrap().contains("took longer than 5 s"), "{source}");
    server.set(How::Well);
    until(at, "/api/status", |answer| answer.json()["sources"][0]["failure"].is_null());
}

#[test]
fn the_status_tells_what_the_loop_knows_and_no_secret() {
    let home = Home::new();
    let wrong = "[stack]\nname = \"wrong\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n\n[parameter.x]\nvalu = \"y\"\n";
    repository(&home.at("manifests"), "one");
    let mut files: crate::bench::repository::Files = [("wrong/stack.toml".to_owned(), wrong.to_owned())].into();
    let right = std::fs::read_to_string(home.at("manifests/svc/stack.toml")).unwrap();
    files.insert("svc/stack.toml".into(), right);
    let revision = crate::bench::repository::commit_to(&home.at("manifests"), "main", &files);
    let server = GitServer::https(&home.at("manifests"));
    server.set(How::Credentials("me:the-token-that-nobody-sees"));
    let url = server.url().replace("https://", "https://me@");
    std::fs::write(home.at("token"), "the-token-that-nobody-sees\n").unwrap();
    std::fs::write(home.at("hook"), "the-secret-that-nobody-sees\n").unwrap();
    let token = format!("token_file = \"{}\"", home.at("token").display());
    let hook = format!("{LISTEN}[http.webhook]\ngeneric = {{ secret_file = \"{}\" }}\n", home.at("hook").display());
    home.configure(&url, &token, &hook);
    let agent = home.start();
    let at = address(&agent);
    let is_tried = |answer: &super::Answer| !answer.json()["stacks"][0]["last_pass"].is_null();
    let status = until(at, "/api/status", is_tried).json();
    assert_eq!(status["sources"][0]["url"], server.url(), "{status:#}");
    assert_eq!((&status["sources"][0]["revision"], &status["sources"][0]["stale"]), (&revision.into(), &false.into()));
    let [svc, wrong] = [&status["stacks"][0], &status["stacks"][1]];
    assert_eq!((&svc["name"], &wrong["name"]), (&"svc".into(), &"wrong".into()));
    assert_eq!((&svc["state"], &wrong["state"]), (&"retrying".into(), &"refused".into()), "{status:#}");
    assert!(svc["last_pass"]["hindrances"][0]["message"].as_str().unwrap().contains("AWS cannot be reached"));
    let problem = &wrong["refused"][0];
    assert_eq!(problem["rule"], "unknown-key", "{problem}");
    assert!(problem["message"].as_str().unwrap().contains("wrong/stack.toml:7:1"), "{problem}");

    let metrics = numbers(at);
    assert!((sample(at, "gitops_agent_stacks{state=\"refused\"}") - 1.0).abs() < 0.1);
    assert!(sample(at, "gitops_agent_passes_total{stack=\"svc\",outcome=\"failed_for_now\"}") >= 1.0, "{metrics}");
    assert!(sample(at, "gitops_agent_calls_total{stack=\"svc\",service=\"sts\",kind=\"read\"}") >= 1.0);
    assert!(sample(at, "gitops_agent_process_resident_memory_bytes") > 1e6);
    let said = [&status.to_string(), &metrics, &get(at, "/readyz").body, &agent.lines(0).join("\n")];
    for said in said {
        assert!(!said.contains("nobody-sees"), "{said}");
    }
    // What is not there, and what is there for others.
    assert_eq!((get(at, "/").status, get(at, "/webhook/generic").status), (404, 405));
}

#[test]
fn a_source_that_cannot_be_read_for_too_long_is_stale() {
    let home = Home::new();
    repository(&home.at("manifests"), "one");
    let server = GitServer::https(&home.at("manifests"));
    home.configure(&server.url(), "interval = \"1s\"\nstale = \"2s\"", LISTEN);
    let agent = home.start();
    let at = address(&agent);
    let labels = format!("{{source=\"{}\",branch=\"main\",path=\".\"}}", server.url());
    let series = |name: &str| format!("gitops_agent_{name}{labels}");
    until(at, "/metrics", |answer| answer.body.contains(&format!("{} 0", series("source_stale"))));
    until(at, "/metrics", |answer| answer.body.contains(&series("source_last_fetch_timestamp_seconds")));
    server.set(How::Status("500 Oh"));
    until(at, "/metrics", |answer| answer.body.contains(&format!("{} 1", series("source_stale"))));
    let failed = labels.replace('}', ",result=\"unreachable\"}");
    assert!(sample(at, &format!("gitops_agent_source_fetches_total{failed}")) >= 1.0);
    server.set(How::Well);
    until(at, "/metrics", |answer| answer.body.contains(&format!("{} 0", series("source_stale"))));
}

#[test]
fn the_health_check_of_a_container_asks_the_agent() {
    let home = Home::new();
    repository(&home.at("manifests"), "one");
    let socket = home.at("http.sock");
    let listen = format!("[http]\nlisten = [\"unix:{}\", \"127.0.0.1:0\"]\n", socket.display());
    home.configure(home.at("manifests").to_str().unwrap(), "", &listen);
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        let output =
            command.arg("healthcheck").arg("--config").arg(home.at("agent.toml")).env_clear().output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = check();
    assert!(code == Some(1) && said.contains("does not answer"), "{code:?} {said}");
    // What an agent leaves behind that was killed is in nobody's way.
    for end in ["KILL", "TERM"] {
        let mut agent = home.start();
        until(address(&agent), "/readyz", |answer| answer.status == 200);
        assert_eq!(check(), (Some(0), String::new()));
        agent.signal(end);
        while agent.lives() {
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
        assert_eq!(check().0, Some(1));
        assert_eq!(socket.exists(), end == "KILL");
    }
    home.configure("/srv/x", "", "");
    let (code, said) = check();
    assert!(code == Some(2) && said.contains("[http]"), "{code:?} {said}");
}

#[test]
fn what_cannot_be_answered_as_it_is_configured_is_told_at_once() {
    let home = Home::new();
    repository(&home.at("manifests"), "one");
    let url = home.at("manifests");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    std::fs::write(home.at("short"), "0123456789\n").unwrap();
    let hook = |file: &str| {
        let file = home.at(file);
        format!("{LISTEN}[http.webhook]\ngithub = {{ secret_file = \"{}\" }}\n", file.display())
    };
    let taken = format!("[http]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
    let cases = [
        (hook("nowhere"), 2, "the secret of the webhook `github` cannot be read"),
        (hook("short"), 2, "less than 16 bytes"),
        (taken, 3, "the agent cannot listen at"),
        (LISTEN.replace("127.0.0.1:0", "localhost"), 2, "`localhost` is no address"),
    ];
    for (rest, code, words) in cases {
        home.configure(url.to_str().unwrap(), "", &rest);
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        let output = command.args(["run", "--config"]).arg(home.at("agent.toml")).env_clear().envs(&home.env).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(code) && said.contains(words), "{:?} {said}", output.status);
    }
}

#[test]
fn a_reload_moves_where_it_answers_and_a_wrong_one_leaves_it() {
    let home = Home::new();
    repository(&home.at("manifests"), "one");
    let url = home.at("manifests").to_str().unwrap().to_owned();
    home.configure(&url, "", LISTEN);
    let agent = home.start();
    let at = address(&agent);
    let mark = agent.mark();
    home.configure(
        &url,
        "",
        "[http]\nlisten = \"127.0.0.1:0\"\n[http.webhook]\ngithub = { secret_file = \"/nonexistent\" }\n",
    );
    agent.signal("HUP");
    agent.wait_for(mark, &["the secret of the webhook `github` cannot be read"]);
    agent.wait_for(mark, &["goes on with the one before"]);
    assert_eq!(get(at, "/healthz").status, 200);
    let mark = agent.mark();
    home.configure(&url, "", &format!("[http]\nlisten = \"unix:{}\"\n", home.at("http.sock").display()));
    agent.signal("HUP");
    agent.wait_for(mark, &["answers at unix:"]);
    agent.wait_for(mark, &["the configuration was read again"]);
    assert!(
        std::net::TcpStream::connect(at).is_err() || super::answer(connect(at)).is_none(),
        "it answers there no longer"
    );
}
