use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::{IntoResponse, Response};
use onecommit_environment::Timestamp;
use serde_json::{Map, Value, json};

use super::flight::Outcome;
use crate::body::Json;

/// The answer to one request for the health.
pub(super) struct Report {
    pub(super) timestamp: Timestamp,
    pub(super) version: &'static str,
    pub(super) checks: Vec<CheckReport>,
}

pub(super) struct CheckReport {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    pub(super) outcome: Outcome,
}

impl Report {
    /// Degraded is 200 as well: taking instances out of a load balancer because something optional is down would turn less
    /// than everything into nothing.
    fn status(&self) -> (StatusCode, &'static str) {
        let is_down = |check: &&CheckReport| check.outcome.result.is_err();
        let mut down = self.checks.iter().filter(is_down).peekable();
        match (down.peek().is_some(), down.any(|check| check.is_required)) {
            (false, _) => (StatusCode::OK, "healthy"),
            (true, false) => (StatusCode::OK, "degraded"),
            (true, true) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.status().0 == StatusCode::OK
    }

    fn checks(&self) -> Map<String, Value> {
        let shown = |check: &CheckReport| (check.name.to_owned(), check.outcome.to_json());
        self.checks.iter().map(shown).collect()
    }
}

impl Outcome {
    fn to_json(self) -> Value {
        let latency_ms = u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX);
        let mut shown = json!({"status": "healthy", "latencyMs": latency_ms});
        if let Err(failure) = self.result {
            shown["status"] = json!("unhealthy");
            shown["error"] = json!(failure.kind());
        }
        if self.is_stale {
            shown["stale"] = json!(true);
        }
        shown
    }
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        let (status, word) = self.status();
        let body = json!({
            "status": word, "timestamp": self.timestamp.to_string(), "version": self.version, "checks": self.checks(),
        });
        let mut response = (status, Json(body)).into_response();
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
