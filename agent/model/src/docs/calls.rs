//! `docs/calls.md`: what looking at AWS costs in calls.

use std::fmt::Write as _;

use agent_core::cost::{self, Line, Process, Read};
use agent_core::desired::Desired;
use agent_core::lookup::Question;

const HEAD: &str = "\
<!-- Made from the types in agent/model/src/kinds: `UPDATE_DOCS=1 cargo test -p agent-model --test docs` writes it anew. -->

# API calls

What a pass asks AWS for, before it changes anything. A pass over a stack without changes makes these calls and no other; a test holds
the table to the calls on the wire, in a fresh process and in one that goes on. They go out in five rounds at most: in each, everything
that needs no answer of the same round is asked at once. (Six, where a load balancer of the stack was adopted under a name of its own.)

Answers come in pages (of 100 to 1,000 resources): each further page is a call more. Where AWS has no filter by tag (ECS, Elastic Load
Balancing), resources of others count too: of an account with more than a hundred active task definitions the families are listed (one
call), and the revisions of each family of the stack (one call each). What a stack has of retired resources counts until they are gone.
References to another stack cost the lists of the kinds that they name, and of those that these are found through, once for each stack.

Where a role is taken on for a stack (`[[role]]`, [accounts.md](accounts.md)), its credentials are of one revision: sts:AssumeRole and
sts:GetCallerIdentity are asked once for each revision that changes something for the stack, and sts:AssumeRole again every hour.

";

/// A stack as an example: what it wants, and what its expansion asks.
pub struct Example {
    /// What it wants.
    pub desired: Desired,
    /// What has to be known for that.
    pub questions: Vec<Question>,
}

/// The page, with stacks as its examples.
pub fn page(examples: &[Example]) -> String {
    let table = crate::kinds::table();
    let lines_of = |example: &Example| {
        let of = |process| cost::of_pass(&table, &example.desired, &example.questions, process);
        (of(Process::Fresh), of(Process::Running))
    };
    let costs: Vec<(Vec<Line>, Vec<Line>)> = examples.iter().map(lines_of).collect();
    let mut out = HEAD.to_owned();
    out.push_str(
        "The last columns are those of the example stacks: in a fresh process, and in the same process again.\n\n",
    );
    let head: Vec<String> = examples
        .iter()
        .map(|one| format!("`{}` ({} resources) | again", one.desired.stack, one.desired.resources.len()))
        .collect();
    let _ = writeln!(out, "| kind | AWS action | calls | {} |", head.join(" | "));
    let _ = writeln!(out, "|---|---|---|{}", "---|---|".repeat(examples.len()));
    let calls = |lines: &[Line], read: &Read| -> usize {
        lines.iter().filter(|line| line.read == *read).map(|line| line.calls).sum()
    };
    let mut rows = cost::reads(table.iter());
    for read in examples.iter().flat_map(|one| &one.questions).flat_map(Question::reads) {
        if !rows.iter().any(|(_, held)| *held == read) {
            rows.push((Vec::new(), read));
        }
    }
    for (kinds, read) in rows {
        let of = if kinds.is_empty() { "*the pass*".to_owned() } else { kinds.join(", ") };
        let cells = costs.iter().map(|(fresh, again)| format!("{} | {}", calls(fresh, &read), calls(again, &read)));
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(out, "| {of} | {} | {} | {} |", read.action, read.words(), cells.join(" | "));
    }
    let sum = |lines: &[Line]| -> usize { lines.iter().map(|line| line.calls).sum() };
    let sums: Vec<String> =
        costs.iter().map(|(fresh, again)| format!("**{}** | **{}**", sum(fresh), sum(again))).collect();
    let _ = writeln!(out, "| **all** | | | {} |", sums.join(" | "));
    out
}
