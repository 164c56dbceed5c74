//! What a pass costs in calls. People pay for them with time and with their account's rate limits, so each one is accounted
//! for: the table is a snapshot, and a change of it is a change of what users pay.

use crate::bench::name::Kind;
use crate::bench::record;
use crate::cli::{Bench, ends};
use crate::hello;

#[test]
fn a_pass_over_hello_without_changes_reads_what_the_table_says_and_writes_nothing() {
    // A name and a region of its own: the emulator is shared.
    let text = hello::TEXT.replace("name    = \"hello\"", "name    = \"calls\"").replace("eu-west-1", "eu-central-1");
    let bench = Bench::new();
    let revision = bench.commit(&text);
    ends(&bench.at("apply", &revision), 0);
    let before = bench.proxy.wire().calls().len();
    ends(&bench.at("apply", &revision), 0);
    let pass = bench.proxy.wire().calls().split_off(before);
    assert!(pass.iter().all(|call| call.name.kind == Kind::Read), "{}", record::table(&pass));
    assert!(pass.len() <= 40, "{} calls\n{}", pass.len(), record::table(&pass));
    println!("{} calls in {} rounds of dependent reads", pass.len(), record::rounds(&pass));
    insta::assert_snapshot!(calls(&pass));
    ends(&bench.agent(&["destroy", "--repo", ".", "--rev", &revision, "--yes", "--removals", "10"]), 0);
}

/// Calls by service and action, without what depends on how they happened to overlap.
fn calls(pass: &[record::Call]) -> String {
    let table = record::table(pass);
    let lines: Vec<&str> = table.lines().filter(|line| !line.contains(" rounds")).collect();
    format!("{}\n{} calls", lines.join("\n"), pass.len())
}
