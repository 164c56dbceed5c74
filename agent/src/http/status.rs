//! `/api/status` and `/metrics`: what the loop knows, for people and for monitors. AWS is not asked.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Front;

/// What the content of `/metrics` is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All sources and stacks.
pub async fn status(State(front): State<Arc<Front>>) -> Response {
    super::json(StatusCode::OK, &front.board.to_json())
}

/// All metrics.
pub async fn metrics(State(front): State<Arc<Front>>) -> Response {
    match front.board.exposition() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
