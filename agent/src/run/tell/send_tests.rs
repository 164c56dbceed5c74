//! Tests of single attempts, against real servers on loopback that behave badly.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;

const TOKEN: &str = "the-token-of-nobody";

/// A server that answers the n-th connection with the n-th of these texts, and every further one with the last; an empty
/// text is silence. What was sent to it is kept.
struct Server {
    port: u16,
    heard: Arc<std::sync::Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

async fn server(answers: Vec<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server =
        Server { port: listener.local_addr().unwrap().port(), heard: Arc::default(), connections: Arc::default() };
    let (heard, connections) = (server.heard.clone(), server.connections.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let n = connections.fetch_add(1, Ordering::SeqCst);
            let answer = answers[n.min(answers.len() - 1)].clone();
            let heard = heard.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 << 10];
                let mut text = String::new();
                // The body is JSON, and its end is the end of the request.
                while !text.ends_with('}') {
                    let count = stream.read(&mut bytes).await.unwrap_or_default();
                    if count == 0 {
                        break;
                    }
                    text += &String::from_utf8_lossy(&bytes[..count]);
                }
                heard.lock().unwrap().push(text);
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
                // A body without an end.
                while answer.ends_with("chunked\r\n\r\n") {
                    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
                    if stream.write_all(chunk.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    server
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// What is told to a server at this port, once for each of these outcomes.
async fn tell(kind: &str, port: u16, outcomes: &[Outcome]) -> Vec<Answer> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let is_webhook = kind == "webhook";
    std::fs::write(file.path(), if is_webhook { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } else { TOKEN }).unwrap();
    let at = format!("http://127.0.0.1:{port}/x");
    let config = match kind {
        "github" => json!({ "kind": kind, "repository": "o/r", "api": at, "token_file": file.path() }),
        "gitlab" => json!({ "kind": kind, "project": "1", "api": at, "token_file": file.path() }),
        _ => json!({ "kind": kind, "url": at, "secret_file": file.path() }),
    };
    let receiver = Receiver::new(serde_json::from_value(config).unwrap());
    let client = Client::within(Duration::from_secs(2), Duration::from_secs(2));
    let mut answers = Vec::new();
    for outcome in outcomes {
        let message = Message {
            subject: String::new(),
            stack: Some("um".to_owned()),
            revision: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            source: "/srv/manifests".to_owned(),
            branch: "main".to_owned(),
            outcome: *outcome,
            state: "failed",
            reasons: Vec::new(),
            at: Timestamp::now(),
            nth: 0,
            then: None,
            queued: Instant::now(),
        };
        answers.push(client.tell(&receiver, &message).await);
    }
    answers
}

fn later(wait: Option<u64>, why: &str) -> Answer {
    Answer::Later { wait: wait.map(Duration::from_secs), why: why.to_owned() }
}

const ONE: &[Outcome] = &[Outcome::Success];

#[tokio::test]
async fn a_server_that_is_broken_for_a_moment_is_told_later() {
    let server = server(vec![answer("500 Oops", "", "{}"), answer("201 Created", "", "{}")]).await;
    let told = tell("github", server.port, &[Outcome::Success, Outcome::Success]).await;
    assert_eq!(told, [later(None, "the answer is 500"), Answer::Told]);
    let heard = server.heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 2);
    assert!(
        heard.iter().all(|one| one.starts_with("POST /x/repos/o/r/statuses/0123") && one.contains(TOKEN)),
        "{heard:?}"
    );
}

#[tokio::test]
async fn who_asks_for_patience_is_given_it() {
    let busy = server(vec![answer("429 Too Many Requests", "retry-after: 7\r\n", "{}")]).await;
    assert_eq!(tell("webhook", busy.port, ONE).await, [later(Some(7), "the answer is 429")]);
    // GitHub's limits have words of their own.
    let at = Timestamp::now().as_second() + 100;
    let limited = format!("x-ratelimit-remaining: 0\r\nx-ratelimit-reset: {at}\r\n");
    let limited = server(vec![answer("403 Forbidden", &limited, "{}")]).await;
    let told = tell("github", limited.port, ONE).await;
    let [Answer::Later { wait: Some(wait), .. }] = &told[..] else { panic!("{told:?}") };
    assert!((90..=100).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test]
async fn silence_and_a_closed_port_are_no_answers() {
    let silent = server(vec![String::new()]).await;
    let begun = std::time::Instant::now();
    assert_eq!(tell("webhook", silent.port, ONE).await, [later(None, "no answer within 2s")]);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let told = tell("webhook", closed, ONE).await;
    assert!(matches!(&told[0], Answer::Later { why, .. } if why.contains("refused")), "{told:?}");
}

#[tokio::test]
async fn the_token_is_shown_to_nobody_else() {
    let other = server(vec![answer("200 OK", "", "{}")]).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = format!("location: http://127.0.0.1:{}/x\r\n", other.port);
        let first = server(vec![answer(status, &to, "")]).await;
        for kind in ["github", "gitlab", "webhook"] {
            let told = tell(kind, first.port, ONE).await;
            assert!(matches!(&told[0], Answer::Refused { why, .. } if why.contains("127.0.0.1")), "{told:?}");
        }
    }
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_found_and_a_webhook_is_not_followed() {
    let moved = answer("307 Temporary Redirect", "location: /x/repositories/1/statuses/0123\r\n", "");
    let server = server(vec![moved.clone(), answer("201 Created", "", "{}"), moved]).await;
    assert_eq!(tell("github", server.port, ONE).await, [Answer::Told]);
    let heard = server.heard.lock().unwrap().clone();
    assert!(heard[1].starts_with("POST /x/repositories/1/statuses/0123 ") && heard[1].contains(TOKEN), "{heard:?}");
    assert!(heard[1].ends_with('}'), "the body goes with it: {heard:?}");
    assert!(matches!(&tell("webhook", server.port, ONE).await[0], Answer::Refused { .. }));
    // In a circle.
    let told = tell("github", server.port, ONE).await;
    assert!(matches!(&told[0], Answer::Refused { why, .. } if why.contains("more than 3")), "{told:?}");
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    for status in ["200 OK", "400 Bad Request", "500 Oops"] {
        let endless = format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\n");
        let server = server(vec![endless]).await;
        let begun = std::time::Instant::now();
        let told = tell("gitlab", server.port, ONE).await;
        assert!(begun.elapsed() < Duration::from_millis(1900), "not by the time-out: {:?}", begun.elapsed());
        let is_right = match status.get(..3) {
            Some("200") => matches!(told[0], Answer::Told),
            Some("400") => matches!(told[0], Answer::Refused { .. }),
            _ => matches!(told[0], Answer::Later { .. }),
        };
        assert!(is_right, "{told:?}");
    }
}

#[tokio::test]
async fn what_gitlab_knows_already_is_told_and_nothing_else_is_taken_for_that() {
    let knows = |state: &str| {
        let text = format!("{{\"message\":\"Cannot transition status via :run from :{state} (Reason(s): …)\"}}");
        answer("400 Bad Request", "", &text)
    };
    let server = server(vec![knows("running")]).await;
    let told = tell("gitlab", server.port, &[Outcome::Pending, Outcome::Success]).await;
    assert!(matches!(told[..], [Answer::Told, Answer::Refused { .. }]), "{told:?}");
    assert!(matches!(tell("github", server.port, &[Outcome::Pending]).await[0], Answer::Refused { .. }));
}

#[test]
fn each_answer_means_what_its_protocol_says() {
    let judged = |status: u16, kind: Kind| {
        let head = Head { status, ..Head::default() };
        match head.judged(kind, Outcome::Success, "", 0) {
            Answer::Told => "told",
            Answer::Later { .. } => "later",
            Answer::Refused { .. } => "refused",
        }
    };
    for kind in [Kind::Github, Kind::Gitlab, Kind::Webhook] {
        assert_eq!([200, 201, 202, 204].map(|status| judged(status, kind)), ["told"; 4]);
        assert_eq!([408, 425, 429, 500, 502, 503, 504].map(|status| judged(status, kind)), ["later"; 7]);
        assert_eq!([400, 401, 403, 404, 410, 413, 422].map(|status| judged(status, kind)), ["refused"; 7]);
    }
}

#[test]
fn a_wait_is_a_number_or_a_date() {
    let wait = |text: &str| Head { retry_after: Some(text.to_owned()), ..Head::default() }.wait(784_111_777 - 60);
    assert_eq!(wait("120"), Some(Duration::from_mins(2)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_mins(1)));
    assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    for text in ["", "-5", "soon", "1e9"] {
        assert_eq!(wait(text), None, "{text}");
    }
}
