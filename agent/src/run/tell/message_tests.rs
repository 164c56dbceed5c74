//! Tests of what is told in whose words.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

const TOKEN: &str = "the-token-of-nobody";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// A receiver with its token or its secret in a file.
fn receiver(mut config: Value) -> (Receiver, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let is_webhook = config["kind"] == "webhook";
    std::fs::write(file.path(), if is_webhook { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } else { TOKEN }).unwrap();
    config[if is_webhook { "secret_file" } else { "token_file" }] = json!(file.path());
    (Receiver::new(serde_json::from_value(config).unwrap()), file)
}

fn message(stack: Option<&str>, outcome: Outcome, state: &'static str, reasons: &[&str]) -> Message {
    Message {
        subject: String::new(),
        stack: stack.map(str::to_owned),
        revision: SHA.to_owned(),
        source: "https://git.example.org/platform/manifests.git".to_owned(),
        branch: "main".to_owned(),
        outcome,
        state,
        reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        at: "2026-11-22T02:00:00Z".parse().unwrap(),
        nth: 1,
        then: None,
        queued: Instant::now(),
    }
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str())
}

#[test]
fn github_is_told_by_the_status_of_the_commit() {
    let (github, _file) = receiver(json!({
        "kind": "github", "repository": "octo/manifests", "api": "https://ghe.example.org/api/v3/",
        "target_url": "https://example.org/{stack}?at={revision}",
    }));
    let told = request(&github, &message(Some("um"), Outcome::Pending, "progressing", &[]), 0).unwrap();
    assert_eq!(told.url, format!("https://ghe.example.org/api/v3/repos/octo/manifests/statuses/{SHA}").as_str());
    assert_eq!(header(&told, "authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert!(header(&told, "user-agent").unwrap().starts_with("gitops-agent/"), "GitHub asks for one");
    assert_eq!(
        body(&told),
        json!({
            "state": "pending", "context": "gitops-agent/um", "description": "AWS is being changed",
            "target_url": format!("https://example.org/um?at={SHA}"),
        })
    );
    let state = |outcome| body(&request(&github, &message(Some("um"), outcome, "x", &[]), 0).unwrap())["state"].clone();
    let all = [Outcome::Success, Outcome::Failure, Outcome::Superseded].map(state);
    assert_eq!(all, [json!("success"), json!("failure"), json!("error")]);
    let whole = request(&github, &message(None, Outcome::Failure, "refused", &["no stack"]), 0).unwrap();
    assert_eq!(body(&whole)["context"], "gitops-agent/*");
    assert_eq!(body(&whole)["target_url"], format!("https://example.org/?at={SHA}"));
}

#[test]
fn gitlab_is_told_by_the_status_of_the_commit_on_its_branch() {
    let (gitlab, _file) =
        receiver(json!({ "kind": "gitlab", "project": "platform/infra/manifests", "context": "aws" }));
    let told = request(&gitlab, &message(Some("um"), Outcome::Pending, "progressing", &[]), 0).unwrap();
    assert_eq!(
        told.url,
        format!("https://gitlab.com/api/v4/projects/platform%2Finfra%2Fmanifests/statuses/{SHA}").as_str()
    );
    assert_eq!(header(&told, "private-token"), Some(TOKEN));
    assert_eq!(
        body(&told),
        json!({ "state": "running", "name": "aws", "description": "AWS is being changed", "ref": "main" })
    );
    let state = |outcome| body(&request(&gitlab, &message(Some("um"), outcome, "x", &[]), 0).unwrap())["state"].clone();
    let all = [Outcome::Success, Outcome::Failure, Outcome::Superseded].map(state);
    assert_eq!(all, [json!("success"), json!("failed"), json!("canceled")]);
}

#[test]
fn a_description_is_cut_between_characters_and_never_longer_than_is_taken() {
    let (github, _file) = receiver(json!({ "kind": "github", "repository": "o/r" }));
    let (gitlab, _other) = receiver(json!({ "kind": "gitlab", "project": "1" }));
    // Each length, so that the cut falls on every place of a character of several bytes.
    for length in 90..300 {
        let reason = format!("{}{}", "a".repeat(length % 7), "ü€🙂".repeat(length / 3));
        let message = message(Some("um"), Outcome::Failure, "failed", &[&reason, "more"]);
        for (receiver, most) in [(&github, GITHUB), (&gitlab, GITLAB)] {
            let told = request(receiver, &message, 0).unwrap();
            let text = body(&told)["description"].as_str().unwrap().to_owned();
            let count = text.chars().count();
            assert!(count <= most && text.starts_with("failed: "), "{count}: {text}");
            assert!(text.ends_with("(and 1 more)") || count == most && text.ends_with('…'), "{text}");
            assert_eq!(receiver.config.kind == Kind::Github, !text.contains('🙂'), "{text}");
        }
    }
    let short = message(Some("um"), Outcome::Failure, "refused", &["svc/stack.toml:7:1: unknown key `x`", "b", "c"]);
    let text = body(&request(&github, &short, 0).unwrap())["description"].clone();
    assert_eq!(text, "refused: svc/stack.toml:7:1: unknown key `x` (and 2 more)");
}

#[test]
fn who_is_not_told_reasons_is_told_none_anywhere() {
    for config in [
        json!({ "kind": "github", "repository": "o/r", "reasons": false }),
        json!({ "kind": "gitlab", "project": "1", "reasons": false }),
        json!({ "kind": "webhook", "url": "https://example.org/x", "reasons": false }),
    ] {
        let (receiver, _file) = receiver(config);
        let told =
            request(&receiver, &message(Some("um"), Outcome::Failure, "failed", &["arn:aws:iam::1"]), 0).unwrap();
        assert!(!told.body.contains("arn:aws") && told.body.contains("\"failed\""), "{}", told.body);
    }
}

#[test]
fn the_documented_example_of_a_webhook_is_what_is_sent() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/notifications.md")).unwrap();
    let example = docs.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let (webhook, _file) = receiver(json!({
        "kind": "webhook", "url": "https://hooks.example.org/gitops",
        "target_url": "https://grafana.example.org/d/agent?var-stack={stack}",
    }));
    let reason = "create service.web/ecs.service: ecs:CreateService failed with AccessDeniedException";
    let message = message(Some("um"), Outcome::Failure, "failed", &[reason]);
    let told = request(&webhook, &message, 1_795_312_800).unwrap();
    assert_eq!(serde_json::from_str::<Value>(example).unwrap(), body(&told), "{}", told.body);
    assert_eq!(header(&told, "webhook-timestamp"), Some("1795312800"));
    assert_eq!(header(&told, "webhook-id"), Some(message.id(&webhook.key).as_str()));
    // A list of hundreds of problems is no body of a megabyte.
    let long = "x".repeat(2000);
    let many = vec![long.as_str(); 300];
    let told = request(&webhook, &self::message(Some("um"), Outcome::Failure, "refused", &many), 0).unwrap();
    assert!(told.body.len() < 20_000, "{}", told.body.len());
}

#[test]
fn the_same_has_the_same_id_and_all_else_another() {
    let base = message(Some("um"), Outcome::Success, "converged", &[]);
    assert_eq!(base.id("a"), Message { state: "x", at: Timestamp::UNIX_EPOCH, ..base.clone() }.id("a"));
    let others = [
        Message { stack: None, ..base.clone() },
        Message { stack: Some("um2".to_owned()), ..base.clone() },
        Message { revision: "f".repeat(40), ..base.clone() },
        Message { outcome: Outcome::Failure, ..base.clone() },
        Message { nth: 2, ..base.clone() },
    ];
    let mut ids: BTreeSet<String> = others.iter().map(|other| other.id("a")).collect();
    ids.extend([base.id("a"), base.id("b")]);
    assert_eq!(ids.len(), 7);
    assert!(ids.iter().all(|id| id.len() == 36 && !id.contains('.')), "a dot would make two messages of one signature");
}

#[test]
fn who_a_receiver_is_says_nothing_that_is_secret() {
    let config = json!({ "kind": "webhook", "url": "https://hooks.example.org:8443/services/T0/B0/secret?key=x" });
    let (webhook, _file) = receiver(config);
    assert_eq!(webhook.name, "webhook hooks.example.org:8443");
    assert!(!webhook.key.contains("secret") && webhook.key.len() == 16);
}

#[test]
fn a_token_that_is_not_there_yet_is_no_request() {
    let config = json!({ "kind": "github", "repository": "o/r", "token_file": "/no/such/file" });
    let github = Receiver::new(serde_json::from_value(config).unwrap());
    let made = request(&github, &message(Some("um"), Outcome::Success, "converged", &[]), 0);
    assert!(matches!(made, Err(Unsent::NoKey(NoKey::Unreadable { .. }))));
}
