//! `agent graph`: who names whom.

use std::fmt::Write;

use super::{Context, End};
use crate::cli::{From, Output};
use crate::load::offline;

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From) -> End {
    let (_, mut stacks) = match context.load(from).await {
        Ok(loaded) => loaded,
        Err(end) => return end,
    };
    let kinds = agent_model::kinds::table();
    for stack in &mut stacks {
        let Some((desired, _)) = offline(stack) else { continue };
        let mut edges = std::collections::BTreeSet::new();
        for address in desired.resources.keys() {
            let named = desired.graph.edges(address).iter().map(|edge| (edge.to.clone(), edge.path.clone()));
            let hidden = kinds.get(address.kind()).map(|kind| (kind.also_after)(address, &desired.graph));
            let hidden = hidden.into_iter().flatten().map(|after| (after.address, String::new()));
            edges.extend(named.chain(hidden).map(|(to, path)| (address.clone(), to, path)));
        }
        if context.output == Output::Json {
            context.printer.result(&super::pretty(&serde_json::json!(edges)));
            continue;
        }
        let mut out = format!("digraph \"{}\" {{\n  rankdir = LR\n", stack.name());
        for address in desired.resources.keys() {
            let _ = writeln!(out, "  \"{address}\"");
        }
        for (from, to, path) in edges {
            let style = if path.is_empty() { "style = dashed" } else { "" };
            let _ = writeln!(out, "  \"{from}\" -> \"{to}\" [label = \"{path}\" {style}]");
        }
        out.push('}');
        context.printer.result(&out);
    }
    if stacks.iter().any(|stack| !stack.problems.is_empty()) {
        context.problems(&stacks);
        return End::Findings;
    }
    End::Done
}
