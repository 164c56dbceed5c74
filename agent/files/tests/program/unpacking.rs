//! What goes right.

use std::fs;
use std::os::unix::fs::MetadataExt;

use agent_files::contract::{Directory, Encoding};

use crate::ssm::Fault;
use crate::task::{Task, insertion, is_root, listing, meta, mode, owner, put, read, text};

#[test]
fn files_are_laid_over_what_the_image_has_and_the_rest_survives() {
    let task = Task::nginx();
    let mut conf = task.plain("nginx.conf", "of Git");
    conf.mode = "0604".to_owned();
    let ran = task.unpack(vec![task.directory(vec![conf, task.plain("conf.d/deep/site.conf", "server {}")])], &[]);
    ran.fine();
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    let volume = task.volume("0");

    let (there, here) = (task.image().join("mime.types"), volume.join("mime.types"));
    assert_eq!(read(&here), "text/html html;");
    assert_eq!(meta(&here), meta(&there));
    assert_eq!(meta(&here).0, 0o640);
    if is_root() {
        assert_eq!(meta(&here).1, "33:34");
        assert_eq!(meta(&volume.join("modules")).1, "33:34");
    }
    assert_eq!(fs::metadata(&here).expect("there").modified().expect("a time"), Task::years_ago());

    assert_eq!(read(&volume.join("nginx.conf")), "of Git");
    assert_eq!(meta(&volume.join("nginx.conf")), (0o604, owner()));
    assert_eq!(read(&volume.join("conf.d/deep/site.conf")), "server {}");
    assert_eq!((meta(&volume.join("conf.d")).0, meta(&volume.join("conf.d/deep")).0), (0o755, 0o755));

    assert_eq!(text(&fs::read_link(volume.join("modules")).expect("a link")), "/usr/lib/nginx/modules");
    assert_eq!(meta(&volume).0, 0o750, "the directory's own mode");
    assert_eq!(meta(&volume.join("snippets/private")).0, 0o500);
    assert_eq!(read(&task.image().join("nginx.conf")), "of the image", "the image is only read");
    mode(&volume.join("snippets/private"), 0o700);
    assert_eq!(meta(&volume.join("snippets/private/key")).0, 0o400);
}

#[test]
fn a_folder_of_the_image_keeps_its_mode_when_a_file_is_laid_into_it() {
    let task = Task::nginx();
    mode(&task.image().join("snippets"), 0o2710);
    if is_root() {
        // Root alone may write where nobody may.
        mode(&task.image().join("snippets"), 0o2510);
    }
    task.unpack(vec![task.directory(vec![task.plain("snippets/a", "b")])], &[]).fine();
    let (there, here) = (task.image().join("snippets"), task.volume("0").join("snippets"));
    assert_eq!(meta(&here), meta(&there));
    assert_eq!(read(&here.join("a")), "b");
    mode(&there, 0o700);
    mode(&here, 0o700);
}

#[test]
fn a_replaced_directory_has_the_files_alone_and_a_directory_that_is_not_there_is_empty() {
    let task = Task::nginx();
    let replaced = Directory { replace: true, ..task.directory(vec![task.plain("nginx.conf", "of Git")]) };
    let (path, volume) = (text(&task.image().join("gone")), text(&task.volume("1")));
    let absent = Directory { path, volume, replace: false, files: vec![task.plain("a", "b")] };
    task.unpack(vec![replaced, absent], &[]).fine();
    let names = |volume: &str| -> Vec<_> {
        fs::read_dir(task.volume(volume)).expect("there").map(|entry| entry.expect("an entry").file_name()).collect()
    };
    assert_eq!((names("0"), names("1")), (vec!["nginx.conf".into()], vec!["a".into()]));
    assert_eq!((meta(&task.volume("0")).0, meta(&task.volume("1")).0), (0o750, 0o755));
}

#[test]
fn a_directory_with_no_files_needs_no_aws() {
    let task = Task::nginx();
    task.unpack(vec![task.directory(vec![])], &[("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")]).fine();
    assert_eq!(read(&task.volume("0").join("nginx.conf")), "of the image");
}

