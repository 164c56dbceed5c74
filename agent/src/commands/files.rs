//! `agent files`: inside a task, what `agent-files` does there.

use std::ffi::OsString;

use super::{Context, End};

/// Runs it.
pub fn run(context: &Context<'_>, arguments: &[OsString]) -> End {
    match agent_files::program::run(arguments, &|name| std::env::var_os(name)) {
        Ok(said) => {
            if !said.is_empty() {
                context.printer.result(said.trim_end());
            }
            End::Done
        }
        Err(problem) => {
            context.printer.error(&problem.to_string(), None);
            End::Failed
        }
    }
}
