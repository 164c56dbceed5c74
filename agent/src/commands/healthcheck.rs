//! `agent healthcheck`: asks the running agent whether it is well.

use std::path::Path;

use super::{End, bad_config};
use crate::config;
use crate::http::ask::ask;
use crate::printer::Printer;

/// Asks at the first address of the configuration. What else is wrong with that is no illness of an agent that runs: it goes on with
/// the one before.
pub async fn run(printer: &Printer, path: Option<&Path>) -> End {
    let http = match config::read_http(path.unwrap_or(Path::new(super::run::CONFIG))) {
        Ok(http) => http,
        Err(bad) => return bad_config(printer, &bad),
    };
    let addresses = http.addresses();
    let Some(address) = addresses.first() else {
        printer.error("the agent answers nowhere", Some("add `listen = \"127.0.0.1:9321\"` to `[http]`"));
        return End::Usage;
    };
    match ask(address, "/healthz").await {
        Ok((200, _)) => End::Done,
        Ok((status, body)) => {
            printer.error(&format!("the agent at {address} answers {status}: {}", body.trim()), None);
            End::Findings
        }
        Err(error) => {
            printer.error(&format!("the agent at {address} does not answer: {error}"), None);
            End::Findings
        }
    }
}
