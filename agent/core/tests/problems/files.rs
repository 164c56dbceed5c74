//! Reading folders, and files that keys name.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Instant;

use agent_core::manifest::read::{Collector, FileEntry, StackFiles};
use agent_core::manifest::{Limits, find_stacks};
use agent_core::source::{Problems, Sources, Span, render_text};
use tempfile::TempDir;

use crate::{HEADER, shown, snapshot, tree};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn read(dir: &TempDir) -> StackFiles {
    StackFiles::from_dir(dir.path(), &Limits::default()).unwrap().shown_at("")
}

/// The rendered problems of a key that names these files.
fn naming(tree: &StackFiles, stack_dir: &str, names: &[&str]) -> String {
    let mut sources = Sources::new();
    let text: String = names.iter().map(|name| format!("source = \"{name}\"\n")).collect();
    let file = sources.add("stack.toml", text.clone());
    let mut problems = Problems::new();
    let mut at = 0;
    for name in names {
        let span = Span::new(file, at + 9..at + 11 + name.len());
        at += name.len() + 12;
        problems.push(tree.named(stack_dir, name).unwrap_err().at(&span));
    }
    render_text(&problems, &sources, false)
}

#[test]
fn a_folder_is_read_as_it_is() {
    let dir = folder(&[
        ("um/stack.toml", HEADER),
        ("um/config/app.yaml", "a: 1"),
        ("um/.env", "A=1"),
        (".git/config", "x"),
        ("target/CACHEDIR.TAG", "x"),
        ("target/x.toml", "x"),
        ("um/target/x.yaml", "x"),
    ]);
    let tree = read(&dir);
    let paths: Vec<&str> = tree.files.keys().map(String::as_str).collect();
    assert_eq!(paths, ["um/.env", "um/config/app.yaml", "um/stack.toml", "um/target/x.yaml"]);
    assert_eq!(tree.named("um", "config/app.yaml"), Ok(b"a: 1".as_slice()));
    assert_eq!(tree.named("um/", "./config//app.yaml"), Ok(b"a: 1".as_slice()));
}

#[test]
fn paths_are_shown_below_the_folder_that_was_given() {
    let dir = folder(&[("um/stack.toml", "[stak]\n")]);
    let tree = StackFiles::from_dir(dir.path(), &Limits::default()).unwrap();
    assert_eq!(tree.shown("um/stack.toml"), format!("{}/um/stack.toml", dir.path().display()));
}

#[test]
fn stacks_in_stacks() {
    let tree =
        tree(&[("stack.toml", HEADER), ("a/x.yaml", ""), ("b/stack.toml", HEADER), ("b/c/y.yaml", ""), ("bc/z", "")]);
    assert_eq!(find_stacks(&tree), ["", "b"]);
    let keys = |dir: &str| tree.for_stack(dir).files.into_keys().collect::<Vec<_>>();
    assert_eq!(keys(""), ["a/x.yaml", "bc/z", "stack.toml"]);
    assert_eq!(keys("b"), ["b/c/y.yaml", "b/stack.toml"]);
}

#[test]
fn files_that_keys_may_not_name() {
    let mut tree = tree(&[
        ("um/stack.toml", HEADER),
        ("um/config/app.yaml", ""),
        ("um/inner/stack.toml", HEADER),
        ("um/inner/x.yaml", ""),
        ("other.yaml", ""),
    ]);
    for (path, entry) in [
        ("um/link.yaml", FileEntry::Link),
        ("um/linked", FileEntry::Link),
        ("um/run.sh", FileEntry::Executable),
        ("um/module", FileEntry::Submodule),
        ("um/big.bin", FileEntry::TooLarge { bytes: 3 << 20 }),
        ("um/fifo", FileEntry::Unreadable("is not a plain file".into())),
    ] {
        tree.files.insert(path.into(), entry);
    }
    snapshot!(naming(
        &tree,
        "um",
        &[
            "",
            "/etc/passwd",
            "~/x",
            "C:/x",
            "../other.yaml",
            "config/../../other.yaml",
            "config/ap.yaml",
            "nowhere.txt",
            "config",
            ".",
            "link.yaml",
            "linked/x",
            "run.sh",
            "module/x",
            "big.bin",
            "fifo",
            "inner/x.yaml",
        ]
    ));
}

