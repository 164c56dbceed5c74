//! An image that nobody has looked at leads no write out of the volume.

use std::fs;
use std::os::unix::fs::symlink;

use crate::task::{Task, put, read, text};

#[test]
fn a_folder_that_is_a_link_in_the_image_is_not_written_through() {
    let task = Task::nginx();
    symlink(task.outside(), task.image().join("conf.d")).expect("linked");
    let ran = task.unpack(vec![task.directory(vec![task.plain("conf.d/site.conf", "server {}")])], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("conf.d is a symbolic link") && ran.stderr.contains("file conf.d/site.conf"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read_dir(task.outside()).expect("there").count(), 0);
}

#[test]
fn a_file_that_is_a_link_in_the_image_is_replaced_and_not_written_through() {
    let task = Task::nginx();
    let victim = task.outside().join("victim");
    put(&victim, "untouched", 0o644);
    fs::remove_file(task.image().join("nginx.conf")).expect("removed");
    symlink(&victim, task.image().join("nginx.conf")).expect("linked");
    for _ in 0..2 {
        task.unpack(vec![task.directory(vec![task.plain("nginx.conf", "of Git")])], &[]).fine();
        assert_eq!(
            (read(&victim).as_str(), read(&task.volume("0").join("nginx.conf")).as_str()),
            ("untouched", "of Git")
        );
        assert!(fs::symlink_metadata(task.volume("0").join("nginx.conf")).expect("there").is_file());
    }
}

#[test]
fn links_in_a_volume_that_is_not_empty_lead_nothing_out() {
    let task = Task::nginx();
    symlink(task.outside(), task.volume("0").join("snippets")).expect("linked");
    let ran = task.unpack(vec![task.directory(vec![])], &[]);
    assert!(ran.code == Some(1) && ran.stderr.contains("snippets"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(task.outside()).expect("there").count(), 0);

    // Neither does one that has the name of what is written before it has its own.
    fs::remove_file(task.volume("0").join("snippets")).expect("removed");
    let victim = task.outside().join("victim");
    put(&victim, "untouched", 0o644);
    symlink(&victim, task.volume("0").join(".gitops-agent-files.partial")).expect("linked");
    task.unpack(vec![task.directory(vec![])], &[]).fine();
    assert_eq!(read(&victim), "untouched");
}

#[test]
fn a_file_cannot_take_a_folders_place_nor_lie_below_a_file() {
    let task = Task::nginx();
    let ran = task.unpack(vec![task.directory(vec![task.plain("snippets", "x")])], &[]);
    assert!(
        ran.code == Some(1) && ran.stderr.contains("file snippets") && ran.stderr.contains("is a folder"),
        "{}",
        ran.stderr
    );
    let ran = task.unpack(vec![task.directory(vec![task.plain("mime.types/x", "x")])], &[]);
    assert!(ran.code == Some(1) && ran.stderr.contains("mime.types is not a folder"), "{}", ran.stderr);
    let left: Vec<_> =
        fs::read_dir(task.volume("0")).expect("there").map(|entry| text(&entry.expect("one").path())).collect();
    assert!(left.iter().all(|path| !path.contains("partial")), "{left:?}");
}

#[test]
fn sockets_and_pipes_are_left_out_with_a_word() {
    let task = Task::nginx();
    let _socket = std::os::unix::net::UnixListener::bind(task.image().join("socket")).expect("bound");
    let ran = task.unpack(vec![task.directory(vec![])], &[]);
    ran.fine();
    assert!(ran.stdout.contains(r#""socket" is left out"#), "{}", ran.stdout);
    assert!(!task.volume("0").join("socket").exists() && task.volume("0").join("mime.types").exists());
}

#[test]
fn a_directory_that_is_itself_a_link_is_the_one_it_leads_to() {
    let task = Task::nginx();
    let link = task.image().with_file_name("link");
    symlink("nginx", &link).expect("linked");
    let directory = agent_files::contract::Directory { path: text(&link), ..task.directory(vec![]) };
    task.unpack(vec![directory], &[]).fine();
    assert_eq!(read(&task.volume("0").join("mime.types")), "text/html html;");
}

#[test]
fn folders_in_folders_are_copied_to_a_limit_that_is_said() {
    let task = Task::nginx();
    let deep = |number: usize| task.image().join(vec!["d"; number].join("/"));
    fs::create_dir_all(deep(190)).expect("made");
    task.unpack(vec![task.directory(vec![])], &[]).fine();
    fs::create_dir_all(deep(210)).expect("made");
    task.unpack(vec![task.directory(vec![])], &[]).stopped(&["etc/nginx", "more than 200 deep"]);
}
