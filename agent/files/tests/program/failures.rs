//! What stops a task: one sentence, exit code 1, and nothing written.

use std::fs;

use agent_files::contract::Encoding;

use crate::task::{Task, insertion, is_root, put};

#[test]
fn content_that_is_not_what_the_task_definition_names_stops_it_before_anything_is_written() {
    let task = Task::nginx();
    let (good, bad) = (task.plain("good.conf", "good"), task.plain("conf.d/bad.conf", "right"));
    let parameter = bad.parameters[0].clone();
    task.ssm.put(&parameter, "tampered with");
    let ran = task.unpack(vec![task.directory(vec![good, bad])], &[]);
    let directory = format!("directory {}", task.image().display());
    ran.stopped(&[&directory, "file conf.d/bad.conf", &parameter, "SHA-256", "agent apply"]);
    assert!(!ran.stderr.contains("tampered"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(task.volume("0")).expect("there").count(), 0);
}

#[test]
fn packed_content_that_is_damaged_stops_it() {
    let task = Task::nginx();
    for damaged in ["%%%", "aGVsbG8="] {
        let file = task.file("a.conf", "packed", Encoding::Gzip, 4096);
        task.ssm.put(&file.parameters[0], damaged);
        task.unpack(vec![task.directory(vec![file])], &[]).stopped(&["file a.conf", "/gitops-agent/um/files/"]);
    }
}

#[test]
fn a_parameter_that_is_gone_is_named() {
    let task = Task::nginx();
    let (kept, gone) = (task.plain("a", "kept"), task.plain("b", "gone"));
    task.ssm.remove(&gone.parameters[0]);
    let ran = task.unpack(vec![task.directory(vec![kept, gone.clone()])], &[]);
    ran.stopped(&["file b", &gone.parameters[0], "eu-west-2", "agent apply"]);
    assert_eq!(fs::read_dir(task.volume("0")).expect("there").count(), 0);
}

#[test]
fn a_value_that_is_not_set_is_named_by_its_variable() {
    let task = Task::nginx();
    let mut file = task.plain("a", "x=");
    file.insertions = vec![insertion(2, "NOT_THERE")];
    task.unpack(vec![task.directory(vec![file])], &[]).stopped(&["file a", "NOT_THERE"]);
    let mut file = task.plain("a", "ä");
    file.insertions = vec![insertion(1, "HOME")];
    task.unpack(vec![task.directory(vec![file])], &[("HOME", "/")]).stopped(&["file a", "HOME", "byte 1"]);
}

#[test]
fn what_is_not_the_contract_is_a_sentence() {
    let task = Task::nginx();
    task.unpack_text("{garbage", &[]).stopped(&["GITOPS_AGENT_FILES", "files_image"]);
    task.unpack_text(r#"{"version":7,"directories":[]}"#, &[]).stopped(&["version 7", "files_image"]);
    task.unpack_text(r#"{"version":1,"directories":[],"extra":1}"#, &[]).stopped(&["extra"]);
    let mut escaping = task.plain("a", "b");
    escaping.name = "../a".to_owned();
    task.unpack(vec![task.directory(vec![escaping])], &[]).stopped(&["../a", "below the directory"]);
}

#[test]
fn what_a_task_lacks_is_named() {
    let task = Task::nginx();
    let directories = || vec![task.directory(vec![task.plain("a", "b")])];
    let none = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")];
    task.unpack(directories(), &none).stopped(&["the files for", "etc/nginx", "task role"]);
    task.unpack(directories(), &[("AWS_REGION", "")]).stopped(&["AWS_REGION"]);
    task.unpack(directories(), &[("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong")]).stopped(&["401", "task role"]);
    let mut unmounted = directories();
    unmounted[0].volume.push_str("/not/mounted");
    task.unpack(unmounted, &[]).stopped(&["/not/mounted", "mount"]);
    put(&task.image().join("../file"), "", 0o644);
    let mut file = directories();
    file[0].path = file[0].path.replace("nginx", "file");
    task.unpack(file, &[]).stopped(&["etc/file", "not a directory in the image"]);
}

#[test]
fn who_may_not_give_files_away_is_told_what_it_takes() {
    if is_root() {
        return;
    }
    let task = Task::nginx();
    let mut file = task.plain("a", "b");
    file.owner = "0:0".to_owned();
    task.unpack(vec![task.directory(vec![file])], &[]).stopped(&["file a", "as root"]);
    assert!(!task.volume("0").join("a").exists());
}

#[test]
fn words_that_mean_nothing_to_it_are_answered_with_its_usage() {
    let run = |words: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_agent-files")).args(words).env_clear().output();
        let output = output.expect("it runs");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("text"),
            String::from_utf8(output.stderr).expect("text"),
        )
    };
    assert_eq!(run(&["--version"]), (Some(0), format!("agent-files {}\n", env!("CARGO_PKG_VERSION")), String::new()));
    for words in [&[][..], &["install"], &["unpack", "now"]] {
        let (code, stdout, stderr) = run(words);
        assert!(code == Some(1) && stdout.is_empty() && stderr.contains("Usage: agent-files install"), "{stderr}");
    }
    let (code, _, stderr) = run(&["install", "/not/mounted"]);
    assert!(code == Some(1) && stderr.contains("/not/mounted") && stderr.contains("mount"), "{stderr}");
    let (code, _, stderr) = run(&["unpack"]);
    assert!(code == Some(1) && stderr.contains("GITOPS_AGENT_FILES is not set"), "{stderr}");
}
