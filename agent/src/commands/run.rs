//! `agent run`: the agent itself.

use std::path::Path;

use tracing::error;

use super::{End, bad_config};
use crate::http::Unanswering;
use crate::printer::{Printer, logs_for_systemd};
use crate::{config, run};

/// The configuration that is read when none is named.
pub const CONFIG: &str = "/etc/gitops-agent/agent.toml";

/// Runs it. Why it does not begin is in the log under systemd, where an error is found as one.
pub async fn run(printer: &Printer, path: Option<&Path>) -> End {
    let path = path.unwrap_or(Path::new(CONFIG));
    let config = match config::read(path) {
        Ok(config) => config,
        Err(bad) if logs_for_systemd() => {
            run::tell_of(&bad);
            return End::Usage;
        }
        Err(bad) => return bad_config(printer, &bad),
    };
    let Err(failed) = run::run(path, &config).await else { return End::Done };
    let hint = failed.hint();
    if logs_for_systemd() {
        error!(help = hint.as_deref(), "{failed}");
    } else {
        printer.error(&failed.to_string(), hint.as_deref());
    }
    match failed {
        run::Failed::Signals(_) | run::Failed::Http(Unanswering::NotListening { .. }) => End::Failed,
        // The unit starts nothing again that is wrong in itself.
        run::Failed::Rules(error) if error.may_pass() => End::Failed,
        run::Failed::Rules(_) | run::Failed::Http(_) => End::Usage,
    }
}
