//! `agent run`: the agent itself.

use std::path::Path;

use super::{End, bad_config};
use crate::http::Unanswering;
use crate::printer::Printer;
use crate::{config, run};

/// The configuration that is read when none is named.
pub const CONFIG: &str = "/etc/gitops-agent/agent.toml";

/// Runs it.
pub async fn run(printer: &Printer, path: Option<&Path>) -> End {
    let path = path.unwrap_or(Path::new(CONFIG));
    let config = match config::read(path) {
        Ok(config) => config,
        Err(bad) => return bad_config(printer, &bad),
    };
    match run::run(path, &config).await {
        Ok(()) => End::Done,
        Err(run::Failed::Rules(error)) => {
            printer.error(&error.to_string(), error.hint().as_deref());
            // The unit starts nothing again that is wrong in itself.
            if error.may_pass() { End::Failed } else { End::Usage }
        }
        Err(run::Failed::Http(error)) => {
            printer.error(&error.to_string(), Some(error.hint()));
            if matches!(error, Unanswering::NotListening { .. }) { End::Failed } else { End::Usage }
        }
        Err(run::Failed::Signals(error)) => {
            printer.error(&format!("signals cannot be received: {error}"), None);
            End::Failed
        }
    }
}
