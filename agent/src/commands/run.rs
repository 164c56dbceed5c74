//! `agent run`: the agent itself.

use std::path::Path;

use agent_core::source::render::render_text;

use super::{Context, End};
use crate::{config, run};

/// Runs it.
pub async fn run(context: &Context<'_>, path: &Path) -> End {
    let config = match config::read(path) {
        Ok(config) => config,
        Err(bad) => {
            context.printer.result(&render_text(&bad.problems, &bad.sources, context.printer.coloured()));
            return End::Usage;
        }
    };
    match run::run(path, &config).await {
        Ok(()) => End::Done,
        Err(error) => {
            context.printer.error(&format!("signals cannot be received: {error}"), None);
            End::Failed
        }
    }
}
