//! The reference in `docs/`: that it is what the types say, and that the types say enough.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::missing_panics_doc, reason = "these are tests")]

mod calls;
mod files;
mod schema;

use std::collections::BTreeMap;

use agent_core::lookup::Answers;
use agent_core::manifest::{FileEntry, StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::expand::{Expanded, expand};

/// A header without faults.
pub const HEADER: &str = "[stack]\nname = \"um\"\naccount = \"123456789012\"\nregion = \"eu-west-1\"\n";

/// The codes of all that is wrong with a stack, and the problems as people see them.
pub fn codes(text: &str) -> (Vec<String>, String) {
    let (_, sources, problems) = expansion(text, &Answers::offline());
    (problems.iter().map(|problem| problem.code.to_string()).collect(), render_text(&problems, &sources, false))
}

fn expansion(text: &str, answers: &Answers) -> (Option<Expanded>, Sources, Problems) {
    let files = BTreeMap::from([("stack.toml".to_owned(), FileEntry::Bytes(text.as_bytes().to_vec()))]);
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let tree = StackFiles { files, ..StackFiles::default() };
    let manifest = load(&tree, "", &language(), &mut sources, &mut problems);
    let expanded = manifest.and_then(|manifest| expand(&manifest, answers, &mut problems));
    (expanded, sources, problems)
}
