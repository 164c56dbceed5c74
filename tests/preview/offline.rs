//! Two revisions beside each other, with no credentials and no connection.

use super::{Repo, err, out, parameters, settled, two_stages, without_exchange};
use crate::bench::repository::{Files, changed};
use crate::cli::ends;

fn of(stacks: &[(&str, String)]) -> Files {
    stacks.iter().map(|(folder, text)| (format!("{folder}/stack.toml"), text.clone())).collect()
}

#[test]
fn another_image_and_a_component_less_in_one_of_two_stages() {
    let files = two_stages();
    let repo = Repo::new(&files);
    let change = repo.change(&without_exchange(&files));
    let ids = [(change.as_str(), "REVISION"), (repo.main.as_str(), "BASE")];
    let shown = repo.offline(&["--output", "markdown"]);
    ends(&shown, 0);
    insta::assert_snapshot!("acceptance_markdown", settled(&out(&shown), &ids));
    let told = repo.json(&[]);
    let same = told["stacks"].as_array().unwrap().iter().find(|one| one["stack"] == "um").unwrap();
    assert_eq!(same["standing"], "same");
    let own = &told["stacks"][0];
    assert_eq!((own["stack"].as_str(), own["standing"].as_str()), (Some("um-acceptance"), Some("changed")));
    insta::assert_snapshot!(own["counts"].to_string());
    assert_eq!(own["findings"].as_array().unwrap().iter().filter(|one| one["level"] == "error").count(), 0, "{own}");
    ends(&repo.offline(&["--exit-code"]), 1);
    ends(&repo.offline(&["--exit-code", "--stack", "um"]), 0);
}

#[test]
fn what_a_base_changes_is_shown_for_those_that_stand_on_it() {
    let files = two_stages();
    let repo = Repo::new(&files);
    repo.change(&changed(&files, "um/config/nginx.conf", "worker_connections 1024", "worker_connections 2048"));
    let told = repo.json(&[]);
    let standings: Vec<_> =
        told["stacks"].as_array().unwrap().iter().map(|one| one["standing"].as_str().unwrap()).collect();
    assert_eq!(standings, ["changed", "changed"]);
    // A comment is no change.
    repo.change(&changed(&files, "um/services.toml", "# The front door", "# The only door"));
    let shown = repo.offline(&["--exit-code"]);
    ends(&shown, 0);
    assert!(out(&shown).ends_with("nothing changes in um, um-acceptance\n"), "{}", out(&shown));
}

#[test]
fn stacks_that_come_that_go_and_that_refer_to_a_changed_one() {
    let referring = |value: &str| {
        parameters("refers", &[("own", value)]) + "[outputs]\nkey = \"${stack:base/parameter.key.arn}\"\n"
    };
    let before = of(&[
        ("base", parameters("base", &[("key", "a")])),
        ("gone", parameters("gone", &[("a", "1"), ("b", "2")])),
        ("refers", referring("x")),
        ("same", parameters("same", &[("key", "a")])),
    ]);
    let after = of(&[
        ("base", parameters("base", &[("key", "b")])),
        ("fresh", parameters("fresh", &[("key", "a")])),
        ("refers", referring("x")),
        ("same", parameters("same", &[("key", "a")])),
    ]);
    let repo = Repo::new(&before);
    let change = repo.change(&after);
    let shown = repo.offline(&[]);
    ends(&shown, 0);
    let ids = [(change.as_str(), "REVISION"), (repo.main.as_str(), "BASE")];
    insta::assert_snapshot!("come_and_go", settled(&out(&shown), &ids));
    let shown = repo.offline(&["--stack", "gone", "--output", "json"]);
    ends(&shown, 0);
    let unknown = repo.offline(&["--stack", "nowhere"]);
    ends(&unknown, 2);
    assert!(err(&unknown).contains("there is base, fresh, gone, refers, same"), "{}", err(&unknown));
}

