//! What people see when a manifest is wrong: one snapshot of the rendered problems per situation, and the properties
//! that hold for any input. The component types here belong to these tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::format_collect, clippy::missing_panics_doc, reason = "these are tests")]

mod decoding;
mod files;
mod findings;
mod language;
mod manifests;
mod overlays;
mod properties;
mod reading;
mod rendering;

use agent_core::manifest::{FileEntry, Manifest, StackFiles, load};
use agent_core::source::{Problems, Sources, render_text};

/// A header without faults.
pub const HEADER: &str = "[stack]\nname = \"um\"\nregion = \"eu-west-1\"\n";

/// A tree of files given as text.
pub fn tree(files: &[(&str, &str)]) -> StackFiles {
    bytes_tree(&files.iter().map(|(path, text)| (*path, text.as_bytes())).collect::<Vec<_>>())
}

/// A tree of files given as bytes.
pub fn bytes_tree(files: &[(&str, &[u8])]) -> StackFiles {
    let entries = files.iter().map(|(path, data)| ((*path).to_owned(), FileEntry::Bytes(data.to_vec())));
    StackFiles { files: entries.collect(), ..StackFiles::default() }
}

/// Loads the stack at the root of the tree.
pub fn load_tree(tree: &StackFiles) -> (Option<Manifest>, Problems, Sources) {
    let (mut sources, mut problems) = (Sources::new(), Problems::new());
    let manifest = load(tree, "", &language::language(), &mut sources, &mut problems);
    (manifest, problems, sources)
}

/// The rendered problems of a tree that has some.
pub fn shown(tree: &StackFiles) -> String {
    let (_, problems, sources) = load_tree(tree);
    assert!(!problems.is_empty(), "nothing was found to be wrong");
    let text = render_text(&problems, &sources, false);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a control character reached the output");
    text
}

/// The rendered problems of a stack whose `stack.toml` is a sound header and this text.
pub fn after_header(text: &str) -> String {
    shown(&tree(&[("stack.toml", &format!("{HEADER}\n{text}"))]))
}

/// Snapshots of rendered problems, without the expression in their head.
#[macro_export]
macro_rules! snapshot {
    ($text:expr) => {{
        let text: String = $text;
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(text) })
    }};
}
