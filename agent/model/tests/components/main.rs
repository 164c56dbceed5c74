//! What manifests expand to, and what people are told when one is wrong. Everything here is pure: no AWS, no network.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::format_collect, clippy::missing_panics_doc, reason = "these are tests")]

mod connect;
mod containers;
mod distribution;
mod existing;
mod expansion;
mod files;
mod hello;
mod life;
mod nat;
mod nlb;
mod normal;
mod overrides;
mod planning;
mod problems;
mod references;
mod renames;
mod several;

use std::path::Path;

use agent_core::desired::Resource;
use agent_core::lookup::{Answer, Answers, Question};
use agent_core::manifest::{FileEntry, StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::expand::{Expanded, expand};
use serde_json::Value;

/// A header without faults.
pub const HEADER: &str = "[stack]\nname = \"um\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n";

/// A network, a load balancer and the beginning of a service that exposes itself.
pub const BASE: &str = "[network.main]\ncidr = \"10.20.0.0/16\"\n\n[load_balancer.edge]\nlisteners = { 80 = {} }\n";

/// What AWS would answer in eu-west-1.
pub fn answers() -> Answers {
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(str::to_owned).to_vec();
    let list = |name: &str, id: &str| (Question::ManagedPrefixList(name.into()), Answer::Id(id.into()));
    let (s3, s3_id) = list("com.amazonaws.eu-west-1.s3", "pl-6da54004");
    let (cloudfront, cloudfront_id) = list("com.amazonaws.global.cloudfront.origin-facing", "pl-4fa04526");
    Answers::offline().with(Question::Zones, Answer::Zones(zones)).with(s3, s3_id).with(cloudfront, cloudfront_id)
}

/// A stack of one text, expanded; or the rendered problems.
pub fn expanded(text: &str, answers: &Answers) -> Result<Expanded, String> {
    expanded_with(text, &[], answers)
}

/// A stack of one text with files beside it, by their paths, expanded; or the rendered problems.
pub fn expanded_with(text: &str, beside: &[(&str, &[u8])], answers: &Answers) -> Result<Expanded, String> {
    let all = [("stack.toml", text.as_bytes())].into_iter().chain(beside.iter().copied());
    let files = all.map(|(path, bytes)| (path.to_owned(), FileEntry::Bytes(bytes.to_vec()))).collect();
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let tree = StackFiles { files, ..StackFiles::default() };
    let manifest = load(&tree, "", &language(), &mut sources, &mut problems);
    let expanded = manifest.and_then(|manifest| expand(&manifest, answers, &mut problems));
    let text = render_text(&problems, &sources, false);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a control character reached the output");
    match expanded {
        Some(expanded) if problems.is_empty() => Ok(expanded),
        Some(_) => panic!("expanded although there are problems:\n{text}"),
        None => {
            assert!(!problems.is_empty(), "nothing was made, and nobody is told why");
            Err(text)
        }
    }
}

/// A sound stack of a header and this text, with AWS's answers.
pub fn made(text: &str) -> Expanded {
    expanded(&format!("{HEADER}\n{text}"), &answers()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The rendered problems of a stack of a header and this text.
pub fn refused(text: &str) -> String {
    match expanded(&format!("{HEADER}\n{text}"), &answers()) {
        Ok(_) => panic!("nothing was found to be wrong"),
        Err(problems) => problems,
    }
}

/// The example stack of that name.
pub fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests").join(name).join("stack.toml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The spec at an address.
pub fn spec(resources: &[Resource], address: &str) -> Value {
    let found = resources.iter().find(|resource| resource.address.as_str() == address);
    found.unwrap_or_else(|| panic!("there is no {address}")).spec.value()
}

/// All addresses.
pub fn addresses(resources: &[Resource]) -> Vec<&str> {
    resources.iter().map(|resource| resource.address.as_str()).collect()
}

/// Snapshots without the expression in their head.
#[macro_export]
macro_rules! snapshot {
    ($text:expr) => {{
        let text: String = $text;
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(text) })
    }};
}