#[test]
fn what_only_aws_knows_has_a_name_and_is_never_made_up() {
    let stack = |other: &str| {
        let service =
            "\n[network.main]\ncidr = \"10.20.0.0/16\"\n\n[service.web]\nimage = \"example.org/web:1\"\nport = 80\n";
        parameters("app", &[]) + service + &format!("env = {{ KEY = \"at ${{stack:{other}/parameter.key.arn}}\" }}\n")
    };
    let others = [("one", parameters("one", &[("key", "a")])), ("two", parameters("two", &[("key", "a")]))];
    let repo = Repo::new(&of(&[("app", stack("one")), others[0].clone(), others[1].clone()]));
    repo.change(&of(&[("app", stack("two")), others[0].clone(), others[1].clone()]));
    let told = repo.json(&["--stack", "app"]);
    let steps = told["stacks"][0]["plan"]["steps"].as_array().unwrap();
    let told: Vec<_> =
        steps.iter().map(|step| (step["address"].as_str().unwrap(), step["op"]["changes"].clone())).collect();
    let [(definition, variable), (service, revision)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!((*definition, *service), ("service.web/ecs.task_definition", "service.web/ecs.service"));
    let arn = |stack: &str| format!("at (`arn` of parameter.key/ssm.parameter in the stack `{stack}`)");
    assert_eq!((&variable[0]["from"], &variable[0]["to"]), (&arn("one").into(), &arn("two").into()));
    assert_eq!(revision[0]["from"]["value"], "(arn of service.web/ecs.task_definition)");
}

#[test]
fn what_is_not_allowed_comes_first() {
    let many = [("key", "a"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")];
    let repo = Repo::new(&of(&[("a", parameters("a", &many))]));
    repo.change(&of(&[("a", parameters("a", &[("key", "b")]))]));
    let refused = repo.offline(&["--output", "markdown"]);
    ends(&refused, 1);
    let page = out(&refused);
    assert!(page.contains("### <code>a</code>: no plan\n"), "{page}");
    let first = page.split("**Look at this first**").nth(1).unwrap_or_else(|| panic!("{page}")).trim_start();
    assert!(first.starts_with("- <code>a</code>: 4 components would be removed (parameter.b, "), "{page}");
    assert!(repo.json(&[])["stacks"][0]["errors"][0]["message"].as_str().unwrap().contains("the budget is 3"));
    repo.change(&of(&[("a", parameters("a", &[("key", "b")]) + "\n[stack.allow]\nremovals = 1\n")]));
    let allowed = repo.markdown(&[]);
    assert!(allowed.contains("### <code>a</code>: 1 to update, 4 to delete\n"), "{allowed}");
}

#[test]
fn what_the_base_protects_is_not_lost_in_the_crowd() {
    let kept = "\n[parameter.kept]\nvalue = \"x\"\nprotect = true\n";
    let repo = Repo::new(&of(&[("a", parameters("a", &[("key", "a")]) + kept)]));
    repo.change(&of(&[("a", parameters("a", &[("key", "b")]))]));
    let page = repo.markdown(&[]);
    let line = "- <code>a</code>: parameter.kept/ssm.parameter, which the base protects, would be deleted\n";
    assert!(page.contains(&format!("**Look at this first**\n\n{line}")), "{page}");
}

#[test]
fn findings_that_the_base_does_not_have_are_marked() {
    let files = two_stages();
    let repo = Repo::new(&files);
    let open =
        changed(&files, "um/services.toml", "path = \"/inbox/*\" }]", "path = \"/inbox/*\" }]\ntier = \"public\"");
    repo.change(&open);
    let shown = repo.offline(&["--stack", "um", "--output", "json"]);
    ends(&shown, 1);
    let told: serde_json::Value = serde_json::from_str(&out(&shown)).unwrap();
    let findings = told["stacks"][0]["findings"].as_array().unwrap();
    let errors: Vec<_> = findings.iter().filter(|one| one["level"] == "error").collect();
    assert!(errors.iter().any(|one| one["rule"] == "private-subnets-only"), "{findings:#?}");
    assert!(errors.iter().all(|one| one["new"] == true), "{errors:#?}");
    assert!(findings.iter().any(|one| one["new"] == false), "what the base has too is not new: {findings:#?}");
    let page = repo.markdown(&["--stack", "um"]);
    assert!(page.contains("| **new** error | <code>private-subnets-only</code> |"), "{page}");
    // With the same in the base it is in the way still, and not new.
    let repo = Repo::new(&open);
    repo.change(&changed(&open, "um/services.toml", "inbox:1.4.2", "inbox:1.5.0"));
    let page = repo.markdown(&["--stack", "um"]);
    assert!(page.contains("| error | <code>private-subnets-only</code> |") && !page.contains("**new**"), "{page}");
}

#[test]
fn a_manifest_that_cannot_be_read_is_told_and_the_others_are_shown() {
    let files = of(&[("a", parameters("a", &[("key", "a")])), ("b", parameters("b", &[("key", "a")]))]);
    let repo = Repo::new(&files);
    let broken = changed(&files, "a/stack.toml", "value = \"a\"", "valu = \"a\"");
    repo.change(&changed(&broken, "b/stack.toml", "value = \"a\"", "value = \"b\""));
    let shown = repo.offline(&["--output", "markdown"]);
    ends(&shown, 1);
    assert!(out(&shown).contains("### 2 stacks: 1 to update, no plan for 1\n"), "{}", out(&shown));
    assert!(out(&shown).contains("<code>a/stack.toml:7</code>"), "{}", out(&shown));
    // What mends it is not in the way, though nobody knows what it changes.
    let repo = Repo::new(&broken);
    repo.change(&files);
    let shown = repo.offline(&[]);
    ends(&shown, 0);
    assert!(
        out(&shown).contains("a: the base has problems of its own, so what changes is not known"),
        "{}",
        out(&shown)
    );
}

#[test]
fn a_base_needs_a_repository_of_this_host_and_offline_needs_a_base() {
    let repo = Repo::new(&of(&[("a", parameters("a", &[("key", "a")]))]));
    for args in [
        &["diff", "--offline"][..],
        &["diff", "--repo", ".", "--offline"],
        &["diff", ".", "--base", "main"],
        &["diff", "--repo", "https://git.example.org/x.git", "--base", "main", "--offline"],
        &["diff", "--repo", ".", "--base", "main", "--offline", "--full-url", "javascript:x"],
        &["diff", "--repo", ".", "--base", "main", "--offline", "--limit", "100"],
    ] {
        let output = repo.command(args, &[]).output().unwrap();
        ends(&output, 2);
    }
    let nothing = repo.command(&["diff", "--repo", ".", "--base", "main", "--offline"], &[]).output().unwrap();
    ends(&nothing, 0);
    let unknown =
        repo.command(&["diff", "--repo", ".", "--base", "origin/mian", "--offline", "--output", "markdown"], &[]);
    let unknown = { unknown }.output().unwrap();
    ends(&unknown, 3);
    let page = out(&unknown);
    assert!(page.starts_with("<!-- gitops-agent:diff offline path=. -->\n### There is no preview\n"), "{page}");
}
