//! The binary `agent`: what talks to people, Git and the host. What it does with AWS is decided in `agent-core`.

mod audit;
mod cli;
mod commands;
mod config;
mod git;
mod http;
mod load;
mod metrics;
mod order;
mod policy;
mod printer;
mod run;
mod sandbox;
mod session;
mod show;

use std::process::ExitCode;

use clap::Parser;

/// A large stack is millions of small values, for which the allocator of glibc takes a third of the time of `agent validate`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The children come before everything else: they have neither a runtime nor the agent's environment.
    match std::env::args_os().nth(1) {
        Some(first) if first == git::child::ARGUMENT => return git::child::child_main(),
        Some(first) if first == policy::ARGUMENT => return policy::child_main(),
        _ => {}
    }
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Where even this cannot be printed, the exit code still tells.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    printer::start_log(cli.global.verbose, cli.global.color, matches!(cli.command, cli::Command::Run));
    let printer = printer::Printer::new(cli.global.color);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.error(&format!("the runtime could not be started: {error}"), None);
            return ExitCode::from(3);
        }
    };
    runtime.block_on(commands::run(cli, &printer))
}
