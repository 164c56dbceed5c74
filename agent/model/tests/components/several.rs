//! References to other stacks that cannot be followed.

use std::sync::Arc;

use agent_core::lookup::Answers;
use agent_core::manifest::{FileEntry, Manifest, StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::expand::{Others, expand_among};

use crate::snapshot;

fn loaded(text: &str, sources: &mut Sources, problems: &mut Problems) -> Option<Arc<Manifest>> {
    let files = [("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))].into();
    load(&StackFiles { files, ..StackFiles::default() }, "", &language(), sources, problems).map(Arc::new)
}

fn header(name: &str, account: &str, region: &str) -> String {
    format!("[stack]\nname = \"{name}\"\naccount = \"{account}\"\nregion = \"{region}\"\n")
}

/// The problems of a stack with these outputs, beside others.
fn refused(outputs: &[&str]) -> String {
    let platform = header("platform", "123456789012", "eu-west-1")
        + "[network.main]\ncidr = \"10.0.0.0/16\"\n[parameter.token]\ngenerate = true\n[parameter.broken]\nname = \"a b\"\n[database.main]\n"
        + "[parameter.greeting]\nrenamed_from = \"hello\"\nvalue = \"hi\"\n";
    let others = [
        platform,
        header("abroad", "123456789012", "us-east-1") + "[parameter.a]\nvalue = \"a\"\n",
        header("foreign", "999999999999", "eu-west-1") + "[parameter.a]\nvalue = \"a\"\n",
    ];
    let others: Vec<Arc<Manifest>> =
        others.iter().filter_map(|text| loaded(text, &mut Sources::new(), &mut Problems::new())).collect();
    assert_eq!(others.len(), 3);
    let texts: String = outputs.iter().enumerate().map(|(n, text)| format!("o{n} = \"{text}\"\n")).collect();
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let text = header("app", "123456789012", "eu-west-1") + "[parameter.own]\nvalue = \"x\"\n[outputs]\n" + &texts;
    let own = loaded(&text, &mut sources, &mut problems).unwrap();
    let others = Others::new(others.into_iter().chain([Arc::clone(&own)]));
    assert!(expand_among(&own, &others, &Answers::offline(), &mut problems).is_none());
    render_text(&problems, &sources, false)
}

#[test]
fn stacks_that_are_not_there() {
    snapshot!(refused(&["${stack:platfrom/network.main.vpc_id}", "${stack:zebra/network.main.vpc_id}"]));
}

#[test]
fn references_that_are_none() {
    snapshot!(refused(&[
        "${stack:platform}",
        "${stack:platform/network}",
        "${stack:/network.main.vpc_id}",
        "${stack:platform/network.main.}",
        "${stack:app/parameter.own.value}",
        "${stack:platform/network.main.vpc_id",
    ]));
}

#[test]
fn what_another_stack_does_not_have() {
    snapshot!(refused(&[
        "${stack:platform/network.mian.vpc_id}",
        "${stack:platform/network.main.vpc}",
        "${stack:platform/cluster.main.arn}",
        "${stack:platform/parameter.hello.value}",
    ]));
}

#[test]
fn what_another_stack_keeps_to_itself_or_has_wrong() {
    snapshot!(refused(&[
        "${stack:platform/parameter.token.value}",
        "${stack:platform/parameter.broken.arn}",
        "${stack:platform/database.main.host}",
    ]));
}

#[test]
fn stacks_of_other_accounts_and_regions() {
    snapshot!(refused(&["${stack:abroad/parameter.a.value}", "${stack:foreign/parameter.a.value}"]));
}

#[test]
fn without_other_stacks_none_can_be_meant() {
    snapshot!(crate::refused("[outputs]\na = \"${stack:platform/network.main.vpc_id}\"\n"));
}
