//! Stacks over others: what is merged how, and what is wrong when it cannot be.

use agent_core::manifest::{Declaration, Manifest, StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};
use serde_json::json;

use crate::language::language;
use crate::{snapshot, tree};

const BASE: &str = r#"
[stack]
name = "um"
account = "123456789012"
region = "eu-west-1"
tags = { owner = "team-um", stage = "prod" }

[stack.allow]
delete = ["service.web"]
removals = 2

[service.web]
image = "web:1"
memory = 512
env = { A = "1", B = "2" }
expose = [{ load_balancer = "edge", listener = 443 }, { load_balancer = "edge", listener = 80 }]

[service.batch]
image = "batch:1"
memory = 512

[network.main]
"#;

const OVER: &str = r#"
[stack]
name = "um-acceptance"
extends = "../um"
region = "eu-north-1"
tags = { stage = "acceptance" }
"#;

fn loaded(files: &StackFiles, dir: &str) -> (Option<Manifest>, Problems, Sources) {
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let manifest = load(files, dir, &language(), &mut sources, &mut problems);
    (manifest, problems, sources)
}

fn sound(files: &StackFiles, dir: &str) -> Manifest {
    let (manifest, problems, sources) = loaded(files, dir);
    assert!(problems.is_empty(), "{}", render_text(&problems, &sources, false));
    manifest.unwrap()
}

fn refused(files: &[(&str, &str)], dir: &str) -> String {
    let (_, problems, sources) = loaded(&tree(files), dir);
    assert!(!problems.is_empty(), "nothing was found to be wrong");
    render_text(&problems, &sources, false)
}

fn over(text: &str) -> Vec<(&'static str, String)> {
    vec![("um/stack.toml", BASE.to_owned()), ("acceptance/stack.toml", format!("{OVER}\n{text}"))]
}

fn refused_over(text: &str) -> String {
    let files = over(text);
    refused(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>(), "acceptance")
}

fn sound_over(text: &str) -> Manifest {
    let files = over(text);
    sound(&tree(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>()), "acceptance")
}

#[test]
fn tables_are_merged_to_the_bottom_and_all_else_is_replaced() {
    let manifest = sound_over(
        "[service]\nbatch = false\n[service.web]\nmemory = 1024\nenv = { B = \"3\", C = \"4\" }\n\
         expose = [{ load_balancer = \"edge\", listener = 8443 }]\n[service.extra]\nimage = \"x:1\"\nmemory = 512\n",
    );
    let names: Vec<String> = manifest.components.iter().map(Declaration::address).collect();
    assert_eq!(names, ["service.web", "service.extra", "network.main"]);
    let web = manifest.component("service", "web").unwrap();
    assert!(web.sound);
    let expected = json!({
        "image": "web:1",
        "memory": 1024,
        "env": { "A": "1", "B": "3", "C": "4" },
        "expose": [{ "load_balancer": "edge", "listener": 8443 }],
    });
    assert_eq!(web.node.to_json(), expected);
}

#[test]
fn a_header_is_handed_on_key_by_key_but_for_name_and_what_may_be_deleted() {
    let manifest = sound_over("");
    assert_eq!(manifest.stack.name, "um-acceptance");
    assert_eq!(manifest.stack.region, "eu-north-1");
    assert_eq!(manifest.stack.account.as_deref(), Some("123456789012"));
    assert_eq!(
        manifest.stack.tags,
        [("owner", "team-um"), ("stage", "acceptance")].map(|(k, v)| (k.into(), v.into())).into()
    );
    assert_eq!(manifest.stack.allow.removals, 0, "what the base may delete is the base's word");
    assert!(manifest.stack.allow.delete.is_empty());
}

/// What AWS holds has one owner, and that is the base.
#[test]
fn what_the_base_adopts_is_not_handed_on() {
    let adopting =
        BASE.replace("[network.main]", "[network.main]\nprotect = true\nadopt = { \"ec2.vpc\" = \"vpc-1\" }");
    let files = tree(&[("um/stack.toml", &adopting), ("acceptance/stack.toml", OVER)]);
    let own = sound(&files, "acceptance");
    let network = own.component("network", "main").unwrap();
    assert!(network.common.adopt.is_empty());
    assert_eq!(network.common.protect, Some(true));
    assert_eq!(sound(&files, "um").component("network", "main").unwrap().common.adopt["ec2.vpc"], "vpc-1");
}

#[test]
fn the_last_of_a_type_can_be_taken_away_in_either_spelling() {
    for text in ["[network]\nmain = false\n", "network.main = false\n"] {
        let text = if text.starts_with('[') { format!("{OVER}\n{text}") } else { format!("{text}{OVER}") };
        let manifest = sound(&tree(&[("um/stack.toml", BASE), ("acceptance/stack.toml", &text)]), "acceptance");
        assert!(manifest.component("network", "main").is_none());
        assert!(manifest.component("service", "web").is_some());
    }
}

#[test]
fn a_value_of_false_below_a_component_is_a_value() {
    let manifest = sound_over("[service.web]\nprotect = false\n");
    assert_eq!(manifest.component("service", "web").unwrap().common.protect, Some(false));
}

#[test]
fn an_overlay_may_stand_on_an_overlay_and_have_again_what_that_took_away() {
    let middle = "[stack]\nname = \"middle\"\nextends = \"../um\"\n[service]\nweb = false\n";
    let top = "[stack]\nname = \"top\"\nextends = \"../middle\"\n[service.web]\nimage = \"new:1\"\nmemory = 512\n";
    let files = tree(&[("um/stack.toml", BASE), ("middle/stack.toml", middle), ("top/stack.toml", top)]);
    let web = sound(&files, "top").component("service", "web").unwrap().node.to_json();
    assert_eq!(web, json!({ "image": "new:1", "memory": 512 }), "nothing of the old one is left");
    assert!(sound(&files, "middle").component("service", "web").is_none());
}

