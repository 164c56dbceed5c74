//! `/healthz` and `/readyz`. Healthy is who makes progress: a monitor that finds otherwise starts the agent anew. Ready is who
//! knows what to do: it says nothing of stacks, for an agent whose stack fails does its work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Front;

fn answer(word: &str, reasons: &[String]) -> Response {
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    super::json(status, &json!({ word: reasons.is_empty(), "reasons": reasons }))
}

/// Whether the loop, its passes and its readings of repositories make progress.
pub async fn healthy(State(front): State<Arc<Front>>) -> Response {
    answer("healthy", &front.board.stuck().into_iter().collect::<Vec<_>>())
}

/// The same, and whether rules are in force and each source was read once, or why it cannot be is known.
pub async fn ready(State(front): State<Arc<Front>>) -> Response {
    answer("ready", &front.board.stuck().into_iter().chain(front.board.unknown()).collect::<Vec<_>>())
}
