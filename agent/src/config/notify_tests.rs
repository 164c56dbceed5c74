//! Tests of what is wrong with `[[notify]]`.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use agent_core::source::{Problems, Sources, render_text};

use super::super::{Config, Files, checked, read, read_part};

fn of(text: &str) -> Result<Config, String> {
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let config = checked("agent.toml", text.as_bytes(), true, Files::Leave, &mut sources, &mut problems);
    config.filter(|_| problems.is_empty()).ok_or_else(|| render_text(&problems, &sources, false))
}

#[test]
fn every_mistake_in_notify_is_told_at_once_with_its_place() {
    let text = r#"[[source]]
url = "https://a.example.org/x"
[[source]]
url = "https://b.example.org/x"
[[notify]]
kind = "github"
project = "1"
context = "a/{stac}"
stacks = ["Um", "web-*"]
target_url = "grafana"
[[notify]]
kind = "webhook"
url = "http://hooks.example.org/x"
source = "https://c.example.org/x"
outcomes = []
[[notify]]
kind = "gitlab"
project = "a/../b"
api = "https://me:the-secret@gitlab.example.org"
token_file = "t"
source = "https://a.example.org/x"
[[notify]]
kind = "webhook"
url = "https://hooks.example.org/x"
secret_file = "s"
[[notify]]
kind = "webhook"
url = "https://hooks.example.org/x"
secret_file = "s"
outcomes = ["failure"]
"#;
    let told = of(text).unwrap_err();
    assert!(!told.contains("the-secret"), "{told}");
    insta::assert_snapshot!(told);
    let told = of("[source]\nurl = \"/srv/a\"\n[[notify]]\nkind = \"mail\"\nadress = \"x\"\n").unwrap_err();
    insta::assert_snapshot!(told);
}

#[test]
fn a_file_without_a_token_or_a_secret_is_told_when_the_agent_starts_and_to_no_other_command() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("empty"), "\n").unwrap();
    std::fs::write(at("weak"), "whsec_c2hvcnQ=\n").unwrap();
    let notify = |rest: &str, file: &str| format!("[[notify]]\n{rest}\n_file = \"{}\"\n", at(file));
    let github = |file: &str| notify("kind = \"github\"\nrepository = \"o/r\"", file).replace("_file", "token_file");
    let webhook = notify("kind = \"webhook\"\nurl = \"https://example.org\"", "weak").replace("_file", "secret_file");
    let other = github("missing").replace("o/r", "o/r2");
    let text = format!("[source]\nurl = \"/srv/a\"\n{}{webhook}{other}", github("empty"));
    std::fs::write(at("agent.toml"), text).unwrap();
    let bad = read(Path::new(&at("agent.toml"))).unwrap_err();
    let lines = bad.problems.iter().map(|problem| {
        let (line, _) = bad.sources.line_col(problem.span.as_ref().unwrap()).unwrap();
        format!("{line}: {}", problem.message.replace(&at(""), "/etc/"))
    });
    let wanted = [
        "6: there is no token in `/etc/empty`",
        "10: there is no secret in `/etc/weak`, line 1",
        "14: `/etc/missing` cannot be read: No such file or directory (os error 2)",
    ];
    assert_eq!(lines.collect::<Vec<_>>(), wanted);
    assert!(read_part(Path::new(&at("agent.toml"))).is_ok());
}
