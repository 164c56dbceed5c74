//! The program that unpacks config files inside a task; all of it is in the library.

use std::io::Write;
use std::process::ExitCode;

use agent_files::program;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    // When nobody reads what is said, there is nothing to be done about it.
    match program::run(&arguments, &|name| std::env::var_os(name)) {
        Ok(said) => {
            let _ = std::io::stdout().write_all(said.as_bytes());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "agent-files: {problem}");
            ExitCode::FAILURE
        }
    }
}
