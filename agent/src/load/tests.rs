//! What a tree of files makes of stacks, and what of it is told.

use super::*;

#[test]
fn what_is_no_plain_file_is_named_where_it_is_needed() {
    let text = "[stack]\nname = \"d\"\nregion = \"eu-west-1\"\n";
    let entries = [
        ("a/stack.toml", git::Entry::Link),
        ("b/stack.toml", git::Entry::Executable),
        ("c/stack.toml", git::Entry::Submodule),
        ("d/more.toml", git::Entry::Link),
        ("d/stack.toml", git::Entry::File(text.as_bytes().to_vec())),
    ];
    let tree = entries.map(|(path, entry)| (path.to_owned(), entry)).to_vec();
    let (summary, author) = (String::new(), String::new());
    let snapshot = git::Snapshot { revision: "x".into(), committed: 0, summary, author, signer: None, tree };
    let tree = tree_of(&git::Source::new("/srv/m"), snapshot, &Limits::default()).unwrap();
    let told: Vec<String> = stacks(&tree, None)
        .unwrap()
        .iter()
        .map(|stack| {
            format!("{}: {}", stack.dir, stack.problems.iter().map(|p| p.message.as_str()).collect::<String>())
        })
        .collect();
    let wanted = [
        "a: the manifest is a link, and links are not followed",
        "b: the manifest is marked executable",
        "c: the manifest is in a submodule, and submodules are not read",
        "d: the manifest is a link, and links are not followed",
    ];
    assert_eq!(told, wanted);
}

fn of(entries: &[(&str, git::Entry)]) -> Result<Vec<Stack>, LoadError> {
    let text = b"[stack]\nname = \"d\"\nregion = \"eu-west-1\"\n".to_vec();
    let stacks_at = |at: &str| ((*at).to_owned(), git::Entry::File(text.clone()));
    let rest = entries.iter().map(|(path, entry)| ((*path).to_owned(), entry.clone()));
    let tree: BTreeMap<_, _> =
        ["s/stack.toml", "s/inner/stack.toml"].iter().map(|at| stacks_at(at)).chain(rest).collect();
    let (summary, author, tree) = (String::new(), String::new(), tree.into_iter().collect());
    let snapshot = git::Snapshot { revision: "x".into(), committed: 0, summary, author, signer: None, tree };
    stacks(&tree_of(&git::Source::new("/srv/m"), snapshot, &Limits::default())?, None)
}

#[test]
fn what_is_no_file_is_named_although_nothing_refers_to_it() {
    use git::Entry::{Executable, Link, Submodule};
    let outside = |path, entry| of(&[(path, entry)]).err().map(|error| error.to_string());
    let link = Some("below the manifests path, `prod` is a link, and links are not followed".to_owned());
    assert_eq!(outside("prod", Link), link);
    assert!(outside("lib/x", Submodule).unwrap().contains("`lib/x` is in a submodule"));
    assert!(outside("doc/..", git::Entry::BadName).unwrap().contains("`doc/..` has a name that cannot be used"));
    assert_eq!(outside("run", Executable), None, "scripts are nobody's manifests");
    let many: Vec<String> = (10..30).map(|n| format!("l{n}")).collect();
    let many: Vec<(&str, git::Entry)> = many.iter().map(|path| (path.as_str(), Link)).collect();
    let told = of(&many).err().unwrap().to_string();
    assert!(told.contains("`l19`") && !told.contains("`l20`") && told.ends_with("; and 10 more"), "{told}");

    let entries = [
        ("s/conf/app", Link),
        ("s/inner/deep/lib", Submodule),
        ("s/run", Executable),
        ("s/more.toml", Executable),
        ("s/bin/run", Executable),
        ("s/.hidden.toml", Link),
    ];
    let told = of(&entries).unwrap().into_iter().map(|stack| {
        let problems = stack.problems.iter().map(|problem| problem.message.clone());
        (stack.dir, problems.filter(|message| !message.contains("also in")).collect::<Vec<_>>())
    });
    let told: BTreeMap<String, Vec<String>> = told.collect();
    let wanted = [
        "`s/.hidden.toml` is a link, and links are not followed",
        "`s/conf/app` is a link, and links are not followed",
        "`s/run` is marked executable",
        "the manifest is marked executable",
    ];
    assert_eq!(told["s"], wanted);
    assert_eq!(told["s/inner"], ["`s/inner/deep/lib` is in a submodule, and submodules are not read"]);
}

#[test]
fn the_mark_of_an_editor_is_no_link_of_the_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("stack.toml"), "[stack]\nname = \"d\"\nregion = \"eu-west-1\"\n").unwrap();
    std::os::unix::fs::symlink("somebody@host.1234", at(".#stack.toml")).unwrap();
    let read = |dir: &Path| stacks(&self::folder(dir).unwrap(), None).unwrap().pop().unwrap().problems.len();
    assert_eq!(read(folder.path()), 0);
    std::os::unix::fs::symlink("/etc", at("etc")).unwrap();
    assert_eq!(read(folder.path()), 1);
}

#[test]
fn whether_anything_is_done_is_part_of_what_a_stack_wants() {
    let wants_of = |more: &str| {
        let text = format!("[stack]\nname = \"d\"\nregion = \"eu-west-1\"\n{more}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stack.toml"), text).unwrap();
        wants(&mut stacks(&self::folder(folder.path()).unwrap(), None).unwrap().pop().unwrap()).unwrap()
    };
    let all = ["", "mode = \"report\"\n", "suspend = \"moving\"\n", "suspend = \"still moving\"\n"].map(wants_of);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all[0], wants_of("# moved\n"));
}

#[test]
fn what_is_excepted_is_kept_once_however_often_a_stack_is_judged() {
    let text = "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n";
    let files = [("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))].into();
    let files = StackFiles { files, ..StackFiles::default() };
    let revision = Revision { id: String::new(), source: String::new() };
    let mut stack = stacks(&Tree { files, revision }, None).unwrap().pop().unwrap();
    let until = "2026-12-31".parse().unwrap();
    let excepted = Some(Excepted { reason: "a test".into(), until, exception: 0 });
    let finding = |rule: &str| Finding { rule: rule.into(), excepted: excepted.clone(), ..Finding::default() };
    for _ in 0..3 {
        stack.judged(&[finding("a"), finding("b")]);
    }
    assert_eq!((stack.excepted.len(), stack.problems.len()), (2, 0));
}