#[test]
fn a_huge_file_is_refused_unread() {
    let dir = folder(&[("stack.toml", HEADER)]);
    let huge = fs::File::create(dir.path().join("huge.toml")).unwrap();
    huge.set_len(100 << 30).unwrap();
    let begin = Instant::now();
    let tree = read(&dir);
    assert_eq!(tree.files["huge.toml"], FileEntry::TooLarge { bytes: 100 << 30 });
    assert!(begin.elapsed().as_secs() < 5, "a sparse file of 100 GiB was read");
    huge.set_len(100 << 20).unwrap();
    snapshot!(shown(&read(&dir)));
}

#[test]
fn links_as_manifests() {
    let dir = folder(&[("real/stack.toml", HEADER)]);
    symlink("/etc/passwd", dir.path().join("passwd.toml")).unwrap();
    symlink("real/stack.toml", dir.path().join("stack.toml")).unwrap();
    symlink("nowhere", dir.path().join("broken.toml")).unwrap();
    symlink("/", dir.path().join("root")).unwrap();
    symlink("..", dir.path().join("real/up")).unwrap();
    let tree = read(&dir);
    assert_eq!(tree.files.len(), 6, "a link was followed: {:?}", tree.files.keys());
    assert_eq!(tree.files["root"], FileEntry::Link);
    snapshot!(shown(&tree));
}

#[test]
fn manifests_that_are_no_plain_files() {
    let dir = folder(&[("stack.toml", HEADER), ("run.toml", "")]);
    fs::set_permissions(dir.path().join("run.toml"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::net::UnixListener::bind(dir.path().join("socket.toml")).unwrap();
    fs::create_dir(dir.path().join("folder.toml")).unwrap();
    let mut tree = read(&dir);
    tree.files.insert("module.toml".into(), FileEntry::Submodule);
    snapshot!(shown(&tree));
}

#[test]
fn too_many_files() {
    let dir = folder(&[("stack.toml", HEADER)]);
    for n in 0..501 {
        fs::write(dir.path().join(format!("{n}.txt")), "").unwrap();
    }
    let error = StackFiles::from_dir(dir.path(), &Limits::default()).unwrap_err();
    let mut problems = Problems::new();
    problems.push(error.problem());
    let text = render_text(&problems, &Sources::new(), false);
    snapshot!(text.replace(&dir.path().display().to_string(), "DIR"));
}

#[test]
fn trees_beyond_the_limits() {
    let limits = Limits { files: 2, folders: 2, total_bytes: 10, path_bytes: 8, ..Limits::default() };
    let mut tree = Collector::new("", &limits);
    tree.file("a".into(), 6, || Ok(vec![0; 6])).unwrap();
    assert_eq!(
        tree.file("b".into(), 6, || panic!("read")).unwrap_err().to_string(),
        "the files are larger than 10 bytes together"
    );
    tree.refuse("b".into(), FileEntry::Link).unwrap();
    assert_eq!(tree.refuse("c".into(), FileEntry::Link).unwrap_err().to_string(), "there are more than 2 files");
    assert_eq!(
        tree.refuse("123456789".into(), FileEntry::Link).unwrap_err().to_string(),
        "the path `123456789` is longer than 8 bytes"
    );
    tree.folder("x").unwrap();
    tree.folder("y").unwrap();
    assert_eq!(tree.folder("z").unwrap_err().to_string(), "there are more than 2 folders");
}

#[test]
fn a_file_that_grew_since_it_was_measured() {
    let limits = Limits { file_bytes: 4, ..Limits::default() };
    let mut tree = Collector::new("", &limits);
    tree.file("a".into(), 4, || Ok(vec![0; 5])).unwrap();
    tree.file("b".into(), 4, || Err("cannot be read".into())).unwrap();
    let tree = tree.finish();
    assert_eq!(tree.files["a"], FileEntry::TooLarge { bytes: 5 });
    assert_eq!(tree.files["b"], FileEntry::Unreadable("cannot be read".into()));
}

#[test]
fn limits_hold_for_trees_made_by_hand_too() {
    let mut many = tree(&[("stack.toml", HEADER)]);
    many.files.extend((0..600).map(|n| (format!("{n}"), FileEntry::Link)));
    snapshot!(shown(&many));
}

#[test]
fn a_root_that_is_not_there() {
    let dir = folder(&[("file", "")]);
    let error = |name: &str| {
        let error = StackFiles::from_dir(&dir.path().join(name), &Limits::default()).unwrap_err();
        error.problem().message.replace(&dir.path().display().to_string(), "DIR")
    };
    assert_eq!(error("nowhere"), "cannot read `DIR/nowhere`: No such file or directory (os error 2)");
    assert_eq!(error("file"), "`DIR/file` is not a folder");
}
