//! Against emulated AWS: only what the merge can change is asked for, and what is pending without it is marked.

use super::{Repo, err, out, parameters, settled};
use crate::bench::record;
use crate::bench::repository::Files;
use crate::cli::{Bench, ends};

fn stacks(one: &[(&str, &str)], two: &[(&str, &str)]) -> Files {
    let text = |name: &str, values| (format!("{name}/stack.toml"), parameters(name, values));
    [text("preview-one", one), text("preview-two", two)].into()
}

#[test]
fn only_the_changed_stack_is_asked_for_and_what_is_pending_anyway_is_marked() {
    let bench = Bench::new();
    let repo = Repo::new(&stacks(&[("a", "1"), ("b", "1"), ("c", "1")], &[("a", "1")]));
    let run = |args: &[&str]| bench.command(args).current_dir(repo.path()).output().unwrap();
    ends(&run(&["apply", "--repo", ".", "--rev", "main"]), 0);
    // A commit that was not applied yet, and somebody who changed something by hand.
    repo.moves_on(&stacks(&[("a", "1"), ("b", "2"), ("c", "1")], &[("a", "1")]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ssm = aws_sdk_ssm::Client::new(&bench.proxy.wire().config("eu-central-1"));
    let put = ssm.put_parameter().name("/preview-one/c").value("by hand").overwrite(true);
    runtime.block_on(put.send()).unwrap();
    let change = repo.change(&stacks(&[("a", "2"), ("b", "1"), ("c", "1")], &[("a", "1")]));

    let before = bench.proxy.wire().calls().len();
    let base = ["diff", "--repo", ".", "--rev", "change", "--base", "origin/main"];
    let shown = run(&base);
    ends(&shown, 0);
    let calls = bench.proxy.wire().calls().split_off(before);
    assert!(calls.iter().all(record::Call::is_read), "{}", record::table(&calls));
    assert!(!calls.iter().any(|call| call.body().contains("preview-two")), "{}", record::table(&calls));
    let main = git2::Repository::open(repo.path()).unwrap().revparse_single("origin/main").unwrap().id().to_string();
    let ids = [(change.as_str(), "REVISION"), (main.as_str(), "BASE"), (repo.main.as_str(), "COMMON")];
    insta::assert_snapshot!(settled(&out(&shown), &ids));
    let page = run(&[&base[..], &["--output", "markdown"]].concat());
    insta::assert_snapshot!(settled(&out(&page), &ids));
    let alone = run(&["diff", "--repo", ".", "--rev", "change", "--stack", "preview-one"]);
    ends(&alone, 0);
    let before = bench.proxy.wire().calls().len();
    ends(&run(&["diff", "--repo", ".", "--rev", "main", "--base", "origin/main", "--exit-code"]), 0);
    assert_eq!(bench.proxy.wire().calls().len(), before, "nobody is asked where nothing differs");
    ends(&run(&["destroy", "--repo", ".", "--rev", "main", "--yes", "--removals", "9"]), 0);
}

#[test]
fn without_credentials_the_page_says_so() {
    let bench = Bench::new();
    let repo = Repo::new(&stacks(&[("a", "1")], &[("a", "1")]));
    repo.change(&stacks(&[("a", "2")], &[("a", "1")]));
    let mut command =
        bench.command(&["diff", "--repo", ".", "--rev", "change", "--base", "main", "--output", "markdown"]);
    command.current_dir(repo.path()).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let output = command.output().unwrap();
    ends(&output, 3);
    assert!(err(&output).contains("AWS cannot be reached"), "{}", err(&output));
    let page = out(&output);
    assert!(
        page.starts_with("<!-- gitops-agent:diff live path=. -->\n### <code>preview-one</code>: no plan\n"),
        "{page}"
    );
    assert!(page.contains("- <code>preview-one</code>: AWS cannot be reached"), "{page}");
}
