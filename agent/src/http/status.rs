//! `/api/status` and `/metrics`: what the loop knows, for people and for monitors. AWS is not asked.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Front;
use crate::metrics::classic;

/// What `/metrics` is for whoever asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All sources and stacks.
pub async fn status(State(front): State<Arc<Front>>) -> Response {
    super::json(StatusCode::OK, &front.board.to_json())
}

/// All metrics, in `OpenMetrics` for whoever asks for it, as Prometheus does.
pub async fn metrics(State(front): State<Arc<Front>>, asked: HeaderMap) -> Response {
    let Ok(text) = front.board.exposition() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut accepted = asked.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepted.any(|value| value.contains("application/openmetrics-text")) {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
    } else {
        ([(header::CONTENT_TYPE, classic::TYPE)], classic::classic(&text)).into_response()
    }
}
