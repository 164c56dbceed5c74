//! The child process of the agent's own binary that evaluates the rules. What the two say to each other, and what a bad answer
//! means, is in `agent-policy`; here the child is started and limited.

use std::process::ExitCode;
use std::time::Duration;

use agent_policy::child::{self, NoVerdict};
use agent_policy::judge::Ask;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::sandbox::{self, SandboxError};

/// The hidden argument that makes the agent's binary this child.
pub const ARGUMENT: &str = "__policy";
/// Memory and processor time of the child. It writes no file.
const SANDBOX: sandbox::Limits = sandbox::Limits { data_bytes: 512 << 20, cpu_seconds: 4, file_bytes: 0 };
/// How long the child has, its start included: whatever it does, there is a verdict within five seconds.
const WALL: Duration = Duration::from_millis(4500);

/// A child process for each question.
pub struct Child;

impl Child {
    /// Asks a new child, and gives its answer.
    pub async fn answer(question: Vec<u8>) -> Result<Vec<u8>, NoVerdict> {
        let answer = sandbox::spawn(ARGUMENT, question, WALL, child::MOST_BYTES).await;
        answer.map_err(|error| NoVerdict::Child(told(&error)))
    }
}

impl Ask for Child {
    fn ask(&self, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, NoVerdict>> {
        Self::answer(question).boxed()
    }
}

fn told(error: &SandboxError) -> String {
    format!("the rules were not evaluated: {}", error.full())
}

/// The child's whole life: limits itself, reads the question, answers. Fails only where it cannot answer at all.
pub fn child_main() -> ExitCode {
    sandbox::exit_of(live())
}

fn live() -> Result<(), String> {
    sandbox::limit_self(&SANDBOX).map_err(|error| format!("the limits cannot be set: {error}"))?;
    sandbox::end_after(WALL + Duration::from_secs(5));
    child::answer(std::io::stdin().lock(), std::io::stdout().lock())
}