#[test]
fn sixty_kilobytes_come_in_parts_packed_ten_at_a_time() {
    let task = Task::nginx();
    // Text that packs badly, so that there are many parts.
    let mut seed = 1_u64;
    let content: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + u8::try_from(seed >> 40 & 63).expect("small"))
    })
    .take(60 * 1024)
    .collect();
    let file = task.file("big.conf", &content, Encoding::Gzip, 4096);
    assert!(file.parameters.len() > 10, "{}", file.parameters.len());
    let parts = file.parameters.len();
    // The same content under a second name asks for nothing more.
    let again = agent_files::contract::File { name: "again.conf".to_owned(), ..file.clone() };
    task.unpack(vec![task.directory(vec![file, again])], &[]).fine();
    assert_eq!(read(&task.volume("0").join("big.conf")), content);
    assert_eq!(read(&task.volume("0").join("again.conf")), content);
    assert_eq!(task.ssm.batches(), [10, parts - 10]);
}

#[test]
fn what_only_aws_knows_is_put_in_after_the_hash_was_checked() {
    let task = Task::nginx();
    let mut file = task.plain("db.conf", "host=;größe=;");
    file.insertions = vec![insertion(5, "HOST"), insertion(14, "SIZE")];
    task.unpack(vec![task.directory(vec![file])], &[("HOST", "db.internal"), ("SIZE", "${HOST}")]).fine();
    assert_eq!(read(&task.volume("0").join("db.conf")), "host=db.internal;größe=${HOST};");
}

#[test]
fn throttling_a_lost_connection_and_a_role_that_is_not_known_yet_are_waited_out() {
    let task = Task::nginx();
    task.ssm.faults(&[Fault::Throttled, Fault::HangUp, Fault::Denied, Fault::Throttled]);
    task.unpack(vec![task.directory(vec![task.plain("nginx.conf", "of Git")])], &[]).fine();
    assert_eq!(read(&task.volume("0").join("nginx.conf")), "of Git");
}

#[test]
fn a_second_run_over_what_a_killed_one_left_gives_the_same() {
    let task = Task::nginx();
    let directories =
        || vec![task.directory(vec![task.plain("nginx.conf", "of Git"), task.plain("conf.d/site.conf", "server {}")])];
    task.unpack(directories(), &[]).fine();
    mode(&task.volume("0").join("snippets/private"), 0o700);
    let first = listing(&task.volume("0"));
    mode(&task.volume("0").join("snippets/private"), 0o500);
    task.unpack(directories(), &[]).fine();

    let volume = task.volume("0");
    put(&volume.join("mime.types"), "half", 0o600);
    put(&volume.join(".gitops-agent-files.partial"), "half", 0o600);
    put(&volume.join("conf.d/.gitops-agent-files.partial"), "half", 0o600);
    fs::remove_file(volume.join("nginx.conf")).expect("removed");
    fs::remove_file(volume.join("modules")).expect("removed");
    task.unpack(directories(), &[]).fine();
    mode(&volume.join("snippets/private"), 0o700);
    assert_eq!(listing(&volume), first);
    assert_eq!(fs::metadata(volume.join("mime.types")).expect("there").mtime(), 1_580_000_000);
}

#[test]
fn the_previous_task_definition_still_gets_the_previous_content() {
    let task = Task::nginx();
    let definition = |content: &str, volume: &str| {
        let volume = text(&task.volume(volume));
        vec![Directory { volume, ..task.directory(vec![task.plain("nginx.conf", content)]) }]
    };
    let (previous, next) = (definition("of last week", "previous"), definition("of today", "next"));
    task.unpack(next, &[]).fine();
    task.unpack(previous, &[]).fine();
    assert_eq!(read(&task.volume("previous").join("nginx.conf")), "of last week");
    assert_eq!(read(&task.volume("next").join("nginx.conf")), "of today");
}