/// A key names files beside the manifest that it stands in, and an overlay may stand in the folder of its base.
#[test]
fn files_are_looked_for_beside_the_manifest_that_names_them() {
    for (base, own, extends) in [("um", "acceptance", "../um"), ("um", "um/acceptance", ".."), ("", "acceptance", "..")]
    {
        let at = |dir: &str, file: &str| if dir.is_empty() { file.to_owned() } else { format!("{dir}/{file}") };
        let over = OVER.replace("../um", extends) + "[service.web.env]\nB = \"app.yaml\"\n";
        let files = [
            (at(base, "stack.toml"), BASE.replace("A = \"1\"", "A = \"app.yaml\"")),
            (at(base, "app.yaml"), "of the base".to_owned()),
            (at(own, "stack.toml"), over),
            (at(own, "app.yaml"), "of the overlay".to_owned()),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let manifest = sound(&tree(&files), own);
        let web = manifest.component("service", "web").unwrap();
        let named = |key: &str| manifest.files.named(&web.locate(&["env", key]), "app.yaml").unwrap();
        assert_eq!(named("A"), b"of the base");
        assert_eq!(named("B"), b"of the overlay");
    }
}

#[test]
fn a_base_in_no_folder() {
    snapshot!(refused(&[("um/stack.toml", BASE), ("a/stack.toml", &OVER.replace("../um", "../umm"))], "a"));
}

#[test]
fn a_base_outside_of_what_was_read() {
    snapshot!(refused(&[("stack.toml", OVER)], ""));
}

#[test]
fn bases_that_are_no_folders() {
    let all = ["", "/etc/um", "~/um", "..\\um"].map(|base| {
        refused(&[("um/stack.toml", BASE), ("a/stack.toml", &OVER.replace("\"../um\"", &format!("'{base}'")))], "a")
    });
    snapshot!(all.join("\n"));
}

#[test]
fn a_base_of_the_wrong_type() {
    snapshot!(refused(&[("a/stack.toml", &OVER.replace("\"../um\"", "1"))], "a"));
}

#[test]
fn a_stack_that_extends_itself() {
    snapshot!(refused(&[("a/stack.toml", &OVER.replace("../um", "../a"))], "a"));
}

#[test]
fn stacks_that_extend_each_other() {
    let base = BASE.replace("name = \"um\"", "name = \"um\"\nextends = \"../a\"");
    snapshot!(refused(&[("um/stack.toml", &base), ("a/stack.toml", OVER)], "a"));
}

#[test]
fn too_many_stacks_on_one_another() {
    let paths: Vec<String> = (0..12).map(|n| format!("s{n}/stack.toml")).collect();
    let texts: Vec<String> = (0..12)
        .map(|n| format!("[stack]\nname = \"s{n}\"\nregion = \"eu-west-1\"\nextends = \"../s{}\"\n", n + 1))
        .collect();
    let files: Vec<(&str, &str)> =
        paths.iter().zip(&texts).map(|(path, text)| (path.as_str(), text.as_str())).collect();
    snapshot!(refused(&files, "s0"));
}

#[test]
fn an_overlay_without_a_name_of_its_own() {
    let nameless = OVER.replace("name = \"um-acceptance\"\n", "");
    snapshot!(refused(&[("um/stack.toml", BASE), ("a/stack.toml", &nameless)], "a"));
}

#[test]
fn an_overlay_with_the_name_of_its_base() {
    snapshot!(refused(&[("um/stack.toml", BASE), ("a/stack.toml", &OVER.replace("um-acceptance", "um"))], "a"));
}

#[test]
fn what_the_base_does_not_have_cannot_be_taken_away() {
    snapshot!(refused_over("[service]\nwbe = false\n[load_balancer]\nedge = false\n"));
}

#[test]
fn without_a_base_nothing_can_be_taken_away() {
    snapshot!(refused(&[("stack.toml", &format!("{BASE}\n[load_balancer]\nedge = false\n"))], ""));
}

#[test]
fn a_problem_in_the_base_is_shown_there_and_one_of_the_overlay_here() {
    let base = BASE.replace("memory = 512", "memoryy = 512");
    let over = format!("{OVER}\n[service.web]\nimagee = \"web:2\"\n");
    snapshot!(refused(&[("um/stack.toml", &base), ("a/stack.toml", &over)], "a"));
}

#[test]
fn a_base_that_cannot_be_read() {
    snapshot!(refused(&[("um/stack.toml", "[stack\n"), ("a/stack.toml", OVER)], "a"));
}

#[test]
fn a_megabyte_of_removals_ends() {
    let lines =
        |from: usize, value: &str| (from..from + 40_000).map(|n| format!("a{n} = {value}\n")).collect::<String>();
    let base = format!("{BASE}[dns]\n{}", lines(0, "{}"));
    let over = format!("{OVER}[dns]\n{}", lines(20_000, "false"));
    let (_, problems, _) = loaded(&tree(&[("um/stack.toml", &base), ("a/stack.toml", &over)]), "a");
    assert!(problems.len() >= 40_000, "{}", problems.len());
}

#[test]
fn the_same_twice_in_the_folder_of_an_overlay() {
    let files = [
        ("um/stack.toml", BASE),
        ("a/stack.toml", OVER),
        ("a/b.toml", "[service]\nweb = false\n"),
        ("a/c.toml", "[service.web]\nmemory = 1024\n"),
    ];
    snapshot!(refused(&files, "a"));
}
